"""Lines of a history with a value of the wrong type: one clear error each, and nothing of the line goes in."""

import json
from typing import Any

import pytest
from conftest import Slactl

pytestmark = pytest.mark.usefixtures("desk")

AT = "2026-03-02T09:00:00Z"
#: The fields that every line of a type needs, besides the one that a test writes wrongly.
NEEDED: dict[str, dict[str, Any]] = {
    "created": {},
    "note": {},
    "agent_reply": {},
    "edited": {},
    "escalated": {"reason": "loud"},
    "due_set": {"target": "resolution", "due_at": None},
    "tags": {"tags": []},
}
#: Texts in which people write: nothing but a text is one.
WRITTEN = [
    *(("created", name) for name in ("body", "subject", "requester_email")),
    *(("note", "body"), ("agent_reply", "body"), ("edited", "subject"), ("edited", "requester_email")),
    *(("due_set", "reason"), ("escalated", "reason")),
]
NOT_TEXTS = {"a number": [7, 0, 1.5], "a list": [["a"], []], "an object": [{"a": 1}], "true or false": [True, False]}
#: Names: whole numbers are read as their digits, other values are not.
NAMES = [("created", name) for name in ("plan", "tenant", "assignee", "external_id")] + [("note", "actor")]
NUMBERS = ("arming", "repeat", "cycle")


def line(kind: str, field: str, value: object, ticket: str = "T-1") -> str:
    return json.dumps({"ticket": ticket, "at": AT, "type": kind, **NEEDED[kind], field: value})


def said(slactl: Slactl, *lines: str) -> list[str]:
    """Import a good ticket and then some lines; return what is said of those, after their number, in order."""
    created = json.dumps({"ticket": "T-1", "at": AT, "type": "created"})
    result = slactl("import", "-", stdin="\n".join([created, *lines]))
    assert slactl("list", "--all", "--fields", "external_id").lines == ["T-1"]
    actions = [event["action"] for event in json.loads(slactl("history", "T-1", "--json").out)]
    assert actions == ["ticket.create"]
    assert result.code == 7
    problems = [text.removeprefix("error: stdin:") for text in result.err.splitlines()]
    return [text.partition(":")[2] for text in sorted(problems, key=lambda text: int(text.partition(":")[0]))]


@pytest.mark.parametrize(("kind", "field"), WRITTEN)
def test_text_of_another_type_is_an_error(slactl: Slactl, kind: str, field: str) -> None:
    ticket = "T-2" if kind == "created" else "T-1"
    wrong = [(line(kind, field, value, ticket), name) for name, values in NOT_TEXTS.items() for value in values]
    assert said(slactl, *(text for text, _ in wrong)) == [f"{field}: must be a text, not {name}" for _, name in wrong]


@pytest.mark.parametrize(("kind", "field"), NAMES)
def test_name_that_is_not_a_text_or_a_whole_number_is_an_error(slactl: Slactl, kind: str, field: str) -> None:
    ticket = "T-2" if kind == "created" else "T-1"
    wrong = [(["a"], "a list"), ({"a": 1}, "an object"), (1.5, "a number"), (True, "true or false")]
    lines = [line(kind, field, value, ticket) for value, _ in wrong]
    assert said(slactl, *lines) == [f"{field}: must be a text, not {name}" for _, name in wrong]


def test_name_that_is_a_whole_number_is_read_as_its_digits(slactl: Slactl) -> None:
    lines = [line("created", "assignee", 0, "T-1"), line("created", "assignee", -7, "T-2")]
    assert slactl("import", "-", stdin="\n".join(lines)).code == 0
    listed = slactl("list", "--all", "--fields", "external_id,assignee").lines
    assert sorted(listed) == ["T-1\t0", "T-2\t-7"]


@pytest.mark.parametrize("value", ["vip", 7, {"vip": 1}, True])
def test_tags_that_are_not_a_list_are_an_error(slactl: Slactl, value: object) -> None:
    (problem,) = said(slactl, line("tags", "tags", value))
    assert problem.startswith("tags: must be a list of texts, not ")


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        (["vip", None], "has an empty text"),
        (["vip", " "], "has an empty text"),
        ([["vip"]], "must be a text, not a list"),
        (["vip", 1.5], "must be a text, not a number"),
    ],
)
def test_tag_that_is_not_a_text_is_an_error(slactl: Slactl, tags: list[object], reason: str) -> None:
    assert said(slactl, line("tags", "tags", tags)) == [f"tags: {reason}"]


def test_number_of_a_level_that_is_not_a_whole_number_from_zero_is_an_error(slactl: Slactl) -> None:
    wrong = [("x", "'x'"), ("1", "'1'"), (1.5, "a number"), (True, "true or false"), ([1], "a list")]
    cases = [
        (field, value, shown)
        for field in NUMBERS
        for value, shown in [*wrong, (2**31, "2147483648"), (10**30, "a number")]
    ]
    cases += [("arming", -1, "-1"), ("repeat", -1, "-1"), ("cycle", -(2**31), "2147483648")]
    lines = [line("escalated", field, value) for field, value, _ in cases]
    expected = [f"{field}: must be a whole number from 0 to 2,147,483,647, not {shown}" for field, _, shown in cases]
    assert said(slactl, *lines) == expected


@pytest.mark.parametrize("value", [0, 1, 2**31 - 1])
def test_whole_number_of_a_level_is_kept(slactl: Slactl, value: int) -> None:
    event = {"ticket": "T-1", "at": AT, "type": "escalated", "reason": "loud", "kind": "resolution"}
    event |= {"escalation": "late", "level": "tell", "outcome": "fired", "due_at": AT, "repeat": value, "arming": value}
    created = {"ticket": "T-1", "at": AT, "type": "created"}
    assert slactl("import", "-", stdin=f"{json.dumps(created)}\n{json.dumps(event)}\n").code == 0
    exported = [json.loads(text) for text in slactl("export").lines]
    assert [(each["repeat"], each["arming"]) for each in exported if each["type"] == "escalated"] == [(value, value)]


@pytest.mark.parametrize("value", ["yes", 1, 0, []])
def test_flag_that_is_not_true_or_false_is_an_error(slactl: Slactl, value: object) -> None:
    (problem,) = said(slactl, line("escalated", "warning", value))
    assert problem.startswith("warning: must be true or false, not ")


@pytest.mark.parametrize("value", [0, -1, 10**12 + 1, "7", 1.5, True, [1]])
def test_number_of_a_ticket_that_cannot_be_one_is_an_error(slactl: Slactl, value: object) -> None:
    (problem,) = said(slactl, line("created", "slactl_id", value, "T-2"))
    assert problem.startswith("slactl_id: must be a number from 1 to 1,000,000,000,000, not ")


@pytest.mark.parametrize("value", [1772442000, ["2026-03-02"], {}, True])
@pytest.mark.parametrize("field", ["at", "recorded_at", "due_at"])
def test_instant_of_another_type_is_an_error(slactl: Slactl, field: str, value: object) -> None:
    (problem,) = said(slactl, line("due_set", field, value))
    assert problem.startswith(f"{field}: must be a time as text, not ")
