"""Customers who do not answer: reminders, levels that set a status, and `when` by status and assignee."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from escalation_desk import check, ladder, opened, policy, write_rules
from freezegun.api import FrozenDateTimeFactory

pytestmark = pytest.mark.usefixtures("clock")

SILENT = ladder(
    "waiting",
    'remind +3bd notify = ["manager"]',
    'close +7bd status = "resolved"; notify = ["manager"]',
    name="silent-customer",
)


def fired(slactl: Slactl) -> list[tuple[str, str, str]]:
    found = json.loads(slactl("show", "1", "--json").out)["escalations"]
    return [(each["level"], each["due_at"], each["outcome"]) for each in found]


def ticket(slactl: Slactl) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(slactl("show", "1", "--json").out)
    return found


def test_a_silent_customer_is_reminded_and_the_ticket_resolved(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, policy("office", resolution="8h"), SILENT)
    opened(slactl, "--at", "2026-03-02T09:00:00Z")
    clock.move_to("2026-03-02T10:00:00Z")
    slactl("reply", "1", "--body", "Which printer?")
    assert ticket(slactl)["next_level_at"] == "2026-03-05T10:00:00Z"  # while every clock pauses
    clock.move_to("2026-03-05T09:59:59Z")
    assert check(slactl)["escalated"] == 0
    clock.move_to("2026-03-05T10:00:00Z")
    (message,) = check(slactl)["messages"]
    assert "ticket 1: Silent customer;" in message
    clock.move_to("2026-03-11T10:00:00Z")
    (message,) = check(slactl)["messages"]
    assert "ticket 1: Resolved: silent customer;" in message
    assert fired(slactl) == [
        ("remind", "2026-03-05T10:00:00Z", "fired"),
        ("close", "2026-03-11T10:00:00Z", "fired"),
    ]
    assert (ticket(slactl)["status"], ticket(slactl)["resolved_at"]) == ("resolved", "2026-03-11T10:00:00Z")
    assert slactl("audit", "verify").code == 0


@pytest.mark.parametrize(
    ("words", "following"),
    [
        (["receive", "1", "--body", "The blue one"], None),
        (["status", "1", "open"], None),
        (["resolve", "1"], None),
        (["status", "1", "pending"], "2026-03-06T10:00:00Z"),  # another status, and another time of waiting
        (["reply", "1", "--body", "Are you there?"], "2026-03-06T10:00:00Z"),
        (["note", "1", "--body", "I called them"], "2026-03-05T10:00:00Z"),
        (["assign", "1", "--to", "joe"], "2026-03-05T10:00:00Z"),
        (["priority", "1", "high"], "2026-03-05T10:00:00Z"),
    ],
)
def test_waiting_ends_with_the_customers_message_and_begins_anew_with_a_reply_or_another_status(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, words: list[str], following: str | None
) -> None:
    write_rules(desk, policy("office", resolution="8h"), SILENT)
    opened(slactl, "--at", "2026-03-02T09:00:00Z")
    clock.move_to("2026-03-02T10:00:00Z")
    slactl("reply", "1", "--body", "Which printer?")
    clock.move_to("2026-03-03T10:00:00Z")
    assert slactl(*words).code == 0
    assert ticket(slactl)["next_level_at"] == following


def test_a_message_of_the_customer_that_an_import_brings_ends_the_waiting_until_the_next_reply(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, policy("office", resolution="8h"), SILENT)

    def line(at: str, kind: str, **more: str) -> dict[str, str]:
        return {"ticket": "A", "at": f"2026-03-{at}Z", "type": kind, **more}

    lines = [
        line("02T09:00:00", "created"),
        line("02T10:00:00", "status", status="pending"),
        line("03T10:00:00", "customer_reply"),
    ]
    clock.move_to("2026-03-04T10:00:00Z")
    slactl("import", "-", stdin="\n".join(map(json.dumps, lines)))
    assert ticket(slactl)["next_level_at"] is None
    reply = json.dumps(line("03T11:00:00", "agent_reply"))
    slactl("import", "-", stdin="\n".join([*map(json.dumps, lines), reply]))
    assert ticket(slactl)["next_level_at"] == "2026-03-06T11:00:00Z"


@pytest.mark.parametrize(
    ("when", "options", "fires"),
    [
        ("unassigned = true", [], True),
        ("unassigned = true", ["--assignee", "mia"], False),
        ("unassigned = false", ["--assignee", "mia"], True),
        ("unassigned = false", [], False),
        ('assignee = ["mia", "joe"]', ["--assignee", "joe"], True),
        ('assignee = ["mia"]', ["--assignee", "joe"], False),
        ('assignee = ["mia"]', [], False),
        ('status = ["open"]', [], True),
        ('status = ["pending", "waiting_customer"]', [], False),
        ('not = { status = ["open"] }', [], False),
        ('not = { assignee = ["mia"], tag = ["vip"] }', ["--assignee", "mia"], True),
        ('not = { assignee = ["mia"], tag = ["vip"] }', ["--assignee", "mia", "--tag", "vip"], False),
        ("not = { unassigned = true }", [], False),
    ],
)
def test_a_rule_is_for_tickets_as_they_are_at_the_moment(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, when: str, options: list[str], fires: bool
) -> None:
    rule = ladder("created", "one +1h", more=f"when = {{ {when} }}")
    level = ladder("created", f'two +1h when = {{ {when} }}; notify = ["manager"]', name="other")
    write_rules(desk, policy(resolution="8h"), rule, level)
    opened(slactl, *options)
    clock.move_to("2026-03-02T10:00:00Z")
    check(slactl)
    outcome = "fired" if fires else "skipped"
    assert fired(slactl) == ([("one", "2026-03-02T10:00:00Z", "fired")] if fires else []) + [
        ("two", "2026-03-02T10:00:00Z", outcome)
    ]


def test_a_rule_about_the_status_fires_once_the_ticket_has_it(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, policy(resolution="8h"), ladder("created", "one +1h", more='when = { status = ["pending"] }'))
    opened(slactl)
    clock.move_to("2026-03-02T12:00:00Z")
    assert check(slactl)["escalated"] == 0
    slactl("status", "1", "pending", "--until", "2026-03-02T14:00:00Z")
    assert check(slactl)["escalated"] == 1


def test_a_level_that_sets_the_status_ends_the_pause_and_what_it_tells_is_true(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    back = ladder("waiting", 'back +1h status = "open"; assign = "manager"; notify = ["assignee"]')
    write_rules(desk, policy(resolution="8h"), back)
    opened(slactl)
    slactl("status", "1", "pending", "--until", "2026-03-05T09:00:00Z")
    clock.move_to("2026-03-02T10:00:00Z")
    assert len(check(slactl)["messages"]) == 1
    found = ticket(slactl)
    assert (found["status"], found["assignee"], found["pending_until"]) == ("open", "mia", None)
    assert found["due_at"] == "2026-03-02T18:00:00Z"
    clock.move_to("2026-03-06T10:00:00Z")
    check(slactl)
    changes = [event["detail"] for event in ticket(slactl)["events"] if event["action"] == "ticket.status"]
    assert [(each["from"], each["status"]) for each in changes] == [("open", "pending"), ("pending", "open")]


def test_a_resolution_by_a_level_is_no_outcome_of_the_first_response(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, policy(first_response="100h", resolution="200h"), SILENT)
    opened(slactl)
    slactl("status", "1", "pending")
    clock.move_to("2026-03-20T10:00:00Z")
    check(slactl)
    assert ticket(slactl)["status"] == "resolved"
    summary = json.loads(slactl("summary", "--since", "all", "--json").out)
    assert (summary["first_response_n"], summary["resolution_n"]) == (0, 1)


def test_the_assignee_is_told_once_that_a_status_ended(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, policy(resolution="80h"), ladder("created", "one +100h"))
    opened(slactl, "--assignee", "joe")
    opened(slactl)
    slactl("status", "1", "2", "pending", "--until", "2026-03-02T11:00:00Z")
    clock.move_to("2026-03-02T10:59:59Z")
    assert check(slactl)["messages"] == []
    clock.move_to("2026-03-02T11:05:00Z")
    planned = check(slactl, "--dry-run")
    report = check(slactl)
    assert (planned["notified"], planned["messages_sent"]) == (report["notified"], report["messages_sent"]) == (1, 1)
    (message,) = report["messages"]
    assert message.startswith("To joe: Ticket 1, normal: Open again: pending ended at 2026-03-02T11:00:00Z\n")
    assert check(slactl)["messages"] == []
    (told,) = json.loads(slactl("notifications", "list", "--json").out)
    assert (told["escalation_id"], told["event_id"] is not None, told["recipient"]) == (None, True, "joe")
    assert slactl("audit", "verify").code == 0


@pytest.mark.parametrize("words", [["status", "1", "pending"], ["resolve", "1"]])
def test_a_message_that_a_status_ended_is_not_sent_once_another_is_set(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, words: list[str]
) -> None:
    write_rules(desk, policy(resolution="80h"), ladder("created", "one +100h"))
    opened(slactl, "--assignee", "joe")
    slactl("status", "1", "pending", "--until", "2026-03-02T11:00:00Z")
    clock.move_to("2026-03-02T11:05:00Z")
    slactl("check", "--no-send")
    slactl(*words)
    assert check(slactl)["messages"] == []
    assert [each["state"] for each in json.loads(slactl("notifications", "list", "--json").out)] == ["obsolete"]


def test_a_missed_deadline_and_the_end_of_a_status_are_one_line(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, policy(resolution="2h"), ladder("resolution", 'breach 0m notify = ["assignee"]'))
    opened(slactl, "--assignee", "joe")
    clock.move_to("2026-03-02T10:00:00Z")
    slactl("status", "1", "pending", "--until", "2026-03-02T11:00:00Z")
    clock.move_to("2026-03-02T12:30:00Z")
    (message,) = check(slactl)["messages"]
    assert message.count("ticket 1") == 1
    assert "Ticket 1, normal: Resolution overdue by 30 min" in message
    assert "open again since 2026-03-02T11:00:00Z" in message
