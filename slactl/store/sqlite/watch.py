"""Watch a database that others change: a live board reads it again only after a commit."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slactl.store.sqlite.connection import open_database, reported, transaction


class Watched:
    """A database that one connection reads again and again. A file put in its place counts as a change."""

    def __init__(self, path: Path) -> None:
        """Open the database.

        Raises:
            DatabaseError: it is missing, damaged, not ours or newer than the program.
        """
        self.path = path
        self._connection, self._file = open_database(path, query_only=True), _identity(path)
        self._version: int | None = None

    def has_changed(self) -> bool:
        """Return whether somebody committed since the last call; the first call returns True.

        Raises:
            DatabaseError: the database cannot be read.
        """
        file = _identity(self.path)
        if file != self._file:
            connection = open_database(self.path, query_only=True)
            self._connection.close()
            self._connection, self._file, self._version = connection, file, None
        with reported(self.path):
            # SQLite changes this number at every commit of another connection, and reads no table for it.
            version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        before, self._version = self._version, version
        return bool(version != before)

    def forget(self) -> None:
        """Let the next `has_changed` return True."""
        self._version = None

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Open one read transaction on the connection that is kept.

        Raises:
            DatabaseError: the database cannot be read.
        """
        with reported(self.path), transaction(self._connection):
            yield self._connection

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
