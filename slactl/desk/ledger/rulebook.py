"""The rules in a write transaction: the current file, and every version that tickets are pinned to."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from slactl.clock import to_text
from slactl.desk.ledger.baselines import Baselines
from slactl.desk.ledger.rules_versions import CommandRules, RulesVersions, Year
from slactl.errors import RulesError
from slactl.store.read import rules_versions as stored
from slactl.store.read.rules_versions import StoredVersion
from slactl.store.read.tickets import has_more_tickets
from slactl.store.write import rules_versions as writes

if TYPE_CHECKING:
    from slactl.sla.history.file import RulesText
    from slactl.sla.rules.model import Escalation, Level
    from slactl.sla.rules.rules import Rules
    from slactl.store.database import Transaction


class Rulebook(RulesVersions):
    """Hold the rules of one write transaction, and keep the versions and holidays that are used first in it.

    `current`, `problem` and `is_own` come from the rules of the command.
    """

    #: A changed text must not stop `check`. slactl uses the text, and `audit verify` reports the change.
    refuses_changed = False

    def __init__(self, transaction: "Transaction", rules: CommandRules, now: datetime, *, strict: bool) -> None:
        """Understand the rules of the command.

        Raises:
            RulesError: they are invalid, and `strict` or this database never used a valid version.
        """
        super().__init__(transaction)
        self.command = rules
        self._now = now
        self.baselines = Baselines(transaction)
        self._seal: str | None = None
        self.current, self.problem, self.is_own = rules.current(transaction, strict=strict)
        self._fingerprint = rules.fingerprint
        self._pinned = self.current.hash
        self._parsed[self.current.hash] = self.current

    def current_version(self) -> StoredVersion:
        """Return the current rules as they are stored; their first use stores them."""
        known = self.known(self.current.hash) or self._add(self.current, to_text(self._now), library_version())
        if stored.own_hash(self._transaction) != self.current.hash:
            writes.note_own_version(self._transaction, self.current.hash)
        return known

    def _add(self, rules: "Rules", first_used_at: str, holidays_version: str | None) -> StoredVersion:
        writes.add_version(self._transaction, rules.hash, rules.canonical, first_used_at, holidays_version)
        self._seal = None
        added = self.known(rules.hash)
        assert added is not None
        return added

    def seal(self) -> str:
        """Return the number of the last version, and the seal of all versions and of the times of their first use."""
        if self._seal is None:
            seals = stored.known_seals(self._transaction)
            self._seal = " ".join(map(str, [*seals.items()][-1])) if seals else ""
        return self._seal

    def are_levels_current(self) -> bool:
        """Return whether every next instant in the database was calculated with the current rules."""
        return stored.levels_hash(self._transaction) == self.current.hash

    def note_levels_current(self) -> None:
        """Note that every next instant in the database was calculated with the current rules."""
        read = writes.ReadRules(self.current.hash, self._fingerprint)
        writes.note_levels_current(self._transaction, read, to_text(self._now))

    def note_levels(self, tickets: int) -> None:
        """Record that the next instants of this many tickets use the current rules.

        If these are new and there are more tickets, `check` calculates all of them again.
        """
        if self.are_levels_current():
            return
        if has_more_tickets(self._transaction, tickets):
            writes.forget_levels(self._transaction)
        else:
            self.note_levels_current()

    def adopt(self, brought: "RulesText") -> None:
        """Keep a version of the rules that another database used, for the tickets that come with it.

        Raises:
            RulesError: it is invalid, or its text is not the one that its hash was made of.
        """
        from slactl.sla.rules.loading import parse

        if self.known(brought.hash) is not None:
            return
        rules = parse(brought.canonical, f"rules version {brought.hash[:12]}", pinned=True)
        if rules.hash != brought.hash:
            raise RulesError(f"the rules version {brought.hash[:12]} does not match its hash", "slactl export")
        self._add(rules, to_text(brought.first_used_at), brought.holidays_version)
        self._parsed[rules.hash], self.baselines = rules, Baselines(self._transaction)

    def level(self, escalation_id: str, level_id: str) -> "tuple[Escalation, Level]":
        """Return a level of the current escalation rules, and the rule it belongs to."""
        escalation = next(rule for rule in self.current.escalations if rule.id == escalation_id)
        return escalation, next(level for level in escalation.levels if level.id == level_id)

    def first_asked(self, wanted: Year) -> Mapping[date, str]:
        """Return the holidays of a year and keep them: a newer library then moves no deadline."""
        holiday_set, year = wanted
        days = super().first_asked(wanted)
        place = (holiday_set.country, holiday_set.part)
        writes.add_holiday_year(self._transaction, place, year, library_version(), days)
        return days


def library_version() -> str:
    """Return the version of the library that knows the holidays."""
    from importlib.metadata import version

    return version("holidays")
