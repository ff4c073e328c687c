"""Eight people at work, with every command that writes: all is done, once; and each such command is among them."""

import json
import os
import random
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from crash_desk import HISTORY, ROTA, RULES, command_of, desk_copy, settings
from forked import PROCESSES, at_once, call, run, words
from invariants import content, violations
from test_faults import COMMANDS as FAILING
from typer.main import get_command

from slactl.cli.app import app
from slactl.cli.commands import COMMANDS, GROUPS

#: What is done at random, one after the other where it is more than one: `{t}` is a ticket that all share, `{o}` one's
#: own, `{w}` a word nobody else says, `{d}` the folder of the desk, `{p}` what the command before it printed.
MIXED = (
    "create {w} --from {w}@example.com --external-id {w} --body {w}",
    "note {t} --body {w}",
    "tag {t} --add {w}",
    "note {t} --body {w}",
    "tag {t} --add {w}",
    "reply {t} --body {w}",
    "receive {t} --body {w}",
    "assign {t} --to {w}",
    "priority {t} urgent",
    "priority {t} low",
    "status {t} pending",
    "due {t} --target resolution --at 2026-03-05T09:00Z --reason {w}",
    "escalate {t} --reason {w}",
    "ack {t}",
    "ack {o}; unack {o}",
    "edit {t} --subject {w}",
    "resolve {o}",
    "reopen {o}",
    "close {o}",
    "--actor {w} edit {o} --subject {w}; --actor {w} undo",
    "tenant add {w} --plan pro; tenant set {w} --plan free",
    "tenant set acme --plan pro",
    "silence add --ticket {t} --for 1h --comment {w}",
    "silence add --ticket {o} --for 1h --comment {w}; silence expire {p}",
    "check --json",
    "check --no-send",
    "notifications list --state waiting --limit 1 -q; notifications drop {p}",
    "notifications list --state printed --limit 1 -q; notifications retry {p}",
    "import {d}/history.jsonl -q",
    "import {d}/{w}.jsonl -q",
    "--rules {d}/other.toml rules apply --yes",
    "rules apply --yes",
    "create {w} --from {w}@example.org --body {w}; erase --requester {w}@example.org --yes",
    "doctor --rebuild",
    "backup {d}/{w}.db",
    "oncall override rota --to max --from now --until 2199-01-01 --reason {w}",
    "oncall away mia --from now --until 2199-01-01 --substitute max; oncall remove {p}",
    "list --all --json",
    "summary --json",
)

#: Commands that somebody else may have made pointless a moment ago; it is said, and nothing is done.
STALE = ("resolve", "reopen", "close", "ack", "unack", "notifications drop", "notifications retry")

#: What is acknowledged: a command, and what it printed.
Done = tuple[list[str], str]


def hand(number: int, rounds: int) -> Iterator[str]:
    """What one person does: all of it is dealt out to everybody, shuffled, before anything comes again."""
    dice, dealt = random.Random(rounds), list[str]()
    while len(dealt) < rounds * PROCESSES:
        dealt += dice.sample(MIXED, len(MIXED))
    yield from dealt[number::PROCESSES][:rounds]


def is_well(arguments: list[str], code: int) -> bool:
    """Whether a command ended as it may while others are at work."""
    command = command_of(arguments)
    if command == "check" and code == 75:
        return True
    return code == 0 or (code == 5 and command in STALE)


def work_on(folder: Path, number: int, rounds: int) -> int:
    """One person's part; prints what was acknowledged, and ends with how many commands went wrong."""
    dice, wrong = random.Random(number), 0
    os.environ["SLACTL_TRUST_CLOCK"] = "1"
    code, own, err = call(*settings(folder), "create", f"own-{number}", "--from", "me@example.com")
    wrong += code != 0
    for turn, chosen in enumerate(hand(number, rounds)):
        names = {"w": f"w{number}-{turn}", "t": dice.choice("1256"), "o": own.strip(), "d": folder, "p": ""}
        (folder / f"{names['w']}.jsonl").write_text(HISTORY.replace("H-", f"{names['w']}-"))
        for line in chosen.split("; "):
            if "{p}" in line and not names["p"]:
                break
            arguments = [part.format(**names) for part in line.split()]
            code, out, err = call(*settings(folder), *arguments)
            names["p"] = out.strip()
            if not is_well(arguments, code):
                wrong += 1
                print(json.dumps({"wrong": [arguments, code, out, err]}), flush=True)  # noqa: T201
            if code != 0:
                break
            print(json.dumps({"done": arguments, "out": names["p"]}), flush=True)  # noqa: T201
    return min(wrong, 100)


