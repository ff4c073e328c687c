"""An entry of a history: an event, and the text that a person wrote with it, which is kept apart."""

import hashlib
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from slactl.config import unix_user
from slactl.sla.enums import EventType
from slactl.sla.escalation.renumbering import BreachKey
from slactl.sla.history.event import Event
from slactl.text import is_address


@dataclass(frozen=True, slots=True)
class Entry:
    """An event to be recorded, and the texts that a person wrote with it (`body`, `subject`, `requester_email`)."""

    event: Event
    texts: Mapping[str, str] = field(default_factory=dict)
    #: The audit name of a note for people only; None for an event of the history.
    action: str | None = None
    #: When another database recorded it first; None is now.
    recorded_at: datetime | None = None
    #: The Message-ID of the mail that it came in by.
    message_id: str | None = None


#: The texts that persons write with an event: kept apart from the log, so that they can be erased.
TEXTS = ("body", "subject", "requester_email", "actor")

#: The field of a detail that has the salted hash of each text.
SEALS = {name: f"{name}_hash" for name in TEXTS}

#: The actor that the log names where a customer acted who is known by an address.
CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Restored:
    """The identity of a ticket by its history, and when its breaches were noticed.

    `missing` says that only the history of the ticket is left.
    """

    identity: Mapping[str, Any]
    detected: Mapping[BreachKey, str]
    missing: bool


def run_by(detail: Mapping[str, Any], event_id: str | None = None) -> dict[str, Any]:
    """Return the detail with the Unix user who runs this command, and the id that the event brought along.

    An event from another database keeps its own Unix user, and names the user who imported it.
    """
    name = "imported_by" if "unix_user" in detail else "unix_user"
    return {**detail, name: unix_user(), **({"id": event_id} if event_id is not None else {})}


def sealed(detail: Mapping[str, Any], texts: Mapping[str, str]) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Return the detail with a salted hash for each text, and the rows that keep the texts themselves."""
    kept, rows = dict(detail), []
    # If the other database erased a text, only its hash is imported; the log says that the text never was here.
    gone = [name for name, sealed_as in SEALS.items() if sealed_as in detail and name not in texts]
    kept |= {"erased": gone} if gone else {}
    for name, words in texts.items():
        salt = secrets.token_hex(16)
        kept[f"{name}_hash"] = hashlib.sha256((salt + words).encode()).hexdigest()
        rows.append({"field": name, "salt": salt, "text": words})
    return kept, rows


def is_customer(event: Event, requester: Callable[[], str | None]) -> bool:
    """Return whether the actor is a customer's address: the writer of a customer's message, or the requester.

    A person who types a command is never one, whatever the login name looks like. A note that slactl itself recorded
    is of somebody else if its actor is an address: it came in by mail.
    """
    actor = event.actor
    if actor is None or event.by_system:
        return actor is not None and event.type is EventType.NOTE and is_address(actor)
    wrote = event.type is EventType.CUSTOMER_REPLY and is_address(actor)
    return wrote or actor.casefold() == (requester() or "").casefold()


def highest_each(
    messages: Sequence[dict[str, Any]], warnings: Collection[int]
) -> tuple[list[dict[str, Any]], dict[int, list[str]]]:
    """Return the highest message about one ticket for each recipient, and the recipients by number of escalation.

    The highest message is the last one. A warning (`warnings` holds their escalations) yields to any other. Messages
    that are not about escalations are kept too.
    """
    fired = [row for row in messages if row["escalation_id"] is not None]
    by_weight = sorted(fired, key=lambda row: row["escalation_id"] not in warnings)
    highest = {row["recipient"]: row for row in by_weight}
    kept = [row for row in messages if row["escalation_id"] is None or highest[row["recipient"]] is row]
    recipients: dict[int, list[str]] = {}
    for row in (row for row in kept if row["escalation_id"] is not None):
        recipients.setdefault(row["escalation_id"], []).append(row["recipient"])
    return kept, recipients
