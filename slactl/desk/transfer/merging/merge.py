"""Merge the histories of a file into the tickets of the database, ticket by ticket."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from slactl.clock import to_text
from slactl.desk.escalation.scan import fire_due, note_breaches
from slactl.desk.ledger.ledger import Ledger
from slactl.desk.tickets.bursts import with_bursts
from slactl.desk.tickets.corrections import note_corrections, noted_breaches
from slactl.desk.transfer.lines import Problem
from slactl.desk.transfer.maps import Map
from slactl.desk.transfer.merging.append import adopt, append_events, append_new
from slactl.desk.transfer.merging.known import find_tickets, told_by
from slactl.desk.transfer.merging.matching import Match, Name, bring_rules, match_tickets, open_ticket
from slactl.desk.transfer.merging.snapshots import Snapshot
from slactl.desk.transfer.merging.state import Import
from slactl.desk.transfer.row_events import events_of
from slactl.errors import SlactlError
from slactl.sla.enums import EventType, Status
from slactl.sla.history.event import Event
from slactl.sla.history.file import Line, parse_line, parse_record
from slactl.sla.history.order import Numbered, in_order, with_recorded_ids
from slactl.sla.history.readers import LineError, at_most_tags
from slactl.store.read import tickets as reads
from slactl.store.read.events import Identities, identities
from slactl.store.read.events import history as recorded_history


def lines_of(lines: Sequence[tuple[int, str]], work: Import) -> list[Numbered]:
    """Return the events of one ticket; report and leave out rows with an event that is unreadable or in the future."""
    source, found, bad = work.source, list[Numbered](), set[int]()
    for number, record in _records(lines, work):
        try:
            line = parse_line(record, work.words) if isinstance(record, str) else parse_record(record, work.words)
        except LineError as error:
            field, reason = source.column(error.field), error.reason
        else:
            if line.event.at <= work.now:
                found += [(number, line)] if source.until is None or line.event.at <= source.until else []
                continue
            field, reason = source.column("at", line.event), f"{to_text(line.event.at)} lies in the future"
        if number not in bad:
            work.tell(Problem(number, field, reason))
        bad.add(number)
    return [(number, line) for number, line in found if number not in bad]


def _records(lines: Sequence[tuple[int, str]], work: Import) -> Iterable[tuple[int, str | Mapping[str, Any]]]:
    mapping = work.source.mapping
    if mapping is None:
        return lines
    rows = _of_one_creation([(number, json.loads(text)) for number, text in lines], mapping, work)
    opened = rows[0][1]["created_at"]
    for number, row in rows:
        if mapping.kind == "events" and row["at"] < opened:
            reason = f"{row['at']} is before the ticket was created; slactl uses {opened}"
            work.tell(Problem(number, mapping.column("at"), reason, warning=True))
    source = {"source": mapping.source} if mapping.source is not None else {}
    return ((number, event | source) for number, event in events_of(rows, mapping))


def _of_one_creation(
    rows: Sequence[tuple[int, Mapping[str, Any]]], mapping: Map, work: Import
) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the rows of a log without those that name another creation of the ticket than the first row of the file.

    Each of the others is a problem.
    """
    line, first = min(rows, key=lambda each: each[0])
    for number, row in rows:
        if row["created_at"] != first["created_at"]:
            created = f"was created at {first['created_at']}, not at {row['created_at']}"
            reason = f"contradicts line {line}: ticket {row['ticket']} {created}"
            work.tell(Problem(number, mapping.column("created_at"), reason))
    return [each for each in rows if each[1]["created_at"] == first["created_at"]]


def merge_rows(book: Ledger, batch: Mapping[str, list[tuple[int, str]]], work: Import) -> None:
    """Append what rows say about tickets: all about a new ticket, and what differs from the last row of a known one."""
    tickets = find_tickets(book, batch, work.reading)
    numbers = [ticket.match.number for ticket in tickets if ticket.match.number is not None]
    known = identities(book.transaction, numbers)
    book.load(numbers)
    for ticket in tickets:
        number = ticket.match.number
        told = told_by(book, ticket, known[number] if number is not None else Identities(), work.reading)
        if number is None:
            history, _ = in_order(told.lines)
            history = with_bursts(history, work.bursts.get(f":{ticket.name}", ())) if history else history
        else:
            history = [line for _, line in told.lines]
        if history or ticket.match.adopted_by is not None:
            number = _merge_ticket(book, ticket.match, history, None, work, ticket.rows[0].number)
        if number is not None and told.snapshot is not None:
            work.snapshots[number] = told.snapshot


def merge_histories(book: Ledger, histories: Mapping[Name, list[Numbered]], work: Import) -> None:
    """Append the events that are not there yet, ticket by ticket; a ticket that does not fit is left out."""
    matches = match_tickets(book, {name: [line for _, line in lines] for name, lines in histories.items()})
    numbers = [match.number for match in matches.values() if match.number is not None]
    known, stored = identities(book.transaction, numbers), reads.snapshots(book.transaction, numbers)
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
        for line_number, unfit in problems:
            work.tell(Problem(line_number, work.source.column(unfit.field, events[line_number]), unfit.reason))
        if history:
            created = history[0].event
            if created.type is EventType.CREATED and "bursts" not in created.detail:
                history = with_bursts(history, work.bursts.get(f"{name.source or ''}:{name.ticket}", ()))
            found = known[match.number] if match.number is not None else None
            number = _merge_ticket(book, match, history, found, work, first)
            brought = next((line.last_row for _, line in lines if line.last_row is not None), None)
            if number is not None and brought is not None and stored.get(number, {}).get("at", "") < brought.at:
                work.snapshots[number] = Snapshot(*brought)


def _with_ids(book: Ledger, match: Match, lines: list[Numbered]) -> tuple[list[Numbered], Sequence[Event]]:
    """Return the lines and the history of their ticket so far; the history only where a line has or names an id."""
    retracts = any(line.event.id is not None or line.event.type is EventType.RETRACTED for _, line in lines)
    if match.number is None or not retracts:
        return lines, ()
    return with_recorded_ids(lines, recorded_history(book.transaction, match.number))


def _merge_ticket(
    book: Ledger, match: Match, history: Sequence[Line], known: Identities | None, work: Import, first: int
) -> int | None:
    """Append the events of one ticket: all of them, or none if its deadlines could not be calculated with them.

    Without `known` events all are new. Return the number of the ticket, or None if it is left out.
    """
    mark, number, added, corrected = book.mark(), match.number, 0, 0
    try:
        for line in history:
            work.warn(bring_rules(book, line, work.notes))
        for warning in work.notes.unknown_plans(book, history):
            work.warn(warning)
        if number is None:
            number = open_ticket(book, match, history[0])
            status = Status(history[0].event.detail.get("status") or Status.OPEN)
            added = 1 + append_events(book, number, history[1:], Identities(), status)
        else:
            noted = noted_breaches(book, number)
            added = adopt(book, number, match.adopted_by) + append_new(book, number, history, known)
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
        return None
    work.done.opened += match.number is None
    work.done.changed += match.number is not None and added > 0
    work.done.events += added
    work.done.corrected += corrected
    return number