def all_at_work(rounds: int) -> list[Done]:
    with desk_copy() as folder:
        (folder / "rules.toml").write_text(RULES + ROTA)
        children = at_once(PROCESSES, lambda number: work_on(folder, number, rounds))
        ended = [child.wait() for child in children]
        said = [json.loads(line) for each in ended for line in each.out.splitlines()]
        assert [each["wrong"] for each in said if "wrong" in each] == []
        assert [each.code for each in ended] == [0] * PROCESSES, words(ended)
        done = [(each["done"], each["out"]) for each in said]
        nothing_is_lost(folder / "slactl.db", done)
        copies_are_whole(folder, done)
        return done


def nothing_is_lost(database: Path, done: list[Done]) -> None:
    """Everything that was acknowledged is there, and what was erased is not."""
    with closing(sqlite3.connect(database)) as connection:
        bodies = {text for (text,) in connection.execute("SELECT text FROM event_text WHERE field = 'body'")}
        tickets = {row[0]: row for row in connection.execute("SELECT id, external_id, tags FROM ticket")}
        reasons = {reason for (reason,) in connection.execute("SELECT reason FROM escalation")}
        tenants = dict(connection.execute("SELECT name, plan FROM tenant"))
        silences = {row[0]: row for row in connection.execute("SELECT id, comment, expired_by FROM silence")}
    created = [out for arguments, out in done if command_of(arguments) == "create"]
    assert len(created) == len(set(created))
    erased = {dict(pairwise(arguments))["--requester"] for arguments, _ in done if "erase" in arguments}
    imported = {external_id for _, external_id, _ in tickets.values()}
    for arguments, out in done:
        command, options = command_of(arguments), dict(pairwise(arguments))
        if command in ("note", "reply", "receive", "create"):
            assert (options["--body"] in bodies) != (options.get("--from") in erased), arguments
        if command == "create":
            assert tickets[int(out)][1] == options.get("--external-id"), arguments
        if command == "tag":
            assert options["--add"] in json.loads(tickets[int(arguments[1])][2]), arguments
        if command == "escalate":
            assert options["--reason"] in reasons, arguments
        if command == "tenant set":
            assert tenants[arguments[2]] == options["--plan"], arguments
        if command == "silence add":
            assert silences[int(out)][1] == options["--comment"], arguments
        if command == "silence expire":
            assert silences[int(arguments[2])][2] is not None, arguments
        if command == "import":
            name = Path(arguments[1]).stem.replace("history", "H")
            assert {f"{name}-{number}" for number in range(12)} <= imported, arguments
    nothing_is_dropped_and_sent(database, done)
    from slactl.clock import now

    assert violations(database, now(), all_told=False) == []


def nothing_is_dropped_and_sent(database: Path, done: list[Done]) -> None:
    """What somebody dropped stays so, unless somebody had it sent again."""
    with closing(sqlite3.connect(database)) as connection:
        states = dict(connection.execute("SELECT id, state FROM notification"))
    numbers = {command: [int(a[2]) for a, _ in done if command_of(a) == command] for command in STALE[-2:]}
    for number in set(numbers["notifications drop"]) - set(numbers["notifications retry"]):
        assert states[number] == "dropped", number


