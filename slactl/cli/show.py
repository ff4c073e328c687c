"""`show` and `history`: print tickets with everything that belongs to them."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TextIO, cast

import typer

from slactl.cli.input import read_ids
from slactl.cli.options import Call, Ids, NoPagerOption, Output, call, complain, leave, page, say, warn_levels_left_out
from slactl.cli.panels import Commands
from slactl.clock import to_text
from slactl.errors import ExitCode, NotKnownError, SlactlError
from slactl.show.form import Form
from slactl.store.read.tickets import TICKET_COLUMNS

if TYPE_CHECKING:
    from slactl.records.tickets import Event, ScreenTicket
    from slactl.show.records import Record
    from slactl.store.database import Transaction

app = Commands()

#: How many events of a ticket a terminal shows unless `--limit` says otherwise.
SCREENFUL = 50

LimitOption = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", min=0, help="The last N events per ticket; 0: all. Default 50 on a terminal."),
]

#: The fields that `show` adds to the fields of a ticket.
PARTS = ("timers", "messages", "escalations", "events")
FIELDS = (*TICKET_COLUMNS, *PARTS)


@app.command("show", fields=FIELDS)
def show(
    context: typer.Context,
    ids: Ids,
    no_pager: NoPagerOption = False,
    *,
    output: Output,
) -> None:
    """Show tickets: fields, timers, messages, audit trail.

    As JSON, one id gives one object and several ids give an array. On a pipe each line is "field TAB value". A terminal
    shows the last 50 messages, escalations and events, the beginning of long texts, and answers without quoted history;
    --json and a pipe have all.

    \b
    Examples:
      slactl show 12
      slactl show INC0001234 --json | jq .timers
      slactl list --breached -q | slactl show - --format jsonl
    """
    chosen, names = output.chosen(), output.names(FIELDS)
    references = read_ids(ids)
    here = call(context)
    page(context, off=no_pager)
    if chosen is Form.TABLE and not output.fields:
        leave(_draw_tickets(here, references))
        return
    if chosen is Form.CSV and not output.fields:
        names = names[: -len(PARTS)]  # a spreadsheet's row holds a ticket, not its messages
    alone = len(references) == 1 and ids != ["-"]
    leave(
        _pour(
            here,
            references,
            lambda tickets, stream: _write(tickets, chosen, names, stream, alone=alone, header=output.header),
            names,
        )
    )


@app.command("history", fields="slactl.store.read.events:EVENT_COLUMNS")
def history(
    context: typer.Context,
    ids: Ids,
    limit: LimitOption = None,
    no_pager: NoPagerOption = False,
    *,
    output: Output,
) -> None:
    """Show everything that happened to tickets, oldest first.

    \b
    Examples:
      slactl history 12
      slactl history 12 --json | jq '.[] | select(.action == "ticket.escalate")'
    """
    from slactl.show.history import event_fields
    from slactl.store.read import events as event_reads

    several = len(ids) > 1 or ids == ["-"]
    chosen, names = output.chosen(), output.names(event_reads.EVENT_COLUMNS, plain=event_fields(several=several))
    references, most = read_ids(ids), limit if limit is not None else SCREENFUL if chosen is Form.TABLE else 0
    here = call(context)
    page(context, off=no_pager)
    missing: list[NotKnownError] = []
    with here.desk.database.read() as transaction:
        numbers = list(_numbers(transaction, references, missing))
        if chosen is Form.TABLE or most:
            last = partial(event_reads.last_events, last=most or -1, with_writers=chosen is Form.TABLE)
            events = [row for number in numbers for row in last(transaction, number)]
            total = sum(event_reads.ticket_event_count(transaction, number) for number in numbers)
            stream = None
        else:
            from slactl.show.records import spooled

            found = (row for number in numbers for row in event_reads.events(transaction, [number]))
            stream = spooled(found, chosen, names, header=output.header)
    code = _tell(missing, found=bool(numbers))
    if stream is not None:
        from slactl.show.records import pour

        pour(stream, sys.stdout)
    else:
        cut = f"the last {len(events):,} of {total:,} events shown; --limit 0 for all" if len(events) < total else ""
        print_events(here, events, output, names, several=several, footer=cut)
    leave(code)


def print_events(
    here: Call, events: "Sequence[Event]", output: Output, fields: Sequence[str], *, several: bool, footer: str = ""
) -> None:
    """Print event records in any form; on a screen with their tickets if `several` tickets were asked for."""
    form = output.chosen()
    if form is not Form.TABLE:
        from slactl.show.records import pour, spooled

        pour(spooled(events, form, fields, header=output.header), sys.stdout)
    elif not events:
        say("no events", err=True)
    elif output.fields:
        from slactl.show.tables import draw, field_column

        draw(events, [field_column(name) for name in fields], here.screen, footer=footer)
    else:
        from slactl.show.history import draw_events

        draw_events(events, here.screen, several=several, footer=footer)


def _numbers(transaction: "Transaction", references: Sequence[str], missing: list[NotKnownError]) -> Iterator[int]:
    """Yield the number of each ticket; the error about one that does not exist goes to `missing`."""
    from slactl.store.read import tickets as reads

    for reference in references:
        try:
            yield reads.ticket_id(transaction, reference)
        except NotKnownError as error:
            missing.append(error)


def _tell(missing: Sequence[NotKnownError], *, found: bool) -> ExitCode:
    """Print the errors about tickets that do not exist, and return the exit code.

    Raises:
        NotKnownError: none of the tickets exists.
    """
    for problem in missing if found else missing[:-1]:
        complain(problem)
    if missing and not found:
        raise missing[-1]
    return ExitCode.PARTLY if missing else ExitCode.DONE


def _whole_ticket(transaction: "Transaction", number: int, now: str, names: Sequence[str]) -> dict[str, Any]:
    """Return a ticket with the parts that are asked for; messages and events are read while they are written."""
    from slactl.store.read import events as event_reads
    from slactl.store.read import filters
    from slactl.store.read import tickets as reads

    parts: dict[str, Callable[[], Any]] = {
        "timers": lambda: reads.timers(transaction, number, now),
        "messages": lambda: event_reads.messages(transaction, number),
        "escalations": lambda: reads.escalations(transaction, number),
        "events": lambda: event_reads.events(transaction, [number]),
    }
    ticket = next(filters.by_number(transaction, now, [number]))
    return ticket | {name: parts[name]() for name in names if name in parts}


def _pour(
    here: Call,
    references: Sequence[str],
    write: "Callable[[Iterator[Record], TextIO], None]",
    names: Sequence[str],
) -> ExitCode:
    """Write tickets to stdout; the transaction ends before a slow reader takes them."""
    from slactl.desk.rules.reading import are_levels_in_force, without_next_level
    from slactl.show.records import Spool

    spool, missing, numbers = Spool(), list[NotKnownError](), list[int]()
    with here.desk.database.read() as transaction:

        def tickets() -> "Iterator[Record]":
            for number in _numbers(transaction, references, missing):
                numbers.append(number)
                yield _whole_ticket(transaction, number, to_text(here.now), names)

        in_force = are_levels_in_force(transaction, here.desk)
        write(tickets() if in_force else without_next_level(tickets()), cast("TextIO", spool))
    code = _tell(missing, found=bool(numbers))
    spool.pour(sys.stdout)
    return code


def _write(
    tickets: "Iterator[Record]", form: Form, names: Sequence[str], stream: TextIO, *, alone: bool, header: bool
) -> None:
    from slactl.show.records import put, write, write_object, write_pairs

    if form not in (Form.PLAIN, Form.TABLE) and not (form is Form.JSON and alone):
        write(tickets, form, names, stream)
        return
    if header and form is not Form.JSON:
        put("field\tvalue\n", stream)
    for index, ticket in enumerate(tickets):
        record = {name: ticket[name] for name in names}
        if form is Form.JSON:
            write_object(record, stream)
        else:
            stream.write("\n" if index else "")
            write_pairs(record, stream)


def _draw_tickets(here: Call, references: Sequence[str]) -> ExitCode:
    from slactl.desk.rules.reading import are_levels_in_force, without_next_level
    from slactl.show.ticket import draw_ticket

    missing: list[NotKnownError] = []
    with here.desk.database.read() as transaction:
        numbers = _numbers(transaction, references, missing)
        tickets = [screen_ticket(transaction, number, to_text(here.now)) for number in numbers]
        if not (in_force := are_levels_in_force(transaction, here.desk)):
            tickets = [cast("ScreenTicket", ticket) for ticket in without_next_level(tickets)]
        for ticket in tickets:
            ticket["next_reaches"] = _whom_next(here, transaction, ticket)
    code = _tell(missing, found=bool(tickets))
    if not in_force:
        warn_levels_left_out(here)
    due_soon = here.due_soon() if tickets else 0
    for index, ticket in enumerate(tickets):
        if index:
            sys.stdout.write("\n")
        draw_ticket(ticket, here.screen, here.now, due_soon=due_soon)
    return code


def _whom_next(here: Call, transaction: "Transaction", ticket: "ScreenTicket") -> str:
    """Return whom the next level of a ticket will reach; empty text if it has none, or nobody can tell."""
    if not ticket["next_escalation"] or not ticket["next_level"]:
        return ""
    from slactl.desk.tickets.upcoming import whom_next

    level = ticket["next_escalation"], ticket["next_level"]
    with suppress(SlactlError):  # the other facts of the ticket are shown all the same
        return whom_next(here.desk, transaction, ticket["id"], here.now, *level)
    return ""


def screen_ticket(transaction: "Transaction", number: int, now: str) -> "ScreenTicket":
    """Return as much of a ticket as a screen shows, and how many records of each part there are."""
    from slactl.desk.mail.quotes import READ, on_screen
    from slactl.show.ticket import RECORDS
    from slactl.store.read import events as event_reads
    from slactl.store.read import filters
    from slactl.store.read import tickets as reads

    ticket = {
        **next(filters.by_number(transaction, now, [number])),
        "timers": reads.timers(transaction, number, now),
        "messages": list(on_screen(event_reads.messages(transaction, number, last=RECORDS, most=READ + 1))),
        "escalations": reads.escalations(transaction, number, last=RECORDS),
        "events": event_reads.last_events(transaction, number, RECORDS, with_writers=True),
        "retracted": sorted(reads.retracted_escalations(transaction, number)),
        "next_reaches": "",
        "totals": {
            "messages": event_reads.message_count(transaction, number),
            "escalations": reads.escalation_count(transaction, number),
            "events": event_reads.ticket_event_count(transaction, number),
        },
    }
    return cast("ScreenTicket", ticket)
