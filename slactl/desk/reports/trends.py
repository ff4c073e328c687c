"""Count what happened by the days and hours of a time zone: targets met and missed over time, busiest hours.

An instant belongs to the local date and hour of the quarter of an hour of UTC in which it lies: the offsets of zones
are multiples of that. The database counts in stretches of time that belong to one date or hour.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from slactl.clock import from_text, to_text
from slactl.desk.reports.measures import share
from slactl.sla.enums import Target
from slactl.store.read import measures as reads
from slactl.store.read.outcomes import Period

if TYPE_CHECKING:
    from slactl.records.figures import Trend, TrendStep
    from slactl.store.database import Transaction

#: Hours of a week: rows are days from Monday on, columns the hours of the day.
Week = list[list[int]]


class Unit(StrEnum):
    """Name the length of the steps of a trend."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


#: The longest span, in days, that is shown in steps of this unit.
SPANS = ((31, Unit.DAY), (200, Unit.WEEK), (1830, Unit.MONTH))


def trend(transaction: "Transaction", period: Period, zone: tzinfo | None) -> "Trend":
    """Return the tickets opened and targets met and missed in each step of a period, empty steps included.

    The steps run from the first with anything in it to the last. Days are in `zone`; None is the machine's zone.
    Each outcome counts once: when the target was met, when its deadline passed, or when it ended if the deadline passed
    before the period.
    """
    local = _Local(zone)
    counts: dict[str, Counter[date]] = {}
    bounds = reads.bounds_of_opening(transaction, period)
    counts["opened_count"] = _dated(reads.opened_in(transaction, period, local.dates(bounds)))
    for kind in Target:
        bounds = reads.bounds_of_met(transaction, period, kind)
        counts[f"{kind}_met_count"] = _dated(reads.met_in(transaction, period, local.dates(bounds), kind))
        counts[f"{kind}_breached_count"] = local.days(reads.quarters_of_misses(transaction, period, kind))
    days = {day for by_day in counts.values() for day in by_day}
    if not days:
        return {"unit": Unit.DAY.value, "steps": []}
    unit = next((unit for most, unit in SPANS if (max(days) - min(days)).days < most), Unit.YEAR)
    steps = {start: dict.fromkeys(counts, 0) for start in _starts(min(days), max(days), unit)}
    for name, by_day in counts.items():
        for day, number in by_day.items():
            steps[_start(day, unit)][name] += number
    return {"unit": unit.value, "steps": [_step(start, step) for start, step in steps.items()]}


def _step(start: date, numbers: Mapping[str, int]) -> "TrendStep":
    """Return a step with the share of each target that was kept in it."""
    shares: dict[str, float | None] = {}
    for kind in Target:
        met, breached = numbers[f"{kind}_met_count"], numbers[f"{kind}_breached_count"]
        shares[f"{kind}_attainment"] = share(met, met + breached)
    return cast("TrendStep", {"start": start.isoformat(), **numbers, **shares})


def busiest_hours(transaction: "Transaction", period: Period, zone: tzinfo | None) -> Week:
    """Return how many tickets were opened in each hour of the week, Monday to Sunday, by the clocks of the zone."""
    week = [[0] * 24 for _ in range(7)]
    hours = _Local(zone).hours(reads.bounds_of_opening(transaction, period))
    for hour, number in reads.opened_in(transaction, period, hours).items():
        week[hour // 24][hour % 24] = number
    return week


def _dated(counts: Counter[int]) -> Counter[date]:
    """Return counts by the days that their numbers stand for, without those in which nothing happened."""
    return Counter({date.fromordinal(place): number for place, number in counts.items() if number})


#: The parts of a day of UTC, and the steps in which a zone changes its offset.
QUARTER, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)


class _Local:
    """Convert quarters of an hour to the time of a zone, each of them once."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._known: dict[str, datetime] = {}

    def instant(self, quarter: str) -> datetime:
        """Return the beginning of a quarter in the zone."""
        if quarter not in self._known:
            hour, part = quarter.split(":")
            self._known[quarter] = from_text(f"{hour}:{int(part) * 15:02d}:00Z").astimezone(self._zone)
        return self._known[quarter]

    def dates(self, bounds: Sequence[str]) -> list[reads.Stretch]:
        """Return the stretches from the first instant of some to the last that lie on one local date, by its number."""
        return list(self._stretches(bounds, DAY, lambda instant: instant.toordinal()))

    def hours(self, bounds: Sequence[str]) -> list[reads.Stretch]:
        """Return the stretches from the first instant to the last that lie in one hour of the local week.

        Their places are the numbers of the hours. The first hour of Monday is 0.
        """
        return list(self._stretches(bounds, HOUR, lambda instant: instant.weekday() * 24 + instant.hour))

    def _stretches(
        self, bounds: Sequence[str], step: timedelta, place: Callable[[datetime], int]
    ) -> Iterator[reads.Stretch]:
        """Yield stretches of at most a day of UTC and a step of local time.

        On a day on which the offset changes they are quarters of an hour.
        """
        if not bounds:
            return
        day, last = (from_text(bound).replace(hour=0, minute=0, second=0) for bound in (bounds[0], bounds[-1]))
        while day <= last:
            after = day + DAY
            local, offset = day.astimezone(self._zone), day.astimezone(self._zone).utcoffset() or timedelta()
            if offset % QUARTER or after.astimezone(self._zone).utcoffset() != offset:
                marks = [day + QUARTER * number for number in range(96)]
            else:
                start = datetime(local.year, local.month, local.day, tzinfo=UTC) - offset
                marks = [
                    day,
                    *(
                        mark
                        for number in range(1, 2 * DAY // step + 1)
                        if day < (mark := start + step * number) < after
                    ),
                ]
            for since, until in pairwise([*marks, after]):
                yield reads.Stretch(to_text(since), to_text(until), place(since.astimezone(self._zone)))
            day = after

    def days(self, quarters: Counter[str]) -> Counter[date]:
        """Return the same counts by days of the zone."""
        days: Counter[date] = Counter()
        for quarter, number in quarters.items():
            days[self.instant(quarter).date()] += number
        return days


def _start(day: date, unit: Unit) -> date:
    """Return the first day of the step that a day is in; weeks begin on Monday."""
    first: dict[Unit, Callable[[], date]] = {
        Unit.DAY: lambda: day,
        Unit.WEEK: lambda: day - timedelta(days=day.weekday()),
        Unit.MONTH: lambda: day.replace(day=1),
        Unit.YEAR: lambda: day.replace(month=1, day=1),
    }
    return first[unit]()


def _starts(first: date, last: date, unit: Unit) -> Iterator[date]:
    start = _start(first, unit)
    while start <= last:
        yield start
        # 32 days after the first of a month lies in the next one, 366 after the first of a year in the next.
        start = _start(start + timedelta(days={Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 32, Unit.YEAR: 366}[unit]), unit)
