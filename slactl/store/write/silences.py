"""Write silences, and read the one that a person names."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, select

from slactl.store.schema.models import Silence, Tenant, Ticket


def add(transaction: Session, values: Mapping[str, Any]) -> int:
    """Add a silence with these columns; return its number."""
    row = Silence(**values)
    transaction.add(row)
    transaction.flush()
    assert row.id is not None
    return row.id


def end_of(transaction: Session, number: int) -> str | None:
    """Return when a silence ends or ended, or None if there is no such silence."""
    row = transaction.get(Silence, number) if number < 2**63 else None
    return row.ends_at if row is not None else None


def end(transaction: Session, number: int, at: str, actor: str) -> None:
    """End a silence at an instant, because a person asked for it; one that has not begun never holds anything."""
    row = transaction.get_one(Silence, number)
    row.starts_at, row.ends_at, row.expired_by = min(row.starts_at, at), at, actor
    transaction.add(row)
    transaction.flush()


def tenants(transaction: Session) -> list[str]:
    """Return the names of all tenants that were added or that have tickets, sorted."""
    added, used = select(Tenant.name), select(Ticket.tenant).distinct()
    return sorted({name for query in (added, used) for name in transaction.exec(query) if name})
