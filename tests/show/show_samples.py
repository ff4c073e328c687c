"""Records to draw, and a zone to draw them in."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

TICKET: dict[str, Any] = {
    "id": 1,
    "external_id": None,
    "tenant": None,
    "plan": "pro",
    "requester_email": "bob@example.com",
    "subject": "Printer on fire",
    "status": "open",
    "priority": "normal",
    "assignee": None,
    "tags": [],
    "policy": "pro",
    "created_at": "2026-03-02T07:00:00Z",
    "updated_at": "2026-03-02T07:00:00Z",
    "first_response_due_at": None,
    "first_responded_at": None,
    "first_response_state": "none",
    "next_response_due_at": None,
    "next_response_state": "none",
    "update_due_at": None,
    "update_state": "none",
    "resolution_due_at": None,
    "resolved_at": None,
    "resolution_state": "none",
    "due_at": None,
    "due_target": None,
    "overdue_seconds": None,
    "breached": False,
    "ever_breached": False,
    "escalated": False,
    "escalation_level": 0,
    "acked_until": None,
    "pending_until": None,
    "next_escalation": None,
    "next_level": None,
    "next_level_at": None,
}

#: What strangers write to deceive whoever reads it, by what it tries.
HOSTILE = {
    "markup": "[bold red]sale[/] [link=https://evil.example]x[/link]",
    "colour": "\x1b[31mred\x1b[0m",
    "title": "\x1b]0;owned\x07plain",
    "link": "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "c1": "\x9b31mred",
    "lines": "one\ntwo\r\nthree\tfour",
    "bidi": "invoice\u202efdp.exe",
    "hidden": "ad\u200bmin",
    "emoji code": ":smile: done",
    "bell": "\a\b\x00\x7f",
}


@pytest.fixture
def ticket() -> Callable[..., dict[str, Any]]:
    """Make a ticket record with some fields of its own."""
    return lambda **fields: {**TICKET, **fields}


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE.keys())
def hostile(request: pytest.FixtureRequest) -> str:
    """Each hostile text in turn."""
    return str(request.param)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the machine in Berlin."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()
