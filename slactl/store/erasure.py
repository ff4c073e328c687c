"""What the database holds of one person, and its removal: from the tables, and from what SQLite keeps of old pages."""

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from slactl.store.connection import BUSY_SECONDS, empty_log, in_turn, open_database, reported

#: What of a person stands in a ticket's own columns too.
COLUMNS = ("subject", "requester_email")

_DOOM = """INSERT OR IGNORE INTO doomed
SELECT t.event_id, t.field, e.ticket_id, own.id IS NOT NULL FROM event_text t JOIN event e ON e.id = t.event_id
LEFT JOIN own ON own.id = e.ticket_id LEFT JOIN event_text a ON a.event_id = t.event_id AND a.field = 'actor'
WHERE (own.id IS NOT NULL AND t.field IN ('body', 'subject')) OR is_person(a.text) OR mentions(t.text)
OR (t.field = 'requester_email' AND is_person(t.text))"""


def patterns(requester: str, *, is_address: bool) -> tuple[Callable[[str | None], bool], Callable[[str | None], bool]]:
    """Whether a text is this person's name, and whether it mentions it, in any case of letters.

    Only an address is looked for within other texts, and only where it is not part of a longer one.
    """
    wanted = requester.strip().casefold()
    within = re.compile(rf"(?<![\w.+%-]){re.escape(wanted)}(?![\w-]|\.\w)")

    def mentions(text: str | None) -> bool:
        if not isinstance(text, str):
            return False
        lowered = text.casefold()
        return wanted in lowered and within.search(lowered) is not None

    def is_person(text: str | None) -> bool:
        return isinstance(text, str) and (text.strip().casefold() == wanted or (is_address and mentions(text)))

    return is_person, mentions if is_address else is_person


def prepare(connection: sqlite3.Connection, requester: str, *, is_address: bool) -> None:
    """Find out, within the caller's transaction, which texts are to go: `doomed`, and the person's tickets: `own`."""
    is_person, mentions = patterns(requester, is_address=is_address)
    connection.create_function("is_person", 1, is_person, deterministic=True)
    connection.create_function("mentions", 1, mentions, deterministic=True)
    connection.execute("CREATE TEMP TABLE own (id INTEGER PRIMARY KEY)")
    connection.execute(
        "CREATE TEMP TABLE doomed (event_id INTEGER, field TEXT, ticket_id INTEGER, is_own INTEGER,"
        " PRIMARY KEY (event_id, field))"
    )
    connection.execute(
        "INSERT OR IGNORE INTO own SELECT e.ticket_id FROM event_text t JOIN event e ON e.id = t.event_id"
        " WHERE t.field = 'requester_email' AND is_person(t.text)"
        " UNION SELECT id FROM ticket WHERE is_person(requester_email)"
    )
    connection.execute(_DOOM)


def counts(connection: sqlite3.Connection) -> Mapping[str, int]:
    """How many texts of each field are to go."""
    return dict(connection.execute("SELECT field, count(*) FROM doomed GROUP BY field ORDER BY field"))


def tickets(connection: sqlite3.Connection, *, own: bool) -> list[int]:
    """The tickets of which texts are to go: the person's own, or those of others."""
    query = "SELECT DISTINCT ticket_id FROM doomed WHERE is_own = ? ORDER BY ticket_id"
    return [number for (number,) in connection.execute(query, (own,))]


def doomed(connection: sqlite3.Connection) -> Iterator[tuple[int, dict[str, list[int]]]]:
    """Each ticket, and the numbers of the events whose texts are to go, by field."""
    current: tuple[int, dict[str, list[int]]] | None = None
    query = "SELECT ticket_id, field, event_id FROM doomed ORDER BY ticket_id, field, event_id"
    for ticket, name, event in connection.execute(query):
        if current is None or current[0] != ticket:
            if current is not None:
                yield current
            current = (ticket, {})
        current[1].setdefault(name, []).append(event)
    if current is not None:
        yield current


def remove(connection: sqlite3.Connection) -> None:
    """Remove what is to go; what a ticket says of itself is then what is left of it."""
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(
        "DELETE FROM event_text WHERE EXISTS (SELECT 1 FROM doomed d"
        " WHERE d.event_id = event_text.event_id AND d.field = event_text.field)"
    )
    for column in COLUMNS:
        connection.execute(
            f"UPDATE ticket SET {column} = (SELECT t.text FROM event e LEFT JOIN event_text t"
            f" ON t.event_id = e.id AND t.field = '{column}' WHERE e.ticket_id = ticket.id AND"
            f" e.detail LIKE '%\"{column}_hash\"%' ORDER BY e.id DESC LIMIT 1)"
            f" WHERE id IN (SELECT ticket_id FROM doomed WHERE field = '{column}')"
        )
    for column in _texts(connection, "notification", nullable=True):
        connection.execute(f"UPDATE notification SET {column} = NULL WHERE mentions({column})")


def leftovers(connection: sqlite3.Connection) -> Iterator[tuple[str, str, int]]:
    """Where the person is still named after the removal, table and column, and in how many rows.

    These are words of the desk's own people, or facts that the chain seals.
    """
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
    for (table,) in connection.execute(query).fetchall():
        columns = list(_texts(connection, table))
        if columns:
            sums = ", ".join(f"COALESCE(sum(mentions({column})), 0)" for column in columns)
            found = connection.execute(f"SELECT {sums} FROM {table}").fetchone()
            yield from ((table, column, count) for column, count in zip(columns, found, strict=True) if count)


def wipe(path: Path) -> bool:
    """Rewrite the database without the pages that were freed, and empty the write-ahead log; whether that is empty.

    It stays full where another program reads at the same time for longer than SQLite waits.

    Raises:
        DatabaseError: there is no room for the rewriting.
    """
    connection = open_database(path)
    try:
        with reported(path):
            connection.execute("PRAGMA secure_delete = ON")
            in_turn(connection, "VACUUM")
            return empty_log(connection, BUSY_SECONDS)
    finally:
        connection.close()


def _texts(connection: sqlite3.Connection, table: str, *, nullable: bool = False) -> Iterator[str]:
    for _, name, kind, not_null, _, key in connection.execute(f"PRAGMA table_info({table})"):
        if kind.upper() == "TEXT" and not key and not (nullable and not_null):
            yield name
