"""Send the messages of escalations by hand at once, and say of each who was told, by what, or why it waits."""

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slactl.desk.ledger.desk import Desk
from slactl.lease import in_force
from slactl.sla.enums import NotificationState
from slactl.store.read.runs import lease_holder
from slactl.text import NOBODY

if TYPE_CHECKING:
    from slactl.desk.ledger.ledger import Ledger
    from slactl.desk.messages.delivered import Sending
    from slactl.records.runs import Notice

#: Why a message waits while a check sends messages.
BUSY = "another run is sending messages; it sends this one too, or the next check does"

#: Why a message waits that no address took, and that has no fallback.
GIVEN_UP = "the next check prints it"

#: Why a message waits that has no address.
PRINTED = "there is no address, so check prints it"


def send_now(desk: Desk, now: datetime, escalations: Iterable[int]) -> "tuple[list[Notice], list[str]]":
    """Send the messages of some escalations; return what became of each, and the problems of those that failed.

    It claims each of its messages, so that several can do this at once and `check` does not wait for it. What this
    user cannot send waits for the next `check`: a secret is not readable here, or a `check` is sending.
    """
    from slactl.desk.ledger.rules_versions import CommandRules
    from slactl.desk.messages.delivered import Delivered
    from slactl.desk.messages.outbox import deliver, sending_of
    from slactl.store.write import outbox

    own, delivered, why = frozenset(escalations), Delivered(), None
    with desk.database.read() as transaction:
        is_sending = in_force(*(lease_holder(transaction, "check") or (None, None)))
    if is_sending:
        why = BUSY
    else:
        deliver(desk, now, delivered, None, None, stop=lambda: False, only=own)
    sending = sending_of(desk, now, Delivered(), None, None, CommandRules(desk))
    with desk.database.read() as transaction:
        rows = [row for row in outbox.of_escalations(transaction, own) if row["recipient"] != NOBODY]
    problem = why or "; ".join(delivered.problems if delivered.waits else ()) or None
    notices = [_notice(sending, row, problem) for row in rows]
    return notices, delivered.problems if delivered.failed else []


def rehearse(book: "Ledger", desk: Desk, escalations: Iterable[int]) -> "list[Notice]":
    """Return what would become of the messages of some escalations, which the ledger has written; send nothing."""
    from slactl.desk.messages.delivered import Delivered, Sending, recipient_of_row
    from slactl.desk.messages.outbox import sorted_out
    from slactl.desk.programs.secrets import Secrets
    from slactl.store.write import outbox

    rules, own = book.rulebook.current, frozenset(escalations)
    secrets = Secrets.of(desk.rules, rules.settings.secrets, os.environ)
    sending = Sending(desk, book.now, Delivered(), rules, secrets, is_own=book.rulebook.is_own, only=own)
    found, changes = sorted_out(sending, book.transaction)
    outbox.record(book.transaction, changes)
    rows = outbox.of_escalations(book.transaction, own)
    found = {mailing: ready for mailing, ready in found.items() if mailing.recipient.name != NOBODY}
    notices = [_notice(sending, row, None) for row in rows if row["id"] in changes]
    for row in (row for ready in found.values() for row in ready):
        state, problem, labels = _would_become(sending, row)
        name = recipient_of_row(sending, row).name
        notices.append(_record(row, name, state, () if problem else labels, problem))
    return sorted(notices, key=lambda notice: (notice["ticket_id"], notice["recipient"]))


def _would_become(sending: "Sending", row: Mapping[str, Any]) -> tuple[NotificationState, str | None, Sequence[str]]:
    """Return what a message would become, why it would not be sent (or None), and the names of its addresses."""
    from slactl.desk.messages.delivered import recipient_of_row
    from slactl.desk.messages.digest import compose, latest_by_ticket
    from slactl.desk.messages.orders import order_for
    from slactl.desk.programs.secrets import Unresolved, Unusable

    recipient = recipient_of_row(sending, row)
    labels = [address.label for address in recipient.addresses]
    if not labels:
        return NotificationState.WAITING, PRINTED, labels
    if not sending.is_own or sending.secrets.doubts:
        sending.refuse()
        return NotificationState.WAITING, "; ".join(sending.delivered.problems), labels
    context, (whole,) = sending.context(recipient), latest_by_ticket([row])
    for address in recipient.addresses:
        try:
            order_for(address, recipient, compose([row], context), context, sending.secrets, whole)
        except Unresolved as error:
            state = NotificationState.DEAD if isinstance(error, Unusable) else NotificationState.WAITING
            return state, f"{address.label}: {error}", labels
    return NotificationState.SENT, None, labels


def _notice(sending: "Sending", row: Mapping[str, Any], problem: str | None) -> "Notice":
    """Return what became of a message from its row; `problem` is why the messages that were not tried wait."""
    from slactl.desk.messages.delivered import recipient_of_row

    recipient = recipient_of_row(sending, row)
    got = [each.label for each in recipient.addresses if row["addresses"].get(each.key) == NotificationState.SENT]
    state, why = NotificationState(row["state"]), row["error"]
    if row["held_by"]:
        why = f"held back by {row['held_by']} until {row['next_try_at']}"
    elif state is NotificationState.WAITING and not recipient.addresses:
        why = PRINTED
    elif state is NotificationState.SENDING:
        state, why = NotificationState.WAITING, BUSY
    elif state is NotificationState.WAITING:
        is_given_up = all(row["addresses"].get(each.key) == NotificationState.DEAD for each in recipient.addresses)
        why = f"{why}; {GIVEN_UP}" if why and is_given_up else why or problem
    elif state is NotificationState.OBSOLETE:
        why = "the message is no longer true"
    return _record(row, recipient.name, state, got, why)


def _record(
    row: Mapping[str, Any], name: str, state: NotificationState, by: Sequence[str], why: str | None
) -> "Notice":
    return {
        "ticket_id": row["ticket_id"],
        "recipient": row["recipient"],
        "person": name if name != row["recipient"] else None,
        "stands_in_for": row["stands_in_for"],
        "state": state.value,
        "by": list(by),
        "why": why,
    }
