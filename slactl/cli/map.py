"""`map`: check maps, which say how the rows of another help desk become tickets."""

from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.files import Problems, opened
from slactl.cli.options import Output, call, leave, say
from slactl.cli.panels import Commands
from slactl.errors import ExitCode

if TYPE_CHECKING:
    from slactl.show.tables import Column

app = Commands(help="Check a map for the rows of another help desk.")


@app.callback()
def group() -> None:
    """Keep `check` a command of its own, although it is the only one."""


@app.command(fields="slactl.desk.transfer.foreign.sample:FIELDS", quiet="the names of slactl's columns")
def check(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A map: a file, or the name of a shipped map.")],
    data: Annotated[
        str | None, typer.Option("--sample", metavar="DATA|-", help="Show what the first rows of this file become.")
    ] = None,
    *,
    output: Output,
) -> None:
    """Check a map, and show what it makes of a sample.

    It needs no database and imports nothing.

    \b
    Examples:
      slactl map check mine.toml
      slactl map check mine.toml --sample their.csv
      slactl map check github --sample issues.json --json
    """
    from slactl.desk.transfer.maps import load_map

    mapping = load_map(file)
    if data is None:
        say(f"{file} is a valid map", err=False)
        return
    from slactl.cli.output import print_records
    from slactl.desk.transfer.foreign.sample import FIELDS, sample

    problems = Problems(data)
    with opened(data) as stream:
        cells = sample(stream, mapping, problems, call(context).desk.rules)
    problems.end()
    print_records(context, cells, FIELDS, output, key="column", columns=_columns, none="no rows in the sample")
    bad = any(cell["note"] is not None and cell["row"] is not None and cell["value"] is not None for cell in cells)
    leave(ExitCode.PARTLY if bad or problems.left_out else ExitCode.DONE)


def _columns() -> "list[Column]":
    """Return the columns of a sample on a screen: a cell that becomes nothing shows why."""
    from slactl.show.records import cell
    from slactl.show.tables import Column, field_column

    return [
        field_column("row"),
        field_column("column"),
        Column("theirs", lambda one: cell(one["theirs"]), rank=2, most=24),
        Column("value", lambda one: cell(one["value"]), rank=1, most=24),
        Column("becomes", lambda one: cell(one["becomes"] if one["note"] is None else one["note"]), long=True),
    ]
