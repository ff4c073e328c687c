"""Define the state of a ticket as of an instant: its facts and its timers."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from slactl.durations import Duration
from slactl.sla.enums import Condition, Priority, Status, Target
from slactl.sla.rules.match import Facts
from slactl.sla.timers.pauses import Pause, PauseReason

if TYPE_CHECKING:
    from slactl.sla.calendar.calendar import BusinessCalendar
    from slactl.sla.calendar.hours import Region
    from slactl.sla.timers.terms import Terms


class TimerState(StrEnum):
    """Name how a timer stands.

    `none` is for a target that the policy does not have, `unknown` for one whose end the history cannot tell: it has
    no deadline, and nothing fires for it.
    """

    NONE = "none"
    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"
    UNKNOWN = "unknown"


class Missed(NamedTuple):
    """Hold a deadline `due` that had passed when a person replaced it at `at`; the policy set it, or a person.

    The target was late from `late_since` on.
    """

    due: int
    at: int
    manual: bool
    agreement: int
    late_since: int


class Breach(NamedTuple):
    """Hold a deadline that was missed; `agreement` counts the later deadlines that were agreed on after a miss.

    `late_since` is the deadline, or the later instant at which a change set it to the past.
    """

    at: datetime
    agreement: int
    late_since: datetime


class Groups(NamedTuple):
    """Hold what reports group by, as it was at an outcome."""

    plan: str
    tenant: str | None
    priority: Priority
    assignee: str | None
    policy: str | None
    tags: tuple[str, ...]


class Outcome(NamedTuple):
    """Hold how a cycle of a target ended, or that its deadline passed.

    `missed_at` is the deadline that passed before the target was met, if no earlier outcome counts it; `late_since` is
    the same, or the later instant at which a change set it to the past. `stopped_at` is None while the clock goes on,
    and where a person agreed on another deadline after a miss. `seconds` are counted up to the stop. `averaged` is
    false for a first response that nobody gave before the ticket was resolved.
    """

    kind: Target
    cycle: int
    agreement: int
    started_at: datetime
    stopped_at: datetime | None
    missed_at: datetime | None
    late_since: datetime | None
    met: bool
    seconds: int | None
    averaged: bool
    paused_seconds: int
    closed_seconds: int
    groups: Groups


class ClockRun(NamedTuple):
    """Hold how the clock of one timer ran so far; the instant of every level follows from it.

    Instants are seconds since 1970. `due` is None while a pause goes on. A condition has neither `due` nor `target`.
    """

    kind: Target | Condition
    cycle: int
    start: int
    due: int | None
    target: int | None
    #: The pauses from the start to the stop; the last one may go on.
    pauses: tuple[Pause, ...]
    calendar: "BusinessCalendar"
    deadline_revision: int = 0
    #: How often a later deadline was agreed on after a miss; every level may fire again for each.
    agreement: int = 0
    #: Whether a person set the deadline, so that pauses neither move it nor stop the clock.
    manual: bool = False
    #: The ids of the only escalation rules that may watch this clock; None allows all that watch its kind.
    escalations: tuple[str, ...] | None = None

    @property
    def known_pauses(self) -> tuple[Pause, ...]:
        """Return the pauses that stop its levels: a deadline set by hand goes on in a pause that has not ended."""
        goes_on = self.manual and self.pauses and self.pauses[-1].end is None
        return self.pauses[:-1] if goes_on else self.pauses


@dataclass(frozen=True, slots=True)
class Timer:
    """Hold one clock of a ticket: a cycle of a target, or a period in which a condition held.

    All seconds are counted on the ticket's calendar. `elapsed_seconds` leaves out pauses and closed hours.
    `overdue_seconds` is the time counted after the deadline. `consumed_seconds` is the time counted up to
    `running_since`. `breaches` are the deadlines that were missed, in order of time; a later `due_at` set by hand
    does not clear them. `deadline_revision` grows by one whenever a person moves the deadline to later.
    `target_duration` is the target as the policy states it, under `terms`. Both are None for a condition.
    """

    kind: Target | Condition
    cycle: int
    state: TimerState
    target_seconds: int | None
    started_at: datetime
    due_at: datetime | None
    stopped_at: datetime | None
    breaches: tuple[Breach, ...]
    running_since: datetime | None
    elapsed_seconds: int
    remaining_seconds: int | None
    paused_seconds: int
    overdue_seconds: int
    consumed_seconds: int
    manual: bool
    deadline_revision: int
    clock_run: ClockRun = field(repr=False)
    target_duration: Duration | None = None
    terms: "Terms | None" = field(default=None, repr=False, compare=False)

    def uncounted(self, reason: PauseReason) -> int:
        """Return the open time of the ended pauses for one reason; a pause that goes on grows without an event."""
        if not self.clock_run.pauses:
            return 0
        over = [pause for pause in self.clock_run.pauses if pause.reason is reason and pause.end is not None]
        between = self.clock_run.calendar.between_seconds
        return sum(between(begin, end) for begin, end, _ in over if end is not None)

    @property
    def breached_at(self) -> datetime | None:
        """Return the first deadline that was missed."""
        return self.breaches[0].at if self.breaches else None

    @property
    def is_counting(self) -> bool:
        """Return whether the clock runs now: it has not stopped, and is not paused or has a deadline set by hand."""
        in_pause = self.manual and self.stopped_at is None and self.state is not TimerState.UNKNOWN
        return self.running_since is not None or in_pause


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Hold the state of a ticket as of `now`.

    `wakes_at` is when its status ends by itself, None if it does not, and `woken` is the ticket as of then; `woke` is a
    status that ended by itself, and when, until `check` records it. `policy` and `calendar` are names, None if no
    policy matches. `resolved_at` is the latest resolution, None while the ticket is reopened and where nobody knows the
    instant. `due_at` is the earliest deadline still open, overdue or not, and `due_target` its target. `escalated` and
    `escalation_level` count levels after a deadline, levels of conditions and escalations by hand, but no warnings.
    `outcomes` are empty unless they were asked for. `terms` belong to the policy that was chosen last.
    """

    now: datetime
    status: Status
    priority: Priority
    plan: str
    tenant: str | None
    timezone: str | None
    region: "Region | None"
    assignee: str | None
    tags: tuple[str, ...]
    requester_domain: str | None
    policy: str | None
    calendar: str | None
    created_at: datetime
    updated_at: datetime
    first_responded_at: datetime | None
    resolved_at: datetime | None
    first_resolved_at: datetime | None
    woke: tuple[tuple[Status, datetime], ...]
    wakes_at: datetime | None
    acked_until: datetime | None
    escalated: bool
    escalation_level: int
    due_at: datetime | None
    due_target: Target | None
    timers: tuple[Timer, ...]
    outcomes: tuple[Outcome, ...]
    terms: "Terms" = field(repr=False, compare=False)
    #: What escalation rules match on.
    facts: Facts = field(repr=False, compare=False)
    woken: "Evaluation | None" = field(default=None, repr=False, compare=False)

    @property
    def ends_at(self) -> datetime | None:
        """Return the first instant at which a status ended or ends by itself and that `check` has yet to record."""
        return self.woke[0][1] if self.woke else self.wakes_at
