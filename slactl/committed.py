"""What this command has committed: an error that ends it later must say so, and must not deny it.

The store counts every commit. Whoever commits adds what a person would call it: "ticket 7 was created". The exit in
`__main__` makes the message and the exit code of it.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from slactl.errors import ExitCode

Given = ParamSpec("Given")
Part = TypeVar("Part")

AGAIN = ", and running the command again does the rest"
LOST = "its answer could not be written"

#: How many things a message names one by one; of more it tells the number.
NAMED = 5


class Committed:
    """What one command has committed so far."""

    def __init__(self) -> None:
        #: How many transactions changed the database, in whatever words.
        self.commits = 0
        #: The command commits its work in parts, and not all of them are committed.
        self.is_unfinished = False
        #: Noun and verb → the names of what was committed: `("ticket", "created")` → `{"7"}`.
        self.things: dict[tuple[str, str], dict[str, None]] = {}

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

        A command that works in parts can continue. Of any other, only the answer is missing.
        """
        if not self.things:
            return error, code
        if self.is_unfinished:
            return f"{error}; {self}", code
        return f"{self}; {LOST}: {error}", code if code is ExitCode.INTERRUPTED else ExitCode.PARTLY

    def after_lost_answer(self, why: str, code: ExitCode) -> tuple[str, str | None, ExitCode]:
        """Return the message, the hint and the exit code where stdout cannot be written.

        That is a failure, unless the command has changed something before.
        """
        if not self.commits and not self.things:
            return f"the answer could not be written: {why}", None, ExitCode.FAILURE
        shown = f"slactl show {' '.join(self.tickets)}" if 0 < len(self.tickets) <= NAMED else None
        return f"{self}; {LOST}: {why}", shown, ExitCode.PARTLY if code in (ExitCode.DONE, ExitCode.FOUND) else code


_so_far = Committed()


def begin() -> None:
    """Forget what earlier commands of this process committed."""
    global _so_far
    _so_far = Committed()


def so_far() -> Committed:
    """Return what this command has committed."""
    return _so_far


def count() -> None:
    """Count a transaction that changed the database."""
    _so_far.commits += 1


def add(noun: str, verb: str, names: Iterable[object]) -> None:
    """Add things that are committed now, such as `ticket`, `created` and their numbers."""
    known = _so_far.things.setdefault((noun, verb), {})
    known.update(dict.fromkeys(map(str, names)))
    if not known:
        del _so_far.things[noun, verb]


@contextmanager
def in_parts() -> Iterator[None]:
    """Mark work that is committed in parts, and that the same command continues after an error ended it."""
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
