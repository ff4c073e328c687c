"""The history file format: one event a line, as JSON; from a line, and to one."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slactl.clock import parse_offset_instant, to_text
from slactl.sla.history import ActorType, Event, EventType, Priority, Status, Target
from slactl.text import nearest

#: The longest texts a history may have, in characters.
BODY_LENGTH, SUBJECT_LENGTH, NAME_LENGTH = 1_000_000, 1000, 200

#: What persons wrote: kept apart from the facts, so that it can be erased.
TEXTS = ("body", "subject", "requester_email")


class LineError(ValueError):
    """What is wrong with a line, and in which field."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field, self.reason = field, reason


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a history file: the ticket it is about, what happened, and what a person wrote."""

    ticket: str
    event: Event
    texts: Mapping[str, str]
    recorded_at: datetime | None = None


def parse_line(text: str) -> Line:
    """The event in a line.

    Raises:
        LineError: it is no JSON object, or a field is missing or wrong.
    """
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LineError("", f"no JSON: {error}") from None
    if not isinstance(record, dict):
        raise LineError("", "no JSON object")
    return parse_record(record)


def parse_record(record: Mapping[str, Any]) -> Line:
    """The event in a record with the fields of the format.

    Raises:
        LineError: a field is missing or wrong.
    """
    ticket = _name(record, "ticket", required=True)
    assert ticket is not None
    at = _instant(record, "at", required=True)
    assert at is not None
    kind = _word(EventType, record, "type", required=True)
    assert kind is not None
    detail: dict[str, Any] = {}
    for field, read in _FIELDS[kind].items():
        value = read(record, field)
        if value is not None or (field in record and field in _KEPT_WHEN_EMPTY):
            detail[field] = value
    _require(kind, detail)
    actor_type = _word(ActorType, record, "actor_type") or ActorType.USER
    event = Event(at, kind, detail, _name(record, "actor"), actor_type)
    lengths = {"body": BODY_LENGTH, "subject": SUBJECT_LENGTH, "requester_email": SUBJECT_LENGTH}
    texts = {name: text for name, most in lengths.items() if (text := _text(record, name, most)) is not None}
    if "requester_email" in texts and "@" in texts["requester_email"]:
        detail.setdefault("requester_domain", texts["requester_email"].rpartition("@")[2].lower()[:NAME_LENGTH])
    return Line(ticket, event, texts, _instant(record, "recorded_at"))


def to_record(ticket: str, event: Event, texts: Mapping[str, str], recorded_at: str | None = None) -> dict[str, Any]:
    """An event as a record of the format, fields in a fixed order."""
    record: dict[str, Any] = {"ticket": ticket, "at": to_text(event.at), "type": event.type.value}
    record |= {field: event.detail[field] for field in _FIELDS[event.type] if field in event.detail}
    record |= {field: texts[field] for field in TEXTS if field in texts}
    if event.actor is not None:
        record |= {"actor": event.actor, "actor_type": event.actor_type.value}
    return record | ({"recorded_at": recorded_at} if recorded_at is not None else {})


def in_order(lines: Iterable[tuple[int, Line]]) -> tuple[list[Line], list[tuple[int, LineError]]]:
    """The lines of one ticket, sorted by instant, as a history that begins with its creation; and what does not fit.

    Ties keep the order of the file, save that nothing comes before the creation of its instant.
    """
    ordered = sorted(lines, key=lambda each: (each[1].event.at, each[1].event.type is not EventType.CREATED))
    problems: list[tuple[int, LineError]] = []
    history: list[Line] = []
    has_creation = any(line.event.type is EventType.CREATED for _, line in ordered)
    for number, line in ordered:
        if line.event.type is EventType.CREATED and history:
            problems.append((number, LineError("type", f"a second created for ticket {line.ticket}")))
        elif line.event.type is not EventType.CREATED and not history:
            why = "is before the ticket was created" if has_creation else "but the ticket was never created"
            problems.append((number, LineError("at", f"{line.event.type.value} of ticket {line.ticket} {why}")))
        else:
            history.append(line)
    return history, problems


Reader = Callable[[Mapping[str, Any], str], Any]


def _text(record: Mapping[str, Any], field: str, most: int) -> str | None:
    value = record.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise LineError(field, f"a text is needed, not {_kind(value)}")
    if len(value) > most:
        raise LineError(field, f"{len(value):,} characters; at most {most:,} are kept")
    if "\x00" in value:
        raise LineError(field, "has a NUL character")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise LineError(field, "is not valid UTF-8 (a lone surrogate)")
    return value


def _name(record: Mapping[str, Any], field: str, *, required: bool = False) -> str | None:
    value = record.get(field)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    found = _text({field: value}, field, NAME_LENGTH)
    if required and not found:
        raise LineError(field, "is missing" if found is None else "is empty")
    return found or None


def _instant(record: Mapping[str, Any], field: str, *, required: bool = False) -> datetime | None:
    value = record.get(field)
    if value is None:
        if required:
            raise LineError(field, "is missing")
        return None
    if not isinstance(value, str):
        raise LineError(field, f"a time as text is needed, not {_kind(value)}")
    try:
        return parse_offset_instant(value)
    except ValueError as error:
        raise LineError(field, str(error)[:200]) from None


def _instant_text(record: Mapping[str, Any], field: str) -> str | None:
    found = _instant(record, field)
    return to_text(found) if found is not None else None


def _word(kind: Any, record: Mapping[str, Any], field: str, *, required: bool = False) -> Any:  # noqa: ANN401
    value = record.get(field)
    if value is None:
        if required:
            raise LineError(field, "is missing")
        return None
    try:
        return kind(value)
    except ValueError:
        names = [str(each) for each in kind]
        near = nearest(value, names) if isinstance(value, str) else None
        shown = repr(value)[:60]
        meant = f"; did you mean {near}?" if near else f"; it is one of {', '.join(names)}"
        raise LineError(field, f"{shown} is not known{meant}") from None


def _status(record: Mapping[str, Any], field: str) -> str | None:
    found = _word(Status, record, field)
    return found.value if found is not None else None


def _priority(record: Mapping[str, Any], field: str) -> str | None:
    found = _word(Priority, record, field)
    return found.value if found is not None else None


def _target(record: Mapping[str, Any], field: str) -> str | None:
    found = _word(Target, record, field)
    return found.value if found is not None else None


def _names(record: Mapping[str, Any], field: str) -> list[str] | None:
    value = record.get(field)
    if value is None:
        return None
    if not isinstance(value, list):
        raise LineError(field, f"a list of texts is needed, not {_kind(value)}")
    found = [_name({field: each}, field, required=True) for each in value]
    return list(dict.fromkeys(name for name in found if name is not None))


def _reason(record: Mapping[str, Any], field: str) -> str | None:
    return _text(record, field, 1000)


def _number(record: Mapping[str, Any], field: str) -> int | None:
    value = record.get(field)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31):
        raise LineError(field, f"a whole number is needed, not {_kind(value)}")
    return value


def _flag(record: Mapping[str, Any], field: str) -> bool | None:
    value = record.get(field)
    if value is not None and not isinstance(value, bool):
        raise LineError(field, f"true or false is needed, not {_kind(value)}")
    return value


def _anything(record: Mapping[str, Any], field: str) -> str | None:
    return _text(record, field, SUBJECT_LENGTH)


def _kind(value: object) -> str:
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
        str: "a text",
    }
    return "nothing" if value is None else names.get(type(value), "something else")


def _require(kind: EventType, detail: Mapping[str, Any]) -> None:
    for field in _REQUIRED.get(kind, ()):
        if field not in detail:
            raise LineError(field, "is missing")


#: The fields of each type, in the order in which they are written, and how each is read.
_FIELDS: dict[EventType, dict[str, Reader]] = {
    EventType.CREATED: {
        "plan": _name,
        "tenant": _name,
        "timezone": _name,
        "priority": _priority,
        "status": _status,
        "assignee": _name,
        "tags": _names,
        "external_id": _name,
        "requester_domain": _name,
        "bursts": _names,
    },
    EventType.AGENT_REPLY: {},
    EventType.CUSTOMER_REPLY: {},
    EventType.NOTE: {},
    EventType.STATUS: {"status": _status, "from": _status},
    EventType.PRIORITY: {"priority": _priority, "from": _priority},
    EventType.ASSIGNED: {"assignee": _name, "from": _name},
    EventType.PLAN: {"plan": _name, "timezone": _name, "from": _name},
    EventType.TENANT: {"tenant": _name, "plan": _name, "timezone": _name, "from": _name},
    EventType.TAGS: {"tags": _names},
    EventType.DUE_SET: {"target": _target, "due_at": _instant_text, "reason": _reason},
    EventType.ESCALATED: {
        "reason": _reason,
        "source": _name,
        "kind": _name,
        "cycle": _number,
        "escalation": _name,
        "level": _name,
        "arming": _number,
        "repeat": _number,
        "warning": _flag,
        "outcome": _name,
        "due_at": _instant_text,
        "from_priority": _priority,
        "to_priority": _priority,
        "from_assignee": _name,
        "to_assignee": _name,
    },
    EventType.EDITED: {"external_id": _name, "requester_domain": _name},
    EventType.ACKNOWLEDGED: {"until": _instant_text},
    EventType.UNACKNOWLEDGED: {},
    EventType.RULES_APPLIED: {},
    EventType.BREACHED: {"target": _target, "cycle": _number, "due_at": _instant_text},
    EventType.DEADLINES: {
        "policy": _anything,
        "because": _anything,
        "first_response": _instant_text,
        "next_response": _instant_text,
        "resolution": _instant_text,
    },
}

#: Fields whose emptiness says something: nobody is assigned any more, a deadline by hand is cleared.
_KEPT_WHEN_EMPTY = ("assignee", "tenant", "plan", "due_at", "tags", "from", "timezone")

_REQUIRED: dict[EventType, Sequence[str]] = {
    EventType.STATUS: ("status",),
    EventType.PRIORITY: ("priority",),
    EventType.ASSIGNED: ("assignee",),
    EventType.PLAN: ("plan",),
    EventType.TENANT: ("tenant",),
    EventType.TAGS: ("tags",),
    EventType.DUE_SET: ("target",),
    EventType.ACKNOWLEDGED: ("until",),
}


def known_fields(kind: EventType) -> tuple[str, ...]:
    """Every field that a line of this type may have."""
    return ("ticket", "at", "type", "actor", "actor_type", "recorded_at", *TEXTS, *_FIELDS[kind])
