"""The forecast: the hours in which targets will be missed, and the tickets that breach next."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from slactl.clock import from_text
from slactl.display_zone import WEEKDAYS, shown
from slactl.show.colours import FAINT, WARNING
from slactl.show.list import PRIORITY_STYLES, assignee
from slactl.show.records import Record
from slactl.show.tables import Column, bar, lay
from slactl.show.times import relative_due, words
from slactl.sla.enums import Target
from slactl.text import clean, counted

if TYPE_CHECKING:
    from rich.segment import Segments
    from rich.table import Table

    from slactl.records.figures import ComingTicket, Forecast

#: The cells of the longest bar.
BAR = 12

#: Up to so many hours are all drawn; of more, only hours in which a target will be missed.
EVERY_HOUR = 24


def forecast_title(forecast: "Forecast") -> str:
    """Return a line that says how many targets will be missed, by when, and how many are not counted."""
    count, paused = forecast["count"], forecast["paused_count"]
    left_out = f" ({paused:,} paused not counted)" if paused else ""
    return f"If nobody acts, {counted(count, 'target')} will be missed by {_clock(forecast['until'])}{left_out}"


def forecast_table(forecast: "Forecast", width: int, *, blocks: bool = True) -> "Segments | Table":
    """Return the hours of a forecast, each with the targets missed in it and their tickets."""
    hours = forecast["hours"]
    if len(hours) > EVERY_HOUR + 1:
        hours = [hour for hour in hours if hour["count"]]
    most = max((hour["count"] for hour in hours), default=0)

    def drawn(hour: Record) -> tuple[str, str]:
        cells = -(-BAR * hour["count"] // most) if most else 0
        return bar(1, cells, blocks=blocks) if cells else "", WARNING

    return lay(hours, hour_columns(drawn), width)


def hour_columns(drawn: Callable[[Record], tuple[str, str]]) -> Sequence[Column]:
    """Return the columns of the hours of a forecast."""

    def missed(hour: Record) -> str:
        return " · ".join(f"{words(kind)} {hour[f'{kind}_count']:,}" for kind in Target if hour[f"{kind}_count"])

    return (
        Column("From", lambda hour: (_clock(hour["since"]), "" if hour["count"] else FAINT)),
        Column("Will breach", lambda hour: f"{hour['count']:,}" if hour["count"] else "-", right=True),
        Column("", drawn, rank=1),
        Column("Targets", missed, rank=2, most=60),
        Column("Tickets", lambda hour: " ".join(map(str, hour["tickets"])), rank=3, most=200, long=True),
    )


def _clock(instant: str) -> str:
    there = shown(from_text(instant))
    return f"{WEEKDAYS[there.weekday()]} {there:%H:%M}"


def next_table(tickets: "Sequence[ComingTicket]", now: datetime, width: int) -> "Segments | Table":
    """Return the tickets that breach next, and when."""
    return lay(
        tickets,
        (
            Column("Next breach", lambda ticket: relative_due(ticket["due_at"], now)),
            Column("ID", lambda ticket: str(ticket["id"]), right=True),
            Column("Target", lambda ticket: words(ticket["due_target"])),
            Column("Priority", lambda ticket: (ticket["priority"], PRIORITY_STYLES[ticket["priority"]])),
            Column("Assignee", assignee, rank=1, most=12),
            Column("Subject", lambda ticket: clean(ticket["subject"] or ""), most=200, long=True),
        ),
        width,
    )
