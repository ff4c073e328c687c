"""Killed at any place, again and again: no level fires twice, nothing acknowledged is lost, the rest is done later.

A few kills come at operations of the database, which do not hang on how fast the machine is; many come at any moment.
"""

import os
import random
import re
import select
import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Receivers
from crash_desk import RULES, desk_copy, settings
from forked import NOON, Trouble, run, start
from invariants import content_without_changes, violations

#: A message to a machine on which a test listens.
ADDRESS = '[roles.desk]\nnotify = ["${env:DESK_URL}"]'

#: Runs a command and kills it; whether it was not through already.
Kill = Callable[..., bool]


@dataclass(frozen=True)
class Usual:
    """A command that nobody kills: how many operations it asks of SQLite, and how many seconds it takes."""

    operations: int
    seconds: float


def history(count: int) -> str:
    """So many tickets, each with a reply, and each late with something by noon."""
    return "".join(
        f'{{"ticket": "K-{number}", "at": "2026-03-02T0{6 + number % 3}:00:00Z", "type": "created"}}\n'
        f'{{"ticket": "K-{number}", "at": "2026-03-02T09:00:{number % 60:02}Z", "type": "agent_reply"}}\n'
        for number in range(count)
    )


def usually(*arguments: str, **options: Any) -> Usual:  # noqa: ANN401  (what `run` takes)
    """Run a command to its end."""
    began = time.monotonic()
    ended = run(*arguments, **options)
    assert ended.code == 0, ended.err
    return Usual(len(ended.operations), time.monotonic() - began)


def at(trouble: Trouble) -> Kill:
    """Killed at an operation."""
    return lambda *arguments, **options: run(*arguments, trouble=trouble, **options).code == -signal.SIGKILL


def after(seconds: float) -> Kill:
    """Killed after so many seconds, wherever it is then, unless it has ended."""

    def kill(*arguments: str, **options: Any) -> bool:  # noqa: ANN401
        ending, held = os.pipe()  # only the child holds the other end then
        child = start(*arguments, **options)
        os.close(held)
        select.select([ending], [], [], seconds)
        os.close(ending)
        child.send(signal.SIGKILL)
        return child.wait().code == -signal.SIGKILL

    return kill


def spread(count: int) -> list[float]:
    """So many numbers from 0 to 1, evenly spread, in any order."""
    dice = random.Random(count)
    found = [(number + dice.random()) / count for number in range(count)]
    dice.shuffle(found)
    return found


def at_operations(count: int, usual: Usual) -> list[Kill]:
    """Kills from the first to the last operation of a command."""
    return [at(Trouble(int(part * usual.operations))) for part in spread(count)]


