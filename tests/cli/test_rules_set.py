"""`rules set`: one value changes, everything else stays as it is, and nothing wrong is ever written."""

import os
import stat
from pathlib import Path

import pytest
from conftest import Slactl

from slactl.config import shipped_rules
from slactl.sla.enums import Priority, Target
from slactl.sla.rules.loading import load

RULES = """\
# What we promise.
schema = 1  # always

[settings]
due_soon = "2h"   # late soon

# When time counts.

[calendars.office]
timezone = "Europe/Berlin"
[calendars.office.weekly]
mon-fri = ["09:00-17:00"]   # lunch, too

# The one policy.

[[policy]]
name = "all of them"
calendar = "office"
targets.default = { resolution = "8h" }   # a day
targets.urgent = { resolution = "2h" }

[[escalation]]
id = "late"
on = "resolution"
  [[escalation.level]]
  id = "tell"
  at = "0m"
  tag = ["late"]
"""


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    monkeypatch.setenv("SLACTL_RULES", str(path))
    return path


CHANGES = [
    ("settings.due_soon", "4h", 'due_soon = "2h"   # late', 'due_soon = "4h"   # late'),
    ('policy."all of them".targets.default.resolution', "3h", '{ resolution = "8h" }', '{ resolution = "3h" }'),
    ("escalation.late.level.tell.at", "+1h", 'at = "0m"', 'at = "+1h"'),
    ("calendars.office.weekly.mon-fri", '["08:00-16:00"]', '["09:00-17:00"]', '["08:00-16:00"]'),
    # What was not there yet comes after the last value of its table, not after the comments about the next one.
    ("settings.ack_for", "1h", "# late soon\n", '# late soon\nack_for = "1h"\n'),
    ("calendars.office.weekly.sat", '["10:00-12:00"]', "# lunch, too\n", '# lunch, too\nsat = ["10:00-12:00"]\n'),
    ("calendars.office.country", "DE", 'Berlin"\n', 'Berlin"\ncountry = "DE"\n\n'),
    ("calendars.office.dates.2026-12-23", "[]", 'Berlin"\n', 'Berlin"\ndates = {2026-12-23 = []}\n\n'),
    ("escalation.late.level.tell.repeat.max", "2", None, None),
]


@pytest.mark.parametrize(("key", "value", "old", "new"), CHANGES, ids=[key for key, *_ in CHANGES])
def test_one_value_changes_and_nothing_else(
    rules: Path, slactl: Slactl, key: str, value: str, old: str | None, new: str | None
) -> None:
    if old is None or new is None:
        assert slactl("rules", "set", key, value).code == 4  # half of a repeat is none
        assert rules.read_text() == RULES
        return
    tried = slactl("rules", "set", key, value, "-n")
    assert (tried.code, rules.read_text()) == (0, RULES)
    changed = slactl("rules", "set", key, value)
    assert (changed.code, changed.out) == (0, tried.out), changed.err
    assert RULES.count(old) == 1
    assert rules.read_text() == RULES.replace(old, new)
    assert [line for line in changed.out.splitlines()[2:] if line.startswith("+")] != []


def test_a_priority_that_had_no_targets_gets_them(rules: Path, slactl: Slactl) -> None:
    assert slactl("rules", "set", "policy.all of them.targets.low.resolution", "2bd").code == 0
    assert str(load(rules).policies[0].target(Priority.LOW, Target.RESOLUTION)) == "2bd"


def test_a_section_that_was_not_there_is_made(rules: Path, slactl: Slactl) -> None:
    assert slactl("rules", "set", "templates.title", "Late").code == 0
    assert rules.read_text() == RULES + '\n[templates]\ntitle = "Late"\n'
    bare = RULES.replace('[settings]\ndue_soon = "2h"   # late soon\n', "")
    rules.write_text(bare)
    assert slactl("rules", "set", "settings.due_soon", "30m").code == 0
    assert load(rules).settings.due_soon.seconds == 1800


