"""Read what happened in a period: tickets opened, targets met and missed, and levels that fired."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from slactl.store.read.outcomes import Period, counts, group_of, grouped, of_miss, outcomes
from slactl.store.read.rows import rows
from slactl.store.read.sums import targets
from slactl.store.read.sums.targets import MeasuredTargets, Times, TimeSpent
from slactl.store.read.sums.tickets import TicketsJudged, escalated, judged_by_spans
from slactl.store.schema import views
from slactl.store.schema.events import CORRECTION, STILL_CORRECTED
from slactl.store.schema.sums import OF_OUTCOME, REOPENS, add_functions

if TYPE_CHECKING:
    from slactl.records.figures import LateTicket, LevelCounts


#: The columns of outcomes from which targets are measured, and tickets judged, besides the groups.
_MEASURED = frozenset(("done", "late", "seconds", "averaged"))
_UNFINISHED = frozenset(("ticket_id", "kind", "cycle", "agreement", "late_since", "stopped_at", "done", "late"))
_MISSED = frozenset(("late_since", "stopped_at"))
_JUDGED = frozenset(("ticket_id", "kind", "stopped_at", "done", "late"))


#: What the list of the longest overdue tickets shows of an outcome, and the columns that it reads.
_OF_LATEST = ("priority", "assignee", "tenant", "plan")
_LATEST = frozenset(("ticket_id", "kind", "cycle", "agreement", "missed_at", "late_since", "stopped_at", *_OF_LATEST))


def _grouping(by: str | None) -> set[str]:
    """Return the column of outcomes that a report needs to group by a field."""
    return {{"tag": "tags", "source": "ticket_id"}.get(by, by)} if by is not None else set()


def measured_targets(
    connection: sqlite3.Connection, period: Period, kind: str, by: str | None = None
) -> list[MeasuredTargets]:
    """Return the counts and times of one kind of target in a period, by group.

    Without a group the sums of whole days have what counts.
    """
    if by is None:
        return [targets.measured(connection, period, kind)]
    times = "GROUP_CONCAT(CASE WHEN o.done AND o.averaged THEN o.seconds END)"
    query = grouped(
        f"COUNT(*), {counts(['o.late'])}, {times}",
        f"({outcomes(period, [kind], only=_MEASURED | _grouping(by))}) o",
        "1",
        by,
    )
    return [
        MeasuredTargets(group, total, late, Times.of(map(int, seconds.split(",")) if seconds else ()))
        for group, total, late, seconds in connection.execute(query, period.parameters)
    ]


class Unfinished(NamedTuple):
    """Count the late outcomes of one kind that had not ended when a period did, and those that were late before it."""

    group: str | None
    still_open: int
    earlier: int


def unfinished_targets(
    connection: sqlite3.Connection, period: Period, kind: str, by: str | None = None
) -> list[Unfinished]:
    """Return which late targets of a period go beyond it, by group."""
    earlier = f"o.done AND {of_miss('late_since')} < :since" if period.since else "0"
    columns = counts(("NOT o.done AND o.stopped_at IS NULL", earlier))
    late = outcomes(period, [kind], only=_UNFINISHED | _grouping(by), late=True)
    query = grouped(columns, f"({late}) o", "1", by)
    return [Unfinished(*row) for row in connection.execute(query, period.parameters)]


def time_spent(connection: sqlite3.Connection, period: Period, kind: str, by: str | None = None) -> list[TimeSpent]:
    """Return the time that the targets of one kind took that ended in a period, by group; none where it is not known.

    Without a group the sums of whole days have it.
    """
    if by is None:
        return [spent] if (spent := targets.spent(connection, period, kind)) is not None else []
    columns = ", ".join(f"SUM({OF_OUTCOME[name]})" for name in ("working", "paused", "closed", "passed"))
    condition = f"o.kind = '{kind}' AND {period.holds('o.stopped_at')} AND o.paused_seconds IS NOT NULL"
    query = grouped(columns, "outcome o", condition, by)
    return [TimeSpent(*row) for row in connection.execute(query, period.parameters) if row[-1] is not None]


def tickets_judged(connection: sqlite3.Connection, period: Period, by: str | None = None) -> list[TicketsJudged]:
    """Return how many tickets have outcomes in a period, by the groups of these outcomes.

    Without a group the spans of the outcomes of each ticket have what counts.
    """
    add_functions(connection)
    if by is None:
        return [judged_by_spans(connection, period)]
    group, joined = group_of(by, "o")
    resolved = "CASE WHEN o.done AND o.kind = 'resolution' THEN o.stopped_at END"
    judged = outcomes(period, only=_JUDGED | _grouping(by))
    of_each = f"""SELECT {group} AS name, o.ticket_id, MAX(o.late) AS late, MIN({resolved}) AS resolved_at
    FROM ({judged}) o{joined} GROUP BY 1, 2"""
    before = "".join(f" AND {part}" for part in period.ends_after("e.at"))
    reopened = f"""EXISTS (SELECT 1 FROM event e WHERE e.ticket_id = m.ticket_id AND e.at >= m.resolved_at{before}
    AND {REOPENS})"""
    columns = counts(("1", escalated("m.ticket_id", period), "m.late", "m.resolved_at IS NOT NULL", reopened))
    query = f"SELECT m.name, {columns} FROM ({of_each}) m GROUP BY 1"
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
    overdue = f"strftime('%s', COALESCE(o.stopped_at, :end)) - strftime('%s', {missed})"
    found: dict[int, LateTicket] = {}
    most = 4 * limit
    while True:
        # Of all late outcomes SQLite keeps only the longest, and looks for the tickets of these.
        names = ", ".join(f"o.{name}" for name in ("ticket_id", "kind", "stopped_at", *_OF_LATEST))
        late = outcomes(period, only=_LATEST, late=True)
        longest = f"""SELECT {names}, {missed} AS missed_at, {overdue} AS overdue_seconds FROM ({late}) o
        ORDER BY overdue_seconds DESC, o.ticket_id LIMIT {most:d}"""
        columns = {
            "ticket_id": "t.id",
            "external_id": "t.external_id",
            "subject": "COALESCE(t.subject, t.external_id)",
            "target": "late.kind",
            "breached_at": "late.missed_at",
            "stopped_at": "late.stopped_at",
            "overdue_seconds": "late.overdue_seconds",
            **{name: f"late.{name}" for name in _OF_LATEST},
        }
        query = f"""{views.select(columns, f"({longest}) late CROSS JOIN ticket t ON t.id = late.ticket_id")}
        ORDER BY late.overdue_seconds DESC, t.id"""
        tickets = cast("list[LateTicket]", list(rows(connection, query, period.parameters)))
        for ticket in tickets:
            found.setdefault(ticket["ticket_id"], ticket)
        if len(found) >= limit or len(tickets) < most:
            return list(found.values())[:limit]
        most *= 8


class Stretch(NamedTuple):
    """A stretch of time [since, until) in stored text, and the number of what it belongs to."""

    since: str
    until: str
    place: int


def bounds_of_opening(connection: sqlite3.Connection, period: Period) -> Sequence[str]:
    """Return when the first and the last ticket of a period was opened; nothing if there is none."""
    source = f"FROM ticket t WHERE {period.holds('t.created_at')}"
    return _bounds(connection, period, "t.created_at", source)


def bounds_of_met(connection: sqlite3.Connection, period: Period, kind: str) -> Sequence[str]:
    """Return the first and the last instant in a period at which a target of a kind was met; nothing without any."""
    source = f"FROM outcome o WHERE o.kind = '{kind}' AND o.met = 1 AND {period.holds('o.stopped_at')}"
    return _bounds(connection, period, "o.stopped_at", source)


def _bounds(connection: sqlite3.Connection, period: Period, instant: str, source: str) -> Sequence[str]:
    queries = (f"SELECT {instant} {source} ORDER BY {instant} {way} LIMIT 1" for way in ("ASC", "DESC"))
    found = (connection.execute(query, period.parameters).fetchone() for query in queries)
    return [row[0] for row in found if row is not None]


def opened_in(connection: sqlite3.Connection, period: Period, stretches: Sequence[Stretch]) -> Counter[int]:
    """Count the tickets of a period that were opened in stretches of time, by their places."""
    return _in_stretches(connection, period, stretches, "t.created_at", "ticket t", "1")


def met_in(connection: sqlite3.Connection, period: Period, stretches: Sequence[Stretch], kind: str) -> Counter[int]:
    """Count the targets of one kind that were met in a period, by the places of the stretches of time."""
    condition = f"o.kind = '{kind}' AND o.met = 1"
    return _in_stretches(connection, period, stretches, "o.stopped_at", "outcome o", condition)


def _in_stretches(
    connection: sqlite3.Connection,
    period: Period,
    stretches: Sequence[Stretch],
    instant: str,
    source: str,
    condition: str,
) -> Counter[int]:
    # The index of the instants is searched once for each stretch. All rows of a stretch lie side by side in it.
    least, most = "max(?1, json_extract(s.value, '$[0]'))", "min(?2, json_extract(s.value, '$[1]'))"
    query = f"""SELECT json_extract(s.value, '$[2]'), (SELECT COUNT(*) FROM {source}
    WHERE {condition} AND {instant} >= {least} AND {instant} < {most}) FROM json_each(?3) s"""
    found = Counter[int]()
    bounds = (period.since or "", period.until or "~", json.dumps(stretches))
    for place, number in connection.execute(query, bounds):
        found[place] += number
    return found


def quarters_of_misses(connection: sqlite3.Connection, period: Period, kind: str) -> Counter[str]:
    """Count the missed targets of one kind in each quarter of an hour of a period: `2026-03-02T08:3` is 08:45.

    A target counts when its deadline passed, or when it ended if the deadline passed before the period.
    """
    late = f"CASE WHEN {period.holds('o.late_since')} THEN o.late_since ELSE o.stopped_at END"
    quarter = f"substr({late}, 1, 14) || (CAST(substr({late}, 15, 2) AS INTEGER) / 15)"
    query = f"SELECT {quarter}, COUNT(*) FROM ({outcomes(period, [kind], only=_MISSED, late=True)}) o GROUP BY 1"
    return Counter(dict(connection.execute(query, period.parameters).fetchall()))
