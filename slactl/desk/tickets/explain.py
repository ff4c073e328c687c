"""Explain deadlines: the policy that set them, the steps that lead to them, and how the time was spent."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slactl.clock import to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.records import timer_record
from slactl.desk.tickets.deadlines import kept_late
from slactl.desk.tickets.upcoming import Case, case_of, levels
from slactl.sla.calendar.calendar import BusinessCalendar
from slactl.sla.calendar.written import WEEKDAYS, interval_text
from slactl.sla.enums import EventType, Target
from slactl.sla.history.event import Event
from slactl.sla.timers.explanation import (
    ExplanationStep,
    Segment,
    business_days,
    clock_changes,
    counts_from_change,
    named_dates,
    segments,
    steps,
)
from slactl.sla.timers.pauses import instant_of, seconds_of
from slactl.sla.timers.terms import Terms
from slactl.sla.timers.timer import Timer, TimerState
from slactl.store.read import events as event_reads
from slactl.store.read import tickets as reads

if TYPE_CHECKING:
    from slactl.records.tickets import Ticket

Record = dict[str, Any]

#: The events that choose the policy of a ticket.
_CHOOSING = (EventType.PRIORITY, EventType.PLAN, EventType.TENANT, EventType.TAGS, EventType.RULES_APPLIED)


def explain(desk: Desk, now: datetime, reference: str, target: Target | None = None) -> Record:
    """Explain the deadlines of a ticket, for all its targets or for one. Nothing is written.

    Raises:
        NotKnownError: there is no such ticket.
        RefusedError: the ticket is opened only later, or its calendar has ended.
        DatabaseError: the database cannot be read.
    """
    with desk.database.read() as connection:
        number = reads.ticket_id(connection, reference)
        ticket = next(reads.tickets(connection, to_text(now), "t.id = :id", {"id": number}))
        case = case_of(desk, connection, number, now)
        corrections = [row for row in event_reads.corrections(connection, number) if target in (None, row["target"])]
        return _ticket_record(ticket, case, target) | {"corrections": corrections}


def _ticket_record(ticket: "Ticket", case: Case, target: Target | None) -> Record:
    evaluation = case.evaluation
    wanted = [target] if target is not None else list(Target)
    timers = [timer for timer in evaluation.timers if timer.kind in wanted]
    return {
        "ticket_id": ticket["id"],
        "external_id": ticket["external_id"],
        "subject": ticket["subject"],
        "at": to_text(evaluation.now),
        "status": evaluation.status.value,
        "priority": evaluation.priority.value,
        "plan": evaluation.plan,
        "tenant": evaluation.tenant,
        "tags": list(evaluation.tags),
        "requester_domain": evaluation.requester_domain,
        "created_at": to_text(evaluation.created_at),
        **terms_record(evaluation.terms, case),
        "timers": [_timer_record(timer, case) for timer in timers],
        "without_timer": [
            {"target": kind.value, "reason": _why_none(kind, evaluation.terms)}
            for kind in wanted
            if not any(timer.kind is kind for timer in timers)
        ],
    }


def terms_record(terms: Terms, case: Case, kind: Target | None = None) -> Record:
    """Return which policy was chosen, when and why, which policies did not match, and the calendar of a target."""
    tried = terms.rules.explain_match(terms.facts)
    policy, by, known = (
        terms.policy,
        choosing_event(terms.chosen_at, case.history),
        case.versions.known(terms.rules.hash),
    )
    return {
        "policy": policy.name if policy is not None else None,
        "match": policy.match.stated() if policy is not None else None,
        "passed_over": [{"policy": each.name, "reason": reason} for each, reason in tried if reason is not None],
        **_calendar_record(terms, kind),
        "chosen_at": to_text(instant_of(terms.chosen_at)),
        "chosen_because": by.type.value,
        "chosen_by": by.actor,
        "chosen_priority": terms.priority.value,
        "rules": terms.rules.hash,
        "rules_version": known.id if known is not None else None,
    }


def _calendar_record(terms: Terms, kind: Target | None) -> Record:
    """Return the calendar of the policy, or of a target that has its own, as the rules state it.

    `timezone` is the zone in force, the tenant's or the stated one.
    """
    calendar = terms.calendar_of(kind) if kind is not None else terms.calendar
    stated = terms.rules.calendars[calendar.name] if terms.policy is not None else None
    return {
        "calendar": calendar.name if stated is not None else None,
        "timezone": calendar.timezone if stated is not None else None,
        "stated_timezone": stated.timezone if stated is not None else None,
        "always_open": calendar.always_open,
        "any_of": list(stated.any_of) if stated is not None and stated.any_of else None,
        "hours": in_order_of_week(stated.weekly) if stated is not None else None,
        "holidays_of": ", ".join(calendar.regions()) or None,
    }


def in_order_of_week(weekly: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the weekly hours, ordered by the first day that each line names."""
    days = sorted(weekly, key=lambda key: WEEKDAYS.index(key.strip().lower()[:3]))
    return {key: list(weekly[key]) for key in days}


