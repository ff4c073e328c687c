"""Reading without SQLModel: the public views' SELECTs over stdlib `sqlite3`, at one bound instant."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slactl.errors import NotKnownError
from slactl.sla.enums import EventType
from slactl.store.schema import views
from slactl.store.schema.events import ACTIONS, BREACH, CLOSE, COLUMNS, ERASE, REOPEN, RESOLVE, from_row
from slactl.store.sqlite.connection import open_database, reported, transaction

Record = dict[str, Any]

#: The actions that carry a message, and their names in a history file.
MESSAGE_TYPES = {
    ACTIONS[kind]: kind.value
    for kind in (EventType.CREATED, EventType.AGENT_REPLY, EventType.CUSTOMER_REPLY, EventType.NOTE)
}

#: The fields of a ticket, and of an event, in the order of the output.
TICKET_COLUMNS, EVENT_COLUMNS = tuple(views.ticket_columns("")), views.EVENT_COLUMNS

_FLAGS = ("breached", "ever_breached", "escalated")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """One read transaction: every query inside sees the same state.

    Raises:
        DatabaseError: the database is missing, damaged, not ours or newer than the program.
    """
    connection = open_database(path, query_only=True)
    try:
        with reported(path), transaction(connection):
            yield connection
    finally:
        connection.close()


def tickets(
    connection: sqlite3.Connection,
    now: str,
    condition: str = "1",
    parameters: Mapping[str, Any] | None = None,
    order: str = "t.due_at IS NULL, t.due_at, t.id",
    limit: int = 0,
) -> Iterator[Record]:
    """Tickets as in `ticket_view` at `now` (text): `condition` and `order` are SQL over `t`, `fr`, `nr`, `rs`."""
    columns = views.ticket_columns(":now")
    query = f"{views.select(columns, views.TICKET_SOURCE)} WHERE {condition} ORDER BY {order}"
    if limit:
        query += f" LIMIT {limit:d}"
    names = list(columns)
    for row in connection.execute(query, {**(parameters or {}), "now": now}):
        yield ticket_record(dict(zip(names, row, strict=True)))


def ticket_record(record: Record) -> Record:
    """The stored forms of a `ticket_view` row made JSON's own: truth values and the list of tags."""
    for flag in _FLAGS:
        record[flag] = bool(record[flag])
    record["tags"] = json.loads(record["tags"])
    return record


def ticket_id(connection: sqlite3.Connection, reference: str) -> int:
    """The number of the ticket a person means: slactl's number, or the external id (`ext:123` for digits).

    Raises:
        NotKnownError: there is no such ticket.
    """
    external = reference.removeprefix("ext:")
    if external == reference and reference.isascii() and reference.isdigit() and 0 < len(reference) <= 19:
        number = int(reference)
        found = connection.execute("SELECT id FROM ticket WHERE id = ?", (min(number, 2**63 - 1),)).fetchone()
        if found is not None and found[0] == number:
            return number
        other = connection.execute("SELECT 1 FROM ticket WHERE external_id = ?", (reference,)).fetchone()
        raise NotKnownError(
            f"no ticket has the number {reference}", f"slactl show ext:{reference}" if other else "slactl list --all"
        )
    found = connection.execute("SELECT id FROM ticket WHERE external_id = ?", (external,)).fetchone()
    if found is None:
        from slactl.text import clean

        raise NotKnownError(f"no ticket has the external id {clean(external)[:200]}", "slactl list --all")
    number = found[0]
    assert isinstance(number, int)
    return number


def history(connection: sqlite3.Connection, number: int) -> list[Any]:
    """The events of one ticket that its timers follow from, in the order of time."""
    rows = connection.execute(f"SELECT {COLUMNS} FROM event WHERE ticket_id = ? ORDER BY at, id", (number,))
    return [event for row in rows if (event := from_row(*row)) is not None]


def events(connection: sqlite3.Connection, numbers: Sequence[int] | None = None) -> Iterator[Record]:
    """The audit trail as in `event_view`, of some tickets or of all, in the order of time, `detail` decoded."""
    names = views.EVENT_STORED
    query = f"SELECT {', '.join(names)} FROM event"
    if numbers is not None:
        query += f" WHERE ticket_id IN ({', '.join(f'{number:d}' for number in numbers)}) ORDER BY ticket_id, at, id"
    else:
        query += " ORDER BY id"
    for row in connection.execute(query):
        yield event_record(dict(zip(names, row, strict=True)))


