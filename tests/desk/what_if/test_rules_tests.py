"""Run unit tests for rules: they pass, or fail with a reason, and mistakes in their files are errors."""

from pathlib import Path
from typing import Any

import pytest

from slactl.desk.what_if.testing import run
from slactl.sla.rules.loading import parse

RULES_TEXT = """
schema = 1
[settings]
pause_statuses = ["pending"]

[calendars.always]
always_open = true

[[policy]]
name = "vip"
match = { requester_domain = ["big.example"] }
calendar = "always"
[policy.targets]
default = { first_response = "15m" }

[[policy]]
name = "all"
calendar = "always"
[policy.targets]
default = { first_response = "1h", resolution = "4h" }

[[escalation]]
id = "answer"
on = "first_response"
  [[escalation.level]]
  id = "warn"
  at = "50%"
  note = "soon"
  [[escalation.level]]
  id = "late"
  at = "0m"
  priority = "high"
  [[escalation.level]]
  id = "again"
  at = "+1h"
  note = "still"
  repeat = { every = "1h", max = 2 }
"""
RULES = parse(RULES_TEXT)

HISTORY = """
history = [
  { ticket = "A", at = "2026-03-02T10:00:00+01:00", type = "created", priority = "urgent" },
  { ticket = "A", at = 2026-03-02T11:30:00+01:00, type = "agent_reply", actor = "mia" },
]
"""


def outcome(tmp_path: Path, text: str) -> dict[str, Any]:
    file = tmp_path / "cases.toml"
    file.write_text(text)
    return run([file], RULES)


def failures(tmp_path: Path, text: str) -> list[tuple[Any, Any, Any]]:
    """Return key, expected and actual value of each failure of one test on the history."""
    report = outcome(tmp_path, f'[[test]]\nname = "one"\n{HISTORY}\n{text}')
    assert report["problems"] == []
    (test,) = report["tests"]
    assert test["passed"] is (not test["failures"])
    return [(failure["key"], failure["expected"], failure["got"]) for failure in test["failures"]]


def problems(tmp_path: Path, text: str) -> list[str]:
    """Return the problems of a file, without its path."""
    found: list[str] = outcome(tmp_path, text)["problems"]
    return [problem.removeprefix(f"{tmp_path}/") for problem in found]


@pytest.mark.parametrize(
    "expectation",
    [
        'target = "first_response", due_at = "2026-03-02T10:00:00Z", state = "breached"',
        'target = "first_response", due_at = 2026-03-02T11:00:00+01:00',
        'target = "first_response", elapsed_seconds = 5400, overdue_seconds = "30m"',
        'target = "first_response", stopped_at = "2026-03-02T10:30:00Z", cycle = 1, policy = "all"',
        'target = "resolution", state = "running", stopped_at = "none", breached_at = "none"',
        'target = "resolution", at = "2026-03-02T13:00:01Z", state = "breached"',
        'target = "resolution", breached_at = "2026-03-02T13:00:00Z"',
        'target = "resolution", breaches = ["2026-03-02T14:00:00+01:00"]',
        'target = "first_response", at = "2026-03-02T09:30:00Z", breaches = []',
        'target = "next_response", state = "none", due_at = "none"',
        'policy = "all", status = "open", priority = "urgent"',
    ],
)
def test_expectation_that_holds_passes(tmp_path: Path, expectation: str) -> None:
    assert failures(tmp_path, f'expect = [{{ ticket = "A", {expectation} }}]') == []


@pytest.mark.parametrize(
    ("expectation", "failure"),
    [
        (
            'target = "resolution", due_at = "2026-03-02T12:00:00Z"',
            ("due_at", "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z"),
        ),
        ('target = "resolution", due_at = "none"', ("due_at", None, "2026-03-02T13:00:00Z")),
        ('target = "resolution", state = "met"', ("state", "met", "running")),
        ('target = "resolution", target_seconds = "5h"', ("target_seconds", 18000, 14400)),
        ('target = "resolution", cycle = 2, state = "running"', ("state", "running", "none")),
        ('target = "next_response", due_at = "2026-03-02T12:00:00Z"', ("due_at", "2026-03-02T12:00:00Z", None)),
        ('policy = "vip"', ("policy", "vip", "all")),
        ('policy = "none"', ("policy", None, "all")),
        ('policy = "all", at = "2026-03-02T08:59:59Z"', ("ticket", "a ticket", "it was not opened yet")),
    ],
)
def test_expectation_that_does_not_hold_fails_with_the_actual_value(
    tmp_path: Path, expectation: str, failure: tuple[str, Any, Any]
) -> None:
    assert failures(tmp_path, f'expect = [{{ ticket = "A", {expectation} }}]') == [failure]


