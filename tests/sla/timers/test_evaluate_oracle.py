"""Deadlines against a second opinion: random rules, histories and instants, around the clock changes of seven zones."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from io import BytesIO
from itertools import accumulate
from random import Random

import pytest
import tomli_w
from minute_clock import MinuteClock
from random_desks import DAY, STEP, Desk, Record, random_history, text
from slow_clock import TooFarAhead
from slow_desk import SlowTicket
from slow_levels import SlowWatch

from slactl.desk.what_if.simulate import simulate_file
from slactl.sla.history.file import parse_record
from slactl.sla.rules.loading import parse
from slactl.sla.timers.evaluate import evaluate

SEEDS = [pytest.param(range(250), id="few"), pytest.param(range(10_000), id="many", marks=pytest.mark.full)]


class Quarters(MinuteClock):
    """A calendar as the wall clock sees it, for the weeks around a clock change."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.totals = list(accumulate((STEP if intervals else 0 for intervals in self.within), initial=0))
        # They are asked again for each event of a history.
        self.add_days = cache(super().add_days)  # type: ignore[method-assign]
        self.until = cache(super().until)  # type: ignore[method-assign]

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


def outcomes(rules: Record, history: Sequence[Record], now: int) -> list[Record]:
    """The outcomes of a ticket, as the second opinion writes them."""
    events, promised = [parse_record(record).event for record in history], parse(tomli_w.dumps(rules))
    found = evaluate(events, lambda _: promised, datetime.fromtimestamp(now, UTC), with_outcomes=True).outcomes
    return in_order(
        {
            "kind": each.kind.value,
            "cycle": each.cycle,
            "stopped_at": int(each.stopped_at.timestamp()) if each.stopped_at is not None else None,
            "missed_at": int(each.missed_at.timestamp()) if each.missed_at is not None else None,
            "met": each.met,
            "seconds": each.seconds,
        }
        for each in found
    )


def in_order(records: Iterable[Record]) -> list[Record]:
    return sorted(records, key=str)


def fired(found: Record) -> list[tuple[str, str, str]]:
    return sorted((each["escalation"], each["level"], each["due_at"]) for each in found["firings"])


@pytest.mark.parametrize("seeds", SEEDS)
def test_every_timer_firing_and_outcome_agrees_with_a_second_opinion(seeds: range) -> None:
    judged = escalated = 0
    for seed in seeds:
        dice = Random(seed)
        desk = Desk(dice)
        opened = desk.opening()
        history, now = (
            random_history(dice, opened, retracts=dice.choice([0.05, 0.3])),
            opened + dice.randint(0, 5 * 96) * STEP,
        )
        try:
            slow = SlowTicket(desk.rules, partial(walk_of, desk), history, now)
            expected = [as_text(timer) for timer in slow.timers()]
            watched = SlowWatch(desk.rules, partial(walk_of, desk), history, now).firings
        except TooFarAhead:
            continue
        found = simulated(desk.rules, history, now)
        assert found["timers"] == expected, f"seed {seed}"
        assert fired(found) == sorted((rule, level, text(at)) for rule, level, at in watched), f"seed {seed}"
        assert outcomes(desk.rules, history, now) == in_order(slow.outcomes()), f"seed {seed}"
        assert (found["status"], found["priority"]) == (slow.status, slow.facts["priority"]), f"seed {seed}"
        assert found["policy"] == (slow.policy["name"] if slow.policy else None), f"seed {seed}"
        judged, escalated = judged + len(expected), escalated + len(watched)
    assert judged > len(seeds)
    assert escalated > len(seeds)
