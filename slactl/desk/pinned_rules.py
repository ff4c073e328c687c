"""The rules that tickets are judged by, for those who only read: nothing is written, no lock is taken."""

import sqlite3
from collections.abc import Mapping
from datetime import date

from slactl.config import Config
from slactl.errors import RulesError
from slactl.sla.calendar import library_holidays
from slactl.sla.rules import Rules
from slactl.sla.rules_loading import load, parse
from slactl.store import rules_versions


class PinnedRules:
    """The versions of the rules that a history names, and the holidays it was judged by; all only read."""

    def __init__(self, connection: sqlite3.Connection, number: int | None = None) -> None:
        self._connection = connection
        self._pinned = rules_versions.pinned_hash(connection, number) if number is not None else None
        self._parsed: dict[str, Rules] = {}
        self._years: dict[tuple[str, str | None, int], Mapping[date, str]] = {}
        self.numbers: dict[str, int] = {}

    def version(self, rules_hash: str | None) -> Rules:
        """The rules with this hash; where a history names none, those of the ticket.

        Raises:
            RulesError: the database does not have them, or what it has is not what the hash was made of.
        """
        wanted = rules_hash or self._pinned
        if wanted is None:
            raise RulesError("the history does not say which rules hold", "slactl doctor")
        if wanted not in self._parsed:
            row = rules_versions.rules_version(self._connection, wanted)
            if row is None:
                raise RulesError(f"the rules version {wanted[:12]} is not in the database", "slactl doctor")
            found = parse(row["canonical"], f"rules version {row['id']}", {wanted})
            if found.hash != wanted:
                raise RulesError(
                    f"rules version {row['id']} was changed: it is not {wanted[:12]}", "slactl audit verify"
                )
            self.numbers[wanted], self._parsed[wanted] = row["id"], found
        return self._parsed[wanted]

    def holidays(self, country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
        """The public holidays of a year, as they were when a deadline was first computed with them."""
        key = (country, subdivision, year)
        if key not in self._years:
            known = rules_versions.holiday_year(self._connection, *key)
            if known is None:
                self._years[key] = library_holidays(*key)
            else:
                self._years[key] = {date.fromisoformat(day): name for day, name in known.items()}
        return self._years[key]


def ladders_in_force(config: Config, connection: sqlite3.Connection) -> Rules:
    """The rules whose ladders are in force: the current file, or the last valid version while it is broken.

    Raises:
        RulesError: the file is invalid and no valid version was ever used.
    """
    last = rules_versions.rules_version(connection)
    known = {last["rules"]} if last is not None else set()
    try:
        return load(config.rules, known)
    except RulesError:
        if last is None:
            raise
        return parse(last["canonical"], f"rules version {last['id']}", known)
