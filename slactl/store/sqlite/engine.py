"""Open SQLModel sessions, each in one transaction; that of a writer begins with the write lock."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool
from sqlmodel import Session

from slactl import committed
from slactl.store.sqlite import connection
from slactl.store.sqlite.connection import begin_writing, open_database, reported
from slactl.store.sqlite.faults import as_database_error


@cache
def engine(path: Path, *, writes: bool = True) -> Engine:
    """Return an engine whose every transaction begins with the write lock, unless it only reads.

    pysqlite's own transaction handling begins late, after the first read, and so loses concurrent
    read-modify-writes; the connections here are in autocommit mode and the engine says BEGIN itself.
    One engine serves all transactions of a command: it remembers the statements it has compiled, and no connection.
    Each connection is closed after its transaction, which SQLite then ends: no pool has to roll anything back.
    """

    def connect() -> sqlite3.Connection:
        return open_database(path, query_only=not writes)

    made = create_engine(
        "sqlite://", creator=connect, poolclass=NullPool, pool_reset_on_return=None, hide_parameters=True
    )

    @event.listens_for(made, "begin")
    def begin(opened: Connection) -> None:
        raw = opened.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        if writes:
            begin_writing(raw)
        else:
            raw.execute("BEGIN")

    return made


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn errors of SQLAlchemy, and those of the BEGIN, which is not SQLAlchemy's, into one DatabaseError."""
    try:
        with reported(path):
            yield
    except DBAPIError as error:
        raise as_database_error(error.orig or error, path, connection.BUSY_SECONDS) from error


@contextmanager
def writing(path: Path, *, keep: bool = True) -> Iterator[Session]:
    """Open one write transaction; roll it back on any error, and when it is not to be kept (a dry run).

    Raises:
        DatabaseError: the database is missing, damaged, busy for too long, read-only or full.
    """

    def commit() -> None:
        session.commit()
        session.close()

    session = Session(engine(path), autoflush=False, expire_on_commit=False)
    with _translated(path), session, committed.held_back():
        raw = beneath(session)
        before = raw.total_changes
        yield session
        session.flush()
        if keep:
            committed.commit(commit, has_changed=raw.total_changes > before)
        else:
            session.rollback()


@contextmanager
def looking(path: Path) -> Iterator[Session]:
    """Open one read transaction, which keeps no writer waiting.

    Raises:
        DatabaseError: the database is missing, damaged or cannot be read.
    """
    with _translated(path), Session(engine(path, writes=False), autoflush=False) as session:
        yield session


def beneath(session: Session) -> sqlite3.Connection:
    """Return the driver's connection of a session, for reads in the same transaction."""
    raw = session.connection().connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


def breaks_constraint(error: Exception) -> bool:
    """Return whether a DatabaseError says that a row is not allowed, and nothing else is wrong."""
    return isinstance(error.__cause__, (IntegrityError, sqlite3.IntegrityError))


def breaks_transaction(error: Exception) -> bool:
    """Return whether an error inside a transaction comes from the database as a whole, and not from one row.

    Statements go through SQLAlchemy or straight to the driver; each raises errors of its own.
    """
    return isinstance(error, (DBAPIError, sqlite3.Error)) and not isinstance(
        error, (IntegrityError, sqlite3.IntegrityError)
    )


@contextmanager
def passing_over_rows() -> Iterator[None]:
    """Suppress an error that one row caused; raise an error of the database as a whole."""
    try:
        yield
    except Exception as error:
        if breaks_transaction(error):
            raise
