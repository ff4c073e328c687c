"""A database that is not there: it is said before anything is read, and the hint is about the path that was typed."""

import io
import json
import os
import shlex
import sqlite3
import sys
from pathlib import Path

import pytest
from conftest import Slactl

from slactl.__main__ import run
from slactl.cli.commands import COMMANDS, GROUPS

#: Every command that reads its input from stdin where an argument is `-`.
READERS = (
    "create Printer --from ann@example.com --body -",
    "reply 1 --body -",
    "note 1 --body -",
    "receive 1 --body -",
    "show -",
    "history -",
    "assign - --to mia",
    "priority - high",
    "status - open",
    "resolve -",
    "close -",
    "reopen -",
    "tag - --add x",
    "edit - --subject x",
    "due - --target resolution --clear --reason x",
    "escalate - --reason x",
    "ack -",
    "unack -",
    "import -",
    "notifications retry -",
    "notifications drop -",
    "silence expire -",
    "oncall remove -",
)


class Untouched(io.BytesIO):
    """A stdin that remembers whether anybody read it."""

    was_read = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.was_read = True
        return super().read(size)

    def read1(self, size: int | None = -1, /) -> bytes:
        return self.read(size)

    def readline(self, size: int | None = -1, /) -> bytes:
        self.was_read = True
        return super().readline(size)


@pytest.mark.parametrize("line", READERS)
def test_missing_database_is_reported_before_the_input_is_read(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin = Untouched(b"1\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stdin))
    typed = tmp_path / "no such desk.db"
    assert run(["--db", str(typed), *line.split()]) == 6
    err = capsys.readouterr().err
    assert f"error: the database {typed} does not exist\n" in err
    assert not stdin.was_read
    assert err.splitlines()[-1] == f"hint: slactl --db {shlex.quote(str(typed))} init"


def test_every_command_that_documents_stdin_is_tried(slactl: Slactl) -> None:
    words = [[name] for name in COMMANDS if name != "help"]
    for group in GROUPS:
        listed = slactl(group, "--help").out.split("Commands:")[-1].splitlines()[1:]
        words += [[group, line.split()[0]] for line in listed]
    reading = [each for each in words if "stdin" in " ".join(slactl(*each, "--help").out.split())]
    assert len(reading) > 15
    for each in reading:
        # `mail` ends as mail servers expect, which its own tests try.
        assert each in (["simulate"], ["mail"]) or any(line.split()[: len(each)] == each for line in READERS), each


def test_typed_settings_are_in_every_hint(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    elsewhere, rules = tmp_path / "other.db", tmp_path / "other rules.toml"
    options = ("--db", str(elsewhere), "--rules", str(rules))
    typed = shlex.join(options)
    missing = slactl(*options, "list")
    assert missing.err.splitlines()[-1] == f"hint: slactl {typed} init"
    assert slactl(*shlex.split(missing.err.splitlines()[-1])[2:]).code == 0
    assert (elsewhere.exists(), rules.exists()) == (True, True)
    slactl(*options, "create", "Printer", "--from", "ann@example.com")
    slactl(*options, "close", "1")
    refused = slactl(*options, "reply", "1", "--body", "x")
    assert refused.err.splitlines()[-1] == f"hint: slactl {typed} reopen 1"
    several = slactl(*options, "close", "1", "7")
    assert (several.code, several.err.count(f"hint: slactl {typed} ")) == (7, 2), several.err
    desk.unlink()
    assert slactl("list").err.splitlines()[-1] == "hint: slactl init"
    assert slactl("--rules", str(rules), "lst").err.splitlines()[-1] == "hint: slactl list"


def test_doctor_repairs_the_database_that_was_typed(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute("DROP VIEW breach_view")
    connection.close()
    rules = str(desk.with_name("rules.toml"))
    monkeypatch.delenv("SLACTL_DB")
    found = json.loads(slactl("--db", str(desk), "--rules", rules, "doctor", "--json").out)
    [fix] = [each["fix"] for each in found["checks"] if not each["ok"]]
    assert fix == f"slactl --db {desk} --rules {rules} doctor --rebuild"
    assert slactl(*fix.split()[1:]).code == 0
    assert os.path.exists(desk)
    assert slactl("--db", str(desk), "--rules", rules, "doctor").code == 0


def test_a_link_to_nowhere_is_not_said_to_be_missing(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    link, circle = tmp_path / "link.db", tmp_path / "circle.db"
    link.symlink_to(tmp_path / "gone.db")
    circle.symlink_to(circle)
    for words in (["list"], ["init"]):
        refused = slactl("--db", str(link), *words)
        assert refused.code == 6
        assert refused.err.splitlines() == [
            f"error: the database {link} is a link to {tmp_path / 'gone.db'}, which does not exist",
            f"hint: ls -l {link}",
        ]
        refused = slactl("--db", str(circle), *words)
        assert (refused.code, refused.err.splitlines()[0]) == (
            6,
            f"error: {circle} cannot be opened: Too many levels of symbolic links",
        )
    assert (link.is_symlink(), (tmp_path / "gone.db").exists()) == (True, False)


def test_a_name_that_no_database_can_have_gets_no_hint_to_create_it(desk: Path, slactl: Slactl) -> None:
    for path, why in ((desk / "x.db", "Not a directory"), (desk.with_name("x" * 300), "File name too long")):
        refused = slactl("--db", str(path), "list")
        assert (refused.code, refused.err.splitlines()[0]) == (6, f"error: {path} cannot be opened: {why}")
