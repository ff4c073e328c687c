"""Say whose turn it is in a rotation, and when it hands over: in wall time, or on the open days of some hours."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Protocol

from slactl.sla.calendar.calendar import BusinessCalendar
from slactl.sla.calendar.zone import DAY, Zone, date_of

#: No clock change moves a wall time by more than this, in seconds.
_MARGIN = 2 * DAY


class Rotation(Protocol):
    """Answer for instants, in whole seconds since 1970, which turn it is; turns are numbered from 0."""

    def turn(self, t: int) -> int | None:
        """Return the number of the turn at an instant, or None before the first."""

    def handovers(self, a: int, b: int) -> list[int]:
        """Return the instants in [a, b) at which a turn begins, in order."""


class WallRotation:
    """Hand over each time the wall clock has moved on by a length.

    So the time of day of a hand-over stays the same when the clocks change. If the clocks skip it, the hand-over is
    later by the skipped time. If it exists twice, the hand-over is at the first.
    """

    def __init__(self, zone: Zone, start: int, length: int) -> None:
        """Take the wall time at which the first turn begins, in local seconds since 1970, and the length of a turn."""
        self._zone, self._start, self._length = zone, start, length

    def turn(self, t: int) -> int | None:
        """Return the number of the turn at an instant, or None before the first."""
        periods = self._zone.offset_periods(t // DAY * DAY - _MARGIN, t // DAY * DAY + _MARGIN)
        number = (t + max(period.offset for period in periods) - self._start) // self._length
        while number >= 0 and self._zone.instant(self._start + number * self._length) > t:
            number -= 1
        return number if number >= 0 else None

    def handovers(self, a: int, b: int) -> list[int]:
        """Return the instants in [a, b) at which a turn begins, in order."""
        first, last = ((t - self._start) // self._length for t in (a - _MARGIN, b + _MARGIN))
        numbers = range(max(0, first), last + 1)
        begins = (self._zone.instant(self._start + number * self._length) for number in numbers)
        return sorted({begin for begin in begins if a <= begin < b})


class DayRotation:
    """Hand over at one time of day after so many open days of some hours.

    A day is open if an interval that starts on it has open time. If the rotation begins outside the hours, the first
    turn has the next open day.
    """

    def __init__(self, zone: Zone, start: int, days: int, hours: BusinessCalendar) -> None:
        """Take the wall time at which the first turn begins, in local seconds since 1970, and the days of a turn."""
        self._days, self._hours = days, hours
        self._begin = zone.instant(start)
        #: The instants of a possible hand-over, one for each open day that was looked at, and the next day to look at.
        self._possible: list[int] = []
        self._day = start // DAY - 1
        self._instant: Callable[[int], int] = lambda day: zone.instant(day * DAY + start % DAY)
        #: How many of them lie before the end of the first open day.
        self._first = 0
        self._is_first_known = bool(hours.pieces_seconds(self._begin, self._begin + 1))

    def turn(self, t: int) -> int | None:
        """Return the number of the turn at an instant, or None before the first."""
        if t < self._begin:
            return None
        self._look(t)
        passed = bisect_right(self._possible, t) - self._first
        return max(0, passed) // self._days

    def handovers(self, a: int, b: int) -> list[int]:
        """Return the instants in [a, b) at which a turn begins, in order."""
        self._look(b)
        turns = self._possible[self._first + self._days - 1 :: self._days]
        begin = [self._begin] if a <= self._begin < b else []
        return begin + turns[bisect_left(turns, a) : bisect_left(turns, b)]

    def _look(self, t: int) -> None:
        """Find the open days up to the one after an instant."""
        while self._day <= t // DAY + 2:
            opening = self._hours.opening(date_of(self._day))
            if opening and (possible := self._instant(self._day)) > self._begin:
                self._possible.append(possible)
            closing = int(opening[-1][1].timestamp()) if opening else self._begin
            if closing > self._begin and not self._is_first_known:
                # The hand-overs before the first turn has had an open day do not count.
                self._first = sum(possible < closing for possible in self._possible)
                self._is_first_known = True
            self._day += 1
