"""The tenants, as a write transaction reads and keeps them."""

from sqlmodel import Session, select

from slactl.store.schema.models import Tenant


def tenants(session: Session) -> list[Tenant]:
    """Return every tenant."""
    return list(session.exec(select(Tenant)))


def tenant(session: Session, name: str) -> Tenant | None:
    """Return the tenant of this name, or None."""
    return session.get(Tenant, name)


def keep_tenant(session: Session, kept: Tenant) -> None:
    """Write a tenant that is new or was changed."""
    session.add(kept)
    session.flush()
