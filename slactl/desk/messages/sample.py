"""Trying out the addresses of a role or a person with a sample message."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.trust import closing_commands, refusals
from slactl.desk.messages import digest as digests
from slactl.desk.messages import recipients as addresses
from slactl.desk.messages import transport as sending
from slactl.desk.messages.recipients import Address, Addressee
from slactl.desk.messages.secrets import Refused, Secrets, Unresolved
from slactl.desk.messages.transport import Outcome, Result
from slactl.errors import PartlyError, RefusedError
from slactl.sla.rules.loading import load
from slactl.sla.rules.rules import Rules
from slactl.text import clean, known_or_refuse


@dataclass(frozen=True, slots=True)
class Trial:
    """What was sent to whom, and what became of it at each address; no results in a dry run but the failures."""

    addressee: Addressee
    message: digests.Message
    results: tuple[tuple[str, Result | None], ...]
    dry_run: bool

    @property
    def worked(self) -> bool:
        """Whether every address took it, and in the words of the rules."""
        failed = [result for _, result in self.results if result is not None and result.outcome is not Outcome.SENT]
        return not failed and self.message.problem is None

    def record(self) -> dict[str, Any]:
        """As JSON."""
        told = [
            {"address": label, "outcome": result.outcome.value if result else None, "detail": result and result.detail}
            for label, result in self.results
        ]
        head = {"recipient": self.addressee.name, "title": self.message.title, "body": self.message.body}
        return head | {"dry_run": self.dry_run, "template_problem": self.message.problem, "addresses": told}

    def lines(self) -> Iterator[str]:
        """For people."""
        if self.dry_run:
            yield self.message.printed(self.addressee.name)
        if self.message.problem is not None:
            yield f"templates: {self.message.problem}; the built-in text was used"
        for label, result in self.results:
            told = "would be sent" if result is None else "sent" if result.outcome is Outcome.SENT else result.detail
            yield f"{clean(self.addressee.name)}: {label}: {told}"


def try_out(desk: Desk, now: datetime, name: str, *, dry_run: bool = False) -> Trial:
    """Send a sample to every address of a role or a person; in a dry run only look its secrets up.

    Raises:
        NotKnownError: the rules have no such role or person.
        RefusedError: it has no address.
        PartlyError: others may change the rules, so that nothing is sent by them.
        RulesError: the rules are invalid.
    """
    rules = load(desk.rules)
    known = [*rules.roles, *rules.people]
    known_or_refuse(name, known, "role or person", "slactl rules show")
    addressee = addresses.addressee(rules, name)
    if not addressee.addresses:
        where = f"[roles.{name}] or [people.{name}] in {desk.rules}"
        raise RefusedError(f"{clean(name)} has no address, so check prints the messages; add notify under {where}")
    message = digests.sample(digests.Letterhead(addressee.name, now, rules, addressee.include))
    secrets = Secrets.of(desk.rules, rules.settings.secrets, os.environ)
    if secrets.doubts:
        raise PartlyError.of(refusals(secrets.doubts), closing_commands(desk.rules, desk.database.path, secrets.doubts))
    results = [(each.label, _try(rules, addressee, each, message, secrets, dry_run)) for each in addressee.addresses]
    return Trial(addressee, message, tuple(results), dry_run)


def _try(
    rules: Rules, addressee: Addressee, address: Address, message: digests.Message, secrets: Secrets, dry_run: bool
) -> Result | None:
    try:
        url = addresses.resolve(address, secrets)
    except Refused as error:
        return Result(Outcome.WAITS, f"{error}: {error.fix}" if error.fix else str(error))
    except Unresolved as error:
        return Result(Outcome.DEAD, str(error))
    if dry_run:
        return None
    return sending.send(message, url, rules.settings.send_timeout.seconds, allow_http=addressee.allow_http)
