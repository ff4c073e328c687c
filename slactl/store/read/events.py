"""Read what happened: the events of tickets, the texts that people wrote, the audit log, and the changes in it."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, cast

from slactl.clock import from_text
from slactl.sla.enums import EventType
from slactl.sla.history.event import Event
from slactl.store.read.rows import Row, batches, marks, numbers, rows
from slactl.store.read.tickets import retracted_names
from slactl.store.schema.events import (
    ACTIONS,
    BREACH,
    CHANGE,
    CLOSE,
    COLUMNS,
    COMMAND,
    CORRECTION,
    ERASE,
    GOAL,
    REOPEN,
    RESOLVE,
    STILL_CORRECTED,
    detail_text,
    from_row,
    identity,
    named_in,
)
from slactl.store.schema.views import EVENT_COLUMNS, EVENT_STORED, SEALED

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
    """Return the events of one ticket by time, with their hashes, `detail` as it is stored."""
    query = f"SELECT {', '.join(EVENT_STORED)}, hash FROM event WHERE ticket_id = ? ORDER BY at, id"
    return list(rows(transaction, query, (number,)))


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
    sealed = {name: detail.pop(name, None) for name in SEALED} if isinstance(detail, dict) else dict.fromkeys(SEALED)
    row |= {name: sealed[name] for name in ("change", "unix_user")}
    if sealed["numbers"] is not None:
        detail["events"] = sealed["numbers"]
    return cast("EventRecord", row)


def corrections(transaction: sqlite3.Connection, number: int) -> list[Row]:
    """Return the recorded breaches of one ticket that were corrected: when, by whom and why, oldest first."""
    columns = {name: f"json_extract(detail, '$.{name}')" for name in ("target", "cycle", "due_at", "reason")}
    columns |= {"corrected_at": "recorded_at", "actor": "actor"}
    selected = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    query = f"SELECT {selected} FROM event c WHERE ticket_id = ? AND action = ? AND {STILL_CORRECTED} ORDER BY id"
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
    return sorted({*ACTIONS.values(), RESOLVE, CLOSE, REOPEN, BREACH, CORRECTION, ERASE, GOAL, *used})


def texts(transaction: sqlite3.Connection, number: int, only: str | None = None) -> dict[int, dict[str, str]]:
    """Return the texts that people wrote in one ticket, by event and field (or of one); erased ones are missing."""
    written: dict[int, dict[str, str]] = {}
    query = """SELECT event_id, field, text FROM event_text
    WHERE event_id IN (SELECT id FROM event WHERE ticket_id = :ticket) AND (:only IS NULL OR field = :only)"""
    for event_id, field, text in transaction.execute(query, {"ticket": number, "only": only}):
        written.setdefault(event_id, {})[field] = text
    return written


def messages(transaction: sqlite3.Connection, number: int, *, last: int = 0, most: int = 0) -> Iterator[Row]:
    """Yield the messages of one ticket by time; `body` is None if it was erased, `retracted` messages do not count.

    With `last` these are the last messages alone. With `most` each has at most so many characters of its body, and
    `written`, which tells an erased body from one that never was.
    """
    written = """, e.detail LIKE '%"body_hash"%' AS written""" if most else ""
    body = f"substr(w.text, 1, {most:d}) AS body{written}" if most else "w.text AS body"
    chosen = f"e.id IN (SELECT e.id FROM event e WHERE {_MESSAGES} ORDER BY e.at DESC, e.id DESC LIMIT {last:d})"
    query = f"""SELECT e.id AS event_id, e.at AS at, e.action AS type, COALESCE(a.text, e.actor) AS actor,
    {body}, {named_in("e")} AS name FROM event e
    LEFT JOIN event_text w ON w.event_id = e.id AND w.field = 'body'
    LEFT JOIN event_text a ON a.event_id = e.id AND a.field = 'actor'
    WHERE {chosen if last else _MESSAGES} ORDER BY e.at, e.id"""
    gone = retracted_names(transaction, number)
    for row in rows(transaction, query, {"id": number}):
        facts = {"type": MESSAGE_TYPES[row["type"]], "retracted": row.pop("name") in gone}
        yield row | facts | ({"written": bool(row["written"])} if most else {})


def message_count(transaction: sqlite3.Connection, number: int) -> int:
    """Return the number of messages in one ticket."""
    query = f"SELECT count(*) FROM event e WHERE {_MESSAGES}"
    return int(transaction.execute(query, {"id": number}).fetchone()[0])


def ticket_event_count(transaction: sqlite3.Connection, number: int) -> int:
    """Return the number of events of one ticket."""
    return int(transaction.execute("SELECT count(*) FROM event WHERE ticket_id = ?", (number,)).fetchone()[0])


def last_events(
    transaction: sqlite3.Connection, number: int, last: int, *, with_writers: bool = False
) -> "list[EventRecord]":
    """Return the last events of one ticket, by time; `with_writers` with the addresses of customers, until erased."""
    latest = f"SELECT id FROM event WHERE ticket_id = ? ORDER BY at DESC, id DESC LIMIT {last:d}"
    found = list(rows(transaction, f"{_SELECT} WHERE id IN ({latest}) ORDER BY at, id", (number,)))
    if with_writers:
        written = texts(transaction, number, "actor")
        found = [row | {"actor": written.get(row["id"], {}).get("actor", row["actor"])} for row in found]
    return [event_record(row) for row in found]


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """One event of a change; `event` is None if it is only noted for people."""

    number: int
    ticket: int
    recorded_at: str
    action: str
    detail: dict[str, Any]
    event: Event | None


@dataclass(frozen=True, slots=True)
class Change:
    """What one command wrote: its number, which is that of its first event, and its events in the order of the log."""

    number: int
    events: Sequence[ChangeEvent]

    @property
    def command(self) -> str | None:
        """Return the name of a command that cannot be undone, or None."""
        said = self.events[0].detail.get(COMMAND)
        return said["name"] if said is not None else None

    @property
    def is_undo(self) -> bool:
        """Return whether the command was `undo`."""
        types = {each.event.type for each in self.events if each.event is not None}
        return self.command is None and EventType.RETRACTED in types


def change_of(transaction: sqlite3.Connection, number: int) -> Change | None:
    """Return the change of this number; None if no command has it.

    The part of a command that works in several transactions ends where another command wrote.
    """
    found = list[ChangeEvent]()
    query = f"SELECT id, ticket_id, recorded_at, {COLUMNS} FROM event WHERE id >= ? ORDER BY id"
    for number_of_event, ticket, recorded_at, *row in transaction.execute(query, (number,)):
        detail = json.loads(row[4])
        if detail.get(CHANGE) != number:
            break
        found.append(ChangeEvent(number_of_event, ticket, recorded_at, row[3], detail, from_row(*row)))
    return Change(number, found) if found and found[0].number == number else None


def event_change(transaction: sqlite3.Connection, number: int) -> tuple[int | None] | None:
    """Return the change of an event, which is None for an event from before changes had numbers; None if there is none.

    The number is in a tuple, so that the two differ.
    """
    row = transaction.execute("SELECT detail FROM event WHERE id = ?", (number,)).fetchone()
    return (json.loads(row[0]).get(CHANGE),) if row is not None else None


def last_changes(transaction: sqlite3.Connection, actor: str, among: int = 2**62) -> Iterator[int | None]:
    """Yield the changes of an actor, the last first; None for an event from before changes had numbers.

    What an import brought belongs to the person who ran it. `among` is how many events of the log are read at most.
    """
    query = f"""SELECT json_extract(detail, '$.{CHANGE}') FROM (SELECT * FROM event ORDER BY id DESC LIMIT {among:d})
    WHERE (actor = :actor AND actor_type = 'user' AND instr(detail, '"{COMMAND}":') = 0) OR instr(detail, :ran) > 0
    ORDER BY id DESC"""
    found = transaction.execute(query, {"actor": actor, "ran": command_text(actor)})
    yield from (number for number, _ in groupby(number for (number,) in found))


def command_text(actor: str) -> str:
    """Return how the detail of an event names an import that an actor ran."""
    return detail_text({COMMAND: {"actor": actor, "name": "import"}})[1:-1]


def entries_of(transaction: sqlite3.Connection, actor: str, since: str) -> list[tuple[str, str]]:
    """Return what an actor entered at `since` or later that no ticket has, the last first: its name, and its command.

    These are overrides, absences and silences that nobody has removed since.
    """
    query = """SELECT created_at, 'override ' || id AS name, 'slactl oncall remove ' || id AS command FROM override
    WHERE actor = :actor AND created_at >= :since AND removed_at IS NULL
    UNION ALL SELECT created_at, 'absence ' || id, 'slactl oncall remove ' || id FROM absence
    WHERE actor = :actor AND created_at >= :since AND removed_at IS NULL
    UNION ALL SELECT created_at, 'silence ' || id, 'slactl silence expire ' || id FROM silence
    WHERE actor = :actor AND created_at >= :since AND expired_by IS NULL ORDER BY 1 DESC"""
    found = rows(transaction, query, {"actor": actor, "since": since})
    return [(row["name"], row["command"]) for row in found]


def recent(transaction: sqlite3.Connection, actor: str, most: int) -> list[int]:
    """Return the numbers of the last changes of an actor, the last first."""
    return [number for number in islice(last_changes(transaction, actor, 2_000), most) if number is not None]
