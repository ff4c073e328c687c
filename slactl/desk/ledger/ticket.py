"""A ticket within one write transaction: its stored rows, and its changes so far."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from slactl.clock import from_text, to_text
from slactl.sla.enums import Condition, EventType, LevelOutcome
from slactl.sla.escalation.levels import FiringKey, Walk
from slactl.sla.escalation.renumbering import (
    BreachKey,
    Cycle,
    Decision,
    breaches_of,
    counted,
    cycles_of,
    renumbered,
    renumbered_breaches,
)
from slactl.sla.history.effective import retracted_names
from slactl.sla.history.event import Event
from slactl.sla.timers.evaluate import Reading
from slactl.sla.timers.timer import Evaluation, Outcome

if TYPE_CHECKING:
    from slactl.desk.ledger.rulebook import Rulebook


@dataclass(slots=True)
class LoadedTicket:
    """One ticket; `timers`, `outcomes` and `decisions` are rows as they are stored, the rest is as it will be."""

    history: list[Event]
    timers: list[dict[str, Any]]
    outcomes: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    #: The row of `ticket` that was read; its version tells whether somebody else changed the ticket since.
    stored: Mapping[str, Any] = field(default_factory=dict)
    #: The version of the rules that the ticket is pinned to from now on; None leaves it.
    pin: int | None = None
    is_new: bool = False
    #: Whether the past changed since the decisions were numbered.
    is_rewritten: bool = False
    state: Evaluation | None = None
    #: The history as it was read for `state`, and the events to be read after it.
    reading: Reading | None = None
    unread: list[Event] = field(default_factory=list)
    #: When its levels become due by the rules in force.
    walk: Walk = field(default_factory=Walk)
    identity: dict[str, Any] = field(default_factory=dict)
    #: The cycles by which decisions and breaches are numbered; None means the cycles of the stored timers.
    spans: list[Cycle] | None = None
    #: The keys of every decided level, and the rows of those that were decided in this transaction.
    fired: set[FiringKey] = field(init=False)
    decided_now: list[dict[str, Any]] = field(default_factory=list)
    #: The ids that events of this transaction brought along.
    names: dict[int, str | None] = field(default_factory=dict)
    #: Whether events were retracted in this transaction.
    retracts: bool = False
    #: When the breach of each cycle was noticed: before, and in this transaction.
    noticed: dict[BreachKey, str] = field(init=False)
    noticed_now: dict[BreachKey, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._count()
        self.noticed = {_breach(row): row["detected_at"] for row in self.outcomes if row["detected_at"]}

    def decide(self, row: dict[str, Any]) -> None:
        """Add a decision about a level, given as its row."""
        self.decided_now.append(row | {"event_name": self.names.get(row["event_id"])})
        self.fired.add(_key(row))
        if row["source"] == "manual":
            self._count()

    def _count(self) -> None:
        """Find the decisions that count: a person's escalation may be retracted."""
        rows = [*self.decisions, *self.decided_now]
        self.fired = {_key(row) for row in counted(rows, retracted_names(self.history))}

    @property
    def detected(self) -> dict[BreachKey, str]:
        """Return when the breach of each cycle was noticed."""
        return self.noticed | self.noticed_now

    def evaluated(self) -> Evaluation:
        """Return the result of the evaluation, which must have been made before."""
        assert self.state is not None
        return self.state

    def reached(self) -> Sequence[Outcome]:
        """Return the outcomes of the ticket, which must have been evaluated before."""
        assert self.reading is not None
        return self.reading.outcomes()

    def evaluate(self, now: datetime, rules: "Rulebook", conditions: Collection[Condition]) -> Evaluation:
        """Evaluate the history as of now; events that others wrote since the clock was read count too.

        The history is read again only if the new events do not simply follow what was read of it before.

        Raises:
            ValueError, NoOpenHours: as `sla.timers.evaluate`.
        """
        reading, self.reading = self.reading, None
        if reading is None:
            at = max(now, self.history[-1].at) if self.history else now
            reading = Reading(self.history, rules.version, at, rules.holidays, conditions)
        else:
            for event in self.unread:
                reading.read(event)
        self.unread.clear()
        self.state = reading.evaluation()
        self.reading = reading
        return self.state

    def insert(self, event: Event, number: int) -> None:
        """Put an event of this number at its place in time: after every event that took effect by then."""
        self.names[number] = event.id
        position = bisect_right(self.history, event.at, key=lambda known: known.at)
        # An event in the second of a decision can end an episode without any duration, which removes the episode.
        at = to_text(event.at) if self.decisions else ""
        decided = any(row["fired_at"] >= at for row in self.decisions)
        self.is_rewritten = self.is_rewritten or decided or position < len(self.history)
        self.history.insert(position, event)
        self.state = None
        if self.reading is not None and position == len(self.history) - 1 and self.reading.follows(event):
            self.unread.append(event)
        else:
            self.reading = None
        if event.type is EventType.RETRACTED:
            self.retracts = self.is_rewritten = True
            self._count()

    def renumber(self, state: Evaluation) -> dict[int, int]:
        """Give decisions and noticed breaches the numbers of their cycles; return the new cycle of each that moved."""
        before, now = self.spans or [_span(row) for row in self.timers], cycles_of(state)
        decisions = [
            Decision(row["id"], _key(row), running_instant(row), once=row["source"] == "automatic")
            for row in self.decisions
        ]
        keys = renumbered(decisions, before, now, set(map(_key, self.decided_now)))
        moved = {decision.id: keys[decision.id].cycle for decision in decisions if keys[decision.id] != decision.key}
        self.decisions = [row | {"cycle": keys[row["id"]].cycle} for row in self.decisions]
        self._count()
        deadlines = {_breach(row): row["missed_at"] for row in self.outcomes if row["missed_at"]}
        self.noticed = renumbered_breaches(self.noticed, before, now, deadlines, breaches_of(state))
        self.spans, self.is_rewritten = now, False
        return moved


#: Picks the fields of a key from a row.
_KEY = itemgetter(*FiringKey._fields)


def _breach(row: dict[str, Any]) -> BreachKey:
    return BreachKey(row["kind"], row["cycle"], row["agreement"])


def _key(row: Mapping[str, Any]) -> FiringKey:
    return FiringKey._make(_KEY(row))


def _span(row: dict[str, Any]) -> Cycle:
    stop = from_text(row["stopped_at"]) if row["stopped_at"] is not None else None
    return Cycle(row["kind"], row["cycle"], from_text(row["started_at"]), stop)


def running_instant(row: dict[str, Any]) -> datetime:
    """Return an instant at which the cycle of a decision ran: a level may have expired only after its end."""
    at = from_text(row["fired_at"])
    at_firing = row["outcome"] in (LevelOutcome.FIRED, LevelOutcome.SKIPPED) or row["due_at"] is None
    return at if at_firing else min(at, from_text(row["due_at"]))
