"""Calculate the columns of `ticket` and `timer` from a history, with pure functions."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from slactl.clock import to_text
from slactl.desk.ledger.records import text_or_none
from slactl.sla.enums import Condition, EventType, Target
from slactl.sla.escalation.levels import FiringKey, Repeats, next_instant, repeats
from slactl.sla.escalation.renumbering import BreachKey
from slactl.sla.escalation.upcoming import IsBaseline, next_level
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.pauses import PauseReason
from slactl.sla.timers.timer import Evaluation, Outcome, Timer
from slactl.store.schema.events import ACTIONS, name_of

#: The columns of `ticket` with a text that a person wrote.
WRITTEN = ("subject", "requester_email")

#: The columns of `ticket` that name it or have texts of a person, which no deadline follows from.
IDENTITY = ("external_id", "source", *WRITTEN)

_OPENED = ACTIONS[EventType.CREATED]


@dataclass(frozen=True, slots=True)
class TimerContext:
    """The context of a timer's row: the levels in force, and the decisions and breaches that were noticed.

    Without rules the next instant, which depends on the levels, is left out.
    """

    rules: Rules | None
    fired: set[FiringKey]
    detected: Mapping[BreachKey, str]
    watched: set[str]
    repeats: Repeats = repeats


def ticket_columns(evaluation: Evaluation) -> dict[str, Any]:
    """Return the columns of `ticket` that follow from its history."""
    woken = evaluation.woken
    return {
        "status": evaluation.status.value,
        "priority": evaluation.priority.value,
        "plan": evaluation.plan,
        "tenant": evaluation.tenant,
        "timezone": evaluation.timezone,
        "assignee": evaluation.assignee,
        "tags": tags_text(evaluation.tags),
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
        "wakes_at": to_text(woken.now) if woken is not None else None,
        "woken_due_at": text_or_none(woken.due_at) if woken is not None else None,
        "woken_due_target": woken.due_target.value if woken is not None and woken.due_target else None,
    }


def upcoming_columns(
    evaluation: Evaluation,
    rules: Rules,
    fired: set[FiringKey],
    is_baseline: IsBaseline,
    repeats: Repeats = repeats,
) -> dict[str, Any]:
    """Return the columns of `ticket` that name its next level by the rules in force, now and when its status ends."""
    columns: dict[str, Any] = {"next_at": text_or_none(evaluation.ends_at)}
    for prefix, state in (("next", evaluation), ("woken", evaluation.woken)):
        upcoming = next_level(state, rules, fired, is_baseline, repeats) if state is not None else None
        columns[f"{prefix}_escalation"] = upcoming.escalation if upcoming is not None else None
        columns[f"{prefix}_level"] = upcoming.level if upcoming is not None else None
        columns[f"{prefix}_level_at"] = to_text(upcoming.at) if upcoming is not None else None
    return columns


def identity_columns(
    events: Iterable[Any], texts: Mapping[int, Mapping[str, str]], retracted: Collection[str]
) -> dict[str, Any]:
    """Return the columns that name a ticket or have texts of a person, from rows of all its events.

    `texts` has the texts by event and field, without the erased ones; `retracted` names the events that do not count.
    """
    columns: dict[str, Any] = dict.fromkeys(IDENTITY)
    for row in sorted(events, key=itemgetter("id")):
        detail = row["detail"]
        if '"external_id"' in detail or "_hash" in detail or '"adopted_by"' in detail:
            facts = json.loads(detail)
            if not isinstance(facts, dict) or (row["action"] != _OPENED and name_of(facts, row["hash"]) in retracted):
                continue
            columns |= {name: facts[name] for name in ("external_id", "source") if name in facts}
            columns |= {"source": facts["adopted_by"]} if "adopted_by" in facts else {}
            columns |= {name: texts.get(row["id"], {}).get(name) for name in WRITTEN if f"{name}_hash" in facts}
    return columns


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
    upcoming, kind, clock_run = None, timer.kind.value, timer.clock_run
    if context.rules is not None:
        noticed = [key.agreement for key in context.detected if key[:2] == (kind, timer.cycle)]
        upcoming = next_instant(evaluation, timer, context.rules, context.fired, noticed, context.repeats)
    # A backdated event that shows the deadline was met removes the breach, and the note that slactl detected it.
    first = timer.breaches[0].agreement if timer.breaches else -1
    return {
        "ticket_id": number,
        "kind": kind,
        "cycle": timer.cycle,
        "latest": int(latest),
        "state": timer.state.value,
        "target_seconds": timer.target_seconds,
        "started_at": to_text(timer.started_at),
        "due_at": text_or_none(timer.due_at),
        "running_since": text_or_none(timer.running_since),
        "consumed_seconds": timer.consumed_seconds if timer.stopped_at is None else timer.elapsed_seconds,
        "paused_seconds": timer.uncounted(PauseReason.PAUSED),
        "closed_seconds": timer.uncounted(PauseReason.CLOSED),
        "stopped_at": text_or_none(timer.stopped_at),
        "breached_at": text_or_none(timer.breached_at),
        "detected_at": context.detected.get(BreachKey(kind, timer.cycle, first)),
        "next_at": text_or_none(upcoming),
        "manual": int(timer.manual),
        "arming": timer.deadline_revision,
        "agreement": clock_run.agreement,
        "counted": int(any(breach.agreement == clock_run.agreement for breach in timer.breaches)),
        **_woken_columns(timer, evaluation.woken),
    }


def _woken_columns(timer: Timer, woken: Evaluation | None) -> dict[str, Any]:
    """Return the columns of `timer` that say how a target goes on when the status of its ticket ends by itself."""
    if woken is not None and timer.kind in tuple(Target):
        for after in woken.timers:
            if (after.kind, after.cycle, after.running_since) == (timer.kind, timer.cycle, woken.now):
                due_at = text_or_none(after.due_at)
                return {"wakes_at": to_text(woken.now), "woken_state": after.state.value, "woken_due_at": due_at}
    return dict.fromkeys(("wakes_at", "woken_state", "woken_due_at"))


def outcome_rows(number: int, evaluation: Evaluation, detected: Mapping[BreachKey, str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of `outcome` that follow from a history, which was evaluated with its outcomes."""
    return rows_of(number, evaluation.outcomes, detected)


