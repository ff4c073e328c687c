"""Deadlines against a second opinion: random rules, histories and instants, around the clock changes of seven zones."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from io import BytesIO
from itertools import accumulate
from random import Random

import pytest
import tomli_w
from minute_clock import MinuteClock
from random_desks import DAY, STEP, Desk, Record, random_history, text
from slow_desk import SlowTicket, TooFarAhead

from slactl.desk.what_if.simulate import simulate_file
from slactl.sla.rules.loading import parse

SEEDS = [pytest.param(range(250), id="few"), pytest.param(range(10_000), id="many", marks=pytest.mark.full)]


class Quarters(MinuteClock):
    """A calendar as the wall clock sees it, for the weeks around a clock change."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.totals = list(accumulate((STEP if intervals else 0 for intervals in self.within), initial=0))

    def is_open(self, t: int) -> bool:
        return bool(self.within[(t - self.first) // STEP])

    def between(self, a: int, b: int) -> int:
        first, last = ((t - self.first) // STEP for t in (a, b))
        return self.totals[last] - self.totals[first]


@lru_cache(maxsize=100)
def walk(calendars: str, name: str, change: str) -> Quarters:
    around = int(datetime.fromisoformat(f"{change}Z").timestamp())
    return Quarters(json.loads(calendars), name, around - 5 * DAY, around + 26 * DAY, STEP)


def walk_of(desk: Desk, name: str | None, zone: str | None) -> Quarters:
    """The calendar of that name, in its own zone or in that of the tenant; always open where no policy names one."""
    calendars = desk.rules["calendars"]
    asked = calendars.get(name, calendars["always"])
    if asked.get("always_open"):
        asked = {"timezone": "UTC", "weekly": {"mon-sun": ["00:00-24:00"]}}
    if zone is not None and not asked.get("fixed"):
        asked = {**asked, "timezone": zone}
    members = {each: calendars[each] for each in asked.get("any_of", ())}
    return walk(json.dumps({"asked": asked, **members}, sort_keys=True), "asked", desk.change)


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
