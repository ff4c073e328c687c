"""Load maps, which say how the rows of another help desk's export become events."""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from slactl.clock import new_zone
from slactl.errors import NotKnownError, RulesError, UsageError
from slactl.files import BY_HAND, read_text
from slactl.sla.enums import Priority, Status
from slactl.sla.rules.lines import misread
from slactl.text import clean, did_you_mean, not_one_of, quoted


class Ours(StrEnum):
    """The columns that slactl knows."""

    TICKET = "ticket"
    AT = "at"
    CREATED_AT = "created_at"
    STATUS = "status"
    PRIORITY = "priority"
    ASSIGNEE = "assignee"
    PLAN = "plan"
    TENANT = "tenant"
    TAGS = "tags"
    SUBJECT = "subject"
    BODY = "body"
    REQUESTER_EMAIL = "requester_email"
    ACTOR = "actor"
    FIRST_RESPONDED_AT = "first_responded_at"
    RESOLVED_AT = "resolved_at"
    CLOSED_AT = "closed_at"


def _known_columns(columns: Mapping[str, str]) -> Mapping[str, str]:
    names = [str(each) for each in Ours]
    for name in columns:
        if name not in names:
            raise ValueError(f"{name!r} is not a column of slactl{did_you_mean(name, names, f': {names}')}")
    for needed in ("ticket", "created_at"):
        if needed not in columns:
            raise ValueError(f"{needed} is missing; it names the column of the file that holds the {needed}")
    return columns


def _one_character(delimiter: str) -> str:
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise ValueError(f"{delimiter!r} is not a valid delimiter; use one character such as , or ;")
    return delimiter


def _known_values(values: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    closed: dict[str, list[str]] = {"status": [*Status], "priority": [*Priority]}
    for field, pairs in values.items():
        if field not in (str(each) for each in Ours):
            raise ValueError(f"{field!r} is not a column of slactl")
        for ours in pairs.values():
            if field in closed and ours not in closed[field]:
                raise ValueError(f"{not_one_of(ours, closed[field])}")
    return values


class Time(BaseModel):
    """The form in which instants are written; without a format it is ISO 8601."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    format: str | None = None
    timezone: Annotated[str, AfterValidator(lambda name: new_zone(name).key)] = "UTC"


class Missing(BaseModel):
    """The texts that mean that a cell has no value."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    any: Annotated[
        tuple[str, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
    ] = ("",)


class Map(BaseModel):
    """A map: the source's column for each column of slactl, and the translation of the source's words."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    kind: Literal["tickets", "events"] = "tickets"
    #: Whether columns may be missing, except the required ones.
    optional: bool = False
    #: Where the rows are in a JSON object, as names with dots; by default in the only list with the ticket column.
    rows: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    delimiter: Annotated[str, AfterValidator(_one_character)] = ","
    columns: Annotated[Mapping[str, str], AfterValidator(_known_columns)]
    time: Time = Time()
    values: Annotated[Mapping[str, Mapping[str, str]], AfterValidator(_known_values)] = {}
    missing: Missing = Missing()

    @model_validator(mode="after")
    def _has_instants(self) -> "Map":
        if "at" not in self.needed:
            return self
        if "at" not in self.columns:
            raise ValueError('columns.at is missing; with kind = "events" it says when a row was written')
        return self

    @property
    def needed(self) -> frozenset[str]:
        """Return the columns of slactl that every row must have."""
        return frozenset(("ticket", "created_at", *(("at",) if self.kind == "events" else ())))


def shipped_maps() -> list[str]:
    """Return the names of the maps that come with slactl."""
    return sorted(
        each.name.removesuffix(".toml")
        for each in resources.files("slactl.desk.transfer").joinpath("shipped").iterdir()
    )


def load_map(name: str) -> Map:
    """Return a map that comes with slactl, by its name, or one in a file, by its path.

    Raises:
        NotKnownError: it is neither.
        UsageError: it is a file that cannot be read, or not a regular file.
        RulesError: it is not a valid map.
    """
    if name in shipped_maps():
        text = resources.files("slactl.desk.transfer").joinpath("shipped", f"{name}.toml").read_text(encoding="utf-8")
        return parse_map(text, name)
    try:
        return parse_map(read_text(name, BY_HAND), name)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            raise UsageError(
                f"the map {clean(name)} cannot be read: {error.strerror}", f"ls -ld {quoted(name)}"
            ) from error
        meant = did_you_mean(name, shipped_maps())
        known = ", ".join(shipped_maps())
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise NotKnownError(
            f"the map {clean(name)} cannot be read: {reason}{meant} (shipped maps: {known})", "slactl help import"
        ) from error


def parse_map(text: str, source: str) -> Map:
    """Return the map in a TOML text.

    Raises:
        RulesError: it is not a valid map; the message says where.
    """
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise RulesError(f"{source}:{misread(error, text)}", "slactl help import") from error
    try:
        return Map.model_validate(data)
    except ValidationError as error:
        reasons = "; ".join(_reason(each["type"], each["loc"], each["msg"]) for each in error.errors())
        raise RulesError(f"{source}: {reasons}", "slactl help import") from error


def _reason(kind: str, place: tuple[str | int, ...], message: str) -> str:
    path = ".".join(map(str, place))
    if kind == "extra_forbidden":
        tables: dict[str, type[BaseModel]] = {"time": Time, "missing": Missing}
        known = tables.get(str(place[0]) if len(place) > 1 else "", Map).model_fields
        return f"unknown key {path}" + did_you_mean(str(place[-1]), known, f" (known: {', '.join(known)})")
    return (f"{path}: " if path else "") + message.removeprefix("Value error, ")
