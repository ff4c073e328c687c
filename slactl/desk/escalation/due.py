"""Find the tickets that have something due, and compute their next instants again when the rules change."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from slactl import committed
from slactl.clock import to_text
from slactl.desk.ledger.ledger import Ledger
from slactl.store.read import tickets

#: Tickets whose next instants are computed again in one write transaction.
BATCH = 250

#: Tickets whose numbers are read at once to look for what is due.
AHEAD = 5_000

#: Opens a ledger in a write transaction of its own.
OpenLedger = Callable[[], AbstractContextManager[Ledger]]


def due_tickets(book: Ledger, after: int, most: int, until: int | None = None) -> list[int]:
    """Return the numbers of tickets whose next instant has come, ascending, above `after` and up to `until`."""
    return tickets.due_tickets(book.transaction, to_text(book.now), after, most, until)


class DueTickets:
    """Hand out the tickets whose next instant has come, in the order of their numbers, some in each transaction.

    Looking for them takes longer the more of them there are. So many are read at once, and asked about again later.
    """

    def __init__(self) -> None:
        self._ahead: list[int] = []

    def next(self, book: Ledger, after: int, most: int) -> tuple[Sequence[int], int | None]:
        """Return the next tickets above `after` that are due, and the last number that this covers; None at the end.

        A ticket that others made due in the meantime may be left to the next run.
        """
        self._ahead = self._ahead[bisect_right(self._ahead, after) :]
        is_old = bool(self._ahead)
        self._ahead = self._ahead or due_tickets(book, after, AHEAD)
        part = self._ahead[:most]
        due = tickets.still_due(book.transaction, to_text(book.now), part) if is_old else part
        return due, part[-1] if part else None


def refresh(open_ledger: OpenLedger, stopped: Callable[[], bool] = lambda: False) -> None:
    """Compute every next instant again, in batches, if the rules have changed since the last computation.

    If somebody edits the rules meanwhile, it begins again.
    """
    after, rules = 0, None
    while not stopped():
        with open_ledger() as book:
            if is_current(book):
                return
            if rules != book.rulebook.current.hash:
                after, rules = 0, book.rulebook.current.hash
            numbers = tickets.live_tickets(book.transaction, after, BATCH)
            book.touch(numbers)
            if not numbers:
                book.rulebook.current_version()
                book.rulebook.note_levels_current()
        committed.add("ticket", "calculated again", numbers)
        after = numbers[-1] if numbers else after


def next_live(book: Ledger, after: int, most: int) -> Sequence[int]:
    """Return the next tickets to which something can still happen, after computing their next instants again."""
    numbers = tickets.live_tickets(book.transaction, after, most)
    book.touch(numbers)
    book.settle()
    return numbers


def is_current(book: Ledger) -> bool:
    """Return whether the next instants were computed with the current rules."""
    return book.rulebook.are_levels_current()
