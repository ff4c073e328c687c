"""The summary on one screen."""

import io
from typing import Any

import pytest

from slactl.show.form import Screen
from slactl.show.shares import change_words, percent, stacked
from slactl.show.summary import draw_summary

pytest_plugins = ["show_samples"]

EMPTY: dict[str, Any] = {
    "at": "2026-03-02T08:00:00Z",
    "open_count": 0,
    "unassigned_count": 0,
    "urgent_open_count": 0,
    "escalated_count": 0,
    "paused_count": 0,
    "due_soon_count": 0,
    "first_response_breached_count": 0,
    "next_response_breached_count": 0,
    "update_breached_count": 0,
    "resolution_breached_count": 0,
    "avg_first_response_minutes": None,
    "median_first_response_minutes": None,
    "first_response_n": 0,
    "avg_resolution_hours": None,
    "median_resolution_hours": None,
    "resolution_n": 0,
    "first_response_attainment": None,
    "resolution_attainment": None,
    "escalation_rate": None,
    "breach_rate": None,
    "reopen_rate": None,
    "since": None,
    "until": None,
    "by": None,
    "groups": None,
    "before": None,
    "due_soon_seconds": 7200,
    "urgency": [
        {"band": band, "count": 0, "urgent": 0, "high": 0, "normal": 0, "low": 0}
        for band in ("late", "due_soon", "due_later", "paused", "no_deadline")
    ],
    "next": [],
    "forecast": None,
}
UNCHANGED: dict[str, Any] = {
    "lately": {"since": "2026-02-23T08:00:00Z", "first_response_attainment": None, "resolution_attainment": None},
    "before": {"first_response_attainment": None, "resolution_attainment": None},
}
CHANGED: dict[str, Any] = {
    "lately": {"since": "2026-02-23T08:00:00Z", "first_response_attainment": 0.82, "resolution_attainment": 0.991},
    "before": {"first_response_attainment": 0.795, "resolution_attainment": None},
}
BUSY: dict[str, Any] = {
    **EMPTY,
    "open_count": 1042,
    "unassigned_count": 3,
    "urgent_open_count": 5,
    "escalated_count": 7,
    "paused_count": 9,
    "due_soon_count": 4,
    "first_response_breached_count": 3,
    "resolution_breached_count": 4,
    "avg_first_response_minutes": 42.5,
    "median_first_response_minutes": 30.0,
    "first_response_n": 1200,
    "avg_resolution_hours": 12.3,
    "median_resolution_hours": 10.0,
    "resolution_n": 98,
    "first_response_attainment": 0.82,
    "resolution_attainment": 0.991,
    "escalation_rate": 0.1,
    "breach_rate": 0.2,
    "reopen_rate": 0.05,
    "urgency": [
        {"band": "late", "count": 7, "urgent": 2, "high": 5, "normal": 0, "low": 0},
        {"band": "due_soon", "count": 4, "urgent": 0, "high": 0, "normal": 4, "low": 0},
        {"band": "due_later", "count": 1022, "urgent": 3, "high": 0, "normal": 1019, "low": 0},
        {"band": "paused", "count": 9, "urgent": 0, "high": 0, "normal": 0, "low": 9},
        {"band": "no_deadline", "count": 0, "urgent": 0, "high": 0, "normal": 0, "low": 0},
    ],
}


def drawn(summary: dict[str, Any], width: int, *, color: bool = False, change: dict[str, Any] = UNCHANGED) -> list[str]:
    stream = io.StringIO()
    draw_summary(summary, change, Screen(stream, color, width))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


@pytest.mark.usefixtures("berlin")
def test_summary_at_80_columns() -> None:
    grouped = {**BUSY, "by": "plan", "groups": [{**BUSY, "group": "enterprise"}, {**EMPTY, "group": None}]}
    assert drawn(grouped, 80, change=CHANGED) == [
        "Service desk on Mon 2026-03-02 09:00 Europe/Berlin",
        "",
        "Open work      Urgent  High  Normal  Low    All",
        "overdue             2     5       -    -      7  █",
        "due within 2h       -     -       4    -      4  █",
        "due later           3     -   1,019    -  1,022  ████████████████████",
        "paused              -     -       -    9      9  █",
        "1,042 open: 3 unassigned · 7 escalated · 9 paused",
        "Overdue targets: first response 3 · next response 0 · update 0 · resolution 4",
        "",
        "Target          Met                           Average  Median     Of",
        "first response  ████████████████░░░░  82.0 %      42m     30m  1,200",
        "resolution      ███████████████████░  99.1 %  12h 18m     10h     98",
        "Of these tickets, 20.0 % were overdue and 10.0 % were escalated. Of the resolved",
        "tickets, 5.0 % were reopened.",
        "",
        "Change          Last 7d  Before",
        "first response   82.0 %  79.5 %  2.5 points better",
        "resolution       99.1 %     n/a",
        "",
        "Plan         Open  Overdue  Due soon  Unassigned  Response met  Resolution met",
        "enterprise  1,042        7         4           3        82.0 %          99.1 %",
        "no plan         0        0         0           0           n/a             n/a",
    ]


@pytest.mark.usefixtures("berlin")
def test_an_empty_desk_has_no_numbers_to_show() -> None:
    lines = drawn({**EMPTY, "since": "2026-03-01T00:00:00Z"}, 80)
    assert "Targets met or missed since Sun 2026-03-01 01:00" in lines
    assert ["first", "response", "n/a", "n/a", "n/a", "0"] in [line.split() for line in lines]
    assert "Of these tickets, n/a were overdue and n/a were escalated. Of the resolved" in lines


def test_colour_is_only_beside_numbers() -> None:
    plain, coloured = drawn(BUSY, 120), drawn(BUSY, 120, color=True)
    assert coloured[3].startswith("\x1b[1;38;5;163moverdue")
    assert "\x1b[38;5;131m82.0 %\x1b[0m" in coloured[11]
    assert "\x1b[38;5;29m99.1 %\x1b[0m" in coloured[12]
    assert len(plain) == len(coloured)


def test_hostile_group_names_do_nothing(hostile: str) -> None:
    text = "".join(drawn({**BUSY, "by": "assignee", "groups": [{**BUSY, "group": hostile}]}, 120))
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F or c in "\u202e\u200b" for c in text)


@pytest.mark.parametrize(("share", "text"), [(None, "n/a"), (0.0, "0.0 %"), (1.0, "100.0 %"), (0.8215, "82.2 %")])
def test_percent(share: float | None, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("share", "before", "text"),
    [
        (0.82, 0.795, "2.5 points better"),
        (0.795, 0.82, "2.5 points worse"),
        (0.8204, 0.82, "no change"),
        (None, 0.82, ""),
        (0.82, None, ""),
        (0.0, 0.0, "no change"),
    ],
)
def test_change_in_words(share: float | None, before: float | None, text: str) -> None:
    assert change_words(share, before) == text


def test_a_stacked_bar_is_as_long_as_it_is_to_be() -> None:
    assert stacked([(0.5, "a"), (0.25, "b"), (0.25, "c")], 8) == "aaaabbcc"
    assert len(stacked([(1 / 3, "a"), (1 / 3, "b"), (1 / 3, "c")], 10)) == 10
