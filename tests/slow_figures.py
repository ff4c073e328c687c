"""The figures of `summary` and `report` as they are calculated from each ticket, timer and outcome: slow, and plain.

Nothing here reads a table of sums.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from random import Random
from typing import Any

from slactl.clock import from_text, to_text
from slactl.desk.reports.measures import measure
from slactl.sla.enums import Target
from slactl.sla.history.effective import retracted
from slactl.store.read import measures, reports
from slactl.store.read.outcomes import Period
from slactl.store.read.sums.open import tickets as open_tickets
from slactl.store.schema import views

Row = Mapping[str, Any]

SOON = timedelta(hours=2)

#: How many periods with bounds are compared each time.
PERIODS = 3


def differences(connection: sqlite3.Connection, now: str) -> Iterator[str]:
    """Yield where the figures that slactl reads differ from those that follow from the rows, in some periods."""
    yield from difference_now(connection, now)
    for period in periods(connection, now):
        yield from differences_in(connection, period)


def difference_now(connection: sqlite3.Connection, now: str) -> Iterator[str]:
    """Yield the counts of open tickets if they differ."""
    soon = to_text(from_text(now) + SOON)
    wanted, found = opened(connection, now, soon), now_counted(connection, now, soon)
    if found != wanted:
        yield f"the open tickets are {found}, but they should be {wanted}"


def differences_in(connection: sqlite3.Connection, period: Period) -> Iterator[str]:
    """Yield the figures of a period that differ."""
    rows = list(outcomes(connection, period))
    for kind in Target:
        of_kind, counted = [row for row in rows if row["kind"] == kind], measured(connection, period, kind)
        expected = figures(of_kind, connection, period)
        if counted != expected:
            yield f"{kind} in {period} is {counted}, but it should be {expected}"
    [judged] = measures.tickets_judged(connection, period)
    if tuple(judged[1:]) != (should := tickets(connection, period, rows)):
        yield f"the tickets in {period} are {tuple(judged[1:])}, but they should be {should}"


def periods(connection: sqlite3.Connection, now: str) -> Iterator[Period]:
    """Yield all time, and some periods with bounds at, before and after instants of outcomes: others for each desk."""
    query = "SELECT stopped_at FROM outcome UNION SELECT late_since FROM outcome UNION SELECT due_at FROM timer"
    instants = sorted(at for (at,) in connection.execute(query) if at is not None)
    chance = Random(f"{instants}")
    yield Period(now)
    for number in range(PERIODS if instants else 0):
        one, two = sorted(_near(chance.choice(instants), chance) for _ in range(2))
        yield Period(now, one if number % 3 else None, two if number % 3 != 1 else None)


def _near(at: str, chance: Random) -> str:
    return chance.choice((at, to_text(from_text(at) + timedelta(seconds=1)), f"{at[:10]}T00:00:00Z"))


def is_in(at: str | None, period: Period) -> bool:
    """Return whether an instant lies in a period; null does not."""
    return at is not None and (period.since or "") <= at < (period.until or "~")


def outcomes(connection: sqlite3.Connection, period: Period) -> Iterator[dict[str, Any]]:
    """Yield each outcome of a period, and each deadline that passed in it and that no outcome counts yet."""
    names = ("ticket_id", "kind", "cycle", "agreement", "stopped_at", "late_since", "met", "averaged", "seconds")
    names = (*names, "started_at", "paused_seconds", "closed_seconds")
    found = [
        dict(zip(names, row, strict=True)) for row in connection.execute(f"SELECT {', '.join(names)} FROM outcome")
    ]
    of_cycle: defaultdict[tuple[Any, ...], list[str]] = defaultdict(list)
    for row in found:
        of_cycle[row["ticket_id"], row["kind"], row["cycle"]].append(row["stopped_at"] or "")
    for row in found:
        stops = is_in(row["stopped_at"], period)
        if stops or is_in(row["late_since"], period):
            after = of_cycle[row["ticket_id"], row["kind"], row["cycle"]]
            ends = [at for at in after if (row["late_since"] or "~") <= at < (period.until or "~")]
            is_late = not stops or not row["met"]
            yield row | {"done": stops, "late": is_late, "open": not stops and not ends}
    source = f"{views.tickets(':now')} CROSS JOIN {views.timers(':now')} ON r.ticket_id = t.id"
    query = f"""SELECT r.ticket_id, r.kind, r.due_at FROM {source} WHERE {views.OPEN} AND t.due_at < :now
    AND r.stopped_at IS NULL AND r.counted = 0 AND r.due_at < :now AND r.kind IN {views.TARGETS}"""
    for number, kind, due_at in connection.execute(query, {"now": period.now}):
        if is_in(due_at, period):
            new = {"ticket_id": number, "kind": kind, "late_since": due_at, "stopped_at": None, "averaged": 0}
            yield new | {"done": False, "late": True, "open": True, "seconds": None, "paused_seconds": None}


def figures(rows: list[dict[str, Any]], connection: sqlite3.Connection, period: Period) -> dict[str, Any]:
    """Return the figures of one kind of target from its outcomes."""
    taken = sorted(row["seconds"] for row in rows if row["done"] and row["averaged"] and row["seconds"] is not None)
    spent = [row for row in rows if row["done"] and row["paused_seconds"] is not None]
    passed = [(from_text(row["stopped_at"]) - from_text(row["started_at"])).total_seconds() for row in spent]
    earlier = 0
    for row in rows if period.since else ():
        if row["done"] and row["late"]:
            query = (
                "SELECT MIN(late_since) FROM outcome WHERE ticket_id = ? AND kind = ? AND cycle = ? AND agreement = ?"
            )
            key = [row[name] for name in ("ticket_id", "kind", "cycle", "agreement")]
            late_since = row["late_since"] or connection.execute(query, key).fetchone()[0]
            earlier += late_since is not None and late_since < period.since
    return {
        "count": len(rows),
        "late": sum(row["late"] for row in rows),
        "still open": sum(row["open"] for row in rows),
        "earlier": earlier,
        "taken": taken,
        "spent": (
            *(sum(row[name] or 0 for row in spent) for name in ("seconds", "paused_seconds", "closed_seconds")),
            sum(passed),
        )
        if spent
        else None,
    }


def measured(connection: sqlite3.Connection, period: Period, kind: Target) -> dict[str, Any]:
    """Return the same figures as slactl reads them."""
    found = measure(connection, period, kind)[None]
    [late] = measures.unfinished_targets(connection, period, kind) or [measures.Unfinished(None, 0, 0)]
    times = [found.taken.ranked(rank, 1)[0] for rank in range(found.taken.number)]
    assert sum(times) == found.taken.total
    assert all(found.taken.ranked(rank, 2) == times[rank : rank + 2] for rank in range(len(times)))
    spent = [tuple(time[1:]) for time in measures.time_spent(connection, period, kind)]
    return {
        "count": found.count,
        "late": found.late,
        "still open": late.still_open,
        "earlier": late.earlier,
        "taken": times,
        "spent": spent[0] if spent else None,
    }


def tickets(connection: sqlite3.Connection, period: Period, rows: list[dict[str, Any]]) -> tuple[int, ...]:
    """Return how many tickets have outcomes, were escalated, are late, were resolved and reopened."""
    of_each: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        of_each[row["ticket_id"]].append(row)
    counts = Counter[str]()
    for number, some in of_each.items():
        escalations, reopenings = counted_events(connection, number)
        now = connection.execute("SELECT escalated FROM ticket WHERE id = ?", (number,)).fetchone()[0]
        ends = [row["stopped_at"] for row in some if row["done"] and row["kind"] == Target.RESOLUTION]
        end = period.until or "~"
        counts["escalated"] += bool(now) and any(at < end for at in escalations)
        counts["late"] += any(row["late"] for row in some)
        counts["resolved"] += bool(ends)
        counts["reopened"] += any(min(ends, default="~") <= at < end for at in reopenings)
    return len(of_each), *(counts[name] for name in ("escalated", "late", "resolved", "reopened"))


def counted_events(connection: sqlite3.Connection, number: int) -> tuple[list[str], list[str]]:
    """Return when a ticket was escalated, except by warnings, and when it was reopened; what was undone is left out."""
    query = "SELECT at, action, actor_type, detail, hash FROM event WHERE ticket_id = ? ORDER BY at, id"
    events = [(*row[:3], json.loads(row[3]), row[4][:16]) for row in connection.execute(query, (number,))]
    named = [(at, action, who, detail, detail.get("id", name)) for at, action, who, detail, name in events]
    gone = retracted([(name, detail) for _, action, _, detail, name in named if action == "ticket.retract"])
    left = [event for event in named if event[4] not in gone]
    levels = [e[0] for e in left if e[1] == "ticket.escalate" and (e[2] == "user" or not e[3].get("warning"))]
    return levels, [e[0] for e in left if e[1] == "ticket.reopen"]


def opened(connection: sqlite3.Connection, now: str, soon: str) -> dict[str, Any]:
    """Return the counts of the open tickets, each looked at by itself."""
    counts, urgencies = Counter[str](), Counter[tuple[str, str]]()
    query = (
        f"SELECT t.id, t.priority, t.assignee, t.escalated, t.due_at FROM {views.tickets(':now')} WHERE {views.OPEN}"
    )
    for number, priority, assignee, is_escalated, due_at in connection.execute(query, {"now": now}).fetchall():
        clocks = f"SELECT r.kind, r.state, r.due_at FROM {views.timers(':now')} WHERE r.ticket_id = :number"
        running = connection.execute(f"{clocks} AND r.stopped_at IS NULL", {"now": now, "number": number}).fetchall()
        is_paused = any(state == "paused" for _, state, _ in running)
        counts.update(
            open_count=1,
            unassigned_count=assignee is None,
            urgent_open_count=priority == "urgent",
            escalated_count=is_escalated,
            paused_count=is_paused,
            due_soon_count=due_at is not None and now <= due_at <= soon,
        )
        late = [kind for kind, _, due in running if due is not None and due < now and kind in views.TARGETS]
        counts.update(f"{kind}_breached_count" for kind in late if due_at is not None and due_at < now)
        dated = "late" if (due_at or "~") < now else "due_soon" if (due_at or "~") <= soon else "due_later"
        urgencies[dated if due_at else "paused" if is_paused else "no_deadline", priority] += 1
    return {**+counts, "urgencies": urgencies}


def now_counted(connection: sqlite3.Connection, now: str, soon: str) -> dict[str, Any]:
    """Return the same counts as slactl reads them."""
    found = reports.open_counts(connection, now, soon)[None] | reports.overdue_counts(connection, now)[None]
    return {**+Counter(found), "urgencies": open_tickets(connection, now, soon).urgencies}
