"""What each `check` did."""

import sys
from typing import Annotated

import typer

from slactl.cli.options import FieldsOption, FormatOption, JsonOption, QuietOption, call
from slactl.errors import NotKnownError

app = typer.Typer(help="What each check did.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(metavar="N", min=0, help="At most N; 0 is all.")] = 50,
    form: FormatOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    fields: FieldsOption = None,
) -> None:
    """The runs of check, newest first.

    \b
    Examples:
      slactl runs list --limit 10
    """
    from slactl.cli.output import print_records
    from slactl.show.report import run_columns
    from slactl.store import reads, runs

    with reads.reading(call(context).config.database) as connection:
        found = runs.runs(connection, limit)
    print_records(
        context, found, runs.COLUMNS, form, as_json, quiet, fields, columns=run_columns, none="no check has run yet"
    )


@app.command()
def show(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="RUN", min=1, help="The number of the run.")],
    as_json: JsonOption = False,
) -> None:
    """One run.

    \b
    Examples:
      slactl runs show 12 --json
    """
    from slactl.show.records import cell, write_object
    from slactl.store import reads, runs

    with reads.reading(call(context).config.database) as connection:
        found = runs.run(connection, min(number, 2**63 - 1))
    if found is None:
        raise NotKnownError(f"there is no run {number}", "slactl runs list")
    if as_json:
        write_object(found, sys.stdout)
    else:
        sys.stdout.writelines(f"{name}\t{cell(found[name])}\n" for name in runs.COLUMNS)
