"""Read the named lists of the rules: `[views.NAME]` and the ready-made views.

They are read without pydantic, so that `list` starts quickly.
"""

import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slactl.durations import parse_wall_duration
from slactl.errors import RulesError, UsageError
from slactl.files import BY_HAND, read_text
from slactl.sla.enums import Priority, PriorityMeanings, Status, Target, as_priority_word
from slactl.text import did_you_mean, not_one_of, quoted

if TYPE_CHECKING:
    from slactl.sla.rules.lines import KeyPath, Problem

#: A view: long options of `list`, without the dashes, and their values.
View = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ViewOption:
    """Hold the values that a long option of `list` takes: on or off, a number, or text, perhaps of a closed set."""

    takes: type[bool] | type[int] | type[str] = str
    words: tuple[str, ...] = ()
    repeats: bool = False
    check: Callable[[str], object] | None = None


def _instant(text: str) -> None:
    from slactl.typed_times import parse_instant

    try:
        parse_instant(text, datetime(2026, 1, 1, tzinfo=UTC))
    except UsageError as error:
        raise ValueError(error.message) from error


def _range(text: str) -> None:
    from slactl.typed_times import parse_range

    try:
        parse_range(text, datetime(2026, 1, 1, tzinfo=UTC))
    except UsageError as error:
        raise ValueError(error.message) from error


_FLAGS = ("breached", "ever-breached", "paused", "escalated", "unassigned", "no-sla", "all", "exit-code")
_TEXTS = ("plan", "tenant", "source", "assignee", "requester", "tag", "search")
_RANGES = ("created", "updated", "resolved", "due")

#: What stands before a value that tickets must not have; the texts of `search` have no such prefix.
NOT = "not:"

#: The options for the form of a list; a view may have one of them.
FORMS = ("format", "json", "quiet")

OPTIONS: Mapping[str, ViewOption] = {
    **{name: ViewOption(bool) for name in (*_FLAGS, "json", "quiet", "header")},
    **{name: ViewOption(repeats=True) for name in _TEXTS},
    **{name: ViewOption(check=_range, repeats=True) for name in _RANGES},
    "due-within": ViewOption(check=parse_wall_duration),
    "target": ViewOption(words=(*map(str, Target), "any"), repeats=True),
    "status": ViewOption(words=tuple(map(str, Status)), repeats=True),
    "priority": ViewOption(words=tuple(map(str, Priority)), repeats=True),
    "sort": ViewOption(words=("due", "urgency", "created", "updated", "priority")),
    "limit": ViewOption(int),
    "at": ViewOption(check=_instant),
    "fields": ViewOption(),
    "format": ViewOption(words=("table", "plain", "json", "jsonl", "csv", "ids")),
}

#: The views that need no rules. A rules file may replace each of them.
READY_MADE: Mapping[str, View] = {
    "open": {},
    "past-first-response": {"breached": True, "target": "first_response"},
    "past-resolution": {"breached": True, "target": "resolution"},
    "urgent-soon": {"priority": "urgent", "due-within": "2h"},
    "untouched-enterprise": {"plan": "enterprise", "target": "first_response"},
    "unassigned-soon": {"unassigned": True, "due-within": "2h"},
}


def problems(views: Mapping[str, View], meanings: PriorityMeanings) -> Iterator["Problem"]:
    """Yield everything that is wrong with views, as path and message.

    `meanings` are those of the other words for priorities that the rules name.
    """
    for name, view in views.items():
        for key, stated in view.items():
            value = _priorities(stated, meanings) if key == "priority" else stated
            if key in OPTIONS:
                yield from _value_problems(("views", name, key), value, OPTIONS[key])
            else:
                meant = did_you_mean(key, OPTIONS, f" (known: {', '.join(OPTIONS)})")
                yield ("views", name, key), f"list has no option {key!r}{meant}"
        forms = [key for key in FORMS if view.get(key)]
        if len(forms) > 1:
            yield ("views", name, forms[1]), f"{' and '.join(forms)} cannot be used together"


def _priorities(value: object, meanings: PriorityMeanings) -> object:
    stated = value if isinstance(value, list) else [value]
    words = [as_priority_word(word.removeprefix(NOT) if isinstance(word, str) else word, meanings) for word in stated]
    return words if isinstance(value, list) else words[0]


def _value_problems(key_path: "KeyPath", value: object, option: ViewOption) -> Iterator["Problem"]:
    if option.repeats and isinstance(value, list):
        if not value:
            yield key_path, "an empty list matches nothing; remove the key"
        for item in value:
            yield from _value_problems(key_path, item, replace(option, repeats=False))
        return
    if isinstance(value, str) and len(value) > len(NOT) and (option.words or option.check is not None):
        value = value.removeprefix(NOT)
    wrong = _wrong_type(value, option) or (_wrong_text(value, option) if isinstance(value, str) else None)
    if wrong is not None:
        yield key_path, wrong


def _wrong_type(value: object, option: ViewOption) -> str | None:
    if option.takes is bool:
        return None if isinstance(value, bool) else "must be true or false"
    if option.takes is int:
        fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
        return None if fits else "must be a whole number, 0 or more"
    if isinstance(value, str) and value and "\x00" not in value:
        return None
    return "must be a text" + (" or a list of texts" if option.repeats else "")


def _wrong_text(value: str, option: ViewOption) -> str | None:
    if option.words and value not in option.words:
        return not_one_of(value, option.words)
    if option.check is not None:
        try:
            option.check(value)
        except ValueError as error:
            return str(error)
    return None


def read_views(path: Path) -> dict[str, View]:
    """Return the views of a rules file, unchecked, and the ready-made views that it does not replace.

    Raises:
        RulesError: the file cannot be read.
    """
    try:
        stated = tomllib.loads(read_text(path, BY_HAND)).get("views", {})
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        hint = f"slactl rules check {quoted(path)}"
        raise RulesError(f"the views in {path} cannot be read: {reason}", hint) from error
    named = stated if isinstance(stated, dict) else {}
    return {**READY_MADE, **{name: view for name, view in named.items() if isinstance(view, dict)}}


def check_view(name: str, view: View, path: Path, meanings: PriorityMeanings) -> None:
    """Refuse a view that is not valid; `meanings` are those of the other words for priorities in the same file.

    Raises:
        RulesError: each problem has its line.
    """
    wrong = list(problems({name: view}, meanings))
    if wrong:
        from slactl.sla.rules.lines import Lines, path_text

        lines = Lines(read_text(path, BY_HAND))
        by_line = sorted((lines.of(key_path), path_text(key_path), message) for key_path, message in wrong)
        texts = [f"{path}:{line}: {where}: {message}" for line, where, message in by_line]
        raise RulesError.of(texts, f"slactl rules check {quoted(path)}")


def arguments(view: View) -> list[str]:
    """Return a view as typed arguments: `--breached`, `--priority=high`."""
    typed = []
    for key, value in view.items():
        if isinstance(value, bool):
            typed += [f"--{key}"] if value else []
        else:
            typed += [f"--{key}={item}" for item in (value if isinstance(value, list) else [value])]
    return typed


def as_typed(view: View) -> str:
    """Return a view for people, as one line that a shell takes."""
    words = (word for argument in arguments(view) for word in argument.split("=", 1))
    return " ".join(shlex.quote(word) for word in words)
