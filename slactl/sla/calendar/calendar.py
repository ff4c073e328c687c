"""Calculate with business calendars, which say when time counts.

An instant is open if the wall clock of the calendar's zone lies in an interval of its local date. It is also open if
the wall clock lies in the part after midnight of an interval of the date before. An interval belongs to the date on
which it starts. All lengths are whole seconds of real time, so a night shift is shorter or longer when the clocks
change.
"""

from bisect import bisect_left, bisect_right
from datetime import date, datetime, timedelta
from itertools import pairwise

from slactl.sla.calendar.hours import LAST_YEAR, HolidayProvider, Hours, Interval, Schedule, library_holidays
from slactl.sla.calendar.timeline import LATEST, NoOpenHours, Timeline, check_known
from slactl.sla.calendar.zone import DAY, EPOCH, Zone, day_number, merged

__all__ = ["DAY", "BusinessCalendar", "HolidayProvider", "Hours", "Interval", "NoOpenHours", "library_holidays"]


class BusinessCalendar:
    """Calculate with open hours in a time zone.

    A year is laid out when it is first asked about; after that every answer is a bisection. Methods named `…_seconds`
    take and return whole seconds since 1970, for callers that ask often.
    """

    def __init__(self, name: str, timezone: str, hours: Hours, provider: HolidayProvider = library_holidays) -> None:
        """Make a calendar from its hours.

        Raises:
            NoOpenHours: it is never open.
            ValueError: the zone does not exist, or an interval is not valid.
        """
        self.name, self.timezone, self.hours = name, timezone, hours
        self.always_open = hours.always_open
        self._schedule = Schedule(hours, provider)
        self._line = Timeline(name, Zone(timezone), self._schedule)

    def add(self, start: datetime, duration: timedelta) -> datetime:
        """Return the earliest instant, in UTC, by which `duration` of open time has passed since `start`.

        Raises:
            NoOpenHours: there is too little open time left.
            ValueError: a naive datetime, a negative duration, or a year outside 1900 to 2400.
        """
        return EPOCH + timedelta(0, self.add_seconds(in_seconds(start), duration.days * DAY + duration.seconds))

    def add_seconds(self, start: int, seconds: int) -> int:
        """Do `add` in whole seconds since 1970."""
        if seconds < 0:
            raise ValueError("a negative duration cannot be added")
        if self.always_open:
            check_known(self.name, start)
            if start + seconds >= LATEST:
                raise NoOpenHours(f"calendar {self.name} ends with the year {LAST_YEAR}")
            return start + seconds
        line = self._line
        if not line.begin <= start < line.end:
            line.cover(start)
        return line.reach(line.counted(start) + seconds) if seconds else start

    def between(self, a: datetime, b: datetime) -> timedelta:
        """Return the open time in [a, b), negative if b is before a.

        Raises:
            ValueError: a naive datetime, or a year outside 1900 to 2400.
        """
        return timedelta(0, self.between_seconds(in_seconds(a), in_seconds(b)))

    def between_seconds(self, a: int, b: int) -> int:
        """Do `between` in whole seconds since 1970."""
        if self.always_open:
            check_known(self.name, a)
            check_known(self.name, b)
            return b - a
        line = self._line
        # A year laid out in front changes the count up to every instant. So both years are laid out first.
        if not line.begin <= a < line.end:
            line.cover(a)
        if not line.begin <= b < line.end:
            line.cover(b)
        return line.counted(b) - line.counted(a)

    def is_open(self, t: datetime) -> bool:
        """Return whether time counts at this instant.

        Raises:
            ValueError: a naive datetime, or a year outside 1900 to 2400.
        """
        instant = in_seconds(t)
        self._line.cover(instant)
        last = bisect_right(self._line.starts, instant) - 1
        return last >= 0 and instant < self._line.ends[last]

    def next_open(self, t: datetime) -> datetime:
        """Return the instant itself if it is open, else the next opening, in UTC.

        Raises:
            NoOpenHours: it never opens again.
            ValueError: a naive datetime, or a year outside 1900 to 2400.
        """
        return EPOCH + timedelta(0, self._line.next_open(in_seconds(t)))

    def add_days(self, start: datetime, n: int) -> datetime:
        """Return the same wall time on the n-th following open date, moved into its hours, in UTC.

        1. Move to the next opening. Its date is the one on which its interval starts.
        2. Go to the n-th following date that has open time.
        3. Before the first interval or between two, take the start of the next one. After the last, take its end.

        Raises:
            NoOpenHours: there are too few open dates left.
            ValueError: a naive datetime, a negative number, or a year outside 1900 to 2400.
        """
        if n < 0:
            raise ValueError("a negative number of days cannot be added")
        line = self._line
        opening = line.next_open(in_seconds(start))
        if n == 0:
            return EPOCH + timedelta(0, opening)
        day, wall = line.wall_place(opening)
        return EPOCH + timedelta(0, line.clip(line.day_after(day, n), wall))

    def pieces(self, a: datetime, b: datetime) -> list[tuple[datetime, datetime]]:
        """Return the open intervals within [a, b), merged and in order, in UTC.

        Raises:
            ValueError: a naive datetime, or a year outside 1900 to 2400.
        """
        pieces = self.pieces_seconds(in_seconds(a), in_seconds(b))
        return [(EPOCH + timedelta(0, start), EPOCH + timedelta(0, end)) for start, end in pieces]

    def pieces_seconds(self, a: int, b: int) -> list[tuple[int, int]]:
        """Do `pieces` in whole seconds since 1970."""
        line = self._line
        line.cover(a)
        line.cover(b)
        if b <= a:
            return []
        first, last = bisect_right(line.ends, a), bisect_left(line.starts, b)
        pieces = zip(line.starts[first:last], line.ends[first:last], strict=True)
        return [(max(a, start), min(b, end)) for start, end in pieces]

    def intervals(self, day: date) -> tuple[Interval, ...]:
        """Return the intervals that start on a date, in order, by the wall clock."""
        return self._schedule.intervals(day_number(day))

    def opening(self, day: date) -> list[tuple[datetime, datetime]]:
        """Return when the intervals that start on a date are really open, merged and in order, in UTC."""
        pieces = self._line.open_pieces(day_number(day))
        return [(EPOCH + timedelta(0, start), EPOCH + timedelta(0, end)) for start, end in merged(pieces)]

    def clock_changes(self, a: datetime, b: datetime) -> list[tuple[datetime, int]]:
        """Return when the clocks of the zone change in (a, b), in UTC, and by how many seconds; forward is positive."""
        periods = self._line.zone.offset_periods(in_seconds(a), in_seconds(b))
        return [(EPOCH + timedelta(0, new.start), new.offset - old.offset) for old, new in pairwise(periods)]

    def holiday_name(self, day: date) -> str | None:
        """Return the name of the holiday on a date, or None; special hours on the date do not matter."""
        return self._schedule.holiday_name(day)


def in_seconds(t: datetime) -> int:
    """Return an aware instant as seconds since 1970."""
    try:
        since = t - EPOCH
    except TypeError:
        raise ValueError("a naive datetime is not an instant; give it a time zone") from None
    return since.days * DAY + since.seconds
