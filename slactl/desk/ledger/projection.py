"""Calculate the columns of `ticket` and `timer` from a history, with pure functions."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slactl.clock import to_text
from slactl.desk.ledger.records import text_or_none
from slactl.sla.enums import Condition
from slactl.sla.escalation.levels import FiringKey, next_instant
from slactl.sla.escalation.upcoming import next_level
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.pauses import PauseReason
from slactl.sla.timers.timer import Evaluation, Timer


@dataclass(frozen=True, slots=True)
class TimerContext:
    """The context of a timer's row: the levels in force, and the decisions and breaches that were noticed.

    Without rules the next instant, which depends on the levels, is left out.
    """

    rules: Rules | None
    fired: set[FiringKey]
    detected: Mapping[tuple[str, int], str]
    watched: set[str]


def ticket_columns(evaluation: Evaluation) -> dict[str, Any]:
    """Return the columns of `ticket` that follow from its history."""
    return {
        "status": evaluation.status.value,
        "priority": evaluation.priority.value,
        "plan": evaluation.plan,
        "tenant": evaluation.tenant,
        "timezone": evaluation.timezone,
        "assignee": evaluation.assignee,
        "tags": json.dumps(list(evaluation.tags), ensure_ascii=False) if evaluation.tags else "[]",
        "policy": evaluation.policy,
        "calendar": evaluation.calendar,
        "created_at": to_text(evaluation.created_at),
        "updated_at": to_text(evaluation.updated_at),
        "first_responded_at": text_or_none(evaluation.first_responded_at),
        "resolved_at": text_or_none(evaluation.resolved_at),
        "first_resolved_at": text_or_none(evaluation.first_resolved_at),
        "due_at": text_or_none(evaluation.due_at),
        "due_target": evaluation.due_target.value if evaluation.due_target else None,
        "missed": int(any(timer.breached_at is not None for timer in evaluation.timers)),
        "escalated": int(evaluation.escalated),
        "escalation_level": evaluation.escalation_level,
        "acked_until": text_or_none(evaluation.acked_until),
    }


def next_level_columns(evaluation: Evaluation, rules: Rules, fired: set[FiringKey]) -> dict[str, Any]:
    """Return the columns of `ticket` that name its next level under the rules in force."""
    upcoming = next_level(evaluation, rules, fired)
    return {
        "next_escalation": upcoming.escalation if upcoming is not None else None,
        "next_level": upcoming.level if upcoming is not None else None,
        "next_level_at": to_text(upcoming.at) if upcoming is not None else None,
    }


def timer_rows(number: int, evaluation: Evaluation, context: TimerContext) -> Iterator[dict[str, Any]]:
    """Yield the rows of `timer`: one for each target, and for each condition that an escalation rule watches."""
    latest: dict[str, int] = {}
    for timer in evaluation.timers:
        latest[timer.kind.value] = max(timer.cycle, latest.get(timer.kind.value, 0))
    for timer in evaluation.timers:
        if isinstance(timer.kind, Condition) and timer.kind.value not in context.watched:
            continue
        yield _timer_row(number, timer, evaluation, context, timer.cycle == latest[timer.kind.value])


def _timer_row(
    number: int, timer: Timer, evaluation: Evaluation, context: TimerContext, latest: bool
) -> dict[str, Any]:
    detected = context.detected.get((timer.kind.value, timer.cycle))
    # A backdated event that shows the deadline was met takes the breach back, and with it its discovery.
    detected = detected if timer.breached_at is not None else None
    upcoming = None
    if context.rules is not None:
        upcoming = next_instant(evaluation, timer, context.rules, context.fired, detected is not None)
    return {
        "ticket_id": number,
        "kind": timer.kind.value,
        "cycle": timer.cycle,
        "latest": int(latest),
        "state": timer.state.value,
        "target_seconds": timer.target_seconds,
        "started_at": to_text(timer.started_at),
        "due_at": text_or_none(timer.due_at),
        "running_since": text_or_none(timer.running_since),
        "consumed_seconds": timer.consumed_seconds if timer.stopped_at is None else timer.elapsed_seconds,
        "paused_seconds": uncounted_time(timer, PauseReason.PAUSED),
        "closed_seconds": uncounted_time(timer, PauseReason.CLOSED),
        "stopped_at": text_or_none(timer.stopped_at),
        "breached_at": text_or_none(timer.breached_at),
        "detected_at": detected,
        "next_at": text_or_none(upcoming),
        "manual": int(timer.manual),
        "arming": timer.deadline_revision,
    }


def uncounted_time(timer: Timer, reason: PauseReason) -> int:
    """Return the open time of the ended pauses for one reason; a pause that goes on grows without an event."""
    clock_run = timer.clock_run
    over = [pause for pause in clock_run.pauses if pause.reason is reason and pause.end is not None]
    return sum(clock_run.calendar.between_seconds(begin, end) for begin, end, _ in over if end is not None)
