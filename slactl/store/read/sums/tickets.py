"""Count the tickets of a period by the first and the last of their outcomes."""

import sqlite3
from typing import NamedTuple

from slactl.store.read.outcomes import Period, counts, uncounted
from slactl.store.read.sums.targets import stopped
from slactl.store.schema import views
from slactl.store.schema.sums import ESCALATES, REOPENS


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


def escalated(number: str, period: Period) -> str:
    """Return the condition that a ticket was escalated before a period ends, and is still."""
    before = "".join(f" AND {part}" for part in period.ends_after("e.at"))
    return f"""EXISTS (SELECT 1 FROM event e WHERE e.ticket_id = {number}{before} AND {ESCALATES})
    AND (SELECT t.escalated FROM ticket t WHERE t.id = {number})"""


def judged_by_spans(connection: sqlite3.Connection, period: Period) -> TicketsJudged:
    """Count tickets by the first and the last of their outcomes.

    Only tickets whose outcomes lie around the period, and those with deadlines that no outcome counts yet, are looked
    at one by one.
    """
    stops, passes = period.holds("o.stopped_at"), period.holds("o.late_since")
    counted, late = f"({stops} OR {passes})", f"(({stops} AND o.met = 0) OR {passes})"

    def count(*queries: str) -> int:
        return sum(connection.execute(query, period.parameters).fetchone()[0] or 0 for query in queries)

    new = f"""SELECT {counts(("NOT counted", f"NOT counted AND {escalated('n.ticket_id', period)}", "NOT late"))}
    FROM (SELECT ticket_id, {_has("u.ticket_id", counted)} AS counted, {_has("u.ticket_id", late)} AS late
    FROM (SELECT DISTINCT ticket_id FROM ({uncounted("r.ticket_id", _passed_any(period))})) u) n"""
    more = connection.execute(new, period.parameters).fetchone()
    since = "m.reopened_at >= :since" if period.since else "m.reopened_at IS NOT NULL"
    before = "".join(f" AND {part}" for part in period.ends_after("e.at"))
    reopened = f"""SELECT COUNT(*) FROM outcome_span m WHERE {since} AND EXISTS (SELECT 1 FROM outcome o
    JOIN event e ON e.ticket_id = m.ticket_id AND e.at >= o.stopped_at{before} AND {REOPENS}
    WHERE o.ticket_id = m.ticket_id AND +o.kind = 'resolution' AND {stops})"""
    return TicketsJudged(
        None,
        all=more[0] + count(*_spanning(period, ("since", "until"), counted)),
        escalated=more[1] + count(_escalated_spans(period, counted)),
        breached=more[2] + count(*_spanning(period, ("late_since", "late_until"), late)),
        resolved=stopped(connection, period, "resolution") - count(_resolved_again(period)),
        reopened=count(reopened),
    )


def _has(number: str, condition: str) -> str:
    """Return the condition that a ticket has an outcome `o` for which something holds."""
    return f"EXISTS (SELECT 1 FROM outcome o WHERE o.ticket_id = {number} AND {condition})"


def _passed_any(period: Period) -> str:
    return f"+r.kind IN {views.TARGETS} AND {period.holds('r.due_at')}"


def _spanning(period: Period, names: tuple[str, str], holds: str) -> list[str]:
    """Return the queries that together count the tickets with an instant of a kind in a period.

    `names` are the columns of the first and the last instant, and `holds` is the condition that an outcome `o` has one
    in the period. The first lies in it, or only the last, or it lies between them.
    """
    first, last = (f"span.{name}" for name in names)
    query = "SELECT COUNT(*) FROM outcome_span span WHERE"
    if period.since is None:
        return [f"{query} {period.holds(first)}"]
    if period.until is None:
        return [f"{query} {period.holds(last)}"]
    around = f"{last} >= :until AND {first} < :since AND {_has('span.ticket_id', holds)}"
    return [f"{query} {period.holds(first)}", f"{query} {period.holds(last)} AND {first} < :since", f"{query} {around}"]


def _escalated_spans(period: Period, holds: str) -> str:
    """Return the query of the tickets with outcomes in a period that were escalated before it ends; few are."""
    conditions = ["span.escalated_at > ''", *period.ends_after("span.escalated_at"), *period.ends_after("+span.since")]
    conditions += ["+span.until >= :since"] if period.since else []
    if period.since and period.until:
        conditions.append(f"(+span.since >= :since OR +span.until < :until OR {_has('span.ticket_id', holds)})")
    return f"SELECT COUNT(*) FROM outcome_span span WHERE {' AND '.join(conditions)}"


def _resolved_again(period: Period) -> str:
    """Return the query of how many ends of resolutions in a period are not the first of their tickets in it."""
    if period.since is None and period.until is None:
        return "SELECT SUM(resolutions - 1) FROM outcome_span WHERE resolutions > 1"
    bounds = ["+span.until >= :since"] if period.since else []
    bounds += ["+span.since < :until"] if period.until else []
    return f"""SELECT SUM(number - 1) FROM (SELECT COUNT(*) AS number FROM outcome_span span
    CROSS JOIN outcome o ON o.ticket_id = span.ticket_id AND +o.kind = 'resolution' AND {period.holds("o.stopped_at")}
    WHERE span.resolutions > 1 AND {" AND ".join(bounds)} GROUP BY +span.ticket_id)"""
