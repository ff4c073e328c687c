"""Define the fields of the history file format: the fields of each event type, and the reader of each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from slactl.clock import from_text, to_text
from slactl.sla.enums import ActorType, Condition, EventType, LevelOutcome, Priority, Status, Target
from slactl.sla.history.readers import (
    BODY_LENGTH,
    SUBJECT_LENGTH,
    LineError,
    Reader,
    one_of,
    read_cycle,
    read_flag,
    read_id,
    read_ids,
    read_instant,
    read_instant_text,
    read_name,
    read_names,
    read_number,
    read_tags,
    read_target,
    read_targets,
    read_text,
    read_zone,
)

#: The texts that people wrote: stored apart from the facts, so that they can be erased.
TEXTS = ("body", "subject", "requester_email")


TYPE, _STATUS, PRIORITY, _TARGET = one_of(EventType), one_of(Status), one_of(Priority), read_target
_BODY, _LINE = partial(read_text, most=BODY_LENGTH), partial(read_text, most=SUBJECT_LENGTH)
_OUTCOME = one_of(LevelOutcome)

#: Where a tenant works, which its calendars follow.
_PLACE: dict[str, Reader] = {"timezone": read_zone, "country": read_name, "subdivision": read_name}

#: The fields of each event type in the order in which they are written, and the reader of each.
FIELDS: dict[EventType, dict[str, Reader]] = {
    EventType.CREATED: {
        "plan": read_name,
        "tenant": read_name,
        **_PLACE,
        "priority": PRIORITY,
        "status": _STATUS,
        "assignee": read_name,
        "tags": read_tags,
        "external_id": read_name,
        "requester_domain": read_name,
        "outbound": read_flag,
        "unknown": read_targets,
        "bursts": read_names,
        "rules": read_name,
        "instead_of": read_name,
    },
    EventType.AGENT_REPLY: {"reason": _LINE},
    EventType.CUSTOMER_REPLY: {"reason": _LINE},
    EventType.NOTE: {"reason": _LINE},
    EventType.STATUS: {
        **{"status": _STATUS, "from": _STATUS, "reason": _LINE},
        **{"until": read_instant_text, "unknown_instant": read_flag, "by_itself": read_flag},
        **{"stand_ins": read_names},
    },
    EventType.PRIORITY: {"priority": PRIORITY, "from": PRIORITY, "reason": _LINE},
    EventType.ASSIGNED: {"assignee": read_name, "from": read_name, "instead_of": read_name, "reason": _LINE},
    EventType.PLAN: {"plan": read_name, **_PLACE, "from": read_name},
    EventType.TENANT: {"tenant": read_name, "plan": read_name, **_PLACE, "from": read_name},
    EventType.TAGS: {"tags": read_tags, "added": read_tags, "removed": read_tags, "reason": _LINE},
    EventType.DUE_SET: {"target": _TARGET, "due_at": read_instant_text, "reason": _LINE},
    EventType.ESCALATED: {
        "reason": _LINE,
        "kind": one_of((*Target, *Condition)),
        "cycle": read_cycle,
        "escalation": read_name,
        "level": read_name,
        "arming": read_number,
        "repeat": read_number,
        "warning": read_flag,
        "outcome": _OUTCOME,
        "fallback": read_name,
        "left_out": read_names,
        "unreached": _LINE,
        "status": _STATUS,
        "stand_ins": read_names,
        "due_at": read_instant_text,
        "from_priority": PRIORITY,
        "to_priority": PRIORITY,
        "from_assignee": read_name,
        "to_assignee": read_name,
    },
    EventType.EDITED: {"external_id": read_name, "requester_domain": read_name, "adopted_by": read_name},
    EventType.ACKNOWLEDGED: {"until": read_instant_text},
    EventType.UNACKNOWLEDGED: {},
    EventType.RULES_APPLIED: {"rules": read_name, "from": read_name},
    EventType.RETRACTED: {"events": read_ids, "reason": _LINE},
    EventType.BREACHED: {
        **{"target": _TARGET, "cycle": read_number},
        **{"agreement": read_number, "due_at": read_instant_text},
    },
    EventType.CORRECTED: {"target": _TARGET, "cycle": read_number, "due_at": read_instant_text, "reason": _LINE},
    EventType.DEADLINES: {
        "policy": _LINE,
        "because": _LINE,
        "first_response": read_instant_text,
        "next_response": read_instant_text,
        "update": read_instant_text,
        "resolution": read_instant_text,
    },
}

#: The texts that people write with an event, by type.
_WRITTEN: dict[EventType, dict[str, Reader]] = {
    EventType.CREATED: {"body": _BODY, "subject": _LINE, "requester_email": _LINE},
    EventType.AGENT_REPLY: {"body": _BODY},
    EventType.CUSTOMER_REPLY: {"body": _BODY},
    EventType.NOTE: {"body": _BODY},
    EventType.EDITED: {"subject": _LINE, "requester_email": _LINE},
}

HASHES = {name: f"{name}_hash" for name in TEXTS}

#: The fields of every line. The creation of a ticket also has the ticket's number in the database it came from.
_OF_ALL: dict[str, Reader] = {
    "actor": read_name,
    "actor_type": one_of(ActorType),
    "source": read_name,
    "id": read_name,
    "unix_user": read_name,
    "recorded_at": read_instant,
}
_OF_CREATED: dict[str, Reader] = {"slactl_id": read_id}
_OF_MESSAGES: dict[str, Reader] = {"message_id": _LINE}
#: The types of events that a message by mail becomes.
_MESSAGES = (EventType.CREATED, EventType.AGENT_REPLY, EventType.CUSTOMER_REPLY, EventType.NOTE)

READERS: dict[EventType, dict[str, Reader]] = {
    kind: {
        **fields,
        **_WRITTEN.get(kind, {}),
        **{HASHES[name]: read_name for name in _WRITTEN.get(kind, {})},
        **(_OF_CREATED if kind is EventType.CREATED else {}),
        **(_OF_MESSAGES if kind in _MESSAGES else {}),
        **_OF_ALL,
    }
    for kind, fields in FIELDS.items()
}

#: The fields that slactl does not read, by type: names that an export adds.
UNUSED: dict[EventType, dict[str, Reader]] = {kind: {"copy": read_number} for kind in EventType}

#: Fields that mean something when they are empty: a ticket is unassigned, a deadline set by hand is cleared.
KEPT_WHEN_EMPTY = frozenset(
    ("assignee", "tenant", "plan", "due_at", "from", "timezone", "country", "subdivision", "unix_user")
)

REQUIRED: dict[EventType, Sequence[str]] = {
    EventType.STATUS: ("status",),
    EventType.PRIORITY: ("priority",),
    EventType.ASSIGNED: ("assignee",),
    EventType.PLAN: ("plan",),
    EventType.TENANT: ("tenant",),
    EventType.TAGS: ("tags",),
    EventType.DUE_SET: ("target",),
    EventType.ESCALATED: ("reason",),
    EventType.ACKNOWLEDGED: ("until",),
    EventType.RETRACTED: ("events",),
}


def check_agreement(kind: EventType, at: datetime, detail: Mapping[str, Any]) -> None:
    """Check that the fields of an event do not contradict each other.

    Raises:
        LineError: they do.
    """
    if kind is EventType.STATUS:
        _check_status(at, detail)
    elif kind is EventType.TAGS:
        _check_tags(detail)


def _check_status(at: datetime, detail: Mapping[str, Any]) -> None:
    """Refuse fields that contradict each other."""
    status, until = Status(detail["status"]), detail.get("until")
    if until is not None and status.is_done:
        raise LineError("until", f"a {status.value} ticket does not open again by itself")
    if until is not None and from_text(until) < at:
        raise LineError("until", f"{until} is before the status was set, at {to_text(at)}")
    if until is not None and status is Status.OPEN:
        raise LineError("until", "an open ticket is open already")
    if detail.get("unknown_instant") and not status.is_done:
        raise LineError("unknown_instant", f"is allowed only with resolved and closed, not with {status.value}")
    if detail.get("by_itself") and status is not Status.OPEN:
        raise LineError("by_itself", f"is allowed only with open, not with {status.value}")


def _check_tags(detail: Mapping[str, Any]) -> None:
    """Refuse differences that contradict the tags after the change."""
    for tag in detail.get("added", ()):
        if tag not in detail["tags"]:
            raise LineError("added", f"{tag!r} is not in tags")
    for tag in detail.get("removed", ()):
        if tag in detail["tags"]:
            raise LineError("removed", f"{tag!r} is still in tags")
