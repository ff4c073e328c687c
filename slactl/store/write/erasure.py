"""Find the texts that name one person, and remove them from the tables."""

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from slactl.store.schema import views
from slactl.store.schema.version import UNWIPED
from slactl.store.write.spellings import Mention, mention, normalised, readings

#: The texts that are in the ticket's own columns too.
COLUMNS = ("subject", "requester_email")

#: Other columns with texts, which no chain seals and nothing is calculated from.
FREE = {"notification": "error", "silence": "comment", "override": "reason", "sync_run": "error"}

_DOOM = """INSERT OR IGNORE INTO doomed
SELECT t.event_id, t.field, e.ticket_id, own.id IS NOT NULL,
own.id IS NULL AND t.field IN ('body', 'subject') AND is_spelled(t.text)
FROM event_text t JOIN event e ON e.id = t.event_id
LEFT JOIN own ON own.id = e.ticket_id LEFT JOIN event_text a ON a.event_id = t.event_id AND a.field = 'actor'
WHERE (own.id IS NOT NULL AND t.field IN ('body', 'subject')) OR is_person(a.text)
OR CASE WHEN t.field IN ('body', 'subject') THEN mentions(t.text) ELSE is_person(t.text) END"""

Test = Callable[[str | None], bool]


class Tests(NamedTuple):
    """SQL conditions on a text: it is the person; names the person; only in encoded form; or perhaps."""

    is_person: Test
    mentions: Test
    is_spelled: Test
    has_letters: Test


def tests(requester: str, *, is_address: bool) -> Tests:
    """Return the tests for a person, in upper or lower case.

    Only an address is also searched for within texts. A text mentions the address if it is not part of a possible
    longer address. A field for addresses is compared more exactly: there `_ann@example.com` is somebody else.
    """
    wanted = normalised(requester).strip()
    # Right after or before a letter, the address certainly belongs to somebody else, as `ann@` in `joann@` does.
    letters = re.compile(rf"(?<![^\W_]){re.escape(wanted)}(?![^\W_])")
    within = re.compile(rf"(?<![\w.+%-]){re.escape(wanted)}(?![\w-]|\.\w)")

    def found(text: str | None) -> Mention:
        return mention(wanted, text) if isinstance(text, str) else Mention.NONE

    def is_person(text: str | None) -> bool:
        plain = normalised(text).strip() if isinstance(text, str) else None
        if plain == wanted or plain is None or not is_address:
            return plain == wanted
        return within.search(plain) is not None and mentions(text)

    def mentions(text: str | None) -> bool:
        return found(text) in (Mention.PLAIN, Mention.SPELLED)

    def is_spelled(text: str | None) -> bool:
        return is_address and found(text) is Mention.SPELLED

    def has_letters(text: str | None) -> bool:
        return isinstance(text, str) and any(letters.search(reading) for reading in set(readings(text)))

    if is_address:
        return Tests(is_person, mentions, is_spelled, has_letters)
    return Tests(is_person, is_person, is_spelled, is_person)


def prepare(connection: sqlite3.Connection, requester: str, *, is_address: bool) -> None:
    """Fill the tables `own`, the person's tickets, and `doomed`, the texts to erase, in the caller's transaction."""
    for name, test in tests(requester, is_address=is_address)._asdict().items():
        connection.create_function(name, 1, test, deterministic=True)
    connection.execute("CREATE TEMP TABLE own (id INTEGER PRIMARY KEY)")
    connection.execute(
        "CREATE TEMP TABLE doomed (event_id INTEGER, field TEXT, ticket_id INTEGER, is_own INTEGER,"
        " is_spelled INTEGER,"
        " PRIMARY KEY (event_id, field))"
    )
    connection.execute(
        "INSERT OR IGNORE INTO own SELECT e.ticket_id FROM event_text t JOIN event e ON e.id = t.event_id"
        " WHERE t.field = 'requester_email' AND is_person(t.text)"
        " UNION SELECT id FROM ticket WHERE is_person(requester_email)"
    )
    connection.execute(_DOOM)


def counts(connection: sqlite3.Connection) -> Mapping[str, int]:
    """Return how many texts are to be erased, by field."""
    return dict(connection.execute("SELECT field, count(*) FROM doomed GROUP BY field ORDER BY field"))


def last_event(connection: sqlite3.Connection) -> int:
    """Return the number of the last event of the log; texts that come later belong to later events."""
    return (views.last_event(connection) or (0, ""))[0]


def newest(connection: sqlite3.Connection) -> int:
    """Return the last event that has a text to be erased."""
    return connection.execute("SELECT max(event_id) FROM doomed").fetchone()[0] or 0


def is_unfinished(connection: sqlite3.Connection) -> bool:
    """Return whether an erasure has yet to rewrite the file."""
    return connection.execute("SELECT 1 FROM meta WHERE key = ?", (UNWIPED,)).fetchone() is not None


def tickets(connection: sqlite3.Connection, *, own: bool) -> list[int]:
    """Return the tickets with texts to be erased: the person's own, or those of others."""
    query = "SELECT DISTINCT ticket_id FROM doomed WHERE is_own = ? ORDER BY ticket_id"
    return [number for (number,) in connection.execute(query, (own,))]


def spelled(connection: sqlite3.Connection) -> tuple[int, list[int]]:
    """Return how many texts of others have the address only in another spelling, and their tickets."""
    query = "SELECT ticket_id, count(*) FROM doomed WHERE is_spelled GROUP BY ticket_id ORDER BY ticket_id"
    found = connection.execute(query).fetchall()
    return sum(count for _, count in found), [number for number, _ in found]


def doomed(connection: sqlite3.Connection) -> Iterator[tuple[int, dict[str, list[int]]]]:
    """Yield each ticket with the numbers of the events whose texts are to be erased, by field."""
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
    """Remove the texts; the subject and the requester of a ticket become the latest that are left."""
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
        # The source may send the text again: null keeps it from coming back.
        connection.execute(
            f"UPDATE snapshot SET digest = '', columns = json_replace(columns, '$.{column}', NULL)"
            f" WHERE ticket_id IN (SELECT ticket_id FROM doomed WHERE field = '{column}')"
        )
    connection.execute(
        "DELETE FROM mail_id WHERE ticket_id IN (SELECT id FROM own)"
        " OR event_id IN (SELECT event_id FROM doomed) OR has_letters(message_id)"
    )
    for table, column in FREE.items():
        connection.execute(f"UPDATE {table} SET {column} = NULL WHERE mentions({column})")
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (UNWIPED, str(last_event(connection))))


def leftovers(connection: sqlite3.Connection) -> Iterator[tuple[str, str, int, list[int]]]:
    """Yield the places that still contain the letters after the removal: table, column, number of rows, tickets.

    These are texts of the team, facts that the chain seals, or parts of possible other addresses.
    """
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
    for (table,) in connection.execute(query).fetchall():
        kinds = {name: kind.upper() for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})")}
        ticket = "ticket_id" if "ticket_id" in kinds else "NULL"
        ticket = {"ticket": "id", "event_text": "(SELECT ticket_id FROM event WHERE id = event_id)"}.get(table, ticket)
        for column in [name for name, kind in kinds.items() if kind == "TEXT"]:
            found = connection.execute(f"SELECT {ticket} FROM {table} WHERE has_letters({column})").fetchall()
            if found:
                yield table, column, len(found), sorted({number for (number,) in found if number is not None})
