"""The history of a ticket: what happened, when it took effect, and who did it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """Where a ticket stands."""

    OPEN = "open"
    PENDING = "pending"
    WAITING_CUSTOMER = "waiting_customer"
    RESOLVED = "resolved"
    CLOSED = "closed"

    @property
    def is_done(self) -> bool:
        """Whether the resolution clock has ended."""
        return self in (Status.RESOLVED, Status.CLOSED)


class Priority(StrEnum):
    """How urgent a ticket is; `rank` orders it."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"

    @property
    def rank(self) -> int:
        """0 for low … 3 for urgent."""
        return tuple(Priority).index(self)


class Target(StrEnum):
    """What a policy can promise."""

    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    RESOLUTION = "resolution"


class Condition(StrEnum):
    """What an escalation can watch besides deadlines: a timer without a target."""

    UNASSIGNED = "unassigned"
    IDLE = "idle"
    BURST = "burst"
    CREATED = "created"


class ActorType(StrEnum):
    """Whether a person or slactl itself acted."""

    USER = "user"
    SYSTEM = "system"


class EventType(StrEnum):
    """The kinds of events, under the names of the history file format."""

    CREATED = "created"
    AGENT_REPLY = "agent_reply"
    CUSTOMER_REPLY = "customer_reply"
    NOTE = "note"
    STATUS = "status"
    PRIORITY = "priority"
    ASSIGNED = "assigned"
    PLAN = "plan"
    TENANT = "tenant"
    TAGS = "tags"
    DUE_SET = "due_set"
    ESCALATED = "escalated"
    EDITED = "edited"  # subject, requester or external id: nothing a deadline hangs on
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    RULES_APPLIED = "rules_applied"
    # Noted for people; a deadline follows from none of these.
    BREACHED = "breached"
    DEADLINES = "deadlines"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a ticket.

    `at` is the aware UTC instant at which it took effect, in whole seconds. `detail` has the extra fields
    of the type as in a history file (`status`, `priority`, `assignee`, `target`, `due_at` …); `created`,
    `plan` and `tenant` events also carry the effective `plan` and `timezone`, and `created` and
    `rules_applied` the `rules` hash they were judged under.
    """

    at: datetime
    type: EventType
    detail: Mapping[str, Any] = field(default_factory=dict)
    actor: str | None = None
    actor_type: ActorType = ActorType.USER

    @property
    def value(self) -> str:
        """What the event set, as text: with ticket, instant and type it tells one event from another."""
        names = _VALUES.get(self.type, ())
        return json.dumps([self.detail.get(name) for name in names]) if names else ""

    @property
    def by_system(self) -> bool:
        """Whether slactl itself did it, so that it feeds back into no deadline."""
        return self.actor_type is ActorType.SYSTEM


#: The fields that make the value of an event, by type; what a person wrote is not among them.
_VALUES = {
    EventType.STATUS: ("status",),
    EventType.PRIORITY: ("priority",),
    EventType.ASSIGNED: ("assignee",),
    EventType.PLAN: ("plan",),
    EventType.TENANT: ("tenant",),
    EventType.TAGS: ("tags",),
    EventType.DUE_SET: ("target", "due_at"),
    EventType.ESCALATED: ("reason", "escalation", "level", "repeat", "outcome"),
    EventType.ACKNOWLEDGED: ("until",),
    EventType.BREACHED: ("target", "cycle"),
}
