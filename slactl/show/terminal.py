"""A terminal that is held for a live screen, and given back however the screen ends."""

import codecs
import contextlib
import os
import re
import select
import signal
import termios
import tty
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any, NamedTuple

#: The signals that a live screen handles: to quit, to draw again, to stop.
LEAVING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SEEN = (*LEAVING, signal.SIGWINCH, signal.SIGTSTP)


#: The names of the keys that send more than one character, or one that cannot be drawn.
KEYS = {
    **dict.fromkeys(("\x1b[A", "\x1bOA"), "up"),
    **dict.fromkeys(("\x1b[B", "\x1bOB"), "down"),
    **dict.fromkeys(("\x1b[H", "\x1bOH", "\x1b[1~"), "home"),
    **dict.fromkeys(("\x1b[F", "\x1bOF", "\x1b[4~"), "end"),
    **dict.fromkeys(("\r", "\n"), "enter"),
    **dict.fromkeys(("\x7f", "\x08"), "backspace"),
    "\x15": "clear",
    "\x04": "leave",
    "\x1b": "escape",
}
#: A key: a sequence that a terminal sends, or one character.
_KEY = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1bO[A-Za-z]|.", re.DOTALL)
#: The beginning of a sequence, whose rest may come with the next read.
_BEGUN = re.compile(r"\x1b(\[[0-9;?]*|O)?$")


def keys(typed: str) -> tuple[list[str], str]:
    """Return the keys in what was typed, and a rest that may be the beginning of a key.

    A key is a name of `KEYS` or a character that can be drawn; all others are dropped.
    """
    begun = _BEGUN.search(typed)
    rest = begun[0] if begun is not None else ""
    pressed = [KEYS.get(key, key) for key in _KEY.findall(typed[: len(typed) - len(rest)])]
    return [key for key in pressed if key in KEYS.values() or (len(key) == 1 and key.isprintable())], rest


class Happened(NamedTuple):
    """Pressed keys and signals that came while waiting; `is_gone` means that the keyboard is gone."""

    pressed: Sequence[str] = ()
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
        # A character or a key may arrive in two parts.
        self._decoder, self._begun = codecs.getincrementaldecoder("utf-8")("replace"), ""
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
            # The rest of a key comes at once; alone it is the key Escape.
            pressed, self._begun = (["escape"] if self._begun and not signals else []), self._begun if signals else ""
            return Happened(pressed, signals)
        try:
            typed = os.read(self._keyboard, 1024)
        except OSError:
            typed = b""
        pressed, self._begun = keys(self._begun + self._decoder.decode(typed))
        return Happened(pressed, signals, is_gone=not typed)

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
