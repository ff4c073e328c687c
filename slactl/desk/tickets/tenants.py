"""Add and change customer organisations: the plan they bought and the time zone they work in."""

from datetime import datetime

from slactl.clock import to_text, typed_zone
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.ledger import Ledger, ledger
from slactl.desk.tickets.input import known_plans, name_of
from slactl.errors import NotKnownError, RefusedError
from slactl.store.schema.models import Tenant
from slactl.text import clean, known_or_refuse, quoted


def add(
    desk: Desk,
    now: datetime,
    name: str,
    plan: str | None = None,
    timezone: str | None = None,
    *,
    dry_run: bool = False,
) -> None:
    """Add a tenant.

    Raises:
        RefusedError: there is a tenant of this name already.
        NotKnownError: the plan or the zone is not known.
    """
    named = name_of(name, "tenant's name")
    with ledger(desk, now, keep=not dry_run, strict=True) as book:
        if book.tenant(named) is not None:
            raise RefusedError(f"the tenant {clean(named)} exists already", f"slactl tenant show {quoted(named)}")
        tenant = Tenant(name=named, created_at=to_text(now))
        _fill(book, tenant, plan, timezone)
        book.keep_tenant(tenant)


def change(
    desk: Desk,
    now: datetime,
    name: str,
    plan: str | None = None,
    timezone: str | None = None,
    *,
    dry_run: bool = False,
) -> None:
    """Change the plan or zone of the tickets that a tenant opens from now on; an empty text removes it.

    Raises:
        NotKnownError: there is no such tenant, plan or zone.
    """
    with ledger(desk, now, keep=not dry_run, strict=True) as book:
        tenant = book.tenant(name)
        if tenant is None:
            raise NotKnownError(f"there is no tenant {clean(name)[:100]!r}", "slactl tenant list")
        _fill(book, tenant, plan, timezone)
        book.keep_tenant(tenant)


def _fill(book: Ledger, tenant: Tenant, plan: str | None, timezone: str | None) -> None:
    if plan is not None:
        tenant.plan = known_or_refuse(plan, known_plans(book), "plan", "slactl rules show") if plan else None
    if timezone is not None:
        tenant.timezone = typed_zone(timezone).key if timezone else None
