"""Change tables that have rows, as the steps of `migrations` do."""

import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Table


def all_tables() -> "Sequence[Table]":
    """Return every table, a table before those that refer to it."""
    from sqlmodel import SQLModel

    from slactl.store.schema import models, oncall, runs, timers  # noqa: F401  (fill the metadata)
    from slactl.store.schema.published import figures  # noqa: F401

    return SQLModel.metadata.sorted_tables


def allow(connection: sqlite3.Connection, table: str, column: str, words: Sequence[str], new: str) -> None:
    """Let a column hold a new word among others: only the text of the constraint changes, and no row."""

    def listed(allowed: Iterable[str]) -> str:
        return ", ".join(f"'{word}'" for word in allowed)

    known, wanted = listed(word for word in words if word != new), listed(words)
    version = connection.execute("PRAGMA schema_version").fetchone()[0]
    with _writable_schema(connection):
        statement = "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ?"
        connection.execute(statement, (known, wanted, table))
        connection.execute(f"PRAGMA schema_version = {version + 1}")


@contextmanager
def _writable_schema(connection: sqlite3.Connection) -> Iterator[None]:
    """Let statements write to the schema, also on a connection that `distrust` protects against them."""
    if sys.version_info >= (3, 12):
        was_defensive = connection.getconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE)
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, False)
    connection.execute("PRAGMA writable_schema = ON")
    try:
        yield
    finally:
        connection.execute("PRAGMA writable_schema = RESET")  # off, and the schema is read again
        if sys.version_info >= (3, 12):
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, was_defensive)


def made_anew(
    connection: sqlite3.Connection,
    model: Any,  # noqa: ANN401  (a class of SQLModel)
    column: str,
    values: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Create the table of a model that lacks a column again, with its rows; other tables go on referring to it.

    `values` has the SQL of new columns that are not the default.
    """
    name = str(model.__tablename__)
    columns = [known for _, known, *_ in connection.execute(f"PRAGMA table_info({name})")]
    if column in columns:
        return
    for index in model.__table__.indexes:
        connection.execute(f"DROP INDEX IF EXISTS {index.name}")
    connection.execute(f"ALTER TABLE {name} RENAME TO {name}_before")
    create(connection, name)
    new, filled = ", ".join((*columns, *values)), ", ".join((*columns, *values.values()))
    connection.execute(f"INSERT INTO {name} ({new}) SELECT {filled} FROM {name}_before")
    _refer_to(connection, name)
    connection.execute(f"DROP TABLE {name}_before")


def _refer_to(connection: sqlite3.Connection, name: str) -> None:
    """Let other tables refer to a table that was created again: SQLite let them follow the one that it renamed.

    Only the texts of their definitions change. So SQLite does not look for the rows that refer to each dropped row.
    """
    renamed = f'REFERENCES "{name}_before"'
    with _writable_schema(connection):
        statement = "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND instr(sql, ?)"
        connection.execute(statement, (renamed, f"REFERENCES {name}", renamed))


def create(connection: sqlite3.Connection, name: str) -> None:
    from sqlalchemy.dialects import sqlite
    from sqlalchemy.schema import CreateIndex, CreateTable

    [table] = [table for table in all_tables() if table.name == name]
    connection.execute(str(CreateTable(table).compile(dialect=sqlite.dialect())))
    for index in table.indexes:
        connection.execute(str(CreateIndex(index).compile(dialect=sqlite.dialect())))
