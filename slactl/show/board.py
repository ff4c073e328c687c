"""The live board as one screen that fits the terminal: ticking times, and a word beside each colour."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slactl import display_zone
from slactl.clock import from_text
from slactl.durations import describe_seconds
from slactl.errors import FIRED
from slactl.show.colours import FAINT, GOOD, WARNING
from slactl.show.list import PRIORITY_STYLES, assignee, columns
from slactl.show.records import Record
from slactl.show.tables import Column, lay
from slactl.show.times import STYLES, Urgency, local_day, urgency, words
from slactl.text import clean

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from slactl.records.tickets import Ticket

#: The lines of a section besides its rows: its heading, the head of its table, and a blank line.
AROUND = 3

ALARM = f"bold {WARNING}"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the board; `count` is the number of all rows, and `rows` may be fewer."""

    title: str
    style: str
    count: int
    rows: Sequence[Record]
    columns: Sequence[Column[Any]]


def draw_board(shown: Record, width: int, height: int) -> "RenderableType":
    """Return the board at one instant, for a terminal of `width` by `height` cells.

    Each section gets its share of the lines. Sections without room are left out, the last first.
    """
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [*_head(shown, width)]
    rest = height - len(parts) - 1
    sections = [section for section in sections_of(shown) if section.count]
    shares = share([section.count for section in sections], rest)
    for section, lines in zip(sections, shares, strict=False):
        cut = f", {lines:,} shown" if lines < section.count else ""
        heading = Text(f"{section.title}: {section.count:,}{cut}", style=section.style, no_wrap=True)
        parts += [heading, lay(section.rows[:lines], section.columns, width), Text()]
        rest -= lines + AROUND
    if not sections:
        parts.append(Text("No ticket is overdue or due soon, and every urgent ticket is assigned.", style=GOOD))
        rest -= 1
    parts += [Text() for _ in range(rest)]
    return Group(*parts, _foot(shown, width))


def share(wanted: Sequence[int], lines: int) -> list[int]:
    """Return how many rows each section gets: at least one, then one more in turn while there are lines.

    Sections that cannot have one row each are left out, the last first.
    """
    kept = [count for place, count in enumerate(wanted, 1) if place * (AROUND + 1) <= lines]
    shares, left = [1 for _ in kept], lines - len(kept) * (AROUND + 1)
    while left > 0 and any(mine < count for mine, count in zip(shares, kept, strict=True)):
        for place, count in enumerate(kept):
            if shares[place] < count and left > 0:
                shares[place] += 1
                left -= 1
    return shares


def countdown(seconds: int) -> str:
    """Return a number of seconds as a clock: `4:05`, `1:04:05`, `2d 01:04:05`."""
    days, rest = divmod(abs(seconds), 86_400)
    hours, rest = divmod(rest, 3600)
    if days:
        return f"{days}d {hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def _head(shown: Record, width: int) -> Iterator["Text"]:
    from rich.text import Text

    there = display_zone.shown(shown["now"])
    day = local_day(shown["at"])[:14]
    title = Text(f"slactl  {day} {there:%H:%M:%S} {display_zone.offset(there)}", style="bold")
    yield across(title, Text(*_check_words(shown)), width)
    line = Text(f"Open {shown['open_count']:,} · ")
    line.append(f"overdue {shown['late_count']:,}", style=STYLES[Urgency.LATE] if shown["late_count"] else GOOD)
    line.append(f" · urgent and unassigned {shown['urgent_count']:,}", style=ALARM if shown["urgent_count"] else "")
    line.append(" · due within " + ", ".join(f"{hours}h {count:,}" for hours, count in shown["forecast"]))
    line.no_wrap, line.overflow = True, "ellipsis"
    yield line
    yield Text()


