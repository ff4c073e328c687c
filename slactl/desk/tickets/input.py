"""Check the input about a ticket: instants, texts, names, tags, plans and tenants.

A command checks its input before it imports what only a write needs.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from slactl.clock import to_text
from slactl.display_zone import describe
from slactl.errors import RefusedError, RulesError, UsageError
from slactl.text import check_input, clean, dashed, is_reserved, known_or_refuse, quoted, trimmed

if TYPE_CHECKING:
    from slactl.desk.ledger.desk import Desk
    from slactl.desk.ledger.ledger import Ledger
    from slactl.store.write.tenants import Tenant

#: The longest body, in characters.
BODY_LENGTH = 1_000_000


def past_instant(at: datetime | None, now: datetime) -> datetime:
    """Return the instant of a change; now if none is given.

    Raises:
        UsageError: it lies in the future.
    """
    if at is not None and at > now:
        raise UsageError(f"--at {describe(at)} lies in the future: it is now {describe(now)}")
    return at or now


def checked_text(text: str, what: str, most: int) -> str:
    """Return the text.

    Raises:
        UsageError: it has NUL, a lone surrogate, or more than `most` characters.
    """
    return check_input(text, what, most=most)


def checked_reason(reason: str | None, example: str) -> str:
    """Return the required reason of 1 to 1,000 characters.

    Raises:
        RefusedError: it is missing or too long.
        UsageError: it has NUL or a lone surrogate.
    """
    if reason is None or not reason.strip():
        raise RefusedError("a reason is required", example)
    if len(reason) > 1000:
        raise RefusedError(f"the reason has {len(reason):,} characters; at most 1,000 are allowed", example)
    return checked_text(reason, "the reason", 1000)


def name_of(name: str, what: str) -> str:
    """Return a name without blanks and invisible characters around it.

    Raises:
        UsageError: it is empty or too long, or has NUL or a lone surrogate.
    """
    return check_input(trimmed(name), f"the {what}", least=1, most=200)


def assignee_of(name: str) -> str:
    """Return the name of an assignee without blanks and invisible characters around it.

    Raises:
        UsageError: it is empty, too long or not a text, or the rules use the word for somebody else.
    """
    if is_reserved(name):
        named = clean(name).strip()[:100]
        raise UsageError(f"{named!r} is a reserved word in slactl; choose another name", "slactl rules show")
    return name_of(name, "assignee")


def checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the tags, each once, in the given order, without blanks and invisible characters around them.

    Raises:
        UsageError: one is empty, too long, or has a comma or a blank; or there are too many.
    """
    from slactl.sla.history.readers import MOST_TAGS

    checked = tuple(dict.fromkeys(check_input(trimmed(tag), "a tag", least=1, most=100) for tag in tags))
    for tag in checked:
        if (better := dashed(tag)) != tag:
            written = f"write it with a dash: {clean(better or 'needs-review')}"
            raise UsageError(f"the tag {clean(tag)!r} has a comma or a blank; {written}")
    if len(checked) > MOST_TAGS:
        raise UsageError(f"there are {len(checked)} tags; at most {MOST_TAGS} are allowed")
    return checked


def known_plans(book: "Ledger") -> list[str]:
    """Return the plans that the rules name, and the plans of tenants."""
    return sorted(book.rulebook.current.named("plan") | {tenant.plan for tenant in book.tenants() if tenant.plan})


def effective_plan(book: "Ledger", plan: str | None, tenant: "Tenant | None") -> str:
    """Return the plan of a ticket: the given one, else the tenant's, else the default.

    Raises:
        NotKnownError: neither the rules nor a tenant know the given plan.
    """
    if plan is None:
        return (tenant.plan if tenant else None) or book.rulebook.current.settings.default_plan
    return known_or_refuse(trimmed(plan), known_plans(book), "plan", "slactl rules show")


def place_of(tenant: "Tenant | None", stated: Mapping[str, str | None] = MappingProxyType({})) -> dict[str, str | None]:
    """Return where a tenant works, as events state it: its time zone and its country, unless they are stated."""
    names = ("timezone", "country", "subdivision")
    own = {name: getattr(tenant, name) if tenant is not None else None for name in names}
    zone, region = (stated if stated.get(name) else own for name in ("timezone", "country"))
    return {"timezone": zone["timezone"], "country": region["country"], "subdivision": region.get("subdivision")}


def known_tenant(book: "Ledger", name: str | None) -> "Tenant | None":
    """Return the tenant of this name; a tenant that only the rules name has neither plan nor zone of its own.

    Raises:
        NotKnownError: there is none.
    """
    if name is None:
        return None
    name = trimmed(name)
    known_one = book.tenant(name)
    if known_one is not None:
        return known_one
    known = book.rulebook.current.named("tenant") | {tenant.name for tenant in book.tenants()}
    known_or_refuse(name, known, "tenant", f"slactl tenant add {quoted(name)}")
    from slactl.store.write.tenants import Tenant

    return Tenant(name=name, created_at=to_text(book.now))


def is_recipient(desk: "Desk", name: str) -> bool:
    """Return whether the rules file has a person or a role of this name; an invalid file has everybody."""
    from slactl.desk.ledger.rules_versions import rules_of_file

    try:
        rules = rules_of_file(desk)
    except RulesError:
        return True
    return name in rules.people or name in rules.roles
