"""An import that brings the rules of another service desk: its tickets follow them, this service desk does not."""

import json
from pathlib import Path

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory

RULES = """
schema = 1
[calendars.always]
always_open = true
[[policy]]
name = "all"
calendar = "always"
[policy.targets]
default = {{ resolution = "4h" }}
[[escalation]]
id = "{name}"
on = "resolution"
[[escalation.level]]
id = "late"
at = "0m"
note = "late"
"""


@pytest.fixture
def exported(slactl: Slactl, tmp_path: Path, clock: FrozenDateTimeFactory) -> str:
    """The export of another service desk, whose one escalation rule is called `foreign`."""
    rules = tmp_path / "foreign.toml"
    rules.write_text(RULES.format(name="foreign"))
    other = ("--db", str(tmp_path / "foreign.db"), "--rules", str(rules))
    assert slactl(*other, "init").code == 0
    assert slactl(*other, "create", "Theirs", "--from", "a@b.example").code == 0
    return slactl(*other, "export").out


def write_rules(desk: Path, name: str) -> None:
    desk.with_name("rules.toml").write_text(RULES.format(name=name))


def upcoming(slactl: Slactl, ticket: str) -> list[str]:
    (timer,) = json.loads(slactl("explain", ticket, "--json").out)["timers"]
    return [level["escalation"] for level in timer["levels"]]


@pytest.mark.parametrize("is_own_older", [True, False], ids=["before the import", "with the import"])
def test_invalid_file_leaves_own_rules_in_force_after_an_import(
    exported: str, desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, is_own_older: bool
) -> None:
    write_rules(desk, "own")
    if is_own_older:
        slactl("create", "Ours", "--from", "a@b.example")
    done = slactl("import", "-", stdin=exported)
    assert (done.code, done.err) == (0, "")
    desk.with_name("rules.toml").write_text("broken")
    assert upcoming(slactl, "1") == ["own"]
    clock.tick(5 * 3600)
    assert slactl("check", "-q").code == 4
    shown = json.loads(slactl("show", "1", "--json").out)
    assert [each["escalation"] for each in shown["escalations"]] == ["own"]


def test_own_rules_that_no_check_has_seen_stay_in_force(
    exported: str, desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    for name in ("first", "second"):
        write_rules(desk, name)
        slactl("create", name, "--from", "a@b.example")
    slactl("import", "-", stdin=exported)
    desk.with_name("rules.toml").write_text("broken")
    assert upcoming(slactl, "1") == ["second"]
    clock.tick(5 * 3600)
    assert slactl("check", "-q").code == 4
    shown = json.loads(slactl("show", "1", "--json").out)
    assert [each["escalation"] for each in shown["escalations"]] == ["second"]


def test_earlier_rules_that_are_used_again_are_the_last_ones(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    for name in ("first", "second", "first"):
        write_rules(desk, name)
        slactl("create", name, "--from", "a@b.example")
    desk.with_name("rules.toml").write_text("broken")
    assert upcoming(slactl, "1") == ["first"]
