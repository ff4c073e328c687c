"""Read and write the messages of the outbox: find those to send, claim them before sending, record the result."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session

from slactl.sla.enums import NotificationState, Status
from slactl.store.read.rows import Row, batches
from slactl.store.schema.models import Escalation, Event, Notification, Silence, Ticket
from slactl.store.schema.runs import Run
from slactl.store.schema.timers import Timer
from slactl.store.write.statements import table_of

WAITING, SENDING = NotificationState.WAITING.value, NotificationState.SENDING.value


def waiting(transaction: Session, now: str) -> list[Row]:
    """Return the messages whose time has come, each with its ticket, the timer that it is about, and its cause.

    The cause is an escalation or an event; `sets_status` is the status that the level set. Among them are messages that
    were added after `now` and not postponed: a person escalated while a run sends. Among them are also messages that
    are held back: what holds them may have ended early.
    """
    note, fired, ticket, timer = table_of(Notification), table_of(Escalation), table_of(Ticket), table_of(Timer)
    event = table_of(Event)
    own = [note.c[name] for name in ("id", "recipient", "ticket_id", "escalation_id", "event_id", "tries", "addresses")]
    own += [note.c[name] for name in ("held_by", "next_try_at", "instead_of", "stands_in_for", "message_ids")]
    cause: list[ColumnElement[Any]] = [
        fired.c[name] for name in ("reason", "kind", "cycle", "source", "escalation", "level", "actor")
    ]
    cause.append(event.c.at.label("happened_at"))
    cause += [func.json_extract(event.c.detail, f"$.{name}").label(label) for name, label in _OF_CAUSE.items()]
    facts = (
        "external_id",
        "tenant",
        "plan",
        "status",
        "priority",
        "assignee",
        "subject",
        "requester_email",
        "tags",
        "timezone",
    )
    about = [ticket.c[name] for name in (*facts, "timezone", "due_at", "due_target", "acked_until")]
    origin = ticket.c.source.label("ticket_source")
    stand = [timer.c.id.label("timer_id"), timer.c.due_at.label("timer_due_at"), timer.c.stopped_at, timer.c.started_at]
    same = (timer.c.ticket_id == note.c.ticket_id) & (timer.c.kind == fired.c.kind) & (timer.c.cycle == fired.c.cycle)
    is_new = (note.c.tries == 0) & (note.c.next_try_at == note.c.created_at) & note.c.held_by.is_(None)
    query = (
        select(*own, *cause, *about, origin, *stand)
        .outerjoin(fired, fired.c.id == note.c.escalation_id)
        .outerjoin(event, event.c.id == func.coalesce(fired.c.event_id, note.c.event_id))
        .join(ticket, ticket.c.id == note.c.ticket_id)
        .outerjoin(timer, same)
        .where(note.c.state == WAITING, (note.c.next_try_at <= now) | is_new | note.c.held_by.is_not(None))
        .order_by(note.c.id)
    )
    rows = [dict(row) for row in transaction.connection().execute(query).mappings()]
    for row in rows:
        row.update({name: json.loads(row[name]) for name in ("addresses", "message_ids", "tags")})
        _say_for_whom(row)
    return rows


def _say_for_whom(row: Row) -> None:
    """Put whom the recipient replaces into the row: what it has itself, else what its event says ("cem for ann")."""
    own = f"{row['recipient']} for "
    names = [each.removeprefix(own) for each in json.loads(row.pop("stand_ins") or "[]") if each.startswith(own)]
    row["stands_in_for"] = row["stands_in_for"] or " and ".join(dict.fromkeys(names)) or None


def of_escalations(transaction: Session, numbers: Collection[int]) -> list[Row]:
    """Return the messages of some escalations, with the mail address of their tickets' requesters."""
    note, fired, ticket, event = table_of(Notification), table_of(Escalation), table_of(Ticket), table_of(Event)
    names = ("id", "recipient", "ticket_id", "state", "addresses", "error", "held_by", "next_try_at", "stands_in_for")
    stand_ins = func.json_extract(event.c.detail, "$.stand_ins").label("stand_ins")
    query = (
        select(*(note.c[name] for name in names), ticket.c.requester_email, stand_ins)
        .join(ticket, ticket.c.id == note.c.ticket_id)
        .join(fired, fired.c.id == note.c.escalation_id)
        .outerjoin(event, event.c.id == fired.c.event_id)
        .where(note.c.escalation_id.in_(numbers))
        .order_by(note.c.id)
    )
    rows = [dict(row) for row in transaction.connection().execute(query).mappings()]
    for row in rows:
        row["addresses"] = json.loads(row["addresses"])
        _say_for_whom(row)
    return rows


