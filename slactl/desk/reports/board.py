"""The live board: what is late and what comes next, read again only when the database changed."""

import os
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from slactl.clock import from_text, to_text
from slactl.errors import DatabaseError
from slactl.store.read import runs
from slactl.store.read import tickets as reads
from slactl.store.schema import views
from slactl.store.sqlite.connection import open_database, reported, transaction

Record = dict[str, Any]

#: How many tickets of a kind are kept: more than any screen has lines.
MOST = 300

#: How many deadlines are kept, and how far ahead, in seconds.
DEADLINES, HORIZON = 10_000, 48 * 3600

#: How far the forecast looks, in hours.
FORECAST = (1, 4, 24)

#: After how many seconds without a check something is probably wrong with cron.
OLD_CHECK = 15 * 60


@dataclass(frozen=True, slots=True)
class Board:
    """The desk as it was read at `read_at`; what only time changes is computed from it.

    `late` and `coming` are ticket records by deadline, `urgent` those that nobody has; `upcoming` is what can happen
    next: ticket, kind of timer, `next_at`. `deadlines` are instants in stored text. Of each there may be more than is
    kept; the counts are whole.
    """

    read_at: datetime
    open_count: int
    late_count: int
    urgent_count: int
    late: Sequence[Record]
    coming: Sequence[Record]
    urgent: Sequence[Record]
    upcoming: Sequence[Record]
    deadlines: Sequence[str]
    last_check: Record | None
    problem: str | None = None

    def record(self, now: datetime, due_soon: int, every: int) -> Record:
        """What the board shows at `now`; due soon within `due_soon` seconds, looked at every so many seconds.

        `forecast` is how many tickets that are not late yet are due within so many hours, by the wall clock.
        """
        at = to_text(now)
        late = [ticket for ticket in self.coming if ticket["due_at"] < at]
        until = to_text(now + timedelta(seconds=due_soon))
        check = self.last_check
        return {
            "at": at,
            "now": now,
            "read_at": to_text(self.read_at),
            "interval": every,
            "due_soon": due_soon,
            "open_count": self.open_count,
            "late_count": self.late_count + bisect_left(self.deadlines, at),
            "urgent_count": self.urgent_count,
            "forecast": [(hours, self._due_count(now, hours * 3600)) for hours in FORECAST],
            "late": [*self.late, *late][:MOST],
            "soon": [ticket for ticket in self.coming[len(late) :] if ticket["due_at"] <= until],
            "soon_count": self._due_count(now, due_soon),
            "urgent": self.urgent,
            "upcoming": self.upcoming,
            "last_check": check,
            "is_check_old": check is not None and (now - from_text(check["started_at"])).total_seconds() > OLD_CHECK,
            "problem": self.problem,
        }

    def _due_count(self, now: datetime, seconds: int) -> int:
        until = bisect_right(self.deadlines, to_text(now + timedelta(seconds=seconds)))
        return until - bisect_left(self.deadlines, to_text(now))

    def is_used_up(self, now: datetime) -> bool:
        """Whether so much time has gone by that what was kept no longer tells what is next."""
        hours = (now - self.read_at).total_seconds() / 3600
        passed = sum(ticket["due_at"] < to_text(now) for ticket in self.coming)
        return not 0 <= hours < 1 or (len(self.coming) == MOST and passed > MOST // 2)


class Watched:
    """A database that is looked at again and again; a file put in its place is noticed too."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            DatabaseError: it is missing, damaged, not ours or newer than the program.
        """
        self._path = path
        self._connection, self._file = open_database(path, query_only=True), _file(path)
        self._version: int | None = None

    def look(self, before: Board | None, now: datetime) -> Board:
        """The board at `now`: the one before unless something changed or time has used it up.

        A database that cannot be read leaves the board as it was, with the reason as its `problem`.

        Raises:
            DatabaseError: it cannot be read, and there is no board before.
        """
        try:
            changed = self._changed()
            if before is not None and not changed and before.problem is None and not before.is_used_up(now):
                return before
            with reported(self._path), transaction(self._connection):
                return _read(self._connection, now)
        except DatabaseError as error:
            if before is None:
                raise
            self._version = None
            # The folder is known, and a line of a terminal is short.
            return replace(before, problem=error.message.replace(str(self._path), self._path.name))

    def close(self) -> None:
        """Let the database go."""
        self._connection.close()

    def _changed(self) -> bool:
        file = _file(self._path)
        if file != self._file:
            connection = open_database(self._path, query_only=True)
            self._connection.close()
            self._connection, self._file, self._version = connection, file, None
        with reported(self._path):
            # Changes when somebody else commits, and costs no read of any table.
            version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        changed = version != self._version
        self._version = version
        return bool(changed)


@contextmanager
def watched(path: Path) -> Iterator[Watched]:
    """A database that is looked at again and again, and let go in the end.

    Raises:
        DatabaseError: it is missing, damaged, not ours or newer than the program.
    """
    desk = Watched(path)
    try:
        yield desk
    finally:
        desk.close()


def _file(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _read(connection: sqlite3.Connection, now: datetime) -> Board:
    at, until = to_text(now), to_text(now + timedelta(seconds=HORIZON))
    urgent = f"{views.OPEN} AND t.priority = 'urgent' AND t.assignee IS NULL"
    checks = runs.runs(connection, 1)

    def tickets(condition: str) -> list[Record]:
        return list(reads.tickets(connection, at, condition, order="t.due_at, t.id", limit=MOST))

    def count(condition: str) -> int:
        number: int = connection.execute(f"SELECT count(*) FROM ticket t WHERE {condition}", {"now": at}).fetchone()[0]
        return number

    return Board(
        read_at=now,
        open_count=count(views.OPEN),
        late_count=count(f"{views.OPEN} AND t.due_at < :now"),
        urgent_count=count(urgent),
        late=tickets(f"{views.OPEN} AND t.due_at < :now"),
        coming=tickets(f"{views.OPEN} AND t.due_at >= :now"),
        urgent=sorted(tickets(urgent), key=lambda ticket: (ticket["due_at"] is None, ticket["due_at"])),
        upcoming=_upcoming(connection),
        deadlines=_deadlines(connection, at, until),
        last_check=checks[0] if checks else None,
    )


def _deadlines(connection: sqlite3.Connection, now: str, until: str) -> list[str]:
    query = f"SELECT t.due_at FROM ticket t WHERE {views.OPEN} AND t.due_at BETWEEN ? AND ? ORDER BY t.due_at LIMIT ?"
    return [due_at for (due_at,) in connection.execute(query, (now, until, DEADLINES))]


def _upcoming(connection: sqlite3.Connection) -> list[Record]:
    """What a check will look at next: the next level of a ladder, or a breach."""
    columns = ("ticket_id", "kind", "next_at", "priority", "assignee", "subject")
    query = (
        "SELECT r.ticket_id, r.kind, r.next_at, t.priority, t.assignee, COALESCE(t.subject, t.external_id)"
        " FROM timer r JOIN ticket t ON t.id = r.ticket_id WHERE r.next_at IS NOT NULL"
        " ORDER BY r.next_at, r.ticket_id LIMIT ?"
    )
    return [dict(zip(columns, row, strict=True)) for row in connection.execute(query, (MOST,))]