def rows_of(number: int, outcomes: Iterable[Outcome], detected: Mapping[BreachKey, str]) -> Iterator[dict[str, Any]]:
    """Yield the row of `outcome` for each outcome of a ticket."""
    for outcome in outcomes:
        groups, ends = outcome.groups, outcome.stopped_at is not None
        noticed = detected.get(BreachKey(outcome.kind.value, outcome.cycle, outcome.agreement))
        yield {
            "ticket_id": number,
            "kind": outcome.kind.value,
            "cycle": outcome.cycle,
            "agreement": outcome.agreement,
            "started_at": to_text(outcome.started_at),
            "stopped_at": text_or_none(outcome.stopped_at),
            "missed_at": text_or_none(outcome.missed_at),
            "late_since": text_or_none(outcome.late_since),
            "detected_at": noticed if outcome.missed_at is not None else None,
            "met": int(outcome.met),
            "averaged": int(outcome.averaged),
            "seconds": outcome.seconds,
            "paused_seconds": outcome.paused_seconds if ends else None,
            "closed_seconds": outcome.closed_seconds if ends else None,
            "plan": groups.plan,
            "tenant": groups.tenant,
            "priority": groups.priority.value,
            "assignee": groups.assignee,
            "policy": groups.policy,
            "tags": tags_text(groups.tags),
        }


def tags_text(tags: Sequence[str]) -> str:
    """Return tags as a column holds them."""
    return json.dumps(list(tags), ensure_ascii=False) if tags else "[]"
