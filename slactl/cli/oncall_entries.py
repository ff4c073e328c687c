"""`oncall override`, `away`, `list` and `remove`: overrides of schedules, and absences of people."""

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.completion import person_names, schedule_names
from slactl.cli.input import read_numbers
from slactl.cli.options import Answer, Call, Output, call, leave, tell
from slactl.cli.output import marked, print_lines, print_records
from slactl.cli.panels import Commands
from slactl.errors import ExitCode, RulesError
from slactl.show.form import Form
from slactl.text import clean

if TYPE_CHECKING:
    from slactl.desk.oncall.entries import Between, Entered, Opened
    from slactl.typed_times import Hours

app = Commands()

ScheduleArgument = Annotated[
    str, typer.Argument(metavar="SCHEDULE", help="A schedule of the rules.", autocompletion=schedule_names)
]
FromOption = Annotated[str, typer.Option("--from", metavar="T", help="From this time on.")]
UntilOption = Annotated[str, typer.Option("--until", metavar="T", help="Up to this time.")]


@app.command()
def override(
    context: typer.Context,
    schedule: ScheduleArgument,
    person: Annotated[str, typer.Option("--to", metavar="PERSON", help="Who is on call.", autocompletion=person_names)],
    since: FromOption,
    until: UntilOption,
    reason: Annotated[str | None, typer.Option(metavar="R", help="The reason, for other people.")] = None,
    *,
    answer: Answer,
) -> None:
    """Let a person be on call for some time.

    An override comes before all layers. Of several overrides, the last entered one counts.

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


@app.command("list", fields="slactl.store.read.messages:ROTA_COLUMNS")
def list_(
    context: typer.Context,
    ended: Annotated[bool, typer.Option("--all", help="Also entries that have ended or were removed.")] = False,
    *,
    output: Output,
) -> None:
    """List overrides and absences in the order of their start.

    \b
    Examples:
      slactl oncall list
      slactl oncall list --all --json
    """
    from slactl.clock import to_text
    from slactl.desk.oncall import entries
    from slactl.store.read.messages import ROTA_COLUMNS, rota_entries

    here = call(context)
    with here.desk.database.read() as transaction:
        rows = rota_entries(transaction, to_text(here.now), ended=ended)
    shown = ("id", "kind", "person", "starts_at", "ends_at", "schedule", "substitute", "actor", "reason")
    print_records(context, rows, ROTA_COLUMNS, output, screen_fields=shown, none="no overrides and no absences")
    with suppress(RulesError):  # without rules, nobody can say whom they lack
        warn_and_leave(entries.opened(here.desk, here.now))


@app.command()
def remove(
    context: typer.Context,
    numbers: Annotated[list[str], typer.Argument(metavar="ID…", help="Numbers from the list; - reads stdin.")],
    *,
    answer: Answer,
) -> None:
    """Remove overrides and absences.

    If an entry holds now, it ends now. Its row stays in the list with --all.

    \b
    Examples:
      slactl oncall remove 3
      slactl oncall list -q | slactl oncall remove - -n
    """
    from slactl.desk.oncall import entries

    named = read_numbers(numbers, "override or absence")
    here = call(context)
    _print(answer, entries.remove(here.desk, here.now, named, dry_run=answer.dry_run), removed=True)


def hours(here: Call, schedule: str | None) -> "Callable[[], Hours | None]":
    """Return what finds the calendar on which a time is counted: the hours of a schedule."""
    from slactl.desk.oncall import entries

    return lambda: entries.hours_of(here.desk, schedule) if schedule is not None else None


def _between(here: Call, since: str, until: str, schedule: str | None = None) -> "Between":
    """Return the two times that a person typed; the second counts from the first, on the hours of a schedule."""
    from slactl.desk.oncall.entries import Between

    start = here.instant(since, ahead=True, calendar=hours(here, schedule))
    end = here.instant(until, ahead=True, after=start, calendar=hours(here, schedule))
    assert start is not None
    assert end is not None
    return Between(start, end)


def _print(answer: Answer, entered: "Entered", *, removed: bool = False) -> None:
    """Print the receipt for a person, the numbers for a pipe, or everything as JSON."""
    if answer.as_json:
        from slactl.show.records import write, write_object

        dry_run = {"dry_run": answer.dry_run}
        changed: list[dict[str, object]] = [
            {**entry, "changes": entered.of(entry), **dry_run} for entry in entered.entries
        ]
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
    for warning in entered.warnings:
        tell(f"warning: {warning}", err=True)
    if entered.too_long:
        chain = " → ".join(map(clean, entered.too_long))
        tell(f"warning: there are more than five substitutes, so nobody stands in for the first: {chain}", err=True)
    for gap in (each for each in entered.replaced if each["person"] is None):
        tell(f"warning: nobody is on call for {gap['schedule']} from {gap['start']} to {gap['end']}", err=True)


def warn_and_leave(found: "Opened") -> None:
    """Print the warnings, and exit with 4 if the rules file is not valid."""
    for warning in found.warnings:
        tell(f"warning: {warning}", err=True)
    leave(ExitCode.DONE if found.is_valid else ExitCode.RULES)
