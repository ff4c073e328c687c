"""`rules test`, `rules diff` and `rules apply` as people, scripts and cron see them."""

import contextlib
import csv
import io
import json
import os
import pty
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory
from terminal import on_terminal

TEST = """
[[test]]
name = "urgent tickets are answered within a day"
history = [{ ticket = "A-1", at = "2026-03-02T09:00:00+01:00", type = "created", plan = "free", priority = "urgent" }]
expect = [{ ticket = "A-1", target = "first_response", due_at = "2026-03-03T09:00:00+01:00", state = "running" }]
"""


pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """A file with one test that passes under the shipped rules."""
    file = tmp_path / "cases.toml"
    file.write_text(TEST)
    return file


@pytest.fixture
def edited(desk: Path, slactl: Slactl) -> Path:
    """A desk with two open tickets whose rules were edited: free urgent tickets are answered within 2 hours."""
    for priority in ("urgent", "normal"):
        assert slactl("create", "Printer", "--from", "ann@example.com", "--priority", priority).code == 0
    edit(desk, 'urgent = { first_response = "24h"', 'urgent = { first_response = "2h"')
    return desk


def edit(desk: Path, old: str, new: str) -> None:
    rules = desk.parent / "rules.toml"
    text = rules.read_text()
    assert old in text
    rules.write_text(text.replace(old, new))


def counts(desk: Path) -> list[int]:
    tables = ("event", "escalation", "rules_version", "timer")
    with sqlite3.connect(desk) as connection:
        return [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]


def due(slactl: Slactl) -> list[str]:
    """Each open ticket, and when its first response is due."""
    return slactl("list", "--format", "plain", "--fields", "id,first_response_due_at").lines


def test_tests_that_pass_end_with_0(desk: Path, slactl: Slactl, cases: Path) -> None:
    result = slactl("rules", "test", str(cases))
    assert (result.code, result.err) == (0, "")
    assert result.lines == ["ok    urgent tickets are answered within a day", "1 test: 1 passed, 0 failed"]
    assert slactl("rules", "test", "-q", str(cases)).out == ""


def test_a_test_that_fails_says_what_was_got_and_ends_with_4(desk: Path, slactl: Slactl, cases: Path) -> None:
    edit(desk, 'urgent = { first_response = "24h"', 'urgent = { first_response = "2h"')
    result = slactl("rules", "test", str(cases))
    assert result.code == 4
    assert result.lines == [
        f"FAIL  {cases}:2: urgent tickets are answered within a day",
        "      ticket A-1, first response as of 2026-03-03T08:00:00Z (policy free):",
        "        due_at               expected 2026-03-03T08:00:00Z",
        "                             got      2026-03-02T10:00:00Z",
        "        state                expected running",
        "                             got      breached",
        "1 test: 0 passed, 1 failed",
    ]
    assert slactl("rules", "test", "-q", str(cases)).lines == result.lines


def test_other_rules_can_be_tested(desk: Path, slactl: Slactl, cases: Path, tmp_path: Path) -> None:
    draft = tmp_path / "draft.toml"
    draft.write_text((desk.parent / "rules.toml").read_text().replace('"24h"', '"23h"'))
    assert slactl("rules", "test", str(cases)).code == 0
    assert slactl("rules", "test", "--rules", str(draft), str(cases)).code == 4
    assert slactl("--rules", str(draft), "rules", "test", str(cases)).code == 4


def test_no_database_is_needed_to_test_rules(slactl: Slactl, cases: Path) -> None:
    assert slactl("rules", "test", str(cases)).code == 0


