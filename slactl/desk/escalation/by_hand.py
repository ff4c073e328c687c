"""Escalate tickets by hand, acknowledge them, and release the acknowledgement."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from slactl.clock import to_text
from slactl.desk.escalation.fire import Action, Cause, fire, has_effect, record_only, tells_customers
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.ledger import Entry, Ledger
from slactl.desk.oncall import feeds
from slactl.desk.oncall.duty import Duty
from slactl.desk.tickets.change import Change, ChangeResult, Subject, change
from slactl.desk.tickets.input import assignee_of, checked_reason
from slactl.durations import Duration
from slactl.errors import NotKnownError, RefusedError
from slactl.sla.enums import ActorType, EventType, LevelOutcome, NotificationState, Priority
from slactl.sla.escalation.upcoming import ManualLevel, open_timer, up_to
from slactl.sla.history.event import Event
from slactl.sla.rules.model import Escalation, Level
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.pauses import instant_of, seconds_of
from slactl.text import NOBODY, did_you_mean, known_or_refuse, quoted

if TYPE_CHECKING:
    from slactl.records.runs import Notice

#: What escalates a ticket and returns the record of the escalation.
_Making: TypeAlias = Callable[[Subject, Ledger], dict[str, Any]]

#: Why nobody is told where a person wants that.
NO_NOTIFY = "--no-notify"


@dataclass(slots=True)
class Escalated:
    """The result of `escalate`: the tickets, the records of their escalations, and what became of the messages."""

    change: ChangeResult
    records: list[dict[str, Any]]
    notices: "list[Notice]" = field(default_factory=list)
    #: Why messages were tried and not sent.
    problems: list[str] = field(default_factory=list)

    def of(self, number: int) -> list[dict[str, Any]]:
        """Return the records of the escalations of a ticket, in order."""
        return [record for record in self.records if record["ticket_id"] == number]


def escalate(
    desk: Desk,
    now: datetime,
    references: Sequence[str],
    reason: str | None,
    assign: str | None = None,
    priority: Priority | None = None,
    *,
    notify: bool = True,
    dry_run: bool = False,
) -> Escalated:
    """Escalate some tickets for a reason, and send the messages; each call is recorded as an escalation of its own.

    Raises:
        RefusedError: the reason is missing or longer than 1,000 characters.
    """
    make = _by_settings(checked_reason(reason, "slactl escalate --help"), assign, priority, notify=notify)
    silent = "settings.manual_escalation has no notify" if notify else NO_NOTIFY
    return _escalated(desk, now, references, make, silent, dry_run=dry_run)


def escalating(reason: str, records: list[dict[str, Any]]) -> Change:
    """Escalate a ticket as `settings.manual_escalation` says; add the record of the escalation to `records`.

    The caller sends the messages when the change is committed.

    Raises:
        RefusedError: the reason is missing or longer than 1,000 characters.
    """
    return _recording(_by_settings(checked_reason(reason, "slactl escalate --help"), None, None, notify=True), records)


def _by_settings(why: str, assign: str | None, priority: Priority | None, *, notify: bool) -> _Making:
    """Return what escalates a ticket as the settings say, but for the assignee and the priority that are given."""

    def make(subject: Subject, book: Ledger) -> dict[str, Any]:
        rules = book.rulebook.current
        default = rules.settings.manual_escalation
        raised = priority or (default.priority if assign is None else None)
        duty = Duty.of(book, subject.at)
        to = _known(assign, duty) if assign else None
        action = Action(raised, to, notify=tuple(default.notify), tells=notify)
        holder = duty.assignee(to) if to else None
        if holder is not None and holder.instead_of is not None:
            subject.warnings.append(holder.replaced(subject.number))
        if not has_effect(action, subject.state, duty):
            raise _without_effect(subject, _how_to_tell(subject, why, duty, notify=notify))
        return fire(book, subject.number, action, Cause(why, subject.at, book.actor, ActorType.USER))

    return make


def _recording(make: _Making, records: list[dict[str, Any]]) -> Change:
    def recorded(subject: Subject, book: Ledger) -> list[Entry]:
        _refuse_done(subject, "there is nothing left to escalate")
        records.append(make(subject, book))
        return []

    return recorded


def _escalated(
    desk: Desk,
    now: datetime,
    references: Sequence[str],
    make: _Making,
    silent: str,
    *,
    dry_run: bool,
) -> Escalated:
    """Escalate each ticket as `make` does, which returns the record; then send the messages, or rehearse that.

    `silent` says why nobody is told where the escalation means nobody.
    """
    records, notices = list[dict[str, Any]](), list["Notice"]()
    feeds.problems(desk.rules, now)  # read before anybody waits for the lock, and known from then on

    def rehearsed(book: Ledger) -> None:
        from slactl.desk.escalation.at_once import rehearse

        notices.extend(rehearse(book, desk, [record["id"] for record in records if record["told"]]))

    recorded = _recording(make, records)
    result = change(desk, now, references, recorded, dry_run=dry_run, rehearsed=rehearsed)
    done = Escalated(result, [record for record in records if record["ticket_id"] in result.done], notices)
    told = [record["id"] for record in done.records if record["told"]]
    if told and not dry_run:
        from slactl.desk.escalation.at_once import send_now

        done.notices, done.problems = send_now(desk, now, told)
    done.notices += [_to_nobody(record, silent) for record in done.records if not record["told"]]
    return done


def _to_nobody(record: Mapping[str, Any], silent: str) -> "Notice":
    """Return why nobody was told of an escalation; a message to nobody waits until `check` prints it."""
    waits = record["reaches_nobody"]
    why = f"{' and '.join(record['unreached'])}; the next check prints the message" if waits else silent
    return {
        "ticket_id": record["ticket_id"],
        "recipient": NOBODY,
        "person": None,
        "stands_in_for": None,
        "state": NotificationState.WAITING.value if waits else "none",
        "by": [],
        "why": why,
    }


def _how_to_tell(subject: Subject, why: str, duty: Duty, *, notify: bool) -> str | None:
    """Return the command with which somebody is told of an escalation by hand that tells nobody, or None."""
    rules = duty.rules
    told, known = rules.settings.manual_escalation.notify, [*rules.roles, *rules.people]
    if told and not notify:
        return f"slactl escalate {subject.number} --reason {quoted(why)}"
    for name in told:
        if name in rules.roles:
            return duty.how_to_fill(name)
    if any(name in rules.people for name in told):
        return "slactl oncall list"  # whoever gets the messages is away
    rule = f"slactl rules set settings.manual_escalation.notify {quoted(json.dumps(known[:1]))}"
    return rule if known else None


def _without_effect(subject: Subject, hint: str | None) -> RefusedError:
    what = f"ticket {subject.number} is not escalated: nobody would be told and nothing would change"
    return RefusedError(what, hint or "slactl help escalation")


def escalate_to(
    desk: Desk,
    now: datetime,
    references: Sequence[str],
    reason: str | None,
    level: tuple[str, str],
    *,
    notify: bool = True,
    dry_run: bool = False,
) -> Escalated:
    """Fire a level of an escalation rule ahead of its time; `level` holds the ids of the rule and the level.

    Neither the level nor any below it fires again; `check` continues with the next level.

    Raises:
        RefusedError: the reason is missing or longer than 1,000 characters.
    """
    why = checked_reason(reason, "slactl escalate --help")

    def make(subject: Subject, book: Ledger) -> dict[str, Any]:
        return _fire_level(subject, book, why, _known_level(book.rulebook.current, *level), notify=notify)

    return _escalated(desk, now, references, make, "the level has no notify" if notify else NO_NOTIFY, dry_run=dry_run)


def _fire_level(
    subject: Subject, book: Ledger, reason: str, known: tuple[Escalation, Level], *, notify: bool
) -> dict[str, Any]:
    """Record the levels below as expired, fire the level, and return its record.

    Raises:
        RefusedError: the escalation rule watches no open target or condition of the ticket, or nothing would happen.
    """
    escalation, level = known
    timer = open_timer(subject.state, escalation)
    if timer is None:
        what = f"ticket {subject.number} has no open {escalation.on} for the escalation rule {escalation.id}"
        raise RefusedError(what, f"slactl show {subject.number}")
    *below, wanted = up_to(timer.clock_run, escalation, level, subject.at, book.fired(subject.number))

    def cause(of: ManualLevel, outcome: LevelOutcome) -> Cause:
        due_at = of.at if outcome is LevelOutcome.EXPIRED else None
        return Cause(
            reason, subject.at, book.actor, ActorType.USER, of.key, due_at, outcome=outcome, warning=of.warning
        )

    may_tell = tells_customers(wanted.key, subject.state, subject.at)
    action = replace(Action.of(level, escalation.fallback), tells=notify, customers=may_tell)
    decides = bool(below) or wanted.key not in book.fired(subject.number)
    if not decides and not has_effect(action, subject.state, Duty.of(book, subject.at)):
        raise _without_effect(subject, None)
    for lower in below:
        record_only(book, subject.number, cause(lower, LevelOutcome.EXPIRED))
    return fire(book, subject.number, action, cause(wanted, LevelOutcome.FIRED))


def _known_level(rules: Rules, escalation_id: str, level_id: str) -> tuple[Escalation, Level]:
    escalations = {escalation.id: escalation for escalation in rules.escalations}
    known_or_refuse(escalation_id, list(escalations), "escalation", "slactl rules check")
    levels = {level.id: level for level in escalations[escalation_id].levels}
    known_or_refuse(level_id, list(levels), f"level of {escalation_id}", "slactl rules check")
    return escalations[escalation_id], levels[level_id]


def _known(name: str, duty: Duty) -> str:
    """Return an assignee; refuse a name that differs from a role or person by a typing error.

    Raises:
        NotKnownError: the name is not a role or person, and very similar to one.
        UsageError: the name is a reserved word of the rules.
        RefusedError: it is a role without a person.
    """
    duty.assigned(name)
    known = [*duty.rules.roles, *duty.rules.people]
    if name not in known and (question := did_you_mean(name, known)):
        raise NotKnownError(f"there is no role or person {name!r}{question}", "slactl rules show")
    return name if name in known else assignee_of(name)


def acknowledge(duration: Duration | None) -> Change:
    """Acknowledge a ticket: none of its levels fires for the duration, by default `settings.ack_for`."""

    def make(subject: Subject, book: Ledger) -> list[Entry]:
        _refuse_done(subject, "none of its levels can fire")
        lasting = duration or book.rulebook.current.settings.ack_for
        until = subject.at + timedelta(seconds=lasting.seconds)
        if lasting.in_dates:
            calendar = subject.state.terms.calendar
            until = instant_of(calendar.after(seconds_of(subject.at), lasting))
        return [Entry(Event(subject.at, EventType.ACKNOWLEDGED, {"until": to_text(until)}))]

    return make


def unacknowledge() -> Change:
    """Release an acknowledgement; escalation resumes."""

    def make(subject: Subject, _: Ledger) -> list[Entry]:
        until = subject.state.acked_until
        if until is None or until <= subject.at:
            raise RefusedError(f"ticket {subject.number} is not acknowledged", f"slactl ack {subject.number}")
        return [Entry(Event(subject.at, EventType.UNACKNOWLEDGED))]

    return make


def _refuse_done(subject: Subject, why: str) -> None:
    if subject.state.status.is_done:
        what = f"ticket {subject.number} is {subject.state.status}: {why}"
        raise RefusedError(what, f"slactl reopen {subject.number}")
