"""Gather what decides about a message: from the message, the rules and the database."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from slactl.clock import to_text
from slactl.desk.ledger.ledger import Ledger
from slactl.desk.mail.addresses import Recipients, read_recipients, without_tokens
from slactl.desk.mail.decide import Belongs, Facts, FoundBy
from slactl.desk.mail.message import Mail
from slactl.desk.mail.quotes import first_line
from slactl.desk.mail.reply_commands import MistypedError, ReplyCommand, read_command
from slactl.desk.mail.tokens import Notified, answered
from slactl.sla.enums import Status, UnknownSenders
from slactl.sla.history.readers import NAME_LENGTH
from slactl.sla.rules.mail.model import MailRules
from slactl.store.read import messages as reads
from slactl.store.write.tenants import Tenant, tenant_of_domain
from slactl.text import domain_of, mail_domain

#: How long the openings of one sender count together.
HOUR = timedelta(hours=1)

#: How old a message may be to take effect when our server received it.
OLDEST = timedelta(days=7)

_IN_SUBJECT = re.compile(r"\[#([1-9][0-9]{0,17})\]")

#: How many numbers in a subject are tried.
MOST_NUMBERS = 10


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message with its sender and recipients as the rules know them, and the facts that decide about it."""

    mail: Mail
    #: When our server received it; now if that is not known.
    at: datetime
    #: The agent who sent it, by name if the rules have a person with the address; None for everybody else.
    agent: str | None
    recipients: Recipients
    #: The recipients outside the team.
    outside: Sequence[str]
    tenant: Tenant | None
    facts: Facts
    #: The message of slactl that it answers, and the command that it gives to slactl.
    answered: Notified | None = None
    command: ReplyCommand | None = None

    @property
    def author(self) -> dict[str, str]:
        """Return the text that names the sender, unless it is an agent: an address that is a text can be erased."""
        return {} if self.agent is not None else {"actor": self.mail.sender[:NAME_LENGTH]}


def gather(book: Ledger, own: MailRules, mail: Mail) -> Incoming:
    """Return a message, without the tokens in its texts, and everything that decides about it.

    `own` are the rules for mail.
    """
    subject, text = (without_tokens(each, own.address) for each in (mail.subject, mail.text))
    mail = replace(mail, subject=subject, text=text)
    transaction, received = book.transaction, mail.received.replace(microsecond=0) if mail.received else book.now
    at = received if book.now - OLDEST <= received <= book.now else book.now
    agent = agent_of(book, own, mail.sender) if mail.is_sender_certain else None
    recipients = read_recipients(mail.recipients, own.address)
    named = recipients.answered
    answers = answered(transaction, book.rulebook.current, named.notification, named.token) if named else None
    command, no_command = _command(book, mail, answers)
    ticket = _ticket(book, mail, recipients, answers, is_agent=agent is not None)
    customers = reads.customers_of(transaction, ticket.number) if ticket is not None else set[str]()
    seen = read_recipients(mail.written_to, own.address).others
    outside = [
        each
        for each in seen
        if each.casefold() != mail.sender.casefold()
        and (agent_of(book, own, each) is None or each.casefold() in customers)
    ]
    customer = outside[0] if agent is not None and outside else mail.sender
    domain = mail_domain(domain_of(customer) or "") if mail.is_sender_certain else None
    tenant = tenant_of_domain(transaction, domain) if domain is not None else None
    opened = reads.opened_by_mail(transaction, mail.sender, to_text(at - HOUR), to_text(at))
    facts = Facts(
        taken_to=reads.ticket_of_mail(transaction, [mail.message_id]),
        automatic=mail.automatic,
        ticket=ticket,
        from_agent=agent is not None,
        to_outside=bool(outside),
        refused=own.unknown_senders is UnknownSenders.REFUSE
        and agent is None
        and tenant is None
        and not (mail.is_sender_certain and reads.is_requester(transaction, mail.sender)),
        burst=opened[-1] if len(opened) >= own.burst else None,
        gives_command=command is not None,
        no_command=no_command,
    )
    return Incoming(mail, at, agent, recipients, outside, tenant, facts, answers, command)


def agent_of(book: Ledger, own: MailRules, address: str) -> str | None:
    """Return the name of the agent with an address: the person of the rules, else the address; None for others."""
    wanted = address.casefold()
    for name, person in book.rulebook.current.people.items():
        if wanted in map(str.casefold, person.emails):
            return name
    return address[:200] if own.names_agent(address) else None


def _command(book: Ledger, mail: Mail, message: Notified | None) -> tuple[ReplyCommand | None, str | None]:
    """Return the command that a message gives, or why it gives none although its first line looks like one."""
    if message is None:
        return None, None
    try:
        command = read_command(first_line(mail.text))
    except MistypedError as error:
        return None, error.message
    if command is None:
        return None, None
    if not mail.is_sender_certain:
        return None, "nobody knows which address in From is the sender's, so the reply is a note"
    why = message.why_no_command(book.rulebook.current, mail.sender, book.now)
    return (command, None) if why is None else (None, why)


def _ticket(
    book: Ledger, mail: Mail, recipients: Recipients, answers: Notified | None, *, is_agent: bool
) -> Belongs | None:
    """Return the ticket that a message belongs to, by the first thing that names one."""
    transaction, sender = book.transaction, mail.sender.casefold()

    def belongs(number: int, by: FoundBy) -> Belongs:
        is_closed = book.state(number).status is Status.CLOSED
        is_known = is_agent or (mail.is_sender_certain and sender in reads.customers_of(transaction, number))
        return Belongs(number, by, is_closed, is_known)

    if answers is not None:
        return belongs(answers.ticket, FoundBy.NOTIFICATION)
    for number in recipients.tickets:
        if reads.has_ticket(transaction, number):
            return belongs(number, FoundBy.ADDRESS)
    taken = reads.ticket_of_mail(transaction, mail.references)
    if taken is not None:
        return belongs(taken, FoundBy.REFERENCES)
    for number in map(int, _IN_SUBJECT.findall(mail.subject)[:MOST_NUMBERS]):
        if reads.has_ticket(transaction, number) and (found := belongs(number, FoundBy.SUBJECT)).knows_sender:
            return found
    return None
