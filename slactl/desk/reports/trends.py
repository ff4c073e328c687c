"""When things happened, by the days and hours of a time zone: promises kept and missed over time, busiest hours.

Rows are counted in the database by quarters of an hour: every zone's offset is a multiple of that, so that one count
serves all zones.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from slactl.clock import from_text
from slactl.desk.reports.measures import MISSED_AT, Period, share
from slactl.store.schema import views

#: Hours of a week: rows are days from Monday on, columns the hours of the day.
Week = list[list[int]]


class Unit(StrEnum):
    """How long each step of a trend is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


#: The longest span in days that is told in this unit.
SPANS = ((31, Unit.DAY), (200, Unit.WEEK), (1830, Unit.MONTH))


def trend(connection: sqlite3.Connection, period: Period, zone: tzinfo | None) -> dict[str, Any]:
    """Tickets opened and promises kept and missed in each step of a period, from the first step with anything in it
    to the last. `zone` is whose days are meant; None is the machine's.

    Each promise counts once: when it was kept, or when its deadline passed. Steps without anything are there too.
    """
    local = _Local(zone)
    opened = local.days(_quarters(connection, period, "t.created_at", "ticket t"))
    decided = f"CASE WHEN {period.late} THEN {MISSED_AT} ELSE r.stopped_at END"
    counts = {
        (kind, late): local.days(
            _quarters(connection, period, decided, f"timer r WHERE r.kind = '{kind}' AND {_late(period, late)}")
        )
        for kind in views.TARGETS
        for late in (False, True)
    }
    days = {day for found in (opened, *counts.values()) for day in found}
    if not days:
        return {"unit": Unit.DAY.value, "steps": []}
    unit = next((unit for most, unit in SPANS if (max(days) - min(days)).days < most), Unit.YEAR)
    steps: dict[date, dict[str, Any]] = {start: _empty(start) for start in _starts(min(days), max(days), unit)}
    for day, number in opened.items():
        steps[_start(day, unit)]["opened_count"] += number
    for (kind, late), found in counts.items():
        for day, number in found.items():
            steps[_start(day, unit)][f"{kind}_{'breached' if late else 'met'}_count"] += number
    return {"unit": unit.value, "steps": [_with_attainment(step) for step in steps.values()]}


def busiest_hours(connection: sqlite3.Connection, period: Period, zone: tzinfo | None) -> Week:
    """How many tickets were opened in each hour of the week, Monday to Sunday, as the clocks of the zone show it."""
    week = [[0] * 24 for _ in range(7)]
    local = _Local(zone)
    for quarter, number in _quarters(connection, period, "t.created_at", "ticket t").items():
        there = local.instant(quarter)
        week[there.weekday()][there.hour] += number
    return week


class _Local:
    """Quarters of an hour in a zone, each translated once."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._known: dict[str, datetime] = {}

    def instant(self, quarter: str) -> datetime:
        """The beginning of a quarter by the zone's clocks."""
        if quarter not in self._known:
            hour, part = quarter.split(":")
            self._known[quarter] = from_text(f"{hour}:{int(part) * 15:02d}:00Z").astimezone(self._zone)
        return self._known[quarter]

    def days(self, quarters: Counter[str]) -> Counter[date]:
        """The same counts by days."""
        found: Counter[date] = Counter()
        for quarter, number in quarters.items():
            found[self.instant(quarter).date()] += number
        return found


def _quarters(connection: sqlite3.Connection, period: Period, instant: str, source: str) -> Counter[str]:
    """How many rows have an instant in each quarter of an hour of the period, such as `2026-03-02T08:3`."""
    where = "AND" if " WHERE " in source else "WHERE"
    quarter = f"substr({instant}, 1, 14) || (CAST(substr({instant}, 15, 2) AS INTEGER) / 15)"
    rows = connection.execute(
        f"SELECT {quarter} FROM {source} {where} {period.holds(f'({instant})')}", period.parameters
    )
    return Counter(quarter for (quarter,) in rows)


def _late(period: Period, late: bool) -> str:
    return period.late if late else f"r.stopped_at IS NOT NULL AND NOT {period.late}"


def _start(day: date, unit: Unit) -> date:
    """The first day of the step a day is in; weeks begin on Monday."""
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


def _empty(start: date) -> dict[str, Any]:
    kinds = (f"{kind}_{end}_count" for kind in views.TARGETS for end in ("met", "breached"))
    return {"start": start.isoformat(), "opened_count": 0, **dict.fromkeys(kinds, 0)}


def _with_attainment(step: dict[str, Any]) -> dict[str, Any]:
    return step | {f"{kind}_attainment": _kept(step, (kind,)) for kind in views.TARGETS}


def _kept(step: dict[str, Any], kinds: Iterable[str]) -> float | None:
    met, breached = (sum(step[f"{kind}_{end}_count"] for kind in kinds) for end in ("met", "breached"))
    return share(met, met + breached)
