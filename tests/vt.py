"""A small terminal emulator: what a person sees after a program has written some text."""

import re

_TOKEN = re.compile(
    r"\x1b\[(?P<args>[0-9;?]*)(?P<final>[@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b[=>78M]|(?P<one>.)",
    re.DOTALL,
)


class Screen:
    """A grid of characters, with what live screens use: moving, erasing, the alternate screen, and no scrolling back.

    `bells` counts what rang. Colours and modes are not kept; an unknown sequence is an error.
    """

    def __init__(self, rows: int, columns: int) -> None:
        self.rows, self.columns, self.bells = rows, columns, 0
        self.is_alternate, self.cursor_is_shown = False, True
        self._grid = self._blank()
        self._row = self._column = 0

    @classmethod
    def of(cls, written: str, rows: int, columns: int) -> "Screen":
        """Return the screen after some text."""
        screen = cls(rows, columns)
        screen.feed(written)
        return screen

    @property
    def lines(self) -> list[str]:
        """The lines as they are seen, without the blanks at their ends."""
        return ["".join(row).rstrip() for row in self._grid]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def feed(self, written: str) -> None:
        """Take some text; a sequence that is cut off at the end is left out."""
        end = re.search(r"\x1b(\[[0-9;?]*)?$", written)
        for token in _TOKEN.finditer(written[: end.start()] if end else written):
            if token["one"] is not None:
                self._put(token["one"])
            elif token["final"] is not None:
                self._control(token["final"], token["args"])

    def _blank(self) -> list[list[str]]:
        return [[" "] * self.columns for _ in range(self.rows)]

    def _put(self, letter: str) -> None:
        if letter == "\n":
            self._line_feed()
        elif letter == "\r":
            self._column = 0
        elif letter == "\x07":
            self.bells += 1
        elif letter == "\b":
            self._column = max(0, self._column - 1)
        else:
            assert letter >= " ", f"a control character reached the terminal: {letter!r}"
            if self._column == self.columns:  # a full line wraps only when more comes
                self._column = 0
                self._line_feed()
            self._grid[self._row][self._column] = letter
            self._column += 1

    def _line_feed(self) -> None:
        if self._row == self.rows - 1:
            self._grid = [*self._grid[1:], [" "] * self.columns]
        else:
            self._row += 1

    def _control(self, final: str, args: str) -> None:
        numbers = [int(each) if each.isdigit() else 0 for each in args.lstrip("?").split(";")]
        count = max(1, numbers[0])
        if final == "H":
            self._row = min(self.rows, max(1, numbers[0])) - 1
            self._column = min(self.columns, max(1, numbers[1] if len(numbers) > 1 else 1)) - 1
        elif final in "AB":
            self._row = max(0, min(self.rows - 1, self._row + (count if final == "B" else -count)))
        elif final in "CD":
            self._column = max(0, min(self.columns - 1, self._column + (count if final == "C" else -count)))
        elif final == "J":
            assert numbers[0] == 2, args
            self._grid = self._blank()
        elif final == "K":
            first, last = {0: (self._column, self.columns), 1: (0, self._column + 1), 2: (0, self.columns)}[numbers[0]]
            self._grid[self._row][first:last] = [" "] * (last - first)
        elif final in "hl" and args.startswith("?"):
            if numbers[0] == 1049:
                self.is_alternate = final == "h"
                self._grid = self._blank()
            elif numbers[0] == 25:
                self.cursor_is_shown = final == "h"
        elif final != "m":
            raise AssertionError(f"an unknown sequence: {args}{final}")
