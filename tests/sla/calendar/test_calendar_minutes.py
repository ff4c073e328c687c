"""Calendars as the rules write them against a second opinion that steps in minutes, across clock changes.

Unions, special dates of all four kinds, business days that end at a time of day or when the hours end.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from minute_clock import MINUTE, NAMES, MinuteClock, instant

from slactl.desk.what_if.simulate import simulate_file
from slactl.durations import parse_target_duration
from slactl.errors import RulesError
from slactl.sla.calendar.calendar import NoOpenHours
from slactl.sla.rules.loading import parse
from slactl.sla.rules.rules import Rules

EXAMPLES = [pytest.param(60, id="few"), pytest.param(10_000, id="many", marks=pytest.mark.full)]
DAY, HOUR = 86_400, 3600

#: How many questions are asked about each walk, which takes long to make.
QUESTIONS = 6

#: Clock changes, in UTC, forward and back; Kolkata has none and half an hour of offset.
CHANGES = [
    ("Europe/Berlin", "2026-03-29T01:00"),
    ("Europe/Berlin", "2026-10-25T01:00"),
    ("America/New_York", "2026-03-08T07:00"),
    ("America/New_York", "2026-11-01T06:00"),
    ("Australia/Lord_Howe", "2026-04-04T15:00"),
    ("Australia/Lord_Howe", "2026-10-03T15:30"),
    ("Asia/Kolkata", "2026-01-01T00:00"),
]
ZONES = sorted({zone for zone, _ in CHANGES})

#: The hours of a date; the clocks change in some of them.
HOURS = [
    [],
    ["09:00-17:00"],
    ["08:30-12:00", "13:15-18:00"],
    ["22:00-06:00"],
    ["00:00-24:00"],
    ["01:00-02:30", "02:45-05:00"],
    ["23:30-02:15"],
]
SOME_HOURS = st.sampled_from(HOURS)
WEEK = st.fixed_dictionaries({name: SOME_HOURS for name in NAMES})
BY_WEEKDAY = st.dictionaries(st.sampled_from(NAMES), SOME_HOURS, min_size=1, max_size=3)
NEAR = st.integers(-3, 8)
LENGTHS = ["0bd close", "1bd close", "2bd close", "0bd 02:30", "0bd 12:00", "1bd 02:30", "1bd 17:00", "2bd 24:00"]


@st.composite
def special_dates(draw: st.DrawFn, around: int) -> dict[str, Any]:
    """Special dates of any kind; no two ranges of a kind, which could overlap."""
    today = datetime.fromtimestamp(around, UTC).date()
    dates: dict[str, Any] = {}
    for form, is_range in (("%Y-%m-%d", False), ("%Y-%m-%d", True), ("%m-%d", False), ("%m-%d", True)):
        if draw(st.booleans()):
            first = today + timedelta(days=draw(NEAR))
            last = first + timedelta(days=draw(st.integers(0, 5)))
            key = f"{first:{form}}..{last:{form}}" if is_range else f"{first:{form}}"
            dates[key] = draw(SOME_HOURS | BY_WEEKDAY)
    return dates


@st.composite
def calendar(draw: st.DrawFn, zone: str, around: int) -> dict[str, Any]:
    today = datetime.fromtimestamp(around, UTC).date()
    closed = [today + timedelta(days=away) for away in draw(st.lists(NEAR, max_size=2))]
    week = {day: hours for day, hours in draw(WEEK).items() if hours}
    return {
        "timezone": zone,
        "weekly": week,
        "dates": draw(special_dates(around)),
        "holidays": [f"{day:%m-%d}" if draw(st.booleans()) else day.isoformat() for day in closed],
    }


@st.composite
def cases(draw: st.DrawFn) -> tuple[Mapping[str, Any], int]:
    """Two calendars and their union, and an instant at which clocks change."""
    zone, change = draw(st.sampled_from(CHANGES))
    around = instant(change)
    zones = st.sampled_from([zone, zone, *ZONES])
    calendars = {name: draw(calendar(draw(zones), around)) for name in ("here", "there")}
    return {**calendars, "world": {"timezone": draw(zones), "any_of": ["here", "there"]}}, around


def rules_of(calendars: Mapping[str, Any], target: object = "1h", calendar: str = "here") -> Rules:
    policy = {"name": "all", "calendar": calendar, "targets": {"default": {"resolution": target}}}
    try:
        return parse(tomli_w.dumps({"schema": 1, "calendars": calendars, "policy": [policy]}))
    except RulesError as error:
        assume("never open" not in error.message)
        raise


def hold(examples: int, law: Callable[[st.DataObject], None]) -> None:
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    profile = settings(
        max_examples=examples, derandomize=True, deadline=None, database=None, suppress_health_check=quiet
    )
    profile(given(st.data())(law))()


def walk_around(data: st.DataObject, calendars: Mapping[str, Any], name: str, around: int) -> tuple[MinuteClock, int]:
    """A walk of some days, and the first instant at which questions may begin."""
    begin = around + data.draw(st.integers(-72, -24)) * HOUR
    return MinuteClock(calendars, name, begin - 2 * DAY, begin + 9 * DAY), begin


def same(question: Callable[[], int], expected: int | None) -> None:
    """Where the walk is long enough to tell, the calendar gives the same instant."""
    if expected is not None:
        assert question() == expected


@pytest.mark.parametrize("examples", EXAMPLES)
def test_calendars_agree_with_a_clock_that_steps_in_minutes(examples: int) -> None:
    def law(data: st.DataObject) -> None:
        calendars, around = data.draw(cases())
        name = data.draw(st.sampled_from(["here", "world", "world"]))
        asked = rules_of(calendars).calendar(name)
        walk, begin = walk_around(data, calendars, name, around)
        moments = st.integers(0, 3 * DAY // MINUTE).map(lambda number: begin + number * MINUTE)
        for _ in range(QUESTIONS):
            start, end = data.draw(moments), data.draw(moments)
            if start <= end:
                assert asked.between_seconds(start, end) == walk.between(start, end)
            seconds, days = data.draw(st.integers(0, 40 * 60)) * MINUTE, data.draw(st.integers(1, 3))
            same(partial(asked.add_seconds, start, seconds), walk.add(start, seconds))
            same(partial(asked.add_days_seconds, start, days), walk.add_days(start, days))
            length = data.draw(st.sampled_from(LENGTHS))
            count, clock = length.split("bd ")
            if clock != "24:00":
                same(partial(asked.after, start, parse_target_duration(length)), walk.until(start, int(count), clock))

    hold(examples // QUESTIONS, law)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_targets_with_a_calendar_of_their_own_agree_with_it_and_pauses_move_them(examples: int) -> None:
    """The policy counts on `here`; its target names another calendar, on which pauses count too."""

    def law(data: st.DataObject) -> None:
        calendars, around = data.draw(cases())
        name = data.draw(st.sampled_from(["there", "world"]))
        length = data.draw(st.sampled_from([*LENGTHS[:-1], "1bd", "2bd"]))
        rules = rules_of(calendars, {"within": length, "calendar": name})
        walk, begin = walk_around(data, calendars, name, around)
        for _ in range(QUESTIONS):
            opened = begin + data.draw(st.integers(0, DAY // MINUTE)) * MINUTE
            paused, resumed = sorted(opened + data.draw(st.integers(0, 2 * DAY // MINUTE)) * MINUTE for _ in range(2))
            if length.endswith("bd"):
                due = walk.add_days(opened, int(length[0]))
            else:
                due = walk.until(opened, int(length[0]), length.split()[1])
            if due is not None and paused <= due:
                due = walk.add(due, walk.between(paused, resumed))
            if due is not None:
                assert due_of(rules, [("created", opened), ("pending", paused), ("open", resumed)]) == due

    hold(examples // QUESTIONS, law)


def due_of(rules: Rules, events: list[tuple[str, int]]) -> int:
    """When the resolution is due after a ticket was created and has had some statuses."""
    lines = b""
    for name, at in events:
        what = {"type": "created"} if name == "created" else {"type": "status", "status": name}
        record = {"ticket": "A", "at": datetime.fromtimestamp(at, UTC).isoformat(), **what}
        lines += json.dumps(record).encode() + b"\n"
    (ticket,) = simulate_file(BytesIO(lines), rules, "last", lambda problem: pytest.fail(str(problem)))
    (timer,) = ticket["timers"]
    assert timer["due_at"] is not None
    return int(datetime.fromisoformat(timer["due_at"]).timestamp())


def test_a_union_that_closes_for_good_says_so() -> None:
    calendars = {
        "day": {"timezone": "UTC", "dates": {"2026-05-02": ["09:00-17:00"]}},
        "world": {"timezone": "Asia/Kolkata", "any_of": ["day"]},
    }
    world = rules_of(calendars, calendar="day").calendar("world")
    with pytest.raises(NoOpenHours, match="no open hours left after the year 2027"):
        world.add_seconds(instant("2026-05-02T16:00"), 2 * HOUR)
