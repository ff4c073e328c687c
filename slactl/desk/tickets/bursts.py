"""Find bursts in histories: tickets with which a requester has n open tickets within a time."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from slactl.clock import from_text, to_text
from slactl.desk.ledger.ledger import Ledger
from slactl.sla.enums import EventType, Status
from slactl.sla.history.file import Line
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.conditions import bursts_begun
from slactl.store.sqlite.spool import Spool


def begun_bursts(histories: Iterable[tuple[str, list[Line]]], rules: Rules) -> dict[str, list[str]]:
    """Return the ids of the `burst` escalation rules that each ticket begins; tickets that begin none are left out.

    The tickets of a requester are read in the order in which they were opened. Memory stays flat.
    """
    requesters = Spool()
    try:
        requesters.fill(
            (0, created.texts["requester_email"].lower(), to_text(created.event.at), _life(ticket, [created, *rest]))
            for ticket, (created, *rest) in histories
            if "requester_email" in created.texts
        )
        begun: dict[str, list[str]] = {}
        for _, lives in requesters.tickets():
            begun |= _bursts_of_one([json.loads(life) for _, life in lives], rules)
        return begun
    finally:
        requesters.close()


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


def _bursts_of_one(lives: Sequence[list[Any]], rules: Rules) -> dict[str, list[str]]:
    """Return the `burst` escalation rules that each ticket of one requester begins."""
    longest = _longest(rules) or 0
    recent: list[tuple[datetime, list[list[str]]]] = []
    begun: dict[str, list[str]] = {}
    for ticket, opened_text, turns in lives:
        opened = from_text(opened_text)
        recent = [(at, before) for at, before in recent if (opened - at).total_seconds() <= longest]
        still_open = [at for at, before in recent if is_open_after(before, opened_text)]
        if is_open_after(turns, opened_text) and (of_ticket := bursts_begun(rules, opened, still_open)):
            begun[ticket] = of_ticket
        recent.append((opened, turns))
    return begun


def _life(ticket: str, history: Sequence[Line]) -> str:
    """Return as text for the spool when a ticket was opened, resolved and reopened."""
    turns = [[to_text(history[0].event.at), history[0].event.detail.get("status") or Status.OPEN.value]]
    for line in history[1:]:
        if line.event.type is EventType.STATUS:
            turns.append([to_text(line.event.at), line.event.detail["status"]])
    return json.dumps([ticket, turns[0][0], turns])


def is_open_after(turns: Sequence[Sequence[str]], at: str) -> bool:
    """Return whether a ticket was neither resolved nor closed at an instant, after the events of that instant."""
    status = [status for turned, status in turns if turned <= at][-1]
    return not Status(status).is_done
