"""Sorting more than memory holds: what comes in any order goes out by ticket, each ticket's lines by instant.

SQLite's own temporary database does it: private (0600), in memory while small, in an unnamed file when not, and
gone with the connection, however the program ends.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby, islice

from slactl.errors import DatabaseError

#: A line: where it stood, its ticket, its instant as text that sorts, and what it says.
Spooled = tuple[int, str, str, str]

CHUNK = 5000

#: What is kept in memory before a file takes it, in KiB, once for the tables and once for sorting.
CACHE = 8192

SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -%d;
CREATE TABLE ticket (place INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE line (ticket INTEGER NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL, text TEXT NOT NULL);
"""


class Spool:
    """Lines of many tickets, kept out of memory."""

    def __init__(self) -> None:
        # An empty name is a temporary database, which no other process can open.
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.executescript(SCHEMA % CACHE)

    def fill(self, lines: Iterable[Spooled]) -> None:
        """Take in lines as they come.

        Raises:
            DatabaseError: the temporary folder is full.
        """
        coming = iter(lines)
        while chunk := list(islice(coming, CHUNK)):
            try:
                self._insert(chunk)
            except sqlite3.Error as error:
                reason = f"a temporary file cannot be written: {error}"
                raise DatabaseError(f"{reason}; set TMPDIR to a folder with free space") from error

    def _insert(self, chunk: list[Spooled]) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT OR IGNORE INTO ticket (name) VALUES (?)", [(line[1],) for line in chunk])
        self._connection.executemany("INSERT INTO line SELECT place, ?1, ?3, ?4 FROM ticket WHERE name = ?2", chunk)
        self._connection.execute("COMMIT")

    def count(self) -> int:
        """How many tickets there are."""
        return int(self._connection.execute("SELECT count(*) FROM ticket").fetchone()[0])

    def tickets(self) -> Iterator[tuple[str, list[tuple[int, str]]]]:
        """Each ticket, in the order of first appearance, with its lines by instant; ties keep their order.

        A line that says exactly what another line of the ticket says counts once.
        """
        rows = self._connection.execute("SELECT ticket, number, text FROM line ORDER BY ticket, at, rowid")
        for place, found in groupby(rows, key=lambda row: row[0]):
            once: dict[str, int] = {}
            for _, number, text in found:
                once.setdefault(text, number)
            name = self._connection.execute("SELECT name FROM ticket WHERE place = ?", (place,)).fetchone()[0]
            yield name, [(number, text) for text, number in once.items()]

    def close(self) -> None:
        """Drop everything."""
        self._connection.close()
