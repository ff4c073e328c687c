"""How the time of one timer was spent: for explaining a deadline."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from slactl.sla.evaluation import Timer
from slactl.sla.stretches import ended, instant_of, seconds_of

if TYPE_CHECKING:
    from slactl.sla.calendar import BusinessCalendar


class Spent(StrEnum):
    """What a span of time was to a timer; only `counted` brings the deadline nearer."""

    COUNTED = "counted"
    OFF_HOURS = "off_hours"
    PAUSED = "paused"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Segment:
    """A span [start, end) of one kind; the open parts of a pause are `paused`, the others `off_hours`."""

    spent: Spent
    start: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        """Its length in real seconds."""
        return int((self.end - self.start).total_seconds())


def segments(timer: Timer, now: datetime) -> Iterator[Segment]:
    """The time from the start of a timer to its end, without gaps, neighbours of different kinds.

    The end is the stop; of an open timer it is `now` or the deadline, whichever is later, and what lies ahead is
    taken to be without pauses.
    """
    last: Segment | None = None
    for spent, start, end in _spans(timer, _end(timer, now), seconds_of(now)):
        if last is not None and last.spent is spent:
            last = Segment(spent, last.start, instant_of(end))
            continue
        if last is not None:
            yield last
        last = Segment(spent, instant_of(start), instant_of(end))
    if last is not None:
        yield last


def _end(timer: Timer, now: datetime) -> int:
    if timer.stopped_at is not None:
        return seconds_of(timer.stopped_at)
    return max(seconds_of(now), seconds_of(timer.due_at or now), seconds_of(timer.started_at))


def _spans(timer: Timer, end: int, now: int) -> Iterator[tuple[Spent, int, int]]:
    place = seconds_of(timer.started_at)
    for begin, finish, why in ended(timer.course.stretches, now):
        yield from _split(timer.course.calendar, Spent.COUNTED, place, begin)
        place = finish if finish is not None else end
        yield from _split(timer.course.calendar, Spent(why.value), begin, place)
    yield from _split(timer.course.calendar, Spent.COUNTED, place, end)


def _split(calendar: "BusinessCalendar", spent: Spent, start: int, end: int) -> Iterator[tuple[Spent, int, int]]:
    """A span as its open parts, which were spent so, and the rest, which was off hours."""
    place = start
    for begin, finish in calendar.pieces_seconds(start, end):
        if begin > place:
            yield Spent.OFF_HOURS, place, begin
        yield spent, begin, finish
        place = finish
    if place < end:
        yield Spent.OFF_HOURS, place, end
