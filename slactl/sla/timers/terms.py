"""Define the terms under which the deadlines of one ticket are calculated."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slactl.durations import Duration
from slactl.sla.enums import Priority, Reopen, Status, Target
from slactl.sla.rules.match import Facts
from slactl.sla.rules.model import Policy
from slactl.sla.rules.rules import Rules

if TYPE_CHECKING:
    from slactl.sla.calendar.calendar import BusinessCalendar


@dataclass(frozen=True, slots=True)
class Terms:
    """Hold the policy as it was last chosen, and the settings that start, pause and stop the clocks.

    `rules` were asked with `facts` at `chosen_at`, in seconds since 1970. `explain` asks them again. `policy` is None
    where no policy matches. `own_calendars` are those of targets that do not use the policy's `calendar`.
    """

    policy: Policy | None
    facts: Facts
    chosen_at: int
    rules: Rules = field(repr=False)
    calendar: "BusinessCalendar"
    pause_statuses: Collection[Status]
    pause: Collection[Target]
    reopen: Reopen
    opening_waits: bool  # the opening message already waits for a next response
    counts_from_change: bool = False  # targets that a person's change alters count from the change
    recounts_late: bool = False  # such a change alters targets whose deadline was missed, too
    own_calendars: Mapping[Target, "BusinessCalendar"] = field(default_factory=dict)

    @property
    def priority(self) -> Priority:
        """Return the priority for which the targets were chosen."""
        return self.facts.priority

    def calendar_of(self, kind: Target) -> "BusinessCalendar":
        """Return the calendar on which the time of a target is counted."""
        return self.own_calendars.get(kind, self.calendar)

    def target(self, kind: Target) -> Duration | None:
        """Return how long a target may take, or None if the policy does not have it."""
        return self.policy.target(self.priority, kind) if self.policy is not None else None
