"""Compare two sets of rules on the same histories: targets met and missed, and how often a level fires."""

import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, BinaryIO

from slactl.desk.ledger.records import text_or_none
from slactl.desk.reports.measures import DECIMALS, By, ordered_groups, share
from slactl.desk.tickets.bursts import begun_bursts, with_bursts
from slactl.desk.transfer.lines import Problem, Report, Ticked, histories, read_history
from slactl.desk.what_if.goals import GoalTally, compared
from slactl.desk.what_if.simulate import At, TicketResult, evaluate_ticket, targets_of
from slactl.sla.calendar.calendar import HolidayProvider
from slactl.sla.enums import Target
from slactl.sla.history.event import Event
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.timer import Evaluation, Timer, TimerState
from slactl.store.sqlite.spool import Spool

Record = dict[str, Any]

#: The names of the two sets of rules in the output.
SIDES = ("rules", "other")

#: The bytes of the list of breaches that are kept in memory.
KEPT = 1_000_000


@dataclass(slots=True)
class Tally:
    """Count tickets under both rules: the states and outcomes of their targets, fired levels, and changed breaches."""

    tickets: int = 0
    states: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    firings: Counter[str] = field(default_factory=Counter)
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def record(self, days: float) -> Record:
        """Return the counts as data; `days` is the length of the history."""
        fired = {side: self.firings[side] for side in SIDES}
        return {
            "tickets": self.tickets,
            "targets": [self._target(target) for target in map(str, Target)],
            "firings": fired,
            "firings_per_day": {side: round(number / days, DECIMALS) for side, number in fired.items()},
        }

    def _target(self, target: str) -> Record:
        sides = {side: self._side(side, target) for side in SIDES}
        before, after = (sides[side]["attainment"] for side in SIDES)
        return {
            "target": target,
            **sides,
            "attainment_change": None if before is None or after is None else round(after - before, DECIMALS),
            "gained": self.changes["gained", target],
            "lost": self.changes["lost", target],
            **{f"{name}_change": sides["other"][name] - sides["rules"][name] for name in ("kept", "missed")},
        }

    def _side(self, side: str, target: str) -> Record:
        met, late, running, paused = (
            self.states[side, target, state]
            for state in (TimerState.MET, TimerState.BREACHED, TimerState.RUNNING, TimerState.PAUSED)
        )
        outcomes = {"kept": self.outcomes[side, target, True], "missed": self.outcomes[side, target, False]}
        return {"met": met, "breached": late, "open": running + paused, "attainment": share(met, met + late)} | outcomes


class Comparison:
    """Collect the counts of all tickets and of each group, and every breach under only one of the two rules.

    A ticket belongs to the group of its last state under the current rules, and to the group of each of its tags.
    """

    def __init__(self, by: By | None, rules: tuple[Rules, Rules]) -> None:
        self._by = by
        self._goals = GoalTally(rules[0]), GoalTally(rules[1])
        self._whole = Tally()
        self._groups: defaultdict[str | None, Tally] = defaultdict(Tally)
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._breaches: IO[str] = tempfile.SpooledTemporaryFile(KEPT, "w+", encoding="utf-8")  # noqa: SIM115

    def add(
        self,
        ticket: str,
        source: str | None,
        history: Sequence[Event],
        until: datetime,
        results: Sequence[TicketResult],
    ) -> None:
        """Count the results of a ticket of a source under both rules as of `until`."""
        groups = _groups_of(results[0][0], source, self._by) if self._by else []
        tallies = [self._whole, *(self._groups[group] for group in groups)]
        for breach in _changed_breaches(ticket, *(targets_of(evaluation) for evaluation, _ in results)):
            named = {"group": ",".join(filter(None, groups)) or None} if groups else {}
            self._breaches.write(json.dumps(breach | named) + "\n")
            for tally in tallies:
                tally.changes[breach["change"], breach["target"]] += 1
        for tally in tallies:
            tally.tickets += 1
            for side, (evaluation, firings) in zip(SIDES, results, strict=True):
                tally.firings[side] += len(firings)
                tally.states.update((side, str(timer.kind), str(timer.state)) for timer in targets_of(evaluation))
                ended = [outcome for outcome in evaluation.outcomes if outcome.met or outcome.missed_at is not None]
                tally.outcomes.update((side, str(outcome.kind), outcome.met) for outcome in ended)
        for goals, (evaluation, _) in zip(self._goals, results, strict=True):
            goals.add(evaluation.outcomes, history)
        self._see(history[0].at)
        self._see(max(event.at for event in history if event.at <= until))
        for _, firings in results:
            for firing in firings[-1:]:
                self._see(min(firing.due_at, until))

    def record(self) -> Record:
        """Return the counts as data; `days` runs from the first event to the last event or firing, at least one."""
        seconds = (self._last - self._first).total_seconds() if self._first and self._last else 0.0
        days = max(1.0, seconds / 86_400)
        names = ordered_groups(self._groups, self._by) if self._by else []
        return {
            "by": self._by.value if self._by else None,
            "days": round(days, 2),
            **self._whole.record(days),
            "goals": compared(self._goals, SIDES),
            "groups": [{"group": name, **self._groups[name].record(days)} for name in names] if self._by else None,
        }

    def breaches(self) -> Iterator[Record]:
        """Yield every breach under only one of the two rules, by ticket, in the order of the file.

        `group` has the tags of a ticket in one text, with commas between them.
        """
        self._breaches.seek(0)
        yield from map(json.loads, self._breaches)

    def close(self) -> None:
        """Delete the list of breaches."""
        self._breaches.close()

    def _see(self, at: datetime) -> None:
        self._first = at if self._first is None else min(self._first, at)
        self._last = at if self._last is None else max(self._last, at)


