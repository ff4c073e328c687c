"""Evaluate a history: calculate the state of a ticket and its timers as of an instant."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from slactl.sla.calendar.calendar import HolidayProvider, NoOpenHours
from slactl.sla.enums import Condition
from slactl.sla.history.effective import effective
from slactl.sla.history.event import Event
from slactl.sla.timers.replay import Replay, RulesFor
from slactl.sla.timers.timer import Evaluation


def check_opened(history: Sequence[Event], now: datetime) -> None:
    """Refuse a history that does not begin by `now`.

    Raises:
        ValueError: the ticket was not opened by `now`.
    """
    if not history or history[0].at > now:
        raise ValueError("the ticket was not opened yet")


def evaluate(
    history: Sequence[Event],
    rules: RulesFor,
    now: datetime,
    holidays: HolidayProvider | None = None,
    conditions: Collection[Condition] = tuple(Condition),
    *,
    with_outcomes: bool = False,
) -> Evaluation:
    """Return the ticket and its timers as of `now`, without the events after `now`.

    Every command that evaluates a deadline calls this function. The history is in order of time and begins with the
    event that opened the ticket. Only the conditions asked for become timers.

    Raises:
        ValueError: the ticket was not opened by `now`.
        NoOpenHours: a calendar has too little open time left for a target.
    """
    check_opened(history, now)
    created, *events = effective(history, now)
    replay = Replay(created, rules, holidays)
    for event in events:
        replay.apply(event)
    found = replay.evaluation(now, conditions, with_outcomes=with_outcomes)
    if found.wakes_at is not None:
        known = [event for event in history if event.at <= now]
        with suppress(NoOpenHours):  # it is no error before the status ends
            return replace(found, woken=evaluate(known, rules, found.wakes_at, holidays, conditions))
    return found
