"""Commands that read the clock before others did and write after them: each is told that it was done, and it was."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from crash_desk import desk_copy, settings
from forked import NOON, run
from invariants import content, violations

from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.ledger import ledger
from slactl.desk.rules.apply import Move, apply
from slactl.desk.tickets.change import carry_out
from slactl.desk.tickets.changes import prioritise
from slactl.errors import RefusedError
from slactl.sla.enums import Priority
from slactl.store.database import Database

LATER = NOON + timedelta(seconds=20)


def shown(folder: Path, number: int) -> dict[str, Any]:
    found = run(*settings(folder), "show", str(number), "--json", now=LATER)
    assert found.code == 0, found.err
    return dict(json.loads(found.out))


def both(folder: Path, first: str, waited: str) -> None:
    """One command is carried out; another that began before it waits for the lock meanwhile."""
    for line, now in ((first, LATER), (waited, NOON)):
        ended = run(*settings(folder), *line.split(), now=now)
        assert ended.code == 0, ended.err


@pytest.mark.parametrize(
    ("first", "waited", "field", "value"),
    [
        ("tag 1 --add a", "tag 1 --add b", "tags", ["fire", "a", "b"]),
        ("tag 1 --remove fire", "tag 1 --add b", "tags", ["b"]),
        ("assign 1 --to max", "assign 1 --to lena", "assignee", "lena"),
        ("priority 1 low", "priority 1 urgent", "priority", "urgent"),
        ("status 1 pending", "status 1 open", "status", "open"),
        ("edit 1 --plan pro", "edit 1 --plan free", "plan", "free"),
        ("resolve 1", "reopen 1", "status", "open"),
    ],
)
def test_who_waited_for_the_lock_writes_after_those_who_had_it(first: str, waited: str, field: str, value: Any) -> None:  # noqa: ANN401
    with desk_copy() as folder:
        both(folder, first, waited)
        assert shown(folder, 1)[field] == value
        assert violations(folder / "slactl.db", LATER) == []


def test_rules_are_applied_to_what_others_changed_while_one_waited() -> None:
    with desk_copy() as folder:
        both(folder, "tag 1 --add a", f"--rules {folder}/other.toml rules apply --yes")
        assert shown(folder, 1)["resolution_due_at"] == "2026-03-02T12:00:00Z"
        assert violations(folder / "slactl.db", LATER) == []


def test_what_a_long_check_does_to_a_ticket_comes_after_what_people_did_meanwhile() -> None:
    with desk_copy() as folder:
        both(folder, "tag 1 --add vip", "check --no-send")
        assert shown(folder, 1)["tags"] == ["fire", "vip", "late"]
        both(folder, "assign 5 --to max", "check --no-send")
        assert violations(folder / "slactl.db", LATER) == []


def test_a_tag_of_an_earlier_time_is_not_lost_when_tags_were_changed_since() -> None:
    with desk_copy() as folder:
        both(folder, "tag 1 --add a --remove fire", "tag 1 --add b --at 2026-03-02T10:00Z --reason seen")
        assert shown(folder, 1)["tags"] == ["b", "a"]
        exported = run(*settings(folder), "export")
        other = folder / "other"
        assert run(*settings(other), "init").code == 0
        taken = run(*settings(other), "import", "-", stdin=exported.out, now=LATER)
        assert taken.code == 0, taken.err
        assert shown(other, 1)["tags"] == ["b", "a"]


def test_a_clock_that_was_set_far_ahead_takes_nobody_along() -> None:
    """What others did within minutes counts as before; what a wrong clock put into another day does not."""
    with desk_copy() as folder:
        tomorrow = run(*settings(folder), "tag", "1", "--add", "a", now=NOON + timedelta(days=1))
        assert tomorrow.code == 0
        assert run(*settings(folder), "reply", "1", "--body", "here").code == 0
        found = shown(folder, 1)
        assert found["first_responded_at"] == "2026-03-02T12:00:00Z"


def config_of(folder: Path, rules: str = "rules.toml") -> Desk:
    return Desk(Database(folder / "slactl.db"), folder / rules, "ann", {})


def versions(folder: Path) -> dict[int, int]:
    with closing(sqlite3.connect(folder / "slactl.db")) as connection:
        return dict(connection.execute("SELECT id, version FROM ticket"))


def test_every_change_of_a_ticket_raises_its_version_and_no_look_does() -> None:
    with desk_copy() as folder:
        before = versions(folder)
        for line in ("note 1 --body n", "escalate 2 --reason r", "assign 2 --to max"):
            assert run(*settings(folder), *line.split()).code == 0
        after = versions(folder)
        # An escalation raises the priority too.
        assert after == before | {1: before[1] + 1, 2: before[2] + 3}
        for line in ("list", "show 1", "check --dry-run", "note 1 --body n --dry-run", "--rules {}/other.toml list"):
            assert run(*settings(folder), *(word.format(folder) for word in line.split())).code == 0
        assert versions(folder) == after


@pytest.mark.parametrize("number", [1, 2])
def test_a_ticket_that_was_changed_since_it_was_read_is_not_written_over(number: int) -> None:
    """Whatever keeps writers apart: what is read and what is written over must be the same."""
    with desk_copy() as folder:
        before = content(folder / "slactl.db")

        def work() -> int:
            with ledger(config_of(folder), NOON) as book:
                for each in (1, 2):
                    carry_out(book, each, prioritise(Priority.LOW), NOON, "seen")
                changed = "UPDATE ticket SET version = version + 1, assignee = 'somebody' WHERE id = ?"
                book.transaction.execute(changed, (number,))
            return 0

        with pytest.raises(RefusedError, match=rf"changed ticket {number} in the meantime"):
            work()
        assert content(folder / "slactl.db") == before


def test_rules_are_applied_only_to_tickets_that_are_as_they_were_shown() -> None:
    """While the question stood, somebody changed one ticket and opened another."""
    with desk_copy() as folder:
        config = config_of(folder, "other.toml")
        preview = Move(NOON, dry_run=True, shown={})
        shown_before = {record["ticket_id"] for record in apply(config, preview)}
        assert {1, 2} <= shown_before
        assert run(*settings(folder), "priority", "1", "low", now=LATER).code == 0
        assert run(*settings(folder), "create", "New", "--from", "me@example.com", now=LATER).code == 0
        problems: list[str] = []
        move = Move(LATER, dry_run=False, rules=preview.rules, shown=preview.shown)
        moved = {record["ticket_id"] for record in apply(config, move, problem=problems.append)}
        assert problems == [
            "ticket 1: the ticket changed in the meantime; run rules apply again",
            "ticket 8: the ticket changed in the meantime; run rules apply again",
        ]
        assert moved == shown_before - {1}
        assert move.code == 7
        again = Move(LATER, dry_run=False)
        assert 1 in {record["ticket_id"] for record in apply(config, again)}
        assert (again.moved, again.failed) == (2, 0)
        assert violations(folder / "slactl.db", LATER) == []
