"""How shares and lengths of time read to a person, on a terminal and on a page."""

from collections.abc import Sequence

from slactl.clock import describe_seconds
from slactl.show.records import Record

#: Shares below these read as bad, and as middling.
BAD, MIDDLING = 0.8, 0.95

#: Changes smaller than this are none, in percentage points.
LEAST_CHANGE = 0.05

#: How the time of a target was spent, in words, and how a bar of it is drawn in blocks and in ASCII.
SPENT = {
    "working_seconds": ("working", "█", "#"),
    "paused_seconds": ("paused", "▒", "="),
    "off_hours_seconds": ("off hours", "░", "-"),
    "closed_seconds": ("closed", "·", "."),
}


def percent(share: float | None) -> str:
    """A share as a percentage; "n/a" where nothing was measured."""
    return "n/a" if share is None else f"{share * 100:.1f} %"


def share_style(share: float | None) -> str:
    """Green, yellow or red; the number stands beside it."""
    if share is None:
        return "dim"
    return "red" if share < BAD else "yellow" if share < MIDDLING else "green"


def taken(seconds: float | None) -> str:
    """A business time in at most two units; "n/a" where nothing was measured."""
    return "n/a" if seconds is None else describe_seconds(round(seconds))


def change_words(share: float | None, before: float | None) -> str:
    """How a share moved: "2.5 points better", "1.0 points worse", "no change"; nothing where one is not known."""
    if share is None or before is None:
        return ""
    points = (share - before) * 100
    if abs(points) < LEAST_CHANGE:
        return "no change"
    return f"{abs(points):.1f} points {'better' if points > 0 else 'worse'}"


def spent_shares(target: Record) -> dict[str, float]:
    """The share of each way in which the time of a target was spent; empty where nothing is known."""
    whole = sum(target[name] or 0 for name in SPENT)
    return {name: (target[name] or 0) / whole for name in SPENT} if whole else {}


def spent_words(report: Record) -> dict[str, str]:
    """The ways in which time was spent, in words; closed time only where there was any."""
    closed = any(target["closed_seconds"] for target in report["targets"])
    return {name: word for name, (word, *_) in SPENT.items() if closed or name != "closed_seconds"}


def stacked(parts: Sequence[tuple[float, str]], cells: int) -> str:
    """A bar of `cells` cells, divided among shares that come to 1, each drawn with its own mark."""
    drawn, place, passed = "", 0, 0.0
    for share, mark in parts:
        passed += share
        upto = round(passed * cells)
        drawn += mark * (upto - place)
        place = upto
    return drawn
