"""Runs and senders on several hosts: only one works at a time, and one that stood still does not go on with its work.

Hosts are processes with a host name of their own that share no lock files, as separate machines do.
"""

import fcntl
import json
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Receiver, Receivers
from crash_desk import RULES, desk_copy, settings
from forked import NOON, Child, Ended, Fault, Trouble, run, start
from invariants import content, violations
from test_kills import ADDRESS, history

#: When the lease of a run has not run out, and when it has.
SOON, LATER = NOON + timedelta(minutes=1), NOON + timedelta(minutes=10)

TOOK_OVER = "stood still for so long that another check took over its work"


def on_host(name: str, *, slept: float = 0) -> Callable[[], None]:
    """Make a child a host of its own; it reads what is on this machine as of `slept` seconds ago."""

    def prepare() -> None:
        import slactl.clock

        found, uptime = os.uname(), slactl.clock.uptime
        os.uname = lambda: os.uname_result((found.sysname, name, *found[2:]))  # type: ignore[assignment]
        fcntl.flock = lambda *_: None  # type: ignore[assignment]
        slactl.clock.uptime = lambda: uptime() - slept

    return prepare


def check(folder: Path, host: str, *words: str, **options: Any) -> Ended:  # noqa: ANN401  (what `run` takes)
    return run(*settings(folder), "check", *words, before=on_host(host), **options)


def in_transaction(number: int, fault: Fault) -> Trouble:
    """Return trouble before the write transaction of this number; 0 is the one that takes the lease."""
    begun = -1

    def watch(_: sqlite3.Connection, operation: str) -> bool:
        nonlocal begun
        begun += operation == "BEGIN IMMEDIATE"
        return begun == number and operation == "BEGIN IMMEDIATE"

    return Trouble(watch=watch, fault=fault)


def stopped(folder: Path, trouble: Trouble, **options: Any) -> Child:  # noqa: ANN401
    """Start a check on the host alpha that stands still."""
    child = start(*settings(folder), "check", before=on_host("alpha"), trouble=trouble, **options)
    child.wait_until_stopped()
    return child


def rows(folder: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(folder / "slactl.db")) as connection:
        return connection.execute(query).fetchall()


def done(folder: Path) -> dict[str, list[str]]:
    """Return everything in a database but which hosts there are."""
    return {name: found for name, found in content(folder / "slactl.db").items() if name != "host"}


@pytest.fixture
def late() -> Iterator[Path]:
    """A desk with enough late tickets for two transactions."""
    with desk_copy() as folder:
        run(*settings(folder), "import", "-", stdin=history(120))
        yield folder


@pytest.mark.parametrize("number", [1, 2, 3])
def test_run_that_stood_still_notices_that_another_host_took_over(late: Path, number: int) -> None:
    with stopped(late, in_transaction(number, Fault.STOP)) as alpha:
        assert check(late, "beta", "-q", now=SOON) == Ended(75, "", "", [*check(late, "beta", now=SOON).operations])
        taken = check(late, "beta", now=LATER)
        assert taken.code == 0, taken.err
        before = done(late)
        alpha.send(signal.SIGCONT)
        ended = alpha.wait()
    assert (ended.code in (7, 75), TOOK_OVER in ended.err) == (True, True), (ended.code, ended.err)
    assert done(late) == before
    assert violations(late / "slactl.db", LATER, all_told=False) == []
    assert rows(late, "SELECT * FROM lease") == []


@pytest.mark.parametrize("number", [1, 2, 3])
def test_host_of_a_dead_run_does_not_wait_and_other_hosts_wait_for_the_end_of_its_lease(number: int) -> None:
    for host, now, code in (("beta", SOON, 75), ("alpha", SOON, 0), ("beta", LATER, 0)):
        with desk_copy() as folder:
            run(*settings(folder), "import", "-", stdin=history(120))
            killed = check(folder, "alpha", trouble=in_transaction(number, Fault.DEATH))
            assert killed.code == -signal.SIGKILL
            after = check(folder, host, now=now)
            assert after.code == code, after.err
            assert after.err.startswith("error: another check is running on alpha\nhint: slactl ") == (code == 75)
            assert violations(folder / "slactl.db", now, all_told=False) == []
            assert len(rows(folder, "SELECT * FROM lease")) == (code == 75)


