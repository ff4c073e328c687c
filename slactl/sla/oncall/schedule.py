"""Say who is on call: a pure function of a schedule, its overrides, the absences and an instant.

All instants are whole seconds since 1970.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import NamedTuple, Protocol

from slactl.sla.calendar.calendar import BusinessCalendar
from slactl.sla.calendar.zone import DAY
from slactl.sla.oncall.rotation import Rotation

#: How many substitutes are asked one after the other.
MOST_STEPS = 5

#: How far `standing` looks back and ahead, in days: first a little, then more where nothing changes.
_HORIZONS = (8, 40, 400, 1600)


class FeedEvent(NamedTuple):
    """Hold [start, end) of an event of a calendar feed, and whom it names."""

    start: int
    end: int
    person: str


class Feed(Protocol):
    """Answer which events of a calendar feed lie around some instants."""

    @property
    def span(self) -> tuple[int, int]:
        """Return the [first, last) in which the events are known."""

    def events(self, a: int, b: int) -> Sequence[FeedEvent]:
        """Return the parts of events that count and overlap [a, b), by time; no two of them overlap."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Hold people who are on call one after the other; `hours` and `start` say when the layer has nobody."""

    people: tuple[str, ...]
    rotation: Rotation | None = None
    start: int | None = None
    hours: BusinessCalendar | None = None

    def turn(self, t: int) -> int | None:
        """Return the place of the person whose turn it is, or None where the layer has nobody."""
        if self.start is not None and t < self.start:
            return None
        if self.hours is not None and not self.hours.pieces_seconds(t, t + 1):
            return None
        number = self.rotation.turn(t) if self.rotation is not None else 0
        return number % len(self.people) if number is not None else None

    def changes(self, a: int, b: int) -> Iterator[int]:
        """Yield the instants in [a, b) at which the layer may have somebody else."""
        if self.start is not None:
            yield self.start
        if self.rotation is not None and len(self.people) > 1:
            yield from self.rotation.handovers(a, b)
        if self.hours is not None:
            for piece in self.hours.pieces_seconds(a, b):
                yield from piece


@dataclass(frozen=True, slots=True)
class Schedule:
    """Hold who is on call when: layers, of which the first that has somebody wins, or a calendar feed."""

    name: str
    timezone: str
    layers: tuple[Layer, ...] = ()
    feed: Feed | None = None

    def known(self, a: int, b: int) -> tuple[int, int]:
        """Return the part of [a, b) in which the schedule knows who is on call; it may be empty."""
        if self.feed is None:
            return a, b
        first, last = self.feed.span
        return max(a, first), min(b, last)


