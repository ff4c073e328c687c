"""Edit the rules file one value at a time: comments stay, and the new file is checked before it is written."""

import os
import stat
import tomllib
from contextlib import nullcontext
from difflib import unified_diff
from pathlib import Path
from typing import Any, NamedTuple

from slactl import committed
from slactl.config import shipped_rules
from slactl.desk.rules import add
from slactl.errors import NotKnownError, RefusedError, RulesError, UsageError
from slactl.files import BY_HAND, cannot_write, open_regular, read_regular, real_path, write_whole
from slactl.sla.enums import Priority
from slactl.sla.rules.addresses import without_literal_secrets
from slactl.sla.rules.lines import TOO_DEEP, too_deep
from slactl.sla.rules.loading import load, parse
from slactl.store.sqlite.lock import edit_lock
from slactl.text import clean, did_you_mean, known_or_refuse, quoted

HELP = "slactl rules set --help"


def set_value(path: Path, key: str, value: str, *, dry_run: bool = False) -> str:
    """Change one value of the rules file and keep everything else, comments included; return the difference.

    The new file is checked as a whole before it replaces the old one in one step. One command at a time does so.

    Raises:
        LockedError: another command holds the file for too long.
        RefusedError: they are the rules that come with slactl, or somebody else edited them in the meantime.
        NotKnownError: there is no such key.
        UsageError: the key is a table, or the value is not valid.
        RulesError: the file is invalid, or would be.
        SlactlError: the file cannot be written.
    """
    if path.resolve() == shipped_rules().resolve():
        raise RefusedError(
            "there is no rules file of your own yet, only the file that comes with slactl", "slactl init"
        )
    again = f"slactl rules set {quoted(key)} {quoted(value)}"
    try:
        real = real_path(path)
        with nullcontext() if dry_run else edit_lock(real, again):
            load(path)
            with open_regular(real, follow=False) as stream:  # the name may lead to another file a moment later
                read = _Before(stream.read(BY_HAND), os.fstat(stream.fileno()))
            before = read.content.decode().removeprefix("\ufeff")
            after = _edited(path, before, key, value)
            if not dry_run and after != before:
                with committed.uninterrupted():
                    _replace(real, read, after, again)
                    committed.add("file", "changed", [path])
    except OSError as error:
        raise cannot_write(path, error) from error
    old, new = (text.replace("\r\n", "\n").splitlines(True) for text in (before, after))
    return without_literal_secrets("".join(unified_diff(old, new, str(path), str(path))))


class _Before(NamedTuple):
    """The state of a rules file when it was read: its bytes, its owner and its mode."""

    content: bytes
    found: os.stat_result


