"""Decide what a message is: a new ticket, a reply of the customer or of an agent, a note, or nothing."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from slactl.sla.enums import MailAction

#: Why a message becomes a note of its sender's newest ticket.
TOO_MANY = "the sender opened too many tickets within an hour"


class FoundBy(StrEnum):
    """Name what attaches a message to a ticket; the first in this order counts."""

    NOTIFICATION = "answer to a notification"
    ADDRESS = "address of the ticket"
    REFERENCES = "reply to a message"
    SUBJECT = "number in the subject"


@dataclass(frozen=True, slots=True)
class Belongs:
    """The ticket that a message belongs to, and what it knows about the sender."""

    number: int
    by: FoundBy
    is_closed: bool = False
    #: The sender is or was its requester, wrote in it as customer, or is an agent.
    knows_sender: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that decides what a message is."""

    #: The ticket that took a message with this Message-ID before.
    taken_to: int | None = None
    #: Why it is automatic mail; None if a person wrote it.
    automatic: str | None = None
    ticket: Belongs | None = None
    from_agent: bool = False
    #: Whether somebody outside the team gets it too.
    to_outside: bool = False
    #: Whether the rules refuse its sender, who is not known anywhere.
    refused: bool = False
    #: The sender's newest ticket, if the sender has opened as many within an hour as the rules allow.
    burst: int | None = None
    #: Whether it gives a command to slactl, or why it does not although it looks like one.
    gives_command: bool = False
    no_command: str | None = None


class Decision(NamedTuple):
    """What becomes of a message: the action, its ticket if it has one, and the reason in words."""

    action: MailAction
    ticket: int | None
    reason: str
    #: Whether the sender is refused, so that nothing is written.
    refused: bool = False
    #: The closed ticket that a new one follows.
    follows: int | None = None
    #: Whether an agent wrote first, so that no first response is due.
    outbound: bool = False
    #: Whether nobody of the team and no customer speaks, so that no clock and no condition takes notice.
    silent: bool = False
    #: Whether it is a note because its sender opened too many tickets.
    is_burst: bool = False


def decide(facts: Facts) -> Decision:
    """Return what becomes of a message."""
    found = facts.ticket
    if facts.taken_to is not None:
        return Decision(MailAction.IGNORED, facts.taken_to, "taken before")
    if facts.automatic is not None:
        why = f"automatic mail: {facts.automatic}"
        if found is None:
            return Decision(MailAction.IGNORED, None, why)
        return Decision(MailAction.NOTE, found.number, why, silent=True)
    if found is None:
        return _without_ticket(facts)
    if found.by is FoundBy.NOTIFICATION or facts.from_agent:
        return _by_agent(facts, found)
    if found.by is FoundBy.ADDRESS and not found.knows_sender:
        return Decision(MailAction.NOTE, found.number, "the ticket does not know the sender", silent=True)
    if not found.is_closed:
        return Decision(MailAction.CUSTOMER_REPLY, found.number, found.by.value)
    if facts.burst is not None:
        return Decision(MailAction.NOTE, facts.burst, TOO_MANY, silent=True, is_burst=True)
    return Decision(MailAction.OPENED, None, f"ticket {found.number} is closed", follows=found.number)


def _by_agent(facts: Facts, found: Belongs) -> Decision:
    """Decide about a message of an agent, or about anybody's answer to a notification, in a ticket."""
    if found.by is FoundBy.NOTIFICATION and facts.gives_command:
        return Decision(MailAction.COMMAND, found.number, found.by.value, silent=True)
    if found.by is FoundBy.NOTIFICATION:
        why = facts.no_command or found.by.value
        return Decision(MailAction.NOTE, found.number, why, silent=not facts.from_agent)
    if not facts.to_outside:
        return Decision(MailAction.NOTE, found.number, "an agent wrote to nobody outside")
    if found.is_closed:
        return Decision(MailAction.NOTE, found.number, "the ticket is closed")
    return Decision(MailAction.AGENT_REPLY, found.number, found.by.value)


def _without_ticket(facts: Facts) -> Decision:
    if facts.refused:
        return Decision(MailAction.IGNORED, None, "the sender is not known", refused=True)
    if facts.from_agent and facts.to_outside:
        return Decision(MailAction.OPENED, None, "an agent wrote first", outbound=True)
    if facts.burst is not None:
        return Decision(MailAction.NOTE, facts.burst, TOO_MANY, silent=True, is_burst=True)
    return Decision(MailAction.OPENED, None, "new message")
