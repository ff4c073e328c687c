"""Read the versions of the rules under which tickets are evaluated, and the holidays that were used."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from slactl.store.read.rows import Row, rows
from slactl.store.read.runs import LEVELS_HASH, OWN_HASH
from slactl.store.schema import views
from slactl.store.schema.events import RULES_SEAL, SEALING


class StoredVersion(NamedTuple):
    """One version of the rules as the database keeps it."""

    id: int
    hash: str
    canonical: str
    first_used_at: str


#: The columns that the seal of a version covers, in order; the hash stands for the text.
SEALED = ("id", "hash", "first_used_at", "holidays_version")


def all_versions(connection: sqlite3.Connection) -> list[Row]:
    """Return every version of the rules that was used, oldest first."""
    return list(
        rows(connection, "SELECT hash, canonical, first_used_at, holidays_version FROM rules_version ORDER BY id")
    )


def seals(versions: Iterable[Sequence[Any]]) -> dict[int, str]:
    """Return the seal of each version, given as its sealed columns in the order of their numbers.

    Each seal covers its version and all before it: SHA-256 over the seal before and the columns as JSON.
    """
    before, found = "", dict[int, str]()
    for row in versions:
        before = sha256((before + json.dumps(list(row), separators=(",", ":"))).encode()).hexdigest()
        found[row[0]] = before
    return found


def known_seals(connection: sqlite3.Connection) -> dict[int, str]:
    """Return the seal of each version as the database has it now."""
    return seals(connection.execute(f"SELECT {', '.join(SEALED)} FROM rules_version ORDER BY id"))


def later_than_used(connection: sqlite3.Connection, now: str) -> Iterator[tuple[int, str]]:
    """Yield versions and their first use, if it is a day or more after a run that used them, or after `now`."""
    yield from connection.execute(
        "SELECT v.id, v.first_used_at FROM rules_version v WHERE julianday(v.first_used_at) >= 1 + julianday("
        " min(?, COALESCE((SELECT min(r.started_at) FROM run r WHERE r.rules_version = v.id), ?)))",
        (now, now),
    )


def pinned_hash(connection: sqlite3.Connection, number: int) -> str:
    """Return the hash of the version of the rules under which a ticket is evaluated."""
    query = "SELECT v.hash FROM ticket t JOIN rules_version v ON v.id = t.rules_version WHERE t.id = ?"
    found = connection.execute(query, (number,)).fetchone()[0]
    assert isinstance(found, str)
    return found


def holiday_year(connection: sqlite3.Connection, place: tuple[str, str], year: int) -> Mapping[str, str] | None:
    """Return the holidays of a year in a country and part of it as they were used: ISO date → name.

    None for a year that never was used.
    """
    query = (
        "SELECT days FROM holiday_year WHERE country = ? AND subdivision = ? AND year = ? ORDER BY library_version"
        " LIMIT 1"
    )
    row = connection.execute(query, (*place, year)).fetchone()
    found: Mapping[str, str] | None = json.loads(row[0]) if row is not None else None
    return found


def of_open_tickets(connection: sqlite3.Connection) -> list[Row]:
    """Return each version of the rules under which open tickets are evaluated, and their number; latest first."""
    pinned = f"SELECT t.rules_version, count(*) AS open_count FROM ticket t WHERE {views.OPEN} GROUP BY t.rules_version"
    query = (
        "SELECT v.id, v.hash AS rules, v.first_used_at, v.canonical, p.open_count FROM rules_version v"
        f" JOIN ({pinned}) p ON p.rules_version = v.id ORDER BY v.id DESC"
    )
    return list(rows(connection, query))


_STORED = f"SELECT {', '.join(f'v.{name}' for name in StoredVersion._fields)} FROM rules_version v"


def version_of(connection: sqlite3.Connection, rules_hash: str) -> StoredVersion | None:
    """Return the version of the rules with this hash; None if the database does not have it."""
    row = connection.execute(f"{_STORED} WHERE v.hash = ?", (rules_hash,)).fetchone()
    return StoredVersion(*row) if row is not None else None


def latest_own_version(connection: sqlite3.Connection) -> StoredVersion | None:
    """Return the version that this service desk used last; None if there is none.

    An import may add versions of another service desk, which do not count. An old database does not say which versions
    are its own. Then the version with which every next instant was calculated counts, or else the one added last.
    """
    for key in (OWN_HASH, LEVELS_HASH):
        row = connection.execute(f"{_STORED} JOIN meta m ON m.value = v.hash WHERE m.key = ?", (key,)).fetchone()
        if row is not None:
            return StoredVersion(*row)
    row = connection.execute(f"{_STORED} ORDER BY v.id DESC LIMIT 1").fetchone()
    return StoredVersion(*row) if row is not None else None


def canonicals(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """Return the number and the text of every version, in the order in which they came into this database."""
    return connection.execute("SELECT id, canonical FROM rules_version ORDER BY id").fetchall()


def known_hashes(connection: sqlite3.Connection) -> set[str]:
    """Return the hash of every version."""
    return {rules_hash for (rules_hash,) in connection.execute("SELECT hash FROM rules_version")}


def levels_hash(connection: sqlite3.Connection) -> str | None:
    """Return the hash of the rules with which every next instant was calculated; None if that is not known."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (LEVELS_HASH,)).fetchone()
    return str(row[0]) if row is not None else None


def own_hash(connection: sqlite3.Connection) -> str | None:
    """Return the hash of the version that this service desk used last; None if an old database does not say it."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (OWN_HASH,)).fetchone()
    return str(row[0]) if row is not None else None


def used_seals(connection: sqlite3.Connection) -> Iterator[tuple[int, int, str]]:
    """Yield each event that seals the versions of the rules: its number, its ticket, and the seal."""
    yield from connection.execute(
        f"SELECT id, ticket_id, json_extract(detail, '$.{RULES_SEAL}') FROM event"
        f" WHERE action IN {SEALING} AND instr(detail, '\"{RULES_SEAL}\"') AND json_valid(detail) ORDER BY id"
    )


def versions(connection: sqlite3.Connection) -> dict[int, tuple[str, str]]:
    """Return the hash and the text of every version of the rules, by its number."""
    query = "SELECT id, hash, canonical FROM rules_version ORDER BY id"
    return {number: (rules_hash, text) for number, rules_hash, text in connection.execute(query)}
