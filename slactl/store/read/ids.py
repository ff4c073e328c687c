"""Read ids of tickets for the shell to complete: at once or not at all, whatever the size of the database."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from slactl.store.schema import views
from slactl.store.sqlite.connection import distrust, reported
from slactl.store.sqlite.folders import refuse_strangers


def ids_like(path: Path, prefix: str, most: int = 100) -> list[str]:
    """Return numbers and external ids that begin with `prefix`; without a prefix those of open tickets, by deadline.

    External ids that are numbers are left out: typed alone they mean slactl's own numbers.

    Raises:
        DatabaseError: the database is missing, not from slactl, busy, or in a place where others may replace it.
    """
    with _opened(path) as connection:
        ids = (
            str(word)
            for query, parameters in _queries_like(prefix)
            for (word,) in connection.execute(f"{query} LIMIT {most:d}", parameters)
        )
        return list(islice(ids, most))


def changes_like(path: Path, actor: str, prefix: str, most: int = 20) -> list[str]:
    """Return the numbers of an actor's last changes that begin with `prefix`, the last first.

    Raises:
        DatabaseError: as `ids_like`.
    """
    from slactl.store.read.events import recent

    with _opened(path) as connection:
        return [str(number) for number in recent(connection, actor, most) if str(number).startswith(prefix)]


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that is there, to read it at once or not at all."""
    refuse_strangers(path)
    opened = f"{path.resolve().as_uri()}?mode=ro"
    with reported(path), closing(sqlite3.connect(opened, uri=True, timeout=0.1)) as connection:
        distrust(connection)
        yield connection


def _queries_like(prefix: str) -> Iterator[tuple[str, Sequence[Any]]]:
    if not prefix:
        for stated in ("NOT NULL", "NULL"):
            yield f"SELECT id FROM ticket t WHERE {views.OPEN} AND t.due_at IS {stated} ORDER BY t.due_at, t.id", ()
    elif prefix.isascii() and prefix.isdigit() and prefix[0] != "0":
        # Ranges of the key, which cost the same in a large database: 12, 120 to 129, 1200 to 1299 …
        for zeros in range(19 - len(prefix)):
            least = int(prefix) * 10**zeros
            yield "SELECT id FROM ticket WHERE id BETWEEN ? AND ? ORDER BY id", (least, least + 10**zeros - 1)
    else:
        named = (
            "SELECT DISTINCT external_id FROM ticket WHERE external_id >= ? AND external_id < ? ORDER BY external_id"
        )
        yield named, (prefix, prefix + "\U0010ffff")
