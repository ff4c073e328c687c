"""Process the outbox: gather the messages into one digest for each recipient, and send or print it.

No transaction waits for the network. A run claims a message for a process of its own, the sender (and commits), the
sender sends it, then the run records the result (and commits). The claim is a lease: it names the sender, and has an
end. When the sender is dead or its lease has run out without a result, the next run sends the message again or holds
it, by the recipient's settings.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from time import sleep
from typing import TYPE_CHECKING, Any, NamedTuple

from slactl.clock import to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.rulebook import Rulebook
from slactl.desk.ledger.rules_versions import CommandRules
from slactl.desk.messages.delivered import (
    HELD,
    SENT,
    WAITING,
    Delivered,
    Mailing,
    Row,
    Sending,
    mailing_to,
    next_mailing,
    recipient_of_row,
)
from slactl.desk.messages.delivery import carry_out, ended, progress, verdict
from slactl.desk.messages.digest import unusual_gap
from slactl.desk.messages.recipients import quiet_of
from slactl.desk.messages.silences import hold, unreleased
from slactl.desk.programs.secrets import Secrets
from slactl.lease import in_force, is_here, is_recorded
from slactl.sla.enums import Condition, NotificationState, OnUnknown, Status, Target
from slactl.sla.rules.model import REQUESTER
from slactl.store.write import outbox
from slactl.store.write.leases import Lease

if TYPE_CHECKING:
    from slactl.desk.ledger.ledger import Ledger
    from slactl.store.database import Transaction

#: The time between two looks whether the sender of a dead run still lives, in seconds.
ASK_SECONDS = 0.02

#: The states of messages that need a person's decision.
STUCK = frozenset((NotificationState.PARTLY, NotificationState.HELD, NotificationState.DEAD))

#: A missed target: the ticket, the kind of timer and its cycle.
Breach = tuple[int, str | None, int | None]


def deliver(
    desk: Desk,
    now: datetime,
    delivered: Delivered,
    run_id: int | None,
    lease: Lease | None,
    stop: Callable[[], bool],
    rules: CommandRules | None = None,
    only: frozenset[int] | None = None,
) -> None:
    """Process every message of the outbox whose time has come, and count in `delivered` what became of it.

    1. It sends or holds the messages that a dead sender of a dead run was sending.
    2. It marks outdated messages as obsolete; a silence, quiet hours or an acknowledgement postpones others.
    3. It sends one digest to each address of a recipient, one address a round; without an address `check` prints it.
    4. In the next round it sends messages that a recipient could not get to the fallback of the escalation.
    5. If a sender of a dead run still lives on this machine, it waits for its end and begins again.

    If `stop` asks for it, it ends between two digests. Messages with an address wait if others can change the `rules`,
    or only the database knows them. With `only`, it sends the messages of these escalations, and prints none.

    Raises:
        LockedError: another run took over the work of this one, which stood still for too long.
    """
    sending = replace(sending_of(desk, now, delivered, run_id, lease, rules or CommandRules(desk)), only=only)
    while True:
        alive = _adopt_orphans(sending) if only is None else []
        while ready := _allowed(sending, _sort_out(sending)):
            for mailing, rows in ready.items():
                if stop():
                    delivered.interrupted = True
                    return
                carry_out(sending, mailing, rows)
        if not alive:
            return
        while any(in_force(*lease) for lease in alive):
            if stop():
                delivered.interrupted = True
                return
            sleep(ASK_SECONDS)


class Ready(NamedTuple):
    """Hold the messages that a run would send or print: their numbers, and each digest."""

    numbers: set[int]
    digests: set[Mailing]


def ready(book: "Ledger", desk: Desk, delivered: Delivered) -> Ready:
    """Return the messages that a run would send or print now; it tries no address."""
    rules = book.rulebook.current
    secrets = Secrets.of(desk.rules, rules.settings.secrets, os.environ)
    sending = Sending(desk, book.now, delivered, rules, secrets, is_own=book.rulebook.is_own)
    mailings = _allowed(sending, sorted_out(sending, book.transaction)[0])
    digests, now = set(mailings), to_text(sending.now)
    for mailing, rows in mailings.items():  # a run sends to the other addresses of a recipient in its later rounds
        for address in mailing.recipient.addresses if mailing.address is not None else ():
            digests |= {one for row in rows if (one := mailing_to(mailing.recipient, address, row, now)) is not None}
    return Ready({row["id"] for rows in mailings.values() for row in rows}, digests)


def record_printed(desk: Desk, now: datetime, numbers: Sequence[int], lease: Lease) -> None:
    """Record messages as printed after the report was printed, and give the lease of the run back.

    If the run dies before, the next run prints them.
    """
    printed = {"state": NotificationState.PRINTED, "ended_at": to_text(now), "next_try_at": None}
    with desk.database.write() as transaction:
        outbox.record_sent(transaction, dict.fromkeys(numbers, printed), lease.claimed_by)
        lease.release(transaction)


def sending_of(
    desk: Desk, now: datetime, delivered: Delivered, run_id: int | None, lease: Lease | None, read: CommandRules
) -> Sending:
    with desk.database.write(keep=False) as transaction:
        book = Rulebook(transaction, read, now, strict=False)
        gap = unusual_gap(transaction, now, run_id or 0)
    secrets = Secrets.of(desk.rules, book.current.settings.secrets, os.environ)
    return Sending(desk, now, delivered, book.current, secrets, run_id, gap, lease, is_own=book.is_own)


def _allowed(sending: Sending, ready: Mapping[Mailing, list[Row]]) -> dict[Mailing, list[Row]]:
    """Return the digests that may be sent now; only the printed ones if others may have written the addresses."""
    if sending.only is not None:
        ready = {mailing: rows for mailing, rows in ready.items() if mailing.address is not None}
    if sending.is_own and not sending.secrets.doubts:
        return dict(ready)
    printed = {mailing: rows for mailing, rows in ready.items() if mailing.address is None}
    if len(printed) < len(ready):
        sending.refuse()
    return printed


def _adopt_orphans(sending: Sending) -> list[tuple[str, str]]:
    """Send again or hold the messages of a dead run: nobody knows whether its senders delivered them.

    Return the leases of senders that may live on this machine and whose results nobody records: not those of an
    `escalate` that still works. This run has the lease of runs, so every other run is dead or has lost its work, and
    nothing that it claimed to print is printed any more.
    """
    with sending.desk.database.read() as transaction:
        rows = [row for row in outbox.being_sent(transaction) if row["run_id"] != sending.run_id]
    leases = {(row["claimed_by"], row["claimed_until"]) for row in rows if row["address"]}
    alive = {lease for lease in leases if in_force(*lease)}
    orphans = [row for row in rows if not row["address"] or (row["claimed_by"], row["claimed_until"]) not in alive]
    changes: dict[int, dict[str, Any]] = {}
    for row in orphans:
        recipient = recipient_of_row(sending, row)
        if recipient.on_unknown is OnUnknown.RESEND or not row["address"]:
            changes[row["id"]] = {"state": WAITING, "address": None, "next_try_at": to_text(sending.now)}
            continue
        ends = progress(sending, recipient, row["addresses"] | {row["address"]: HELD.value})
        changes[row["id"]] = ends | {"error": "a run ended while it was sending this message"}
        again = f"slactl notifications retry {row['id']} sends it again"
        sending.delivered.fail(f"{recipient.name}: it is not known whether message {row['id']} was delivered; {again}")
    if changes:
        with sending.desk.database.write() as transaction:
            for holder in {row["claimed_by"] for row in orphans}:
                own = {row["id"]: changes[row["id"]] for row in orphans if row["claimed_by"] == holder}
                outbox.record_sent(transaction, own, holder)
    return [lease for lease in alive if is_here(lease[0]) and not is_recorded(lease[0])]


def _sort_out(sending: Sending) -> dict[Mailing, list[Row]]:
    """Return the messages to send now, by recipient and address; record which of the others are obsolete or wait."""
    with sending.desk.database.read() as transaction:
        ready, changes = sorted_out(sending, transaction)
    if changes:
        with sending.desk.database.write() as transaction:
            outbox.record(transaction, changes)
    return ready


def sorted_out(
    sending: Sending, transaction: "Transaction"
) -> tuple[dict[Mailing, list[Row]], dict[int, dict[str, Any]]]:
    """Return the messages to send now, and the changes of the others."""
    rows = outbox.waiting(transaction, to_text(sending.now))
    if sending.only is not None:
        rows = [row for row in rows if row["escalation_id"] in sending.only]
    customers = [row["ticket_id"] for row in rows if row["recipient"] == REQUESTER]
    notified = outbox.notified_breaches(transaction, customers)
    silences = outbox.silences(transaction, to_text(sending.now))
    ready: dict[Mailing, list[Row]] = {}
    changes: dict[int, dict[str, Any]] = {}
    for row in rows:
        row["target"], row["deadline"] = (
            (row["kind"], row["timer_due_at"])
            if row["kind"] in tuple(Target) and row["timer_due_at"]
            else (row["due_target"], row["due_at"])
        )
        recipient = recipient_of_row(sending, row)
        held = hold(row, silences, quiet_of(sending.rules, row["recipient"]), sending.rules, sending.now)
        before = row["next_try_at"], row["held_by"]
        row["held_by"] = unreleased(row["held_by"])
        mailing = next_mailing(sending, recipient, row)
        if is_moot(row) or (row["recipient"] == REQUESTER and not is_news(row, notified, sending.now)):
            words = row["addresses"].values()
            state = verdict(words) if SENT in words else NotificationState.OBSOLETE
            changes[row["id"]] = ended(sending, state)
        elif held is not None:
            if before != (to_text(held.until), held.held_by):
                changes[row["id"]] = {"next_try_at": to_text(held.until), "held_by": held.held_by}
        elif mailing is None:
            changes[row["id"]] = progress(sending, recipient, row["addresses"])
        else:
            ready.setdefault(mailing, []).append(row)
    return ready, changes


def is_moot(row: Mapping[str, Any]) -> bool:
    """Return whether a message is no longer true.

    The ticket is done, or the target was met, or the condition ended, unless the level of the message did that; or the
    status that ended by itself was set again.
    """
    is_done = Status(row["status"]).is_done
    if row["sets_status"] == row["status"] and (is_done or row["kind"] not in tuple(Target)):
        return False
    if is_done or row["event_id"] is not None:
        return True
    return row["kind"] is not None and (row["timer_id"] is None or row["stopped_at"] is not None)


def is_news(row: Mapping[str, Any], notified: set[Breach], now: datetime) -> bool:
    """Return whether the customer gets this message: one for each missed target, and each while we wait for them."""
    if row["addresses"] or row["kind"] == Condition.WAITING:
        return True
    breach = (row["ticket_id"], row["kind"], row["cycle"])
    late = row["kind"] in tuple(Target) and row["timer_due_at"] and row["timer_due_at"] < to_text(now)
    if not late or breach in notified:
        return False
    notified.add(breach)
    return True
