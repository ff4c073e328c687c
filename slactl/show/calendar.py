"""Calendars for people: answers to questions, and a month as a grid."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from slactl.clock import from_text
from slactl.display_zone import WEEKDAYS
from slactl.durations import describe_seconds
from slactl.show.colours import ACCENT, FAINT, NOTABLE, WARNING
from slactl.show.form import Screen
from slactl.show.records import Record
from slactl.show.tables import Column, lay
from slactl.show.times import MONTHS, day_name, exact, in_zone
from slactl.text import clean

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

#: The narrowest cell of a grid, and one in which hours need not be shortened.
NARROW, WIDE = 10, 13
#: The greatest width of a day in the grid.
WIDEST = 24


def added_lines(answer: Record) -> list[str]:
    """Return the instant at which a duration ends, and the question."""
    open_time = f", {exact(answer['open_seconds'])} open" if "bd" in answer["duration"] else ""
    return [
        instant(answer, "end"),
        f"  {answer['duration']} after {instant(answer, 'start')}{open_time}",
        f"  on calendar {calendar_name(answer)}",
    ]


def between_lines(answer: Record) -> list[str]:
    """Return how much open time lies between two instants, and the question."""
    return [
        exact(answer["open_seconds"]),
        f"  from {instant(answer, 'start')} to {instant(answer, 'end')}",
        f"  on calendar {calendar_name(answer)}",
    ]


def open_lines(answer: Record) -> list[str]:
    """Return whether the calendar is open, and until when."""
    why = f", {clean(answer['holiday'])}" if answer["holiday"] else ""
    lines = ["yes" if answer["open"] else "no", f"  {instant(answer, 'at')}{why}"]
    if answer["open"]:
        lines += [f"  open until {instant(answer, 'closes_at')}"] if answer["closes_at"] else []
    else:
        lines.append(f"  opens {instant(answer, 'opens_at')}" if answer["opens_at"] else "  never opens again")
    return [*lines, f"  on calendar {calendar_name(answer)}"]


def calendar_name(answer: Record) -> str:
    """Return the name of a calendar and its zone."""
    return f"{clean(answer['calendar'])} ({answer['timezone']})"


def instant(answer: Record, name: str) -> str:
    """Return an instant by the clock of the calendar."""
    from zoneinfo import ZoneInfo

    return in_zone(from_text(answer[name]), ZoneInfo(answer["timezone"]), with_offset=True)


def draw_month(dates: Sequence[Record], calendar: Record, today: str, screen: Screen) -> None:
    """Draw one month as a grid of weeks, or as a list on a narrow screen, and its special dates below."""
    from rich.text import Text

    console = screen.console()
    first = date.fromisoformat(dates[0]["date"])
    title = f"{MONTHS[first.month - 1]} {first.year}  {calendar_name(calendar)}"
    holidays = f", holidays of {calendar['holidays_of']}" if calendar["holidays_of"] else ""
    console.print(Text(title + holidays, style="bold"))
    if calendar["any_of"]:
        console.print(Text(clean(f"open when any of {', '.join(calendar['any_of'])} is"), style=FAINT))
    console.print()
    cell = min((console.width - 6) // 7, WIDEST)
    console.print(_grid(dates, today, cell) if cell >= NARROW else lay(dates, DATE_COLUMNS, console.width))
    console.print()
    for day in dates:
        for special in _specials(day):
            console.print(Text(f"{day_name(date.fromisoformat(day['date']))}  {clean(special)}"))
    open_dates = [day for day in dates if day["intervals"]]
    total = sum(day["open_seconds"] for day in dates)
    console.print(Text(f"{len(open_dates)} of {len(dates)} days open, {exact(total)} in total", style=FAINT))


DATE_COLUMNS = (
    Column("Date", lambda day: day_name(date.fromisoformat(day["date"]))),
    Column("Hours", lambda day: " ".join(day["intervals"]) or "closed", long=True, wrap=True),
)


def _grid(dates: Sequence[Record], today: str, cell: int) -> "Table":
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 1, 0), pad_edge=False, header_style="bold", show_edge=False)
    for name in WEEKDAYS:
        table.add_column(name, width=cell, overflow="fold")
    blank = date.fromisoformat(dates[0]["date"]).weekday()
    cells: list[Text | str] = [*[""] * blank, *(_cell(day, today, cell) for day in dates)]
    for place in range(0, len(cells), 7):
        table.add_row(*cells[place : place + 7])
    return table


def _cell(day: Record, today: str, width: int) -> "Text":
    from rich.text import Text

    number = Text(str(int(day["date"][8:])), style="bold reverse" if day["date"] == today else "bold")
    if day["open_seconds"]:
        number.append(f"  {exact(day['open_seconds']).replace(' ', '')}", style=f"not bold not reverse {FAINT}")
    lines = [number, Text("today", style="bold")] if day["date"] == today else [number]
    if day["intervals"]:
        style = ACCENT if day["special"] else ""
        lines += [Text(text, style=style) for hours in day["intervals"] for text in _hours(hours, width)]
    else:
        lines.append(Text("closed", style=FAINT))
    if day["holiday"]:
        lines.append(Text(clean(day["holiday"]), style=NOTABLE))
    if day["special"]:
        lines.append(Text("special", style=ACCENT))
    if day["clock_change_seconds"]:
        shift = day["clock_change_seconds"]
        length = describe_seconds(abs(shift)).replace(" ", "")
        lines.append(Text(f"clocks {'+' if shift > 0 else '-'}{length}", style=WARNING))
    return Text("\n").join(lines)


def _hours(text: str, width: int) -> list[str]:
    """Return an interval in lines that fit a cell: whole, without minutes that are 00, or on two lines."""
    if text == "00:00-24:00":
        return ["all day"]
    if width >= WIDE:
        return [text]
    short = re.sub(r":00(?=-|$)", "", text)
    first, _, last = short.partition("-")
    return [short] if len(short) <= width else [f"{first}-", last]


def _specials(day: Record) -> Iterator[str]:
    """Yield in words what differs on this date from the weekly hours."""
    hours = " ".join(day["intervals"]) or "closed"
    if day["special"]:
        yield f"special hours: {hours}" + (f" ({day['holiday']})" if day["holiday"] else "")
    elif day["holiday"]:
        yield day["holiday"]
    change = day["clock_change_seconds"]
    if change:
        yield f"the clocks go {'forward' if change > 0 else 'back'} by {exact(abs(change))}"
