"""`rules set`: one value changes, everything else stays as it is, and nothing wrong is ever written."""

import json
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
    ("policy.gold.calendar", "office", 3, "there is no policy 'gold' (known: all of them); to add it, give a whole"),
    ("escalation.late.level.boss.at", "+1h", 3, "there is no level 'boss' (known: tell); to add it, give a whole"),
    ("policy.gold", "office", 2, 'gold is new, so VALUE must be a table in braces: { match = { plan = ["gold"] }'),
    ("policy.gold", '{ name = "silver", calendar = "office" }', 2, "VALUE has another one"),
    ("policy.gold", '{ calendar = "ofice" }', 4, "did you mean office?"),
    ("policy.gold", '{ matches = {}, calendar = "office" }', 4, "unknown key matches; did you mean match?"),
    ("roles.boss.asignee", "mia", 4, "unknown key asignee; did you mean assignee?"),
    ("calendars.night", '{ timezone = "Mars/Phobos" }', 4, "Mars/Phobos"),
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


ADDED = [
    ("roles.boss.assignee", "mia", "", '\n[roles.boss]\nassignee = "mia"\n'),
    ("people.mia.notify", "[]", "", "\n[people.mia]\nnotify = []\n"),
    (
        "views.mine",
        '{ breached = true, status = ["open"] }',
        "",
        '\n[views.mine]\nbreached = true\nstatus = ["open"]\n',
    ),
    ('roles."the boss"', "{}", "", '\n[roles."the boss"]\n'),
    (
        "calendars.night",
        '{ timezone = "UTC", weekly = { mon-fri = ["18:00-24:00"] } }',
        "\n# The one policy.\n",
        '\n[calendars.night]\ntimezone = "UTC"\nweekly = {mon-fri = ["18:00-24:00"]}\n\n# The one policy.\n',
    ),
    (
        "policy.gold",
        '{ match = { plan = ["gold"] }, calendar = "office" }',
        "\n# The one policy.\n",
        '\n[[policy]]\nname = "gold"\nmatch = {plan = ["gold"]}\ncalendar = "office"\n\n# The one policy.\n',
    ),
    (
        "policy.rest",
        '{ calendar = "office" }',
        "\n[[escalation]]\n",
        '\n[[policy]]\nname = "rest"\ncalendar = "office"\n\n[[escalation]]\n',
    ),
    (
        "escalation.late.level.boss",
        '{ at = "+1h", tag = ["later"] }',
        '  tag = ["late"]\n',
        '  tag = ["late"]\n\n  [[escalation.level]]\n  id = "boss"\n  at = "+1h"\n  tag = ["later"]\n',
    ),
    (
        "escalation.idle",
        '{ on = "idle", idle = { for = "8h" }, level = [{ id = "a", at = "0m", tag = ["idle"] }] }',
        "",
        '\n[[escalation]]\nid = "idle"\non = "idle"\nidle = {for = "8h"}\n'
        'level = [{id = "a", at = "0m", tag = ["idle"]}]\n',
    ),
    ("source.hub", '{ command = ["gh"] }', "", '\n[[source]]\nname = "hub"\ncommand = ["gh"]\n'),
]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(("key", "value", "old", "new"), ADDED, ids=[key for key, *_ in ADDED])
def test_a_table_that_is_not_there_is_added_beside_its_like(
    rules: Path, slactl: Slactl, key: str, value: str, old: str, new: str, ends: str
) -> None:
    rules.write_bytes(RULES.replace("\n", ends).encode())
    done = slactl("rules", "set", key, value)
    assert done.code == 0, done.err
    wanted = RULES.replace(old, new) if old else RULES + new
    assert rules.read_bytes() == wanted.replace("\n", ends).encode()
    assert slactl("rules", "check").code == 0
    assert slactl("rules", "set", key, value).code in (0, 2)  # a value stays as it is; a table has to be named inside
    assert rules.read_bytes() == wanted.replace("\n", ends).encode()


def test_a_name_that_resembles_another_is_added_only_as_a_whole_table(rules: Path, slactl: Slactl) -> None:
    refused = slactl("rules", "set", "calendars.ofice.always_open", "true")
    assert refused.code == 3
    assert "did you mean office? (known: office); to add it, give a whole table" in refused.err
    assert rules.read_text() == RULES
    assert slactl("rules", "set", "calendars.ofice", "{ always_open = true }").code == 0
    assert "[calendars.ofice]\nalways_open = true\n" in rules.read_text()


def test_beside_values_in_braces_nothing_is_added(rules: Path, slactl: Slactl) -> None:
    braces = 'roles = { lead = { assignee = "lena" } }\n' + RULES
    rules.write_text(braces)
    refused = slactl("rules", "set", "roles.boss", '{ assignee = "mia" }')
    assert refused.code == 2
    assert "edit the file by hand" in refused.err
    assert rules.read_text() == braces


def test_every_example_of_a_new_table_is_valid(rules: Path, slactl: Slactl) -> None:
    rules.write_text(shipped_rules().read_text())
    keys = ["calendars.x", "roles.x", "people.x", "schedules.x", "views.x", "policy.x", "escalation.x", "source.x"]
    for key in [*keys, "escalation.resolution.level.x"]:
        refused = slactl("rules", "set", key, "7")
        assert refused.code == 2
        example = refused.err.splitlines()[0].partition("in braces: ")[2].replace('"mailtos://…"', "")
        if key == "schedules.x":
            assert slactl("rules", "set", "people.mia", "{}").code == 0
        done = slactl("rules", "set", key, example)
        assert done.code == 0, (key, done.err)


SHAPES = [
    ("settings.default_plan", "5", 'settings.default_plan: must be a text: "5"'),
    ("settings.allow_http", "yes", "settings.allow_http: must be true or false"),
    ("settings.pause", "{}", 'settings.pause: must be a list, such as ["resolution"]'),
    ('policy."all of them".match', "pro", 'policy[1].match: must be a table, such as { plan = ["pro"] }'),
    ('policy."all of them".match', "{ plan = 3 }", 'policy[1].match.plan: must be a list, such as ["pro"]'),
    ('policy."all of them".targets.low', "2d", "must be a table, such as { first_response = "),
    ("escalation.late.level.tell.repeat", "4h", "must be a table, such as { every = "),
    ("calendars.office.timezone", "[]", 'calendars.office.timezone: must be a text, such as "…"'),
    ("roles", "mia", "roles: must be a table, such as { support_manager = "),
]


@pytest.mark.parametrize(("key", "value", "message"), SHAPES, ids=[f"{key}={value}" for key, value, _ in SHAPES])
def test_a_value_of_the_wrong_shape_shows_an_example(
    rules: Path, slactl: Slactl, key: str, value: str, message: str
) -> None:
    refused = slactl("rules", "set", key, value)
    assert refused.code == 4
    assert message in refused.err
    assert rules.read_text() == RULES


def test_the_path_of_the_rules_is_printed(rules: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    assert slactl("rules", "path").out == f"{rules}\n"
    record = json.loads(slactl("rules", "path", "--json").out)
    assert record == {"file": str(rules), "source": "SLACTL_RULES", "exists": True}
    missing = slactl("--rules", "/none/rules.toml", "rules", "path")
    assert (missing.code, missing.out) == (0, "/none/rules.toml\n")
    assert "slactl init" in missing.err
    monkeypatch.delenv("SLACTL_RULES")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(rules.parent / "none"))
    shipped = slactl("rules", "path")
    assert (shipped.out, "come with slactl" in shipped.err) == (f"{shipped_rules()}\n", True)


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
