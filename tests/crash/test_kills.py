"""Killed at any moment, again and again: no level fires twice, nothing acknowledged is lost, the rest is done later."""

import fcntl
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Receivers
from crash_desk import RULES, desk_copy, settings
from forked import NOON, Child, Trouble, run, start
from invariants import content, violations

#: A message to a machine on which a test listens.
ADDRESS = '[roles.desk]\nnotify = ["${env:DESK_URL}"]'


def history(count: int) -> str:
    """So many tickets, each with a reply, and each late with something by noon."""
    return "".join(
        f'{{"ticket": "K-{number}", "at": "2026-03-02T0{6 + number % 3}:00:00Z", "type": "created"}}\n'
        f'{{"ticket": "K-{number}", "at": "2026-03-02T09:00:{number % 60:02}Z", "type": "agent_reply"}}\n'
        for number in range(count)
    )


def lifetime(*arguments: str, **options: object) -> float:
    """How long a command takes that nobody kills, in seconds."""
    began = time.monotonic()
    ended = run(*arguments, **options)
    assert ended.code == 0, ended.err
    return time.monotonic() - began


def killed(child: Child, seconds: float) -> bool:
    """Kill a child after so many seconds; whether it was not through already."""
    time.sleep(seconds)
    child.send(signal.SIGKILL)
    return child.wait().code == -signal.SIGKILL


def moments(count: int, whole: float) -> Sequence[float]:
    """Moments from the beginning of a command to a little after its usual end, in any order."""
    dice = random.Random(count)
    found = [1.1 * whole * (number + dice.random()) / count for number in range(count)]
    dice.shuffle(found)
    return found


def kill_checks(count: int) -> None:
    """A run is killed; when all is done, it is exactly what one run does that nobody kills."""
    with desk_copy() as usual:
        run(*settings(usual), "import", "-", stdin=history(40))
        whole = lifetime(*settings(usual), "check")
        after, kills = content(usual / "slactl.db"), 0
        for moment in moments(count, whole):
            with desk_copy() as folder:
                run(*settings(folder), "import", "-", stdin=history(40))
                kills += killed(start(*settings(folder), "check"), moment)
                assert violations(folder / "slactl.db", NOON, all_told=False) == []
                last = run(*settings(folder), "check")
                assert last.code == 0, last.err
                assert content(folder / "slactl.db") == after
        assert kills > 0


def kill_imports(count: int, tickets: int) -> None:
    """One database, one file, killed again and again until it is in; the first time when a part of it is."""
    with desk_copy() as usual, desk_copy() as folder:
        lines = history(tickets)
        whole = lifetime(*settings(usual), "import", "-", stdin=lines)
        part = Trouble(watch=second_batch())
        kills = int(run(*settings(folder), "import", "-", stdin=lines, trouble=part).code == -signal.SIGKILL)
        assert 0 < imported(folder) < tickets
        for moment in sorted(moments(count, whole)):
            kills += killed(start(*settings(folder), "import", "-", stdin=lines), moment)
            assert imported(folder) <= tickets
            if kills % 10 == 1:
                assert violations(folder / "slactl.db", NOON) == []
        last = run(*settings(folder), "import", "-", stdin=lines)
        assert last.code == 0, last.err
        assert content(folder / "slactl.db") == content(usual / "slactl.db")
        assert violations(folder / "slactl.db", NOON) == []
        assert kills > 1


def second_batch() -> Callable[[sqlite3.Connection, str], bool]:
    """Trouble at the second transaction that writes tickets."""
    commits = 0

    def watch(connection: sqlite3.Connection, operation: str) -> bool:
        nonlocal commits
        commits += operation == "COMMIT" and connection.in_transaction
        return commits > 1 and operation.startswith("INSERT INTO timer")

    return watch


def imported(folder: Path) -> int:
    """How many tickets of the file are in; none is twice."""
    with closing(sqlite3.connect(folder / "slactl.db")) as connection:
        query = "SELECT count(*), count(DISTINCT external_id) FROM ticket WHERE external_id LIKE 'K-%'"
        count, different = connection.execute(query).fetchone()
    assert count == different
    return int(count)


def wait_for_sender(folder: Path) -> None:
    """Until the sender of a run that was killed is through: it holds the run's lock."""
    with open(folder / "slactl.db.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)


def kill_senders(count: int, receiver: Receivers) -> None:
    """Every message goes out, and only one that was on its way at a kill goes out twice."""
    with desk_copy() as folder:
        (folder / "rules.toml").write_text(RULES.replace("[roles.desk]", ADDRESS))
        hook, kills = receiver("ok"), 0
        new = [f'{{"ticket": "S-{n}", "at": "2026-03-02T12:00:00Z", "type": "created"}}\n' for n in range(count)]
        assert run(*settings(folder), "import", "-", stdin="".join(new)).code == 0
        environment = {"DESK_URL": hook.url}
        whole = lifetime(*settings(folder), "check", environment=environment)
        before = len(hook.took)
        for number, moment in enumerate(moments(count, whole)):
            made = run(*settings(folder), "escalate", f"S-{number}", "--reason", f"kill-{number}-")
            assert made.code == 0, made.err
            kills += killed(start(*settings(folder), "check", environment=environment), moment)
            wait_for_sender(folder)
        last = run(*settings(folder), "check", environment=environment)
        assert last.code == 0, last.err
        digests = hook.bodies[before:]
        for number in range(count):
            assert any(f"kill-{number}-" in digest for digest in digests), f"nobody was told of {number}"
        with closing(sqlite3.connect(folder / "slactl.db")) as connection:
            states = dict(
                connection.execute("SELECT state, count(*) FROM notification WHERE held_by IS NULL GROUP BY 1")
            )
            query = "SELECT count(DISTINCT n.run_id) FROM notification n JOIN escalation e ON e.id = n.escalation_id"
            recorded = connection.execute(f"{query} WHERE n.state = 'sent' AND e.reason LIKE 'kill-%'").fetchone()[0]
        assert not {"waiting", "sending"} & states.keys(), states
        # One message for each run that lived to say so, and at most one for each that did not.
        assert recorded <= len(digests) <= recorded + kills
        assert violations(folder / "slactl.db", NOON, all_told=False) == []
        assert kills > 0


def test_checks_that_are_killed_fire_everything_once() -> None:
    kill_checks(4)


def test_imports_that_are_killed_take_in_everything_once() -> None:
    kill_imports(2, tickets=600)


def test_senders_that_are_killed_tell_everybody(receiver: Receivers) -> None:
    kill_senders(3, receiver)


@pytest.mark.full
def test_two_hundred_checks_that_are_killed_fire_everything_once() -> None:
    kill_checks(200)


@pytest.mark.full
def test_two_hundred_imports_that_are_killed_take_in_everything_once() -> None:
    kill_imports(200, tickets=1500)


@pytest.mark.full
def test_two_hundred_senders_that_are_killed_tell_everybody(receiver: Receivers) -> None:
    kill_senders(200, receiver)
