"""Lay out the open hours of a calendar in real time: those of one place, or of several calendars together."""

from collections.abc import Iterator, Sequence
from itertools import chain

from slactl.sla.calendar.hours import LAST_YEAR, Schedule
from slactl.sla.calendar.zone import DAY, Zone, date_of, merged, new_year, real, skipped

#: Open intervals in seconds since 1970, and the days since 1970 that have open time.
Year = tuple[list[tuple[int, int]], list[int]]

#: Days by which an instant of a year of UTC may belong to a date of the year before.
_EARLY = 3


class NoOpenHours(ValueError):
    """Report that a calendar is never open, or has no open time left after an instant."""


class DayLayout:
    """Lay out the hours of a schedule in its zone. It can be open up to `last_year`."""

    def __init__(self, name: str, zone: Zone, schedule: Schedule) -> None:
        """Find out when the calendar of this name is open for the last time.

        Raises:
            NoOpenHours: the calendar is never open.
        """
        self.zone, self.schedule = zone, schedule
        self.last_year: int = self._find_last_year(name)

    def year(self, year: int) -> Year:
        """Return the open intervals of a year of UTC, and its open dates, which begin some days early."""
        first, last = new_year(year), new_year(year + 1)
        hours = {day: self.schedule.local_intervals(day) for day in range(first // DAY - _EARLY, last // DAY + _EARLY)}
        local = merged([interval for intervals in hours.values() for interval in intervals])
        periods = self.zone.year_offset_periods(year)
        within = [(max(a, first), min(b, last), offset) for a, b, offset in periods if a < last and b > first]
        doubtful = {day for a, b in skipped(periods) for day in range(a // DAY - 1, b // DAY + 1)}
        days = [
            day
            for day in range(first // DAY - _EARLY, last // DAY - _EARLY)
            if hours[day] and (day not in doubtful or self.day_pieces(day))
        ]
        return real(local, within), days

    def day_pieces(self, day: int) -> list[tuple[int, int]]:
        """Return when the intervals that start on a day are really open, in seconds since 1970."""
        return real(merged(self.schedule.local_intervals(day)), self.zone.offset_periods(*around(day)))

    def day_of(self, t: int) -> int:
        """Return the day on which the interval that is open at `t` starts."""
        local = t + self.zone.offset(t)
        today = local // DAY
        starts_today = any(start <= local < end for start, end in self.schedule.local_intervals(today))
        return today if starts_today else today - 1

    def closing(self, day: int) -> int:
        """Return when the last interval that starts on a day ends."""
        return self.zone.instant(max(end for _, end in self.schedule.local_intervals(day)))

    def intervals(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield each interval of the dates around [first, last), in seconds since 1970; they may overlap."""
        periods = self.zone.offset_periods(first - _EARLY * DAY, last + _EARLY * DAY)
        for day in range(first // DAY - 2, last // DAY + 2):
            for interval in self.schedule.local_intervals(day):
                yield from merged(real([interval], periods))

    def endings(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield for the same intervals when they start, and when the wall clock shows their end.

        If the clocks skip an end, the end moves forward by the skipped time, like any time that a person writes.
        """
        periods = self.zone.offset_periods(first - _EARLY * DAY, last + _EARLY * DAY)
        for day in range(first // DAY - 2, last // DAY + 2):
            for interval in self.schedule.local_intervals(day):
                for start, _ in real([interval], periods)[:1]:
                    yield start, self.zone.instant(interval[1])

    def _find_last_year(self, name: str) -> int:
        if self.schedule.opens_every_year():
            return LAST_YEAR
        last = [next((day for day in reversed(days) if self.day_pieces(day)), None) for days in self.schedule.once()]
        days = [day for day in last if day is not None]
        if not days:
            raise NoOpenHours(f"calendar {name} is never open")
        # The last interval may end, by UTC, in the year after.
        return min(date_of(max(days)).year + 1, LAST_YEAR)


class UnionLayout:
    """Lay out the hours of several calendars: open when any of them is.

    Each calendar keeps its own zone. An interval belongs to the date, in the zone of the union, on which it starts.
    """

    def __init__(self, zone: Zone, members: Sequence[DayLayout]) -> None:
        self.zone, self.members = zone, members
        self.last_year: int = max(member.last_year for member in members)

    def year(self, year: int) -> Year:
        """Return the open intervals of a year of UTC, and its open dates, which begin some days early."""
        first, last = new_year(year), new_year(year + 1)
        pieces = chain.from_iterable(member.year(year)[0] for member in self.members)
        begin, beyond = first // DAY - _EARLY, last // DAY - _EARLY
        days = {self._local_day(start) for start, _ in self.intervals(first - _EARLY * DAY, last)}
        return merged(list(pieces)), sorted(day for day in days if begin <= day < beyond)

    def day_pieces(self, day: int) -> list[tuple[int, int]]:
        """Return when the intervals that start on a day are really open, in seconds since 1970."""
        return merged(self.day_intervals(day))

    def day_intervals(self, day: int) -> list[tuple[int, int]]:
        """Return the intervals that start on a day, in seconds since 1970; they may overlap."""
        near = self.intervals((day - 1) * DAY, (day + 2) * DAY)
        return sorted({piece for piece in near if self._local_day(piece[0]) == day})

    def day_of(self, t: int) -> int:
        """Return the latest day on which an interval that is open at `t` starts."""
        return max(self._local_day(start) for start, end in self.intervals(t - DAY, t + DAY) if start <= t < end)

    def closing(self, day: int) -> int:
        """Return when the last interval that starts on a day ends, by the wall clock of its calendar."""
        near = self.endings((day - 1) * DAY, (day + 2) * DAY)
        return max(end for start, end in near if self._local_day(start) == day)

    def endings(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield for the intervals of all members when they start, and when their wall clocks show the end."""
        return chain.from_iterable(member.endings(first, last) for member in self.members)

    def intervals(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield each interval of the dates around [first, last), in seconds since 1970; they may overlap."""
        return chain.from_iterable(member.intervals(first, last) for member in self.members)

    def _local_day(self, t: int) -> int:
        return (t + self.zone.offset(t)) // DAY


def around(day: int) -> tuple[int, int]:
    """Return a period that contains a date in every zone, and the hours that start on it."""
    return (day - 2) * DAY, (day + 4) * DAY
