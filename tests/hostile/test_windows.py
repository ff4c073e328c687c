"""What strangers wrote, through every door, out of every window: it is shown, and does nothing."""

import csv
import io
import json
import re
import shutil
import sqlite3
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hostile_desk import DOORS, TEXTS, HostileDesk, chunks, marked
from payloads import FILE_NAME, FORMULA, PAYLOADS, harm

from slactl.show.check import SHOWN
from slactl.show.form import Screen
from slactl.show.upkeep import draw_health
from slactl.text import dashed

pytest_plugins = ["hostile_fixtures"]

#: The mark of every ticket: the door it came through and the number of its payload.
MARKS = [marked("", door, number) for door in DOORS for number in range(len(TEXTS))]
FIRST = [marked("", "argv", number) for number in range(len(TEXTS))]
SOME = ["ext:C-3", "ext:C-19", "1", *(str(number) for number in range(2, 40, 3))]

#: Windows that show every ticket by its subject: each mark must be in them, or nothing was looked at.
OF_ALL = {
    "list": ["list"],
    "list, what it has": ["list", "--all", "--format", "plain"],
    "show": ["show", "-", "--format", "plain"],
    "history": ["history", "-"],
    "report": ["report", "--by", "assignee"],
}

#: All that prints lines of text; the words after `|` are what must be in it.
PLAIN = {
    "list": ["list", "--all"],
    "list by name": ["list", "@" + PAYLOADS["html"]],
    "the lists there are": ["list", "@"],
    "show": ["show", *SOME],
    "history": ["history", *SOME],
    "audit": ["audit", "list"],
    "explain": ["explain", "1"],
    "summary by assignee": ["summary", "--by", "assignee"],
    "summary by tenant": ["summary", "--by", "tenant"],
    "summary ahead": ["summary", "--forecast", "240h"],
    "summary by plan": ["summary", "--by", "plan"],
    "summary by policy": ["summary", "--by", "policy"],
    "report": ["report", "--by", "assignee"],
    "report by tenant": ["report", "--by", "tenant"],
    "notifications": ["notifications", "list", "--limit", "0"],
    "silences": ["silence", "list", "--all"],
    "tenants": ["tenant", "list"],
    "a tenant": ["tenant", "show", "--", PAYLOADS["cursor"]],
    "runs": ["runs", "list"],
    "a run": ["runs", "show", "1"],
    "rules": ["rules", "show"],
    "rules of one": ["rules", "show", "--plan", PAYLOADS["cursor"]],
    "rules that differ": ["rules", "diff"],
    "rules checked": ["rules", "check"],
    "calendar": ["calendar", "show", PAYLOADS["bidi"]],
    "is open": ["calendar", "is-open", PAYLOADS["markup"], "now"],
    "doctor": ["doctor"],
    "audit verified": ["audit", "verify"],
    "a sample": ["notify", "test", f"person {PAYLOADS['cursor']}", "-n"],
    "a check to come": ["check", "--dry-run", "--at", "in 10h"],
    "a backup to come": ["backup", "--dry-run", "--", PAYLOADS["cursor"]],
    "erased": ["erase", "--requester", "eve@evil.example", "--dry-run"],
}

TABLES = ("list", "show", "history", "audit", "explain", "summary by assignee", "summary by tenant", "report",
          "report by tenant", "notifications", "silences", "tenants", "runs", "rules", "list by name",
          "the lists there are", "calendar")  # fmt: skip

WITHOUT_TABLE = {"explain", "a run", "rules of one", "rules checked", "is open", "doctor", "audit verified", "a sample"}

RECORDS = ("list", "show", "history", "audit", "notifications", "silences", "tenants", "runs", "rules",
           "the lists there are", "report")  # fmt: skip


@pytest.mark.parametrize("window", PLAIN)
def test_a_pipe_gets_lines_that_do_nothing(hostile_desk: HostileDesk, window: str) -> None:
    result = hostile_desk(*PLAIN[window])
    assert result.code in (0, 5, 7), result.err
    assert result.out + result.err
    assert harm(result.out, tabs=True) == []
    assert harm(result.err) == []


@pytest.mark.parametrize("window", TABLES)
def test_a_terminal_gets_tables_that_do_nothing(hostile_desk: HostileDesk, window: str) -> None:
    result = hostile_desk.done("--color", "always", *PLAIN[window], "--format", "table")
    assert "\x1b[" in result.out, "no colours"
    assert harm(result.out, colours=True) == []
    assert harm(result.err) == []


