"""What a history says as of an instant: the facts of the ticket, and its timers."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from slactl.clock import Duration
from slactl.sla.enums import Condition, Priority, Status, Target
from slactl.sla.rules_model import Facts
from slactl.sla.stretches import Stretch

if TYPE_CHECKING:
    from slactl.sla.calendar import BusinessCalendar
    from slactl.sla.terms import Terms


class TimerState(StrEnum):
    """How a timer stands; `none` is for a target that a policy does not have."""

    NONE = "none"
    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"


class Course(NamedTuple):
    """How the clock of one timer ran so far: what every place on it follows from.

    Instants are seconds since 1970. `due` is None while it is not known, and for a condition, as is `target`.
    """

    kind: Target | Condition
    cycle: int
    start: int
    due: int | None
    target: int | None
    #: The time not counted, from the start to the stop; the last one may go on.
    stretches: tuple[Stretch, ...]
    calendar: "BusinessCalendar"
    arming: int = 0
    #: The escalations that an episode concerns; None is all that watch the kind.
    escalations: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Timer:
    """One clock of a ticket: a cycle of a target, or an episode of a condition (which has no deadline).

    All seconds are counted on the ticket's calendar. `elapsed_seconds` leaves out pauses and closed time,
    `overdue_seconds` is what was counted after the deadline, `consumed_seconds` what was counted up to
    `running_since`. `breached_at` is the first deadline that was missed and is never taken back, even where a
    later `due_at` was set by hand. `arming` grows when a person moves the deadline to later. `promised` is the target
    as the rules state it and `terms` what chose it, both None for a condition.
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
    arming: int
    course: Course = field(repr=False)
    promised: Duration | None = None
    terms: "Terms | None" = field(default=None, repr=False, compare=False)

    @property
    def is_counting(self) -> bool:
        """Whether the clock runs now: neither stopped nor standing still."""
        return self.running_since is not None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A ticket as its history has it at `now`.

    `policy` and `calendar` are names, None where no policy matches. `resolved_at` is the latest resolution, None
    while reopened. `due_at` is the earliest deadline still open, late ones included, and `due_target` whose it is.
    `escalated` and `escalation_level` are about breaches, conditions and people; warnings do not count. `terms` are
    those of the policy chosen last.
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
        """What policies and ladders match on."""
        return Facts(self.plan, self.tenant, self.tags, self.priority, self.requester_domain)
