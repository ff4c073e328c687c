"""Seal the event log with a chain: the hash of each event is calculated from the event and the hash before it.

The hash is SHA-256 in hexadecimal. It covers the hash before (64 zeros at the beginning), followed by the event as a
JSON array in ASCII without spaces: id, ticket_id, at, recorded_at, actor, actor_type, action, detail. `detail` is the
stored text. Another program can calculate the hash again. The last hash seals the whole log. With a copy of it in
another place, a person can prove that no event up to it was changed, removed, inserted, moved or cut off.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import sha256
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from slactl.store.schema.views import last_event

#: The hash before the first event.
BEGINNING = "0" * 64

#: The columns that the hash covers, in order.
SEALED = ("id", "ticket_id", "at", "recorded_at", "actor", "actor_type", "action", "detail")

#: Events that a migration reads and chains at a time.
BATCH = 5_000

#: The triggers that keep the log append-only, in every program that opens the database. `INSERT OR REPLACE` removes
#: rows without calling delete triggers, unless a program turns recursive triggers on; so an insert with the id of an
#: event, or with a lower id, is refused.
TRIGGERS = {
    "event_never_changes": "BEFORE UPDATE ON event",
    "event_never_vanishes": "BEFORE DELETE ON event",
    "event_never_replaced": "BEFORE INSERT ON event WHEN NEW.id > 0"
    " AND EXISTS (SELECT 1 FROM event WHERE id >= NEW.id)",
    "event_text_never_changes": "BEFORE UPDATE ON event_text",
    "event_text_never_replaced": "BEFORE INSERT ON event_text WHEN EXISTS"
    " (SELECT 1 FROM event_text WHERE event_id = NEW.event_id AND field = NEW.field)",
}


def seal(before: str, event: Sequence[Any]) -> str:
    """Return the hash of an event, given as its sealed columns, after the hash before it.

    Raises:
        TypeError: a column that holds text has another type.
    """
    number, ticket, at, recorded_at, actor, kind, action, detail = event
    # Put together by hand: `json.dumps` makes the same text in four times the time, and a log has millions of events.
    array = (
        f"[{number},{ticket},{quoted(at)},{quoted(recorded_at)},{quoted(actor)},{quoted(kind)},{quoted(action)},"
        f"{quoted(detail)}]"
    )
    return sha256((before + array).encode()).hexdigest()


def trigger_sql(name: str) -> str:
    """Return the statement that creates a trigger, as SQLite stores it."""
    return f"CREATE TRIGGER {name} {TRIGGERS[name]}\nBEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END"


def make_triggers(connection: sqlite3.Connection) -> None:
    """Create every trigger again."""
    for name in TRIGGERS:
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")
        connection.execute(trigger_sql(name))


def chain(connection: sqlite3.Connection) -> None:
    """Give every event its hash in a database that has none yet, and make the log append-only.

    The caller holds the write transaction.
    """
    for table, columns in {
        "event": {"hash": "TEXT NOT NULL DEFAULT ''"},
        "run": {"audit_head": "TEXT", "audit_event": "INTEGER"},
    }.items():
        known = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        for column, kind in columns.items():
            if column not in known:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    connection.execute("DROP TRIGGER IF EXISTS event_never_changes")
    before, last = BEGINNING, None
    while rows := _unchained(connection, last):
        hashes = []
        for row in rows:
            before, last = seal(before, row), row[0]
            hashes.append((before, last))
        connection.executemany("UPDATE event SET hash = ? WHERE id = ?", hashes)
    make_triggers(connection)


def _unchained(connection: sqlite3.Connection, after: int | None) -> list[tuple[Any, ...]]:
    columns = ", ".join(SEALED)
    condition = "WHERE id > ?" if after is not None else "WHERE ? IS NULL"
    query = f"SELECT {columns} FROM event {condition} ORDER BY id LIMIT {BATCH}"
    return connection.execute(query, (after,)).fetchall()


def sealed_rows(before: str, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of new events with their hashes, in the order of the log."""
    found = []
    for row in rows:
        before = seal(before, [row[name] for name in SEALED])
        found.append(row | {"hash": before})
    return found


def append(connection: sqlite3.Connection, row: dict[str, Any]) -> None:
    """Append one event, given without its number, to the log; the caller holds the write transaction."""
    number, before = last_event(connection) or (0, BEGINNING)
    [sealed] = sealed_rows(before, [{"id": number + 1} | row])
    names = ", ".join(sealed)
    connection.execute(f"INSERT INTO event ({names}) VALUES ({', '.join('?' * len(sealed))})", list(sealed.values()))
