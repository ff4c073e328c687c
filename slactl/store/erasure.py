"""What the database holds of one person, and its removal: from the tables, and from what SQLite keeps of old pages."""

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from slactl.store.connection import BUSY_SECONDS, empty_log, in_turn, open_database, reported
from slactl.store.reads import head

#: What of a person stands in a ticket's own columns too.
COLUMNS = ("subject", "requester_email")

#: Where words stand besides that no chain seals and nothing hangs on.
FREE = {"notification": "error", "silence": "comment"}

#: The key of `meta` under which stands which erasure has yet to rewrite the file: the number of its last event.
UNWIPED = "unwiped"

_DOOM = """INSERT OR IGNORE INTO doomed
SELECT t.event_id, t.field, e.ticket_id, own.id IS NOT NULL FROM event_text t JOIN event e ON e.id = t.event_id
LEFT JOIN own ON own.id = e.ticket_id LEFT JOIN event_text a ON a.event_id = t.event_id AND a.field = 'actor'
WHERE (own.id IS NOT NULL AND t.field IN ('body', 'subject')) OR is_person(a.text)
OR CASE WHEN t.field IN ('body', 'subject') THEN mentions(t.text) ELSE is_person(t.text) END"""

#: Signs that belong to words as well as to addresses, and the longest name before an @.
_BORDER, _LONGEST_NAME = "._+%-'", 64

#: What makes a longer domain of one: another letter, or one after a dot or hyphens.
_GOES_ON = re.compile(r"[^\W_]|-+[^\W_]|\.[^\W_]")

Test = Callable[[str | None], bool]


class Tests(NamedTuple):
    """What is asked of a text: is it this person's name, does it mention the person, are the letters in it."""

    is_person: Test
    mentions: Test
    has_letters: Test


def tests(requester: str, *, is_address: bool) -> Tests:
    """The tests for a person, in any case of letters.

    Only an address is looked for within other texts. It is mentioned where it is not part of what may be another one;
    a field for addresses is taken more exactly than that: there `_ann@example.com` is somebody else.
    """
    wanted = requester.strip().casefold()
    # Right after or before a letter they are somebody else's for certain, as `ann@` in `joann@` is.
    letters = re.compile(rf"(?<![^\W_]){re.escape(wanted)}(?![^\W_])")
    within = re.compile(rf"(?<![\w.+%-]){re.escape(wanted)}(?![\w-]|\.\w)")

    def is_person(text: str | None) -> bool:
        if not isinstance(text, str):
            return False
        lowered = text.casefold()
        return lowered.strip() == wanted or (is_address and wanted in lowered and within.search(lowered) is not None)

    def mentions(text: str | None) -> bool:
        return any(_stands_alone(wanted, reading) for reading in _readings(text))

    def has_letters(text: str | None) -> bool:
        return any(letters.search(reading) is not None for reading in _readings(text))

    return Tests(is_person, mentions, has_letters) if is_address else Tests(is_person, is_person, is_person)


def _readings(text: str | None) -> Iterator[str]:
    """A text in small letters; as it is, and as it is where letters in it are written as in URLs or in JSON."""
    if isinstance(text, str):
        yield text.casefold()
        if "%" in text:
            yield unquote(text).casefold()
        if "\\u" in text:
            yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text).casefold()


def _stands_alone(wanted: str, text: str) -> bool:
    """Whether an address is somewhere in a text where no other address can be that it is a part of."""
    place = text.find(wanted)
    while place >= 0:
        before = text[max(0, place - _LONGEST_NAME) : place].rstrip(_BORDER)
        if not before[-1:].isalnum() and _GOES_ON.match(text, place + len(wanted)) is None:
            return True
        place = text.find(wanted, place + 1)
    return False


def prepare(connection: sqlite3.Connection, requester: str, *, is_address: bool) -> None:
    """Find out, within the caller's transaction, which texts are to go: `doomed`, and the person's tickets: `own`."""
    for name, test in tests(requester, is_address=is_address)._asdict().items():
        connection.create_function(name, 1, test, deterministic=True)
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


def last_event(connection: sqlite3.Connection) -> int:
    """The last event of the log; texts that come later are of later events."""
    return (head(connection) or (0, ""))[0]


def newest(connection: sqlite3.Connection) -> int:
    """The last event of which a text is to go."""
    return connection.execute("SELECT max(event_id) FROM doomed").fetchone()[0] or 0


def is_unfinished(connection: sqlite3.Connection) -> bool:
    """Whether an erasure has yet to rewrite the file."""
    return connection.execute("SELECT 1 FROM meta WHERE key = ?", (UNWIPED,)).fetchone() is not None


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
    for table, column in FREE.items():
        connection.execute(f"UPDATE {table} SET {column} = NULL WHERE mentions({column})")
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (UNWIPED, str(last_event(connection))))


def leftovers(connection: sqlite3.Connection) -> Iterator[tuple[str, str, int, list[int]]]:
    """Where the letters are still found after the removal: table, column, in how many rows, of which tickets.

    They are words of the desk's own people, facts that the chain seals, or part of what may be another address.
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


def wipe(path: Path) -> bool:
    """Rewrite the database without the pages that were freed, and empty the write-ahead log; whether that is empty.

    It stays full where another program reads at the same time for longer than SQLite waits. What another erasure
    commits meanwhile is left for that one to wipe.

    Raises:
        DatabaseError: there is no room for the rewriting.
    """
    connection = open_database(path)
    try:
        with reported(path):
            noted = connection.execute("SELECT key, value FROM meta WHERE key = ?", (UNWIPED,)).fetchall()
            in_turn(connection, "VACUUM")
            emptied = empty_log(connection, BUSY_SECONDS)
            if emptied:
                connection.executemany("DELETE FROM meta WHERE key = ? AND value = ?", noted)
            return emptied
    finally:
        connection.close()
