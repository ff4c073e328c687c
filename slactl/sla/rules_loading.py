"""Read `rules.toml` and check it as a whole."""

import tomllib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from slactl.errors import RulesError
from slactl.sla.rules import Rules
from slactl.sla.rules_checks import known_keys, problems
from slactl.sla.rules_lines import TOO_DEEP, Lines, Problem, misread, path_text, too_deep
from slactl.sla.rules_model import ManualEscalation
from slactl.text import did_you_mean, quoted

#: What a policy may say itself, and otherwise takes from the settings.
INHERITED = ("pause_statuses", "pause", "reopen", "next_response_from")


def load(path: Path, known: Container[str] = ()) -> Rules:
    """The rules in a file; those whose hash is known were found right before, and are not checked again.

    Raises:
        RulesError: the file cannot be read, or anything in it is wrong; each problem has its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RulesError(f"{path} cannot be read: {error.strerror}", "slactl init") from error
    except UnicodeDecodeError as error:
        raise RulesError(f"{path} is not UTF-8 at byte {error.start}", f"file {quoted(path)}") from error
    return parse(text, str(path), known)


def parse(text: str, source: str = "rules.toml", known: Container[str] = ()) -> Rules:
    """The rules in a text; `source` is what its problems are reported under, `known` as for `load`.

    Raises:
        RulesError: anything in it is wrong; each problem has its line.
    """
    import tomli_w

    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RulesError(f"{source}:{misread(error, text)}", f"slactl rules check {quoted(source)}") from error
    if (deep := too_deep(data)) is not None:
        raise as_error([(deep, TOO_DEEP)], Lines(text), source)
    try:
        rules = Rules.model_validate({**_inherited(data), "canonical": tomli_w.dumps(_sorted(data))})
    except ValidationError as error:
        raise as_error(_shape_problems(error, data), Lines(text), source) from error
    found = [] if rules.hash in known else list(problems(rules, data))
    if found:
        raise as_error(found, Lines(text), source)
    return _without_missing_role(rules, data)


def _inherited(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data in which each policy says itself what it takes from the settings."""
    settings, policies = data.get("settings"), data.get("policy")
    if not isinstance(settings, dict) or not isinstance(policies, list):
        return dict(data)
    given = {key: settings[key] for key in INHERITED if key in settings}
    return dict(data) | {"policy": [given | each if isinstance(each, dict) else each for each in policies]}


def _without_missing_role(rules: Rules, data: Mapping[str, Any]) -> Rules:
    """The default of `manual_escalation` names a role; where the file does not have it, it is left out."""
    if "manual_escalation" in data.get("settings", {}):
        return rules
    default = rules.settings.manual_escalation
    told = tuple(name for name in default.notify if name in rules.roles or name in rules.people)
    manual = ManualEscalation(priority=default.priority, notify=told)
    return rules.model_copy(update={"settings": rules.settings.model_copy(update={"manual_escalation": manual})})


def _shape_problems(error: ValidationError, data: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with keys and types, without what a policy only inherited."""
    found = error.errors(include_url=False, include_context=False)
    places = [_place(each["loc"], data) for each in found]
    for each, place in zip(found, places, strict=True):
        if place[:1] == ("policy",) and len(place) > 2 and place[2] in INHERITED and not _has(data, place[:3]):
            continue
        # What is wrong itself does not count, and so there may seem to be too few.
        if each["type"] == "too_short" and any(
            len(other) > len(place) and other[: len(place)] == place for other in places
        ):
            continue
        yield place, _message(each["type"], each["msg"], place)


def _place(steps: Sequence[str | int], data: Mapping[str, Any]) -> tuple[str | int, ...]:
    """Pydantic names the steps it took inside a value too; people know only keys, whatever those look like."""
    place: tuple[str | int, ...] = ()
    for step in steps:
        internal = isinstance(step, str) and ("[" in step or step in ("is-instance", "function-before"))
        place += () if internal and not _has(data, (*place, step)) else (step,)
    return place


def _has(data: Any, place: Sequence[str | int]) -> bool:  # noqa: ANN401  (a step into parsed TOML)
    for part in place:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


#: What pydantic calls a value of a wrong type, and what people call the right one.
_NEEDED = {
    "string_type": "a text is needed",
    "string_too_short": "it is empty",
    "bool_type": "true or false is needed",
    "int_type": "a whole number is needed",
    "tuple_type": "a list is needed",
    "dict_type": "a table is needed",
    "mapping_type": "a table is needed",
    "model_type": "a table is needed",
    "model_attributes_type": "a table is needed",
}


def _message(kind: str, message: str, place: tuple[str | int, ...]) -> str:
    if kind == "extra_forbidden":
        return f"unknown key {place[-1]}{did_you_mean(str(place[-1]), known_keys(place[:-1]))}"
    if kind == "too_short":
        return "at least one is needed"
    if kind == "missing":
        return f"{place[-1]} is missing"
    if kind == "tuple_type" and place in (("policy",), ("escalation",)):
        return f"write [[{place[-1]}]], with two brackets"
    if kind in _NEEDED:
        return _NEEDED[kind]
    return message.removeprefix("Value error, ")


def as_error(found: Iterable[Problem], lines: Lines, source: str) -> RulesError:
    """One error for everything that was found, each with its line."""
    told = sorted({(lines.of(place), path_text(place), message) for place, message in found})
    texts = [f"{source}:{line}: {f'{path}: ' if path else ''}{message}" for line, path, message in told]
    return RulesError.of(texts, f"slactl rules check {quoted(source)}")


def _sorted(data: Any) -> Any:  # noqa: ANN401  (parsed TOML)
    """The same data with keys in order; the order of arrays means something and stays."""
    if isinstance(data, dict):
        return {key: _sorted(data[key]) for key in sorted(data)}
    return [_sorted(each) for each in data] if isinstance(data, list) else data
