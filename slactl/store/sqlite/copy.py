"""Copies of a database, made while others write to it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from slactl.store.sqlite.connection import distrust, reported

#: The pages that SQLite copies before it reports progress.
PAGES = 1_000

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
