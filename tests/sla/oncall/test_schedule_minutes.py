"""Random schedules against a second opinion that walks through minutes, across clock changes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from minute_rota import DAY, MINUTE, PlainLayer, PlainRota

from slactl.sla.calendar.calendar import BusinessCalendar, Hours
from slactl.sla.calendar.zone import EPOCH, Zone
from slactl.sla.oncall.rotation import DayRotation, WallRotation
from slactl.sla.oncall.schedule import Absence, Exceptions, Layer, Override, Schedule, on_call, shifts, standing

EXAMPLES = [
    pytest.param(150, id="few"),
    pytest.param(10_000, id="many", marks=[pytest.mark.full, pytest.mark.timeout(3600)]),
]

#: The dates of clock changes, forward and back.
CHANGES = [
    ("Europe/Berlin", datetime.fromisoformat("2026-03-29")),
    ("Europe/Berlin", datetime.fromisoformat("2026-10-25")),
    ("America/New_York", datetime.fromisoformat("2026-03-08")),
    ("America/New_York", datetime.fromisoformat("2026-11-01")),
    ("Australia/Lord_Howe", datetime.fromisoformat("2026-04-05")),
    ("Australia/Lord_Howe", datetime.fromisoformat("2026-10-04")),
]
PEOPLE = ["ann", "ben", "cem", "dan", "eve", "flo", "gus"]

#: Minutes of the day at which a turn or hours begin or end; the clocks change around the first ones.
MINUTES = st.sampled_from([0, 60, 105, 120, 135, 150, 180, 195, 540, 780, 1020, 1200, 1380])
LENGTHS = st.sampled_from([1, 2, 12, 24, 36, 48, 168, 336]).map(lambda hours: timedelta(hours=hours))
SOME_HOURS = st.sampled_from(
    [[(0, 1440)], [(540, 1020)], [(480, 720), (780, 1080)], [(1320, 1800)], [(60, 330)], [(1380, 1575)]]
)
OPEN_DAYS = st.integers(1, 3)


@st.composite
def layers(draw: st.DrawFn, day: datetime) -> PlainLayer:
    hours = draw(st.none() | st.dictionaries(st.integers(0, 6), SOME_HOURS, min_size=1))
    begin = day + timedelta(days=draw(st.integers(-16, 2)), minutes=draw(MINUTES))
    length = draw(st.none() | LENGTHS | (OPEN_DAYS if hours else LENGTHS))
    start = begin if length is not None else draw(st.sampled_from([None, begin]))
    people = draw(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4, unique=True))
    return PlainLayer(people, start, length, hours)


@st.composite
def rotas(draw: st.DrawFn) -> tuple[PlainRota, int]:
    zone, day = draw(st.sampled_from(CHANGES))
    found = PlainRota(ZoneInfo(zone), draw(st.lists(layers(day), min_size=1, max_size=3)))
    first = found.instant(day) - draw(st.integers(0, 30)) * 3600
    span = st.tuples(st.integers(-300, 2_800), st.integers(1, 1_500))

    def ends() -> tuple[int, int]:
        start, length = draw(span)
        return first + start * MINUTE, first + (start + length) * MINUTE

    found.gone = frozenset({"zoe"})
    person = st.sampled_from([*PEOPLE, "zoe"])
    found.overrides = [(draw(person), *ends()) for _ in range(draw(st.integers(0, 2)))]
    found.absences = [(draw(person), *ends(), draw(st.none() | person)) for _ in range(draw(st.integers(0, 6)))]
    return found, first


def built(plain: PlainRota) -> tuple[Schedule, Exceptions]:
    zone = Zone(plain.zone.key)
    made = []
    for layer in plain.layers:
        calendar = None
        if layer.hours is not None:
            weekly = {day: [(a * 60, b * 60) for a, b in found] for day, found in layer.hours.items()}
            calendar = BusinessCalendar("hours", plain.zone.key, Hours(weekly=weekly))
        local = int((layer.start - EPOCH.replace(tzinfo=None)).total_seconds()) if layer.start is not None else 0
        rotation: WallRotation | DayRotation | None = None
        if isinstance(layer.length, timedelta):
            rotation = WallRotation(zone, local, int(layer.length.total_seconds()))
        elif layer.length is not None:
            assert calendar is not None
            rotation = DayRotation(zone, local, layer.length, calendar)
        start = zone.instant(local) if layer.start is not None else None
        made.append(Layer(tuple(layer.people), rotation, start, calendar))
    overrides = tuple(Override("rota", *each, number) for number, each in enumerate(plain.overrides))
    absences = tuple(Absence(*each, number) for number, each in enumerate(plain.absences))
    return Schedule("rota", plain.zone.key, tuple(made)), Exceptions(overrides, absences, frozenset(PEOPLE))


def check(law: Callable[..., Any], examples: int, *given_: st.SearchStrategy[Any]) -> None:
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    profile = settings(
        max_examples=examples, derandomize=True, deadline=None, database=None, suppress_health_check=quiet
    )
    profile(given(*given_)(law))()


@pytest.mark.parametrize("examples", EXAMPLES)
def test_every_minute_has_the_person_of_the_walk(examples: int) -> None:
    minutes = 2 * 24 * 60

    def law(asked: tuple[PlainRota, int]) -> None:
        plain, first = asked
        schedule, exceptions = built(plain)
        expected = plain.walk(first, minutes)
        planned: list[str | None] = []
        for shift in shifts(schedule, first, first + minutes * MINUTE, exceptions):
            planned += [shift.on_call.person] * ((shift.end - shift.start) // MINUTE)
        assert planned == expected
        for minute in range(0, minutes, 97):
            assert on_call(schedule, first + minute * MINUTE, exceptions).person == expected[minute]

    check(law, examples, rotas())


def test_standing_agrees_with_the_plan_around_the_instant() -> None:
    def law(asked: tuple[PlainRota, int], minute: int) -> None:
        plain, first = asked
        schedule, exceptions = built(plain)
        t = first + minute * MINUTE
        now = standing(schedule, t, exceptions)
        plan = shifts(schedule, t - 8 * DAY, t + 8 * DAY, exceptions)
        people = [(shift.start, shift.end, shift.on_call.person) for shift in plan]
        person = next(who for start, end, who in people if start <= t < end)
        before = [end for start, end, who in people if end <= t and who != person]
        after = [(start, who) for start, end, who in people if start > t and who != person]
        assert now.on_call.person == person
        if before:
            assert now.since == before[-1]
        if after:
            assert now.until == after[0][0]
        following = [(start, who) for start, _, who in people if after and start >= after[0][0] and who is not None]
        if following:
            assert (now.next_at, now.next_person) == following[0]

    check(law, 60, rotas(), st.integers(0, 2_880))
