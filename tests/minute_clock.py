"""A second opinion on calendars as `rules.toml` writes them: it looks at the wall clock every minute.

It shares nothing with slactl. All hours and clock changes lie on whole minutes. Instants are seconds since 1970.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

Stated = Mapping[str, Any]

MINUTE, DAY = 60, timedelta(days=1)
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def minutes(text: str) -> tuple[int, int]:
    """The first minute of an interval and the first one after it, counted from midnight."""
    first, last = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
    return first, last if last > first else last + 1440


def of_weekday(week: Mapping[str, list[str]], day: date) -> list[str] | None:
    for key, texts in week.items():
        first, _, last = key.partition("-")
        a, b, today = NAMES.index(first), NAMES.index(last or first), day.weekday()
        if a <= today <= b if a <= b else today >= a or today <= b:
            return texts
    return None


def within(key: str, day: date) -> bool:
    """Whether a key of `dates` or an entry of `holidays` names a day."""
    first, _, last = key.partition("..")
    last = last or first
    today = f"{day:%m-%d}" if len(first) == 5 else f"{day:%Y-%m-%d}"
    return first <= today <= last if first <= last else today >= first or today <= last


def texts_of(stated: Stated, day: date) -> list[str]:
    """The hours that start on a date: the special date that is the most specific, then holidays, then the week."""
    closed = any(within(key, day) for key in stated.get("holidays", ()))
    # The kinds of keys differ in length: a date, a range, a yearly date, a yearly range.
    for length in (10, 22, 5, 12):
        for key, special in stated.get("dates", {}).items():
            if len(key) != length or not within(key, day):
                continue
            if isinstance(special, list):
                return special
            texts = of_weekday(special, day)
            if texts is not None:
                return [] if closed else texts
    return [] if closed else of_weekday(stated.get("weekly", {}), day) or []


@dataclass
class MinuteClock:
    """What a calendar of some rules says from `first` to `last`, minute by minute."""

    calendars: Mapping[str, Stated]
    name: str
    first: int
    last: int
    step: int = MINUTE
    times: range = field(init=False)
    local: list[datetime] = field(init=False)
    #: The intervals in which each minute lies: whose they are, their date and their first minute.
    within: list[set[tuple[str, date, int]]] = field(init=False)
    #: The business date of each interval.
    dated: dict[tuple[str, date, int], date] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.times = range(self.first, self.last, self.step)
        self.local = list(readings(self.times, self.stated["timezone"]))
        self.within = [set() for _ in self.times]
        for place in self.places(self.name):
            stated = self.calendars[place]
            hours = cache(partial(hours_of, stated))
            for number, local in enumerate(readings(self.times, stated["timezone"])):
                self.within[number] |= {(place, *each) for each in open_at(hours, local)}
        joined = "any_of" in self.stated
        for number, intervals in enumerate(self.within):
            for each in intervals:
                # A union has the dates of its own zone; an interval starts with its first minute.
                self.dated.setdefault(each, self.local[number].date() if joined else each[1])

    @property
    def stated(self) -> Stated:
        return self.calendars[self.name]

    def places(self, name: str) -> Iterator[str]:
        for member in self.calendars[name].get("any_of", ()):
            yield from self.places(member)
        if "any_of" not in self.calendars[name]:
            yield name

    def between(self, a: int, b: int) -> int:
        return sum(self.step for t, intervals in zip(self.times, self.within, strict=True) if a <= t < b and intervals)

    def add(self, start: int, seconds: int) -> int | None:
        for t, intervals in zip(self.times, self.within, strict=True):
            if seconds <= 0:
                return start
            if t >= start and intervals:
                seconds, start = seconds - self.step, t + self.step
        return None

    def dates(self, number: int) -> set[date]:
        return {self.dated[each] for each in self.within[number]}

    def add_days(self, start: int, n: int) -> int | None:
        """The same reading of the wall clock on the n-th later date that is ever open, or as near as it is open."""
        opening = next((number for number, t in enumerate(self.times) if t >= start and self.within[number]), None)
        if opening is None:
            return None
        day = max(self.dates(opening))
        wanted_day = self.later(day, n)
        if wanted_day is None:
            return None
        wanted = midnight(wanted_day) + (self.local[opening] - midnight(day))
        arrived = next((number for number, reading in enumerate(self.local) if reading >= wanted), len(self.times))
        there = [number for number in range(len(self.times)) if wanted_day in self.dates(number)]
        return next((self.times[number] for number in there if number >= arrived), self.times[there[-1]] + self.step)

    def later(self, day: date, n: int) -> date | None:
        """The n-th later date that is ever open; the last one may be cut off by the end of the walk."""
        dates = sorted({each for each in self.dated.values() if each > day})
        return dates[n - 1] if n < len(dates) else None

    def until(self, start: int, n: int, clock: str) -> int | None:
        """`Nbd HH:MM` and `Nbd close`, counted from the local date of the start."""
        today = self.local[(start - self.first) // self.step].date()
        if not n and today in self.dated.values():
            moment = self.moment(today, clock)
            if moment is None or moment >= start:
                return moment
        day = self.later(today, n or 1)
        return self.moment(day, clock) if day is not None else None

    def moment(self, day: date, clock: str) -> int | None:
        if clock == "close" and "any_of" in self.stated:
            closings = [self.closing(*each) for each, dated in self.dated.items() if dated == day]
            return max((each for each in closings if each is not None), default=None) if all(closings) else None
        if clock == "close":
            wall = max(minutes(text)[1] for text in texts_of(self.stated, day))
        else:
            wall = int(clock[:2]) * 60 + int(clock[3:])
        return self.typed(midnight(day) + timedelta(minutes=wall), self.local)

    def closing(self, place: str, day: date, first: int) -> int | None:
        """When an interval of a member ends, by the wall clock of the member."""
        stated = self.calendars[place]
        last = next(last for begin, last in hours_of(stated, day) if begin == first)
        return self.typed(midnight(day) + timedelta(minutes=last), readings(self.times, stated["timezone"]))

    def typed(self, wall: datetime, local: Sequence[datetime]) -> int | None:
        """The first instant at which a wall clock shows a time, or as long after the change that skips it."""
        for t, before, after in zip(self.times[1:], local, local[1:], strict=False):
            if after == wall:
                return t
            if before < wall < after:
                return t + int((wall - before).total_seconds()) - self.step
        return None


@lru_cache(maxsize=40)
def readings(times: range, zone: str) -> tuple[datetime, ...]:
    place = ZoneInfo(zone)
    return tuple(datetime.fromtimestamp(t, place).replace(tzinfo=None) for t in times)


def hours_of(stated: Stated, day: date) -> list[tuple[int, int]]:
    return [minutes(text) for text in texts_of(stated, day)]


def open_at(hours: Callable[[date], list[tuple[int, int]]], local: datetime) -> Iterator[tuple[date, int]]:
    """The date and the first minute of each interval in which a reading of the wall clock lies."""
    now, today = local.hour * 60 + local.minute, local.date()
    for day, minute in ((today, now), (today - DAY, now + 1440)):
        for first, last in hours(day):
            if first <= minute < last:
                yield day, first


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a reading of a clock


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
