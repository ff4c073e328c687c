"""`slactl help`, `--help` and bare `slactl`: what a person sees first, on a terminal and on a pipe."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Slactl
from terminal import on_terminal
from test_complete import every_command

from slactl.cli.commands import COMMANDS, GROUPS, HEADINGS
from slactl.show import guide

RUN = (sys.executable, "-m", "slactl")


def test_bare_slactl_without_a_database_fits_on_one_screen(slactl: Slactl) -> None:
    shown = slactl()
    assert (shown.code, shown.err) == (0, "")
    assert len(shown.lines) <= 23
    assert max(map(len, shown.lines)) <= 80
    for name in (*COMMANDS, *GROUPS):
        assert re.search(rf"\b{name}\b", shown.out), name
    assert "slactl demo" in shown.out


def test_bare_slactl_with_a_database_says_where_it_stands(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--priority", "urgent", "--at", "3d ago")
    slactl("create", "Scanner", "--from", "ann@example.com", "--assignee", "mia")
    first, second, *_ = slactl().lines
    assert first == "2 open tickets · 1 overdue · 0 due soon · 1 unassigned"
    assert second.startswith("#1 ")
    assert second.endswith(" late, urgent, nobody: Printer on fire")
    slactl("check", "-q")
    assert "last successful check" in slactl().out
    with on_terminal(*RUN) as terminal:
        assert terminal.wait() == 0
        assert "Printer on fire" in terminal.screen
        assert terminal.screen.count("\n") <= 23


@pytest.mark.parametrize("command", ["rules check", "list", "explain"])
def test_help_shows_the_options_of_the_output_last(slactl: Slactl, command: str) -> None:
    headings = re.findall(r"^(\w+):$", slactl(*command.split(), "--help").out, re.MULTILINE)
    assert headings[-1] == "Output"


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("list", "ids"),
        ("objectives", "the names of the goals"),
        ("calendar show", "the dates"),
        ("rules show", "the names of the policies"),
        ("map check", "the names of slactl's columns"),
        ("oncall now", "the names of the people"),
        ("tenant set", "the name of the tenant"),
    ],
)
def test_help_says_what_quiet_prints(slactl: Slactl, command: str, printed: str) -> None:
    assert f"Print only {printed}.\n" in slactl(*command.split(), "--help").out


def test_bare_slactl_with_a_broken_database_is_an_error(tmp_path: Path, slactl: Slactl) -> None:
    (tmp_path / "text.db").write_text("no database")
    assert slactl("--db", str(tmp_path / "text.db")).code == 6


def test_help_lists_every_command_and_every_topic(slactl: Slactl) -> None:
    shown = slactl("help")
    assert (shown.code, shown.err) == (0, "")
    first = [line.split()[0] for line in shown.lines if line.startswith("  ")]
    assert first == [name for names in HEADINGS.values() for name in names] + guide.topics()
    assert [line for line in shown.lines if len(line) > 80] == []


@pytest.mark.parametrize(("name", "_"), list(every_command()), ids=[name for name, _ in every_command()])
def test_help_of_a_command_is_what_its_own_help_option_prints(name: str, _: object, slactl: Slactl) -> None:
    words = name.split()
    asked, own = slactl("help", *words), slactl(*words, "--help")
    assert (asked.code, own.code) == (0, 0)
    assert asked.out.startswith(own.out)


def test_a_topic_is_markdown_on_a_pipe(slactl: Slactl) -> None:
    assert slactl("help", "sql").out == guide.page("sql")
    assert slactl("help", "SQL").out == guide.page("sql")


def test_a_name_that_is_a_command_and_a_topic_shows_both(slactl: Slactl) -> None:
    shown = slactl("help", "rules")
    assert "Usage: slactl rules" in shown.out
    assert shown.out.endswith(guide.page("rules"))


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("messges",), "slactl help messages"),
        (("lst",), "slactl help list"),
        (("rules", "chek"), "slactl help rules check"),
        (("zzzz",), "slactl help"),
        (("list", "more"), "slactl help list"),
    ],
)
def test_an_unknown_name_is_usage_and_suggests_another(words: tuple[str, ...], hint: str, slactl: Slactl) -> None:
    shown = slactl("help", *words)
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.splitlines()[1] == f"hint: {hint}"
    assert slactl(*hint.split()[1:]).code == 0


def test_a_topic_that_is_typed_as_a_command_is_found(slactl: Slactl) -> None:
    shown = slactl("operations")
    assert (shown.code, shown.err.splitlines()[1]) == (2, "hint: slactl help operations")


@pytest.mark.parametrize("words", [(), *((name,) for name in GROUPS)], ids=lambda words: "-".join(words) or "slactl")
def test_nothing_is_cut_off_at_80_columns(
    words: tuple[str, ...], slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = slactl(*words, "--help")
    assert "..." not in shown.out.replace("[ARGS]...", "")
    listed = shown.out.partition("Commands:")[2] if words else shown.out.partition("Daily work:")[2]
    rows = [line for line in listed.splitlines() if line.startswith("  ") and not line.startswith("   ")]
    assert len(rows) >= 1
    assert not re.search(r"^ {4,}\S", listed, re.MULTILINE), "each text stands on one line"


def test_options_stand_under_headings(slactl: Slactl) -> None:
    headings = re.findall(r"^(\w[\w ]*):$", slactl("list", "--help").out, re.MULTILINE)
    assert headings == ["Arguments", "Filters", "Options", "Output"]
    assert "Output:\n  --format" in slactl("summary", "--help").out


def test_a_page_is_drawn_on_a_terminal_and_goes_through_the_pager(tmp_path: Path) -> None:
    pager = tmp_path / "pager"
    pager.write_text('#!/bin/sh\necho "paged with $LESS"; cat\n')
    pager.chmod(0o755)
    for columns in (80, 120):
        with on_terminal(*RUN, "help", "sql", columns=columns, environment={"PAGER": str(pager)}) as terminal:
            assert terminal.wait() == 0
            assert "paged with FRX" in terminal.screen
            assert "# Read the database" not in terminal.screen
            plain = re.sub(r"\x1b\[[0-9;]*m", "", terminal.screen)
            assert "Read the database with SQL" in plain
            assert max(map(len, plain.splitlines())) <= min(columns, 100) + 1


@pytest.mark.parametrize("topic", guide.topics())
def test_nothing_of_a_page_is_cut_at_80_columns(topic: str) -> None:
    environment = {"PAGER": "cat", "NO_COLOR": "1"}
    with on_terminal(*RUN, "help", topic, environment=environment) as terminal:
        assert terminal.wait() == 0
        own = subprocess.run([*RUN, "help", topic], capture_output=True, text=True, check=True).stdout
        assert terminal.screen.count("…") == own.count("…")
        assert max(map(len, terminal.screen.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (("--no-pager",), {"PAGER": "false"}),
        ((), {"PAGER": "cat"}),
        ((), {"PAGER": ""}),
        ((), {"PAGER": "/no/such"}),
        ((), {"PAGER": "less '"}),
    ],
)
def test_without_a_pager_the_page_is_printed(arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    with on_terminal(*RUN, "help", "sql", *arguments, environment=environment) as terminal:
        assert terminal.wait() == 0
        assert "Grafana" in terminal.screen


def test_a_terminal_without_unicode_gets_the_text_of_a_page() -> None:
    with on_terminal(*RUN, "help", "calendars", environment={"PYTHONIOENCODING": "ascii"}) as terminal:
        assert terminal.wait() == 0
        assert "# Calendars: when time counts" in terminal.screen


def test_colour_follows_the_option() -> None:
    with on_terminal(*RUN, "--color", "never", "help", "sql", "--no-pager") as terminal:
        assert terminal.wait() == 0
        assert "\x1b[" not in terminal.screen


def test_it_is_light_on_a_pipe() -> None:
    program = (
        "import sys; from slactl.__main__ import run; run(sys.argv[1:]);"
        " heavy = ('rich', 'pydantic', 'sqlmodel', 'sqlite3', 'tomllib');"
        " print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    for words in ((), ("help",), ("help", "sql"), ("--help",)):
        done = subprocess.run(
            [sys.executable, "-c", program, *words], capture_output=True, text=True, env=os.environ.copy(), check=True
        )
        assert done.stderr == "[]\n", words


def test_topics_and_commands_are_completed() -> None:
    def complete(line: str) -> list[str]:
        asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1), "_SLACTL_COMPLETE": "complete_bash"}
        program = "from slactl.__main__ import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, **asked}, check=False
        )
        return done.stdout.split()

    assert complete("slactl help esca") == ["escalate", "escalation"]
    assert complete("slactl help rules ch") == ["check"]
