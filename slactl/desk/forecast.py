"""What lies ahead: open work by urgency, what breaches next, and what will if nothing happens, hour by hour."""

import sqlite3
from datetime import datetime, timedelta
from typing import Any

from slactl.clock import from_text, to_text
from slactl.errors import UsageError
from slactl.sla.enums import Priority
from slactl.store import reads, views

HOUR = timedelta(hours=1)

#: The longest forecast: deadlines further ahead say nothing about a shift or a week.
LONGEST = timedelta(days=31)

#: From the most to the least pressing. Later is beyond due soon and still running.
BANDS = ("late", "due_soon", "due_later", "paused", "no_deadline")

_PAUSED = "EXISTS (SELECT 1 FROM timer r WHERE r.ticket_id = t.id AND r.stopped_at IS NULL AND r.state = 'paused')"
_BAND = f"""CASE WHEN t.due_at < :now THEN 'late' WHEN t.due_at <= :soon THEN 'due_soon'
WHEN t.due_at IS NOT NULL THEN 'due_later' WHEN {_PAUSED} THEN 'paused' ELSE 'no_deadline' END"""


def open_by_urgency(connection: sqlite3.Connection, now: str, soon: str) -> list[dict[str, Any]]:
    """The open tickets in bands, each by priority from urgent down; every ticket is in one band, by its most urgent
    deadline. Instants in stored text."""
    counts = {band: dict.fromkeys((priority.value for priority in reversed(Priority)), 0) for band in BANDS}
    query = f"SELECT {_BAND}, t.priority, COUNT(*) FROM ticket t WHERE {views.OPEN} GROUP BY 1, 2"
    for band, priority, count in connection.execute(query, {"now": now, "soon": soon}):
        counts[band][priority] = count
    return [{"band": band, "count": sum(found.values()), **found} for band, found in counts.items()]


def next_breaches(connection: sqlite3.Connection, now: str, limit: int) -> list[dict[str, Any]]:
    """The tickets that breach next if nothing happens, the first of them first."""
    return list(
        reads.tickets(connection, now, f"{views.OPEN} AND t.due_at >= :now", order="t.due_at, t.id", limit=limit)
    )


def forecast(connection: sqlite3.Connection, now: datetime, span: timedelta) -> dict[str, Any]:
    """What will breach in [now, now + span) if nothing happens: the targets that run out, by hours of UTC.

    Each deadline is of its ticket's own calendar. A paused target does not run out; how many are, is told. The first
    hour and the last may be shorter.

    Raises:
        UsageError: the span is longer than 31 days.
    """
    if span > LONGEST:
        raise UsageError(f"a forecast reaches {LONGEST.days} days at most", "slactl summary --forecast 24h")
    end = now + span
    hours = [_hour(begin, finish) for begin, finish in _hours(now, end)]
    first = now.replace(minute=0, second=0)
    for due_at, kind, number in _running_out(connection, to_text(now), to_text(end)):
        hour = hours[int((from_text(due_at) - first) / HOUR)]
        hour["count"] += 1
        hour[f"{kind}_count"] += 1
        if number not in hour["tickets"]:
            hour["tickets"].append(number)
    return {
        "since": to_text(now),
        "until": to_text(end),
        "count": sum(hour["count"] for hour in hours),
        "paused_count": _paused_targets(connection),
        "hours": hours,
    }


#: The fields of an hour of a forecast, in the order of the output.
HOUR_FIELDS = ("since", "until", "count", *(f"{target}_count" for target in views.TARGETS), "tickets")


def _hours(now: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    marks = [now]
    while (following := marks[-1].replace(minute=0, second=0) + HOUR) < end:
        marks.append(following)
    return list(zip(marks, [*marks[1:], end], strict=True))


def _hour(begin: datetime, end: datetime) -> dict[str, Any]:
    counts = dict.fromkeys((f"{target}_count" for target in views.TARGETS), 0)
    return {"since": to_text(begin), "until": to_text(end), "count": 0, **counts, "tickets": []}


def _running_out(connection: sqlite3.Connection, now: str, end: str) -> list[tuple[str, str, int]]:
    # The earliest open deadline of a ticket is in an index: only tickets that have one before the end are looked at.
    query = f"""SELECT r.due_at, r.kind, r.ticket_id FROM ticket t JOIN timer r ON r.ticket_id = t.id
    WHERE {views.OPEN} AND t.due_at < :end AND r.stopped_at IS NULL AND r.due_at >= :now AND r.due_at < :end
    AND r.kind IN {views.TARGETS} ORDER BY r.due_at, r.id"""
    return connection.execute(query, {"now": now, "end": end}).fetchall()


def _paused_targets(connection: sqlite3.Connection) -> int:
    query = f"""SELECT COUNT(*) FROM ticket t JOIN timer r ON r.ticket_id = t.id
    WHERE {views.OPEN} AND r.stopped_at IS NULL AND r.state = 'paused' AND r.due_at IS NULL
    AND r.kind IN {views.TARGETS}"""
    (count,) = connection.execute(query).fetchone()
    assert isinstance(count, int)
    return count
