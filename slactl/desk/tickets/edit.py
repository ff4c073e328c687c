"""Correct the subject, requester, external id, plan or tenant of tickets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.ledger import Entry, Ledger
from slactl.desk.tickets.change import ChangeResult, Subject, change
from slactl.desk.tickets.create import refuse_taken
from slactl.desk.tickets.input import checked_text, effective_plan, known_tenant, name_of, place_of
from slactl.errors import UsageError
from slactl.sla.enums import EventType
from slactl.sla.history.event import Event
from slactl.text import clean, domain_of, is_address, trimmed


@dataclass(frozen=True, slots=True)
class Edits:
    """The input of `edit`; None leaves a field as it is, an empty tenant removes it."""

    subject: str | None = None
    requester_email: str | None = None
    plan: str | None = None
    tenant: str | None = None
    external_id: str | None = None


def edit(desk: Desk, now: datetime, references: Sequence[str], edits: Edits, *, dry_run: bool = False) -> ChangeResult:
    """Correct some tickets.

    Raises:
        UsageError: nothing is to be changed, or a subject or an address is not valid.
    """
    names = {"plan": edits.plan, "tenant": edits.tenant}
    edits = replace(edits, **{key: trimmed(name) for key, name in names.items() if name is not None})
    if edits == Edits():
        raise UsageError("nothing to change", "slactl edit --help")
    if edits.external_id is not None and len(references) > 1:
        raise UsageError("two tickets cannot have the same external id", "slactl edit --help")
    texts: dict[str, str] = {}
    if edits.subject is not None:
        texts["subject"] = checked_text(edits.subject, "the subject", 1000).strip()
        if not texts["subject"]:
            raise UsageError("the subject is empty", "slactl edit --help")
    if edits.requester_email is not None:
        if not is_address(edits.requester_email):
            raise UsageError(
                f"{clean(edits.requester_email)[:100]!r} is not a valid e-mail address", "slactl edit --help"
            )
        texts["requester_email"] = edits.requester_email
    return change(desk, now, references, lambda subject, book: _entries(subject, book, edits, texts), dry_run=dry_run)


def _entries(subject: Subject, book: Ledger, edits: Edits, texts: dict[str, str]) -> list[Entry]:
    detail: dict[str, Any] = {}
    if edits.external_id is not None:
        detail["external_id"] = name_of(edits.external_id, "external id")
        refuse_taken(book, detail["external_id"], subject.number)
    if "requester_email" in texts:
        detail["requester_domain"] = domain_of(texts["requester_email"])
    entries = [Entry(Event(subject.at, EventType.EDITED, detail), texts)] if detail or texts else []
    tenant = known_tenant(book, edits.tenant or None)
    if edits.tenant is not None and (tenant.name if tenant else None) != subject.state.tenant:
        stated = edits.plan or (tenant.plan if tenant else None)
        facts = {
            "tenant": tenant.name if tenant else None,
            "plan": effective_plan(book, edits.plan, tenant) if stated else subject.state.plan,
            **place_of(tenant),
            "from": subject.state.tenant,
        }
        entries.append(Entry(Event(subject.at, EventType.TENANT, facts)))
    elif edits.plan is not None and edits.plan != subject.state.plan:
        plan = effective_plan(book, edits.plan, None)
        country, subdivision = subject.state.region or (None, None)
        place = {"timezone": subject.state.timezone, "country": country, "subdivision": subdivision}
        facts = {"plan": plan, **place, "from": subject.state.plan}
        entries.append(Entry(Event(subject.at, EventType.PLAN, facts)))
    if entries:
        subject.refuse_closed("its fields cannot change")
    return entries
