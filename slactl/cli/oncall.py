"""`oncall`: who is on call now and next, the plan, overrides and absences."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.completion import person_names, schedule_names
from slactl.cli.input import read_numbers
from slactl.cli.options import Answer, Call, Output, call, say
from slactl.cli.output import marked, print_lines, print_records
from slactl.cli.panels import Commands, PanelGroup
from slactl.show.form import Form
from slactl.text import clean

if TYPE_CHECKING:
    from slactl.cli.panels import CompletionItem, Context
    from slactl.desk.oncall.entries import Between, Entered
    from slactl.typed_times import Hours


class WithDefault(PanelGroup):
    """Run `now` where the first word is not a subcommand: it may be a schedule."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Put the name of the default command before its arguments."""
        is_help = bool(args) and args[0] in ctx.help_option_names
        if not is_help and (args or not ctx.resilient_parsing) and not self.names_command(ctx, args):
            args = ["now", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: "Context", incomplete: str) -> "list[CompletionItem]":
        """Complete subcommands and schedules."""
        from slactl.cli.panels import completion_item

        named = schedule_names(typer.Context(self, parent=ctx.parent), incomplete)
        return [*super().shell_complete(ctx, incomplete), *map(completion_item, named)]


app = Commands(help="Say who is on call, and enter overrides and absences. Type oncall [SCHEDULE] [--at T].")
app.info.cls, app.info.no_args_is_help = WithDefault, False

Schedule = Annotated[
    str, typer.Argument(metavar="SCHEDULE", help="A schedule of the rules.", autocompletion=schedule_names)
]
FromOption = Annotated[str, typer.Option("--from", metavar="T", help="From this time on.")]
UntilOption = Annotated[str, typer.Option("--until", metavar="T", help="Up to this time.")]


@app.command("now")
def now_(
    context: typer.Context,
    schedule: Annotated[
        str | None,
        typer.Argument(metavar="[SCHEDULE]", help="Only this schedule.", autocompletion=schedule_names),
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="T", help="At this time; default now.")] = None,
    *,
    output: Output,
) -> None:
    """Say who is on call, until when, and who is next.

    The word now may be left out: slactl oncall.

    \b
    Examples:
      slactl oncall
      slactl oncall first-line --at "sat 03:00"
      slactl oncall first-line --fields person
    """
    from slactl.desk.oncall import entries, records

    here = call(context)
    at_ = here.instant(at, ahead=True, calendar=_hours(here, schedule)) or here.now
    form, _ = output.chosen(), output.names(records.STANDING_FIELDS)
    schedules = entries.opened(here.desk, at_)
    names = list(schedules) if schedule is None else [entries.known_schedule(schedules.rules, schedule)]
    standings = [records.standing(schedules, name, at_) for name in names]
    if form is Form.TABLE and output.fields is None:
        from slactl.show.oncall import standing_lines

        print_lines(standing_lines(standings, here.now))
        if not names:
            say("the rules have no schedules; slactl help on-call shows how to write one", err=True)
    else:
        print_records(context, standings, records.STANDING_FIELDS, output, key="person")
    _warn(schedules.problems)


@app.command()
def show(
    context: typer.Context,
    schedule: Schedule,
    since: Annotated[str | None, typer.Option("--from", metavar="T", help="Begin here; default today.")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, metavar="N", help="How many days.")] = 14,
    *,
    output: Output,
) -> None:
    """Show the plan, a line for each day.

    Hand-overs, overrides and gaps are marked.

    \b
    Examples:
      slactl oncall show first-line --days 7
      slactl oncall show first-line --from 2026-12-21 --json
    """
    from slactl.desk.oncall import entries, records

    here = call(context)
    begin = here.instant(since if since is not None else "today", ahead=True, calendar=_hours(here, schedule))
    assert begin is not None
    form, _ = output.chosen(), output.names(records.SHIFT_FIELDS)
    schedules = entries.opened(here.desk, begin)
    plan = records.plan(schedules, entries.known_schedule(schedules.rules, schedule), begin, days)
    if form is Form.TABLE and output.fields is None:
        from slactl.show.oncall import plan_lines

        print_lines(plan_lines(schedule, plan))
    else:
        print_records(context, plan, records.SHIFT_FIELDS, output, key="person")
    _warn(schedules.problems)


@app.command()
def override(
    context: typer.Context,
    schedule: Schedule,
    person: Annotated[str, typer.Option("--to", metavar="PERSON", help="Who is on call.", autocompletion=person_names)],
    since: FromOption,
    until: UntilOption,
    reason: Annotated[str | None, typer.Option(metavar="R", help="The reason, for other people.")] = None,
    *,
    answer: Answer,
) -> None:
    """Let a person be on call for some time.

    An override comes before all layers. Of several, the one that was entered last counts.

    \b
    Examples:
      slactl oncall override first-line --to dan --from "fri 18:00" --until "mon 09:00" --reason "ann is ill"
      slactl oncall override first-line --to me --from now --until "in 8h" -n
    """
    from slactl.desk.oncall import entries

    here = call(context)
    who, between = here.person(person) or person, _between(here, since, until, schedule)
    _print(answer, entries.override(here.desk, here.now, schedule, who, between, reason, dry_run=answer.dry_run))


