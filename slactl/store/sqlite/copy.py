"""Copy a database while others write to it, and rewrite it without what SQLite keeps of old pages."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from slactl.store.sqlite.connection import BUSY_SECONDS, distrust, empty_log, in_turn, open_database, reported

#: The pages that SQLite copies before it reports progress.
PAGES = 1_000

#: The key in `meta` of an erasure that has yet to rewrite the file; its value is the number of the last event then.
UNWIPED = "unwiped"

#: Takes how many pages were copied, and how many there are.
Progress = Callable[[int, int], None]


def size(connection: sqlite3.Connection) -> int:
    """Return how many bytes the file of a database has in this transaction."""
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    return int(pages * connection.execute("PRAGMA page_size").fetchone()[0])


def copy(source: sqlite3.Connection, draft: Path, target: Path, progress: Progress) -> None:
    """Copy the state that an open read transaction sees into the file `draft`.

    As the transaction is open already, others who write meanwhile do not make SQLite begin anew.

    Raises:
        DatabaseError: the copy failed; the message names `target`, which the draft becomes.
    """
    with reported(target), closing(sqlite3.connect(draft, isolation_level=None)) as made:
        distrust(made)
        source.backup(made, pages=PAGES, progress=lambda _, left, total: progress(total - left, total))


def wipe(path: Path) -> bool:
    """Rewrite the database without the pages that were freed, and empty the write-ahead log.

    Returns whether the log is empty: a program that reads for longer than SQLite waits keeps it from that. What
    another erasure commits meanwhile is left for that one to wipe.

    Raises:
        DatabaseError: the disk has no room to rewrite the database.
    """
    with closing(open_database(path)) as connection, reported(path):
        noted = connection.execute("SELECT key, value FROM meta WHERE key = ?", (UNWIPED,)).fetchall()
        in_turn(connection, "VACUUM")
        emptied = empty_log(connection, BUSY_SECONDS)
        if emptied:
            connection.executemany("DELETE FROM meta WHERE key = ? AND value = ?", noted)
        return emptied
