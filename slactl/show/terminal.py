"""A terminal that is held for a live screen: keys and signals as they come, and all given back however it ends."""

import contextlib
import os
import select
import signal
import termios
import tty
from collections.abc import Iterator
from types import FrameType
from typing import Any, NamedTuple

#: The signals that a live screen has to see: to leave, to draw itself anew, to step aside.
LEAVING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SEEN = (*LEAVING, signal.SIGWINCH, signal.SIGTSTP)


class Happened(NamedTuple):
    """What came while waiting: the text that was typed, and the signals. `is_gone`: nothing can be typed any more."""

    typed: str = ""
    signals: frozenset[int] = frozenset()
    is_gone: bool = False

    @property
    def leaving(self) -> int | None:
        """The signal that asks the program to end, if one did."""
        return next((number for number in LEAVING if number in self.signals), None)


class Held:
    """A terminal that hands over each key as it is typed and does not echo it. `keyboard` None: there is no typing."""

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
        """Put everything back as it was; what was typed and not read is dropped."""
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
        """Let the pipe go through which signals come."""
        os.close(self._ours)
        os.close(self._theirs)

    def wait(self, seconds: float) -> Happened:
        """What was typed and signalled until then, as soon as anything was."""
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
        """Give the terminal back and stop, as Ctrl-Z asks for, until somebody says to go on."""
        self.give_back()
        os.kill(os.getpid(), signal.SIGTSTP)
        self.take()


@contextlib.contextmanager
def held(keyboard: int | None) -> Iterator[Held]:
    """A terminal that is held, and given back however this ends."""
    terminal = Held(keyboard)
    try:
        terminal.take()
        yield terminal
    finally:
        terminal.give_back()
        terminal.close()


def end_by(number: int) -> None:
    """End as the signal would have ended the program, so that whoever sent it sees that."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _noted(_: int, __: FrameType | None) -> None:
    """The signal is in the pipe; without a handler it would end the program."""
