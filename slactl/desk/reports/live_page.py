"""Gather what the live page shows: the board, who is on call, the goals, and how often a check runs."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from slactl.clock import from_text, to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.rules_versions import CommandRules
from slactl.desk.oncall.duty import Presence
from slactl.desk.oncall.records import standing
from slactl.desk.reports.board import read_board
from slactl.desk.reports.objectives import Clock, standings
from slactl.errors import RulesError
from slactl.store.read.reports import goal_figures
from slactl.store.read.runs import runs

if TYPE_CHECKING:
    from slactl.records.figures import LivePage
    from slactl.records.figures import Objective as Goal
    from slactl.sla.rules.objectives.model import Objective
    from slactl.sla.rules.rules import Rules
    from slactl.store.database import Transaction

#: How often cron runs a check where the runs do not say it, and the least that counts, in seconds.
USUAL, LEAST = 300, 60

#: The number of runs that say how often a check runs.
RUNS = 12


def live_page(desk: Desk, now: datetime, due_soon: int, *, of_check: bool = False) -> "LivePage":
    """Return what the live page shows at `now`; `due_soon` is in seconds of wall time.

    The page `of_check` is that of a check, which has just counted the goals.

    Without valid rules it has no goals, nobody on call, and the reason among its problems.

    Raises:
        DatabaseError: the database is missing, damaged, not from slactl or newer than the program.
    """
    rules = CommandRules(desk)
    with desk.database.read() as transaction:
        every = _seconds_between_runs(transaction)
        page: LivePage = {
            "board": read_board(transaction, now).record(now, due_soon, every),
            "on_call": [],
            "goals": [],
            "check_seconds": every,
            "problems": [],
        }
        try:
            current = rules.current(transaction, strict=False)
        except RulesError as error:
            return {**page, "problems": [error.message]}
        if current.problem is not None:
            page["problems"].append(f"{current.problem.message}; the last valid rules are used")
        goals, clock = current.rules.objectives, Clock(now, due_soon)
        counted = _of_check(transaction, goals, now) if of_check else []
        page["goals"] = counted or standings(transaction, goals, clock)
        _add_on_call(page, transaction, current.rules, desk, now)
    return page


def _of_check(transaction: "Transaction", objectives: Sequence["Objective"], now: datetime) -> "list[Goal]":
    """Return how far the goals are reached, as the check at `now` wrote it down; else an empty list."""
    kept = {goal["name"]: goal for goal in goal_figures(transaction) if goal["as_of"] == to_text(now)}
    if kept.keys() != {objective.name for objective in objectives}:
        return []
    return [{**kept[objective.name], "group": None} for objective in objectives]  # type: ignore[typeddict-item]


def _add_on_call(page: "LivePage", transaction: "Transaction", rules: "Rules", desk: Desk, now: datetime) -> None:
    schedules = Presence.by(transaction, rules, desk.rules, now).schedules
    page["on_call"] = [standing(schedules, name, now) for name in schedules]
    page["problems"] += schedules.problems


def _seconds_between_runs(transaction: "Transaction") -> int:
    """Return how many seconds pass between two checks as a rule."""
    starts = sorted(from_text(run["started_at"]) for run in runs(transaction, RUNS))
    gaps = [(later - before).total_seconds() for before, later in pairwise(starts)]
    return max(LEAST, round(median(gaps))) if gaps else USUAL
