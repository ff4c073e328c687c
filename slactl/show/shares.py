"""Shares and lengths of time in words, for a terminal and a page."""

from collections.abc import Sequence

from slactl.durations import describe_seconds
from slactl.show.colours import ALARM, FAINT, GOOD, WARNING
from slactl.show.records import Record

#: Shares below the first are bad, below the second medium.
BAD, MIDDLING = 0.8, 0.95

#: Smaller changes than this count as none, in percentage points.
LEAST_CHANGE = 0.05

#: The states in which the time of a target passes: name, and mark of a bar in blocks and in ASCII.
SPENT = {
    "working_seconds": ("working", "█", "#"),
    "paused_seconds": ("paused", "▒", "="),
    "off_hours_seconds": ("off hours", "░", "-"),
    "closed_seconds": ("closed", "·", "."),
}


def percent(share: float | None) -> str:
    """Return a share as a percentage; "n/a" if nothing was measured."""
    return "n/a" if share is None else f"{share * 100:.1f} %"


def share_style(share: float | None) -> str:
    """Return the colour of a share; the number is always shown with it."""
    if share is None:
        return FAINT
    return ALARM if share < BAD else WARNING if share < MIDDLING else GOOD


def taken(seconds: float | None) -> str:
    """Return a business time in at most two units; "n/a" if nothing was measured."""
    return "n/a" if seconds is None else describe_seconds(round(seconds))


def change_words(share: float | None, before: float | None) -> str:
    """Return how a share moved: "2.5 points better", "1.0 points worse", "no change"; empty if one is unknown."""
    if share is None or before is None:
        return ""
    points = (share - before) * 100
    if abs(points) < LEAST_CHANGE:
        return "no change"
    return f"{abs(points):.1f} points {'better' if points > 0 else 'worse'}"


def spent_shares(target: Record) -> dict[str, float]:
    """Return the share of each state in the time of a target; empty if nothing is known."""
    whole = sum(target[name] or 0 for name in SPENT)
    return {name: (target[name] or 0) / whole for name in SPENT} if whole else {}


def spent_words(report: Record) -> dict[str, str]:
    """Return the name of each state in which time was spent; closed time only if there was any."""
    closed = any(target["closed_seconds"] for target in report["targets"])
    return {name: word for name, (word, *_) in SPENT.items() if closed or name != "closed_seconds"}


def stacked(parts: Sequence[tuple[float, str]], cells: int) -> str:
    """Return a bar of `cells` cells, divided by shares that add up to 1, each drawn with its own mark."""
    drawn, place, passed = "", 0, 0.0
    for share, mark in parts:
        passed += share
        upto = round(passed * cells)
        drawn += mark * (upto - place)
        place = upto
    return drawn