def test_a_record_is_a_line(hostile_desk: HostileDesk) -> None:
    count = len(MARKS)
    for form in ("plain", "csv", "ids", "jsonl"):
        out = hostile_desk.done("list", "--all", "--format", form).out
        assert out.count("\n") == count + (form == "csv"), form
    lines = [line for line in hostile_desk.done("list", "--all").out.split("\n") if line]
    assert {line.count("\t") for line in lines} == {lines[0].count("\t")}
    assert set(hostile_desk.done("list", "--all", "-q").out.split()) == {str(number) for number in range(1, count + 1)}
    table = hostile_desk.done("list", "--all", "--limit", "0", "--format", "table").out
    assert table.count("\n") == count + 2  # the heads and the line below


def test_every_door_is_seen_in_the_lists(hostile_desk: HostileDesk) -> None:
    for form in ("plain", "csv", "json", "jsonl"):
        out = hostile_desk.done("list", "--all", "--format", form).out
        assert [mark for mark in MARKS if mark not in out] == [], form
    shown = hostile_desk.done("show", "-", stdin=hostile_desk.done("list", "--all", "-q").out).out
    assert [mark for mark in MARKS if mark not in shown] == []


def test_markup_and_templates_are_shown_as_they_were_written(hostile_desk: HostileDesk) -> None:
    wide = hostile_desk.done("list", "--all", "--limit", "0", "--format", "table").out
    for name in ("markup", "emoji code", "template", "html", "shell", "json", "sql"):
        text = PAYLOADS[name].strip()
        assert text in wide, name
        assert text in hostile_desk.printed["check"].out, name


def test_hidden_marks_are_seen(hostile_desk: HostileDesk) -> None:
    for out in (hostile_desk.done("list", "--all").out, hostile_desk.printed["check"].out):
        for number in (0x202E, 0x2066, 0x200B, 0x200D, 0xFEFF, 0xAD, 0x34F, 0x3164, 0xE0041, 0xE0101, 0x17B4):
            assert f"⟨U+{number:04X}⟩" in out


@pytest.mark.parametrize("window", RECORDS)
@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_is_valid_and_harmless(hostile_desk: HostileDesk, window: str, form: str) -> None:
    result = hostile_desk(*PLAIN[window], "--format", form)
    assert result.code == 0, result.err
    # What is escaped is exact; a pile of marks is data, and a terminal has it on one line.
    assert harm(result.out, marks=True) == []
    if form == "json":
        assert json.loads(result.out) is not None
    else:
        assert all(isinstance(json.loads(line), dict) for line in result.out.split("\n") if line)


def test_json_has_what_was_written(hostile_desk: HostileDesk) -> None:
    numbers = hostile_desk.done("list", "--all", "-q").out
    for out in (
        hostile_desk.done("list", "--all", "--json").out,
        hostile_desk.done("show", "-", "--json", stdin=numbers).out,
    ):
        found = {ticket["subject"]: ticket for ticket in json.loads(out)}
        assert found.keys() == hostile_desk.kept.keys()
        for subject, written in hostile_desk.kept.items():
            tags = {"tags": [dashed(tag) for tag in written["tags"]]} if "tags" in written else {}
            kept = written | tags  # tags have no blanks and commas; a history that has some gets in all the same
            ticket = found[subject] | {"tags": [tag for tag in found[subject]["tags"] if tag in kept.get("tags", ())]}
            assert {name: ticket[name] for name in kept} == kept
    bodies = {message["body"] for ticket in found.values() for message in ticket["messages"] if message["body"]}
    assert {*TEXTS, "\n".join(TEXTS)} <= bodies


def test_the_log_has_the_actors_and_reasons(hostile_desk: HostileDesk) -> None:
    events = json.loads(hostile_desk.done("audit", "list", "--json").out)
    actors = {event["actor"] for event in events}
    # Through the history each came by itself, through the environment several together.
    assert {text.strip() for text in (*TEXTS, *chunks(TEXTS, 190))} <= actors
    reasons = [event["detail"].get("reason", "") for event in events]
    assert all(any(text.strip() in reason for reason in reasons) for text in TEXTS)


@pytest.mark.parametrize("window", [*RECORDS, "explain"])
def test_csv_has_no_formulas(hostile_desk: HostileDesk, window: str) -> None:
    out = hostile_desk.done(*PLAIN[window], "--format", "csv").out
    check_csv(out)


@pytest.mark.parametrize("events", [(), ("--events",)])
def test_exported_csv_has_no_formulas(hostile_desk: HostileDesk, events: tuple[str, ...]) -> None:
    out = hostile_desk.done("export", "--format", "csv", *events).out
    check_csv(out)
    assert [mark for mark in (MARKS if not events else FIRST) if mark not in out] == []


