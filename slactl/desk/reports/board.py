"""Keep the live board: overdue tickets and the next events, read again only when the database changed."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from slactl.clock import from_text, to_text
from slactl.errors import DatabaseError
from slactl.sla.enums import DONE, Priority
from slactl.store.database import Database
from slactl.store.read import filters
from slactl.store.read import reports as reads
from slactl.store.read.filters import TicketFilter
from slactl.store.read.runs import asleep, first_due, last_fired, runs
from slactl.store.sqlite.watch import WatchedFile, impatient

if TYPE_CHECKING:
    from slactl.records.runs import NextStep, Run
    from slactl.records.tickets import Ticket
    from slactl.store.database import Transaction

#: The filter that every open ticket passes.
EVERY = TicketFilter()

#: The number of tickets kept of each kind: more than any screen has lines.
MOST = 300

#: The number of deadlines kept, and how far ahead, in seconds.
DEADLINES, HORIZON = 10_000, 48 * 3600

#: The reaches of the forecast, in hours.
FORECAST = (1, 4, 24)

#: Seconds without a check after which cron probably does not run.
OLD_CHECK = 15 * 60


@dataclass(frozen=True, slots=True)
class Board:
    """Hold the open work as read at `read_at`; `record` computes from it what only time changes.

    `wanted` says which tickets it is about; `open_count` counts them. `late` and `coming` are ticket records by
    deadline, `urgent` has unassigned urgent tickets, `undated` those without a deadline. `upcoming` holds the timers
    that act next: ticket, kind, `next_at`. `deadlines` are instants in stored text. At `next_waking` the status of a
    ticket ends by itself. The lists are cut off; the counts of a board of all tickets are complete.
    """

    wanted: TicketFilter

    read_at: datetime
    open_count: int
    late_count: int
    urgent_count: int
    late: "Sequence[Ticket]"
    coming: "Sequence[Ticket]"
    urgent: "Sequence[Ticket]"
    undated: "Sequence[Ticket]"
    upcoming: "Sequence[NextStep]"
    deadlines: Sequence[str]
    last_check: "Run | None"
    first_due: str | None
    last_fired: str | None
    next_waking: str | None = None
    problem: str | None = None

    def record(self, now: datetime, due_soon: int, every: int) -> Mapping[str, object]:
        """Return what the board shows at `now`; `due_soon` and `every`, the interval of reading, are seconds.

        `forecast` pairs hours of wall time with the number of tickets that are due within them and not late yet. Each
        ticket is in one of the lists `late`, `soon`, `urgent` and `later`: the first that it belongs to.
        """
        at = to_text(now)
        passed = [ticket for ticket in self.coming if (ticket["due_at"] or "") < at]
        until = to_text(now + timedelta(seconds=due_soon))
        coming = self.coming[len(passed) :]
        late = [*self.late, *passed][:MOST]
        soon = [ticket for ticket in coming if (ticket["due_at"] or "") <= until]
        listed = {ticket["id"] for ticket in (*late, *soon)}
        urgent = [ticket for ticket in self.urgent if ticket["id"] not in listed]
        listed |= {ticket["id"] for ticket in urgent}
        later = [ticket for ticket in (*coming, *self.undated) if ticket["id"] not in listed][:MOST]
        late_count, soon_count = self.late_count + bisect_left(self.deadlines, at), self._due_count(now, due_soon)
        rest_count = self.urgent_count - len(self.urgent) + len(urgent)
        check = self.last_check
        return {
            "at": at,
            "now": now,
            "read_at": to_text(self.read_at),
            "interval": every,
            "due_soon": due_soon,
            "open_count": self.open_count,
            "is_filtered": self.wanted != EVERY,
            "late_count": late_count,
            "urgent_count": self.urgent_count,
            "forecast": [(hours, self._due_count(now, hours * 3600)) for hours in FORECAST],
            "late": late,
            "soon": soon,
            "soon_count": soon_count,
            "urgent": urgent,
            "unlisted_urgent_count": rest_count,
            "later": later,
            "later_count": max(len(later), self.open_count - late_count - soon_count - rest_count),
            "next_step": next((step for step in self.upcoming if step["next_at"] >= at), None),
            "last_check": check,
            "is_check_old": check is not None and (now - from_text(check["started_at"])).total_seconds() > OLD_CHECK,
            "asleep": asleep(self.first_due, self.last_fired, at),
            "problem": self.problem,
        }

    def _due_count(self, now: datetime, seconds: int) -> int:
        until = bisect_right(self.deadlines, to_text(now + timedelta(seconds=seconds)))
        return until - bisect_left(self.deadlines, to_text(now))

    def is_used_up(self, now: datetime) -> bool:
        """Return whether so much time has passed that the board must be read again even if nothing changed."""
        hours = (now - self.read_at).total_seconds() / 3600
        passed = sum((ticket["due_at"] or "") < to_text(now) for ticket in self.coming)
        has_woken = self.next_waking is not None and self.next_waking <= to_text(now)
        return has_woken or not 0 <= hours < 1 or (len(self.coming) == MOST and passed > MOST // 2)


class Watched:
    """Read the board of a database again whenever the database changed."""

    def __init__(self, database: Database) -> None:
        """Open the database.

        Raises:
            DatabaseError: it is missing, damaged, not from slactl or newer than the program.
        """
        self._file = WatchedFile(database.path)

    def look(self, before: Board | None, now: datetime, wanted: TicketFilter = EVERY) -> Board:
        """Return the board of the `wanted` tickets at `now`.

        It is the previous board, unless the database changed, that board is too old, or it is about other tickets.

        A database that cannot be read leaves the board as it was, with the reason as its `problem`.

        Raises:
            DatabaseError: the database cannot be read, and there is no board before.
        """
        try:
            changed = self._file.has_changed()
            is_good = before is not None and before.problem is None and before.wanted == wanted
            if before is not None and is_good and not changed and not before.is_used_up(now):
                return before
            with self._file.read() as transaction:
                return _read(transaction, now) if wanted == EVERY else _chosen(transaction, now, wanted)
        except DatabaseError as error:
            if before is None:
                raise
            self._file.forget()
            # People know the folder, and a line of a terminal is short.
            path = self._file.path
            return replace(before, problem=error.message.replace(str(path), path.name))

    def impatient(self) -> AbstractContextManager[None]:
        """Make commands within the block give up the write lock after a second with KeyboardInterrupt."""
        return impatient()

    def close(self) -> None:
        """Close the database."""
        self._file.close()


@contextmanager
def watched(database: Database) -> Iterator[Watched]:
    """Open a database for a live board, and close it in the end.

    Raises:
        DatabaseError: it is missing, damaged, not from slactl or newer than the program.
    """
    source = Watched(database)
    try:
        yield source
    finally:
        source.close()


def _read(transaction: "Transaction", now: datetime) -> Board:
    at, until = to_text(now), to_text(now + timedelta(seconds=HORIZON))
    counts = reads.board_counts(transaction, at)
    return Board(
        wanted=EVERY,
        open_count=counts.open,
        late_count=counts.overdue,
        urgent_count=counts.urgent,
        late=reads.overdue_tickets(transaction, at, MOST),
        coming=reads.coming_tickets(transaction, at, MOST),
        urgent=reads.urgent_tickets(transaction, at, MOST),
        undated=reads.undated_tickets(transaction, at, MOST),
        upcoming=reads.next_steps(transaction, MOST),
        deadlines=reads.ticket_deadlines(transaction, at, until, DEADLINES),
        **_around(transaction, now),
    )


def _chosen(transaction: "Transaction", now: datetime, wanted: TicketFilter) -> Board:
    """Return the board of some tickets: of more than twice `MOST`, those without a near deadline are left out."""
    at = to_text(now)
    found = list(filters.find(transaction, wanted, at, limit=2 * MOST))
    late = [ticket for ticket in found if (ticket["due_at"] or at) < at]
    coming = [ticket for ticket in found if (ticket["due_at"] or "") >= at]
    numbers = {ticket["id"] for ticket in found}
    return Board(
        wanted=wanted,
        open_count=filters.count(transaction, wanted, at),
        late_count=len(late),
        urgent_count=sum(_is_urgent(ticket) for ticket in found),
        late=late,
        coming=coming,
        urgent=[ticket for ticket in found if _is_urgent(ticket)],
        undated=[ticket for ticket in found if not ticket["due_at"]],
        upcoming=[step for step in reads.next_steps(transaction, MOST) if step["ticket_id"] in numbers],
        deadlines=[ticket["due_at"] or "" for ticket in coming],
        **_around(transaction, now),
    )


def _is_urgent(ticket: "Ticket") -> bool:
    is_open = ticket["status"] not in DONE
    return is_open and ticket["priority"] == Priority.URGENT and ticket["assignee"] is None


def _around(transaction: "Transaction", now: datetime) -> dict[str, Any]:
    """Return what a board says besides its tickets."""
    checks = runs(transaction, 1)
    return {
        "read_at": now,
        "last_check": checks[0] if checks else None,
        "first_due": first_due(transaction),
        "last_fired": last_fired(transaction),
        "next_waking": reads.next_waking(transaction, to_text(now)),
    }
