"""Return the events of a history that count: without what was retracted, and with what a status brings by itself."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from slactl.clock import from_text
from slactl.sla.enums import ActorType, EventType, Status
from slactl.sla.history.event import Event


def effective(history: Sequence[Event], now: datetime) -> Sequence[Event]:
    """Return the events up to `now` from which everything is computed.

    An event that a later one retracted is left out, and so are retractions; a retraction can be retracted itself. A
    status that was set `until` an instant is followed there by `open`, unless another status came first.
    """
    known = history if history[-1].at <= now else [event for event in history if event.at <= now]
    if any(event.type is EventType.RETRACTED for event in known):
        known = _without_retracted(known)
    if any("until" in event.detail for event in known if event.type is EventType.STATUS):
        known = _woken(known, now)
    return known


def retractions(history: Sequence[Event]) -> list[datetime]:
    """Return the instants at which events were retracted, each once, in order."""
    return sorted({event.at for event in history if event.type is EventType.RETRACTED})


def _without_retracted(history: Sequence[Event]) -> list[Event]:
    gone = set[str]()
    for event in reversed(history):
        if event.type is EventType.RETRACTED and event.id not in gone:
            gone.update(event.detail.get("events") or ())
    # A ticket that was opened stays opened: there would be nothing left to compute.
    kept = (event for event in history if event.id is None or event.id not in gone or event.type is EventType.CREATED)
    return [event for event in kept if event.type is not EventType.RETRACTED]


def _woken(history: Sequence[Event], now: datetime) -> list[Event]:
    woken = list[Event]()
    wakes: Event | None = None
    for event in history:
        if wakes is not None and wakes.at <= event.at:
            woken.append(wakes)
            wakes = None
        woken.append(event)
        if event.type is EventType.STATUS:
            wakes = _waking(event)
    return [*woken, wakes] if wakes is not None and wakes.at <= now else woken


def _waking(event: Event) -> Event | None:
    """Return the event that opens a ticket again when its status ends by itself; None if it does not.

    It is marked as `unrecorded`: the next `check` records it.
    """
    until = event.detail.get("until")
    if until is None or Status(event.detail["status"]).is_done:
        return None
    at = from_text(until) if isinstance(until, str) else until
    detail = {"status": Status.OPEN.value, "from": event.detail["status"], "unrecorded": True}
    return replace(event, at=max(at, event.at), detail=detail, actor="slactl", actor_type=ActorType.SYSTEM, id=None)
