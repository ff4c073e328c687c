"""Write overrides of schedules and absences of people, and mark them as removed."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from slactl.store.write.statements import inserted

#: The tables, by the kind of an entry.
TABLES: Mapping[str, str] = {"override": "override", "away": "absence"}


def add(connection: sqlite3.Connection, kind: str, values: Mapping[str, Any]) -> int:
    """Add an override or an absence with these columns; return its number, which no entry of either kind has yet."""
    last = [connection.execute(f"SELECT max(id) FROM {table}").fetchone()[0] for table in TABLES.values()]
    number = max(found or 0 for found in last) + 1
    return inserted(connection, TABLES[kind], {"id": number, **values})


def remove(connection: sqlite3.Connection, kind: str, number: int, at: str, actor: str) -> None:
    """Mark an entry as removed: it holds up to this instant, and no longer."""
    statement = f"UPDATE {TABLES[kind]} SET removed_at = ?, removed_by = ? WHERE id = ?"
    connection.execute(statement, (at, actor, number))
