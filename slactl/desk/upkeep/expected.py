"""Calculate the expected columns of a ticket and its timers from its history, and compare them with the stored ones.

Some columns depend on the instant at which they were calculated: a running timer becomes late, an acknowledgement ends.
A stored value is right if the history gives it as of its last event or as of now, or if it is a number in between.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from slactl.clock import from_text, to_text
from slactl.desk.ledger.projection import TimerContext, ticket_columns, timer_rows
from slactl.sla.enums import Condition, EventType, Target
from slactl.sla.escalation.levels import FiringKey
from slactl.sla.escalation.renumbering import missed_cycle
from slactl.sla.history.event import Event
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.evaluate import evaluate
from slactl.sla.timers.timer import Evaluation
from slactl.store.read.audit import Stored
from slactl.store.schema.events import BREACH, OF_HISTORY, from_row

Row = dict[str, Any]

#: The kind and the cycle of a timer.
TimerKey = tuple[str, int]

#: The columns of `timer` that do not follow from the history alone: next instants depend on today's levels.
NOT_OF_HISTORY = ("id", "next_at")

#: The columns of `timer` that were added later: null in an older row until its ticket changes.
LATER = ("paused_seconds", "closed_seconds")

#: The columns of `ticket` with a text that a person wrote.
WRITTEN = ("subject", "requester_email")

#: A check retries a ticket that failed an hour later; a day is more than that, however far two clocks differ.
PUT_OFF = timedelta(days=1)


class Difference(NamedTuple):
    """A column whose stored value differs from the history; `row` names the ticket or one of its timers."""

    ticket_id: int
    row: str
    column: str
    stored: Any
    expected: Any

    def __str__(self) -> str:
        if self.column == "id":
            return f"{self.row} is missing" if self.stored is None else f"{self.row} does not follow from the history"
        return f"{self.column} of {self.row} is {shown(self.stored)}, but {shown(self.expected)} by its history"


@dataclass(frozen=True, slots=True)
class AuditContext:
    """The context in which a history is evaluated: every version of the rules, the holidays, and now.

    `current_rules` are today's rules where every next instant was calculated with them.
    """

    rules: Callable[[str | None], Rules]
    holidays: Any
    now: datetime
    current_rules: Rules | None = None


@dataclass(frozen=True, slots=True)
class ExpectedRows:
    """The expected rows of one ticket: its own without `rules_version`, its rules' hash, and those of its timers."""

    evaluation: Evaluation
    ticket: Row
    rules: str | None
    detected: Mapping[TimerKey, Sequence[str]]
    fired: set[FiringKey]

    def timers(self, number: int, rules: Rules | None) -> dict[TimerKey, Row]:
        """Return the rows of the timers by kind and cycle; with today's rules also their next instants."""
        detected = {key: instants[-1] for key, instants in self.detected.items()}
        context = TimerContext(rules, self.fired, detected, set(Condition))
        return {(row["kind"], row["cycle"]): row for row in timer_rows(number, self.evaluation, context)}


def expected_rows(kept: Stored, context: AuditContext, at: datetime | None = None) -> ExpectedRows:
    """Return what the history of a ticket gives as of an instant (default: now, or its last event if that is later).

    Raises:
        ValueError: there is no history, or it does not begin with the opening of the ticket.
        RulesError: the rules that it is pinned to are not there.
    """
    history = _history(kept)
    if not history:
        raise ValueError("it has no history")
    at = at or max(context.now, history[-1].at)
    evaluation = evaluate(history, context.rules, at, context.holidays)
    pinned = [e for e in history if e.type in (EventType.CREATED, EventType.RULES_APPLIED)]
    keys = {FiringKey(*(row[name] for name in FiringKey._fields)) for row in kept.fired}
    identity: Row = dict.fromkeys(("external_id", *WRITTEN))
    for row in sorted(kept.events, key=lambda row: row["id"]):
        detail = row["detail"]
        if '"external_id"' in detail or "_hash" in detail:
            facts = _facts(detail)
            identity |= {"external_id": facts["external_id"]} if "external_id" in facts else {}
            identity |= {name: kept.texts.get((row["id"], name)) for name in WRITTEN if f"{name}_hash" in facts}
    ticket = ticket_columns(evaluation) | identity
    return ExpectedRows(evaluation, ticket, pinned[-1].detail.get("rules"), _detected(kept, evaluation), keys)


