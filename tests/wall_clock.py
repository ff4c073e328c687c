"""A second opinion on open hours: it looks at the wall clock at every step, and shares nothing with the calendar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
Ends = tuple[int, int]


@dataclass(frozen=True, eq=False)
class WallClock:
    """Open hours as they are written: seconds of a day by weekday, holidays, special dates."""

    timezone: str
    weekly: Mapping[int, Sequence[Ends]]
    holidays: frozenset[date]
    dates: Mapping[date, Sequence[Ends]]

    def hours(self, day: date) -> Sequence[Ends]:
        if day in self.dates:
            return self.dates[day]
        return [] if day in self.holidays else self.weekly.get(day.weekday(), [])

    @lru_cache(maxsize=100)  # noqa: B019 - few are made, and the speed matters
    def candidates(self, day: date) -> list[tuple[int, int, date]]:
        """What can be open on a date: its own hours, and the tails of those of the date before."""
        own = [(first, last, day) for first, last in self.hours(day)]
        return own + [(first - 86_400, last - 86_400, day - DAY) for first, last in self.hours(day - DAY)]

    def dates_open_at(self, local: datetime) -> list[date]:
        """The dates whose hours a reading of the wall clock lies in."""
        second = local.hour * 3600 + local.minute * 60 + local.second
        return [day for first, last, day in self.candidates(local.date()) if first <= second < last]


class Walk:
    """What the wall clock says from `first` to `last` (seconds since 1970), every `step` seconds."""

    def __init__(self, clock: WallClock, first: int, last: int, step: int) -> None:
        zone = ZoneInfo(clock.timezone)
        self.first, self.last, self.step = first, last, step
        self.times = range(first, last, step)
        self.local = [datetime.fromtimestamp(t, zone) for t in self.times]
        self.dates = [clock.dates_open_at(local) for local in self.local]
        self.totals = list(accumulate((step if dates else 0 for dates in self.dates), initial=0))

    def is_open(self, t: int) -> bool:
        return bool(self.dates[(t - self.first) // self.step])

    def counted(self, t: int) -> int:
        """The open seconds before `t`."""
        steps, rest = divmod(t - self.first, self.step)
        return self.totals[steps] + (rest if rest and self.dates[steps] else 0)

    def between(self, a: int, b: int) -> int:
        return self.counted(b) - self.counted(a)

    def add(self, start: int, seconds: int) -> int | None:
        """The first instant with that many open seconds since `start`; None if that is not on this walk."""
        if seconds == 0:
            return start
        wanted = self.counted(start) + seconds
        found = zip(self.times, self.totals, self.totals[1:], strict=False)
        return next((t + wanted - before for t, before, after in found if before < wanted <= after), None)

    def next_open(self, t: int) -> int | None:
        openings = (later for later, dates in zip(self.times, self.dates, strict=True) if later > t and dates)
        return t if self.is_open(t) else next(openings, None)

    def add_days(self, start: int, n: int) -> int | None:
        """The n-th later date that is ever open, at the same reading of the wall clock or as near as it is open."""
        opening = self.next_open(start)
        if opening is None or n == 0:
            return opening
        steps, rest = divmod(opening - self.first, self.step)
        day = max(self.dates[steps])
        passed = self.local[steps].replace(tzinfo=None) - midnight(day)
        later = sorted({each for dates in self.dates for each in dates if each > day})
        if len(later) <= n:
            return None  # the last one may be cut off by the end of the walk
        wanted_day = later[n - 1]
        wanted = midnight(wanted_day) + passed
        readings = ((t, local.replace(tzinfo=None)) for t, local in zip(self.times, self.local, strict=True))
        found = next(((t, reading) for t, reading in readings if reading >= wanted), None)
        if found is None:
            return None  # the hours of that date go on after the end of the walk
        arrived = found[0] + (rest if found[1] == wanted else 0)
        open_times = [t for t, dates in zip(self.times, self.dates, strict=True) if wanted_day in dates]
        return next((max(t, arrived) for t in open_times if arrived < t + self.step), open_times[-1] + self.step)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a reading of a clock


def instant(t: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=t)
