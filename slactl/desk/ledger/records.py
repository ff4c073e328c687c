"""Timers and firings as the records that the tool prints."""

from datetime import datetime
from typing import Any

from slactl.clock import to_text
from slactl.sla.escalation.levels import Firing
from slactl.sla.timers.timer import Timer

Record = dict[str, Any]


def timer_record(timer: Timer) -> Record:
    """Return a target's timer as the tool prints it."""
    return {
        "target": timer.kind.value,
        "cycle": timer.cycle,
        "target_seconds": timer.target_seconds,
        "started_at": to_text(timer.started_at),
        "due_at": text_or_none(timer.due_at),
        "state": timer.state.value,
        "stopped_at": text_or_none(timer.stopped_at),
        "breached_at": text_or_none(timer.breached_at),
        "elapsed_seconds": timer.elapsed_seconds,
        "remaining_seconds": timer.remaining_seconds,
        "paused_seconds": timer.paused_seconds,
        "overdue_seconds": timer.overdue_seconds,
    }


def firing_record(firing: Firing) -> Record:
    """Return a level that would have fired as the tool prints it."""
    return {
        "escalation": firing.escalation,
        "level": firing.level,
        "repeat": firing.repeat,
        "due_at": to_text(firing.due_at),
        "reason": firing.reason,
    }


def text_or_none(instant: datetime | None) -> str | None:
    """Return an instant as it is stored and printed; None where there is none."""
    return to_text(instant) if instant is not None else None
