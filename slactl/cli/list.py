"""`list`: the tickets that need attention, and every way to narrow them down."""

import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.completion import ViewCommand, view_names
from slactl.cli.filters import Filters, check_names, flag, word
from slactl.cli.options import Call, Output, call, leave, say, warn_asleep, warn_levels_left_out
from slactl.cli.panels import Commands
from slactl.clock import to_text
from slactl.config import Config
from slactl.desk.rules.reading import may_have_views
from slactl.errors import ExitCode
from slactl.show.form import Form

if TYPE_CHECKING:
    from slactl.show.records import Record
    from slactl.store.read.filters import TicketFilter

app = Commands()

#: The view that applies where none is typed.
DEFAULT = "@default"

#: How many tickets a terminal shows unless `--limit` says otherwise.
SCREENFUL = 50


#: The columns of a pipe, which the table of a terminal shows in words.
COLUMNS = (
    *("id", "due_at", "due_target", "overdue_seconds", "priority", "status", "assignee", "next_level_at"),
    *("plan", "subject"),
)


class Order(StrEnum):
    """The values of `--sort`."""

    DUE = "due"
    URGENCY = "urgency"
    CREATED = "created"
    UPDATED = "updated"
    PRIORITY = "priority"


def fill_in(context: typer.Context, view: str | None) -> str | None:
    """Use the options of a view as defaults, before the command reads its other options; return its name.

    Without a typed view it is `@default`, if the rules have a view of this name.
    """
    config = context.find_object(Config)
    if view == "@" or context.resilient_parsing or config is None or not (view or may_have_views(config.rules)):
        return view
    from slactl.desk.rules.views import default_view, find_view

    def warn(warning: str) -> None:
        say(f"warning: {warning}", err=True)

    saved = find_view(config.rules, view, warn) if view else default_view(config.rules, warn)
    if saved is None:
        return None
    context.default_map = {
        str(option.name): [value] if option.multiple and isinstance(value, str) else value
        for option in context.command.params
        for name, value in saved.items()
        if f"--{name}" in option.opts
    }
    return view or DEFAULT


ViewArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="@NAME",
        help="A view; @ alone lists all views.",
        autocompletion=view_names,
        callback=fill_in,
        is_eager=True,
    ),
]
LimitOption = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", min=0, help="Show at most N; 0: all. Default 50 on a terminal."),
]


@app.command("list", cls=ViewCommand, fields="slactl.store.read.tickets:TICKET_COLUMNS")
def list_tickets(
    context: typer.Context,
    view: ViewArgument = None,
    *,
    filters: Filters,
    sort: Annotated[
        Order, typer.Option("--sort", help="The order; urgency: overdue first, then priority, then deadline.")
    ] = Order.DUE,
    limit: LimitOption = None,
    at: Annotated[
        str | None, word("--at", "T", "Show what is overdue at this time, such as 'in 2h'.", "Options")
    ] = None,
    exit_code: Annotated[bool, flag("--exit-code", "Exit with 10 if a listed ticket is overdue.", "Options")] = False,
    output: Output,
) -> None:
    """List tickets, the earliest deadline first.

    Several uses of one option are combined with "or", different options with "and". not: before a value excludes
    it. A range is SINCE..UNTIL, and one side may be empty; a date as UNTIL includes that day. On a pipe the output is
    tab-separated. On a terminal the table has the same columns, but a narrow terminal leaves the less important ones
    out. With a view, slactl adds further options to the options of the view. If the view has the same option, your
    option replaces it. Without a view, the view "default" of the rules applies, if there is one; list @open is every
    open ticket.

    \b
    Examples:
      slactl list --breached
      slactl list --priority urgent --due-within 2h
      slactl list @past-resolution --plan pro
      slactl list --assignee me --status open --status pending
      slactl list --due ..tomorrow --priority not:low --sort urgency
      slactl list --resolved mon..fri --assignee not:bob
      slactl list --breached --json | jq -r '.[].subject'
      slactl list --breached -q | slactl escalate - --reason "weekend backlog"
    """
    here, output = call(context), typed_form(context, output)
    if view == "@":
        from slactl.cli.output import print_records
        from slactl.desk.rules.views import FIELDS, view_records

        return print_records(context, view_records(here.desk.rules), FIELDS, output, key="name")
    wanted, form = filters.wanted(here), output.chosen()
    most = limit if limit is not None else SCREENFUL if form is Form.TABLE else 0
    seen = Call(here.config, here.instant(at, ahead=True) or here.now)
    late = _list(seen, wanted, form, output, sort, most, ahead=at is not None, view=view)
    leave(ExitCode.FOUND if exit_code and late else ExitCode.DONE)


