"""Hold messages back: during a silence, in the quiet hours of a role, while a ticket is acknowledged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from slactl import committed
from slactl.clock import from_text, local_instant, to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.messages.recipients import Recipient
from slactl.durations import Duration
from slactl.errors import NotKnownError, RefusedError, UsageError
from slactl.sla.calendar.written import interval
from slactl.text import check_input, known_or_refuse

#: How often an acknowledgement is looked at again, because `unack` releases no message by itself.
ACKNOWLEDGED_AGAIN = timedelta(minutes=15)

#: The longest comment of a silence, in characters.
COMMENT_LENGTH = 1000


class Hold(NamedTuple):
    """The reason why a message is held back, and the instant at which it is looked at again."""

    held_by: str
    until: datetime


@dataclass(frozen=True, slots=True)
class NewSilence:
    """The silence that a person adds; it holds back the messages that match everything it names."""

    lasting: Duration
    tenant: str | None = None
    ticket: str | None = None
    escalation: str | None = None
    comment: str | None = None


def hold(
    row: Mapping[str, Any], silences: Sequence[Mapping[str, Any]], recipient: Recipient, now: datetime
) -> Hold | None:
    """Return what holds a message of the outbox back at `now`, or None."""
    for silence in silences:
        named = [name for name in ("tenant", "ticket_id", "escalation") if silence[name] is not None]
        if all(silence[name] == row[name] for name in named):
            return Hold(held_by(silence["id"]), from_text(silence["ends_at"]))
    if row["source"] == "automatic" and row["acked_until"] and from_text(row["acked_until"]) > now:
        return Hold("an acknowledgement", min(from_text(row["acked_until"]), now + ACKNOWLEDGED_AGAIN))
    until = quiet_until(recipient.quiet, recipient.timezone, now) if recipient.quiet is not None else None
    return Hold("quiet hours", until) if until is not None else None


def held_by(number: int) -> str:
    """Return the name of a silence in the messages that it holds back."""
    return f"silence {number}"


def quiet_until(quiet: str, timezone: str | None, now: datetime) -> datetime | None:
    """Return when the quiet hours around `now` end; None outside of them. The default zone is the machine's."""
    zone: tzinfo | None = ZoneInfo(timezone) if timezone is not None else None
    start, end = interval(quiet)
    for day in (now.astimezone(zone).date() - timedelta(days=1), now.astimezone(zone).date()):
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001  (made aware below, in either zone)
        local = [midnight + timedelta(seconds=seconds) for seconds in (start, end)]
        opens, closes = (local_instant(time) if zone is None else time.replace(tzinfo=zone) for time in local)
        if opens <= now < closes:
            return closes
    return None


def add(desk: Desk, now: datetime, new: NewSilence, *, dry_run: bool = False) -> int:
    """Add a silence that begins now; return its number.

    Raises:
        UsageError: no tenant, ticket or escalation is named, or the comment is too long or not a valid text.
        NotKnownError: there is no such tenant, ticket or escalation.
    """
    from slactl.desk.ledger.ledger import ledger
    from slactl.store.write import silences

    if new.tenant is None and new.ticket is None and new.escalation is None:
        raise UsageError("name at least one of --tenant, --ticket, --escalation", "slactl silence add --help")
    if new.comment is not None:
        check_input(new.comment, "the comment", least=1, most=COMMENT_LENGTH)
    with ledger(desk, now, keep=not dry_run) as book:
        if new.tenant is not None:
            known_or_refuse(new.tenant, silences.tenants(book.models), "tenant", "slactl tenant list")
        if new.escalation is not None:
            names = [escalation.id for escalation in book.rulebook.current.escalations]
            known_or_refuse(new.escalation, names, "escalation", "slactl rules show")
        values = {
            "tenant": new.tenant,
            "ticket_id": book.number_of(new.ticket) if new.ticket is not None else None,
            "escalation": new.escalation,
            "comment": new.comment,
            "actor": desk.actor,
            "created_at": to_text(now),
            "ends_at": to_text(now + timedelta(seconds=new.lasting.seconds)),
        }
        number = silences.add(book.models, values)
        committed.add("silence", "added", [number])
    return number


def expire(desk: Desk, now: datetime, numbers: Sequence[int], *, dry_run: bool = False) -> list[int]:
    """End silences now; the next run looks at the messages that they held back.

    Raises:
        NotKnownError: there is no such silence.
        RefusedError: the silence has ended already.
    """
    from slactl.store.write import outbox, silences

    with desk.database.write_models(keep=not dry_run) as transaction:
        for number in numbers:
            ends_at = silences.end_of(transaction, number)
            if ends_at is None:
                raise NotKnownError(f"there is no silence {number}", "slactl silence list --all")
            if ends_at <= to_text(now):
                raise RefusedError(f"silence {number} ended at {ends_at}", "slactl silence list")
            silences.end(transaction, number, to_text(now), desk.actor)
            outbox.release(transaction, held_by(number), to_text(now))
        committed.add("silence", "ended", numbers)
    return list(numbers)
