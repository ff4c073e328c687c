"""Define the fields of the history file format: the fields of each event type, and how each value is read."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from slactl.clock import is_zone, parse_offset_instant, to_text
from slactl.sla.enums import ActorType, Condition, EventType, LevelOutcome, Priority, Status, Target
from slactl.text import did_you_mean

#: The longest texts a history may have, in characters.
BODY_LENGTH, SUBJECT_LENGTH, NAME_LENGTH = 1_000_000, 1000, 200

#: The most tags that a ticket has, whoever adds them.
MOST_TAGS = 100

#: The greatest number a ticket may bring along.
GREATEST_ID = 10**12

#: The texts that people wrote: stored apart from the facts, so that they can be erased.
TEXTS = ("body", "subject", "requester_email")


class LineError(ValueError):
    """Report the mistake in a line of a history file, and its field."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field, self.reason = field, reason


#: Converts a JSON value that is not null; the name of the field is for the error message.
Reader = Callable[[Any, str], Any]


def read_text(value: object, field: str, most: int) -> str | None:
    """Return a text, or None if it is empty.

    Raises:
        LineError: the value is not a text, is longer than `most` characters, or has NUL or a lone surrogate.
    """
    if not isinstance(value, str):
        raise LineError(field, f"must be a text, not {kind_of(value)}")
    if len(value) > most:
        raise LineError(field, f"has {len(value):,} characters; at most {most:,} are allowed")
    if "\x00" in value:
        raise LineError(field, "has a NUL character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise LineError(field, "is not valid UTF-8 (a lone surrogate)") from None
    return value or None


def read_name(value: object, field: str) -> str | None:
    """Return a name without surrounding blanks, or None if it is empty; a number is read as its digits.

    Raises:
        LineError: the value is not a text, or is longer than `NAME_LENGTH`.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**18 else "x" * (NAME_LENGTH + 1)
    text = read_text(value, field, NAME_LENGTH)
    return (text.strip() or None) if text is not None else None


def read_instant(value: object, field: str) -> datetime:
    """Return an instant in UTC from ISO 8601 with an offset.

    Raises:
        LineError: the value is not such a text, or lies outside the years 1970 to 2199.
    """
    if not isinstance(value, str):
        raise LineError(field, f"must be a time as text, not {kind_of(value)}")
    try:
        return parse_offset_instant(value)
    except ValueError as error:
        raise LineError(field, str(error)[:200]) from None


def read_instant_text(value: object, field: str) -> str:
    """Return an instant as stored text, from ISO 8601 with an offset."""
    return to_text(read_instant(value, field))


def one_of(words: Iterable[str]) -> Reader:
    """Return a reader for the words of a closed set."""
    known = [str(word) for word in words]

    def read(value: object, field: str) -> str:
        if isinstance(value, str) and value in known:
            return value
        choices = f"; it must be one of {', '.join(known)}"
        meant = did_you_mean(value, known, choices) if isinstance(value, str) else choices
        raise LineError(field, f"{shown_value(value)} is not known{meant}")

    return read


def at_most_tags(names: Iterable[str], field: str = "tags") -> list[str]:
    """Return the names, each once, unless they are more than a ticket has.

    Raises:
        LineError: they are more than that.
    """
    found = list(dict.fromkeys(names))
    if len(found) > MOST_TAGS:
        raise LineError(field, f"{len(found):,} tags; at most {MOST_TAGS} are allowed")
    return found


def read_names(value: object, field: str) -> list[str]:
    """Return the names of a list, each once, without spaces around them."""
    if not isinstance(value, list):
        raise LineError(field, f"must be a list of texts, not {kind_of(value)}")
    names: dict[str, None] = {}
    for item in value:
        name = read_name(item, field) if item is not None else None
        if name is None:
            raise LineError(field, "has an empty text")
        names[name] = None
    return at_most_tags(names, field)


def read_targets(value: object, field: str) -> list[str]:
    if not isinstance(value, list):
        raise LineError(field, f"must be a list of targets, not {kind_of(value)}")
    return list(dict.fromkeys(_TARGET(item, field) for item in value))


def read_ids(value: object, field: str) -> list[str]:
    """Read the ids of other lines; they are as many as one command may have changed."""
    if not isinstance(value, list) or not value:
        raise LineError(field, f"must be a list of the ids of other lines, not {kind_of(value)}")
    names = [read_name(item, field) for item in value]
    if None in names:
        raise LineError(field, "has an empty text")
    return [name for name in dict.fromkeys(names) if name is not None]


def read_number(value: object, field: str) -> int:
    """Return a whole number that is not negative and below 2 to the power of 31."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise LineError(field, f"must be a whole number from 0 to {2**31 - 1:,}, not {shown_value(value)}")
    return value


def read_cycle(value: object, field: str) -> int:
    """Read the number of a cycle; a cycle that the history does not have any more has a number below 1."""
    return -read_number(-value, field) if isinstance(value, int) and value < 0 else read_number(value, field)


def read_id(value: object, field: str) -> int:
    """Return a number that an id can have."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= GREATEST_ID:
        raise LineError(field, f"must be a number from 1 to {GREATEST_ID:,}, not {shown_value(value)}")
    return value


def read_flag(value: object, field: str) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise LineError(field, f"must be true or false, not {kind_of(value)}")
    return value


def read_zone(value: object, field: str) -> str | None:
    """Return the name of a time zone that this machine knows, or None."""
    name = read_name(value, field)
    if name is not None and not is_zone(name):
        raise LineError(field, f"there is no time zone {name[:60]!r}")
    return name


def shown_value(value: object) -> str:
    """Return a value for a message; only its kind if it may be large or deeply nested."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return str(value)
    return f"{value[:60]!r}" if isinstance(value, str) else kind_of(value)


def kind_of(value: object) -> str:
    """Return the type of a JSON value in words, for messages."""
    names = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return "nothing" if value is None else names.get(type(value), "a text")


TYPE, _STATUS, PRIORITY, _TARGET = one_of(EventType), one_of(Status), one_of(Priority), one_of(Target)
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
        "tags": read_names,
        "external_id": read_name,
        "requester_domain": read_name,
        "outbound": read_flag,
        "unknown": read_targets,
        "bursts": read_names,
        "rules": read_name,
    },
    EventType.AGENT_REPLY: {"reason": _LINE},
    EventType.CUSTOMER_REPLY: {"reason": _LINE},
    EventType.NOTE: {"reason": _LINE},
    EventType.STATUS: {
        **{"status": _STATUS, "from": _STATUS, "reason": _LINE},
        **{"until": read_instant_text, "unknown_instant": read_flag, "by_itself": read_flag},
    },
    EventType.PRIORITY: {"priority": PRIORITY, "from": PRIORITY, "reason": _LINE},
    EventType.ASSIGNED: {"assignee": read_name, "from": read_name, "reason": _LINE},
    EventType.PLAN: {"plan": read_name, **_PLACE, "from": read_name},
    EventType.TENANT: {"tenant": read_name, "plan": read_name, **_PLACE, "from": read_name},
    EventType.TAGS: {"tags": read_names, "added": read_names, "removed": read_names, "reason": _LINE},
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
        "due_at": read_instant_text,
        "from_priority": PRIORITY,
        "to_priority": PRIORITY,
        "from_assignee": read_name,
        "to_assignee": read_name,
    },
    EventType.EDITED: {"external_id": read_name, "requester_domain": read_name},
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
    "id": read_name,
    "unix_user": read_name,
    "recorded_at": read_instant,
}
_OF_CREATED: dict[str, Reader] = {"slactl_id": read_id}

READERS: dict[EventType, dict[str, Reader]] = {
    kind: {
        **fields,
        **_WRITTEN.get(kind, {}),
        **{HASHES[name]: read_name for name in _WRITTEN.get(kind, {})},
        **(_OF_CREATED if kind is EventType.CREATED else {}),
        **_OF_ALL,
    }
    for kind, fields in FIELDS.items()
}

#: The fields from which nothing is read, by type: names of other programs, and what an export adds.
UNUSED: dict[EventType, dict[str, Reader]] = {kind: {"source": read_name, "copy": read_number} for kind in EventType}

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
