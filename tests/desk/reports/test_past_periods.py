"""A report on a period that is over stays as it was, whatever people and `check` do afterwards."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from slactl.desk.escalation import by_hand
from slactl.desk.escalation.check import check
from slactl.desk.escalation.run import RunOptions
from slactl.desk.ledger.desk import Desk
from slactl.desk.reports.measures import By
from slactl.desk.reports.report import report
from slactl.desk.reports.summary import MEASURED, summarize
from slactl.desk.rules import apply as rules_versions
from slactl.desk.tickets import changes, create, edit, tenants
from slactl.desk.tickets.change import Change, change
from slactl.sla.enums import Priority, Status, Target
from slactl.store.database import Database
from slactl.store.sqlite.file import create_database

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)

RULES = """
schema = 1
[settings]
default_plan = "free"
pause_statuses = {pausing}
pause = {paused}
reopen = "{reopen}"
count_from = "{count_from}"
next_response_from = "{waits}"
[calendars.always]
always_open = true
[calendars.office]
timezone = "Europe/Berlin"
[calendars.office.weekly]
mon-fri = ["09:00-17:00"]
[[policy]]
name = "internal"
match = {{ tag = ["internal"] }}
calendar = "always"
[policy.targets]
default = {{ resolution = "30h" }}
[[policy]]
name = "pro"
match = {{ plan = ["pro"] }}
calendar = "office"
[policy.targets]
urgent = {{ first_response = "30m", next_response = "30m", update = "1h", resolution = "4h" }}
default = {{ first_response = "4h", next_response = "4h", resolution = "1bd" }}
[[policy]]
name = "all"
calendar = "always"
[policy.targets]
urgent = {{ first_response = "1h", resolution = "6h" }}
low = {{ first_response = "12h" }}
default = {{ first_response = "{response}", next_response = "5h", update = "8h", resolution = "20h" }}
[roles.lead]
assignee = "lena"
[[escalation]]
id = "first"
on = "first_response"
  [[escalation.level]]
  id = "warn"
  at = "50%"
  tag = ["hurry"]
  [[escalation.level]]
  id = "late"
  at = "+30m"
  priority = "high"
  assign = "lead"
[[escalation]]
id = "end"
on = "resolution"
  [[escalation.level]]
  id = "late"
  at = "0m"
  priority = "urgent"
