"""Send one digest to one address: claim its messages, send it, record the result; commit after each step."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

from slactl import committed
from slactl.clock import from_text, to_text
from slactl.desk.messages import digest as digests
from slactl.desk.messages.by_mail.headers import mail_headers, reply_address
from slactl.desk.messages.delivered import DEAD, HELD, PARTLY, SENT, WAITING, Mailing, Row, Sending, next_try, tries_of
from slactl.desk.messages.digest import Message
from slactl.desk.messages.failures import unexpected
from slactl.desk.messages.orders import order_for
from slactl.desk.messages.recipients import Address, Recipient
from slactl.desk.messages.transport import DeliveryOutcome, Result, Sender, new_message_id, seconds_to_wait
from slactl.desk.messages.transport import started_sender as started
from slactl.desk.oncall.duty import Presence, Told
from slactl.desk.programs.secrets import Refused, Unresolved, Unusable
from slactl.lease import recorded_by_this_process, this_process, time_for
from slactl.sla.enums import NotificationState, OnUnknown
from slactl.sla.rules.addresses import scheme
from slactl.sla.rules.model import REQUESTER
from slactl.store.read.rows import batches
from slactl.store.write import outbox

#: The time from each failed try to the next try; after the last try slactl gives up the address.
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30))

#: The longest that a server can make slactl wait by its Retry-After.
LONGEST_WAIT = timedelta(days=1)


def progress(sending: Sending, recipient: Recipient, known: Mapping[str, str]) -> dict[str, Any]:
    """Return the columns of a message from the states of its addresses: it waits for the next address, or has ended."""
    words = [known.get(address.key, to_text(sending.now)) for address in recipient.addresses]
    next_tries = [next_try(word) for word in words if word not in (SENT, DEAD, HELD)]
    common = {"addresses": dict(known), "address": None}
    if next_tries:
        return common | {"state": WAITING, "next_try_at": min(next_tries)}
    return common | ended(sending, verdict({*words, *known.values()}))


def verdict(words: Iterable[str]) -> NotificationState:
    """Return the state of a message that is not tried again, from what is known of its addresses."""
    known = set(words)
    if SENT in known:
        return PARTLY if {HELD, DEAD} & known else SENT
    return HELD if HELD in known else DEAD


def ended(sending: Sending, state: NotificationState) -> dict[str, Any]:
    """Return the columns of a message that is not tried again."""
    return {"state": state, "ended_at": to_text(sending.now), "next_try_at": None, "run_id": sending.run_id}


def carry_out(sending: Sending, mailing: Mailing, rows: Sequence[Row]) -> None:
    """Claim a digest, send it and record the result; without an address, add it to what `check` prints.

    Raises:
        LockedError: another run took over the work of this one, which stood still for too long.
    """
    if mailing.address is None:
        claimed = _claimed(sending, mailing, rows, None, this_process(), 0).rows
        if claimed:
            message = _message(sending, mailing.recipient, claimed)
            sending.delivered.print(message.printed(mailing.recipient.name))
            sending.delivered.printed += [row["id"] for row in claimed]
            sending.delivered.notified += len(claimed)
        return
    message_id: str | None = mailing.message_id or new_message_id()
    with started(sending.rules.settings.send_timeout.seconds) as sender:
        # Without a lease, only the claim says that this process has yet to record the result.
        claimed_by = sender.claimed_by if sending.lease is not None else recorded_by_this_process(sender.claimed_by)
        claim = _claimed(sending, mailing, rows, message_id, claimed_by, sender.seconds)
        if not (claimed := claim.rows):
            return
        message = _message(sending, mailing.recipient, claimed)
        result = _send(sending, mailing, message, claim, message_id or "", sender)
    is_local = not result.reached and not result.for_all
    if sending.only is not None and result.outcome is DeliveryOutcome.DEAD and is_local:
        # The user who runs `check` may have the secret or the program.
        result = replace(result, outcome=DeliveryOutcome.WAITS)
    if not result.reached and mailing.message_id is None:
        message_id = None  # nobody has seen the id, so the next digest may hold these messages too
    _record(sending, mailing.recipient, mailing.address, claimed, result, message_id, claimed_by)


class _Claimed(NamedTuple):
    """The messages that were claimed for a process, its end as uptime, and the address that a reply to them goes to."""

    rows: list[Row]
    until: float
    reply_to: str | None


def _claimed(
    sending: Sending, mailing: Mailing, rows: Sequence[Row], message_id: str | None, claimed_by: str, seconds: int
) -> _Claimed:
    """Claim messages for a process that needs some seconds."""
    key = mailing.address.key if mailing.address is not None else ""
    with sending.desk.database.write() as transaction:
        time = time_for(seconds)  # only here: the run may have waited for the write lock
        if sending.lease is not None:
            sending.lease.renew(transaction, seconds)
        claim = outbox.Claim(key, claimed_by, time.claimed_until, sending.run_id, message_id)
        closing = [row["id"] for row in rows if row["goal"] or row["sets_status"] == row["status"]]
        numbers = outbox.claim(transaction, [row["id"] for row in rows], claim, closing)
        if mailing.message_id is not None:
            outbox.forget_id(transaction, key, mailing.message_id)
        claimed = [row for row in rows if row["id"] in numbers]
        reply_to = reply_address(transaction, sending.rules, mailing.recipient, claimed) if message_id else None
    return _Claimed(claimed, time.ends, reply_to)


def _message(sending: Sending, recipient: Recipient, rows: Sequence[Row]) -> Message:
    if rows[0]["recipient"] == REQUESTER:
        return digests.to_customer(max(rows, key=lambda row: int(row["id"])))
    message = digests.compose(rows, sending.context(recipient))
    if message.problem is not None:
        sending.delivered.fail(f"templates: {message.problem}; the built-in text was used")
    return message


def _send(
    sending: Sending,
    mailing: Mailing,
    message: Message,
    claim: _Claimed,
    message_id: str,
    sender: Sender,
) -> Result:
    recipient, address = mailing.recipient, mailing.address
    assert address is not None
    kind, newest = scheme(address.url), digests.latest_by_ticket(claim.rows)[0]
    try:
        order = order_for(address, recipient, message, sending.context(recipient), sending.secrets, newest)
        kind = scheme(order.url)
        headers = mail_headers(sending.rules, order.url, message_id, claim.reply_to)
        return sender.send(order.numbered(message_id, headers), claim.until)
    except Refused as error:
        sending.delivered.wait([f"{recipient.name}: {address.label}: {error}; its messages wait"], error.fix)
        return Result(DeliveryOutcome.WAITS, str(error), reached=False)
    except Unresolved as error:
        return Result(DeliveryOutcome.DEAD, str(error), reached=False, for_all=isinstance(error, Unusable))
    except Exception as error:  # the other recipients get their messages; the error's text may contain the URL
        return Result(DeliveryOutcome.UNKNOWN, unexpected(error, kind))


def _record(
    sending: Sending,
    recipient: Recipient,
    address: Address,
    rows: Sequence[Row],
    result: Result,
    message_id: str | None,
    claimed_by: str,
) -> None:
    """Write the result of a digest, and add messages to the fallback for the recipients that are given up.

    Raises:
        LockedError: another run took some of the messages over meanwhile, and decides about them.
    """
    if result.outcome is DeliveryOutcome.SENT:  # whether or not that can be recorded
        committed.add("message", "sent", [row["id"] for row in rows])
        sending.delivered.messages_sent += 1
    changes = _changes(sending, recipient, address, rows, result, message_id)
    given_up = [row for row in rows if changes[row["id"]]["state"] is DEAD]
    fallbacks = {row["id"]: messages for row in given_up if (messages := _fallback_messages(sending, row))}
    lost = [row for row in given_up if row["id"] not in fallbacks]
    later = {row["id"] for row in lost} if sending.only is not None else set()  # only `check` prints messages
    for number in later:
        changes[number] |= {"state": WAITING, "ended_at": None, "next_try_at": to_text(sending.now)}
    own = set[int]()
    for batch in batches(list(changes)):  # thousands at once would hold the lock for too long
        with sending.desk.database.write() as transaction:
            own |= outbox.record_sent(transaction, {number: changes[number] for number in batch}, claimed_by)
            outbox.add(transaction, [each for number in batch if number in own for each in fallbacks.get(number, ())])
            if result.outcome is not DeliveryOutcome.SENT:
                committed.add("message", "tried", batch)
    if sending.lease is not None and len(own) < len(changes):
        raise sending.lease.lost()
    sending.delivered.notified += sum(change["state"] in (SENT, PARTLY) for change in changes.values())
    if lost and not later:  # so that at least cron mails the message
        sending.delivered.print(_message(sending, recipient, lost).printed(recipient.name))
    if result.is_failure:
        instead = sorted({message["recipient"] for messages in fallbacks.values() for message in messages})
        what_next = _what_next(list(changes.items()), address.key, instead, later)
        sending.delivered.fail(f"{recipient.name}: {address.label}: {result.shown}; {what_next}", len(changes))


def _changes(
    sending: Sending,
    recipient: Recipient,
    address: Address,
    rows: Sequence[Row],
    result: Result,
    message_id: str | None,
) -> dict[int, dict[str, Any]]:
    """Return the columns of each message that the result of a digest changes."""
    error = f"{address.label}: {result.detail}" if result.outcome is not DeliveryOutcome.SENT else None
    changes: dict[int, dict[str, Any]] = {}
    words = {row["id"]: _word(sending, recipient, address, row, result) for row in rows}
    # Messages with the same id are sent again together.
    soonest = min((next_try(word) for word in words.values() if word not in (SENT, DEAD, HELD)), default="")
    for row in rows:
        word = words[row["id"]]
        if message_id is not None and word not in (SENT, DEAD, HELD):
            word = word.replace(next_try(word), soonest)
        known = row["addresses"] | {address.key: word}
        changes[row["id"]] = progress(sending, recipient, known) | {"tries": row["tries"] + result.is_failure}
        if message_id is None:
            changes[row["id"]]["message_ids"] = row["message_ids"]
        if error is not None or DEAD not in known.values():
            changes[row["id"]]["error"] = error
    return changes


def _word(sending: Sending, recipient: Recipient, address: Address, row: Row, result: Result) -> str:
    """Return the state of an address after a try: sent, dead or held, or when it is tried again, after how many tries.

    A dead address has failed all tries of its own, whatever happened at the recipient's other addresses.
    """
    tries = tries_of(row, address.key, len(recipient.addresses))
    if result.outcome is DeliveryOutcome.SENT:
        return SENT
    if result.outcome is DeliveryOutcome.WAITS:  # the next run tries, however soon it comes
        return f"{to_text(sending.now + timedelta(seconds=1))} {tries}"
    if result.outcome is DeliveryOutcome.UNKNOWN and recipient.on_unknown is OnUnknown.HOLD:
        return HELD
    if result.outcome is DeliveryOutcome.DEAD or tries >= len(BACKOFF):
        return DEAD
    asked = timedelta(seconds=seconds_to_wait(result.retry_after, sending.now))
    return f"{to_text(sending.now + min(LONGEST_WAIT, max(BACKOFF[tries], asked)))} {tries + 1}"


def _fallback_messages(sending: Sending, row: Row) -> list[Row]:
    """Return the messages to the fallback of the escalation in place of one that is given up.

    They go to whoever is on call for the fallback now.
    """
    fallbacks = {escalation.id: escalation.fallback for escalation in sending.rules.escalations}
    fallback = fallbacks.get(row["escalation"])
    if fallback is None or fallback == row["recipient"]:
        return []
    with sending.desk.database.read() as transaction:
        present = Presence.by(transaction, sending.rules, sending.desk.rules, sending.now)
    message = {
        "escalation_id": row["escalation_id"],
        "ticket_id": row["ticket_id"],
        "state": WAITING.value,
        "created_at": to_text(sending.now),
        "next_try_at": to_text(sending.now),
        "run_id": sending.run_id,
        "instead_of": row["recipient"],
    }
    told = Told.of(present.rules, present.recipients(fallback))
    others = [name for name in told.names if name != row["recipient"]]
    return [{**message, "recipient": name, "stands_in_for": told.replaced_by(name)} for name in others]


def _what_next(
    changes: Sequence[tuple[int, Mapping[str, Any]]], key: str, instead: Sequence[str], later: Collection[int]
) -> str:
    """Return what happens to a digest that an address did not get, for people."""
    number, change = changes[0]
    word = change["addresses"][key]
    if word == HELD:
        return f"it is not known whether the message was delivered; slactl notifications retry {number} sends it again"
    if word != DEAD:
        return f"next try at {from_text(next_try(word)):%H:%M} UTC or later"
    if number in later:
        return "slactl gave up, and the next check prints the message"
    if change["state"] is not DEAD:
        return "slactl gave up this address"
    if not instead:
        return "slactl gave up and prints the message here"
    return f"slactl gave up and sends the message to {' and '.join(instead)} instead"
