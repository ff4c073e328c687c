"""Define the tables of a map: our columns, the forms of times, tags, and the lists of messages and changes in a row."""

import codecs
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from slactl.clock import new_zone
from slactl.desk.transfer.foreign.paths import parse_path
from slactl.text import did_you_mean


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
    FIRST_RESPONSE_DUE_AT = "first_response_due_at"
    NEXT_RESPONSE_DUE_AT = "next_response_due_at"
    RESOLUTION_DUE_AT = "resolution_due_at"


#: Our columns that hold an instant.
INSTANTS = frozenset(each for each in Ours if each is Ours.AT or each.endswith("_at"))

#: Our columns of which a source may list the changes.
CHANGING = (Ours.STATUS, Ours.PRIORITY, Ours.ASSIGNEE, Ours.PLAN, Ours.TENANT)

#: Our columns that may have one value for all rows, or come from a tag.
FIXED = (*CHANGING, Ours.TAGS, Ours.SUBJECT, Ours.REQUESTER_EMAIL)

#: The forms of times that have a name; the others are patterns such as %d.%m.%Y.
ISO, EPOCH, EPOCH_MS = "iso", "epoch", "epoch_ms"


def word(value: Any) -> str:  # noqa: ANN401  (a scalar of TOML or JSON)
    """Return a value as a map writes it: true and false in small letters, a whole number without a fraction."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def listed(value: Any) -> Any:  # noqa: ANN401  (TOML has lists where a frozen model has tuples)
    """Return a list as a tuple, and any other value as it is."""
    return tuple(value) if isinstance(value, list) else value


def one_or_several(value: Any) -> Any:  # noqa: ANN401
    """Return a text or a list of texts of a TOML file as a tuple."""
    return (value,) if isinstance(value, str) else listed(value)


def _valid_path(text: str) -> str:
    parse_path(text)
    return text


def _words(value: Any) -> Any:  # noqa: ANN401
    listed = value if isinstance(value, list) else [value]
    if any(not isinstance(each, (str, bool, int, float)) for each in listed) or not listed:
        raise ValueError("must be a list of values, such as [true] or ['OWNER', 'MEMBER']")
    return tuple(word(each) for each in listed)


def _form(text: str) -> str:
    if text in (ISO, EPOCH, EPOCH_MS):
        return text
    try:
        datetime.strptime("", text)  # noqa: DTZ007  (only the pattern is checked)
    except ValueError as error:
        if "does not match" not in str(error):
            raise ValueError(f"{text!r} is not a form of times: {error}") from error
    if "%" not in text:
        meant = did_you_mean(text, (ISO, EPOCH, EPOCH_MS))
        raise ValueError(f"{text!r} is not a form of times such as iso, epoch, epoch_ms or %d.%m.%Y %H:%M{meant}")
    return text


def valid_encoding(name: str) -> str:
    """Return the name of an encoding of text that this machine knows."""
    try:
        info = codecs.lookup(name)
        "".encode(name)
    except (LookupError, ValueError) as error:
        raise ValueError(f"{name[:60]!r} is not a known encoding; use one such as cp1252, latin-1 or utf-16") from error
    return info.name


#: One path or several; of several the first with a value counts.
Paths = Annotated[tuple[Annotated[str, AfterValidator(_valid_path)], ...], BeforeValidator(one_or_several)]

#: Paths, and the values of which each must have one; `*` stands for any value.
Wanted = Mapping[str, Annotated[tuple[str, ...], BeforeValidator(_words)]]


class Table(BaseModel):
    """A table of a map: it has no other keys than these."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False)


class Time(Table):
    """The forms in which instants are written, of which the first that fits counts; `format` names just one."""

    format: Annotated[str, AfterValidator(_form)] | None = None
    formats: Annotated[
        tuple[Annotated[str, AfterValidator(_form)], ...], BeforeValidator(listed), Field(min_length=1)
    ] = (ISO,)
    timezone: Annotated[str, AfterValidator(lambda name: new_zone(name).key)] = "UTC"

    @model_validator(mode="after")
    def _names_forms_once(self) -> "Time":
        if self.format is not None and "formats" in self.model_fields_set:
            raise ValueError("format and formats contradict each other; keep one of them")
        return self

    @property
    def forms(self) -> tuple[str, ...]:
        """Return the forms in the order in which they are tried."""
        return (self.format,) if self.format is not None else self.formats


class Missing(Table):
    """The texts that mean that a cell has no value."""

    any: Annotated[tuple[str, ...], BeforeValidator(listed)] = ("",)


class Tags(Table):
    """The text between two tags in one cell."""

    separator: Annotated[str, Field(min_length=1, max_length=20)] = ","


class FromTag(Table):
    """The prefix of the tag that holds the value of a column of ours, such as `priority::`."""

    prefix: Annotated[str, Field(min_length=1, max_length=100)]


class Messages(Table):
    """A list of messages inside each row, and how to tell who wrote them."""

    path: Annotated[str, AfterValidator(_valid_path)]
    at: Paths
    author: Paths = ()
    body: Paths = ()
    #: Which messages an agent wrote.
    agent_when: Wanted = Field(default_factory=dict)
    #: For a path in the message, the paths in the row whose value names the requester; all others are agents.
    requester_when: Mapping[str, Paths] = {}
    #: Which messages the customer sees.
    public_when: Wanted = Field(default_factory=dict)
    #: Which messages are left out.
    skip_when: Wanted = Field(default_factory=dict)
    #: Whether the first message is the text with which the ticket was opened.
    opening: bool = False


class Changes(Table):
    """A list of changes inside each row: which field changed, and from what to what."""

    path: Annotated[str, AfterValidator(_valid_path)]
    at: Paths
    #: Where the name of the changed field is; without it, every item changes the only field of `fields`.
    field: Paths = ()
    to: Paths
    before: Annotated[Paths, Field(alias="from")] = ()
    author: Paths = ()
    #: Ours = theirs, as in [columns].
    fields: Mapping[str, Paths]

    @model_validator(mode="after")
    def _has_known_fields(self) -> "Changes":
        known = [str(each) for each in CHANGING]
        for name in self.fields:
            if name not in known:
                otherwise = f": slactl follows the changes of {', '.join(known)}"
                raise ValueError(f"fields: {name!r} is not such a column{did_you_mean(name, known, otherwise)}")
        if not self.fields or (not self.field and len(self.fields) > 1):
            raise ValueError("fields must name one column of ours if there is no field, and at least one if there is")
        return self
