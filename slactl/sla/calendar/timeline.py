"""Lay out the open hours of a calendar in real time, year by year, and search them by bisection."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date, timedelta

from slactl.sla.calendar.hours import FIRST_YEAR, LAST_YEAR, Schedule
from slactl.sla.calendar.zone import DAY, EPOCH, Zone, date_of, day_number, merged, real, skipped

#: The first instant that a calendar knows, and the end of the last: seconds since 1970.
EARLIEST = day_number(date(FIRST_YEAR, 1, 1)) * DAY
LATEST = day_number(date(LAST_YEAR + 1, 1, 1)) * DAY


class NoOpenHours(ValueError):
    """Report that a calendar is never open, or has no open time left after an instant."""


class Timeline:
    """Lay out the open intervals of consecutive years of UTC, in seconds since 1970.

    `starts` and `ends` belong to the intervals. `sums` are the open seconds up to each end, counted from the first year
    laid out. `days` are the dates that have open time, as days since 1970. The years from `begin` up to `end` are laid
    out; there are none before the first question.
    """

    def __init__(self, name: str, zone: Zone, schedule: Schedule) -> None:
        """Make an empty timeline for the calendar of this name.

        Raises:
            NoOpenHours: the calendar is never open.
        """
        self._name, self.zone, self._schedule = name, zone, schedule
        self._last_year = self._find_last_year()
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
        if self._beyond > self._last_year:
            raise NoOpenHours(f"calendar {self._name} has no open hours left after the year {self._beyond - 1}")
        self._append_year()

    def _append_year(self) -> None:
        """Lay out the year after the last one laid out.

        An instant of a year of UTC can belong to one of the last dates of the year before. So the open dates of a year
        begin three days early.
        """
        first, last = new_year(self._beyond), new_year(self._beyond + 1)
        hours = {day: self._schedule.local_intervals(day) for day in range(first // DAY - 3, last // DAY + 3)}
        local = merged([interval for intervals in hours.values() for interval in intervals])
        periods = self.zone.year_offset_periods(self._beyond)
        within = [(max(a, first), min(b, last), offset) for a, b, offset in periods if a < last and b > first]
        doubtful = {day for a, b in skipped(periods) for day in range(a // DAY - 1, b // DAY + 1)}
        days = [
            day
            for day in range(first // DAY - 3, last // DAY - 3)
            if hours[day] and (day not in doubtful or self.open_pieces(day))
        ]
        self._append(real(local, within), days)
        self._beyond, self.end = self._beyond + 1, last

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

    def _find_last_year(self) -> int:
        """Return the last year in which the calendar can be open."""
        if self._schedule.opens_weekly():
            return LAST_YEAR
        days = [day for day in self._schedule.open_dates() if self.open_pieces(day)]
        if not days:
            raise NoOpenHours(f"calendar {self._name} is never open")
        # The last interval may end, by UTC, in the year after.
        return min(date_of(max(days)).year + 1, LAST_YEAR)

    def open_pieces(self, day: int) -> list[tuple[int, int]]:
        """Return when the intervals that start on a day are really open, in seconds since 1970."""
        return real(
            merged(self._schedule.local_intervals(day)), self.zone.offset_periods((day - 2) * DAY, (day + 4) * DAY)
        )

    def wall_place(self, t: int) -> tuple[int, int]:
        """Return the day on which the interval open at `t` starts, and the wall time counted from its midnight."""
        local = t + self.zone.offset(t)
        today = local // DAY
        starts_today = any(start <= local < end for start, end in self._schedule.local_intervals(today))
        day = today if starts_today else today - 1
        return day, local - day * DAY

    def clip(self, day: int, wall: int) -> int:
        """Return the instant of a wall time of a day, moved into the day's hours.

        Before the hours and between two intervals it moves to the next start, after them to the last end.
        """
        local, wanted = day * DAY + wall, 0
        for start, end, offset in self.zone.offset_periods((day - 2) * DAY, (day + 4) * DAY):
            # The wall clock shows this time first at that instant, or jumps over it there.
            if local < end + offset:
                wanted = max(start, local - offset)
                break
        pieces = self.open_pieces(day)
        return next((max(start, wanted) for start, end in pieces if wanted < end), pieces[-1][1])


def check_known(name: str, t: int) -> None:
    """Refuse an instant in a year that calendars do not know.

    Raises:
        ValueError: the year is outside 1900 to 2400.
    """
    if not EARLIEST <= t < LATEST:
        raise ValueError(f"calendar {name} knows only the years {FIRST_YEAR} to {LAST_YEAR}")


def new_year(year: int) -> int:
    """Return the first second of a year, in seconds since 1970."""
    return day_number(date(year, 1, 1)) * DAY
