"""Find the tickets that have something due, and compute their next instants again when the rules change."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from slactl import committed
from slactl.clock import to_text
from slactl.desk.ledger.ledger import Ledger
from slactl.store.read import tickets

#: Tickets whose next instants are computed again in one write transaction.
BATCH = 250

#: Opens a ledger in a write transaction of its own.
OpenLedger = Callable[[], AbstractContextManager[Ledger]]


def due_tickets(book: Ledger, after: int, most: int, until: int | None = None) -> list[int]:
    """Return the numbers of tickets whose next instant has come, ascending, above `after` and up to `until`."""
    return tickets.due_tickets(book.transaction, to_text(book.now), after, most, until)


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