def check_csv(out: str) -> None:
    assert harm(out) == []
    rows = list(csv.reader(io.StringIO(out, newline="")))
    assert len(rows) > 1
    assert {len(row) for row in rows} == {len(rows[0])}
    assert out.count("\n") == len(rows)
    # Where the comma is a decimal one, a spreadsheet splits at semicolons, and a quote within a cell means nothing.
    for delimiter in (",", ";", "\t"):
        read = csv.reader(io.StringIO(out, newline=""), delimiter=delimiter)
        cells = [cell for row in read for cell in row if not re.fullmatch(r"-?\d+(\.\d+)?", cell)]
        assert [cell for cell in cells if cell.lstrip().startswith(FORMULA)] == [], delimiter


def test_an_export_is_harmless_and_goes_back_in_without_a_loss(hostile_desk: HostileDesk, tmp_path: Path) -> None:
    first = hostile_desk.done("export").out
    assert harm(first, marks=True) == []
    assert [mark for mark in MARKS if mark not in first] == []
    other = HostileDesk(tmp_path)
    other.done("init")
    (tmp_path / "rules.toml").write_bytes((hostile_desk.folder / "rules.toml").read_bytes())
    other.done("import", "-", stdin=first)
    again = [json.loads(line) for line in other.done("export").out.split("\n") if line]
    assert again == [json.loads(line) for line in first.split("\n") if line]


