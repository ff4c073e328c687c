"""Return the events of a history that count: without what was retracted, and with what a status brings by itself."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from slactl.clock import from_text
from slactl.sla.enums import ActorType, EventType, Status
from slactl.sla.history.event import Event


def effective(history: Sequence[Event], now: datetime) -> Sequence[Event]:
    """Return the events up to `now` from which everything is computed.

    An event that a later one retracted is left out. A retraction can be retracted itself; one that counts stays if it
    retracts events that can set deadlines, and its detail has them as `lost`. A status that was set `until` an instant
    is followed there by `open`, unless another status came first. This follows from the history alone: the event that
    `check` recorded about it is only for people.
    """
    known = history if history[-1].at <= now else [event for event in history if event.at <= now]
    if gone := retracted_names(known):
        known = list(_without(known, gone))
    if all(_BY_ITSELF.isdisjoint(event.detail) for event in known if event.type is EventType.STATUS):
        return known
    recorded = {event.at for event in known if event.detail.get("by_itself")}
    woken = list[Event]()
    wakes: Event | None = None
    for event in (each for each in known if not each.detail.get("by_itself")):
        if wakes is not None and wakes.at <= event.at:
            woken.append(wakes)
            wakes = None
        woken.append(event)
        if event.type is EventType.STATUS:
            wakes = _waking(event, recorded)
    return [*woken, wakes] if wakes is not None and wakes.at <= now else woken


#: The events that can set deadlines anew.
_SETTING = frozenset(
    (
        *(EventType.DUE_SET, EventType.STATUS, EventType.PRIORITY),
        *(EventType.PLAN, EventType.TENANT, EventType.TAGS),
    )
)


def _without(history: Sequence[Event], gone: Collection[str]) -> Iterator[Event]:
    lost = {event.id: event for event in history if event.id in gone and event.type in _SETTING}
    for event in history:
        if event.type is EventType.RETRACTED:
            named = event.detail.get("events") or () if event.id not in gone else ()
            if found := [lost.pop(name) for name in named if name in lost]:
                yield replace(event, detail={"lost": found})
        # A ticket that was opened stays opened: there would be nothing left to compute.
        elif event.id is None or event.id not in gone or event.type is EventType.CREATED:
            yield event


#: The fields of a status that ends by itself, and of the event that records this.
_BY_ITSELF = frozenset(("until", "by_itself"))


def stands_alone(event: Event) -> bool:
    """Return whether an event at the end of a history changes nothing about which of the other events count."""
    if event.type is EventType.STATUS:
        return _BY_ITSELF.isdisjoint(event.detail)
    return event.id is None and event.type not in (EventType.CREATED, EventType.RETRACTED)


def retractions(history: Sequence[Event]) -> list[datetime]:
    """Return the instants at which events were retracted, each once, in order."""
    return sorted({event.at for event in history if event.type is EventType.RETRACTED})


def retracted_names(history: Sequence[Event]) -> set[str]:
    """Return the ids of the events of a history, in order of time, that do not count."""
    return retracted([(event.id, event.detail) for event in history if event.type is EventType.RETRACTED])


def retracted(retractions: Sequence[tuple[str | None, Mapping[str, Any]]]) -> set[str]:
    """Return the ids of the events that do not count, given the id and the detail of each retraction, in order."""
    gone = set[str]()
    for name, detail in reversed(retractions):
        if name not in gone:
            gone.update(detail.get("events") or ())
    return gone


def _waking(event: Event, recorded: Collection[datetime]) -> Event | None:
    """Return the event that opens a ticket again when its status ends by itself; None if it does not.

    If no `check` has recorded the event at its instant, it is marked as `unrecorded`, and the next `check` records it.
    """
    until, status = event.detail.get("until"), Status(event.detail["status"])
    if until is None or status.is_done or status is Status.OPEN:
        return None
    at = max(from_text(until) if isinstance(until, str) else until, event.at)
    detail = {"status": Status.OPEN.value, "from": status.value, "unrecorded": at not in recorded}
    return replace(event, at=at, detail=detail, actor="slactl", actor_type=ActorType.SYSTEM, id=None)
