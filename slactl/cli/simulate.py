"""`simulate`: replay a history file against rules."""

import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated, TextIO, cast

import typer

from slactl.cli.files import Problems, opened
from slactl.cli.options import Call, FormatOption, JsonOption, QuietOption, call, leave
from slactl.cli.panels import Commands
from slactl.desk.reports.measures import By
from slactl.errors import ExitCode, UsageError
from slactl.show.form import Form, choose_form

app = Commands()

#: How many rows a terminal shows unless `--limit` says otherwise.
LIMIT = 50
RulesOption = Annotated[Path | None, typer.Option(metavar="F", help="Use these rules, not the current rules.")]
AsOfOption = Annotated[
    str | None, typer.Option(metavar="T|last", help="Evaluate as of T (default now), or each ticket's last event.")
]
CompareOption = Annotated[Path | None, typer.Option("--compare", metavar="OTHER", help="Compare with these rules.")]
ByOption = Annotated[
    By | None, typer.Option("--by", help="With --compare: break down by this field.", show_default=False)
]
LimitOption = Annotated[int | None, typer.Option(metavar="N", min=0, help="Rows on a terminal (default 50); 0: all.")]


@app.command()
def simulate(
    context: typer.Context,
    history: Annotated[str, typer.Argument(metavar="HISTORY|-", help="A history file (JSONL); - is stdin.")],
    rules: RulesOption = None,
    at: AsOfOption = None,
    compare: CompareOption = None,
    by: ByOption = None,
    limit: LimitOption = None,
    form: FormatOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Replay a history file against rules; write nothing.

    It prints each deadline, whether it was met, and the levels that would have fired. --compare replays the
    history under two rules files. It shows the attainment under each, the breaches that appear or disappear,
    and the number of levels that fire.

    It needs no database. It reports bad lines on stderr and leaves them out; the exit code is then 7.

    \b
    Examples:
      slactl simulate history.jsonl
      slactl simulate history.jsonl --rules four-hours.toml --at last --json
      slactl export | slactl simulate - --rules draft.toml
      slactl export | slactl simulate - --compare draft.toml --by plan
    """
    here = call(context)
    if by is not None and compare is None:
        raise UsageError("--by needs --compare", "slactl simulate --help")
    chosen = choose_form(form, as_json=as_json, ids_only=quiet, terminal=sys.stdout.isatty())
    instant = None if at == "last" else here.instant(at) or here.now
    most, file = LIMIT if limit is None else limit, rules or here.desk.rules
    if compare is not None:
        return _compare(here, history, (file, compare), instant, by, chosen, most)
    _replay(here, history, file, instant, chosen, most)


def _replay(here: Call, history: str, file: Path, at: datetime | None, form: Form, most: int) -> None:
    """Replay the history under the rules of one file, and print what becomes of each ticket."""
    from slactl.cli.progress import reading
    from slactl.clock import to_text
    from slactl.desk.rules.reading import valid_rules
    from slactl.desk.what_if.simulate import simulate_file
    from slactl.show.records import Spool
    from slactl.show.simulation import Tally, draw_rows, first_rows, write_tickets

    rules, problems, tally = valid_rules(file), Problems(history), Tally()
    with opened(history) as stream, reading(stream, history) as ticked:
        tickets = simulate_file(stream, rules, at or "last", problems, ticked)
        if form is Form.TABLE:
            shown = first_rows(tickets, here.now, most, tally)
        else:
            # On a terminal the output must not mix with the progress bar.
            out = Spool() if sys.stdout.isatty() else None
            write_tickets(to_text(at) if at else "last", tickets, form, cast("TextIO", out or sys.stdout))
    if form is Form.TABLE:
        draw_rows(shown, here.screen, most, tally)
    elif out is not None:
        out.pour(sys.stdout)
    _end(problems)


def _compare(
    here: Call, history: str, files: tuple[Path, Path], at: datetime | None, by: By | None, form: Form, most: int
) -> None:
    """Replay the history under the rules of both files, and print what differs."""
    from slactl.cli.progress import reading
    from slactl.clock import to_text
    from slactl.desk.rules.reading import valid_rules
    from slactl.desk.what_if.comparison import SIDES, compare_file
    from slactl.show.comparison import draw_comparison, write_comparison

    problems, rules = Problems(history), (valid_rules(files[0]), valid_rules(files[1]))
    with opened(history) as stream, reading(stream, history) as ticked:
        comparison = compare_file(stream, rules, at or "last", by, problems, ticked)
    sides = zip(SIDES, files, rules, strict=True)
    head = {side: {"file": str(file), "hash": compared.hash} for side, file, compared in sides}
    record = {"at": to_text(at) if at else "last", **head, **comparison.record()}
    with closing(comparison):
        if form is Form.TABLE:
            draw_comparison(record, comparison.breaches(), here.screen, most)
        else:
            write_comparison(record, comparison.breaches(), form, sys.stdout)
    _end(problems)


def _end(problems: Problems) -> None:
    problems.end()
    leave(ExitCode.PARTLY if problems.left_out else ExitCode.DONE)
