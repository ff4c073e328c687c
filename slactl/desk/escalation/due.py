"""Which tickets a run has to look at, and what a change of the rules does to that."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from slactl.clock import to_text
from slactl.desk.ledger.ledger import Ledger
from slactl.store.write import statements as writes

#: Tickets whose next instants are computed anew in one write transaction.
BATCH = 250

#: Gives a ledger in a write transaction of its own.
Turn = Callable[[], AbstractContextManager[Ledger]]


def due_tickets(book: Ledger, after: int, most: int, until: int | None = None) -> list[int]:
    """The numbers of tickets whose next instant has come, in ascending order from `after` on, up to `until`."""
    return writes.due_tickets(book.connection, to_text(book.now), after, most, until)


def refresh(turn: Turn, stopped: Callable[[], bool] = lambda: False) -> None:
    """Compute every next instant anew when the rules are others than last time, in batches.

    Where the rules are edited meanwhile it begins again.
    """
    after, rules = 0, None
    while not stopped():
        with turn() as book:
            if is_current(book):
                return
            if rules != book.rulebook.current.hash:
                after, rules = 0, book.rulebook.current.hash
            numbers = writes.live_tickets(book.connection, after, BATCH)
            book.touch(numbers)
            if not numbers:
                remember(book)
        after = numbers[-1] if numbers else after


def next_live(book: Ledger, after: int, most: int) -> Sequence[int]:
    """The next tickets that something can still happen to, their next instants computed anew."""
    numbers = writes.live_tickets(book.connection, after, most)
    book.touch(numbers)
    book.settle()
    return numbers


def is_current(book: Ledger) -> bool:
    """Whether the next instants were computed with the rules of today."""
    return book.rulebook.are_levels_current()


def remember(book: Ledger) -> None:
    """Note with which rules the next instants were computed."""
    book.rulebook.current_version()
    book.rulebook.note_levels_current()
