"""Evaluate a history: calculate the state of a ticket and its timers as of an instant."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from slactl.sla.calendar.calendar import HolidayProvider, NoOpenHours
from slactl.sla.enums import Condition
from slactl.sla.history.effective import effective, stands_alone
from slactl.sla.history.event import Event
from slactl.sla.timers.replay import Replay, RulesFor
from slactl.sla.timers.timer import Evaluation, Outcome


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
    return Reading(history, rules, now, holidays, conditions).evaluation(with_outcomes=with_outcomes)


class Reading:
    """Hold a history that was read up to `now`, and read the events that are appended to it afterwards."""

    __slots__ = ("_conditions", "_history", "_holidays", "_is_plain", "_replay", "_rules", "now")

    def __init__(
        self,
        history: Sequence[Event],
        rules: RulesFor,
        now: datetime,
        holidays: HolidayProvider | None = None,
        conditions: Collection[Condition] = tuple(Condition),
    ) -> None:
        """Read a history, as `evaluate` does, which says what is raised."""
        check_opened(history, now)
        counting = effective(history, now)
        self.now, self._history = now, history
        self._rules, self._holidays, self._conditions = rules, holidays, conditions
        self._is_plain = counting is history
        created, *events = counting
        self._replay = Replay(created, rules, holidays)
        for event in events:
            self._replay.apply(event)

    def follows(self, event: Event) -> bool:
        """Return whether the whole history, with this event at its end, means what `read` makes of the event alone."""
        return self._is_plain and event.at <= self.now and stands_alone(event)

    def read(self, event: Event) -> None:
        """Read an event that `follows`; the history that was given holds it.

        Raises:
            NoOpenHours: a calendar has too little open time left for a target. The reading cannot be used any more.
        """
        self._replay.apply(event)

    def outcomes(self) -> Sequence[Outcome]:
        """Return the outcomes of the ticket as of `now`."""
        return self._replay.outcomes(self.now)

    def evaluation(self, *, with_outcomes: bool = False) -> Evaluation:
        """Return the ticket and its timers as of `now`."""
        found = self._replay.evaluation(self.now, self._conditions, with_outcomes=with_outcomes)
        if found.wakes_at is not None:
            known = [event for event in self._history if event.at <= self.now]
            with suppress(NoOpenHours):  # it is no error before the status ends
                woken = evaluate(known, self._rules, found.wakes_at, self._holidays, self._conditions)
                return replace(found, woken=woken)
        return found