def choosing_event(at: int, history: Sequence[Event]) -> Event:
    """Return the event that chose a policy: the last event at that instant, in seconds, that can choose a policy."""
    for event in reversed(history):
        if seconds_of(event.at) == at and event.type in _CHOOSING and not event.by_system:
            return event
    return history[0]


def _timer_record(timer: Timer, case: Case) -> Record:
    now, terms, calendar = case.evaluation.now, timer.terms, timer.clock_run.calendar
    assert terms is not None
    assert isinstance(timer.kind, Target)
    # The end of an unknown target is not known, so nobody can say which time counted.
    is_unknown = timer.state is TimerState.UNKNOWN
    found, working = ([], []) if is_unknown else (list(segments(timer, now)), list(steps(timer, now)))
    end = found[-1].end if found else timer.started_at
    targets_key = None
    if terms.policy is not None:
        targets_key = terms.priority.value if terms.policy.targets.get(terms.priority.value) else "default"
    return {
        **timer_record(timer),
        **terms_record(terms, case, timer.kind),
        "target_time": str(timer.target_duration) if timer.target_duration is not None else None,
        "targets": targets_key if timer.target_duration is not None else None,
        "manual": timer.manual,
        "set_by_hand": _set_by_hand(timer, case.history),
        "counts_from": _counts_from(timer, case.history),
        "kept_late": kept_late(case.number, case.evaluation, timer),
        "due_if_resumed_at": to_text(working[-1].at) if timer.due_at is None and working else None,
        "steps": [_step_record(step) for step in working],
        "business_days": [to_text(day) for day in business_days(timer)],
        "segments": [_segment_record(each) for each in found if not each.ahead],
        "ahead": [_segment_record(each) for each in found if each.ahead],
        **_date_records(calendar, timer.started_at, end),
        "levels": list(levels(timer, case)),
    }


def _counts_from(timer: Timer, history: Sequence[Event]) -> Record | None:
    """Return the change from which the timer counts, and who made it; None if it counts from its start."""
    if (at := counts_from_change(timer)) is None:
        return None
    by = choosing_event(seconds_of(at), history)
    return {"at": to_text(at), "actor": by.actor, "because": by.type.value}


def _set_by_hand(timer: Timer, history: Sequence[Event]) -> Record | None:
    """Return who set the deadline by hand, when and why; None if nobody did."""
    if not timer.manual or timer.due_at is None:
        return None
    due = to_text(timer.due_at)
    for event in reversed(history):
        if event.type is not EventType.DUE_SET or event.detail["target"] != timer.kind.value:
            continue
        stated = event.detail.get("due_at")
        if (to_text(stated) if isinstance(stated, datetime) else stated) == due:
            return {"at": to_text(event.at), "actor": event.actor, "reason": event.detail.get("reason")}
    return None


def _step_record(step: ExplanationStep) -> Record:
    return {
        "step": step.kind.value,
        "at": to_text(step.at),
        "seconds": step.seconds,
        "start": to_text(step.begin) if step.begin is not None else None,
        "end": to_text(step.end) if step.end is not None else None,
        "counts": step.counts,
    }


def _segment_record(segment: Segment) -> Record:
    return {
        "start": to_text(segment.start),
        "end": to_text(segment.end),
        "kind": segment.spent.value,
        "seconds": segment.seconds,
        "late": segment.late,
    }


def _date_records(calendar: BusinessCalendar, first: datetime, last: datetime) -> Record:
    """Return the holidays, special dates and clock changes between two instants."""
    named = list(named_dates(calendar, first, last))
    return {
        "holidays": [
            {"date": each.day.isoformat(), "name": each.holiday}
            for each in named
            if each.holiday is not None and not each.special
        ],
        "special_dates": [
            {
                "date": each.day.isoformat(),
                "name": each.holiday,
                "hours": [interval_text(hours) for hours in calendar.intervals(each.day)],
            }
            for each in named
            if each.special
        ],
        "clock_changes": [
            {"at": to_text(at), "seconds": seconds} for at, seconds in clock_changes(calendar, first, last)
        ],
    }


def _why_none(kind: Target, terms: Terms) -> str:
    """Return why a target has no timer."""
    if terms.policy is None:
        return "no policy matches, so the ticket has no targets"
    if terms.target(kind) is None:
        return f"policy {terms.policy.name} has no such target at priority {terms.priority}"
    if kind is Target.NEXT_RESPONSE:
        return f"{terms.target(kind)} is the target, but no customer message has waited for a next response"
    if kind is Target.UPDATE:
        return f"{terms.target(kind)} is the target, and its clock starts with the first public reply"
    return "the ticket had no such target before it was resolved or closed"
