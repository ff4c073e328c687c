"""The service desk on one screen: open work by urgency, the next breaches, and the share of targets met."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from slactl.clock import from_text, to_text
from slactl.durations import describe_seconds
from slactl.show.colours import ALARM, FAINT, GOOD
from slactl.show.forecast import forecast_table, forecast_title, next_table
from slactl.show.form import Screen
from slactl.show.objectives import columns as goal_columns
from slactl.show.records import Record
from slactl.show.shares import change_words, percent, share_style, taken
from slactl.show.tables import Column, bar, lay
from slactl.show.times import STYLES, Urgency, described, local_day, words
from slactl.sla.enums import Priority, Target
from slactl.text import clean

if TYPE_CHECKING:
    from rich.console import Console

    from slactl.records.figures import Summary

#: How many of the tickets that breach next there is room for.
NEXT = 3

#: How each band of open work is drawn.
BAND_STYLES = {
    "late": STYLES[Urgency.LATE],
    "due_soon": STYLES[Urgency.SOON],
    "due_later": STYLES[Urgency.CALM],
    "paused": STYLES[Urgency.PAUSED],
    "no_deadline": STYLES[Urgency.FREE],
}


def draw_summary(summary: "Summary", change: Record, screen: Screen) -> None:
    """Draw a record of `summary --json`, and how its share of met targets changed against the period before."""
    from rich.text import Text

    console, blocks = screen.console(), screen.draws_blocks
    console.print(Text(f"Service desk on {described(summary['at'])}\n", style="bold"))
    _draw_open_work(summary, console, blocks=blocks)
    if summary["next"] and summary["forecast"] is None:
        console.print()
        console.print(next_table(summary["next"][:NEXT], from_text(summary["at"]), console.width))
    if summary["forecast"] is not None:
        console.print(Text(f"\n{forecast_title(summary['forecast'])}", style="bold"))
        if summary["forecast"]["count"]:
            console.print(forecast_table(summary["forecast"], console.width, blocks=blocks))
    console.print()
    since, until = summary["since"], summary["until"]
    parts = [f"since {local_day(since)}"] if since else []
    parts += [f"until {local_day(until)}"] if until else []
    if period := (f"Targets met or missed {' '.join(parts)}" if parts else ""):
        console.print(Text(period, style="bold"))
    console.print(lay(list(_targets(summary)), target_columns(blocks=blocks), console.width))
    rates = f"Of these tickets, {percent(summary['breach_rate'])} were overdue and "
    rates += f"{percent(summary['escalation_rate'])} were escalated. "
    rates += f"Of the resolved tickets, {percent(summary['reopen_rate'])} were reopened."
    console.print(Text(rates, style=FAINT))
    _draw_change(summary, change, console)
    if summary["goals"]:
        console.print(Text("\nGoals", style="bold"))
        console.print(lay(summary["goals"], goal_columns(), console.width))
    if summary["by"] is not None and summary["groups"] is not None:
        console.print()
        console.print(lay(summary["groups"], group_columns(summary["by"]), console.width))


def late_count(summary: Record) -> int:
    """Return how many targets of all kinds are overdue and still open."""
    return sum(summary[f"{kind}_breached_count"] for kind in Target)


def _draw_open_work(summary: "Summary", console: "Console", *, blocks: bool) -> None:
    from rich.text import Text

    bands = [band for band in summary["urgency"] if band["count"] or band["band"] != "no_deadline"]
    console.print(lay(bands, band_columns(bands, summary["due_soon_seconds"], blocks=blocks), console.width))
    parts = {
        "unassigned": summary["unassigned_count"],
        "escalated": summary["escalated_count"],
        "paused": summary["paused_count"],
    }
    text = " · ".join(f"{number:,} {name}" for name, number in parts.items())
    console.print(Text(f"{summary['open_count']:,} open: {text}"))
    counts: Record = summary
    if late_count(counts):
        text = " · ".join(f"{words(kind)} {counts[f'{kind}_breached_count']:,}" for kind in Target)
        console.print(Text(f"Overdue targets: {text}", style=f"bold {ALARM}"))


def band_columns(bands: Sequence[Record], due_soon: int, *, blocks: bool) -> Sequence[Column]:
    """Return the columns of open work by urgency and priority."""
    most = max((band["count"] for band in bands), default=0)

    def name(band: Record) -> tuple[str, str]:
        names = {"late": "overdue", "due_soon": f"due within {describe_seconds(due_soon)}"}
        return names.get(band["band"], words(band["band"])), BAND_STYLES[band["band"]]

    def drawn(band: Record) -> tuple[str, str]:
        cells = -(-20 * band["count"] // most) if most else 0
        return bar(1, cells, blocks=blocks) if cells else "", BAND_STYLES[band["band"]]

    def number(field: str) -> Callable[[Record], str]:
        return lambda band: f"{band[field]:,}" if band[field] else "-"

    return (
        Column("Open work", name),
        *(Column(priority.capitalize(), number(priority), right=True) for priority in reversed(Priority)),
        Column("All", number("count"), right=True),
        Column("", drawn, rank=1),
    )


def _targets(summary: Record) -> Iterator[Record]:
    for kind, unit, seconds in ((Target.FIRST_RESPONSE, "minutes", 60), (Target.RESOLUTION, "hours", 3600)):
        average, middle = summary[f"avg_{kind}_{unit}"], summary[f"median_{kind}_{unit}"]
        yield {
            "target": words(kind),
            "attainment": summary[f"{kind}_attainment"],
            "average": None if average is None else average * seconds,
            "median": None if middle is None else middle * seconds,
            "of": summary[f"{kind}_n"],
        }


def target_columns(*, blocks: bool) -> Sequence[Column]:
    """Return the columns of targets, with a bar of the share met."""

    def attained(row: Record) -> tuple[str, str]:
        share = row["attainment"]
        return "" if share is None else bar(share, 20, blocks=blocks), share_style(share)

    return (
        Column("Target", lambda row: row["target"]),
        Column("Met", attained, rank=1),
        Column("", lambda row: (percent(row["attainment"]), share_style(row["attainment"])), right=True),
        Column("Average", lambda row: taken(row["average"]), right=True),
        Column("Median", lambda row: taken(row["median"]), right=True),
        Column("Of", lambda row: f"{row['of']:,}", right=True),
    )


def _draw_change(summary: "Summary", change: Record, console: "Console") -> None:
    """Print the shares of a period and of the period before; print nothing if neither has any."""
    lately, before = change["lately"], change["before"] or {}
    names = [f"{kind}_attainment" for kind in (Target.FIRST_RESPONSE, Target.RESOLUTION)]
    if all(lately[name] is None and before.get(name) is None for name in names):
        return
    rows = [
        {"target": words(name.removesuffix("_attainment")), "lately": lately[name], "before": before.get(name)}
        for name in names
    ]
    now = from_text(summary["at"])
    length = now - from_text(lately["since"] or to_text(now - timedelta(days=7)))
    title = "This period" if summary["since"] else f"Last {describe_seconds(int(length.total_seconds()))}"
    console.print()
    console.print(lay(rows, change_columns(title), console.width))


def change_columns(title: str) -> Sequence[Column]:
    """Return the columns of shares now and before."""

    def moved(row: Record) -> tuple[str, str]:
        text = change_words(row["lately"], row["before"])
        return text, GOOD if "better" in text else ALARM if "worse" in text else FAINT

    return (
        Column("Change", lambda row: row["target"]),
        Column(title, lambda row: (percent(row["lately"]), share_style(row["lately"])), right=True),
        Column("Before", lambda row: percent(row["before"]), right=True),
        Column("", moved),
    )


def group_columns(by: str) -> Sequence[Column]:
    """Return the columns of the groups of a summary."""

    def met(target: Target) -> Column:
        name = f"{target}_attainment"
        title = "Response met" if target is Target.FIRST_RESPONSE else "Resolution met"
        return Column(title, lambda g: (percent(g[name]), share_style(g[name])), right=True)

    def late(group: Record) -> tuple[str, str]:
        return f"{late_count(group):,}", f"bold {ALARM}" if late_count(group) else ""

    return (
        Column(by.capitalize(), lambda g: (f"no {by}", FAINT) if g["group"] is None else clean(g["group"]), most=24),
        Column("Open", lambda g: f"{g['open_count']:,}", right=True),
        Column("Overdue", late, right=True),
        Column("Due soon", lambda g: f"{g['due_soon_count']:,}", rank=2, right=True),
        Column("Unassigned", lambda g: f"{g['unassigned_count']:,}", rank=3, right=True),
        Column("Escalated", lambda g: f"{g['escalated_count']:,}", rank=4, right=True),
        met(Target.FIRST_RESPONSE),
        met(Target.RESOLUTION),
    )
