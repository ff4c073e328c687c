"""One ticket on a terminal."""

import io
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from slactl.show.form import Screen
from slactl.show.history import describe
from slactl.show.ticket import draw_ticket, escalation_change, used_share

pytest_plugins = ["show_samples"]

Make = Callable[..., dict[str, Any]]


def timer(**fields: object) -> dict[str, Any]:
    return {
        "target": "resolution",
        "cycle": 1,
        "target_seconds": 43200,
        "started_at": "2026-03-02T02:00:00Z",
        "due_at": "2026-03-02T14:00:00Z",
        "state": "running",
        "stopped_at": None,
        "breached_at": None,
        "detected_at": None,
        "running_since": "2026-03-02T02:00:00Z",
        "consumed_seconds": 0,
        "manual": False,
        **fields,
    }


@pytest.fixture
def whole(ticket: Make) -> dict[str, Any]:
    """Make a ticket that was answered late, was escalated and is not solved."""
    event = {"ticket_id": 7, "recorded_at": "2026-03-02T02:00:00Z", "actor": "ann", "actor_type": "user"}
    reply = {"at": "2026-03-02T05:00:00Z", "actor": "mia"}
    return ticket(
        id=7,
        subject="Cannot log in",
        tenant="acme",
        assignee="mia",
        priority="high",
        tags=["login", "vip"],
        due_at="2026-03-02T14:00:00Z",
        due_target="resolution",
        first_responded_at="2026-03-02T05:00:00Z",
        ever_breached=True,
        escalated=True,
        escalation_level=1,
        created_at="2026-03-02T02:00:00Z",
        updated_at="2026-03-02T05:00:00Z",
        timers=[
            timer(
                target="first_response",
                target_seconds=7200,
                due_at="2026-03-02T04:00:00Z",
                state="breached",
                stopped_at="2026-03-02T05:00:00Z",
                running_since=None,
                consumed_seconds=10800,
            ),
            timer(),
        ],
        messages=[
            {
                "event_id": 1,
                "at": "2026-03-02T02:00:00Z",
                "type": "created",
                "actor": "ann",
                "body": "Help!\n\nPlease.",
                "retracted": False,
                "written": True,
                "left_out": 0,
            },
            {
                **reply,
                "event_id": 3,
                "type": "agent_reply",
                "body": "On it.",
                "retracted": False,
                "written": True,
                "left_out": 0,
            },
            {**reply, "event_id": 4, "type": "note", "body": None, "retracted": False, "written": False, "left_out": 0},
            {**reply, "event_id": 5, "type": "note", "body": None, "retracted": False, "written": True, "left_out": 0},
        ],
        totals={},
        retracted=[],
        escalations=[
            {
                "id": 1,
                "ticket_id": 7,
                "source": "automatic",
                "escalation": "first-response",
                "level": "breach",
                "repeat": 0,
                "reason": "first_response_sla_breached",
                "due_at": "2026-03-02T04:00:00Z",
                "fired_at": "2026-03-02T04:05:00Z",
                "outcome": "fired",
                "actor": "slactl",
                "from_priority": "normal",
                "to_priority": "high",
                "from_assignee": None,
                "to_assignee": None,
                "run_id": 3,
            }
        ],
        events=[
            {
                **event,
                "change": 41,
                "id": 1,
                "at": "2026-03-02T02:00:00Z",
                "action": "ticket.create",
                "detail": {"plan": "pro", "priority": "normal", "rules": "ab12", "body_hash": "ff", "tags": []},
            },
            {
                **event,
                "change": None,
                "id": 2,
                "at": "2026-03-02T04:05:00Z",
                "recorded_at": "2026-03-02T04:05:00Z",
                "actor": "slactl",
                "actor_type": "system",
                "action": "ticket.priority",
                "detail": {"priority": "high", "from": "normal"},
            },
        ],
    )


def drawn(ticket: dict[str, Any], now: datetime, width: int) -> list[str]:
    stream = io.StringIO()
    draw_ticket(ticket, Screen(stream, width=width), now, due_soon=7200)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


