"""The person at the live board: the chosen ticket, what is being typed, and what each key asks for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from slactl.show.colours import GOOD, WARNING
from slactl.text import clean

if TYPE_CHECKING:
    from rich.text import Text


class Wish(StrEnum):
    """Name what a key asks for."""

    QUIT = "quit"
    SHOW = "show"
    ACK = "ack"
    ESCALATE = "escalate"
    SEARCH = "search"
    HELP = "help"


class Asked(NamedTuple):
    """What a person asks for, the chosen ticket if it is about one, and the typed text."""

    wish: Wish
    ticket: int = 0
    text: str = ""


#: The longest text that can be typed, in characters: that of a reason.
MOST_TYPED = 1000

NOTHING_CHOSEN = "choose a ticket with the keys ↑ and ↓ first"


@dataclass
class Viewer:
    """Hold the state of the person at the board.

    `chosen` is the number of a ticket. While `prompt` is set, keys are text. `page` has the lines that are shown in
    the place of the board. `message` is the result of the last key.
    """

    chosen: int | None = None
    prompt: Wish | None = None
    typed: str = ""
    search: str = ""
    page: Sequence[str] | None = None
    message: str = ""
    is_error: bool = False
    _order: Sequence[int] = field(default_factory=list)
    #: The ticket that a reason is typed for; the list may change meanwhile.
    _subject: int = 0

    def see(self, order: Sequence[int]) -> None:
        """Take the numbers of the tickets that can be chosen now, in order."""
        if self.chosen is None and order and not self._order:
            self.chosen = order[0]
        elif self.chosen is not None and self.chosen not in order:
            # Another ticket in its place would get the next key that was meant for this one.
            self.say(f"#{self.chosen} is not listed any more", is_error=True)
            self.chosen = None
        self._order = order

    def say(self, message: str, *, is_error: bool = False) -> None:
        """Set the message of the last line."""
        self.message, self.is_error = message, is_error

    def press(self, key: str) -> Asked | None:
        """Return what a key asks for; None if it only changes what is shown."""
        if self.page is not None:
            self.page = None
            return None
        if self.prompt is not None:
            return self._type(key, self.prompt)
        self.say("")
        if key in ("q", "Q", "leave"):
            return Asked(Wish.QUIT)
        if key in ("up", "k", "down", "j", "home", "end"):
            self._move(key)
        elif key == "?":
            return Asked(Wish.HELP)
        elif key == "/":
            self.prompt, self.typed = Wish.SEARCH, ""
        elif key == "escape" and self.search:
            self.search = ""
            return Asked(Wish.SEARCH)
        elif key in ("enter", "a", "e"):
            return self._about_chosen(key)
        return None

    def _about_chosen(self, key: str) -> Asked | None:
        if self.chosen is None:
            self.say(NOTHING_CHOSEN, is_error=True)
        elif key == "e":
            self.prompt, self.typed, self._subject = Wish.ESCALATE, "", self.chosen
        else:
            return Asked(Wish.SHOW if key == "enter" else Wish.ACK, self.chosen)
        return None

    def _move(self, key: str) -> None:
        order = self._order
        if not order:
            return
        if self.chosen is None or key in ("home", "end"):
            self.chosen = order[-1 if key == "end" else 0]
            return
        step = 1 if key in ("down", "j") else -1
        self.chosen = order[max(0, min(len(order) - 1, order.index(self.chosen) + step))]

    def _type(self, key: str, prompt: Wish) -> Asked | None:
        if key == "enter":
            text, self.prompt = self.typed.strip(), None
            if prompt is Wish.SEARCH:
                self.search = text
            return Asked(prompt, self._subject if prompt is Wish.ESCALATE else 0, text)
        if key in ("escape", "leave"):
            self.prompt = None
        elif key == "backspace":
            self.typed = self.typed[:-1]
        elif key == "clear":
            self.typed = ""
        elif len(key) == 1 and len(self.typed) < MOST_TYPED:
            self.typed += key
        return None

    def last_line(self, width: int) -> "Text | None":
        """Return the last line of the screen: the prompt, else the message; None if there is neither."""
        from rich.cells import cell_len
        from rich.text import Text

        if self.prompt is not None:
            label = "/" if self.prompt is Wish.SEARCH else f"Reason to escalate #{self._subject}: "
            room, end = max(1, width - len(label) - 1), self.typed
            while cell_len(end) > room:  # the end of a long text is what is being typed
                end = end[1:]
            return Text(f"{label}{clean(end)}_", style="bold", no_wrap=True, overflow="crop")
        if not self.message:
            return None
        style = f"bold {WARNING}" if self.is_error else GOOD
        return Text(clean(self.message), style=style, no_wrap=True, overflow="ellipsis")
