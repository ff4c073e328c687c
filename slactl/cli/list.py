"""`list`: the tickets that need attention, and every way to narrow them down."""

import sys
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from slactl.cli.completion import (
    ViewCommand,
    assignee_names,
    plan_names,
    source_names,
    tag_names,
    tenant_names,
    view_names,
)
from slactl.cli.input import priority_option
from slactl.cli.options import Call, Output, call, leave, say, wall_seconds, warn_asleep, warn_levels_left_out
from slactl.cli.panels import Commands
from slactl.clock import to_text
from slactl.config import Config
from slactl.errors import ExitCode, UsageError
from slactl.show.form import Form
from slactl.sla.enums import Priority, Status, Target
from slactl.text import trimmed

if TYPE_CHECKING:
    from slactl.show.records import Record
    from slactl.store.read.filters import TicketFilter

app = Commands()

#: How many tickets a terminal shows unless `--limit` says otherwise.
SCREENFUL = 50


class Order(StrEnum):
    """The values of `--sort`."""

    DUE = "due"
    CREATED = "created"
    UPDATED = "updated"
    PRIORITY = "priority"


class AnyTarget(StrEnum):
    """The values of `--target`."""

    FIRST_RESPONSE = Target.FIRST_RESPONSE.value
    NEXT_RESPONSE = Target.NEXT_RESPONSE.value
    UPDATE = Target.UPDATE.value
    RESOLUTION = Target.RESOLUTION.value
    ANY = "any"


def flag(name: str, text: str, panel: str = "Filters") -> typer.models.OptionInfo:
    """Return an option of `list` that is on or off."""
    option: typer.models.OptionInfo = typer.Option(name, help=text, rich_help_panel=panel)
    return option


def word(
    name: str,
    metavar: str | None,
    text: str,
    panel: str = "Filters",
    words: Callable[[typer.Context, str], list[str]] | None = None,
) -> typer.models.OptionInfo:
    """Return an option of `list` that takes a word."""
    option: typer.models.OptionInfo = typer.Option(
        name, metavar=metavar, help=text, show_default=False, rich_help_panel=panel, autocompletion=words
    )
    return option


DUE_WITHIN = typer.Option(
    "--due-within",
    metavar="2h",
    help="Not overdue yet, but due within this time.",
    rich_help_panel="Filters",
    parser=wall_seconds("--due-within", "slactl list --due-within 2h"),
)


class Filters(NamedTuple):
    """The filters of `list`; each has the name of the field of `TicketFilter` that it becomes."""

    breached: Annotated[bool, flag("--breached", "Overdue and still open.")] = False
    ever_breached: Annotated[bool, flag("--ever-breached", "At least one deadline was missed, at any time.")] = False
    due_within: Annotated[int | None, DUE_WITHIN] = None
    targets: Annotated[list[AnyTarget] | None, word("--target", None, "Only this deadline.")] = None
    paused: Annotated[bool, flag("--paused", "At least one clock is paused.")] = False
    escalated: Annotated[bool, flag("--escalated", "Escalated by slactl or by a person.")] = False
    unassigned: Annotated[bool, flag("--unassigned", "Without an assignee.")] = False
    no_sla: Annotated[bool, flag("--no-sla", "Without any target.")] = False
    statuses: Annotated[list[Status] | None, word("--status", None, "Only this status; may be resolved or closed.")] = (
        None
    )
    priorities: Annotated[list[Priority] | None, priority_option("Only this priority.", "Filters")] = None
    plans: Annotated[list[str] | None, word("--plan", "P", "Only this plan.", words=plan_names)] = None
    tenants: Annotated[list[str] | None, word("--tenant", "T", "Only this tenant.", words=tenant_names)] = None
    sources: Annotated[
        list[str] | None, word("--source", "S", "Only from this source of imports.", words=source_names)
    ] = None
    assignees: Annotated[
        list[str] | None, word("--assignee", "A", "Only this assignee; me is you.", words=assignee_names)
    ] = None
    requesters: Annotated[list[str] | None, word("--requester", "EMAIL", "Only from this requester.")] = None
    tags: Annotated[list[str] | None, word("--tag", "X", "Only with this tag.", words=tag_names)] = None
    search: Annotated[list[str] | None, word("--search", "TEXT", "Text in subject, requester, id or messages.")] = None
    with_done: Annotated[bool, flag("--all", "Also resolved and closed tickets.")] = False

    def wanted(self, here: Call) -> "TicketFilter":
        """Return the filter for the database.

        Raises:
            UsageError: the text to search for is empty.
        """
        from slactl.store.read.filters import TicketFilter

        if not all(self.search or ()):
            raise UsageError("--search needs a text", "slactl list --search invoice")
        given = {name: value for name, value in self._asdict().items() if value is not None}
        if AnyTarget.ANY in given.get("targets", ()):
            del given["targets"]
        for name in ("plans", "tenants", "sources", "assignees", "tags"):
            given[name] = [trimmed(word) for word in given.get(name, ())]
        assignees = [here.person(name) or name for name in given["assignees"]]
        return TicketFilter(**given | {"assignees": assignees})


