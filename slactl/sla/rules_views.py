"""Views, which are lists with a name: what `[views.NAME]` may say, and the ready-made ones.

Read without pydantic, so that a list stays quick.
"""

import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slactl.clock import parse_duration, parse_instant
from slactl.errors import RulesError, UsageError
from slactl.sla.enums import Priority, Status, Target
from slactl.text import did_you_mean, not_one_of, quoted

#: What a view says: long options of `list`, without the dashes, and their values.
View = Mapping[str, Any]
Problem = tuple[tuple[str | int, ...], str]


@dataclass(frozen=True, slots=True)
class ViewOption:
    """What a long option of `list` takes: nothing but on or off, a number, or text, perhaps of a closed set."""

    takes: type[bool] | type[int] | type[str] = str
    words: tuple[str, ...] = ()
    repeats: bool = False
    check: Callable[[str], object] | None = None


def _wall_time(text: str) -> None:
    if parse_duration(text).business_days:
        raise ValueError("it is wall time and knows no business days")


def _instant(text: str) -> None:
    try:
        parse_instant(text, datetime(2026, 1, 1, tzinfo=UTC))
    except UsageError as error:
        raise ValueError(error.message) from error


_FLAGS = ("breached", "ever-breached", "paused", "escalated", "unassigned", "no-sla", "all", "exit-code")
_TEXTS = ("plan", "tenant", "assignee", "requester", "tag", "search")

#: The options that say in which form a list is printed; one of them at a time.
FORMS = ("format", "json", "quiet")

OPTIONS: Mapping[str, ViewOption] = {
    **{name: ViewOption(bool) for name in (*_FLAGS, "json", "quiet")},
    **{name: ViewOption(repeats=True) for name in _TEXTS},
    "due-within": ViewOption(check=_wall_time),
    "target": ViewOption(words=(*map(str, Target), "any"), repeats=True),
    "status": ViewOption(words=tuple(map(str, Status)), repeats=True),
    "priority": ViewOption(words=tuple(map(str, Priority)), repeats=True),
    "sort": ViewOption(words=("due", "created", "updated", "priority")),
    "limit": ViewOption(int),
    "at": ViewOption(check=_instant),
    "fields": ViewOption(),
    "format": ViewOption(words=("table", "plain", "json", "jsonl", "csv", "ids")),
}

#: The everyday lists. A rules file may give one of these names another meaning.
READY_MADE: Mapping[str, View] = {
    "past-first-response": {"breached": True, "target": "first_response"},
    "past-resolution": {"breached": True, "target": "resolution"},
    "urgent-soon": {"priority": "urgent", "due-within": "2h"},
    "untouched-enterprise": {"plan": "enterprise", "target": "first_response"},
    "unassigned-soon": {"unassigned": True, "due-within": "2h"},
}


def problems(views: Mapping[str, View]) -> Iterator[Problem]:
    """Everything that is wrong with views: where, and what."""
    for name, view in views.items():
        for key, value in view.items():
            if key in OPTIONS:
                yield from _value_problems(("views", name, key), value, OPTIONS[key])
            else:
                meant = did_you_mean(key, OPTIONS, f" (known: {', '.join(OPTIONS)})")
                yield ("views", name, key), f"there is no option of list {key!r}{meant}"
        forms = [key for key in FORMS if view.get(key)]
        if len(forms) > 1:
            yield ("views", name, forms[1]), f"{' and '.join(forms)} exclude each other"


def _value_problems(place: tuple[str | int, ...], value: object, option: ViewOption) -> Iterator[Problem]:
    if option.repeats and isinstance(value, list):
        if not value:
            yield place, "an empty list matches nothing; leave the key out"
        for each in value:
            yield from _value_problems(place, each, ViewOption(words=option.words))
        return
    wrong = _wrong_type(value, option) or (_wrong_text(value, option) if isinstance(value, str) else None)
    if wrong is not None:
        yield place, wrong


def _wrong_type(value: object, option: ViewOption) -> str | None:
    if option.takes is bool:
        return None if isinstance(value, bool) else "true or false is needed"
    if option.takes is int:
        fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
        return None if fits else "a whole number is needed, 0 or more"
    if isinstance(value, str) and value and "\x00" not in value:
        return None
    return "a text is needed" + (", or a list of texts" if option.repeats else "")


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
    """The views of a rules file, not checked yet, and the ready-made ones that it does not name.

    Raises:
        RulesError: the file cannot be read.
    """
    try:
        stated = tomllib.loads(path.read_text(encoding="utf-8")).get("views", {})
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        hint = f"slactl rules check {quoted(path)}"
        raise RulesError(f"the views of {path} cannot be read: {reason}", hint) from error
    named = stated if isinstance(stated, dict) else {}
    return {**READY_MADE, **{name: view for name, view in named.items() if isinstance(view, dict)}}


def check_view(name: str, view: View, path: Path) -> None:
    """Refuse a view that says something wrong.

    Raises:
        RulesError: each problem with its line.
    """
    found = list(problems({name: view}))
    if found:
        from slactl.sla.rules_lines import Lines, path_text

        lines = Lines(path.read_text(encoding="utf-8"))
        told = sorted((lines.of(place), path_text(place), message) for place, message in found)
        texts = [f"{path}:{line}: {where}: {message}" for line, where, message in told]
        raise RulesError.of(texts, f"slactl rules check {quoted(path)}")


def arguments(view: View) -> list[str]:
    """A view as it would be typed: `--breached`, `--priority=high`."""
    typed = []
    for key, value in view.items():
        if isinstance(value, bool):
            typed += [f"--{key}"] if value else []
        else:
            typed += [f"--{key}={each}" for each in (value if isinstance(value, list) else [value])]
    return typed


def as_typed(view: View) -> str:
    """The same for people, as one line that a shell takes."""
    words = (word for argument in arguments(view) for word in argument.split("=", 1))
    return " ".join(shlex.quote(word) for word in words)
