"""Remember what this command has committed, so that the message of a later error can say so.

The store counts every commit. The code that changes something adds a name for people, such as "ticket 7 was created"; a
name that it adds in a transaction counts when the transaction is committed. `failures` makes the message and the exit
code from these names. The store also adds what people have to know about the databases that it opened.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from slactl.errors import ExitCode

Given = ParamSpec("Given")
Part = TypeVar("Part")

AGAIN = "; run the command again to do the rest"
LOST = "the output could not be written"

#: The most things that a message names one by one; for more it prints only the number.
NAMED = 5


class Committed:
    """Hold what one command has committed so far."""

    def __init__(self) -> None:
        #: The number of transactions that changed the database.
        self.commits = 0
        #: True while a command that commits its work in parts has parts left.
        self.is_unfinished = False
        #: Noun and verb → the names of what was committed: `("ticket", "created")` → `{"7"}`.
        self.things: dict[tuple[str, str], dict[str, None]] = {}
        #: The same for the open transaction, which may still be rolled back.
        self.pending: dict[tuple[str, str], dict[str, None]] | None = None
        #: The messages about databases that were upgraded to the schema of this program.
        self.upgrades: list[str] = []
        #: The databases that were opened and cannot be written, each with the reason.
        self.unwritable: dict[Path, str] = {}
        #: The database that was opened last. An unexpected error may come from a value in it.
        self.opened: Path | None = None
        #: Returns a hint with the database and the rules that were typed as options.
        self.pasted: Callable[[str], str] = str

    @property
    def warnings(self) -> list[str]:
        """Return a warning for each database that cannot be written."""
        return [f"{path} cannot be written: {why}; slactl only reads it" for path, why in self.unwritable.items()]

    @property
    def tickets(self) -> list[str]:
        """Return the numbers of the tickets that were created or changed."""
        return list(
            dict.fromkeys(name for (noun, _), names in self.things.items() if noun == "ticket" for name in names)
        )

    def __str__(self) -> str:
        """Return what was committed as part of a sentence."""
        made = self.things.get(("ticket", "created"), {})
        said = list[str]()
        for (noun, verb), names in self.things.items():
            rest = [name for name in names if (noun, verb) != ("ticket", "changed") or name not in made]
            said += [_clause(noun, verb, rest)] if rest else []
        return (_joined(said) or "the change was made") + (AGAIN if self.is_unfinished else "")

    def after_error(self, error: str, code: ExitCode) -> tuple[str, ExitCode]:
        """Return the message and the exit code of an error that ends the command.

        A command that works in parts can be run again to do the rest.
        """
        return (f"{error}; {self}" if self.things else error), self.code_after(code)

    def code_after(self, code: ExitCode) -> ExitCode:
        """Return the exit code of a command that an error ends; `code` is the error's own code."""
        return ExitCode.PARTLY if self.things and code is not ExitCode.INTERRUPTED else code

    def after_lost_output(self, why: str, code: ExitCode) -> tuple[str, str | None, ExitCode]:
        """Return the message, the hint and the exit code if stdout cannot be written.

        The command failed, unless it has changed something before.
        """
        if not self.commits and not self.things:
            return f"{LOST}: {why}", None, ExitCode.FAILURE
        shown = self.pasted(f"slactl show {' '.join(self.tickets)}") if 0 < len(self.tickets) <= NAMED else None
        return f"{self}; {LOST}: {why}", shown, ExitCode.PARTLY if code in (ExitCode.DONE, ExitCode.FOUND) else code


_so_far = Committed()


def begin() -> None:
    """Forget what earlier commands of this process committed."""
    global _so_far
    _so_far = Committed()


def so_far() -> Committed:
    """Return what this command has committed."""
    return _so_far


def add(noun: str, verb: str, names: Iterable[object]) -> None:
    """Add what was committed: a noun, a verb and names, such as `ticket`, `created` and ticket numbers."""
    things = _so_far.things if _so_far.pending is None else _so_far.pending
    if named := dict.fromkeys(map(str, names)):
        things.setdefault((noun, verb), {}).update(named)


@contextmanager
def held_back() -> Iterator[None]:
    """Hold back the names added in a transaction until `commit`; forget them if the transaction ends without it."""
    _so_far.pending = {}
    try:
        yield
    finally:
        _so_far.pending = None


def commit(end: Callable[[], object], *, has_changed: bool) -> None:
    """Commit a transaction with `end` and note what it has changed; a signal waits until both are done."""
    with uninterrupted():
        end()
        _so_far.commits += has_changed
        if has_changed:
            _so_far.unwritable.clear()  # little space was left, but enough
        pending, _so_far.pending = _so_far.pending, None
        for (noun, verb), names in (pending or {}).items():
            add(noun, verb, names)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let the signals that stop this command wait until the block is done, or has failed."""
    import signal
    from threading import current_thread, main_thread

    if current_thread() is not main_thread():  # signals interrupt only the main thread
        yield
        return
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    # A signal that is ignored, or that ends the process at once, interrupts no statement.
    before = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in before:
        signal.signal(number, lambda sent, _: came.append(sent))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for sent in came:
            signal.raise_signal(sent)


@contextmanager
def in_parts() -> Iterator[None]:
    """Mark work that is committed in parts. After an error, the same command does the rest."""
    _so_far.is_unfinished = True
    yield
    _so_far.is_unfinished = False


def parts(work: Callable[Given, Iterator[Part]]) -> Callable[Given, Iterator[Part]]:
    """Mark a generator as work in parts, as `in_parts` does."""

    def working(*given: Given.args, **named: Given.kwargs) -> Iterator[Part]:
        with in_parts():
            yield from work(*given, **named)

    return wraps(work)(working)


def _clause(noun: str, verb: str, names: list[str]) -> str:
    if len(names) == 1:
        return f"{noun} {names[0]} was {verb}"
    which = f"{noun}s {_joined(names)}" if len(names) <= NAMED else f"{len(names):,} {noun}s"
    return f"{which} were {verb}"


def _joined(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
