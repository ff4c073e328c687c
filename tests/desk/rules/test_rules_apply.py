"""Moving open tickets to other rules: what follows, what stays as it was judged, and what must not fire."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory

from slactl.config import Color, resolve
from slactl.desk.ledger.desk import Desk
from slactl.desk.rules import apply as rules_versions
from slactl.desk.rules.apply import Move, apply, diff, waiting
from slactl.errors import ExitCode, RefusedError, RulesError

RULES = """
schema = 1

[calendars.always]
always_open = true

[[policy]]
name = "all"
calendar = "always"
[policy.targets]
default = { first_response = "4h", resolution = "8h" }

[roles.lead]
assignee = "mia"

[[escalation]]
id = "answer"
on = "first_response"
  [[escalation.level]]
  id = "warn"
  at = "50%"
  notify = ["lead"]
  [[escalation.level]]
  id = "late"
  at = "0m"
  priority = "high"
  notify = ["lead"]
  [[escalation.level]]
  id = "later"
  at = "+2h"
  notify = ["lead"]
"""


pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def config(desk: Path) -> Desk:
    """A desk whose rules promise an answer within 4 hours and a resolution within 8."""
    rules = desk.parent / "rules.toml"
    rules.write_text(RULES)
    return Desk.of(resolve({"SLACTL_DB": str(desk), "SLACTL_RULES": str(rules)}, None, None, "ann", Color.AUTO, False))


def promise(config: Desk, first_response: str, resolution: str = "8h", text: str = RULES) -> None:
    """Edit the rules."""
    config.rules.write_text(text.replace('"4h"', f'"{first_response}"').replace('"8h"', f'"{resolution}"'))


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def moved(config: Desk, *, dry_run: bool = False) -> tuple[Move, list[dict[str, Any]], list[str]]:
    """Apply the rules; what it came to, the changed deadlines, and the problems."""
    problems: list[str] = []
    move = Move(now(), dry_run)
    changes = list(apply(config, move, problem=problems.append))
    return move, changes, problems


def rows(config: Desk, query: str) -> list[Any]:
    with sqlite3.connect(config.database.path) as connection:
        return connection.execute(query).fetchall()


def contents(config: Desk) -> dict[str, list[Any]]:
    """Everything that is in the database."""
    names = [name for (name,) in rows(config, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: rows(config, f"SELECT * FROM {name}") for name in names}


def create(slactl: Slactl, *options: str) -> int:
    made = slactl("create", "Printer on fire", "--from", "ann@example.com", *options)
    assert made.code == 0, made.err
    return int(made.out)


def shown(slactl: Slactl, number: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(slactl("show", str(number), "--json").out)
    return found


def outcomes(config: Desk) -> list[tuple[str, str]]:
    return rows(config, "SELECT level, outcome FROM escalation ORDER BY id")


def pinned(config: Desk) -> list[tuple[int, str]]:
    """The tickets, and the hash of the rules each is judged under."""
    return rows(config, "SELECT t.id, v.hash FROM ticket t JOIN rules_version v ON v.id = t.rules_version ORDER BY 1")


def test_editing_the_rules_moves_nothing_and_applying_them_does(config: Desk, slactl: Slactl) -> None:
    number = create(slactl)
    promise(config, "2h", "6h")
    assert shown(slactl, number)["first_response_due_at"] == "2026-03-02T13:00:00Z"
    move, changes, _ = moved(config)
    assert (move.moved, move.changed, move.newly_breached, move.code) == (1, 2, 0, ExitCode.DONE)
    assert [(c["target"], c["due_at_before"], c["due_at_after"]) for c in changes] == [
        ("first_response", "2026-03-02T13:00:00Z", "2026-03-02T11:00:00Z"),
        ("resolution", "2026-03-02T17:00:00Z", "2026-03-02T15:00:00Z"),
    ]
    found = shown(slactl, number)
    assert (found["first_response_due_at"], found["resolution_due_at"]) == (
        "2026-03-02T11:00:00Z",
        "2026-03-02T15:00:00Z",
    )
    assert pinned(config) == [(number, move.rules)]


def test_it_is_in_the_audit_trail_with_both_versions(config: Desk, slactl: Slactl) -> None:
    number = create(slactl)
    ((_, old),) = pinned(config)
    promise(config, "2h")
    move, _, _ = moved(config)
    found = rows(config, "SELECT ticket_id, actor, actor_type, detail FROM event WHERE action = 'rules.apply'")
    assert [row[:3] for row in found] == [(number, "ann", "user")]
    detail = json.loads(found[0][3])
    assert (detail["rules"], detail["from"]) == (move.rules, old)
    ((noted,),) = rows(config, "SELECT detail FROM event WHERE action = 'sla.due' ORDER BY id DESC LIMIT 1")
    assert json.loads(noted)["because"] == "rules applied"
    assert json.loads(noted)["first_response"] == "2026-03-02T11:00:00Z"


def test_a_second_apply_changes_nothing(config: Desk, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    create(slactl)
    promise(config, "2h")
    moved(config)
    before = contents(config)
    clock.tick(timedelta(hours=1))
    move, changes, problems = moved(config)
    assert (move.moved, move.changed, changes, problems) == (0, 0, [], [])
    assert contents(config) == before


def test_a_dry_run_says_the_same_and_writes_nothing(config: Desk, slactl: Slactl) -> None:
    create(slactl)
    create(slactl, "--at", "3h ago")
    promise(config, "2h")
    before = contents(config)
    dry, dry_changes, _ = moved(config, dry_run=True)
    assert contents(config) == before
    real, changes, _ = moved(config)
    assert changes == dry_changes
    assert replace(dry, dry_run=False) == real
    assert real.moved == 2


def test_nothing_to_move_leaves_no_version_behind(config: Desk, slactl: Slactl) -> None:
    number = create(slactl)
    assert slactl("resolve", str(number)).code == 0
    promise(config, "2h")
    before = contents(config)
    assert moved(config)[0].moved == 0
    assert contents(config) == before


def test_resolved_and_closed_tickets_stay_as_they_are(config: Desk, slactl: Slactl) -> None:
    resolved, closed, still = create(slactl), create(slactl), create(slactl)
    slactl("resolve", str(resolved))
    slactl("close", str(closed))
    before = {number: shown(slactl, number) for number in (resolved, closed)}
    promise(config, "2h")
    move, changes, _ = moved(config)
    assert (move.moved, {change["ticket_id"] for change in changes}) == (1, {still})
    assert {number: shown(slactl, number) for number in (resolved, closed)} == before


def test_a_met_target_keeps_what_it_was_judged_by(config: Desk, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    number = create(slactl)
    clock.tick(timedelta(hours=3))
    slactl("reply", str(number), "--no-body", "--status", "open")
    promise(config, "2h", "10h")
    _, changes, _ = moved(config)
    assert [change["target"] for change in changes] == ["resolution"]
    found = shown(slactl, number)
    assert (found["first_response_state"], found["first_response_due_at"]) == ("met", "2026-03-02T13:00:00Z")
    assert found["ever_breached"] is False


@pytest.mark.parametrize("answered", [True, False])
def test_a_missed_target_keeps_what_it_was_judged_by(
    config: Desk, slactl: Slactl, clock: FrozenDateTimeFactory, answered: bool
) -> None:
    number = create(slactl)
    clock.tick(timedelta(hours=5))
    if answered:
        slactl("reply", str(number), "--no-body", "--status", "open")
    promise(config, "40h", "80h")
    _, changes, _ = moved(config)
    assert [change["target"] for change in changes] == ["resolution"]
    found = shown(slactl, number)
    assert (found["first_response_state"], found["first_response_due_at"]) == ("breached", "2026-03-02T13:00:00Z")
    assert found["ever_breached"] is True


def test_what_is_newly_breached_is_marked_and_wakes_nobody(
    config: Desk, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    number = create(slactl)
    clock.tick(timedelta(hours=3))
    slactl("check")
    assert outcomes(config) == [("warn", "fired")]
    promise(config, "1h")
    move, changes, _ = moved(config)
    assert [(c["target"], c["newly_breached"], c["state_after"]) for c in changes] == [
        ("first_response", True, "breached")
    ]
    # Late since 10:00, and two hours later noon has come, too.
    assert (move.newly_breached, move.baseline) == (1, 2)
    assert outcomes(config) == [("warn", "fired"), ("late", "baseline"), ("later", "baseline")]
    assert slactl("check", "--json").code == 0
    assert outcomes(config) == [("warn", "fired"), ("late", "baseline"), ("later", "baseline")]
    assert rows(config, "SELECT level FROM notification n JOIN escalation e ON e.id = n.escalation_id") == [("warn",)]
    found = shown(slactl, number)
    assert (found["breached"], found["priority"]) == (True, "normal")
    ((detected,),) = rows(config, "SELECT detected_at FROM timer WHERE kind = 'first_response'")
    assert detected == "2026-03-02T12:00:00Z"


def test_what_comes_after_the_move_fires(config: Desk, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    create(slactl)
    clock.tick(timedelta(hours=1, minutes=30))
    promise(config, "1h")
    move, _, _ = moved(config)
    assert outcomes(config) == [("warn", "baseline"), ("late", "baseline")]
    assert move.baseline == 2
    clock.tick(timedelta(hours=2))
    slactl("check")
    assert outcomes(config)[2:] == [("later", "fired")]


def test_a_breach_that_no_check_has_seen_yet_is_not_lost(
    config: Desk, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    create(slactl)
    clock.tick(timedelta(hours=4, minutes=1))
    promise(config, "1h")
    move, changes, _ = moved(config)
    assert (changes, move.baseline) == ([], 0)
    slactl("check")
    assert outcomes(config) == [("warn", "expired"), ("late", "fired")]


@pytest.mark.parametrize("holding", ["ack", "pending"])
def test_neither_an_ack_nor_a_pause_lets_the_past_fire_later(
    config: Desk, slactl: Slactl, clock: FrozenDateTimeFactory, holding: str
) -> None:
    pausing = RULES.replace("schema = 1", 'schema = 1\n[settings]\npause = ["first_response"]')
    promise(config, "4h", text=pausing)
    number = create(slactl)
    clock.tick(timedelta(hours=1, minutes=30))
    held = slactl("ack", str(number), "--for", "1h") if holding == "ack" else slactl("status", str(number), "pending")
    assert held.code == 0, held.err
    promise(config, "1h", text=pausing)
    moved(config)
    assert outcomes(config) == [("warn", "baseline"), ("late", "baseline")]
    clock.tick(timedelta(minutes=65))
    slactl("status", str(number), "open")
    slactl("check")
    assert [outcome for level, outcome in outcomes(config) if level != "later"] == ["baseline", "baseline"]


def test_a_warning_may_come_again_when_the_deadline_moves_to_later(
    config: Desk, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    create(slactl)
    clock.tick(timedelta(hours=2, minutes=30))
    slactl("check")
    promise(config, "8h")
    assert moved(config)[0].baseline == 0
    clock.tick(timedelta(hours=2))
    slactl("check")
    assert rows(config, "SELECT level, outcome, arming FROM escalation ORDER BY id") == [
        ("warn", "fired", 0),
        ("warn", "fired", 1),
    ]


def test_targets_appear_and_disappear(config: Desk, slactl: Slactl) -> None:
    create(slactl)
    config.rules.write_text(RULES.replace(', resolution = "8h"', "").replace('"4h"', '"4h", next_response = "1h"'))
    _, changes, _ = moved(config)
    assert [(c["target"], c["state_before"], c["state_after"], c["due_at_after"]) for c in changes] == [
        ("resolution", "running", "none", None)
    ]
    config.rules.write_text(RULES)
    _, changes, _ = moved(config)
    assert [(c["target"], c["state_before"], c["due_at_after"]) for c in changes] == [
        ("resolution", "none", "2026-03-02T17:00:00Z")
    ]


def test_many_tickets_go_in_batches(config: Desk, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_versions, "BATCH", 2)
    numbers = [create(slactl) for _ in range(5)]
    promise(config, "2h")
    sizes: list[int] = []
    move = Move(now(), dry_run=False)
    changes = list(apply(config, move, sizes.append))
    assert sizes == [2, 2, 1]
    assert [change["ticket_id"] for change in changes] == numbers
    assert pinned(config) == [(number, move.rules) for number in numbers]


def test_rules_that_are_edited_meanwhile_are_not_mixed(
    config: Desk, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules_versions, "BATCH", 1)
    create(slactl)
    create(slactl)
    promise(config, "2h")
    moving = apply(config, Move(now(), dry_run=False))
    next(moving)
    promise(config, "3h")
    with pytest.raises(RefusedError, match="edited"):
        list(moving)
    assert len({version for _, version in pinned(config)}) == 2
    assert moved(config)[0].moved == 2
    assert len({version for _, version in pinned(config)}) == 1


def test_a_ticket_that_cannot_be_moved_does_not_stop_the_others(config: Desk, slactl: Slactl) -> None:
    broken, fine = create(slactl, "--plan", "free"), create(slactl, "--priority", "urgent")
    once = '[calendars.once]\n[calendars.once.dates]\n"2026-03-02" = ["09:00-10:00"]\n'
    policy = '[[policy]]\nname = "few"\ncalendar = "once"\nmatch = { priority = ["normal"] }\n'
    targets = '[policy.targets]\ndefault = { resolution = "4h" }\n\n[[policy]]\nname = "all"'
    promise(config, "2h", text=RULES.replace('[[policy]]\nname = "all"', once + policy + targets))
    before = shown(slactl, broken)
    move, _, problems = moved(config)
    assert (move.moved, move.failed, move.code) == (1, 1, ExitCode.PARTLY)
    assert [problem.split(":")[0] for problem in problems] == [f"ticket {broken}"]
    assert shown(slactl, broken) == before
    assert shown(slactl, fine)["first_response_due_at"] == "2026-03-02T11:00:00Z"
    assert waiting(config).tickets == 1


def test_a_ticket_that_changed_in_the_meantime_is_left_for_the_next_time(config: Desk, slactl: Slactl) -> None:
    number = create(slactl)
    promise(config, "2h")
    earlier = Move(now() - timedelta(hours=1), dry_run=False)  # longer ago than anybody waits for the lock
    problems: list[str] = []
    assert list(apply(config, earlier, problem=problems.append)) == []
    assert (earlier.moved, earlier.failed) == (0, 1)
    assert problems == [f"ticket {number}: the ticket changed in the meantime; run rules apply again"]
    assert moved(config)[0].moved == 1


def test_invalid_rules_move_nothing(config: Desk, slactl: Slactl) -> None:
    create(slactl)
    config.rules.write_text(RULES.replace('"4h"', '"4 parsecs"'))
    before = contents(config)
    with pytest.raises(RulesError):
        moved(config)
    assert contents(config) == before


def test_the_history_says_what_the_columns_say_after_later_changes(
    config: Desk, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    number = create(slactl)
    promise(config, "2h")
    moved(config)
    promise(config, "1h")  # edited again, but not applied
    clock.tick(timedelta(minutes=30))
    slactl("priority", str(number), "low")
    assert shown(slactl, number)["first_response_due_at"] == "2026-03-02T11:00:00Z"


def differences(config: Desk) -> Sequence[tuple[Any, ...]]:
    (version,) = diff(config)["versions"]
    names = ("section", "name", "key", "change", "before", "after")
    return [tuple(change[name] for name in names) for change in version["changes"]]


def test_diff_tells_what_changed_and_for_how_many(config: Desk, slactl: Slactl) -> None:
    for _ in range(3):
        create(slactl)
    text = RULES.replace("schema = 1", 'schema = 1\n[settings]\nreopen = "reset"').replace('at = "+2h"', 'at = "+3h"')
    promise(config, "2h", text=text + '\n[calendars.office]\nweekly = { mon-fri = ["09:00-17:00"] }\n')
    assert differences(config) == [
        ("settings", None, "reopen", "added", None, "reset"),
        ("calendars", "office", None, "added", None, {"weekly": {"mon-fri": ["09:00-17:00"]}}),
        ("policy", "all", "targets.default.first_response", "changed", "4h", "2h"),
        ("escalation", "answer", "level.later.at", "changed", "+2h", "+3h"),
    ]
    (version,) = diff(config)["versions"]
    assert (version["open_count"], version["current"]) == (3, False)
    assert [change["in_force"] for change in version["changes"]] == [False, False, False, True]


def test_diff_sees_policies_that_changed_places(config: Desk, slactl: Slactl) -> None:
    second = '[[policy]]\nname = "vip"\ncalendar = "always"\nmatch = { tag = ["vip"] }\n'
    first = RULES[RULES.index("[[policy]]") : RULES.index("[roles")]
    config.rules.write_text(RULES.replace(first, second + first))
    create(slactl)
    config.rules.write_text(RULES.replace(first, first + second))
    assert differences(config) == [("policy", None, "order", "changed", ["vip", "all"], ["all", "vip"])]


def test_diff_has_nothing_to_say_of_comments_and_closed_tickets(config: Desk, slactl: Slactl) -> None:
    create(slactl)
    config.rules.write_text("# as before\n" + RULES)
    assert differences(config) == []
    slactl("close", "1")
    promise(config, "2h")
    assert diff(config)["versions"] == []


def test_a_deadline_set_by_hand_stays(config: Desk, slactl: Slactl) -> None:
    number = create(slactl)
    set_by_hand = ("--target", "resolution", "--at", "2026-03-03T09:00:00Z", "--reason", "agreed by phone")
    assert slactl("due", str(number), *set_by_hand).code == 0
    promise(config, "2h", "6h")
    _, changes, _ = moved(config)
    assert [change["target"] for change in changes] == ["first_response"]
    assert shown(slactl, number)["resolution_due_at"] == "2026-03-03T09:00:00Z"


def test_a_condition_that_began_long_ago_on_the_new_calendar_wakes_nobody(
    config: Desk, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    watch = (
        '\n[[escalation]]\nid = "alone"\non = "unassigned"\n[[escalation.level]]\nid = "grab"\nat = "+1h"\nnote = "x"\n'
    )
    office = '[calendars.office]\nweekly = { mon-fri = ["12:00-17:00"] }\n' + RULES[RULES.index("[[policy]]") :] + watch
    office = RULES[: RULES.index("[[policy]]")] + office.replace('calendar = "always"', 'calendar = "office"')
    promise(config, "4h", text=office)
    create(slactl)
    clock.tick(timedelta(hours=1, minutes=30))
    promise(config, "4h", text=RULES + watch)
    assert moved(config)[0].moved == 1
    assert outcomes(config) == [("grab", "baseline")]
    clock.tick(timedelta(minutes=10))
    slactl("check")
    assert outcomes(config) == [("grab", "baseline")]


def test_each_ticket_remembers_the_rules_it_came_from(config: Desk, slactl: Slactl) -> None:
    first = create(slactl)
    promise(config, "3h")
    second = create(slactl)
    before = dict(pinned(config))
    assert before[first] != before[second]
    promise(config, "2h")
    assert moved(config)[0].moved == 2
    found = rows(config, "SELECT ticket_id, detail FROM event WHERE action = 'rules.apply'")
    assert {number: json.loads(detail)["from"] for number, detail in found} == before
    assert len({version for _, version in pinned(config)}) == 1


def test_going_back_to_the_old_rules_is_a_move_like_any_other(config: Desk, slactl: Slactl) -> None:
    number = create(slactl)
    before = pinned(config)
    promise(config, "2h")
    moved(config)
    config.rules.write_text(RULES)
    assert moved(config)[0].moved == 1
    assert pinned(config) == before
    assert shown(slactl, number)["first_response_due_at"] == "2026-03-02T13:00:00Z"
