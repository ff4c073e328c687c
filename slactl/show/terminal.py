"""A terminal that is held for a live screen, and given back however the screen ends."""

import contextlib
import os
import select
import signal
import termios
import tty
from collections.abc import Iterator
from types import FrameType
from typing import Any, NamedTuple

#: The signals that a live screen handles: to quit, to draw again, to stop.
LEAVING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SEEN = (*LEAVING, signal.SIGWINCH, signal.SIGTSTP)


class Happened(NamedTuple):
    """Typed text and signals that came while waiting; `is_gone` means that the keyboard is gone."""

    typed: str = ""
    signals: frozenset[int] = frozenset()
    is_gone: bool = False

    @property
    def leaving(self) -> int | None:
        """Return the signal that asks the program to end; None without one."""
        return next((number for number in LEAVING if number in self.signals), None)


class Held:
    """A terminal that hands over each key at once and echoes none; with `keyboard` None nothing is typed."""

    def __init__(self, keyboard: int | None) -> None:
        self._keyboard = keyboard
        self._settings: list[Any] | None = None
        self._handlers: dict[signal.Signals, Any] = {}
        self._ours, self._theirs = os.pipe()
        for end in (self._ours, self._theirs):
            os.set_blocking(end, False)

    def take(self) -> None:
        """Take the terminal and the signals."""
        # What a signal does is decided in `wait`, so that none comes in the middle of drawing.
        self._wakeup = signal.set_wakeup_fd(self._theirs, warn_on_full_buffer=False)
        self._handlers = {number: signal.signal(number, _noted) for number in SEEN}
        if self._keyboard is not None:
            self._settings = termios.tcgetattr(self._keyboard)
            tty.setcbreak(self._keyboard, termios.TCSANOW)

    def give_back(self) -> None:
        """Restore the terminal and the signals; typed text that was not read is dropped."""
        if self._keyboard is not None and self._settings is not None:
            # A terminal that is gone needs nothing any more.
            with contextlib.suppress(termios.error):
                termios.tcflush(self._keyboard, termios.TCIFLUSH)
                termios.tcsetattr(self._keyboard, termios.TCSANOW, self._settings)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._settings, self._handlers = None, {}

    def close(self) -> None:
        """Close the pipe that signals come through."""
        os.close(self._ours)
        os.close(self._theirs)

    def wait(self, seconds: float) -> Happened:
        """Wait for keys and signals at most so many seconds, and return as soon as any came."""
        sources = [self._ours] + ([self._keyboard] if self._keyboard is not None else [])
        ready, _, _ = select.select(sources, [], [], max(0.0, seconds))
        signals = frozenset(os.read(self._ours, 1024)) if self._ours in ready else frozenset()
        if self._keyboard is None or self._keyboard not in ready:
            return Happened(signals=signals)
        try:
            typed = os.read(self._keyboard, 1024)
        except OSError:
            typed = b""
        return Happened(typed.decode("utf-8", "replace"), signals, is_gone=not typed)

    def step_aside(self) -> None:
        """Give the terminal back and stop, as Ctrl-Z asks for, until the shell continues the program."""
        self.give_back()
        os.kill(os.getpid(), signal.SIGTSTP)
        self.take()


@contextlib.contextmanager
def held(keyboard: int | None) -> Iterator[Held]:
    """Hold a terminal, and give it back however the block ends."""
    terminal = Held(keyboard)
    try:
        terminal.take()
        yield terminal
    finally:
        terminal.give_back()
        terminal.close()


def end_by(number: int) -> None:
    """End the program as the signal would have ended it, so that the sender sees the signal."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _noted(_: int, __: FrameType | None) -> None:
    """Do nothing: the signal is in the pipe, and without a handler it would end the program."""
