"""Open a ticket: check the input, find plan and zone, and calculate the deadlines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.ledger import Entry, Ledger, ledger
from slactl.desk.oncall.duty import Duty, Holder
from slactl.desk.tickets.bursts import bursts_of_new
from slactl.desk.tickets.change import ChangeResult
from slactl.desk.tickets.deadlines import note_deadlines, refusing_ended_calendars
from slactl.desk.tickets.input import (
    BODY_LENGTH,
    assignee_of,
    checked_tags,
    checked_text,
    effective_plan,
    known_tenant,
    name_of,
    past_instant,
    place_of,
)
from slactl.errors import RefusedError, UsageError
from slactl.sla.enums import EventType, Priority, Status
from slactl.sla.history.event import Event
from slactl.store.read import tickets as reads
from slactl.text import clean, domain_of, is_address


@dataclass(frozen=True, slots=True)
class NewTicket:
    """The input of `create`."""

    subject: str
    requester_email: str
    body: str | None = None
    plan: str | None = None
    tenant: str | None = None
    priority: Priority = Priority.NORMAL
    assignee: str | None = None
    tags: Sequence[str] = ()
    external_id: str | None = None
    #: An agent wrote first, so that no first response is due.
    outbound: bool = False


def create(
    desk: Desk, now: datetime, new: NewTicket, at: datetime | None = None, *, dry_run: bool = False
) -> ChangeResult:
    """Open a ticket as of `at` (default now).

    Raises:
        UsageError: the subject, the address, a tag or the time is not valid.
        NotKnownError: the plan or the tenant is not known.
        RefusedError: another ticket has the external id, a calendar has too little open time left, or nobody has the
            role that the ticket is assigned to.
        RulesError: the rules are invalid.
    """
    opened = past_instant(at, now)
    subject = checked_text(new.subject, "the subject", 1000).strip()
    if not subject:
        raise UsageError("the subject is empty", "slactl create 'Printer on fire' --from ann@example.com")
    if not is_address(new.requester_email):
        shown = clean(new.requester_email)[:100]
        raise UsageError(f"{shown!r} is not a valid e-mail address", "slactl create --help")
    texts = {"subject": subject, "requester_email": new.requester_email}
    if new.body is not None:
        texts["body"] = checked_text(new.body, "the body", BODY_LENGTH)
    tags = checked_tags(new.tags)
    assignee = assignee_of(new.assignee) if new.assignee is not None else None
    external_id = name_of(new.external_id, "external id") if new.external_id is not None else None
    with refusing_ended_calendars("the new ticket"), ledger(desk, now, keep=not dry_run, strict=True) as book:
        if external_id is not None:
            refuse_taken(book, external_id)
        checked = replace(new, tags=tags, assignee=assignee, external_id=external_id)
        number, warnings = open_ticket(book, opened, checked, texts)
        (ticket,) = book.records([number])
        change = None if dry_run else book.change
        return ChangeResult([number], warnings=warnings, after={number: ticket}, change=change)


def open_ticket(
    book: Ledger,
    opened: datetime,
    new: NewTicket,
    texts: Mapping[str, str],
    actor: str | None = None,
    message_id: str | None = None,
) -> tuple[int, list[str]]:
    """Open a ticket whose input is checked; return its number, and warnings about its assignee.

    `texts` are its subject, its requester and its body. `actor` opens it; None is the actor of the command.
    `message_id` is that of the mail that opens it.

    Raises:
        NotKnownError: the plan or the tenant is not known.
        RefusedError: a calendar has too little open time left, or nobody has the role that it is assigned to.
    """
    version = book.rulebook.current_version()
    is_role = new.assignee in book.rulebook.current.roles
    holder = Duty.of(book, opened).assigned(str(new.assignee)) if is_role else Holder(new.assignee)
    said = {"assignee": holder.person, "tags": list(new.tags), "external_id": new.external_id, "rules": version.hash}
    bursts = bursts_of_new(book, new.requester_email, opened)
    detail = _facts(book, new) | said | ({"bursts": bursts} if bursts else {})
    detail |= {"instead_of": holder.instead_of} if holder.instead_of is not None else {}
    assert version.id is not None
    entry = Entry(Event(opened, EventType.CREATED, detail, actor), texts, message_id=message_id)
    number = book.open_ticket(entry, version.id)
    warnings = _take_over(book, number, opened, new.assignee)
    note_deadlines(book, number, "ticket opened")
    return number, warnings


def _take_over(book: Ledger, number: int, at: datetime, assignee: str | None) -> list[str]:
    """Assign a new ticket to the substitute of an assignee who is away; return the warnings about that."""
    if assignee is None or assignee in book.rulebook.current.roles:
        return []
    holder = Duty.of(book, at).present(assignee)
    if holder.instead_of is None:
        return []
    detail = {"assignee": holder.person, "from": assignee, "instead_of": assignee}
    book.append(number, Entry(Event(at, EventType.ASSIGNED, detail)))
    return [holder.replaced(number)]


def _facts(book: Ledger, new: NewTicket) -> dict[str, Any]:
    """Return the facts that the deadlines follow from."""
    tenant = known_tenant(book, new.tenant)
    return {
        "plan": effective_plan(book, new.plan, tenant),
        "tenant": tenant.name if tenant else None,
        **place_of(tenant),
        "priority": new.priority.value,
        "status": Status.OPEN.value,
        "requester_domain": domain_of(new.requester_email),
        **({"outbound": True} if new.outbound else {}),
    }


def refuse_taken(book: Ledger, external_id: str, owner: int | None = None) -> None:
    """Refuse an external id that another ticket of the same source than `owner` has; a new ticket has no source.

    Raises:
        RefusedError: another ticket has it.
    """
    source = reads.tickets_numbered(book.transaction, [owner])[owner].source if owner is not None else None
    for known in reads.tickets_named(book.transaction, [external_id]).get(external_id, ()):
        if known.source == source and known.number != owner:
            what = f"ticket {known.number} has the external id {clean(external_id)}"
            raise RefusedError(what, f"slactl show {known.number}")
