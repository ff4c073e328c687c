"""Send a test message to the addresses of a role or a person."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from slactl import committed
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.trust import closing_commands, refusals
from slactl.desk.messages.digest import DigestContext, Message, sample, sample_row
from slactl.desk.messages.orders import order_for
from slactl.desk.messages.recipients import Address, Recipient, recipient_of
from slactl.desk.messages.transport import DeliveryOutcome, Result, new_message_id, send
from slactl.desk.oncall.duty import Presence
from slactl.desk.oncall.entries import opened
from slactl.desk.programs.secrets import Refused, Secrets, Unresolved
from slactl.errors import PartlyError, RefusedError
from slactl.sla.rules.loading import load
from slactl.sla.rules.rules import Rules
from slactl.text import clean, known_or_refuse, quoted

if TYPE_CHECKING:
    from slactl.records.runs import Sample, SampleAddress


@dataclass(frozen=True, slots=True)
class Trial:
    """A test message and its result at each address; in a dry run only failures have a result."""

    recipient: Recipient
    message: Message
    results: tuple[tuple[str, Result | None], ...]
    dry_run: bool

    @property
    def worked(self) -> bool:
        """Return whether every address accepted the message, and the templates of the rules are valid."""
        failed = [
            result for _, result in self.results if result is not None and result.outcome is not DeliveryOutcome.SENT
        ]
        return not failed and self.message.problem is None

    def record(self) -> "Sample":
        """Return the result as JSON."""
        results: list[SampleAddress] = [
            {
                "address": label,
                "outcome": result.outcome.value if result else None,
                "detail": result.shown if result else None,
            }
            for label, result in self.results
        ]
        return {
            "recipient": self.recipient.name,
            "title": self.message.title,
            "body": self.message.body,
            "dry_run": self.dry_run,
            "template_problem": self.message.problem,
            "addresses": results,
        }

    def lines(self) -> Iterator[str]:
        """Yield the result as lines for people."""
        if self.dry_run:
            yield self.message.printed(self.recipient.name)
        if self.message.problem is not None:
            yield f"templates: {self.message.problem}; the built-in text was used"
        for label, result in self.results:
            shown = (
                "would be sent"
                if result is None
                else "sent"
                if result.outcome is DeliveryOutcome.SENT
                else result.shown
            )
            yield f"{clean(self.recipient.name)}: {label}: {shown}"


def try_out(desk: Desk, now: datetime, name: str, *, dry_run: bool = False) -> Trial:
    """Send a test message to every address of a role or a person; in a dry run only look up the secrets.

    Raises:
        NotKnownError: the rules have no such role or person.
        RefusedError: the role or person has no address.
        PartlyError: others may change the rules, so nothing is sent.
        RulesError: the rules are invalid.
    """
    rules = load(desk.rules)
    known_or_refuse(name, [*rules.roles, *rules.people], "role or person", "slactl rules show")
    recipient = recipient_of(rules, _addressed(desk, now, rules, name))
    if not recipient.addresses:
        entry = f"{'people' if name in rules.people else 'roles'}.{name}"
        what = f"{clean(name)} has no address, so check prints the messages; add notify under [{clean(entry)}]"
        raise RefusedError(what, f"slactl rules set {quoted(f'{entry}.notify')} '[\"syslog://\"]'")
    context = DigestContext(recipient.name, now, rules, recipient.include)
    message = sample(context)
    secrets = Secrets.of(desk.rules, rules.settings.secrets, os.environ)
    if secrets.doubts:
        raise PartlyError.of(refusals(secrets.doubts), closing_commands(desk.rules, desk.database.path, secrets.doubts))
    results = [(to.label, _try(context, recipient, to, message, secrets, dry_run)) for to in recipient.addresses]
    return Trial(recipient, message, tuple(results), dry_run)


def _addressed(desk: Desk, now: datetime, rules: Rules, name: str) -> str:
    """Return the name whose addresses get the messages to a role or a person: of a role without any, who fills it."""
    role = rules.roles.get(name)
    if role is None or role.notify:
        return name
    return Presence(opened(desk, now).schedules, now).holder(role).person or name


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
    result = send(order.numbered(new_message_id()), context.rules.settings.send_timeout.seconds)
    if result.outcome is DeliveryOutcome.SENT:  # whatever happens at the next address
        committed.add("test message to", "sent", [recipient.name])
    return result
