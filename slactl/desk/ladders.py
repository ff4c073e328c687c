"""Which tickets a run has to look at, and what a change of the rules does to that."""

from datetime import datetime

from sqlmodel import select

from slactl.clock import to_text
from slactl.config import Config
from slactl.desk.ledger import Ledger, ledger
from slactl.desk.rulebook import LADDERS
from slactl.store import writes
from slactl.store.models import Meta

#: Tickets whose next instants are computed anew in one write transaction.
BATCH = 500


def due_tickets(book: Ledger, after: int, most: int) -> list[int]:
    """The numbers of tickets whose next instant has come, in ascending order from `after` on."""
    return writes.due_tickets(book.connection, to_text(book.now), after, most)


def refresh_in_batches(config: Config, now: datetime) -> None:
    """Compute every next instant anew when the rules are others than last time."""
    after = 0
    while True:
        with ledger(config, now) as book:
            if is_current(book):
                return
            numbers = writes.live_tickets(book.connection, after, BATCH)
            book.touch(numbers)
            if not numbers:
                remember(book)
        after = numbers[-1] if numbers else after


def refresh(book: Ledger) -> None:
    """The same within one transaction."""
    after = 0
    while not is_current(book):
        numbers = writes.live_tickets(book.connection, after, BATCH)
        book.touch(numbers)
        book.settle()
        if not numbers:
            remember(book)
            return
        after = numbers[-1]


def is_current(book: Ledger) -> bool:
    """Whether the next instants were computed with the rules of today."""
    known = book.session.exec(select(Meta.value).where(Meta.key == LADDERS)).first()
    return bool(known == book.rulebook.current.hash)


def remember(book: Ledger) -> None:
    """Note with which rules the next instants were computed."""
    book.rulebook.current_version()
    book.session.merge(Meta(key=LADDERS, value=book.rulebook.current.hash))
    book.session.flush()
