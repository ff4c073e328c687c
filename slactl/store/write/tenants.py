"""Read and write the tenants: customer organisations, the plans they bought, and where they work."""

import sqlite3
from typing import NamedTuple

from slactl.store.schema.compiled import tables


class Tenant(NamedTuple):
    """A row of `tenant`; `created_at` is stored text."""

    name: str
    created_at: str
    plan: str | None = None
    timezone: str | None = None
    country: str | None = None
    subdivision: str | None = None


_QUERY = f"SELECT {', '.join(Tenant._fields)} FROM tenant"


def tenants(connection: sqlite3.Connection) -> list[Tenant]:
    """Return every tenant."""
    return [Tenant(*row) for row in connection.execute(_QUERY)]


def tenant(connection: sqlite3.Connection, name: str) -> Tenant | None:
    """Return the tenant of this name, or None."""
    row = connection.execute(f"{_QUERY} WHERE name = ?", (name,)).fetchone()
    return Tenant(*row) if row is not None else None


def keep_tenant(connection: sqlite3.Connection, kept: Tenant) -> None:
    """Write a tenant that is new or was changed."""
    table = tables()["tenant"]
    changes = ", ".join(f"{name} = excluded.{name}" for name in table.columns if name != "name")
    connection.execute(f"{table.insert} ON CONFLICT (name) DO UPDATE SET {changes}", table.whole(kept._asdict()))
