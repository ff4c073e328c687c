"""Define the state of a ticket as of an instant: its facts and its timers."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from slactl.durations import Duration
from slactl.sla.enums import Condition, Priority, Status, Target
from slactl.sla.rules.model import Facts
from slactl.sla.timers.pauses import Pause

if TYPE_CHECKING:
    from slactl.sla.calendar.calendar import BusinessCalendar
    from slactl.sla.timers.terms import Terms


class TimerState(StrEnum):
    """Name how a timer stands; `none` is for a target that the policy does not have."""

    NONE = "none"
    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"


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
    #: The ids of the only escalation rules that may watch this clock; None allows all that watch its kind.
    escalations: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Timer:
    """Hold one clock of a ticket: a cycle of a target, or a period in which a condition held.

    All seconds are counted on the ticket's calendar. `elapsed_seconds` leaves out pauses and closed hours.
    `overdue_seconds` is the time counted after the deadline. `consumed_seconds` is the time counted up to
    `running_since`. `breached_at` is the first deadline that was missed; a later `due_at` set by hand does not
    clear it. `deadline_revision` grows by one whenever a person moves the deadline to later. `target_duration` is
    the target as the policy states it, under `terms`. Both are None for a condition.
    """

    kind: Target | Condition
    cycle: int
    state: TimerState
    target_seconds: int | None
    started_at: datetime
    due_at: datetime | None
    stopped_at: datetime | None
    breached_at: datetime | None
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

    @property
    def is_counting(self) -> bool:
        """Return whether the clock runs now: it is neither stopped nor paused."""
        return self.running_since is not None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Hold the state of a ticket as of `now`.

    `policy` and `calendar` are names, None if no policy matches. `resolved_at` is the latest resolution, None
    while the ticket is reopened. `due_at` is the earliest deadline still open, overdue or not, and `due_target` its
    target. `escalated` and `escalation_level` count levels after a deadline, levels of conditions and escalations
    by hand, but no warnings. `terms` belong to the policy that was chosen last.
    """

    now: datetime
    status: Status
    priority: Priority
    plan: str
    tenant: str | None
    timezone: str | None
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
    acked_until: datetime | None
    escalated: bool
    escalation_level: int
    due_at: datetime | None
    due_target: Target | None
    timers: tuple[Timer, ...]
    terms: "Terms" = field(repr=False, compare=False)

    @property
    def facts(self) -> Facts:
        """Return what policies and escalation rules match on."""
        return Facts(self.plan, self.tenant, self.tags, self.priority, self.requester_domain)
