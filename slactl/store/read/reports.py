"""Read the open work: how much there is, what is overdue, and what is due next."""

import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from slactl.store.read.outcomes import counts, grouped
from slactl.store.read.rows import Row, rows
from slactl.store.read.sums import open as of_open
from slactl.store.read.tickets import tickets
from slactl.store.schema import views
from slactl.store.schema.sums import IS_PAUSED

if TYPE_CHECKING:
    from slactl.records.runs import NextStep
    from slactl.records.tickets import Ticket

#: Conditions on an open ticket `t`, by its earliest open deadline, which is in an index.
_OVERDUE = f"{views.OPEN} AND t.due_at < :now"
_COMING = f"{views.OPEN} AND t.due_at >= :now"
_URGENT_UNASSIGNED = f"{views.OPEN} AND t.priority = 'urgent' AND t.assignee IS NULL"

#: All tickets as they are now.
_TICKETS = views.tickets(":now")

#: The condition that a ticket `t` has a paused clock.
_HAS_PAUSED = f"EXISTS (SELECT 1 FROM {views.timers(':now')} WHERE r.ticket_id = t.id AND {IS_PAUSED})"

# The tickets come first: there are more timers than open tickets.
_TARGETS = f"{_TICKETS} CROSS JOIN {views.timers(':now')} ON r.ticket_id = t.id AND r.kind IN {views.TARGETS}"

Groups = dict[str | None, dict[str, int]]


def open_counts(connection: sqlite3.Connection, now: str, soon: str, by: str | None = None) -> Groups:
    """Return the counts of open tickets by group; instants are stored text, `soon` is the end of "due soon"."""
    if by is None:
        return {None: of_open.tickets(connection, now, soon).counts}
    columns = {
        "open_count": "1",
        "unassigned_count": "t.assignee IS NULL",
        "urgent_open_count": "t.priority = 'urgent'",
        "escalated_count": "t.escalated",
        "paused_count": _HAS_PAUSED,
        "due_soon_count": "t.due_at BETWEEN :now AND :soon",
    }
    query = grouped(counts(columns.values()), _TICKETS, views.OPEN, by, "t")
    return _by_group(columns, connection.execute(query, {"now": now, "soon": soon}))


def overdue_counts(connection: sqlite3.Connection, now: str, by: str | None = None) -> Groups:
    """Return how many open targets of each kind are overdue, by group."""
    if by is None:
        return {None: {f"{kind}_breached_count": of_open.overdue(connection, now, kind) for kind in views.TARGETS}}
    columns = {f"{kind}_breached_count": f"r.kind = '{kind}'" for kind in views.TARGETS}
    condition = f"{_OVERDUE} AND r.stopped_at IS NULL AND r.due_at < :now"
    query = grouped(counts(columns.values()), _TARGETS, condition, by, "t")
    return _by_group(columns, connection.execute(query, {"now": now}))


def _by_group(names: Iterable[str], counted: Iterable[tuple[Any, ...]]) -> Groups:
    return {group: dict(zip(names, numbers, strict=True)) for group, *numbers in counted}


class Deadline(NamedTuple):
    """Hold the open deadline of one target, as stored text."""

    due_at: str
    target: str
    ticket: int


def coming_deadlines(connection: sqlite3.Connection, now: str, end: str) -> list[Deadline]:
    """Return the open deadlines in [now, end), earliest first."""
    # Only tickets whose earliest deadline, which is in an index, comes before the end are looked at.
    query = f"""SELECT r.due_at, r.kind, r.ticket_id FROM {_TARGETS} WHERE {views.OPEN} AND t.due_at < :end
    AND r.stopped_at IS NULL AND r.due_at >= :now AND r.due_at < :end ORDER BY r.due_at, r.id"""
    return [Deadline(*row) for row in connection.execute(query, {"now": now, "end": end})]


def paused_target_count(connection: sqlite3.Connection, now: str) -> int:
    """Return how many targets of open tickets are paused at `now` and have no deadline meanwhile."""
    query = f"SELECT COUNT(*) FROM {_TARGETS} WHERE {views.OPEN} AND {IS_PAUSED} AND r.due_at IS NULL"
    return int(connection.execute(query, {"now": now}).fetchone()[0])


def coming_tickets(connection: sqlite3.Connection, now: str, limit: int) -> "list[Ticket]":
    """Return the open tickets whose deadline comes next, earliest first."""
    return list(tickets(connection, now, _COMING, order="t.due_at, t.id", limit=limit))


def overdue_tickets(connection: sqlite3.Connection, now: str, limit: int) -> "list[Ticket]":
    """Return the open tickets that are overdue, the longest overdue first."""
    return list(tickets(connection, now, _OVERDUE, order="t.due_at, t.id", limit=limit))


def urgent_tickets(connection: sqlite3.Connection, now: str, limit: int) -> "list[Ticket]":
    """Return the open urgent tickets without an assignee, by deadline; those without a deadline come last."""
    return list(tickets(connection, now, _URGENT_UNASSIGNED, limit=limit))


def undated_tickets(connection: sqlite3.Connection, now: str, limit: int) -> "list[Ticket]":
    """Return the open tickets without a deadline, in the order of their numbers."""
    return list(tickets(connection, now, f"{views.OPEN} AND t.due_at IS NULL", order="t.id", limit=limit))


class BoardCounts(NamedTuple):
    """Count open tickets: all, overdue ones, and urgent ones without an assignee."""

    open: int
    overdue: int
    urgent: int


def board_counts(connection: sqlite3.Connection, now: str) -> BoardCounts:
    """Return the counts of the live board."""
    # A status that ends by itself changes deadlines only.
    counted = ((views.OPEN, "ticket t"), (_OVERDUE, _TICKETS), (_URGENT_UNASSIGNED, "ticket t"))
    queries = (f"SELECT COUNT(*) FROM {source} WHERE {part}" for part, source in counted)
    return BoardCounts(*(int(connection.execute(query, {"now": now}).fetchone()[0]) for query in queries))


def ticket_deadlines(connection: sqlite3.Connection, now: str, until: str, limit: int) -> list[str]:
    """Return the earliest deadline of each open ticket that lies in [now, until], as stored text, earliest first."""
    query = f"SELECT t.due_at FROM {_TICKETS} WHERE {_COMING} AND t.due_at <= :until ORDER BY t.due_at LIMIT {limit:d}"
    return [due_at for (due_at,) in connection.execute(query, {"now": now, "until": until})]


def next_waking(connection: sqlite3.Connection, now: str) -> str | None:
    """Return the next instant after `now` at which the status of a ticket ends by itself; None if there is none."""
    found = connection.execute("SELECT MIN(wakes_at) FROM ticket WHERE wakes_at > ?", (now,)).fetchone()[0]
    return None if found is None else str(found)


def next_steps(connection: sqlite3.Connection, limit: int) -> "list[NextStep]":
    """Return the timers at which a level can fire or a deadline can pass next, earliest first."""
    columns = {name: f"r.{name}" for name in ("ticket_id", "kind", "next_at")}
    columns |= {name: f"t.{name}" for name in ("priority", "assignee")}
    columns["subject"] = "COALESCE(t.subject, t.external_id)"
    query = f"{views.select(columns, views.TIMER_SOURCE)} WHERE r.next_at IS NOT NULL"
    query += f" ORDER BY r.next_at, r.ticket_id LIMIT {limit:d}"
    return cast("list[NextStep]", list(rows(connection, query)))


def goal_figures(connection: sqlite3.Connection) -> list[Row]:
    """Return the figures of each goal that the last check kept."""
    return list(rows(connection, "SELECT * FROM objective_view ORDER BY name"))
