"""Compile the models to the statements that slactl runs, as data for each kind of database.

`python -m slactl.store.schema.models.compiling` writes the data anew; a test compares it with the models.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Table, insert
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg2
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import SQLModel

from slactl.store.schema.compiled import KINDS, file_of
from slactl.store.schema.models import figures, mail, oncall, runs, sums, tickets, timers  # noqa: F401  (fill the metadata)

#: The dialect of each kind of database. A parameter is a question mark in all of them.
DIALECTS: Mapping[str, Dialect] = {
    "sqlite": sqlite.dialect(paramstyle="qmark"),
    "postgresql": psycopg2.dialect(paramstyle="qmark"),  # type: ignore[no-untyped-call]
}


def compiled(kind: str) -> dict[str, Any]:
    """Return the statements of every table for a kind of database, a table before those that refer to it."""
    return {table.name: _compiled(table, DIALECTS[kind]) for table in SQLModel.metadata.sorted_tables}


def _compiled(table: Table, dialect: Dialect) -> dict[str, Any]:
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    return {
        "create": str(CreateTable(table).compile(dialect=dialect)).strip(),
        "indexes": {str(index.name): str(CreateIndex(index).compile(dialect=dialect)) for index in indexes},
        "columns": {column.name: str(column.type) for column in table.columns},
        "defaults": {column.name: _default(column) for column in table.columns if column.server_default is not None},
        "insert": str(insert(table).inline().compile(dialect=dialect)),
    }


def _default(column: Any) -> str | int:  # noqa: ANN401  (a column of SQLAlchemy)
    """Return the value that a column gets in a row that does not state it."""
    text = str(column.server_default.arg)
    return text[1:-1] if text.startswith("'") else int(text)


def texts() -> dict[str, str]:
    """Return the data of each kind of database as its file holds it."""
    return {kind: json.dumps(compiled(kind), indent=1) + "\n" for kind in KINDS}


def write(kinds: Sequence[str] = KINDS) -> None:
    """Write the data of some kinds of databases."""
    made = texts()
    for kind in kinds:
        file_of(kind).write_text(made[kind], encoding="utf-8")


if __name__ == "__main__":
    write()
