"""Write silences, and read the one that a person names."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from slactl.store.write.statements import inserted


def add(connection: sqlite3.Connection, values: Mapping[str, Any]) -> int:
    """Add a silence with these columns; return its number."""
    return inserted(connection, "silence", values)


def end_of(connection: sqlite3.Connection, number: int) -> str | None:
    """Return when a silence ends or ended, or None if there is no such silence."""
    if number >= 2**63:
        return None
    row = connection.execute("SELECT ends_at FROM silence WHERE id = ?", (number,)).fetchone()
    return str(row[0]) if row is not None else None


def end(connection: sqlite3.Connection, number: int, at: str, actor: str) -> None:
    """End a silence at an instant, because a person asked for it; one that has not begun never holds anything."""
    statement = (
        "UPDATE silence SET starts_at = CASE WHEN starts_at > ? THEN ? ELSE starts_at END, ends_at = ?,"
        " expired_by = ? WHERE id = ?"
    )
    connection.execute(statement, (at, at, at, actor, number))


def tenants(connection: sqlite3.Connection) -> list[str]:
    """Return the names of all tenants that were added or that have tickets, sorted."""
    query = "SELECT name FROM tenant UNION SELECT tenant FROM ticket WHERE tenant IS NOT NULL"
    return sorted(name for (name,) in connection.execute(query))