def test_doctor_names_the_process_and_the_host_that_hold_the_lease(late: Path) -> None:
    def told(host: str) -> str:
        found = json.loads(run(*settings(late), "doctor", "--json", before=on_host(host), now=SOON).out)["checks"]
        return str(next(each["found"] for each in found if each["check"] == "run lock"))

    assert told("beta") == "free"
    with stopped(late, in_transaction(2, Fault.STOP)) as alpha:
        for host in ("alpha", "beta"):
            wanted = (
                f"held by process {alpha.pid} on alpha, which is running; if it dies, others wait until 2026-03-02T"
            )
            assert told(host).startswith(wanted)
    assert (told("alpha"), told("beta").startswith("held by process ")) == ("free", True)


def test_checks_of_two_hosts_that_overlap_do_what_one_does(late: Path) -> None:
    with desk_copy() as usual:
        run(*settings(usual), "import", "-", stdin=history(120))
        assert check(usual, "alpha").code == 0
        wanted = done(usual)
    running = [start(*settings(late), "check", before=on_host(host)) for host in ("alpha", "beta", "gamma")]
    ended = [child.wait() for child in running]
    assert {0} <= {each.code for each in ended} <= {0, 75}, ended
    assert done(late) == wanted
    assert violations(late / "slactl.db", NOON, all_told=False) == []


def test_idle_run_takes_no_lease_and_each_host_knows_the_state_of_its_own_rules_file(late: Path) -> None:
    for host in ("alpha", "beta"):
        (late / f"{host}.toml").write_text(RULES)
    operations = []
    for host in ("alpha", "beta", "alpha", "beta"):
        words = [*settings(late), "--rules", str(late / f"{host}.toml"), "check", "-q"]
        ended = run(*words, before=on_host(host))
        assert ended.code == 0, ended.err
        operations.append([each for each in ended.operations if each.startswith(("INSERT", "UPDATE", "DELETE"))])
    assert all(any("INTO lease" in each for each in written) for written in operations[:2])
    assert [[each[:16] for each in written] for written in operations[2:]] == [["INSERT INTO run "]] * 2


def told_desk(folder: Path, hook: Receiver, on_unknown: str) -> dict[str, str]:
    """Let a desk send what it has to say to a receiver, and have one thing to say; return the environment for that."""
    role = f'{ADDRESS}\non_unknown = "{on_unknown}"\n'
    (folder / "rules.toml").write_text(RULES.replace("[roles.desk]\n", role))
    environment = {"DESK_URL": hook.url}
    assert run(*settings(folder), "check", "--no-send", environment=environment).code == 0
    with closing(sqlite3.connect(folder / "slactl.db")) as connection, connection:
        connection.execute("UPDATE notification SET state = 'dropped', ended_at = next_try_at, next_try_at = NULL")
    # Without the address, `escalate` leaves its message to the next check.
    assert run(*settings(folder), "escalate", "1", "--reason", "help", now=NOON - timedelta(minutes=1)).code == 0
    return environment


def around(step: str, fault: Fault) -> Trouble:
    """Return trouble before the claim of a message, or after the message and before its result is recorded."""
    claimed, over = False, False

    def watch(_: sqlite3.Connection, operation: str) -> bool:
        nonlocal claimed, over
        is_claim = operation.startswith("UPDATE notification SET state = ") and "message_ids = json_set" in operation
        is_here = is_claim if step == "before" else claimed and operation.startswith("CONNECT")
        claimed, was_over, over = claimed or is_claim, over, over or is_here
        return is_here and not was_over

    return Trouble(watch=watch, fault=fault)


@pytest.mark.parametrize("kind", ["ok", "smtp"])
@pytest.mark.parametrize("on_unknown", ["resend", "hold"])
def test_run_killed_before_or_after_a_send_doubles_at_most_one_message(
    receiver: Receivers, kind: str, on_unknown: str
) -> None:
    for step in ("before", "after"):
        with desk_copy() as folder:
            hook = receiver(kind)
            environment = told_desk(folder, hook, on_unknown)
            killed = check(folder, "alpha", trouble=around(step, Fault.DEATH), environment=environment)
            assert (killed.code, len(hook.took)) == (-signal.SIGKILL, step == "after")
            after = check(folder, "alpha", environment=environment)
            is_held = (step, on_unknown) == ("after", "hold")
            assert after.code == (7 if is_held else 0), after.err
            assert len(hook.took) == 1 + ((step, on_unknown) == ("after", "resend"))
            assert len({*hook.ids}) == 1
            query = "SELECT state, claimed_by, claimed_until FROM notification WHERE state <> 'dropped'"
            assert rows(folder, query) == [("held" if is_held else "sent", None, None)]


