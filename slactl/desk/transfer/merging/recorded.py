"""Tell which events of a row are new, given those of its ticket so far, and name those that a row takes back."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import NamedTuple

from slactl.clock import to_text
from slactl.desk.transfer.row_events import TOLD
from slactl.sla.history.effective import retracted_names
from slactl.sla.history.event import Event
from slactl.sla.history.order import Numbered
from slactl.store.read.events import Identities

#: What identifies an event within its ticket: instant, type and value.
Key = tuple[str, str, str]


class Written(NamedTuple):
    """Hold who wrote a message, and its text; both are None where nobody knows."""

    author: str | None
    body: str | None


@dataclass(slots=True)
class Recorded:
    """The events of a ticket so far: those in the database, and those that earlier rows of the file told.

    `known` counts them; `messages` reads the messages in the database by their keys.
    """

    known: Identities = field(default_factory=Identities)
    history: Sequence[Event] = ()
    messages: Callable[[], dict[Key, list[Written]]] = dict
    _told: list[Numbered] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.known = self.known.copy()
        gone = retracted_names(sorted(self.events, key=attrgetter("at")))
        self.known.subtract(_key(event) for event in self.history if event.id in gone and _is_told(event))

    def add(self, lines: Iterable[Numbered]) -> list[Numbered]:
        """Count some lines as known from now on; return them, with ids that no other event of the ticket has."""
        added = [(number, replace(line, event=self._with_own_id(line.event))) for number, line in lines]
        self._told += added
        self.known.update(_key(line.event) for _, line in added)
        gone = {name for _, line in added for name in line.event.detail.get("events", ())}
        self.known.subtract(_key(event) for event in self.events if event.id in gone)
        return added

    def add_new(self, lines: Iterable[Numbered]) -> list[Numbered]:
        """Add the lines whose events are not known yet, and return them.

        Of several messages of one instant, those are known that have the author and the text of a known one.
        """
        alike, new = defaultdict[Key, list[Numbered]](list), list[Numbered]()
        for numbered in lines:
            alike[_key(numbered[1].event)].append(numbered)
        for key, same in alike.items():
            count = self.known[key]
            new += same if count <= 0 else self._not_written(key, same, count) if count < len(same) else []
        return self.add(new)

    def told(self) -> list[Event]:
        """Return the events that count and that a date or the status of a row told."""
        gone = retracted_names(sorted(self.events, key=attrgetter("at")))
        return [event for event in self.events if _is_told(event) and event.id not in gone]

    @property
    def events(self) -> list[Event]:
        """Return the events of the ticket so far."""
        return [*self.history, *(line.event for _, line in self._told)]

    def _with_own_id(self, event: Event) -> Event:
        used = {other.id for other in self.events} if event.id is not None else set()
        names = (event.id, *(f"{event.id} {number}" for number in range(2, len(used) + 2)))
        return replace(event, id=next(name for name in names if name not in used)) if event.id is not None else event

    def _not_written(self, key: Key, lines: Sequence[Numbered], count: int) -> list[Numbered]:
        """Return the lines of one key without the `count` that are known: those that fit known messages best."""
        left = list(lines)
        known = [*self.messages().get(key, ()), *(_written(each) for each in self._told if _key(each[1].event) == key)]
        for parts in (slice(2), slice(1)):
            for message in list(known):
                found = next((each for each in left if _written(each)[parts] == message[parts]), None)
                if found is not None:
                    left.remove(found)
                    known.remove(message)
        return left[count - (len(lines) - len(left)) :]


def _is_told(event: Event) -> bool:
    return event.id is not None and event.id.startswith(TOLD)


def _key(event: Event) -> Key:
    return to_text(event.at), event.type.value, event.value


def _written(numbered: Numbered) -> Written:
    return Written(numbered[1].event.actor, numbered[1].texts.get("body"))