"""

#: What people do to a ticket, as of now.
WORK: list[Change] = [
    *(changes.reply("b", None), changes.reply("b", Status.OPEN), changes.reply("b", Status.RESOLVED)),
    *(changes.receive("b"), changes.receive("b"), changes.note("n")),
    *(changes.tag(["vip"], []), changes.tag(["internal"], []), changes.tag([], ["vip", "internal"])),
    *(changes.assign("mia"), changes.assign("jo"), changes.assign(None)),
    *(changes.resolve(), changes.resolve(), changes.close(), changes.reopen(), changes.reopen()),
    *(changes.set_status(status) for status in Status),
    *(changes.prioritise(priority) for priority in (*Priority, Priority.URGENT)),
]

Facts = dict[str, Any]


class Story:
    """A desk on which people work at random; nothing is told of an earlier time."""

    def __init__(self, folder: Path, dice: Random) -> None:
        self.dice, self.now = dice, MONDAY
        self.desk = Desk(Database(folder / "slactl.db"), folder / "rules.toml", "ann", {})
        self.write_rules()
        create_database(self.desk.database.path)
        tenants.add(self.desk, self.now, "acme", tenants.TenantFacts("pro", "Asia/Tokyo"))
        self.tickets = 0

    def write_rules(self) -> None:
        dice = self.dice
        text = RULES.format(
            pausing=dice.choice(['["pending"]', '["pending", "waiting_customer"]']),
            paused=dice.choice(['["resolution"]', '["first_response", "update", "resolution"]']),
            reopen=dice.choice(["continue", "continue", "reset", "frozen"]),
            count_from=dice.choice(["creation", "change"]),
            waits=dice.choice(["first_reply", "creation"]),
            response=dice.choice(["2h", "3h", "9h"]),
        )
        self.desk.rules.write_text(text, encoding="utf-8")

    def go_on(self, steps: int) -> None:
        for _ in range(steps):
            self.now += timedelta(seconds=self.dice.choice((1, 60, 1800, 3600, 3600, 5 * 3600, 20 * 3600)))
            self.step()

    def step(self) -> None:
        dice, ticket = self.dice, str(self.dice.randint(1, max(1, self.tickets)))
        doing = dice.choices(
            (self.create, self.work, self.due, self.edit, self.escalate, self.check, self.apply),
            (1 if self.tickets else 1000, 12, 2, 1, 1, 3, 0.3),
        )[0]
        doing(ticket)

    def create(self, _: str) -> None:
        dice = self.dice
        new = create.NewTicket(
            subject="S",
            requester_email="a@example.com",
            plan=dice.choice([None, "pro", "free"]),
            tenant=dice.choice([None, "acme"]),
            priority=dice.choice(list(Priority)),
            assignee=dice.choice([None, "mia"]),
            tags=dice.choice([(), ("vip",), ("vip", "beta")]),
        )
        [self.tickets] = create.create(self.desk, self.now, new).done

    def work(self, ticket: str) -> None:
        change(self.desk, self.now, [ticket], self.dice.choice(WORK))

    def due(self, ticket: str) -> None:
        at = self.now + timedelta(hours=self.dice.choice((-9, -1, 1, 3, 30)))
        agreement = changes.due(self.dice.choice(list(Target)), self.dice.choice([at, at, None]), "agreed")
        change(self.desk, self.now, [ticket], agreement)

    def edit(self, ticket: str) -> None:
        facts = self.dice.choice([{"plan": "pro"}, {"plan": "free"}, {"tenant": "acme"}, {"tenant": ""}])
        edit.edit(self.desk, self.now, [ticket], edit.Edits(**facts))

    def escalate(self, ticket: str) -> None:
        by_hand.escalate(self.desk, self.now, [ticket], "angry", None, Priority.HIGH, notify=False)

    def check(self, _: str) -> None:
        check(self.desk, self.now, RunOptions(send=False))

    def apply(self, _: str) -> None:
        self.write_rules()
        list(rules_versions.apply(self.desk, rules_versions.Move(self.now, dry_run=False)))

    def figures(self, since: datetime | None, until: datetime, by: By | None) -> Facts:
        """Return all that `report` and `summary` measure in a period, but for the counts of now."""
        with self.desk.database.read() as transaction:
            reported: Facts = dict(report(transaction, self.now, since=since, until=until, by=by))
            summary: Facts = dict(summarize(transaction, self.now, due_soon=7200, since=since, until=until, by=by))
        judged = {name: summary[name] for name in (*MEASURED, "before")}
        # A group is in the summary too because of its open tickets of now.
        groups = {group["group"]: {name: group[name] for name in MEASURED} for group in summary["groups"] or ()}
        empty = {**dict.fromkeys(MEASURED), "first_response_n": 0, "resolution_n": 0}
        groups = {name: numbers for name, numbers in groups.items() if numbers != empty}
        return {"report": {**reported, "at": None}, "summary": judged, "groups": groups}


def periods(story: Story) -> Iterator[tuple[datetime | None, datetime]]:
    """Yield some periods that end now or are over."""
    length = story.now - MONDAY
    yield None, story.now
    yield MONDAY + length / 3, story.now
    yield MONDAY + length / 3, MONDAY + length / 2


def check_past(folder: Path, seed: int) -> None:
    story = Story(folder, Random(seed))
    taken: list[tuple[datetime | None, datetime, By | None, Facts]] = []
    for _ in range(4):
        story.go_on(14)
        story.now += timedelta(seconds=1)  # what happens in the second after a period belongs to it no more
        for since, until in periods(story):
            taken += [(since, until, by, story.figures(since, until, by)) for by in (None, *By)]
        for since, until, by, figures in taken:
            assert story.figures(since, until, by) == figures, (seed, since, until, by)


@pytest.mark.parametrize("seed", range(6))
def test_a_period_that_is_over_stays_as_it_was(seed: int, tmp_path: Path) -> None:
    check_past(tmp_path, seed)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(100, 220))
def test_many_periods_that_are_over_stay_as_they_were(seed: int, tmp_path: Path) -> None:
    check_past(tmp_path, seed)
