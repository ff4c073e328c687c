"""Deadlines that are set and undone, in any number and order: the one that follows has each of its levels once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slactl.desk.escalation.check import check
from slactl.desk.escalation.run import RunOptions
from slactl.desk.ledger.desk import Desk
from slactl.desk.tickets import changes
from slactl.desk.tickets.change import Change, change
from slactl.desk.tickets.create import NewTicket, create
from slactl.desk.tickets.undo import undo
from slactl.sla.enums import Priority, Status, Target
from slactl.store.database import Database
from slactl.store.sqlite.file import create_database

RULES = """schema = 1
[settings]
pause = ["resolution"]
[calendars.always]
always_open = true
[[policy]]
name = "all"
calendar = "always"
late_targets = "{late}"
count_from = "{count}"
[policy.targets]
urgent = {{ resolution = "1h" }}
high = {{ resolution = "3h" }}
default = {{ resolution = "9h" }}
[[escalation]]
id = "e"
on = "resolution"
level = [
  {{ id = "half", at = "50%", note = "x" }},
  {{ id = "late", at = "0m", note = "x" }},
  {{ id = "more", at = "+1h", note = "x" }},
]
"""

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
MINUTES = st.integers(1, 900)


class Mistake(NamedTuple):
    """Commands of one moment that are undone after some minutes, in which `check` may run."""

    makes: list[str]
    due: int
    stands: int
    passes: int
    checked: bool


MISTAKES = st.builds(
    Mistake,
    st.lists(st.sampled_from(["due", "urgent", "high", "pending", "resolved", "open"]), min_size=1, max_size=2),
    st.integers(-200, 900),
    MINUTES,
    st.integers(0, 200),
    st.booleans(),
)


class OneTicket:
    """A desk with one ticket, and the clock."""

    def __init__(self, folder: Path, rules: str) -> None:
        (folder / "rules.toml").write_text(rules)
        self.desk = Desk(Database(folder / "slactl.db"), folder / "rules.toml", "ann", {})
        self.now = MONDAY
        create_database(self.desk.database.path)
        create(self.desk, self.now, NewTicket("s", "ann@example.com", None, None, None, Priority.NORMAL, None), None)

    def do(self, made: Change) -> int | None:
        """The number of the change; None if it was refused, or there was nothing to do."""
        return change(self.desk, self.now, ["1"], made).change

    def set_due(self, minutes: int) -> int | None:
        return self.do(changes.due(Target.RESOLUTION, self.now + timedelta(minutes=minutes), "agreed"))

    def make(self, word: str, minutes: int) -> int | None:
        if word == "due":
            return self.set_due(minutes)
        return self.do(
            changes.prioritise(Priority(word)) if word in tuple(Priority) else changes.set_status(Status(word))
        )

    def check(self) -> list[tuple[str, str]]:
        """What a run decides: the level, and what became of it."""
        report = check(self.desk, self.now, RunOptions(send=False))
        assert not report.problems
        return [(each["level"], each["outcome"]) for each in report.firings]

    def fired(self) -> list[str]:
        """The levels that a run fires."""
        return [level for level, outcome in self.check() if outcome == "fired"]


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    mistakes=st.lists(MISTAKES, min_size=1, max_size=4),
    due=MINUTES,
    late=st.sampled_from(["keep", "recount"]),
    count=st.sampled_from(["creation", "change"]),
)
def test_levels_of_the_deadline_that_follows_fire_exactly_once(
    mistakes: list[Mistake], due: int, late: str, count: str
) -> None:
    with TemporaryDirectory() as folder:
        one, undone, after_undos = OneTicket(Path(folder), RULES.format(late=late, count=count)), 0, list[str]()
        for mistake in mistakes:
            made = [number for word in mistake.makes if (number := one.make(word, mistake.due)) is not None]
            one.now += timedelta(minutes=mistake.stands)
            if mistake.checked:
                one.check()
            for number in reversed(made):
                undo(one.desk, one.now, number)
            after_undos += one.fired()
            one.now += timedelta(minutes=mistake.passes)
            after_undos += one.fired()
            undone += len(made)
        # The deadline that holds again after each undo is one and the same.
        assert len(after_undos) == len(set(after_undos)), after_undos
        is_later = one.now + timedelta(minutes=due) > MONDAY + timedelta(hours=9)
        one.set_due(due)
        one.now += timedelta(minutes=due, seconds=1)
        decided = one.check()
        assert ("late", "fired") in decided
        one.now += timedelta(hours=1)
        decided += one.check()
        # An earlier deadline has the warning that came for the one before it.
        warned = undone > 0 or is_later or "half" not in after_undos
        assert sorted(level for level, _ in decided) == [*(["half"] if warned else []), "late", "more"]
        assert [level for level, outcome in decided if outcome == "fired" and level != "half"] == ["late", "more"]
        one.now += timedelta(days=3)
        assert one.check() == []
