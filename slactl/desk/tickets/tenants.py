"""Add and change customer organisations: the plan they bought, where they work, and their mail domains."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from slactl.clock import to_text, typed_zone
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.ledger import Ledger, ledger
from slactl.desk.tickets.input import known_plans, name_of
from slactl.errors import NotKnownError, RefusedError, UsageError
from slactl.records.tickets import Tenant as TenantRecord
from slactl.store.write.tenants import Tenant, tenant_of_domain
from slactl.text import clean, known_or_refuse, mail_domain, quoted, trimmed

#: The most mail domains that a tenant has.
MOST_DOMAINS = 1000


@dataclass(frozen=True, slots=True)
class TenantFacts:
    """What a command states about a tenant; None leaves a fact as it is, an empty text removes it.

    `domains` has all mail domains that the tenant has from now on.
    """

    plan: str | None = None
    timezone: str | None = None
    country: str | None = None
    subdivision: str | None = None
    domains: Sequence[str] | None = None


def add(desk: Desk, now: datetime, name: str, facts: TenantFacts, *, dry_run: bool = False) -> TenantRecord:
    """Add a tenant; return its record.

    Raises:
        RefusedError: there is a tenant of this name already, or another tenant has one of the domains.
        NotKnownError: the plan, the zone, the country or the subdivision is not known.
        UsageError: the subdivision has no country, or a domain is not valid.
    """
    named = name_of(name, "tenant's name")
    with ledger(desk, now, keep=not dry_run, strict=True) as book:
        if book.tenant(named) is not None:
            raise RefusedError(f"the tenant {clean(named)} exists already", f"slactl tenant show {quoted(named)}")
        tenant = _filled(book, Tenant(named, to_text(now)), facts)
        book.keep_tenant(tenant)
        return _record(tenant)


def change(
    desk: Desk, now: datetime, name: str, facts: TenantFacts, *, dry_run: bool = False
) -> tuple[TenantRecord, TenantRecord]:
    """Change the plan, zone, country or domains of the tickets that a tenant opens from now on; return its records.

    The first is the record before the change, the second the record after it.

    Raises:
        NotKnownError: there is no such tenant, plan, zone, country or subdivision.
        RefusedError: another tenant has one of the domains.
        UsageError: the subdivision has no country, or a domain is not valid.
    """
    with ledger(desk, now, keep=not dry_run, strict=True) as book:
        tenant = book.tenant(trimmed(name))
        if tenant is None:
            raise NotKnownError(f"there is no tenant {clean(name)[:100]!r}", "slactl tenant list")
        changed = _filled(book, tenant, facts)
        book.keep_tenant(changed)
        return _record(tenant), _record(changed)


def _record(tenant: Tenant) -> TenantRecord:
    """Return a tenant as `tenant list` prints it."""
    return {
        "name": tenant.name,
        "plan": tenant.plan,
        "timezone": tenant.timezone,
        "country": tenant.country,
        "subdivision": tenant.subdivision,
        "created_at": tenant.created_at,
        "domains": list(tenant.domains),
    }


def _filled(book: Ledger, tenant: Tenant, facts: TenantFacts) -> Tenant:
    """Return a tenant with what is stated about it."""
    if (plan := facts.plan) is not None:
        known = known_or_refuse(trimmed(plan), known_plans(book), "plan", "slactl rules show") if plan else None
        tenant = tenant._replace(plan=known)
    if (timezone := facts.timezone) is not None:
        tenant = tenant._replace(timezone=typed_zone(timezone).key if timezone else None)
    if facts.country is not None or facts.subdivision is not None:
        country, subdivision = _region(tenant, facts)
        tenant = tenant._replace(country=country, subdivision=subdivision)
    if facts.domains is not None:
        tenant = tenant._replace(domains=_domains(book, tenant.name, facts.domains))
    return tenant


def _domains(book: Ledger, tenant: str, typed: Sequence[str]) -> tuple[str, ...]:
    """Return the mail domains that a person typed, each once and sorted; empty words are left out."""
    found = set[str]()
    for word in filter(None, map(trimmed, typed)):
        domain = mail_domain(word)
        if domain is None:
            what = f"{clean(word)[:100]!r} is not a mail domain such as acme.example"
            raise UsageError(what, f"slactl tenant set {quoted(tenant)} --domain acme.example")
        owner = tenant_of_domain(book.transaction, domain)
        if owner is not None and owner.name != tenant:
            what = f"the tenant {clean(owner.name)} has the domain {domain}; a domain has one tenant"
            raise RefusedError(what, f"slactl tenant show {quoted(owner.name)}")
        found.add(domain)
    if len(found) > MOST_DOMAINS:
        raise UsageError(f"there are {len(found)} domains; at most {MOST_DOMAINS} are allowed")
    return tuple(sorted(found))


def _region(tenant: Tenant, facts: TenantFacts) -> tuple[str | None, str | None]:
    """Return the country and the subdivision; a new country removes the old subdivision."""
    from slactl.sla.calendar.hours import check_region

    country = (tenant.country if facts.country is None else facts.country) or None
    kept = tenant.subdivision if country == tenant.country else None
    subdivision = (kept if facts.subdivision is None else facts.subdivision) or None
    wrong = check_region(country, subdivision)
    if wrong is not None and country is None:
        stated = clean(str(subdivision))[:60]
        raise UsageError(f"the subdivision {stated!r} needs a country", "slactl tenant set --help")
    if wrong is not None:
        raise NotKnownError(clean(wrong[1]))
    return country, subdivision
