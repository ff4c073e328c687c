"""A deadline that follows an undo has all its levels, although others fired for the deadline that was undone."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import at, came, ladder, opened, rows, write_rules
from freezegun.api import FrozenDateTimeFactory
from test_undo import is_well

RULES = """[[policy]]
name = "all"
calendar = "always"
[policy.targets]
urgent = { resolution = "1h" }
high = { resolution = "2h" }
default = { resolution = "8h" }
"""

Run = Callable[[str], None]


@pytest.fixture
def run(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> Run:
    """Run a command, or set the clock to a time of the day; one ticket is open since nine, and due at five."""
    write_rules(desk, RULES, ladder("resolution", "warn 50%", "late 0m", "more +1h"))
    at(clock, "09:00")
    opened(slactl)

    def step(line: str) -> None:
        if line[0].isdigit():
            return at(clock, line)
        done = slactl(*line.split())
        assert done.code == 0, done.err
        return None

    return step


def due(time: str) -> str:
    """The command that sets the deadline by hand to a time of the day, or of the next one."""
    day = "03" if time.startswith("+") else "02"
    return f"due 1 --target resolution --at 2026-03-{day}T{time.lstrip('+')}Z --reason agreed"


ALL = ["late fired", "more fired"]

#: What the first deadline is, what is done after the undo, and when both have passed.
STORIES = {
    "an earlier one": ([due("10:00")], [due("14:00")], "20:00"),
    "the same again": ([due("10:00")], [due("16:00")], "20:00"),
    "later than the policy's": ([due("10:00")], [due("19:00")], "23:00"),
    "by priority": (["priority 1 urgent"], ["priority 1 high"], "20:00"),
    "by priority, then by hand": (["priority 1 urgent"], [due("15:00")], "20:00"),
    "by hand, then by priority": ([due("09:30")], ["priority 1 high"], "20:00"),
    "reopened twice": (["resolve 1", "reopen 1", due("10:00")], ["resolve 1", "reopen 1", due("14:00")], "20:00"),
}


@pytest.mark.parametrize("story", STORIES)
def test_levels_of_a_deadline_after_an_undo_fire_exactly_once(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, run: Run, story: str
) -> None:
    first, second, over = STORIES[story]
    for line in [*first, "12:00"]:
        run(line)
    assert came(slactl)[-2:] == ALL
    before = [slactl("history", "1", "--json").out.count('"ticket.escalate"')]
    for _ in first:
        run("undo")
        clock.tick(timedelta(minutes=1))
        assert came(slactl) == []  # an undo alone fires nothing
    for line in [*second, over]:
        run(line)
    assert came(slactl) == ["warn expired", *ALL]
    assert came(slactl) == []
    after = slactl("history", "1", "--json").out.count('"ticket.escalate"')
    assert after == before[0] + 2
    is_well(slactl)


def test_every_deadline_after_a_miss_that_was_undone_has_levels_of_its_own(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, run: Run
) -> None:
    run("19:00")
    assert came(slactl)[-2:] == ALL
    for time in ("20:00", "22:00", "23:00"):
        run(due(time))
        run(f"{time[:4]}1")
        assert came(slactl) == ["warn expired", "late fired"], time
        run("undo")
        assert came(slactl) == []
    run(due("+08:00"))
    clock.move_to("2026-03-03T10:00Z")
    assert came(slactl) == ["warn expired", *ALL]
    assert came(slactl) == []
    twice = rows(desk, "SELECT level, arming, count(*) FROM escalation GROUP BY level, arming HAVING count(*) > 1")
    assert twice == []
    is_well(slactl)


def test_a_clock_that_was_let_go_by_mistake_has_its_levels_when_it_goes_on_again(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, run: Run
) -> None:
    """A pause that is ended by mistake, undone and ended again; the warning that came before it comes no more."""
    run("14:00")
    assert came(slactl) == ["warn fired"]
    for line in ("status 1 pending", "15:00", "status 1 open", "20:00"):
        run(line)
    assert came(slactl) == ALL
    run("undo")
    assert came(slactl) == []
    run("status 1 open")  # three hours were left
    run("22:59")
    assert came(slactl) == []
    run("23:59")
    assert came(slactl) == ["late fired"]
    clock.move_to("2026-03-03T01:00Z")
    assert came(slactl) == ["more fired"]
    is_well(slactl)


def test_a_ticket_that_was_reopened_by_mistake_has_its_levels_when_it_is_reopened_again(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, run: Run
) -> None:
    for line in ("10:00", "resolve 1", "11:00", "reopen 1", "20:00"):
        run(line)
    assert came(slactl)[-2:] == ALL
    for line in ("undo", "reopen 1"):  # seven hours were left
        run(line)
        assert came(slactl) == []
    clock.move_to("2026-03-03T04:30Z")
    assert came(slactl) == ALL
    is_well(slactl)


def test_a_deadline_that_holds_again_after_an_undo_fires_nothing_twice(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, run: Run
) -> None:
    for line in (due("10:00"), "12:00"):
        run(line)
    assert came(slactl) == ["warn expired", *ALL]
    for line in ("undo", "tag 1 --add vip", "assign 1 --to mia", "note 1 --body x", "20:00"):
        run(line)
        assert came(slactl) == []
    is_well(slactl)