def at_any_place(count: int, usual: Usual) -> list[Kill]:
    """Half of the kills at operations, half at moments from the beginning to a little after the usual end."""
    moments = [after(1.1 * part * usual.seconds) for part in spread(count - count // 2)]
    return [*at_operations(count // 2, usual), *moments]


def kill_checks(count: int, places: Callable[[int, Usual], list[Kill]]) -> int:
    """A run is killed; when all is done, it is exactly what one run does that nobody kills. Returns how many were."""
    with desk_copy() as usual:
        run(*settings(usual), "import", "-", stdin=history(40))
        kills = places(count, usually(*settings(usual), "check"))
        wanted, killed = content_without_changes(usual / "slactl.db"), 0
        for kill in kills:
            with desk_copy() as folder:
                run(*settings(folder), "import", "-", stdin=history(40))
                killed += kill(*settings(folder), "check")
                assert violations(folder / "slactl.db", NOON, all_told=False) == []
                last = run(*settings(folder), "check")
                assert last.code == 0, last.err
                assert content_without_changes(folder / "slactl.db") == wanted
        return killed


#: Tickets in one transaction of the imports here.
BATCH = 50


def small_batches() -> None:
    import slactl.desk.transfer.importing

    slactl.desk.transfer.importing.BATCH = BATCH


def in_batch(number: int, beginning: str) -> Kill:
    """Killed in the transaction of this number, from 0 on, at the first operation that begins so."""
    begun = 0

    def watch(_: sqlite3.Connection, operation: str) -> bool:
        nonlocal begun
        if begun > number and operation.startswith(beginning):
            return True
        begun += operation == "BEGIN IMMEDIATE"
        return False

    return at(Trouble(watch=watch))


#: Where imports are killed, each one transaction later than the one before.
PLACES = ("INSERT INTO event", "COMMIT", "SELECT", "INSERT INTO timer")


def kill_imports(kill: Kill, folder: Path, lines: str) -> bool:
    """One more import of a file into one database is killed; what is in is in once."""
    killed = kill(*settings(folder), "import", "-", stdin=lines, before=small_batches)
    assert violations(folder / "slactl.db", NOON) == []
    return killed


def is_taken_in_at_last(folder: Path, usual: Path, lines: str) -> None:
    """When nobody kills it, an import makes up for what is missing, and nothing else."""
    last = run(*settings(folder), "import", "-", stdin=lines, before=small_batches)
    assert last.code == 0, last.err
    assert content_without_changes(folder / "slactl.db") == content_without_changes(usual / "slactl.db")
    assert violations(folder / "slactl.db", NOON) == []


def imported(folder: Path) -> int:
    """How many tickets of the file are in; none is twice."""
    with closing(sqlite3.connect(folder / "slactl.db")) as connection:
        query = "SELECT count(*), count(DISTINCT external_id) FROM ticket WHERE external_id LIKE 'K-%'"
        count, different = connection.execute(query).fetchone()
    assert count == different
    return int(count)


def kill_senders(count: int, places: Callable[[int, Usual], list[Kill]], receiver: Receivers) -> int:
    """Every message goes out, and only one that was on its way at a kill goes out twice. Returns how many were."""
    with desk_copy() as folder:
        (folder / "rules.toml").write_text(RULES.replace("[roles.desk]", ADDRESS))
        hook, killed = receiver("ok"), 0
        environment = {"DESK_URL": hook.url}
        new = [f'{{"ticket": "S-{n}", "at": "2026-03-02T12:00:00Z", "type": "created"}}\n' for n in range(count + 1)]
        assert run(*settings(folder), "import", "-", stdin="".join(new)).code == 0
        # Without the address, `escalate` leaves its message to a check a second later.
        later: dict[str, Any] = {"environment": environment, "now": NOON + timedelta(seconds=5)}
        usually(*settings(folder), "check", **later)
        before = len(hook.took)
        escalate(folder, count)
        usual = usually(*settings(folder), "check", **later)
        for number, kill in enumerate(places(count, usual)):
            escalate(folder, number)
            killed += kill(*settings(folder), "check", **later)
        last = run(*settings(folder), "check", **later)
        assert last.code == 0, last.err
        everybody_was_told(folder / "slactl.db", hook.bodies[before:], count + 1, killed)
        return killed


def escalate(folder: Path, number: int) -> None:
    made = run(*settings(folder), "escalate", f"S-{number}", "--reason", f"kill-{number}-")
    assert made.code == 0, made.err


def numbers_in(digest: str) -> set[int]:
    """The kills that a digest tells of; one of many tickets names the first of them and counts the others."""
    named = [int(number) for number in re.findall(r"kill-(\d+)-", digest)]
    more = re.search(r"^and (\d+) more ticket", digest, re.MULTILINE)
    # The tickets of a run follow one another.
    return {*named, *range(max(named, default=-1) + 1, max(named, default=-1) + 1 + int(more[1] if more else 0))}


def everybody_was_told(database: Path, digests: Sequence[str], count: int, killed: int) -> None:
    named = {number for digest in digests for number in numbers_in(digest)}
    assert set(range(count)) - named == set(), "nobody was told of these"
    with closing(sqlite3.connect(database)) as connection:
        states = dict(connection.execute("SELECT state, count(*) FROM notification WHERE held_by IS NULL GROUP BY 1"))
        query = "SELECT count(DISTINCT n.run_id) FROM notification n JOIN escalation e ON e.id = n.escalation_id"
        recorded = connection.execute(f"{query} WHERE n.state = 'sent' AND e.reason LIKE 'kill-%'").fetchone()[0]
    assert not {"waiting", "sending"} & states.keys(), states
    # One message for each run that lived to say so, and at most one for each that did not.
    assert recorded <= len(digests) <= recorded + killed
    assert violations(database, NOON, all_told=False) == []


def test_checks_that_are_killed_fire_everything_once() -> None:
    assert kill_checks(4, at_operations) == 4


def test_imports_that_are_killed_take_in_everything_once() -> None:
    lines = history(4 * BATCH)
    with desk_copy() as usual, desk_copy() as folder:
        usually(*settings(usual), "import", "-", stdin=lines, before=small_batches)
        for number, place in enumerate(PLACES):
            assert kill_imports(in_batch(number, place), folder, lines)
            assert imported(folder) == number * BATCH
        is_taken_in_at_last(folder, usual, lines)


#: What the rows of a table say, and how they are read.
ROWS_MAP = """source = "web"
[columns]
ticket = "id"
created_at = "created"
at = "updated"
status = "status"
priority = "priority"
"""


def table(hour: int, status: str, priority: str) -> str:
    """So many tickets as a source shows them at an hour."""
    rows = (f"K-{number},2026-03-02T06:00:00Z,2026-03-02T{hour:02}:00:00Z,{status},{priority}" for number in range(200))
    return "\n".join(["id,created,updated,status,priority", *rows, ""])


def test_imports_of_rows_that_are_killed_change_every_ticket_once() -> None:
    first, second = table(7, "open", "low"), table(9, "pending", "high")
    with desk_copy() as usual, desk_copy() as folder:
        for place in (usual, folder):
            (place / "web.toml").write_text(ROWS_MAP)
            ended = run(*settings(place), "import", "-", "--map", str(place / "web.toml"), stdin=first)
            assert ended.code == 0, ended.err
        words = ("import", "-", "--map", str(folder / "web.toml"))
        usually(*settings(usual), *words, stdin=second, before=small_batches)
        for number, place_of_kill in enumerate(("INSERT INTO event", "INSERT INTO snapshot", "COMMIT", "SELECT")):
            kill = in_batch(number, place_of_kill)
            assert kill(*settings(folder), *words, stdin=second, before=small_batches)
            assert violations(folder / "slactl.db", NOON) == []
            with closing(sqlite3.connect(folder / "slactl.db")) as connection:
                query = "SELECT count(*) FROM ticket WHERE source = 'web' AND priority = 'high' AND status = 'pending'"
                assert connection.execute(query).fetchone()[0] == number * BATCH
        last = run(*settings(folder), *words, stdin=second, before=small_batches)
        assert last.code == 0, last.err
        assert content_without_changes(folder / "slactl.db") == content_without_changes(usual / "slactl.db")


def test_senders_that_are_killed_tell_everybody(receiver: Receivers) -> None:
    assert kill_senders(3, at_operations, receiver) == 3


@pytest.mark.full
def test_two_hundred_checks_that_are_killed_fire_everything_once() -> None:
    assert kill_checks(200, at_any_place) >= 100


@pytest.mark.full
def test_two_hundred_imports_that_are_killed_take_in_everything_once() -> None:
    """Ever later, so that most of them find a part of the file in."""
    lines = history(1500)
    with desk_copy() as usual, desk_copy() as folder:
        whole = usually(*settings(usual), "import", "-", stdin=lines, before=small_batches).seconds
        first = [in_batch(number, place) for number, place in enumerate(PLACES)]
        later = [after(1.1 * part * whole) for part in sorted(spread(196))]
        killed = 0
        for kill in (*first, *later):
            killed += kill_imports(kill, folder, lines)
            assert imported(folder) <= 1500
        is_taken_in_at_last(folder, usual, lines)
        assert killed >= len(first)


@pytest.mark.full
def test_two_hundred_senders_that_are_killed_tell_everybody(receiver: Receivers) -> None:
    assert kill_senders(200, at_any_place, receiver) >= 100
