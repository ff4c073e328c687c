"""Asking what rules would have made of a history."""

import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from slactl.cli.files import Teller, opened
from slactl.cli.options import Call, FormatOption, JsonOption, QuietOption, call, leave
from slactl.cli.panels import Commands
from slactl.desk.reports.measures import By
from slactl.errors import ExitCode, UsageError
from slactl.show.form import Form, choose_form

app = Commands()

#: Tickets on a terminal where nothing was said.
LIMIT = 50


@app.command()
def simulate(
    context: typer.Context,
    history: Annotated[str, typer.Argument(metavar="HISTORY|-", help="A history file (JSONL); - is stdin.")],
    rules: Annotated[
        Path | None, typer.Option(metavar="F", help="Use these rules instead of the current ones.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="T|last", help="Judge as of T (default now), or each ticket's last event.")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option("--compare", metavar="OTHER", help="Compare with these rules.")
    ] = None,
    by: Annotated[
        By | None, typer.Option("--by", help="With --compare: break down by this field.", show_default=False)
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Rows on a terminal (default 50); 0: all.")
    ] = None,
    form: FormatOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Replay a history file against rules; write nothing.

    It prints each deadline, whether it was kept, and which levels would have fired. With --compare it replays
    the history under two rules files: what each keeps, which breaches are gained and lost, and how often
    something fires.

    It needs no database. Bad lines are reported on stderr and left out; the exit code is then 7.

    \b
    Examples:
      slactl simulate history.jsonl
      slactl simulate history.jsonl --rules four-hours.toml --at last --json
      slactl export | slactl simulate - --rules draft.toml
      slactl export | slactl simulate - --compare draft.toml --by plan
    """
    from slactl.cli.progress import reading
    from slactl.clock import to_text
    from slactl.desk.what_if.simulate import simulate_file
    from slactl.show.simulation import Tally, draw_tickets, write_tickets
    from slactl.sla.rules.loading import load

    here = call(context)
    if by is not None and compare is None:
        raise UsageError("--by goes with --compare", "slactl simulate --help")
    chosen = choose_form(form, as_json=as_json, ids_only=quiet, terminal=sys.stdout.isatty())
    instant = None if at == "last" else here.instant(at) or here.now
    most, file = LIMIT if limit is None else limit, rules or here.desk.rules
    if compare is not None:
        return _compare(here, history, (file, compare), instant, by, chosen, most)
    promised, teller = load(file), Teller(history)
    with opened(history) as stream, reading(stream, history) as ticked:
        tickets = simulate_file(stream, promised, instant or "last", teller, ticked)
        if chosen is Form.TABLE:
            draw_tickets(tickets, here.screen, here.now, most, Tally())
        else:
            write_tickets(to_text(instant) if instant else "last", tickets, chosen, sys.stdout)
    _end(teller)


def _compare(
    here: Call, history: str, files: tuple[Path, Path], at: datetime | None, by: By | None, form: Form, most: int
) -> None:
    """Replay the history under the rules of both files, and print what differs."""
    from slactl.cli.progress import reading
    from slactl.clock import to_text
    from slactl.desk.what_if.comparison import SIDES, compare_file
    from slactl.show.comparison import draw_comparison, write_comparison
    from slactl.sla.rules.loading import load

    rules, teller = (load(files[0]), load(files[1])), Teller(history)
    with opened(history) as stream, reading(stream, history) as ticked:
        found = compare_file(stream, rules, at or "last", by, teller, ticked)
    whose = zip(SIDES, files, rules, strict=True)
    head = {side: {"file": str(file), "hash": promised.hash} for side, file, promised in whose}
    record = {"at": to_text(at) if at else "last", **head, **found.record()}
    with closing(found):
        if form is Form.TABLE:
            draw_comparison(record, found.breaches(), here.screen, most)
        else:
            write_comparison(record, found.breaches(), form, sys.stdout)
    _end(teller)


def _end(teller: Teller) -> None:
    teller.end()
    leave(ExitCode.PARTLY if teller.found else ExitCode.DONE)
