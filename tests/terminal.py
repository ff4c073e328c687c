"""A program on a real terminal of a given size: typed to, read from, resized, waited for."""

import codecs
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

#: How long anything may take before a test gives up, in seconds.
PATIENCE = 30.0


class Terminal:
    """The other side of a pseudo-terminal; `screen` is everything that was written to it so far."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        rows: int = 24,
        columns: int = 80,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._ours, self._theirs = pty.openpty()
        self.resize(rows, columns)
        self.before = self.settings()
        self.screen = ""
        # A character may arrive in two parts.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        #: What is done while a text does not come, so that nobody waits for the next tick of a clock.
        self.nudge: Callable[[], object] = lambda: None
        self.process = subprocess.Popen(
            arguments,
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            env={**os.environ, "TERM": "xterm-256color", **(environment or {})},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def settings(self) -> list[Any]:
        """How the terminal treats what is typed: what a program has to put back."""
        return termios.tcgetattr(self._theirs)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def until(self, text: str, *, after: int = 0) -> str:
        """Read until `text` stands in what was written from `after` on; returns that part."""
        end = time.monotonic() + PATIENCE
        while text not in self.screen[after:]:
            came = select.select([self._ours], [], [], 0.1)[0]
            if (came and not self._read()) or time.monotonic() > end:
                raise AssertionError(f"{text!r} never came; the last was {self.screen[-3000:]!r}")
            if not came:
                self.nudge()
        return self.screen[after:]

    def wait(self) -> int:
        """Read to the end; how the program ended, as `subprocess` tells it."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end; the last was {self.screen[-3000:]!r}"
            if select.select([self._ours], [], [], 0.05)[0]:
                self._read()
        while select.select([self._ours], [], [], 0)[0] and self._read():
            pass
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def _read(self) -> bool:
        try:
            part = os.read(self._ours, 65_536)
        except OSError:
            return False
        self.screen += self._decoder.decode(part)
        return bool(part)


@contextmanager
def on_terminal(
    *arguments: str, rows: int = 24, columns: int = 80, environment: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """A program on a terminal, which is gone in the end."""
    terminal = Terminal(arguments, rows=rows, columns=columns, environment=environment)
    try:
        yield terminal
    finally:
        terminal.close()


def shown_on_terminal(*arguments: str) -> str:
    """Return what a command prints on a terminal."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "slactl", *arguments]
    environment = os.environ | {"TERM": "dumb", "COLUMNS": "200"}
    child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=subprocess.PIPE, env=environment)
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:
            break
        shown += part
        if not part:
            break
    child.communicate()
    os.close(master)
    return shown.decode().replace("\r\n", "\n")
