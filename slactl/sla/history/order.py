"""Put the lines of one ticket in order, and find those that do not fit together."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from slactl.clock import to_text
from slactl.sla.enums import EventType
from slactl.sla.history.event import Event
from slactl.sla.history.file import Line
from slactl.sla.history.readers import LineError

#: A line of a file, and its number there.
Numbered = tuple[int, Line]

#: What nobody can take back: the opening, rules that were applied, and notes for people.
LASTING = frozenset(
    (EventType.CREATED, EventType.RULES_APPLIED, EventType.BREACHED, EventType.CORRECTED, EventType.DEADLINES)
)


def in_order(
    lines: Iterable[Numbered], opened: datetime | None = None, recorded: Sequence[Event] = ()
) -> tuple[list[Line], list[tuple[int, LineError]]]:
    """Return the lines of one ticket in order of time, from its creation on, and the lines that do not fit.

    Lines of one instant keep the order of the file, but the creation comes first. With `opened` the ticket is known
    and was created then, so that its creation may be missing here; `recorded` is its history so far.
    """
    created = EventType.CREATED
    ordered = sorted(lines, key=lambda numbered: (numbered[1].event.at, numbered[1].event.type is not created))
    problems: list[tuple[int, LineError]] = []
    history: list[Line] = []
    start = next((line.event.at for _, line in ordered if line.event.type is created), opened)
    if opened is not None and start != opened and start is not None:
        at, start = start, opened
        reason = f"ticket {ordered[0][1].ticket} was created at {to_text(opened)}, not at {to_text(at)}"
        problems += [(number, LineError("at", reason)) for number, line in ordered if line.event.type is created]
        ordered = [(number, line) for number, line in ordered if line.event.type is not created]
    known = {event.id: event for event in recorded if event.id is not None}
    # A retraction may stand before the line that it names, if both are of one instant.
    named = {line.event.id: line.event for _, line in reversed(ordered) if line.event.id is not None} | known
    for number, line in ordered:
        problem = _misplaced(line, start, is_first=not history) or _wrong_id(line.event, known, named)
        if problem is not None:
            problems.append((number, problem))
            continue
        history.append(line)
        if line.event.id is not None:
            known[line.event.id] = line.event
    return history, problems


def by_source(lines: Iterable[Numbered]) -> dict[str | None, list[Numbered]]:
    """Return the lines of one name by the source of their ticket; names are unique only within one source.

    A line without a source belongs to the only source that other lines of the name have, if there is just one.
    """
    found: dict[str | None, list[Numbered]] = {}
    lines = list(lines)
    sources = {line.source for _, line in lines} - {None}
    only = next(iter(sources)) if len(sources) == 1 else None
    for number, line in lines:
        found.setdefault(line.source or only, []).append((number, line))
    return found


def _misplaced(line: Line, start: datetime | None, *, is_first: bool) -> LineError | None:
    """Return why a line cannot stand here, or None if it can."""
    kind = line.event.type
    if start is None or line.event.at < start:
        reason = "is before the ticket was created" if start is not None else "but the ticket was never created"
        return LineError("at", f"{kind.value} of ticket {line.ticket} {reason}")
    if kind is EventType.CREATED and not is_first:
        return LineError("type", f"ticket {line.ticket} is created a second time")
    return None


def _wrong_id(event: Event, known: dict[str, Event], named: dict[str, Event]) -> LineError | None:
    """Return what is wrong with the id of an event, or with the ids that it retracts; None if nothing is.

    `known` are the events of earlier lines, `named` all events of the ticket that have an id.
    """
    same = known.get(event.id) if event.id is not None else None
    if same is not None and _named(same) != _named(event):
        return LineError("id", f"{str(event.id)[:60]!r} is also the id of another line")
    if event.type is EventType.RETRACTED:
        return next(_unretractable(event, named), None)
    return None


def _unretractable(event: Event, named: dict[str, Event]) -> Iterator[LineError]:
    for name in event.detail["events"]:
        meant = named.get(name)
        if meant is None or meant.at > event.at:
            yield LineError("events", f"no earlier line of the ticket has the id {name[:60]!r}")
        elif meant.type in LASTING or (meant.type is EventType.ESCALATED and meant.by_system):
            yield LineError("events", f"{name[:60]!r} is {meant.type.value}, which cannot be retracted")


def with_recorded_ids(lines: Sequence[Numbered], recorded: Sequence[Event]) -> tuple[list[Numbered], Sequence[Event]]:
    """Return the lines of a known ticket, and its history so far, without the ids that do not name one event.

    A line that the ticket has already keeps its id only if it was recorded with that id. If another event of the ticket
    has the same id, the id names neither event.
    """
    left, kept, twice = Counter(map(_named, recorded)), list[Numbered](), set[str]()
    names = {event.id: _named(event) for event in recorded if event.id is not None}
    for number, line in lines:
        event, key = line.event, _named(line.event)
        is_known = left[key] > 0
        left[key] -= is_known
        holder = names.get(event.id) if event.id is not None else None
        twice.update([event.id] if event.id is not None and holder not in (None, key) else [])
        is_own = holder == key if is_known else holder is None
        kept.append((number, line if is_own else replace(line, event=replace(event, id=None))))
    return kept, [event for event in recorded if event.id not in twice]


def _named(event: Event) -> tuple[datetime, EventType, str]:
    """Return what identifies an event within its ticket."""
    return event.at, event.type, event.value