@pytest.mark.parametrize(("on_unknown", "messages", "state"), [("resend", 2, "sent"), ("hold", 1, "held")])
def test_run_that_stood_still_does_not_overwrite_what_another_host_decided(
    receiver: Receivers, on_unknown: str, messages: int, state: str
) -> None:
    with desk_copy() as folder:
        hook = receiver("ok")
        environment = told_desk(folder, hook, on_unknown)
        with stopped(folder, around("after", Fault.STOP), environment=environment) as alpha:
            assert len(hook.took) == 1
            taken = check(folder, "beta", now=LATER, environment=environment)
            assert taken.code == (0 if state == "sent" else 7), taken.err
            query = "SELECT * FROM notification"
            before = rows(folder, query)
            alpha.send(signal.SIGCONT)
            ended = alpha.wait()
        assert (ended.code in (7, 75), TOOK_OVER in ended.err) == (True, True), (ended.code, ended.err)
        assert rows(folder, query) == before
        assert len(hook.took) == messages
        assert rows(folder, "SELECT state FROM notification WHERE state <> 'dropped'") == [(state,)]


def test_run_that_stood_still_leaves_a_message_to_the_host_that_is_sending_it(receiver: Receivers) -> None:
    with desk_copy() as folder:
        hook = receiver("slow")
        environment = told_desk(folder, hook, "resend")
        with stopped(folder, around("after", Fault.STOP), environment=environment) as alpha:
            with hook.held():
                beta = start(*settings(folder), "check", before=on_host("beta"), now=LATER, environment=environment)
                while len(hook.took) < 2:
                    pass
                before = rows(folder, "SELECT * FROM notification")
                alpha.send(signal.SIGCONT)
                ended = alpha.wait()
                assert (ended.code in (7, 75), TOOK_OVER in ended.err) == (True, True), (ended.code, ended.err)
                assert rows(folder, "SELECT * FROM notification") == before
            ended = beta.wait()
        assert ended.code == 0, ended.err
        assert rows(folder, "SELECT state FROM notification WHERE state <> 'dropped'") == [("sent",)]
        assert (len(hook.took), len({*hook.ids})) == (2, 1)


def test_sender_whose_machine_slept_after_the_claim_sends_nothing(receiver: Receivers) -> None:
    with desk_copy() as folder:
        hook = receiver("ok")
        environment = told_desk(folder, hook, "resend")
        asleep = on_host("alpha", slept=600)
        ended = run(*settings(folder), "check", before=asleep, environment=environment)
        assert (ended.code, "the sender stood still for too long; next try at" in ended.err) == (7, True), ended.err
        assert hook.took == []
        assert check(folder, "alpha", now=LATER, environment=environment).code == 0
        assert len(hook.took) == 1


@pytest.mark.parametrize(("on_unknown", "state"), [("resend", "waiting"), ("hold", "held")])
def test_claim_names_the_sender_and_a_sender_that_is_killed_leaves_an_unknown_outcome(
    receiver: Receivers, on_unknown: str, state: str
) -> None:
    with desk_copy() as folder:
        hook = receiver("slow")
        environment = told_desk(folder, hook, on_unknown)
        with hook.held():
            child = start(*settings(folder), "check", before=on_host("alpha"), environment=environment)
            while not hook.took:
                pass
            [(claimed_by,)] = rows(folder, "SELECT claimed_by FROM notification WHERE state = 'sending'")
            assert b"sender.py" in Path(f"/proc/{claimed_by.split()[0]}/cmdline").read_bytes()
            os.kill(int(claimed_by.split()[0]), signal.SIGKILL)
            ended = child.wait()
        assert ended.code == 7
        assert "the sender ended without an answer" in ended.err
        assert rows(folder, "SELECT state FROM notification WHERE state <> 'dropped'") == [(state,)]