def fill_in(context: typer.Context, view: str | None) -> str | None:
    """Use the options of a view as defaults, before the command reads its other options."""
    if view and view != "@" and not context.resilient_parsing:
        from slactl.desk.rules.views import find_view

        config = context.find_object(Config)
        assert config is not None
        saved = find_view(config.rules, view, lambda warning: say(f"warning: {warning}", err=True))
        context.default_map = {
            str(option.name): [value] if option.multiple and isinstance(value, str) else value
            for option in context.command.params
            for name, value in saved.items()
            if f"--{name}" in option.opts
        }
    return view


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


@app.command("list", cls=ViewCommand)
def list_tickets(
    context: typer.Context,
    view: ViewArgument = None,
    *,
    filters: Filters,
    sort: Annotated[Order, typer.Option("--sort", help="The order of the tickets.")] = Order.DUE,
    limit: LimitOption = None,
    at: Annotated[
        str | None, word("--at", "T", "Show what is overdue at this time, such as 'in 2h'.", "Options")
    ] = None,
    exit_code: Annotated[bool, flag("--exit-code", "Exit with 10 if a listed ticket is overdue.", "Options")] = False,
    output: Output,
) -> None:
    """List tickets, the most urgent deadline first.

    Several uses of one option are combined with "or", different options with "and". On a pipe the output is
    tab-separated, with all fields and no header. With a view, slactl adds further options to the options of the
    view. If the view has the same option, your option replaces it.

    \b
    Examples:
      slactl list --breached
      slactl list --priority urgent --due-within 2h
      slactl list @past-resolution --plan pro
      slactl list --assignee me --status open --status pending
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
    late = _list(seen, wanted, form, output, sort, most, ahead=at is not None)
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
    here: Call, wanted: "TicketFilter", form: Form, output: Output, sort: Order, limit: int, *, ahead: bool
) -> bool:
    """Print the tickets; return whether a ticket that matches is overdue."""
    from slactl.desk.rules.reading import are_levels_in_force, check_known, without_next_level
    from slactl.show.records import pour, spooled
    from slactl.store.read import filters, runs
    from slactl.store.read.tickets import TICKET_COLUMNS

    fields, now = output.names(TICKET_COLUMNS), to_text(here.now)
    with here.desk.database.read() as transaction:
        check_known(transaction, here.desk.rules, "tenant", wanted.tenants)
        check_known(transaction, here.desk.rules, "plan", wanted.plans)
        matching: Iterator[Record] = filters.find(transaction, wanted, now, sort=sort, limit=limit)
        if not (in_force := are_levels_in_force(transaction, here.desk)):
            matching = without_next_level(matching)
        spool = None if form is Form.TABLE else spooled(matching, form, fields)
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
        _draw(here, tickets, fields if output.fields else None, footer(len(tickets), total))
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


def footer(shown: int, total: int) -> str:
    """Return the line below a list; for a list that was cut: "50 of 1,234 shown; --limit 0 for all"."""
    if shown == total:
        return f"{total:,} {'ticket' if total == 1 else 'tickets'}"
    from slactl.store.read.filters import COUNTED

    number = f"more than {COUNTED:,}" if total > COUNTED else f"{total:,}"
    return f"{shown:,} of {number} shown; --limit 0 for all"
