"""`show` and `history`: print tickets with everything that belongs to them."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import typer

from slactl.cli.options import Call, Ids, Output, call, complain, leave, read_ids, say
from slactl.cli.panels import Commands
from slactl.clock import to_text
from slactl.errors import ExitCode, NotKnownError
from slactl.show.form import Form

if TYPE_CHECKING:
    from slactl.records.tickets import Event, TicketDetails
    from slactl.show.records import Record
    from slactl.store.database import Transaction

app = Commands()

Part = TypeVar("Part")

#: The fields that `show` adds to those of a ticket.
PARTS = ("timers", "messages", "escalations", "events")


@app.command("show")
def show(
    context: typer.Context,
    ids: Ids,
    *,
    output: Output,
) -> None:
    """Show tickets: fields, timers, messages, audit trail.

    As JSON, one id gives one object and several ids give an array. On a pipe each line is "field TAB value".

    \b
    Examples:
      slactl show 12
      slactl show INC0001234 --json | jq .timers
      slactl list --breached -q | slactl show - --format jsonl
    """
    from slactl.store.read.tickets import TICKET_COLUMNS

    here, chosen, names = call(context), output.chosen(), output.names((*TICKET_COLUMNS, *PARTS))
    references = read_ids(ids)
    tickets, code = _read_each(here, references, _whole_ticket)
    if chosen is Form.TABLE and not output.fields:
        _draw_tickets(here, tickets)
    elif chosen is Form.JSON and len(references) == 1 and ids != ["-"]:
        from slactl.show.records import write_object

        ticket: Record = tickets[0]
        write_object({name: ticket[name] for name in names}, sys.stdout)
    elif chosen in (Form.PLAIN, Form.TABLE):
        _write_pairs(tickets, names)
    else:
        # A spreadsheet's row holds a ticket, not its messages.
        _print(tickets, chosen, names if output.fields or chosen is not Form.CSV else names[: -len(PARTS)])
    leave(code)


@app.command("history")
def history(
    context: typer.Context,
    ids: Ids,
    *,
    output: Output,
) -> None:
    """Show everything that happened to tickets, oldest first.

    \b
    Examples:
      slactl history 12
      slactl history 12 --json | jq '.[] | select(.action == "ticket.escalate")'
    """
    from slactl.store.read import events as event_reads

    here, chosen, names = call(context), output.chosen(), output.names(event_reads.EVENT_COLUMNS)
    histories, code = _read_each(here, read_ids(ids), lambda read, number, _: list(event_reads.events(read, [number])))
    print_events(here, [event for events in histories for event in events], chosen, names, asked=bool(output.fields))
    leave(code)


def print_events(
    here: Call, events: "Sequence[Event]", form: Form, fields: Sequence[str], *, asked: bool, footer: str = ""
) -> None:
    """Print event records in any form; `asked` says that `--fields` chose the fields."""
    if form is not Form.TABLE:
        _print(events, form, fields)
    elif not events:
        say("no events", err=True)
    elif asked:
        from slactl.show.tables import draw, field_column

        draw(events, [field_column(name) for name in fields], here.screen, footer=footer)
    else:
        from slactl.show.history import draw_events

        draw_events(events, here.screen, footer=footer)


def _read_each(
    here: Call, references: Sequence[str], read: "Callable[[Transaction, int, str], Part]"
) -> tuple[list[Part], ExitCode]:
    """Return what `read` returns for each ticket; a ticket that does not exist is an error on stderr, the rest goes on.

    Raises:
        NotKnownError: none of the tickets exists.
    """
    from slactl.store.read import tickets as reads

    parts, missing = [], []
    with here.desk.database.read() as transaction:
        for reference in references:
            try:
                parts.append(read(transaction, reads.ticket_id(transaction, reference), to_text(here.now)))
            except NotKnownError as error:
                missing.append(error)
    for problem in missing if parts else missing[:-1]:
        complain(problem)
    if missing and not parts:
        raise missing[-1]
    return parts, ExitCode.PARTLY if missing else ExitCode.DONE


def _whole_ticket(transaction: "Transaction", number: int, now: str) -> "TicketDetails":
    from slactl.store.read import events as event_reads
    from slactl.store.read import filters
    from slactl.store.read import tickets as reads

    return {
        **next(filters.by_number(transaction, now, [number])),
        "timers": reads.timers(transaction, number, now),
        "messages": event_reads.messages(transaction, number),
        "escalations": reads.escalations(transaction, number),
        "events": list(event_reads.events(transaction, [number])),
    }


def _draw_tickets(here: Call, tickets: "Sequence[TicketDetails]") -> None:
    from slactl.show.ticket import draw_ticket

    due_soon = here.due_soon() if tickets else 0
    for index, ticket in enumerate(tickets):
        if index:
            sys.stdout.write("\n")
        draw_ticket(ticket, here.screen, here.now, due_soon=due_soon)


def _write_pairs(records: "Sequence[Record]", fields: Sequence[str]) -> None:
    from slactl.show.records import write_pairs

    for index, record in enumerate(records):
        if index:
            sys.stdout.write("\n")
        write_pairs({name: record[name] for name in fields}, sys.stdout)


def _print(records: "Sequence[Record]", form: Form, fields: Sequence[str]) -> None:
    from slactl.show.records import pour, spooled

    pour(spooled(records, form, fields), sys.stdout)
