"""Translate between rows of `event` and the events of `sla.history`; nothing else does."""

import json
from collections.abc import Mapping
from typing import Any

from slactl.clock import from_text
from slactl.sla.enums import ActorType, EventType, Status
from slactl.sla.history.event import Event

#: The audit name of each type; a status change has a name of its own where people look for one.
ACTIONS = {
    EventType.CREATED: "ticket.create",
    EventType.AGENT_REPLY: "ticket.reply",
    EventType.CUSTOMER_REPLY: "ticket.receive",
    EventType.NOTE: "ticket.note",
    EventType.STATUS: "ticket.status",
    EventType.PRIORITY: "ticket.priority",
    EventType.ASSIGNED: "ticket.assign",
    EventType.PLAN: "ticket.plan",
    EventType.TENANT: "ticket.tenant",
    EventType.TAGS: "ticket.tags",
    EventType.DUE_SET: "sla.due",
    EventType.ESCALATED: "ticket.escalate",
    EventType.EDITED: "ticket.edit",
    EventType.ACKNOWLEDGED: "ticket.ack",
    EventType.UNACKNOWLEDGED: "ticket.unack",
    EventType.RULES_APPLIED: "rules.apply",
    EventType.RETRACTED: "ticket.retract",
}

RESOLVE, CLOSE, REOPEN = "ticket.resolve", "ticket.close", "ticket.reopen"

#: Events that slactl notes for people, from which nothing is calculated: a breach it detected, deadlines it set.
BREACH, DEADLINES = "sla.breach", "sla.due"

#: The correction of a recorded breach by a backdated change; the detail has the reason.
CORRECTION = "sla.correct"

#: The actions that reports look for in the histories of many tickets.
COUNTED = (ACTIONS[EventType.ESCALATED], REOPEN, CORRECTION)

#: A goal that a miss of the ticket brought to one of its thresholds; the detail has the figures of the goal.
GOAL = "objective.alert"

#: The types of events that are recorded for people only, by audit name.
NOTED = {BREACH: EventType.BREACHED, CORRECTION: EventType.CORRECTED}

#: The SQL condition that no breach of the same deadline was recorded after a correction `c`: an undo can bring it back.
STILL_CORRECTED = f"""NOT EXISTS (SELECT 1 FROM event b WHERE b.ticket_id = c.ticket_id AND b.id > c.id
AND b.action = '{BREACH}' AND json_extract(b.detail, '$.target') = json_extract(c.detail, '$.target')
AND json_extract(b.detail, '$.due_at') = json_extract(c.detail, '$.due_at'))"""

#: An erasure of texts; the detail has the numbers of their events by field.
ERASE = "ticket.erase"

#: The actions of events that seal the versions of the rules, and the field of the seal.
SEALING = (ACTIONS[EventType.CREATED], ACTIONS[EventType.RULES_APPLIED], BREACH)
RULES_SEAL = "rules_seal"

#: The fields of a detail that have the number of the change, and the name of a command that cannot be undone.
CHANGE, COMMAND = "change", "command"

_TYPES = {action: kind for kind, action in ACTIONS.items()} | dict.fromkeys((RESOLVE, CLOSE, REOPEN), EventType.STATUS)

#: The audit names of the events of which histories are made; others are noted for people only.
OF_HISTORY = frozenset(_TYPES)

#: Reads a detail, which is canonical: there is no space around it to look for, and there are millions of them.
_decode = json.JSONDecoder().raw_decode

#: Writes a detail as canonical JSON.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode

#: The columns that `from_row` reads, in its order.
COLUMNS = "at, actor, actor_type, action, detail, hash"

#: How many digits of its hash name an event that brought no id along. The hash covers the log up to the event, so no
#: event of another database has the same name.
NAME_LENGTH = 16


def action_of(event: Event) -> str:
    """Return the audit name of an event; a status event has the status before it as `from` in its detail."""
    if event.type is not EventType.STATUS:
        return ACTIONS[event.type]
    after = Status(event.detail["status"])
    if after.is_done:
        return RESOLVE if after is Status.RESOLVED else CLOSE
    before = event.detail.get("from")
    return REOPEN if before is not None and Status(before).is_done else ACTIONS[EventType.STATUS]


def named_in(event: str) -> str:
    """Return the SQL for the name by which a retraction names an event, given the alias of its row."""
    return f"COALESCE(json_extract({event}.detail, '$.id'), substr({event}.hash, 1, {NAME_LENGTH}))"


def name_of(facts: Mapping[str, Any], seal: str) -> str | None:
    """Return the name by which a retraction names an event: the id that it brought along, else a part of its hash."""
    return facts.get("id") or seal[:NAME_LENGTH] or None


def from_row(at: str, actor: str, actor_type: str, action: str, detail: str, seal: str = "") -> Event | None:
    """Return the history event of a row of `event` and its hash; None for a row that is noted for people only."""
    kind = _TYPES.get(action)
    if kind is None:
        return None
    facts: dict[str, Any] = _decode(detail)[0] if detail != "{}" else {}
    if kind is EventType.DUE_SET and "target" not in facts:
        return None
    return Event(from_text(at), kind, facts, actor, ActorType(actor_type), name_of(facts, seal))


def identity(at: str, action: str, detail: str) -> tuple[str, str, str] | None:
    """Return instant, type and value of a row, which identify an event within its ticket; None if it has no type."""
    facts: dict[str, Any] = json.loads(detail)
    kind = NOTED.get(action) or _TYPES.get(action)
    if kind is EventType.DUE_SET and "target" not in facts:
        kind = EventType.DEADLINES
    return (at, kind.value, Event(from_text(at), kind, facts).value) if kind is not None else None


def detail_text(detail: Mapping[str, Any]) -> str:
    """Return the canonical JSON of a detail: keys sorted, no spaces, ASCII only."""
    return _encode(detail) if detail else "{}"
