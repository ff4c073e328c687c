"""A report on a terminal: attainment, times, trends and escalations of a period."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from slactl import display_zone
from slactl.display_zone import WEEKDAYS
from slactl.durations import describe_seconds
from slactl.show.colours import ALARM, FAINT
from slactl.show.form import Screen
from slactl.show.list import PRIORITY_STYLES, assignee
from slactl.show.records import Record
from slactl.show.shares import SPENT, percent, share_style, spent_shares, spent_words, stacked, taken
from slactl.show.tables import Column, bar, lay
from slactl.show.times import MONTHS, local_day, words
from slactl.sla.enums import LevelOutcome, Target
from slactl.text import clean, counted

if TYPE_CHECKING:
    from rich.text import Text

    from slactl.records.figures import Report

TARGETS: tuple[str, ...] = tuple(Target)

#: The shades of an hour, from nothing to the busiest, in blocks and in ASCII.
HEAT = (" ·░▒▓█", " .:+*#")

#: How many groups a terminal shows.
GROUPS = 50


def draw_report(report: "Report", screen: Screen) -> None:
    """Draw a record of `report --json`."""
    from rich.text import Text

    console, blocks = screen.console(), screen.draws_blocks
    console.print(Text(period_title(report), style="bold"))
    console.print(Text(f"{ticket_words(report)}\n"))
    for title, rows, columns in _sections(report, blocks=blocks):
        if title:
            console.print(Text(f"\n{title}", style="bold"))
        console.print(lay(rows, columns, console.width))
    for line in _heat_lines(report, blocks=blocks):
        console.print(line)
    if report["worst"]:
        console.print(Text("\nMost overdue tickets", style="bold"))
        console.print(lay(report["worst"], worst_columns(), console.width))


def period_title(report: "Report") -> str:
    """Return a title with the period of the report."""
    since, until = (
        local_day(instant[:-3] + "00Z") if instant else "" for instant in (report["since"], report["until"])
    )
    zone = clean(display_zone.heading())
    if since and until:
        return f"Targets from {since} to {until} ({zone})"
    if since:
        return f"Targets since {since} ({zone})"
    return f"Targets until {until} ({zone})" if until else "All targets so far"


def ticket_words(report: "Report") -> str:
    """Return how many tickets the report counts, and how many of them were overdue and escalated."""
    opened, measured = report["opened_count"], report["ticket_count"]
    text = f"{counted(opened, 'ticket')} opened"
    corrected = f"; corrected later: {counted(report['corrected_count'], 'breach', 'es')}"
    corrected = corrected if report["corrected_count"] else ""
    if not measured:
        return f"{text}; nothing was due{corrected}"
    text += f"; of {measured:,} with a target met or missed, {percent(report['breach_rate'])} were overdue, "
    text += f"{percent(report['escalation_rate'])} escalated"
    if report["reopen_rate"] is not None:
        text += f"; {percent(report['reopen_rate'])} of the resolved tickets were reopened"
    return f"{text}{corrected}"


def busiest_words(report: "Report") -> str:
    """Return the busiest hour of the week in words; empty if no ticket was opened."""
    number, day, hour = max(
        (number, -day, -hour) for day, row in enumerate(report["busiest_hours"]) for hour, number in enumerate(row)
    )
    name = f"{WEEKDAYS[-day]} {-hour:02d}:00 to {-hour + 1:02d}:00"
    return f"Busiest: {name}, {counted(number, 'ticket')}" if number else ""


def _sections(report: "Report", *, blocks: bool) -> Sequence[tuple[str, Sequence[Record], Sequence[Column]]]:
    found: list[tuple[str, Sequence[Record], Sequence[Column]]] = [
        ("", report["targets"], target_columns("Target", blocks=blocks))
    ]
    if report["by"] is not None and report["groups"] is not None:
        rows = [{"group": group["group"], **row} for group in report["groups"][:GROUPS] for row in group["targets"]]
        text = f"By {report['by']}"
        if len(report["groups"]) > GROUPS:
            text += f" ({GROUPS} of {len(report['groups']):,}; --csv has all)"
        measured = [row for row in rows if row["measured_count"]]
        found.append((text, measured, group_columns(report["by"])))
    spent = [target for target in report["targets"] if spent_shares(target)]
    if spent:
        found.append(
            (
                "Time by state (share of elapsed time)",
                spent,
                spent_columns(spent_words(report), blocks=blocks),
            )
        )
    if report["trend"]["steps"]:
        found.append((f"Missed targets by {report['trend']['unit']}", *_trend(report["trend"], blocks=blocks)))
    if report["escalations"]:
        found.append(("Escalations", report["escalations"], escalation_columns()))
    return found


def target_columns(title: str, *, blocks: bool) -> Sequence[Column]:
    """Return the columns of targets, with a bar of the share met."""

    def met(row: Record) -> tuple[str, str]:
        share = row["attainment"]
        return "" if share is None else bar(share, 10, blocks=blocks), share_style(share)

    return (
        Column(title, lambda row: words(row["target"])),
        Column("Met", met, rank=1),
        *measure_columns(),
    )


def measure_columns() -> Sequence[Column]:
    """Return the columns of the figures of a target."""
    return (
        Column("", lambda row: (percent(row["attainment"]), share_style(row["attainment"])), right=True),
        Column("Missed", lambda row: f"{row['breached_count']:,}", right=True),
        Column("Of", lambda row: f"{row['measured_count']:,}", right=True),
        Column("p50", lambda row: taken(row["p50_seconds"]), right=True),
        Column("p90", lambda row: taken(row["p90_seconds"]), right=True),
        Column("p95", lambda row: taken(row["p95_seconds"]), right=True, rank=2),
        Column("Average", lambda row: taken(row["avg_seconds"]), right=True, rank=3),
    )


def group_columns(by: str) -> Sequence[Column]:
    """Return the columns of targets by group."""

    def name(row: Record) -> tuple[str, str]:
        return (f"no {by}", FAINT) if row["group"] is None else (clean(row["group"]), "")

    return (Column(by.capitalize(), name, most=24), Column("Target", lambda row: words(row["target"])),
            *measure_columns())  # fmt: skip


def spent_columns(ways: Iterable[str], *, blocks: bool) -> Sequence[Column]:
    """Return the columns of time by state."""

    def drawn(target: Record) -> str:
        marks = [(share, SPENT[name][1 if blocks else 2]) for name, share in spent_shares(target).items()]
        return stacked(marks, 20)

    def part(name: str) -> Column:
        word, *marks = SPENT[name]
        return Column(
            f"{word.capitalize()} {marks[0 if blocks else 1]}", lambda t: percent(spent_shares(t)[name]), right=True
        )

    return (Column("Target", lambda target: words(target["target"])), Column("", drawn, rank=1), *map(part, ways))


def _trend(trend: Record, *, blocks: bool) -> tuple[Sequence[Record], Sequence[Column]]:
    def missed(step: Record) -> int:
        return sum(step[f"{kind}_breached_count"] for kind in TARGETS)

    most = max(map(missed, trend["steps"]))

    def drawn(step: Record) -> tuple[str, str]:
        cells = -(-16 * missed(step) // most) if most else 0
        return bar(1, cells, blocks=blocks) if cells else "", ALARM

    def met(kind: str) -> Column:
        title = f"{words(kind).capitalize()} met"
        return Column(title, lambda step: percent(step[f"{kind}_attainment"]), right=True)

    return trend["steps"], (
        Column(trend["unit"].capitalize(), lambda step: step_name(step["start"], trend["unit"])),
        Column("Opened", lambda step: f"{step['opened_count']:,}", right=True, rank=2),
        Column("Missed", lambda step: f"{missed(step):,}", right=True),
        Column("", drawn, rank=1),
        met(Target.FIRST_RESPONSE),
        met(Target.RESOLUTION),
    )


def step_name(start: str, unit: str) -> str:
    """Return the name of a step of a trend: "2026-03-02" for a day or the week that begins then, "2026-03", "2026"."""
    return start[: {"month": 7, "year": 4}.get(unit, 10)]


def step_label(start: str, unit: str) -> str:
    """Return the name of a step for the axis of a chart: "2 Mar" for a day or a week."""
    if unit not in ("day", "week"):
        return step_name(start, unit)
    _, month, day = start.split("-")
    return f"{int(day)} {MONTHS[int(month) - 1][:3]}"


def escalation_columns() -> Sequence[Column]:
    """Return the columns of escalations by level."""

    def count(outcome: str) -> Column:
        return Column(outcome.capitalize(), lambda row: f"{row[f'{outcome}_count']:,}", right=True)

    return (
        Column("Escalation", lambda row: row["escalation"] or "manual"),
        Column("Level", lambda row: row["level"] or ""),
        *(count(outcome) for outcome in LevelOutcome),
        Column("Tickets", lambda row: f"{row['ticket_count']:,}", right=True, rank=1),
    )


def _heat_lines(report: "Report", *, blocks: bool) -> Sequence["Text"]:
    from rich.text import Text

    week, marks = report["busiest_hours"], HEAT[0 if blocks else 1]
    most = max(map(max, week))
    if not most:
        return ()
    lines = [
        Text(f"\nTickets opened by hour of the week ({clean(report['timezone'])})", style="bold"),
        Text("     " + "".join(f"{hour:<6d}" for hour in range(0, 24, 3)), style=FAINT),
    ]
    for day, row in zip(WEEKDAYS, week, strict=True):
        drawn = "".join(marks[-(-(len(marks) - 1) * number // most)] * 2 for number in row)
        lines.append(Text(f"{day}  {drawn}  {sum(row):>8,}"))
    return [*lines, Text(busiest_words(report))]


def worst_columns() -> Sequence[Column]:
    """Return the columns of the most overdue tickets."""
    return (
        Column("Overdue by", lambda row: (describe_seconds(row["overdue_seconds"]), ALARM), right=True),
        Column("ID", lambda row: str(row["ticket_id"]), right=True),
        Column("Target", lambda row: words(row["target"])),
        Column("", lambda row: "" if row["stopped_at"] else "still open", rank=1),
        Column("Priority", lambda row: (row["priority"], PRIORITY_STYLES[row["priority"]]), rank=2),
        Column("Assignee", assignee, rank=3, most=12),
        Column("Subject", lambda row: clean(row["subject"] or ""), most=200, long=True),
    )
