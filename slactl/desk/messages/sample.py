"""Send a test message to the addresses of a role or a person."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from slactl import committed
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.trust import closing_commands, refusals
from slactl.desk.messages.by_mail.headers import mail_headers
from slactl.desk.messages.digest import TITLE_LENGTH, DigestContext, Message, Row, compose
from slactl.desk.messages.orders import order_for
from slactl.desk.messages.recipients import Address, Recipient, recipient_of
from slactl.desk.messages.transport import DeliveryOutcome, Result, new_message_id, send
from slactl.desk.oncall.duty import Presence, Told
from slactl.desk.oncall.entries import opened
from slactl.desk.programs.secrets import Refused, Secrets, Unresolved
from slactl.errors import PartlyError, RefusedError
from slactl.sla.rules.loading import load
from slactl.sla.rules.rules import Rules
from slactl.text import clean, known_or_refuse, quoted

if TYPE_CHECKING:
    from slactl.records.runs import Sample, SampleAddress


@dataclass(frozen=True, slots=True)
class Tried:
    """A test message to one recipient and its result at each address; in a dry run only failures have a result."""

    recipient: Recipient
    message: Message
    results: tuple[tuple[str, Result | None], ...]

    def lines(self) -> Iterator[str]:
        """Yield the results as lines for people."""
        for label, result in self.results:
            shown = "would be sent" if result is None else result.shown
            if result is not None and result.outcome is DeliveryOutcome.SENT:
                shown = "sent"
            yield f"{clean(self.recipient.name)}: {label}: {shown}"
        if not self.results:
            yield f"{clean(self.recipient.name)}: no address, so check prints the messages"


@dataclass(frozen=True, slots=True)
class Trial:
    """The test messages to everybody whom a message to a role or a person reaches now."""

    tried: tuple[Tried, ...]
    dry_run: bool

    @property
    def worked(self) -> bool:
        """Return whether every address accepted the message, and the templates of the rules are valid."""
        results = [result for each in self.tried for _, result in each.results if result is not None]
        failed = [result for result in results if result.outcome is not DeliveryOutcome.SENT]
        return not failed and self.tried[0].message.problem is None

    def record(self) -> "Sample":
        """Return the result as JSON; the text is that for the first recipient."""
        addresses: list[SampleAddress] = [
            {
                "recipient": each.recipient.name,
                "address": label,
                "outcome": result.outcome.value if result else None,
                "detail": result.shown if result else None,
            }
            for each in self.tried
            for label, result in each.results
        ]
        first = self.tried[0]
        return {
            "recipient": first.recipient.name,
            "title": first.message.title,
            "body": first.message.body,
            "dry_run": self.dry_run,
            "template_problem": first.message.problem,
            "addresses": addresses,
        }

    def lines(self) -> Iterator[str]:
        """Yield the result as lines for people."""
        if self.dry_run:
            yield from (each.message.printed(each.recipient.name) for each in self.tried)
        if (problem := self.tried[0].message.problem) is not None:
            yield f"templates: {problem}; the built-in text was used"
        for each in self.tried:
            yield from each.lines()


def try_out(desk: Desk, now: datetime, name: str, *, dry_run: bool = False) -> Trial:
    """Send a test message to a person, or to whom a message to a role reaches now; in a dry run only look up secrets.

    Raises:
        NotKnownError: the rules have no such role or person.
        RefusedError: nobody has the role now, or nobody who has it has an address.
        PartlyError: others may change the rules, so nothing is sent.
        RulesError: the rules are invalid.
    """
    rules = load(desk.rules)
    known_or_refuse(name, [*rules.roles, *rules.people], "role or person", "slactl rules show")
    recipients = _recipients(desk, now, rules, name)
    if not any(each.addresses for each in recipients):
        entry = f"{'people' if name in rules.people else 'roles'}.{name}"
        what = f"{clean(name)} has no address, so check prints the messages; add notify under [{clean(entry)}]"
        raise RefusedError(what, f"slactl rules set {quoted(f'{entry}.notify')} '[\"syslog://\"]'")
    secrets = Secrets.of(desk.rules, rules.settings.secrets, os.environ)
    if secrets.doubts:
        raise PartlyError.of(refusals(secrets.doubts), closing_commands(desk.rules, desk.database.path, secrets.doubts))
    tried = list[Tried]()
    for each in recipients:
        context = DigestContext(each.name, now, rules, each.include, timezone=each.timezone)
        message = sample(context)
        results = [(to.label, _try(context, each, to, message, secrets, dry_run)) for to in each.addresses]
        tried.append(Tried(each, message, tuple(results)))
    return Trial(tuple(tried), dry_run)


def _recipients(desk: Desk, now: datetime, rules: Rules, name: str) -> list[Recipient]:
    """Return whom a message to a role reaches now, or the person of this name.

    Raises:
        RefusedError: nobody has the role now.
    """
    if name not in rules.roles:
        return [recipient_of(rules, name)]
    presence = Presence(opened(desk, now).schedules, now)
    names = Told.of(presence.rules, presence.recipients(name)).names
    if not names:
        why = presence.why_nobody(name, until=True)
        raise RefusedError(f"{clean(why)}, so a message to {clean(name)} reaches nobody", presence.how_to_fill(name))
    return [recipient_of(rules, each) for each in names]


def _try(
    context: DigestContext,
    recipient: Recipient,
    address: Address,
    message: Message,
    secrets: Secrets,
    dry_run: bool,
) -> Result | None:
    try:
        order = order_for(address, recipient, message, context, secrets, sample_row())
    except Refused as error:
        return Result(DeliveryOutcome.WAITS, f"{error}: {error.fix}" if error.fix else str(error))
    except Unresolved as error:
        return Result(DeliveryOutcome.DEAD, str(error))
    if dry_run:
        return None
    message_id = new_message_id()
    headers = mail_headers(context.rules, order.url, message_id, None)
    result = send(order.numbered(message_id, headers), context.rules.settings.send_timeout.seconds)
    if result.outcome is DeliveryOutcome.SENT:  # whatever happens at the next address
        committed.add("test message to", "sent", [recipient.name])
    return result


def sample_row() -> Row:
    """Return the row of the outbox for `notify test`, about a ticket that does not exist."""
    return {
        "id": 0,
        "ticket_id": 0,
        "external_id": "SAMPLE",
        "ticket_source": "sample",
        "tenant": "sample tenant",
        "plan": "sample plan",
        "status": "open",
        "priority": "high",
        "assignee": "nobody",
        "target": "first_response",
        "deadline": None,
        "reason": "a test message of slactl notify test",
        "escalation": "sample",
        "level": "sample",
        "source": "automatic",
        "kind": None,
        "event_id": None,
        "goal": None,
        "sets_status": None,
        "instead_of": None,
        "stands_in_for": None,
        "held_by": None,
        "open_since": None,
        "subject": "Sample subject",
        "requester_email": "customer@example.com",
    }


def sample(context: DigestContext) -> Message:
    """Return the message that `notify test` sends."""
    message = compose([sample_row()], context)
    return Message(f"slactl test: {message.title}"[:TITLE_LENGTH], message.body, message.problem)
