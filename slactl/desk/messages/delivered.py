"""Hold what one run sends messages with, and count the results, for the run to add to its report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from slactl.clock import to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.trust import Doubt, closing_commands, refusals
from slactl.desk.messages.digest import DigestContext
from slactl.desk.messages.recipients import Address, Recipient, customer, recipient_of
from slactl.desk.programs.secrets import Secrets
from slactl.sla.enums import NotificationState
from slactl.sla.rules.model import REQUESTER
from slactl.sla.rules.rules import Rules
from slactl.store.write.leases import Lease
from slactl.text import quoted

WAITING, SENT, PARTLY = NotificationState.WAITING, NotificationState.SENT, NotificationState.PARTLY
HELD, DEAD = NotificationState.HELD, NotificationState.DEAD

#: A message of the outbox with its escalation and its ticket, as `outbox.waiting` reads it. Its `addresses` say of
#: each address by key that it is sent, dead or held, or the instant from which it may be tried again, a blank, and how
#: many tries failed.
Row = dict[str, Any]


class Delivered:
    """The results of sending the messages of one run."""

    def __init__(self) -> None:
        #: Notices about tickets that were delivered, and the digests that carried them, printed ones included.
        self.notified = self.messages_sent = self.failed = 0
        #: The texts of messages to people without an address; `check` prints them.
        self.messages: list[str] = []
        #: The numbers of the messages whose text is in `messages` and was not printed before.
        self.printed: list[int] = []
        self.problems: list[str] = []
        #: Commands that fix the problems.
        self.hints: list[str] = []
        #: Whether a message waits until a person fixes something, so that the run is not complete.
        self.waits = False
        #: A signal asked the run to stop before everything was sent.
        self.interrupted = False

    def print(self, text: str) -> None:
        """Have `check` print the text of a message."""
        self.messages.append(text)
        self.messages_sent += 1

    def fail(self, problem: str, count: int = 1) -> None:
        """Count messages that were not delivered, and say why, once."""
        self.failed += count
        if problem not in self.problems:
            self.problems.append(problem)

    def wait(self, problems: Sequence[str], hint: str | None) -> None:
        """Say why something cannot be sent yet, once, and with which command a person fixes it."""
        self.waits = True
        self.problems += [problem for problem in dict.fromkeys(problems) if problem not in self.problems]
        self.hints += [hint] if hint is not None and hint not in self.hints else []

    def distrust(self, desk: Desk, doubts: Sequence[Doubt]) -> None:
        """Say who else can change the rules, and with which commands a person prevents that."""
        self.wait(refusals(doubts), closing_commands(desk.rules, desk.database.path, doubts))


@dataclass(frozen=True, slots=True)
class Sending:
    """The context in which one run sends messages, and the count of their results.

    `gap` is for how many seconds no run was made before it, if that was unusually long. `lease` is that of the run.
    `is_own` is false for rules that only the database knows. `only` are the escalations whose messages are sent; None
    is all.
    """

    desk: Desk
    now: datetime
    delivered: Delivered
    rules: Rules
    secrets: Secrets
    run_id: int | None = None
    gap: int = 0
    lease: Lease | None = None
    is_own: bool = True
    only: frozenset[int] | None = None

    def context(self, recipient: Recipient) -> DigestContext:
        """Return the facts for the text of a message to a recipient, besides its tickets."""
        return DigestContext(recipient.name, self.now, self.rules, recipient.include, self.gap, recipient.timezone)

    def refuse(self) -> None:
        """Report why no message with an address is sent."""
        if not self.is_own:
            problem = "messages wait until the rules are valid: this user has no private copy of the last valid rules"
            self.delivered.wait([problem], f"slactl rules check {quoted(self.desk.rules)}")
        if self.secrets.doubts:
            self.delivered.distrust(self.desk, self.secrets.doubts)


class Mailing(NamedTuple):
    """Hold the recipient of a digest and one address; without an address, `check` prints the digest.

    A command runs once for each ticket, so its digest has the number of the one ticket.

    If the address may have got the digest before, `message_id` is its id. slactl then sends the same messages again and
    adds none, so that the receiver can recognise the duplicate.
    """

    recipient: Recipient
    address: Address | None
    message_id: str | None = None
    ticket: int | None = None


def recipient_of_row(sending: Sending, row: Mapping[str, Any]) -> Recipient:
    """Return the recipient of a message of the outbox."""
    if row["recipient"] == REQUESTER:
        return customer(sending.rules, row["ticket_id"], row.get("requester_email"))
    return recipient_of(sending.rules, row["recipient"])


def next_mailing(sending: Sending, recipient: Recipient, row: Row) -> Mailing | None:
    """Return the first address to which a message must go now; None if there is none."""
    words = [row["addresses"].get(address.key) for address in recipient.addresses]
    if all(word == DEAD for word in words):  # as where there is none
        return Mailing(recipient, None)
    now = to_text(sending.now)
    for address in recipient.addresses:
        if mailing := mailing_to(recipient, address, row, now):
            return mailing
    return None


def mailing_to(recipient: Recipient, address: Address, row: Row, now: str) -> Mailing | None:
    """Return the digest that takes a message to an address now; None if the address is not tried now."""
    known = row["addresses"].get(address.key)
    if known is not None and (known in (SENT, DEAD, HELD) or next_try(known) > now):
        return None
    ticket = row["ticket_id"] if address.command else None
    return Mailing(recipient, address, row["message_ids"].get(address.key), ticket)


def next_try(word: str) -> str:
    """Return the instant from which an address may be tried again."""
    return word.split()[0]


def tries_of(row: Row, key: str, addresses: int) -> int:
    """Return how many tries an address has failed; older versions counted those of all addresses together."""
    _, _, counted = row["addresses"].get(key, "").partition(" ")
    return int(counted) if counted else int(row["tries"]) // addresses if key in row["addresses"] else 0
