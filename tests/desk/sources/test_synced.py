"""What doctor, the metrics and `rules` say of sources, and what an erasure takes out of the errors of their runs."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory
from source_desk import add_source, issues, prints, runs, script
from terminal import on_terminal


def checks(slactl: Slactl, name: str = "source") -> list[dict[str, Any]]:
    """Return the checks of doctor with this name."""
    return [each for each in json.loads(slactl("doctor", "--json").out)["checks"] if each["check"] == name]


def checked(slactl: Slactl) -> tuple[bool, str, str | None]:
    """Return what doctor says of the only source."""
    (found,) = checks(slactl)
    return found["ok"], found["found"], found["fix"]


# doctor


def test_doctor_names_a_source_that_was_never_synced(desk: Path, slactl: Slactl) -> None:
    assert checks(slactl) == checks(slactl, "sync lock") == []
    prints(desk, issues(1))
    add_source(desk)
    assert checked(slactl) == (False, "github was never synced", "slactl sync github")
    assert slactl("doctor").code == 7
    slactl("sync")
    assert checked(slactl)[0]


def test_doctor_names_the_last_failure_and_the_last_good_run(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    prints(desk, issues(1))
    add_source(desk)
    slactl("sync")
    clock.tick(600)
    assert checked(slactl) == (True, "github: synced 10m ago", None)
    script(desk, "sys.exit('no route to host')")
    slactl("sync")
    failed = "github: ./list.py ended with exit code 1: no route to host; last good sync 10m ago"
    assert checked(slactl) == (False, failed, "slactl sync github")
    prints(desk, issues(1))
    slactl("sync")
    assert checked(slactl) == (True, "github: synced 0s ago", None)


@pytest.mark.parametrize(
    ("starts", "good_for", "late_after"),
    [
        ([0], 23, 25),  # nobody knows how often
        ([0, 1], 1, 3),
        ([0, 24, 48], 47, 49),
        ([0, 24, 25], 47, 49),
    ],
)
def test_doctor_names_a_source_that_is_not_synced_any_more(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, starts: list[int], good_for: int, late_after: int
) -> None:
    """Hours after the last run; a source that is synced every night is not late at noon."""
    prints(desk, issues(1))
    add_source(desk)
    at = 0
    for start in starts:
        clock.tick((start - at) * 3600)
        at = start
        assert slactl("sync").code == 0
    clock.tick(good_for * 3600)
    assert checked(slactl)[0]
    clock.tick((late_after - good_for) * 3600)
    ok, found, fix = checked(slactl)
    assert (ok, found.startswith("github: last synced ")) == (False, True)
    assert fix == "(crontab -l; echo '*/5 * * * * slactl sync -q; slactl check -q') | crontab -"


def test_doctor_forgets_a_source_that_the_rules_do_not_have_any_more(desk: Path, slactl: Slactl) -> None:
    rules = desk.with_name("rules.toml")
    before = rules.read_text()
    add_source(desk, "no-such-program-anywhere")
    slactl("sync")
    rules.write_text(before)
    assert checks(slactl) == []
    assert slactl("doctor").code == 0


# metrics


def metrics(desk: Path, slactl: Slactl) -> dict[str, float]:
    """Return the metrics of sources that a check writes."""
    file = desk.with_name("slactl.prom")
    assert slactl("check", "-q", "--metrics", str(file)).code in (0, 4)
    lines = [line.rpartition(" ") for line in file.read_text().splitlines() if line.startswith("slactl_sync_")]
    return {name.removeprefix("slactl_sync_"): float(value) for name, _, value in lines}


def test_metrics_have_the_last_runs_of_each_source(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    assert metrics(desk, slactl) == {}
    prints(desk, issues(1))
    add_source(desk)
    add_source(desk, "no-such-program-anywhere", name="jira")
    slactl("sync")
    good = clock().timestamp()
    clock.tick(300)
    script(desk, "sys.exit(1)")
    slactl("sync", "github")
    assert metrics(desk, slactl) == {
        'last_success_timestamp_seconds{source="github"}': good,
        'last_success_timestamp_seconds{source="jira"}': 0,
        'last_run_timestamp_seconds{source="github"}': good + 300,
        'last_run_timestamp_seconds{source="jira"}': good,
        'last_run_exit_code{source="github"}': 7,
        'last_run_exit_code{source="jira"}': 7,
    }


def test_metrics_have_the_sources_of_the_rules_also_in_runs_without_work(desk: Path, slactl: Slactl) -> None:
    add_source(desk, "no-such-program-anywhere")
    for _ in range(3):
        assert metrics(desk, slactl)['last_success_timestamp_seconds{source="github"}'] == 0
    rules = desk.with_name("rules.toml")
    rules.write_text(rules.read_text().replace('"github"', '"other"', 1))
    slactl("sync")
    assert {*metrics(desk, slactl)} == {
        'last_success_timestamp_seconds{source="other"}',
        'last_run_timestamp_seconds{source="other"}',
        'last_run_exit_code{source="other"}',
    }
    rules.write_text("schema = 2")
    assert 'last_run_exit_code{source="other"}' in metrics(desk, slactl)


# rules check, rules show


def test_rules_check_counts_sources_and_names_what_this_machine_lacks(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    prints(desk, issues(1))
    add_source(desk)
    assert "3 escalation rules, 1 source)" in slactl("rules", "check").out
    monkeypatch.delenv("NOT_SET", raising=False)
    add_source(desk, "no-such-program-anywhere", "${env:NOT_SET}", name="jira")
    add_source(desk, "./nothing.sh", name="shell")
    result = slactl("rules", "check")
    assert result.code == 0
    for told in (
        "the program no-such-program-anywhere is not in PATH here",
        "the environment variable NOT_SET is not set here",
        "the program ./nothing.sh cannot be run here",
    ):
        assert told in result.err
    (missing,) = [each for each in checks(slactl, "secrets") if not each["ok"]]
    assert missing["found"] == "source[2]: the environment variable NOT_SET is not set here"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("gitlub", None, "source[1].map: there is no map 'gitlub' in slactl or beside the rules; did you mean git"),
        ("mine.toml", None, "source[1].map: there is no map 'mine.toml' in slactl or beside the rules"),
        ("mine.toml", 'kind = "tickets"\n[columns]\nticket = "a"\n', "created_at is missing"),
    ],
)
def test_wrong_map_is_an_error_of_rules_check_and_of_sync(
    desk: Path, slactl: Slactl, name: str, text: str | None, told: str
) -> None:
    prints(desk, issues(1))
    add_source(desk, map_=name)
    if text is not None:
        desk.with_name(name).write_text(text)
    line = desk.with_name("rules.toml").read_text().splitlines().index(f'map = "{name}"') + 1
    checked = slactl("rules", "check")
    assert (checked.code, f"rules.toml:{line}: " in checked.err, told in checked.err) == (4, True, True)
    result = slactl("sync")
    assert (result.code, told.removeprefix("source[1].map: ") in result.err) == (7, True)
    assert slactl("list").code == slactl("check", "-q").code == 0


def test_rules_show_has_the_sources_on_a_terminal(desk: Path, slactl: Slactl) -> None:
    prints(desk, issues(1))
    add_source(desk, "./list.py", "${env:TOKEN}", "updated:>{since}")
    add_source(desk, "ssh", "other", name="other", map_=None, more='timeout = "2m"')
    with on_terminal(sys.executable, "-m", "slactl", "rules", "show") as terminal:
        shown = terminal.until("ssh other")
    assert "source github (map github, at most 1m): ./list.py '${env:TOKEN}' 'updated:>{since}'" in shown
    assert "source other (a history file, at most 2m): ssh other" in shown
    assert "ssh other" not in slactl("rules", "show").out


def test_diff_names_a_changed_command_as_in_force(desk: Path, slactl: Slactl) -> None:
    prints(desk, issues(1))
    add_source(desk)
    slactl("create", "Printer", "--from", "ann@example.com")
    rules = desk.with_name("rules.toml")
    rules.write_text(rules.read_text().replace('"{since}"', '"--all"'))
    found = json.loads(slactl("rules", "diff", "--json").out)
    (change,) = found["versions"][0]["changes"]
    assert (change["section"], change["name"], change["in_force"]) == ("source", "github", True)


# The rest of slactl.


def test_completion_offers_the_sources(desk: Path, slactl: Slactl) -> None:
    add_source(desk, name="github")
    add_source(desk, name="gitlab")
    add_source(desk, name="jira")
    words = {"_SLACTL_COMPLETE": "complete_bash", "COMP_WORDS": "slactl sync git", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-m", "slactl"], env=os.environ | words, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["github", "gitlab"]


def test_erasure_takes_the_address_out_of_recorded_errors(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer", "--from", "jo@example.com")
    script(desk, "sys.exit('no such user: jo@example.com')")
    add_source(desk)
    slactl("sync")
    assert "jo@example.com" in runs(desk)[0]["error"]
    desk.with_name("list.py").unlink()
    assert slactl("erase", "--requester", "jo@example.com", "--yes").code == 0
    with sqlite3.connect(desk) as connection:
        assert "jo@example.com" not in "\n".join(connection.iterdump())
