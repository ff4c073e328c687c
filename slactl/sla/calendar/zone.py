"""Divide the wall clock of a time zone into periods with one offset from UTC, to the second."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from slactl.clock import zone

DAY = 86_400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

#: Seconds by which the periods of a year reach beyond it on both sides, as the hours of its dates may.
_MARGIN = 5 * DAY


class OffsetPeriod(NamedTuple):
    """Hold [start, end) in seconds since 1970, in which the wall clock is `offset` seconds ahead of UTC."""

    start: int
    end: int
    offset: int


def day_number(day: date) -> int:
    """Return the days from 1970-01-01 to a date."""
    return day.toordinal() - _EPOCH_ORDINAL


def date_of(day: int) -> date:
    """Return the date that many days after 1970-01-01."""
    return date.fromordinal(day + _EPOCH_ORDINAL)


def new_year(year: int) -> int:
    """Return the instant at which a year of UTC begins, in seconds since 1970."""
    return day_number(date(year, 1, 1)) * DAY


class Zone:
    """Answer which offset the wall clock of a time zone has."""

    def __init__(self, name: str) -> None:
        """Load the zone of this name.

        Raises:
            ValueError: there is none.
        """
        self._zone = zone(name)

    def offset(self, t: int) -> int:
        """Return the seconds by which the wall clock is ahead of UTC at an instant."""
        return offset_of(self._zone, t)

    def offset_periods(self, first: int, last: int) -> tuple[OffsetPeriod, ...]:
        """Return the periods of [first, last), in order."""
        return _offset_periods(self._zone, first, last)

    def instant(self, local: int) -> int:
        """Return the instant of a wall time, given as local seconds since 1970.

        If the clocks skip the wall time, the instant is later by the skipped time. If it exists twice, the first
        instant counts.
        """
        day, before = local // DAY, 0
        for start, end, offset in self.offset_periods((day - 2) * DAY, (day + 3) * DAY):
            if local < end + offset:
                return local - (offset if local - offset >= start else before)
            before = offset
        raise AssertionError("the last period lies after every wall time")

    def year_offset_periods(self, year: int) -> tuple[OffsetPeriod, ...]:
        """Return the periods of a year of UTC, and of some days before and after it."""
        return _offset_periods(self._zone, new_year(year) - _MARGIN, new_year(year + 1) + _MARGIN)


def offset_of(zone: ZoneInfo, t: int) -> int:
    """Return the seconds by which the wall clock of a zone is ahead of UTC at an instant."""
    offset = (EPOCH + timedelta(0, t)).astimezone(zone).utcoffset()
    assert offset is not None
    return offset.days * DAY + offset.seconds


# Many calendars share a few zones and ask about the same years.
@lru_cache(maxsize=4_096)
def _offset_periods(zone: ZoneInfo, first: int, last: int) -> tuple[OffsetPeriod, ...]:
    periods: list[OffsetPeriod] = []
    start, offset = first, offset_of(zone, first)
    # No zone ever changed its clocks twice within three days, so one look a day finds every change.
    for day in range(first, last, DAY):
        until = min(day + DAY, last)
        after = offset_of(zone, until)
        if after != offset:
            before, change = day, until
            while change - before > 1:
                middle = (before + change) // 2
                before, change = (middle, change) if offset_of(zone, middle) == offset else (before, middle)
            periods.append(OffsetPeriod(start, change, offset))
            start, offset = change, after
    if start < last:
        periods.append(OffsetPeriod(start, last, offset))
    return tuple(periods)


def skipped(periods: Sequence[OffsetPeriod]) -> list[tuple[int, int]]:
    """Return the wall times that the clocks jumped over, as local seconds since 1970."""
    return [(b.start + a.offset, b.start + b.offset) for a, b in pairwise(periods) if b.offset > a.offset]


def real(local: Sequence[tuple[int, int]], periods: Sequence[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """Return when the wall clock lies in one of some local intervals, which are disjoint and in order.

    The result is [start, end) in seconds since 1970, in order. Two parts may touch where the clocks change.
    """
    pieces: list[tuple[int, int]] = []
    for first, last, offset in periods:
        for start, end in local:
            if end - offset > first:
                if start - offset >= last:
                    break
                pieces.append((max(first, start - offset), min(last, end - offset)))
    return pieces


def merged(intervals: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the union of some intervals: in order, disjoint and not touching."""
    union: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(end, union[-1][1]))
        else:
            union.append((start, end))
    return union
