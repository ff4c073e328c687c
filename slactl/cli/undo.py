"""`undo`: take back what one command did."""

import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.completion import change_numbers
from slactl.cli.input import confirm, read_numbers
from slactl.cli.options import Answer, YesOption, call, say, tell
from slactl.cli.output import print_receipts
from slactl.cli.panels import Commands
from slactl.errors import UsageError

if TYPE_CHECKING:
    from slactl.desk.tickets.undo import Undone
    from slactl.show.receipt import Receipt

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
    """Undo what one command did; the log keeps everything.

    It retracts everything that the command did, on all its tickets. slactl then calculates everything as if it had not
    happened. What slactl itself did meanwhile, and messages that were sent, stay. On a terminal it shows what each
    ticket would become, and asks. The receipt of a command and slactl history show the number of the change. You can
    also undo a change of another person. An undo can be undone too. Exit code 5: the change cannot be undone, or is
    undone already.

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
        _show(preview, here.now)
        confirm(f"Undo change {number}?", yes=False)
        here = call(context)
    done = desk.undo(here.desk, here.now, number, reason, dry_run=answer.dry_run)
    for warning in done.warnings:
        tell(f"warning: {warning}", err=True)
    print_receipts(answer, _receipts(done, here.now), many=len(done.after) > 1, change=done.number)


def _show(preview: "Undone", now: datetime) -> None:
    """Print on stderr what each ticket would become."""
    for receipt in islice(_receipts(preview, now), SHOWN):
        tell(receipt.line, err=True)
    if len(preview.after) > SHOWN:
        say(f"… and {len(preview.after) - SHOWN:,} more tickets", err=True)


def _receipts(done: "Undone", now: datetime) -> "Iterator[Receipt]":
    from slactl.show.receipt import Told, ticket_receipt

    for number, after in done.after.items():
        yield ticket_receipt(done.before[number], after, now, Told(also=done.said(number)))
