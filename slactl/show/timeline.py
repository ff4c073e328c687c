"""The time of one timer as a bar for each date, by the wall clock."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING

from slactl.clock import from_text
from slactl.show.colours import ALARM, FAINT, GOOD, NOTABLE, WARNING
from slactl.show.records import Record
from slactl.show.times import day_name, exact

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

DAY = 86_400
#: The possible lengths of a cell of a bar, in seconds; the shortest that fits is used.
STEPS = (300, 600, 900, 1200, 1800, 3600, 7200, 14_400, 21_600)
#: The longest bar, and how much room is left for the words beside it, in cells.
LONGEST, WORDS = 72, 26
#: From this number of dates on, consecutive dates without special events are drawn together.
MANY_DAYS = 31


class Look(StrEnum):
    """The kinds of time that a cell can show."""

    LATE = "late"
    PAUSED = "paused"
    CLOSED = "closed"
    COUNTED = "counted"
    AHEAD = "still to count"
    OFF_HOURS = "off hours"


DEADLINE = "deadline"

#: The sign of each look in Unicode and in ASCII, and its style. The signs differ without colours too.
SIGNS: Mapping[str, tuple[str, str, str]] = {
    Look.COUNTED: ("█", "#", GOOD),
    Look.AHEAD: ("░", "-", GOOD),
    Look.PAUSED: ("p", "p", WARNING),
    Look.CLOSED: ("c", "c", NOTABLE),
    Look.LATE: ("!", "!", f"bold {ALARM}"),
    Look.OFF_HOURS: ("·", ".", FAINT),
    DEADLINE: ("◆", "|", "bold"),
}


@dataclass(slots=True)
class DayRow:
    """One date: the pieces of its wall clock as (look, start, end) in seconds since midnight, and what happened."""

    day: date
    pieces: list[tuple[Look, int, int]] = field(default_factory=list)
    seconds: Counter[Look] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    deadline: int | None = None

    @property
    def is_quiet(self) -> bool:
        """Return whether all hours of the date are of one kind and nothing happened."""
        return not self.notes and len(set(self.seconds) - {Look.OFF_HOURS}) <= 1

    @property
    def counted(self) -> int:
        """Return the seconds that count up to the deadline, future ones included."""
        return self.seconds[Look.COUNTED] + self.seconds[Look.AHEAD]

    def words(self) -> str:
        """Return what happened on this date, and which time was not counted."""
        amounts = [f"{look} {exact(self.seconds[look])}" for look in (Look.PAUSED, Look.CLOSED, Look.LATE)
                   if self.seconds[look]]  # fmt: skip
        idle = not self.notes and set(self.seconds) == {Look.OFF_HOURS}
        return "no hours" if idle else ", ".join([*self.notes, *amounts])


def day_rows(timer: Record, now: datetime, zone: tzinfo | None, started: str) -> list[DayRow]:
    """Return a row for each date that a timer of `explain` touches, in a zone; None is the machine's."""
    rows: dict[date, DayRow] = defaultdict(lambda: DayRow(date.min))
    for segment, ahead in [(each, False) for each in timer["segments"]] + [(each, True) for each in timer["ahead"]]:
        look = (
            Look(segment["kind"].replace("_", " "))
            if segment["kind"] != "counted"
            else (Look.LATE if segment["late"] else Look.AHEAD if ahead else Look.COUNTED)
        )
        for day, start, end in wall_pieces(from_text(segment["start"]), from_text(segment["end"]), zone):
            rows[day].pieces.append((look, start, end))
            rows[day].seconds[look] += end - start
    for instant, what in _marks(timer, now, started):
        there = instant.astimezone(zone)
        row = rows[there.date()]
        row.notes.append(f"{what} {there:%H:%M}" + (f":{there.second:02d}" if there.second else ""))
        if what == DEADLINE:
            row.deadline = there.hour * 3600 + there.minute * 60 + there.second
    for day, note in _named(timer, zone):
        if day in rows:
            rows[day].notes.insert(0, note)
    for day, row in rows.items():
        row.day = day
    return [rows[day] for day in sorted(rows)]


def wall_pieces(start: datetime, end: datetime, zone: tzinfo | None) -> Iterator[tuple[date, int, int]]:
    """Cut a period at midnights and clock changes; yield date, and seconds of its wall clock since midnight."""
    while start < end:
        there = start.astimezone(zone)
        wall = there.hour * 3600 + there.minute * 60 + there.second
        until = min(end, start + timedelta(seconds=DAY - wall))
        if until.astimezone(zone).utcoffset() != there.utcoffset():
            until = first_change(start, until, zone)
        yield there.date(), wall, wall + int((until - start).total_seconds())
        start = until


def first_change(before: datetime, after: datetime, zone: tzinfo | None) -> datetime:
    """Return the first second in (before, after] that has another offset than `before`."""
    old, first = before.astimezone(zone).utcoffset(), before
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        same = (first + timedelta(seconds=middle)).astimezone(zone).utcoffset() == old
        low, high = (middle, high) if same else (low, middle)
    return first + timedelta(seconds=high)


def _marks(timer: Record, now: datetime, started: str) -> list[tuple[datetime, str]]:
    spans = [*timer["segments"], *timer["ahead"]]
    since = spans[0]["start"] if spans else timer["started_at"]
    marks = [(from_text(since), started)]
    if timer["due_at"]:
        marks.append((from_text(timer["due_at"]), DEADLINE))
    if timer["stopped_at"]:
        marks.append((from_text(timer["stopped_at"]), "done"))
    else:
        marks.append((now, "now"))
    return sorted(marks, key=lambda mark: mark[0])


