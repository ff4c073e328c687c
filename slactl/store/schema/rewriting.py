"""Change tables that have rows, as the steps of `migrations` do."""

import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

from slactl.store.schema import compiled


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
    name: str,
    column: str,
    values: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Create a table that lacks a column again, with its rows; other tables go on referring to it.

    `values` has the SQL of new columns that are not the default.
    """
    columns = [known for _, known, *_ in connection.execute(f"PRAGMA table_info({name})")]
    if column in columns:
        return
    for index in compiled.tables()[name].indexes:
        connection.execute(f"DROP INDEX IF EXISTS {index}")
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
    """Create a table and its indexes."""
    table = compiled.tables()[name]
    connection.execute(table.create)
    for statement in table.indexes.values():
        connection.execute(statement)
