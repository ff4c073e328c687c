"""Stdout and stderr: an answer that cannot be written is an error of its own, a remark on stderr stops nothing."""

import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

    from _typeshed import ReadableBuffer


class AnswerError(OSError):
    """Stdout cannot be written: it is closed, or its disk is full or failing."""


class Answer(io.FileIO):
    """The descriptor of stdout."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write some bytes; wait where somebody else made the descriptor non-blocking.

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


class Remarks(io.FileIO):
    """The descriptor of stderr; what cannot be written there is lost, and the work goes on."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write some bytes, as far as that is possible."""
        try:
            return super().write(data) or memoryview(data).nbytes
        except OSError:
            return memoryview(data).nbytes


def ready_streams() -> None:
    """Prepare the streams, those too that were closed before the start (`>&-`).

    The descriptor of a closed stream is taken, so that no file of the command gets it. That of stdout is open for
    reading only: an answer that is written there fails as it should.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115  (open as long as the process)
    sys.stdout = _stream(Answer, sys.stdout, 1, os.O_RDONLY)
    sys.stderr = _stream(Remarks, sys.stderr, 2, os.O_WRONLY)


def _stream(kind: type[io.FileIO], old: "TextIO | None", number: int, closed: int) -> "TextIO":
    if old is None:
        number = os.open(os.devnull, closed)
    raw = kind(number, "wb", closefd=False)
    is_remark = kind is Remarks
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(old, "encoding", "utf-8"),
        errors=getattr(old, "errors", "strict"),
        line_buffering=is_remark or bool(getattr(old, "line_buffering", False)),
        write_through=bool(getattr(old, "write_through", False)),
    )


def silence_stdout() -> None:
    """Let stdout take and lose everything from now on: the interpreter flushes it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
