"""A report as one self-contained page, for a browser, a mail or a printer."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slactl.display_zone import WEEKDAYS
from slactl.durations import describe_seconds
from slactl.show import charts
from slactl.show.colours import ALARM, FAINT, GOOD, WARNING
from slactl.show.html import render
from slactl.show.objectives import FILTERS, PAGE_STATES
from slactl.show.report import (
    TARGETS,
    busiest_words,
    period_title,
    step_label,
    step_name,
    ticket_words,
)
from slactl.show.shares import change_words, percent, share_style, spent_shares, spent_words, taken
from slactl.show.times import local, local_day, words

if TYPE_CHECKING:
    from slactl.records.figures import Report

#: How many groups a page shows.
GROUPS = 100

#: The word beside a share, for the style it would have on a terminal.
VERDICTS = {GOOD: "good", WARNING: "fair", ALARM: "poor", FAINT: "none"}


def page(report: "Report") -> str:
    """Return the page of a record of `report --json`. It escapes every text, and no script can run on it."""
    filters: dict[str, Callable[..., object]] = {"percent": percent, "taken": taken, "verdict": verdict}
    filters |= {"local": local, "local_day": local_day, "seconds": describe_seconds, "spent": spent_shares, **FILTERS}
    before = {target["target"]: target["attainment"] for target in (report["before"] or {"targets": ()})["targets"]}
    moved = {
        target["target"]: change_words(target["attainment"], before.get(target["target"]))
        for target in report["targets"]
    }
    groups, trend = report["groups"] or (), report["trend"]
    return render(
        "report.html",
        filters,
        styles=("report.css",),
        report=report,
        states=PAGE_STATES,
        title=period_title(report),
        tickets=ticket_words(report),
        moved=moved,
        spent_words=spent_words(report),
        groups=groups[:GROUPS],
        left_out=len(groups) - GROUPS,
        weekdays=WEEKDAYS,
        busiest=busiest_words(report),
        steps=[{**step, "name": step_name(step["start"], trend["unit"])} for step in trend["steps"]],
        **_charts(report),
    )


def verdict(share: float | None) -> str:
    """Return the word for a share: good, fair, poor or none."""
    return VERDICTS[share_style(share)]


def _charts(report: "Report") -> Mapping[str, Any]:
    """Return the layout of the charts on the page."""
    steps: Sequence[Mapping[str, Any]] = report["trend"]["steps"]
    unit, week = report["trend"]["unit"], report["busiest_hours"]
    names, labels = ([name(step["start"], unit) for step in steps] for name in (step_name, step_label))
    missed = [{kind: step[f"{kind}_breached_count"] for kind in TARGETS} for step in steps]
    met = {kind: [step[f"{kind}_attainment"] for step in steps] for kind in TARGETS}
    shown = {kind: shares for kind, shares in met.items() if any(share is not None for share in shares)}

    def missed_title(place: int) -> str:
        parts = [f"{words(kind)} {number:,}" for kind, number in missed[place].items() if number]
        return f"{names[place]}: {', '.join(parts)} missed"

    def met_title(kind: str, place: int) -> str:
        return f"{names[place]}: {words(kind)} met {percent(met[kind][place])}"

    def heat_title(day: int, hour: int) -> str:
        return f"{WEEKDAYS[day]} {hour:02d}:00: {week[day][hour]:,}"

    return {
        "missed_chart": charts.stacked_columns(labels, missed, missed_title),
        "met_chart": charts.curves(labels, shown, met_title),
        "heat": charts.heat_map(week, heat_title) if any(map(any, week)) else (),
        "shades": charts.SHADES,
        "most": max(map(max, week)),
        "height": charts.TOP + charts.HEIGHT,
        "gutter": charts.GUTTER,
    }
