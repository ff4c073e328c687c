"""How the desk stands now, and how its promises were kept: the numbers of `summary`."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from slactl.clock import to_text
from slactl.desk.reports.forecast import forecast, next_breaches, open_by_urgency
from slactl.desk.reports.measures import By, Measured, Period, between, ever, measure, ordered_groups, share, sums
from slactl.store.schema import views

#: The fields of a summary, and of each of its groups, in the order of the output.
FIELDS = (
    "at",
    "open_count",
    "unassigned_count",
    "urgent_open_count",
    "escalated_count",
    "paused_count",
    "due_soon_count",
    "first_response_breached_count",
    "next_response_breached_count",
    "resolution_breached_count",
    "avg_first_response_minutes",
    "median_first_response_minutes",
    "first_response_n",
    "avg_resolution_hours",
    "median_resolution_hours",
    "resolution_n",
    "first_response_attainment",
    "resolution_attainment",
    "escalation_rate",
    "breach_rate",
)

#: Those that are measured over the period and not counted now.
MEASURED = FIELDS[FIELDS.index("avg_first_response_minutes") :]

#: The period that a look without `--since` is compared over.
WEEK = timedelta(days=7)

#: How many of the tickets that breach next are told.
NEXT = 5


@dataclass(slots=True)
class Tally:
    """What was counted in one group of tickets, or in all of them."""

    now: Counter[str] = field(default_factory=Counter)
    ever: Counter[str] = field(default_factory=Counter)
    first_response: Measured = field(default_factory=Measured)
    resolution: Measured = field(default_factory=Measured)

    def add(self, other: "Tally") -> None:
        """Count the tickets of another group too."""
        self.now.update(other.now)
        self.ever.update(other.ever)
        self.first_response.add(other.first_response)
        self.resolution.add(other.resolution)

    def measured(self) -> dict[str, Any]:
        """The fields that are measured over the period."""
        response, resolution = self.first_response, self.resolution
        (middle_response,), (middle_resolution,) = (
            response.quantiles(0.5, unit=60),
            resolution.quantiles(0.5, unit=3600),
        )
        return {
            "avg_first_response_minutes": response.average(60),
            "median_first_response_minutes": middle_response,
            "first_response_n": len(response.seconds),
            "avg_resolution_hours": resolution.average(3600),
            "median_resolution_hours": middle_resolution,
            "resolution_n": len(resolution.seconds),
            "first_response_attainment": response.attainment,
            "resolution_attainment": resolution.attainment,
            "escalation_rate": share(self.ever["escalated"], self.ever["all"]),
            "breach_rate": share(self.ever["breached"], self.ever["all"]),
        }

    def record(self, at: str) -> dict[str, Any]:
        """The fields of a summary."""
        measured = self.measured()
        return {name: at if name == "at" else measured[name] if name in measured else self.now[name] for name in FIELDS}


@dataclass(frozen=True, slots=True)
class _Desk:
    """The database as one summary asks it: by which column, and at which instants in stored text."""

    connection: sqlite3.Connection
    by: By | None
    period: Period
    soon: str

    def rows(self, columns: str, source: str) -> list[tuple[Any, ...]]:
        """Aggregates over `t` by group; the first column is the group, null where there are none."""
        group, end = (f"t.{self.by}", " GROUP BY 1") if self.by else ("NULL", "")
        parameters = {**self.period.parameters, "soon": self.soon}
        return self.connection.execute(f"SELECT {group}, {columns} FROM {source}{end}", parameters).fetchall()


def summarize(
    connection: sqlite3.Connection,
    now: datetime,
    *,
    due_soon: int,
    by: By | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    ahead: timedelta | None = None,
) -> dict[str, Any]:
    """The summary at `now`, with `groups` where it is broken down; `due_soon` in seconds of wall time.

    Counts are of now. Averages, attainment and rates take what was done, or passed undone, in [since, until);
    `before` has them for as long a time before that, where the period has a beginning. `ahead` asks for a forecast.

    Raises:
        UsageError: the period ends before it begins, or the forecast is to reach too far.
    """
    period = between(now, since, until)
    soon = to_text(now + timedelta(seconds=due_soon))
    tallies = _tallied(_Desk(connection, by, period, soon))
    whole = Tally()
    for tally in tallies.values():
        whole.add(tally)
    groups = (
        [{"group": name, **tallies[name].record(period.now)} for name in ordered_groups(tallies, by)] if by else None
    )
    return {
        **whole.record(period.now),
        "since": period.since,
        "until": period.until,
        "by": by.value if by else None,
        "groups": groups,
        "before": _measured(connection, period.before) if period.before else None,
        "due_soon_seconds": due_soon,
        "urgency": open_by_urgency(connection, period.now, soon),
        "next": [_brief(ticket) for ticket in next_breaches(connection, period.now, NEXT)],
        "forecast": forecast(connection, now, ahead) if ahead else None,
    }


def _tallied(desk: _Desk) -> dict[str | None, Tally]:
    tallies: defaultdict[str | None, Tally] = defaultdict(Tally)
    for count in (_count_open, _count_late, _measure):
        count(desk, tallies)
    return tallies


def change(connection: sqlite3.Connection, now: datetime, summary: Mapping[str, Any]) -> dict[str, Any]:
    """How the promises were kept lately, and before: in the period of a summary and as long before it, or in the
    last seven days and the seven before where it has no beginning."""
    if summary["before"] is not None:
        lately = {name: summary[name] for name in ("since", "until", *MEASURED)}
        return {"lately": lately, "before": summary["before"]}
    week, before = to_text(now - WEEK), to_text(now - 2 * WEEK)
    at = summary["at"]
    return {
        "lately": _attainment(connection, Period(at, week)),
        "before": _attainment(connection, Period(at, before, week)),
    }


def _attainment(connection: sqlite3.Connection, period: Period) -> dict[str, Any]:
    kinds = ("first_response", "resolution")
    kept = {f"{kind}_attainment": measure(connection, period, kind)[None].attainment for kind in kinds}
    return {"since": period.since, "until": period.until, **kept}


def _measured(connection: sqlite3.Connection, period: Period) -> dict[str, Any]:
    tallies: defaultdict[str | None, Tally] = defaultdict(Tally)
    _measure(_Desk(connection, None, period, period.now), tallies)
    return {"since": period.since, "until": period.until, **tallies[None].measured()}


def _brief(ticket: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "external_id", "due_at", "due_target", "priority", "assignee", "tenant", "plan", "subject")
    return {name: ticket[name] for name in names}


def _count_open(desk: _Desk, tallies: defaultdict[str | None, Tally]) -> None:
    paused = "EXISTS (SELECT 1 FROM timer r WHERE r.ticket_id = t.id AND r.stopped_at IS NULL AND r.state = 'paused')"
    counts = {
        "open_count": "1",
        "unassigned_count": "t.assignee IS NULL",
        "urgent_open_count": "t.priority = 'urgent'",
        "escalated_count": "t.escalated",
        "paused_count": paused,
        "due_soon_count": "t.due_at BETWEEN :now AND :soon",
    }
    for name, *numbers in desk.rows(sums(counts.values()), f"ticket t WHERE {views.OPEN}"):
        tallies[name].now.update(dict(zip(counts, numbers, strict=True)))


def _count_late(desk: _Desk, tallies: defaultdict[str | None, Tally]) -> None:
    # The earliest open deadline of a ticket is in an index; only tickets that it makes late are looked at.
    source = "ticket t JOIN timer r ON r.ticket_id = t.id"
    late = f"{views.OPEN} AND t.due_at < :now AND r.stopped_at IS NULL AND r.due_at < :now"
    kinds = [f"r.kind = '{target}'" for target in views.TARGETS]
    for name, *numbers in desk.rows(sums(kinds), f"{source} WHERE {late}"):
        fields = (f"{target}_breached_count" for target in views.TARGETS)
        tallies[name].now.update(dict(zip(fields, numbers, strict=True)))


def _measure(desk: _Desk, tallies: defaultdict[str | None, Tally]) -> None:
    for kind in ("first_response", "resolution"):
        for name, found in measure(desk.connection, desk.period, kind, desk.by).items():
            getattr(tallies[name], kind).add(found)
    for name, counts in ever(desk.connection, desk.period, desk.by).items():
        tallies[name].ever.update(counts)
