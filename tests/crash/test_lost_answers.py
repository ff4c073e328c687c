"""A change that is committed is never reported as a failure, whatever becomes of the answer."""

import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from crash_desk import OTHER, ROTA, RULES, desk_copy, settings
from forked import NOON, Ended, _freeze, fork, run
from invariants import content, violations
from typer.main import get_command

from slactl.cli.app import app
from slactl.cli.commands import COMMANDS, GROUPS

#: A line for each command that writes; `{}` is the folder of the desk.
WRITING = {
    "ack": "ack 1",
    "assign": "assign 1 2 --to max",
    "backup": "backup {}/own/copy.db",
    "check": "check",
    "close": "close 1",
    "create": "create Fire --from ann@example.com",
    "demo": "demo",
    "doctor": "doctor --rebuild",
    "due": "due 1 --target resolution --at 2026-03-04T09:00Z --reason r",
    "edit": "edit 1 --subject s",
    "erase": "erase --requester bob@example.com --yes",
    "escalate": "escalate 1 --reason r",
    "import": "import {}/history.jsonl",
    "init": "init --force",
    "note": "note 1 --body n",
    "notifications drop": "notifications drop 2",
    "notifications retry": "notifications retry 1",
    "notify test": "notify test told",
    "oncall away": "oncall away mia --from 2026-03-03T12:00Z --until 2026-03-04T12:00Z --substitute max",
    "oncall override": "oncall override rota --to max --from 2026-03-02T12:00Z --until 2026-03-02T20:00Z",
    "oncall remove": "oncall remove 1",
    "priority": "priority 1 urgent",
    "receive": "receive 1",
    "reopen": "reopen 3",
    "reply": "reply 1 --body b",
    "resolve": "resolve 1",
    "restore": "restore {}/copy.db --yes",
    "rules apply": "rules apply --yes",
    "rules set": "rules set settings.due_soon 3h",
    "silence add": "silence add --ticket 1 --for 2h",
    "silence expire": "silence expire 1",
    "status": "status 1 pending",
    "sync": "sync",
    "tag": "tag 1 --add x",
    "tenant add": "tenant add globex",
    "tenant set": "tenant set acme --plan free",
    "unack": "unack 6",
    "undo": "undo --yes",
}

#: What each of these says that it has done, where it is more than that ticket 1 was changed.
SAID = {
    "assign": "tickets 1 and 2 were changed",
    "backup": "file {}/own/copy.db was written",
    "check": "tickets 1, 2, 5, 6 and 7 were changed, 6 escalations were recorded and run 3 was recorded",
    "create": "ticket 8 was created",
    "demo": "34 tickets were created, 12 escalations were recorded and run 1 was recorded",
    "erase": "person bob@example.com was erased",
    "escalate": "ticket 1 was changed and escalation 8 was recorded",
    "import": "12 tickets were created",
    "init": "file {}/rules.toml was written",
    "notifications drop": "message 2 was dropped",
    "notifications retry": "message 1 was put back into the outbox",
    "notify test": "test message to told was sent",
    "oncall away": "absence 1 was added",
    "oncall override": "override 1 was added",
    "oncall remove": "override or absence 1 was removed",
    "reopen": "ticket 3 was changed",
    "restore": "database {}/slactl.db was restored",
    "rules apply": "tickets 1, 2, 5, 6 and 7 were changed",
    "rules set": "file {}/rules.toml was changed",
    "silence add": "silence 2 was added",
    "silence expire": "silence 1 was ended",
    "sync": "12 tickets were created",
    "tenant add": "tenant globex was saved",
    "tenant set": "tenant acme was saved",
    "unack": "ticket 6 was changed",
}

#: The other commands: `report --html` says only on stderr that it has written a page.
READING = {
    *("audit list", "audit verify", "explain", "export", "help", "history", "list", "report", "show", "simulate"),
    *("board", "objectives"),
    *("calendar add", "calendar between", "calendar is-open", "calendar show", "summary", "watch"),
    *("notifications list", "rules check", "rules diff", "rules path", "rules show", "rules test"),
    *("oncall export", "oncall list", "oncall now", "oncall show"),
    *("map check", "runs list", "runs show", "silence list", "tenant list", "tenant show"),
}

#: The command that ends with 0 although its answer is lost, so that no mail server sends the message again or back.
BY_MAIL_SERVERS = {"mail"}


@cache
def commands() -> dict[str, Any]:
    root, found = get_command(app), dict[str, Any]()
    for name in COMMANDS:
        found[name] = root.get_command(None, name)  # type: ignore[attr-defined]
    for name in GROUPS:
        group = root.get_command(None, name)  # type: ignore[attr-defined]
        found |= {f"{name} {sub}": command for sub, command in group.commands.items()}
    return found


def test_each_command_is_known_to_write_or_not() -> None:
    assert set(commands()) == set(WRITING) | READING | BY_MAIL_SERVERS
    assert not set(WRITING) & READING


def full() -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def closed() -> None:
    os.close(1)
    sys.stdout = None  # type: ignore[assignment]


def nothing() -> None:
    pass


def slactl(folder: Path, words: list[str], before: Callable[[], None] = nothing) -> Ended:
    """Run a command from its very beginning to its very end."""

    def work() -> int:
        from slactl.__main__ import main

        os.environ |= {"SLACTL_TRUST_CLOCK": "1", "HOME": str(folder), "TMPDIR": str(folder)}
        _freeze(NOON)
        sys.argv = ["slactl", *settings(folder), *words]
        before()
        main()
        return 121

    return fork(work).wait()