REFUSED = [
    ("settings.due_soon", "0h", 4, "'0h' is not positive"),
    ("settings.due_sooon", "2h", 4, "unknown key due_sooon; did you mean due_soon?"),
    ("setings.due_soon", "2h", 3, "there is no key setings; did you mean settings?"),
    ("policy.all.calendar", "office", 3, "there is no policy 'all' (known: all of them)"),
    ('policy."all of them".calendar', "ofice", 4, "did you mean office?"),
    ("calendars.offfice.timezone", "UTC", 3, "there is no key calendars.offfice; did you mean office?"),
    ("roles.boss.assignee", "mia", 3, "there is no key roles"),
    ("settings.due_soon.hours", "2", 2, "settings.due_soon.hours is not inside a table"),
    ("settings.due_soon.2.x", "2", 2, "settings.due_soon.2 is not inside a table"),
    ("schema.x.y", "2", 2, "schema.x is not inside a table"),
    ("calendars.office.weekly.mon-fri.a.b", "2", 2, "calendars.office.weekly.mon-fri.a is not inside a table"),
    ("calendars.office.weekly", "[]", 2, "calendars.office.weekly is a table"),
    ("policy", "x", 2, "policy is a table"),
    ("settings..x", "1", 2, "is not a valid key"),
    ("", "1", 2, "is not a valid key"),
]


@pytest.mark.parametrize(("key", "value", "code", "message"), REFUSED, ids=[f"{each[0]}={each[1]}" for each in REFUSED])
def test_nothing_wrong_is_written(rules: Path, slactl: Slactl, key: str, value: str, code: int, message: str) -> None:
    refused = slactl("rules", "set", key, value)
    assert (refused.code, refused.out) == (code, "")
    assert message in refused.err
    assert "hint: slactl rules set " in refused.err
    assert rules.read_text() == RULES


def test_the_file_keeps_its_mode_its_line_ends_and_its_place(rules: Path, slactl: Slactl, tmp_path: Path) -> None:
    rules.write_bytes(RULES.replace("\n", "\r\n").encode())
    rules.chmod(0o640)
    real = tmp_path / "elsewhere" / "real.toml"
    real.parent.mkdir()
    rules.rename(real)
    rules.symlink_to(real)
    changed = slactl("rules", "set", "settings.due_soon", "4h")
    assert (changed.code, "\r" in changed.out) == (0, False)
    assert rules.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert real.read_bytes() == RULES.replace('"2h"   #', '"4h"   #').replace("\n", "\r\n").encode()
    assert os.listdir(real.parent) == ["real.toml"]


def test_a_write_that_fails_leaves_the_old_file_whole(
    rules: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    failed = slactl("rules", "set", "settings.due_soon", "4h")
    assert failed.code == 1
    assert "cannot be written: No space left on device" in failed.err
    assert rules.read_text() == RULES
    assert os.listdir(rules.parent) == ["rules.toml"]


def test_a_file_that_is_wrong_already_is_not_touched(rules: Path, slactl: Slactl) -> None:
    rules.write_text(RULES + "[oops]\n")
    assert slactl("rules", "set", "settings.due_soon", "4h").code == 4
    assert rules.read_text() == RULES + "[oops]\n"


def test_the_rules_that_come_with_slactl_are_nobodys(slactl: Slactl) -> None:
    before = shipped_rules().read_bytes()
    refused = slactl("rules", "set", "settings.due_soon", "4h")
    assert refused.code == 5
    assert "hint: slactl init" in refused.err
    assert shipped_rules().read_bytes() == before


def test_the_same_value_again_changes_nothing(rules: Path, slactl: Slactl) -> None:
    before = rules.stat().st_mtime_ns
    again = slactl("rules", "set", "settings.due_soon", "2h")
    assert (again.code, again.out) == (0, "nothing changes\n")
    assert rules.stat().st_mtime_ns == before