def compare_file(
    source: BinaryIO,
    rules: tuple[Rules, Rules],
    at: At,
    by: By | None,
    report: Report,
    ticked: Ticked = lambda _: None,
    holidays: HolidayProvider | None = None,
) -> Comparison:
    """Return the tickets of a history file under both rules, as of `at` (`last`: each as of its own last event).

    `report` is called with each bad line, and with each ticket that cannot be evaluated under one of the two rules.
    Such a ticket is left out of both. `ticked` is called with the number of bytes read. The file may be larger than
    memory.
    """

    def tell(reason: str) -> None:
        report(Problem(0, "", reason))

    comparison = Comparison(by, rules)
    # A word for a priority that both rules know means what the current rules say.
    words = {**rules[1].priorities.meanings, **rules[0].priorities.meanings}
    try:
        with closing(Spool()) as spool:
            spool.fill(read_history(source, report, ticked, meanings=words))
            bursts = [begun_bursts(histories(spool, lambda _: None, words), side) for side in rules]
            for ticket, lines in histories(spool, report, words):
                until = lines[-1].event.at if at == "last" else at
                versions = [
                    ([line.event for line in with_bursts(lines, begun.get(ticket, ()))], side)
                    for begun, side in zip(bursts, rules, strict=True)
                ]
                results = evaluate_ticket(ticket, versions, until, tell, holidays, with_outcomes=True)
                if results:
                    origin = next((line.source for line in lines if line.source is not None), None)
                    comparison.add(ticket, origin, versions[0][0], until, results)
    except BaseException:
        comparison.close()
        raise
    return comparison


def _groups_of(evaluation: Evaluation, source: str | None, by: By) -> Sequence[str | None]:
    """Return the groups of a ticket."""
    if by is By.TAG:
        return evaluation.tags or (None,)
    name = source if by is By.SOURCE else getattr(evaluation, by)
    return [str(name) if name is not None else None]


def _changed_breaches(ticket: str, mine: Sequence[Timer], other: Sequence[Timer]) -> Iterator[Record]:
    before, after = ({(str(timer.kind), timer.cycle): timer for timer in timers} for timers in (mine, other))
    for target, cycle in dict.fromkeys([*before, *after]):
        pair = before.get((target, cycle)), after.get((target, cycle))
        late = [timer is not None and timer.state is TimerState.BREACHED for timer in pair]
        if late[0] != late[1]:
            stopped = [timer.stopped_at for timer in pair if timer is not None]
            yield {
                "change": "gained" if late[1] else "lost",
                "ticket": ticket,
                "target": target,
                "cycle": cycle,
                "due_at": text_or_none(pair[0].due_at if pair[0] else None),
                "other_due_at": text_or_none(pair[1].due_at if pair[1] else None),
                "stopped_at": text_or_none(stopped[0]),
            }
