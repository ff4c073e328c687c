"""Take one message that came in by mail: decide what it is, and write that in one transaction, once for each message.

A message becomes the same events as `create`, `receive`, `reply` and `note` write. Its Message-ID is written in the
same transaction, so that the message is taken once, whatever kills the command, and however often it is delivered.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from slactl.clock import to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.entry import CUSTOMER
from slactl.desk.ledger.ledger import CommandRules, Entry, Ledger, ledger
from slactl.desk.mail.decide import Decision, decide
from slactl.desk.mail.facts import HOUR, Incoming, gather
from slactl.desk.mail.message import Mail, kept
from slactl.desk.mail.reply_commands import obey
from slactl.desk.tickets import changes
from slactl.desk.tickets.change import Change, Subject, change_one
from slactl.desk.tickets.corrections import noted_breaches
from slactl.desk.tickets.create import NewTicket, open_ticket
from slactl.desk.tickets.deadlines import refusing_ended_calendars
from slactl.desk.tickets.input import BODY_LENGTH, known_plans
from slactl.errors import SenderRefusedError, SlactlError, TryAgainError
from slactl.sla.enums import ActorType, EventType, MailAction, Status
from slactl.sla.history.event import Event
from slactl.store.read import messages as reads
from slactl.text import clean

#: The tag of a ticket that follows a closed one.
FOLLOW_UP = "follow-up"

#: What a message without text says.
NO_TEXT = "(no text)"

#: What slactl notes on a ticket, once within an hour, when further messages of its sender become notes.
BURST = "The sender opened too many tickets within an hour (mail.burst); more messages become notes on this ticket."

#: Why a message that takes effect before a recorded breach corrects it.
RECEIVED = "our mail server received the message then"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message: the action, its ticket, the reason in words, and warnings for people."""

    action: MailAction
    ticket: int | None
    reason: str
    warnings: Sequence[str] = ()


def take(desk: Desk, now: datetime, mail: Mail, *, dry_run: bool = False) -> Taken:
    """Take a message; if it was taken before, nothing changes.

    Raises:
        TryAgainError: the rules have no `[mail]`.
        SenderRefusedError: the rules refuse its sender.
        RulesError: the rules are invalid, and this database never used a valid version.
        RefusedError: a calendar has too little open time left.
        DatabaseError: the database cannot be used.
    """
    rules = CommandRules(desk, "mail")
    with ledger(desk, now, keep=not dry_run, rules=rules) as book:
        problem, own = book.rulebook.problem, book.rulebook.current.mail
        warnings = [f"{problem.message}; the last valid rules are used"] if problem is not None else []
        if own is None:
            raise TryAgainError("the rules have no [mail]; slactl takes no mail without mail.address", _NO_RULES)
        incoming = gather(book, own, mail)
        decision = decide(incoming.facts)
        if decision.refused:
            # Without a hint: the mail server sends the message back with what the command printed.
            raise SenderRefusedError(f"mail of {clean(mail.sender)[:100]} is refused: {decision.reason}")
        ticket, escalations = decision.ticket, list[int]()
        if decision.action is MailAction.COMMAND:
            decision, escalations = _obey(book, incoming, decision)
        if decision.action is not MailAction.IGNORED:
            with refusing_ended_calendars("the message"):
                ticket, said = _carry_out(book, incoming, decision)
            warnings += said
    if escalations and not dry_run:
        warnings += _send(desk, now, escalations)
    return Taken(decision.action, ticket, decision.reason, warnings)


def _obey(book: Ledger, incoming: Incoming, decision: Decision) -> tuple[Decision, list[int]]:
    """Carry out the command of a message; return what it is then, and the escalations whose messages wait.

    A command that changes nothing is a note, with the reason.
    """
    assert incoming.command is not None
    assert incoming.answered is not None
    try:
        done = obey(book, incoming.command, incoming.answered, incoming.at, _change)
    except SlactlError as error:
        return decision._replace(action=MailAction.NOTE, reason=error.message), []
    failures = "; ".join(error.message for error in done.failures)
    if not done.done:
        return decision._replace(action=MailAction.NOTE, reason=failures), []
    said = f"{incoming.command} by {incoming.answered.person}"
    others = f": tickets {', '.join(map(str, done.done))}" if len(done.done) > 1 else ""
    reason = f"{said}{others}" + (f"; {failures}" if failures else "")
    escalations = [record["id"] for record in done.escalations if record["told"]]
    return decision._replace(ticket=done.done[0], reason=clean(reason)), escalations


def _send(desk: Desk, now: datetime, escalations: Sequence[int]) -> list[str]:
    """Send the messages of escalations at once; whatever stops that, the message is taken, and `check` sends them."""
    from slactl.desk.escalation.at_once import send_now

    try:
        return send_now(desk, now, escalations)[1]
    except Exception as error:
        return [f"the messages wait for the next check: {clean(str(error))[:300]}"]


_NO_RULES = "slactl rules set mail.address support@example.com"


