"""The README says everything there is: commands, options, settings, exit codes; and what it says to type works."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Slactl, write_secret
from typer.main import get_command

from slactl.cli.app import app
from slactl.cli.commands import COMMANDS, GROUPS, SUMMARIES
from slactl.errors import ExitCode

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_every_command_is_in_it() -> None:
    for name in (*COMMANDS, *GROUPS):
        assert re.search(rf"`(slactl )?{name}\b", README), name


def test_every_command_of_every_group_is_in_it() -> None:
    root = get_command(app)
    for name in GROUPS:
        group = root.get_command(None, name)  # type: ignore[attr-defined]
        row = next(line for line in README.splitlines() if line.startswith("|") and f"`{name} " in line)
        for command in group.commands:
            assert f"`{command}`" in row or f"{name} {command}" in row, f"{name} {command}"


def test_every_option_is_in_the_help_or_the_readme() -> None:
    """What the README does not name stands in `--help`, which has an example for every command."""
    root = get_command(app)
    for name in COMMANDS:
        command = root.get_command(None, name)  # type: ignore[attr-defined]
        assert "Examples:" in (command.help or ""), name
        for parameter in command.params:
            assert parameter.name == "help" or getattr(parameter, "help", None), f"{name} {parameter.name}"


def test_every_global_option_and_environment_variable_is_in_it() -> None:
    for parameter in get_command(app).params:
        for option in parameter.opts:
            if option not in ("--help", "-h", "--install-completion", "--show-completion"):
                assert f"`{option}" in README or f" {option}" in README, option
    package = Path(__file__).parents[1] / "slactl"
    used = {name for path in package.rglob("*.py") for name in re.findall(r'"(SLACTL_[A-Z]+)"', path.read_text())}
    for name in (*used, "NO_COLOR", "FORCE_COLOR", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        assert name in README, name


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_in_it(code: ExitCode) -> None:
    assert re.search(rf"^\| {int(code)} \|", README, re.MULTILINE)


def test_the_two_commands_stand_there_as_they_are_typed() -> None:
    assert "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/slactl demo" in README
    assert "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/pytest" in README


def test_the_daily_round_works_as_typed(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    for number in range(3):
        slactl("create", f"Ticket {number}", "--from", "ann@example.com", "--at", "3d ago")
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "slactl"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m slactl "$@"\n')
    program.chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    rows = re.findall(r"^\| [^|]+ \| `((?:[^`|]|\\\|)+)` \|$", README, re.MULTILINE)
    typed = [row.replace("\\|", "|") for row in rows if row.startswith("slactl ") and row != "slactl watch"]
    assert len(typed) >= 12
    for line in typed:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"
    escalated = slactl("list", "--escalated", "-q").out.split()
    assert escalated == ["1", "2", "3"]


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="needs the sqlite3 shell")
def test_what_the_log_says_beside_ours(desk: Path, slactl: Slactl) -> None:
    recipe, shown = re.search(r"```sh\n(slactl import [^`]+made_sla[^`]+)```\n\n```\n([^`]+)```", README).groups()  # type: ignore[union-attr]
    typed = recipe.replace("slactl import", f"{shlex.quote(sys.executable)} -m slactl import")
    done = subprocess.run(
        ["bash", "-euc", typed], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1]
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(shown)


def test_the_cron_line_works_as_typed(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--at", "3d ago")
    line = next(line for line in README.splitlines() if line.startswith("*/5 "))
    command = line.split(" ", 5)[5]
    command = command.replace("/srv/desk/slactl.db", shlex.quote(str(desk)))
    command = command.replace("/etc/slactl/rules.toml", shlex.quote(str(desk.with_name("rules.toml"))))
    command = command.replace("/usr/local/bin/slactl", f"{shlex.quote(sys.executable)} -m slactl")
    # cron has next to no environment.
    bare = {"HOME": os.environ["HOME"], "PATH": "/usr/bin:/bin", "LOGNAME": "desk"}
    first = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, env=bare, check=False)
    assert (first.returncode, first.stderr) == (0, "")
    assert "first_response_sla_breached" in first.stdout
    again = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, env=bare, check=False)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_the_examples_of_messages_are_valid_rules(desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = desk.with_name("rules.toml")
    section = README[README.index("## Messages") : README.index("## Import and export")]
    blocks = "\n".join(re.findall(r"```toml\n(.*?)```", section, re.DOTALL))
    text = rules.read_text()
    begins, ends = text.index("[roles.support_manager]"), text.index("# What happens when it gets late")
    (customer,) = re.findall(r"`settings\.(customer_mail = .+?)`", section)
    rules.write_text((text[:begins] + blocks + "\n" + text[ends:]).replace("[settings]", f"[settings]\n{customer}"))
    slack = "https://hooks.slack.com/services/T1JHGJ4H5/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FA"
    monkeypatch.setenv("SLACTL_SLACK_URL", slack)
    monkeypatch.setenv("SMTP_LOGIN", "desk:p%40ss")
    write_secret(desk, "hook-token", "hunter2\n")
    found = slactl("rules", "check")
    assert (found.code, found.err) == (0, "")


def test_the_map_in_it_is_one(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    text = next(block for block in re.findall(r"```toml\n(.*?)```", README, re.DOTALL) if "[columns]" in block)
    (tmp_path / "mine.toml").write_text(text)
    rows = "Key,Created,Summary,Status,Assignee\nP-1,02.03.2026 10:00,Printer,To Do,Unassigned\n"
    done = slactl("import", "-", "--map", str(tmp_path / "mine.toml"), stdin=rows)
    assert (done.code, done.err) == (0, "")
    assert "2026-03-02T09:00:00Z" in slactl("list", "--fields", "external_id,created_at").out


def test_what_help_says_of_each_command_is_the_first_sentence_of_its_own_help() -> None:
    root = get_command(app)
    own = {name: root.get_command(None, name).get_short_help_str(limit=500) for name in (*COMMANDS, *GROUPS)}  # type: ignore[attr-defined]
    assert own == SUMMARIES
