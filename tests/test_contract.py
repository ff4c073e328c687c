"""What scripts rely on: every field of machine output is present and of its type, `null` when empty."""

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory

from slactl.clock import from_text

STATES = ("none", "running", "paused", "met", "breached")
STATUSES = ("open", "pending", "waiting_customer", "resolved", "closed")
PRIORITIES = ("low", "normal", "high", "urgent")

#: A type, words of a closed set, or "instant"; a tuple with None: may be null.
Kind = Any

TICKET: dict[str, Kind] = {
    "id": int,
    "external_id": (str, None),
    "source": (str, None),
    "tenant": (str, None),
    "plan": str,
    "requester_email": str,
    "subject": str,
    "status": STATUSES,
    "priority": PRIORITIES,
    "assignee": (str, None),
    "tags": list,
    "policy": (str, None),
    "created_at": "instant",
    "updated_at": "instant",
    "first_response_due_at": ("instant", None),
    "first_responded_at": ("instant", None),
    "first_response_state": STATES,
    "next_response_due_at": ("instant", None),
    "next_response_state": STATES,
    "update_due_at": ("instant", None),
    "update_state": STATES,
    "resolution_due_at": ("instant", None),
    "resolved_at": ("instant", None),
    "resolution_state": STATES,
    "due_at": ("instant", None),
    "due_target": ("first_response", "next_response", "update", "resolution", None),
    "overdue_seconds": (int, None),
    "breached": bool,
    "ever_breached": bool,
    "escalated": bool,
    "escalation_level": int,
    "acked_until": ("instant", None),
    "pending_until": ("instant", None),
}

ESCALATION: dict[str, Kind] = {
    "id": int,
    "ticket_id": int,
    "source": ("automatic", "manual"),
    "escalation": (str, None),
    "level": (str, None),
    "repeat": int,
    "reason": str,
    "due_at": ("instant", None),
    "fired_at": "instant",
    "outcome": ("fired", "expired", "baseline", "skipped"),
    "actor": str,
    "from_priority": PRIORITIES,
    "to_priority": PRIORITIES,
    "from_assignee": (str, None),
    "to_assignee": (str, None),
    "run_id": (int, None),
}

EVENT: dict[str, Kind] = {
    "id": int,
    "ticket_id": int,
    "at": "instant",
    "recorded_at": "instant",
    "actor": str,
    "actor_type": ("user", "system"),
    "action": str,
    "detail": dict,
    "change": int,
    "unix_user": str,
}

CHECK: dict[str, Kind] = {
    "run_id": (int, None),
    "at": "instant",
    "dry_run": bool,
    "scanned": int,
    "breached": int,
    "escalated": int,
    "notified": int,
    "messages_sent": int,
    "failed": int,
    "skipped": int,
    "firings": list,
    "exit_code": int,
}

COUNTS = """open_count unassigned_count urgent_open_count escalated_count paused_count due_soon_count
    first_response_breached_count next_response_breached_count update_breached_count resolution_breached_count
    first_response_n resolution_n"""
NUMBERS = """avg_first_response_minutes median_first_response_minutes avg_resolution_hours median_resolution_hours
    first_response_attainment resolution_attainment escalation_rate breach_rate reopen_rate"""
SUMMARY: dict[str, Kind] = {
    "at": "instant",
    **dict.fromkeys(COUNTS.split(), int),
    **dict.fromkeys(NUMBERS.split(), (float, int, None)),
}


def fits(value: object, kind: Kind) -> bool:
    """Whether a value is of a kind; true and false are no numbers."""
    if isinstance(kind, tuple):
        return any(fits(value, each) for each in kind)
    if kind is None:
        return value is None
    if kind == "instant":
        return isinstance(value, str) and value.endswith("Z") and from_text(value).tzinfo is not None
    if isinstance(kind, type):
        return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    return value == kind


def assert_fits(record: Mapping[str, Any], kinds: Mapping[str, Kind]) -> None:
    for name, kind in kinds.items():
        assert name in record, name
        assert fits(record[name], kind), (name, record[name])