@app.command()
def away(
    context: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Who is away.", autocompletion=person_names)],
    since: FromOption,
    until: UntilOption,
    substitute: Annotated[
        str | None, typer.Option(metavar="PERSON", help="Who replaces the person.", autocompletion=person_names)
    ] = None,
    *,
    answer: Answer,
) -> None:
    """Note that a person is away, and who is the substitute.

    The substitute is on call, and gets tickets and messages.
    Without a substitute the next person in the rotation is on call, or the next layer.

    \b
    Examples:
      slactl oncall away ann --from 2026-12-21 --until 2027-01-04 --substitute ben
      slactl oncall away me --from "fri 12:00" --until "mon 09:00"
    """
    from slactl.desk.oncall import entries

    here = call(context)
    who, between = here.person(person) or person, _between(here, since, until)
    entered = entries.away(here.desk, here.now, who, between, here.person(substitute), dry_run=answer.dry_run)
    _print(answer, entered)


@app.command("list")
def list_(
    context: typer.Context,
    ended: Annotated[bool, typer.Option("--all", help="Also those that are over or removed.")] = False,
    *,
    output: Output,
) -> None:
    """List overrides and absences by the time of their begin.

    \b
    Examples:
      slactl oncall list
      slactl oncall list --all --json
    """
    from slactl.clock import to_text
    from slactl.store.read.messages import ROTA_COLUMNS, rota_entries

    here = call(context)
    with here.desk.database.read() as transaction:
        found = rota_entries(transaction, to_text(here.now), ended=ended)
    shown = ("id", "kind", "person", "starts_at", "ends_at", "schedule", "substitute", "actor", "reason")
    print_records(context, found, ROTA_COLUMNS, output, screen_fields=shown, none="no overrides and no absences")


@app.command()
def remove(
    context: typer.Context,
    numbers: Annotated[list[str], typer.Argument(metavar="ID…", help="Numbers from the list; - reads stdin.")],
    *,
    answer: Answer,
) -> None:
    """Remove overrides and absences.

    One that holds now ends now. Its row stays in the list with --all.

    \b
    Examples:
      slactl oncall remove 3
      slactl oncall list -q | slactl oncall remove - -n
    """
    from slactl.desk.oncall import entries

    named = read_numbers(numbers, "override or absence")
    here = call(context)
    _print(answer, entries.remove(here.desk, here.now, named, dry_run=answer.dry_run), removed=True)


@app.command()
def export(
    context: typer.Context,
    schedule: Schedule,
    days: Annotated[int, typer.Option(min=1, max=366, metavar="N", help="How many days from today.")] = 90,
) -> None:
    """Print the plan as an iCalendar feed.

    \b
    Examples:
      slactl oncall export first-line > first-line.ics
      slactl oncall export first-line --days 30
    """
    from slactl.desk.oncall import entries, records
    from slactl.desk.oncall.export import calendar_text

    here = call(context)
    begin = here.instant("today")
    assert begin is not None
    schedules = entries.opened(here.desk, here.now)
    name = entries.known_schedule(schedules.rules, schedule)
    sys.stdout.write(calendar_text(name, records.plan(schedules, name, begin, days), here.now))
    _warn(schedules.problems)


def _hours(here: Call, schedule: str | None) -> "Callable[[], Hours | None]":
    """Return what finds the calendar on which a time is counted: the hours of a schedule."""
    from slactl.desk.oncall import entries

    return lambda: entries.hours_of(here.desk, schedule) if schedule is not None else None


def _between(here: Call, since: str, until: str, schedule: str | None = None) -> "Between":
    """Return the two times that a person typed; the second counts from the first, on the hours of a schedule."""
    from slactl.desk.oncall.entries import Between

    start = here.instant(since, ahead=True, calendar=_hours(here, schedule))
    end = here.instant(until, ahead=True, after=start, calendar=_hours(here, schedule))
    assert start is not None
    assert end is not None
    return Between(start, end)


def _print(answer: Answer, entered: "Entered", *, removed: bool = False) -> None:
    """Print the receipt for a person, the numbers for a pipe, or everything as JSON."""
    if answer.as_json:
        from slactl.show.records import write, write_object

        more = {"changes": entered.replaced, "dry_run": answer.dry_run}
        changed: list[dict[str, object]] = [{**entry, **more} for entry in entered.entries]
        if len(changed) == 1:
            write_object(changed[0], sys.stdout)
        else:
            write(changed, Form.JSON, list(changed[0]) if changed else [], sys.stdout)
    elif answer.quiet or (not sys.stdout.isatty() and not answer.dry_run):
        print_lines(str(entry["id"]) for entry in entered.entries)
    else:
        from slactl.show.oncall import receipt_lines

        lines = receipt_lines(entered.entries, entered.replaced, removed=removed)
        print_lines(line if line.startswith(" ") else f"{marked(answer)}{line}" for line in lines)
    if entered.too_long:
        chain = " → ".join(map(clean, entered.too_long))
        say(f"warning: there are more than five substitutes, so nobody stands in for the first: {chain}", err=True)
    for gap in (each for each in entered.replaced if each["person"] is None):
        say(f"warning: nobody is on call for {gap['schedule']} from {gap['start']} to {gap['end']}", err=True)


def _warn(problems: list[str]) -> None:
    for problem in problems:
        say(f"warning: {problem}", err=True)
