"""Importing histories: what is not there yet is appended, in batches, each in one write transaction.

An event is known by its ticket, instant, type and value, and its ordinal among equals: importing a file again
changes nothing, and a longer export of the same tickets adds only what is new.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO

from slactl.clock import to_text
from slactl.config import Config
from slactl.desk.bursts import begun_bursts
from slactl.desk.firing import fire_due, note_breaches
from slactl.desk.intake import Problem, events_of, read_history, read_rows
from slactl.desk.intake_map import Map
from slactl.desk.ledger import Entry, Ledger, ledger
from slactl.sla.history import Condition, EventType, Status
from slactl.sla.history_fields import LineError
from slactl.sla.history_file import Line, in_order, parse_line, parse_record
from slactl.sla.ladders import FiringKey
from slactl.sla.rules import load
from slactl.store import writes
from slactl.store.events import BREACH, DEADLINES
from slactl.store.models import Tenant
from slactl.store.spool import Spool
from slactl.store.words import Outcome

#: Tickets in one write transaction.
BATCH = 500


@dataclass(slots=True)
class Imported:
    """What an import did."""

    opened: int = 0
    changed: int = 0
    events: int = 0
    bad: int = 0
    warnings: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """What is imported, and how: a map, or None for a history; nothing after `until` counts."""

    stream: BinaryIO
    how: Map | None = None
    until: datetime | None = None


def import_file(
    config: Config,
    now: datetime,
    source: Source,
    report: Callable[[Problem], None],
    ticked: Callable[[int], None] = lambda _: None,
    *,
    baseline: bool = False,
    dry_run: bool = False,
) -> Imported:
    """Import a file; `report` is told of each bad row, `ticked` how many bytes were read.

    Raises:
        UsageError: the file is not what the map says it is.
        RulesError: the rules are invalid.
        DatabaseError: the database cannot be written.
    """
    done, spool = Imported(), Spool()

    def count(problem: Problem) -> None:
        done.warnings += problem.warning
        done.bad += not problem.warning
        report(problem)

    try:
        if source.how is None:
            spool.fill(read_history(source.stream, count, ticked))
        else:
            spool.fill(read_rows(source.stream, source.how, count, ticked))
        bursts = _bursts(config, spool, source, now)
        tickets = ((name, lines, bursts.get(name, ())) for name, lines in spool.tickets())
        _take_in(config, now, source, tickets, done, count, baseline=baseline, dry_run=dry_run)
    finally:
        spool.close()
    return done


def _take_in(
    config: Config,
    now: datetime,
    source: Source,
    tickets: Iterator[tuple[str, list[tuple[int, str]], Sequence[str]]],
    done: Imported,
    report: Callable[[Problem], None],
    *,
    baseline: bool,
    dry_run: bool,
) -> None:
    """Batch after batch; a dry run does them all in one transaction that is rolled back."""
    plans: set[str] = set()
    while batch := list(islice(tickets, BATCH)):
        with ledger(config, now, keep=not dry_run, strict=True) as book:
            while batch:
                histories = {
                    name: _with_bursts(_history(name, lines, source, now, report), begun)
                    for name, lines, begun in batch
                }
                _merge(book, histories, done, _PlanWarnings(book, plans, report), baseline=baseline)
                batch = list(islice(tickets, BATCH)) if dry_run else []
                book.settle()


def _bursts(config: Config, spool: Spool, source: Source, now: datetime) -> dict[str, list[str]]:
    """The bursts that tickets of the file begin among themselves, by ticket; the file is read once more for them."""
    rules = load(config.rules)
    if not any(escalation.on is Condition.BURST for escalation in rules.escalations):
        return {}
    read = ((name, _history(name, lines, source, now, lambda _: None)) for name, lines in spool.tickets())
    return begun_bursts((each for each in read if each[1]), rules)


def _with_bursts(history: list[Line], begun: Sequence[str]) -> list[Line]:
    """The history, in which the ticket says what it begins, unless it says so itself."""
    if not history or not begun or "bursts" in history[0].event.detail:
        return history
    created = history[0].event
    return [replace(history[0], event=replace(created, detail={**created.detail, "bursts": list(begun)})), *history[1:]]


def _history(
    name: str, lines: Sequence[tuple[int, str]], source: Source, now: datetime, report: Callable[[Problem], None]
) -> list[Line]:
    """The events of one ticket in the order of time, without those that do not fit or come too late."""
    numbered: list[tuple[int, Line]] = []
    for number, text in _as_lines(lines, source.how, report):
        try:
            line = parse_line(text) if isinstance(text, str) else parse_record(text)
        except LineError as error:
            report(Problem(number, error.field, error.reason))
            continue
        if line.event.at > now:
            report(Problem(number, "at", f"{to_text(line.event.at)} lies in the future"))
        elif source.until is None or line.event.at <= source.until:
            numbered.append((number, line))
    history, problems = in_order(numbered)
    for number, unfit in problems:
        report(Problem(number, unfit.field, unfit.reason))
    return history


def _as_lines(
    lines: Sequence[tuple[int, str]], how: Map | None, report: Callable[[Problem], None]
) -> Iterator[tuple[int, str | Mapping[str, Any]]]:
    if how is None:
        yield from lines
        return
    rows = [(number, json.loads(text)) for number, text in lines]
    opened = rows[0][1]["created_at"]
    for number, row in rows:
        if how.kind == "events" and row["at"] < opened:
            why = f"{row['at']} is before the ticket was created; taken as {opened}"
            report(Problem(number, how.columns.get("at", "at"), why, warning=True))
    yield from events_of(rows, how)


class _PlanWarnings:
    """One warning for each plan that no policy names."""

    def __init__(self, book: Ledger, told: set[str], report: Callable[[Problem], None]) -> None:
        self._known = set(book.rulebook.current.plans())
        self._told, self._report = told, report

    def check(self, plan: str) -> None:
        """Warn about a plan, once."""
        if plan not in self._known and plan not in self._told:
            self._told.add(plan)
            self._report(
                Problem(0, "plan", f"no policy names the plan {plan!r}; the catch-all serves it", warning=True)
            )


def _merge(
    book: Ledger, histories: Mapping[str, list[Line]], done: Imported, plans: _PlanWarnings, *, baseline: bool
) -> None:
    """Append what is not there yet."""
    wanted = {name: history for name, history in histories.items() if history}
    numbers = writes.numbers_of(book.connection, list(wanted))
    known = writes.identities(book.connection, list(numbers.values()))
    book.load(list(numbers.values()))
    for name, history in wanted.items():
        number = numbers.get(name)
        before = done.events
        if number is None:
            number = _open(book, name, history[0], plans)
            done.opened += 1
            done.events += 1
            _append(book, number, history[1:], Counter(), Status(book.state(number).status), done)
        else:
            _append(book, number, history, known[number], Status.OPEN, done)
            done.changed += done.events > before
        if baseline and done.events > before:
            note_breaches(book, number)
            fire_due(book, number, None, baseline=True)


def _open(book: Ledger, name: str, created: Line, plans: _PlanWarnings) -> int:
    detail = dict(created.event.detail)
    tenant = book.session.get(Tenant, detail["tenant"]) if detail.get("tenant") else None
    if tenant is not None:
        detail["timezone"] = detail.get("timezone") or tenant.timezone
    stated = detail.get("plan") or (tenant.plan if tenant is not None else None)
    detail["plan"] = stated or book.rulebook.current.settings.default_plan
    plans.check(detail["plan"])
    version = book.rulebook.current_version()
    detail |= {"external_id": name, "rules": version.hash}
    assert version.id is not None
    entry = Entry(replace(created.event, detail=detail), created.texts, recorded_at=created.recorded_at)
    return book.open_ticket(entry, version.id)


def _append(
    book: Ledger,
    number: int,
    lines: Sequence[Line],
    known: Counter[tuple[str, str, str]],
    status: Status,
    done: Imported,
) -> None:
    """Append the lines beyond those known; `status` is the one before the first of them."""
    for line in lines:
        event = line.event
        after = Status(event.detail.get("status") or status)
        key = (to_text(event.at), event.type.value, event.value)
        if known[key] > 0:
            known[key] -= 1
        elif event.type not in (EventType.RULES_APPLIED, EventType.CREATED):
            if event.type is EventType.STATUS:
                event = replace(event, detail={**event.detail, "from": status.value})
            _append_line(book, number, replace(line, event=event))
            done.events += 1
        status = after


def _append_line(book: Ledger, number: int, line: Line) -> None:
    event = line.event
    entry = Entry(event, line.texts, recorded_at=line.recorded_at)
    if event.type is EventType.BREACHED:
        book.append(number, replace(entry, action=BREACH))
        book.detect(number, str(event.detail.get("target")), int(event.detail.get("cycle", 1)), event.at)
    elif event.type is EventType.DEADLINES:
        book.append(number, replace(entry, action=DEADLINES))
    elif event.type is EventType.ESCALATED:
        _append_escalation(book, number, entry)
    else:
        book.append(number, entry)


def _append_escalation(book: Ledger, number: int, entry: Entry) -> None:
    """An escalation of another database is on the record here too, so that nothing of it fires again."""
    event, detail = entry.event, dict(entry.event.detail)
    outcome = Outcome(detail.get("outcome") or Outcome.FIRED)
    is_level = all(detail.get(name) for name in ("kind", "escalation", "level"))
    place: dict[str, Any] = {name: detail.get(name) or 0 for name in FiringKey._fields}
    key = FiringKey(**place) if is_level else None
    state = book.state(number)
    row = {
        "source": "automatic" if event.by_system and key is not None else "manual",
        "reason": detail.get("reason") or "escalated",
        "due_at": detail.get("due_at"),
        "fired_at": to_text(event.at),
        "outcome": outcome.value,
        "actor": event.actor or book.actor,
        "from_priority": detail.get("from_priority") or state.priority.value,
        "to_priority": detail.get("to_priority") or state.priority.value,
        "from_assignee": detail.get("from_assignee"),
        "to_assignee": detail.get("to_assignee"),
        "run_id": None,
    }
    if key is not None and event.by_system and key in book.fired(number):
        return
    event_id = None
    if outcome is Outcome.FIRED:
        told = {name: detail[name] for name in _EVENT_FIELDS if name in detail}
        event_id = book.append(number, replace(entry, event=replace(event, detail=told)))
    book.fire(number, key, row | {"event_id": event_id}, ())


#: What the event of an escalation has itself; the rest stands in the escalation's row.
_EVENT_FIELDS = ("reason", "kind", "cycle", "escalation", "level", "arming", "repeat", "warning", "outcome", "fallback")