def _carry_out(book: Ledger, incoming: Incoming, decision: Decision) -> tuple[int, list[str]]:
    """Write what a message is; return its ticket, and warnings."""
    if decision.action is MailAction.OPENED:
        return _open(book, incoming, decision)
    assert decision.ticket is not None
    number, warnings = decision.ticket, list[str]()
    text = incoming.mail.text
    if decision.is_burst:
        text = kept(f"Subject: {incoming.mail.subject}\n\n{text}".rstrip())
    if decision.action is MailAction.CUSTOMER_REPLY:
        change = changes.receive(text or None)
    elif decision.action is MailAction.AGENT_REPLY:
        change = changes.reply(text or None, None)
    else:
        change = changes.note(text if text.strip() else NO_TEXT)
    made = _by(incoming, change, silent=decision.silent)
    for each in (made, *(_noted(said) for said in _remarks(incoming.mail, decision))):
        warnings += _change(book, number, each, incoming.at)
    if decision.action is MailAction.CUSTOMER_REPLY and book.state(number).status.is_done:
        # Somebody resolved the ticket after the message came, and before slactl knew it.
        warnings += _change(book, number, _by(incoming, changes.reopen()), None)
    if decision.is_burst and not reads.has_note(book.transaction, number, BURST, to_text(incoming.at - HOUR)):
        _change(book, number, _noted(BURST), incoming.at)
    return number, warnings


def _open(book: Ledger, incoming: Incoming, decision: Decision) -> tuple[int, list[str]]:
    """Open a ticket with a message; return its number, and warnings."""
    mail = incoming.mail
    requester = incoming.outside[0] if decision.outbound else mail.sender
    tenant = incoming.tenant.name if incoming.tenant is not None else None
    new = NewTicket(mail.subject, requester, tenant=tenant, outbound=decision.outbound)
    if decision.follows is not None:
        new = replace(new, tags=[FOLLOW_UP])
        if tenant is None and incoming.facts.ticket is not None and incoming.facts.ticket.knows_sender:
            new = _as_before(book, new, decision.follows)
    texts = {"subject": mail.subject, "requester_email": requester, **incoming.author}
    texts |= {"body": mail.text} if mail.text else {}
    actor = incoming.agent or CUSTOMER
    number, warnings = open_ticket(book, incoming.at, new, texts, actor, mail.message_id)
    for said in _remarks(mail, decision):
        warnings += _change(book, number, _noted(said), incoming.at)
    return number, warnings


def _as_before(book: Ledger, new: NewTicket, followed: int) -> NewTicket:
    """Return a new ticket with the tenant and the plan of the ticket that it follows, if they are still known."""
    (before,) = book.records([followed])
    name = before["tenant"]
    is_known = name is not None and (book.tenant(name) is not None or name in book.rulebook.current.named("tenant"))
    plan = before["plan"] if before["plan"] in known_plans(book) else None
    return replace(new, tenant=name if is_known else None, plan=plan)


def _remarks(mail: Mail, decision: Decision) -> list[str]:
    """Return what slactl notes about a message: what it follows, and what is not stored."""
    said = [f"This ticket follows #{decision.follows}, which is closed."] if decision.follows is not None else []
    if mail.attachments:
        said.append(f"Attachments, which slactl does not store: {', '.join(mail.attachments)}"[:BODY_LENGTH])
    return said


def _change(book: Ledger, number: int, change: Change, at: datetime | None) -> list[str]:
    """Change a ticket as of the instant of a message, and not before the ticket was opened; return warnings."""
    state = book.state(number)
    at = max(at, state.created_at) if at is not None else book.now
    is_reopened = state.status is not Status.CLOSED and book.state_at(number, at).status is Status.CLOSED
    if at >= book.now or is_reopened:
        return change_one(book, number, change, None, None)
    is_corrected = any(at <= breach.at for breach in noted_breaches(book, number))
    return change_one(book, number, change, at, RECEIVED if is_corrected else None)


def _by(incoming: Incoming, change: Change, *, silent: bool = False) -> Change:
    """Let the sender of a message make a change; `silent` ones are recorded by slactl, and no clock notices them."""
    kind = ActorType.SYSTEM if silent else ActorType.USER

    def make(subject: Subject, book: Ledger) -> list[Entry]:
        said = [
            replace(entry, event=replace(entry.event, actor=incoming.agent or CUSTOMER, actor_type=kind))
            for entry in change(subject, book)
        ]
        return [
            entry
            if entry.event.type is EventType.STATUS
            else replace(entry, texts={**entry.texts, **incoming.author}, message_id=incoming.mail.message_id)
            for entry in said
        ]

    return make


def _noted(text: str) -> Change:
    """Let slactl itself add a note."""

    def make(subject: Subject, _: Ledger) -> list[Entry]:
        return [Entry(Event(subject.at, EventType.NOTE, {}, "slactl", ActorType.SYSTEM), {"body": text})]

    return make
