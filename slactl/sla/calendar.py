"""Business calendars: when time counts.

An instant is open if the wall clock of the calendar's zone lies in an interval of its local date, or in the tail
of an interval of the date before. An interval belongs to the date it starts on. Everything is whole seconds of
real time, so that a night shift is shorter or longer when the clocks change.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

#: Country, subdivision, year → the public holidays of that year and their names.
HolidayProvider = Callable[[str, str | None, int], Mapping[date, str]]

#: Seconds since midnight of the date an interval starts on; an end past 86,400 runs into the next date.
Interval = tuple[int, int]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400
FIRST_YEAR, LAST_YEAR = 1900, 2400
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


class NoOpenHours(ValueError):
    """The calendar is never open, or not after the instant that was asked about."""


@dataclass(frozen=True, slots=True)
class Hours:
    """What a calendar says about dates: `dates` beat holidays beat weekly hours.

    `weekly` goes by weekday, 0 is Monday. `yearly` are (month, day), `ranges` first and last date, both inclusive.
    """

    weekly: Mapping[int, Sequence[Interval]] = field(default_factory=dict)
    dates: Mapping[date, Sequence[Interval]] = field(default_factory=dict)
    yearly: frozenset[tuple[int, int]] = frozenset()
    ranges: Sequence[tuple[date, date]] = ()
    country: str | None = None
    subdivision: str | None = None
    always_open: bool = False


def library_holidays(country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
    """The public holidays of one year as the `holidays` library knows them."""
    # Importing the library takes longer than most commands do.
    from holidays import country_holidays

    return {day: name for day, name in country_holidays(country, subdiv=subdivision, years=year).items()}


class BusinessCalendar:
    """Open hours in a time zone. Years are laid out when they are first asked about."""

    def __init__(
        self, name: str, timezone: str, hours: Hours, provider: HolidayProvider = library_holidays
    ) -> None:
        """A calendar from its hours.

        Raises:
            NoOpenHours: it can never be open.
        """
        self.name, self.timezone, self.hours = name, timezone, hours
        self.always_open = hours.always_open
        self._zone = ZoneInfo(timezone)
        self._provider = provider
        self._holidays: dict[int, Mapping[date, str]] = {}
        if not hours.always_open and not any(hours.weekly.values()) and not any(hours.dates.values()):
            raise NoOpenHours(f"calendar {name} is never open")
        self._last_year = LAST_YEAR if any(hours.weekly.values()) else max((d.year for d in hours.dates), default=0) + 1
        self._first, self._beyond = 0, 0
        self._starts: list[int] = []
        self._ends: list[int] = []
        #: Open seconds up to the end of each interval, counted from the first year laid out.
        self._sums: list[int] = []

    def add(self, start: datetime, duration: timedelta) -> datetime:
        """The earliest instant by which `duration` of open time has passed since `start`, in UTC.

        Raises:
            NoOpenHours: there is not that much open time left.
            ValueError: a naive datetime, a negative duration, or a year outside 1900 to 2400.
        """
        return EPOCH + timedelta(seconds=self.add_seconds(_seconds(start), duration.days * DAY + duration.seconds))

    def between(self, a: datetime, b: datetime) -> timedelta:
        """The open time in [a, b), negative if b is before a.

        Raises:
            ValueError: a naive datetime, or a year outside 1900 to 2400.
        """
        return timedelta(seconds=self.between_seconds(_seconds(a), _seconds(b)))

    def is_open(self, t: datetime) -> bool:
        """Whether time counts at this instant."""
        return self._is_open(_seconds(t))

    def next_open(self, t: datetime) -> datetime:
        """The instant itself if it is open, else the next opening, in UTC.

        Raises:
            NoOpenHours: it never opens again.
        """
        return EPOCH + timedelta(seconds=self._next_open(_seconds(t)))

    def add_days(self, start: datetime, n: int) -> datetime:
        """The same wall time on the n-th following date that has open time, clipped into its hours, in UTC.

        1. Move to the next opening; its date is the one on which its interval starts.
        2. Go to the n-th following date that really has open time.
        3. Before the first interval or in a gap: the next interval's start; after the last: its end.

        Raises:
            NoOpenHours: there are not that many dates with open time left.
        """
        opening = self._next_open(_seconds(start))
        ordinal, wall = self._place(opening)
        for _ in range(n):
            ordinal = self._following(ordinal)
        return EPOCH + timedelta(seconds=opening if n == 0 else self._clip(ordinal, wall))

    def pieces(self, a: datetime, b: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open intervals within [a, b), in order, in UTC."""
        for start, end in self.pieces_seconds(_seconds(a), _seconds(b)):
            yield EPOCH + timedelta(seconds=start), EPOCH + timedelta(seconds=end)

    def holiday_name(self, day: date) -> str | None:
        """What holiday a date is, or None; `dates` do not matter here."""
        if (day.month, day.day) in self.hours.yearly or any(first <= day <= last for first, last in self.hours.ranges):
            return "holiday"
        if self.hours.country is None:
            return None
        if day.year not in self._holidays:
            self._holidays[day.year] = self._provider(self.hours.country, self.hours.subdivision, day.year)
        return self._holidays[day.year].get(day)

    def intervals(self, day: date) -> Sequence[Interval]:
        """The intervals that start on a date, in order."""
        if self.always_open:
            return ((0, DAY),)
        if day in self.hours.dates:
            return sorted(self.hours.dates[day])
        weekly = self.hours.weekly.get(day.weekday(), ())
        return sorted(weekly) if weekly and self.holiday_name(day) is None else ()

    def add_seconds(self, start: int, seconds: int) -> int:
        """`add` on seconds since 1970."""
        if seconds < 0:
            raise ValueError("only a duration that is not negative can be added")
        if seconds == 0:
            return start
        if self.always_open:
            return start + seconds
        self._cover(start)
        wanted = self._counted(start) + seconds
        while not self._sums or self._sums[-1] < wanted:
            self._lengthen()
        place = bisect_left(self._sums, wanted)
        return self._ends[place] - (self._sums[place] - wanted)

    def between_seconds(self, a: int, b: int) -> int:
        """`between` on seconds since 1970."""
        if self.always_open:
            return b - a
        self._cover(a)
        self._cover(b)
        return self._counted(b) - self._counted(a)

    def pieces_seconds(self, a: int, b: int) -> Iterator[tuple[int, int]]:
        """`pieces` on seconds since 1970."""
        if b <= a:
            return
        if self.always_open:
            yield a, b
            return
        self._cover(a)
        self._cover(b)
        place = bisect_right(self._ends, a)
        while place < len(self._starts) and self._starts[place] < b:
            yield max(a, self._starts[place]), min(b, self._ends[place])
            place += 1

    def _is_open(self, t: int) -> bool:
        if self.always_open:
            return True
        self._cover(t)
        place = bisect_right(self._starts, t) - 1
        return place >= 0 and t < self._ends[place]

    def _next_open(self, t: int) -> int:
        if self._is_open(t):
            return t
        place = bisect_right(self._starts, t)
        while place >= len(self._starts):
            self._lengthen()
            place = bisect_right(self._starts, t)
        return self._starts[place]

    def _counted(self, t: int) -> int:
        """Open seconds from the first year laid out to `t`."""
        place = bisect_right(self._starts, t) - 1
        if place < 0:
            return 0
        return self._sums[place] - max(0, self._ends[place] - t)

    def _cover(self, t: int) -> None:
        """Lay out the year of an instant, and all between it and those laid out."""
        year = (EPOCH + timedelta(seconds=t)).year if -62_135_596_800 <= t < 253_402_300_800 else 0
        if self._first <= year < self._beyond:
            return
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise ValueError(f"a calendar knows the years {FIRST_YEAR} to {LAST_YEAR}, not {year}")
        if self._first == self._beyond:
            self._first = self._beyond = year
        while self._beyond <= year:
            self._append(self._layout(self._beyond))
            self._beyond += 1
        while self._first > year:
            self._first -= 1
            later = list(zip(self._starts, self._ends, strict=True))
            self._starts, self._ends, self._sums = [], [], []
            self._append(self._layout(self._first))
            self._append(later)

    def _lengthen(self) -> None:
        if self._beyond > min(self._last_year, LAST_YEAR):
            raise NoOpenHours(f"calendar {self.name} has no open hours after {self._beyond - 1}")
        self._append(self._layout(self._beyond))
        self._beyond += 1

    def _append(self, intervals: Sequence[tuple[int, int]]) -> None:
        total = self._sums[-1] if self._sums else 0
        for start, end in intervals:
            total += end - start
            if self._ends and self._ends[-1] == start:
                self._ends[-1], self._sums[-1] = end, total
            else:
                self._starts.append(start)
                self._ends.append(end)
                self._sums.append(total)

    def _layout(self, year: int) -> list[tuple[int, int]]:
        """The open intervals of a year of UTC, merged and in order."""
        first, last = _midnight(date(year, 1, 1)), _midnight(date(year + 1, 1, 1))
        days = range(first // DAY - 2, last // DAY + 2)
        local = _merged([(day * DAY + s, day * DAY + e) for day in days for s, e in self.intervals(_date(day))])
        return [piece for span in self._spans(first, last) for piece in _clipped(local, span)]

    def _spans(self, first: int, last: int) -> list[tuple[int, int, int]]:
        """The stretches of [first, last) with one offset from UTC: start, end, offset, in seconds."""
        marks = [first]
        for day in range(first, last, DAY):
            until = min(day + DAY, last)
            if self._offset(day) != self._offset(until):
                marks.append(self._change(day, until))
        marks.append(last)
        return [(a, b, self._offset(a)) for a, b in pairwise(marks) if a < b]

    def _change(self, before: int, after: int) -> int:
        """The first second with the offset of `after`."""
        old = self._offset(before)
        while after - before > 1:
            middle = (before + after) // 2
            before, after = (middle, after) if self._offset(middle) == old else (before, middle)
        return after

    def _offset(self, t: int) -> int:
        offset = (EPOCH + timedelta(seconds=t)).astimezone(self._zone).utcoffset()
        assert offset is not None
        return offset.days * DAY + offset.seconds

    def _place(self, t: int) -> tuple[int, int]:
        """The day (since 1970) on which the interval open at `t` starts, and the wall time counted from it."""
        day, wall = divmod(t + self._offset(t), DAY)
        for back in (0, 1):
            if any(s <= wall + back * DAY < e for s, e in self.intervals(_date(day - back))):
                return day - back, wall + back * DAY
        return day, wall

    def _following(self, day: int) -> int:
        while True:
            day += 1
            if _date(day).year > self._last_year:
                raise NoOpenHours(f"calendar {self.name} has no open hours after {self._last_year}")
            if self._day_pieces(day):
                return day

    def _day_pieces(self, day: int) -> list[tuple[int, int]]:
        """When the intervals that start on a date are really open."""
        local = _merged([(day * DAY + s, day * DAY + e) for s, e in self.intervals(_date(day))])
        if not local:
            return []
        return _merged([p for span in self._spans((day - 2) * DAY, (day + 4) * DAY) for p in _clipped(local, span)])

    def _clip(self, day: int, wall: int) -> int:
        pieces = self._day_pieces(day)
        local = day * DAY + wall
        for start, end, offset in self._spans((day - 2) * DAY, (day + 4) * DAY):
            # The first instant whose wall clock shows this time or, where clocks jumped over it, a later one.
            if local < end + offset:
                wanted = max(start, local - offset)
                break
        for start, end in pieces:
            if wanted < end:
                return max(start, wanted)
        return pieces[-1][1]


def _seconds(t: datetime) -> int:
    if t.tzinfo is None:
        raise ValueError("a naive datetime says no instant; give it a time zone")
    since = t - EPOCH
    return since.days * DAY + since.seconds


def _midnight(day: date) -> int:
    return (day.toordinal() - _EPOCH_ORDINAL) * DAY


def _date(day: int) -> date:
    return date.fromordinal(day + _EPOCH_ORDINAL)


def _merged(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif start < end:
            found.append((start, end))
    return found


def _clipped(local: Sequence[tuple[int, int]], span: tuple[int, int, int]) -> Iterator[tuple[int, int]]:
    """The parts of local intervals whose wall times exist in a span of one offset, in UTC."""
    first, last, offset = span
    place = bisect_right(local, (first + offset, -1))
    place -= place > 0 and local[place - 1][1] > first + offset
    while place < len(local) and local[place][0] - offset < last:
        start, end = max(first, local[place][0] - offset), min(last, local[place][1] - offset)
        if start < end:
            yield start, end
        place += 1
