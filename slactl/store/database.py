"""The one door to what is kept: who has a `Database` reads and writes it, and knows neither driver nor statements."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from typing import TypeAlias

    from sqlmodel import Session

    #: One transaction for the functions of `store`; nobody else calls a method of it.
    Transaction: TypeAlias = sqlite3.Connection
    #: One transaction that knows the models.
    ModelTransaction: TypeAlias = Session


@dataclass(frozen=True, slots=True)
class Database:
    """The database of a service desk. Every method raises DatabaseError where it is missing, damaged or not usable."""

    path: Path

    @contextmanager
    def read(self) -> "Iterator[Transaction]":
        """Open one read transaction: everything in it sees the same state."""
        from slactl.store.sqlite.connection import open_database, reported, transaction

        connection = open_database(self.path, query_only=True)
        try:
            with reported(self.path), transaction(connection):
                yield connection
        finally:
            connection.close()

    @contextmanager
    def write(self, *, keep: bool = True) -> "Iterator[Transaction]":
        """Open one write transaction; it is rolled back on any error, and when it is not to be kept."""
        from slactl.store.sqlite.connection import open_database, reported, transaction

        connection = open_database(self.path)
        try:
            with reported(self.path), transaction(connection, write=True, keep=keep):
                yield connection
        finally:
            connection.close()

    def read_models(self) -> "AbstractContextManager[ModelTransaction]":
        """Open one read transaction that knows the models."""
        from slactl.store.sqlite.engine import looking

        return looking(self.path)

    def write_models(self, *, keep: bool = True) -> "AbstractContextManager[ModelTransaction]":
        """Open one write transaction that knows the models; it is rolled back like that of `write`."""
        from slactl.store.sqlite.engine import writing

        return writing(self.path, keep=keep)

    @contextmanager
    def held_open(self) -> Iterator[None]:
        """Keep a connection open, so that no transaction meanwhile is the last one, which would copy the log back."""
        from slactl.store.sqlite.connection import open_database

        connection = open_database(self.path, query_only=True)
        try:
            yield
        finally:
            connection.close()

    def wipe(self) -> bool:
        """Rewrite the file without the pages that were freed; return whether nothing old is left in its log."""
        from slactl.store.sqlite.wipe import wipe

        return wipe(self.path)

    def run_lock(self) -> AbstractContextManager[int]:
        """Hold the lock of the one run that sends, without waiting for it; yields a descriptor for a child to inherit.

        Raises:
            LockedError: another run holds it.
        """
        from slactl.store.sqlite.lock import run_lock

        return run_lock(self.path)
