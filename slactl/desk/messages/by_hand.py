"""Decide by hand about messages in the outbox: have them sent again, or drop them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from slactl import committed
from slactl.clock import to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.messages.delivered import WAITING
from slactl.desk.messages.outbox import STUCK
from slactl.desk.messages.silences import released_from
from slactl.errors import NotKnownError, RefusedError
from slactl.records.runs import Notification
from slactl.sla.enums import NotificationState
from slactl.store.read.messages import notifications
from slactl.store.write import outbox

if TYPE_CHECKING:
    from slactl.store.database import Transaction

#: A message before a command and after it.
Changed: TypeAlias = tuple[Notification, Notification]


def retry(desk: Desk, now: datetime, numbers: Sequence[int], *, dry_run: bool = False) -> list[Changed]:
    """Have the next run send messages again that were printed, held, dead or dropped, or did not reach every address.

    An address that got the message does not get it again. A message that is held back goes out, whatever holds it.

    Raises:
        NotKnownError: there is no such message.
        RefusedError: the message was sent, or waits already and nothing holds it back.
    """
    states = {NotificationState.PRINTED, NotificationState.DROPPED, *STUCK}
    values = {"state": WAITING.value, "next_try_at": to_text(now), "ended_at": None, "error": None, "tries": 0}
    return _change(desk, numbers, states, values, "sent again", dry_run)


def drop(desk: Desk, now: datetime, numbers: Sequence[int], *, dry_run: bool = False) -> list[Changed]:
    """Drop messages that wait, are held or dead, or did not reach every address: they are not sent any more.

    Raises:
        NotKnownError: there is no such message.
        RefusedError: the message was sent or printed, or is obsolete or dropped already.
    """
    states = {NotificationState.WAITING, *STUCK}
    values = {"state": NotificationState.DROPPED.value, "ended_at": to_text(now), "next_try_at": None}
    return _change(desk, numbers, states, values, "dropped", dry_run)


def _change(
    desk: Desk,
    numbers: Sequence[int],
    states: set[NotificationState],
    values: Mapping[str, Any],
    what: str,
    dry_run: bool,
) -> list[Changed]:
    """Set columns of messages that are in one of some states; return each message before and after that."""
    with desk.database.write(keep=not dry_run) as transaction:
        before = _records(transaction, numbers)
        for number in numbers:
            state, held_by = outbox.state_of(transaction, number)
            if state is None:
                raise NotKnownError(f"there is no message {number}", "slactl notifications list")
            is_released = state is WAITING and bool(held_by) and values["next_try_at"] is not None
            if state not in states and not is_released:
                raise RefusedError(f"message {number} is {state} and cannot be {what}", "slactl notifications list")
            released = {"held_by": released_from(held_by)} if held_by and is_released else {}
            outbox.start_over(transaction, number, {**values, **released})
        committed.add("message", "dropped" if values["ended_at"] else "put back into the outbox", numbers)
        after = _records(transaction, numbers)
    return [(before[number], after[number]) for number in numbers]


def _records(transaction: "Transaction", numbers: Sequence[int]) -> "dict[int, Notification]":
    known = [number for number in numbers if number < 2**63]
    found = notifications(transaction, ids=known) if known else []
    return {message["id"]: message for message in found}
