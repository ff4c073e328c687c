"""Derive the outcomes of a ticket: each time a clock stopped, and each deadline that passed before its target was met.

They are facts: reopening the ticket or moving a deadline removes none of them.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from slactl.sla.enums import Target
from slactl.sla.timers.deadline import TrackedTarget
from slactl.sla.timers.pauses import PauseReason, seconds_of
from slactl.sla.timers.targets import TrackedTargets
from slactl.sla.timers.timer import Breach, Groups, Outcome, Timer


class GroupLog:
    """Record what reports group by, while a history is read from the beginning to the end."""

    __slots__ = ("_groups", "_since")

    def __init__(self) -> None:
        self._since: list[int] = []
        self._groups: list[Groups] = []

    def turn(self, at: int, groups: Groups) -> None:
        """Record the groups that hold from `at` on."""
        if not self._groups or self._groups[-1] != groups:
            self._since.append(at)
            self._groups.append(groups)

    def at(self, instant: datetime) -> Groups:
        """Return the groups that held at an instant; those of the opening before it."""
        return self._groups[max(0, bisect_right(self._since, seconds_of(instant)) - 1)]


def outcomes(targets: TrackedTargets, log: GroupLog, now: datetime) -> Iterator[Outcome]:
    """Yield the outcomes of all cycles.

    Among them are the cycles as they were each time they had stopped before, and those that have no target any more.
    """
    at = seconds_of(now)
    judged = zip(targets, targets.timers(at), strict=True)
    counted = defaultdict[tuple[Target, int], set[int]](set)
    for tracked, timer in chain(((before, before.timer(at)) for before in targets.earlier()), judged):
        yield from _of_one(tracked, timer, counted[tracked.kind, tracked.cycle], log)


def _of_one(tracked: TrackedTarget, timer: Timer, counted: set[int], log: GroupLog) -> Iterator[Outcome]:
    """Yield how a cycle ended, and the missed deadlines whose agreements are not in `counted` yet."""
    assert isinstance(timer.kind, Target)
    was_no_target = tracked.set_after_end or not tracked.is_set
    is_no_end = tracked.ended_by_level or tracked.is_unknown or was_no_target
    stopped = None if is_no_end else timer.stopped_at
    new = [breach for breach in timer.breaches if breach.agreement not in counted]
    counted.update(breach.agreement for breach in new)
    missed: dict[int, Breach | None] = {breach.agreement: breach for breach in new}
    if stopped is not None:
        missed.setdefault(tracked.numbers.agreement, None)
    for agreement, breach in missed.items():
        ends = stopped if agreement == tracked.numbers.agreement else None
        yield Outcome(
            kind=timer.kind,
            cycle=timer.cycle,
            agreement=agreement,
            started_at=timer.started_at,
            stopped_at=ends,
            missed_at=breach.at if breach is not None else None,
            late_since=breach.late_since if breach is not None else None,
            met=all(known.agreement != agreement for known in timer.breaches),
            seconds=timer.elapsed_seconds if ends is not None else None,
            averaged=ends is not None and not tracked.ended_unanswered,
            paused_seconds=timer.uncounted(PauseReason.PAUSED),
            closed_seconds=timer.uncounted(PauseReason.CLOSED),
            groups=log.at(breach.late_since if breach is not None else ends or timer.started_at),
        )
