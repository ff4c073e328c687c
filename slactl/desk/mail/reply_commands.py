"""Read the command in the first line of a reply to a message of slactl, and carry it out for the person who replied."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from slactl.desk.escalation.by_hand import acknowledge, escalating, unacknowledge
from slactl.desk.ledger.ledger import Ledger
from slactl.desk.mail.tokens import Notified
from slactl.desk.tickets.change import Change
from slactl.desk.tickets.changes import assign, resolve
from slactl.durations import Duration, parse_duration
from slactl.errors import SlactlError
from slactl.text import clean, nearest

#: The most words of a line whose first word looks like a command with a typing error; a longer line is a sentence.
FEW_WORDS = 4


class Verb(StrEnum):
    """The commands of a reply."""

    ACK = "ack"
    UNACK = "unack"
    ASSIGN = "assign"
    RESOLVE = "resolve"
    ESCALATE = "escalate"


#: How each command is written, for messages.
FORMS = {
    Verb.ACK: "ack [ID…] [2h]",
    Verb.UNACK: "unack [ID…]",
    Verb.ASSIGN: "assign [ID…] me",
    Verb.RESOLVE: "resolve [ID…]",
    Verb.ESCALATE: "escalate [ID…] REASON",
}


class MistypedError(SlactlError):
    """A line that begins like a command and is none; the reply is a note."""


@dataclass(frozen=True, slots=True)
class ReplyCommand:
    """A command of a reply: what to do, with which tickets, for how long, and why. Without `references` it names none.

    `rest` is the reason of `escalate` with the bare numbers at its beginning, which may be ids or belong to the reason.
    """

    verb: Verb
    references: tuple[str, ...] = ()
    lasting: Duration | None = None
    rest: str = ""

    def __str__(self) -> str:
        """Return the command without its ids."""
        more = {Verb.ACK: str(self.lasting or ""), Verb.ASSIGN: "me", Verb.ESCALATE: self.rest}
        return f"{self.verb} {more.get(self.verb, '')}".rstrip()


@dataclass(slots=True)
class Obeyed:
    """What became of a command: the tickets that it changed, and why it changed no others."""

    done: list[int] = field(default_factory=list)
    failures: list[SlactlError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    #: The records of escalations; the caller sends their messages when the transaction is committed.
    escalations: list[dict[str, Any]] = field(default_factory=list)


def read_command(line: str) -> ReplyCommand | None:
    """Return the command in the first line of a reply; None if the line is a text.

    Raises:
        MistypedError: it begins with the word of a command, or nearly, and does not go on as the command does.
    """
    words = line.split()
    first = words[0].lower().rstrip(".,:;!") if words else ""
    if first not in list(Verb):
        meant = nearest(first, list(Verb)) if first and len(words) <= FEW_WORDS else None
        if meant is not None:
            raise MistypedError(f"{clean(line)[:100]!r} is not a command; write {FORMS[Verb(meant)]}")
        return None
    verb = Verb(first)
    if verb is Verb.ESCALATE:
        return _escalation(words[1:])
    # The other words are ids, and a duration at the end of `ack`, or `me` at either end for `assign`.
    mistyped = MistypedError(f"{clean(line)[:100]!r} is not a command; write {FORMS[verb]}")
    left, lasting = [word.rstrip(".,;!") for word in words[1:]], None
    left = [word for word in left if word]
    if verb is Verb.ACK and left and (lasting := _duration(left[-1])) is not None:
        left = left[:-2] if left[-2:-1] == ["for"] else left[:-1]
    if verb is Verb.ASSIGN:
        place = next((place for place in (0, len(left) - 1) if left and left[place].lower() == "me"), None)
        if place is None:
            raise mistyped
        del left[place]
    if not all(re.fullmatch(r"#?[0-9]{1,18}", word) for word in left):
        raise mistyped
    return ReplyCommand(verb, tuple(dict.fromkeys(word.lstrip("#") for word in left)), lasting)


def _escalation(words: Sequence[str]) -> ReplyCommand:
    marked = next((count for count, word in enumerate(words) if not re.fullmatch(r"#[0-9]+,?", word)), len(words))
    rest = " ".join(words[marked:])
    if not rest.strip():
        raise MistypedError(f"the reason is missing; write {FORMS[Verb.ESCALATE]}")
    return ReplyCommand(Verb.ESCALATE, tuple(word.strip("#,") for word in words[:marked]), rest=rest)


def _duration(word: str) -> Duration | None:
    try:
        return parse_duration(word.lower())
    except ValueError:
        return None


#: Makes a change of a ticket as of an instant, and returns the warnings.
Changing: TypeAlias = Callable[[Ledger, int, Change, datetime | None], list[str]]


def obey(book: Ledger, command: ReplyCommand, message: Notified, at: datetime, changing: Changing) -> Obeyed:
    """Carry out a command of the person whom a message went to, as of an instant; a refused ticket stops no other.

    The tickets are those that the command names, of which the message told, or its only one.

    Raises:
        MistypedError: it names no ticket and the message was about several, or names one that it was not about.
    """
    numbers, command = _tickets(book, command, message)
    done = Obeyed()
    make = _change(command, message.person, done)
    own, book.actor = book.actor, message.person
    try:
        for number in numbers:
            try:
                is_now = command.verb is Verb.ESCALATE  # its messages are about now
                done.warnings += changing(book, number, make, None if is_now else at)
                done.done.append(number)
            except SlactlError as error:
                done.failures.append(error)
    finally:
        book.actor = own
    done.escalations[:] = [record for record in done.escalations if record["ticket_id"] in done.done]
    return done


def _change(command: ReplyCommand, person: str, done: Obeyed) -> Change:
    match command.verb:
        case Verb.ACK:
            return acknowledge(command.lasting)
        case Verb.UNACK:
            return unacknowledge()
        case Verb.ASSIGN:
            return assign(person)
        case Verb.RESOLVE:
            return resolve()
    return escalating(command.rest, done.escalations)


def _tickets(book: Ledger, command: ReplyCommand, message: Notified) -> tuple[list[int], ReplyCommand]:
    """Return the tickets of a command, and the command without the ids in its reason.

    A number at the beginning of a reason is an id if the message was about that ticket.
    """
    named = [int(word) for word in command.references]
    if command.verb is Verb.ESCALATE and not named:
        words = command.rest.split()
        while len(words) > 1 and re.fullmatch(r"[0-9]{1,18},?", words[0]):
            number = int(words[0].strip(","))
            if not message.allows(book.transaction, [number]):
                break
            named.append(number)
            words = words[1:]
        command = replace(command, rest=" ".join(words))
    if not named and not message.is_single:
        raise MistypedError(f"the message was about several tickets; write their ids: {FORMS[command.verb]}")
    if named and not message.allows(book.transaction, named):
        others = [number for number in named if not message.allows(book.transaction, [number])]
        raise MistypedError(f"the message was not about ticket {' and '.join(map(str, others))}")
    return named or [message.ticket], command
