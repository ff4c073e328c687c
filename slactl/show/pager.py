"""Show long output on a terminal with a pager; nothing is lost where the pager is missing or fails."""

import io
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

#: What a pager must not count as text: the sequences that set colours.
_STYLE = r"\x1b\[[0-9;]*m"


class Page(io.StringIO):
    """Text for a terminal that is kept until all of it is there; drawing on it is like drawing on the terminal."""

    def __init__(self, terminal: TextIO) -> None:
        super().__init__()
        self._terminal = terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Return the encoding of the terminal."""
        return self._terminal.encoding

    def isatty(self) -> bool:
        """Return true: what is drawn here is drawn for a terminal."""
        return True

    def fileno(self) -> int:
        """Return the descriptor of the terminal, whose size counts."""
        return self._terminal.fileno()


def pager(environment: Mapping[str, str]) -> list[str] | None:
    """Return the command of the pager: `SLACTL_PAGER`, else `PAGER`, else less.

    None if it is empty, `cat` or no command, or if the terminal cannot move its cursor.
    """
    if environment.get("TERM", "") in ("", "dumb", "unknown"):
        return None
    try:
        words = shlex.split(environment.get("SLACTL_PAGER", environment.get("PAGER", "less")))
    except ValueError:
        return None
    return words if words and words != ["cat"] else None


@contextmanager
def paged(terminal: TextIO, command: Sequence[str]) -> Iterator[TextIO]:
    """Yield a stream for all output; at the end print it, or show it with the pager if it is longer than the screen."""
    page = Page(terminal)
    try:
        yield page
    finally:
        text = page.getvalue()
        if _is_long(text, terminal):
            _page_through(text, command, terminal)
        else:
            terminal.write(text)


def _is_long(text: str, terminal: TextIO) -> bool:
    try:
        columns, lines = os.get_terminal_size(terminal.fileno())
    except OSError:
        return False
    if text.count("\n") >= lines:
        return True
    if not columns or len(text) < columns:
        return False
    from rich.cells import cell_len

    widths = (cell_len(line) for line in re.sub(_STYLE, "", text).splitlines())
    return sum(max(1, -(-width // columns)) for width in widths) >= lines


def _page_through(text: str, command: Sequence[str], terminal: TextIO) -> None:
    """Show a text with a pager; print it where the pager cannot be started or fails."""
    import signal
    import subprocess

    terminal.flush()
    # less leaves at once where the text fits (F), shows colours (R), and keeps the screen (X); LESS says otherwise.
    environment = {"LESS": "FRX", "LV": "-c", **os.environ}
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)
    except OSError:
        terminal.write(text)
        return
    # Ctrl-C belongs to the pager.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process.communicate(text.encode())
    finally:
        signal.signal(signal.SIGINT, before)
    if process.returncode != 0:
        terminal.write(text)
