"""What a person on call reads on a terminal: times of the display zone, true receipts, and hints that work."""

import shlex
import sys
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import at, ladder, opened, policy, write_rules
from freezegun.api import FrozenDateTimeFactory
from terminal import on_terminal, shown_on_terminal
from test_completion import complete

PEOPLE = '[people.cem]\n[people.ann]\nnotify = ["mailto://ann@example.com"]\n'
DAYS = '[schedules.days]\ntimezone = "Europe/Berlin"\n[[schedules.days.layer]]\npeople = ["cem"]\n'
HOURS = 'hours = ["mon-sun 11:00-12:00"]\n[roles.lead]\non_call = "days"\n'
TELL = ladder("resolution", 'late 0m notify = ["ann"]', 'chief +1h assign = "cem"')


@pytest.fixture
def rota(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> Path:
    """A desk whose schedule has somebody for an hour a day."""
    at(clock, "09:00")
    write_rules(desk, policy(resolution="1h"), PEOPLE, DAYS, HOURS, TELL)
    return desk


def hint(err: str) -> list[str]:
    """The words of the command that is suggested."""
    return shlex.split(err.strip().splitlines()[-1].removeprefix("hint: slactl "))


def test_warnings_on_a_terminal_have_times_of_the_display_zone(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rules(desk, policy(resolution="1h"), PEOPLE, DAYS, HOURS, TELL)
    monkeypatch.setenv("SLACTL_TZ", "Asia/Tokyo")
    assert "19:00" in shown_on_terminal("oncall")  # eleven o'clock in Berlin
    opened(slactl)
    words = ("-m", "slactl", "oncall", "override", "days", "--to", "cem", "--from", "in 2d", "--until", "in 3d")
    with on_terminal(sys.executable, *words, columns=300) as terminal:
        terminal.wait()
    removed = slactl("oncall", "remove", "1", "-n")
    assert "nobody is on call for days from 20" in removed.err
    assert "Z to 20" in removed.err  # a pipe has UTC
    with on_terminal(sys.executable, "-m", "slactl", "oncall", "remove", "1", columns=300) as terminal:
        assert terminal.wait() == 0
        lines = [line for line in terminal.screen.splitlines() if "nobody is on call" in line]
    assert lines
    assert all(line.count("Asia/Tokyo") == 2 and "Z" not in line for line in lines), lines


@pytest.mark.parametrize(
    ("line", "right"),
    [
        (
            'oncall override days --to cm --from "2026-03-03 09:00" --until "2026-03-03 18:00" --reason "ann is ill"',
            "cem",
        ),
        ('oncall away cemm --from "2026-03-03 09:00" --until "2026-03-03 18:00" --substitute ann', "cem"),
        ('oncall away cem --from "2026-03-03 09:00" --until "2026-03-03 18:00" --substitute an', "ann"),
    ],
)
def test_hint_for_a_misspelled_person_is_the_corrected_command(
    rota: Path, slactl: Slactl, line: str, right: str
) -> None:
    refused = slactl(*shlex.split(line))
    assert (refused.code, right in hint(refused.err)) == (3, True), refused.err
    assert slactl(*hint(refused.err), "--json").code == 0
    nobody = slactl("oncall", "override", "days", "--to", "qqqqqq", "--from", "now", "--until", "in 8h")
    assert (nobody.code, hint(nobody.err)) == (3, ["rules", "check"])


@pytest.mark.parametrize("reason", [None, "", "  ", "x" * 1001])
@pytest.mark.parametrize("line", ["escalate 1", "due 1 --target resolution --at '2026-03-04 09:00'"])
def test_a_reason_that_is_missing_or_too_long_is_refused(
    rota: Path, slactl: Slactl, line: str, reason: str | None
) -> None:
    opened(slactl)
    before = slactl("audit", "list", "--json").out
    refused = slactl(*shlex.split(line), *(["--reason", reason] if reason is not None else []))
    assert (refused.code, "reason" in refused.err) == (5, True), refused.err
    assert slactl("audit", "list", "--json").out == before


def test_a_question_without_a_terminal_has_a_hint_that_works(rota: Path, slactl: Slactl, tmp_path: Path) -> None:
    opened(slactl, who="bob@example.com")
    copy = tmp_path / "a copy.db"
    assert slactl("backup", str(copy)).code == 0
    for words in (["restore", str(copy)], ["erase", "--requester", "bob@example.com"]):
        refused = slactl("--db", str(rota), *words)
        assert (refused.code, "There is no terminal for the answer" in refused.err) == (2, True), refused.err
        assert hint(refused.err) == ["--db", str(rota), *words, "--yes"]
        assert slactl(*hint(refused.err)).code == 0


def test_status_until_says_the_date_and_the_zone(rota: Path, slactl: Slactl) -> None:
    opened(slactl)
    said = slactl("--timezone", "Asia/Tokyo", "status", "1", "pending", "--until", "2026-03-04 09:00", "-n").out
    assert "opens again Wed 2026-03-04 09:00 Asia/Tokyo, in " in said


def test_the_second_acknowledgement_of_a_second_says_until_when(rota: Path, slactl: Slactl) -> None:
    opened(slactl)
    assert slactl("ack", "1").code == 0
    again = slactl("--utc", "ack", "1", "-n")
    assert (again.code, "acknowledged until Mon 2026-03-02 13:00 UTC, in 4h" in again.out) == (0, True), again.out
    assert "acknowledged" not in slactl("tag", "2", "x", "-n").out


def test_show_says_whom_the_next_level_will_reach(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, policy(resolution="1h"), PEOPLE, TELL)
    opened(slactl)
    assert slactl("check", "-q").code == 0
    [line] = [line for line in shown_on_terminal("show", "1").splitlines() if line.startswith("Next level")]
    assert line.endswith("of resolution: tells ann")
    assert "next_reaches" not in slactl("show", "1", "--json").out
    write_rules(desk, policy(resolution="1h"), PEOPLE, ladder("unassigned", 'take +5m assign = "cem"'))
    opened(slactl)
    assert slactl("check", "-q").code == 0
    [line] = [line for line in shown_on_terminal("show", "2").splitlines() if line.startswith("Next level")]
    assert line.endswith("of unassigned: assigns cem")


def test_rules_set_completes_keys(rota: Path) -> None:
    assert complete("slactl rules set settings.due") == ["settings.due_soon"]
    assert complete("slactl rules set escalation.resolution.level.chief.") == [
        "escalation.resolution.level.chief.assign",
        "escalation.resolution.level.chief.at",
    ]
    assert complete("slactl rules set policy.all.targets.def") == ["policy.all.targets.default.resolution"]
    rota.with_name("rules.toml").write_text("[settings")
    assert "settings.due_soon" in complete("slactl rules set ")


def test_list_at_80_columns_has_the_status(desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    opened(slactl)
    assert slactl("status", "1", "waiting_customer").code == 0
    heading, row, *_ = slactl("list", "--format", "table").lines
    assert heading.split() == ["ID", "Due", "Target", "Priority", "Status", "Assignee", "Subject"]
    assert "waiting" in row
    assert max(map(len, (heading, row))) <= 80
