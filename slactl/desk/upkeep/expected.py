"""Calculate the expected columns of a ticket and its timers from its history, and compare them with the stored ones.

Some columns depend on the instant at which they were calculated: a running timer becomes late, an acknowledgement ends.
A stored value is right if the history gives it as of its last event or as of now, or if it is a number in between.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from slactl.clock import from_text, to_text
from slactl.desk.ledger.projection import TimerContext, identity_columns, outcome_rows, ticket_columns, timer_rows
from slactl.sla.enums import Condition, EventType, Target
from slactl.sla.escalation.levels import FiringKey
from slactl.sla.escalation.renumbering import BreachKey, counted, missed_cycle
from slactl.sla.history.effective import retracted_names
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.evaluate import evaluate
from slactl.sla.timers.timer import Evaluation, TimerState
from slactl.store.read.audit import Stored, facts_of
from slactl.store.schema.events import ACTIONS, name_of

Row = dict[str, Any]

#: The columns of `outcome` that do not follow from the history alone.
NOT_OF_OUTCOMES = {"id", "detected_at"}

#: The columns of `timer` that do not follow from the history alone: next instants depend on today's levels.
NOT_OF_HISTORY = ("id", "next_at")
#: The columns of `ticket` and `timer` that were added later, and what an older row has there until its ticket changes.
LATER_OF_TICKET: Row = dict.fromkeys(("wakes_at", "woken_due_at", "woken_due_target"))
LATER: Row = dict.fromkeys(("paused_seconds", "closed_seconds", "wakes_at", "woken_state", "woken_due_at"))
#: The columns of `timer` that, like its outcomes, may be those of before an upgrade.
NUMBERED = ("arming", "agreement", "counted")

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
        return f"{self.column} of {self.row} is {shown(self.stored)}, but by its history it is {shown(self.expected)}"


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
    detected: Mapping[BreachKey, Sequence[str]]
    fired: set[FiringKey]

    @property
    def noticed(self) -> dict[BreachKey, str]:
        """Return when each breach was noticed last."""
        return {key: instants[-1] for key, instants in self.detected.items()}

    def timers(self, number: int, rules: Rules | None) -> dict[tuple[str, int], Row]:
        """Return the rows of the timers by kind and cycle; with today's rules also their next instants."""
        context = TimerContext(rules, self.fired, self.noticed, set(Condition))
        return {(row["kind"], row["cycle"]): row for row in timer_rows(number, self.evaluation, context)}


def expected_rows(kept: Stored, context: AuditContext, at: datetime | None = None) -> ExpectedRows:
    """Return what the history of a ticket gives as of an instant (default: now, or its last event if that is later).

    Raises:
        ValueError: there is no history, or it does not begin with the opening of the ticket.
        RulesError: the rules that it is pinned to are not there.
    """
    history = kept.history
    if not history:
        raise ValueError("it has no history")
    at = at or max(context.now, history[-1].at)
    evaluation = evaluate(history, context.rules, at, context.holidays, with_outcomes=True)
    pinned = [e for e in history if e.type in (EventType.CREATED, EventType.RULES_APPLIED)]
    gone = retracted_names(history)
    fired = counted(kept.fired if not gone else list(_with_event_names(kept)), gone)
    keys = {FiringKey(*(row[name] for name in FiringKey._fields)) for row in fired}
    ticket = ticket_columns(evaluation) | identity_columns(kept.events, kept.texts, gone)
    # A breach of a deadline that moved since belongs to the cycle of the stored outcome, if one has it.
    detected: dict[BreachKey, list[str]] = {}
    for target, instant, facts in kept.breaches:
        missed = missed_cycle(evaluation, target, facts.get("due_at"))
        if missed is not None:
            detected.setdefault(BreachKey(target, *missed), []).append(instant)
    noticed = {(target, instant) for target, instant, _ in kept.breaches}
    for outcome in kept.outcomes or ():
        if (outcome["kind"], outcome["detected_at"]) in noticed:
            key = BreachKey(outcome["kind"], outcome["cycle"], outcome["agreement"])
            detected.setdefault(key, []).append(outcome["detected_at"])
    return ExpectedRows(evaluation, ticket, pinned[-1].detail.get("rules"), detected, keys)


def _with_event_names(kept: Stored) -> Iterator[Row]:
    """Yield the decisions with the names of their events."""
    events = {row["id"]: row for row in kept.events if row["action"] == ACTIONS[EventType.ESCALATED]}
    for row in kept.fired:
        event = events.get(row["event_id"])
        yield row | {"event_name": name_of(facts_of(event["detail"]), event["hash"]) if event is not None else None}


def differences(kept: Stored, context: AuditContext, versions: Mapping[int, str]) -> list[Difference]:
    """Return where stored columns differ from the history; `versions` has the hash of each version of the rules.

    Raises:
        ValueError, RulesError: as for `expected_rows`.
    """
    late = expected_rows(kept, context)
    found = _compared(kept, late, late, versions, context.current_rules)
    # Only a ticket that seems wrong is evaluated again, as of earlier instants.
    for early in earlier_rows(kept, context) if found else ():
        left = _compared(kept, late, early, versions, context.current_rules)
        found = [each for each in left if each in found]
    return found


def earlier_rows(kept: Stored, context: AuditContext) -> Iterator[ExpectedRows]:
    """Yield the rows as of the last event, and as of the end of its status if that has passed.

    What is stored may be of either instant, because time that passed since is no change.
    """
    early = expected_rows(kept, context, kept.last_event)
    yield early
    ends_at = early.evaluation.ends_at
    if ends_at is not None and ends_at <= context.now:
        yield expected_rows(kept, context, ends_at)