def test_failure_names_policy_and_instant(tmp_path: Path) -> None:
    text = f'[[test]]\nname = "one"\n{HISTORY}\nexpect = [{{ ticket = "A", target = "resolution", state = "met" }}]'
    (test,) = outcome(tmp_path, text)["tests"]
    assert (test["line"], test["name"]) == (1, "one")
    assert test["failures"] == [
        {
            "ticket": "A",
            "schedule": None,
            "target": "resolution",
            "cycle": 1,
            "policy": "all",
            "at": "2026-03-02T10:30:00Z",
            "key": "state",
            "expected": "met",
            "got": "running",
        }
    ]


CYCLES = """
[[test]]
name = "three questions"
at = "2026-03-02T16:10:00Z"
history = [
  { ticket = "A", at = "2026-03-02T09:00:00Z", type = "created" },
  { ticket = "A", at = "2026-03-02T09:10:00Z", type = "agent_reply" },
  { ticket = "A", at = "2026-03-02T10:00:00Z", type = "customer_reply" },
  { ticket = "A", at = "2026-03-02T10:30:00Z", type = "agent_reply" },
  { ticket = "A", at = "2026-03-02T12:00:00Z", type = "customer_reply" },
  { ticket = "A", at = "2026-03-02T15:00:00Z", type = "agent_reply" },
  { ticket = "A", at = "2026-03-02T16:00:00Z", type = "customer_reply" },
]
"""


@pytest.mark.parametrize(
    ("expectation", "cycle", "got"),
    [
        ("", 3, ("running", "2026-03-02T16:00:00Z")),
        ("cycle = 3, ", 3, ("running", "2026-03-02T16:00:00Z")),
        ("cycle = 2, ", 2, ("breached", "2026-03-02T12:00:00Z")),
        ("cycle = 1, ", 1, ("met", "2026-03-02T10:00:00Z")),
        ("cycle = 4, ", 4, ("none", None)),
        ('at = "2026-03-02T15:30:00Z", ', 2, ("breached", "2026-03-02T12:00:00Z")),
        ('at = "2026-03-02T11:00:00Z", ', 1, ("met", "2026-03-02T10:00:00Z")),
    ],
)
def test_latest_cycle_counts_where_none_is_named(
    tmp_path: Path, expectation: str, cycle: int, got: tuple[str, str | None]
) -> None:
    """An expectation that cannot hold shows the cycle with which it was compared, and the values of that one."""
    rules = parse(RULES_TEXT.replace('resolution = "4h"', 'next_response = "1h"'))
    wrong = 'target = "next_response", state = "paused", started_at = "2026-01-01T00:00:00Z"'
    file = tmp_path / "cases.toml"
    file.write_text(f'{CYCLES}expect = [{{ ticket = "A", {expectation}{wrong} }}]')
    (test,) = run([file], rules)["tests"]
    assert [(each["cycle"], each["key"], each["got"]) for each in test["failures"]] == [
        (cycle, "state", got[0]),
        (cycle, "started_at", got[1]),
    ]


WARN = '{ ticket = "A", escalation = "answer", level = "warn", at = "2026-03-02T09:30:00Z" }'
LATE = '{ ticket = "A", escalation = "answer", level = "late", at = "2026-03-02T10:00:00Z" }'


@pytest.mark.parametrize(
    ("fires", "expected"),
    [
        (f"{WARN}, {LATE}", []),
        (f"{LATE}, {WARN}", []),
        ('{ ticket = "A", escalation = "answer", level = "warn" }, ' + LATE, []),
        (WARN, [("fires", None, "answer/late at 2026-03-02T10:00:00Z")]),
        (
            f"{WARN}, {LATE}, {LATE.replace('late', 'again')}",
            [("fires", "answer/again at 2026-03-02T10:00:00Z", None)],
        ),
        (
            f"{WARN.replace('09:30', '09:20')}, {LATE}",
            [("fires", "answer/warn at 2026-03-02T09:20:00Z", "answer/warn at 2026-03-02T09:30:00Z")],
        ),
        (f"{WARN}, {WARN}, {LATE}", [("fires", "answer/warn at 2026-03-02T09:30:00Z", None)]),
        (
            f"{WARN}, {LATE}, {LATE.replace('late', 'lates')}",
            [
                (
                    "fires",
                    "answer/lates at 2026-03-02T10:00:00Z",
                    "the rules have no level answer/lates; did you mean answer/late?",
                )
            ],
        ),
        (
            "",
            [
                ("fires", None, "answer/warn at 2026-03-02T09:30:00Z"),
                ("fires", None, "answer/late at 2026-03-02T10:00:00Z"),
            ],
        ),
    ],
)
def test_exactly_the_listed_levels_must_fire(tmp_path: Path, fires: str, expected: list[Any]) -> None:
    assert failures(tmp_path, f"fires = [{fires}]") == expected


