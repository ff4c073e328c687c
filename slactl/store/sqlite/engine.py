"""The write engine: SQLModel sessions in one `BEGIN IMMEDIATE` transaction each."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DatabaseError as SqlDatabaseError
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool
from sqlmodel import Session

from slactl.store.sqlite.connection import as_database_error, begin_writing, open_database


@cache
def engine(path: Path, *, writes: bool = True) -> Engine:
    """An engine whose every transaction begins with the write lock, unless it only reads.

    pysqlite's own transaction handling begins late, after the first read, and so loses concurrent
    read-modify-writes; the connections here are in autocommit mode and the engine says BEGIN itself.
    One engine serves all transactions of a command: it remembers the statements it has compiled, and no connection.
    Each connection is closed after its transaction, which SQLite then ends: no pool has to roll anything back.
    """

    def connect() -> sqlite3.Connection:
        return open_database(path)

    made = create_engine(
        "sqlite://", creator=connect, poolclass=NullPool, pool_reset_on_return=None, hide_parameters=True
    )

    @event.listens_for(made, "begin")
    def begin(connection: Connection) -> None:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        if writes:
            begin_writing(raw)
        else:
            raw.execute("BEGIN")

    return made


@contextmanager
def writing(path: Path, *, keep: bool = True) -> Iterator[Session]:
    """One write transaction; rolled back on any error, and when it is not to be kept (a dry run).

    Raises:
        DatabaseError: the database is missing, damaged, busy for too long, read-only or full.
    """
    try:
        with Session(engine(path), autoflush=False, expire_on_commit=False) as session:
            session.connection()
            yield session
            if keep:
                session.commit()
            else:
                session.rollback()
    except SqlDatabaseError as error:
        raise as_database_error(error.orig or error, path) from error
    except sqlite3.Error as error:  # of the BEGIN, which is not SQLAlchemy's
        raise as_database_error(error, path) from error


@contextmanager
def looking(path: Path) -> Iterator[Session]:
    """One read transaction, which keeps no writer waiting.

    Raises:
        DatabaseError: the database is missing, damaged or cannot be read.
    """
    try:
        with Session(engine(path, writes=False), autoflush=False) as session:
            yield session
    except SqlDatabaseError as error:
        raise as_database_error(error.orig or error, path) from error
    except sqlite3.Error as error:  # of the BEGIN, which is not SQLAlchemy's
        raise as_database_error(error, path) from error


def beneath(session: Session) -> sqlite3.Connection:
    """Return the driver's connection of a session: what is read through it is read in the same transaction."""
    raw = session.connection().connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


def breaks_constraint(error: Exception) -> bool:
    """Return whether a DatabaseError says that a row is not allowed, and nothing else is wrong."""
    return isinstance(error.__cause__, IntegrityError)


def breaks_transaction(error: Exception) -> bool:
    """Return whether an error inside a transaction comes from the database as a whole, and not from one row."""
    return isinstance(error, DBAPIError) and not isinstance(error, IntegrityError)
