"""Copy a database while others write to it, and prove that the copy is whole."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from slactl.errors import DatabaseError
from slactl.store.schema.events import last_event
from slactl.store.sqlite.connection import distrust, open_database, reported
from slactl.store.sqlite.health import damage

#: Pages that are copied between two calls of `Progress`.
PAGES = 1_000

#: Called with the number of pages copied, and the number of all pages.
Progress = Callable[[int, int], None]


class Content(NamedTuple):
    """The content of a database: its size in bytes, the number of its events, and the last hash of its audit log."""

    size: int
    events: int
    audit_head: str | None


def content(transaction: sqlite3.Connection) -> Content:
    """Return what a whole copy has to contain."""
    pages, size = (transaction.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    last, events = last_event(transaction), transaction.execute("SELECT count(*) FROM event").fetchone()[0]
    return Content(pages * size, events, last[1] if last else None)


def copy_database(transaction: sqlite3.Connection, draft: Path, target: Path, progress: Progress) -> None:
    """Copy the state that a read transaction sees into `draft`; an error names `target` instead.

    The transaction is open already, so that a commit of somebody else does not make the copy start again.

    Raises:
        DatabaseError: the database cannot be read, or the copy cannot be written.
    """
    with reported(target), closing(sqlite3.connect(draft, isolation_level=None)) as copy:
        distrust(copy)
        transaction.backup(copy, pages=PAGES, progress=lambda _, left, total: progress(total - left, total))


def prove_copy(draft: Path, target: Path, wanted: Content) -> None:
    """Check every page of a copy, and that its audit log ends as that of the original.

    Raises:
        DatabaseError: the copy is not whole; the error names `target` instead of `draft`.
    """
    try:
        connection = open_database(draft, query_only=True)
    except DatabaseError as error:
        why = error.message.replace(str(draft), f"the copy for {target}")  # the draft is gone when this is read
        raise DatabaseError(f"the copy is not whole: {why}", "slactl doctor") from error
    with closing(connection), reported(target):
        broken, made = damage(connection), content(connection)
    if broken or (made.events, made.audit_head) != (wanted.events, wanted.audit_head):
        why = broken[0] if broken else "its log does not end as that of the database does"
        raise DatabaseError(f"the copy is not whole: {why}", "slactl doctor")
