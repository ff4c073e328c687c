"""Count the open tickets now by what they were counted as when they were written, and by the index of deadlines."""

import sqlite3
from collections import Counter
from typing import NamedTuple

from slactl.store.schema import views
from slactl.store.schema.sums import IS_PAUSED

#: The condition that a ticket `t` has a paused clock now.
_HAS_PAUSED = f"EXISTS (SELECT 1 FROM {views.timers(':now')} WHERE r.ticket_id = t.id AND {IS_PAUSED})"


class OpenTickets(NamedTuple):
    """Hold the open tickets now, by priority and by the urgency of their earliest deadlines.

    The urgency is `late`, `due_soon`, `due_later`, `paused` or `no_deadline`. The other counts are of all of them.
    """

    urgencies: Counter[tuple[str, str]]
    unassigned: int
    escalated: int
    paused: int

    @property
    def counts(self) -> dict[str, int]:
        """Return the fields of a summary."""
        return {
            "open_count": self.urgencies.total(),
            "unassigned_count": self.unassigned,
            "urgent_open_count": sum(
                number for (_, priority), number in self.urgencies.items() if priority == "urgent"
            ),
            "escalated_count": self.escalated,
            "paused_count": self.paused,
            "due_soon_count": sum(number for (urgency, _), number in self.urgencies.items() if urgency == "due_soon"),
        }


def tickets(connection: sqlite3.Connection, now: str, soon: str) -> OpenTickets:
    """Return the open tickets now; instants are stored text, `soon` is the end of "due soon".

    They are counted as they were when each was written. Tickets whose status has ended by itself since, which no
    `check` recorded yet, are counted as they are now instead.
    """
    facts = Counter[tuple[str | int, ...]]()
    for *key, number in connection.execute(f"SELECT {', '.join(_OPEN_FACTS)}, tickets FROM open_count"):
        facts[tuple(key)] += number
    priorities = sorted({str(key[0]) for key in facts})
    urgencies = Counter[tuple[str, str]]()
    for priority in priorities:
        for urgency, condition in _BY_DEADLINE.items():
            query = f"SELECT COUNT(*) FROM ticket t WHERE {views.OPEN} AND t.priority = :priority AND {condition}"
            parameters = {"now": now, "soon": soon, "priority": priority}
            urgencies[urgency, priority] = connection.execute(query, parameters).fetchone()[0]
    columns = f"t.priority, t.assignee IS NULL, t.escalated, {_HAS_PAUSED}, t.due_at IS NOT NULL, t.due_at"
    was_paused = f"EXISTS (SELECT 1 FROM timer r WHERE r.ticket_id = t.id AND {IS_PAUSED})"
    before = connection.execute(
        f"SELECT {columns.replace(_HAS_PAUSED, was_paused)} FROM ticket t WHERE t.wakes_at <= :now AND {views.OPEN}",
        {"now": now},
    )
    facts.subtract(tuple(row[:5]) for row in before)
    for *of_ticket, due_at in connection.execute(f"SELECT {columns} FROM {views.woken_tickets(':now')}", {"now": now}):
        facts[tuple(of_ticket)] += 1
        if due_at is not None:
            urgencies["late" if due_at < now else "due_soon" if due_at <= soon else "due_later", of_ticket[0]] += 1
    for undated, number in facts.items():
        if not undated[4]:
            urgencies["paused" if undated[3] else "no_deadline", str(undated[0])] += number
    sums = (sum(number * int(key[place]) for key, number in facts.items()) for place in (1, 2, 3))
    return OpenTickets(+urgencies, *sums)


#: What open tickets are counted by.
_OPEN_FACTS = ("priority", "unassigned", "escalated", "paused", "dated")

#: The urgencies of an open ticket `t` with a deadline, unless its status has ended by itself since.
_BY_DEADLINE = {
    urgency: f"{bounds} AND (t.wakes_at IS NULL OR t.wakes_at > :now)"
    for urgency, bounds in (
        ("late", "t.due_at < :now"),
        ("due_soon", "t.due_at >= :now AND t.due_at <= :soon"),
        ("due_later", "t.due_at > :soon"),
    )
}


def overdue(connection: sqlite3.Connection, now: str, kind: str) -> int:
    """Return how many open targets of a kind are overdue: an index has the clocks that have not stopped."""
    late = "r.kind = :kind AND r.stopped_at IS NULL AND r.due_at < :now"
    queries = (
        f"SELECT COUNT(*) FROM timer r WHERE {late} AND (r.wakes_at IS NULL OR r.wakes_at > :now)",
        f"SELECT COUNT(*) FROM {views.woken_tickets(':now')} CROSS JOIN {views.timers(':now')} ON r.ticket_id = t.id"
        f" WHERE r.wakes_at <= :now AND {late}",
    )
    return sum(connection.execute(query, {"now": now, "kind": kind}).fetchone()[0] for query in queries)
