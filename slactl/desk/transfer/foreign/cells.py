"""Convert the cells of another help desk's rows into values of our columns."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from slactl.clock import parse_offset_instant, to_text
from slactl.desk.transfer.foreign.tables import CHANGING, EPOCH, EPOCH_MS, INSTANTS, ISO, Ours, word
from slactl.desk.transfer.maps import Map
from slactl.sla.enums import Priority, PriorityMeanings, Status, as_priority_word
from slactl.sla.history.readers import (
    BODY_LENGTH,
    NAME_LENGTH,
    SUBJECT_LENGTH,
    LineError,
    at_most_tags,
    kind_of,
    one_of,
    read_name,
    read_text,
)
from slactl.text import clean, did_you_mean, is_utf8

#: Converts a cell; None means that the cell is empty. Raises LineError.
Convert = Callable[[Any], Any]

#: Our texts that are cut when they are too long, and the length of each.
CUT = {Ours.SUBJECT: SUBJECT_LENGTH, Ours.BODY: BODY_LENGTH, Ours.REQUESTER_EMAIL: SUBJECT_LENGTH}

#: The longest tag; slactl cuts a longer one.
TAG_LENGTH = 100

_CLOSED = {Ours.STATUS: one_of(Status), Ours.PRIORITY: one_of(Priority)}

#: ISO 8601 in UTC as most programs write it, with a fraction of a second or without.
_PLAIN = re.compile(r"((?:19[7-9]\d|20\d\d|21[0-8]\d)-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?Z")


class UnknownWordError(LineError):
    """The map does not translate a word."""


class WrongTimeError(LineError):
    """A text is not a time in the form that the map names; `wanted` is that form."""

    def __init__(self, field: str, text: str, wanted: str) -> None:
        super().__init__(field, f"{clean(text)[:60]!r} is {wanted}")
        self.wanted = wanted


def converter(ours: str, mapping: Map, meanings: PriorityMeanings) -> Convert:
    """Return the function that converts the cells of a column; `meanings` are those of other words for priorities."""
    if ours == Ours.TAGS:
        return partial(_tags, mapping=mapping)
    if ours in INSTANTS:
        return partial(_instant, ours=ours, mapping=mapping)
    if ours in CUT:
        return partial(_text, ours=ours, mapping=mapping)
    if ours in CHANGING:
        return partial(_word, ours=ours, mapping=mapping, meanings=meanings)
    return partial(_name, ours=ours, mapping=mapping)


def is_empty(value: Any, mapping: Map) -> bool:  # noqa: ANN401  (any cell)
    """Return whether a cell means that there is no value."""
    return value is None or (isinstance(value, str) and (not (text := value.strip()) or text in mapping.missing.any))


def _scalar(value: Any, ours: str, mapping: Map) -> Any:  # noqa: ANN401
    """Return the value of a cell, of a list its first; None if it is empty.

    Raises:
        LineError: it is an object or a list of lists, or is not in the encoding of the map.
    """
    if isinstance(value, list):
        value = next((each for each in value if each), None)
    if is_empty(value, mapping):
        return None
    if isinstance(value, str):
        _check_text(value, ours, mapping)
    elif isinstance(value, (dict, list)):
        raise LineError(ours, f"must be a text, not {kind_of(value)}")
    return value


def _check_text(text: str, field: str, mapping: Map) -> None:
    if not is_utf8(text):
        wanted = f"not {mapping.encoding}" if mapping.encoding else "not UTF-8"
        raise LineError(field, f'{wanted}; the map may say encoding = "cp1252"' if not mapping.encoding else wanted)


def _name(value: Any, ours: str, mapping: Map) -> str | None:  # noqa: ANN401
    value = _scalar(value, ours, mapping)
    if value is None:
        return None
    text = _translated(value, mapping.values.get(ours))
    if text is None and isinstance(value, (bool, float)):
        is_fraction = isinstance(value, float)
        raise LineError(ours, f"must be a text, not {'a number with a fraction' if is_fraction else kind_of(value)}")
    return read_name(word(value) if text is None else text, ours)


def _word(value: Any, ours: str, mapping: Map, meanings: PriorityMeanings) -> str | None:  # noqa: ANN401
    """Return the word of ours for a word of theirs."""
    value = _scalar(value, ours, mapping)
    if value is None:
        return None
    words = mapping.values.get(ours)
    read: Callable[[Any, str], str | None] = _CLOSED.get(Ours(ours), read_name)
    text = _translated(value, words)
    if text is not None:
        return read(text, ours)
    theirs = word(value)
    if ours == Ours.PRIORITY and (meant := as_priority_word(theirs, meanings)) != theirs:
        return str(meant)
    if words is not None and ours in _CLOSED:
        near = did_you_mean(theirs, list(words))
        raise UnknownWordError(ours, f"{clean(theirs)[:60]!r} has no meaning in the map ([values.{ours}]){near}")
    if ours not in _CLOSED and isinstance(value, (bool, float)):
        raise LineError(ours, f"must be a text, not {kind_of(value)}")
    return read(theirs, ours)


def _translated(value: Any, words: Mapping[str, str] | None) -> str | None:  # noqa: ANN401
    return words.get(word(value), words.get("*")) if words is not None else None


def document_text(document: Mapping[str, Any]) -> str:
    """Return the text of a document that is a tree of nodes, as Jira writes it: each block on lines of its own."""
    texts, nodes = list[str](), list[Any]([document])
    while nodes:
        node = nodes.pop()
        if isinstance(node, str):
            texts.append(node)
            continue
        if not isinstance(node, dict):
            continue
        content = node.get("content")
        shown = node.get("text", (node.get("attrs") or {}).get("text") if isinstance(node.get("attrs"), dict) else None)
        texts += [shown] if isinstance(shown, str) else ["\n"] if node.get("type") == "hardBreak" else []
        if isinstance(content, list):
            nodes += ["\n", *reversed([each for each in content if isinstance(each, dict)])]
    return re.sub(r"\n{2,}", "\n", "".join(texts)).strip("\n")


def _text(value: Any, ours: str, mapping: Map) -> str | None:  # noqa: ANN401
    if isinstance(value, dict) and isinstance(value.get("content"), list):
        value = document_text(value)
    value = _scalar(value, ours, mapping)
    if value is None:
        return None
    if isinstance(value, bool):
        raise LineError(ours, f"must be a text, not {kind_of(value)}")
    text = _translated(value, mapping.values.get(ours)) or (value if isinstance(value, str) else word(value))
    if ours == Ours.REQUESTER_EMAIL:
        text = text.strip()
    return read_text(text if len(text) <= CUT[Ours(ours)] else text[: CUT[Ours(ours)]], ours, CUT[Ours(ours)])


def is_cut(value: Any, ours: str, mapping: Map) -> bool:  # noqa: ANN401
    """Return whether slactl does not keep the end of a text, or of a tag."""
    if ours == Ours.TAGS:
        return any(len(text.strip()) > TAG_LENGTH for text in tag_words(value, mapping))
    if isinstance(value, dict) and isinstance(value.get("content"), list):
        value = document_text(value)
    return isinstance(value, str) and len(value) > CUT[Ours(ours)]


def tag_words(value: Any, mapping: Map) -> list[str]:  # noqa: ANN401
    """Return the tags of a cell as the source writes them: texts of a list, or parts of a text.

    Raises:
        LineError: a tag is not a text.
    """
    separator, words = mapping.tags.separator, list[str]()
    if isinstance(value, str):
        return [] if is_empty(value, mapping) else value.split(separator)
    for tag in value if isinstance(value, list) else [] if value is None else [value]:
        if isinstance(tag, str) and isinstance(value, _Cells):
            words += [] if is_empty(tag, mapping) else tag.split(separator)
        elif isinstance(tag, (str, int)):
            words.append(str(tag))
        elif tag is not None:
            words.append(read_name(tag, "tags") or "")
    return words


class _Cells(list[Any]):
    """The cells of a column that a table repeats; each may have several tags, unlike the texts of a list in JSON."""


#: Makes the cells of a repeated column one value.
cells_of = _Cells


def _tags(value: Any, mapping: Map) -> list[str]:  # noqa: ANN401
    words = tag_words(value, mapping)
    for text in words:
        _check_text(text, Ours.TAGS, mapping)
    tags = ("-".join(text.replace(",", " ").split())[:TAG_LENGTH] for text in words if text)
    return at_most_tags(read_text(tag, Ours.TAGS, NAME_LENGTH) or "" for tag in tags if tag)


def _instant(value: Any, ours: str, mapping: Map) -> str | None:  # noqa: ANN401
    """Return an instant of the source as text of ours; without an offset it is in the map's zone.

    Raises:
        LineError: it is none.
    """
    if isinstance(value, str) and (plain := _PLAIN.fullmatch(value)) and mapping.time.forms[0] == ISO:
        try:
            datetime.fromisoformat(plain[1])
            return f"{plain[1]}Z"
        except ValueError:
            pass
    value = _scalar(value, ours, mapping)
    if value is None:
        return None
    if isinstance(value, bool):
        raise LineError(ours, f"must be a time, not {kind_of(value)}")
    text, is_outside = word(value) if isinstance(value, float) else str(value).strip(), False
    for form in mapping.time.forms:
        try:
            return to_text(parse_offset_instant(_parsed(text, form, mapping).astimezone(UTC).isoformat()))
        except (ValueError, OverflowError, OSError) as error:
            is_outside = is_outside or "outside" in str(error)
    names = {ISO: "ISO 8601", EPOCH: "seconds since 1970", EPOCH_MS: "milliseconds since 1970"}
    wanted = " or ".join(names.get(form, f"the form {form}") for form in mapping.time.forms)
    raise WrongTimeError(ours, text, "outside the years 1970 to 2199" if is_outside else f"not a time in {wanted}")


def _parsed(text: str, form: str, mapping: Map) -> datetime:
    if form in (EPOCH, EPOCH_MS):
        if not re.fullmatch(r"\d{1,13}(\.\d{1,9})?", text, re.ASCII):
            raise ValueError("not a number")
        return datetime.fromtimestamp(float(text) / (1000 if form == EPOCH_MS else 1), UTC)
    parsed = datetime.fromisoformat(text) if form == ISO else datetime.strptime(text, form)  # noqa: DTZ007
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=ZoneInfo(mapping.time.timezone))