def _named(timer: Record, zone: tzinfo | None) -> Iterator[tuple[date, str]]:
    for each in timer["holidays"]:
        yield date.fromisoformat(each["date"]), each["name"]
    for each in timer["special_dates"]:
        hours = " ".join(each["hours"]) or "closed"
        yield date.fromisoformat(each["date"]), f"{each['name'] + ', ' if each['name'] else ''}special hours {hours}"
    for each in timer["clock_changes"]:
        forward = each["seconds"] > 0
        day = from_text(each["at"]).astimezone(zone).date()
        yield day, f"clocks {'forward' if forward else 'back'} {exact(abs(each['seconds']))}"


@dataclass(frozen=True, slots=True)
class Scale:
    """The hours that all bars show, as seconds since midnight, and the seconds of a cell."""

    first: int
    last: int
    step: int

    @property
    def cells(self) -> int:
        """Return how many cells a bar has."""
        return -(-(self.last - self.first) // self.step)

    def axis(self) -> str:
        """Return the hours over the bars; the last may stand beyond them."""
        per_hour = 3600 / self.step
        every = next((hours for hours in (1, 2, 3, 6, 12) if hours * per_hour >= 3), 24)
        line = ""
        for hour in range(self.first // 3600, self.last // 3600 + 1):
            place = int((hour * 3600 - self.first) / self.step)
            if hour % every == 0 and place >= len(line):
                line = line.ljust(place) + f"{hour:02d} "
        return line.rstrip()


def scale(rows: Sequence[DayRow], width: int) -> Scale:
    """Return the hours in which anything happened, in as many cells as fit beside the words."""
    pieces = [piece for row in rows for piece in row.pieces]
    spans = [(start, end) for look, start, end in pieces if look is not Look.OFF_HOURS]
    spans = spans or [(start, end) for _, start, end in pieces]
    spans += [(row.deadline, row.deadline) for row in rows if row.deadline is not None]
    first = min((start for start, _ in spans), default=0) // 3600 * 3600
    last = -(-max((end for _, end in spans), default=DAY) // 3600) * 3600
    room = max(4, min(LONGEST, width - len("Mon 2026-03-02") - len("counted") - 3 * 2 - WORDS))
    step = next((step for step in STEPS if -(-(last - first) // step) <= room), STEPS[-1])
    return Scale(first, last, step)


def cells(row: DayRow, drawn: Scale) -> list[str]:
    """Return the look that took most of the time of each cell of a bar; empty if the timer did not run."""
    shares: list[Counter[Look]] = [Counter() for _ in range(drawn.cells)]
    for look, start, end in row.pieces:
        for place in range(max(0, (start - drawn.first) // drawn.step), drawn.cells):
            cell = drawn.first + place * drawn.step
            if cell >= end:
                break
            shares[place][look] += min(end, cell + drawn.step) - max(start, cell)
    order = tuple(Look)
    found = [max(share, key=lambda look: (share[look], -order.index(look))) if share else "" for share in shares]
    if row.deadline is not None:
        place = (row.deadline - drawn.first) // drawn.step
        # A deadline at the end of the hours is drawn after them.
        found[place : place + 1] = [DEADLINE]
    return [str(each) for each in found]


def draw_days(rows: Sequence[DayRow], width: int, *, blocks: bool) -> "Table":
    """Return the table of bars for `width` cells: the hours, and a line for each date."""
    from rich.table import Table
    from rich.text import Text

    from slactl.text import clean

    drawn = scale(rows, width)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, collapse_padding=True, header_style=FAINT)
    table.add_column("", no_wrap=True)
    table.add_column(axis := drawn.axis(), no_wrap=True, width=max(len(axis), drawn.cells + 1))
    table.add_column("counted", no_wrap=True, justify="right")
    table.add_column("", overflow="fold")
    for group in _grouped(rows):
        if isinstance(group, DayRow):
            bar = Text.assemble(*(_sign(look, blocks) for look in cells(group, drawn)))
            table.add_row(day_name(group.day), bar, exact(group.counted), clean(group.words()))
        else:
            many = _sum(group)
            table.add_row(Text(f"+ {len(group)} days", style=FAINT), "", exact(many.counted), many.words())
    table.add_row("", "", exact(_sum(rows).counted), "total", style="bold")
    return table


def _sum(rows: Sequence[DayRow]) -> DayRow:
    """Add up several dates in one row."""
    return (
        DayRow(rows[0].day, seconds=sum((row.seconds for row in rows), Counter[Look]())) if rows else DayRow(date.min)
    )


def _grouped(rows: Sequence[DayRow]) -> Iterator[DayRow | Sequence[DayRow]]:
    """Yield the rows; of many, consecutive dates on which nothing special happened as a group."""
    quiet: list[DayRow] = []
    for row in rows:
        if len(rows) > MANY_DAYS and row.is_quiet:
            quiet.append(row)
            continue
        yield from _together(quiet)
        quiet = []
        yield row
    yield from _together(quiet)


def _together(quiet: Sequence[DayRow]) -> Iterator[DayRow | Sequence[DayRow]]:
    yield from quiet[:1]
    if len(quiet) > 2:
        yield quiet[1:]
    else:
        yield from quiet[1:]


def _sign(look: str, blocks: bool) -> tuple[str, str]:
    if not look:
        return " ", ""
    fancy, plain, style = SIGNS[look]
    return fancy if blocks else plain, style


def legend(rows: Sequence[DayRow], *, blocks: bool) -> "Text":
    """Return the meaning of the signs that are drawn."""
    from rich.text import Text

    used: set[str] = {look for row in rows for look in row.seconds if row.seconds[look]}
    if any(row.deadline is not None for row in rows):
        used.add(DEADLINE)
    line = Text()
    for name in SIGNS:
        if name in used:
            line.append("   " if line else "").append(*_sign(name, blocks)).append(f" {name}")
    return line
