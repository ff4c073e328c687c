"""Explain a deadline: the steps that lead to it, how the time up to it was spent, and the special dates on the way."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from slactl.durations import SECOND
from slactl.sla.timers.pauses import ended, instant_of, optional_instant, seconds_of
from slactl.sla.timers.timer import Timer

if TYPE_CHECKING:
    from slactl.durations import Duration
    from slactl.sla.calendar.calendar import BusinessCalendar


class StepKind(StrEnum):
    """Name what a step of the calculation adds."""

    STARTED = "started"
    CHANGED = "changed"
    TARGET = "target"
    PAUSED = "paused"
    CLOSED = "closed"
    BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True)
class ExplanationStep:
    """Hold a step of the calculation, and the instant `at` to which it leads.

    `seconds` of open time are added to the instant before. A pause lasted from `begin` to `end`. While the pause
    goes on, `end` is None, and `at` is the deadline if the pause ended now. A pause that began after the deadline
    does not `count`: it adds nothing.
    """

    kind: StepKind
    at: datetime
    seconds: int = 0
    begin: datetime | None = None
    end: datetime | None = None
    counts: bool = True


class Spent(StrEnum):
    """Name how a timer spent some time; only `counted` time uses up the target."""

    COUNTED = "counted"
    OFF_HOURS = "off_hours"
    PAUSED = "paused"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Segment:
    """Hold the time [start, end) of a timer that was spent in one way.

    The open hours of a pause are `paused`, its other hours `off_hours`. `late` time lies after the deadline, `ahead`
    time lies in the future.
    """

    spent: Spent
    start: datetime
    end: datetime
    late: bool = False
    ahead: bool = False

    @property
    def seconds(self) -> int:
        """Return its length in real seconds."""
        return int((self.end - self.start).total_seconds())


@dataclass(frozen=True, slots=True)
class NamedDate:
    """Hold a date with hours of its own, or a holiday on a weekday that would have been open."""

    day: date
    holiday: str | None
    special: bool


def steps(timer: Timer, now: datetime) -> Iterator[ExplanationStep]:
    """Yield the steps of the calculation of a deadline; the last one leads to it, unless a pause goes on.

    A deadline set by hand comes last, after the one it replaces.
    """
    yield ExplanationStep(StepKind.STARTED, timer.started_at)
    if (changed := counts_from_change(timer)) is not None:
        yield ExplanationStep(StepKind.CHANGED, changed)
    if timer.target_duration is not None:
        yield from _calculated(timer, timer.target_duration, now)
    if timer.manual and timer.due_at is not None:
        yield ExplanationStep(StepKind.BY_HAND, timer.due_at)


def counts_from_change(timer: Timer) -> datetime | None:
    """Return the change from which a timer counts, or None if it counts from its start."""
    counted_from = instant_of(timer.clock_run.start)
    return counted_from if counted_from > timer.started_at else None


def _calculated(timer: Timer, target_duration: "Duration", now: datetime) -> Iterator[ExplanationStep]:
    calendar, start = timer.clock_run.calendar, instant_of(timer.clock_run.start)
    instant = instant_of(calendar.after(timer.clock_run.start, target_duration))
    yield ExplanationStep(StepKind.TARGET, instant, calendar.between(start, instant) // SECOND)
    for pause in timer.clock_run.pauses:
        begin, kind = instant_of(pause.begin), StepKind(pause.reason.value)
        end = optional_instant(pause.end)
        if begin > instant:
            yield ExplanationStep(kind, instant, 0, begin, end, counts=False)
            continue
        open_time = calendar.between(begin, max(begin, now) if end is None else end)
        instant = calendar.add(instant, open_time)
        yield ExplanationStep(kind, instant, open_time // SECOND, begin, end)


def business_days(timer: Timer) -> list[datetime]:
    """Return the instant that each business day of a target leads to; empty for a target in plain time."""
    length, calendar, start = timer.target_duration, timer.clock_run.calendar, timer.clock_run.start
    if length is None or not length.in_dates:
        return []
    days = range(1, length.business_days) if length.business_days else ()
    lengths = [*(length._replace(business_days=n) for n in days), length]
    return [instant_of(calendar.after(start, each)) for each in lengths]


def segments(timer: Timer, now: datetime) -> Iterator[Segment]:
    """Yield the time from which a timer counts to its end, in order and without gaps.

    The end is the stop. The end of an open timer is `now` or the deadline, whichever is later, and the time ahead
    is shown without pauses. Segments are cut at the deadline and, while the timer is open, at `now`.
    """
    due, is_open = timer.due_at, timer.stopped_at is None
    for segment in _joined(timer, now):
        cuts = {cut for cut in (due, now) if cut is not None and segment.start < cut < segment.end}
        for start, end in pairwise([segment.start, *sorted(cuts), segment.end]):
            late, ahead = due is not None and start >= due, is_open and start >= now
            yield replace(segment, start=start, end=end, late=late, ahead=ahead)


def _joined(timer: Timer, now: datetime) -> Iterator[Segment]:
    """Yield segments as long as time was spent in one way."""
    last: Segment | None = None
    for spent, start, end in _pieces(
        timer,
        seconds_of(timer.stopped_at)
        if timer.stopped_at is not None
        else max(seconds_of(now), seconds_of(timer.due_at or now), seconds_of(timer.started_at)),
        seconds_of(now),
    ):
        if last is not None and last.spent is spent:
            last = Segment(spent, last.start, instant_of(end))
            continue
        if last is not None:
            yield last
        last = Segment(spent, instant_of(start), instant_of(end))
    if last is not None:
        yield last


def _pieces(timer: Timer, end: int, now: int) -> Iterator[tuple[Spent, int, int]]:
    calendar, reached = timer.clock_run.calendar, timer.clock_run.start
    for begin, finish, reason in ended(timer.clock_run.pauses, now):
        yield from split_hours(calendar, Spent.COUNTED, reached, begin)
        reached = finish if finish is not None else end
        yield from split_hours(calendar, Spent(reason.value), begin, reached)
    yield from split_hours(calendar, Spent.COUNTED, reached, end)


def split_hours(calendar: "BusinessCalendar", spent: Spent, start: int, end: int) -> Iterator[tuple[Spent, int, int]]:
    """Yield the open parts of [start, end), spent in this way, and the other parts as off hours."""
    reached = start
    for begin, finish in calendar.pieces_seconds(start, end):
        if begin > reached:
            yield Spent.OFF_HOURS, reached, begin
        yield spent, begin, finish
        reached = finish
    if reached < end:
        yield Spent.OFF_HOURS, reached, end


def named_dates(calendar: "BusinessCalendar", first: datetime, last: datetime) -> Iterator[NamedDate]:
    """Yield the dates from one instant to another, in the calendar's zone, whose hours differ from their weekday's."""
    zone = ZoneInfo(calendar.timezone)
    if calendar.always_open:
        return
    day, end = first.astimezone(zone).date(), last.astimezone(zone).date()
    while day <= end:
        holiday, special = calendar.holiday_name(day), calendar.is_special(day)
        if special or (holiday is not None and calendar.is_closed_by_holiday(day)):
            yield NamedDate(day, holiday, special)
        day += timedelta(days=1)


def clock_changes(calendar: "BusinessCalendar", first: datetime, last: datetime) -> list[tuple[datetime, int]]:
    """Return when the clocks of the calendar's zone change between two instants, and by how many seconds.

    A calendar that is always open has none, because they do not matter to it.
    """
    return [] if calendar.always_open or first >= last else calendar.clock_changes(first, last)
