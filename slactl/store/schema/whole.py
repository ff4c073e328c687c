"""Read every row of a database, and write such rows into an empty one: nothing is calculated anew.

Facts about one machine stay where they are: its host, its leases, and the notes that files have to be cleaned. So does
the key with which the database signs.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from typing import Any

from slactl.store.schema.compiled import Table, tables
from slactl.store.schema.version import REPLY_KEY, UNWIPED

Row = dict[str, Any]

#: The tables about one machine, and the keys of `meta` that mean nothing in another database.
_HERE, _KEYS_HERE = ("host", "lease"), (UNWIPED, REPLY_KEY)

#: The tables whose rows do not make a database used: a new run fills them again.
_UNUSED = ("holiday_year", "host", "lease", "meta", "objective_standing", "oncall_standing", "rules_version", "run")

#: Rows that one statement inserts.
_CHUNK = 1000

#: The types of Python that a column of each type may have.
_TYPES: Mapping[str, tuple[type, ...]] = {"INTEGER": (int,), "TEXT": (str,), "FLOAT": (int, float)}


def rows(connection: sqlite3.Connection) -> Iterator[tuple[str, Row]]:
    """Yield the table and the columns of every row, in an order in which they can be inserted."""
    for name, table in tables().items():
        if name in _HERE:
            continue
        columns = tuple(table.columns)
        names = ", ".join(f'"{column}"' for column in columns)
        for values in connection.execute(f"SELECT {names} FROM {name} ORDER BY rowid"):
            row = dict(zip(columns, values, strict=True))
            if name != "meta" or row["key"] not in _KEYS_HERE:
                yield name, row


def first_used(connection: sqlite3.Connection) -> str | None:
    """Return the name of a table that shows that a database is in use; None if the database is empty."""
    names = (name for name in tables() if name not in _UNUSED)
    return next((name for name in names if connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()), None)


def insert(connection: sqlite3.Connection, found: Iterable[tuple[str, Row]]) -> dict[str, int]:
    """Insert every row in its order into an empty database; return the number of rows by table.

    Raises:
        ValueError: the schema has no such table or column, or a row breaks a rule of its table.
    """
    for name in reversed(list(tables())):
        if name in _UNUSED and name not in _HERE:
            connection.execute(f"DELETE FROM {name}")
    counts = dict[str, int]()
    for name, coming in groupby(found, key=lambda each: each[0]):
        if (table := tables().get(name)) is None or name in _HERE:
            raise ValueError(f"there is no table {name[:60]!r}")
        values = (_checked(name, table, row) for _, row in coming)
        while chunk := list(islice(values, _CHUNK)):
            try:
                connection.executemany(table.insert, chunk)
            except sqlite3.IntegrityError as error:
                raise ValueError(f"a row of {name} is not valid: {error}") from error
            counts[name] = counts.get(name, 0) + len(chunk)
    return counts


def _checked(name: str, table: Table, row: Row) -> list[Any]:
    if row.keys() != table.columns.keys():
        odd = sorted(row.keys() ^ table.columns.keys())
        raise ValueError(f"a row of {name} does not have the columns of this version: {', '.join(odd)[:200]}")
    if name == "meta" and row["key"] in _KEYS_HERE:  # whoever wrote the file would know the key
        raise ValueError(f"the key {row['key']} of meta belongs to one database")
    for column, value in row.items():
        if value is not None and (type(value) not in _TYPES[table.columns[column]]):
            raise ValueError(f"{column} of {name} must be of the type {table.columns[column].lower()}")
    return [row[column] for column in table.columns]
