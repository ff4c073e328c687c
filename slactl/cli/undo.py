"""`undo`: take back what one command did."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.completion import change_numbers
from slactl.cli.input import read_numbers
from slactl.cli.options import Answer, Call, YesOption, call, confirm, say
from slactl.cli.output import print_lines
from slactl.cli.panels import Commands
from slactl.errors import UsageError

if TYPE_CHECKING:
    from slactl.desk.tickets.undo import Undone
    from slactl.records.tickets import Ticket

app = Commands()

#: How many tickets the question before an undo shows.
SHOWN = 20


@app.command()
def undo(
    context: typer.Context,
    change: Annotated[
        str | None,
        typer.Argument(
            metavar="[CHANGE]", help="The number of the change; default: your last one.", autocompletion=change_numbers
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="R", help="Why; it stays in the log.")] = None,
    yes: YesOption = False,
    *,
    answer: Answer,
) -> None:
    """Undo what one command did; both stay in the log.

    It retracts everything that the command did, on all its tickets. slactl then calculates everything as if it had not
    happened. What slactl itself did meanwhile, and messages that were sent, stay. On a terminal it shows what each
    ticket would become, and asks. The number of a change is in its receipt and in slactl history; it may be anybody's.
    An undo can be undone too. Exit code 5: the change cannot be undone, or is undone already.

    \b
    Examples:
      slactl undo
      slactl undo 41 --dry-run
      slactl undo 41 --yes --reason "wrong ticket"
    """
    from slactl.desk.tickets import undo as desk

    numbers = read_numbers([change.removeprefix("#")], "change") if change is not None else []
    if change is not None and len(numbers) != 1:
        raise UsageError("name one change", "slactl undo --help")
    here = call(context)
    number = numbers[0] if numbers else desk.last_change(here.desk)
    if sys.stdin.isatty() and not yes and not answer.dry_run:
        preview = desk.undo(here.desk, here.now, number, reason, dry_run=True)
        _show(preview)
        confirm(f"Undo change {number}?", yes=False)
        here = call(context)
    _announce(here, answer, desk.undo(here.desk, here.now, number, reason, dry_run=answer.dry_run))


def _show(preview: "Undone") -> None:
    """Print on stderr what each ticket would become."""
    lines = list(_lines(preview))
    for line in lines[:SHOWN]:
        say(line, err=True)
    if len(lines) > SHOWN:
        say(f"… and {len(lines) - SHOWN:,} more tickets", err=True)


def _announce(here: Call, answer: Answer, done: "Undone") -> None:
    """Print the receipt of each ticket."""
    for warning in done.warnings:
        say(f"warning: {warning}", err=True)
    if answer.as_json:
        from slactl.show.form import Form
        from slactl.show.records import write, write_object
        from slactl.store.read.tickets import TICKET_COLUMNS

        tickets = list(done.after.values())
        if len(tickets) == 1:
            write_object(tickets[0], sys.stdout)
        else:
            write(tickets, Form.JSON, TICKET_COLUMNS, sys.stdout)
    elif answer.quiet or (not sys.stdout.isatty() and not answer.dry_run):
        print_lines(map(str, done.after))
    else:
        for line in _lines(done):
            say(f"{'dry run, not done: ' if answer.dry_run else ''}{line}")


def _lines(done: "Undone") -> Iterator[str]:
    for number, after in done.after.items():
        yield f"#{number} {' · '.join((*_differences(done.before[number], after), *done.said(number)))}"


def _differences(before: "Ticket", after: "Ticket") -> Iterator[str]:
    for name, value in after.items():
        if name not in ("updated_at", "overdue_seconds") and before[name] != value:  # type: ignore[literal-required]
            yield f"{name} {before[name]} → {value}"  # type: ignore[literal-required]
