"""Read the tickets of a list: turn the filters of `list` into one SQL condition."""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from slactl.clock import to_text
from slactl.sla.enums import Priority, Status
from slactl.store.read.rows import numbers
from slactl.store.read.tickets import tickets
from slactl.store.schema import views

if TYPE_CHECKING:
    from slactl.records.tickets import Ticket

#: The timer of each target in the SELECT of the tickets.
TIMERS = {"first_response": "fr", "next_response": "nr", "update": "up", "resolution": "rs"}

OPEN_STATUSES = tuple(status.value for status in Status if not status.is_done)

#: The most matches that are counted: nobody needs an exact larger number, and counting takes time.
COUNTED = 10_000

_RANKED = " ".join(f"WHEN '{priority.value}' THEN {priority.rank}" for priority in Priority)

#: The highest priority first, then the earliest deadline.
_BY_PRIORITY = f"CASE t.priority {_RANKED} END DESC, t.due_at IS NULL, t.due_at, t.id"

#: The orders of a list: earliest deadline, overdue before highest priority, newest, last changed, highest priority.
ORDERS = {
    "due": "t.due_at, t.id",
    "urgency": f"COALESCE(t.due_at < :now, 0) DESC, {_BY_PRIORITY}",
    "created": "t.created_at DESC, t.id DESC",
    "updated": "t.updated_at DESC, t.id DESC",
    "priority": _BY_PRIORITY,
}

Value = TypeVar("Value")


class Choice(NamedTuple, Generic[Value]):
    """The values of one filter: a ticket has one of `wanted`, or any if there are none, and none of `unwanted`.

    A ticket without a value has none of `unwanted`.
    """

    wanted: Sequence[Value] = ()
    unwanted: Sequence[Value] = ()

    def __bool__(self) -> bool:
        """Return whether the choice excludes any ticket."""
        return bool(self.wanted or self.unwanted)


class Span(NamedTuple):
    """The instants from `since` up to `until` (stored text), which is excluded; None has no limit on that side."""

    since: str | None = None
    until: str | None = None


class TicketFilter(NamedTuple):
    """The filters of `list`, which are joined by "and".

    `due_within` is in seconds. `targets` limits the filters about deadlines to these targets; alone it means
    that one of them is still open. No wanted status, no wanted `resolved` and not `with_done` means the open tickets.
    """

    breached: bool = False
    ever_breached: bool = False
    due_within: int | None = None
    targets: Sequence[str] = ()
    paused: bool = False
    escalated: bool = False
    unassigned: bool = False
    no_sla: bool = False
    with_done: bool = False
    statuses: Choice[str] = Choice()
    priorities: Choice[str] = Choice()
    plans: Choice[str] = Choice()
    tenants: Choice[str] = Choice()
    sources: Choice[str] = Choice()
    assignees: Choice[str] = Choice()
    requesters: Choice[str] = Choice()
    tags: Choice[str] = Choice()
    created: Choice[Span] = Choice()
    updated: Choice[Span] = Choice()
    resolved: Choice[Span] = Choice()
    due: Choice[Span] = Choice()
    search: Sequence[str] = ()


def find(
    connection: sqlite3.Connection, wanted: TicketFilter, now: str, *, sort: str = "due", limit: int = 0
) -> "Iterator[Ticket]":
    """Return the tickets that match at `now` (text), at most `limit` of them; 0 is all."""
    where, parameters = _prepared(connection, wanted, now)
    if sort != "due":
        return tickets(connection, now, where, parameters, ORDERS[sort], limit)
    # Two reads in the order of an index, instead of one that has to sort: first those with a deadline, then the rest.
    rest = () if needs_deadline(wanted) else ("t.due_at IS NULL",)
    halves = (
        record
        for half in ("t.due_at IS NOT NULL", *rest)
        for record in tickets(connection, now, f"{where} AND {half}", parameters, ORDERS[sort], limit)
    )
    return islice(halves, limit or None)


def by_number(connection: sqlite3.Connection, now: str, wanted: Sequence[int] | None = None) -> "Iterator[Ticket]":
    """Return the tickets with these numbers at `now` (text), or all tickets, in the order of their numbers."""
    return tickets(connection, now, "1" if wanted is None else f"t.id IN ({numbers(wanted)})", order="t.id")


