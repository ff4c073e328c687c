"""Read the values of a history file: each reader converts one JSON value, or says what is wrong with it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from slactl.clock import is_zone, parse_offset_instant, to_text
from slactl.sla.enums import Target
from slactl.text import dashed, did_you_mean, mail_domain

#: The longest texts a history may have, in characters.
BODY_LENGTH, SUBJECT_LENGTH, NAME_LENGTH = 1_000_000, 1000, 200

#: The most tags that a ticket has, whoever adds them.
MOST_TAGS = 100

#: The greatest number a ticket may bring along.
GREATEST_ID = 10**12


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


def read_domains(value: object) -> tuple[str, ...]:
    """Return mail domains, each once and sorted; none where the value is null.

    Raises:
        LineError: the value is not a list of mail domains.
    """
    listed = value if isinstance(value, list) else [value] if value is not None else []
    found = {mail_domain(word) if isinstance(word, str) else None for word in listed}
    if None in found or not isinstance(value, list | None):
        raise LineError("domains", 'must be a list of mail domains, such as ["acme.example"]')
    return tuple(sorted(map(str, found)))


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


def read_tags(value: object, field: str) -> list[str]:
    """Return the tags of a list, each once, with dashes in place of blanks."""
    tags = [dashed(name) for name in read_names(value, field)]
    if "" in tags:
        raise LineError(field, "has a tag without letters")
    return list(dict.fromkeys(tags))


read_target = one_of(Target)


def read_targets(value: object, field: str) -> list[str]:
    if not isinstance(value, list):
        raise LineError(field, f"must be a list of targets, not {kind_of(value)}")
    return list(dict.fromkeys(read_target(item, field) for item in value))


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
