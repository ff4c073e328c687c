"""What the ladders would have done, had somebody looked every second: for asking what if.

Nothing that fires is applied to the ticket. Between two events nothing about a ticket changes, so each such span
is looked at as a whole: first what fell due earlier and could not fire then, later each level at its instant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from slactl.sla.calendar import HolidayProvider
from slactl.sla.enums import Condition, LevelOutcome, Target
from slactl.sla.evaluation import Evaluation
from slactl.sla.history import Event
from slactl.sla.ladders import Due, Firing, FiringKey, come, decided, levels_of, watching
from slactl.sla.replay import Replay
from slactl.sla.rules import Rules
from slactl.sla.stretches import instant_of, seconds_of


@dataclass(frozen=True, slots=True)
class Span:
    """The time from one event to the next, or to the end of the look, which it includes then."""

    start: int
    last: int
    at_end: bool

    def reaches(self, due: Due) -> bool:
        """Whether a level comes within it. At the deadline itself nothing is late yet."""
        return self.start <= due.at <= self.last - (due.strict and self.at_end)


def evaluate_with_firings(
    history: Sequence[Event], rules: Rules, now: datetime, holidays: HolidayProvider | None = None
) -> tuple[Evaluation, list[Firing]]:
    """The ticket as of `now` under these rules, and what would have fired by then, by nominal instant.

    A level that came while the ticket was acknowledged, or before its ladder was meant for the ticket, fires
    afterwards and keeps its nominal instant.

    Raises:
        ValueError: the ticket was not opened by `now`.
        NoOpenHours: a calendar has no open time left for what is promised.
    """
    if not history or history[0].at > now:
        raise ValueError("the ticket was not opened yet")
    replay = Replay(history[0], lambda _: rules, holidays)
    kinds = frozenset(escalation.on for escalation in rules.escalations)
    decisions: dict[FiringKey, Firing] = {}
    since = history[0].at
    for at, events in groupby(history[1:], key=lambda event: event.at):
        if at > now:
            break
        if kinds and at > since:
            _look(replay, Span(seconds_of(since), seconds_of(at) - 1, at_end=False), rules, kinds, decisions)
        for event in events:
            replay.apply(event)
        since = at
    if kinds:
        _look(replay, Span(seconds_of(since), seconds_of(now), at_end=True), rules, kinds, decisions)
    fired = [firing for firing in decisions.values() if firing.outcome is LevelOutcome.FIRED]
    return replay.evaluation(now, ()), sorted(fired, key=lambda firing: firing.due_at)


def _look(
    replay: Replay,
    span: Span,
    rules: Rules,
    kinds: frozenset[Target | Condition],
    decisions: dict[FiringKey, Firing],
) -> None:
    """Decide the levels that come within a span, and those that waited for it."""
    if replay.acked_until is not None:
        span = Span(max(span.start, seconds_of(replay.acked_until)), span.last, span.at_end)
    if span.start > span.last:
        return
    facts = replay.facts
    for course in replay.courses(instant_of(span.start), kinds):
        for escalation in watching(course, rules):
            levels = list(levels_of(course, escalation, span.last))
            if not any(due.at <= span.last for due in levels) or not escalation.when.matches(facts):
                continue
            waited = come(levels, facts, span.start, decisions.keys())
            decisions.update([(firing.key, firing) for firing in waited])
            coming = [due for due in levels if span.reaches(due) and due.key not in decisions]
            decisions.update((due.key, decided(due, facts, expired=due.is_passed)) for due in coming)
