"""The view `default` of the rules: what `list` shows where no view is typed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Slactl

pytest_plugins = ["busy_desk"]

DEFAULT = '[views.default]\nassignee = "me"\nsort = "urgency"\n'


def ids(slactl: Slactl, *options: str) -> list[int]:
    result = slactl("list", "-q", *options)
    assert result.code == 0, result.err
    return [int(line) for line in result.lines]


@pytest.fixture
def rules(busy: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The rules of the busy desk, to which a test adds views."""
    there = tmp_path / "rules.toml"
    there.write_text(busy.rules.read_text(encoding="utf-8"), encoding="utf-8")  # type: ignore[attr-defined]
    monkeypatch.setenv("SLACTL_RULES", str(there))
    return there


def add(rules: Path, text: str) -> None:
    rules.write_text(rules.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_a_bare_list_shows_the_default_view_on_a_pipe_and_as_a_table(rules: Path, slactl: Slactl) -> None:
    assert ids(slactl) == [6, 4, 8, 5, 2, 7]
    add(rules, DEFAULT)
    assert slactl("rules", "check").code == 0
    assert ids(slactl) == [4, 2]
    assert [ticket["id"] for ticket in json.loads(slactl("list", "--json").out)] == [4, 2]
    table = slactl("list", "--format", "table").lines
    assert table[-1] == "2 tickets in @default; slactl list @open shows every open ticket"


def test_options_beside_the_default_view_add_to_it_or_replace_its_own(rules: Path, slactl: Slactl) -> None:
    add(rules, DEFAULT)
    assert ids(slactl, "--paused") == [2]
    assert ids(slactl, "--assignee", "bob") == [5]


def test_a_typed_view_takes_the_place_of_the_default_view(rules: Path, slactl: Slactl) -> None:
    add(rules, DEFAULT)
    assert ids(slactl, "@open") == [6, 4, 8, 5, 2, 7]
    assert ids(slactl, "@past-first-response") == [6]
    assert ids(slactl, "@default") == [4, 2]
    assert slactl("list", "@open", "--format", "table").lines[-1] == "6 tickets"


def test_without_the_view_there_is_no_name_default(rules: Path, slactl: Slactl) -> None:
    assert slactl("list", "@default").code == 3
    add(rules, "[views.mine]\nassignee = 'me'\n")
    assert ids(slactl) == [6, 4, 8, 5, 2, 7]


@pytest.mark.parametrize("text", ["[views.default]\nasignee = 'me'\n", "[views.default\n"])
def test_a_broken_default_view_keeps_nobody_from_looking(rules: Path, slactl: Slactl, text: str) -> None:
    add(rules, text)
    result = slactl("list", "-q")
    assert (result.code, result.lines) == (0, ["6", "4", "8", "5", "2", "7"])
    assert result.err.startswith("warning: ")
    assert result.err.endswith("; slactl lists without the view @default\n")


def test_the_default_view_costs_no_heavy_import(desk: Path, slactl: Slactl) -> None:
    add(desk.with_name("rules.toml"), DEFAULT)
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--assignee", "mia")
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--assignee", "bob")
    program = (
        "import sys; from slactl.__main__ import run; code = run(['list', '--assignee', 'bob', '-q']);"
        " heavy = ('pydantic', 'sqlmodel', 'rich', 'holidays', 'tomlkit', 'tomli_w');"
        " print(code, [name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ.copy(), check=False
    )
    assert (done.stdout, done.stderr.splitlines()[-1]) == ("2\n", "0 []")
