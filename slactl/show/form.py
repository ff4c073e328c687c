"""Choose the form of the output, write to stdout and stderr, and find out what a screen can show."""

import codecs
import io
import os
import sys
from collections.abc import Mapping
from enum import StrEnum
from io import TextIOWrapper
from typing import TYPE_CHECKING, NamedTuple, TextIO

from slactl.config import Color
from slactl.errors import AnswerError, UsageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from rich.console import Console


class Form(StrEnum):
    """The values of `--format`."""

    TABLE = "table"
    PLAIN = "plain"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    IDS = "ids"


def choose_form(asked: Form | None, *, as_json: bool, ids_only: bool, terminal: bool) -> Form:
    """Return the form that `--format`, `--json` and `--quiet` ask for; by default a table on a terminal, else plain.

    Raises:
        UsageError: they ask for different forms.
    """
    forms = {asked} if asked else set()
    forms |= {Form.JSON} if as_json else set()
    forms |= {Form.IDS} if ids_only else set()
    if len(forms) > 1:
        words = ", ".join(sorted(str(form) for form in forms))
        raise UsageError(f"only one form of output at a time, not {words}; use one of --json, -q and --format")
    return forms.pop() if forms else (Form.TABLE if terminal else Form.PLAIN)


def wants_color(choice: Color, environment: Mapping[str, str], *, terminal: bool) -> bool:
    """Return whether to use colour: `--color` overrides `NO_COLOR`, then `FORCE_COLOR`, then the terminal's ability."""
    if choice is not Color.AUTO:
        return choice is Color.ALWAYS
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return terminal and environment.get("TERM", "") not in ("dumb", "unknown")


#: The width of a stream that is not a terminal: nothing is cut there.
UNCUT = 100_000


class Screen(NamedTuple):
    """The place where tables are drawn; `width` in cells, None for that of `COLUMNS` or the terminal, or `UNCUT`."""

    stream: TextIO
    color: bool = False
    width: int | None = None

    def console(self, *, live: bool = False) -> "Console":
        """Return a Rich console that neither reads markup nor highlights, so that it draws data as it is.

        A `live` console moves the cursor even without colours.
        """
        from rich.console import Console

        if isinstance(self.stream, TextIOWrapper) and not self.draws_blocks:
            # A table with question marks is better than none.
            self.stream.reconfigure(errors="replace")
        return Console(
            file=self.stream,
            width=self.width or (None if self.stream.isatty() or os.environ.get("COLUMNS") else UNCUT),
            force_terminal=self.color or live,
            # The terminal's own sixteen colours cannot be read on every ground; see `colours`.
            color_system="256" if self.color else None,
            no_color=not self.color,
            markup=False,
            emoji=False,
            highlight=False,
            legacy_windows=False,
        )

    @property
    def draws_blocks(self) -> bool:
        """Return whether block characters and arrows can be written, or only ASCII."""
        return speaks_unicode(self.stream)


#: The name of the error handler that escapes characters which an encoding lacks.
ESCAPING = "slactl.escaping"


def take_any_text(stream: TextIO) -> None:
    """Let a stream write every text: characters that its encoding lacks are escaped as JSON escapes them."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors=ESCAPING)


def escaped(text: str) -> str:
    """Return characters as JSON escapes them."""
    import json

    return json.dumps(text)[1:-1]


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return escaped(error.object[error.start : error.end]), error.end


codecs.register_error(ESCAPING, _escape)


def speaks_unicode(stream: TextIO) -> bool:
    """Return whether every character can be written to the stream; a stream without an encoding takes all."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return encoding.lower().replace("-", "").replace("_", "").startswith("utf")


class Stdout(io.FileIO):
    """Write to stdout."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write some bytes; wait if somebody else made the descriptor non-blocking.

        Raises:
            BrokenPipeError: the reader has closed the pipe.
            AnswerError: the bytes cannot be written for another reason.
        """
        try:
            while (done := super().write(data)) is None:
                import select

                select.select([], [self], [])
            return done
        except BrokenPipeError:
            raise
        except OSError as error:
            raise AnswerError(error.errno, error.strerror) from error


class Stderr(io.FileIO):
    """Write to stderr; text that cannot be written is lost, and the command continues."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write some bytes, as far as that is possible."""
        try:
            return super().write(data) or memoryview(data).nbytes
        except OSError:
            return memoryview(data).nbytes


def ready_streams() -> None:
    """Prepare the streams for any text, also streams that were closed before the start (`>&-`).

    Each closed stream gets a descriptor, so that no file of the command gets it. The descriptor of a closed stdout is
    open for reading only, so that writing output fails as it should.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115  (open as long as the process)
    sys.stdout = _stream(Stdout, sys.stdout, 1, os.O_RDONLY)
    sys.stderr = _stream(Stderr, sys.stderr, 2, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        take_any_text(stream)


def _stream(kind: type[io.FileIO], old: TextIO | None, number: int, closed: int) -> TextIO:
    if old is None:
        number = os.open(os.devnull, closed)
    raw = kind(number, "wb", closefd=False)
    is_stderr = kind is Stderr
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(old, "encoding", "utf-8"),
        errors=getattr(old, "errors", "strict"),
        line_buffering=is_stderr or bool(getattr(old, "line_buffering", False)),
        write_through=bool(getattr(old, "write_through", False)),
    )
