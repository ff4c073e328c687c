"""Assign earlier decisions to cycles again after the history of a ticket has changed.

The cycles of a target, and the periods of a condition, are numbered in the order of time. An event that is recorded
late, or other rules, can add or remove a cycle and so change the numbers of those that follow. A decision belongs to
the cycle that ran when it was made, and the instant of the decision finds that cycle again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from slactl.clock import from_text, to_text

if TYPE_CHECKING:
    from slactl.sla.escalation.levels import FiringKey
    from slactl.sla.timers.timer import Evaluation

_SECOND = timedelta(seconds=1)


class Cycle(NamedTuple):
    """Hold when a cycle of a target or a period of a condition ran: [start, stop), None while it goes on."""

    kind: str
    cycle: int
    start: datetime
    stop: datetime | None


class BreachKey(NamedTuple):
    """Identify a breach that is noticed only once: a cycle of a target, and the agreement that was missed."""

    kind: str
    cycle: int
    agreement: int


class Decision(NamedTuple):
    """Hold a level that was decided; `id` is its record's id, `at` an instant at which its cycle ran.

    `once` is false for what people do by hand: they may do it again.
    """

    id: int
    key: "FiringKey"
    at: datetime
    once: bool = True


def counted(rows: Sequence[Mapping[str, Any]], retracted: Collection[str]) -> list[Mapping[str, Any]]:
    """Return the decisions of a ticket, given as rows in the order of their ids, that keep levels from firing.

    If a person's escalation to a level is `retracted`, neither it nor the levels below, which expired with it, count.
    """
    if not retracted:
        return list(rows)
    kept, below = list[Mapping[str, Any]](), list[Mapping[str, Any]]()
    for row in rows:
        below.append(row)
        if row["source"] == "manual" and row["event_id"] is None:
            continue
        if row["source"] != "manual" or row["event_name"] not in retracted:
            kept += below
        below.clear()
    return [*kept, *below]


def cycles_of(evaluation: "Evaluation") -> list[Cycle]:
    """Return the cycles of all targets and the periods of all conditions of a ticket."""
    return [Cycle(timer.kind.value, timer.cycle, timer.started_at, timer.stopped_at) for timer in evaluation.timers]


def successor(at: datetime, before: Cycle | None, now: Iterable[Cycle]) -> int | None:
    """Return the number of the cycle to which a decision of `at` belongs, or None if none had begun.

    `before` is the cycle to which it belonged, `now` are the present cycles of its kind. A cycle that begins at the
    very instant of the decision began after it, unless `before` began then too.
    """
    last = at - _SECOND
    if before is not None:
        last = max(last, before.start)
    begun = [cycle for cycle in now if cycle.start <= last]
    return max(begun, key=lambda cycle: (cycle.start, -cycle.cycle)).cycle if begun else None


def renumbered(
    decisions: Iterable[Decision], before: Collection[Cycle], now: Collection[Cycle], taken: Collection["FiringKey"]
) -> dict[int, "FiringKey"]:
    """Return the key of each decision by its id, with the cycle numbers of `now`; no key is in `taken`.

    A decision whose cycle is gone gets a number below 1, and so does a second decision with the same key. Such a
    decision stays in the records and keeps no level from firing.
    """
    cycles_before = {(cycle.kind, cycle.cycle): cycle for cycle in before}
    keys: dict[int, FiringKey] = {}
    used = set(taken)
    for decision in sorted(decisions, key=lambda decision: decision.id):
        key = decision.key
        same_kind = (cycle for cycle in now if cycle.kind == key.kind)
        number = successor(decision.at, cycles_before.get((key.kind, key.cycle)), same_kind)
        key = key._replace(cycle=number if number is not None else 0)
        while decision.once and key in used:
            key = key._replace(cycle=min(key.cycle, 1) - 1)
        used.update([key] if decision.once else [])
        keys[decision.id] = key
    return keys


def breaches_of(evaluation: "Evaluation") -> dict[BreachKey, str]:
    """Return each deadline of a ticket that was missed, as stored text; the evaluation has its outcomes."""
    found = {
        BreachKey(each.kind.value, each.cycle, each.agreement): to_text(each.missed_at)
        for each in evaluation.outcomes
        if each.missed_at is not None
    }
    for timer in evaluation.timers:
        found |= {BreachKey(timer.kind.value, timer.cycle, one.agreement): to_text(one.at) for one in timer.breaches}
    return found


def renumbered_breaches(
    noticed: Mapping[BreachKey, str],
    before: Collection[Cycle],
    now: Collection[Cycle],
    deadlines: Mapping[BreachKey, str],
    missed: Mapping[BreachKey, str],
) -> dict[BreachKey, str]:
    """Return when each breach was noticed, with the cycle numbers of `now`.

    `deadlines` were missed before, and `missed` are now. A breach belongs to the cycle that missed its deadline, or
    else to the one that ran when it was noticed. Where that missed nothing, there is no such breach any more.
    """
    cycles_before = {(cycle.kind, cycle.cycle): cycle for cycle in before}
    same = {(key.kind, deadline): key for key, deadline in missed.items()}
    breaches: dict[BreachKey, str] = {}
    others = dict[BreachKey, str]()
    for key, text in sorted(noticed.items()):
        found = same.get((key.kind, deadlines.get(key, "")))
        if found is not None:
            breaches.setdefault(found, text)
        else:
            others[key] = text
    for (kind, number, agreement), text in others.items():
        old = cycles_before.get((kind, number))
        at = from_text(text)
        # A breach may be noticed only after its cycle ended.
        at = min(at, old.stop) if old is not None and old.stop is not None else at
        new = successor(at, old, [cycle for cycle in now if cycle.kind == kind])
        if new is not None and BreachKey(kind, new, agreement) in missed:
            breaches.setdefault(BreachKey(kind, new, agreement), text)
    return breaches


def missed_cycle(evaluation: "Evaluation", target: str, due_at: str | None) -> tuple[int, int] | None:
    """Return the cycle and the agreement of a target under which this deadline was missed; None if none is known."""
    return next(
        (
            (timer.cycle, breach.agreement)
            for timer in evaluation.timers
            for breach in timer.breaches
            if timer.kind == target and to_text(breach.at) == due_at
        ),
        None,
    )