def differences(kept: Stored, context: AuditContext, versions: Mapping[int, str]) -> list[Difference]:
    """Return where stored columns differ from the history; `versions` has the hash of each version of the rules.

    Raises:
        ValueError, RulesError: as for `expected_rows`.
    """
    late = expected_rows(kept, context)
    found = _compared(kept, late, late, versions, context.current_rules)
    if found:
        # Only a ticket that seems wrong is evaluated a second time, as of its last event.
        early = expected_rows(kept, context, last_event(kept))
        found = _compared(kept, late, early, versions, context.current_rules)
    return found


def _compared(
    kept: Stored, late: ExpectedRows, early: ExpectedRows, versions: Mapping[int, str], rules: Rules | None
) -> list[Difference]:
    return [*_ticket_differences(kept, late, early, versions), *_timer_differences(kept, late, early, rules)]


def _ticket_differences(
    kept: Stored, late: ExpectedRows, early: ExpectedRows, versions: Mapping[int, str]
) -> Iterator[Difference]:
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


def _timer_differences(
    kept: Stored, late: ExpectedRows, early: ExpectedRows, rules: Rules | None
) -> Iterator[Difference]:
    now = late.timers(kept.number, rules)
    before = now if early is late else early.timers(kept.number, rules)
    stored = {(row["kind"], row["cycle"]): row for row in kept.timers}
    for key in [*stored, *(key for key in now if key not in stored)]:
        # A condition has a timer only if an escalation rule of today watches it.
        if key in stored or key[0] not in tuple(Condition):
            # The cycle of a breach is found by its deadline, which may have moved since.
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
    """Yield a breach that was not detected, or a level of today's rules, that no check would examine in time."""
    if row is None:
        return
    expected = []
    missed = row["breached_at"] or (row["due_at"] if row["stopped_at"] is None else None)
    if row["kind"] in tuple(Target) and row["detected_at"] is None and missed is not None:
        expected.append(from_text(missed) + timedelta(seconds=1))
    # No check returns to a ticket that was done for a level that came to the rules later.
    if late is not None and late["next_at"] is not None and not (evaluation.status.is_done and row["next_at"] is None):
        expected.append(from_text(late["next_at"]))
    if expected:
        at = min(expected)
        if row["next_at"] is None or from_text(row["next_at"]) > max(at, evaluation.now + PUT_OFF):
            yield Difference(number, timer_name(number, row), "next_at", row["next_at"], to_text(at))


def timer_name(number: int, row: Row) -> str:
    """Return the name of a timer in findings, given its row."""
    return f"the {row['kind'].replace('_', ' ')} timer {row['cycle']} of ticket {number}"


def _fits(stored: Any, early: Any, late: Any) -> bool:  # noqa: ANN401  (what a column can hold)
    if stored in (early, late):
        return True
    numbers = isinstance(stored, int) and isinstance(early, int) and isinstance(late, int)
    return numbers and min(early, late) <= stored <= max(early, late)


def last_event(kept: Stored) -> datetime:
    """Return when the last event that a ticket's columns follow from took effect.

    Raises:
        ValueError: there is no history.
    """
    return max(event.at for event in _history(kept))


def _history(kept: Stored) -> list[Event]:
    rows = (row for row in kept.events if row["action"] in OF_HISTORY)
    events = (from_row(e["at"], e["actor"], e["actor_type"], e["action"], e["detail"]) for e in rows)
    return [event for event in events if event is not None]


def _detected(kept: Stored, evaluation: Evaluation) -> dict[TimerKey, list[str]]:
    """Return when each breach was detected, by target and cycle.

    A breach of a deadline that moved since belongs to the cycle of the stored timer, if one has it.
    """
    detected: dict[TimerKey, list[str]] = {}
    breaches: set[tuple[str, str]] = set()
    for row in kept.events:
        if row["action"] == BREACH:
            facts = _facts(row["detail"])
            target = str(facts.get("target"))
            cycle = missed_cycle(evaluation, target, facts.get("due_at"))
            if cycle is not None:
                detected.setdefault((target, cycle), []).append(row["at"])
            breaches.add((target, row["at"]))
    for timer in kept.timers:
        if (timer["kind"], timer["detected_at"]) in breaches:
            detected.setdefault((timer["kind"], timer["cycle"]), []).append(timer["detected_at"])
    return detected


def _facts(detail: str) -> Row:
    import json

    found = json.loads(detail)
    return found if isinstance(found, dict) else {}


def shown(value: Any) -> str:  # noqa: ANN401  (what a column can hold)
    """Return a value as a finding names it."""
    return "nothing" if value is None else repr(value) if isinstance(value, str) else str(value)
