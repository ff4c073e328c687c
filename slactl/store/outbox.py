"""The statements of the outbox: who waits for what, claiming before sending, recording after it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from slactl.sla.enums import NotificationState, Status
from slactl.store.models import Escalation, Notification, Run, Silence, Ticket, Timer
from slactl.store.writes import batches

Row = dict[str, Any]

WAITING, SENDING = NotificationState.WAITING.value, NotificationState.SENDING.value


def waiting(connection: Connection, now: str) -> list[Row]:
    """The messages whose time has come, each with its escalation, its ticket, and where the promise stands."""
    note, fired, ticket, timer = _table(Notification), _table(Escalation), _table(Ticket), _table(Timer)
    own = [note.c[name] for name in ("id", "recipient", "ticket_id", "escalation_id", "tries", "addresses")]
    own += [note.c[name] for name in ("held_by", "instead_of")]
    cause = [fired.c[name] for name in ("reason", "kind", "cycle", "source", "escalation", "level")]
    facts = ("external_id", "tenant", "plan", "status", "priority", "assignee", "subject", "requester_email")
    about = [ticket.c[name] for name in (*facts, "due_at", "due_target", "acked_until")]
    stand = [timer.c.id.label("timer_id"), timer.c.due_at.label("promised_at"), timer.c.stopped_at]
    same = (timer.c.ticket_id == note.c.ticket_id) & (timer.c.kind == fired.c.kind) & (timer.c.cycle == fired.c.cycle)
    query = (
        select(*own, *cause, *about, *stand)
        .join(fired, fired.c.id == note.c.escalation_id)
        .join(ticket, ticket.c.id == note.c.ticket_id)
        .outerjoin(timer, same)
        .where(note.c.state == WAITING, note.c.next_try_at <= now)
        .order_by(note.c.id)
    )
    rows = [dict(row) for row in connection.execute(query).mappings()]
    for row in rows:
        row["addresses"] = json.loads(row["addresses"])
    return rows


def orphans(connection: Connection) -> list[Row]:
    """The messages that a run left behind while it was sending them."""
    note = _table(Notification)
    names = ("id", "recipient", "ticket_id", "escalation_id", "tries", "addresses", "address")
    query = select(*(note.c[name] for name in names)).where(note.c.state == SENDING).order_by(note.c.id)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    for row in rows:
        row["addresses"] = json.loads(row["addresses"])
    return rows


def claim(connection: Connection, numbers: Sequence[int], address: str, run_id: int | None) -> set[int]:
    """Take messages for sending; those that somebody dropped, or whose ticket was resolved by now, stay behind."""
    note, ticket = _table(Notification), _table(Ticket)
    done = [status.value for status in Status if status.is_done]
    live = select(ticket.c.id).where(ticket.c.status.not_in(done))
    taken: set[int] = set()
    for batch in batches(numbers):
        statement = (
            update(note)
            .where(note.c.id.in_(batch), note.c.state == WAITING, note.c.ticket_id.in_(live))
            .values(state=SENDING, address=address, run_id=run_id)
            .returning(note.c.id)
        )
        taken |= set(connection.execute(statement).scalars())
    return taken


def record(connection: Connection, rows: Mapping[int, Mapping[str, Any]], before: NotificationState) -> None:
    """Write what became of messages that are still in the state they were found in; alike ones go together."""
    note = _table(Notification)
    alike: dict[str, list[int]] = {}
    for number, values in rows.items():
        alike.setdefault(json.dumps(values, sort_keys=True), []).append(number)
    for values_text, numbers in alike.items():
        values = json.loads(values_text)
        if "addresses" in values:
            values["addresses"] = json.dumps(values["addresses"], sort_keys=True)
        for batch in batches(numbers):
            connection.execute(update(note).where(note.c.id.in_(batch), note.c.state == before.value).values(values))


def add(connection: Connection, rows: Sequence[Row]) -> None:
    """New messages; a recipient who is told of an escalation already is not told again."""
    if rows:
        connection.execute(insert(_table(Notification)).on_conflict_do_nothing(), rows)


def told_customers(connection: Connection, numbers: Sequence[int]) -> set[tuple[int, str | None, int | None]]:
    """The breaches (ticket, kind, cycle) of some tickets of which the customer was told, or may have been."""
    note, fired = _table(Notification), _table(Escalation)
    ended = [each.value for each in NotificationState if each not in (WAITING, "obsolete", "dropped", "dead")]
    found: set[tuple[int, str | None, int | None]] = set()
    for batch in batches(numbers):
        query = (
            select(note.c.ticket_id, fired.c.kind, fired.c.cycle)
            .join(fired, fired.c.id == note.c.escalation_id)
            .where(note.c.ticket_id.in_(batch), note.c.recipient == "requester", note.c.state.in_(ended))
        )
        found |= {(number, kind, cycle) for number, kind, cycle in connection.execute(query)}
    return found


def silences(connection: Connection, now: str) -> list[Row]:
    """The silences that hold now, the last to end first."""
    table = _table(Silence)
    query = select(table).where(table.c.ends_at > now, table.c.created_at <= now).order_by(table.c.ends_at.desc())
    return [dict(row) for row in connection.execute(query).mappings()]


def release(connection: Connection, held_by: str, now: str) -> None:
    """Have what waits for the end of a silence looked at by the next run."""
    note = _table(Notification)
    found = update(note).where(note.c.state == WAITING, note.c.held_by == held_by)
    connection.execute(found.values(next_try_at=func.min(note.c.next_try_at, now)))


def last_starts(connection: Connection, before: int, most: int) -> list[str]:
    """When the runs before one began, the latest first."""
    table = _table(Run)
    query = select(table.c.started_at).where(table.c.id < before).order_by(table.c.id.desc()).limit(most)
    return list(connection.execute(query).scalars())


def _table(model: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(model.__tablename__)]
