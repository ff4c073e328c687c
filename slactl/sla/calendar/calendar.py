"""Calculate with business calendars, which say when time counts.

An instant is open if the wall clock of the calendar's zone lies in an interval of its local date. It is also open if
the wall clock lies in the part after midnight of an interval of the date before. An interval belongs to the date on
which it starts. All lengths are whole seconds of real time, so a night shift is shorter or longer when the clocks
change.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from slactl.durations import Duration
from slactl.sla.calendar.hours import (
    LAST_YEAR,
    HolidayProvider,
    HolidaySet,
    Hours,
    Interval,
    Schedule,
    library_holidays,
)
from slactl.sla.calendar.layout import DayLayout, NoOpenHours, UnionLayout
from slactl.sla.calendar.timeline import LATEST, Timeline, check_known
from slactl.sla.calendar.zone import DAY, EPOCH, Zone, day_number, merged

__all__ = [
    "DAY",
    "BusinessCalendar",
    "HolidayProvider",
    "HolidaySet",
    "Hours",
    "Interval",
    "NoOpenHours",
    "library_holidays",
]

#: The hours of a calendar that has only members.
NO_HOURS = Hours()


class BusinessCalendar:
    """Calculate with open hours in a time zone.

    A year is laid out when it is first asked about; after that every answer is a bisection. Methods named `…_seconds`
    take and return whole seconds since 1970, for callers that ask often.
    """

    def __init__(
        self,
        name: str,
        timezone: str,
        hours: Hours = NO_HOURS,
        provider: HolidayProvider = library_holidays,
        members: "Sequence[BusinessCalendar]" = (),
    ) -> None:
        """Make a calendar from its hours; one with members is open when any of them is, and has no hours of its own.

        Raises:
            NoOpenHours: it is never open.
            ValueError: the zone does not exist, or an interval is not valid.
        """
        self.name, self.timezone, self.hours, self.members = name, timezone, hours, members
        self.always_open: bool = hours.always_open or any(member.always_open for member in members)
        self._schedule, zone = Schedule(hours, provider), Zone(timezone)
        #: The calendars with hours of their own that it is made of, each once, however many members share it.
        self._parts: dict[BusinessCalendar, DayLayout] = {}
        for member in members:
            self._parts |= member._parts
        if not members:
            self._parts[self] = DayLayout(name, zone, self._schedule)
        layouts = list(self._parts.values())
        self._line: Timeline = Timeline(name, UnionLayout(zone, layouts) if members else layouts[0])

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
        return EPOCH + timedelta(0, self.add_days_seconds(in_seconds(start), n))

    def add_days_seconds(self, start: int, n: int) -> int:
        """Do `add_days` in whole seconds since 1970."""
        if n < 0:
            raise ValueError("a negative number of days cannot be added")
        line = self._line
        opening = line.next_open(start)
        if n == 0:
            return opening
        day, wall = line.wall_place(opening)
        return line.clip(line.day_after(day, n), wall)

    def after(self, start: int, length: Duration) -> int:
        """Return the instant at which a length of time that begins at `start` is used up, in seconds since 1970.

        Business days with a time of day count from the local date of `start`. They end at that time of the last date,
        or when its hours end. Without a date in between they end on the same date, or on the next open date once that
        moment has passed.

        Raises:
            NoOpenHours: there is too little open time left.
            ValueError: a year outside 1900 to 2400.
        """
        if length.until is not None:
            return self._line.moment(start, length.business_days, length.until)
        if length.business_days:
            return self.add_days_seconds(start, length.business_days)
        return self.add_seconds(start, length.seconds)

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

    def intervals(self, day: date) -> Sequence[Interval]:
        """Return the intervals that start on a date, in order, by the wall clock.

        Those of several calendars are joined, unless they are longer than a day then.
        """
        number, layout = day_number(day), self._line.layout
        if isinstance(layout, DayLayout):
            return self._schedule.intervals(number)
        pieces, midnight = layout.day_pieces(number), number * DAY
        if any(end - start > DAY for start, end in pieces):
            pieces = layout.day_intervals(number)
        offset = layout.zone.offset
        return [(start + offset(start) - midnight, end + offset(end) - midnight) for start, end in pieces]

    def opening(self, day: date) -> list[tuple[datetime, datetime]]:
        """Return when the intervals that start on a date are really open, merged and in order, in UTC."""
        pieces = self._line.layout.day_pieces(day_number(day))
        return [(EPOCH + timedelta(0, start), EPOCH + timedelta(0, end)) for start, end in merged(pieces)]

    def closing(self, day: date) -> datetime | None:
        """Return when the last interval that starts on a date ends; None without one, or if it is always open."""
        opening = [] if self.always_open else self.opening(day)
        return opening[-1][1] if opening else None

    def clock_changes(self, a: datetime, b: datetime) -> list[tuple[datetime, int]]:
        """Return when the clocks of the zone change in (a, b), in UTC, and by how many seconds; forward is positive."""
        periods = self._line.layout.zone.offset_periods(in_seconds(a), in_seconds(b))
        return [(EPOCH + timedelta(0, new.start), new.offset - old.offset) for old, new in pairwise(periods)]

    def holiday_name(self, day: date) -> str | None:
        """Return the name of the holiday on a date, or None; special hours on the date do not matter.

        Holidays of several calendars come with the names of their calendars.
        """
        if not self.members:
            return self._schedule.holiday_name(day)
        named = [(part.holiday_name(day), part.name) for part in self._parts]
        return "; ".join(f"{holiday} ({name})" for holiday, name in named if holiday is not None) or None

    def regions(self) -> list[str]:
        """Return the country whose holidays it keeps, with its subdivision (`DE-BE`), or those of all its members."""
        named = [(part.hours.country, part.hours.subdivision) for part in self._parts if part.hours.country]
        return list(dict.fromkeys("-".join(filter(None, region)) for region in named))

    def is_special(self, day: date) -> bool:
        """Return whether a date has special hours, in any of several calendars."""
        return any(part._schedule.is_special(day) for part in self._parts)

    def is_closed_by_holiday(self, day: date) -> bool:
        """Return whether a date would be open if it were not a holiday, in any of several calendars."""
        return any(part._schedule.is_closed_by_holiday(day) for part in self._parts)


def in_seconds(t: datetime) -> int:
    """Return an aware instant as seconds since 1970."""
    try:
        since = t - EPOCH
    except TypeError:
        raise ValueError("a naive datetime is not an instant; give it a time zone") from None
    return since.days * DAY + since.seconds