def lines() -> Iterator[tuple[str, list[str]]]:
    for name, line in WRITING.items():
        options = {option for parameter in commands()[name].params for option in parameter.opts}
        for more in ([], ["--json"], ["-q"]):
            if not more or more[0] in options:
                yield name, [*line.split(), *more]


def prepare(folder: Path, name: str) -> None:
    (folder / "own").mkdir(mode=0o700)
    if name == "rules apply":
        (folder / "rules.toml").write_text(OTHER)
    if name == "restore":
        assert run(*settings(folder), "backup", str(folder / "copy.db")).code == 0
    if name in ("restore", "undo"):
        assert run(*settings(folder), "note", "1", "called").code == 0
    if name.startswith("oncall"):
        (folder / "rules.toml").write_text(RULES + ROTA)
    if name == "oncall remove":
        assert run(*settings(folder), *WRITING["oncall override"].split()).code == 0
    if name == "notify test":
        with (folder / "rules.toml").open("a") as rules:
            rules.write('[roles.told]\nnotify = ["syslog://"]\n')
    if name == "sync":
        with (folder / "rules.toml").open("a") as rules:
            rules.write(f'[[source]]\nname = "files"\ncommand = ["cat", "{folder / "history.jsonl"}"]\n')
    if name == "doctor":
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(folder / "slactl.db", isolation_level=None)) as connection:
            connection.execute("UPDATE ticket SET priority = 'low' WHERE id = 1")


def state(folder: Path) -> Any:  # noqa: ANN401
    return content(folder / "slactl.db"), (folder / "rules.toml").read_text(), sorted(os.listdir(folder / "own"))


@pytest.mark.parametrize(("name", "line"), list(lines()), ids=[" ".join(line[:2] + line[-1:]) for _, line in lines()])
def test_a_change_whose_answer_is_lost_is_told_as_made(name: str, line: list[str]) -> None:
    with desk_copy() as folder:
        prepare(folder, name)
        usual = slactl(folder, [word.format(folder) for word in line])
        assert usual.code in (0, 7), usual.err
    for sink, why in ((full, "No space left on device"), (closed, "Bad file descriptor")):
        with desk_copy() as folder:
            prepare(folder, name)
            before = state(folder)
            lost = slactl(folder, [word.format(folder) for word in line], sink)
            assert "Traceback" not in lost.err
            if not usual.out:
                assert lost.code == usual.code, lost.err
                continue
            told = [text for text in lost.err.splitlines() if text.startswith("error: ")]
            assert lost.code == 7, lost.err
            said = SAID.get(name, "ticket 1 was changed").format(folder)
            assert told[-1].startswith(f"error: {said}; the output could not be written: "), lost.err
            assert told[-1].endswith(why)
            assert name in ("demo", "notify test", "init") or state(folder) != before
            assert name == "check" or violations(folder / "slactl.db", NOON, all_told=False) == []


@pytest.mark.parametrize("line", ["create Fire --from ann@example.com -n", "list", "check -n", "export", "help"])
def test_an_answer_that_is_lost_without_a_change_is_a_failure(line: str) -> None:
    with desk_copy() as folder:
        before = content(folder / "slactl.db")
        lost = slactl(folder, line.split(), full)
        assert (lost.code, lost.err) == (1, "error: the output could not be written: No space left on device\n")
        assert content(folder / "slactl.db") == before


@pytest.mark.parametrize(
    "name", [name for name in WRITING if any("-n" in each.opts for each in commands()[name].params)]
)
def test_an_answer_of_a_dry_run_that_is_lost_claims_no_change(name: str) -> None:
    with desk_copy() as folder:
        prepare(folder, name)
        before = state(folder)
        lost = slactl(folder, [*(word.format(folder) for word in WRITING[name].split()), "-n"], full)
        assert (lost.code, state(folder)) == (1, before)
        assert lost.err.splitlines()[-1] == "error: the output could not be written: No space left on device"


def test_the_message_names_what_was_created_and_a_hint_shows_it() -> None:
    with desk_copy() as folder:
        lost = slactl(folder, ["create", "Fire", "--from", "ann@example.com"], full)
        what = "error: ticket 8 was created; the output could not be written: No space left on device"
        typed = f"--db {folder / 'slactl.db'} --rules {folder / 'rules.toml'}"
        assert (lost.code, lost.err) == (7, f"{what}\nhint: slactl {typed} show 8\n")
        assert slactl(folder, ["show", "8", "--fields", "subject"]).out == "subject\tFire\n"


def test_messages_that_could_not_be_printed_are_printed_by_the_next_check() -> None:
    with desk_copy() as folder:
        lost = slactl(folder, ["check"], full)
        assert (lost.code, "escalations were recorded" in lost.err) == (7, True), lost.err
        again = slactl(folder, ["check", "--json"])
        assert (again.code, '"messages": []' in again.out) == (0, False), again.err


def test_a_remark_that_cannot_be_written_stops_nothing() -> None:
    with desk_copy() as folder:
        words = ["import", "-", "--json"]

        def silent() -> None:
            os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
            sys.stdin = open(folder / "bad.jsonl", encoding="utf-8")  # noqa: SIM115

        good = (folder / "history.jsonl").read_text()
        (folder / "bad.jsonl").write_text(f"nonsense\n{good}")
        done = slactl(folder, words, silent)
        assert (done.code, '"opened": 12' in done.out, '"bad": 1' in done.out) == (7, True, True)
