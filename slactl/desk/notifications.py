"""The outbox: what waits is gathered into one digest for each recipient, and goes out or is printed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session

from slactl.clock import describe_seconds, from_text, to_text
from slactl.config import Config
from slactl.desk.check import Report
from slactl.errors import NotKnownError, RefusedError
from slactl.sla.history import Status
from slactl.store.engine import writing
from slactl.store.models import Escalation, Notification, Ticket
from slactl.store.words import NotificationState
from slactl.text import clean

#: Lines of a digest; what is more is counted.
DIGEST_ROWS = 20

WAITING, PRINTED, OBSOLETE = NotificationState.WAITING, NotificationState.PRINTED, NotificationState.OBSOLETE


def deliver(config: Config, now: datetime, report: Report) -> None:
    """Deal with everything that waits in the outbox.

    1. A message about a ticket that was resolved meanwhile is obsolete.
    2. What is left is gathered by recipient, one digest each.
    3. A digest that has no address to go to is printed, for cron to mail, and kept as printed.
    """
    with writing(config.database) as session:
        rows = _waiting(session, to_text(now))
        _mark(session, [row for row in rows if _is_done(row)], OBSOLETE, now, report.run_id)
        current = [row for row in rows if not _is_done(row)]
        for recipient, mine in _by_recipient(current).items():
            report.messages.append(digest(recipient, mine, now))
            report.notified += len(mine)
        _mark(session, current, PRINTED, now, report.run_id)


def digest(recipient: str, rows: Sequence[Mapping[str, Any]], now: datetime) -> str:
    """The message for one recipient: a line for each ticket, with no word that a customer wrote."""
    count = len(rows)
    head = f"To {clean(recipient)}: {count} {'escalation' if count == 1 else 'escalations'}"
    shown = [_line(row, now) for row in rows[:DIGEST_ROWS]]
    more = [f"  and {count - DIGEST_ROWS:,} more"] if count > DIGEST_ROWS else []
    return "\n".join([head, *shown, *more])


def retry(config: Config, now: datetime, numbers: Sequence[int], *, dry_run: bool = False) -> list[int]:
    """Have messages that were printed, held, dead or dropped go out again with the next run.

    Raises:
        NotKnownError: there is no such message.
        RefusedError: it was sent, or waits already.
    """
    states = {NotificationState.PRINTED, NotificationState.HELD, NotificationState.DEAD, NotificationState.DROPPED}
    values = {"state": WAITING.value, "next_try_at": to_text(now), "ended_at": None, "error": None}
    return _change(config, numbers, states, values, "sent again", dry_run)


def drop(config: Config, now: datetime, numbers: Sequence[int], *, dry_run: bool = False) -> list[int]:
    """Have messages that wait, are held or dead never go out.

    Raises:
        NotKnownError: there is no such message.
        RefusedError: it is no longer waiting.
    """
    states = {NotificationState.WAITING, NotificationState.HELD, NotificationState.DEAD}
    values = {"state": NotificationState.DROPPED.value, "ended_at": to_text(now), "next_try_at": None}
    return _change(config, numbers, states, values, "dropped", dry_run)


def _change(
    config: Config,
    numbers: Sequence[int],
    states: set[NotificationState],
    values: Mapping[str, Any],
    what: str,
    dry_run: bool,
) -> list[int]:
    with writing(config.database, keep=not dry_run) as session:
        for number in numbers:
            row = session.get(Notification, number)
            if row is None:
                raise NotKnownError(f"there is no message {number}", "slactl notifications list")
            if NotificationState(row.state) not in states:
                raise RefusedError(f"message {number} is {row.state} and cannot be {what}", "slactl notifications list")
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)
    return list(numbers)


def _waiting(session: Session, now: str) -> list[Mapping[str, Any]]:
    note: Any = Notification
    fired: Any = Escalation
    ticket: Any = Ticket
    query = (
        select(
            note.id,
            note.recipient,
            note.ticket_id,
            note.escalation_id,
            fired.reason,
            fired.kind,
            fired.source,
            fired.due_at.label("fired_for"),
            ticket.external_id,
            ticket.tenant,
            ticket.status,
            ticket.priority,
            ticket.assignee,
            ticket.due_at,
            ticket.due_target,
        )
        .join(fired, fired.id == note.escalation_id)
        .join(ticket, ticket.id == note.ticket_id)
        .where(note.state == WAITING.value, note.next_try_at <= now)
        .order_by(note.id)
    )
    return [dict(row) for row in session.connection().execute(query).mappings()]


def _is_done(row: Mapping[str, Any]) -> bool:
    return Status(row["status"]).is_done


def _by_recipient(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["recipient"], []).append(row)
    return found


def _mark(
    session: Session, rows: Iterable[Mapping[str, Any]], state: NotificationState, now: datetime, run_id: int | None
) -> None:
    note: Any = Notification
    values = {"state": state.value, "ended_at": to_text(now), "next_try_at": None, "run_id": run_id}
    ids = [row["id"] for row in rows]
    for first in range(0, len(ids), 500):
        session.connection().execute(update(note).where(note.id.in_(ids[first : first + 500])).values(values))


def _line(row: Mapping[str, Any], now: datetime) -> str:
    place = f" {clean(row['external_id'])}" if row["external_id"] else ""
    tenant = f", {clean(row['tenant'])}" if row["tenant"] else ""
    due = ""
    if row["due_at"]:
        late = int((now - from_text(row["due_at"])).total_seconds())
        how = f"{describe_seconds(late)} late" if late > 0 else f"in {describe_seconds(-late)}"
        due = f", {row['due_target'].replace('_', ' ')} {how} ({row['due_at']})"
    whose = clean(row["assignee"]) if row["assignee"] else "nobody"
    return f"  ticket {row['ticket_id']}{place}: {clean(row['reason'])}; {row['priority']}{tenant}{due}, with {whose}"