def test_each_repeat_is_one_firing(tmp_path: Path) -> None:
    history = '{ ticket = "A", at = "2026-03-02T09:00:00Z", type = "created" }'
    again = '{ ticket = "A", escalation = "answer", level = "again", repeat = 1, at = "2026-03-02T12:00:00Z" }'
    text = f'[[test]]\nname = "one"\nhistory = [{history}]\nfires = [{WARN}, {LATE}, {again}]'
    (test,) = outcome(tmp_path, text)["tests"]
    assert [(f["expected"], f["got"]) for f in test["failures"]] == [(None, "answer/again at 2026-03-02T11:00:00Z")]


def test_firings_of_tickets_that_are_not_named_do_not_matter(tmp_path: Path) -> None:
    text = """
    [[test]]
    name = "two tickets"
    at = "2026-03-02T09:40:00Z"
    history = [
      { ticket = "A", at = "2026-03-02T09:00:00Z", type = "created" },
      { ticket = "B", at = "2026-03-02T09:00:00Z", type = "created" },
    ]
    fires = [{ ticket = "A", escalation = "answer", level = "warn", at = "2026-03-02T09:30:00Z" }]
    """
    assert outcome(tmp_path, text)["tests"][0]["failures"] == []


def test_target_is_in_time_on_the_deadline_itself(tmp_path: Path) -> None:
    text = """
    [[test]]
    name = "in time"
    at = "2026-03-02T10:00:00Z"
    history = [{ ticket = "A", at = "2026-03-02T09:00:00Z", type = "created" }]
    expect = [{ ticket = "A", target = "first_response", state = "running", remaining_seconds = 0 }]
    fires = [{ ticket = "A", escalation = "answer", level = "warn" }]
    """
    assert outcome(tmp_path, text)["tests"][0]["failures"] == []


def test_requester_address_chooses_the_policy(tmp_path: Path) -> None:
    text = """
    [[test]]
    name = "vip"
    history = [{ ticket = "A", at = "2026-03-02T09:00:00Z", type = "created", requester_email = "Bo@BIG.example" }]
    expect = [{ ticket = "A", policy = "vip", target = "first_response", due_at = "2026-03-02T09:15:00Z" }]
    """
    assert outcome(tmp_path, text)["tests"][0]["failures"] == []


def test_events_in_any_order_count_once(tmp_path: Path) -> None:
    text = """
    [[test]]
    name = "shuffled"
    expect = [{ ticket = "A", target = "resolution", paused_seconds = "1h", state = "met" }]
    [[test.history]]
    ticket = "A"
    at = "2026-03-02T12:00:00Z"
    type = "status"
    status = "resolved"
    [[test.history]]
    ticket = "A"
    at = "2026-03-02T11:00:00Z"
    type = "status"
    status = "open"
    [[test.history]]
    ticket = "A"
    at = "2026-03-02T10:00:00Z"
    type = "status"
    status = "pending"
    [[test.history]]
    ticket = "A"
    at = "2026-03-02T10:00:00Z"
    type = "status"
    status = "pending"
    [[test.history]]
    ticket = "A"
    at = "2026-03-02T09:00:00Z"
    type = "created"
    """
    assert outcome(tmp_path, text)["tests"][0]["failures"] == []


CREATED = '{ ticket = "A", at = "2026-03-02T09:00:00Z", type = "created" }'


