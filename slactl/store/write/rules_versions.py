"""Keep versions of the rules, years of holidays, and which rules the next instants were calculated with."""

import json
import sqlite3
from collections.abc import Mapping
from datetime import date

from slactl.store.read.runs import FINGERPRINT, LEVELS_HASH, OWN_HASH


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


def note_levels_current(connection: sqlite3.Connection, rules_hash: str, fingerprint: str) -> None:
    """Note that every next instant in the database was calculated with the rules of this hash.

    `fingerprint` is that of the rules file when it had these rules.
    """
    facts = ((LEVELS_HASH, rules_hash), (FINGERPRINT, fingerprint))
    connection.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", facts)


def forget_levels(connection: sqlite3.Connection) -> None:
    """Forget with which rules the next instants were calculated."""
    connection.execute("DELETE FROM meta WHERE key = ?", (LEVELS_HASH,))


def note_own_version(connection: sqlite3.Connection, rules_hash: str) -> None:
    """Note that the service desk itself uses the rules of this hash, and did not only import tickets with them."""
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (OWN_HASH, rules_hash))
