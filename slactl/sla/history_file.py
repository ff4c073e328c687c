"""The history file format: one event a line, as JSON; from a line, and to one."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from slactl.clock import to_text
from slactl.sla.enums import ActorType, EventType
from slactl.sla.history import Event
from slactl.sla.history_fields import (
    BODY_LENGTH,
    FIELDS,
    HASHES,
    KEPT_WHEN_EMPTY,
    NAME_LENGTH,
    READERS,
    REQUIRED,
    TEXTS,
    TYPE,
    LineError,
    Reader,
    kind_of,
    read_instant,
    read_name,
    read_text,
)

#: The type of a line that is about no ticket: what a database knows of a tenant.
TENANT = "tenant_entry"


@dataclass(frozen=True, slots=True)
class RulesText:
    """A version of the rules: its hash, its canonical TOML, and since when it was in use."""

    hash: str
    canonical: str
    first_used_at: datetime
    holidays_version: str | None = None


@dataclass(frozen=True, slots=True)
class TenantEntry:
    """A tenant as the database knew it that a file was exported from."""

    name: str
    plan: str | None
    timezone: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a history file: the ticket it is about, what happened, and what a person wrote.

    What an export adds: `recorded_at` is when it was recorded first, `id` the number its ticket had, and `rules`
    the version of the rules that the event names, where no earlier line of the file brought it.
    """

    ticket: str
    event: Event
    texts: Mapping[str, str]
    recorded_at: datetime | None = None
    id: int | None = None
    rules: RulesText | None = None


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
        raise LineError("", f"a JSON object is needed, not {kind_of(record)}")
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
    ticket = _needed(record, "ticket", read_name)
    at = _needed(record, "at", read_instant)
    kind = EventType(_needed(record, "type", TYPE))
    readers = READERS[kind]
    detail: dict[str, Any] = {}
    for field, value in record.items():
        reader = readers.get(field)
        if reader is not None:
            found = reader(value, field) if value is not None else None
            if found is not None or field in KEPT_WHEN_EMPTY:
                detail[field] = found
    for field in REQUIRED.get(kind, ()):
        if field not in detail:
            raise LineError(field, "is missing")
    texts = {name: detail.pop(name) for name in TEXTS if name in detail}
    if "requester_email" in texts and "requester_domain" not in detail:
        detail |= _domain(texts["requester_email"])
    actor = detail.pop("actor", None)
    actor_type = ActorType.SYSTEM if detail.pop("actor_type", None) == ActorType.SYSTEM else ActorType.USER
    recorded_at, number = detail.pop("recorded_at", None), detail.pop("slactl_id", None)
    rules = _rules(record) if "rules" in detail and record.get("rules_version") is not None else None
    return Line(ticket, Event(at, kind, detail, actor, actor_type), texts, recorded_at, number, rules)


def parse_tenant(record: Mapping[str, Any]) -> TenantEntry:
    """The tenant in a record of type `TENANT`.

    Raises:
        LineError: a field is missing or wrong.
    """
    readers = READERS[EventType.TENANT]
    plan, timezone = record.get("plan"), record.get("timezone")
    return TenantEntry(
        name=_needed(record, "tenant", read_name),
        plan=readers["plan"](plan, "plan") if plan is not None else None,
        timezone=readers["timezone"](timezone, "timezone") if timezone is not None else None,
        created_at=_needed(record, "at", read_instant),
    )


def _rules(record: Mapping[str, Any]) -> RulesText:
    version = record["rules_version"]
    if not isinstance(version, dict):
        raise LineError("rules_version", f"an object is needed, not {kind_of(version)}")
    holidays = version.get("holidays_version")
    return RulesText(
        hash=_needed(record, "rules", read_name),
        canonical=_needed(version, "toml", partial(read_text, most=BODY_LENGTH)),
        first_used_at=_needed(version, "first_used_at", read_instant),
        holidays_version=read_name(holidays, "holidays_version") if holidays is not None else None,
    )


def to_record(
    ticket: str, event: Event, texts: Mapping[str, str], recorded_at: str | None = None, number: int | None = None
) -> dict[str, Any]:
    """An event as a record of the format, fields in a fixed order."""
    record: dict[str, Any] = {"ticket": ticket, "at": to_text(event.at), "type": event.type.value}
    detail = event.detail
    record |= {field: detail[field] for field in FIELDS[event.type] if field in detail}
    record |= {field: texts[field] for field in TEXTS if field in texts}
    # The text itself was erased: what is left of it goes along.
    record |= {hashed: detail[hashed] for name, hashed in HASHES.items() if hashed in detail and name not in texts}
    if number is not None:
        record["slactl_id"] = number
    if event.actor is not None:
        record |= {"actor": event.actor, "actor_type": event.actor_type.value}
    if recorded_at is not None:
        record["recorded_at"] = recorded_at
    return record


def rules_record(rules: RulesText) -> dict[str, Any]:
    """A version of the rules as the field `rules_version` of the first line that names it."""
    record = {"toml": rules.canonical, "first_used_at": to_text(rules.first_used_at)}
    return record | ({"holidays_version": rules.holidays_version} if rules.holidays_version is not None else {})


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
    return ("ticket", "at", "type", *READERS[kind])


def _needed(record: Mapping[str, Any], field: str, read: Reader) -> Any:  # noqa: ANN401  (what the reader returns)
    value = record.get(field)
    if value is None:
        raise LineError(field, "is missing")
    found = read(value, field)
    if found is None:
        raise LineError(field, "is empty")
    return found


def _domain(address: str) -> dict[str, str]:
    before, at, domain = address.rpartition("@")
    return {"requester_domain": domain.lower()[:NAME_LENGTH]} if before and at and domain else {}
