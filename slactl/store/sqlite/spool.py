"""Sort more lines than memory holds: they come in any order, and go out by ticket, each ticket's lines by instant.

A temporary database of SQLite does it: private (0600), in memory while small, then in a file without a name. It is
gone with the connection, however the program ends.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby, islice

from slactl.errors import StorageError
from slactl.store.sqlite.folders import temporary_folder
from slactl.text import quoted

#: The number of a line in its file, its ticket, its instant as text that sorts, and its text.
Spooled = tuple[int, str, str, str]

#: Lines that one statement inserts.
CHUNK = 5000

#: Memory that SQLite uses before it writes to a file, in KiB, once for the tables and once for sorting.
CACHE = 8192

SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -%d;
CREATE TABLE ticket (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE line (ticket INTEGER NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL, text TEXT NOT NULL);
"""


class Spool:
    """Lines of many tickets, kept out of memory. Methods raise StorageError when the temporary folder is full."""

    def __init__(self) -> None:
        with _reported():
            # An empty name is a temporary database, which no other process can open.
            self._connection = sqlite3.connect("", isolation_level=None)
            self._connection.executescript(SCHEMA % CACHE)

    def fill(self, lines: Iterable[Spooled]) -> None:
        """Insert lines as they come."""
        coming = iter(lines)
        while chunk := list(islice(coming, CHUNK)):
            with _reported():
                insert = self._connection.executemany
                self._connection.execute("BEGIN")
                insert("INSERT OR IGNORE INTO ticket (name) VALUES (?)", [(name,) for _, name, _, _ in chunk])
                rows = [(number, at, text, name) for number, name, at, text in chunk]
                insert("INSERT INTO line SELECT position, ?, ?, ? FROM ticket WHERE name = ?", rows)
                self._connection.execute("COMMIT")

    def count(self) -> int:
        """Return the number of tickets."""
        with _reported():
            return int(self._connection.execute("SELECT count(*) FROM ticket").fetchone()[0])

    def tickets(self) -> Iterator[tuple[str, list[tuple[int, str]]]]:
        """Yield each ticket, in the order of first appearance, with its lines by instant; ties keep their order.

        A line with the same text as another line of the ticket counts once.
        """
        with _reported():
            rows = self._connection.execute("SELECT ticket, number, text FROM line ORDER BY ticket, at, rowid")
            for position, lines in groupby(rows, key=lambda row: row[0]):
                once: dict[str, int] = {}
                for _, number, text in lines:
                    once.setdefault(text, number)
                named = self._connection.execute("SELECT name FROM ticket WHERE position = ?", (position,))
                yield named.fetchone()[0], [(number, text) for text, number in once.items()]

    def close(self) -> None:
        """Drop everything."""
        self._connection.close()


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        reason = f"a temporary file cannot be written: {error}; set TMPDIR to a folder with free space"
        raise StorageError(reason, f"df -h {quoted(temporary_folder())}") from error
