"""`calendar`: calculate with the calendars of the rules; this needs no database."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.completion import calendar_names
from slactl.cli.options import Call, JsonOption, Output, call
from slactl.cli.panels import Commands
from slactl.show.form import Form

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from slactl.desk.rules.calendar import Record
    from slactl.typed_times import Hours

app = Commands(help="Calculate with a calendar of rules.toml.")

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A calendar of the rules.", show_default=False, autocompletion=calendar_names),
]
ZoneOption = Annotated[
    str | None, typer.Option("--timezone", metavar="Z", help="Use this time zone instead of the calendar's.")
]


@app.command()
def add(
    context: typer.Context,
    name: Name,
    start: Annotated[str, typer.Argument(metavar="START", help="The time at which counting starts.")],
    duration: Annotated[
        str, typer.Argument(metavar="DURATION", help="Open time (4h) or business days (3bd, 1bd close).")
    ],
    timezone: ZoneOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add open time to a time, and print the deadline.

    On a pipe it prints only the time. A time without an offset is in the display zone.

    \b
    Examples:
      slactl calendar add office "2026-12-23 16:00" 4h
      slactl calendar add office now 3bd
      slactl calendar add office now "1bd 17:00"
      slactl calendar add office 2026-12-23T16:00+01:00 4h --timezone America/New_York --json
    """
    from slactl.desk.rules import calendar as calendars
    from slactl.show.calendar import added_lines

    here = call(context)
    asked = calendars.calendar(here.desk.rules, name, timezone)
    record = calendars.add(asked, _instant(here, start, asked), duration)
    _print(record, record["end"], lambda: added_lines(record), as_json=as_json)


@app.command()
def between(
    context: typer.Context,
    name: Name,
    a: Annotated[str, typer.Argument(metavar="A", help="From this time on.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Up to this time.")],
    timezone: ZoneOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the open time between two times.

    The result is negative if B is before A. On a pipe it is in seconds.

    \b
    Examples:
      slactl calendar between office "fri 15:00" now
      slactl calendar between office 2026-12-23T16:00+01:00 2026-12-28T10:00+01:00 --json
    """
    from slactl.desk.rules import calendar as calendars
    from slactl.show.calendar import between_lines

    here = call(context)
    asked = calendars.calendar(here.desk.rules, name, timezone)
    record = calendars.between(asked, _instant(here, a, asked), _instant(here, b, asked))
    _print(record, str(record["open_seconds"]), lambda: between_lines(record), as_json=as_json)


@app.command("is-open")
def is_open(
    context: typer.Context,
    name: Name,
    at: Annotated[str, typer.Argument(metavar="T", help="The time; a weekday or a time of day means the next one.")],
    timezone: ZoneOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print yes if the calendar is open at a time, else no.

    The exit code is 0 in both cases.

    \b
    Examples:
      slactl calendar is-open office now
      slactl calendar is-open office "sat 10:00"
      [ "$(slactl calendar is-open office now)" = yes ] && echo "somebody is there"
    """
    from slactl.desk.rules import calendar as calendars
    from slactl.show.calendar import open_lines

    here = call(context)
    asked = calendars.calendar(here.desk.rules, name, timezone)
    record = calendars.is_open(asked, _instant(here, at, asked, ahead=True))
    _print(record, "yes" if record["open"] else "no", lambda: open_lines(record), as_json=as_json)


@app.command(fields="slactl.desk.rules.calendar:DATE_FIELDS", quiet="the dates")
def show(
    context: typer.Context,
    name: Name,
    month: Annotated[
        str | None, typer.Option(metavar="M", help="The month, such as 2026-12; default this month.")
    ] = None,
    timezone: ZoneOption = None,
    *,
    output: Output,
) -> None:
    """Show the hours of a month, with holidays and clock changes.

    On a pipe it prints one line for each date. The open seconds of a date are real seconds of the intervals
    that start on it: a night shift is an hour shorter or longer when the clocks change.

    \b
    Examples:
      slactl calendar show office
      slactl calendar show office --month 2026-12
      slactl calendar show office --month 2026-12 --json | jq '.[] | select(.holiday)'
    """
    from slactl.desk.rules import calendar as calendars
    from slactl.show.calendar import draw_month
    from slactl.show.records import write

    here = call(context)
    chosen, names = output.chosen(), output.names(calendars.DATE_FIELDS)
    first = calendars.parse_month(month) if month is not None else None
    asked = calendars.calendar(here.desk.rules, name, timezone)
    first = first or calendars.this_month(asked, here.now)
    dates = calendars.month(asked, first)
    if chosen is Form.TABLE and output.fields is None:
        draw_month(dates, calendars.described(asked), calendars.today(asked, here.now), here.screen)
    else:
        write(
            dates, Form.PLAIN if chosen is Form.TABLE else chosen, names, sys.stdout, key="date", header=output.header
        )


def _instant(here: Call, text: str, asked: "Hours", *, ahead: bool = False) -> "datetime":
    instant = here.instant(text, ahead=ahead, calendar=lambda: asked)
    assert instant is not None
    return instant


def _print(record: "Record", value: str, lines: "Callable[[], list[str]]", *, as_json: bool) -> None:
    """Print the answer as JSON, as lines for a person, or as the one value that a script needs."""
    from slactl.show.records import write_object

    if as_json:
        write_object(record, sys.stdout)
    elif sys.stdout.isatty():
        sys.stdout.writelines(f"{line}\n" for line in lines())
    else:
        sys.stdout.write(f"{value}\n")
