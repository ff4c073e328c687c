"""The only access to the database: the callers of `Database` know neither its driver nor SQL."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from typing import TypeAlias

    from slactl.store.sqlite.folders import Obstacle

    #: One transaction, for the functions of `store` only: nobody else calls a method of it.
    Transaction: TypeAlias = sqlite3.Connection


class Database(NamedTuple):
    """The database of a service desk. Every method raises DatabaseError if it is missing, damaged or not usable."""

    path: Path
    #: Opens the connection that all write transactions share; None if each opens one of its own.
    writer: "Callable[[], Transaction] | None" = None

    @contextmanager
    def read(self) -> "Iterator[Transaction]":
        """Open one read transaction: every query in it sees the same state."""
        from slactl.store.sqlite.connection import open_database

        with closing(open_database(self.path, query_only=True)) as opened, self.read_again(opened):
            yield opened

    @contextmanager
    def read_again(self, opened: "Transaction") -> Iterator[None]:
        """Open one read transaction with a connection that `held_open` keeps."""
        from slactl.store.sqlite.connection import reported, transaction

        with reported(self.path), transaction(opened):
            yield

    @contextmanager
    def write(self, *, keep: bool = True) -> "Iterator[Transaction]":
        """Open one write transaction; roll it back on any error, and unless `keep`."""
        from slactl.store.sqlite.connection import open_database, reported, transaction

        with ExitStack() as closes:
            opened = self.writer() if self.writer else closes.enter_context(closing(open_database(self.path)))
            with reported(self.path), transaction(opened, write=True, keep=keep):
                yield opened

    @contextmanager
    def for_many_writes(self) -> "Iterator[Database]":
        """Return the same database for work in parts: its write transactions share one connection and its memory."""
        from slactl.store.sqlite.watch import SharedWriter

        with closing(SharedWriter(self.path)) as shared:
            yield self._replace(writer=shared.opened)

    @contextmanager
    def read_unmigrated(self) -> "Iterator[Transaction]":
        """Open one read transaction as `read` does, but leave a database of an older schema as it is."""
        from slactl.store.sqlite.connection import open_database, reported, transaction

        with (
            closing(open_database(self.path, query_only=True, migrates=False)) as opened,
            reported(self.path),
            transaction(opened),
        ):
            yield opened

    @contextmanager
    def held_open(self) -> "Iterator[Transaction]":
        """Keep one connection open: the last connection to close copies the write-ahead log back, which takes time."""
        from slactl.store.sqlite.connection import open_database

        with closing(open_database(self.path, query_only=True)) as opened:
            yield opened

    def may_write(self, seconds: float) -> bool:
        """Return whether the write lock is free within some seconds; an older database is not migrated."""
        from slactl.store.sqlite.connection import may_write, open_database, reported

        with closing(open_database(self.path, query_only=True, migrates=False)) as opened, reported(self.path):
            return may_write(opened, seconds)

    def obstacle_to_writing(self) -> "Obstacle | None":
        """Return why this user cannot write the database now; None if no reason is known."""
        from slactl.store.sqlite.folders import obstacle_to_writing

        return obstacle_to_writing(self.path)

    def create(self, *, group: int | None = None) -> bool:
        """Create the database unless it exists, for a group if one is given; return whether it was created."""
        from slactl.store.sqlite.file import create_database

        return create_database(self.path, group=group)

    def wipe(self) -> bool:
        """Rewrite the file without freed pages; return whether its write-ahead log is empty too."""
        from slactl.store.sqlite.file import wipe

        return wipe(self.path)

    def run_lock(self) -> AbstractContextManager[None]:
        """Hold the lock of the one run on this machine that sends, or fail at once.

        Raises:
            LockedError: another run holds it.
        """
        from slactl.store.sqlite.lock import run_lock

        return run_lock(self.path)

    def sync_lock(self) -> AbstractContextManager[None]:
        """Hold the lock of the one run that runs the commands of sources, or fail at once.

        Raises:
            LockedError: another run holds it.
        """
        from slactl.store.sqlite.lock import run_lock

        return run_lock(self.path, "sync")
