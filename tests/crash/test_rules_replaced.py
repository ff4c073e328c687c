"""Rules that somebody replaces while a command is at work: one run uses one version, and the next run the new one."""

import json
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from crash_desk import RULES, desk_copy, settings
from forked import NOON, Child, Fault, Trouble, run, start
from invariants import violations

#: Tickets of a run: more than two batches.
TICKETS = 230

OLD = RULES.replace('id = "boss"', 'id = "old"').replace('id = "breach"', 'id = "old-breach"')
NEW = RULES.replace('id = "boss"', 'id = "new"').replace('id = "breach"', 'id = "new-breach"')
assert len({OLD, NEW, RULES}) == 3

BROKEN = "schema = \n"


def between_batches() -> Callable[[sqlite3.Connection, str], bool]:
    """Stand still before each write transaction that follows the first firing of a level."""
    fired = 0

    def watch(_: sqlite3.Connection, operation: str) -> bool:
        nonlocal fired
        fired += operation.startswith("INSERT INTO escalation")
        return bool(fired) and operation.startswith("BEGIN IMMEDIATE")

    return watch


@pytest.fixture
def folder() -> Iterator[Path]:
    """A desk with many tickets of which no level has fired, under the old rules."""
    history = [
        {"ticket": f"R-{number}", "at": "2026-03-02T08:00:00Z", "type": "created", "subject": "r", "tags": ["many"]}
        for number in range(TICKETS)
    ]
    with desk_copy() as made:
        (made / "rules.toml").write_text(OLD)
        done = run(*settings(made), "import", "-", stdin="".join(f"{json.dumps(line)}\n" for line in history))
        assert done.code == 0, done.err
        yield made


def fetched(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "slactl.db")) as connection:
        return connection.execute(query).fetchall()


def replace(folder: Path, text: str) -> None:
    """Put another rules file in the place of the one that is there."""
    new = folder / "new.toml"
    new.write_text(text)
    os.replace(new, folder / "rules.toml")


def fired_in(folder: Path, number: int) -> set[str]:
    return {level for (level,) in fetched(folder, f"SELECT level FROM escalation WHERE run_id = {number}")}


def ended(child: Child) -> int:
    """Let a child go on whenever it stands still; return its exit code."""
    while True:
        child.send(signal.SIGCONT)
        _, status = os.waitpid(child.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            child.folder.cleanup()
            return os.waitstatus_to_exitcode(status)


def interrupted(folder: Path, meanwhile: str, then: Callable[[], None] = lambda: None) -> tuple[int, int]:
    """Replace the rules while a run goes through its batches; return the number of the run and its exit code."""
    trouble = Trouble(fault=Fault.STOP, watch=between_batches())
    with start(*settings(folder), "check", "--no-send", trouble=trouble) as stopped:
        stopped.wait_until_stopped()
        replace(folder, meanwhile)
        then()
        code = ended(stopped)
    return int(fetched(folder, "SELECT max(id) FROM run")[0][0]), code


def test_a_run_uses_one_version_of_the_rules(folder: Path) -> None:
    number, code = interrupted(folder, NEW)
    assert code == 0
    levels = fired_in(folder, number)
    assert {"old-breach", "old"} <= levels
    assert not levels & {"new-breach", "new"}
    [(versions, fired)] = fetched(
        folder, f"SELECT count(*), (SELECT count(*) FROM escalation WHERE run_id = {number}) FROM rules_version"
    )
    assert fired > TICKETS
    again = run(*settings(folder), "check", "--no-send", "--json")
    assert again.code == 0, again.err
    assert fetched(folder, "SELECT count(*) FROM rules_version") == [(versions + 1,)]
    assert fetched(folder, "SELECT count(DISTINCT rules_version) FROM run WHERE id >= " + str(number)) == [(2,)]
    assert violations(folder / "slactl.db", NOON, all_told=False) == []


def test_a_run_that_began_with_valid_rules_ends_with_them(folder: Path) -> None:
    number, code = interrupted(folder, BROKEN)
    assert (code, "old" in fired_in(folder, number)) == (0, True)
    assert run(*settings(folder), "check", "--no-send").code == 4


def test_a_run_that_began_with_invalid_rules_keeps_to_the_last_valid_ones(folder: Path) -> None:
    replace(folder, BROKEN)

    def somebody_uses_the_new_rules() -> None:
        made = run(*settings(folder), "create", "T", "--from", "me@example.com")
        assert made.code == 0, made.err

    number, code = interrupted(folder, NEW, somebody_uses_the_new_rules)
    assert code == 4
    levels = fired_in(folder, number)
    assert {"old-breach", "old"} <= levels
    assert not levels & {"new-breach", "new"}


def test_an_import_pins_all_its_tickets_to_one_version(folder: Path) -> None:
    history = [
        {"ticket": f"I-{number}", "at": "2026-03-02T11:00:00Z", "type": "created", "subject": "i"}
        for number in range(TICKETS)
    ]
    inserted = 0

    def small_batches() -> None:
        import slactl.desk.transfer.importing

        slactl.desk.transfer.importing.BATCH = 100

    def second_batch(_: sqlite3.Connection, operation: str) -> bool:
        nonlocal inserted
        inserted += operation.startswith("INSERT INTO ticket")
        return bool(inserted) and operation.startswith("BEGIN IMMEDIATE")

    stdin = "".join(f"{json.dumps(line)}\n" for line in history)
    trouble = Trouble(fault=Fault.STOP, watch=second_batch)
    with start(*settings(folder), "import", "-", stdin=stdin, trouble=trouble, before=small_batches) as stopped:
        stopped.wait_until_stopped()
        replace(folder, NEW)
        assert ended(stopped) == 0
    pinned = fetched(folder, "SELECT DISTINCT rules_version FROM ticket WHERE external_id LIKE 'I-%'")
    assert len(pinned) == 1, pinned
