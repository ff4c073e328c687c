"""`runs`: show what each `check` did."""

import sys
from typing import Annotated

import typer

from slactl.cli.options import JsonOption, Output, call
from slactl.cli.panels import Commands
from slactl.errors import NotKnownError, UsageError
from slactl.text import clean

app = Commands(help="Show what each check did.")


@app.command("list", fields="slactl.store.read.runs:COLUMNS")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(metavar="N", min=0, help="Show at most N; 0: all.")] = 50,
    *,
    output: Output,
) -> None:
    """List the runs of check, newest first.

    \b
    Examples:
      slactl runs list --limit 10
    """
    from slactl.cli.output import print_records
    from slactl.show.check import run_columns
    from slactl.store.read import runs

    with call(context).desk.database.read() as transaction:
        records = runs.runs(transaction, limit)
    print_records(context, records, runs.COLUMNS, output, columns=run_columns, none="no check has run yet")


def run_number(text: str) -> int:
    """Return the number of a run, with or without `#`.

    Raises:
        UsageError: it is not a number.
    """
    word = str(text).removeprefix("#")
    if not (word.isascii() and word.isdigit() and word[0] != "0"):
        raise UsageError(f"{clean(word)[:100]!r} is not the number of a run", "slactl runs list")
    return int(word[:19])


@app.command()
def show(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="RUN", parser=run_number, help="The number of the run.")],
    as_json: JsonOption = False,
) -> None:
    """Show one run: its counts and each level that fired.

    \b
    Examples:
      slactl runs show 12
      slactl runs show 12 --json | jq -r '.escalations[].ticket_id'
    """
    from slactl.show.records import write_object, write_pairs
    from slactl.store.read import runs

    here, asked = call(context), min(number, 2**63 - 1)
    with here.desk.database.read() as transaction:
        run = runs.run(transaction, asked)
        fired = runs.escalations(transaction, asked)
    if run is None:
        raise NotKnownError(f"there is no run {number}", "slactl runs list")
    if as_json:
        write_object(run | {"escalations": fired}, sys.stdout)
    elif sys.stdout.isatty():
        write_pairs(run, sys.stdout)
        from slactl.show.tables import Column, draw
        from slactl.show.ticket import escalation_columns

        if fired:
            sys.stdout.write("\n")
            ticket = Column("Ticket", lambda escalation: str(escalation["ticket_id"]), right=True)
            draw(fired, (ticket, *escalation_columns(zone=True)), here.screen)
    else:
        write_pairs(run | {"escalations": fired}, sys.stdout)
