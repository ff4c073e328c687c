"""The laws every business calendar obeys, and a second opinion that steps over clock changes second by second."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from wall_clock import Ends, Walk, WallClock, instant

from slactl.sla.calendar.calendar import BusinessCalendar, Hours, NoOpenHours

DAY, HOUR, MINUTE = 86_400, 3600, 60
EXAMPLES = [pytest.param(60, id="few"), pytest.param(10_000, id="many", marks=pytest.mark.full)]

#: How many questions are asked about each walk, which takes long to make.
QUESTIONS = 5

#: Clock changes, in UTC: forward and back, by half an hour, at 00:01, a date left out,
#: winter time in Ramadan, changes for good, and seconds of local mean time.
CHANGES = [
    ("Europe/Berlin", "2024-03-31T01:00"),
    ("Europe/Berlin", "2024-10-27T01:00"),
    ("America/New_York", "2024-03-10T07:00"),
    ("America/New_York", "2025-11-02T06:00"),
    ("Australia/Lord_Howe", "2024-04-06T15:00"),
    ("Australia/Lord_Howe", "2024-10-05T15:30"),
    ("Asia/Kathmandu", "1985-12-31T18:30"),
    ("Africa/Casablanca", "2024-03-10T02:00"),
    ("Africa/Casablanca", "2024-04-14T02:00"),
    ("Pacific/Apia", "2011-12-30T10:00"),
    ("Pacific/Apia", "2012-03-31T14:00"),
    ("America/St_Johns", "2010-03-14T03:31"),
    ("America/St_Johns", "2010-11-07T02:31"),
    ("Europe/Moscow", "2014-10-25T22:00"),
    ("Europe/Amsterdam", "1937-06-30T22:40:28"),
    ("Africa/Monrovia", "1972-01-07T00:44:30"),
    ("Pacific/Kwajalein", "1993-08-21T12:00"),
]
ZONES = sorted({zone for zone, _ in CHANGES})


class Case(NamedTuple):
    """The same hours twice: for the calendar, and as they are written; and when to ask about them."""

    calendar: BusinessCalendar
    clock: WallClock
    around: int


@st.composite
def hours(draw: st.DrawFn, step: int) -> Sequence[Ends]:
    """Up to three intervals of a date that do not overlap; many end in the small hours, the last may be a night."""
    small, any_time = st.integers(0, 4 * HOUR // step), st.integers(0, DAY // step)
    bounds = sorted({units * step for units in draw(st.lists(small | any_time, max_size=6))})
    found = list(zip(bounds[::2], bounds[1::2], strict=False))
    if len(bounds) % 2 and bounds[-1] < DAY:
        found.append((bounds[-1], bounds[-1] + draw(st.integers(1, DAY // step)) * step))
    return found


PATTERNS = {step: st.lists(hours(step), min_size=3, max_size=3) for step in (1, MINUTE)}
WEEK = st.lists(st.integers(0, 3), min_size=7, max_size=7)
NEAR = st.integers(-4, 6)
SPECIAL, CLOSED = st.dictionaries(NEAR, st.integers(0, 3), max_size=3), st.frozensets(NEAR, max_size=2)


def case(draw: st.DrawFn, step: int, around: int, zone: str) -> Case:
    """A random calendar whose special days lie around an instant; `step` divides all its seconds."""
    patterns, today = [*draw(PATTERNS[step]), ()], instant(around).date()
    weekly = {day: patterns[choice] for day, choice in enumerate(draw(WEEK))}
    dates = {today + timedelta(days=away): patterns[choice] for away, choice in draw(SPECIAL).items()}
    once = {today + timedelta(days=away) for away in draw(CLOSED)}
    yearly = {(day.month, day.day) for day in (today + timedelta(days=away) for away in draw(CLOSED))}
    stated = Hours(weekly, dates, frozenset(yearly), [(day, day) for day in once])
    try:
        calendar = BusinessCalendar("random", zone, stated)
    except NoOpenHours:
        assume(False)
    nearby = (today + timedelta(days=away) for away in range(-10, 20))
    every_year = {day for day in nearby if (day.month, day.day) in yearly}
    return Case(calendar, WallClock(zone, weekly, frozenset(once | every_year), dates), around)


@st.composite
def near_changes(draw: st.DrawFn, step: int) -> Case:
    # Where the clocks change by odd seconds, whole minutes of theirs are not whole minutes of UTC.
    zone, at = draw(st.sampled_from([(zone, at) for zone, at in CHANGES if step == 1 or len(at) == 16]))
    return case(draw, step, int(datetime.fromisoformat(f"{at}Z").timestamp()), zone)


@st.composite
def anywhere(draw: st.DrawFn) -> Case:
    zone = draw(st.sampled_from(ZONES))
    return case(draw, draw(st.sampled_from((1, MINUTE))), draw(st.integers(10_000 * DAY, 20_000 * DAY)), zone)


def hold(examples: int, law: Callable[[st.DataObject], None]) -> None:
    """Run a law on that many examples, always the same ones."""
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    profile = settings(
        max_examples=examples, derandomize=True, deadline=None, database=None, suppress_health_check=quiet
    )
    profile(given(st.data())(law))()


def agree(data: st.DataObject, found: Case, walk: Walk, last_start: int) -> None:
    """The calendar says what the wall clock says, from the beginning of the walk to `last_start`."""
    asked, moments = found.calendar, st.integers(walk.first, last_start)
    a, b = data.draw(moments), data.draw(moments)
    assert asked.between_seconds(a, b) == walk.between(a, b)
    assert asked.is_open(instant(a)) == walk.is_open(a)
    seconds = data.draw(st.integers(0, 2 * max(0, walk.between(walk.first, last_start)) + 1))
    same(lambda: asked.add_seconds(a, seconds), walk.add(a, seconds))
    same(lambda: asked.next_open(instant(a)), walk.next_open(a))
    runs = asked.pieces_seconds(walk.first, walk.last)
    assert sum(end - start for start, end in runs) == walk.between(walk.first, walk.last)
    ends = [walk.first - 1, *(end for _, end in runs)]
    assert all(before < start < end for before, (start, end) in zip(ends, runs, strict=False))


def same(question: Callable[[], int | datetime], expected: int | None) -> None:
    """Where the walk is long enough to tell, the calendar gives the same instant."""
    if expected is not None:
        got = question()
        assert (int(got.timestamp()) if isinstance(got, datetime) else got) == expected


@pytest.mark.parametrize("examples", EXAMPLES)
def test_every_minute_around_clock_changes_agrees_with_the_wall_clock(examples: int) -> None:
    def law(data: st.DataObject) -> None:
        found = data.draw(near_changes(MINUTE))
        start = found.around + data.draw(st.integers(-60, 12)) * HOUR
        walk = Walk(found.clock, start, start + 4 * DAY, MINUTE)
        for _ in range(QUESTIONS):
            agree(data, found, walk, walk.last - DAY)

    hold(examples // QUESTIONS, law)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_every_second_around_clock_changes_agrees_with_the_wall_clock(examples: int) -> None:
    def law(data: st.DataObject) -> None:
        found = data.draw(near_changes(1))
        start = found.around + data.draw(st.integers(-90, 30)) * MINUTE
        walk = Walk(found.clock, start, start + HOUR, 1)
        for _ in range(QUESTIONS):
            agree(data, found, walk, start + HOUR - 1)

    hold(examples // QUESTIONS, law)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_business_days_around_clock_changes_agree_with_the_wall_clock(examples: int) -> None:
    def law(data: st.DataObject) -> None:
        found = data.draw(near_changes(MINUTE))
        start = found.around + data.draw(st.integers(-96, -12)) * HOUR
        walk = Walk(found.clock, start, start + 7 * DAY, MINUTE)
        # The next date may have been open before the moment, while the night of the date before went on.
        for _ in range(QUESTIONS):
            moment, days = walk.first + data.draw(st.integers(26 * HOUR, 3 * DAY)), data.draw(st.integers(0, 3))
            same(partial(found.calendar.add_days, instant(moment), days), walk.add_days(moment, days))

    hold(examples // QUESTIONS, law)


LENGTHS = st.one_of(st.integers(0, 3 * DAY), st.integers(0, 700 * DAY))


@pytest.mark.parametrize("examples", EXAMPLES)
def test_laws_of_adding_and_counting(examples: int) -> None:
    def law(data: st.DataObject) -> None:
        found = data.draw(anywhere())
        for _ in range(QUESTIONS):
            s, a, b = found.around + data.draw(st.integers(-5 * DAY, 5 * DAY)), data.draw(LENGTHS), data.draw(LENGTHS)
            adding_and_counting(found.calendar, s, a, b)

    hold(examples // QUESTIONS, law)


def adding_and_counting(asked: BusinessCalendar, s: int, a: int, b: int) -> None:
    try:
        due = asked.add_seconds(s, a + b)
    except NoOpenHours:
        return
    first = asked.add_seconds(s, a)
    assert asked.between_seconds(s, due) == a + b
    assert asked.add_seconds(first, b) == due
    assert s <= first <= due
    assert a == 0 or asked.between_seconds(s, first - 1) == a - 1
    x, y = sorted((first, s + b))
    assert asked.between_seconds(s, x) + asked.between_seconds(x, y) == asked.between_seconds(s, y)
    assert asked.between_seconds(y, s) == -asked.between_seconds(s, y)
    assert 0 <= asked.between_seconds(s, x) <= asked.between_seconds(s, y) <= y - s
    assert asked.add_seconds(min(s + b, due), a) >= first
    assert sum(end - start for start, end in asked.pieces_seconds(s, y)) == asked.between_seconds(s, y)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_law_of_pauses(examples: int) -> None:
    """A pause that begins before the deadline moves it by the open time of the pause, and by nothing else."""

    def law(data: st.DataObject) -> None:
        found = data.draw(anywhere())
        for _ in range(QUESTIONS):
            pauses(data, found.calendar, found.around, data.draw(LENGTHS))

    hold(examples // QUESTIONS, law)


def pauses(data: st.DataObject, asked: BusinessCalendar, s: int, target: int) -> None:
    try:
        due = asked.add_seconds(s, target)
        begin = data.draw(st.integers(s, due))
        end = begin + data.draw(LENGTHS)
        paused = asked.between_seconds(begin, end)
        moved = asked.add_seconds(s, target + paused)
    except NoOpenHours:
        return
    rest = target - asked.between_seconds(s, begin)
    assert rest >= 0
    assert moved == (asked.add_seconds(end, rest) if rest else asked.add_seconds(begin, paused))
    assert asked.between_seconds(s, moved) - paused == target
    assert moved >= due
    assert paused or moved == due


@pytest.mark.parametrize("examples", EXAMPLES)
def test_round_the_clock_is_plain_addition(examples: int) -> None:
    calendars: Mapping[str, tuple[BusinessCalendar, BusinessCalendar]] = {
        zone: (
            BusinessCalendar("always", zone, Hours(always_open=True)),
            BusinessCalendar("whole days", zone, Hours(weekly={day: [(0, DAY)] for day in range(7)})),
        )
        for zone in ZONES
    }

    def law(data: st.DataObject) -> None:
        zone = data.draw(st.sampled_from(ZONES))
        s, d = data.draw(st.integers(0, 2**31)), data.draw(LENGTHS)
        for asked in calendars[zone]:
            assert asked.add_seconds(s, d) == s + d
            assert asked.between_seconds(s, s + d) == d
            assert asked.is_open(datetime.fromtimestamp(s, UTC))
            assert asked.pieces_seconds(s, s + d) == ([(s, s + d)] if d else [])

    hold(examples, law)
