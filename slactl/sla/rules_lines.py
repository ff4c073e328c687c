"""On which line of a TOML text each key stands: tomllib tells what a file says, not where."""

import re
from collections.abc import Sequence
from typing import Any

#: A key's place: names and, for arrays of tables, positions from 0.
Place = tuple[str | int, ...]

#: Where something is wrong, and what.
Problem = tuple[Place, str]

#: How deep tables and lists may lie in one another: far deeper than rules need, and nothing overflows yet.
DEPTH = 32
TOO_DEEP = f"it is nested deeper than {DEPTH} levels"

_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(\.|$)""")
_ASSIGNMENT = re.compile(r"""\s*((?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_\-.\s])+?)\s*=(?!=)""")
_HEADER = re.compile(r"\s*(\[\[?)(.+?)(\]\]?)\s*(?:#.*)?$")


class Lines:
    """The lines of a TOML text that is valid, found by reading it once."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Place, int] = {(): 1}
        self._counts: dict[Place, int] = {}
        self._read(text.split("\n"))

    def of(self, place: Sequence[str | int]) -> int:
        """The line of a key, or of the nearest table or value around it, from 1."""
        wanted = tuple(place)
        while wanted not in self._lines:
            wanted = wanted[:-1]
        return self._lines[wanted]

    def _read(self, lines: Sequence[str]) -> None:
        table: Place = ()
        rest = Rest()
        for number, line in enumerate(lines, 1):
            if rest.is_open:
                rest.feed(line)
                continue
            header = _HEADER.match(line)
            if header and header[1] == "[[":
                table = self._array_table(_parts(header[2]))
                self._lines[table] = number
            elif header:
                table = self._resolved(_parts(header[2]))
                self._lines.setdefault(table, number)
            elif (assignment := _ASSIGNMENT.match(line)) is not None:
                place = table + _parts(assignment[1])
                for length in range(len(table) + 1, len(place) + 1):
                    self._lines.setdefault(place[:length], number)
                rest.feed(line[assignment.end() :])

    def _resolved(self, parts: Place) -> Place:
        """The parts of a header with the position of the latest table of each array on the way."""
        found: Place = ()
        for part in parts:
            found += (part,)
            if found in self._counts:
                found += (self._counts[found],)
        return found

    def _array_table(self, parts: Place) -> Place:
        place = self._resolved(parts[:-1]) + parts[-1:]
        self._counts[place] = self._counts.get(place, -1) + 1
        return (*place, self._counts[place])


class Rest:
    """Whether a value goes on over the next line: an open bracket, or a string of several lines."""

    def __init__(self) -> None:
        self._depth = 0
        #: How many brackets were open at most.
        self.most = 0
        self._quote: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether more of the value follows."""
        return self._depth > 0 or self._quote is not None

    def feed(self, text: str) -> None:
        """Read the next piece of the value."""
        place = 0
        while place < len(text):
            place = self._step(text, place)
        if self._quote is not None and len(self._quote) == 1:
            self._quote = None

    def _step(self, text: str, place: int) -> int:
        if self._quote is not None:
            if text.startswith(self._quote, place):
                length, self._quote = len(self._quote), None
                return place + length
            return place + (2 if text[place] == "\\" and self._quote[0] == '"' else 1)
        for quote in ('"""', "'''", '"', "'"):
            if text.startswith(quote, place):
                self._quote = quote
                return place + len(quote)
        if text[place] == "#":
            return len(text)
        self._depth += (text[place] in "[{") - (text[place] in "]}")
        self.most = max(self.most, self._depth)
        return place + 1


def _parts(dotted: str) -> Place:
    """The parts of a key, and no more of them than tables may be nested."""
    found: list[str | int] = []
    place = 0
    while len(found) <= DEPTH and (match := _PART.match(dotted, place)):
        found.append(next(each for each in match.groups()[:3] if each is not None))
        place = match.end()
        if match[4] != ".":
            break
    return tuple(found)


def path_text(place: Sequence[str | int]) -> str:
    """A place for people, positions from 1: `policy[2].targets.urgent`."""
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def too_deep(data: object) -> Place | None:
    """The place of a value in parsed TOML that is nested too deeply, or None."""
    rest: list[tuple[Place, Any]] = [((), data)]
    while rest:
        place, value = rest.pop()
        if len(place) > DEPTH:
            return place
        inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        rest += [((*place, key), each) for key, each in inside]
    return None


def _first_too_deep(lines: Sequence[str]) -> int:
    rest = Rest()
    for number, line in enumerate(lines, 1):
        rest.feed(line)
        if rest.most > DEPTH:
            return number
    return len(lines)


def misread(error: Exception, text: str) -> str:
    """Why tomllib could not read a text, with the line in front."""
    lines = text.rstrip().split("\n")
    if isinstance(error, RecursionError):
        return f"{_first_too_deep(lines)}: {TOO_DEEP}"
    what, _, where = str(error).partition(" (at line ")
    number = where.split(",")[0]
    # What is only missed at the end is missed on the last line.
    return f"{number if number.isdigit() else len(lines)}: {what.removesuffix(' (at end of document)')}"
