"""Read what happened: the events of tickets, the texts that people wrote, and the audit log."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from slactl.clock import from_text
from slactl.sla.enums import EventType
from slactl.sla.history.event import Event
from slactl.store.read.rows import Row, batches, marks, numbers, rows
from slactl.store.schema.events import (
    ACTIONS,
    BREACH,
    CLOSE,
    COLUMNS,
    CORRECTION,
    ERASE,
    REOPEN,
    RESOLVE,
    from_row,
    identity,
)
from slactl.store.schema.views import EVENT_COLUMNS, EVENT_STORED

if TYPE_CHECKING:
    from slactl.records.tickets import Event as EventRecord

__all__ = ["EVENT_COLUMNS", "actions", "event_count", "event_rows", "events", "history", "log", "messages", "texts"]

#: The actions that carry a message, and their names in a history file.
MESSAGE_TYPES = {
    ACTIONS[kind]: kind.value
    for kind in (EventType.CREATED, EventType.AGENT_REPLY, EventType.CUSTOMER_REPLY, EventType.NOTE)
}

#: How often each event is known: its instant, type and value.
Identities = Counter[tuple[str, str, str]]

#: The condition on an event `e` of the ticket `:id` that carries a message.
_MESSAGES = f"""e.ticket_id = :id AND e.action IN {tuple(MESSAGE_TYPES)}
    AND (e.action <> 'ticket.create' OR e.detail LIKE '%"body_hash"%')"""

_SELECT = f"SELECT {', '.join(EVENT_STORED)} FROM event"


def history(transaction: sqlite3.Connection, number: int) -> list[Event]:
    """Return the events of one ticket from which its timers are calculated, by time."""
    stored = transaction.execute(f"SELECT {COLUMNS} FROM event WHERE ticket_id = ? ORDER BY at, id", (number,))
    return [event for row in stored if (event := from_row(*row)) is not None]


def identities(transaction: sqlite3.Connection, tickets: Sequence[int]) -> dict[int, Identities]:
    """Return for each ticket how often each event, identified by instant, type and value, is known."""
    found: dict[int, Identities] = {number: Counter() for number in tickets}
    for batch in batches(tickets):
        query = f"SELECT ticket_id, at, action, detail FROM event WHERE ticket_id IN ({marks(batch)})"
        for number, *row in transaction.execute(query, batch):
            known = identity(*row)
            found[number].update([known] if known is not None else [])
        # Levels that expired or were skipped have a record, but no event.
        silent = f"SELECT * FROM escalation WHERE ticket_id IN ({marks(batch)}) AND event_id IS NULL"
        for decided in rows(transaction, silent, batch):
            event = Event(from_text(decided["fired_at"]), EventType.ESCALATED, decided)
            found[decided["ticket_id"]][(decided["fired_at"], event.type.value, event.value)] += 1
    return found


def events(transaction: sqlite3.Connection, tickets: Sequence[int] | None = None) -> "Iterator[EventRecord]":
    """Yield the events as in `event_view`: of some tickets by time, or of all tickets in the order of the log."""
    condition = f"WHERE ticket_id IN ({numbers(tickets)}) ORDER BY ticket_id, at, id" if tickets is not None else None
    return map(event_record, rows(transaction, f"{_SELECT} {condition or 'ORDER BY id'}"))


def event_rows(transaction: sqlite3.Connection, number: int) -> list[Row]:
    """Return the events of one ticket by time, `detail` as it is stored."""
    return list(rows(transaction, f"{_SELECT} WHERE ticket_id = ? ORDER BY at, id", (number,)))


def log(
    transaction: sqlite3.Connection,
    since: str | None = None,
    until: str | None = None,
    *,
    actors: Sequence[str] = (),
    actions: Sequence[str] = (),
    last: int = 0,
) -> "Iterator[EventRecord]":
    """Yield the audit log in its order: what was recorded in [since, until), at most the `last` events; 0 is all."""
    conditions, parameters = ["1"], list[Any]()
    for test, value in (("recorded_at >= ?", since), ("recorded_at < ?", until)):
        if value is not None:
            conditions.append(test)
            parameters.append(value)
    for column, words in (("actor", actors), ("action", actions)):
        if words:
            conditions.append(f"{column} IN ({marks(words)})")
            parameters += words
    query = f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY id"
    if last:
        query = f"SELECT * FROM ({query} DESC LIMIT {last:d}) ORDER BY id"
    return map(event_record, rows(transaction, query, parameters))


def event_record(row: Row) -> "EventRecord":
    """Decode `detail`, and take out of it what `event_view` shows elsewhere or not at all."""
    detail = row["detail"] = json.loads(row["detail"])
    row["unix_user"] = None
    if isinstance(detail, dict):
        row["unix_user"] = detail.pop("unix_user", None)
        detail.pop("imported_by", None)
    return cast("EventRecord", row)


def corrections(transaction: sqlite3.Connection, number: int) -> list[Row]:
    """Return the recorded breaches of one ticket that were corrected: when, by whom and why, oldest first."""
    columns = {name: f"json_extract(detail, '$.{name}')" for name in ("target", "cycle", "due_at", "reason")}
    columns |= {"corrected_at": "recorded_at", "actor": "actor"}
    selected = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    query = f"SELECT {selected} FROM event WHERE ticket_id = ? AND action = ? ORDER BY id"
    return list(rows(transaction, query, (number, CORRECTION)))


def event_count(transaction: sqlite3.Connection) -> int:
    """Return the number of events in the audit log."""
    return int(transaction.execute("SELECT count(*) FROM event").fetchone()[0])


def last_recorded(transaction: sqlite3.Connection) -> str | None:
    """Return when the last event of the audit log was recorded; None while it is empty."""
    row = transaction.execute("SELECT recorded_at FROM event ORDER BY id DESC LIMIT 1").fetchone()
    return str(row[0]) if row is not None else None


def actions(transaction: sqlite3.Connection) -> list[str]:
    """Return every action that an event can have or has."""
    used = {action for (action,) in transaction.execute("SELECT DISTINCT action FROM event")}
    return sorted({*ACTIONS.values(), RESOLVE, CLOSE, REOPEN, BREACH, CORRECTION, ERASE, *used})


def texts(transaction: sqlite3.Connection, number: int) -> dict[int, dict[str, str]]:
    """Return the texts that people wrote in one ticket, by event and field; erased texts are missing."""
    written: dict[int, dict[str, str]] = {}
    query = "SELECT event_id, field, text FROM event_text WHERE event_id IN (SELECT id FROM event WHERE ticket_id = ?)"
    for event_id, field, text in transaction.execute(query, (number,)):
        written.setdefault(event_id, {})[field] = text
    return written


def messages(transaction: sqlite3.Connection, number: int, *, last: int = 0, most: int = 0) -> Iterator[Row]:
    """Yield the messages of one ticket by time; `body` is None if it was erased.

    With `last` these are the last messages alone. With `most` each has at most so many characters of its body, and
    `written`, which tells an erased body from one that never was.
    """
    written = """, e.detail LIKE '%"body_hash"%' AS written""" if most else ""
    body = f"substr(w.text, 1, {most:d}) AS body{written}" if most else "w.text AS body"
    chosen = f"e.id IN (SELECT e.id FROM event e WHERE {_MESSAGES} ORDER BY e.at DESC, e.id DESC LIMIT {last:d})"
    query = f"""SELECT e.id AS event_id, e.at AS at, e.action AS type, COALESCE(a.text, e.actor) AS actor,
    {body} FROM event e
    LEFT JOIN event_text w ON w.event_id = e.id AND w.field = 'body'
    LEFT JOIN event_text a ON a.event_id = e.id AND a.field = 'actor'
    WHERE {chosen if last else _MESSAGES} ORDER BY e.at, e.id"""
    for row in rows(transaction, query, {"id": number}):
        facts = {"type": MESSAGE_TYPES[row["type"]]} | ({"written": bool(row["written"])} if most else {})
        yield row | facts


def message_count(transaction: sqlite3.Connection, number: int) -> int:
    """Return the number of messages in one ticket."""
    query = f"SELECT count(*) FROM event e WHERE {_MESSAGES}"
    return int(transaction.execute(query, {"id": number}).fetchone()[0])


def ticket_event_count(transaction: sqlite3.Connection, number: int) -> int:
    """Return the number of events of one ticket."""
    return int(transaction.execute("SELECT count(*) FROM event WHERE ticket_id = ?", (number,)).fetchone()[0])


def last_events(transaction: sqlite3.Connection, number: int, last: int) -> "list[EventRecord]":
    """Return the last events of one ticket, by time."""
    latest = f"SELECT id FROM event WHERE ticket_id = ? ORDER BY at DESC, id DESC LIMIT {last:d}"
    found = rows(transaction, f"{_SELECT} WHERE id IN ({latest}) ORDER BY at, id", (number,))
    return [event_record(row) for row in found]
