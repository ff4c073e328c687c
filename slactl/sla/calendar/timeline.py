"""Lay out the open hours of a calendar in real time, year by year, and search them by bisection."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date, timedelta

from slactl.durations import CLOSE
from slactl.sla.calendar.hours import FIRST_YEAR, LAST_YEAR
from slactl.sla.calendar.layout import DayLayout, NoOpenHours, UnionLayout, around
from slactl.sla.calendar.zone import DAY, EPOCH, day_number, new_year

#: The first instant that a calendar knows, and the end of the last: seconds since 1970.
EARLIEST = day_number(date(FIRST_YEAR, 1, 1)) * DAY
LATEST = day_number(date(LAST_YEAR + 1, 1, 1)) * DAY


class Timeline:
    """Lay out the open intervals of consecutive years of UTC, in seconds since 1970.

    `starts` and `ends` belong to the intervals. `sums` are the open seconds up to each end, counted from the first year
    laid out. `days` are the dates that have open time, as days since 1970. The years from `begin` up to `end` are laid
    out; there are none before the first question.
    """

    def __init__(self, name: str, layout: DayLayout | UnionLayout) -> None:
        """Make an empty timeline for the calendar of this name."""
        self._name, self.layout = name, layout
        self._restart(FIRST_YEAR)

    def counted(self, t: int) -> int:
        """Return the open seconds from the first year laid out to an instant within the timeline."""
        index = bisect_right(self.starts, t) - 1
        if index < 0:
            return 0
        rest = self.ends[index] - t
        return self.sums[index] - rest if rest > 0 else self.sums[index]

    def reach(self, wanted: int) -> int:
        """Return the first instant up to which `wanted` open seconds are counted (more than 0).

        Raises:
            NoOpenHours: there are not that many.
        """
        while not self.sums or self.sums[-1] < wanted:
            self._lengthen()
        index = bisect_left(self.sums, wanted)
        return self.ends[index] - self.sums[index] + wanted

    def next_open(self, t: int) -> int:
        """Return the instant itself if it is open, else the next opening.

        Raises:
            NoOpenHours: the calendar never opens again.
        """
        self.cover(t)
        index = bisect_right(self.ends, t)
        while index >= len(self.ends):
            self._lengthen()
        return max(t, self.starts[index])

    def day_after(self, day: int, n: int) -> int:
        """Return the n-th open day after a day.

        Raises:
            NoOpenHours: there are not that many.
        """
        while (index := bisect_right(self.days, day) + n - 1) >= len(self.days):
            self._lengthen()
        return self.days[index]

    def cover(self, t: int) -> None:
        """Lay out the year of an instant, and all years between it and the others.

        Raises:
            ValueError: the year is outside 1900 to 2400.
        """
        if self.begin <= t < self.end:
            return
        check_known(self._name, t)
        year = (EPOCH + timedelta(0, t)).year
        if self.begin == self.end:
            self._restart(year)
        while self._beyond <= year:
            self._append_year()
        if year < self._first:
            self._prepend(year)

    def _restart(self, year: int) -> None:
        self._first = self._beyond = year
        self.begin = self.end = new_year(year)
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.sums: list[int] = []
        self.days: list[int] = []

    def _prepend(self, year: int) -> None:
        """Lay out the years from `year` up to the first one laid out."""
        pieces, days = list(zip(self.starts, self.ends, strict=True)), self.days
        first, beyond = self._first, self._beyond
        self._restart(year)
        while self._beyond < first:
            self._append_year()
        self._append(pieces, days)
        self._beyond, self.end = beyond, new_year(beyond)

    def _lengthen(self) -> None:
        if self._beyond > self.layout.last_year:
            raise NoOpenHours(f"calendar {self._name} has no open hours left after the year {self._beyond - 1}")
        self._append_year()

    def _append_year(self) -> None:
        """Lay out the year after the last one laid out."""
        pieces, days = self.layout.year(self._beyond)
        self._append(pieces, days)
        self._beyond += 1
        self.end = new_year(self._beyond)

    def _append(self, pieces: Iterable[tuple[int, int]], days: list[int]) -> None:
        """Append open intervals and dates; intervals that touch become one."""
        total = self.sums[-1] if self.sums else 0
        for start, end in pieces:
            total += end - start
            if self.ends and self.ends[-1] == start:
                self.ends[-1], self.sums[-1] = end, total
            else:
                self.starts.append(start)
                self.ends.append(end)
                self.sums.append(total)
        self.days += days

    def wall_place(self, t: int) -> tuple[int, int]:
        """Return the day on which the interval open at `t` starts, and the wall time counted from its midnight."""
        day = self.layout.day_of(t)
        return day, t + self.layout.zone.offset(t) - day * DAY

    def clip(self, day: int, wall: int) -> int:
        """Return the instant of a wall time of a day, moved into the day's hours.

        Before the hours and between two intervals it moves to the next start, after them to the last end.
        """
        local, wanted = day * DAY + wall, 0
        for start, end, offset in self.layout.zone.offset_periods(*around(day)):
            # The wall clock shows this time first at that instant, or jumps over it there.
            if local < end + offset:
                wanted = max(start, local - offset)
                break
        pieces = self.layout.day_pieces(day)
        return next((max(start, wanted) for start, end in pieces if wanted < end), pieces[-1][1])

    def moment(self, start: int, n: int, until: int) -> int:
        """Return a wall time, or with `CLOSE` the end of the hours, of the n-th open date after the date of `start`.

        Without a date in between it is the date of `start` itself, or the next open date once the moment has passed.

        Raises:
            NoOpenHours: there are too few open dates left.
        """
        self.cover(start)
        zone = self.layout.zone
        today = (start + zone.offset(start)) // DAY
        day = self.day_after(today, n) if n else self.day_after(today - 1, 1)
        instant = self._moment_of(day, until)
        return instant if instant >= start or n else self._moment_of(self.day_after(today, 1), until)

    def _moment_of(self, day: int, until: int) -> int:
        return self.layout.closing(day) if until == CLOSE else self.layout.zone.instant(day * DAY + until)


def check_known(name: str, t: int) -> None:
    """Refuse an instant in a year that calendars do not know.

    Raises:
        ValueError: the year is outside 1900 to 2400.
    """
    if not EARLIEST <= t < LATEST:
        raise ValueError(f"calendar {name} knows only the years {FIRST_YEAR} to {LAST_YEAR}")
