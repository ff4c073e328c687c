"""The live board as one screen that fits the terminal: ticking times, and a word beside each colour."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from slactl import display_zone
from slactl.clock import from_text
from slactl.durations import describe_seconds
from slactl.errors import FIRED
from slactl.show.colours import FAINT, GOOD, WARNING
from slactl.show.list import columns
from slactl.show.records import Record
from slactl.show.tables import Column, lay
from slactl.show.times import STYLES, Urgency, local_day, urgency, words
from slactl.text import clean

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from slactl.records.tickets import Ticket

#: The lines above the sections.
HEAD = 4

#: The lines of a section besides its rows: its heading, the head of its table, and a blank line.
AROUND = 3

ALARM = f"bold {WARNING}"

#: What the last line says about keys: the first text that fits.
KEYS = (
    "q quits  ? help  ↑↓ choose  Enter show  a acknowledge  e escalate  / search",
    "q quits  ? help  Enter show  a ack  e escalate  / search",
    "q quits  ? help  a ack  e escalate",
    "q quits",
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the board; `count` is the number of all rows, and `rows` may be fewer."""

    title: str
    style: str
    count: int
    rows: Sequence[Record]


def draw_board(
    shown: Record, width: int, height: int, *, chosen: int | None = None, below: "Text | None" = None
) -> "RenderableType":
    """Return the board at one instant, for a terminal of `width` by `height` cells.

    Each section gets its share of the lines, and its rows move so that the `chosen` ticket is among them. Sections
    without room are left out, the last first. `below` replaces the last line.
    """
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = list(islice(_head(shown, width), max(0, height - 1)))
    rest = height - len(parts) - 1
    for section, lines in _shared(shown, height):
        cut = f", {lines:,} shown" if lines < section.count else ""
        heading = Text(f"{section.title}: {section.count:,}{cut}", style=section.style, no_wrap=True)
        columns = ticket_columns(shown["now"], shown["due_soon"], chosen)
        place = next((number for number, row in enumerate(section.rows) if row["id"] == chosen), 0)
        start = max(0, place + 1 - lines)
        parts += [heading, lay(section.rows[start : start + lines], columns, width), Text()]
        rest -= lines + AROUND
    if len(parts) == HEAD and rest > 0:
        nothing = "No ticket matches." if shown["is_filtered"] else "No ticket is open."
        parts.append(Text(nothing, style=GOOD))
        rest -= 1
    parts += [Text() for _ in range(rest)]
    return Group(*parts, _foot(shown, width) if below is None else below)


def choosable(shown: Record, height: int) -> list[int]:
    """Return the numbers of the tickets that can be chosen, in the order of the board: those of the drawn sections."""
    return [int(ticket["id"]) for section, _ in _shared(shown, height) for ticket in section.rows]


def _shared(shown: Record, height: int) -> "list[tuple[Section, int]]":
    """Return the sections that a terminal has room for, each with the number of its rows."""
    sections = [section for section in sections_of(shown) if section.rows]
    shares = share([len(section.rows) for section in sections], height - HEAD - 1)
    return list(zip(sections, shares, strict=False))


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
    title = Text(f"slactl  {day} {there:%H:%M:%S} {display_zone.heading()}", style="bold")
    yield across(title, Text(*check_words(shown)), width)
    line = Text(f"{'Matching' if shown['is_filtered'] else 'Open'} {shown['open_count']:,} · ")
    line.append(f"overdue {shown['late_count']:,}", style=STYLES[Urgency.LATE] if shown["late_count"] else GOOD)
    line.append(f" · urgent and unassigned {shown['urgent_count']:,}", style=ALARM if shown["urgent_count"] else "")
    line.append(" · due within " + ", ".join(f"{hours}h {count:,}" for hours, count in shown["forecast"]))
    line.no_wrap, line.overflow = True, "ellipsis"
    yield line
    step = shown["next_step"]
    coming = Text("", style=FAINT, no_wrap=True, overflow="ellipsis")
    if step is not None:
        what = f"{words(step['kind'])} of #{step['ticket_id']}, {clean(step['subject'] or '')}"
        coming.append(f"Next escalation or breach {ticking(step['next_at'], shown['now'], late='overdue')}: {what}")
    yield coming
    yield Text()


def check_words(shown: Record) -> tuple[str, str]:
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
    right = Text(f"as of {clock}, read every {shown['interval']}s", style=FAINT)
    fitting = (text for text in KEYS if len(text) + right.cell_len < width)
    return across(Text(next(fitting, KEYS[-1]), style=FAINT), right, width)


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
    """Yield the sections of the board, most urgent first; each ticket is in one of them."""
    yield Section("OVERDUE", STYLES[Urgency.LATE], shown["late_count"], shown["late"])
    soon = f"DUE WITHIN {describe_seconds(shown['due_soon'])}"
    yield Section(soon, STYLES[Urgency.SOON], shown["soon_count"], shown["soon"])
    yield Section("URGENT AND UNASSIGNED", ALARM, shown["unlisted_urgent_count"], shown["urgent"])
    yield Section("LATER", "bold", shown["later_count"], shown["later"])


def ticket_columns(now: datetime, due_soon: int, chosen: int | None = None) -> "Sequence[Column[Any]]":
    """Return the columns of tickets, with a deadline that ticks, and a mark before the chosen ticket."""

    def due(ticket: "Ticket") -> tuple[str, str]:
        if not ticket["due_at"]:
            return "no deadline", FAINT
        return ticking(ticket["due_at"], now, late="late"), STYLES[urgency(ticket, now, due_soon)]

    def mark(ticket: "Ticket") -> tuple[str, str]:
        return (">", "bold") if ticket["id"] == chosen else (" ", "")

    ticks = [
        column._replace(cell=due, right=True) if column.title == "Due" else column for column in columns(now, due_soon)
    ]
    return [Column("", mark), *ticks]


def ticking(instant: str, now: datetime, *, late: str) -> str:
    """Return an instant as a countdown, or how long ago it was with the word `late`."""
    left = int((from_text(instant) - now).total_seconds())
    return f"in {countdown(left)}" if left >= 0 else f"{countdown(left)} {late}"


#: The keys of the board and what they do.
HELP = (
    ("↑ ↓  k j", "choose a ticket"),
    ("Home End", "choose the first or the last ticket"),
    ("Enter", "show the chosen ticket"),
    ("a", "acknowledge the chosen ticket, as slactl ack does"),
    ("e", "escalate the chosen ticket; type the reason, then Enter"),
    ("/", "show only tickets with a text; an empty text shows all"),
    ("Esc", "leave a prompt, or end the search"),
    ("?", "this help"),
    ("q", "quit"),
)


def help_lines() -> list[str]:
    """Return the help of the live board."""
    return [
        "Keys of the live board",
        "",
        *(f"  {key:<10}{what}" for key, what in HELP),
        "",
        "Each ticket is listed once.",
    ]


def draw_page(lines: "Sequence[str]", width: int, height: int, rest: str) -> "RenderableType":
    """Return a page of lines with ANSI colours, cut to the terminal; `rest` says how to see what was cut off."""
    from rich.console import Group
    from rich.text import Text

    room = max(1, height - 1)
    texts = [Text.from_ansi(line) for line in lines[:room]]
    for text in texts:
        text.no_wrap, text.overflow = True, "ellipsis"
        text.truncate(width, overflow="ellipsis")
    texts += [Text() for _ in range(room - len(texts))]
    more = f"{len(lines) - room:,} more lines: {rest}  " if len(lines) > room else ""
    return Group(*texts, Text(f"{more}any key goes back", style=FAINT, no_wrap=True, overflow="ellipsis"))
