"""The cache: what the columns of a ticket and its timers must be by its history, and where the stored ones differ.

Some columns hang on the instant at which they were computed: a running timer becomes late, an acknowledgement ends.
A stored value is right when it is what the history says as of its last event, or as of now, or a number in between.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from slactl.clock import from_text, to_text
from slactl.desk.columns import TimerContext, ticket_columns, timer_rows
from slactl.sla.cycles import missed_cycle
from slactl.sla.enums import Condition, EventType, Target
from slactl.sla.evaluation import Evaluation
from slactl.sla.history import Event
from slactl.sla.ladders import FiringKey
from slactl.sla.rules import Rules
from slactl.sla.timers import evaluate
from slactl.store.audit import Stored
from slactl.store.events import BREACH, OF_HISTORY, from_row

Row = dict[str, Any]

#: The columns of `timer` that do not follow from the history: which hang on today's ladders, and numbers of rows.
NOT_OF_HISTORY = ("id", "next_at")

#: The columns of `timer` that came later: null in an older row until its ticket changes next.
LATER = ("paused_seconds", "closed_seconds")

#: The columns of `ticket` that are what a person wrote.
WRITTEN = ("subject", "requester_email")

#: A ticket that fails is put off by an hour; a day is more than that on whatever clocks it was done and is looked at.
PUT_OFF = timedelta(days=1)


class Difference(NamedTuple):
    """A column that is stored with another value than the history gives; `row` is the ticket or one of its timers."""

    ticket_id: int
    row: str
    column: str
    stored: Any
    expected: Any

    def __str__(self) -> str:
        if self.column == "id":
            return f"{self.row} is missing" if self.stored is None else f"{self.row} is in no history"
        return f"{self.column} of {self.row} is {shown(self.stored)}, by its history {shown(self.expected)}"


@dataclass(frozen=True, slots=True)
class Law:
    """What a history is judged by: every version of the rules, the holidays, and now.

    `ladders` are today's rules where every next instant was computed with them.
    """

    rules: Callable[[str | None], Rules]
    holidays: Any
    now: datetime
    ladders: Rules | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """What one history gives: the ticket's row without `rules_version`, its rules' hash, and its timers' rows."""

    evaluation: Evaluation
    ticket: Row
    rules: str | None
    detected: Mapping[tuple[str, int], Sequence[str]]
    fired: set[FiringKey]

    def timers(self, number: int, rules: Rules | None, now: datetime, watched: Collection[str]) -> list[Row]:
        """The rows of the timers; with today's rules also their next instants."""
        detected = {key: instants[-1] for key, instants in self.detected.items()}
        context = TimerContext(rules, self.fired, detected, set(watched))
        return list(timer_rows(number, self.evaluation, context))


def truth(kept: Stored, law: Law, at: datetime | None = None) -> Truth:
    """What the history of a ticket gives as of an instant (default: now, or its last event where that is later).

    Raises:
        ValueError: there is no history, or it does not begin with the opening of the ticket.
        RulesError: the rules it is judged under are not there.
    """
    history = _history(kept)
    if not history:
        raise ValueError("it has no history")
    at = at or max(law.now, history[-1].at)
    evaluation = evaluate(history, law.rules, at, law.holidays)
    pinned = [e for e in history if e.type in (EventType.CREATED, EventType.RULES_APPLIED)]
    keys = {FiringKey(*(row[name] for name in FiringKey._fields)) for row in kept.fired}
    ticket = ticket_columns(evaluation) | _identity(kept)
    return Truth(evaluation, ticket, pinned[-1].detail.get("rules"), _detected(kept, evaluation), keys)


def differences(kept: Stored, law: Law, versions: Mapping[int, str]) -> list[Difference]:
    """Where the stored columns do not follow from the history; `versions` has the hash of each version of the rules.

    Raises:
        ValueError, RulesError: as for `truth`.
    """
    late = truth(kept, law)
    found = _compare(kept, late, late, versions, law.ladders)
    if found:
        # Only a ticket that seems wrong is judged a second time, as of its last event.
        found = _compare(kept, late, truth(kept, law, last_event(kept)), versions, law.ladders)
    return found


def _compare(
    kept: Stored, late: Truth, early: Truth, versions: Mapping[int, str], ladders: Rules | None
) -> list[Difference]:
    return [*_ticket_differences(kept, late, early, versions), *_timer_differences(kept, late, early, ladders)]


def _ticket_differences(kept: Stored, late: Truth, early: Truth, versions: Mapping[int, str]) -> Iterator[Difference]:
    row = kept.ticket
    if row is None:
        yield Difference(kept.number, f"ticket {kept.number}", "id", None, kept.number)
        return
    for name, value in late.ticket.items():
        if not _fits(row[name], early.ticket[name], value):
            yield Difference(kept.number, f"ticket {kept.number}", name, row[name], value)
    stored = versions.get(row["rules_version"])
    if late.rules is not None and stored != late.rules:
        yield Difference(kept.number, f"ticket {kept.number}", "rules_version", stored, late.rules)


