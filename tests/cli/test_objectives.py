"""`objectives`: what goals count, against separate arithmetic; past periods, groups, exit codes and refusals."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from escalation_desk import policy, traced, write_rules
from freezegun.api import FrozenDateTimeFactory

Clock = FrozenDateTimeFactory
pytestmark = pytest.mark.usefixtures("clock")

GOAL = """
[[objective]]
name = "in time"
target = "resolution"
goal = "75%"
period = "month"
timezone = "Europe/Berlin"
credits = [{ below = "75%", percent = 5 }, { below = "50%", percent = 12.5 }]
"""


def goals(slactl: Slactl, *words: str) -> list[dict[str, Any]]:
    done = slactl("objectives", "--json", *words)
    assert done.code == 0, done.err
    found: list[dict[str, Any]] = json.loads(done.out)
    return found


def opened(slactl: Slactl, at: str, resolved: str | None, *more: str) -> None:
    made = slactl("create", "Printer", "--from", "ann@example.com", "--at", at, "-q", *more)
    assert made.code == 0, made.err
    if resolved is not None:
        assert slactl("resolve", made.out.strip(), "--at", resolved, "-q").code == 0


def margins(found: list[dict[str, Any]]) -> list[list[Any]]:
    names = ("kept", "missed", "attained", "spare", "needed", "open_at_risk", "credit", "state")
    return [[goal[name] for name in names] for goal in found]


def test_a_month_of_outcomes(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, policy(resolution="4h"), GOAL)
    assert margins(goals(slactl)) == [[0, 0, None, None, 0, 0, None, "no_data"]]
    clock.move_to("2026-03-20T12:00:00Z")
    for day in range(2, 8):  # six kept, one of them in the last hour of February in Berlin
        opened(slactl, f"2026-03-0{day}T08:00Z", f"2026-03-0{day}T09:00Z")
    opened(slactl, "2026-02-28T22:00Z", "2026-02-28T22:30Z")
    opened(slactl, "2026-02-28T22:00Z", "2026-02-28T23:00Z")  # midnight in Berlin: the first instant of March
    opened(slactl, "2026-03-09T08:00Z", "2026-03-09T15:00Z")
    [goal] = goals(slactl)
    assert (goal["period"], goal["since"], goal["until"]) == ("2026-03", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z")
    assert (goal["name"], goal["target"], goal["goal"], goal["group"]) == ("in time", "resolution", 0.75, None)
    assert margins([goal]) == [[7, 1, 0.875, 1, 0, 0, None, "kept"]]
    opened(slactl, "2026-03-20T08:30Z", None)  # due in half an hour
    assert margins(goals(slactl)) == [[7, 1, 0.875, 1, 0, 1, None, "kept"]]
    opened(slactl, "2026-03-20T09:00Z", None)
    assert margins(goals(slactl)) == [[7, 1, 0.875, 1, 0, 2, None, "at_risk"]]
    clock.move_to("2026-03-20T14:00:00Z")  # both deadlines pass, though no check ran
    assert margins(goals(slactl)) == [[7, 3, 0.7, 0, 2, 2, 5, "below"]]
    assert slactl("objectives", "--exit-code", "-q").code == 10
    assert goals(slactl, "--period", "2026-02")[0]["kept"] == 1
    before = goals(slactl, "--period", "2026-03")
    clock.move_to("2026-04-02T09:00:00Z")
    for number in ("2", "3"):
        assert slactl("reopen", number, "-q").code == 0
    [past] = goals(slactl, "--period", "2026-03")
    assert past | {"open_at_risk": 2} == before[0]
    assert past["open_at_risk"] is None


#: Names of periods and their bounds in Berlin.
BOUNDS = {
    "2025-07": ("2025-06-30T22:00:00Z", "2025-07-31T22:00:00Z"),
    "2025": ("2024-12-31T23:00:00Z", "2025-12-31T23:00:00Z"),
}

#: What goals match, and the same as a condition in SQL.
MATCHES = {
    'plan = ["free"]': "1",
    'priority = ["high", "urgent"]': "priority IN ('high', 'urgent')",
    'tag = ["a"], not = { tag = ["b"] }': """instr(tags, '"a"') AND NOT instr(tags, '"b"')""",
}

#: Counts the tickets that were resolved within eight hours, and later, in a period.
ARITHMETIC = """SELECT SUM(took <= 28800), SUM(took > 28800) FROM (
SELECT *, strftime('%s', resolved_at) - strftime('%s', created_at) AS took FROM ticket_view)
WHERE resolved_at >= ? AND resolved_at < ? AND """


def year_of_history() -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for number in range(300):
        month, day = number % 12 + 1, number % 27 + 1
        at, later = f"2025-{month:02d}-{day:02d}T0{number % 10}:00:00Z", day + number % 2
        ends = f"2025-{month:02d}-{later:02d}T12:30:00Z"
        row = number // 12
        words = {"priority": ("low", "high", "urgent")[row % 3], "tags": (["a"], ["a", "b"], [])[row % 7 % 3]}
        created = {"ticket": f"T{number}", "at": at, "type": "created", "requester_email": "ann@example.com"}
        lines += [created | words, {"ticket": f"T{number}", "at": ends, "type": "status", "status": "resolved"}]
    return lines


def test_a_year_of_history_gives_the_figures_of_separate_arithmetic(desk: Path, slactl: Slactl) -> None:
    written = [
        GOAL.replace("month", kind).replace("in time", f"{kind} {number}") + f"match = {{ {match} }}\n"
        for kind in ("month", "year")
        for number, match in enumerate(MATCHES)
    ]
    write_rules(desk, policy(resolution="8h"), *written)
    assert slactl("import", "-", stdin="\n".join(map(json.dumps, year_of_history()))).code == 0
    with sqlite3.connect(desk) as connection:
        for period, bounds in BOUNDS.items():
            found = goals(slactl, "--period", period)
            assert len(found) == len(MATCHES)
            for goal, condition in zip(found, MATCHES.values(), strict=True):
                kept, missed = connection.execute(ARITHMETIC + condition, bounds).fetchone()
                assert (goal["kept"], goal["missed"]) == (kept, missed), goal
                assert kept > 0 < missed


def test_groups_are_those_of_the_outcomes(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, policy(resolution="4h"), GOAL)
    clock.move_to("2026-03-20T12:00:00Z")
    opened(slactl, "2026-03-20T08:00Z", "2026-03-20T09:00Z", "--priority", "low", "--tag", "a", "--tag", "b")
    opened(slactl, "2026-03-20T07:00Z", None, "--priority", "urgent", "--tag", "b")
    found = goals(slactl, "--by", "tag")
    assert [(goal["group"], goal["kept"], goal["missed"], goal["open_at_risk"]) for goal in found] == [
        ("a", 1, 0, 0),
        ("b", 1, 1, 1),
    ]
    assert [goal["group"] for goal in goals(slactl, "--by", "priority")] == ["urgent", "low"]


def test_the_domain_of_the_requester_counts(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, policy(resolution="4h"), GOAL + 'match = { requester_domain = ["Example.com"] }\n')
    clock.move_to("2026-03-20T12:00:00Z")
    opened(slactl, "2026-03-20T08:00Z", "2026-03-20T09:00Z")
    assert slactl("create", "Printer", "--from", "eve@elsewhere.org", "--at", "2026-03-20T07:00Z").code == 0
    assert goals(slactl)[0]["kept"] + goals(slactl)[0]["missed"] == 1


def test_a_later_address_and_an_erased_one_leave_the_past_as_it_was(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, policy(resolution="4h"), GOAL + 'match = { requester_domain = ["example.com"] }\n')
    clock.move_to("2026-03-20T12:00:00Z")
    for number, resolved in (("1", "09:00"), ("2", "13:00"), ("3", None)):
        opened(slactl, "2026-03-02T08:00Z", f"2026-03-02T{resolved}Z" if resolved else None)
        assert slactl("edit", number, "--from", f"bob{number}@example.com", "-q").code == 0
    before = goals(slactl)
    assert margins(before) == [[1, 2, 0.333333, 0, 5, 1, 12.5, "below"]]
    clock.move_to("2026-03-20T13:00:00Z")
    assert slactl("erase", "--requester", "bob1@example.com", "--yes").code == 0
    assert slactl("edit", "2", "--from", "eve@elsewhere.org", "-q").code == 0
    assert goals(slactl) == before
    assert slactl("edit", "3", "--from", "eve@elsewhere.org", "-q").code == 0
    [goal] = goals(slactl)
    assert (goal["missed"], goal["open_at_risk"]) == (2, 0)  # it is late, and is not theirs any more
    assert slactl("undo", "--yes").code == 0
    assert goals(slactl) == before


def test_goals_with_one_target_and_period_are_read_together(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = traced(monkeypatch)
    counts = []
    for number in (1, 30):
        kinds = ('match = { priority = ["low"] }\n', 'match = { plan = ["free"] }\n', "")
        written = [GOAL.replace("in time", f"goal {place}") + kinds[place % 3] for place in range(number)]
        write_rules(desk, policy(resolution="4h"), *written)
        opened(slactl, "2026-03-02T08:00Z", None)
        goals(slactl)  # the first command after an edit reads the rules
        statements.clear()
        assert len(goals(slactl)) == number
        counts.append([word in statement for statement in statements for word in ("outcome", "timer")].count(True))
    assert counts[0] == counts[1] > 1


@pytest.mark.parametrize("period", ["2026-13", "2026-W99", "yesterday", ""])
def test_what_is_no_period_is_refused(desk: Path, slactl: Slactl, period: str) -> None:
    write_rules(desk, policy(resolution="4h"), GOAL)
    done = slactl("objectives", "--period", period)
    assert (done.code, done.out, done.err.splitlines()[-1]) == (2, "", "hint: slactl objectives --help")


def test_rules_without_goals_and_periods_without_one_say_so(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, policy(resolution="4h"), GOAL)
    assert goals(slactl, "--period", "2026-W10") == []
    desk.with_name("rules.toml").write_text("schema = 1\nwrong = 2\n")
    assert slactl("objectives").code == 4


WRONG = {
    'goal = "75%"': ('goal = "101%"', "cannot be reached"),
    'target = "resolution"': ('target = "resolutoin"', "did you mean resolution?"),
    'target = "resolution"\n': ('target = ["resolution"]\n', "must be one of first_response, next_response"),
    'period = "month"': ('period = "monthly"', "did you mean month?"),
    "Europe/Berlin": ("Europe/Berln", "did you mean Europe/Berlin?"),
    "percent = 12.5": ("percent = 0", "percent"),
    'below = "50%"': ('below = "75%"', "another credit has the threshold 75% too"),
    'name = "in time"': ('name = "in time"\nnotify = ["manger"]', "did you mean manager?"),
}


@pytest.mark.parametrize("right", WRONG)
def test_wrong_goals_are_refused_with_their_line(desk: Path, slactl: Slactl, right: str) -> None:
    wrong, says = WRONG[right]
    write_rules(desk, policy(resolution="4h"), GOAL.replace(right, wrong))
    done = slactl("rules", "check")
    assert (done.code, says in done.err) == (4, True), done.err


MESSAGES = {
    "notify_at = { spare = 1 }": "goal 'in time' sends its messages to nobody: it has no notify",
    'notify = ["manager"]\nnotify_at = { below = false }': (
        "goal 'in time' never sends a message: notify_at has neither spare nor below"
    ),
    'notify = ["manager"]\nnotify_at = { spare = 0, below = false }': "",
    'notify = ["manager"]': "",
    "": "",
}


@pytest.mark.parametrize("keys", MESSAGES)
def test_goals_whose_messages_reach_nobody_are_warned_about(desk: Path, slactl: Slactl, keys: str) -> None:
    write_rules(desk, policy(resolution="4h"), GOAL + keys + "\n")
    done = slactl("rules", "check")
    assert done.code == 0
    warnings = [line.split(": ", 2)[2] for line in done.err.splitlines() if "goal" in line]
    assert warnings == ([MESSAGES[keys]] if MESSAGES[keys] else [])


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ('match = { priority = ["low"], plan = ["gold"] }', None),
        ('target = "first_response"', "no policy promises first_response to the tickets of goal 'in time'"),
    ],
)
def test_goals_that_nothing_can_count_for_are_warned_about(
    desk: Path, slactl: Slactl, key: str, says: str | None
) -> None:
    goal = GOAL.replace('target = "resolution"', key) if key.startswith("target") else GOAL + key + "\n"
    write_rules(desk, policy(resolution="4h"), goal)
    done = slactl("rules", "check")
    assert done.code == 0
    assert (says in done.err) if says is not None else "goal" not in done.err