class Page(HTMLParser):
    """What a page has in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.text = set[str](), list[tuple[str, str]](), ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("by", ["assignee", "tenant", "plan", "policy"])
def test_a_page_shows_it_and_runs_nothing(hostile_desk: HostileDesk, by: str) -> None:
    out = hostile_desk.done("report", "--by", by, "--html", "-").out
    assert harm(out) == []
    page = Page(out)
    assert page.tags.isdisjoint({"script", "img", "a", "link", "iframe", "object", "base", "form"})
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "href", "style")]
    for name in ("markup", "template", "html", "shell", "json", "csv"):
        assert PAYLOADS[name] in page.text, name


def test_the_metrics_are_harmless_and_can_be_read(hostile_desk: HostileDesk) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    text = (hostile_desk.folder / "slactl.prom").read_text(encoding="utf-8")
    assert harm(text) == []
    families = {family.name: family for family in text_string_to_metric_families(text)}
    levels = {sample.labels["level"] for sample in families["slactl_escalations"].samples}
    assert {PAYLOADS[name] for name in ("markup", "html", "json", "csv", "shell")} <= levels


def test_what_check_prints_does_nothing(hostile_desk: HostileDesk) -> None:
    check = hostile_desk.printed["check"]
    assert harm(check.out) == []
    assert harm(check.err) == []
    # The first twenty levels that fired, with the names that the rules gave them, and how many more there are.
    before, more, _ = check.out.partition(" more: slactl runs show ")
    fired = [line for line in before.split("\n") if line.startswith("  ticket ")]
    assert (len(fired), bool(more)) == (SHOWN, True)
    assert any(f" {text}/{text}, fired" in line for text in PAYLOADS.values() for line in fired)
    assert not [line for line in check.out.split("\n") if line.startswith(("error:", "hint:", "Bcc:"))]


@pytest.mark.parametrize("form", ["table", pytest.param("csv", marks=pytest.mark.full)])
def test_changed_rules_do_nothing(hostile_desk: HostileDesk, tmp_path: Path, form: str) -> None:
    written = (hostile_desk.folder / "rules.toml").read_text(encoding="utf-8")
    changed = tmp_path / "rules.toml"
    changed.write_text(
        written.replace('resolution = "200h"', 'resolution = "900h"').replace("at = ", 'priority = "high"\nat = ')
    )
    for words in (("rules", "diff"), ("rules", "apply", "-n")):
        result = hostile_desk.done(*words, "--format", form, SLACTL_RULES=str(changed))
        assert result.out.count("\n") > len(TEXTS)
        assert harm(result.out, tabs=form == "plain", marks=form == "json") == []
        assert harm(result.err) == []
        if form == "csv":
            check_csv(result.out)


def simulated(desk: HostileDesk, *words: str) -> str:
    from hostile_desk import history

    lines = "".join(json.dumps(line) + "\n" for line in history("replayed"))
    return str(desk.done("simulate", "-", *words, stdin=lines).out)


@pytest.mark.parametrize("words", [(), ("--compare", FILE_NAME, "--by", "plan")], ids=["alone", "compared"])
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_replay_does_nothing(
    hostile_desk: HostileDesk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: str, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(hostile_desk.folder / "rules.toml", FILE_NAME)
    out = simulated(hostile_desk, *words, "--format", form)
    assert harm(out, tabs=form == "plain", marks=form.startswith("json")) == []
    if form == "csv":
        assert out.count("\n") == len(list(csv.reader(io.StringIO(out, newline=""))))
    if not words:
        assert all(marked("", "replayed", number) in out for number in range(20))


def test_tests_of_rules_do_nothing(hostile_desk: HostileDesk, tmp_path: Path) -> None:
    import tomli_w

    cases = [
        {
            "name": text,
            "history": [{"ticket": text.strip(), "at": "2026-03-02T09:00:00Z", "type": "created", "plan": text}],
            "expect": [{"ticket": text.strip(), "target": "resolution", "state": "met", "at": "2026-03-02T09:30:00Z"}],
            "fires": [{"ticket": text.strip(), "escalation": text, "level": text, "at": "2026-03-02T09:20:00Z"}],
        }
        for text in TEXTS
    ]
    (tmp_path / "tests.toml").write_text(tomli_w.dumps({"test": cases}))
    result = hostile_desk("rules", "test", str(tmp_path / "tests.toml"))
    assert (result.code, result.out.count("FAIL")) == (4, len(TEXTS)), result.err
    assert harm(result.out) == []
    assert harm(hostile_desk("rules", "test", str(tmp_path / "tests.toml"), "--json").out, marks=True) == []


@pytest.mark.parametrize("number", range(0, len(TEXTS), 11))
def test_an_explanation_does_nothing(hostile_desk: HostileDesk, number: int) -> None:
    for form in ("table", "plain", "json", "csv"):
        out = hostile_desk.done("explain", str(number + 1), "--format", form).out
        assert harm(out, tabs=form == "plain", marks=form == "json") == [], form


def test_a_shell_is_offered_words_alone(hostile_desk: HostileDesk) -> None:
    import os
    import subprocess
    import sys

    for words, line in (("slactl show ", "slactl show "), ("slactl list @", "slactl list @")):
        settings = {"_SLACTL_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": "2"}
        done = subprocess.run(
            [sys.executable, "-m", "slactl"], env=os.environ | hostile_desk.settings | settings, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        offered = done.stdout.split("\n")
        assert len(offered) > 2, (words, done.stderr)
        assert [word for word in offered if word and not re.fullmatch("@?[A-Za-z0-9_.-]+", word)] == []


def test_a_search_takes_no_wildcards(hostile_desk: HostileDesk) -> None:
    def found(text: str) -> int:
        return len(hostile_desk.done("list", "--all", "-q", f"--search={text}").out.split())

    assert found("%_' OR 1=1; DROP") >= len(DOORS)
    assert found("a%e") == found("_____") == found("' OR '1'='1") == 0
    assert len(DOORS) <= found(PAYLOADS["bidi"]) < len(MARKS)


def test_what_the_file_has_against_its_history_is_told_and_does_nothing(messed: HostileDesk) -> None:
    """Whoever may write the file can put anything into it."""
    with closing(sqlite3.connect(messed.folder / "slactl.db", isolation_level=None)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE event SET actor = ? WHERE id = 5", (PAYLOADS["cursor"] + PAYLOADS["bidi"],))
        connection.execute("UPDATE ticket SET subject = ? WHERE id = 1", (PAYLOADS["zalgo"],))
    for code, words in ((6, ["audit", "verify"]), (7, ["doctor", "--rebuild", "--dry-run"])):
        result = messed(*words)
        assert (result.code, "Z\u0301" in result.out) == (code, True), result.err
        assert "fdp.exe" in result.out or words[0] == "doctor"
        assert harm(result.out, tabs=True) == []


@pytest.mark.parametrize("text", TEXTS, ids=PAYLOADS)
def test_a_doctor_on_a_terminal_draws_it_as_text(text: str) -> None:
    stream = io.StringIO()
    checks = [{"check": "rules", "ok": False, "found": f"{text}1", "fix": f"{text}2"}]
    draw_health({"checks": checks}, Screen(stream, color=True))
    assert stream.getvalue().count("\n") == 4
    assert harm(stream.getvalue(), colours=True) == []


def test_what_addresses_are_called_does_nothing(hostile_desk: HostileDesk, tmp_path: Path) -> None:
    import tomli_w

    rules = tmp_path / "rules.toml"
    for text in (PAYLOADS[name] for name in ("colour", "cursor", "bidi", "c1", "zalgo", "tabs")):
        rules.write_text(tomli_w.dumps({"schema": 1, "roles": {"lead": {"notify": [f"${{file:{text}}}"]}}}))
        for words in (["notify", "test", "lead", "-n"], ["notify", "test", "lead"]):
            result = hostile_desk(*words, SLACTL_RULES=str(rules))
            assert (result.code, "lead: ${file:" in result.out) == (7, True), result
            assert harm(result.out, tabs=True) == []
