"""Keep versions of the rules, years of holidays, and which rules the next instants were calculated with."""

import json
import sqlite3
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from slactl.config import host_name
from slactl.store.read.runs import LEVELS_HASH, OWN_HASH

#: How many hosts a database remembers, those that last noted something: a container may be a new host each time.
MOST_HOSTS = 200


def add_version(
    connection: sqlite3.Connection, rules_hash: str, canonical: str, first_used_at: str, holidays_version: str | None
) -> None:
    """Add a version of the rules."""
    connection.execute(
        "INSERT INTO rules_version (hash, canonical, first_used_at, holidays_version) VALUES (?, ?, ?, ?)",
        (rules_hash, canonical, first_used_at, holidays_version),
    )


def add_holiday_year(
    connection: sqlite3.Connection, place: tuple[str, str], year: int, library: str, days: Mapping[date, str]
) -> None:
    """Keep the holidays of a year in a country and part of it, as a version of the library names them."""
    text = json.dumps({day.isoformat(): name for day, name in days.items()})
    connection.execute(
        "INSERT INTO holiday_year (country, subdivision, year, library_version, days) VALUES (?, ?, ?, ?, ?)",
        (*place, year, library, text),
    )


class ReadRules(NamedTuple):
    """The rules that a command read on this host: their hash, and the fingerprint of their file at that time."""

    hash: str
    fingerprint: str


def note_rules_file(connection: sqlite3.Connection, read: ReadRules, now: str) -> None:
    """Note which rules the file of this host has, so that commands here need not read it while it is unchanged."""
    statement = "INSERT OR REPLACE INTO host (name, rules_fingerprint, rules_hash, noted_at) VALUES (?, ?, ?, ?)"
    connection.execute(statement, (host_name(), read.fingerprint, read.hash, now))
    latest = "SELECT name FROM host ORDER BY noted_at DESC, rowid DESC LIMIT ?"
    connection.execute(f"DELETE FROM host WHERE name NOT IN ({latest})", (MOST_HOSTS,))


def note_levels_current(connection: sqlite3.Connection, read: ReadRules, now: str) -> None:
    """Note that every next instant in the database was calculated with these rules, and that this host has them."""
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (LEVELS_HASH, read.hash))
    note_rules_file(connection, read, now)


def forget_levels(connection: sqlite3.Connection) -> None:
    """Forget with which rules the next instants were calculated."""
    connection.execute("DELETE FROM meta WHERE key = ?", (LEVELS_HASH,))


def note_own_version(connection: sqlite3.Connection, rules_hash: str) -> None:
    """Note that the service desk itself uses the rules of this hash, and did not only import tickets with them."""
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (OWN_HASH, rules_hash))