def typed_form(context: typer.Context, output: Output) -> Output:
    """Return the output options; a form that was typed replaces every form of the view."""
    forms = ("form", "as_json", "quiet")
    sources = {name: getattr(context.get_parameter_source(name), "name", "") for name in forms}
    if "COMMANDLINE" not in sources.values():
        return output
    typed = {name: getattr(output, name) for name in forms if sources[name] == "COMMANDLINE"}
    return Output(fields=output.fields, **typed)


def _list(
    here: Call,
    wanted: "TicketFilter",
    form: Form,
    output: Output,
    sort: Order,
    limit: int,
    *,
    ahead: bool,
    view: str | None,
) -> bool:
    """Print the tickets; return whether a ticket that matches is overdue."""
    from slactl.desk.rules.reading import are_levels_in_force, without_next_level
    from slactl.show.records import pour, spooled
    from slactl.store.read import filters, runs
    from slactl.store.read.tickets import TICKET_COLUMNS

    fields, now = output.names(TICKET_COLUMNS, plain=COLUMNS), to_text(here.now)
    with here.desk.database.read() as transaction:
        check_names(transaction, here, wanted)
        matching: Iterator[Record] = filters.find(transaction, wanted, now, sort=sort, limit=limit)
        if not (in_force := are_levels_in_force(transaction, here.desk)):
            matching = without_next_level(matching)
        spool = None if form is Form.TABLE else spooled(matching, form, fields, header=output.header)
        tickets = list(matching)
        total = filters.count(transaction, wanted, now) if limit and len(tickets) == limit else len(tickets)
        late = filters.any_breached(transaction, wanted, now)
        slept = runs.asleep_since(transaction, now) if form is Form.TABLE and not ahead else None
    if spool:
        pour(spool, sys.stdout)
    else:
        warn_asleep(here, slept if sys.stdout.isatty() else None)
        if tickets and not in_force:
            warn_levels_left_out(here)
        _draw(here, tickets, fields if output.fields else None, footer(len(tickets), total, view))
    return late


def _draw(here: Call, tickets: "Sequence[Record]", fields: Sequence[str] | None, below: str) -> None:
    from slactl.show.list import draw_tickets
    from slactl.show.tables import draw, field_column

    if not tickets:
        say("no tickets match", err=True)
    elif fields:
        draw(tickets, [field_column(name, rank=rank) for rank, name in enumerate(fields)], here.screen, footer=below)
    else:
        draw_tickets(tickets, here.screen, here.now, due_soon=here.due_soon(), footer=below)


def footer(shown: int, total: int, view: str | None = None) -> str:
    """Return the line below a list; for a list that was cut: "50 of 1,234 shown; --limit 0 for all"."""
    from slactl.text import counted

    if shown == total:
        every = f" in {DEFAULT}; slactl list @open shows every open ticket" if view == DEFAULT else ""
        return counted(total, "ticket") + every
    from slactl.store.read.filters import COUNTED

    number = f"more than {COUNTED:,}" if total > COUNTED else f"{total:,}"
    return f"{shown:,} of {number} shown; --limit 0 for all"
