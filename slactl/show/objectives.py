"""Goals as a table: what was kept, how many misses are spare, and what happens below the goal."""

from collections.abc import Callable, Mapping, Sequence

from slactl.show.colours import ALARM, FAINT, GOOD, WARNING
from slactl.show.records import Record
from slactl.show.shares import percent
from slactl.show.tables import Column, bar

#: The words and the colour of each state.
STATES = {
    "no_data": ("no outcomes", FAINT),
    "kept": ("kept", GOOD),
    "at_risk": ("at risk", WARNING),
    "below": ("below", ALARM),
}

#: The width of a bar: it fits a terminal of 80 cells, beside all that says how a goal stands.
CELLS = 8


def columns(*, grouped: bool = False) -> "Sequence[Column]":
    """Return the columns of a list of goals."""
    group: list[Column] = [Column("Group", lambda goal: goal["group"] or "(none)")] if grouped else []
    return (
        Column("Goal", lambda goal: goal["name"], long=True),
        *group,
        Column("Period", lambda goal: goal["period"]),
        Column("Wanted", lambda goal: wanted_words(goal), right=True, rank=4),
        Column("Attained", lambda goal: attained_words(goal), right=True),
        Column("Kept", lambda goal: f"{goal['kept']:,} of {goal['kept'] + goal['missed']:,}", right=True, rank=2),
        Column("Used up", lambda goal: bar(used_up(goal), CELLS)),
        Column("Margin", margin_words),
        Column("At risk", lambda goal: str(goal["open_at_risk"] or ""), right=True, rank=3),
        Column("Credit", lambda goal: "" if goal["credit"] is None else f"{goal['credit']:g} %", right=True, rank=1),
        Column("State", lambda goal: STATES[goal["state"]]),
    )


def wanted_words(goal: Record) -> str:
    """Return the share that must be kept, with all its decimals."""
    return f"{goal['goal'] * 100:.8g} %"


def attained_words(goal: Record) -> str:
    """Return the share that was kept, rounded down: a share below the goal never looks like the goal."""
    done = goal["kept"] + goal["missed"]
    return f"{goal['kept'] * 1000 // done / 10:.1f} %" if done else percent(None)


def margin_words(goal: Record) -> str:
    """Return how many misses are spare, or how many outcomes must be kept to be back at the goal."""
    if goal["spare"] is None:
        return ""
    if goal["needed"] is None:
        return "out of reach"
    if goal["needed"]:
        return f"needs {goal['needed']:,}"
    return f"{goal['spare']:,} spare"


def used_up(goal: Record) -> float:
    """Return the share of the misses that the goal allows which is used up; 1 below the goal."""
    if goal["spare"] is None:
        return 0.0
    allowed = goal["missed"] + goal["spare"]
    return goal["missed"] / allowed if allowed and goal["state"] != "below" else float(goal["state"] == "below")


#: The filters of a page that shows goals, and the words and the class of each state.
FILTERS: Mapping[str, Callable[..., object]] = {
    "attained": attained_words,
    "wanted": wanted_words,
    "margin": margin_words,
    "used_up": used_up,
}
TONES = {ALARM: "poor", WARNING: "fair", GOOD: "good", FAINT: "none"}
PAGE_STATES = {state: (words, TONES[style]) for state, (words, style) in STATES.items()}
