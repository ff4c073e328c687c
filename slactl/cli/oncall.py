"""`oncall`: who is on call now and next, and the plan; `oncall_entries` adds overrides and absences."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli import oncall_entries
from slactl.cli.completion import schedule_names
from slactl.cli.oncall_entries import ScheduleArgument, hours, warn_and_leave
from slactl.cli.options import Output, call, say
from slactl.cli.output import print_lines, print_records
from slactl.cli.panels import Commands, PanelGroup
from slactl.errors import UsageError
from slactl.show.form import Form
from slactl.text import clean, nearest, quoted

if TYPE_CHECKING:
    from slactl.cli.panels import CompletionItem, Context


class WithDefault(PanelGroup):
    """Run `now` where the first word is not a subcommand: it may be a schedule."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Put the name of the default command before its arguments.

        Raises:
            UsageError: the first word is nearly a subcommand, and not a schedule.
        """
        is_help = bool(args) and args[0] in ctx.help_option_names
        if not is_help and (args or not ctx.resilient_parsing) and not self.names_command(ctx, args):
            if args and not ctx.resilient_parsing and not args[0].startswith("-"):
                self._refuse_misspelt(ctx, args)
            args = ["now", *args]
        return super().parse_args(ctx, args)

    def _refuse_misspelt(self, ctx: "Context", args: list[str]) -> None:
        schedules = schedule_names(typer.Context(self, parent=ctx.parent), "")
        near = nearest(args[0], [*self.commands, *schedules])
        if near is not None and args[0] not in schedules and near in self.commands:
            meant = " ".join(["slactl oncall", near, *map(quoted, args[1:])])
            raise UsageError(f"there is no schedule and no command {clean(args[0])[:100]!r}", meant)

    def shell_complete(self, ctx: "Context", incomplete: str) -> "list[CompletionItem]":
        """Complete subcommands and schedules."""
        from slactl.cli.panels import completion_item

        named = schedule_names(typer.Context(self, parent=ctx.parent), incomplete)
        return [*super().shell_complete(ctx, incomplete), *map(completion_item, named)]


app = Commands(help="Say who is on call, and enter overrides and absences. Type oncall [SCHEDULE] [--at T].")
app.info.cls, app.info.no_args_is_help = WithDefault, False


@app.command("now", fields="slactl.desk.oncall.records:STANDING_FIELDS", quiet="the names of the people")
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
    at_ = here.instant(at, ahead=True, calendar=hours(here, schedule)) or here.now
    form, _ = output.chosen(), output.names(records.STANDING_FIELDS)
    found = entries.opened(here.desk, at_, here.now)
    schedules = found.schedules
    names = list(schedules) if schedule is None else [entries.known_schedule(schedules.rules, schedule)]
    standings = [records.standing(schedules, name, at_) for name in names]
    if form is Form.TABLE and output.fields is None:
        from slactl.show.oncall import standing_lines

        print_lines(standing_lines(standings, here.now))
        if not names:
            say("the rules have no schedules; slactl help on-call shows how to write one", err=True)
    else:
        print_records(context, standings, records.STANDING_FIELDS, output, key="person")
    warn_and_leave(found)


@app.command(fields="slactl.desk.oncall.records:SHIFT_FIELDS", quiet="the names of the people")
def show(
    context: typer.Context,
    schedule: ScheduleArgument,
    since: Annotated[str | None, typer.Option("--from", metavar="T", help="Begin here; default today.")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, metavar="N", help="How many days.")] = 14,
    *,
    output: Output,
) -> None:
    """Show who is on call, a line for each day.

    Hand-overs, overrides and gaps are marked.

    \b
    Examples:
      slactl oncall show first-line --days 7
      slactl oncall show first-line --from 2026-12-21 --json
    """
    from slactl.desk.oncall import entries, records

    here = call(context)
    begin = here.instant(since if since is not None else "today", ahead=True, calendar=hours(here, schedule))
    assert begin is not None
    form, _ = output.chosen(), output.names(records.SHIFT_FIELDS)
    found = entries.opened(here.desk, begin, here.now)
    schedules = found.schedules
    plan = records.plan(schedules, entries.known_schedule(schedules.rules, schedule), begin, days)
    if form is Form.TABLE and output.fields is None:
        from slactl.show.oncall import plan_lines

        print_lines(plan_lines(schedule, plan))
    else:
        print_records(context, plan, records.SHIFT_FIELDS, output, key="person")
    warn_and_leave(found)


@app.command()
def export(
    context: typer.Context,
    schedule: ScheduleArgument,
    days: Annotated[int, typer.Option(min=1, max=366, metavar="N", help="How many days from today.")] = 90,
) -> None:
    """Print a schedule as an iCalendar feed.

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
    found = entries.opened(here.desk, here.now)
    schedules = found.schedules
    name = entries.known_schedule(schedules.rules, schedule)
    sys.stdout.write(calendar_text(name, records.plan(schedules, name, begin, days), here.now))
    warn_and_leave(found)


# In the order of the help.
app.registered_commands[2:2] = oncall_entries.app.registered_commands
