"""Read what happened in a period: tickets opened, targets met and missed, and levels that fired."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from slactl.store.read.outcomes import (
    COUNTS,
    Period,
    counts,
    group_of,
    grouped,
    know_retractions,
    of_miss,
    outcomes,
)
from slactl.store.read.rows import rows
from slactl.store.schema import views
from slactl.store.schema.events import CORRECTION, REOPEN, STILL_CORRECTED

if TYPE_CHECKING:
    from slactl.records.figures import LateTicket, LevelCounts


#: The columns of outcomes from which targets are measured, and tickets judged, besides the groups.
_MEASURED = frozenset(
    ("ticket_id", "kind", "cycle", "agreement", "late_since", "stopped_at", "done", "late", "seconds", "averaged")
)
_JUDGED = frozenset(("ticket_id", "kind", "stopped_at", "done", "late"))


def _grouping(by: str | None) -> set[str]:
    """Return the column of outcomes that a report groups by."""
    return {"tags" if by == "tag" else by} if by not in (None, "source") else set()


class MeasuredTargets(NamedTuple):
    """Count the outcomes of one kind of target in a period, in one group.

    Of those that are `late`, `still_open` had not ended when the period did, and `earlier` were late before it began.
    `seconds` is the business time of each that ended, unless nobody answered.
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
    earlier = f"o.done AND o.late AND {of_miss('late_since')} < :since" if period.since else "0"
    numbers = counts(("o.late", "NOT o.done AND o.stopped_at IS NULL", earlier))
    columns = f"COUNT(*), {numbers}, GROUP_CONCAT(CASE WHEN o.done AND o.averaged THEN o.seconds END)"
    query = grouped(columns, f"({outcomes(period, [kind], only=_MEASURED | _grouping(by))}) o", "1", by)
    return [
        MeasuredTargets(group, total, late, still_open, earlier, list(map(int, seconds.split(","))) if seconds else [])
        for group, total, late, still_open, earlier, seconds in connection.execute(query, period.parameters)
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
    passed = "SUM(strftime('%s', o.stopped_at) - strftime('%s', o.started_at))"
    columns = f"SUM(o.seconds), SUM(o.paused_seconds), SUM(o.closed_seconds), {passed}"
    condition = f"o.kind = '{kind}' AND {period.holds('o.stopped_at')} AND o.paused_seconds IS NOT NULL"
    query = grouped(columns, "outcome o", condition, by)
    return [TimeSpent(*row) for row in connection.execute(query, period.parameters) if row[-1] is not None]


class TicketsJudged(NamedTuple):
    """Count the tickets with an outcome in a period, and those of them that were escalated by its end, or late in it.

    Of the `resolved` ones, whose resolution ended in the period, `reopened` were reopened before the period ended.
    """

    group: str | None
    all: int
    escalated: int
    breached: int
    resolved: int
    reopened: int


def tickets_judged(connection: sqlite3.Connection, period: Period, by: str | None = None) -> list[TicketsJudged]:
    """Return how many tickets have outcomes in a period, by the groups of these outcomes."""
    group, joined = group_of(by, "o")
    resolved = "CASE WHEN o.done AND o.kind = 'resolution' THEN o.stopped_at END"
    judged = outcomes(period, only=_JUDGED | _grouping(by))
    tickets = f"""SELECT {group} AS name, o.ticket_id, MAX(o.late) AS late, MIN({resolved}) AS resolved_at
    FROM ({judged}) o{joined} GROUP BY 1, 2"""
    before = "".join(f" AND {part}" for part in period.ends_after("e.at"))
    reopened = f"""EXISTS (SELECT 1 FROM event e WHERE e.ticket_id = m.ticket_id AND e.at >= m.resolved_at
    AND e.action = '{REOPEN}'{before} AND {COUNTS})"""
    # Warnings, which slactl gives before a deadline, are no escalations.
    escalated = f"""EXISTS (SELECT 1 FROM event e WHERE e.ticket_id = m.ticket_id
    AND e.action = 'ticket.escalate'{before} AND (e.actor_type = 'user' OR instr(e.detail, '"warning":true') = 0)
    AND {COUNTS}) AND (SELECT t.escalated FROM ticket t WHERE t.id = m.ticket_id)"""
    know_retractions(connection)
    columns = counts(("1", escalated, "m.late", "m.resolved_at IS NOT NULL", reopened))
    query = f"SELECT m.name, {columns} FROM ({tickets}) m"
    query += " GROUP BY 1" if by else ""
    return [TicketsJudged(*row) for row in connection.execute(query, period.parameters)]


#: The groups of a ticket `t` when it was opened, from the event `e` that opened it and the deadlines noted then.
_OPENED = "ticket t JOIN event e ON e.id = (SELECT id FROM event WHERE ticket_id = t.id AND action = 'ticket.create')"
_NOTED = """SELECT json_array(json_extract(n.detail, '$.policy')) FROM event n WHERE n.ticket_id = t.id
AND n.action = 'sla.due' AND instr(n.detail, '"because":"ticket opened"') LIMIT 1"""
_AT_OPENING = {
    "plan": "COALESCE(json_extract(e.detail, '$.plan'), t.plan)",
    "tenant": "json_extract(e.detail, '$.tenant')",
    "priority": "COALESCE(json_extract(e.detail, '$.priority'), 'normal')",
    "assignee": "json_extract(e.detail, '$.assignee')",
    "tags": "COALESCE(json_extract(e.detail, '$.tags'), '[]')",
}


def corrected_count(connection: sqlite3.Connection, period: Period) -> int:
    """Return the number of recorded breaches with a deadline in a period that were corrected later."""
    due_at = "json_extract(c.detail, '$.due_at')"
    query = f"""SELECT COUNT(*) FROM (SELECT DISTINCT ticket_id, json_extract(c.detail, '$.target'), {due_at}
    FROM event c WHERE action = '{CORRECTION}' AND {period.holds(due_at)} AND {STILL_CORRECTED})"""
    return int(connection.execute(query, period.parameters).fetchone()[0])


def tickets_opened(connection: sqlite3.Connection, period: Period, by: str | None = None) -> dict[str | None, int]:
    """Return how many tickets were opened in a period, by the group in which they were opened, except policies."""
    condition, source = period.holds("t.created_at"), "ticket t"
    if by in ("tag", *_AT_OPENING):
        name = "tags" if by == "tag" else by
        source = f"(SELECT {_AT_OPENING[name or '']} AS {name} FROM {_OPENED} WHERE {condition}) t"
        condition = "1"
    return dict(connection.execute(grouped("COUNT(*)", source, condition, by, "t"), period.parameters).fetchall())


class OpenedAlike(NamedTuple):
    """Count the tickets that were opened with the same policy, if that was noted then, or with the same facts.

    Where it was not noted, `detail` has the facts of the opening, and `policy` is the present one.
    """

    tickets: int
    policy: str | None
    detail: dict[str, Any] | None


def opened_alike(connection: sqlite3.Connection, period: Period) -> Iterator[OpenedAlike]:
    """Yield how many tickets were opened in a period, by the facts that tell their policy: imports do not note it."""
    named = ("plan", "tenant", "priority", "requester_domain", "rules")
    facts = ", ".join(f"'{name}', json_extract(detail, '$.{name}')" for name in named)
    detail = f"json_object({facts}, 'tags', json(COALESCE(json_extract(detail, '$.tags'), '[]')))"
    query = f"""SELECT COUNT(*), COALESCE(noted, json_array(policy)), CASE WHEN noted IS NULL THEN {detail} END
    FROM (SELECT ({_NOTED}) AS noted, t.policy, e.detail FROM {_OPENED} WHERE {period.holds("t.created_at")})
    GROUP BY 2, 3"""
    for tickets, policy, facts_then in connection.execute(query, period.parameters):
        yield OpenedAlike(tickets, json.loads(policy)[0], json.loads(facts_then) if facts_then is not None else None)


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
    """Return the tickets with the longest overdue targets in a period, each with its longest, in wall time.

    Targets that had not ended when the period did are overdue up to its end.
    """
    missed = of_miss("missed_at")
    columns = {
        "ticket_id": "t.id",
        "external_id": "t.external_id",
        "subject": "COALESCE(t.subject, t.external_id)",
        "target": "o.kind",
        "breached_at": missed,
        "stopped_at": "o.stopped_at",
        "overdue_seconds": f"MAX(strftime('%s', COALESCE(o.stopped_at, :end)) - strftime('%s', {missed}))",
        **{name: f"o.{name}" for name in ("priority", "assignee", "tenant", "plan")},
    }
    query = f"""{views.select(columns, f"({outcomes(period)}) o JOIN ticket t ON t.id = o.ticket_id")} WHERE o.late
    GROUP BY t.id ORDER BY overdue_seconds DESC, t.id LIMIT {limit:d}"""
    return cast("list[LateTicket]", list(rows(connection, query, period.parameters)))


def quarters_of_opening(connection: sqlite3.Connection, period: Period) -> Counter[str]:
    """Count the tickets that were opened in each quarter of an hour of a period."""
    return _quarters(connection, period, "t.created_at", f"ticket t WHERE {period.holds('t.created_at')}")


def quarters_of_targets(connection: sqlite3.Connection, period: Period, kind: str, *, missed: bool) -> Counter[str]:
    """Count the outcomes of one kind of target that were met or missed, in each quarter of an hour of a period.

    A missed one counts when its deadline passed, or when it ended if the deadline passed before the period.
    """
    late = f"CASE WHEN {period.holds('o.late_since')} THEN o.late_since ELSE o.stopped_at END"
    source = f"({outcomes(period, [kind])}) o WHERE o.late = {missed:d}"
    return _quarters(connection, period, late if missed else "o.stopped_at", source)


def _quarters(connection: sqlite3.Connection, period: Period, instant: str, source: str) -> Counter[str]:
    """Count rows by the quarter of an hour of an instant, such as `2026-03-02T08:3` for 08:45."""
    quarter = f"substr({instant}, 1, 14) || (CAST(substr({instant}, 15, 2) AS INTEGER) / 15)"
    query = f"SELECT {quarter}, COUNT(*) FROM {source} GROUP BY 1"
    return Counter(dict(connection.execute(query, period.parameters).fetchall()))
