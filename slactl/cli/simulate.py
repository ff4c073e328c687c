"""Asking what rules would have made of a history."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from slactl.cli.files import Teller, opened
from slactl.cli.options import FormatOption, JsonOption, QuietOption, call, leave
from slactl.errors import ExitCode
from slactl.show.form import Form, choose_form

app = typer.Typer(rich_markup_mode=None)

#: Tickets on a terminal where nothing was said.
LIMIT = 50


@app.command()
def simulate(
    context: typer.Context,
    history: Annotated[str, typer.Argument(metavar="HISTORY|-", help="A history file (JSONL); - is stdin.")],
    rules: Annotated[Path | None, typer.Option(metavar="F", help="Instead of the current rules.")] = None,
    at: Annotated[
        str | None, typer.Option(metavar="T|last", help="As of T (default now); last: of each ticket's last event.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Tickets shown on a terminal (default 50); 0 is all.")
    ] = None,
    form: FormatOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Replay a history against rules: each deadline, whether it was kept, and what would have fired when.

    Needs no database and writes nothing. Bad lines are told on stderr and left out; the exit code is 7 then.

    \b
    Examples:
      slactl simulate history.jsonl
      slactl simulate history.jsonl --rules four-hours.toml --at last --json
      slactl export | slactl simulate - --rules draft.toml
    """
    from slactl.cli.progress import reading
    from slactl.clock import to_text
    from slactl.desk.simulate import simulate_file
    from slactl.show.simulation import Tally, draw_tickets, write_tickets
    from slactl.sla.rules import load

    here = call(context)
    chosen = choose_form(form, as_json=as_json, ids_only=quiet, terminal=sys.stdout.isatty())
    instant = None if at == "last" else here.instant(at) or here.now
    promised, teller = load(rules or here.config.rules), Teller(history)
    with opened(history) as stream, reading(stream, history) as ticked:
        tickets = simulate_file(stream, promised, instant or "last", teller, ticked)
        if chosen is Form.TABLE:
            draw_tickets(tickets, here.screen, here.now, LIMIT if limit is None else limit, Tally())
        else:
            write_tickets(to_text(instant) if instant else "last", tickets, chosen, sys.stdout)
    teller.end()
    leave(ExitCode.PARTLY if teller.found else ExitCode.DONE)
