"""Load maps, which say how the rows of another help desk's export become events."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from slactl.desk.transfer.foreign.tables import (
    CHANGING,
    FIXED,
    Changes,
    FromTag,
    Messages,
    Missing,
    Ours,
    Paths,
    Table,
    Tags,
    Time,
    Wanted,
    listed,
    one_or_several,
    valid_encoding,
)
from slactl.errors import NotKnownError, RulesError, UsageError
from slactl.files import BY_HAND, read_text
from slactl.sla.enums import Priority, Status
from slactl.sla.rules.lines import misread
from slactl.sla.rules.values import SourceName
from slactl.text import clean, did_you_mean, not_one_of, quoted


def _known_columns(columns: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    names = [str(each) for each in Ours]
    for name, theirs in columns.items():
        if name not in names:
            raise ValueError(f"{name!r} is not a column of slactl{did_you_mean(name, names, f': {names}')}")
        if not theirs:
            raise ValueError(f"{name} names no column of the file")
    for needed in ("ticket", "created_at"):
        if needed not in columns:
            raise ValueError(f"{needed} is missing; it names the column of the file that holds the {needed}")
    return columns


def _one_character(delimiter: str) -> str:
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise ValueError(f"{delimiter!r} is not a valid delimiter; use one character such as , or ;")
    return delimiter


def _known_values(values: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    for field, pairs in values.items():
        _column(field, list(Ours))
        for ours in pairs.values():
            _valid_value(field, ours)
    return values


def _known_constants(constants: Mapping[str, str | tuple[str, ...]]) -> Mapping[str, str | tuple[str, ...]]:
    for field, value in constants.items():
        _column(field, FIXED)
        if isinstance(value, tuple) != (field == Ours.TAGS):
            raise ValueError(f"{field} must be {'a list of texts' if field == Ours.TAGS else 'a text'}")
        if isinstance(value, str):
            _valid_value(field, value)
    return constants


def _known_tags(prefixes: Mapping[str, FromTag]) -> Mapping[str, FromTag]:
    for field in prefixes:
        _column(field, CHANGING)
    return prefixes


def _column(field: str, known: Sequence[str]) -> None:
    names = [str(each) for each in known]
    if field not in names:
        raise ValueError(f"{field!r} is not one of the columns {', '.join(names)}{did_you_mean(field, names)}")


def _valid_value(field: str, value: str) -> None:
    closed: dict[str, list[str]] = {"status": [*Status], "priority": [*Priority]}
    if field in closed and value not in closed[field]:
        raise ValueError(f"{not_one_of(value, closed[field])}")


class Map(Table):
    """A map: the source's column for each column of slactl, and the translation of the source's words."""

    kind: Literal["tickets", "events"] = "tickets"
    #: The name of the source, within which external ids are unique.
    source: SourceName | None = None
    #: Whether columns may be missing, except the required ones.
    optional: bool = False
    #: Where the rows are in JSON, as names with dots; `[]` goes through pages. By default, the only list that fits.
    rows: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    encoding: Annotated[str, AfterValidator(valid_encoding)] | None = None
    delimiter: Annotated[str, AfterValidator(_one_character)] = ","
    #: Whether slactl knows all answers where the source lists none, because people answer with slactl.
    answers: Literal["unknown", "here"] = "unknown"
    #: Maps that come with slactl, of which the first that fits a file better than this one is used instead.
    variants: Annotated[tuple[str, ...], BeforeValidator(one_or_several)] = ()
    #: Which rows are left out, such as the pull requests among the issues.
    skip_when: Wanted = Field(default_factory=dict)
    #: Ours = theirs: of several, the ticket has all, joined with #; other columns have the first with a value.
    columns: Annotated[Mapping[str, Paths], AfterValidator(_known_columns)]
    constants: Annotated[
        Mapping[str, str | Annotated[tuple[str, ...], BeforeValidator(listed)]], AfterValidator(_known_constants)
    ] = {}
    from_tags: Annotated[Mapping[str, FromTag], AfterValidator(_known_tags)] = {}
    time: Time = Time()
    values: Annotated[Mapping[str, Mapping[str, str]], AfterValidator(_known_values)] = {}
    missing: Missing = Missing()
    tags: Tags = Tags()
    messages: Annotated[tuple[Messages, ...], BeforeValidator(listed)] = ()
    changes: Annotated[tuple[Changes, ...], BeforeValidator(listed)] = ()

    @model_validator(mode="after")
    def _has_known_variants(self) -> "Map":
        known = shipped_maps()
        for name in self.variants:
            if name not in known:
                raise ValueError(f"variants: {not_one_of(name, known)}")
        return self

    @model_validator(mode="after")
    def _is_whole(self) -> "Map":
        if self.kind == "events" and "at" not in self.columns:
            raise ValueError('columns.at is missing; with kind = "events" it says when a row was written')
        if self.kind == "events" and (self.messages or self.changes):
            raise ValueError('messages and changes are lists inside a ticket; they need kind = "tickets"')
        if self.from_tags and Ours.TAGS not in self.columns:
            raise ValueError("from_tags needs columns.tags")
        for field in self.constants:
            if field in self.columns or field in self.from_tags:
                raise ValueError(f"constants.{field} contradicts the column that the map names for {field}")
        for each in self.messages:
            if not (each.agent_when or each.requester_when or (each.author and Ours.REQUESTER_EMAIL in self.columns)):
                raise ValueError("messages needs agent_when or requester_when, which tell agents from customers")
        return self

    @property
    def needed(self) -> frozenset[str]:
        """Return the columns of slactl that every row must have."""
        return frozenset(("ticket", "created_at", *(("at",) if self.kind == "events" else ())))

    def paths(self) -> list[str]:
        """Return the paths of everything that the map reads from a row."""
        lists = (*(each.path for each in self.messages), *(each.path for each in self.changes))
        return [*(path for theirs in self.columns.values() for path in theirs), *lists, *self.skip_when]

    def column(self, name: str) -> str:
        """Return what the source calls a column of ours, for messages; our name if the map has no such column."""
        theirs = self.columns.get(name)
        if theirs is None:
            return name
        return ("#" if name == Ours.TICKET else " or ").join(theirs)


def shipped_maps() -> list[str]:
    """Return the names of the maps that come with slactl."""
    return sorted(
        each.name.removesuffix(".toml")
        for each in resources.files("slactl.desk.transfer").joinpath("shipped").iterdir()
    )


def _shipped(name: str) -> str:
    return resources.files("slactl.desk.transfer").joinpath("shipped", f"{name}.toml").read_text(encoding="utf-8")


def load_map(name: str) -> Map:
    """Return a map that comes with slactl, by its name, or one in a file, by its path.

    Raises:
        NotKnownError: it is neither.
        UsageError: it is a file that cannot be read, or not a regular file.
        RulesError: it is not a valid map.
    """
    if name in shipped_maps():
        return parse_map(_shipped(name), name)
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
    if "base" in data:
        data = _based(data.pop("base"), data, source)
    try:
        return Map.model_validate(data)
    except ValidationError as error:
        reasons = "; ".join(_reason(each["type"], each["loc"], each["msg"]) for each in error.errors())
        raise RulesError(f"{source}: {reasons}", "slactl help import") from error


def _based(base: object, data: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the tables of a map that begins with a map that comes with slactl.

    Its variants are left out, because they would be used in place of the map.

    Raises:
        RulesError: there is no such map.
    """
    if base not in shipped_maps():
        meant = did_you_mean(str(base), shipped_maps(), f"; use one of {', '.join(shipped_maps())}")
        raise RulesError(
            f"{source}: base: no map {clean(str(base))[:60]!r} comes with slactl{meant}", "slactl help sources"
        )
    below = tomllib.loads(_shipped(str(base)))
    below.pop("variants", None)
    if "format" in data.get("time", {}) or "formats" in data.get("time", {}):
        below["time"] = {key: value for key, value in below.get("time", {}).items() if key == "timezone"}
    return _merged(below, data)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return two tables as one: tables inside them key by key, and of other values the one from above."""
    merged = {**below, **above}
    for key in below.keys() & above.keys():
        if isinstance(below[key], dict) and isinstance(above[key], dict):
            merged[key] = _merged(below[key], above[key])
    return merged


def _reason(kind: str, place: tuple[str | int, ...], message: str) -> str:
    path = ".".join(map(str, place))
    if kind == "extra_forbidden":
        tables: dict[str, type[Table]] = {"time": Time, "missing": Missing, "tags": Tags, "from_tags": FromTag}
        tables |= {"messages": Messages, "changes": Changes}
        fields = tables.get(str(place[0]) if len(place) > 1 else "", Map).model_fields
        known = [field.alias or name for name, field in fields.items()]
        return f"unknown key {path}" + did_you_mean(str(place[-1]), known, f" (known: {', '.join(known)})")
    return (f"{path}: " if path else "") + message.removeprefix("Value error, ")
