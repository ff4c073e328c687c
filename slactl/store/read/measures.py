"""Read what happened in a period: tickets opened, targets met and missed, and levels that fired."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

from slactl.store.read.rows import rows
from slactl.store.schema import views
from slactl.store.schema.events import CORRECTION

if TYPE_CHECKING:
    from slactl.records.figures import LateTicket, LevelCounts

#: The instant at which a late timer `r` became late.
_MISSED_AT = "COALESCE(r.breached_at, r.due_at)"

#: By kind of target, the condition that its end is a response time. Resolving without a reply ends the first response,
#: but is no response: it counts as met or missed, and not in averages.
_TAKEN = {"first_response": "r.stopped_at = t.first_responded_at"}

_TIMERS, _WITH_TICKETS = "timer r", views.BREACH_SOURCE


@dataclass(frozen=True, slots=True)
class Period:
    """Hold the time in [since, until), as instants in stored text, seen from `now`; None is no bound."""

    now: str
    since: str | None = None
    until: str | None = None

    @property
    def is_bounded(self) -> bool:
        """Return whether the period has a beginning or an end."""
        return self.since is not None or self.until is not None

    @property
    def parameters(self) -> Mapping[str, str | None]:
        """Return the values of the names in the conditions."""
        return {"now": self.now, "since": self.since, "until": self.until}

    def holds(self, instant: str) -> str:
        """Return the condition that an instant lies in the period; it is never true of null."""
        parts = [f"{instant} >= :since"] if self.since else []
        parts += [f"{instant} < :until"] if self.until else []
        return " AND ".join(parts) or f"{instant} IS NOT NULL"


#: The condition on a timer `r`: late when it ended, or late and still open.
_LATE = views.breach_condition(":now")


def _done(period: Period) -> str:
    return f"({period.holds('r.stopped_at')})"


def _measured(period: Period) -> str:
    """Return the condition on `r`: it ended in the period, or its deadline passed in the period."""
    return f"({_done(period)} OR ({_LATE} AND {period.holds(_MISSED_AT)}))"


def counts(conditions: Iterable[str]) -> str:
    """Return the columns that count the rows of each condition; 0, not null, where there are none."""
    return ", ".join(f"COUNT(CASE WHEN {condition} THEN 1 END)" for condition in conditions)


def grouped(columns: str, source: str, by: str | None) -> str:
    """Return a query of aggregates over `t`, by a column of `ticket`; the first value is the group, null without `by`.

    `source` may end with a condition.
    """
    return f"SELECT t.{by}, {columns} FROM {source} GROUP BY 1" if by else f"SELECT NULL, {columns} FROM {source}"


class MeasuredTargets(NamedTuple):
    """Count the targets of one kind that ended in a period, or whose deadline passed in it, in one group of tickets.

    Of those that are `late`, `still_open` have not ended yet, and `earlier` were late before the period began.
    `seconds` is the business time of each that ended.
    """

    group: str | None
    total: int
    late: int
    still_open: int
    earlier: int
    seconds: list[int]


def measured_targets(
    connection: sqlite3.Connection, period: Period, kind: str, by: str | None = None
) -> list[MeasuredTargets]:
    """Return the counts and times of one kind of target in a period, by group."""
    source = _WITH_TICKETS if by or kind in _TAKEN else _TIMERS
    numbers = counts(
        (_LATE, f"{_LATE} AND r.stopped_at IS NULL", f"{_LATE} AND {_MISSED_AT} < :since" if period.since else "0")
    )
    taken = f"CASE WHEN {_done(period)} AND {_TAKEN.get(kind, '1')} THEN r.consumed_seconds END"
    columns = f"COUNT(*), {numbers}, GROUP_CONCAT({taken})"
    query = grouped(columns, f"{source} WHERE r.kind = :kind AND {_measured(period)}", by)
    rows = connection.execute(query, {**period.parameters, "kind": kind})
    return [
        MeasuredTargets(group, total, late, still_open, earlier, list(map(int, seconds.split(","))) if seconds else [])
        for group, total, late, still_open, earlier, seconds in rows
    ]


class TimeSpent(NamedTuple):
    """Sum up the seconds that targets took: business time, pauses, time while closed, and all the time that passed."""

    group: str | None
    working: int
    paused: int
    closed: int
    passed: int


def time_spent(connection: sqlite3.Connection, period: Period, kind: str, by: str | None = None) -> list[TimeSpent]:
    """Return the time that the targets of one kind took that ended in a period, by group."""
    source = _WITH_TICKETS if by else _TIMERS
    passed = "SUM(strftime('%s', r.stopped_at) - strftime('%s', r.started_at))"
    columns = f"SUM(r.consumed_seconds), SUM(r.paused_seconds), SUM(r.closed_seconds), {passed}"
    condition = f"r.kind = :kind AND {_done(period)} AND r.paused_seconds IS NOT NULL"
    rows = connection.execute(
        grouped(columns, f"{source} WHERE {condition}", by), {**period.parameters, "kind": kind}
    ).fetchall()
    return [TimeSpent(*row) for row in rows if row[-1] is not None]


class TicketsEver(NamedTuple):
    """Count tickets, and those of them that were ever escalated or overdue."""

    group: str | None
    all: int
    escalated: int
    breached: int


def tickets_ever(connection: sqlite3.Connection, period: Period, by: str | None = None) -> list[TicketsEver]:
    """Return how many tickets were ever escalated or overdue, by group.

    In a bounded period only tickets with a target that counts in the period are counted.
    """
    source, breached = "ticket t", "t.missed OR t.due_at < :now"
    if period.is_bounded:
        query = f"SELECT r.ticket_id, MAX({_LATE}) AS late FROM timer r"
        query += f" WHERE r.kind IN {views.TARGETS} AND {_measured(period)} GROUP BY r.ticket_id"
        source, breached = f"({query}) m JOIN ticket t ON t.id = m.ticket_id", "m.late"
    columns = counts(("1", "t.escalated", breached))
    return [TicketsEver(*row) for row in connection.execute(grouped(columns, source, by), period.parameters)]


def corrected_count(connection: sqlite3.Connection, period: Period) -> int:
    """Return how many breaches whose deadline lies in a period were noted and taken back by a backdated change."""
    due_at = "json_extract(detail, '$.due_at')"
    query = f"""SELECT COUNT(*) FROM (SELECT DISTINCT ticket_id, json_extract(detail, '$.target'), {due_at} FROM event
    WHERE action = '{CORRECTION}' AND {period.holds(due_at)})"""
    return int(connection.execute(query, period.parameters).fetchone()[0])


def tickets_opened(connection: sqlite3.Connection, period: Period, by: str | None = None) -> dict[str | None, int]:
    """Return how many tickets were opened in a period, by group."""
    query = grouped("COUNT(*)", f"ticket t WHERE {period.holds('t.created_at')}", by)
    return dict(connection.execute(query, period.parameters).fetchall())


def level_counts(connection: sqlite3.Connection, period: Period) -> "list[LevelCounts]":
    """Return how often each level came due in a period and what became of it; manual escalations are one row."""
    outcomes = ("fired", "expired", "baseline", "skipped")
    columns = {f"{outcome}_count": f"SUM(outcome = '{outcome}')" for outcome in outcomes}
    columns = {name: name for name in ("source", "escalation", "level")} | columns
    columns["ticket_count"] = "COUNT(DISTINCT ticket_id)"
    query = f"""{views.select(columns, "escalation")} WHERE {period.holds("fired_at")}
    GROUP BY 1, 2, 3 ORDER BY source, escalation, MIN(id)"""
    return cast("list[LevelCounts]", list(rows(connection, query, period.parameters)))


def latest_tickets(connection: sqlite3.Connection, period: Period, limit: int) -> "list[LateTicket]":
    """Return the tickets with the longest overdue targets in a period, each with its longest, in wall time."""
    overdue = f"strftime('%s', COALESCE(r.stopped_at, :now)) - strftime('%s', {_MISSED_AT})"
    columns = {
        "ticket_id": "t.id",
        "external_id": "t.external_id",
        "subject": "COALESCE(t.subject, t.external_id)",
        "target": "r.kind",
        "breached_at": _MISSED_AT,
        "stopped_at": "r.stopped_at",
        "overdue_seconds": f"MAX({overdue})",
        "status": "t.status",
        "priority": "t.priority",
        "assignee": "t.assignee",
        "tenant": "t.tenant",
        "plan": "t.plan",
    }
    query = f"""{views.select(columns, _WITH_TICKETS)} WHERE r.kind IN {views.TARGETS} AND {_LATE}
    AND {_measured(period)} GROUP BY t.id ORDER BY overdue_seconds DESC, t.id LIMIT {limit:d}"""
    return cast("list[LateTicket]", list(rows(connection, query, period.parameters)))


def quarters_of_opening(connection: sqlite3.Connection, period: Period) -> Counter[str]:
    """Count the tickets that were opened in each quarter of an hour of a period."""
    return quarters_of(connection, period, "t.created_at", "ticket t WHERE 1")


def quarters_of_targets(connection: sqlite3.Connection, period: Period, kind: str, *, missed: bool) -> Counter[str]:
    """Count the targets of one kind that were met or missed, in each quarter of an hour of a period."""
    instant = _MISSED_AT if missed else "r.stopped_at"
    outcome = _LATE if missed else f"r.stopped_at IS NOT NULL AND NOT {_LATE}"
    return quarters_of(connection, period, instant, f"timer r WHERE r.kind = '{kind}' AND {outcome}")


def quarters_of(connection: sqlite3.Connection, period: Period, instant: str, source: str) -> Counter[str]:
    """Count rows by the quarter of an hour of an instant, such as `2026-03-02T08:3` for 08:45."""
    quarter = f"substr({instant}, 1, 14) || (CAST(substr({instant}, 15, 2) AS INTEGER) / 15)"
    query = f"SELECT {quarter} FROM {source} AND {period.holds(instant)}"
    return Counter(quarter for (quarter,) in connection.execute(query, period.parameters))
