"""Import histories: append the events that the database does not have yet, a batch in each write transaction.

An event is identified by its ticket, instant, type and value, and its ordinal among equal events. So importing a file
again changes nothing, and a longer export of the same tickets adds only the new events.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO

from slactl.clock import to_text
from slactl.committed import in_parts
from slactl.desk.escalation.scan import fire_due, note_breaches
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.ledger import CommandRules, Ledger, ledger
from slactl.desk.tickets.bursts import begun_bursts, with_bursts
from slactl.desk.tickets.corrections import note_corrections, noted_breaches
from slactl.desk.transfer.append import append_events
from slactl.desk.transfer.lines import Problem, read_history
from slactl.desk.transfer.maps import Map
from slactl.desk.transfer.matching import Match, Notes, bring_rules, match_tickets, open_ticket
from slactl.desk.transfer.row_events import events_of
from slactl.desk.transfer.rows import read_rows
from slactl.errors import SlactlError
from slactl.sla.enums import EventType, PriorityMeanings
from slactl.sla.history.event import Event
from slactl.sla.history.file import Line, TenantEntry, parse_line, parse_record
from slactl.sla.history.order import Numbered, in_order, with_recorded_ids
from slactl.sla.history.readers import LineError, at_most_tags
from slactl.store.read.events import Identities, identities
from slactl.store.read.events import history as recorded_history
from slactl.store.schema.models import Tenant
from slactl.store.sqlite.spool import Spool

#: Tickets in one write transaction.
BATCH = 500


@dataclass(slots=True)
class Imported:
    """The counts of what an import did."""

    opened: int = 0
    changed: int = 0
    events: int = 0
    tenants: int = 0
    #: The number of recorded breaches that the history of the file corrects.
    corrected: int = 0
    bad: int = 0
    warnings: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """The file that is imported, and its map, or None for a history file; events after `until` are left out."""

    stream: BinaryIO
    mapping: Map | None = None
    until: datetime | None = None

    def column(self, name: str, event: Event | None = None) -> str:
        """Return the name of a field in the file, given the event with this field."""
        if self.mapping is None:
            return name
        if name == "at" and event is not None:
            name = self._column_of_instant(event)
        return self.mapping.column(name)

    def _column_of_instant(self, event: Event) -> str:
        assert self.mapping is not None
        if event.type is EventType.CREATED:
            return "created_at"
        if self.mapping.kind == "events":
            return "at"
        column = "first_responded_at" if event.type is EventType.AGENT_REPLY else f"{event.detail.get('status')}_at"
        return column if column in self.mapping.columns else "at"


@dataclass(slots=True)
class Progress:
    """The functions that take the progress: `read` the bytes read, `taken` the tickets imported and their total."""

    read: Callable[[int], None] = lambda _: None
    taken: Callable[[int, int], None] = lambda _, __: None


@dataclass(slots=True)
class _Import:
    """One import: its source, the rules it read, the functions it reports to, and its counts so far."""

    source: Source
    rules: CommandRules
    now: datetime
    baseline: bool
    dry_run: bool
    progress: Progress
    report: Callable[[Problem], None]
    done: Imported = field(default_factory=Imported)
    notes: Notes = field(default_factory=Notes)
    tenants: list[TenantEntry] = field(default_factory=list)
    #: Other words for priorities, as the rules name them.
    words: PriorityMeanings = field(default_factory=dict)
    #: The bursts that each ticket of the file begins among the tickets of the file.
    bursts: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def tell(self, problem: Problem) -> None:
        """Count a problem, and report it."""
        self.done.warnings += problem.warning
        self.done.bad += not problem.warning
        self.report(problem)

    def warn(self, reason: str | None) -> None:
        """Report a change of a row that is imported, as a warning."""
        if reason is not None:
            self.tell(Problem(0, "", reason, warning=True))


def import_file(
    desk: Desk,
    now: datetime,
    source: Source,
    report: Callable[[Problem], None],
    progress: Progress | None = None,
    *,
    baseline: bool = False,
    dry_run: bool = False,
) -> Imported:
    """Import a file; `report` gets each bad row and each warning.

    Raises:
        UsageError: the file is not what the map says it is, or needs a map.
        RulesError: the rules are invalid.
        DatabaseError: the database cannot be written.
    """
    work = _Import(source, CommandRules(desk), now, baseline, dry_run, progress or Progress(), report)
    with desk.database.read() as transaction:
        rules = work.rules.current(transaction, strict=True).rules
    work.words = rules.priorities.meanings
    spool = Spool()
    try:
        if source.mapping is None:
            spool.fill(read_history(source.stream, work.tell, work.progress.read, work.tenants.append, work.words))
        else:
            spool.fill(read_rows(source.stream, source.mapping, work.tell, work.progress.read, work.words, now))
        work.bursts = begun_bursts(_own_histories(work, spool), rules)
        with in_parts():
            _import_batches(desk, work, spool)
    finally:
        spool.close()
    return work.done


def _own_histories(work: _Import, spool: Spool) -> Iterator[tuple[str, list[Line]]]:
    """Yield each ticket that the file opens with its history in the file, without a report of bad lines."""
    quiet = replace(work, report=lambda _: None, done=Imported(), notes=Notes())
    for name, lines in spool.tickets():
        history, _ = in_order(list(_lines(lines, quiet)))
        if history:
            yield name, history


def _import_batches(desk: Desk, work: _Import, spool: Spool) -> None:
    """Import batch after batch; a dry run imports all of them in one transaction that is rolled back."""
    tickets, total, seen = spool.tickets(), spool.count(), 0
    batch = list(islice(tickets, BATCH))
    while batch or work.tenants:
        with ledger(desk, work.now, keep=not work.dry_run, strict=True, rules=work.rules) as book:
            for entry in work.tenants:
                if book.tenant(entry.name) is None:
                    book.keep_tenant(Tenant(**{**asdict(entry), "created_at": to_text(entry.created_at)}))
                    work.done.tenants += 1
            work.tenants.clear()
            while batch:
                _merge(book, {name: list(_lines(lines, work)) for name, lines in batch}, work)
                book.settle()
                seen += len(batch)
                work.progress.taken(seen, total)
                batch = list(islice(tickets, BATCH))
                if not work.dry_run:
                    break
            if not batch:
                # The file may bring rules of another service desk: note that the current ones are this desk's own.
                book.rulebook.current_version()


def _lines(lines: Sequence[tuple[int, str]], work: _Import) -> Iterator[Numbered]:
    """Yield the events of one ticket; report and leave out an event that cannot be read or lies in the future."""
    source = work.source
    for number, record in _records(lines, work):
        try:
            line = parse_line(record, work.words) if isinstance(record, str) else parse_record(record, work.words)
        except LineError as error:
            work.tell(Problem(number, source.column(error.field), error.reason))
            continue
        if line.event.at > work.now:
            reason = f"{to_text(line.event.at)} lies in the future"
            work.tell(Problem(number, source.column("at", line.event), reason))
        elif source.until is None or line.event.at <= source.until:
            yield number, line


def _records(lines: Sequence[tuple[int, str]], work: _Import) -> Iterable[tuple[int, str | Mapping[str, Any]]]:
    mapping = work.source.mapping
    if mapping is None:
        return lines
    rows = [(number, json.loads(text)) for number, text in lines]
    opened = rows[0][1]["created_at"]
    for number, row in rows:
        if mapping.kind == "events" and row["at"] < opened:
            reason = f"{row['at']} is before the ticket was created; slactl uses {opened}"
            work.tell(Problem(number, mapping.column("at"), reason, warning=True))
    return events_of(rows, mapping)


def _merge(book: Ledger, histories: Mapping[str, list[Numbered]], work: _Import) -> None:
    """Append the events that are not there yet, ticket by ticket; a ticket that does not fit is left out."""
    matches = match_tickets(book, {name: [line for _, line in lines] for name, lines in histories.items() if lines})
    numbers = [match.number for match in matches.values() if match.number is not None]
    known = identities(book.transaction, numbers)
    book.load(numbers)
    # First import the tickets that keep their numbers, so that no new ticket takes such a number.
    for name, match in sorted(matches.items(), key=lambda item: item[1].wanted is None):
        first = min(number for number, _ in histories[name])
        if match.problem is not None:
            work.tell(Problem(first, work.source.column("ticket"), match.problem))
            continue
        lines, recorded = _with_ids(book, match, histories[name])
        history, problems = in_order(lines, match.opened, recorded)
        events = {number: line.event for number, line in reversed(histories[name])} if problems else {}
        for number, unfit in problems:
            work.tell(Problem(number, work.source.column(unfit.field, events[number]), unfit.reason))
        if history:
            created = history[0].event
            if created.type is EventType.CREATED and "bursts" not in created.detail:
                history = with_bursts(history, work.bursts.get(name, ()))
            _import_ticket(book, match, history, known, work, first)


def _with_ids(book: Ledger, match: Match, lines: list[Numbered]) -> tuple[list[Numbered], Sequence[Event]]:
    """Return the lines and the history of their ticket so far; the history only where a line has or names an id."""
    retracts = any(line.event.id is not None or line.event.type is EventType.RETRACTED for _, line in lines)
    if match.number is None or not retracts:
        return lines, ()
    return with_recorded_ids(lines, recorded_history(book.transaction, match.number))


def _import_ticket(
    book: Ledger,
    match: Match,
    history: Sequence[Line],
    known: Mapping[int, Identities],
    work: _Import,
    first: int,
) -> None:
    """Append the events of one ticket: all of them, or none if its deadlines could not be calculated with them."""
    mark, number, added, corrected = book.mark(), match.number, 0, 0
    try:
        for line in history:
            work.warn(bring_rules(book, line, work.notes))
        for warning in work.notes.unknown_plans(book, history):
            work.warn(warning)
        if number is None:
            number = open_ticket(book, match, history[0])
            added = 1 + append_events(book, number, history[1:], Identities())
        else:
            noted = noted_breaches(book, number)
            added = append_events(book, number, history, known[number])
            corrected = note_corrections(book, number, noted, None, [line.event for line in history])
        tags = book.state(number).tags
        if any(line.event.type is EventType.TAGS for line in history):
            at_most_tags(tags)
        if work.baseline and added:
            note_breaches(book, number)
            fire_due(book, number, None, baseline=True)
    except (SlactlError, ValueError) as error:
        if number is not None:
            book.take_back(number, mark)
        work.tell(Problem(first, "", f"the ticket is left out: {error}"))
        return
    work.done.opened += match.number is None
    work.done.changed += match.number is not None and added > 0
    work.done.events += added
    work.done.corrected += corrected
