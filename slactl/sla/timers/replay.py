"""Read a history from its beginning and calculate the state of the ticket, its targets and its conditions.

1. An event sets facts of the ticket: status, priority, plan, tenant, assignee, tags.
2. A status runs or pauses the clocks, or stops them because the ticket is closed.
3. Replies and resolutions start and stop the targets.
4. When a person changes priority, plan, tenant or tags, the policy is chosen again, and with it the targets still open.
   What slactl changed itself does not count there.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from slactl.clock import from_text
from slactl.sla.calendar.calendar import BusinessCalendar, HolidayProvider, Hours
from slactl.sla.enums import Condition, CountFrom, EventType, LateTargets, NextResponseFrom, Status, Target
from slactl.sla.history.event import Event
from slactl.sla.rules.match import Facts
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.conditions import Conditions
from slactl.sla.timers.facts import OF_FACTS, TicketFacts
from slactl.sla.timers.outcomes import GroupLog, outcomes
from slactl.sla.timers.pauses import instant_of, optional_instant, seconds_of
from slactl.sla.timers.targets import TrackedTargets
from slactl.sla.timers.terms import Terms
from slactl.sla.timers.timer import ClockRun, Evaluation, Groups, Outcome, Timer

#: Returns the rules with a hash, or the current rules for None.
RulesFor = Callable[[str | None], Rules]

#: The calendar of a ticket that no policy matches.
ALWAYS = BusinessCalendar("always", "UTC", Hours(always_open=True))


class Replay:
    """Hold the state of one ticket while its history is read."""

    def __init__(self, created: Event, rules_for: RulesFor, holidays: HolidayProvider | None = None) -> None:
        """Start with the event that opens the ticket.

        Raises:
            ValueError: the event has another type.
            NoOpenHours: the calendar has too little open time left for a target.
        """
        if created.type is not EventType.CREATED:
            raise ValueError(f"the history begins with {created.type.value}, not with created")
        at, detail = seconds_of(created.at), created.detail
        self._rules_for, self._holidays = rules_for, holidays
        self._rules = rules_for(detail.get("rules"))
        self._created = self._updated = at
        self._facts = TicketFacts(detail, self._rules.settings.default_plan)
        self._status = Status(detail.get("status") or Status.OPEN)
        self._assignee: str | None = detail.get("assignee") or None
        self._replied_at: int | None = None
        is_known = Target.RESOLUTION not in (detail.get("unknown") or ())
        self._resolved = self._first_resolved = at if self._status.is_done and is_known else None
        self._acked_until: datetime | None = None
        self._until: datetime | None = None
        self._woke: list[tuple[Status, datetime]] = []
        self._levels: set[tuple[str, str]] = set()
        self._by_hand = 0
        self._targets = TrackedTargets(
            at,
            self._status,
            self._choose(at),
            outbound=bool(detail.get("outbound")),
            unknown=[Target(name) for name in detail.get("unknown") or ()],
        )
        self._groups = GroupLog()
        self._note_groups(at)
        self._conditions = Conditions(at, detail.get("bursts") or ())
        self._turn_conditions(at)

    def apply(self, event: Event) -> None:
        """Read the next event, which took effect at or after the last one.

        Raises:
            NoOpenHours: the calendar has too little open time left for a target.
        """
        reader = _READERS.get(event.type)
        if event.type is EventType.RETRACTED:
            for lost in event.detail["lost"]:
                self._targets.lose(lost)
        elif reader is not None:
            self._updated = at = seconds_of(event.at)
            reader(self, at, event)
            if event.type in _OF_GROUPS:
                self._note_groups(at)

    def timers(self, now: datetime, conditions: Collection[Condition] = tuple(Condition)) -> list[Timer]:
        """Return every timer as of `now`, which must not be before the last event."""
        at = seconds_of(now)
        return [*self._targets.timers(at), *self._conditions.timers(at, self._targets.terms.calendar, conditions)]

    def clock_runs(self, now: datetime, wanted: Collection[Target | Condition]) -> list[ClockRun]:
        """Return the clocks of these kinds that run at `now`, which must not be before the last event."""
        at = seconds_of(now)
        clock_runs = [tracked.clock_run(at) for tracked in self._targets.still_open() if tracked.kind in wanted]
        conditions = [kind for kind in Condition if kind in wanted]
        clock_runs += self._conditions.clock_runs(self._targets.terms.calendar, conditions)
        return [clock_run for clock_run in clock_runs if clock_run is not None]

    @property
    def facts(self) -> Facts:
        """Return what escalation rules match on."""
        return self._facts.now(self._status, self._assignee)

    @property
    def acked_until(self) -> datetime | None:
        """Return until when the ticket is acknowledged; the instant may have passed."""
        return self._acked_until

    def evaluation(
        self, now: datetime, conditions: Collection[Condition] = tuple(Condition), *, with_outcomes: bool = False
    ) -> Evaluation:
        """Return the ticket and its timers as of `now`, which must not be before the last event."""
        timers = self.timers(now, conditions)
        unmet = [timer for timer in timers if timer.due_at is not None and timer.stopped_at is None]
        first = min(unmet, key=lambda timer: timer.due_at or now, default=None)
        policy, facts, acked = self._targets.terms.policy, self._facts, self._acked_until
        return Evaluation(
            now=now,
            status=self._status,
            priority=facts.priority,
            plan=facts.plan,
            tenant=facts.tenant,
            timezone=facts.timezone,
            region=facts.region,
            assignee=self._assignee,
            tags=facts.tags,
            requester_domain=facts.domain,
            policy=policy.name if policy is not None else None,
            calendar=policy.calendar if policy is not None else None,
            created_at=instant_of(self._created),
            updated_at=instant_of(self._updated),
            first_responded_at=optional_instant(self._replied_at),
            resolved_at=optional_instant(self._resolved),
            first_resolved_at=optional_instant(self._first_resolved),
            woke=tuple(self._woke),
            wakes_at=self._until if self._until is not None and self._until > now else None,
            acked_until=acked if acked is not None and acked > now else None,
            escalated=bool(self._levels) or self._by_hand > 0,
            escalation_level=len(self._levels) + self._by_hand,
            due_at=first.due_at if first is not None else None,
            due_target=first.kind if first is not None and isinstance(first.kind, Target) else None,
            timers=tuple(timers),
            outcomes=self.outcomes(now) if with_outcomes else (),
            terms=self._targets.terms,
            facts=self.facts,
        )

    def outcomes(self, now: datetime) -> tuple[Outcome, ...]:
        """Return the outcomes as of `now`, which must not be before the last event."""
        return tuple(outcomes(self._targets, self._groups, now))

    def _choose(self, at: int) -> Terms:
        """Choose the policy that matches the ticket as people set it, and return its terms."""
        facts = self._facts.as_set
        policy, settings = self._rules.match(facts), self._rules.settings
        stated = policy or settings
        calendar, own_calendars = ALWAYS, dict[Target, BusinessCalendar]()
        if policy is not None:
            zone, region = self._facts.timezone, self._facts.region
            ask = partial(self._rules.calendar, timezone=zone, holidays=self._holidays, region=region)
            calendar = ask(policy.calendar)
            own_calendars = {kind: ask(name) for kind, name in policy.own_calendars(facts.priority).items()}
        self._chosen = (facts, self._facts.timezone, self._facts.region)
        return Terms(
            policy=policy,
            facts=facts,
            chosen_at=at,
            rules=self._rules,
            calendar=calendar,
            pause_statuses=stated.pause_statuses,
            pause=stated.pause,
            reopen=stated.reopen,
            opening_waits=stated.next_response_from == NextResponseFrom.CREATION,
            counts_from_change=stated.count_from == CountFrom.CHANGE,
            recounts_late=stated.late_targets == LateTargets.RECOUNT,
            own_calendars=own_calendars,
        )

    def _choose_anew(self, at: int) -> None:
        """Choose the policy again after a person's change."""
        # An edited address alone chooses no policy.
        facts = replace(self._facts.as_set, requester_domain=self._chosen[0].requester_domain)
        if self._chosen != (facts, self._facts.timezone, self._facts.region):
            self._targets.retarget(at, self._choose(at), by_person=True)
            self._turn_conditions(at)

    def _turn_conditions(self, at: int) -> None:
        self._conditions.turn(
            at,
            done=self._status.is_done,
            assigned=self._assignee is not None,
            pausing=self._targets.is_pausing,
        )

    def _note_groups(self, at: int) -> None:
        policy, facts = self._targets.terms.policy, self._facts
        name = policy.name if policy is not None else None
        self._groups.turn(at, Groups(facts.plan, facts.tenant, facts.priority, self._assignee, name, facts.tags))

    def read_status(self, at: int, event: Event) -> None:
        """Take a change of status."""
        after, before = Status(event.detail["status"]), self._status
        until = event.detail.get("until")
        self._until = from_text(until) if isinstance(until, str) else until
        self._woke += [(before, event.at)] if event.detail.get("unrecorded") else []
        if after is before:
            return
        self._status = after
        unknown = bool(event.detail.get("unknown_instant"))
        if after.is_done != before.is_done:
            self._resolved = at if after.is_done and not unknown else None
            self._first_resolved = self._first_resolved if self._first_resolved is not None else self._resolved
        self._targets.change_status(at, after, unknown_instant=unknown, by_system=event.by_system)
        self._turn_conditions(at)
        self._conditions.act(at)
        self._conditions.ask(at)

    def read_agent_reply(self, at: int, _: Event) -> None:
        """Take a reply of an agent."""
        self._replied_at = at if self._replied_at is None else self._replied_at
        self._targets.reply(at)
        self._conditions.act(at)
        self._conditions.ask(at)

    def read_customer_reply(self, at: int, _: Event) -> None:
        """Take a message of the customer."""
        self._targets.message(at)
        self._conditions.hear(at)

    def read_note(self, at: int, event: Event) -> None:
        """Take an internal note."""
        if not event.by_system:  # a note from an escalation rule does not end a quiet period
            self._conditions.act(at)

    def read_assigned(self, at: int, event: Event) -> None:
        """Take a change of the assignee."""
        after = event.detail.get("assignee") or None
        if after != self._assignee:
            self._assignee = after
            self._turn_conditions(at)
            self._conditions.act(at)

    def read_facts(self, at: int, event: Event) -> None:
        """Take a change of priority, plan, tenant, time zone, tags or the requester's address."""
        self._facts.take(event, self._rules.settings.default_plan)
        if event.type is not EventType.EDITED and not event.by_system:  # a change by slactl itself moves no deadline
            self._choose_anew(at)

    def read_due_set(self, at: int, event: Event) -> None:
        """Take a deadline that a person set or cleared."""
        due = event.detail.get("due_at")
        instant = from_text(due) if isinstance(due, str) else due
        target = Target(event.detail["target"])
        self._targets.set_by_hand(at, target, seconds_of(instant) if instant is not None else None)

    def read_escalated(self, _: int, event: Event) -> None:
        """Take an escalation, by a rule or by hand."""
        detail = event.detail
        if not event.by_system or "escalation" not in detail:
            self._by_hand += 1
        elif not detail.get("warning"):
            self._levels.add((detail["escalation"], detail.get("level", "")))

    def read_acknowledged(self, _: int, event: Event) -> None:
        """Take an acknowledgement or its release."""
        until = event.detail.get("until")
        self._acked_until = from_text(until) if isinstance(until, str) else until

    def read_rules_applied(self, at: int, event: Event) -> None:
        """Take a move to other rules."""
        self._rules = self._rules_for(event.detail.get("rules"))
        self._targets.retarget(at, self._choose(at))


_READERS: Mapping[EventType, Callable[[Replay, int, Event], None]] = {
    EventType.STATUS: Replay.read_status,
    EventType.AGENT_REPLY: Replay.read_agent_reply,
    EventType.CUSTOMER_REPLY: Replay.read_customer_reply,
    EventType.NOTE: Replay.read_note,
    EventType.ASSIGNED: Replay.read_assigned,
    EventType.DUE_SET: Replay.read_due_set,
    EventType.ESCALATED: Replay.read_escalated,
    EventType.ACKNOWLEDGED: Replay.read_acknowledged,
    EventType.UNACKNOWLEDGED: Replay.read_acknowledged,
    EventType.RULES_APPLIED: Replay.read_rules_applied,
    **dict.fromkeys(OF_FACTS, Replay.read_facts),
}

#: The events that change what reports group by.
_OF_GROUPS = OF_FACTS | {EventType.ASSIGNED, EventType.RULES_APPLIED}
