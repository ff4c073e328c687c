"""`history` and `audit list`: everything that ever happened, for one ticket or for all."""

import json

import pytest
from conftest import Slactl

pytest_plugins = ["busy_desk"]

pytestmark = pytest.mark.usefixtures("busy")

FIELDS = ["id", "ticket_id", "at", "recorded_at", "actor", "actor_type", "action", "detail"]
FIELDS += ["change", "unix_user"]


def test_history_has_the_events_of_a_ticket_in_order(slactl: Slactl) -> None:
    events = json.loads(slactl("history", "1", "--json").out)
    assert all(list(event) == FIELDS and event["ticket_id"] == 1 for event in events)
    assert [event["action"] for event in events if event["actor_type"] == "user"] == [
        "ticket.create",
        "ticket.reply",
        "ticket.resolve",
        "ticket.close",
    ]
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    assert events[0]["detail"]["priority"] == "normal"


def test_history_of_several_tickets_keeps_their_order(slactl: Slactl) -> None:
    events = json.loads(slactl("history", "4", "3", "--json").out)
    assert list(dict.fromkeys(event["ticket_id"] for event in events)) == [4, 3]


def test_history_on_a_pipe_is_tab_separated(slactl: Slactl) -> None:
    cells = slactl("history", "1").lines[0].split("\t")
    assert cells[1:7] == ["1", "2026-02-20T08:00:00Z", "2026-02-20T08:00:00Z", "ann", "user", "ticket.create"]
    assert json.loads(cells[7])["plan"] == "pro"


def test_history_on_a_terminal(slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    lines = slactl("history", "1", "--format", "table").lines
    assert lines[0].split() == ["At", "(UTC)", "Actor", "Change", "Action", "Details"]
    [resolved] = [line.split() for line in lines if "ticket.resolve" in line]
    shown = ["2026-02-24", "08:00", "ann", "ticket.resolve", "status", "resolved,", "was", "open"]
    assert [*resolved[:3], *resolved[4:]] == shown
    assert "_hash" not in "".join(lines)
    assert slactl("history", "1", "2", "--format", "table").lines[0].split()[0] == "Ticket"


def test_history_of_an_unknown_ticket(slactl: Slactl) -> None:
    result = slactl("history", "99")
    assert (result.code, result.out) == (3, "")


def test_the_audit_log_has_everything_in_the_order_it_was_written(slactl: Slactl) -> None:
    events = json.loads(slactl("audit", "list", "--json").out)
    assert [list(event) for event in events] == [FIELDS] * len(events)
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert {event["ticket_id"] for event in events} == set(range(1, 9))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--action ticket.escalate", [5]),
        ("--action ticket.resolve --action ticket.close", [1, 1, 3]),
        ("--action ticket.create --since 2026-03-02T09:30:00Z", [7, 8]),
        ("--action ticket.create --until 2026-03-01T12:00:00Z", [1, 2]),
        ("--action ticket.create --limit 2", [7, 8]),
        ("--action ticket.create --actor nobody", []),
        ("--action ticket.reply --actor ann", [1, 2, 5]),
        ("--action ticket.reply --actor me", []),
    ],
)
def test_audit_filters(options: str, expected: list[int], slactl: Slactl) -> None:
    events = json.loads(slactl("audit", "list", "--json", *options.split()).out)
    assert [event["ticket_id"] for event in events] == expected


def test_the_audit_log_on_a_terminal_shows_the_last_ones(slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    lines = slactl("audit", "list", "--format", "table", "--limit", "1").lines
    assert lines[-1] == "the last 1; --limit 0 for all"
    assert "ticket.create" in lines[1] or "sla." in lines[1]


def test_a_misspelt_action_is_refused(slactl: Slactl) -> None:
    result = slactl("audit", "list", "--action", "ticket.escalated")
    assert result.code == 2
    assert "did you mean ticket.escalate?" in result.err


def test_what_strangers_wrote_is_not_in_the_log(slactl: Slactl) -> None:
    out = slactl("audit", "list", "--json").out + slactl("history", "8", "--format", "table").out
    assert "Sale" not in out
    assert "mallory@example.com" not in out
