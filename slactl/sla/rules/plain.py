"""Write rules as JSON that is read in no time, and read them back without checking anything."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from slactl.durations import Duration, Offset
from slactl.sla import enums
from slactl.sla.rules.part import Part
from slactl.sla.rules.rules import Rules


def encode(rules: Rules) -> str:
    """Return rules as JSON; `decode` returns an equal value."""
    return json.dumps(_coded(rules), ensure_ascii=False, separators=(",", ":"))


def decode(text: str) -> Rules:
    """Return the rules that `encode` wrote.

    Raises:
        ValueError, KeyError, TypeError: the text is not from `encode`.
    """
    rules = _value(json.loads(text))
    if not isinstance(rules, Rules):
        raise ValueError("the text does not have rules")
    return rules


def _coded(value: Any) -> Any:  # noqa: ANN401  (a value of any table)
    """Return a value as JSON has it; an array begins with the kind of the value that it stands for."""
    kind = type(value).__name__
    if isinstance(value, Part):
        return [kind, {name: _coded(inner) for name, inner in value.given().items()}]
    if isinstance(value, StrEnum):
        return [kind, value.value]
    if isinstance(value, Duration | Offset):
        return [kind, *value]
    if isinstance(value, tuple | list):
        return [kind, *map(_coded, value)]
    if isinstance(value, Mapping):
        return {key: _coded(inner) for key, inner in value.items()}
    if isinstance(value, date | time):
        kind = "time" if isinstance(value, time) else "datetime" if isinstance(value, datetime) else "date"
        return [kind, value.isoformat()]
    return value


def _value(coded: Any) -> Any:  # noqa: ANN401  (a value of any table)
    if isinstance(coded, dict):
        return {key: _value(inner) for key, inner in coded.items()}
    if isinstance(coded, list):
        return _KINDS[coded[0]](*coded[1:])
    return coded


def _parts(base: type[Part]) -> dict[str, Callable[..., object]]:
    found: dict[str, Callable[..., object]] = {}
    for part in base.__subclasses__():
        found |= {part.__name__: lambda given, part=part: part(**_value(given)), **_parts(part)}
    return found


#: What makes a value of each kind, from what stands after the kind.
_KINDS: Mapping[str, Callable[..., object]] = {
    **_parts(Part),
    **{name: kind for name, kind in vars(enums).items() if isinstance(kind, type) and issubclass(kind, StrEnum)},
    **{kind.__name__: kind for kind in (Duration, Offset)},
    **{"date": date.fromisoformat, "datetime": datetime.fromisoformat, "time": time.fromisoformat},
    "tuple": lambda *items: tuple(map(_value, items)),
    "list": lambda *items: list(map(_value, items)),
}