@pytest.mark.usefixtures("berlin")
def test_ticket_at_80_columns(whole: dict[str, Any], now: datetime) -> None:
    assert drawn(whole, now, 80) == [
        "#7  Cannot log in",
        "open · high · assigned to mia · was overdue · escalated once",
        "",
        "Time zone     Europe/Berlin",
        "Due           Mon 2026-03-02 15:00, in 6h, resolution",
        "Requester     bob@example.com",
        "Tenant        acme",
        "Plan          pro",
        "Policy        pro",
        "Tags          login, vip",
        "Created       Mon 2026-03-02 03:00, 6h ago",
        "Updated       Mon 2026-03-02 06:00, 3h ago",
        "Answered      Mon 2026-03-02 06:00, 3h ago",
        "",
        "Timers",
        "Target          State     Used      Duration  Due",
        "first response  breached  ████████  2h        2026-03-02 05:00  done 1h late",
        "resolution      running   ████░░░░  12h       2026-03-02 15:00  in 6h",
        "",
        "Messages",
        "Mon 2026-03-02 03:00  ann, opening message",
        "    Help!",
        "",
        "    Please.",
        "Mon 2026-03-02 06:00  mia, agent's reply",
        "    On it.",
        "Mon 2026-03-02 06:00  mia, internal note",
        "    (no text)",
        "Mon 2026-03-02 06:00  mia, internal note",
        "    (erased)",
        "",
        "Escalations",
        "Fired             Escalation      Level   Outcome  Reason",
        "2026-03-02 05:05  first-response  breach  fired    first response overdue",
        "",
        "Audit trail",
        "At                Actor   Change  Action           Details",
        "2026-03-02 03:00  ann         41  ticket.create    plan pro, priority normal",
        "2026-03-02 05:05  slactl          ticket.priority  priority high, was normal",
    ]


@pytest.mark.usefixtures("berlin")
def test_ticket_at_120_columns_shows_promises_and_changes(whole: dict[str, Any], now: datetime) -> None:
    lines = drawn(whole, now, 120)
    assert "first response      1  breached  ████████  2h        2026-03-02 05:00  done 1h late" in lines
    assert (
        "2026-03-02 05:05  slactl  first-response  breach  fired    priority normal to high  "
        "first response overdue" in lines
    )


def test_hostile_text_does_nothing_in_any_part(hostile: str, whole: dict[str, Any], now: datetime) -> None:
    for name in ("subject", "assignee", "tenant", "plan", "policy", "external_id", "requester_email"):
        whole[name] = hostile
    whole["tags"] = [hostile]
    whole["messages"][0].update(actor=hostile, body=hostile)
    whole["escalations"][0].update(reason=hostile, source="manual", actor=hostile, to_assignee=hostile)
    whole["events"][0].update(actor=hostile, detail={"reason": hostile})
    for width in (80, 120):
        text = "".join(drawn(whole, now, width))
        assert not any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F or c in "\u202e\u200b" for c in text)


def test_what_is_missing_is_not_shown(ticket: Make, now: datetime) -> None:
    bare = ticket(subject=None, timers=[], messages=[], escalations=[], events=[], totals={}, retracted=[])
    lines = drawn(bare, now, 80)
    assert lines[0] == "#1  no subject"
    assert "unassigned" in lines[1]
    assert not {"Timers", "Messages", "Escalations", "Audit trail"} & set(lines)


@pytest.mark.parametrize(
    ("fields", "share"),
    [
        ({}, 0.5),
        ({"consumed_seconds": 21600, "running_since": "2026-03-02T07:00:00Z", "due_at": "2026-03-02T09:00:00Z"}, 0.75),
        ({"due_at": None, "running_since": None, "consumed_seconds": 10800, "state": "paused"}, 0.25),
        ({"stopped_at": "2026-03-02T05:00:00Z", "running_since": None, "consumed_seconds": 99999}, 1.0),
        ({"due_at": "2026-03-02T07:00:00Z"}, 1.0),
        ({"target_seconds": None, "due_at": None}, None),
    ],
)
def test_how_much_of_a_promise_is_used_up(fields: dict[str, Any], share: float | None, now: datetime) -> None:
    assert used_share(timer(**fields), now) == share


def test_what_an_escalation_changed() -> None:
    changed = {"from_priority": "low", "to_priority": "high", "from_assignee": "bob", "to_assignee": None}
    assert escalation_change(changed) == "priority low to high, assigned nobody"
    assert escalation_change(dict.fromkeys(changed)) == ""


@pytest.mark.usefixtures("berlin")
def test_an_event_in_words() -> None:
    detail = {
        "target": "first_response",
        "due_at": "2026-03-02T08:00:00Z",
        "reason": "agreed",
        "from": "low",
        "assignee": None,
        "tags": ["a", "b"],
        "rules": "hidden",
        "body_hash": "hidden",
    }
    told = "target first response, due at 2026-03-02 09:00, reason agreed, assignee none, tags a,b, was low"
    assert describe({"action": "ticket.edit", "detail": detail}) == told
    assert describe({"action": "ticket.create", "detail": detail}) == told.replace("assignee none, ", "")


@pytest.mark.parametrize("value", ["2026-03-02Tnot-a-timeZ", "2026-03-02T25:00:00Z", "x" * 10 + "T" + "x" * 8 + "Z"])
def test_a_reason_that_only_looks_like_an_instant_stays_as_it_is(value: str) -> None:
    assert describe({"action": "ticket.escalate", "detail": {"reason": value}}) == f"reason {value}"