def texts(connection: sqlite3.Connection, number: int) -> dict[int, dict[str, str]]:
    """What persons wrote in one ticket: event id → field → text; nothing for what was erased."""
    found: dict[int, dict[str, str]] = {}
    query = "SELECT event_id, field, text FROM event_text WHERE event_id IN (SELECT id FROM event WHERE ticket_id = ?)"
    for event_id, field, text in connection.execute(query, (number,)):
        found.setdefault(event_id, {})[field] = text
    return found


def escalations(connection: sqlite3.Connection, number: int) -> list[Record]:
    """The escalations of one ticket as in `escalation_view`, oldest first."""
    names = views.ESCALATION_COLUMNS
    query = f"SELECT {', '.join(names)} FROM escalation WHERE ticket_id = ? ORDER BY id"
    return [dict(zip(names, row, strict=True)) for row in connection.execute(query, (number,))]


def timers(connection: sqlite3.Connection, number: int, now: str) -> list[Record]:
    """The targets of one ticket and where each stands at `now`: first response, next responses, resolution."""
    columns = views.timer_columns(":now")
    query = f"{views.select(columns, 'timer r')} WHERE r.ticket_id = :id AND r.kind IN {views.TARGETS} ORDER BY r.id"
    rows = connection.execute(query, {"now": now, "id": number})
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    for record in records:
        record["manual"] = bool(record["manual"])
    return sorted(records, key=lambda record: (views.TARGETS.index(record["target"]), record["cycle"]))


def messages(connection: sqlite3.Connection, number: int) -> list[Record]:
    """What was written in one ticket, in the order of time; `body` is null where it was erased."""
    query = f"""SELECT e.id, e.at, e.action, COALESCE(a.text, e.actor), w.text FROM event e
    LEFT JOIN event_text w ON w.event_id = e.id AND w.field = 'body'
    LEFT JOIN event_text a ON a.event_id = e.id AND a.field = 'actor'
    WHERE e.ticket_id = :id AND e.action IN {tuple(MESSAGE_TYPES)}
    AND (e.action <> 'ticket.create' OR e.detail LIKE '%"body_hash"%') ORDER BY e.at, e.id"""
    return [
        {"event_id": event_id, "at": at, "type": MESSAGE_TYPES[action], "actor": actor, "body": body}
        for event_id, at, action, actor, body in connection.execute(query, {"id": number})
    ]


def is_known(connection: sqlite3.Connection, column: str, value: str) -> bool:
    """Whether a ticket or a tenant's entry has this `plan` or `tenant`."""
    own = {"plan": "plan", "tenant": "name"}[column]
    sources = (f"tenant WHERE {own}", f"ticket WHERE {column}")
    return any(connection.execute(f"SELECT 1 FROM {source} = ? LIMIT 1", (value,)).fetchone() for source in sources)


def known(connection: sqlite3.Connection, column: str) -> list[str]:
    """Every `plan` or `tenant` that a ticket or a tenant's entry has."""
    own = {"plan": "plan", "tenant": "name"}[column]
    query = f"SELECT {own} AS word FROM tenant UNION SELECT {column} FROM ticket ORDER BY word"
    return [word for (word,) in connection.execute(query) if word is not None]


def log(
    connection: sqlite3.Connection,
    since: str | None = None,
    until: str | None = None,
    *,
    actors: Sequence[str] = (),
    actions: Sequence[str] = (),
    last: int = 0,
) -> Iterator[Record]:
    """The audit log in the order in which it was written: recorded in [since, until), the `last` so many; 0 is all."""
    parts, parameters = ["1"], list[Any]()
    for test, value in (("recorded_at >= ?", since), ("recorded_at < ?", until)):
        if value is not None:
            parts.append(test)
            parameters.append(value)
    for column, words in (("actor", actors), ("action", actions)):
        if words:
            parts.append(f"{column} IN ({', '.join('?' * len(words))})")
            parameters += words
    names = views.EVENT_STORED
    query = f"SELECT {', '.join(names)} FROM event WHERE {' AND '.join(parts)} ORDER BY id"
    if last:
        query = f"SELECT * FROM ({query} DESC LIMIT {last:d}) ORDER BY id"
    for row in connection.execute(query, parameters):
        yield event_record(dict(zip(names, row, strict=True)))


def event_record(record: Record) -> Record:
    """The stored form of an `event_view` row made JSON's own."""
    detail = record["detail"] = json.loads(record["detail"])
    record["unix_user"] = None
    if isinstance(detail, dict):
        record["unix_user"] = detail.pop("unix_user", None)
        detail.pop("imported_by", None)
    return record


