"""Write timers and firings as data, as `explain`, `simulate` and `rules test` print them."""

from datetime import datetime
from typing import TypedDict

from slactl.clock import to_text
from slactl.sla.escalation.levels import Firing
from slactl.sla.timers.timer import Timer


class TimerRecord(TypedDict):
    """Hold a target's timer; instants are stored text, lengths are seconds."""

    target: str
    cycle: int
    target_seconds: int | None
    started_at: str
    due_at: str | None
    state: str
    stopped_at: str | None
    breached_at: str | None
    breaches: list[str]
    elapsed_seconds: int
    remaining_seconds: int | None
    paused_seconds: int
    overdue_seconds: int


class FiringRecord(TypedDict):
    """Hold a level that would have fired; `due_at` is stored text."""

    escalation: str
    level: str
    repeat: int
    due_at: str
    reason: str


def timer_record(timer: Timer) -> TimerRecord:
    """Return a target's timer as data."""
    return {
        "target": timer.kind.value,
        "cycle": timer.cycle,
        "target_seconds": timer.target_seconds,
        "started_at": to_text(timer.started_at),
        "due_at": text_or_none(timer.due_at),
        "state": timer.state.value,
        "stopped_at": text_or_none(timer.stopped_at),
        "breached_at": text_or_none(timer.breached_at),
        "breaches": [to_text(breach.at) for breach in timer.breaches],
        "elapsed_seconds": timer.elapsed_seconds,
        "remaining_seconds": timer.remaining_seconds,
        "paused_seconds": timer.paused_seconds,
        "overdue_seconds": timer.overdue_seconds,
    }


def firing_record(firing: Firing) -> FiringRecord:
    """Return a level that would have fired as data."""
    return {
        "escalation": firing.escalation,
        "level": firing.level,
        "repeat": firing.repeat,
        "due_at": to_text(firing.due_at),
        "reason": firing.reason,
    }


def text_or_none(instant: datetime | None) -> str | None:
    """Return an instant as stored text, or None."""
    return to_text(instant) if instant is not None else None
