"""The next level in `list`, `show` and `export` after `rules.toml` was edited and before the next `check`."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import check, ladder, opened, policy, write_rules
from freezegun.api import FrozenDateTimeFactory
from terminal import on_terminal

RULES = policy(resolution="10h")
ONE = ladder("resolution", "warn 80%", "lead +1h")
WITHOUT_WARN = ladder("resolution", "lead +1h")
WITH_EARLIER = ladder("resolution", "early 20%", "warn 80%", "lead +1h")
NAMES = ("next_escalation", "next_level", "next_level_at")
WARN = ("resolution", "warn", "2026-03-02T17:00:00Z")
NONE = (None, None, None)


@pytest.fixture
def number(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> str:
    """A ticket whose next level was calculated by `create`; no check ran."""
    write_rules(desk, RULES, ONE)
    return opened(slactl)


def next_level(slactl: Slactl, number: str) -> tuple[str | None, ...]:
    """The next level, which `list`, `show` and `export` print alike."""
    (listed,) = json.loads(slactl("list", "--json").out)
    shown = json.loads(slactl("show", number, "--json").out)
    (exported,) = csv.DictReader(io.StringIO(slactl("export", "--format", "csv").out))
    found = tuple(listed[name] for name in NAMES)
    assert found == tuple(shown[name] for name in NAMES) == tuple(exported[name] or None for name in NAMES)
    return found


@pytest.mark.parametrize("checked", [False, True], ids=["before the first check", "after a check"])
@pytest.mark.parametrize(
    ("edited", "after"), [(WITHOUT_WARN, "lead"), (WITH_EARLIER, "early")], ids=["removed level", "added level"]
)
def test_an_edit_leaves_the_next_level_out_until_the_next_check(
    desk: Path, slactl: Slactl, number: str, checked: bool, edited: str, after: str
) -> None:
    if checked:
        check(slactl)
    assert next_level(slactl, number) == WARN
    write_rules(desk, RULES, edited)
    assert next_level(slactl, number) == NONE
    check(slactl)
    assert next_level(slactl, number)[1] == after


def test_a_change_of_one_ticket_after_an_edit_does_not_vouch_for_the_others(
    desk: Path, slactl: Slactl, number: str
) -> None:
    check(slactl)
    write_rules(desk, RULES, WITHOUT_WARN)
    other = opened(slactl)
    found = {str(ticket["id"]): ticket["next_level"] for ticket in json.loads(slactl("list", "--json").out)}
    assert found == {number: None, other: None}


@pytest.mark.parametrize("checked", [False, True], ids=["before the first check", "after a check"])
def test_a_touched_file_and_the_same_rules_written_differently_keep_the_next_level(
    desk: Path, slactl: Slactl, number: str, checked: bool
) -> None:
    if checked:
        check(slactl)
    rules = desk.with_name("rules.toml")
    os.utime(rules)
    assert next_level(slactl, number) == WARN
    rules.write_text("# a comment\n" + rules.read_text())
    assert next_level(slactl, number) == WARN


def test_an_edit_that_is_taken_back_shows_the_next_level_again(desk: Path, slactl: Slactl, number: str) -> None:
    write_rules(desk, RULES, WITHOUT_WARN)
    assert next_level(slactl, number) == NONE
    write_rules(desk, RULES, ONE)
    assert next_level(slactl, number) == WARN


@pytest.mark.parametrize("text", ["schema = 1\n[", "schema = 1\n[[policy]]\nname = 3\n", None])
def test_while_the_file_is_invalid_the_levels_of_the_last_valid_rules_are_shown(
    desk: Path, slactl: Slactl, number: str, text: str | None
) -> None:
    rules = desk.with_name("rules.toml")
    if text is None:
        rules.unlink()
    else:
        rules.write_text(text)
    assert next_level(slactl, number) == WARN


def test_a_user_with_another_rules_file_sees_only_levels_of_that_file(
    desk: Path, slactl: Slactl, number: str, tmp_path: Path
) -> None:
    check(slactl)
    copy = tmp_path / "copy.toml"
    copy.write_text(desk.with_name("rules.toml").read_text())
    words = ("--rules", str(copy), "show", number, "--json")
    assert json.loads(slactl(*words).out)["next_level"] == "warn"
    copy.write_text(copy.read_text().replace('"warn"', '"soon"'))
    assert json.loads(slactl(*words).out)["next_level"] is None
    assert next_level(slactl, number) == WARN


@pytest.mark.parametrize("checked", [False, True], ids=["before the first check", "after a check"])
@pytest.mark.parametrize("words", [["list", "--json"], ["show", "1", "--json"]])
def test_with_an_unchanged_file_no_rules_are_read(slactl: Slactl, number: str, checked: bool, words: list[str]) -> None:
    if checked:
        check(slactl)
    code = (
        "import sys; from slactl.__main__ import run\n"
        f"run({words!r})\n"
        "assert not {'pydantic', 'holidays', 'tomllib', 'slactl.sla.rules.loading'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"next_level":"warn"' in done.stdout.replace(" ", "")


@pytest.mark.parametrize("words", [["list"], ["show", "1"]])
def test_a_terminal_says_why_the_next_level_is_left_out(
    desk: Path, slactl: Slactl, number: str, words: list[str]
) -> None:
    program = "from slactl.__main__ import main; main()"

    def screen() -> str:
        with on_terminal(sys.executable, "-c", program, *words, columns=120) as terminal:
            assert terminal.wait() == 0
        return " ".join(terminal.screen.split())

    before = screen()
    assert "warn due" in before
    assert "the next levels are not shown" not in before
    write_rules(desk, RULES, WITHOUT_WARN)
    told = screen()
    assert "the next levels are not shown until a check calculates them with" in told
    assert "hint: slactl check" in told
    assert "warn due" not in told


def test_a_first_import_shows_next_levels_also_with_a_version_of_the_rules_that_it_brings(
    desk: Path, slactl: Slactl, number: str, tmp_path: Path
) -> None:
    exported = slactl("export").out
    other = ("--db", str(tmp_path / "other.db"))
    assert slactl(*other, "init").code == 0
    write_rules(desk, RULES, WITH_EARLIER)
    assert slactl(*other, "import", "-", stdin=exported).code == 0
    assert json.loads(slactl(*other, "list", "--json").out)[0]["next_level"] == "early"
