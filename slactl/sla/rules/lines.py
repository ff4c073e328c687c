"""Read the text of a rules file, and find the line of each key in it, because tomllib does not tell lines."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from slactl.errors import RulesError
from slactl.files import BY_HAND, read_text
from slactl.text import quoted

#: The path to a key: names and, for arrays of tables, positions from 0.
KeyPath = tuple[str | int, ...]

#: The path to a value that is wrong, and the message about it.
Problem = tuple[KeyPath, str]

#: How deep tables and lists may be nested: far deeper than rules need, and shallow enough for recursion.
DEPTH = 32
TOO_DEEP = f"it is nested deeper than {DEPTH} levels"

_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(\.|$)""")
_ASSIGNMENT = re.compile(r"""((?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_\-.\s])++)=(?!=)""")
_LONG_NUMBER = re.compile(r"[0-9_]{4301}")
_HEADER = re.compile(r"\s*(\[\[?)(.+?)(\]\]?)\s*(?:#.*)?$")


class Lines:
    """Hold the line of each key of a valid TOML text."""

    def __init__(self, text: str) -> None:
        self._lines: dict[KeyPath, int] = {(): 1}
        self._counts: dict[KeyPath, int] = {}
        self._read(text.split("\n"))

    @property
    def paths(self) -> Collection[KeyPath]:
        """Return the path of each key and table that has a line of its own, but for the file as a whole."""
        return [path for path in self._lines if path]

    def of(self, path: Sequence[str | int]) -> int:
        """Return the line of a key, or of the nearest table or value around it, from 1."""
        wanted = tuple(path)
        while wanted not in self._lines:
            wanted = wanted[:-1]
        return self._lines[wanted]

    def _read(self, lines: Sequence[str]) -> None:
        table: KeyPath = ()
        value = ValueScanner()
        for number, line in enumerate(lines, 1):
            if value.is_open:
                value.feed(line)
                continue
            header = _HEADER.match(line)
            if header and header[1] == "[[":
                parts = _parts(header[2])
                array = self._resolved(parts[:-1]) + parts[-1:]
                self._counts[array] = self._counts.get(array, -1) + 1
                table = (*array, self._counts[array])
                self._lines.setdefault(array, number)
                self._lines[table] = number
            elif header:
                table = self._resolved(_parts(header[2]))
                self._lines.setdefault(table, number)
            elif (assignment := _ASSIGNMENT.match(line)) is not None:
                path = table + _parts(assignment[1])
                for length in range(len(table) + 1, len(path) + 1):
                    self._lines.setdefault(path[:length], number)
                value.feed(line[assignment.end() :])

    def _resolved(self, parts: KeyPath) -> KeyPath:
        """Return the keys of a header, with the position of the latest table of each array among them."""
        path: KeyPath = ()
        for part in parts:
            path += (part,)
            if path in self._counts:
                path += (self._counts[path],)
        return path


class ValueScanner:
    """Tell whether a value goes on in the next line: a bracket is open, or a string of several lines."""

    def __init__(self) -> None:
        self._depth = 0
        #: The greatest number of brackets that were open at once.
        self.most = 0
        self._quote: str | None = None

    @property
    def is_open(self) -> bool:
        """Return whether the value goes on."""
        return self._depth > 0 or self._quote is not None

    def feed(self, text: str) -> None:
        """Read the next piece of the value."""
        index = 0
        while index < len(text):
            index = self._step(text, index)
        if self._quote is not None and len(self._quote) == 1:
            self._quote = None

    def _step(self, text: str, index: int) -> int:
        if self._quote is not None:
            if text.startswith(self._quote, index):
                length, self._quote = len(self._quote), None
                return index + length
            return index + (2 if text[index] == "\\" and self._quote[0] == '"' else 1)
        for quote in ('"""', "'''", '"', "'"):
            if text.startswith(quote, index):
                self._quote = quote
                return index + len(quote)
        if text[index] == "#":
            return len(text)
        self._depth += (text[index] in "[{") - (text[index] in "]}")
        self.most = max(self.most, self._depth)
        return index + 1


def _parts(dotted: str) -> KeyPath:
    """Return the parts of a dotted key, but no more of them than tables may be nested."""
    parts: list[str | int] = []
    index = 0
    while len(parts) <= DEPTH and (match := _PART.match(dotted, index)):
        parts.append(next(group for group in match.groups()[:3] if group is not None))
        index = match.end()
        if match[4] != ".":
            break
    return tuple(parts)


def path_text(path: Sequence[str | int]) -> str:
    """Return a path for people, with positions from 1: `policy[2].targets.urgent`."""
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def too_deep(data: object) -> KeyPath | None:
    """Return the path to a value in parsed TOML that is nested too deeply, or None."""
    left: list[tuple[KeyPath, Any]] = [((), data)]
    while left:
        path, value = left.pop()
        if len(path) > DEPTH:
            return path
        inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        left += [((*path, key), item) for key, item in inside]
    return None


def _first_too_deep(lines: Sequence[str]) -> int:
    value = ValueScanner()
    for number, line in enumerate(lines, 1):
        value.feed(line)
        if value.most > DEPTH:
            return number
    return len(lines)


def misread(error: Exception, text: str) -> str:
    """Return why tomllib could not read a text, with the line in front."""
    lines = text.rstrip().split("\n")
    if isinstance(error, RecursionError):
        return f"{_first_too_deep(lines)}: {TOO_DEEP}"
    if "digits" in str(error):  # tomllib passes this error on without a line
        long = next((number for number, line in enumerate(lines, 1) if _LONG_NUMBER.search(line)), len(lines))
        return f"{long}: a number has too many digits"
    message, _, where = str(error).partition(" (at line ")
    number = where.split(",")[0]
    # An error at the end of the document belongs to the last line.
    return f"{number if number.isdigit() else len(lines)}: {message.removesuffix(' (at end of document)')}"


class RulesFile(NamedTuple):
    """A rules file that was read before any lock was taken: its text, or the reason why there is none."""

    path: Path
    text: str
    problem: RulesError | None

    def needed(self) -> str:
        """Return the text.

        Raises:
            RulesError: the file could not be read.
        """
        if self.problem is not None:
            raise self.problem
        return self.text


def read_ahead(path: Path) -> RulesFile:
    """Read a rules file now; a fault in it is reported when the rules are needed."""
    try:
        return RulesFile(path, read(path), None)
    except RulesError as error:
        return RulesFile(path, "", error)


def read(path: Path) -> str:
    """Return the text of a rules file, which is not checked.

    Raises:
        RulesError: the file cannot be read, is not a regular file, or is too large.
    """
    try:
        return read_text(path, BY_HAND)
    except OSError as error:
        hint = "slactl init" if isinstance(error, FileNotFoundError) else f"ls -ld {quoted(path)}"
        raise RulesError(f"{path} cannot be read: {error.strerror}", hint) from error
    except UnicodeDecodeError as error:
        raise RulesError(f"{path} is not UTF-8 at byte {error.start}", f"file {quoted(path)}") from error
