"""Decide which due levels are older than their escalation rule: new rules send no messages about the past.

A level does not fire for an instant before the last real `check` that ran without the level and already knew the
ticket. For a ticket that was recorded later, the level fires. Before the first `check`, every level fires. `check`
records such a level as `baseline`; lists and explanations use the same test, so that they announce no level that will
not fire.
"""

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from slactl.clock import to_text
from slactl.sla.escalation.upcoming import IsBaseline
from slactl.store.read import rules_versions, runs
from slactl.store.read.runs import PastCheck

if TYPE_CHECKING:
    from slactl.store.database import Transaction

LevelName = tuple[str, str]


class Baselines:
    """Answer for many levels in one transaction; the first answer reads the versions of the rules."""

    def __init__(self, transaction: "Transaction") -> None:
        self._transaction = transaction
        self._checks: list[tuple[PastCheck, Collection[LevelName]]] | None = None

    def holds(self, ticket: int, escalation: str, level: str, due_at: datetime) -> bool:
        """Return whether a level that became due at an instant does not fire, because its rule is newer."""
        last = self._last_check_without((escalation, level))
        if last is None or to_text(due_at) >= last.started_at:
            return False
        first = runs.first_event(self._transaction, ticket)
        return first is not None and first <= last.audit_event

    def of_ticket(self, ticket: int) -> IsBaseline:
        """Return `holds` for the levels of one ticket."""
        return partial(self.holds, ticket)

    def _last_check_without(self, name: LevelName) -> PastCheck | None:
        if self._checks is None:
            levels = dict[int, Collection[LevelName]]()
            for number, canonical in rules_versions.canonicals(self._transaction):
                levels[number] = _levels_of(canonical)
            used = runs.last_checks(self._transaction)
            self._checks = [(check, levels[version]) for version, check in used if version in levels]
        without = [check for check, known in self._checks if name not in known]
        return max(without, key=lambda check: check.started_at, default=None)


@lru_cache(maxsize=100)
def _levels_of(canonical: str) -> Collection[LevelName]:
    """Return the names of the levels of a version of the rules, each version read once in a command."""
    import tomllib

    rules = tomllib.loads(canonical).get("escalation", ())
    return frozenset((one["id"], level["id"]) for one in rules for level in one.get("level", ()))