def test_a_file_that_is_wrong_ends_with_4_and_the_others_are_run(
    desk: Path, slactl: Slactl, cases: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(TEST.replace("due_at", "due"))
    result = slactl("rules", "test", str(wrong), str(cases), str(tmp_path / "none.toml"))
    assert result.code == 4
    assert result.lines[-1] == "1 test: 1 passed, 0 failed, 2 problems in the files"
    assert result.err.splitlines() == [
        f"error: {wrong}:5: test[1].expect[1].due: unknown key due; did you mean due_at?",
        f"error: {tmp_path / 'none.toml'} cannot be read: No such file or directory",
    ]


def test_the_outcome_of_tests_as_json(desk: Path, slactl: Slactl, cases: Path) -> None:
    cases.write_text(TEST + TEST.replace('"urgent"', '"low"').replace("urgent tickets", "low tickets"))
    result = slactl("rules", "test", str(cases), "--json")
    assert result.code == 4
    found = json.loads(result.out)
    assert (found["passed"], found["failed"], found["problems"]) == (1, 1, [])
    assert [(test["name"], test["passed"]) for test in found["tests"]] == [
        ("urgent tickets are answered within a day", True),
        ("low tickets are answered within a day", False),
    ]
    (failure,) = found["tests"][1]["failures"]
    assert (failure["key"], failure["expected"], failure["got"]) == (
        "due_at",
        "2026-03-03T08:00:00Z",
        "2026-03-05T08:00:00Z",
    )


def test_names_from_files_cannot_play_tricks_on_the_terminal(desk: Path, slactl: Slactl, cases: Path) -> None:
    cases.write_text(TEST.replace('"urgent tickets', '"\\u001b[31mred\\u202e'))
    assert "\x1b" not in slactl("rules", "test", str(cases)).out
    cases.write_text(TEST.replace("due_at =", '"\\u001b[31mdue" ='))
    result = slactl("rules", "test", str(cases))
    assert (result.code, "\x1b" in result.err) == (4, False)


def test_invalid_rules_are_told_and_nothing_is_done(edited: Path, slactl: Slactl, cases: Path) -> None:
    before = counts(edited)
    (edited.parent / "rules.toml").write_text("schema = 1\n[setings]\n")
    for words in (("test", str(cases)), ("diff",), ("apply", "--yes"), ("apply", "--dry-run")):
        result = slactl("rules", *words)
        assert (result.code, result.out) == (4, "")
        assert "setings" in result.err
    assert counts(edited) == before


def test_without_a_database_there_is_nothing_to_compare_with(slactl: Slactl) -> None:
    assert slactl("rules", "diff").code == 6
    assert slactl("rules", "apply", "--yes").code == 6


def test_diff_says_what_changed_on_a_pipe_and_as_json(edited: Path, slactl: Slactl) -> None:
    result = slactl("rules", "diff")
    assert result.code == 0
    (line,) = result.lines
    assert line.split("\t")[2:] == [
        *("2", "policy", "free", "targets.urgent.first_response", "changed", "24h", "2h", "false")
    ]
    (version,) = json.loads(slactl("rules", "diff", "--json").out)["versions"]
    assert (version["open_count"], version["current"], len(version["changes"])) == (2, False, 1)
    assert slactl("rules", "diff", "--fields", "key", "--format", "plain").lines == ["targets.urgent.first_response"]


def test_diff_for_people(edited: Path, slactl: Slactl) -> None:
    edit(edited, 'at = "+10m"', 'at = "+20m"')
    lines = slactl("rules", "diff", "--format", "table").lines
    assert lines[0].startswith("2 open tickets on rules version 1 (")
    assert lines[1:] == [
        "  policy free",
        "    ~ targets.urgent.first_response  24h → 2h",
        "  escalation urgent-unassigned",
        "    ~ level.grab.at  +10m → +20m (*)",
        "(*) already applies to every ticket",
        "to move the open tickets: slactl rules apply --dry-run",
    ]


def test_diff_says_that_there_is_nothing_to_say(desk: Path, slactl: Slactl) -> None:
    empty = slactl("rules", "diff")
    assert (empty.code, empty.out, empty.err) == (0, "", "no ticket is open, so there is nothing to compare\n")
    slactl("create", "Printer", "--from", "ann@example.com")
    same = slactl("rules", "diff")
    assert (same.code, same.out, same.err) == (0, "", "1 open ticket on the current rules\n")


def test_apply_asks_and_without_a_terminal_wants_yes(edited: Path, slactl: Slactl) -> None:
    before = counts(edited)
    result = slactl("rules", "apply", stdin="y\n")
    assert (result.code, result.out) == (2, "")
    assert "--yes" in result.err
    assert counts(edited) == before


def test_apply_prints_every_deadline_that_changed(edited: Path, slactl: Slactl) -> None:
    result = slactl("rules", "apply", "--yes")
    assert result.code == 0
    (line,) = result.lines
    assert line.split("\t")[0::11][:1] == ["1"]
    assert "2026-03-03T09:00:00Z\t2026-03-02T11:00:00Z\trunning\trunning\tfalse" in line
    assert result.err == (
        "moved 2 tickets to the current rules: 1 deadline changed, 0 newly breached,"
        " 0 past levels recorded without firing\n"
    )
    assert due(slactl) == ["1\t2026-03-02T11:00:00Z", "2\t2026-03-04T09:00:00Z"]


def test_a_dry_run_needs_no_yes_and_writes_nothing(edited: Path, slactl: Slactl) -> None:
    before, deadlines = counts(edited), due(slactl)
    result = slactl("rules", "apply", "-n", "--json")
    assert result.code == 0
    found = json.loads(result.out)
    assert (found["dry_run"], found["moved"], found["changed"]) == (True, 2, 1)
    assert (counts(edited), due(slactl)) == (before, deadlines)
    done = json.loads(slactl("rules", "apply", "--yes", "--json").out)
    assert done["changes"] == found["changes"]


def test_the_second_apply_needs_no_yes_and_changes_nothing(edited: Path, slactl: Slactl) -> None:
    slactl("rules", "apply", "--yes")
    before = counts(edited)
    result = slactl("rules", "apply")
    assert (result.code, result.out, result.err) == (0, "", "every open ticket is on the current rules\n")
    assert json.loads(slactl("rules", "apply", "--json").out)["changes"] == []
    assert counts(edited) == before


def test_the_table_shows_the_newly_breached_first(edited: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    clock.move_to("2026-03-02T12:00:00Z")
    edit(edited, 'normal = { first_response = "48h", resolution = "7d" }', 'normal = { first_response = "1h" }')
    result = slactl("rules", "apply", "--yes", "--format", "table")
    assert result.code == 0
    header, *rows, summary = result.lines
    assert header.split()[:4] == ["id", "external", "id", "target"]
    assert ["newly breached" in row for row in rows] == [True, True, False]
    assert [row.split()[0] for row in rows] == ["1", "2", "2"]
    assert summary == (
        "moved 2 tickets to the current rules: 3 deadlines changed, 2 newly breached,"
        " 2 past levels recorded without firing"
    )
    assert slactl("check", "-q").code == 0
    escalations: list[dict[str, Any]] = json.loads(slactl("show", "1", "--json").out)["escalations"]
    assert {row["escalation"]: row["outcome"] for row in escalations}["first-response"] == "baseline"


def test_the_table_shows_how_far_each_deadline_moves(edited: Path, slactl: Slactl) -> None:
    edit(edited, 'normal = { first_response = "48h", resolution = "7d" }', 'normal = { first_response = "50h" }')
    header, *rows, _ = slactl("rules", "apply", "--yes", "--format", "table").lines
    moved = {tuple(row.split()[:2]): row[: header.index("moved") + 5].split()[-1] for row in rows}
    assert (moved["1", "first"], moved["2", "first"]) == ("-22h", "+2h")


def test_a_screen_is_not_flooded(desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slactl.cli.rules_versions.SCREENFUL", 2)
    for _ in range(5):
        slactl("create", "Printer", "--from", "ann@example.com")
    edit(desk, '"48h", resolution = "7d"', '"24h", resolution = "7d"')
    lines = slactl("rules", "apply", "-n", "--format", "table").lines
    assert len(lines) == 5
    assert lines[-2] == "and 3 more deadlines; to see all: slactl rules apply --dry-run --format plain"
    assert len(slactl("rules", "apply", "-n").lines) == 5


def test_other_forms(edited: Path, slactl: Slactl) -> None:
    assert slactl("rules", "apply", "-n", "-q").out == "1\n"
    (row,) = csv.DictReader(io.StringIO(slactl("rules", "apply", "-n", "--format", "csv").out))
    assert (row["ticket_id"], row["newly_breached"]) == ("1", "false")
    wrong = slactl("rules", "apply", "-n", "--fields", "due")
    assert (wrong.code, "hint: slactl rules apply --fields help" in wrong.err) == (2, True)


def test_it_is_in_the_history_of_the_ticket(edited: Path, slactl: Slactl) -> None:
    slactl("--actor", "mia", "rules", "apply", "--yes")
    entries = [json.loads(line) for line in slactl("history", "1", "--format", "jsonl").lines]
    (entry,) = [entry for entry in entries if entry["action"] == "rules.apply"]
    assert (entry["actor"], entry["actor_type"]) == ("mia", "user")
    assert entry["detail"].keys() >= {"from", "rules"}


#: A program that runs a command at the time of the other commands.
ON_MONDAY = (
    "import sys; from freezegun import freeze_time; from slactl.__main__ import run\n"
    "with freeze_time('2026-03-02T09:00:00Z'): sys.exit(run(sys.argv[1:]))"
)


@pytest.mark.parametrize(("answer", "moved"), [("y", True), ("n", False)])
def test_on_a_terminal_it_shows_the_table_and_asks(edited: Path, answer: str, moved: bool) -> None:
    before = counts(edited)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ON_MONDAY, "rules", "apply"], stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
    )
    os.close(theirs)
    os.write(ours, f"{answer}\n".encode())
    seen = b""
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed
        while part := os.read(ours, 4096):
            seen += part
    os.close(ours)
    code, text = process.wait(), seen.decode()
    assert "first response" in text
    assert "Move 2 open tickets to the current rules?" in text
    assert ("moved 2 tickets" in text) is moved
    assert (code == 0) is moved, text
    assert (counts(edited) != before) is moved


@pytest.mark.parametrize("form", ["table", "jsonl"])
def test_rules_that_are_replaced_before_the_answer_are_not_applied(edited: Path, form: str) -> None:
    before = counts(edited)
    with on_terminal(sys.executable, "-c", ON_MONDAY, "rules", "apply", "--format", form) as terminal:
        terminal.until("Move 2 open tickets to the current rules?")
        edit(edited, '"48h", resolution = "7d"', '"1h", resolution = "7d"')
        terminal.type("y\n")
        assert terminal.wait() == 5
        assert "error: the rules were edited while they were applied" in terminal.screen
    assert counts(edited) == before