def copies_are_whole(folder: Path, done: list[Done]) -> None:
    """Each backup is of one moment: its log is the beginning of today's; a few are looked at more closely."""
    copies = [Path(arguments[1]) for arguments, _ in done if command_of(arguments) == "backup"]
    with closing(sqlite3.connect(folder / "slactl.db")) as connection:
        hashes: Mapping[int, str] = dict(connection.execute("SELECT id, hash FROM event"))
    for copy in copies:
        with closing(sqlite3.connect(copy)) as connection:
            number, last = connection.execute("SELECT id, hash FROM event ORDER BY id DESC LIMIT 1").fetchone()
        assert hashes[number] == last, copy
    from slactl.clock import now

    for copy in copies[:: max(1, len(copies) // 3)]:
        assert violations(copy, now(), all_told=False) == []


def test_eight_processes_at_work_lose_nothing() -> None:
    done = all_at_work(rounds=-(-len(MIXED) // PROCESSES))
    assert len(done) >= len(MIXED)


@pytest.mark.full
def test_eight_processes_with_two_hundred_commands_each_lose_nothing() -> None:
    done = all_at_work(rounds=200)
    assert len(done) >= PROCESSES * 200


#: Commands that are tried elsewhere: why not here.
ELSEWHERE = {
    "init": "makes the desk: first starts are raced and killed by themselves",
    "demo": "has a desk of its own",
    "rules set": "writes the rules file and no database",
    "notify test": "writes nothing; what it sends is seen by who takes it",
    "watch": "needs a terminal",
    "restore": "puts another database in the place of this one; it is killed and raced in tests of its own",
    "mail": "reads a message and ends as mail servers expect; it fails, is killed and is raced in tests of its own",
    "sync": "runs the commands of sources, which fail, hang and are killed in tests of their own",
}

#: The commands that only read, each as one may type it; `{}` is the folder of the desk.
READING = """
help start
list --all
show 1
summary
explain 1
report
objectives
board {}/board.html --force
simulate {}/history.jsonl
export
history 1
rules test {}/tests.toml
rules diff
rules check
rules show
rules path
map check csv
calendar add office 2026-03-02T09:00Z 2h
calendar between office 2026-03-02T09:00Z 2026-03-03T09:00Z
calendar is-open office 2026-03-02T09:00Z
calendar show office
tenant list
tenant show acme
audit list
audit verify
notifications list
silence list
runs list
runs show 1
oncall now
oncall show rota
oncall list
oncall export rota
"""

TESTS = """[[test]]
name = "an hour"
history = [{ ticket = "A", at = "2026-03-02T09:00:00Z", type = "created" }]
expect = [{ ticket = "A", target = "first_response", due_at = "2026-03-02T10:00:00Z" }]
"""


def every_command() -> dict[str, bool]:
    """Every command of the command line, and whether it has a dry run, as all that write have."""
    root, found = get_command(app), dict[str, Any]()
    found |= {name: root.get_command(None, name) for name in COMMANDS}  # type: ignore[attr-defined]
    for group in GROUPS:
        commands = root.get_command(None, group).commands  # type: ignore[attr-defined]
        found |= {f"{group} {name}": command for name, command in commands.items()}
    return {name: any(each.name == "dry_run" for each in command.params) for name, command in found.items()}


def test_every_command_that_writes_is_tried_with_faults_and_by_eight_processes() -> None:
    reading = {command_of(line.split()) for line in READING.strip().splitlines()}
    commands = {name for name in every_command() if name not in ELSEWHERE}
    assert ELSEWHERE.keys() <= every_command().keys()
    assert not {name for name in reading if every_command()[name]}
    writing = commands - reading
    assert {command_of(each.line.split()) for each in FAILING} | {"backup"} == writing
    mixed = {command_of(line.split()) for lines in MIXED for line in lines.split("; ")}
    assert writing <= mixed


@pytest.mark.parametrize("line", READING.strip().splitlines())
def test_commands_that_only_read_write_nothing(line: str) -> None:
    with desk_copy() as folder:
        (folder / "tests.toml").write_text(TESTS)
        (folder / "rules.toml").write_text(RULES + ROTA)
        before = content(folder / "slactl.db")
        ended = run(*settings(folder), *(word.format(folder) for word in line.split()))
        assert ended.code == 0, ended.err
        assert content(folder / "slactl.db") == before
        assert "BEGIN IMMEDIATE" not in ended.operations