def a_test(history: str = CREATED, rest: str = 'expect = [{ ticket = "A", policy = "all" }]') -> str:
    return f'[[test]]\nname = "one"\nhistory = [{history}]\n{rest}\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "cases.toml:1: the file has no [[test]]"),
        (a_test() + "expct = []", "cases.toml:5: test[1].expct: unknown key expct; did you mean expect?"),
        (
            a_test(rest="tests = 1"),
            "cases.toml:4: test[1].tests: unknown key tests; the keys here are "
            "name, at, on_call, overrides, away, history, expect, fires",
        ),
        (a_test(rest=""), "cases.toml:1: test[1]: the test expects nothing; add expect, fires or on_call"),
        (a_test(history=""), "cases.toml:3: test[1].history: a history is needed: what happened to the tickets"),
        (
            a_test(rest='expect = [{ ticket = "A", target = "resolution", due = "2026-03-02T09:00:00Z" }]'),
            "cases.toml:4: test[1].expect[1].due: unknown key due; did you mean due_at?",
        ),
        (
            a_test(rest='expect = [{ ticket = "A", target = "resoluton", state = "met" }]'),
            "cases.toml:4: test[1].expect[1].target: 'resoluton' is not one of first_response, next_response,"
            " update, resolution; did you mean resolution?",
        ),
        (
            a_test(rest='expect = [{ ticket = "A", target = "resolution", state = "late" }]'),
            "cases.toml:4: test[1].expect[1].state: 'late' is not one of none, running, paused, met, breached, unknown",
        ),
        (
            a_test(rest='expect = [{ ticket = "B", policy = "all" }]'),
            "cases.toml:4: test[1].expect[1].ticket: the history has no ticket 'B'",
        ),
        (a_test(rest='expect = [{ policy = "all" }]'), "cases.toml:4: test[1].expect[1].ticket: ticket is missing"),
        (
            a_test(rest='expect = [{ ticket = "A", target = "resolution" }]'),
            "cases.toml:4: test[1].expect[1]: it states no expected value for the ticket",
        ),
        (
            a_test(rest='expect = [{ ticket = "A", state = "met" }]'),
            'cases.toml:4: test[1].expect[1].state: state needs a target, such as target = "resolution"',
        ),
        (
            a_test(rest='expect = [{ ticket = "A", target = "resolution", paused_seconds = "soon" }]'),
            "cases.toml:4: test[1].expect[1].paused_seconds: 'soon' is neither a number of seconds nor a duration such"
            " as 1h30m",
        ),
        (
            a_test(rest='expect = [{ ticket = "A", target = "resolution", cycle = 0, state = "met" }]'),
            "cases.toml:4: test[1].expect[1].cycle: must be greater than or equal to 1",
        ),
        (
            a_test(rest='fires = [{ ticket = "A", level = "x" }]'),
            "cases.toml:4: test[1].fires[1].escalation: escalation is missing",
        ),
        (a_test(rest="fires = {}"), "cases.toml:4: test[1].fires: must be a list"),
        (a_test().replace("[[test]]", "[test]"), "cases.toml:1: test: write [[test]], with two brackets"),
        (
            a_test(rest=f"fires = [{'[' * 40}{']' * 40}]"),
            f"cases.toml:4: test[1].fires{'[1]' * 30}: it is nested deeper than 32 levels",
        ),
        (
            a_test(rest="fires = [1]"),
            "cases.toml:4: test[1].fires[1]: must be a table",
        ),
        (
            a_test(rest='expect = [{ ticket = "A", policy = "all", at = 7 }]'),
            "cases.toml:4: test[1].expect[1].at: must be an instant such as 2026-03-02T09:00:00+01:00",
        ),
        (
            a_test(history=CREATED.replace("created", "creatd")),
            "cases.toml:3: test[1].history[1].type: 'creatd' is not known; did you mean created?",
        ),
        (
            a_test(history=CREATED.replace("type", 'prioritty = "high", type')),
            "cases.toml:3: test[1].history[1].prioritty: unknown key prioritty; did you mean priority?",
        ),
        (
            a_test(history=f"{CREATED}, {CREATED.replace('09:00', '10:00')}"),
            "cases.toml:3: test[1].history[2]: type: ticket A is created a second time",
        ),
    ],
)
def test_mistake_in_a_file_is_reported_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text) == [problem]


@pytest.mark.parametrize(
    "instant", ['"2026-03-02T09:00:00"', "2026-03-02T09:00:00", "2026-03-02", "09:00:00", "7", '""']
)
def test_instant_without_offset_is_an_error(tmp_path: Path, instant: str) -> None:
    rest = f'expect = [{{ ticket = "A", target = "resolution", due_at = {instant} }}]'
    (problem,) = problems(tmp_path, a_test(rest=rest))
    assert problem.startswith("cases.toml:4: test[1].expect[1].due_at: ")


def test_all_problems_of_a_file_are_reported_together(tmp_path: Path) -> None:
    found = problems(tmp_path, a_test() + a_test(history="") + a_test(rest="expext = []"))
    assert [problem.split(":")[1] for problem in found] == ["7", "12"]


def test_broken_file_does_not_keep_the_others_from_running(tmp_path: Path) -> None:
    good, bad, missing = tmp_path / "good.toml", tmp_path / "bad.toml", tmp_path / "missing.toml"
    good.write_text(a_test())
    bad.write_text("[[test]\n")
    report = run([bad, missing, good], RULES)
    assert (report["passed"], report["failed"]) == (1, 0)
    assert [problem.split(":")[0] for problem in report["problems"]] == [str(bad), f"{missing} cannot be read"]


