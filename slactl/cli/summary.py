"""`summary`: how the desk stands."""

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.options import Call, FormatOption, JsonOption, call, leave
from slactl.cli.panels import Commands
from slactl.desk.reports.forecast import HOUR_FIELDS
from slactl.desk.reports.measures import By
from slactl.desk.reports.summary import FIELDS, change, summarize
from slactl.errors import ExitCode, UsageError
from slactl.show.form import Form, choose_form

if TYPE_CHECKING:
    from slactl.show.records import Record

app = Commands()


@app.command("summary")
def summary(
    context: typer.Context,
    by: Annotated[By | None, typer.Option("--by", help="Break down by this field.", show_default=False)] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="T", help="Measure from T: 'mon', '2026-03-01', '7d ago'.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="T", help="Measure up to T, T excluded.")] = None,
    ahead: Annotated[
        str | None, typer.Option("--forecast", metavar="24h", help="Show which deadlines pass if nobody acts.")
    ] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 10 if a ticket is overdue.")] = False,
    form: FormatOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show open and overdue work, next breaches, and attainment.

    \b
    Examples:
      slactl summary
      slactl summary --by plan --since '7d ago'
      slactl summary --forecast 24h
      slactl summary --json | jq .first_response_attainment
    """

    here = call(context)
    chosen = choose_form(form, as_json=as_json, ids_only=False, terminal=sys.stdout.isatty())
    if chosen is Form.IDS:
        raise UsageError("a summary has no ids", "slactl list -q")
    if by and ahead and chosen not in (Form.TABLE, Form.JSON):
        raise UsageError("--by and --forecast are two tables", "slactl summary --by plan --forecast 24h --json")
    period = here.instant(since), here.instant(until)
    span, due_soon = _span(ahead), here.due_soon()
    with here.desk.database.read() as connection:
        found = summarize(connection, here.now, due_soon=due_soon, by=by, since=period[0], until=period[1], ahead=span)
        moved = change(connection, here.now, found) if chosen is Form.TABLE else {}
    _print(here, found, moved, chosen)
    late = any(found[name] for name in FIELDS if name.endswith("_breached_count"))
    leave(ExitCode.FOUND if exit_code and late else ExitCode.DONE)


def _span(text: str | None) -> timedelta | None:
    if text is None:
        return None
    from slactl.clock import parse_duration

    try:
        parsed = parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--forecast {text}: {error}", "slactl summary --forecast 24h") from error
    if parsed.business_days:
        raise UsageError("--forecast is wall time and knows no business days", "slactl summary --forecast 24h")
    return timedelta(seconds=parsed.seconds)


def _print(here: Call, found: "Record", moved: "Record", form: Form) -> None:
    from slactl.show.records import write, write_object, write_pairs

    if form is Form.TABLE:
        from slactl.show.summary import draw_summary

        draw_summary(found, moved, here.screen)
    elif form is Form.JSON:
        write_object(found, sys.stdout)
    elif found["forecast"] is not None:
        write([_row(hour) for hour in found["forecast"]["hours"]], form, HOUR_FIELDS, sys.stdout)
    elif form is Form.PLAIN and found["groups"] is None:
        write_pairs({name: found[name] for name in FIELDS}, sys.stdout)
    elif found["groups"] is None:
        write([found], form, FIELDS, sys.stdout)
    else:
        write(found["groups"], form, ("group", *FIELDS), sys.stdout)


def _row(hour: "Record") -> "Record":
    return {**hour, "tickets": [str(number) for number in hour["tickets"]]}