#: What a message needs of the event that is its cause, and the name of it in the row.
_OF_CAUSE = {"status": "sets_status", "from": "was_status", "stand_ins": "stand_ins"}


def being_sent(transaction: Session) -> list[Row]:
    """Return the messages that are being sent, or were when the process that sent them died."""
    note = table_of(Notification)
    names = ["id", "recipient", "ticket_id", "escalation_id", "tries", "addresses", "address"]
    names += ["run_id", "claimed_by", "claimed_until"]
    query = select(*(note.c[name] for name in names)).where(note.c.state == SENDING).order_by(note.c.id)
    rows = [dict(row) for row in transaction.connection().execute(query).mappings()]
    for row in rows:
        row["addresses"] = json.loads(row["addresses"])
    return rows


class Claim(NamedTuple):
    """A claim to messages: for an address, by a process until an instant, in a run, under the id that they go out with.

    They keep the id, so that a retry has the same one. A message that `check` prints has neither address nor id.
    """

    address: str
    claimed_by: str
    claimed_until: str
    run_id: int | None
    message_id: str | None


def claim(transaction: Session, numbers: Sequence[int], claimed: Claim, closing: Sequence[int] = ()) -> set[int]:
    """Claim messages for sending; return the claimed ones, without those dropped meanwhile or of a resolved ticket.

    The `closing` messages tell of the resolution itself.
    """
    note, ticket = table_of(Notification), table_of(Ticket)
    done = [status.value for status in Status if status.is_done]
    live = select(ticket.c.id).where(ticket.c.status.not_in(done))
    values: dict[str, Any] = {"state": SENDING, "address": claimed.address, "run_id": claimed.run_id}
    values |= {"claimed_by": claimed.claimed_by, "claimed_until": claimed.claimed_until}
    if claimed.message_id is not None:
        values["message_ids"] = func.json_set(note.c.message_ids, _place(claimed.address), claimed.message_id)
    taken: set[int] = set()
    for batch in batches(numbers):
        statement = (
            update(note)
            .where(note.c.id.in_(batch), note.c.state == WAITING, note.c.ticket_id.in_(live) | note.c.id.in_(closing))
            .values(values)
            .returning(note.c.id)
        )
        taken |= set(transaction.connection().execute(statement).scalars())
    return taken


def forget_id(transaction: Session, address: str, message_id: str) -> None:
    """Remove an id from the messages that are not being sent: a receiver that knows the id would ignore them."""
    note = table_of(Notification)
    same = func.json_extract(note.c.message_ids, _place(address)) == message_id
    others = update(note).where(same, note.c.state != SENDING)
    left = func.json_remove(note.c.message_ids, _place(address))
    transaction.connection().execute(others.values(message_ids=left))


def _place(address: str) -> str:
    """Return the path to an address in the JSON of a column."""
    return f'$."{address}"'


def record(transaction: Session, rows: Mapping[int, Mapping[str, Any]]) -> None:
    """Change messages that still wait; those with the same changes share a statement."""
    _change(transaction, rows, table_of(Notification).c.state == WAITING)


def withdraw(transaction: Session, events: Sequence[int], now: str) -> int:
    """Give up the messages about escalations of these events that nobody has got yet; return how many there are.

    A message that is being sent stays as it is; one that some of several addresses got goes to no other.
    """
    note, fired, count = table_of(Notification), table_of(Escalation), 0
    is_partly = func.instr(note.c.addresses, '"sent"') > 0
    state = case((is_partly, NotificationState.PARTLY.value), else_=NotificationState.OBSOLETE.value)
    values = {"state": state, "ended_at": now, "next_try_at": None, "error": "the escalation was undone"}
    for batch in batches(events):
        about = select(fired.c.id).where(fired.c.event_id.in_(batch))
        waits = update(note).where(note.c.escalation_id.in_(about), note.c.state == WAITING)
        count += transaction.connection().execute(waits.values(values)).rowcount
    return count


