"""The history file format: one event a line, as JSON; from a line, and to one."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache, partial
from typing import Any

from slactl.clock import parse_offset_instant, to_text
from slactl.sla.history import ActorType, Condition, Event, EventType, Priority, Status, Target
from slactl.text import nearest

#: The longest texts a history may have, in characters.
BODY_LENGTH, SUBJECT_LENGTH, NAME_LENGTH = 1_000_000, 1000, 200

#: The greatest number a ticket may bring along.
GREATEST_ID = 10**12

#: What persons wrote: kept apart from the facts, so that it can be erased.
TEXTS = ("body", "subject", "requester_email")

#: The type of a line that is no event: a version of the rules that events of the file name by its hash.
RULES = "rules"


class LineError(ValueError):
    """What is wrong with a line, and in which field."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field, self.reason = field, reason


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a history file: the ticket it is about, what happened, and what a person wrote.

    `recorded_at` is when it was recorded first, `id` the number its ticket had, both in the database that the
    line was exported from.
    """

    ticket: str
    event: Event
    texts: Mapping[str, str]
    recorded_at: datetime | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class RulesText:
    """A version of the rules: its hash, its canonical TOML, and since when it was in use."""

    hash: str
    canonical: str
    first_used_at: datetime
    holidays_version: str | None = None


def read_object(text: str) -> dict[str, Any]:
    """The JSON object in a line.

    Raises:
        LineError: there is none.
    """
    try:
        record = json.loads(text)
    except json.JSONDecodeError as error:
        raise LineError("", f"no JSON at column {error.colno}: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise LineError("", f"no JSON: {error}") from None
    if not isinstance(record, dict):
        raise LineError("", f"a JSON object is needed, not {_kind(record)}")
    return record


def parse_line(text: str) -> Line:
    """The event in a line.

    Raises:
        LineError: it is no JSON object, or a field is missing or wrong.
    """
    return parse_record(read_object(text))


def parse_record(record: Mapping[str, Any]) -> Line:
    """The event in a record with the fields of the format.

    Raises:
        LineError: a field is missing or wrong.
    """
    ticket = _needed(record, "ticket", _name)
    at = _needed(record, "at", _instant)
    kind = EventType(_needed(record, "type", _TYPE))
    readers = _READERS[kind]
    detail: dict[str, Any] = {}
    for field, value in record.items():
        reader = readers.get(field)
        if reader is not None:
            found = reader(value, field) if value is not None else None
            if found is not None or field in _KEPT_WHEN_EMPTY:
                detail[field] = found
    for field in _REQUIRED.get(kind, ()):
        if field not in detail:
            raise LineError(field, "is missing")
    texts = {name: detail.pop(name) for name in TEXTS if name in detail}
    if "requester_email" in texts and "requester_domain" not in detail:
        detail |= _domain(texts["requester_email"])
    actor = detail.pop("actor", None)
    actor_type = ActorType.SYSTEM if detail.pop("actor_type", None) == ActorType.SYSTEM else ActorType.USER
    recorded_at, number = detail.pop("recorded_at", None), detail.pop("id", None)
    return Line(ticket, Event(at, kind, detail, actor, actor_type), texts, recorded_at, number)


def parse_rules(record: Mapping[str, Any]) -> RulesText:
    """The version of the rules in a record of type `rules`.

    Raises:
        LineError: a field is missing or wrong.
    """
    holidays = record.get("holidays")
    return RulesText(
        hash=_needed(record, "rules", _name),
        canonical=_needed(record, "toml", partial(_text, most=BODY_LENGTH)),
        first_used_at=_needed(record, "at", _instant),
        holidays_version=_name(holidays, "holidays") if holidays is not None else None,
    )


def to_record(
    ticket: str, event: Event, texts: Mapping[str, str], recorded_at: str | None = None, number: int | None = None
) -> dict[str, Any]:
    """An event as a record of the format, fields in a fixed order."""
    record: dict[str, Any] = {"ticket": ticket, "at": to_text(event.at), "type": event.type.value}
    detail = event.detail
    record |= {field: detail[field] for field in _FIELDS[event.type] if field in detail}
    record |= {field: texts[field] for field in TEXTS if field in texts}
    # The text itself was erased: what is left of it goes along.
    record |= {hashed: detail[hashed] for name, hashed in _HASHES.items() if hashed in detail and name not in texts}
    if number is not None:
        record["id"] = number
    if event.actor is not None:
        record |= {"actor": event.actor, "actor_type": event.actor_type.value}
    if recorded_at is not None:
        record["recorded_at"] = recorded_at
    return record


def rules_record(rules: RulesText) -> dict[str, Any]:
    """A version of the rules as a record of the format."""
    record = {"type": RULES, "at": to_text(rules.first_used_at), "rules": rules.hash, "toml": rules.canonical}
    return record | ({"holidays": rules.holidays_version} if rules.holidays_version is not None else {})


def in_order(
    lines: Iterable[tuple[int, Line]], opened: datetime | None = None
) -> tuple[list[Line], list[tuple[int, LineError]]]:
    """The lines of one ticket, sorted by instant, as a history that begins with its creation; and what does not fit.

    Ties keep the order of the file, save that nothing comes before the creation of its instant. With `opened`
    the ticket is known and was created then: its creation may be missing here.
    """
    created = EventType.CREATED
    ordered = sorted(lines, key=lambda each: (each[1].event.at, each[1].event.type is not created))
    problems: list[tuple[int, LineError]] = []
    history: list[Line] = []
    start = next((line.event.at for _, line in ordered if line.event.type is created), opened)
    if opened is not None and start != opened and start is not None:
        at, start = start, opened
        reason = f"ticket {ordered[0][1].ticket} was created at {to_text(opened)}, not at {to_text(at)}"
        problems += [(number, LineError("at", reason)) for number, line in ordered if line.event.type is created]
        ordered = [(number, line) for number, line in ordered if line.event.type is not created]
    for number, line in ordered:
        kind = line.event.type
        if start is None or line.event.at < start:
            why = "is before the ticket was created" if start is not None else "but the ticket was never created"
            problems.append((number, LineError("at", f"{kind.value} of ticket {line.ticket} {why}")))
        elif kind is created and history:
            problems.append((number, LineError("type", f"a second created for ticket {line.ticket}")))
        else:
            history.append(line)
    return history, problems


def known_fields(kind: EventType) -> tuple[str, ...]:
    """Every field that a line of this type may have."""
    return ("ticket", "at", "type", *_READERS[kind])


#: Makes a value of the format of a JSON value that is not null; the name of the field is for the message.
Reader = Callable[[Any, str], Any]


def _needed(record: Mapping[str, Any], field: str, read: Reader) -> Any:  # noqa: ANN401  (what the reader returns)
    value = record.get(field)
    if value is None:
        raise LineError(field, "is missing")
    found = read(value, field)
    if found is None:
        raise LineError(field, "is empty")
    return found


def _text(value: object, field: str, most: int) -> str | None:
    """A text, or None where it is empty."""
    if not isinstance(value, str):
        raise LineError(field, f"a text is needed, not {_kind(value)}")
    if len(value) > most:
        raise LineError(field, f"{len(value):,} characters; at most {most:,} are kept")
    if "\x00" in value:
        raise LineError(field, "has a NUL character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise LineError(field, "is not valid UTF-8 (a lone surrogate)") from None
    return value or None


def _name(value: object, field: str) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**18 else "x" * (NAME_LENGTH + 1)
    found = _text(value, field, NAME_LENGTH)
    return (found.strip() or None) if found is not None else None


def _instant(value: object, field: str) -> datetime:
    if not isinstance(value, str):
        raise LineError(field, f"a time as text is needed, not {_kind(value)}")
    try:
        return parse_offset_instant(value)
    except ValueError as error:
        raise LineError(field, str(error)[:200]) from None


def _instant_text(value: object, field: str) -> str:
    return to_text(_instant(value, field))


def _one_of(words: Iterable[str]) -> Reader:
    """A reader of the words of a closed set."""
    known = [str(word) for word in words]

    def read(value: object, field: str) -> str:
        if isinstance(value, str) and value in known:
            return value
        near = nearest(value, known) if isinstance(value, str) else None
        meant = f"; did you mean {near}?" if near else f"; it is one of {', '.join(known)}"
        raise LineError(field, f"{str(value)[:60]!r} is not known{meant}")

    return read


def _names(value: object, field: str) -> list[str]:
    if not isinstance(value, list):
        raise LineError(field, f"a list of texts is needed, not {_kind(value)}")
    found: dict[str, None] = {}
    for each in value:
        name = _name(each, field) if each is not None else None
        if name is None:
            raise LineError(field, "has an empty text")
        found[name] = None
    return list(found)


def _number(value: object, field: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise LineError(field, f"a whole number is needed, not {str(value)[:60]}")
    return value


def _id(value: object, field: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= GREATEST_ID:
        raise LineError(field, f"a number from 1 to {GREATEST_ID:,} is needed, not {str(value)[:60]}")
    return value


def _flag(value: object, field: str) -> bool:
    if not isinstance(value, bool):
        raise LineError(field, f"true or false is needed, not {_kind(value)}")
    return value


def _zone(value: object, field: str) -> str | None:
    name = _name(value, field)
    if name is not None and not _is_zone(name):
        raise LineError(field, f"there is no time zone {name[:60]!r}")
    return name


@cache
def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _domain(address: str) -> dict[str, str]:
    before, at, domain = address.rpartition("@")
    return {"requester_domain": domain.lower()[:NAME_LENGTH]} if before and at and domain else {}


def _kind(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return "nothing" if value is None else names.get(type(value), "a text")


_TYPE, _STATUS, _PRIORITY, _TARGET = _one_of(EventType), _one_of(Status), _one_of(Priority), _one_of(Target)
_BODY, _LINE = partial(_text, most=BODY_LENGTH), partial(_text, most=SUBJECT_LENGTH)
_OUTCOME = _one_of(("fired", "expired", "baseline", "skipped"))

#: The fields of each type, in the order in which they are written, and how each is read.
_FIELDS: dict[EventType, dict[str, Reader]] = {
    EventType.CREATED: {
        "plan": _name,
        "tenant": _name,
        "timezone": _zone,
        "priority": _PRIORITY,
        "status": _STATUS,
        "assignee": _name,
        "tags": _names,
        "external_id": _name,
        "requester_domain": _name,
        "bursts": _names,
        "rules": _name,
    },
    EventType.AGENT_REPLY: {},
    EventType.CUSTOMER_REPLY: {},
    EventType.NOTE: {},
    EventType.STATUS: {"status": _STATUS, "from": _STATUS},
    EventType.PRIORITY: {"priority": _PRIORITY, "from": _PRIORITY},
    EventType.ASSIGNED: {"assignee": _name, "from": _name},
    EventType.PLAN: {"plan": _name, "timezone": _zone, "from": _name},
    EventType.TENANT: {"tenant": _name, "plan": _name, "timezone": _zone, "from": _name},
    EventType.TAGS: {"tags": _names},
    EventType.DUE_SET: {"target": _TARGET, "due_at": _instant_text, "reason": _LINE},
    EventType.ESCALATED: {
        "reason": _LINE,
        "kind": _one_of((*Target, *Condition)),
        "cycle": _number,
        "escalation": _name,
        "level": _name,
        "arming": _number,
        "repeat": _number,
        "warning": _flag,
        "outcome": _OUTCOME,
        "due_at": _instant_text,
        "from_priority": _PRIORITY,
        "to_priority": _PRIORITY,
        "from_assignee": _name,
        "to_assignee": _name,
    },
    EventType.EDITED: {"external_id": _name, "requester_domain": _name},
    EventType.ACKNOWLEDGED: {"until": _instant_text},
    EventType.UNACKNOWLEDGED: {},
    EventType.RULES_APPLIED: {"rules": _name, "from": _name},
    EventType.BREACHED: {"target": _TARGET, "cycle": _number, "due_at": _instant_text},
    EventType.DEADLINES: {
        "policy": _LINE,
        "because": _LINE,
        "first_response": _instant_text,
        "next_response": _instant_text,
        "resolution": _instant_text,
    },
}

#: What persons write with an event, by type.
_WRITTEN: dict[EventType, dict[str, Reader]] = {
    EventType.CREATED: {"body": _BODY, "subject": _LINE, "requester_email": _LINE},
    EventType.AGENT_REPLY: {"body": _BODY},
    EventType.CUSTOMER_REPLY: {"body": _BODY},
    EventType.NOTE: {"body": _BODY},
    EventType.EDITED: {"subject": _LINE, "requester_email": _LINE},
}

_HASHES = {name: f"{name}_hash" for name in TEXTS}

#: What every line may have besides, and the creation of a ticket.
_OF_ALL: dict[str, Reader] = {"actor": _name, "actor_type": _one_of(ActorType), "recorded_at": _instant}
_OF_CREATED: dict[str, Reader] = {"id": _id}

_READERS: dict[EventType, dict[str, Reader]] = {
    kind: {
        **fields,
        **_WRITTEN.get(kind, {}),
        **{_HASHES[name]: _name for name in _WRITTEN.get(kind, {})},
        **(_OF_CREATED if kind is EventType.CREATED else {}),
        **_OF_ALL,
    }
    for kind, fields in _FIELDS.items()
}

#: Fields whose emptiness says something: nobody is assigned any more, a deadline by hand is cleared.
_KEPT_WHEN_EMPTY = frozenset(("assignee", "tenant", "plan", "due_at", "from", "timezone"))

_REQUIRED: dict[EventType, Sequence[str]] = {
    EventType.STATUS: ("status",),
    EventType.PRIORITY: ("priority",),
    EventType.ASSIGNED: ("assignee",),
    EventType.PLAN: ("plan",),
    EventType.TENANT: ("tenant",),
    EventType.TAGS: ("tags",),
    EventType.DUE_SET: ("target",),
    EventType.ESCALATED: ("reason",),
    EventType.ACKNOWLEDGED: ("until",),
}
