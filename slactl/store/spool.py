"""Sorting more than memory holds: what comes in any order goes out by ticket, each ticket's lines by instant.

SQLite's own temporary database does it: private, in memory while small, in an unnamed file when not, and gone
with the connection.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby, islice

#: A line: where it stood, its ticket, its instant as text that sorts, and what it says.
Spooled = tuple[int, str, str, str]

CHUNK = 5000


class Spool:
    """Lines of many tickets, kept out of memory."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("CREATE TABLE line (number INTEGER, ticket TEXT, at TEXT, text TEXT)")

    def fill(self, lines: Iterable[Spooled]) -> None:
        """Take in lines as they come."""
        coming = iter(lines)
        while chunk := list(islice(coming, CHUNK)):
            self._connection.execute("BEGIN")
            self._connection.executemany("INSERT INTO line VALUES (?, ?, ?, ?)", chunk)
            self._connection.execute("COMMIT")

    def tickets(self) -> Iterator[tuple[str, list[tuple[int, str]]]]:
        """Each ticket, in the order of first appearance, with its lines by instant; ties keep their order.

        A line that says exactly what another line of the ticket says counts once.
        """
        rows = self._connection.execute(
            "SELECT ticket, number, text FROM line JOIN (SELECT ticket, min(rowid) AS first FROM line GROUP BY ticket)"
            " USING (ticket) ORDER BY first, at, line.rowid"
        )
        for ticket, found in groupby(rows, key=lambda row: row[0]):
            once: dict[str, int] = {}
            for _, number, text in found:
                once.setdefault(text, number)
            yield ticket, [(number, text) for text, number in once.items()]

    def close(self) -> None:
        """Drop everything."""
        self._connection.close()
