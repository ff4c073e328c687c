"""Asking what if: what rules would have made of some histories. Needs no database and writes nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

from slactl.clock import to_text
from slactl.sla.calendar import HolidayProvider, NoOpenHours
from slactl.sla.evaluation import Timer
from slactl.sla.firings import evaluate_with_firings
from slactl.sla.history import Event, Target
from slactl.sla.ladders import Firing
from slactl.sla.rules import Rules

Record = dict[str, Any]


def simulate(
    tickets: Iterable[tuple[str, Sequence[Event]]],
    rules: Rules,
    at: datetime | Literal["last"],
    problem: Callable[[str], None],
    holidays: HolidayProvider | None = None,
) -> Iterator[Record]:
    """What each ticket's timers are as of `at` (`last`: as of its own last event), and what would have fired.

    A ticket that was not opened by then is left out. One whose deadline cannot be computed is left out too, and
    `problem` is told why.
    """
    for ticket, history in tickets:
        until = history[-1].at if at == "last" else at
        if history[0].at > until:
            continue
        try:
            evaluation, firings = evaluate_with_firings(history, rules, until, holidays)
        except NoOpenHours as error:
            problem(f"ticket {ticket}: {error}")
            continue
        yield {
            "ticket": ticket,
            **({"at": to_text(until)} if at == "last" else {}),
            "policy": evaluation.policy,
            "status": evaluation.status.value,
            "priority": evaluation.priority.value,
            "timers": [timer_record(timer) for timer in evaluation.timers if isinstance(timer.kind, Target)],
            "firings": [firing_record(firing) for firing in firings],
        }


def timer_record(timer: Timer) -> Record:
    """A target's timer as data."""
    return {
        "target": timer.kind.value,
        "cycle": timer.cycle,
        "target_seconds": timer.target_seconds,
        "started_at": to_text(timer.started_at),
        "due_at": _text(timer.due_at),
        "state": timer.state.value,
        "stopped_at": _text(timer.stopped_at),
        "breached_at": _text(timer.breached_at),
        "elapsed_seconds": timer.elapsed_seconds,
        "remaining_seconds": timer.remaining_seconds,
        "paused_seconds": timer.paused_seconds,
        "overdue_seconds": timer.overdue_seconds,
    }


def firing_record(firing: Firing) -> Record:
    """A level that would have fired, as data."""
    return {
        "escalation": firing.escalation,
        "level": firing.level,
        "repeat": firing.repeat,
        "due_at": to_text(firing.due_at),
        "reason": firing.reason,
    }


def _text(instant: datetime | None) -> str | None:
    return to_text(instant) if instant is not None else None
