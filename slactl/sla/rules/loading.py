"""Read `rules.toml`, check it as a whole, and report each problem with its line."""

import tomllib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slactl.errors import RulesError
from slactl.sla.enums import Priority
from slactl.sla.rules.checks import tables as checks
from slactl.sla.rules.lines import TOO_DEEP, KeyPath, Lines, Problem, misread, path_text, read, too_deep
from slactl.sla.rules.model import ManualEscalation
from slactl.sla.rules.rules import Rules
from slactl.text import did_you_mean, quoted

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

#: The keys that a policy inherits from the settings unless it has them itself.
INHERITED = ("pause_statuses", "pause", "reopen", "next_response_from", "count_from", "late_targets")


def load(path: Path, known: Container[str] = ()) -> Rules:
    """Return the rules in a file. Rules whose hash is in `known` were checked before and are not checked again.

    Raises:
        RulesError: the file cannot be read, or the rules are not valid; each problem has its line.
    """
    return parse(read(path), str(path), known)


def parse(text: str, source: str = "rules.toml", known: Container[str] = (), *, pinned: bool = False) -> Rules:
    """Return the rules in a text; problems name it as `source`. `known` is as for `load`.

    `pinned` rules are those of tickets that exist: they may have what was accepted once and new rules may not have.

    Raises:
        RulesError: the rules are not valid; each problem has its line.
    """
    import tomli_w
    from pydantic import ValidationError

    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise RulesError(f"{source}:{misread(error, text)}", f"slactl rules check {quoted(source)}") from error
    if (deep := too_deep(data)) is not None:
        raise as_error([(deep, TOO_DEEP)], Lines(text), source)
    try:
        whole = {**with_inherited(data), "canonical": tomli_w.dumps(_sorted(data))}
        rules = _validator().validate_python(whole, context={"pinned": pinned})
    except ValidationError as error:
        raise as_error(shape_problems(error, data), Lines(text), source) from error
    problems = [] if rules.hash in known else list(checks.problems(rules, data, pinned=pinned))
    if problems:
        raise as_error(problems, Lines(text), source)
    if "manual_escalation" in data.get("settings", {}):
        return rules
    default = rules.settings.manual_escalation
    existing = tuple(name for name in default.notify if name in rules.roles or name in rules.people)
    manual = ManualEscalation(priority=default.priority, notify=existing)
    return rules.replaced(settings=rules.settings.replaced(manual_escalation=manual))


@cache
def _validator() -> "TypeAdapter[Rules]":
    from pydantic import ConfigDict, TypeAdapter

    return TypeAdapter(Rules, config=ConfigDict(strict=True))


