"""A second opinion on open hours: it looks at the wall clock at every step, and shares nothing with the calendar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
Ends = tuple[int, int]


@dataclass(frozen=True)
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

    def dates_open_at(self, local: datetime) -> list[date]:
        """The dates whose hours a reading of the wall clock lies in: of that date itself, or in the tail of the one before."""
        day, second = local.date(), local.hour * 3600 + local.minute * 60 + local.second
        return [
            start
            for start, passed in ((day, second), (day - ONE_DAY, second + 86_400))
            if any(first <= passed < last for first, last in self.hours(start))
        ]


class Walk:
    """What the wall clock says from `first` to `last` (seconds since 1970), every `step` seconds."""

    def __init__(self, clock: WallClock, first: int, last: int, step: int) -> None:
        zone = ZoneInfo(clock.timezone)
        self.first, self.last, self.step = first, last, step
        self.times = range(first, last, step)
        self.local = [datetime.fromtimestamp(t, zone).replace(tzinfo=None) for t in self.times]
        self.dates = [clock.dates_open_at(local) for local in self.local]

    def is_open(self, t: int) -> bool:
        return bool(self.dates[(t - self.first) // self.step])

    @cache  # noqa: B019 - a walk lives as long as one example
    def counted(self, t: int) -> int:
        """The open seconds before `t`."""
        whole = (t - self.first) // self.step
        rest = t - self.first - whole * self.step
        return self.step * sum(map(bool, self.dates[:whole])) + (rest if rest and self.dates[whole] else 0)

    def between(self, a: int, b: int) -> int:
        return self.counted(b) - self.counted(a)

    def add(self, start: int, seconds: int) -> int | None:
        """The first instant with that many open seconds since `start`; None if that is not on this walk."""
        if seconds == 0:
            return start
        wanted = self.counted(start) + seconds
        total = 0
        for t, dates in zip(self.times, self.dates, strict=True):
            if dates and total + self.step >= wanted:
                return t + wanted - total
            total += self.step if dates else 0
        return None

    def next_open(self, t: int) -> int | None:
        return t if self.is_open(t) else next((s for s, d in zip(self.times, self.dates, strict=True) if s > t and d), None)

    def add_days(self, start: int, n: int) -> int | None:
        """The n-th later date that is ever open, at the same reading of the wall clock or as near as it is open."""
        opening = self.next_open(start)
        if opening is None or n == 0:
            return opening
        place = (opening - self.first) // self.step
        day = max(self.dates[place])
        reading = self.local[place] + timedelta(seconds=(opening - self.first) % self.step)
        passed = reading - datetime.combine(day, datetime.min.time())
        later = sorted({each for dates in self.dates for each in dates if each > day})
        if len(later) <= n:
            return None  # the last one may be cut off by the end of the walk
        wanted_day = later[n - 1]
        wanted = datetime.combine(wanted_day, datetime.min.time()) + passed
        # Whole steps first, then what lies between two of them.
        whole = wanted - timedelta(seconds=passed.seconds % self.step)
        arrived = next(t for t, local in zip(self.times, self.local, strict=True) if local >= whole)
        if self.local[(arrived - self.first) // self.step] == whole:
            arrived += passed.seconds % self.step
        open_times = [t for t, dates in zip(self.times, self.dates, strict=True) if wanted_day in dates]
        return next((max(t, arrived) for t in open_times if arrived < t + self.step), open_times[-1] + self.step)


def instant(t: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=t)
