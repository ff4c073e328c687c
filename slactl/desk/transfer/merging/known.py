"""Find the tickets that the rows of a file are about, and what each row says that is new."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from slactl.clock import from_text, to_text
from slactl.desk.ledger.ledger import Ledger
from slactl.desk.transfer.lines import Problem
from slactl.desk.transfer.merging.following import Reading, TicketRow, Told, agreeing, followed, opened
from slactl.desk.transfer.merging.matching import Match, holder
from slactl.desk.transfer.merging.recorded import Key, Recorded, Written
from slactl.desk.transfer.merging.snapshots import TEXTS, Snapshot, digest_of, kept_columns, kept_value
from slactl.desk.transfer.row_events import ENDS
from slactl.sla.enums import Status
from slactl.store.read import events
from slactl.store.read import tickets as reads
from slactl.store.read.events import Identities
from slactl.store.schema.events import DEADLINES

#: The facts that a ticket has from its opening on, and what they are if the opening does not name them.
_OPENING: Mapping[str, Any] = {
    **{"status": Status.OPEN.value, "priority": None, "plan": None},
    **{"tenant": None, "assignee": None, "tags": ()},
}


@dataclass(frozen=True, slots=True)
class TicketRows:
    """The rows of one ticket, the ticket that they are about, and the last row that its source sent before."""

    name: str
    rows: Sequence[TicketRow]
    match: Match
    snapshot: Snapshot | None = None


def find_tickets(book: Ledger, batch: Mapping[str, Sequence[tuple[int, str]]], reading: Reading) -> list[TicketRows]:
    """Return the tickets that rows are about, without those whose rows are the same as the last ones."""
    source, result = reading.mapping.source, list[TicketRows]()
    named = reads.tickets_named(book.transaction, list(batch))
    stored = reads.snapshots(book.transaction, [known.number for found in named.values() for known in found])
    for name, lines in batch.items():
        candidates = named.get(name, ())
        last = next((stored.get(known.number) for known in candidates if known.source == source), None)
        if last is not None and all(digest_of(last["salt"], text) == last["digest"] for _, text in lines):
            continue
        rows = agreeing(lines, reading)
        created = from_text(rows[0].row["created_at"])
        known = holder(candidates, source, created, is_history=False)
        if known is None:
            result.append(TicketRows(name, rows, Match(None, None, name, source)))
            continue
        row = stored.get(known.number)
        fields = ("at", "salt", "digest", "columns", "older")
        snapshot = Snapshot(*(row[field] for field in fields)) if row is not None else None
        if (match := _match(known, snapshot, rows[0], reading)) is not None:
            result.append(TicketRows(name, rows, match, snapshot))
    return result


def _match(known: reads.Known, snapshot: Snapshot | None, first: TicketRow, reading: Reading) -> Match | None:
    """Return the match with a known ticket; None, with a problem, if its source said that it was created elsewhen."""
    at, adopted_by = from_text(known.created_at), reading.mapping.source if known.source is None else None
    said = snapshot.columns.get("created_at") if snapshot is not None else None
    created = from_text(first.row["created_at"])
    if created not in (at, from_text(said) if said is not None else at):
        what = f"ticket {first.row['ticket']} was created at {to_text(at)}, not at {to_text(created)}"
        what += f"; it belongs to {adopted_by} from now on" if adopted_by is not None else ""
        column = reading.mapping.column("created_at")
        reading.tell(Problem(first.number, column, what, warning=adopted_by is not None))
        if adopted_by is None:
            return None
    return Match(known.number, at, adopted_by=adopted_by)


def told_by(book: Ledger, ticket: TicketRows, known: Identities, reading: Reading) -> Told:
    """Return what the rows of a ticket say that is new, in order of time and from its opening on."""
    number, start = ticket.match.number, ticket.match.opened
    if number is None or start is None:
        return opened(ticket.rows, reading)
    before = ticket.snapshot
    if before is None or any(kept_columns(each.row, "").keys() - before.columns.keys() for each in ticket.rows):
        before = _completed(book, number, ticket)
    recorded = Recorded(known, book.history(number), partial(_messages, book, number))
    told = followed(ticket.rows, before, recorded, reading)
    lines = (  # no event is before the ticket was opened here
        (at_line, line if line.event.at >= start else replace(line, event=replace(line.event, at=start)))
        for at_line, line in told.lines
    )
    told.lines = sorted(lines, key=lambda numbered: numbered[1].event.at)
    return told


def _messages(book: Ledger, number: int) -> dict[Key, list[Written]]:
    """Return who wrote each message of a ticket, and its text, by instant and type."""
    found: dict[Key, list[Written]] = {}
    for row in events.messages(book.transaction, number):
        found.setdefault((row["at"], row["type"], ""), []).append(Written(row["actor"], row["body"]))
    return found


def _is_opened_here(book: Ledger, number: int) -> bool:
    """Return whether a person opened a ticket here: deadlines were noted, as no import does."""
    rows = events.event_rows(book.transaction, number)
    return any(row["action"] == DEADLINES and '"ticket opened"' in row["detail"] for row in rows)


def _completed(book: Ledger, number: int, ticket: TicketRows) -> Snapshot:
    """Return the snapshot of a ticket with the columns that no row had yet: what its opening says.

    A ticket that a person opened here is as that person said, so what its first row says else is not new.
    """
    row, before = ticket.rows[0].row, ticket.snapshot
    opening = events.history(book.transaction, number)[0]
    salt = before.salt if before is not None else secrets.token_hex(16)
    written = next(iter(events.texts(book.transaction, number).values()), {})
    values = {name: opening.detail.get(name, value) for name, value in _OPENING.items()}
    values |= {name: written.get(name) for name in TEXTS}
    # An emptied plan is the default plan, which the opening names.
    columns = {name: kept_value(name, value, salt) for name, value in values.items()}
    columns |= {"plan": None} if row.get("plan") is None else {}
    if before is None and _is_opened_here(book, number):
        columns |= {name: value for name, value in kept_columns(row, salt).items() if name not in ("status", *ENDS)}
    if before is None and book.state(number).status == row.get("status"):
        columns |= {name: row[name] for name in ("status", *ENDS) if name in row}
    if before is None:
        return Snapshot(to_text(opening.at), salt, "", columns)
    older = {name: to_text(opening.at) for name in columns.keys() - before.columns.keys()}
    return Snapshot(before.at, salt, before.digest, {**columns, **before.columns}, {**older, **before.older})
