"""Add a table with a name to the text of a rules file, such as a role or a policy; the rest stays as it is."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import getitem
from typing import Any, NamedTuple, cast

from slactl.errors import NotKnownError, UsageError
from slactl.sla.rules.lines import KeyPath, Lines
from slactl.text import clean, did_you_mean, nearest

#: The tables whose keys are names, and the arrays of tables with the key that names an entry.
NAMED = ("calendars", "roles", "people", "schedules", "views")
ENTRIES = {"policy": "name", "escalation": "id", "source": "name"}

HELP = "slactl rules set --help"


class Place(NamedTuple):
    """Where a new table goes: the path to its neighbours, and the key with its name in an array of tables."""

    around: KeyPath
    name: str
    named_by: str | None


def missing(data: Mapping[str, Any], parts: list[str]) -> Place | None:
    """Return where the table goes that a key names and that is not there; None if the rules have it or cannot."""
    if len(parts) < 2:
        return None
    first, name = parts[:2]
    if first in NAMED:
        there = data.get(first, {})
        return Place((first,), name, None) if isinstance(there, dict) and name not in there else None
    key = ENTRIES.get(first)
    entries = data.get(first, [])
    if key is None or not isinstance(entries, list):
        return None
    names = [entry.get(key) for entry in entries]
    if name not in names:
        return Place((first,), name, key)
    if first == "escalation" and parts[2:3] == ["level"] and len(parts) > 3:
        number = names.index(name)
        levels = entries[number].get("level", [])
        if parts[3] not in [level.get("id") for level in levels]:
            return Place((first, number, "level"), parts[3], "id")
    return None


def added(text: str, data: Mapping[str, Any], place: Place, below: list[str], value: Any) -> str:  # noqa: ANN401
    """Return the text with the new table; `below` are the keys inside it that lead to the value.

    Raises:
        NotKnownError: only a value inside the new table is given, and it is an entry of an array of tables, or its
            name resembles one that exists.
        UsageError: the value is not a table, or the text has its neighbours in another form.
    """
    for key in reversed(below):
        value = {key: value}
    known = _names(data, place)
    if below and (place.named_by is not None or nearest(place.name, known) is not None):
        kind = place.around[-1]
        names = clean(", ".join(known)) or "none"
        what = f"no key {kind}.{clean(place.name)}" if place.named_by is None else f"no {kind} {clean(place.name)!r}"
        meant = did_you_mean(place.name, known)
        raise NotKnownError(f"there is {what}{meant} (known: {names}); to add it, give a whole table", HELP)
    if not isinstance(value, dict):
        raise UsageError(f"{clean(place.name)} is new, so VALUE must be a table in braces: {example(place)}", HELP)
    if place.named_by is not None:
        if value.get(place.named_by, place.name) != place.name:
            raise UsageError(f"the key says {place.named_by} {clean(place.name)!r}, and VALUE has another one", HELP)
        value = {place.named_by: place.name} | value
    lines, index = text.split("\n"), _line_after(text, data, place, value)
    end = "\r" if lines[0].endswith("\r") else ""
    block = [f"{line}{end}" for line in _block(place, value, _indent(text, data, place))]
    is_end = not any(line.strip() for line in lines[index:])
    lines[index:index] = [end, *block, *([] if not is_end or lines[index:] else [""])]
    after = "\n".join(lines)
    if not _has_only(after, data, place, value):
        raise UsageError(f"{clean(place.name)} cannot be added beside values in braces; edit the file by hand", HELP)
    return after


def example(place: Place) -> str:
    """Return a table that fits a place, for messages."""
    return {
        "calendars": '{ timezone = "Europe/Berlin", weekly = { mon-fri = ["09:00-17:00"] } }',
        "roles": '{ assignee = "mia", notify = [] }',
        "people": '{ notify = ["mailtos://…"] }',
        "schedules": '{ timezone = "UTC", layer = [{ people = ["mia"], from = "2026-01-05 09:00" }] }',
        "views": "{ breached = true }",
        "policy": '{ match = { plan = ["gold"] }, calendar = "always", targets = { default = { resolution = "8h" } } }',
        "escalation": '{ on = "resolution", level = [{ id = "late", at = "0m", notify = ["assignee"] }] }',
        "source": '{ map = "github", command = ["gh", "issue", "list"] }',
        "level": '{ at = "+1h", notify = ["assignee"] }',
    }[str(place.around[-1])]


def _names(data: Mapping[str, Any], place: Place) -> list[str]:
    found: Any = data
    for step in place.around:
        found = found[step] if isinstance(step, int) else found.get(step, {})
    return [str(entry.get(place.named_by)) if place.named_by else str(entry) for entry in found]


def _line_after(text: str, data: Mapping[str, Any], place: Place, value: Mapping[str, Any]) -> int:
    """Return the index of the line before which the table goes: after its neighbours, before comments about the rest.

    A policy that matches certain tickets goes before the one that matches all: after it, no ticket would reach it.
    """
    lines = Lines(text.replace("\r\n", "\n"))
    inside = [path for path in lines.paths if path[: len(place.around)] == place.around]
    start = max((lines.of(path) for path in inside), default=0)
    if not inside and len(place.around) > 1:
        inside = [path for path in lines.paths if path[:2] == place.around[:2]]
        start = max(lines.of(path) for path in inside)
    outside = [lines.of(path) for path in lines.paths if path not in inside and lines.of(path) > start]
    rows = text.split("\n")
    following = min(outside, default=len(rows) + 1) if start else len(rows) + 1
    policies = data.get("policy", [])
    if place.around == ("policy",) and policies and not policies[-1].get("match") and value.get("match"):
        following = lines.of(("policy", len(policies) - 1))
    index = following - 1
    while index > 0 and re.match(r"\s*(#|$)", rows[index - 1]):
        index -= 1
    return index


def _indent(text: str, data: Mapping[str, Any], place: Place) -> str:
    first = next(iter(_names(data, place)), None)
    if first is None:
        return ""
    lines = Lines(text.replace("\r\n", "\n"))
    row = text.split("\n")[lines.of((*place.around, 0 if place.named_by else first)) - 1]
    return row[: len(row) - len(row.lstrip())]


def _block(place: Place, value: Mapping[str, Any], indent: str) -> Iterable[str]:
    """Yield the lines of the new table."""
    import tomlkit

    names = [str(part) for part in place.around if isinstance(part, str)] + ([] if place.named_by else [place.name])
    header = ".".join(tomlkit.key(name).as_string() for name in names)
    yield f"{indent}[[{header}]]" if place.named_by else f"{indent}[{header}]"
    for key, item in value.items():
        document = tomlkit.document()
        document.add(key, in_line(item))
        yield f"{indent}{tomlkit.dumps(document).rstrip()}"


def in_line(value: Any) -> Any:  # noqa: ANN401
    """Return a list or a table as it stands on one line; tomlkit would write a list of tables as `[[…]]`."""
    from tomlkit import array, inline_table

    if isinstance(value, dict):
        inner = inline_table()
        inner.update({key: in_line(item) for key, item in value.items()})
        return inner
    if not isinstance(value, list):
        return value
    whole = array()
    for each in value:
        whole.append(in_line(each))
    return whole


def _has_only(after: str, before: Mapping[str, Any], place: Place, value: Mapping[str, Any]) -> bool:
    """Return whether a text means what it meant, with the new table and nothing else."""
    try:
        data: Any = tomllib.loads(after.removeprefix("\ufeff"))
    except ValueError:
        return False
    found, parent = data, list[tuple[Any, Any]]()
    for step in place.around:
        parent.append((found, step))
        found = found[step]
    if place.named_by is None:
        new = found.pop(place.name, None)
    else:
        at = next((number for number, entry in enumerate(found) if entry.get(place.named_by) == place.name), None)
        new = found.pop(at) if at is not None else None
    if not found:  # the first table of its kind
        holder, step = parent[-1]
        if step not in reduce(getitem, place.around[:-1], cast(Any, before)):
            del holder[step]
    return bool(new == dict(value) and data == before)