def _timer_differences(kept: Stored, late: Truth, early: Truth, ladders: Rules | None) -> Iterator[Difference]:
    everything = tuple(Condition)
    now, *others = (
        {(row["kind"], row["cycle"]): row for row in each.timers(kept.number, ladders, each.evaluation.now, everything)}
        for each in ([late] if early is late else [late, early])
    )
    before = others[0] if others else now
    stored = {(row["kind"], row["cycle"]): row for row in kept.timers}
    for key in [*stored, *(key for key in now if key not in stored)]:
        # Which conditions have a timer hangs on which of them today's ladders watch.
        if key in stored or key[0] not in everything:
            # Which cycle a breach was of is told by its deadline, and that may have moved since.
            noticed = [at for (kind, _), instants in late.detected.items() if kind == key[0] for at in instants]
            yield from _one_timer(kept.number, stored.get(key), now.get(key), before.get(key), noticed)
            yield from _overlooked(kept.number, stored.get(key), now.get(key), late.evaluation)


def _one_timer(
    number: int, row: Row | None, late: Row | None, early: Row | None, noticed: Sequence[str]
) -> Iterator[Difference]:
    name = timer_name(number, row or late or {})
    if row is None or late is None:
        yield Difference(number, name, "id", row and row["id"], None)
        return
    for column, value in late.items():
        if column == "detected_at":
            if row[column] is not None and row[column] not in noticed:
                yield Difference(number, name, column, row[column], value)
        elif column in NOT_OF_HISTORY or (column in LATER and row[column] is None):
            continue
        elif not _fits(row[column], (early or late)[column], value):
            yield Difference(number, name, column, row[column], value)


def _overlooked(number: int, row: Row | None, late: Row | None, evaluation: Evaluation) -> Iterator[Difference]:
    """Tell a breach that nobody noticed, or a level of today's ladders, that no check would look for in time."""
    if row is None:
        return
    expected = []
    missed = row["breached_at"] or (row["due_at"] if row["stopped_at"] is None else None)
    if row["kind"] in tuple(Target) and row["detected_at"] is None and missed is not None:
        expected.append(from_text(missed) + timedelta(seconds=1))
    # A level that came to the rules when the ticket was over is nothing anybody goes back to it for.
    if late is not None and late["next_at"] is not None and not (evaluation.status.is_done and row["next_at"] is None):
        expected.append(from_text(late["next_at"]))
    if expected:
        at = min(expected)
        if row["next_at"] is None or from_text(row["next_at"]) > max(at, evaluation.now + PUT_OFF):
            yield Difference(number, timer_name(number, row), "next_at", row["next_at"], to_text(at))


def timer_name(number: int, row: Row) -> str:
    """What a finding calls a timer, given its row."""
    return f"the {row['kind'].replace('_', ' ')} timer {row['cycle']} of ticket {number}"


def _fits(stored: Any, early: Any, late: Any) -> bool:  # noqa: ANN401  (what a column can hold)
    if stored in (early, late):
        return True
    numbers = isinstance(stored, int) and isinstance(early, int) and isinstance(late, int)
    return numbers and min(early, late) <= stored <= max(early, late)


def last_event(kept: Stored) -> datetime:
    """When the last of what a ticket's columns follow from took effect.

    Raises:
        ValueError: there is no history.
    """
    return max(event.at for event in _history(kept))


def _history(kept: Stored) -> list[Event]:
    told = (e for e in kept.events if e["action"] in OF_HISTORY)
    found = [from_row(e["at"], e["actor"], e["actor_type"], e["action"], e["detail"]) for e in told]
    return [event for event in found if event is not None]


def _identity(kept: Stored) -> Row:
    """What persons said last of the ticket; nothing where those words were erased."""
    found: Row = dict.fromkeys(("external_id", *WRITTEN))
    for row in sorted(kept.events, key=lambda row: row["id"]):
        detail = row["detail"]
        if '"external_id"' in detail or "_hash" in detail:
            facts = _facts(detail)
            found |= {"external_id": facts["external_id"]} if "external_id" in facts else {}
            found |= {name: kept.texts.get((row["id"], name)) for name in WRITTEN if f"{name}_hash" in facts}
    return found


def _detected(kept: Stored, evaluation: Evaluation) -> dict[tuple[str, int], list[str]]:
    """When each breach was noticed, as often as it was.

    What was noticed of a deadline that moved since is of the cycle that is stored with it, if of any.
    """
    found: dict[tuple[str, int], list[str]] = {}
    told: set[tuple[str, str]] = set()
    for row in kept.events:
        if row["action"] == BREACH:
            facts = _facts(row["detail"])
            target = str(facts.get("target"))
            cycle = missed_cycle(evaluation, target, facts.get("due_at"))
            if cycle is not None:
                found.setdefault((target, cycle), []).append(row["at"])
            told.add((target, row["at"]))
    for timer in kept.timers:
        if (timer["kind"], timer["detected_at"]) in told:
            found.setdefault((timer["kind"], timer["cycle"]), []).append(timer["detected_at"])
    return found


def _facts(detail: str) -> Row:
    import json

    found = json.loads(detail)
    return found if isinstance(found, dict) else {}


def shown(value: Any) -> str:  # noqa: ANN401  (what a column can hold)
    """A value as a finding tells it."""
    return "nothing" if value is None else repr(value) if isinstance(value, str) else str(value)
