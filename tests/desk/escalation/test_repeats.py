"""Levels that repeat on business days: each fires once however `check` runs, and again after a second miss."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import came, ladder, opened, policy, write_rules
from freezegun.api import FrozenDateTimeFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slactl.clock import from_text, to_text

DAILY = ladder("resolution", 'again 0m notify = ["manager"]; repeat = { every = "1bd", max = 4 }')
HOUR = timedelta(hours=1)

#: The Mondays at which examples begin, so that each has weeks of its own.
MONDAYS = (from_text("2026-03-02T09:00:00Z") + timedelta(days=28 * number) for number in count())


def naive_days(due: datetime, until: datetime) -> Iterator[str]:
    """Yield the deadline and the same time on each of the four following weekdays, as far as they have come."""
    day, fired = due, 0
    while fired < 5 and day < until:
        if day.weekday() < 5:
            yield to_text(day)
            fired += 1
        day += timedelta(days=1)


def fired(slactl: Slactl, number: str) -> list[tuple[str, int]]:
    found = json.loads(slactl("show", number, "--json").out)["escalations"]
    assert {each["outcome"] for each in found} <= {"fired"}
    return [(each["due_at"], each["repeat"]) for each in found]


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 24 * 14), max_size=6), st.integers(1, 24 * 14))
def test_each_daily_reminder_fires_once_whenever_checks_run(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, hours: list[int], last: int
) -> None:
    write_rules(desk, policy("office", resolution="4h"), DAILY)
    start = next(MONDAYS)
    clock.move_to(start)
    number = opened(slactl)
    for hour in sorted([*hours, last]):
        clock.move_to(start + hour * HOUR)
        for _ in range(2):
            slactl("check", "-q")
    wanted = naive_days(start + 4 * HOUR, start + max([*hours, last]) * HOUR)
    assert fired(slactl, number) == [(due_at, repeat) for repeat, due_at in enumerate(wanted)]
    slactl("close", number)


@pytest.mark.parametrize("runs", [("03-05T09:00:00",), ("03-02T13:00:01", "03-03T13:00:00", "03-05T09:00:00")])
def test_a_second_miss_of_a_moved_deadline_fires_every_level_and_repeat_again(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, runs: tuple[str, ...]
) -> None:
    write_rules(desk, policy("office", resolution="4h"), DAILY)
    clock.move_to("2026-03-02T09:00:00Z")
    number = opened(slactl)
    for run in runs:
        clock.move_to(f"2026-03-{run[3:]}Z")
        slactl("check", "-q")
    first = [(f"2026-03-{day:02d}T13:00:00Z", repeat) for repeat, day in enumerate((2, 3, 4))]
    assert fired(slactl, number) == first
    agreed = ("--at", "2026-03-05T12:00:00Z", "--reason", "agreed on the phone")
    assert slactl("due", number, "--target", "resolution", *agreed).code == 0
    clock.move_to("2026-03-05T12:00:00Z")
    assert came(slactl) == []
    clock.move_to("2026-03-05T12:00:01Z")
    assert came(slactl) == ["again fired"]
    clock.move_to("2026-03-06T12:00:00Z")
    assert came(slactl) == ["again#1 fired"]
    assert fired(slactl, number) == [*first, ("2026-03-05T12:00:00Z", 0), ("2026-03-06T12:00:00Z", 1)]
