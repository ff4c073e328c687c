"""The same histories under two sets of rules: what is kept, what is missed, and how often somebody is called."""

import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, BinaryIO

from slactl.clock import to_text
from slactl.desk.intake import Problem, read_history
from slactl.desk.measures import By
from slactl.desk.simulate import At, Record, Report, events_of, spooled_bursts, spooled_histories
from slactl.sla.calendar import HolidayProvider, NoOpenHours
from slactl.sla.enums import Priority, Target
from slactl.sla.evaluation import Evaluation, Timer, TimerState
from slactl.sla.firings import evaluate_with_firings
from slactl.sla.history import Event
from slactl.sla.ladders import Firing
from slactl.sla.rules import Rules
from slactl.store.spool import Spool

#: The rules there are, and the other ones.
SIDES = ("rules", "other")

#: How much of the list of breaches is kept in memory, in bytes.
KEPT = 1_000_000

#: Fractions are told to this many decimals.
DECIMALS = 6

Judged = tuple[Evaluation, list[Firing]]


@dataclass(slots=True)
class Tally:
    """Tickets counted under both rules: the states of their targets, what fired, and what changed."""

    tickets: int = 0
    states: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    firings: Counter[str] = field(default_factory=Counter)
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def record(self, days: float) -> Record:
        """The counts as data; firings also for each of so many days."""
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
        }

    def _side(self, side: str, target: str) -> Record:
        met, late = self.states[side, target, TimerState.MET], self.states[side, target, TimerState.BREACHED]
        still = self.states[side, target, TimerState.RUNNING] + self.states[side, target, TimerState.PAUSED]
        share = round(met / (met + late), DECIMALS) if met + late else None
        return {"met": met, "breached": late, "open": still, "attainment": share}


class Comparison:
    """What came of it: counts of all tickets and of each group, and every breach that only one of the two has.

    A ticket is in the group in which it is in the end, under the rules there are.
    """

    def __init__(self, by: By | None) -> None:
        self._by = by
        self._whole = Tally()
        self._groups: defaultdict[str | None, Tally] = defaultdict(Tally)
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._breaches: IO[str] = tempfile.SpooledTemporaryFile(KEPT, "w+", encoding="utf-8")  # noqa: SIM115

    def add(self, ticket: str, history: Sequence[Event], until: datetime, judged: Sequence[Judged]) -> None:
        """Count a ticket that was judged under both rules as of `until`."""
        mine = judged[0][0]
        group = str(getattr(mine, self._by)) if self._by and getattr(mine, self._by) is not None else None
        tallies = [self._whole, self._groups[group]] if self._by else [self._whole]
        for breach in _changed_breaches(ticket, *(_targets(evaluation) for evaluation, _ in judged)):
            self._breaches.write(json.dumps(breach | ({"group": group} if self._by else {})) + "\n")
            for tally in tallies:
                tally.changes[breach["change"], breach["target"]] += 1
        for tally in tallies:
            tally.tickets += 1
            for side, (evaluation, firings) in zip(SIDES, judged, strict=True):
                tally.firings[side] += len(firings)
                tally.states.update((side, str(timer.kind), str(timer.state)) for timer in _targets(evaluation))
        self._see(history[0].at)
        self._see(max(event.at for event in history if event.at <= until))
        for _, firings in judged:
            for firing in firings[-1:]:
                self._see(min(firing.due_at, until))

    def record(self) -> Record:
        """The counts as data; `days` from the first event to the last event or firing, at least one."""
        seconds = (self._last - self._first).total_seconds() if self._first and self._last else 0.0
        days = max(1.0, seconds / 86_400)
        return {
            "by": self._by.value if self._by else None,
            "days": round(days, 2),
            **self._whole.record(days),
            "groups": [{"group": name, **self._groups[name].record(days)} for name in _ordered(self._groups, self._by)]
            if self._by
            else None,
        }

    def breaches(self) -> Iterator[Record]:
        """Every breach that only one of the two has, by ticket, in the order of the file."""
        self._breaches.seek(0)
        yield from map(json.loads, self._breaches)

    def close(self) -> None:
        """Drop the list of breaches."""
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
    ticked: Callable[[int], None] = lambda _: None,
    holidays: HolidayProvider | None = None,
) -> Comparison:
    """The tickets of a history file under both rules, as of `at` (`last`: each as of its own last event).

    `report` is told of each bad line and of each ticket that one of the two cannot judge, which is left out of both;
    `ticked` how many bytes were read. Memory stays flat.
    """
    spool, found = Spool(), Comparison(by)
    try:
        spool.fill(read_history(source, report, ticked))
        for ticket, history, until, judged in _judged(spool, rules, at, report, holidays):
            found.add(ticket, history, until, judged)
    except BaseException:
        found.close()
        raise
    finally:
        spool.close()
    return found


def _judged(
    spool: Spool, rules: tuple[Rules, Rules], at: At, report: Report, holidays: HolidayProvider | None
) -> Iterator[tuple[str, Sequence[Event], datetime, Sequence[Judged]]]:
    """Each ticket with its history, as of when it was judged, and what came of it under both rules."""
    bursts = [spooled_bursts(spool, each) for each in rules]
    for ticket, lines in spooled_histories(spool, report):
        until = lines[-1].event.at if at == "last" else at
        if lines[0].event.at > until:
            continue
        histories = [events_of(lines, begun.get(ticket)) for begun in bursts]
        both = zip(histories, rules, strict=True)
        try:
            judged = [evaluate_with_firings(history, each, until, holidays) for history, each in both]
        except NoOpenHours as error:
            report(Problem(0, "", f"ticket {ticket}: {error}"))
            continue
        yield ticket, histories[0], until, judged


def _targets(evaluation: Evaluation) -> list[Timer]:
    return [timer for timer in evaluation.timers if isinstance(timer.kind, Target)]


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
                "due_at": _due(pair[0]),
                "other_due_at": _due(pair[1]),
                "stopped_at": to_text(stopped[0]) if stopped[0] is not None else None,
            }


def _due(timer: Timer | None) -> str | None:
    return to_text(timer.due_at) if timer is not None and timer.due_at is not None else None


def _ordered(names: Iterable[str | None], by: By | None) -> list[Any]:
    """The groups by name, those without one last; priorities from urgent down."""
    if by is By.PRIORITY:
        present = set(names)
        return [priority.value for priority in reversed(Priority) if priority.value in present]
    return sorted(names, key=lambda name: (name is None, name or ""))
