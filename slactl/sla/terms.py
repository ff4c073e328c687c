"""The terms on which the deadlines of one ticket are judged."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slactl.clock import Duration
from slactl.sla.enums import Priority, Reopen, Status, Target
from slactl.sla.rules import Rules
from slactl.sla.rules_model import Facts, Policy

if TYPE_CHECKING:
    from slactl.sla.calendar import BusinessCalendar


@dataclass(frozen=True, slots=True)
class Terms:
    """What was promised when the policy was last chosen, and what stops the clocks.

    `rules` were asked with `facts` at `chosen_at`, in seconds since 1970: from these the choice can be explained.
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

    @property
    def priority(self) -> Priority:
        """The priority by which the targets were chosen."""
        return self.facts.priority

    def target(self, kind: Target) -> Duration | None:
        """How long it may take; None where nothing is promised."""
        return self.policy.target(self.priority, kind) if self.policy is not None else None
