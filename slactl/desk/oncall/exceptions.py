"""Read what people entered for schedules: overrides and absences, and those that name who or what the rules lack."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from slactl.clock import from_text, to_text
from slactl.records.oncall import RotaEntry
from slactl.sla.calendar.calendar import in_seconds
from slactl.sla.oncall.schedule import Absence, Exceptions, Override
from slactl.sla.rules.rules import Rules
from slactl.store.read.messages import rota_entries
from slactl.text import clean, did_you_mean

if TYPE_CHECKING:
    from slactl.store.database import Transaction


def exceptions_of(entries: Sequence[RotaEntry], rules: Rules) -> Exceptions:
    """Return overrides and absences, each as long as it held; one that was removed held until then.

    People whom the rules do not have, because they left or have a new name, are on call for nobody.
    """
    overrides, absences = list[Override](), list[Absence]()
    for entry in entries:
        ends = min(filter(None, (entry["ends_at"], entry["removed_at"])))
        start, end = in_seconds(from_text(entry["starts_at"])), in_seconds(from_text(ends))
        if end > start and entry["schedule"] is not None:
            overrides.append(Override(entry["schedule"], entry["person"], start, end, entry["id"]))
        elif end > start:
            absences.append(Absence(entry["person"], start, end, entry["substitute"], entry["id"]))
    return Exceptions(tuple(overrides), tuple(absences), frozenset(rules.people))


def doubts(transaction: "Transaction", rules: Rules, now: datetime) -> list[tuple[RotaEntry, str]]:
    """Return the overrides and absences, of now or to come, that name who or what the rules lack; and what it is."""
    entries = rota_entries(transaction, to_text(now))
    return [(entry, doubt) for entry in entries for doubt in _doubts(entry, rules)]


def _doubts(entry: RotaEntry, rules: Rules) -> Iterator[str]:
    def lacking(what: str, name: str, known: Sequence[str]) -> str:
        return f"the rules have no {what} {clean(name)!r}{did_you_mean(name, known)}"

    people, substitute = list(rules.people), entry["substitute"]
    number = f"{'absence' if entry['kind'] == 'away' else 'override'} {entry['id']}"
    if entry["schedule"] is not None and entry["schedule"] not in rules.schedules:
        yield f"{number} does not count: {lacking('schedule', entry['schedule'], list(rules.schedules))}"
    if entry["person"] not in people:
        yield f"{number} does not count: {lacking('person', entry['person'], people)}"
    if substitute is not None and substitute not in people:
        yield f"the substitute in {number} does not count: {lacking('person', substitute, people)}"
