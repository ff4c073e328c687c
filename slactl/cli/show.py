"""`show` and `history`: one ticket, or some, with all that belongs to them."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from slactl.cli.options import (
    Call,
    FieldsOption,
    FormatOption,
    Ids,
    JsonOption,
    QuietOption,
    call,
    complain,
    leave,
    read_ids,
    say,
)
from slactl.cli.panels import Commands
from slactl.clock import to_text
from slactl.errors import ExitCode, NotKnownError
from slactl.show.form import Form, choose_form

if TYPE_CHECKING:
    import sqlite3

    from slactl.show.records import Record

app = Commands()

Part = TypeVar("Part")

#: What `show` adds to the fields of a ticket.
PARTS = ("timers", "messages", "escalations", "events")


@app.command("show")
def show(
    context: typer.Context,
    ids: Ids,
    form: FormatOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    fields: FieldsOption = None,
) -> None:
    """Show tickets: fields, timers, messages, audit trail.

    As JSON, one id gives one object and several ids give an array. On a pipe each line is "field TAB value".

    \b
    Examples:
      slactl show 12
      slactl show INC0001234 --json | jq .timers
      slactl list --breached -q | slactl show - --format jsonl
    """
    from slactl.store.schema import views

    here = call(context)
    chosen = choose_form(form, as_json=as_json, ids_only=quiet, terminal=sys.stdout.isatty())
    names = _chosen_fields(fields, (*views.ticket_columns(""), *PARTS))
    references = read_ids(ids)
    tickets, code = _found(here, references, _whole_ticket)
    if chosen is Form.TABLE and not fields:
        _draw_tickets(here, tickets)
    elif chosen is Form.JSON and len(references) == 1 and ids != ["-"]:
        _write_object({name: tickets[0][name] for name in names})
    elif chosen in (Form.PLAIN, Form.TABLE):
        _write_pairs(tickets, names)
    else:
        # A spreadsheet's row holds a ticket, not its messages.
        _print(tickets, chosen, names if fields or chosen is not Form.CSV else names[: -len(PARTS)])
    leave(code)


@app.command("history")
def history(
    context: typer.Context,
    ids: Ids,
    form: FormatOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    fields: FieldsOption = None,
) -> None:
    """Show everything that happened to tickets, oldest first.

    \b
    Examples:
      slactl history 12
      slactl history 12 --json | jq '.[] | select(.action == "ticket.escalate")'
    """
    from slactl.store.read import tickets as reads
    from slactl.store.schema import views

    here = call(context)
    chosen = choose_form(form, as_json=as_json, ids_only=quiet, terminal=sys.stdout.isatty())
    names = _chosen_fields(fields, views.EVENT_COLUMNS)
    found, code = _found(here, read_ids(ids), lambda connection, number, _: list(reads.events(connection, [number])))
    print_events(here, [event for events in found for event in events], chosen, names, asked=bool(fields))
    leave(code)


def print_events(
    here: Call, events: "Sequence[Record]", form: Form, fields: Sequence[str], *, asked: bool, footer: str = ""
) -> None:
    """Print event records in any form; `asked` where the fields were chosen and are not just all of them."""
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


def _chosen_fields(asked: str | None, known: Sequence[str]) -> tuple[str, ...]:
    from slactl.show.records import choose_fields

    return choose_fields(asked, known)


def _found(
    here: Call, references: Sequence[str], read: "Callable[[sqlite3.Connection, int, str], Part]"
) -> tuple[list[Part], ExitCode]:
    """What `read` finds for each ticket; those not known are said on stderr while the rest goes on.

    Raises:
        NotKnownError: none of them is known.
    """
    from slactl.store.read import tickets as reads

    found, missing = [], []
    with here.desk.database.read() as connection:
        for reference in references:
            try:
                found.append(read(connection, reads.ticket_id(connection, reference), to_text(here.now)))
            except NotKnownError as error:
                missing.append(error)
    for problem in missing if found else missing[:-1]:
        complain(problem)
    if missing and not found:
        raise missing[-1]
    return found, ExitCode.PARTLY if missing else ExitCode.DONE


def _whole_ticket(connection: "sqlite3.Connection", number: int, now: str) -> dict[str, Any]:
    from slactl.store.read import tickets as reads

    return {
        **next(reads.tickets(connection, now, "t.id = :id", {"id": number})),
        "timers": reads.timers(connection, number, now),
        "messages": reads.messages(connection, number),
        "escalations": reads.escalations(connection, number),
        "events": list(reads.events(connection, [number])),
    }


def _draw_tickets(here: Call, tickets: "Sequence[Record]") -> None:
    from slactl.show.ticket import draw_ticket

    due_soon = here.due_soon() if tickets else 0
    for place, ticket in enumerate(tickets):
        if place:
            sys.stdout.write("\n")
        draw_ticket(ticket, here.screen, here.now, due_soon=due_soon)


def _write_pairs(records: "Sequence[Record]", fields: Sequence[str]) -> None:
    from slactl.show.records import write_pairs

    for place, record in enumerate(records):
        if place:
            sys.stdout.write("\n")
        write_pairs({name: record[name] for name in fields}, sys.stdout)


def _write_object(record: "Record") -> None:
    from slactl.show.records import write_object

    write_object(record, sys.stdout)


def _print(records: "Sequence[Record]", form: Form, fields: Sequence[str]) -> None:
    from slactl.show.records import pour, spooled

    pour(spooled(records, form, fields), sys.stdout)
