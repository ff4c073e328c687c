"""Define the types of the values of `rules.toml`: a key's type says which forms it takes."""

import re
from collections.abc import Callable
from enum import StrEnum
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, Any

from slactl.durations import FORMS, WALL_FORMS, Duration, Offset, parse_duration, parse_wall_duration
from slactl.sla.calendar.written import StatedHours
from slactl.sla.enums import (
    CountFrom,
    LateTargets,
    NextResponseFrom,
    Priority,
    PriorityMeanings,
    Reopen,
    Status,
    Target,
    priority_meanings,
)
from slactl.sla.rules.part import Form, Part
from slactl.text import not_one_of

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, ValidationInfo
    from pydantic_core import CoreSchema


def text_of(kind: type, parse: Callable[[str], object], wrong: str) -> Callable[[object], object]:
    """Return the validator of a value that rules write as a text; `wrong` says what a value of another type must be."""

    def convert(value: object) -> object:
        if isinstance(value, kind):
            return value
        if not isinstance(value, str):
            raise ValueError(wrong)
        return parse(value)

    return convert


def length(parse: Callable[[str], Duration], forms: str) -> Callable[[object], object]:
    """Return the validator of a duration that has one of some forms."""
    return text_of(Duration, parse, f"a duration must be a text: {forms}")


def _wall_length(value: object, info: "ValidationInfo") -> object:
    # Pinned rules may have business days here, from when they were accepted.
    is_pinned = bool((info.context or {}).get("pinned"))
    return length(parse_duration if is_pinned else parse_wall_duration, WALL_FORMS)(value)


def word_of(*kinds: type[StrEnum]) -> Form:
    """Return the validator of a word that must be a member of some closed sets."""
    words = {member.value: member for kind in kinds for member in kind}

    def convert(value: object) -> object:
        if isinstance(value, StrEnum):
            return value
        if not isinstance(value, str):
            raise ValueError(f"must be one of {', '.join(words)}")
        if value not in words:
            raise ValueError(not_one_of(value, words))
        return words[value]

    return Form(before=convert)


def from_list(value: object) -> object:
    """Return a list of TOML as the tuple that a model keeps; any other value as it is."""
    return tuple(value) if isinstance(value, list) else value


def _list(value: object, shown: str | None = None) -> object:
    if isinstance(value, str):
        raise ValueError(f'must be a list: ["{shown or value}"]')
    return from_list(value)


def source_name(name: str) -> str:
    """Return the name of a source of tickets, which stands before the colon of `SOURCE:ID`.

    Raises:
        ValueError: it is not a valid name.
    """
    if name == "ext":
        raise ValueError("'ext' is not allowed: ext:ID names an external id of any source")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", name):
        what = "must begin with a letter and have at most 64 letters, digits, '-', '_' and '.'"
        raise ValueError(f"{name[:60]!r} {what}")
    return name


def _words(value: object) -> object:
    if isinstance(value, str):  # its text may contain a secret
        raise ValueError('must be a list of the program and its arguments: ["gh", "issue", "list"]')
    return from_list(value)


#: A duration that is counted on a calendar, and one that counts every hour.
Length = Annotated[Duration, Form(only=length(parse_duration, FORMS))]
WallLength = Annotated[Duration, Form(only=_wall_length, in_context=True)]
Name = Annotated[str, Form(size=(1, 200))]
Names = Annotated[tuple[Name, ...], Form(before=_list)]
#: Weekly windows; a single one may stand without a list.
Windows = Annotated[
    tuple[Name, ...], Form(before=lambda value: (value,) if isinstance(value, str) else from_list(value))
]
#: An address that may be missing; an empty text is none.
MaybeAddress = Annotated[Name | None, Form(before=lambda value: None if value == "" else value)]
#: The program that slactl runs, and its arguments.
Command = Annotated[
    tuple[Annotated[str, Form(size=(None, 10_000))], ...],
    Form(before=_words, size=(1, 1000)),
]


class CommandAddress(Part):
    """Hold the command that slactl runs once for each ticket in a message."""

    command: Command


class _AddressForm(Form):
    """Say that an address is a text, or a table with a command."""

    def __get_pydantic_core_schema__(self, source: object, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic_core import core_schema

        # The brackets say that the tags are no steps into the value.
        kinds = {"[url]": handler.generate_schema(Name), "[command]": handler.generate_schema(CommandAddress)}
        return core_schema.tagged_union_schema(
            kinds, lambda value: "[command]" if isinstance(value, dict | CommandAddress) else "[url]"
        )


Address = Annotated[str | CommandAddress, _AddressForm()]
Addresses = Annotated[
    tuple[Address, ...],
    Form(before=partial(_list, shown="…")),  # the text may contain a secret
]
AnyStatus = Annotated[Status, word_of(Status)]
AnyPriority = Annotated[Priority, word_of(Priority)]
AnyTarget = Annotated[Target, word_of(Target)]
AnyOffset = Annotated[
    Offset,
    Form(only=text_of(Offset, Offset.parse, 'an offset must be a text such as "80%", "-30m", "0m", "+1h" or "+1bd"')),
]
Priorities = Annotated[tuple[AnyPriority, ...], Form(before=_list)]
Statuses = Annotated[tuple[AnyStatus, ...], Form(before=_list)]
Targets = Annotated[tuple[AnyTarget, ...], Form(before=_list)]
AnyReopen = Annotated[Reopen, word_of(Reopen)]
AnyStart = Annotated[NextResponseFrom, word_of(NextResponseFrom)]
AnyCountFrom = Annotated[CountFrom, word_of(CountFrom)]
SourceName = Annotated[str, Form(after=source_name)]
AnyLateTargets = Annotated[LateTargets, word_of(LateTargets)]


def _day_hours(value: Any) -> object:  # noqa: ANN401  (pydantic hands over any value)
    """Check the hours of a special date: a list, or lists by weekday."""
    lists = list(value.values()) if isinstance(value, dict) else [value]
    if not all(isinstance(texts, list | tuple) and all(isinstance(text, str) for text in texts) for texts in lists):
        raise ValueError('must be a list of hours, ["09:00-12:00"], or lists by weekday, { fri = ["09:00-13:00"] }')
    return {key: tuple(texts) for key, texts in value.items()} if isinstance(value, dict) else tuple(value)


DayHours = Annotated[StatedHours, Form(only=_day_hours)]


class PriorityWords(Part):
    """Hold other words for each priority, such as "P1"; capital and small letters are the same."""

    low: Names = ()
    normal: Names = ()
    high: Names = ()
    urgent: Names = ()

    @cached_property
    def meanings(self) -> PriorityMeanings:
        """Return the priority that each word means, by the word in small letters."""
        return priority_meanings(self.attributes())

    def check(self) -> None:
        """Refuse a word that means two priorities."""
        meanings = {str(priority): str(priority) for priority in Priority}
        for priority in Priority:
            for word in getattr(self, priority.value):
                if meanings.setdefault(word.casefold(), priority.value) != priority.value:
                    raise ValueError(f"{word!r} cannot mean {priority} and {meanings[word.casefold()]}")