@dataclass(frozen=True, slots=True)
class Override:
    """Let one person be on call for a schedule in [start, end); of several, the highest number counts."""

    schedule: str
    person: str
    start: int
    end: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class Absence:
    """Hold [start, end) in which a person is away, and who replaces the person; of several, the highest number counts.

    Without a substitute the schedules decide who comes next.
    """

    person: str
    start: int
    end: int
    substitute: str | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Exceptions:
    """Hold what people entered: overrides, and absences.

    Whoever is not one of the `people` is on call for nobody; None allows every name.
    """

    overrides: tuple[Override, ...] = ()
    absences: tuple[Absence, ...] = ()
    people: frozenset[str] | None = None

    def knows(self, person: str) -> bool:
        """Return whether a person may be on call or stand in."""
        return self.people is None or person in self.people

    def absence(self, person: str, t: int) -> Absence | None:
        """Return the absence of a person at an instant, the one that was entered last; None if there is none."""
        found = (away for away in self.absences if away.person == person and away.start <= t < away.end)
        return max(found, key=lambda away: away.number, default=None)

    def on_call(self, person: str, source: str, t: int) -> "OnCall | None":
        """Return who is on call where a source names a person at an instant; None if nobody known stands in."""
        found = self.stand_in(person, t)
        if found is None or not self.knows(found):
            return None
        return OnCall(found, source, person if found != person else None)

    def stand_in(self, person: str, t: int) -> str | None:
        """Return the person, or who replaces the person at an instant: the substitute of the substitute, and so on.

        None is nobody, also where more than `MOST_STEPS` people replace each other. A substitute who is not known
        stands in for nobody; the person may be anybody.
        """
        for step in range(MOST_STEPS + 1):
            away = self.absence(person, t)
            if away is None:
                return person if step == 0 or self.knows(person) else None
            if away.substitute is None:
                return None
            person = away.substitute
        return None

    def circle(self, new: Absence) -> tuple[str, ...]:
        """Return the people who would replace each other in a circle with a new absence, or nothing."""
        chains = self._chains(new, [new.person])
        return next((people for people in chains if people[-1] in people[:-1]), ())

    def too_long(self, new: Absence) -> tuple[str, ...]:
        """Return more than `MOST_STEPS` people who would replace each other with a new absence, or nothing.

        Nobody stands in for the first of them.
        """
        chains = self._chains(new, dict.fromkeys([new.person, *(away.person for away in self.absences)]))
        return next((people for people in chains if len(people) > MOST_STEPS + 1 and new.person in people), ())

    def _chains(self, new: Absence, people: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """Yield who replaces whom with a new absence, from some people on, whenever that changes; a circle ends it."""
        last = max((away.number for away in self.absences), default=0)
        absences = Exceptions(absences=(*self.absences, replace(new, number=last + 1)))
        edges = {t for away in self.absences for t in (away.start, away.end) if new.start < t < new.end}
        for t, first in product((new.start, *sorted(edges)), people):
            chain = [first]
            while chain[-1] not in chain[:-1] and (away := absences.absence(chain[-1], t)) is not None:
                if away.substitute is None:
                    break
                chain.append(away.substitute)
            yield tuple(chain)


#: Nobody entered anything.
NO_EXCEPTIONS = Exceptions()


class OnCall(NamedTuple):
    """Hold who is on call (None is nobody), where that comes from, and the person who is away and replaced."""

    person: str | None
    source: str | None = None
    instead_of: str | None = None


class Shift(NamedTuple):
    """Hold [start, end) in which the same person is on call for the same reason."""

    start: int
    end: int
    on_call: OnCall


def on_call(schedule: Schedule, t: int, exceptions: Exceptions = NO_EXCEPTIONS) -> OnCall:
    """Return who is on call at an instant.

    Overrides come first, then the layers from the top, or the feed. Substitutes replace people who are away; those whom
    the exceptions do not know count as away. Without a substitute an override yields to the layers, a layer to the next
    person in its rotation and then to the next layer, and a feed to nobody.
    """
    of_schedule = (
        each for each in exceptions.overrides if each.schedule == schedule.name and each.start <= t < each.end
    )
    override = max(of_schedule, key=lambda each: each.number, default=None)
    if override is not None and (found := exceptions.on_call(override.person, "override", t)) is not None:
        return found
    if schedule.feed is not None:
        event = next(iter(schedule.feed.events(t, t + 1)), None)
        return (event and exceptions.on_call(event.person, "feed", t)) or OnCall(None)
    for number, layer in enumerate(schedule.layers, 1):
        turn = layer.turn(t)
        if turn is not None and (found := _in_layer(layer.people, turn, f"layer {number}", t, exceptions)) is not None:
            return found
    return OnCall(None)


def _in_layer(people: Sequence[str], turn: int, source: str, t: int, exceptions: Exceptions) -> OnCall | None:
    found = exceptions.on_call(people[turn], source, t)
    if found is not None:
        return found
    others = (people[(turn + step) % len(people)] for step in range(1, len(people)))
    present = next((person for person in others if exceptions.absence(person, t) is None), None)
    return OnCall(present, source, people[turn]) if present is not None else None


def shifts(schedule: Schedule, a: int, b: int, exceptions: Exceptions = NO_EXCEPTIONS) -> list[Shift]:
    """Return who is on call in [a, b), nobody included, in order and without holes."""
    found: list[Shift] = []
    if a >= b:
        return found
    edges = {a, b, *(t for t in _changes(schedule, a, b, exceptions) if a < t < b)}
    for start, end in pairwise(sorted(edges)):
        now = on_call(schedule, start, exceptions)
        if found and found[-1].on_call == now:
            found[-1] = found[-1]._replace(end=end)
        else:
            found.append(Shift(start, end, now))
    return found


def _changes(schedule: Schedule, a: int, b: int, exceptions: Exceptions) -> Iterator[int]:
    """Yield the instants at which somebody else may be on call."""
    ranges: list[Iterable[Override | Absence | FeedEvent]] = [exceptions.overrides, exceptions.absences]
    if schedule.feed is not None:
        ranges.append(schedule.feed.events(a, b))
    for entries in ranges:
        for entry in entries:
            yield from (entry.start, entry.end)
    for layer in schedule.layers:
        yield from layer.changes(a, b)


class Standing(NamedTuple):
    """Hold who is on call at an instant, since when and until when, and who is the next person and from when.

    `since` and `until` are None where nothing changes within some years, or in the months of a feed that are read.
    """

    on_call: OnCall
    since: int | None
    until: int | None
    next_person: str | None
    next_at: int | None


def standing(schedule: Schedule, t: int, exceptions: Exceptions = NO_EXCEPTIONS) -> Standing:
    """Return who is on call at an instant, and who was and will be around it."""
    now = on_call(schedule, t, exceptions)
    since = until = None
    following: Shift | None = None
    for days in _HORIZONS:
        if since is None:
            before = shifts(schedule, *schedule.known(t - days * DAY, t + 1), exceptions)
            since = next((shift.end for shift in reversed(before) if shift.on_call.person != now.person), None)
        if following is None:
            after = shifts(schedule, *schedule.known(t, t + days * DAY), exceptions)
            until = next((shift.start for shift in after if shift.on_call.person != now.person), None)
            beyond = (shift for shift in after if until is not None and shift.start >= until and shift.on_call.person)
            following = next(beyond, None)
        if since is not None and following is not None:
            break
    person = following.on_call.person if following is not None else None
    return Standing(now, since, until, person, following.start if following is not None else None)