@pytest.fixture
def lively(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> Path:
    """A desk with tickets in every state, three days on, before the check."""
    for words in (
        ("tenant", "add", "acme", "--plan", "enterprise"),
        ("create", "Bare", "--from", "ann@example.com"),
        ("create", "Full", "--from", "it@acme.example", "--tenant", "acme", "--external-id", "X1", "--tag", "a"),
        ("create", "Waiting", "--from", "bob@example.com", "--assignee", "mia", "--priority", "urgent"),
        ("create", "Done", "--from", "bob@example.com", "--plan", "enterprise"),
        ("create", "Exchange", "--from", "bob@example.com", "--plan", "enterprise"),
        ("reply", "3", "--no-body"),
        ("reply", "5", "--no-body"),
        ("receive", "5"),
        ("resolve", "4"),
        ("escalate", "1", "--reason", "loud"),
        ("ack", "3"),
    ):
        assert slactl(*words).code == 0, words
    clock.tick(3 * 86400)
    return desk


def read(slactl: Slactl, *words: str) -> Any:  # noqa: ANN401  (parsed JSON)
    done = slactl(*words)
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_tickets(lively: Path, slactl: Slactl) -> None:
    listed = read(slactl, "list", "--all", "--json")
    assert len(listed) == 5
    shown = [read(slactl, "show", str(number), "--json") for number in range(1, 6)]
    lines = [json.loads(line) for line in slactl("list", "--all", "--format", "jsonl").lines]
    changed = [read(slactl, "note", "1", "--body", "x", "--json"), read(slactl, "resolve", "2", "--json", "-n")]
    changed.append(read(slactl, "create", "New", "--from", "ann@example.com", "--json"))
    changed.append(read(slactl, "create", "New", "--from", "ann@example.com", "--json", "--dry-run"))
    for record in (*listed, *shown, *lines, *changed):
        assert_fits(record, TICKET)
    assert list(listed[0])[: len(TICKET)] == list(TICKET)
    assert changed[1]["status"] == "resolved"
    assert read(slactl, "show", "2", "--json")["status"] == "open"


def test_escalations(lively: Path, slactl: Slactl) -> None:
    report = read(slactl, "check", "--json")
    assert report["firings"]
    for record in report["firings"]:
        assert_fits(record, ESCALATION)
        assert record["run_id"] == report["run_id"]
    shown = [each for number in range(1, 6) for each in read(slactl, "show", str(number), "--json")["escalations"]]
    assert {each["source"] for each in shown} == {"automatic", "manual"}
    for record in shown:
        assert_fits(record, ESCALATION)
    assert list(shown[0])[: len(ESCALATION)] == list(ESCALATION)


def test_events(lively: Path, slactl: Slactl) -> None:
    read(slactl, "check", "--json")
    log = read(slactl, "audit", "list", "--json")
    assert {event["actor_type"] for event in log} == {"user", "system"}
    for record in (*log, *read(slactl, "history", "1", "3", "--json")):
        assert_fits(record, EVENT)
        assert list(record)[: len(EVENT)] == list(EVENT)


def test_check(lively: Path, slactl: Slactl) -> None:
    rehearsed = read(slactl, "check", "--dry-run", "--json")
    done = read(slactl, "check", "--json")
    idle = read(slactl, "check", "--json")
    for report in (rehearsed, done, idle):
        assert_fits(report, CHECK)
    assert (rehearsed["run_id"], rehearsed["dry_run"], done["dry_run"]) == (None, True, False)
    for record in rehearsed["firings"]:
        assert_fits(record, ESCALATION | {"id": None, "run_id": None})


def test_a_dry_run_says_exactly_what_the_run_then_does(lively: Path, slactl: Slactl) -> None:
    rehearsed, done = read(slactl, "check", "-n", "--json"), read(slactl, "check", "--json")
    own = ("run_id", "dry_run", "messages", "firings", "audit_head", "duration_ms")
    assert {k: v for k, v in rehearsed.items() if k not in own} == {k: v for k, v in done.items() if k not in own}
    assert (done["notified"], done["escalated"]) != (0, 0)
    apart = ("id", "run_id")
    without = [[{k: v for k, v in f.items() if k not in apart} for f in r["firings"]] for r in (rehearsed, done)]
    assert without[0] == without[1]


def test_summary(lively: Path, desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    slactl("--db", str(empty), "init")
    for words in (("summary", "--json"), ("--db", str(empty), "summary", "--json")):
        assert_fits(read(slactl, *words), SUMMARY)
    for by in ("plan", "priority", "assignee", "tenant", "policy"):
        found = read(slactl, "summary", "--by", by, "--json")
        assert sum(group["open_count"] for group in found["groups"]) == found["open_count"]
        for group in found["groups"]:
            assert_fits(group, SUMMARY)
    assert read(slactl, "--db", str(empty), "summary", "--json")["first_response_attainment"] is None


def test_the_views_have_the_same_columns(lively: Path, slactl: Slactl) -> None:
    slactl("check")
    with sqlite3.connect(lively) as connection:
        for view, kinds in (("ticket_view", TICKET), ("escalation_view", ESCALATION), ("event_view", EVENT)):
            cursor = connection.execute(f"SELECT * FROM {view}")
            assert [column[0] for column in cursor.description][: len(kinds)] == list(kinds), view
            assert cursor.fetchall(), view


def test_one_ticket_is_an_object_and_several_are_an_array(lively: Path, slactl: Slactl) -> None:
    assert isinstance(read(slactl, "tag", "1", "--add", "x", "--json"), dict)
    assert [ticket["id"] for ticket in read(slactl, "tag", "1", "2", "--add", "y", "--json")] == [1, 2]
    partly = slactl("tag", "1", "99", "--add", "z", "--json")
    assert (partly.code, [ticket["id"] for ticket in json.loads(partly.out)]) == (7, [1])
    assert read(slactl, "list", "--search", "nothing of the kind", "--json") == []
    assert read(slactl, "resolve", "-", "--json") == []
