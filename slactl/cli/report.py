"""`report`: print attainment, times, trends and escalations of a period."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.objectives import goals_at
from slactl.cli.options import Call, FormatOption, JsonOption, call, say
from slactl.cli.panels import Commands
from slactl.desk.reports.measures import EVERYTHING, By
from slactl.errors import UsageError
from slactl.show.form import Form, choose_form
from slactl.text import quoted

if TYPE_CHECKING:
    from slactl.records.figures import Report

app = Commands()

SinceOption = Annotated[str | None, typer.Option("--since", metavar="T", help="From T: 'mon', '7d ago', 'all'.")]
ZoneOption = Annotated[
    str | None,
    typer.Option("--timezone", metavar="Z", help="The time zone of days and hours; default the display zone."),
]
HtmlOption = Annotated[str | None, typer.Option("--html", metavar="FILE|-", help="Write one HTML page with charts.")]


@app.command("report")
def report(
    context: typer.Context,
    since: SinceOption = None,
    until: Annotated[str | None, typer.Option("--until", metavar="T", help="Before T; default now.")] = None,
    by: Annotated[By | None, typer.Option("--by", help="Break down by this field.", show_default=False)] = None,
    timezone: ZoneOption = None,
    html: HtmlOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file of --html if it exists.")] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print a row for each target and group, as --format csv.")
    ] = False,
    form: FormatOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report attainment, times, trends and escalations of a period.

    A target counts if its clock stopped in the period, or if its deadline passed in the period. What happens later does
    not change a report on the past; slactl help reports names the exceptions. Without --since, the period begins with
    the first ticket.

    \b
    Examples:
      slactl report --since '7d ago' --by assignee
      slactl report --since 2026-03-01 --until 2026-04-01 --html march.html
      slactl report --by plan --csv > plans.csv
    """
    from slactl.desk.reports import report as desk
    from slactl.show.times import zone_named

    here = call(context)
    chosen = _form(form, as_json=as_json, as_csv=as_csv, html=html, force=force)
    period = here.instant(since if since != EVERYTHING else None), here.instant(until)
    zone, name = zone_named(timezone)
    with here.desk.database.read() as transaction:
        goals = goals_at(here, transaction, here.due_soon(), period[1])
        since_, until_ = period
        record = desk.report(
            transaction, here.now, since=since_, until=until_, by=by, zone=zone, zone_name=name, goals=goals
        )
    if html is None:
        _print(here, record, chosen)
    else:
        _write_page(record, html, force=force)


def _form(form: Form | None, *, as_json: bool, as_csv: bool, html: str | None, force: bool) -> Form:
    if as_csv and form not in (None, Form.CSV):
        raise UsageError("only one form of output at a time", "slactl report --csv")
    chosen = choose_form(Form.CSV if as_csv else form, as_json=as_json, ids_only=False, terminal=sys.stdout.isatty())
    if chosen is Form.IDS:
        raise UsageError("report cannot print ids", "slactl list --ever-breached --all -q")
    if html is not None and (form or as_json or as_csv):
        raise UsageError("--html cannot be used with another form of output", f"slactl report --html {quoted(html)}")
    if force and html is None:
        raise UsageError("--force needs --html, which names the file to replace", "slactl report --help")
    return chosen


def _print(here: Call, record: "Report", form: Form) -> None:
    from slactl.desk.reports.report import TARGET_FIELDS, target_rows
    from slactl.show.records import write, write_object

    if form is Form.TABLE:
        from slactl.show.report import draw_report

        draw_report(record, here.screen)
    elif form is Form.JSON:
        write_object(record, sys.stdout)
    else:
        write(target_rows(record), form, ("group", *TARGET_FIELDS), sys.stdout)


def _write_page(record: "Report", target: str, *, force: bool) -> None:
    from slactl.cli.files import write_private
    from slactl.show.page import page

    text = page(record)
    if target == "-":
        # The page declares UTF-8, whatever the encoding of stdout.
        sys.stdout.buffer.write(text.encode(errors="xmlcharrefreplace"))
        return
    write_private(target, text, force=force)
    say(f"wrote {target}", err=True)