def _edited(path: Path, before: str, key: str, value: str) -> str:
    """Return the text of the file with the new value; line ends do not change."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    parts, meant, data = _split(key), _parsed(value), tomllib.loads(before)
    try:
        if (place := add.missing(data, parts)) is not None:
            below = parts[4 if len(place.around) > 1 else 2 :]
            after = add.added(before, data, place, below, meant)
        else:
            document = tomlkit.parse(before)
            _put(document, parts, meant)
            after = tomlkit.dumps(document)
    except TOMLKitError as error:
        raise UsageError(f"{clean(value)[:100]!r} cannot be a value: {error}", HELP) from error
    try:
        parse(after, str(path))
    except RulesError as error:
        raise RulesError.of([*error.lines[:-1], f"{error.lines[-1]} (nothing was written)"], HELP) from error
    return after


def _put(document: Any, parts: list[str], value: Any) -> None:  # noqa: ANN401  (tomlkit's containers)
    """Set a value; a name or id chooses from an array of tables. Missing tables that rules may have are created.

    Raises:
        NotKnownError: a part of the key does not exist, and rules cannot have it.
        UsageError: the key is a table.
    """
    from tomlkit import table

    found, place, left = document, tuple[str | int, ...](), list(parts)
    while len(left) > 1 and (
        (isinstance(found, list) and all(hasattr(each, "keys") for each in found))
        or (hasattr(found, "keys") and left[0] in found)
    ):
        found, step = _step(found, left.pop(0), parts[: len(parts) - len(left)])
        place += step
    path = ".".join(parts[: len(parts) - len(left) + 1])
    if isinstance(found, list) or not hasattr(found, "keys"):
        raise UsageError(f"{clean(path)} is not inside a table", HELP)
    if len(left) > 1 and not may_have(place, left[0]):
        raise NotKnownError(f"there is no key {clean(path)}{did_you_mean(left[0], list(found))}", HELP)
    for name in reversed(left[1:]):
        value = {name: value}
    if isinstance(value, dict) and found is document:
        new = table()
        new.update({key: add.in_line(item) for key, item in value.items()})
        value = new
    else:
        value = add.in_line(value)
    _write(found, left[0], value, path)


def _step(found: Any, part: str, path: list[str]) -> tuple[Any, tuple[str | int, ...]]:  # noqa: ANN401
    if not isinstance(found, list):
        return found[part], (part,)
    names = [str(table.get("name") or table.get("id")) for table in found]
    known_or_refuse(part, names, clean(path[-2]), HELP)
    return found[names.index(part)], (names.index(part),)


def may_have(place: tuple[str | int, ...], part: str) -> bool:
    """Return whether a missing table may be created; tables with a name are only created by hand."""
    from slactl.sla.rules.checks.tables import known_keys

    if place[-1:] == ("targets",):
        return part in (*Priority, "default")
    named = ("calendars", "policy", "roles", "people", "escalation", "views")
    return part in known_keys(place) and (bool(place) or part not in named) and place not in [(each,) for each in named]


def _write(found: Any, key: str, value: Any, path: str) -> None:  # noqa: ANN401
    from tomlkit.items import AoT, Table

    if isinstance(found.get(key), (AoT, Table)):
        raise UsageError(f"{clean(path)} is a table; name a value in it", HELP)
    body = getattr(getattr(found, "value", found), "body", [])
    # Comments below the last value, such as those about the next table, stay below a new value.
    below = []
    while key not in found and body and body[-1][0] is None:
        below.append(body.pop())
    found[key] = value
    body.extend(reversed(below))


def _split(key: str) -> list[str]:
    """Return the parts of a dotted key; quotes keep dots and blanks together: `policy."acme contract".calendar`.

    Raises:
        UsageError: it is not a valid key.
    """
    import csv

    try:
        parts = next(csv.reader([key], delimiter="."), [])
    except csv.Error:
        parts = []
    if not parts or not all(parts):
        raise UsageError(f"{clean(key)[:100]!r} is not a valid key", HELP)
    return parts


def _parsed(value: str) -> Any:  # noqa: ANN401
    """Return the value as TOML if it is valid TOML, else as text: `4h` needs no quotes.

    Raises:
        UsageError: it is nested too deeply.
    """
    try:
        found = tomllib.loads(f"value = {value}")["value"]
    except ValueError:  # not TOML, or a number with thousands of digits
        return value
    except RecursionError:
        raise UsageError(f"the value cannot be read: {TOO_DEEP}", HELP) from None
    if too_deep(found) is not None:
        raise UsageError(f"the value cannot be read: {TOO_DEEP}", HELP)
    return found


def _replace(path: Path, old: _Before, after: str, again: str) -> None:
    """Write a file in one step, unless somebody changed it; owner, group and mode stay.

    A file that root edits keeps its owner, so that no rules become root's by an edit.

    Raises:
        RefusedError: the file changed since it was read; editors do not know this lock.
        OSError: it cannot be written.
    """

    def compare() -> None:
        if read_regular(path, BY_HAND) != old.content:
            raise RefusedError(f"{path} was edited in the meantime; nothing was written", again)

    mode, owner = stat.S_IMODE(old.found.st_mode) & 0o777, old.found.st_uid if os.geteuid() == 0 else None
    write_whole(path, after.encode(), mode=mode, group=old.found.st_gid, owner=owner, before_rename=compare)
