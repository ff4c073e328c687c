"""Deadlines against a second opinion: random rules, histories and instants, around the clock changes of seven zones."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache, partial
from io import BytesIO
from random import Random

import pytest
import tomli_w
from random_desks import DAY, DAYS, STEP, Desk, Record, calendar, random_history, text
from slow_desk import SlowTicket, TooFarAhead
from wall_clock import Walk, WallClock

from slactl.desk.what_if.simulate import simulate_file
from slactl.sla.rules.loading import parse

SEEDS = [pytest.param(range(250), id="few"), pytest.param(range(10_000), id="many", marks=pytest.mark.full)]


def ends(hours: str) -> tuple[int, int]:
    first, last = (int(part[:2]) * 3600 + int(part[3:]) * 60 for part in hours.split("-"))
    return first, last if last > first else last + DAY


@cache
def walk(name: tuple[str, str], zone: str, change: str) -> Walk:
    """A calendar of the desk as the wall clock sees it, for the weeks around a clock change."""
    at = datetime.fromisoformat(f"{change}Z")
    stated = calendar(name, zone, at.date())
    clock = WallClock(
        timezone=zone,
        weekly={DAYS.index(day): [ends(each) for each in hours] for day, hours in stated["weekly"].items()},
        holidays=frozenset(map(date.fromisoformat, stated["holidays"])),
        dates={date.fromisoformat(day): [ends(each) for each in hours] for day, hours in stated["dates"].items()},
    )
    return Walk(clock, int(at.timestamp()) - 5 * DAY, int(at.timestamp()) + 26 * DAY, STEP)


def walk_of(desk: Desk, name: str | None, zone: str | None) -> Walk:
    """The calendar of that name, in its own zone or in another; always open where no policy names one."""
    if name in desk.hours:
        return walk(desk.hours[name], zone or desk.zone, desk.change)
    return walk(("round", "none"), zone or "UTC", desk.change)


def simulated(rules: Record, history: Sequence[Record], now: int) -> Record:
    """What slactl says of a history file with one ticket."""
    lines = "".join(json.dumps(event) + "\n" for event in history).encode()
    (ticket,) = simulate_file(BytesIO(lines), parse(tomli_w.dumps(rules)), datetime.fromtimestamp(now, UTC), refuse)
    return ticket


def refuse(problem: object) -> None:
    raise AssertionError(problem)


def as_text(timer: Record) -> Record:
    """A timer of the second opinion as `simulate` writes it."""
    told = {key: text(value) if key.endswith("_at") and value is not None else value for key, value in timer.items()}
    return told | {"breaches": [text(each) for each in timer["breaches"]]}


@pytest.mark.parametrize("seeds", SEEDS)
def test_every_timer_agrees_with_a_second_opinion(seeds: range) -> None:
    judged = 0
    for seed in seeds:
        dice = Random(seed)
        desk = Desk(dice)
        opened = desk.opening()
        history, now = random_history(dice, opened), opened + dice.randint(0, 5 * 96) * STEP
        try:
            slow = SlowTicket(desk.rules, partial(walk_of, desk), history, now)
            expected = [as_text(timer) for timer in slow.timers()]
        except TooFarAhead:
            continue
        found = simulated(desk.rules, history, now)
        assert found["timers"] == expected, f"seed {seed}"
        assert (found["status"], found["priority"]) == (slow.status, slow.facts["priority"]), f"seed {seed}"
        assert found["policy"] == (slow.policy["name"] if slow.policy else None), f"seed {seed}"
        judged += len(expected)
    assert judged > len(seeds)