def event_count(connection: sqlite3.Connection) -> int:
    """How many events the log has."""
    return int(connection.execute("SELECT count(*) FROM event").fetchone()[0])


def actions(connection: sqlite3.Connection) -> list[str]:
    """Every action that an event can have, or has."""
    used = {action for (action,) in connection.execute("SELECT DISTINCT action FROM event")}
    return sorted({*ACTIONS.values(), RESOLVE, CLOSE, REOPEN, BREACH, ERASE, *used})


NOTIFICATION_COLUMNS = [
    "id",
    "escalation_id",
    "ticket_id",
    "recipient",
    "state",
    "tries",
    "created_at",
    "next_try_at",
    "ended_at",
    "error",
    "run_id",
    "held_by",
    "instead_of",
]


def notifications(
    connection: sqlite3.Connection,
    states: Sequence[str] = (),
    limit: int = 0,
    *,
    recipients: Sequence[str] = (),
    numbers: Sequence[int] = (),
) -> list[Record]:
    """The outbox, newest first; only messages in some states, to some recipients, about some tickets, where named."""
    parts, parameters = ["1"], list[Any]()
    for column, values in (("state", states), ("recipient", recipients), ("ticket_id", numbers)):
        if values:
            parts.append(f"{column} IN ({', '.join('?' for _ in values)})")
            parameters += values
    query = f"SELECT {', '.join(NOTIFICATION_COLUMNS)} FROM notification WHERE {' AND '.join(parts)}"
    query += " ORDER BY id DESC" + (f" LIMIT {limit:d}" if limit else "")
    return [dict(zip(NOTIFICATION_COLUMNS, row, strict=True)) for row in connection.execute(query, parameters)]


SILENCE_COLUMNS = ["id", "tenant", "ticket_id", "escalation", "comment", "actor", "created_at", "ends_at", "active"]


def silences(connection: sqlite3.Connection, now: str, *, ended: bool = False) -> list[Record]:
    """The silences that hold at `now`, with `ended` also those that are over; the last to end first."""
    query = (
        f"SELECT {', '.join(SILENCE_COLUMNS[:-1])}, ends_at > :now FROM silence WHERE :ended OR ends_at > :now"
        " ORDER BY ends_at DESC, id DESC"
    )
    rows = connection.execute(query, {"now": now, "ended": ended})
    return [dict(zip(SILENCE_COLUMNS, row, strict=True)) | {"active": bool(row[-1])} for row in rows]


def tenants(connection: sqlite3.Connection) -> list[Record]:
    """Every tenant, by name."""
    names = ("name", "plan", "timezone", "created_at")
    rows = connection.execute(f"SELECT {', '.join(names)} FROM tenant ORDER BY name")
    return [dict(zip(names, row, strict=True)) for row in rows]


def head(connection: sqlite3.Connection) -> tuple[int, str] | None:
    """The number and the hash of the last event of the log; None while there is none."""
    row = connection.execute("SELECT id, hash FROM event ORDER BY id DESC LIMIT 1").fetchone()
    return (row[0], row[1]) if row is not None else None


def names(connection: sqlite3.Connection) -> Iterator[tuple[int, str | None]]:
    """Every ticket's number and external id."""
    yield from connection.execute("SELECT id, external_id FROM ticket ORDER BY id")


def has_external_id(connection: sqlite3.Connection, name: str) -> bool:
    """Whether some ticket has this external id."""
    return connection.execute("SELECT 1 FROM ticket WHERE external_id = ?", (name,)).fetchone() is not None


def event_rows(connection: sqlite3.Connection, number: int) -> list[Record]:
    """The audit trail of one ticket in the order of time, `detail` as stored."""
    query = f"SELECT {', '.join(views.EVENT_STORED)} FROM event WHERE ticket_id = ? ORDER BY at, id"
    return [dict(zip(views.EVENT_STORED, row, strict=True)) for row in connection.execute(query, (number,))]


def decisions(connection: sqlite3.Connection, number: int) -> list[Record]:
    """The escalations of one ticket with what keeps each from firing twice, oldest first."""
    columns = [*views.ESCALATION_COLUMNS, "kind", "cycle", "arming", "event_id"]
    query = f"SELECT {', '.join(columns)} FROM escalation WHERE ticket_id = ? ORDER BY id"
    return [dict(zip(columns, row, strict=True)) for row in connection.execute(query, (number,))]