def _compared(
    kept: Stored, late: ExpectedRows, early: ExpectedRows, versions: Mapping[int, str], rules: Rules | None
) -> list[Difference]:
    return [
        *_ticket_differences(kept, late, early, versions, rules),
        *_timer_differences(kept, late, early, rules),
        *_outcome_differences(kept, late),
    ]


def _ticket_differences(
    kept: Stored, late: ExpectedRows, early: ExpectedRows, versions: Mapping[int, str], rules: Rules | None
) -> Iterator[Difference]:
    row = kept.ticket
    if row is None:
        yield Difference(kept.number, f"ticket {kept.number}", "id", None, kept.number)
        return
    for name, value in late.ticket.items():
        is_older = name in LATER_OF_TICKET and row["wakes_at"] is None and rules is None
        if not is_older and not _fits(row[name], early.ticket[name], value):
            yield Difference(kept.number, f"ticket {kept.number}", name, row[name], value)
    ends_at = late.evaluation.ends_at
    if ends_at is not None and rules is not None and _is_too_late(row["next_at"], ends_at, late.evaluation.now):
        yield Difference(kept.number, f"ticket {kept.number}", "next_at", row["next_at"], to_text(ends_at))
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
            noticed = [at for (kind, *_), instants in late.detected.items() if kind == key[0] for at in instants]
            numbered = NUMBERED if kept.outcomes is None else ()
            yield from _one_timer(kept.number, stored.get(key), now.get(key), before.get(key), noticed, numbered)
            yield from _overlooked(kept.number, stored.get(key), now.get(key), late.evaluation)


def _outcome_differences(kept: Stored, late: ExpectedRows) -> Iterator[Difference]:
    """Yield the outcomes that are missing, those that do not follow from the history, and wrong columns."""
    if kept.outcomes is None:
        return
    timers = {(row["kind"], row["cycle"]): row for row in kept.timers}
    left = list(kept.outcomes)
    for row in outcome_rows(kept.number, late.evaluation, {}):
        names = row.keys() - NOT_OF_OUTCOMES
        known = next((each for each in left if all(each[name] == row[name] for name in names)), None)
        timer = timers.get((row["kind"], row["cycle"]))
        if known is not None:
            left.remove(known)
            yield from _noticed_and_counted(kept.number, known, timer, late)
        elif not _is_pending(row, timer, kept.last_event):
            yield Difference(kept.number, outcome_name(kept.number, row), "id", None, kept.number)
    for row in left:
        yield Difference(kept.number, outcome_name(kept.number, row), "id", kept.number, None)


def _is_pending(outcome: Row, timer: Row | None, last: datetime) -> bool:
    """Return whether a deadline passed since the last change: it is an outcome from the next change on."""
    if timer is None or timer["counted"] or timer["stopped_at"] is not None or outcome["stopped_at"] is not None:
        return False
    return bool(timer["agreement"] == outcome["agreement"] and from_text(outcome["missed_at"]) >= last)


def _noticed_and_counted(number: int, outcome: Row, timer: Row | None, late: ExpectedRows) -> Iterator[Difference]:
    key, noticed = BreachKey(outcome["kind"], outcome["cycle"], outcome["agreement"]), outcome["detected_at"]
    if noticed is not None and noticed not in late.detected.get(key, ()):
        yield Difference(number, outcome_name(number, outcome), "detected_at", noticed, late.noticed.get(key))
    if timer is None or timer["state"] == TimerState.UNKNOWN:
        return  # an unknown target has no deadline that reads could count
    if timer["agreement"] == outcome["agreement"] and outcome["missed_at"] is not None and not timer["counted"]:
        yield Difference(number, timer_name(number, timer), "counted", 0, 1)  # reads would count the miss twice


def outcome_name(number: int, row: Row) -> str:
    """Return what a finding calls an outcome, given its row."""
    at = row["stopped_at"] or row["missed_at"]
    return f"the outcome of the {row['kind'].replace('_', ' ')} of ticket {number} at {at}"


def _one_timer(
    number: int, row: Row | None, late: Row | None, early: Row | None, noticed: Sequence[str], skipped: Sequence[str]
) -> Iterator[Difference]:
    name = timer_name(number, row or late or {})
    if row is None or late is None:
        yield Difference(number, name, "id", row and row["id"], None)
        return
    for column, value in late.items():
        if column == "detected_at":
            if row[column] is not None and row[column] not in noticed:
                yield Difference(number, name, column, row[column], value)
        elif column in (*NOT_OF_HISTORY, *skipped) or (column in LATER and row[column] == LATER[column]):
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
    if expected and _is_too_late(row["next_at"], min(expected), evaluation.now):
        yield Difference(number, timer_name(number, row), "next_at", row["next_at"], to_text(min(expected)))


def _is_too_late(next_at: str | None, wanted: datetime, now: datetime) -> bool:
    return next_at is None or from_text(next_at) > max(wanted, now + PUT_OFF)


def timer_name(number: int, row: Row) -> str:
    """Return the name of a timer in findings, given its row."""
    return f"the {row['kind'].replace('_', ' ')} timer {row['cycle']} of ticket {number}"


def _fits(stored: Any, early: Any, late: Any) -> bool:  # noqa: ANN401  (what a column can hold)
    if stored in (early, late):
        return True
    numbers = isinstance(stored, int) and isinstance(early, int) and isinstance(late, int)
    return numbers and min(early, late) <= stored <= max(early, late)


def shown(value: Any) -> str:  # noqa: ANN401  (what a column can hold)
    """Return a value as a finding names it."""
    return "nothing" if value is None else repr(value) if isinstance(value, str) else str(value)
