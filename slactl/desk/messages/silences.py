"""Hold messages back: during silences, maintenance and quiet hours, and while a ticket is acknowledged."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, overload
from zoneinfo import ZoneInfo

from slactl import committed
from slactl.clock import from_text, to_text
from slactl.desk.ledger.desk import Desk
from slactl.display_zone import describe
from slactl.errors import NotKnownError, RefusedError, UsageError
from slactl.records.runs import Silence
from slactl.sla.calendar import windows
from slactl.sla.calendar.calendar import NoOpenHours
from slactl.sla.enums import Priority
from slactl.sla.rules.match import Facts
from slactl.sla.rules.model import Person
from slactl.sla.rules.rules import Rules
from slactl.store.read import messages
from slactl.text import check_input, domain_of, known_or_refuse

if TYPE_CHECKING:
    from slactl.store.database import Transaction
    from slactl.typed_times import Hours, TypedTime

#: The end of `held_by` of a message that a person released: nothing holds it any more.
_RELEASED = ", released"

#: After how long a message is looked at again whose quiet time does not end.
LONGEST_QUIET = timedelta(days=31)

#: The longest comment of a silence, in characters.
COMMENT_LENGTH = 1000


class Hold(NamedTuple):
    """The reason why a message is held back, and the instant at which that ends unless somebody changes it."""

    held_by: str
    until: datetime


@dataclass(frozen=True, slots=True)
class NewSilence:
    """The silence that a person adds; it holds messages that match everything it names.

    `ends` is when it ends, or how long it lasts.
    """

    starts: "TypedTime"
    ends: "TypedTime | timedelta"
    tenant: str | None = None
    ticket: str | None = None
    escalation: str | None = None
    comment: str | None = None


def hold(
    row: Mapping[str, Any],
    silences: Sequence[Mapping[str, Any]],
    quiet: Sequence[Person],
    rules: Rules,
    now: datetime,
) -> Hold | None:
    """Return what holds a message of the outbox back at `now`, or None; `quiet` is whose quiet times do that."""
    if (row["held_by"] or "").endswith(_RELEASED):
        return None
    for silence in silences:
        named = [name for name in ("tenant", "ticket_id", "escalation") if silence[name] is not None]
        if all(silence[name] == row[name] for name in named):
            return Hold(held_by(silence["id"]), from_text(silence["ends_at"]))
    if row["source"] == "automatic" and row["acked_until"] and from_text(row["acked_until"]) > now:
        return Hold("an acknowledgement", from_text(row["acked_until"]))
    domain = domain_of(row["requester_email"] or "")
    facts = Facts(row["plan"], row["tenant"], tuple(row["tags"]), Priority(row["priority"]), domain)
    matching = (planned for planned in rules.maintenance if planned.match.matches(facts))
    stated = ((windows.windows(one.weekly), ZoneInfo(one.timezone) if one.timezone else None) for one in matching)
    ends = (windows.until(weekly, zone, now) for weekly, zone in stated)
    until = max((end for end in ends if end is not None), default=None)
    if until is not None:
        return Hold("maintenance", until)
    times = [entry for entry in quiet if row["priority"] not in entry.quiet_except]
    quiet_end = quiet_until(times, rules, now)
    return Hold("quiet hours", quiet_end) if quiet_end is not None else None


def held_by(number: int) -> str:
    """Return the name of a silence in the messages that it holds back."""
    return f"silence {number}"


def released_from(held_by: str) -> str:
    """Return what `held_by` says of a message that a person released."""
    return unreleased(held_by) + _RELEASED


@overload
def unreleased(held_by: str) -> str: ...
@overload
def unreleased(held_by: str | None) -> str | None: ...
def unreleased(held_by: str | None) -> str | None:
    """Return what holds or held a message back."""
    return held_by.removesuffix(_RELEASED) if held_by is not None else None


def quiet_until(entries: Sequence[Person], rules: Rules, now: datetime) -> datetime | None:
    """Return when the quiet time around `now` ends; None outside of it. The default zone is the machine's.

    Quiet time is that of the windows of any entry, and the time in which the calendar in its `only` is closed.
    """
    stated = [(windows.windows(entry.quiet), ZoneInfo(entry.timezone) if entry.timezone else None) for entry in entries]
    calendars = [rules.calendar(entry.only) for entry in entries if entry.only is not None]
    end = now
    while True:
        later = end
        for weekly, zone in stated:
            later = windows.until(weekly, zone, later) or later
        for calendar in calendars:
            with suppress(NoOpenHours):  # a calendar that has ended holds nothing for ever
                later = calendar.next_open(later)
        if later == end or later > now + LONGEST_QUIET:
            return later if later > now else None
        end = later


def add(desk: Desk, now: datetime, new: NewSilence, *, dry_run: bool = False) -> Silence:
    """Add a silence; return its record.

    Raises:
        UsageError: it ends before it begins, or has ended; no tenant, ticket or escalation is named; or the comment is
            too long or not a valid text.
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
            known_or_refuse(new.tenant, silences.tenants(book.transaction), "tenant", "slactl tenant list")
        if new.escalation is not None:
            names = [escalation.id for escalation in book.rulebook.current.escalations]
            known_or_refuse(new.escalation, names, "escalation", "slactl rules show")
        ticket = book.number_of(new.ticket) if new.ticket is not None else None
        starts_at, ends_at = _span(new, lambda: book.state(ticket).terms.calendar if ticket is not None else None, now)
        values = {
            "tenant": new.tenant,
            "ticket_id": ticket,
            "escalation": new.escalation,
            "comment": new.comment,
            "actor": desk.actor,
            "created_at": to_text(now),
            "starts_at": to_text(starts_at),
            "ends_at": to_text(ends_at),
        }
        number = silences.add(book.transaction, values)
        committed.add("silence", "added", [number])
        return _records(book.transaction, now)[number]


