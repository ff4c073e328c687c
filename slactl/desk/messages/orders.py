"""Make the order for the sender: a message to a URL, or a command with the facts about one ticket."""

from collections.abc import Mapping
from typing import Any

from slactl.desk.messages.digest import DigestContext, Message, facts
from slactl.desk.messages.recipients import Address, Recipient, route
from slactl.desk.messages.transport import Order
from slactl.desk.programs.commands import arguments, environment
from slactl.desk.programs.secrets import Secrets, Unusable
from slactl.sla.rules.addresses import FIELDS
from slactl.text import clean

Row = Mapping[str, Any]

#: The ids among the fields, and their columns: a command that names one does not run for a ticket without it.
_IDS = {"id": "ticket_id", "external_id": "external_id", "source": "ticket_source"}


def order_for(
    address: Address, recipient: Recipient, message: Message, context: DigestContext, secrets: Secrets, row: Row
) -> Order:
    """Return the order for a message, without its id; `row` is of the outbox, about the ticket of a command.

    Raises:
        Unresolved: a secret is missing.
        Unusable: a value of the ticket may not become an argument.
        Refused: a secret may not be read, or others may change the rules or the program of a command.
    """
    if address.command:
        used = " ".join(address.command)
        values = {field: _value(field[1:-1], row) for field in FIELDS if field in used}
        words = arguments(address.command, values, secrets)
        variables = environment(address.command, secrets)
        return Order(message, command=tuple(words), facts=command_facts(row, context, message), environment=variables)
    url, through = route(address, secrets, context.rules.settings)
    return Order(message, url, receiver=address.receiver, allow_http=recipient.allow_http, proxy=through)


def _value(name: str, row: Row) -> str:
    """Return the value of a field as part of an argument.

    Raises:
        Unusable: it could be taken for an option, has hidden characters, or is an id that the ticket does not have.
    """
    stated = row[_IDS.get(name, name)]
    value, shown = str(stated if stated is not None else ""), name.replace("_", " ")
    if name in _IDS and not value:
        raise Unusable(f"nothing was run: the ticket has no {shown}")
    if value.startswith("-"):
        raise Unusable(f"nothing was run: the {shown} of the ticket begins with -, as an option does")
    if value != clean(value):
        raise Unusable(f"nothing was run: the {shown} of the ticket has characters that are not shown")
    return value


def command_facts(row: Row, context: DigestContext, message: Message) -> dict[str, Any]:
    """Return what a command reads as JSON: the facts as they are, null without a value, and the text of the message.

    It has no text of a customer unless the recipient includes it.
    """
    own = ("tenant", "plan", "priority", "status", "assignee", "target", "deadline", "reason", "escalation", "level")
    included = {name: row[name] if name in context.include else None for name in ("subject", "requester_email")}
    return {
        "recipient": context.recipient,
        "title": message.title,
        "body": message.body,
        **{name: row[column] for name, column in _IDS.items()},
        **{name: row[name] or None for name in (*own, "instead_of", "stands_in_for", "held_by")},
        **included,
        "overdue_seconds": max(0, context.overdue_seconds(row)) or None,
        "link": facts(row, context, 1)["link"] or None,
        "test": row["ticket_id"] == 0,
    }
