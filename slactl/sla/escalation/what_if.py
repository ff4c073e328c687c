"""Calculate which levels would have fired if `check` had run every second, for simulations.

A firing changes nothing about the ticket. Between two events nothing about a ticket changes, so each gap between
two events is examined as a whole: first the levels that became due earlier and could not fire then, after them each
level at its instant.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from slactl.sla.calendar.calendar import HolidayProvider
from slactl.sla.enums import Condition, LevelOutcome, Target
from slactl.sla.escalation.levels import DueLevel, Firing, FiringKey, decide, decide_due, levels_of, rules_watching
from slactl.sla.history.effective import effective, retractions
from slactl.sla.history.event import Event
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.evaluate import check_opened
from slactl.sla.timers.pauses import instant_of, seconds_of
from slactl.sla.timers.replay import Replay
from slactl.sla.timers.timer import Evaluation


@dataclass(frozen=True, slots=True)
class EventGap:
    """Hold the time between two events, as its first and last second.

    The gap after the last event ends `at_end` of the simulation, at which nothing is overdue yet.
    """

    start: int
    last: int
    at_end: bool

    def reaches(self, due: DueLevel) -> bool:
        """Return whether a level fires within it."""
        return self.start <= due.at <= self.last - (due.strict and self.at_end)


def evaluate_with_firings(
    history: Sequence[Event],
    rules: Rules,
    now: datetime,
    holidays: HolidayProvider | None = None,
    *,
    with_outcomes: bool = False,
) -> tuple[Evaluation, list[Firing]]:
    """Return the ticket as of `now` under these rules, and the levels that would have fired by then, in order.

    A level that became due while the ticket was acknowledged, or before its escalation rule matched the ticket, fires
    afterwards and keeps its nominal instant. What fired before an event was retracted stays fired.

    Raises:
        ValueError: the ticket was not opened by `now`.
        NoOpenHours: a calendar has too little open time left for a target.
    """
    check_opened(history, now)
    kinds = frozenset(escalation.on for escalation in rules.escalations)
    decisions: dict[FiringKey, Firing] = {}
    replay, since = Replay(history[0], lambda _: rules, holidays), seconds_of(history[0].at)
    changes = [at for at in retractions(history) if at <= now] if kinds else []
    for until in (*changes, now):
        # The second of a retraction is that of the history after it.
        as_of = until if until is now else until - timedelta(seconds=1)
        if as_of < history[0].at:
            continue
        created, *events = effective(history, as_of)
        replay = Replay(created, lambda _: rules, holidays)
        for gap, to_come in _gaps(created, events, seconds_of(as_of), at_end=until is now):
            if kinds and gap.last >= since:
                _decide(replay, replace(gap, start=max(gap.start, since)), rules, kinds, decisions)
            for event in to_come:
                replay.apply(event)
        since = seconds_of(until)
    fired = [firing for firing in decisions.values() if firing.outcome is LevelOutcome.FIRED]
    evaluation = replay.evaluation(now, (), with_outcomes=with_outcomes)
    return evaluation, sorted(fired, key=lambda firing: firing.due_at)


def _gaps(
    created: Event, events: Sequence[Event], until: int, *, at_end: bool
) -> Iterator[tuple[EventGap, Sequence[Event]]]:
    """Yield each time between two instants of events, and the events at its end; the last one has none."""
    since = seconds_of(created.at)
    for instant, at_once in groupby(events, key=lambda event: event.at):
        at = seconds_of(instant)
        yield EventGap(since, at - 1, at_end=False), tuple(at_once)
        since = at
    yield EventGap(since, until, at_end=at_end), ()


def _decide(
    replay: Replay,
    gap: EventGap,
    rules: Rules,
    kinds: frozenset[Target | Condition],
    decisions: dict[FiringKey, Firing],
) -> None:
    """Decide the levels that become due within a gap, and the levels that waited for it."""
    if replay.acked_until is not None:
        gap = EventGap(max(gap.start, seconds_of(replay.acked_until)), gap.last, gap.at_end)
    if gap.start > gap.last:
        return
    facts = replay.facts
    for clock_run in replay.clock_runs(instant_of(gap.start), kinds):
        for escalation in rules_watching(clock_run, rules):
            levels = list(levels_of(clock_run, escalation, gap.last))
            if not any(due.at <= gap.last for due in levels) or not escalation.when.matches(facts):
                continue
            waited = decide_due(levels, facts, gap.start, decisions.keys())
            decisions.update([(firing.key, firing) for firing in waited])
            coming = [due for due in levels if gap.reaches(due) and due.key not in decisions]
            decisions.update((due.key, decide(due, facts, expired=due.is_passed)) for due in coming)
