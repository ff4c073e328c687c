"""Find values that slactl never writes: bytes in the place of text, invalid instants, JSON of another shape.

SQLite takes any value in any column, and whoever made a file can leave its constraints out.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from slactl.errors import DatabaseError, SlactlError
from slactl.store.schema import compiled
from slactl.store.schema.version import SCHEMA, schema_of
from slactl.store.sqlite.connection import open_database, transaction
from slactl.store.sqlite.health import damage
from slactl.text import quoted

#: The columns that hold JSON: its type, and the type of its items if that is known.
JSON = {
    "addresses": ("object", "text"),
    "message_ids": ("object", "text"),
    "days": ("object", "text"),
    "detail": ("object", None),
    "skipped": ("object", "integer"),
    "tags": ("array", "text"),
    "columns": ("object", None),
    "older": ("object", "text"),
}

#: The columns that hold instants and are not named `…_at`.
INSTANTS = ("acked_until", "at", "claimed_until", "late_since", "running_since", "since")

#: The longest time that is counted, in seconds or milliseconds.
LONGEST = 10**13


def odd_values(connection: sqlite3.Connection) -> list[str]:
    """Return the columns that have values which slactl never writes, each with one row that has one."""
    found: list[str] = []
    for name, table in compiled.tables().items():
        for column, kind in table.columns.items():
            test = " OR ".join(_tests(column, f'"{column}"', is_text=kind == "TEXT"))
            row = connection.execute(f'SELECT rowid FROM "{name}" WHERE {test} LIMIT 1').fetchone()
            found += [f"{column} in row {row[0]} of {name} has a value that slactl never writes"] if row else []
    for number, text, kept in connection.execute("SELECT id, canonical, hash FROM rules_version").fetchall():
        if not isinstance(text, str) or sha256(text.encode(errors="replace")).hexdigest() != kept:
            found.append(f"rules version {number} does not match its hash")
    return found


def _tests(name: str, column: str, *, is_text: bool) -> Iterator[str]:
    """Yield conditions in SQL that hold where a value is odd; each is safe for a value of any type."""
    yield f"typeof({column}) NOT IN ('{'text' if is_text else 'integer'}', 'null')"
    if name.endswith(("_seconds", "_ms")):
        yield f"{column} NOT BETWEEN -{LONGEST} AND {LONGEST}"
    if name.endswith("_at") or name in INSTANTS:
        exact = f"strftime('%Y-%m-%dT%H:%M:%SZ', {column}) IS {column}"
        yield f"{column} IS NOT NULL AND NOT ({exact} AND {column} >= '0001')"
    if name in JSON:
        kind, inner = JSON[name]
        within = "1" if inner is None else f"NOT EXISTS (SELECT 1 FROM json_each({column}) WHERE type <> '{inner}')"
        yield (
            f"CASE WHEN typeof({column}) <> 'text' OR NOT json_valid({column}) THEN 1"
            f" ELSE json_type({column}) <> '{kind}' OR NOT {within} END"
        )


def as_odd_database(path: Path) -> DatabaseError | None:
    """Return the error of a database that has values which slactl never writes, or is damaged; None of a sound one."""
    try:
        with closing(open_database(path, query_only=True, migrates=False)) as connection, transaction(connection):
            if schema_of(connection) < SCHEMA:
                return None
            found = damage(connection) or odd_values(connection)
    except (SlactlError, sqlite3.Error):
        return None
    return DatabaseError(f"{path} cannot be used: {found[0]}", f"slactl --db {quoted(path)} doctor") if found else None
