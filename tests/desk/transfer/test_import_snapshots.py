"""A row of a table says what its ticket looks like now: what its source changed since becomes events, and no more."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import Result, Slactl

INTAKE = Path(__file__).parents[2] / "data" / "intake"

NOTHING = "0 tickets opened, 0 changed, 0 events added"

MAP = """source = "desk"
optional = true
answers = "here"
[columns]
ticket = "id"
created_at = "created"
at = "updated"
status = "status"
priority = "priority"
assignee = "assignee"
plan = "plan"
tenant = "tenant"
tags = "tags"
subject = "subject"
requester_email = "by"
resolved_at = "resolved"
closed_at = "closed"
resolution_due_at = "due"
[values.status]
open = "open"
pending = "pending"
solved = "resolved"
closed = "closed"
"""

#: Imports rows, each by the names of their columns.
Rows = Callable[..., Result]


@pytest.fixture
def rows(desk: Path, slactl: Slactl, tmp_path: Path) -> Rows:
    own = tmp_path / "desk.toml"
    own.write_text(MAP)

    def take(*records: dict[str, Any], options: tuple[str, ...] = (), more: str = "") -> Result:
        own.write_text(more + MAP)
        return slactl("import", "-", "--map", str(own), *options, stdin=json.dumps(records))

    return take


def row(updated: str | None = "2026-01-05T11:00:00Z", **columns: object) -> dict[str, Any]:
    at = {"updated": updated} if updated is not None else {}
    return {"id": "1", "created": "2026-01-05T10:00:00Z", "status": "open", **at, **columns}


def ticket(slactl: Slactl, reference: str = "1") -> dict[str, Any]:
    found = json.loads(slactl("list", "--all", "--json").out)
    return next(each for each in found if reference in (str(each["id"]), each["external_id"]))


def events(slactl: Slactl, reference: str = "1") -> list[tuple[str, str, Any]]:
    """The events but for the opening: instant, action, and what was set."""
    found = json.loads(slactl("history", reference, "--json").out)
    names = ("status", "priority", "assignee", "plan", "tenant", "tags", "due_at")
    return [
        (each["at"], each["action"], next((each["detail"][name] for name in names if name in each["detail"]), None))
        for each in found[1:]
    ]


def sound(slactl: Slactl) -> bool:
    return slactl("audit", "verify", "-q").code == 0 and slactl("doctor", "--rebuild", "--json").code in (0, 7)


def test_what_a_later_export_changed_becomes_events_at_the_instant_of_its_row(desk: Path, slactl: Slactl) -> None:
    mapping = ("--map", str(INTAKE / "v.toml"))
    assert slactl("import", str(INTAKE / "v1.csv"), *mapping).code == 0
    again = slactl("import", str(INTAKE / "v1.csv"), *mapping)
    assert (again.code, again.out) == (0, f"{NOTHING}\n")
    second = slactl("import", str(INTAKE / "v2.csv"), *mapping)
    assert (second.code, second.out) == (0, "0 tickets opened, 1 changed, 2 events added\n")
    assert events(slactl) == [
        ("2026-01-07T11:00:00Z", "ticket.priority", "urgent"),
        ("2026-01-07T11:00:00Z", "ticket.assign", "bob"),
    ]
    assert slactl("import", str(INTAKE / "v2.csv"), *mapping).out == f"{NOTHING}\n"
    # The first export is older now: it changes nothing that the second one decided.
    assert slactl("import", str(INTAKE / "v1.csv"), *mapping).out == f"{NOTHING}\n"
    assert (ticket(slactl)["priority"], ticket(slactl)["assignee"]) == ("urgent", "bob")


def test_a_change_in_slactl_stays_where_the_source_repeats_its_value(rows: Rows, slactl: Slactl) -> None:
    rows(row(priority="low", assignee="ann", tags=["a"]))
    assert slactl("priority", "1", "high").code == 0
    assert slactl("assign", "1", "--to", "mia").code == 0
    assert slactl("tag", "1", "--add", "ours").code == 0
    done = rows(row("2026-01-07T11:00:00Z", priority="low", assignee="ann", tags=["b", "a"]))
    assert (done.code, done.out) == (0, "0 tickets opened, 1 changed, 1 event added\n")
    found = ticket(slactl)
    assert (found["priority"], found["assignee"], set(found["tags"])) == ("high", "mia", {"a", "b", "ours"})


def test_a_change_of_the_source_after_one_in_slactl_wins(rows: Rows, slactl: Slactl) -> None:
    rows(row(priority="low"))
    slactl("priority", "1", "high", "--at", "2026-01-06T10:00:00Z")
    rows(row("2026-01-07T11:00:00Z", priority="urgent"))
    assert ticket(slactl)["priority"] == "urgent"


def test_a_change_of_the_source_before_one_in_slactl_does_not(rows: Rows, slactl: Slactl) -> None:
    rows(row(priority="low"))
    slactl("priority", "1", "high", "--at", "2026-01-08T10:00:00Z")
    rows(row("2026-01-07T11:00:00Z", priority="urgent"))
    assert ticket(slactl)["priority"] == "high"


def test_every_column_that_changes_becomes_an_event(rows: Rows, slactl: Slactl) -> None:
    rows(row(priority="low", plan="free", tenant="acme", tags=["x"], subject="VPN", by="tom@example.com", due=None))
    later = row("2026-01-07T11:00:00Z", priority="high", plan="pro", tenant="beta", tags=[], subject="VPN is down")
    done = rows(later | {"by": "ida@example.com", "due": "2026-01-09T09:00:00Z", "status": "pending"})
    assert done.code == 0, done.err
    found = ticket(slactl)
    facts = ("priority", "plan", "tenant", "tags", "subject", "requester_email", "status")
    assert [found[name] for name in facts] == ["high", "pro", "beta", [], "VPN is down", "ida@example.com", "pending"]
    assert found["resolution_due_at"] == "2026-01-09T09:00:00Z"
    assert {at for at, _, _ in events(slactl)} == {"2026-01-07T11:00:00Z"}
    assert sound(slactl)


def test_an_empty_cell_means_nobody_or_nothing(rows: Rows, slactl: Slactl) -> None:
    rows(row(priority="high", assignee="ann", tenant="acme", tags=["x"], subject="VPN"))
    rows(row("2026-01-07T11:00:00Z", priority=None, assignee=None, tenant=None, tags=None, subject=None))
    found = ticket(slactl)
    assert [found[name] for name in ("priority", "assignee", "tenant", "tags")] == ["normal", None, None, []]


def test_a_column_that_the_file_does_not_have_says_nothing(rows: Rows, slactl: Slactl) -> None:
    rows(row(priority="high", assignee="ann"))
    assert rows(row("2026-01-07T11:00:00Z")).out == f"{NOTHING}\n"
    assert rows(row("2026-01-08T11:00:00Z", priority="high", assignee="ann")).out == f"{NOTHING}\n"


def test_an_older_row_fills_only_columns_that_no_newer_row_had(rows: Rows, slactl: Slactl) -> None:
    rows(row("2026-01-07T11:00:00Z", priority="urgent"))
    done = rows(row("2026-01-06T11:00:00Z", priority="low", assignee="ann"))
    assert done.out == "0 tickets opened, 1 changed, 1 event added\n"
    assert events(slactl) == [("2026-01-06T11:00:00Z", "ticket.assign", "ann")]
    assert rows(row("2026-01-05T12:00:00Z", priority="low", assignee="bob")).out == f"{NOTHING}\n"


def test_without_an_instant_of_the_row_a_change_is_of_the_import(rows: Rows, slactl: Slactl) -> None:
    rows(row(None, priority="low"))
    assert rows(row(None, priority="low")).out == f"{NOTHING}\n"
    rows(row(None, priority="urgent"))
    [(at, action, priority)] = events(slactl)
    assert (at > "2026-02", action, priority) == (True, "ticket.priority", "urgent")


def test_a_ticket_is_resolved_reopened_and_resolved_again(rows: Rows, slactl: Slactl) -> None:
    rows(row())
    rows(row("2026-01-06T12:00:00Z", status="solved", resolved="2026-01-06T11:30:00Z"))
    assert ticket(slactl)["resolved_at"] == "2026-01-06T11:30:00Z"
    # The old date stays in the export of a ticket that is open again.
    rows(row("2026-01-07T12:00:00Z", status="open", resolved="2026-01-06T11:30:00Z"))
    assert (ticket(slactl)["status"], ticket(slactl)["resolved_at"]) == ("open", None)
    rows(row("2026-01-08T12:00:00Z", status="solved", resolved="2026-01-08T11:30:00Z"))
    assert events(slactl) == [
        ("2026-01-06T11:30:00Z", "ticket.resolve", "resolved"),
        ("2026-01-07T12:00:00Z", "ticket.reopen", "open"),
        ("2026-01-08T11:30:00Z", "ticket.resolve", "resolved"),
    ]
    assert sound(slactl)


def test_an_end_with_the_old_date_of_an_earlier_one_is_unknown(rows: Rows, slactl: Slactl) -> None:
    rows(row("2026-01-06T12:00:00Z", status="solved", resolved="2026-01-06T11:30:00Z"))
    rows(row("2026-01-07T12:00:00Z", status="open", resolved="2026-01-06T11:30:00Z"))
    rows(row("2026-01-08T12:00:00Z", status="solved", resolved="2026-01-06T11:30:00Z"))
    assert events(slactl)[-1] == ("2026-01-08T12:00:00Z", "ticket.resolve", "resolved")
    assert (ticket(slactl)["status"], ticket(slactl)["resolution_state"]) == ("resolved", "unknown")


def test_an_end_without_a_date_is_unknown(rows: Rows, slactl: Slactl) -> None:
    rows(row(priority="low"))
    rows(row("2026-01-06T12:00:00Z", priority="low", status="closed"))
    assert events(slactl) == [("2026-01-06T12:00:00Z", "ticket.close", "closed")]
    assert (ticket(slactl)["status"], ticket(slactl)["resolution_state"]) == ("closed", "unknown")


def test_closing_a_resolved_ticket_without_a_date_keeps_the_known_end(rows: Rows, slactl: Slactl) -> None:
    rows(row(status="solved", resolved="2026-01-05T10:30:00Z"))
    rows(row("2026-01-06T12:00:00Z", status="closed", resolved="2026-01-05T10:30:00Z"))
    found = ticket(slactl)
    assert (found["status"], found["resolution_state"]) == ("closed", "met")
    assert found["resolved_at"] == "2026-01-05T10:30:00Z"


def test_two_rows_of_one_ticket_in_a_file_are_in_order_of_time(rows: Rows, slactl: Slactl) -> None:
    late = row("2026-01-07T11:00:00Z", priority="urgent")
    done = rows(late, row("2026-01-06T11:00:00Z", priority="low"))
    assert (done.code, done.out) == (0, "1 ticket opened, 0 changed, 2 events added\n")
    assert events(slactl) == [("2026-01-07T11:00:00Z", "ticket.priority", "urgent")]
    assert rows(late).out == f"{NOTHING}\n"


def test_the_first_of_two_rows_that_contradict_each_other_stands(desk: Path, slactl: Slactl) -> None:
    done = slactl("import", str(INTAKE / "dup.csv"), "--map", str(INTAKE / "dup.toml"))
    assert done.code == 7
    assert "dup.csv:3:created: contradicts line 2: ticket 1 was created at 2026-01-05T10:00:00Z, not" in done.err
    assert done.err.count("error: ") == 1
    assert ticket(slactl)["resolved_at"] == "2026-01-06T10:00:00Z"
    turned = (INTAKE / "dup.csv").read_text().splitlines()
    again = slactl("import", "-", "--map", str(INTAKE / "dup.toml"), stdin="\n".join([turned[0], turned[2], turned[1]]))
    assert (again.code, again.out[:43]) == (7, NOTHING[:43])
    assert ticket(slactl)["resolved_at"] == "2026-01-06T10:00:00Z"


def test_two_rows_of_one_instant_contradict_each_other(rows: Rows, slactl: Slactl) -> None:
    done = rows(row(priority="low"), row(priority="high"))
    assert (done.code, done.err.count("error: ")) == (7, 1)
    assert "contradicts line 1, which says something else about ticket 1 at 2026-01-05T11:00:00Z" in done.err
    assert ticket(slactl)["priority"] == "low"
    assert rows(row(priority="low"), row(priority="low")).out == f"{NOTHING}\n"


def test_nothing_of_a_bad_row_is_imported(desk: Path, slactl: Slactl) -> None:
    mapping = ("--map", str(INTAKE / "casc.toml"))
    assert slactl("import", str(INTAKE / "casc0.csv"), *mapping).code == 0
    bad = slactl("import", str(INTAKE / "casc.csv"), *mapping)
    assert (bad.code, bad.out) == (7, f"{NOTHING}, 1 problem listed above\n")
    assert bad.err.count("error: ") == 1
    assert ticket(slactl)["status"] == "open"


def test_nothing_of_a_bad_change_is_imported(rows: Rows, slactl: Slactl) -> None:
    rows(row(priority="low"))
    bad = rows(row("2026-01-07T11:00:00Z", priority="urgent", tenant="x" * 201), row(id="2", priority="high"))
    assert (bad.code, bad.err.count("error: ")) == (7, 1), bad.err
    assert (ticket(slactl)["priority"], ticket(slactl, "2")["priority"]) == ("low", "high")
    assert rows(row("2026-01-07T11:00:00Z", priority="urgent")).out.startswith("0 tickets opened, 1 changed")


def test_a_dry_run_keeps_no_row(rows: Rows, slactl: Slactl) -> None:
    rows(row(priority="low"))
    later = row("2026-01-07T11:00:00Z", priority="urgent")
    tried = rows(later, options=("--dry-run",))
    assert "1 would be changed, 1 event would be added" in tried.out
    assert ticket(slactl)["priority"] == "low"
    assert rows(later).out == "0 tickets opened, 1 changed, 1 event added\n"


def test_events_after_until_come_with_a_later_import(rows: Rows, slactl: Slactl) -> None:
    rows(row(priority="low"))
    later = row("2026-01-07T11:00:00Z", priority="urgent", status="solved", resolved="2026-01-06T10:00:00Z")
    assert rows(later, options=("--until", "2026-01-06T12:00:00Z")).out.startswith("0 tickets opened, 1 changed, 1 e")
    assert (ticket(slactl)["status"], ticket(slactl)["priority"]) == ("resolved", "low")
    assert rows(later).out.startswith("0 tickets opened, 1 changed, 1 event added")
    assert (ticket(slactl)["status"], ticket(slactl)["priority"]) == ("resolved", "urgent")


def test_an_export_has_the_last_rows(
    rows: Rows, slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows(row("2026-01-07T11:00:00Z", priority="urgent", subject="VPN", tags=["b", "a"]))
    rows(row("2026-01-06T11:00:00Z", assignee="ann", by="tom@example.com"))
    assert slactl("resolve", "1").code == 0
    exported = slactl("export").out
    assert slactl("simulate", "-", stdin=exported).code == 0
    monkeypatch.setenv("SLACTL_DB", str(tmp_path / "desk" / "copy.db"))
    slactl("init")
    assert slactl("import", "-", stdin=exported).code == 0
    assert slactl("export").out == exported
    assert slactl("import", "-", stdin=exported).out == f"{NOTHING}\n"
    assert rows(row("2026-01-07T11:00:00Z", priority="urgent", subject="VPN", tags=["a", "b"])).out == f"{NOTHING}\n"
    rows(row("2026-01-08T11:00:00Z", priority="high"))
    # A snapshot that is older than the one here is not taken.
    assert slactl("import", "-", stdin=exported).out == f"{NOTHING}\n"
    assert rows(row("2026-01-08T11:00:00Z", priority="high")).out == f"{NOTHING}\n"
    assert ticket(slactl)["priority"] == "high"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"at": "yesterday"}, "last_row.at: "),
        ({"columns": []}, "last_row.columns: must be an object"),
        ({"older": {"tags": 1}}, "last_row.older: must be a time"),
        ({"older": {str(number): "2026-01-05T10:00:00Z" for number in range(101)}}, "last_row.older: has 101 keys"),
        ({"colunms": {}}, "last_row: must have exactly the keys at, salt, digest, columns, older"),
    ],
)
def test_a_last_row_that_is_none_is_reported(rows: Rows, slactl: Slactl, changed: dict[str, object], said: str) -> None:
    rows(row(priority="low"))
    line = json.loads(slactl("export").out.splitlines()[0])
    bad = slactl("import", "-", stdin=json.dumps(line | {"last_row": line["last_row"] | changed}))
    assert (bad.code, said in bad.err) == (7, True), bad.err
    assert rows(row(priority="low")).out == f"{NOTHING}\n"


def test_an_erased_text_does_not_come_back_with_the_next_row(desk: Path, rows: Rows, slactl: Slactl) -> None:
    first = row(subject="Printer of tom", by="tom@example.com", priority="low")
    rows(first)
    assert slactl("erase", "--requester", "tom@example.com", "--yes").code in (0, 7)
    assert rows(first).out == f"{NOTHING}\n"
    rows(first | {"updated": "2026-01-07T11:00:00Z", "priority": "high"})
    assert (ticket(slactl)["requester_email"], ticket(slactl)["priority"]) == (None, "high")
    assert "tom@" not in slactl("export").out
    assert sound(slactl)


def test_no_snapshot_has_a_text_of_a_person(desk: Path, rows: Rows) -> None:
    rows(row(subject="Printer of tom", by="tom@example.com"))
    with closing(sqlite3.connect(desk)) as connection:
        [found] = connection.execute("SELECT columns FROM snapshot").fetchall()
    assert "tom" not in found[0]