def _check_words(shown: Record) -> tuple[str, str]:
    """Return the result of the last check in words, and a style."""
    check = shown["last_check"]
    fired, code = shown["asleep"], None if check is None else check["exit_code"]
    ended = f" for {describe_seconds(int((shown['now'] - from_text(fired)).total_seconds()))}" if fired else " yet"
    asleep = f"LEVELS ARE DUE, no successful check{ended}: is cron running?"
    if check is None:
        return "no check has run yet" if fired is None else asleep, ALARM
    ago = int((shown["now"] - from_text(check["started_at"])).total_seconds())
    when = describe_seconds(max(0, ago))
    if shown["is_check_old"]:
        return f"NO CHECK FOR {when}: is cron running?", ALARM
    if code is not None and code not in FIRED:
        return f"checked {when} ago, FAILED with exit code {code}", ALARM
    if fired is not None:
        return asleep, ALARM
    if code:
        return f"checked {when} ago, exit code {code}", ALARM
    if check["ended_at"] is None:
        return f"a check began {when} ago", ""
    return f"checked {when} ago", GOOD


def _foot(shown: Record, width: int) -> "Text":
    from rich.text import Text

    clock = display_zone.shown(from_text(shown["read_at"])).strftime("%H:%M:%S")
    if shown["problem"]:
        line = Text(f"CANNOT READ, as of {clock}: {clean(shown['problem'])}", style=ALARM, no_wrap=True)
        line.overflow = "ellipsis"
        return line
    return across(
        Text("q quits", style=FAINT), Text(f"as of {clock}, read every {shown['interval']}s", style=FAINT), width
    )


def across(left: "Text", right: "Text", width: int) -> "Text":
    """Put two texts at both ends of a line; without room the right one is left out, unless it is an alarm."""
    gap = width - left.cell_len - right.cell_len
    line = left.copy() if gap < 1 else left.copy().append(" " * gap).append_text(right)
    line.no_wrap, line.overflow = True, "ellipsis"
    if gap < 1 and right.style == ALARM:
        line = right.copy()
        line.no_wrap, line.overflow = True, "ellipsis"
    return line


def sections_of(shown: Record) -> Iterator[Section]:
    """Yield the sections of the board, most urgent first."""
    tickets = ticket_columns(shown["now"], shown["due_soon"])
    yield Section("OVERDUE", STYLES[Urgency.LATE], shown["late_count"], shown["late"], tickets)
    soon = f"DUE WITHIN {describe_seconds(shown['due_soon'])}"
    yield Section(soon, STYLES[Urgency.SOON], shown["soon_count"], shown["soon"], tickets)
    yield Section("URGENT AND UNASSIGNED", ALARM, shown["urgent_count"], shown["urgent"], tickets)
    upcoming = shown["upcoming"]
    yield Section("NEXT ESCALATIONS AND BREACHES", "bold", len(upcoming), upcoming, next_columns(shown["now"]))


def ticket_columns(now: datetime, due_soon: int) -> "Sequence[Column[Ticket]]":
    """Return the columns of tickets, with a deadline that ticks."""

    def due(ticket: "Ticket") -> tuple[str, str]:
        if not ticket["due_at"]:
            return "no deadline", FAINT
        return ticking(ticket["due_at"], now, late="late"), STYLES[urgency(ticket, now, due_soon)]

    return [
        column._replace(cell=due, right=True) if column.title == "Due" else column for column in columns(now, due_soon)
    ]


def next_columns(now: datetime) -> Sequence[Column]:
    """Return the columns of the next escalations and breaches."""
    return (
        Column("ID", lambda timer: str(timer["ticket_id"]), right=True),
        Column("When", lambda timer: ticking(timer["next_at"], now, late="overdue"), right=True),
        Column("Timer", lambda timer: words(timer["kind"])),
        Column("Priority", lambda timer: (timer["priority"], PRIORITY_STYLES[timer["priority"]])),
        Column("Assignee", assignee, rank=1, most=12),
        Column("Subject", lambda timer: timer["subject"] or "", most=200, long=True),
    )


def ticking(instant: str, now: datetime, *, late: str) -> str:
    """Return an instant as a countdown, or how long ago it was with the word `late`."""
    left = int((from_text(instant) - now).total_seconds())
    return f"in {countdown(left)}" if left >= 0 else f"{countdown(left)} {late}"
