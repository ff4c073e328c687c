"""The live board as one screen of any size, with and without colour."""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from show_samples import HOSTILE, NOW

from slactl.clock import to_text
from slactl.show.board import AROUND, choosable, countdown, draw_board, share
from slactl.show.form import Screen

pytest_plugins = ["show_samples"]

TicketMaker = Callable[..., dict[str, Any]]


def lines(
    shown: dict[str, Any], width: int, height: int, *, color: bool = False, chosen: int | None = None
) -> list[str]:
    stream = io.StringIO()
    console = Screen(stream, color).console(live=True)
    console.size = (width, height)  # type: ignore[assignment]
    console.print(draw_board(shown, width, height, chosen=chosen), end="")
    return stream.getvalue().split("\n")[:-1]


@pytest.fixture
def shown(ticket: TicketMaker) -> dict[str, Any]:
    late = [ticket(id=n, due_at=to_text(NOW - timedelta(hours=n)), due_target="resolution") for n in range(30, 0, -1)]
    soon = [ticket(id=90 + n, due_at=to_text(NOW + timedelta(minutes=n)), due_target="resolution") for n in range(3)]
    later = [
        ticket(id=200, due_at=to_text(NOW + timedelta(days=2)), due_target="resolution"),
        ticket(id=201, due_at=None),
    ]
    step = {"ticket_id": 1, "kind": "unassigned", "next_at": to_text(NOW), "priority": "urgent", "assignee": None}
    return {
        "at": to_text(NOW),
        "now": NOW,
        "read_at": to_text(NOW),
        "interval": 5,
        "due_soon": 7200,
        "open_count": 40,
        "late_count": 30,
        "urgent_count": 0,
        "forecast": [(1, 3), (4, 3), (24, 3)],
        "late": late,
        "soon": soon,
        "soon_count": 3,
        "urgent": [],
        "unlisted_urgent_count": 0,
        "later": later,
        "later_count": 7,
        "is_filtered": False,
        "next_step": step | {"subject": "Printer on fire"},
        "last_check": {"started_at": to_text(NOW - timedelta(minutes=2)), "ended_at": to_text(NOW), "exit_code": 0},
        "is_check_old": False,
        "asleep": None,
        "problem": None,
    }


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60), (40, 10), (20, 5), (10, 3)])
@pytest.mark.parametrize("color", [True, False])
def test_it_fills_the_terminal_exactly(shown: dict[str, Any], width: int, height: int, color: bool) -> None:
    drawn = lines(shown, width, height, color=color)
    assert len(drawn) == height
    if not color:
        assert max(map(len, drawn)) <= width


def test_80_by_24(shown: dict[str, Any]) -> None:
    drawn = [line.rstrip() for line in lines(shown, 80, 24)]
    # With seconds, so that nothing jumps when they are 0.
    assert re.match(r"slactl  \w{3} 2026-03-0\d \d\d:\d\d:00 [+-]\d\d:\d\d ", drawn[0])
    assert drawn[0].endswith("checked 2m ago")
    assert drawn[1] == "Open 40 · overdue 30 · urgent and unassigned 0 · due within 1h 3, 4h 3, 24h 3"
    headings = [line for line in drawn if ": " in line and line[:2].isupper()]
    assert headings == ["OVERDUE: 30, 5 shown", "DUE WITHIN 2h: 3", "LATER: 7, 2 shown"]
    assert "   30  1d 06:00:00 late  resolution  normal    nobody    Printer on fire" in drawn
    assert any(line.startswith("   91") and "in 1:00" in line for line in drawn)
    assert drawn[2] == "Next escalation or breach in 0:00: unassigned of #1, Printer on fire"
    assert drawn[-1].startswith("q quits")


def test_the_rows_of_a_section_move_with_the_chosen_ticket(shown: dict[str, Any]) -> None:
    order = choosable(shown, 24)
    assert order == [*range(30, 0, -1), 90, 91, 92, 200, 201]
    for chosen in order:
        drawn = lines(shown, 80, 24, chosen=chosen)
        marked = [line for line in drawn if line.startswith(">")]
        assert [line.split()[1] for line in marked] == [str(chosen)]
        assert len(drawn) == 24
    assert choosable(shown, 14) == [*range(30, 0, -1), 90, 91, 92]  # there is no room for the last section
    assert choosable(shown, 3) == []


def test_sections_share_the_lines() -> None:
    assert share([30, 3, 1], 20) == [7, 3, 1]
    assert share([30, 3, 1], 3 * AROUND + 3) == [1, 1, 1]
    assert share([30, 3, 1], 3 * AROUND + 2) == [3, 2]
    assert share([30], 2) == []
    assert share([], 20) == []
    assert share([2, 2], 100) == [2, 2]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59, "0:59"), (61, "1:01"), (3600, "1:00:00"), (-3661, "1:01:01"), (90061, "1d 01:01:01")],
)
def test_times_that_tick(seconds: int, text: str) -> None:
    assert countdown(seconds) == text


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_strangers_draw_nothing(shown: dict[str, Any], ticket: TicketMaker, hostile: str) -> None:
    late = [ticket(subject=hostile, assignee=hostile, due_at=to_text(NOW - timedelta(hours=1)))]
    step = shown["next_step"] | {"subject": hostile}
    drawn = lines({**shown, "late": late, "late_count": 1, "next_step": step, "problem": hostile}, 160, 30)
    assert len(drawn) == 30
    assert not any(character in "\x1b\x07\x00\x9b\r\u202e\u200b" for line in drawn for character in line)


@pytest.mark.parametrize(
    ("check", "old", "told"),
    [
        (None, False, "no check has run yet"),
        ({"ended_at": None, "exit_code": None}, False, "a check began 2m ago"),
        ({"ended_at": "x", "exit_code": 6}, False, "checked 2m ago, FAILED with exit code 6"),
        ({"ended_at": "x", "exit_code": 4}, False, "checked 2m ago, exit code 4"),
        ({"ended_at": "x", "exit_code": 7}, False, "checked 2m ago, exit code 7"),
        ({"ended_at": "x", "exit_code": 0}, False, "checked 2m ago"),
        ({"ended_at": "x", "exit_code": 0}, True, "NO CHECK FOR 2m: is cron running?"),
    ],
)
def test_how_the_last_check_went(shown: dict[str, Any], check: dict[str, Any] | None, old: bool, told: str) -> None:
    stated = check and {**check, "started_at": to_text(NOW - timedelta(minutes=2))}
    drawn = lines({**shown, "last_check": stated, "is_check_old": old}, 80, 24)
    assert drawn[0].rstrip().endswith(f"  {told}")


def test_a_warning_stays_where_there_is_no_room_for_both(shown: dict[str, Any]) -> None:
    assert lines({**shown, "last_check": None}, 40, 10)[0].strip() == "no check has run yet"


def test_a_database_that_cannot_be_read_is_told(shown: dict[str, Any]) -> None:
    drawn = lines({**shown, "problem": "the database slactl.db does not exist"}, 80, 24)
    assert "CANNOT READ, as of " in drawn[-1]
    assert drawn[-1].rstrip().endswith("the database slactl.db does not exist")
