"""Read and write the tenants: customer organisations, their plans, where they work, and their mail domains."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from slactl.store.schema.compiled import tables


class Tenant(NamedTuple):
    """A row of `tenant` with its mail domains, sorted; `created_at` is stored text."""

    name: str
    created_at: str
    plan: str | None = None
    timezone: str | None = None
    country: str | None = None
    subdivision: str | None = None
    domains: tuple[str, ...] = ()


_COLUMNS = Tenant._fields[:-1]
_QUERY = f"""SELECT {", ".join(_COLUMNS)}, (SELECT json_group_array(domain) FROM
(SELECT domain FROM tenant_domain WHERE tenant = name ORDER BY domain)) FROM tenant"""


def tenants(connection: sqlite3.Connection) -> list[Tenant]:
    """Return every tenant."""
    return [_tenant(row) for row in connection.execute(_QUERY)]


def tenant(connection: sqlite3.Connection, name: str) -> Tenant | None:
    """Return the tenant of this name, or None."""
    row = connection.execute(f"{_QUERY} WHERE name = ?", (name,)).fetchone()
    return _tenant(row) if row is not None else None


def tenant_of_domain(connection: sqlite3.Connection, domain: str) -> Tenant | None:
    """Return the tenant that has this mail domain, which is in small letters, or None."""
    owner = "(SELECT tenant FROM tenant_domain WHERE domain = ?)"
    row = connection.execute(f"{_QUERY} WHERE name = {owner}", (domain,)).fetchone()
    return _tenant(row) if row is not None else None


def keep_tenant(connection: sqlite3.Connection, kept: Tenant) -> None:
    """Write a tenant that is new or was changed; no other tenant may have one of its domains."""
    table = tables()["tenant"]
    changes = ", ".join(f"{name} = excluded.{name}" for name in table.columns if name != "name")
    row = {name: getattr(kept, name) for name in _COLUMNS}
    connection.execute(f"{table.insert} ON CONFLICT (name) DO UPDATE SET {changes}", table.whole(row))
    connection.execute("DELETE FROM tenant_domain WHERE tenant = ?", (kept.name,))
    connection.executemany(tables()["tenant_domain"].insert, [(domain, kept.name) for domain in kept.domains])


def _tenant(row: Sequence[Any]) -> Tenant:
    return Tenant._make((*row[:-1], tuple(json.loads(row[-1]))))