def test_test_without_name_is_named_after_its_place(tmp_path: Path) -> None:
    (test,) = outcome(tmp_path, a_test().replace('name = "one"\n', ""))["tests"]
    assert test["name"] == "test[1]"


ROTA = """\
schema = 1
[calendars.always]
always_open = true
[[policy]]
name = "all"
calendar = "always"
[policy.targets]
default = { resolution = "4h" }
[people]
ann = {}
ben = {}
cem = {}
[schedules.first-line]
timezone = "Europe/Berlin"
[[schedules.first-line.layer]]
people = ["ann", "ben"]
rotate = "1w"
from = "2026-01-05 09:00"
hours = ["mon-fri 08:00-18:00"]
"""


def test_who_is_on_call_with_overrides_and_absences(tmp_path: Path) -> None:
    text = """\
[[test]]
name = "a week"
overrides = [{ schedule = "first-line", person = "cem", from = "2026-01-06T00:00:00Z", until = "2026-01-07T00:00:00Z" }]
away = [{ person = "ann", from = "2026-01-07T23:00:00Z", until = "2026-01-08T23:00:00Z", substitute = "cem" },
        { person = "ann", from = "2026-01-08T23:00:00Z", until = "2026-01-09T23:00:00Z" }]
on_call = [{ schedule = "first-line", at = "2026-01-05T09:00:00Z", person = "ann" },
           { schedule = "first-line", at = "2026-01-06T09:00:00Z", person = "cem" },
           { schedule = "first-line", at = "2026-01-08T09:00:00Z", person = "cem" },
           { schedule = "first-line", at = "2026-01-09T09:00:00Z", person = "ben" },
           { schedule = "first-line", at = "2026-01-10T09:00:00Z", person = "nobody" }]
"""
    (tmp_path / "tests.toml").write_text(text)
    assert run([tmp_path / "tests.toml"], parse(ROTA))["failed"] == 0
    (tmp_path / "tests.toml").write_text(text.replace('"nobody"', '"ann"').replace("cem", "cam"))
    (test,) = run([tmp_path / "tests.toml"], parse(ROTA))["tests"]
    assert [(each["schedule"], each["ticket"]) for each in test["failures"]] == [("first-line", None)] * 5
    assert {each["got"] for each in test["failures"]} == {"there is no person 'cam'; did you mean cem?"}
    (tmp_path / "tests.toml").write_text(text.replace('"nobody"', '"ann"'))
    (failure,) = run([tmp_path / "tests.toml"], parse(ROTA))["tests"][0]["failures"]
    assert (failure["at"], failure["expected"], failure["got"]) == ("2026-01-10T09:00:00Z", "ann", "nobody")


AT = '"2026-01-05T09:00:00Z"'
X = f'schedule = "x", at = {AT}'


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (f"on_call = [{{ {X} }}]", "person is missing"),
        ('on_call = [{ schedul = "x" }]', "unknown key schedul; did you mean schedule?"),
        (
            'away = [{ person = "a", from = "2026-01-05T09:00:00Z", until = "2026-01-05T09:00:00Z" }]',
            "must be after from",
        ),
        ('away = [{ persn = "a" }]', "unknown key persn; did you mean person?"),
        (
            f'on_call = [{{ {X}, person = "a" }}]\naway = ['
            '{ person = "a", substitute = "b", from = "2026-01-05T09:00:00Z", until = "2026-01-06T09:00:00Z" },'
            '{ person = "b", substitute = "a", from = "2026-01-05T19:00:00Z", until = "2026-01-07T09:00:00Z" }]',
            "the substitutes are a circle: b → a → b",
        ),
        (
            'on_call = [{ schedule = "x", at = "2026-01-05T09:00:00Z", person = "a" }]\nfires = []',
            "a history is needed",
        ),
    ],
)
def test_mistakes_about_who_is_on_call(tmp_path: Path, keys: str, message: str) -> None:
    (tmp_path / "tests.toml").write_text(f"[[test]]\n{keys}\n")
    problems = run([tmp_path / "tests.toml"], parse(ROTA))["problems"]
    assert any(message in problem for problem in problems), problems


def test_an_expected_person_of_an_unknown_schedule(tmp_path: Path) -> None:
    text = '[[test]]\non_call = [{ schedule = "first-lin", at = "2026-01-05T09:00:00Z", person = "ann" }]\n'
    (tmp_path / "tests.toml").write_text(text)
    (failure,) = run([tmp_path / "tests.toml"], parse(ROTA))["tests"][0]["failures"]
    assert failure["got"] == "there is no schedule 'first-lin'; did you mean first-line?"