def count(connection: sqlite3.Connection, wanted: TicketFilter, now: str) -> int:
    """Return the number of tickets that match at `now`; counting stops above `COUNTED`."""
    return _matches(connection, wanted, now, "1", COUNTED + 1)


def any_breached(connection: sqlite3.Connection, wanted: TicketFilter, now: str) -> bool:
    """Return whether a ticket that matches has an open overdue target at `now`."""
    return _matches(connection, wanted, now, "t.due_at < :now", 1) > 0


def _matches(connection: sqlite3.Connection, wanted: TicketFilter, now: str, also: str, most: int) -> int:
    where, parameters = _prepared(connection, wanted, now)
    query = (
        f"SELECT COUNT(*) FROM (SELECT 1 FROM {views.ticket_source(':now')} WHERE {where} AND {also} LIMIT {most:d})"
    )
    (number,) = connection.execute(query, {**parameters, "now": now}).fetchone()
    assert isinstance(number, int)
    return number


def _prepared(connection: sqlite3.Connection, wanted: TicketFilter, now: str) -> tuple[str, dict[str, Any]]:
    if not all(needle.isascii() for needle in wanted.search):
        connection.create_function("casefold", 1, lambda text: text and text.casefold(), deterministic=True)
    return condition(wanted, now)


def condition(wanted: TicketFilter, now: str) -> tuple[str, dict[str, Any]]:
    """Return the SQL over `t`, `fr`, `nr`, `up`, `rs` for a filter, and its parameters besides `:now`."""
    parameters: dict[str, Any] = {}
    parts = [*_standing(wanted), *_deadlines(wanted, now, parameters)]
    for column, choice in (
        ("status", wanted.statuses),
        ("priority", wanted.priorities),
        ("plan", wanted.plans),
        ("tenant", wanted.tenants),
        ("source", wanted.sources),
        ("assignee", wanted.assignees),
        ("requester_email", wanted.requesters),
    ):
        parts += _chosen(choice, f"t.{column} IN ({{}})", parameters)
    one_tag = "EXISTS (SELECT 1 FROM json_each(t.tags) tag WHERE tag.value IN ({}))"
    parts += _chosen(wanted.tags, one_tag, parameters)
    for column, spans in (
        ("created_at", wanted.created),
        ("updated_at", wanted.updated),
        ("resolved_at", wanted.resolved),
    ):
        parts += _within(spans, [f"t.{column}"], parameters)
    if wanted.search:
        parts.append(_search(wanted.search, parameters))
    return " AND ".join(parts) or "1", parameters


def _chosen(choice: Choice[str], has_one: str, parameters: dict[str, Any]) -> Iterator[str]:
    """Yield the conditions of a choice; `has_one` is the condition of a list of values."""
    if choice.wanted:
        yield has_one.format(_bound(choice.wanted, parameters))
    if choice.unwanted:
        yield f"IFNULL({has_one.format(_bound(choice.unwanted, parameters))}, 0) = 0"


def _within(choice: Choice[Span], instants: Sequence[str], parameters: dict[str, Any]) -> Iterator[str]:
    """Yield the conditions that one of some instants (SQL) lies in a wanted span, and none in an unwanted one."""

    def one_within(spans: Sequence[Span]) -> str:
        return any_of([_lies_in(instant, span, parameters) for instant in instants for span in spans])

    if choice.wanted:
        yield one_within(choice.wanted)
    if choice.unwanted:
        yield f"IFNULL({one_within(choice.unwanted)}, 0) = 0"


def _lies_in(instant: str, span: Span, parameters: dict[str, Any]) -> str:
    sides = [f"{instant} >= {_bound([span.since], parameters)}"] if span.since is not None else []
    sides += [f"{instant} < {_bound([span.until], parameters)}"] if span.until is not None else []
    return " AND ".join(sides) or f"{instant} IS NOT NULL"


def needs_deadline(wanted: TicketFilter) -> bool:
    """Return whether only open tickets with a deadline can match."""
    return wanted.breached or wanted.due_within is not None or bool(wanted.due.wanted)


