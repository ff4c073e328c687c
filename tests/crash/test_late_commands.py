"""Commands that read the clock before others did and write after them: each is told that it was done, and it was."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from crash_desk import desk_copy, settings
from forked import NOON, run
from invariants import violations

LATER = NOON + timedelta(seconds=20)


def shown(folder: Path, number: int) -> dict[str, Any]:
    found = run(*settings(folder), "show", str(number), "--json", now=LATER)
    assert found.code == 0, found.err
    return dict(json.loads(found.out))


def both(folder: Path, first: str, waited: str) -> None:
    """One command is carried out; another that began before it waits for the lock meanwhile."""
    for line, now in ((first, LATER), (waited, NOON)):
        ended = run(*settings(folder), *line.split(), now=now)
        assert ended.code == 0, ended.err


@pytest.mark.parametrize(
    ("first", "waited", "field", "value"),
    [
        ("tag 1 --add a", "tag 1 --add b", "tags", ["fire", "a", "b"]),
        ("tag 1 --remove fire", "tag 1 --add b", "tags", ["b"]),
        ("assign 1 --to max", "assign 1 --to lena", "assignee", "lena"),
        ("priority 1 low", "priority 1 urgent", "priority", "urgent"),
        ("status 1 pending", "status 1 open", "status", "open"),
        ("edit 1 --plan pro", "edit 1 --plan free", "plan", "free"),
        ("resolve 1", "reopen 1", "status", "open"),
    ],
)
def test_who_waited_for_the_lock_writes_after_those_who_had_it(first: str, waited: str, field: str, value: Any) -> None:  # noqa: ANN401
    with desk_copy() as folder:
        both(folder, first, waited)
        assert shown(folder, 1)[field] == value
        assert violations(folder / "slactl.db", LATER) == []


def test_what_a_long_check_does_to_a_ticket_comes_after_what_people_did_meanwhile() -> None:
    with desk_copy() as folder:
        both(folder, "tag 1 --add vip", "check --no-send")
        assert shown(folder, 1)["tags"] == ["fire", "vip", "late"]
        both(folder, "assign 5 --to max", "check --no-send")
        assert violations(folder / "slactl.db", LATER) == []


def test_a_tag_of_an_earlier_time_is_not_lost_when_tags_were_changed_since() -> None:
    with desk_copy() as folder:
        both(folder, "tag 1 --add a --remove fire", "tag 1 --add b --at 2026-03-02T10:00Z")
        assert shown(folder, 1)["tags"] == ["b", "a"]
        exported = run(*settings(folder), "export")
        other = folder / "other"
        assert run(*settings(other), "init").code == 0
        taken = run(*settings(other), "import", "-", stdin=exported.out, now=LATER)
        assert taken.code == 0, taken.err
        assert shown(other, 1)["tags"] == ["b", "a"]


def test_a_clock_that_was_set_far_ahead_takes_nobody_along() -> None:
    """What others did within minutes counts as before; what a wrong clock put into another day does not."""
    with desk_copy() as folder:
        tomorrow = run(*settings(folder), "tag", "1", "--add", "a", now=NOON + timedelta(days=1))
        assert tomorrow.code == 0
        assert run(*settings(folder), "reply", "1", "--body", "here").code == 0
        found = shown(folder, 1)
        assert found["first_responded_at"] == "2026-03-02T12:00:00Z"
