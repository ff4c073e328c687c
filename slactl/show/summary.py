"""The desk on one screen: open work, what is late, and how the promises were kept."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from slactl.clock import describe_seconds
from slactl.show.form import Screen
from slactl.show.records import Record
from slactl.show.tables import Column, bar, lay
from slactl.show.times import local_day
from slactl.text import clean

if TYPE_CHECKING:
    from rich.text import Text

#: Shares below these read as bad, and as middling.
BAD, MIDDLING = 0.8, 0.95


def draw_summary(summary: Record, screen: Screen) -> None:
    """Draws a summary record of `summary --json`, with its groups where it has any."""
    from rich.text import Text

    console = screen.console()
    console.print(Text(f"The desk on {local_day(summary['at'])}\n", style="bold"))
    for line in _counts(summary):
        console.print(line)
    console.print()
    if summary["since"]:
        console.print(Text(f"Done, or overdue undone, since {local_day(summary['since'])}", style="bold"))
    console.print(lay(list(_targets(summary)), _target_columns(blocks=screen.draws_blocks), console.width))
    of = "these" if summary["since"] else "all"
    rates = f"\nOf {of} tickets, {percent(summary['breach_rate'])} were ever late, "
    console.print(Text(f"{rates}{percent(summary['escalation_rate'])} ever escalated.", style="dim"))
    if summary["groups"] is not None:
        console.print()
        console.print(lay(summary["groups"], _group_columns(summary["by"]), console.width))


def percent(share: float | None) -> str:
    """A share as a percentage; "n/a" where nothing was measured."""
    return "n/a" if share is None else f"{share * 100:.1f} %"


def share_style(share: float | None) -> str:
    """Green, yellow or red; the number stands beside it."""
    if share is None:
        return "dim"
    return "red" if share < BAD else "yellow" if share < MIDDLING else "green"


def late_count(summary: Record) -> int:
    """Targets that are late and still open, of all three kinds."""
    kinds = ("first_response", "next_response", "resolution")
    return sum(summary[f"{kind}_breached_count"] for kind in kinds)


def _counts(summary: Record) -> Iterator["Text"]:
    late, soon = late_count(summary), summary["due_soon_count"]
    yield _count_line(
        "Open",
        summary["open_count"],
        "",
        unassigned=summary["unassigned_count"],
        urgent=summary["urgent_open_count"],
        escalated=summary["escalated_count"],
        paused=summary["paused_count"],
    )
    yield _count_line(
        "Late",
        late,
        "bold red" if late else "green",
        **{
            "first response": summary["first_response_breached_count"],
            "next response": summary["next_response_breached_count"],
            "resolution": summary["resolution_breached_count"],
        },
    )
    yield _count_line("Due soon", soon, "yellow" if soon else "green")


def _count_line(title: str, count: int, style: str, **parts: int) -> "Text":
    from rich.text import Text

    line = Text().append(f"{title:<10}", style="bold").append(f"{count:>8,}", style=style)
    told = " · ".join(f"{name} {number:,}" for name, number in parts.items())
    return line.append(f"   {told}") if told else line


def _targets(summary: Record) -> Iterator[Record]:
    first, first_middle = summary["avg_first_response_minutes"], summary["median_first_response_minutes"]
    whole, whole_middle = summary["avg_resolution_hours"], summary["median_resolution_hours"]
    yield {
        "target": "first response",
        "attainment": summary["first_response_attainment"],
        "average": None if first is None else first * 60,
        "median": None if first_middle is None else first_middle * 60,
        "of": summary["first_response_n"],
    }
    yield {
        "target": "resolution",
        "attainment": summary["resolution_attainment"],
        "average": None if whole is None else whole * 3600,
        "median": None if whole_middle is None else whole_middle * 3600,
        "of": summary["resolution_n"],
    }


def _target_columns(*, blocks: bool) -> Sequence[Column]:
    def attained(row: Record) -> tuple[str, str]:
        share = row["attainment"]
        return "" if share is None else bar(share, 20, blocks=blocks), share_style(share)

    return (
        Column("Target", lambda row: row["target"]),
        Column("Kept", attained, rank=1),
        Column("", lambda row: (percent(row["attainment"]), share_style(row["attainment"])), right=True),
        Column("Average", lambda row: _duration(row["average"]), right=True),
        Column("Median", lambda row: _duration(row["median"]), right=True),
        Column("Of", lambda row: f"{row['of']:,}", right=True),
    )


def _duration(seconds: float | None) -> str:
    return "n/a" if seconds is None else describe_seconds(round(seconds))


def _group_columns(by: str) -> Sequence[Column]:
    def kept(target: str) -> Column:
        name = f"{target}_attainment"
        title = "Response kept" if target == "first_response" else "Resolution kept"
        return Column(title, lambda g: (percent(g[name]), share_style(g[name])), right=True)

    return (
        Column(by.capitalize(), lambda g: (f"no {by}", "dim") if g["group"] is None else clean(g["group"]), most=24),
        Column("Open", lambda g: f"{g['open_count']:,}", right=True),
        Column("Late", lambda g: (f"{late_count(g):,}", "bold red" if late_count(g) else ""), right=True),
        Column("Due soon", lambda g: f"{g['due_soon_count']:,}", rank=2, right=True),
        Column("Unassigned", lambda g: f"{g['unassigned_count']:,}", rank=3, right=True),
        Column("Escalated", lambda g: f"{g['escalated_count']:,}", rank=4, right=True),
        kept("first_response"),
        kept("resolution"),
    )
