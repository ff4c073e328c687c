"""What slactl promises a team, each promise as one test, through the commands that people type."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory

MONDAY = "2026-03-02T09:00:00Z"


def opened(slactl: Slactl, *options: str) -> str:
    result = slactl("create", "Printer on fire", "--from", "ann@example.com", *options)
    assert result.code == 0, result.err
    return result.out.strip()


def ticket(slactl: Slactl, number: str) -> dict[str, Any]:
    shown = slactl("show", number, "--json")
    assert shown.code == 0, shown.err
    found: dict[str, Any] = json.loads(shown.out)
    return found


def checked(slactl: Slactl, *options: str) -> dict[str, Any]:
    result = slactl("check", "--json", *options)
    assert result.code == 0, result.err
    report: dict[str, Any] = json.loads(result.out)
    return report


def actions(slactl: Slactl, number: str) -> list[str]:
    return [event["action"] for event in json.loads(slactl("history", number, "--json").out)]


def test_a_free_ticket_is_due_in_48_hours_and_7_days(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    found = ticket(slactl, opened(slactl))
    assert found["plan"] == "free"
    assert found["first_response_due_at"] == "2026-03-04T09:00:00Z"
    assert found["resolution_due_at"] == "2026-03-09T09:00:00Z"
    assert (found["due_at"], found["due_target"]) == ("2026-03-04T09:00:00Z", "first_response")
    assert not found["breached"]
    assert not found["ever_breached"]


def test_an_urgent_enterprise_ticket_is_due_in_2_and_12_hours(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    found = ticket(slactl, opened(slactl, "--plan", "enterprise", "--priority", "urgent"))
    assert found["first_response_due_at"] == "2026-03-02T11:00:00Z"
    assert found["resolution_due_at"] == "2026-03-02T21:00:00Z"


@pytest.mark.parametrize(
    ("plan", "first_response", "resolution"),
    [
        ("pro", "2026-03-03T09:00:00Z", "2026-03-05T09:00:00Z"),
        ("enterprise", "2026-03-02T17:00:00Z", "2026-03-04T09:00:00Z"),
    ],
)
def test_normal_tickets_of_a_plan_are_due_as_promised(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, plan: str, first_response: str, resolution: str
) -> None:
    found = ticket(slactl, opened(slactl, "--plan", plan))
    assert (found["first_response_due_at"], found["resolution_due_at"]) == (first_response, resolution)


def test_answered_is_not_a_first_response_breach(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    number = opened(slactl)
    clock.move_to("2026-03-04T09:00:00Z")  # on the deadline is in time
    assert slactl("reply", number, "--no-body").code == 0
    clock.move_to("2026-03-05T09:00:00Z")
    assert checked(slactl)["breached"] == 0
    found = ticket(slactl, number)
    assert found["first_response_state"] == "met"
    assert not found["ever_breached"]


def test_unanswered_past_the_deadline_is_a_first_response_breach(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    number = opened(slactl)
    clock.move_to("2026-03-04T09:00:00Z")
    assert not ticket(slactl, number)["breached"]
    assert checked(slactl)["breached"] == 0
    clock.move_to("2026-03-04T09:00:01Z")
    found = ticket(slactl, number)
    assert found["first_response_state"] == "breached"
    assert (found["breached"], found["overdue_seconds"]) == (True, 1)
    assert checked(slactl)["breached"] == 1
    assert checked(slactl)["breached"] == 0


def test_answered_late_between_two_checks_is_a_breach_and_wakes_nobody(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    number = opened(slactl)
    clock.move_to("2026-03-04T09:03:00Z")
    slactl("reply", number, "--no-body")
    clock.move_to("2026-03-04T09:05:00Z")
    report = checked(slactl)
    assert (report["breached"], report["escalated"], report["notified"]) == (1, 0, 0)
    assert [firing["outcome"] for firing in report["firings"]] == ["expired"]
    found = ticket(slactl, number)
    assert (found["breached"], found["ever_breached"], found["escalated"]) == (False, True, False)


def test_resolved_is_not_a_resolution_breach(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    number = opened(slactl)
    slactl("reply", number, "--no-body", "--status", "open")
    clock.move_to("2026-03-09T09:00:00Z")
    slactl("resolve", number)
    clock.move_to("2026-04-01T09:00:00Z")
    assert checked(slactl)["breached"] == 0
    assert ticket(slactl, number)["resolution_state"] == "met"


def test_a_backdated_reply_that_shows_the_deadline_was_kept_corrects_the_breach(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    number = opened(slactl)
    clock.move_to("2026-03-05T09:00:00Z")
    assert checked(slactl)["escalated"] == 1
    assert slactl("reply", number, "--no-body", "--at", "2026-03-03T10:00:00Z", "--reason", "by phone").code == 0
    found = ticket(slactl, number)
    assert (found["first_response_state"], found["ever_breached"]) == ("met", False)
    assert found["escalated"]  # what fired stays fired
    replied = next(e for e in json.loads(slactl("history", number, "--json").out) if e["action"] == "ticket.reply")
    assert (replied["at"], replied["recorded_at"]) == ("2026-03-03T10:00:00Z", "2026-03-05T09:00:00Z")


def test_nothing_escalates_twice(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    number = opened(slactl)
    clock.move_to("2026-03-04T09:00:01Z")
    first = checked(slactl)
    assert first["escalated"] == 1
    assert first["firings"][0]["reason"] == "first_response_sla_breached"
    assert (first["firings"][0]["from_priority"], first["firings"][0]["to_priority"]) == ("normal", "high")
    for _ in range(100):
        assert checked(slactl)["firings"] == []
    clock.move_to("2026-03-04T10:00:00Z")
    assert checked(slactl)["firings"] == []
    found = ticket(slactl, number)
    assert (found["priority"], found["escalated"], found["escalation_level"]) == ("high", True, 1)
    with sqlite3.connect(desk) as connection:
        assert connection.execute("SELECT count(*) FROM escalation").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM notification").fetchone() == (1,)


def test_one_hour_after_the_resolution_deadline_the_manager_takes_over(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    number = opened(slactl)
    slactl("reply", number, "--no-body", "--status", "open")
    clock.move_to("2026-03-09T09:59:59Z")
    assert checked(slactl)["escalated"] == 0
    clock.move_to("2026-03-09T10:00:00Z")
    assert checked(slactl)["firings"][0]["reason"] == "resolution_sla_breached"
    assert ticket(slactl, number)["assignee"] is not None


def test_an_urgent_ticket_that_nobody_has_is_escalated(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    opened(slactl, "--plan", "enterprise", "--priority", "urgent")
    clock.move_to("2026-03-02T09:09:59Z")
    assert checked(slactl)["escalated"] == 0
    clock.move_to("2026-03-02T09:10:00Z")
    assert [firing["reason"] for firing in checked(slactl)["firings"]] == ["urgent_unassigned"]


def test_a_priority_raised_by_an_escalation_moves_no_deadline(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    number = opened(slactl)
    before = ticket(slactl, number)["resolution_due_at"]
    clock.move_to("2026-03-04T09:00:01Z")
    checked(slactl)
    after = ticket(slactl, number)
    assert (after["priority"], after["resolution_due_at"]) == ("high", before)


def test_a_manual_escalation_needs_a_reason(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    number = opened(slactl)
    for reason in ((), ("--reason", ""), ("--reason", "   "), ("--reason", "x" * 1001)):
        refused = slactl("escalate", number, *reason)
        assert refused.code == 5
        assert refused.err.startswith("error: ")
        assert "hint: " in refused.err
    assert not ticket(slactl, number)["escalated"]
    assert slactl("escalate", number, "--reason", "x" * 1000).code == 0
    found = ticket(slactl, number)
    assert (found["escalated"], found["escalation_level"], found["priority"]) == (True, 1, "high")


def test_each_manual_escalation_is_a_record_of_its_own(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    number = opened(slactl)
    slactl("escalate", number, "--reason", "called twice")
    slactl("escalate", number, "--reason", "called again")
    found = ticket(slactl, number)
    assert [each["reason"] for each in found["escalations"]] == ["called twice", "called again"]
    assert {each["source"] for each in found["escalations"]} == {"manual"}
    assert found["escalation_level"] == 2


def test_the_audit_trail_has_the_seven_actions(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    number = opened(slactl)
    slactl("due", number, "--target", "resolution", "--at", "2026-03-06T09:00:00Z", "--reason", "agreed")
    slactl("priority", number, "low")
    slactl("assign", number, "--to", "jonas")
    slactl("escalate", number, "--reason", "called twice")
    clock.move_to("2026-03-20T09:00:00Z")
    checked(slactl)
    slactl("resolve", number)
    slactl("reopen", number)
    trail = json.loads(slactl("history", number, "--json").out)
    told = {(event["action"], event["actor_type"]) for event in trail}
    assert ("sla.due", "user") in told  # deadline
    assert ("ticket.priority", "user") in told  # priority
    assert ("ticket.escalate", "user") in told  # manual escalation
    assert ("ticket.escalate", "system") in told  # automatic escalation
    assert ("ticket.assign", "user") in told  # assignee
    assert ("ticket.resolve", "user") in told  # resolution
    assert ("ticket.reopen", "user") in told  # reopening
    assert {event["actor"] for event in trail if event["actor_type"] == "user"} == {"ann"}


def test_summary_counts_are_right(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    late = opened(slactl, "--plan", "enterprise", "--priority", "urgent")
    answered = opened(slactl, "--assignee", "mia")
    done = opened(slactl, "--assignee", "mia")
    waiting = opened(slactl, "--assignee", "jonas")
    clock.move_to("2026-03-02T10:00:00Z")
    slactl("reply", answered, "--no-body", "--status", "open")
    slactl("reply", waiting, "--no-body")
    clock.move_to("2026-03-02T11:00:01Z")
    slactl("reply", done, "--no-body", "--status", "open")
    slactl("resolve", done)
    slactl("escalate", late, "--reason", "outage")
    summary = json.loads(slactl("summary", "--json").out)
    assert summary["open_count"] == 3
    assert summary["unassigned_count"] == 1
    assert summary["urgent_open_count"] == 1
    assert summary["escalated_count"] == 1
    assert summary["paused_count"] == 1
    assert summary["first_response_breached_count"] == 1
    assert summary["resolution_breached_count"] == 0
    assert summary["first_response_n"] == 3
    assert summary["avg_first_response_minutes"] == pytest.approx((60 + 60 + 7201 / 60) / 3)
    assert summary["median_first_response_minutes"] == 60
    assert summary["resolution_n"] == 1
    assert summary["avg_resolution_hours"] == pytest.approx(7201 / 3600)
    assert summary["first_response_attainment"] == pytest.approx(3 / 4)
    assert summary["resolution_attainment"] == 1
    assert summary["escalation_rate"] == pytest.approx(1 / 4)
    assert summary["breach_rate"] == pytest.approx(1 / 4)
