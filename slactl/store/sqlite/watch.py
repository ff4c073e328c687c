"""Keep a database open: notice what others commit, and another file that takes its place."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from slactl.store.schema.version import SCHEMA, schema_of
from slactl.store.sqlite.connection import (
    is_stale,
    leaving_when,
    open_database,
    refuse_unsafe,
    reported,
    transaction,
)

#: How long a live screen waits for another program that holds the database, in seconds.
PATIENCE = 1

#: How much of the database a connection for many writes keeps in memory, in KiB.
CACHE = 16_000


class WatchedFile:
    """Keep a database open, and notice when it changed."""

    def __init__(self, path: Path) -> None:
        """Open the database.

        Raises:
            DatabaseError: it is missing, damaged, not from slactl or newer than the program.
        """
        self.path = path
        self._connection, self._identity = _opened(path), _identity(path)
        self._version: int | None = None

    def has_changed(self) -> bool:
        """Return whether the database changed since the last call; true on the first call and after `forget`.

        Raises:
            DatabaseError: the database cannot be read.
        """
        identity = _identity(self.path)
        if identity != self._identity or is_stale(self.path):
            connection = _opened(self.path)
            self._connection.close()
            self._connection, self._identity, self._version = connection, identity, None
        with reported(self.path, PATIENCE):
            # SQLite changes this number when somebody else commits. Asking for it reads no table.
            version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        changed = version != self._version
        self._version = version
        return bool(changed)

    def forget(self) -> None:
        """Make the next `has_changed` true."""
        self._version = None

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Open one read transaction.

        Raises:
            DatabaseError: the database cannot be read.
        """
        with reported(self.path, PATIENCE), transaction(self._connection):
            yield self._connection

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


class SharedWriter:
    """Keep the one connection of all write transactions of some work, so that they share what is in its memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    def opened(self) -> sqlite3.Connection:
        """Return the connection after the checks of `open_database`.

        Open the database again if another file took its place, or another program upgraded it.

        Raises:
            DatabaseError: as `open_database`.
        """
        refuse_unsafe(self.path)
        identity = _identity(self.path)
        if self._connection is not None and (identity != self._identity or self._schema() != SCHEMA):
            self.close()
        if self._connection is None:
            self._connection, self._identity = open_database(self.path), identity
            self._connection.execute(f"PRAGMA cache_size = -{CACHE}")
        return self._connection

    def close(self) -> None:
        """Close the connection if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _schema(self) -> int:
        assert self._connection is not None
        with reported(self.path):
            return schema_of(self._connection)


def impatient() -> AbstractContextManager[None]:
    """Give up the write lock after a second with KeyboardInterrupt, so that a live screen does not stand still."""
    return leaving_when(lambda: True)


def _opened(path: Path) -> sqlite3.Connection:
    connection = open_database(path, query_only=True)
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
    return connection


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
