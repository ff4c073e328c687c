"""Compute the margin of a goal: how many outcomes may still be missed, or how many must be kept to reach it again.

Everything is whole numbers and fractions, so that 95 % of 20 is exactly 19.
"""

import re
from fractions import Fraction
from math import ceil
from typing import NamedTuple


class Goal(NamedTuple):
    """Hold the share of the outcomes that must be kept, in (0, 1]; its text is a percentage."""

    share: Fraction

    def __str__(self) -> str:
        percent = self.share * 100
        return f"{percent.numerator if percent.denominator == 1 else float(percent)}%"


def parse_goal(text: str) -> Goal:
    """Return the goal that a percentage states, such as `95%` or `99.5%`.

    Raises:
        ValueError: it is no percentage above 0 and up to 100.
    """
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?%", text):
        raise ValueError(f'{text[:40]!r} is not a percentage such as "95%" or "99.5%"')
    share = Fraction(text[:-1]) / 100
    if share > 1:
        raise ValueError(f"{text} cannot be reached: no period keeps more than 100%")
    if share == 0:
        raise ValueError(f"{text} is no goal: every period reaches it")
    return Goal(share)


class Margin(NamedTuple):
    """Hold how many outcomes of a period were kept and missed, and what that means for a goal."""

    goal: Goal
    kept: int
    missed: int

    @property
    def done(self) -> int:
        """Return how many outcomes there were."""
        return self.kept + self.missed

    @property
    def is_kept(self) -> bool:
        """Return whether the share of kept outcomes is at or above the goal; without outcomes it is."""
        return self.kept >= self.goal.share * self.done

    @property
    def spare(self) -> int | None:
        """Return how many of the next outcomes may be missed before the share falls below the goal.

        It is 0 at and below the goal, and None without outcomes.
        """
        if not self.done:
            return None
        return max(0, int(self.kept / self.goal.share) - self.done)

    @property
    def needed(self) -> int | None:
        """Return how many outcomes in a row must be kept to be back at the goal; None if no number is enough."""
        if self.is_kept:
            return 0
        if self.goal.share == 1:
            return None
        return ceil((self.goal.share * self.done - self.kept) / (1 - self.goal.share))


def credit(margin: Margin, thresholds: "dict[Goal, float]") -> float | None:
    """Return what the lowest threshold above the share of a period costs, by threshold; None if none applies."""
    below = [threshold for threshold in thresholds if margin.kept < threshold.share * margin.done]
    return thresholds[min(below)] if below else None
