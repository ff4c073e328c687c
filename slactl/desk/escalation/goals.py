"""Tell people that a miss used up the margin of a goal: once for each threshold and period."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from slactl.clock import from_text, to_text
from slactl.desk.ledger.ledger import Entry, Ledger
from slactl.desk.oncall.duty import Duty, Told
from slactl.desk.reports.objectives import Clock, Counts, missed_tickets
from slactl.sla.enums import ActorType, EventType
from slactl.sla.history.event import Event
from slactl.sla.rules.objectives.goal import Margin
from slactl.sla.rules.objectives.period import CalendarPeriod, period_of
from slactl.store.read.runs import last_fired
from slactl.store.schema.events import GOAL
from slactl.store.write import objectives as writes
from slactl.text import NOBODY

if TYPE_CHECKING:
    from slactl.records.runs import GoalAlert
    from slactl.sla.rules.objectives.model import Objective

#: How many of the missed tickets the event of an alert names.
NAMED = 20


class RunGoals:
    """Hold what one run knows of goals: what it counted, and in a dry run what it would have told.

    The counts are those of the beginning of the run. They have every deadline that has passed by then, whether or not
    the run has already been at the ticket, so that no batch of tickets changes them.
    """

    def __init__(self, *, rehearses: bool = False) -> None:
        self.counts: Counts | None = None
        self._missed: dict[tuple[str, CalendarPeriod], list[int]] = {}
        #: The goals, periods and thresholds that a dry run would have told: its transactions are rolled back.
        self.rehearsed: set[tuple[str, str, str]] | None = set() if rehearses else None

    def margin(self, book: Ledger, objective: "Objective", period: CalendarPeriod) -> Margin:
        """Return how many outcomes of a goal were kept and missed in a period, as known at the beginning of the run."""
        if self.counts is None:
            self.counts = Counts(Clock(book.now, due_soon=0), book.rulebook.current.objectives)
        return self.counts.margin(book.transaction, objective, period)

    def missed(self, book: Ledger, objective: "Objective", period: CalendarPeriod) -> list[int]:
        """Return the tickets that missed the target of a goal in a period, as known at the beginning of the run."""
        about = objective.name, period
        if about not in self._missed:
            self._missed[about] = missed_tickets(book.transaction, objective, period, book.now)
        return self._missed[about]


class Miss(NamedTuple):
    """Hold a miss that a check found: the ticket, the target, and the deadline that passed."""

    ticket: int
    target: str
    at: datetime


def alert(book: Ledger, misses: Sequence[Miss], known: RunGoals, *, tell: bool) -> "Iterator[GoalAlert]":
    """Record each threshold of a goal that these misses passed, and yield it; with `tell` its recipients get a message.

    A miss counts for the period of its deadline. A period that was over before the last complete check alerts nobody.
    """
    since: datetime | None = None
    for objective in book.rulebook.current.objectives if misses else ():
        periods: defaultdict[CalendarPeriod, list[Miss]] = defaultdict(list)
        for miss in misses if objective.notify else ():
            if miss.target == objective.target.value:
                day = miss.at.astimezone(objective.zone).date()
                periods[period_of(objective.period, day)].append(miss)
        since = since or _last_check(book)
        for period, own in periods.items():
            if period.bounds(objective.zone)[1] > since:
                yield from _alert_in(book, objective, period, own, known, tell=tell)


def _last_check(book: Ledger) -> datetime:
    """Return when the last complete check ended; now if there was none."""
    ended = last_fired(book.transaction)
    return from_text(ended) if ended is not None else book.now


def _alert_in(
    book: Ledger,
    objective: "Objective",
    period: CalendarPeriod,
    misses: Sequence[Miss],
    known: RunGoals,
    *,
    tell: bool,
) -> "Iterator[GoalAlert]":
    told_before = writes.told_thresholds(book.transaction, objective.name, period.name)
    own = objective.name, period.name
    told_before |= {threshold for *goal, threshold in known.rehearsed or () if tuple(goal) == own}
    if not (left := [each for each in objective.notify_at.thresholds if each not in told_before]):
        return
    margin = known.margin(book, objective, period)
    if not (passed := [threshold for threshold in left if objective.notify_at.is_passed(threshold, margin)]):
        return
    missed = known.missed(book, objective, period)
    numbers = {miss.ticket for miss in misses}.intersection(missed)
    if not (concerned := [miss for miss in misses if miss.ticket in numbers]):
        return
    if known.rehearsed is not None:
        known.rehearsed |= {(*own, threshold) for threshold in passed}
    cause = max(concerned, key=lambda miss: (miss.at, miss.ticket))
    told = _told(book, objective) if tell else Told([], {})
    found: GoalAlert = {
        **_figures(objective, margin),
        "period": period.name,
        "thresholds": passed,
        "tickets": missed[-NAMED:],
        "ticket_id": cause.ticket,
        "told": [name for name in told.names if name != NOBODY],
    }
    if tell:
        detail = {name: value for name, value in found.items() if name not in ("ticket_id", "told")}
        event = Event(book.now, EventType.NOTE, detail | told.stand_ins, "slactl", ActorType.SYSTEM)
        book.append(cause.ticket, Entry(event, action=GOAL), told.names)
    writes.note_told(book.transaction, objective.name, period.name, passed, to_text(book.now))
    yield found


def _told(book: Ledger, objective: "Objective") -> Told:
    duty = Duty.of(book, book.now)
    found = (holder for name in objective.notify for holder in duty.recipients(name))
    return Told.of(duty.rules, found).or_nobody()


def _figures(objective: "Objective", margin: Margin) -> "GoalAlert":
    return {  # type: ignore[typeddict-item]  # the caller adds the rest
        "objective": objective.name,
        "goal": str(objective.goal),
        "kept": margin.kept,
        "missed": margin.missed,
        "spare": margin.spare,
        "needed": margin.needed,
    }
