"""Define the events of a ticket's history: what happened, when it took effect, and who did it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slactl.sla.enums import ActorType, EventType

if TYPE_CHECKING:
    from slactl.sla.calendar.hours import Region


@dataclass(frozen=True, slots=True)
class Event:
    """Hold one event of a ticket.

    `at` is the aware UTC instant at which it took effect, in whole seconds. `detail` has the extra fields of the type,
    named as in a history file (`status`, `priority`, `assignee`, `target`, `due_at` …). `created`, `plan` and `tenant`
    events also carry the effective `plan` and `timezone`. `created` and `rules_applied` events carry the hash of the
    rules under which the ticket is evaluated from then on, as `rules`.
    """

    at: datetime
    type: EventType
    detail: Mapping[str, Any] = field(default_factory=dict)
    actor: str | None = None
    actor_type: ActorType = ActorType.USER
    id: str | None = None

    @property
    def value(self) -> str:
        """Return what the event set, as text: together with ticket, instant and type it identifies an event."""
        names = _VALUES.get(self.type, ())
        return json.dumps([self.detail.get(name) for name in names]) if names else ""

    @property
    def by_system(self) -> bool:
        """Return whether slactl itself acted, so that the event moves no deadline."""
        return self.actor_type is ActorType.SYSTEM


#: The fields that make the value of an event, by type; texts that people wrote are left out.
_VALUES = {
    EventType.STATUS: ("status", "until"),
    EventType.PRIORITY: ("priority",),
    EventType.ASSIGNED: ("assignee",),
    EventType.PLAN: ("plan",),
    EventType.TENANT: ("tenant",),
    EventType.TAGS: ("tags",),
    EventType.DUE_SET: ("target", "due_at"),
    EventType.ESCALATED: ("reason", "escalation", "level", "repeat", "outcome"),
    EventType.ACKNOWLEDGED: ("until",),
    EventType.RETRACTED: ("events",),
    EventType.BREACHED: ("target", "cycle"),
    EventType.CORRECTED: ("target", "due_at"),
}


def region_of(detail: Mapping[str, Any]) -> "Region | None":
    """Return the tenant's own country and subdivision that an event states, or None where calendars keep theirs."""
    return (detail["country"], detail.get("subdivision") or None) if detail.get("country") else None
