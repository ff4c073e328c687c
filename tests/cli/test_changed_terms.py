"""Changes of priority and tags: late targets keep their deadline or follow, and time may count from the change."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory
from terminal import on_terminal

RULES = """
schema = 1
[settings]
{settings}
[calendars.always]
always_open = true
[calendars.office]
timezone = "Europe/Berlin"
weekly = {{ mon-fri = ["09:00-17:00"] }}
[[policy]]
name = "vip"
match = {{ tag = ["vip"], not = {{ tag = ["test"] }} }}
calendar = "always"
targets = {{ default = {{ resolution = "30m" }} }}
[[policy]]
name = "all"
calendar = "office"
[policy.targets]
urgent = {{ resolution = {{ within = "1h", calendar = "always" }} }}
high = {{ resolution = {{ within = "2h", calendar = "always" }} }}
normal = {{ resolution = "1bd close" }}
low = {{ first_response = "8h" }}
[roles.support_manager]
assignee = "mia"
"""


@pytest.fixture
def rules(desk: Path, clock: FrozenDateTimeFactory) -> Path:
    """A service desk with these rules; it is Monday, 13:00 in Berlin."""
    clock.move_to("2026-03-02T12:00:00Z")
    path = desk.with_name("rules.toml")
    path.write_text(RULES.format(settings=""))
    return path


def asked(slactl: Slactl, *words: str) -> dict[str, Any]:
    result = slactl(*words, "--json")
    assert result.code == 0, result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


def late_ticket(slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    """Open an urgent ticket that is due at 13:00Z, and let it be ten minutes late."""
    assert slactl("create", "Down", "--from", "a@b.example", "--priority", "urgent").code == 0
    clock.move_to("2026-03-02T13:10:00Z")


@pytest.mark.parametrize(
    ("priority", "target_time", "at", "due"),
    [
        ("high", "2h", "'in 2h'", "2026-03-02T15:10:00Z"),
        ("normal", "1bd close", "2026-03-03T16:00:00Z", "2026-03-03T16:00:00Z"),
        ("low", None, "'in 1d'", "2026-03-03T13:10:00Z"),
    ],
)
def test_receipt_says_that_a_late_target_stays_late_with_a_command_that_works(
    slactl: Slactl, rules: Path, clock: FrozenDateTimeFactory, priority: str, target_time: str | None, at: str, due: str
) -> None:
    late_ticket(slactl, clock)
    done = slactl("priority", "1", priority)
    command = f"slactl due 1 --target resolution --at {at} --reason 'new agreement'"
    why = "a change does not move a missed deadline"
    said = f"the resolution of ticket 1 stays overdue: {why}; to set a new deadline: {command}"
    assert (done.code, said in done.err) == (0, True)
    ticket = asked(slactl, "show", "1")
    assert (ticket["resolution_due_at"], ticket["breached"]) == ("2026-03-02T13:00:00Z", True)
    (kept,) = [timer["kept_late"] for timer in asked(slactl, "explain", "1")["timers"] if timer["kept_late"]]
    assert kept == {
        "changed_at": "2026-03-02T13:10:00Z",
        "priority": priority,
        "target_time": target_time,
        "command": command,
    }
    agreed = slactl(*shlex.split(command)[1:])
    assert (agreed.code, agreed.err) == (0, "")
    ticket = asked(slactl, "show", "1")
    assert (ticket["resolution_due_at"], ticket["breached"], ticket["ever_breached"]) == (due, False, True)
    assert all(timer["kept_late"] is None for timer in asked(slactl, "explain", "1")["timers"])


def test_dry_run_says_the_same_and_a_change_in_time_says_nothing(
    slactl: Slactl, rules: Path, clock: FrozenDateTimeFactory
) -> None:
    assert slactl("create", "Down", "--from", "a@b.example", "--priority", "urgent").code == 0
    assert slactl("priority", "1", "high").err == ""
    assert slactl("priority", "1", "urgent").err == ""
    clock.move_to("2026-03-02T13:10:00Z")
    assert "stays overdue" in slactl("priority", "1", "high", "-n").err
    assert "stays overdue" in slactl("tag", "1", "--add", "vip", "-n").err
    assert slactl("tag", "1", "--add", "other").err == ""


def test_a_late_target_whose_calendar_alone_changes_is_told_once_with_a_deadline_in_its_hours(
    slactl: Slactl, rules: Path, clock: FrozenDateTimeFactory
) -> None:
    rules.write_text(RULES.format(settings="").replace('{ first_response = "8h" }', '{ resolution = "1h" }'))
    late_ticket(slactl, clock)
    clock.move_to("2026-03-02T15:30:00Z")
    told = slactl("priority", "1", "low").err
    assert "stays overdue" in told
    assert "--at 2026-03-03T08:30:00Z --reason" in told
    (timer,) = asked(slactl, "explain", "1")["timers"]
    assert timer["kept_late"]["target_time"] == "1h on calendar office"
    assert slactl("tag", "1", "--add", "other").err == ""


def test_a_late_target_follows_where_the_rules_recount(
    slactl: Slactl, rules: Path, clock: FrozenDateTimeFactory
) -> None:
    rules.write_text(RULES.format(settings='late_targets = "recount"'))
    late_ticket(slactl, clock)
    assert asked(slactl, "check")["breached"] == 1
    done = slactl("priority", "1", "high")
    assert (done.code, done.err) == (0, "")
    ticket = asked(slactl, "show", "1")
    assert (ticket["resolution_due_at"], ticket["breached"], ticket["ever_breached"]) == (
        "2026-03-02T14:00:00Z",
        False,
        False,
    )
    assert asked(slactl, "explain", "1", "--target", "resolution")["timers"][0]["kept_late"] is None
    assert "sla.breach" in slactl("history", "1").out
    assert slactl("audit", "verify").code == 0


def test_a_policy_may_recount_where_the_settings_keep(
    slactl: Slactl, rules: Path, clock: FrozenDateTimeFactory
) -> None:
    text = RULES.format(settings='late_targets = "keep"').replace(
        'name = "all"', 'name = "all"\nlate_targets = "recount"'
    )
    rules.write_text(text)
    late_ticket(slactl, clock)
    assert slactl("priority", "1", "high").err == ""
    assert asked(slactl, "show", "1")["resolution_due_at"] == "2026-03-02T14:00:00Z"


def test_a_tag_of_a_person_chooses_the_policy_unless_not_excludes_the_ticket(slactl: Slactl, rules: Path) -> None:
    for subject in ("One", "Two"):
        slactl("create", subject, "--from", "a@b.example", "--priority", "high")
    slactl("tag", "1", "--add", "vip")
    slactl("tag", "2", "--add", "vip", "--add", "test")
    assert [asked(slactl, "show", number)["policy"] for number in "12"] == ["vip", "all"]
    explained = asked(slactl, "explain", "1")
    assert (explained["match"], explained["chosen_because"]) == ({"tag": ["vip"], "not": {"tag": ["test"]}}, "tags")
    (passed,) = asked(slactl, "explain", "2")["passed_over"]
    assert passed == {"policy": "vip", "reason": "not tag test excludes it"}


@pytest.mark.parametrize("place", ["settings", "policy"])
def test_time_counts_from_the_change_and_explain_says_so(
    slactl: Slactl, rules: Path, clock: FrozenDateTimeFactory, place: str
) -> None:
    text = RULES.format(settings='count_from = "change"' if place == "settings" else "")
    rules.write_text(text.replace('name = "all"', 'name = "all"\ncount_from = "change"') if place == "policy" else text)
    assert slactl("create", "Down", "--from", "a@b.example", "--priority", "high").code == 0
    clock.move_to("2026-03-02T13:00:00Z")
    assert slactl("priority", "1", "urgent").code == 0
    ticket = asked(slactl, "show", "1")
    assert ticket["resolution_due_at"] == "2026-03-02T14:00:00Z"
    (timer,) = asked(slactl, "explain", "1", "--target", "resolution")["timers"]
    assert timer["counts_from"] == {"at": "2026-03-02T13:00:00Z", "actor": "ann", "because": "priority"}
    assert [(step["step"], step["at"]) for step in timer["steps"]] == [
        ("started", "2026-03-02T12:00:00Z"),
        ("changed", "2026-03-02T13:00:00Z"),
        ("target", "2026-03-02T14:00:00Z"),
    ]
    spans = [*timer["segments"], *timer["ahead"]]
    assert (spans[0]["start"], spans[-1]["end"]) == ("2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z")
    assert sum(span["seconds"] for span in timer["ahead"]) == timer["remaining_seconds"] == 3600
    assert "counts_from\tresolution\t1\t2026-03-02T13:00:00Z\tann\tpriority" in slactl("explain", "1").lines


def test_time_counts_from_creation_without_that_setting(
    slactl: Slactl, rules: Path, clock: FrozenDateTimeFactory
) -> None:
    assert slactl("create", "Down", "--from", "a@b.example", "--priority", "high").code == 0
    clock.move_to("2026-03-02T12:30:00Z")
    assert slactl("priority", "1", "urgent").code == 0
    assert asked(slactl, "show", "1")["resolution_due_at"] == "2026-03-02T13:00:00Z"
    assert asked(slactl, "explain", "1", "--target", "resolution")["timers"][0]["counts_from"] is None


def screen(*words: str) -> str:
    """What a terminal of 200 columns shows, with single blanks."""
    with on_terminal(sys.executable, "-m", "slactl", "--color", "never", *words, columns=200) as terminal:
        assert terminal.wait() == 0
    return " ".join(terminal.screen.split())


def test_terminal_explains_a_kept_deadline_and_a_count_from_the_change(
    slactl: Slactl, rules: Path, clock: FrozenDateTimeFactory
) -> None:
    late_ticket(slactl, clock)
    slactl("priority", "1", "high")
    shown = screen("explain", "1")
    assert "Kept overdue before the target changed to 2h at priority high on " in shown
    assert "to set a new deadline: slactl due 1 --target resolution --at 'in 2h' --reason 'new agreement'" in shown
    rules.write_text(RULES.format(settings='count_from = "change"'))
    slactl("create", "Down", "--from", "a@b.example", "--priority", "high")
    slactl("tag", "2", "--add", "vip")
    shown = screen("explain", "2")
    assert "Matched tag is vip and not (tag is test)" in shown
    slactl("create", "Down", "--from", "a@b.example", "--priority", "high", "--at", "30m ago")
    slactl("priority", "3", "urgent")
    assert "counted from here, because ann changed the priority" in screen("explain", "3")
