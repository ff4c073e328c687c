"""Find bursts in histories: tickets with which a requester has n open tickets within a time."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from slactl.clock import from_text, to_text
from slactl.desk.ledger.ledger import Ledger
from slactl.sla.enums import EventType, Status
from slactl.sla.history.effective import effective
from slactl.sla.history.event import Event
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.conditions import bursts_begun

if TYPE_CHECKING:
    from slactl.sla.history.file import Line

#: The events that decide whether a ticket is open.
_TURNS = (EventType.CREATED, EventType.STATUS, EventType.RETRACTED)


def begun_bursts(histories: "Iterable[tuple[str, list[Line]]]", rules: Rules) -> dict[str, list[str]]:
    """Return the ids of the `burst` escalation rules that each ticket begins; tickets that begin none are left out.

    The tickets of a requester are read in the order in which they were opened. Memory stays flat. Without such a rule,
    no history is read.
    """
    longest = _longest(rules)
    if longest is None:
        return {}
    from slactl.store.sqlite.spool import Spool

    requesters = Spool()
    try:
        requesters.fill(
            (0, created.texts["requester_email"].lower(), to_text(created.event.at), _life(ticket, [created, *rest]))
            for ticket, (created, *rest) in histories
            if "requester_email" in created.texts
        )
        begun: dict[str, list[str]] = {}
        for _, lives in requesters.tickets():
            begun |= _bursts_of_one([json.loads(life) for _, life in lives], rules, longest)
        return begun
    finally:
        requesters.close()


def with_bursts(history: "list[Line]", begun: Sequence[str]) -> "list[Line]":
    """Return a history whose opening event names the bursts that the ticket begins, if it begins any."""
    if not begun:
        return history
    created = history[0].event
    event = replace(created, detail={**created.detail, "bursts": list(begun)})
    return [replace(history[0], event=event), *history[1:]]


def bursts_of_new(book: Ledger, requester: str, opened: datetime) -> list[str]:
    """Return the ids of the `burst` escalation rules that a ticket begins which a requester opens at an instant."""
    longest = _longest(book.rulebook.current)
    if longest is None:
        return []
    recent = book.opened_by(requester, opened - timedelta(seconds=longest), opened)
    states = [book.state_at(number, opened) for number in recent]
    others = [state.created_at for state in states if not state.status.is_done]
    return bursts_begun(book.rulebook.current, opened, others)


def _longest(rules: Rules) -> int | None:
    """Return the longest time within which a burst counts, in seconds; None if no rule watches bursts."""
    bursts = (escalation.burst for escalation in rules.escalations)
    return max((burst.within.seconds for burst in bursts if burst is not None), default=None)


def _bursts_of_one(lives: Sequence[list[Any]], rules: Rules, longest: int) -> dict[str, list[str]]:
    """Return the `burst` escalation rules that each ticket of one requester begins."""
    recent: list[list[Event]] = []
    begun: dict[str, list[str]] = {}
    for ticket, *turns in lives:
        history = [Event(from_text(at), EventType(kind), detail, id=name) for at, kind, detail, name in turns]
        opened = history[0].at
        recent = [before for before in recent if (opened - before[0].at).total_seconds() <= longest]
        still_open = [before[0].at for before in recent if is_open_after(before, opened)]
        if is_open_after(history, opened) and (of_ticket := bursts_begun(rules, opened, still_open)):
            begun[ticket] = of_ticket
        recent.append(history)
    return begun


def _life(ticket: str, history: "Sequence[Line]") -> str:
    """Return as text for the spool the events that open, resolve or reopen a ticket, and the retractions."""
    turns = list[list[Any]]()
    for event in (line.event for line in history if line.event.type in _TURNS):
        detail = {name: event.detail[name] for name in ("status", "events") if name in event.detail}
        turns.append([to_text(event.at), event.type, detail, event.id])
    return json.dumps([ticket, *turns])


def is_open_after(history: Sequence[Event], at: datetime) -> bool:
    """Return whether a ticket was neither resolved nor closed at an instant, after the events of that instant.

    An event that was retracted by then does not count.
    """
    set_to = [event.detail["status"] for event in effective(history, at) if "status" in event.detail]
    return not set_to or not Status(set_to[-1]).is_done
