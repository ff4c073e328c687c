"""Why a deadline is when it is: the steps that lead to it, the time up to it, and the dates that lie in the way."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from slactl.sla.evaluation import Timer
from slactl.sla.segments import Segment, segments
from slactl.sla.stretches import instant_of

if TYPE_CHECKING:
    from slactl.clock import Duration
    from slactl.sla.calendar import BusinessCalendar


class StepKind(StrEnum):
    """What a step of the working is about."""

    STARTED = "started"
    PROMISED = "promised"
    PAUSED = "paused"
    CLOSED = "closed"
    BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the working, and the instant `at` to which it leads.

    `seconds` of open time are added to the instant before. A pause or a closed stretch lasted from `begin` to `end`;
    while it goes on, `end` is None and `at` is where the deadline would be if it ended now. One that does not
    `count` began after the deadline, and adds nothing.
    """

    kind: StepKind
    at: datetime
    seconds: int = 0
    begin: datetime | None = None
    end: datetime | None = None
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Passage:
    """Time of one kind: `late` after the deadline, `ahead` not over yet."""

    segment: Segment
    late: bool
    ahead: bool


@dataclass(frozen=True, slots=True)
class NamedDate:
    """A date with hours of its own, or a holiday on a day of the week that would have been open."""

    day: date
    holiday: str | None
    special: bool


def steps(timer: Timer, now: datetime) -> Iterator[Step]:
    """How the deadline of a target comes about: the last step leads to it, unless a pause goes on.

    A deadline set by hand comes last, after what it replaces.
    """
    yield Step(StepKind.STARTED, timer.started_at)
    if timer.promised is not None:
        yield from _computed(timer, timer.promised, now)
    if timer.manual and timer.due_at is not None:
        yield Step(StepKind.BY_HAND, timer.due_at)


def _computed(timer: Timer, promised: "Duration", now: datetime) -> Iterator[Step]:
    calendar, start = timer.course.calendar, timer.started_at
    if promised.business_days:
        instant = calendar.add_days(start, promised.business_days)
    else:
        instant = calendar.add(start, timedelta(seconds=promised.seconds))
    yield Step(StepKind.PROMISED, instant, _seconds(calendar.between(start, instant)))
    for stretch in timer.course.stretches:
        begin, kind = instant_of(stretch.begin), StepKind(stretch.why.value)
        end = instant_of(stretch.end) if stretch.end is not None else None
        if begin > instant:
            yield Step(kind, instant, 0, begin, end, counts=False)
            continue
        open_time = calendar.between(begin, max(begin, now) if end is None else end)
        instant = calendar.add(instant, open_time)
        yield Step(kind, instant, _seconds(open_time), begin, end)


def business_days(timer: Timer) -> list[datetime]:
    """Where each of the business days of a target leads to; nothing for a target in plain time."""
    days = timer.promised.business_days if timer.promised is not None else 0
    return [timer.course.calendar.add_days(timer.started_at, n) for n in range(1, days + 1)]


def passages(timer: Timer, now: datetime) -> Iterator[Passage]:
    """The segments of a timer, cut at the deadline and, while it is open, now."""
    due, over = timer.due_at, timer.stopped_at is not None
    for segment in segments(timer, now):
        cuts = {cut for cut in (due, now) if cut is not None and segment.start < cut < segment.end}
        places = [segment.start, *sorted(cuts), segment.end]
        for start, end in pairwise(places):
            late, ahead = due is not None and start >= due, not over and start >= now
            yield Passage(Segment(segment.spent, start, end), late, ahead)


def named_dates(calendar: "BusinessCalendar", first: datetime, last: datetime) -> Iterator[NamedDate]:
    """The dates from one instant to another, by the zone of the calendar, that are not as their week would have it."""
    zone, hours = ZoneInfo(calendar.timezone), calendar.hours
    if hours.always_open:
        return
    day, end = first.astimezone(zone).date(), last.astimezone(zone).date()
    while day <= end:
        holiday, special = calendar.holiday_name(day), day in hours.dates
        if special or (holiday is not None and hours.weekly.get(day.weekday())):
            yield NamedDate(day, holiday, special)
        day += timedelta(days=1)


def clock_changes(calendar: "BusinessCalendar", first: datetime, last: datetime) -> list[tuple[datetime, int]]:
    """When the clocks of the calendar changed from one instant to another; none where every second counts."""
    return [] if calendar.always_open or first >= last else calendar.clock_changes(first, last)


def _seconds(span: timedelta) -> int:
    return span.days * 86_400 + span.seconds
