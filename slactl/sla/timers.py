"""What a history means: the one function that judges deadlines, for every command."""

from collections.abc import Collection, Sequence
from datetime import datetime

from slactl.sla.calendar import HolidayProvider
from slactl.sla.enums import Condition
from slactl.sla.evaluation import Evaluation, Timer, TimerState
from slactl.sla.history import Event
from slactl.sla.replay import Replay, RulesFor

__all__ = ["Evaluation", "RulesFor", "Timer", "TimerState", "evaluate"]


def evaluate(
    history: Sequence[Event],
    rules: RulesFor,
    now: datetime,
    holidays: HolidayProvider | None = None,
    conditions: Collection[Condition] = tuple(Condition),
) -> Evaluation:
    """The ticket and its timers as of `now`; events after `now` do not matter. Pure.

    The history is in order of time and begins with the event that opened the ticket. Of the conditions only
    those asked for become timers.

    Raises:
        ValueError: the ticket was not opened by `now`.
        NoOpenHours: a calendar has no open time left for what is promised.
    """
    if not history or history[0].at > now:
        raise ValueError("the ticket was not opened yet")
    replay = Replay(history[0], rules, holidays)
    for event in history[1:]:
        if event.at > now:
            break
        replay.apply(event)
    return replay.evaluation(now, conditions)