def record_sent(transaction: Session, rows: Mapping[int, Mapping[str, Any]], claimed_by: str | None) -> set[int]:
    """Change messages that a process is sending, and end its lease on them; return those that were still its own."""
    note = table_of(Notification)
    own = (note.c.state == SENDING) & note.c.claimed_by.is_not_distinct_from(claimed_by)
    unclaimed = {"claimed_by": None, "claimed_until": None}
    return _change(transaction, {number: {**values, **unclaimed} for number, values in rows.items()}, own)


def _change(transaction: Session, rows: Mapping[int, Mapping[str, Any]], condition: ColumnElement[bool]) -> set[int]:
    note, changed = table_of(Notification), set[int]()
    alike: dict[str, list[int]] = {}
    for number, values in rows.items():
        alike.setdefault(json.dumps(values, sort_keys=True), []).append(number)
    for values_text, numbers in alike.items():
        values = json.loads(values_text)
        for name in values.keys() & {"addresses", "message_ids"}:
            values[name] = json.dumps(values[name], sort_keys=True)
        for batch in batches(numbers):
            statement = update(note).where(note.c.id.in_(batch), condition).values(values).returning(note.c.id)
            changed |= set(transaction.connection().execute(statement).scalars())
    return changed


def add(transaction: Session, rows: Sequence[Row]) -> None:
    """Add messages; ignore one whose recipient already has a message about the same escalation."""
    if rows:
        transaction.connection().execute(insert(table_of(Notification)).on_conflict_do_nothing(), rows)


def notified_breaches(transaction: Session, numbers: Sequence[int]) -> set[tuple[int, str | None, int | None]]:
    """Return the breaches (ticket, kind, cycle) of which customers of some tickets got, or may have got, a message."""
    note, fired = table_of(Notification), table_of(Escalation)
    ended = [each.value for each in NotificationState if each not in (WAITING, "obsolete", "dropped", "dead")]
    breaches: set[tuple[int, str | None, int | None]] = set()
    for batch in batches(numbers):
        query = (
            select(note.c.ticket_id, fired.c.kind, fired.c.cycle)
            .join(fired, fired.c.id == note.c.escalation_id)
            .where(note.c.ticket_id.in_(batch), note.c.recipient == "requester", note.c.state.in_(ended))
        )
        breaches |= {(number, kind, cycle) for number, kind, cycle in transaction.connection().execute(query)}
    return breaches


def silences(transaction: Session, now: str) -> list[Row]:
    """Return the silences in force at `now`, the latest end first."""
    table = table_of(Silence)
    query = select(table).where(table.c.ends_at > now, table.c.starts_at <= now).order_by(table.c.ends_at.desc())
    return [dict(row) for row in transaction.connection().execute(query).mappings()]


def release(transaction: Session, held_by: str, now: str) -> None:
    """Have the next run look again at the messages that a silence held back."""
    note = table_of(Notification)
    held = update(note).where(note.c.state == WAITING, note.c.held_by == held_by)
    transaction.connection().execute(held.values(next_try_at=func.min(note.c.next_try_at, now)))


def last_starts(transaction: Session, before: int, most: int | None, since: str = "") -> list[str]:
    """Return when the last `most` runs before a run started, at `since` or later, the latest first."""
    table = table_of(Run)
    query = select(table.c.started_at).where(table.c.id < before, table.c.started_at >= since)
    return list(transaction.connection().execute(query.order_by(table.c.id.desc()).limit(most)).scalars())


def state_of(transaction: Session, number: int) -> tuple[NotificationState | None, str | None]:
    """Return the state of a message and what holds or held it back; None if there is no such message."""
    row = transaction.get(Notification, number) if number < 2**63 else None
    return (NotificationState(row.state), row.held_by) if row is not None else (None, None)


def start_over(transaction: Session, number: int, values: Mapping[str, Any]) -> None:
    """Change a message by hand, and forget the states of its addresses, except of addresses that got it."""
    row = transaction.get_one(Notification, number)
    for name, value in values.items():
        setattr(row, name, value)
    sent = {key: word for key, word in json.loads(row.addresses).items() if word == NotificationState.SENT}
    row.addresses = json.dumps(sent)
    transaction.add(row)
    transaction.flush()