def _span(new: NewSilence, calendar: "Callable[[], Hours | None]", now: datetime) -> tuple[datetime, datetime]:
    """Return when a silence begins and ends; business days are those of the calendar of its ticket.

    Raises:
        UsageError: it ends before it begins, or has ended; or business days are typed where no calendar is known.
    """
    begin = new.starts if isinstance(new.starts, datetime) else new.starts.on(calendar())
    if isinstance(new.ends, timedelta):
        end = begin + new.ends
    else:
        end = new.ends if isinstance(new.ends, datetime) else new.ends.on(calendar())
    if end <= max(begin, now):
        begins = f"when it begins, {describe(begin)}" if begin > now else f"now, {describe(now)}"
        raise UsageError(f"the silence ends at {describe(end)}, not after {begins}", "slactl silence add --help")
    return begin, end


def _records(transaction: "Transaction", now: datetime) -> dict[int, Silence]:
    """Return every silence by its number."""
    return {silence["id"]: silence for silence in messages.silences(transaction, to_text(now), ended=True)}


def expire(
    desk: Desk, now: datetime, numbers: Sequence[int], *, dry_run: bool = False
) -> list[tuple[Silence, Silence]]:
    """End silences now; the next run looks at the messages that they held back. Return each before and after that.

    Raises:
        NotKnownError: there is no such silence.
        RefusedError: the silence has ended already.
    """
    from slactl.store.write import outbox, silences

    with desk.database.write(keep=not dry_run) as transaction:
        before = _records(transaction, now)
        for number in numbers:
            ends_at = silences.end_of(transaction, number)
            if ends_at is None:
                raise NotKnownError(f"there is no silence {number}", "slactl silence list --all")
            if ends_at <= to_text(now):
                raise RefusedError(f"silence {number} ended at {ends_at}", "slactl silence list")
            silences.end(transaction, number, to_text(now), desk.actor)
            outbox.release(transaction, held_by(number), to_text(now))
        committed.add("silence", "ended", numbers)
        after = _records(transaction, now)
    return [(before[number], after[number]) for number in numbers]
