"""Times in which messages wait: silences that people set, the quiet hours of a role, a ticket somebody has."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from slactl.clock import Duration, from_text, to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.messages.recipients import Addressee
from slactl.errors import NotKnownError, RefusedError, UsageError
from slactl.sla.rules.hours import interval
from slactl.text import check_input, known_or_refuse

#: How soon it is looked at again whether somebody still has the ticket: `unack` gives no other sign.
ACKNOWLEDGED_AGAIN = timedelta(minutes=15)

#: The longest comment of a silence, in characters.
COMMENT_LENGTH = 1000


class Hold(NamedTuple):
    """What a message waits for, and when it is looked at again."""

    held_by: str
    until: datetime


@dataclass(frozen=True, slots=True)
class NewSilence:
    """What `silence add` was told; where several are named, what is all of them is silent."""

    lasting: Duration
    tenant: str | None = None
    ticket: str | None = None
    escalation: str | None = None
    comment: str | None = None


def hold(
    row: Mapping[str, Any], silences: Sequence[Mapping[str, Any]], addressee: Addressee, now: datetime
) -> Hold | None:
    """What keeps a message of the outbox back at `now`, or None."""
    for silence in silences:
        named = [name for name in ("tenant", "ticket_id", "escalation") if silence[name] is not None]
        if all(silence[name] == row[name] for name in named):
            return Hold(held_by(silence["id"]), from_text(silence["ends_at"]))
    if row["source"] == "automatic" and row["acked_until"] and from_text(row["acked_until"]) > now:
        return Hold("an acknowledgement", min(from_text(row["acked_until"]), now + ACKNOWLEDGED_AGAIN))
    until = quiet_until(addressee.quiet, addressee.timezone, now) if addressee.quiet is not None else None
    return Hold("quiet hours", until) if until is not None else None


def held_by(number: int) -> str:
    """What a silence is called where messages wait for its end."""
    return f"silence {number}"


def quiet_until(quiet: str, timezone: str | None, now: datetime) -> datetime | None:
    """When the quiet hours around `now` end; None outside of them. Without a zone they are in the machine's own."""
    zone: tzinfo | None = ZoneInfo(timezone) if timezone is not None else None
    start, end = interval(quiet)
    for day in (now.astimezone(zone).date() - timedelta(days=1), now.astimezone(zone).date()):
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001  (made aware below, in either zone)
        opens, closes = (_aware(midnight + timedelta(seconds=each), zone) for each in (start, end))
        if opens <= now < closes:
            return closes
    return None


def _aware(local: datetime, zone: tzinfo | None) -> datetime:
    return local.astimezone() if zone is None else local.replace(tzinfo=zone)


def add(desk: Desk, now: datetime, new: NewSilence, *, dry_run: bool = False) -> int:
    """Silence messages from now on; returns the number of the silence.

    Raises:
        UsageError: nothing is named, or the comment is no text.
        NotKnownError: there is no such tenant, ticket or escalation.
    """
    from slactl.desk.ledger.ledger import ledger
    from slactl.store.schema.models import Silence

    _check(new)
    with ledger(desk, now, keep=not dry_run) as book:
        if new.tenant is not None:
            _known_tenant(book.session, new.tenant)
        if new.escalation is not None:
            _known(new.escalation, [each.id for each in book.rulebook.current.escalations], "escalation", "rules show")
        row = Silence(
            tenant=new.tenant,
            ticket_id=book.number_of(new.ticket) if new.ticket is not None else None,
            escalation=new.escalation,
            comment=new.comment,
            actor=desk.actor,
            created_at=to_text(now),
            ends_at=to_text(now + timedelta(seconds=new.lasting.seconds)),
        )
        book.session.add(row)
        book.session.flush()
        assert row.id is not None
        return row.id


def _check(new: NewSilence) -> None:
    if new.tenant is None and new.ticket is None and new.escalation is None:
        raise UsageError("what is to be silent?", "slactl silence add --ticket 12 --for 2h --comment 'known outage'")
    if new.comment is not None:
        check_input(new.comment, "the comment", least=1, most=COMMENT_LENGTH)


def expire(desk: Desk, now: datetime, numbers: Sequence[int], *, dry_run: bool = False) -> list[int]:
    """End silences now; what waits for their end is looked at by the next run.

    Raises:
        NotKnownError: there is no such silence.
        RefusedError: it is over already.
    """
    from slactl.store.schema.models import Silence
    from slactl.store.write import outbox

    with desk.database.write_models(keep=not dry_run) as session:
        for number in numbers:
            row = session.get(Silence, number) if number < 2**63 else None
            if row is None:
                raise NotKnownError(f"there is no silence {number}", "slactl silence list --all")
            if row.ends_at <= to_text(now):
                raise RefusedError(f"silence {number} ended at {row.ends_at}", "slactl silence list")
            row.ends_at, row.expired_by = to_text(now), desk.actor
            session.add(row)
            session.flush()
            outbox.release(session.connection(), held_by(number), to_text(now))
    return list(numbers)


def _known_tenant(session: Any, name: str) -> None:  # noqa: ANN401  (SQLModel's session)
    from sqlmodel import select

    from slactl.store.schema.models import Tenant, Ticket

    known = set(session.exec(select(Tenant.name))) | set(session.exec(select(Ticket.tenant).distinct()))
    _known(name, sorted(each for each in known if each), "tenant", "tenant list")


def _known(name: str, there: Iterable[str], what: str, command: str) -> None:
    known_or_refuse(name, list(there), what, f"slactl {command}")
