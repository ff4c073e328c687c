"""A stream that is not UTF-8 stops no command, and loses nothing: what it cannot write is escaped as in JSON."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Slactl

#: Beyond ASCII, beyond latin-1, and beyond sixteen bits.
TEXT = "é-Ω-😀"

#: Command → its words; FOLDER is a folder of its own.
COMMANDS = {
    "messages that are printed": "check",
    "a check to come": "check -n",
    "list as JSON": "list --json",
    "a page": "report --html -",
    "a live page": "board -",
    "rules of a tenant": f"rules show --tenant {TEXT}",
    "a backup": f"backup FOLDER/{TEXT}.db",
    "an error": f"show {TEXT}",
    "a sample": f"notify test {TEXT} -n",
}
REST = {
    "show": "show 1",
    "list as CSV": "list --format csv",
    "a value of the rules": f"rules set settings.ticket_url https://{TEXT}.example/{{id}} -n",
    "a file of rules": f"--rules FOLDER/{TEXT}.toml rules check",
    "init": f"--db FOLDER/{TEXT}.db --rules FOLDER/{TEXT}/rules.toml init",
    "history": "history 1",
    "explain": "explain 1",
    "explain as JSON": "explain 1 --format jsonl",
    "export": "export",
    "tenant": f"tenant show {TEXT}",
    "doctor": f"--db FOLDER/{TEXT}/none.db doctor",
    "erase": f"erase --requester {TEXT}@b.example -n",
    "an actor": f"audit list --actor {TEXT}",
    "calendar": f"calendar is-open {TEXT} now",
}
EVERY = [*COMMANDS, *(pytest.param(name, marks=pytest.mark.full) for name in REST)]

Ran = tuple[int, str, str]
Run = Callable[[str, str], Ran]


@pytest.fixture(scope="module")
def ran() -> dict[tuple[str, str], Ran]:
    """What was run before: each command once for each encoding."""
    return {}


@pytest.fixture
def run(desk: Path, slactl: Slactl, tmp_path: Path, ran: dict[tuple[str, str], Ran]) -> Run:
    """Run a command on a desk of its own, as a process whose streams have an encoding."""

    def process(command: str, encoding: str) -> Ran:
        if (command, encoding) not in ran:
            folder = tmp_path / "ran"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(desk.parent, folder)
            words = [word.replace("FOLDER", str(folder)) for word in (COMMANDS | REST)[command].split()]
            settings = {"SLACTL_DB": str(folder / "slactl.db"), "SLACTL_RULES": str(folder / "rules.toml")}
            done = subprocess.run(
                [sys.executable, "-m", "slactl", *words], capture_output=True, check=False,
                env=os.environ | settings | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
            )  # fmt: skip
            out = done.stdout.decode("utf-8" if {"--html", "board"} & {*words} else encoding)
            assert "JSON" not in command or ((out.isascii() or encoding == "utf-8") and json.loads(out))
            texts = [out, done.stderr.decode(encoding)]
            if encoding != "utf-8":
                texts = [unescaped(text) for text in texts]
            ran[command, encoding] = done.returncode, neutral(texts[0]), neutral(texts[1])
        return ran[command, encoding]

    rules = desk.with_name("rules.toml")
    named = f'[people."{TEXT}"]\nnotify = ["${{env:HOOK}}"]\n[calendars."{TEXT}"]\nalways_open = true\n'
    rules.write_text(f"{rules.read_text()}\n{named}")
    shutil.copy(rules, desk.with_name(f"{TEXT}.toml"))
    assert slactl("tenant", "add", TEXT, "--plan", "pro").code == 0
    whose = ("--plan", "pro", "--tenant", TEXT, "--assignee", TEXT, "--external-id", TEXT)
    for number in range(2):
        words = ("create", TEXT, "--from", f"{TEXT}@b.example", "--at", "5d ago", *whose[: -2 * number or None])
        assert slactl("--actor", TEXT, *words).code == 0
    return process


def neutral(text: str) -> str:
    """The text without what differs from run to run: folders, hashes, and all that has to do with time."""
    text = re.sub(r"/[^\s:]*/ran/", "FOLDER/", re.sub(r"\b[0-9a-f]{64}\b", "HASH", text))
    return re.sub(r"(\d[\d.,:TZ-]*[a-z%]* ?)+", "N", text)


def unescaped(text: str) -> str:
    return re.sub(r"(?:\\u[0-9a-f]{4})+", lambda match: str(json.loads(f'"{match[0]}"')), text)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("command", EVERY)
def test_a_stream_of_another_encoding_stops_nothing_and_loses_nothing(run: Run, command: str, encoding: str) -> None:
    found, expected = run(command, encoding), run(command, "utf-8")
    assert "unexpected" not in found[2]
    assert TEXT in expected[1] + expected[2] or command in ("explain", "explain as JSON", "erase", "calendar")
    assert found == expected


@pytest.mark.full
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_demonstration_ends_well(encoding: str, tmp_path: Path) -> None:
    settings = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "slactl", "demo"], capture_output=True, check=False, env=os.environ | settings
    )
    assert (done.returncode, done.stderr) == (0, b"")
    parts = done.stdout.decode(encoding).split("\n$ slactl ")
    assert [part.split("\n")[0] for part in parts[1:]] == ["check", "list --breached", "summary"]
