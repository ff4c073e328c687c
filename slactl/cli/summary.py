"""`summary`: print the state of the service desk now, and its figures of a period."""

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.objectives import goals_at
from slactl.cli.options import Call, FormatOption, JsonOption, call, leave, wall_seconds, warn_asleep
from slactl.cli.panels import Commands
from slactl.clock import to_text
from slactl.desk.reports.forecast import HOUR_FIELDS
from slactl.desk.reports.measures import EVERYTHING, By
from slactl.desk.reports.summary import FIELDS, change, summarize, usual_since
from slactl.errors import ExitCode, UsageError
from slactl.show.form import Form, choose_form
from slactl.store.read.runs import asleep_since

if TYPE_CHECKING:
    from slactl.records.figures import Summary
    from slactl.show.records import Record

app = Commands()

FORECAST = wall_seconds("--forecast", "slactl summary --forecast 24h")
ForecastOption = Annotated[
    int | None,
    typer.Option("--forecast", metavar="24h", help="Show which deadlines pass if nobody acts.", parser=FORECAST),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="T", help="Measure from T: 'mon', '7d ago', 'all'; default: 30 days before --until or now."
    ),
]


@app.command("summary")
def summary(
    context: typer.Context,
    by: Annotated[By | None, typer.Option("--by", help="Break down by this field.", show_default=False)] = None,
    since: SinceOption = None,
    until: Annotated[str | None, typer.Option("--until", metavar="T", help="Measure before T.")] = None,
    ahead: ForecastOption = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 10 if a ticket is overdue.")] = False,
    form: FormatOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show open and overdue work, next breaches, and attainment.

    Averages, attainment and rates cover the period from --since to --until, by default the last 30 days.

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
        raise UsageError("summary cannot print ids", "slactl list -q")
    if by and ahead and chosen not in (Form.TABLE, Form.JSON):
        raise UsageError(
            "--by and --forecast together need --json or a terminal", "slactl summary --by plan --forecast 24h --json"
        )
    end = here.instant(until)
    begin = usual_since(here.now, end) if since is None else here.instant(since if since != EVERYTHING else None)
    span, due_soon = timedelta(seconds=ahead) if ahead is not None else None, here.due_soon()
    with here.desk.database.read() as transaction:
        goals = goals_at(here, transaction, due_soon)
        record = summarize(
            transaction, here.now, due_soon=due_soon, by=by, since=begin, until=end, ahead=span, goals=goals
        )
        changes = change(transaction, here.now, record) if chosen is Form.TABLE else {}
        slept = asleep_since(transaction, to_text(here.now)) if chosen is Form.TABLE else None
    warn_asleep(here, slept if sys.stdout.isatty() else None)
    _print(here, record, changes, chosen)
    late = any(value for name, value in record.items() if name.endswith("_breached_count"))
    leave(ExitCode.FOUND if exit_code and late else ExitCode.DONE)


def _print(here: Call, record: "Summary", changes: "Record", form: Form) -> None:
    from slactl.show.records import write, write_object, write_pairs

    if form is Form.TABLE:
        from slactl.show.summary import draw_summary

        draw_summary(record, changes, here.screen)
    elif form is Form.JSON:
        write_object(record, sys.stdout)
    elif record["forecast"] is not None:
        hours = [
            {**hour, "tickets": [str(number) for number in hour["tickets"]]} for hour in record["forecast"]["hours"]
        ]
        write(hours, form, HOUR_FIELDS, sys.stdout)
    elif form is Form.PLAIN and record["groups"] is None:
        write_pairs({name: value for name, value in record.items() if name in FIELDS}, sys.stdout)
    elif record["groups"] is None:
        write([record], form, FIELDS, sys.stdout)
    else:
        write(record["groups"], form, ("group", *FIELDS), sys.stdout)
