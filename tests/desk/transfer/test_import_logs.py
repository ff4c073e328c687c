"""A log has one row for each change of a ticket; what its rows say about answers, ends and deadlines counts."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Result, Slactl

pytestmark = pytest.mark.usefixtures("desk")

CREATED = "2026-01-05T10:00:00Z"

COLUMNS = 'kind = "events"\nsource = "log"\noptional = true\n[columns]\nticket = "id"\ncreated_at = "c"\nat = "at"\n'

STATUS = 'status = "status"\n'

DATES = 'first_responded_at = "first"\nresolved_at = "resolved"\nclosed_at = "closed"\n'


def take(slactl: Slactl, folder: Path, columns: str, *rows: dict[str, Any]) -> Result:
    own = folder / "log.toml"
    own.write_text(COLUMNS + columns)
    records = [{"id": "A", "c": CREATED} | {name: _full(value) for name, value in row.items()} for row in rows]
    return slactl("import", "-", "--map", str(own), stdin=json.dumps(records))


def _full(value: object) -> object:
    """A clock time as an instant of the day of the ticket."""
    return f"2026-01-05T{value}:00Z" if isinstance(value, str) and value[2:3] == ":" else value


def events(slactl: Slactl) -> list[tuple[str, str, Any]]:
    """The events after the opening: clock time, type, and what was set."""
    exported = (json.loads(line) for line in slactl("export").lines)
    names = ("status", "assignee", "due_at", "priority")
    return [
        (each["at"][11:16], each["type"], next((each[name] for name in names if name in each), None))
        for each in exported
        if each.get("ticket") == "A" and each["type"] not in ("created", "deadlines", "breached")
    ]


def test_dates_of_a_log_say_when_an_agent_answered_and_when_the_ticket_was_done(slactl: Slactl, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"at": "10:00", "status": "open", "first": None, "resolved": None},
        {"at": "11:00", "status": "open", "first": "10:30", "resolved": None},
        {"at": "12:00", "status": "resolved", "first": "10:30", "resolved": "11:50"},
        {"at": "13:00", "status": "closed", "first": "10:30", "resolved": "11:50", "closed": "12:55"},
    ]
    assert take(slactl, tmp_path, STATUS + DATES, *rows).code == 0
    expected = [
        ("10:30", "agent_reply", None),
        ("11:50", "status", "resolved"),
        ("12:55", "status", "closed"),
    ]
    assert events(slactl) == expected
    assert " 0 changed" in take(slactl, tmp_path, STATUS + DATES, *rows).out
    assert events(slactl) == expected


def test_log_without_a_status_tells_the_end_by_its_dates(slactl: Slactl, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"at": "10:00", "resolved": None},
        {"at": "12:00", "resolved": "11:50"},
        {"at": "14:00", "resolved": None},
    ]
    assert take(slactl, tmp_path, DATES, *rows).code == 0
    assert events(slactl) == [("11:50", "status", "resolved"), ("14:00", "status", "open")]


def test_old_date_of_an_end_in_a_log_is_not_the_date_of_the_next_end(slactl: Slactl, tmp_path: Path) -> None:
    rows = (
        {"at": at, "status": status, "resolved": "11:00"}
        for at, status in (("11:00", "resolved"), ("12:00", "open"), ("15:00", "resolved"))
    )
    assert take(slactl, tmp_path, STATUS + DATES, *rows).code == 0
    found = [("11:00", "status", "resolved"), ("12:00", "status", "open"), ("15:00", "status", "resolved")]
    assert events(slactl) == found


def test_log_that_begins_after_the_end_uses_the_date_of_the_end(slactl: Slactl, tmp_path: Path) -> None:
    row = {"at": "15:00", "status": "resolved", "first": "10:20", "resolved": "11:00"}
    assert take(slactl, tmp_path, STATUS + DATES, row).code == 0
    assert events(slactl) == [("10:20", "agent_reply", None), ("11:00", "status", "resolved")]


def test_deadlines_of_a_log_are_those_of_the_source(slactl: Slactl, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"at": "10:00", "status": "open", "due": "20:00"},
        {"at": "11:00", "status": "open", "due": "21:00"},
        {"at": "12:00", "status": "open", "due": None},
    ]
    assert take(slactl, tmp_path, STATUS + 'resolution_due_at = "due"\n', *rows).code == 0
    found = [
        ("10:00", "due_set", "2026-01-05T20:00:00Z"),
        ("11:00", "due_set", "2026-01-05T21:00:00Z"),
        ("12:00", "due_set", None),
    ]
    assert events(slactl) == found


def test_row_of_a_log_without_a_column_says_nothing_about_it(slactl: Slactl, tmp_path: Path) -> None:
    columns = STATUS + 'assignee = "who"\npriority = "priority"\n'
    rows = ({"at": "10:00", "who": "mia", "priority": "high"}, {"at": "11:00", "status": "pending"})
    assert take(slactl, tmp_path, columns, *rows, {"at": "12:00", "who": None}).code == 0
    assert events(slactl) == [("11:00", "status", "pending"), ("12:00", "assigned", None)]


@pytest.mark.parametrize("column", ["first", "resolved", "closed"])
def test_row_of_a_log_with_an_end_before_the_creation_is_bad(slactl: Slactl, tmp_path: Path, column: str) -> None:
    done = take(slactl, tmp_path, DATES, {"at": "10:00", column: "09:00"})
    assert (done.code, "is before the ticket was created" in done.err) == (7, True)
    assert events(slactl) == []


def test_row_of_a_log_that_names_another_creation_is_a_bad_row(slactl: Slactl, tmp_path: Path) -> None:
    rows = [
        {"at": "12:00", "status": "pending"},
        {"at": "13:00", "status": "resolved", "c": "09:00"},
        {"at": "11:00", "status": "open", "c": "10:30"},
        {"at": "14:00", "status": "closed"},
    ]
    done = take(slactl, tmp_path, STATUS, *rows)
    assert done.code == 7
    problems = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert sorted(problems) == [
        f"error: stdin:2:c: contradicts line 1: ticket A was created at {CREATED}, not at 2026-01-05T09:00:00Z",
        f"error: stdin:3:c: contradicts line 1: ticket A was created at {CREATED}, not at 2026-01-05T10:30:00Z",
    ]
    assert events(slactl) == [("14:00", "status", "closed")]
