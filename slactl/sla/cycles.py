"""To which cycle of a target, or episode of a condition, something belongs that was decided before.

They are numbered in the order of time, so that one that comes to light afterwards (somebody says late what was done
earlier, or other rules count otherwise) moves the numbers of those that follow. What was decided for one is found
again by the instant: it belongs to the one that ran when it was decided.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from slactl.clock import from_text, to_text

if TYPE_CHECKING:
    from slactl.sla.evaluation import Evaluation
    from slactl.sla.ladders import FiringKey

_SECOND = timedelta(seconds=1)


class Span(NamedTuple):
    """When a cycle or an episode ran: from `start` up to `stop`, None while it goes on."""

    kind: str
    cycle: int
    start: datetime
    stop: datetime | None


class Decision(NamedTuple):
    """A level that was decided; `id` is its record's, `at` an instant at which the cycle it is about ran.

    What people do by hand they may do again (`once` is false).
    """

    id: int
    key: "FiringKey"
    at: datetime
    once: bool = True


def spans_of(evaluation: "Evaluation") -> list[Span]:
    """When each cycle and each episode of a ticket ran, by its history."""
    return [Span(timer.kind.value, timer.cycle, timer.started_at, timer.stopped_at) for timer in evaluation.timers]


def successor(at: datetime, before: Span | None, now: Iterable[Span]) -> int | None:
    """The number of the cycle to which something that came by `at` belongs; None where none had begun.

    `before` is the cycle to which it belonged, `now` are those of its kind that there are. What else happened at the
    very instant came after it, so that a cycle that begins then is another one, unless it was that one.
    """
    last = at - _SECOND
    if before is not None:
        last = max(last, before.start)
    begun = [span for span in now if span.start <= last]
    return max(begun, key=lambda span: (span.start, -span.cycle)).cycle if begun else None


def renumbered(
    decisions: Iterable[Decision], before: Collection[Span], now: Collection[Span], taken: Collection["FiringKey"]
) -> dict[int, "FiringKey"]:
    """The key of each decision by its id, now that the cycles are those of `now`; none of them is in `taken`.

    What belongs to a cycle that is no more gets a number below 1, and so does what would be decided twice for one: it
    stays on the record and holds nothing back.
    """
    was = {(span.kind, span.cycle): span for span in before}
    found: dict[int, FiringKey] = {}
    keys = set(taken)
    for decision in sorted(decisions, key=lambda each: each.id):
        key = decision.key
        alike = (span for span in now if span.kind == key.kind)
        cycle = successor(decision.at, was.get((key.kind, key.cycle)), alike)
        key = key._replace(cycle=cycle if cycle is not None else 0)
        while decision.once and key in keys:
            key = key._replace(cycle=min(key.cycle, 1) - 1)
        keys.update([key] if decision.once else [])
        found[decision.id] = key
    return found


def renumbered_breaches(
    noticed: Mapping[tuple[str, int], str], before: Collection[Span], now: Collection[Span]
) -> dict[tuple[str, int], str]:
    """When each breach was noticed, by target and cycle, now that the cycles are those of `now`."""
    was = {(span.kind, span.cycle): span for span in before}
    found: dict[tuple[str, int], str] = {}
    for (kind, cycle), text in sorted(noticed.items()):
        span = was.get((kind, cycle))
        at = from_text(text)
        # A breach may be noticed only after its cycle ended.
        at = min(at, span.stop) if span is not None and span.stop is not None else at
        new = successor(at, span, [each for each in now if each.kind == kind])
        if new is not None:
            found.setdefault((kind, new), text)
    return found


def missed_cycle(evaluation: "Evaluation", target: str, due_at: str | None) -> int | None:
    """The cycle of a target that missed a certain deadline; None where none did, as far as is known now."""
    return next(
        (
            timer.cycle
            for timer in evaluation.timers
            if timer.kind == target and timer.breached_at is not None and to_text(timer.breached_at) == due_at
        ),
        None,
    )
