"""`show`, `history` and `summary`: what people look at, without SQLModel, pydantic or, on a pipe, Rich."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

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
)
from slactl.clock import to_text
from slactl.desk.summary import FIELDS, By, summarize
from slactl.errors import ExitCode, NotKnownError, UsageError
from slactl.show.form import Form, choose_form

if TYPE_CHECKING:
    import sqlite3

    from slactl.show.records import Record

app = typer.Typer(rich_markup_mode=None)

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
    """Show tickets: fields, timers, messages, escalations and the audit trail.

    As JSON, one id gives one object and several give an array. On a pipe: one "field TAB value" a line.

    \b
    Examples:
      slactl show 12
      slactl show INC0001234 --json | jq .timers
      slactl list --breached -q | slactl show - --format jsonl
    """
    from slactl.store import views

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
    """Show everything that ever happened to tickets, oldest first.

    \b
    Examples:
      slactl history 12
      slactl history 12 --json | jq '.[] | select(.action == "ticket.escalate")'
    """
    from slactl.store import reads, views

    here = call(context)
    chosen = choose_form(form, as_json=as_json, ids_only=quiet, terminal=sys.stdout.isatty())
    names = _chosen_fields(fields, views.EVENT_COLUMNS)
    found, code = _found(here, read_ids(ids), lambda connection, number, _: list(reads.events(connection, [number])))
    print_events(here, [event for events in found for event in events], chosen, names, asked=bool(fields))
    leave(code)


@app.command("summary")
def summary(
    context: typer.Context,
    by: Annotated[By | None, typer.Option("--by", help="The same for each of these.", show_default=False)] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="T", help="Measure from T on: 'mon', '2026-03-01', '7d ago'.")
    ] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 10 when a ticket is breached.")] = False,
    form: FormatOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how the desk stands: open and late tickets, and how the promises were kept.

    \b
    Examples:
      slactl summary
      slactl summary --by plan --since '7d ago'
      slactl summary --json | jq .first_response_attainment
    """
    from slactl.store import reads

    here = call(context)
    chosen = choose_form(form, as_json=as_json, ids_only=False, terminal=sys.stdout.isatty())
    if chosen is Form.IDS:
        raise UsageError("a summary has no ids", "slactl list -q")
    start = here.instant(since)
    with reads.reading(here.config.database) as connection:
        found = summarize(connection, here.now, due_soon=here.due_soon(), by=by, since=start)
    _print_summary(here, found, chosen)
    late = any(found[name] for name in FIELDS if name.endswith("_breached_count"))
    leave(ExitCode.FOUND if exit_code and late else ExitCode.DONE)


def print_events(
    here: Call, events: "Sequence[Record]", form: Form, fields: Sequence[str], *, asked: bool, footer: str = ""
) -> None:
    """Print event records in any form; `asked` where the fields were chosen and are not just all of them."""
    if form is not Form.TABLE:
        _print(events, form, fields)
    elif not events:
        typer.echo("no events", err=True)
    elif asked:
        from slactl.show.tables import draw, field_column

        draw(events, [field_column(name) for name in fields], here.screen, footer=footer)
    else:
        from slactl.show.events import draw_events

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
    from slactl.store import reads

    found, missing = [], []
    with reads.reading(here.config.database) as connection:
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
    from slactl.store import reads

    return {
        **next(reads.tickets(connection, now, "t.id = :id", {"id": number})),
        "timers": reads.timers(connection, number, now),
        "messages": reads.messages(connection, number),
        "escalations": reads.escalations(connection, number),
        "events": list(reads.events(connection, [number])),
    }


def _draw_tickets(here: Call, tickets: "Sequence[Record]") -> None:
    from slactl.show.ticket import draw_ticket

    for place, ticket in enumerate(tickets):
        if place:
            sys.stdout.write("\n")
        draw_ticket(ticket, here.screen, here.now, due_soon=here.due_soon())


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


def _print_summary(here: Call, found: "Record", form: Form) -> None:
    if form is Form.TABLE:
        from slactl.show.summary import draw_summary

        draw_summary(found, here.screen)
    elif form is Form.JSON:
        _write_object(found)
    elif form is Form.PLAIN and found["groups"] is None:
        _write_pairs([found], FIELDS)
    else:
        groups = found["groups"]
        _print([found] if groups is None else groups, form, FIELDS if groups is None else ("group", *FIELDS))
