"""Count what happened by the days and hours of a time zone: targets met and missed over time, busiest hours.

The database counts by quarters of an hour. Every zone's offset is a multiple of that, so one count serves all zones.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from slactl.clock import from_text
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
    counts = {"opened_count": local.days(reads.quarters_of_opening(transaction, period))}
    for kind in Target:
        for missed, name in ((False, "met"), (True, "breached")):
            quarters = reads.quarters_of_targets(transaction, period, kind, missed=missed)
            counts[f"{kind}_{name}_count"] = local.days(quarters)
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
    local = _Local(zone)
    for quarter, number in reads.quarters_of_opening(transaction, period).items():
        instant = local.instant(quarter)
        week[instant.weekday()][instant.hour] += number
    return week


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
