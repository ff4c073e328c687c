"""Find the message of slactl that a mail answers, by the token in the address that the mail was sent to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from slactl.clock import from_text
from slactl.desk.messages.by_mail.headers import token_of
from slactl.sla.rules.rules import Rules
from slactl.store.read import messages
from slactl.store.write.outbox import reply_key

if TYPE_CHECKING:
    from slactl.store.database import Transaction

#: How long after a message was made its person can give commands by replying to it.
LASTING = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Notified:
    """A message of slactl to a person that a mail answers: its number, and the ticket that it was about.

    Where it was about several tickets, that is the most urgent of them, and `is_single` is false.
    """

    number: int
    ticket: int
    person: str
    is_single: bool
    made_at: datetime

    def why_no_command(self, rules: Rules, sender: str, at: datetime) -> str | None:
        """Return why a reply of a sender at an instant may not give a command; None if it may."""
        known = rules.people.get(self.person)
        if known is None or sender.casefold() not in (email.casefold() for email in known.emails):
            return f"{sender} is not one of the emails of {self.person}, so the reply is a note"
        if at > self.made_at + LASTING:
            return f"the message is older than {LASTING.days} days, so the reply is a note"
        return None

    def allows(self, transaction: "Transaction", tickets: Sequence[int]) -> bool:
        """Return whether the message was about each of some tickets."""
        if self.is_single:
            return set(tickets) == {self.ticket}
        return set(tickets) <= messages.sent_together(transaction, self.number, tickets)


def answered(transaction: "Transaction", rules: Rules, number: int, token: str) -> Notified | None:
    """Return the message that a token belongs to; None if slactl made no such token for anybody in the rules."""
    from hmac import compare_digest

    origin = messages.origin(transaction, number)
    if origin is None or not token.isascii():
        return None
    ticket, made_at = origin
    key, found = reply_key(transaction), None
    for person in rules.people:  # all of them, so that the time it takes tells nothing
        for is_single in (True, False):
            if compare_digest(token_of(key, number, person, is_single=is_single), token.lower()):
                found = Notified(number, ticket, person, is_single, from_text(made_at))
    return found
