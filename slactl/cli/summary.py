"""`summary`: how the desk stands."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.options import Call, FormatOption, JsonOption, call, leave
from slactl.desk.summary import FIELDS, By, summarize
from slactl.errors import ExitCode, UsageError
from slactl.show.form import Form, choose_form

if TYPE_CHECKING:
    from slactl.show.records import Record

app = typer.Typer(rich_markup_mode=None)


@app.command("summary")
def summary(
    context: typer.Context,
    by: Annotated[By | None, typer.Option("--by", help="The same for each of these.", show_default=False)] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="T", help="Measure from T on: 'mon', '2026-03-01', '7d ago'.")
    ] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 10 when a ticket is breached.")] = False,
    form: FormatOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how the desk stands: open and late tickets, and how the promises were kept.

    \b
    Examples:
      slactl summary
      slactl summary --by plan --since '7d ago'
      slactl summary --json | jq .first_response_attainment
    """
    from slactl.store import reads

    here = call(context)
    chosen = choose_form(form, as_json=as_json, ids_only=False, terminal=sys.stdout.isatty())
    if chosen is Form.IDS:
        raise UsageError("a summary has no ids", "slactl list -q")
    start = here.instant(since)
    with reads.reading(here.config.database) as connection:
        found = summarize(connection, here.now, due_soon=here.due_soon(), by=by, since=start)
    _print(here, found, chosen)
    late = any(found[name] for name in FIELDS if name.endswith("_breached_count"))
    leave(ExitCode.FOUND if exit_code and late else ExitCode.DONE)


def _print(here: Call, found: "Record", form: Form) -> None:
    from slactl.show.records import write, write_object, write_pairs

    if form is Form.TABLE:
        from slactl.show.summary import draw_summary

        draw_summary(found, here.screen)
    elif form is Form.JSON:
        write_object(found, sys.stdout)
    elif form is Form.PLAIN and found["groups"] is None:
        write_pairs({name: found[name] for name in FIELDS}, sys.stdout)
    elif found["groups"] is None:
        write([found], form, FIELDS, sys.stdout)
    else:
        write(found["groups"], form, ("group", *FIELDS), sys.stdout)
