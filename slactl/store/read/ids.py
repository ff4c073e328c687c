"""Read ids of tickets for the shell to complete: at once or not at all, whatever the size of the database."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
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


#: A column of tickets with an index → the tables and columns that have more such names.
_NAMED = {"assignee": "ticket", "tenant": "ticket"}


def names_like(path: Path, column: str, prefix: str, most: int = 100) -> list[str]:
    """Return the assignees or tenants (`column`) of tickets that begin with `prefix`, in order.

    Each name costs one step in an index, whatever the number of its tickets.

    Raises:
        DatabaseError: as `ids_like`.
    """
    named = _NAMED[column]
    query = (
        f"WITH RECURSIVE name(n) AS (SELECT MIN({column}) FROM {named} WHERE {column} >= :prefix UNION ALL"
        f" SELECT (SELECT MIN({column}) FROM {named} WHERE {column} > n) FROM name WHERE n IS NOT NULL)"
        " SELECT n FROM name WHERE n IS NOT NULL AND n < :beyond LIMIT :most"
    )
    return _words(path, query, {"prefix": prefix, "beyond": prefix + "\U0010ffff", "most": most})


def tenant_plans(path: Path) -> list[str]:
    """Return the plans of tenants.

    Raises:
        DatabaseError: as `ids_like`.
    """
    return _words(path, "SELECT DISTINCT plan FROM tenant WHERE plan IS NOT NULL ORDER BY plan LIMIT 1000", {})


def tenants(path: Path) -> list[str]:
    """Return the names of tenants.

    Raises:
        DatabaseError: as `ids_like`.
    """
    return _words(path, "SELECT name FROM tenant ORDER BY name LIMIT 1000", {})


def tags_in_use(path: Path) -> list[str]:
    """Return the tags of the thousand open tickets with the first deadlines.

    Raises:
        DatabaseError: as `ids_like`.
    """
    query = (
        "SELECT DISTINCT tag.value FROM (SELECT tags FROM ticket t WHERE "
        f"{views.OPEN} ORDER BY t.due_at, t.id LIMIT 1000) open, json_each(open.tags) tag ORDER BY tag.value"
    )
    return _words(path, query, {})


def _words(path: Path, query: str, values: Mapping[str, Any]) -> list[str]:
    with _opened(path) as connection:
        return [str(word) for (word,) in connection.execute(query, values)]


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
