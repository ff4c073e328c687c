"""Find values in the rows of another help desk by paths such as `author.login`, `labels[].name` and `^created`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

#: Stands for a value whose column or key the row does not have; an empty cell is None or an empty text instead.
ABSENT: Final = object()

#: The objects around a value, from the row itself down to the object that holds the value.
Chain = Sequence[Mapping[str, Any]]


class Path(NamedTuple):
    """A path: its text, how many objects it goes up first, and its steps; the step `[]` goes through a list."""

    text: str
    up: int
    steps: tuple[str, ...]


@lru_cache(maxsize=1000)
def parse_path(text: str) -> Path:
    """Return the path that a text names.

    Raises:
        ValueError: a step is empty, or `[]` follows no name.
    """
    rest = text.lstrip("^")
    steps = list[str]()
    for part in rest.split("."):
        name = part.removesuffix("[]")
        if not name and part != rest:
            raise ValueError(f"{text!r} has an empty step; write names with one dot between them")
        steps += [name] if name else []
        steps += ["[]"] if part.endswith("[]") else []
    if not steps:
        raise ValueError(f"{text!r} names no column")
    return Path(text, len(text) - len(rest), tuple(steps))


def find(row: Any, path: Path) -> Any:  # noqa: ANN401  (parsed JSON)
    """Return the value at a path, as `dig` does; a key that is the whole text of the path comes first."""
    if isinstance(row, dict) and path.text in row:
        return row[path.text]
    return dig(row, path.steps)


def dig(value: Any, steps: Sequence[str]) -> Any:  # noqa: ANN401
    """Return the value after some steps: None below null, and ABSENT where a key is missing."""
    for place, step in enumerate(steps):
        if value is None:
            return None
        if step == "[]":
            if not isinstance(value, list):
                return ABSENT
            rest = steps[place + 1 :]
            found = (dig(item, rest) for item in value)
            return [each for each in found if each is not ABSENT and each is not None]
        if not isinstance(value, dict) or step not in value:
            return ABSENT
        value = value[step]
    return value


def find_above(chain: Chain, path: Path) -> Any:  # noqa: ANN401
    """Return the value at a path from the last object of a chain; each `^` goes up to the object around."""
    return find(chain[-1 - path.up], path._replace(text=path.text.lstrip("^"))) if path.up < len(chain) else ABSENT


def items(row: Mapping[str, Any], path: Path) -> list[Chain] | None:
    """Return the objects of a list inside a row, each with the objects around it; None if there is no such list.

    Lists on the way are followed too, with or without `[]`.
    """
    if path.text in row and isinstance(row[path.text], list):
        return [(row, each) for each in row[path.text] if isinstance(each, dict)]
    names = [step for step in path.steps if step != "[]"]
    found = list(_walk((row,), names))
    return [chain for chain in found if chain is not None] if found else None


def _walk(chain: Chain, names: Sequence[str]) -> Iterator[Chain | None]:
    """Yield the chain of each object, and None for each list, so that an empty list is not a missing one."""
    value = chain[-1].get(names[0])
    if isinstance(value, list):
        yield from [None] if len(names) == 1 or not value else []
        inner = [each for each in value if isinstance(each, dict)]
    else:
        inner = [value] if isinstance(value, dict) and len(names) > 1 else []
    for each in inner:
        if len(names) > 1:
            yield from _walk((*chain, each), names[1:])
        else:
            yield (*chain, each)


def agrees(chain: Chain, wanted: Mapping[str, Sequence[str]], word: Callable[[Any], str]) -> bool | None:
    """Return whether an object has one of the wanted values at each path that it has; None if it has none of the paths.

    The value `*` stands for any text that is not empty, and the empty text for a key that is missing, null or empty.
    `word` writes a value as the text of a map.
    """
    known = False
    for text, values in wanted.items():
        value = find_above(chain, parse_path(text))
        if value is ABSENT and "" not in values:
            continue
        known = True
        theirs = "" if value is ABSENT or value is None else word(value)
        if theirs not in values and not (theirs and "*" in values):
            return False
    return True if known else None