def with_inherited(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data with the settings that each policy inherits written into the policy."""
    settings, policies = data.get("settings"), data.get("policy")
    if not isinstance(settings, dict) or not isinstance(policies, list):
        return dict(data)
    given = {key: settings[key] for key in INHERITED if key in settings}
    return dict(data) | {"policy": [given | policy if isinstance(policy, dict) else policy for policy in policies]}


def shape_problems(
    error: "ValidationError",
    data: Mapping[str, Any],
    known_keys: Callable[[KeyPath], Iterable[str]] = checks.known_keys,
) -> Iterator[Problem]:
    """Yield what is wrong with keys and types, but not in the policies that only inherited it.

    `known_keys` returns the keys of the table at a path.
    """
    details = error.errors(include_url=False, include_context=False)
    key_paths = [key_path_of(detail["loc"], data) for detail in details]
    for detail, key_path in zip(details, key_paths, strict=True):
        if (
            key_path[:1] == ("policy",)
            and len(key_path) > 2
            and key_path[2] in INHERITED
            and not _has(data, key_path[:3])
        ):
            continue
        # Pydantic does not count items that are wrong themselves, so a list may seem to be too short.
        if detail["type"] == "too_short" and any(
            len(other) > len(key_path) and other[: len(key_path)] == key_path for other in key_paths
        ):
            continue
        yield key_path, _message(detail["type"], detail["msg"], key_path, known_keys, detail["input"])


def key_path_of(steps: Sequence[str | int], data: Mapping[str, Any]) -> tuple[str | int, ...]:
    """Return the keys that lead to a problem, without the steps that pydantic takes inside a value."""
    key_path: tuple[str | int, ...] = ()
    for step in steps:
        internal = isinstance(step, str) and ("[" in step or step in ("is-instance", "function-before"))
        key_path += () if internal and not _has(data, (*key_path, step)) else (step,)
    return key_path


def _has(data: Any, key_path: Sequence[str | int]) -> bool:  # noqa: ANN401  (a step into parsed TOML)
    for part in key_path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


#: The messages for values of a wrong type, by pydantic's name of the error.
_NEEDED = {
    "string_type": "must be a text",
    "string_too_short": "must not be empty",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "mapping_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
}

#: A value of the right type for a key of rules; keys that are not here have the example of their type.
_EXAMPLES = {
    "match": '{ plan = ["pro"] }',
    "not": '{ tag = ["internal"] }',
    "when": '{ priority = ["urgent"] }',
    "targets": '{ default = { first_response = "4h", resolution = "2d" } }',
    **dict.fromkeys((*Priority, "default"), '{ first_response = "4h", resolution = "2d" }'),
    "repeat": '{ every = "4h", max = 3 }',
    "idle": '{ for = "8h" }',
    "burst": '{ count = 3, within = "1h" }',
    "manual_escalation": '{ priority = "high", notify = ["support_manager"] }',
    "weekly": '{ mon-fri = ["09:00-17:00"] }',
    "dates": '{ 2026-12-24 = ["09:00-12:00"] }',
    "settings": '{ due_soon = "2h" }',
    "calendars": '{ office = { timezone = "UTC", weekly = { mon-fri = ["09:00-17:00"] } } }',
    "roles": '{ support_manager = { assignee = "mia" } }',
    "people": "{ mia = { notify = [] } }",
    "mail": '{ address = "support@example.com" }',
    "templates": '{ title = "{{ what }}" }',
    "views": '{ mine = { assignee = "me" } }',
}

#: The same for keys that take a list.
_LISTS = {
    **dict.fromkeys(("notify", "fallback", "members"), '["support_manager"]'),
    **dict.fromkeys(("pause_statuses", "status"), '["pending"]'),
    "pause": '["resolution"]',
    "plan": '["pro"]',
    "tag": '["vip"]',
    "tenant": '["acme"]',
    "priority": '["high", "urgent"]',
    "requester_domain": '["example.com"]',
    "holidays": '["12-24"]',
    "emails": '["mia@example.com"]',
    "agents": '["*@example.com"]',
    "include": '["subject"]',
    "level": '[{ id = "late", at = "0m" }]',
    "people": '["mia"]',
}


def _message(
    kind: str,
    message: str,
    key_path: tuple[str | int, ...],
    known_keys: Callable[[KeyPath], Iterable[str]],
    given: object,
) -> str:
    if kind == "extra_forbidden":
        known = list(known_keys(key_path[:-1]))
        return f"unknown key {key_path[-1]}" + did_you_mean(
            str(key_path[-1]), known, f"; the keys here are {', '.join(known)}" if known else ""
        )
    if kind == "too_short":
        return "must have at least one entry"
    if kind == "missing":
        return f"{key_path[-1]} is missing"
    if kind == "tuple_type" and key_path[:1] == ("schedules",) and key_path[-1] == "layer":
        return f"write [[{path_text(key_path)}]], with two brackets"
    if kind == "tuple_type" and key_path in (("policy",), ("escalation",), ("source",), ("maintenance",), ("test",)):
        return f"write [[{key_path[-1]}]], with two brackets"
    if kind in _NEEDED:
        return _NEEDED[kind] + _example(kind, key_path, given)
    return message.removeprefix("Value error, ").replace("Input should be", "must be")


def _example(kind: str, key_path: KeyPath, given: object) -> str:
    """Return a value of the right type, after a comma; a number that must be a text is repeated in quotes."""
    if kind == "string_type" and isinstance(given, int | float):
        return f': "{str(given).lower()}"'
    key = str(key_path[-1]) if key_path else ""
    example = {"string_type": '"…"', "int_type": "3", "tuple_type": _LISTS.get(key)}.get(kind, _EXAMPLES.get(key))
    example = example if "type" in kind and kind != "bool_type" else None
    return f", such as {example}" if example else ""


def as_error(problems: Iterable[Problem], lines: Lines, source: str, hint: str | None = None) -> RulesError:
    """Return one error for all problems, each with its line; without `hint` it names `rules check`."""
    by_line = sorted({(lines.of(key_path), path_text(key_path), message) for key_path, message in problems})
    texts = [f"{source}:{line}: {f'{path}: ' if path else ''}{message}" for line, path, message in by_line]
    return RulesError.of(texts, hint or f"slactl rules check {quoted(source)}")


def _sorted(data: Any) -> Any:  # noqa: ANN401  (parsed TOML)
    """Return the data with sorted keys; arrays keep their order, which has a meaning."""
    if isinstance(data, dict):
        return {key: _sorted(data[key]) for key in sorted(data)}
    return [_sorted(item) for item in data] if isinstance(data, list) else data