def _standing(wanted: TicketFilter) -> Iterator[str]:
    only_open = all(status in OPEN_STATUSES for status in wanted.statuses.wanted)
    with_done = wanted.with_done or wanted.resolved.wanted
    if needs_deadline(wanted) or (only_open and (wanted.statuses.wanted or not with_done)):
        # Stated even if it follows from the rest, so that SQLite uses the index of the open tickets.
        yield views.OPEN
    if wanted.escalated:
        yield "t.escalated"
    if wanted.unassigned:
        yield "t.assignee IS NULL"
    if wanted.no_sla:
        yield " AND ".join(f"{timer}.id IS NULL" for timer in TIMERS.values())


def _deadlines(wanted: TicketFilter, now: str, parameters: dict[str, Any]) -> Iterator[str]:
    chosen = [target for target in TIMERS if target in wanted.targets] or list(TIMERS)
    timers = [TIMERS[target] for target in chosen]
    narrowed = len(chosen) < len(TIMERS)
    if wanted.breached:
        # The earliest open deadline is in the index; it is late whenever any is.
        yield "t.due_at < :now"
        if narrowed:
            yield any_of(f"{timer}.stopped_at IS NULL AND {timer}.due_at < :now" for timer in timers)
    if wanted.due_within is not None:
        parameters["soon"] = later(now, wanted.due_within)
        yield "t.due_at <= :soon" if narrowed else "t.due_at BETWEEN :now AND :soon"
        if narrowed:
            yield any_of(f"{timer}.stopped_at IS NULL AND {timer}.due_at BETWEEN :now AND :soon" for timer in timers)
    if wanted.ever_breached:
        yield _ever_breached(chosen) if narrowed else "(t.missed OR t.due_at < :now)"
    if wanted.paused:
        yield any_of(f"{timer}.stopped_at IS NULL AND {timer}.state = 'paused'" for timer in timers)
    # The earliest open deadline of a ticket is its own; each target's is that of its timer.
    dues = [f"CASE WHEN {timer}.stopped_at IS NULL THEN {timer}.due_at END" for timer in timers]
    yield from _within(wanted.due, dues if narrowed else ["t.due_at"], parameters)
    about_deadlines = wanted.breached or wanted.due_within is not None or wanted.ever_breached or wanted.paused
    about_deadlines = about_deadlines or bool(wanted.due.wanted)
    if narrowed and not about_deadlines:
        # Not `IS NOT NULL`: SQLite would take it for an inner join and begin with all the timers there are.
        yield any_of(f"IFNULL({timer}.id, 0) > 0 AND {timer}.stopped_at IS NULL" for timer in timers)


def _ever_breached(targets: Sequence[str]) -> str:
    kinds = ", ".join(f"'{target}'" for target in targets)
    return (
        f"EXISTS (SELECT 1 FROM {views.timers(':now')} WHERE r.ticket_id = t.id AND r.kind IN ({kinds})"
        f" AND {views.breach_condition(':now')})"
    )


def _search(needles: Sequence[str], parameters: dict[str, Any]) -> str:
    """Return the condition that subject, requester, external id or a message contains one of the texts."""
    parts = []
    for place, needle in enumerate(needles):
        name = f"search_{place}"
        parameters[name] = needle.casefold()
        parts += [_holds(f"t.{column}", name, needle) for column in ("subject", "requester_email", "external_id")]
        written = "SELECT e.ticket_id FROM event_text w JOIN event e ON e.id = w.event_id WHERE w.field = 'body'"
        parts.append(f"t.id IN ({written} AND {_holds('w.text', name, needle)})")
    return any_of(parts)


def _holds(text: str, name: str, needle: str) -> str:
    # SQLite's own lower() is quick, but knows ASCII only; for the rest Python folds each text.
    fold = "lower" if needle.isascii() else "casefold"
    return f"instr({fold}({text}), :{name}) > 0"


def later(instant: str, seconds: int) -> str:
    """Return an instant in stored text, some seconds later."""
    from datetime import timedelta

    from slactl.clock import from_text

    return to_text(from_text(instant) + timedelta(seconds=seconds))


def any_of(parts: Iterator[str] | Sequence[str]) -> str:
    """Return the condition that at least one of some conditions holds."""
    return "(" + " OR ".join(f"({part})" for part in parts) + ")"


def _bound(values: Sequence[object], parameters: dict[str, Any]) -> str:
    """Return the placeholders of some values, which go to the parameters."""
    names = [f"value_{len(parameters) + place}" for place in range(len(values))]
    parameters.update(zip(names, values, strict=True))
    return ", ".join(f":{each}" for each in names)
