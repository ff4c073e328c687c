"""Read JSON text piece by piece, so that memory stays flat however long it is.

Python's own decoder reads one value at a time from a bounded piece of the text. A value that it refuses is passed over
by its brackets and quotes alone.
"""

import codecs
import json
import re
from typing import Any, BinaryIO, NamedTuple

from slactl.desk.transfer.lines import ROW_BYTES, Ticked
from slactl.sla.history.file import DECODER

#: How much is read at once, and the longest row, in characters.
CHUNK, ROW_CHARACTERS = 1 << 17, ROW_BYTES

_BLANK, _MARK, _QUOTE = re.compile(r"[ \t\r\n]*"), re.compile(r'["\[\]{},]'), re.compile(r'["\\]')


class Bad(NamedTuple):
    """The reason why a row cannot be read."""

    reason: str


class BrokenError(ValueError):
    """The text is not JSON from here on."""


class JsonText:
    """A JSON text of which only a piece is in memory."""

    def __init__(self, source: BinaryIO, ticked: Ticked) -> None:
        self._source, self._ticked = source, ticked
        # Bytes that are not UTF-8 become lone surrogates, so that the row that they are in can be named.
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="surrogateescape")
        self._lines = 1
        #: The piece that is in memory, the place in it that is read next, and whether nothing follows it.
        self.text, self.at, self.is_over = "", 0, False

    def next(self) -> str:
        """Go to the next character that is not blank, and return it; an empty text at the end."""
        while (place := after_blanks(self.text, self.at)) == len(self.text):
            self.at = place
            if not self.more():
                return ""
        self.at = place
        return self.text[place]

    def separator(self, end: str) -> str:
        """Pass over a comma or the end of a list or an object, and return which of them it was.

        Raises:
            BrokenError: neither is there.
        """
        found = self.next()
        if found not in (",", end):
            raise self.broken(f"a comma or {end} is needed" if found else "it ends too early")
        self.at += 1
        return found

    def value(self) -> Any:  # noqa: ANN401  (parsed JSON, or Bad)
        """Return the next value; skip a value that the decoder refuses."""
        if not self.next():
            raise self.broken("it ends too early")
        while True:
            rest = len(self.text) - self.at
            try:
                value, end = DECODER.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                is_cut = error.pos > len(self.text) - 8 or error.msg.startswith("Unterminated string")
                if is_cut and rest <= ROW_CHARACTERS and self.more():
                    continue
                why = f"longer than {ROW_CHARACTERS:,} characters" if is_cut else f"not valid JSON: {error.msg}"
            except RecursionError:
                why = "not valid JSON: it is nested too deeply"
            except ValueError as error:
                why = f"not valid JSON: {error}"
            else:
                # A number may continue in the text that was not read yet.
                if not isinstance(value, (dict, list, str)) and end >= len(self.text) - 4 and not self.is_over:
                    self.more()
                    continue
                self.at = end
                return value
            self.skip()
            return Bad(f"is {why}")

    def skip(self) -> None:
        """Pass over a value by its brackets and quotes."""
        depth = 0
        while True:
            mark = self._find(_MARK)
            if depth == 0 and mark in ",]}":
                return
            self.at += 1
            if mark == '"':
                while self._find(_QUOTE) == "\\":
                    if self.at + 1 >= len(self.text):
                        self.more()
                    self.at += 2
                self.at += 1
            elif mark != ",":
                depth += 1 if mark in "[{" else -1
            if depth == 0:
                return

    def _find(self, pattern: re.Pattern[str]) -> str:
        """Go to the next character that a pattern matches, and return it."""
        while (match := pattern.search(self.text, self.at)) is None:
            self.at = len(self.text)
            if not self.more():
                raise self.broken("it ends too early")
        self.at = match.start()
        return match[0]

    def line_end(self, most: int) -> int | None:
        """Return where the current line ends; None if it is longer than `most`."""
        while (end := self.text.find("\n", self.at)) < 0:
            if len(self.text) - self.at > most:
                return None
            if not self.more():
                return len(self.text)
        return end

    def more(self) -> bool:
        """Drop the text that was used, and read at least as much as is left; return whether there was more."""
        if self.is_over:
            return False
        self._lines += self.text.count("\n", 0, self.at)
        rest = self.text[self.at :]
        raw = self._source.read(max(CHUNK, len(rest)))
        self._ticked(len(raw))
        self.is_over = not raw
        self.text, self.at = rest + self._decoder.decode(raw, final=self.is_over), 0
        return bool(raw)

    def broken(self, why: str) -> BrokenError:
        """Return the error that says in which line the text is broken."""
        return BrokenError(f"line {self.line()}: {why}")

    def line(self) -> int:
        """Return the number of the line that is read."""
        return self._lines + self.text.count("\n", 0, self.at)


def after_blanks(text: str, place: int) -> int:
    """Return the first place from here on that is not blank."""
    match = _BLANK.match(text, place)
    return match.end() if match is not None else place
