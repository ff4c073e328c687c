"""Read and write the history file format: JSON, one event a line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from slactl.clock import to_text
from slactl.sla.enums import NO_WORDS, ActorType, EventType, Priority, PriorityMeanings, as_priority_word
from slactl.sla.history.event import Event
from slactl.sla.history.fields import (
    FIELDS,
    HASHES,
    KEPT_WHEN_EMPTY,
    PRIORITY,
    READERS,
    REQUIRED,
    TEXTS,
    TYPE,
    UNUSED,
    check_agreement,
)
from slactl.sla.history.readers import (
    BODY_LENGTH,
    NAME_LENGTH,
    LineError,
    Reader,
    kind_of,
    one_of,
    read_domains,
    read_instant,
    read_name,
    read_text,
)
from slactl.sla.history.snapshot import LastRow, read_last_row
from slactl.text import clean, did_you_mean, domain_of

#: The type of a line about a tenant of the exporting database, and not about a ticket.
TENANT = "tenant_entry"
_TENANT_FIELDS = ("type", "at", "tenant", "plan", "timezone", "country", "subdivision", "domains")

#: The fields of a line that are read before the fields of its type, and the rules that an export adds.
_FRAME = frozenset(("ticket", "at", "type", "rules_version", "last_row"))


@dataclass(frozen=True, slots=True)
class RulesText:
    """Hold a version of the rules: its hash, its canonical TOML, and since when it was in use."""

    hash: str
    canonical: str
    first_used_at: datetime
    holidays_version: str | None = None


@dataclass(frozen=True, slots=True)
class TenantEntry:
    """Hold a tenant as the exporting database knew it."""

    name: str
    plan: str | None
    timezone: str | None
    country: str | None
    subdivision: str | None
    created_at: datetime
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """Hold one event of a history file: its ticket, the event, and the texts that people wrote.

    `source` is where the ticket comes from; names of tickets are unique within one source.

    An export adds five values. `recorded_at` is when the event was first recorded. `id` is the number that the ticket
    had. `rules` is the version of the rules that the event names, unless an earlier line of the file has it.
    `last_row` is what the source said last. `message_id` is that of the mail that the event came in by.
    """

    ticket: str
    event: Event
    texts: Mapping[str, str]
    recorded_at: datetime | None = None
    id: int | None = None
    rules: RulesText | None = None
    source: str | None = None
    last_row: LastRow | None = None
    message_id: str | None = None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)[:60]
        raise ValueError(f"the name {twice!r} appears twice; remove one of the two")
    return found


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not a number; write null if there is no value")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {digits[:60]} is too large; write it in quotes if it is a name")
    return number


def _whole(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:  # Python reads no more digits than this, to stay fast
        raise ValueError(f"the number {digits[:60]}… is too large; write it in quotes if it is a name") from None


#: Reads JSON, and refuses what Python takes besides: NaN, infinities, and one name twice in an object.
DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite, parse_int=_whole)


def read_object(text: str) -> dict[str, Any]:
    """Return the JSON object in a line.

    Raises:
        LineError: the line is not a JSON object.
    """
    try:
        record = DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise LineError("", f"is not valid JSON at column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise LineError("", "is not valid JSON: it is nested too deeply") from None
    except ValueError as error:
        raise LineError("", f"is not valid JSON: {error}") from None
    if not isinstance(record, dict):
        raise LineError("", f"must be a JSON object, not {kind_of(record)}")
    return record


def parse_line(text: str, meanings: PriorityMeanings = NO_WORDS) -> Line:
    """Return the event in a line; `meanings` are those of other words for priorities.

    Raises:
        LineError: the line is not a JSON object, or a field is missing or wrong.
    """
    return parse_record(read_object(text), meanings)


def parse_record(record: Mapping[str, Any], meanings: PriorityMeanings = NO_WORDS) -> Line:
    """Return the event in a record with the fields of the format; `meanings` are those of other words for priorities.

    Raises:
        LineError: a field is missing, wrong or not known.
    """
    ticket = needed(record, "ticket", read_name)
    at = needed(record, "at", read_instant)
    kind = EventType(needed(record, "type", TYPE))
    readers = READERS[kind]
    detail: dict[str, Any] = {}
    for field, value in record.items():
        reader = readers.get(field)
        if reader is not None:
            if reader is PRIORITY and meanings:
                reader, value = one_of((*Priority, *meanings)), as_priority_word(value, meanings)
            converted = reader(value, field) if value is not None else None
            if converted is not None or field in KEPT_WHEN_EMPTY:
                detail[field] = converted
        elif field not in _FRAME:
            check_unused(kind, field, value)
    for field in REQUIRED.get(kind, ()):
        if field not in detail:
            raise LineError(field, "is missing")
    _check_region(detail)
    check_agreement(kind, at, detail)
    texts = {name: detail.pop(name) for name in TEXTS if name in detail}
    if "requester_email" in texts and "requester_domain" not in detail:
        domain = domain_of(texts["requester_email"])
        detail |= {"requester_domain": domain[:NAME_LENGTH]} if domain is not None else {}
    actor, event_id = detail.pop("actor", None), detail.pop("id", None)
    actor_type = ActorType.SYSTEM if detail.pop("actor_type", None) == ActorType.SYSTEM else ActorType.USER
    recorded_at, number = detail.pop("recorded_at", None), detail.pop("slactl_id", None)
    source, message_id = detail.pop("source", None), detail.pop("message_id", None)
    rules = _rules(record) if "rules" in detail and record.get("rules_version") is not None else None
    event = Event(at, kind, detail, actor, actor_type, event_id)
    last_row = read_last_row(row, "last_row") if (row := record.get("last_row")) is not None else None
    return Line(ticket, event, texts, recorded_at, number, rules, source, last_row, message_id)


def _check_region(facts: Mapping[str, Any]) -> None:
    if facts.get("country") or facts.get("subdivision"):
        # The library of holidays takes long to import, and few histories have such fields.
        from slactl.sla.calendar.hours import check_region

        if (wrong := check_region(facts.get("country"), facts.get("subdivision"))) is not None:
            raise LineError(*wrong)


def check_unused(kind: EventType, field: str, value: object) -> None:
    """Check a field that slactl does not read.

    Raises:
        LineError: lines of this type have no such field, or the value would mean something.
    """
    check = UNUSED[kind].get(field)
    if check is None:
        raise _unknown(field, known_fields(kind), kind.value)
    if value is not None:
        check(value, field)


def _unknown(field: str, known: Sequence[str], kind: str) -> LineError:
    meant = did_you_mean(field, known, f"; the keys of {kind} are {', '.join(known)}")
    return LineError(field, f"unknown key {clean(field)[:60]}{meant}")


def parse_tenant(record: Mapping[str, Any]) -> TenantEntry:
    """Return the tenant in a record of type `TENANT`.

    Raises:
        LineError: a field is missing or wrong.
    """
    for field in record:
        if field not in _TENANT_FIELDS:
            raise _unknown(field, _TENANT_FIELDS, TENANT)
    readers = READERS[EventType.TENANT]
    names = ("plan", "timezone", "country", "subdivision")
    facts = {name: readers[name](value, name) if (value := record.get(name)) is not None else None for name in names}
    _check_region(facts)
    name, created_at = needed(record, "tenant", read_name), needed(record, "at", read_instant)
    return TenantEntry(name=name, **facts, created_at=created_at, domains=read_domains(record.get("domains")))


def _rules(record: Mapping[str, Any]) -> RulesText:
    version = record["rules_version"]
    if not isinstance(version, dict):
        raise LineError("rules_version", f"must be an object, not {kind_of(version)}")
    holidays = version.get("holidays_version")
    return RulesText(
        hash=needed(record, "rules", read_name),
        canonical=needed(version, "toml", partial(read_text, most=BODY_LENGTH)),
        first_used_at=needed(version, "first_used_at", read_instant),
        holidays_version=read_name(holidays, "holidays_version") if holidays is not None else None,
    )


def to_record(
    ticket: str,
    event: Event,
    texts: Mapping[str, str],
    recorded_at: str | None = None,
    number: int | None = None,
    source: str | None = None,
) -> dict[str, Any]:
    """Return an event as a record of the format, with its fields in a fixed order."""
    record: dict[str, Any] = {"ticket": ticket, "at": to_text(event.at), "type": event.type.value}
    record |= {"source": source} if source is not None else {}
    detail = event.detail
    record |= {field: detail[field] for field in FIELDS[event.type] if field in detail}
    record |= {field: texts[field] for field in TEXTS if field in texts}
    # The hash of a text stays after the text was erased.
    record |= {hashed: detail[hashed] for name, hashed in HASHES.items() if hashed in detail and name not in texts}
    if number is not None:
        record["slactl_id"] = number
    if event.id is not None:
        record["id"] = event.id
    if event.actor is not None:
        record |= {"actor": event.actor, "actor_type": event.actor_type.value}
    if recorded_at is not None:
        record |= {"unix_user": detail.get("unix_user"), "recorded_at": recorded_at}
    return record


def rules_record(rules: RulesText) -> dict[str, Any]:
    """Return a version of the rules as the field `rules_version` of the first line that names it."""
    record = {"toml": rules.canonical, "first_used_at": to_text(rules.first_used_at)}
    return record | ({"holidays_version": rules.holidays_version} if rules.holidays_version is not None else {})


def known_fields(kind: EventType) -> tuple[str, ...]:
    """Return every field that a line of this type may have."""
    return ("ticket", "at", "type", *READERS[kind])


def needed(record: Mapping[str, Any], field: str, read: Reader) -> Any:  # noqa: ANN401  (what the reader returns)
    value = record.get(field)
    if value is None:
        raise LineError(field, "is missing")
    converted = read(value, field)
    if converted is None:
        raise LineError(field, "is empty")
    return converted
