"""`list`: the tickets that want attention, and every way to narrow them down."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.completion import view_names
from slactl.cli.list_views import ViewCommand, print_views
from slactl.cli.options import Call, FieldsOption, FormatOption, JsonOption, QuietOption, call, leave, say
from slactl.cli.panels import Commands
from slactl.clock import to_text
from slactl.errors import ExitCode, NotKnownError, UsageError
from slactl.show.form import Form, choose_form
from slactl.sla.enums import Priority, Status, Target

if TYPE_CHECKING:
    import sqlite3

    from slactl.show.records import Record
    from slactl.store.filters import TicketFilter

app = Commands()

#: How many tickets a terminal is shown unless it asks for more.
SCREENFUL = 50


class Order(StrEnum):
    """What `--sort` can say."""

    DUE = "due"
    CREATED = "created"
    UPDATED = "updated"
    PRIORITY = "priority"


class AnyTarget(StrEnum):
    """What `--target` can say."""

    FIRST_RESPONSE = Target.FIRST_RESPONSE.value
    NEXT_RESPONSE = Target.NEXT_RESPONSE.value
    RESOLUTION = Target.RESOLUTION.value
    ANY = "any"


def _flag(*names: str, text: str, panel: str = "Filters") -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(*names, help=text, rich_help_panel=panel)
    return option


def _word(name: str, metavar: str | None, text: str, panel: str = "Filters") -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        name, metavar=metavar, help=text, show_default=False, rich_help_panel=panel
    )
    return option


@app.command("list", cls=ViewCommand)
def list_tickets(
    context: typer.Context,
    view: Annotated[
        str | None,
        typer.Argument(metavar="@NAME", help="A view; @ alone lists all views.", autocompletion=view_names),
    ] = None,
    breached: Annotated[bool, _flag("--breached", text="Overdue and still open.")] = False,
    ever_breached: Annotated[
        bool, _flag("--ever-breached", text="At least one deadline was missed, at any time.")
    ] = False,
    due_within: Annotated[str | None, _word("--due-within", "2h", "Not overdue yet, but due within this time.")] = None,
    target: Annotated[list[AnyTarget] | None, _word("--target", None, "Only this deadline.")] = None,
    paused: Annotated[bool, _flag("--paused", text="At least one clock is paused.")] = False,
    escalated: Annotated[bool, _flag("--escalated", text="Escalated by slactl or by a person.")] = False,
    unassigned: Annotated[bool, _flag("--unassigned", text="Without an assignee.")] = False,
    no_sla: Annotated[bool, _flag("--no-sla", text="Without any target.")] = False,
    status: Annotated[
        list[Status] | None, _word("--status", None, "Only this status; also resolved or closed.")
    ] = None,
    priority: Annotated[list[Priority] | None, _word("--priority", None, "Only this priority.")] = None,
    plan: Annotated[list[str] | None, _word("--plan", "P", "Only this plan.")] = None,
    tenant: Annotated[list[str] | None, _word("--tenant", "T", "Only this tenant.")] = None,
    assignee: Annotated[list[str] | None, _word("--assignee", "A", "Only this assignee; me is you.")] = None,
    requester: Annotated[list[str] | None, _word("--requester", "EMAIL", "Only from this requester.")] = None,
    tag: Annotated[list[str] | None, _word("--tag", "X", "Only with this tag.")] = None,
    search: Annotated[list[str] | None, _word("--search", "TEXT", "In subject, requester, id and messages.")] = None,
    everything: Annotated[bool, _flag("--all", text="Also resolved and closed tickets.")] = False,
    sort: Annotated[Order, typer.Option("--sort", help="The order.")] = Order.DUE,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=0, help="Show at most N; 0: all. Default 50 on a terminal."),
    ] = None,
    at: Annotated[str | None, _word("--at", "T", "Compare with this time instead of now: 'in 2h'.", "Options")] = None,
    exit_code: Annotated[
        bool, _flag("--exit-code", text="Exit with 10 if a listed ticket is overdue.", panel="Options")
    ] = False,
    form: FormatOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    fields: FieldsOption = None,
) -> None:
    """List tickets, the most urgent deadline first.

    The same option several times means "or"; different options mean "and". On a pipe the output is tab-separated, has
    all fields and no header. Options beside a view are added to the view's own; the same option replaces the view's.

    \b
    Examples:
      slactl list --breached
      slactl list --priority urgent --due-within 2h
      slactl list @past-resolution --plan pro
      slactl list --assignee me --status open --status pending
      slactl list --breached --json | jq -r '.[].subject'
      slactl list --breached -q | slactl escalate - --reason "weekend backlog"
    """
    if view == "@":
        return print_views(context, form, as_json, quiet, fields)
    from slactl.store.filters import TicketFilter

    here = call(context)
    chosen = choose_form(form, as_json=as_json, ids_only=quiet, terminal=sys.stdout.isatty())
    wanted = TicketFilter(
        breached=breached,
        ever_breached=ever_breached,
        due_within=_wall_seconds(due_within),
        targets=() if not target or AnyTarget.ANY in target else target,
        paused=paused,
        escalated=escalated,
        unassigned=unassigned,
        no_sla=no_sla,
        with_done=everything,
        statuses=status or (),
        priorities=priority or (),
        plans=plan or (),
        tenants=tenant or (),
        assignees=[here.person(name) or name for name in assignee or ()],
        requesters=requester or (),
        tags=tag or (),
        search=_texts(search or ()),
    )
    most = limit if limit is not None else SCREENFUL if chosen is Form.TABLE else 0
    seen = Call(here.config, here.instant(at, ahead=True) or here.now)
    late = _list(seen, wanted, chosen, fields, sort, most, ahead=at is not None)
    leave(ExitCode.FOUND if exit_code and late else ExitCode.DONE)


def _list(
    here: Call, wanted: "TicketFilter", form: Form, asked: str | None, sort: Order, limit: int, *, ahead: bool
) -> bool:
    """Print the tickets; whether one that matches is breached."""
    from slactl.show.records import choose_fields, pour, spooled
    from slactl.store import filters, reads, runs, views

    fields = choose_fields(asked, tuple(views.ticket_columns("")))
    now = to_text(here.now)
    with reads.reading(here.config.database) as connection:
        _check_known(connection, here, wanted)
        found = filters.find(connection, wanted, now, sort=sort, limit=limit)
        spool = None if form is Form.TABLE else spooled(found, form, fields)
        tickets = list(found)
        total = filters.count(connection, wanted, now) if limit and len(tickets) == limit else len(tickets)
        late = filters.any_breached(connection, wanted, now)
        slept = runs.asleep_since(connection, now) if form is Form.TABLE and not ahead else None
    if spool:
        pour(spool, sys.stdout)
    else:
        _warn_asleep(here, slept)
        _draw(here, tickets, fields if asked else None, footer(len(tickets), total))
    return late


def _warn_asleep(here: Call, since: str | None) -> None:
    """Say on a terminal that nothing escalates: levels are due, and no `check` has gone well for long."""
    if since is not None and sys.stdout.isatty():
        from slactl.show.times import relative

        when = (
            f"the last check that went well ended {relative(since, here.now)}" if since else "no check ever went well"
        )
        say(f"warning: tickets are due and nothing escalates them: {when}", err=True)
        say("hint: slactl check", err=True)


def _draw(here: Call, tickets: "Sequence[Record]", fields: Sequence[str] | None, below: str) -> None:
    from slactl.show.tables import draw, field_column
    from slactl.show.ticket_list import draw_tickets

    if not tickets:
        say("no tickets match", err=True)
    elif fields:
        draw(tickets, [field_column(name, rank=place) for place, name in enumerate(fields)], here.screen, footer=below)
    else:
        draw_tickets(tickets, here.screen, here.now, due_soon=here.due_soon(), footer=below)


def footer(shown: int, total: int) -> str:
    """What a cut list says below itself: "50 of 1,234 shown; --limit 0 for all"."""
    if shown == total:
        return f"{total:,} {'ticket' if total == 1 else 'tickets'}"
    from slactl.store.filters import COUNTED

    number = f"more than {COUNTED:,}" if total > COUNTED else f"{total:,}"
    return f"{shown:,} of {number} shown; --limit 0 for all"


def _wall_seconds(duration: str | None) -> int | None:
    if duration is None:
        return None
    from slactl.clock import parse_duration

    try:
        parsed = parse_duration(duration)
    except ValueError as error:
        raise UsageError(f"--due-within {duration}: {error}", "slactl list --due-within 2h") from error
    if parsed.business_days:
        raise UsageError("--due-within is wall time and knows no business days", "slactl list --due-within 24h")
    return parsed.seconds


def _texts(needles: Sequence[str]) -> Sequence[str]:
    if not all(needles):
        raise UsageError("--search needs a text", "slactl list --search invoice")
    return needles


def _check_known(connection: "sqlite3.Connection", here: Call, wanted: "TicketFilter") -> None:
    """Refuse a plan or tenant that neither the database nor the rules know: a typing mistake, not an empty list."""
    from slactl.store import reads

    for column, values in (("tenant", wanted.tenants), ("plan", wanted.plans)):
        for value in values:
            if not reads.is_known(connection, column, value):
                named = _named_in_rules(here, column)
                if value not in named:
                    raise _not_known(column, value, sorted(named | set(reads.known(connection, column))))


def _named_in_rules(here: Call, column: str) -> set[str]:
    from slactl.sla.rules_loading import load

    rules = load(here.config.rules)
    matches = [policy.match for policy in rules.policies]
    matches += [escalation.when for escalation in rules.escalations]
    named = {word for match in matches for word in getattr(match, column)}
    return named | {rules.settings.default_plan} if column == "plan" else named


def _not_known(column: str, value: str, choices: Sequence[str]) -> NotKnownError:
    from slactl.text import clean, nearest, quoted

    meant = nearest(value, choices)
    some = ", ".join(clean(choice) for choice in choices[:20])
    question = f"did you mean {clean(meant)}?" if meant else f"known: {some}" if some else None
    hint = f"slactl list --{column} {quoted(meant)}" if meant else "slactl tenant list" if column == "tenant" else None
    return NotKnownError(f"{column} {clean(value)[:100]!r} is not known" + (f"; {question}" if question else ""), hint)
