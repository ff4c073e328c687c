"""Nothing is imported from the working directory or from beside the database, whatever somebody put there.

Every module of the standard library and of the installed packages has a namesake there that leaves a mark when it is
imported. `python -m` imports `runpy`, and what that needs, before slactl has a say; PYTHONPATH does the same for what
Python itself and the starter import. Those are out of reach, and left out here.
"""

import json
import os
import sqlite3
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import typer
from conftest import Receiver, Receivers, Slactl
from terminal import on_terminal

from slactl.cli.app import app
from slactl.config import shipped_rules
from slactl.store.schema import chain

STARTER = [str(Path(sysconfig.get_path("scripts")) / "slactl")]
MODULE = [sys.executable, "-m", "slactl"]

#: What the interpreter imports for `-m`, and the starter before slactl, each in a Python that sees nothing planted.
EARLY = "import runpy, re, sys; print(*sys.modules)"

TICKET = '{"ticket": "A-1", "at": "2026-03-02T09:00:00Z", "type": "created"}\n'
LETTER = """From: Eve <eve@example.org>
To: support@example.com
Subject: Fire
Message-ID: <1@example.org>
Content-Type: text/html

<p>Help!</p>
"""
CASE = """
[[test]]
name = "one"
history = [{ ticket = "A-1", at = "2026-03-02T09:00:00Z", type = "created", plan = "free" }]
expect = [{ ticket = "A-1", target = "first_response", due_at = "2026-03-04T09:00:00Z" }]
"""

#: Arguments with which every command does its work, in an order in which it can; `-` marks another word of a command.
STORY: dict[str, Sequence[str]] = {
    "init": [""],
    "demo": [""],
    "create": ["Fire --from ann@example.com --at 9d~ago", "Smoke --from bob@example.com --body - --at 9d~ago"],
    "tenant add": ["acme --plan pro"],
    "tenant set": ["acme --timezone Europe/Berlin"],
    "tenant list": ["", "--json"],
    "tenant show": ["acme"],
    "check": ["-n", "--metrics metrics.prom", "--json", "--board board.html"],
    "board": ["board.html", "-"],
    "list": ["", "--breached --json", "--format csv", "--all"],
    "show": ["1", "1 --json"],
    "reply": ["1 --body Hello"],
    "note": ["1 --body Hello"],
    "receive": ["1 --body Hello"],
    "assign": ["1 --to mia"],
    "priority": ["1 urgent"],
    "status": ["1 pending"],
    "resolve": ["1"],
    "reopen": ["1"],
    "close": ["1"],
    "tag": ["2 --add vip"],
    "edit": ["2 --subject Steam"],
    "due": ["2 --target resolution --at in~2h --reason asked"],
    "ack": ["2"],
    "unack": ["2"],
    "undo": ["--yes"],
    "escalate": ["2 --reason called"],
    "summary": ["", "--json"],
    "explain": ["2 --target resolution"],
    "report": ["--html report.html", "--json"],
    "objectives": ["", "--by plan"],
    "simulate": ["history.jsonl --compare rules.toml"],
    "import": ["history.jsonl"],
    "export": ["", "--format csv"],
    "map check": ["csv"],
    "mail": ["--maildir mails"],
    "sync": ["", "--json"],
    "history": ["2"],
    "watch": [""],
    "backup": ["copies/copy.db"],
    "restore": ["copies/copy.db --yes"],
    "doctor": ["", "--rebuild"],
    "rules check": [""],
    "rules show": [""],
    "rules test": ["cases.toml"],
    "rules path": [""],
    "rules set": ["settings.due_soon 3h"],
    "rules diff": [""],
    "rules apply": ["--yes"],
    "calendar add": ["office 2026-03-02T09:00:00Z 4h"],
    "calendar between": ["office 2026-03-02T09:00:00Z 2026-03-03T09:00:00Z"],
    "calendar is-open": ["office 2026-03-02T09:00:00Z"],
    "calendar show": ["office"],
    "audit list": ["", "--json"],
    "audit verify": ["", "--json"],
    "notify test": ["support_manager"],
    "notifications list": ["--json"],
    "notifications retry": ["1"],
    "notifications drop": ["1"],
    "silence add": ["--for 1h --ticket 2"],
    "silence list": [""],
    "silence expire": ["1"],
    "runs list": ["", "--json"],
    "runs show": ["1"],
    "oncall now": [""],
    "oncall list": [""],
    "oncall show": ["rota"],
    "oncall override": ["rota --to mia --from now --until 2199-01-01"],
    "oncall away": ["mia --from now --until 2199-01-01"],
    "oncall export": ["rota"],
    "oncall remove": ["1"],
    "erase": ["--requester ann@example.com --yes"],
    "help": ["--no-pager", "sql --no-pager", "list --no-pager"],
}

#: Refused in this state, or not whole, after doing the work of the command.
ALSO_GOOD = {"notifications retry": {5}, "notifications drop": {5}, "watch": {2}, "erase": {7}, "doctor": {7}}


def commands(group: Any, *names: str) -> Iterator[str]:  # noqa: ANN401  (Typer's own Click)
    for name in group.list_commands(None):
        found = group.get_command(None, name)
        if hasattr(found, "list_commands"):
            yield from commands(found, *names, name)
        else:
            yield " ".join([*names, name])


class Planted:
    """Folders full of namesakes, and which of them were imported."""

    def __init__(self, desk: Path, here: Path, receiver: Receiver) -> None:
        self.desk, self.here, self.receiver = desk, here, receiver
        self.marks = here.with_name("marks")
        self.marks.mkdir()
        for folder in (here, here / "lib", desk.parent):
            folder.mkdir(exist_ok=True)
            self.plant(folder)
        for folder in (here, here / "copies"):
            folder.mkdir(exist_ok=True)
        (here / "history.jsonl").write_text(TICKET)
        (here / "cases.toml").write_text(CASE)
        for name in ("new", "cur", "tmp"):
            (here / "mails" / name).mkdir(parents=True)
        (here / "mails" / "new" / "1.2.host").write_text(LETTER)
        (here / "rules.toml").write_text(shipped_rules().read_text())
        (here / "copies").chmod(0o700)

    def plant(self, folder: Path) -> None:
        installed = {name for name in packages_distributions() if name.isidentifier()}
        loaded = {name.partition(".")[0] for name in sys.modules}
        for name in {*sys.stdlib_module_names, *installed, *loaded, "sitecustomize", "usercustomize"}:
            (folder / f"{name}.py").write_text(f"open({str(self.marks / name)!r}, 'a').close()\n")
        # Some libraries import whatever an installed package says is a plugin of theirs.
        facts = folder / "evil-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
        plugins = [f"[{group}]\nevil = evil_plugin\n" for group in ("pydantic", "sqlalchemy.dialects", "apprise")]
        (facts / "entry_points.txt").write_text("".join(plugins))
        (folder / "evil_plugin.py").write_text(f"open({str(self.marks / 'evil_plugin')!r}, 'a').close()\n")

    def unplant(self, program: str) -> None:
        """Take away what Python itself imports before slactl can do anything about it."""
        out = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True).stdout
        for name in {*(each.partition(".")[0] for each in out.split()), "slactl", "sitecustomize", "usercustomize"}:
            for folder in (self.here, self.here / "lib"):
                (folder / f"{name}.py").unlink(missing_ok=True)

    def run(self, arguments: Sequence[str], starter: Sequence[str] = STARTER) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run([*starter, *arguments], capture_output=True, text=True, input="Hello", check=False)
        assert self.imported == [], (arguments, self.imported)
        return done

    @property
    def imported(self) -> list[str]:
        return sorted(each.name for each in self.marks.iterdir())


@pytest.fixture
def planted(desk: Path, tmp_path: Path, receiver: Receivers, monkeypatch: pytest.MonkeyPatch) -> Planted:
    hook = receiver("ok")
    rules = shipped_rules().read_text().replace("notify = []  ", f'notify = ["{hook.url}"]\n#')
    mail = '[mail]\naddress = "support@example.com"\n'
    rota = f'{mail}[people.mia]\n[schedules.rota]\ntimezone = "UTC"\n[[schedules.rota.layer]]\npeople = ["mia"]\n'
    desk.with_name("rules.toml").write_text(f"{rules}\n{rota}")
    found = Planted(desk, tmp_path / "here", hook)
    monkeypatch.chdir(found.here)
    return found


def sends_and_audits(planted: Planted, starter: Sequence[str]) -> None:
    """A late ticket whose message really goes out, a log with a great number in it, and a page with templates."""
    assert planted.run(["create", "Fire", "--from", "ann@example.com", "--at", "9d ago"], starter).returncode == 0
    assert planted.run(["check", "-q"], starter).returncode == 0
    assert len(planted.receiver.took) == 1
    append_far_ahead(planted.desk)
    verified = planted.run(["audit", "verify", "--json"], starter)
    assert json.loads(verified.stdout)["ok"], verified.stdout
    assert planted.run(["report", "--html", "report.html"], starter).returncode == 0
    assert planted.run(["rules", "check"], starter).returncode == 0


def append_far_ahead(desk: Path) -> None:
    """An event with a great number, as whoever may write to the database can append it."""
    connection = sqlite3.connect(desk)
    names = (*chain.SEALED, "hash")
    *first, _ = connection.execute(f"SELECT {', '.join(names)} FROM event ORDER BY id LIMIT 1").fetchone()
    last = connection.execute("SELECT hash FROM event ORDER BY id DESC LIMIT 1").fetchone()[0]
    row = dict(zip(chain.SEALED, first, strict=True)) | {"id": 100_000, "action": "ticket.note", "detail": "{}"}
    [sealed] = chain.sealed_rows(last, [row])
    with connection:
        connection.execute(f"INSERT INTO event ({', '.join(sealed)}) VALUES ({', '.join('?' * 9)})", [*sealed.values()])
    connection.close()


def test_nothing_is_imported_from_where_a_command_is_run(planted: Planted) -> None:
    sends_and_audits(planted, STARTER)


def test_a_module_run_by_name_leaves_the_working_directory_at_once(planted: Planted) -> None:
    planted.unplant(EARLY)
    sends_and_audits(planted, MODULE)


@pytest.mark.parametrize("path", ["", ":", ".", ":lib", "lib:.", "{here}", "{here}/lib/..:{here}"])
def test_a_path_that_names_the_working_directory_is_not_followed(
    planted: Planted, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    planted.unplant(EARLY)
    monkeypatch.setenv("PYTHONPATH", path.format(here=planted.here))
    assert planted.run(["notify", "test", "support_manager"]).returncode == 0
    assert len(planted.receiver.took) == 1


def test_a_working_directory_that_is_gone_stops_nobody(desk: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    script = 'mkdir "$1" && cd "$1" && rmdir "$1" && shift && exec "$@" list --json'
    for starter in (STARTER, MODULE):
        done = subprocess.run(
            ["sh", "-c", script, "sh", str(gone), *starter], capture_output=True, text=True, check=False
        )
        assert (done.returncode, json.loads(done.stdout)) == (0, []), done.stderr


def test_the_folder_of_the_installed_packages_is_a_working_directory_like_any_other(desk: Path) -> None:
    for folder in (sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"), sysconfig.get_path("scripts")):
        for starter in (STARTER, MODULE):
            done = subprocess.run([*starter, "rules", "check"], cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr


def test_every_command_is_in_the_story() -> None:
    assert sorted(commands(typer.main.get_command(app))) == sorted(STORY)


@pytest.mark.full
@pytest.mark.parametrize("on_screen", [False, True])
def test_no_command_imports_anything_from_where_it_is_run(planted: Planted, on_screen: bool) -> None:
    def on_pipe(arguments: Sequence[str]) -> tuple[int, str]:
        done = planted.run(arguments)
        return done.returncode, done.stderr

    run = _on_screen(planted) if on_screen else on_pipe
    for command, lines in STORY.items():
        for line in lines:
            words = [word.replace("~", " ") for word in line.split()]
            if on_screen:
                words = [{"-": "Hello"}.get(word, word) for word in words]
            code, said = run([*command.split(), *words])
            assert code in {0, *ALSO_GOOD.get(command, ())}, (command, line, said)
            assert planted.imported == [], (command, line)
    assert planted.receiver.took


def _on_screen(planted: Planted) -> Callable[[Sequence[str]], tuple[int, str]]:
    def run(arguments: Sequence[str]) -> tuple[int, str]:
        with on_terminal(*STARTER, *arguments) as terminal:
            if arguments[0] == "watch":
                terminal.until("Steam")
                terminal.type("q")
            return terminal.wait(), terminal.screen

    return run


@pytest.mark.full
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_imports_nothing_from_where_it_is_run(
    planted: Planted, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    slactl("create", "Fire", "--from", "ann@example.com")
    assert planted.run(["--show-completion", shell]).returncode == 0
    for variable, text in {
        "_SLACTL_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "slactl show ",
        "COMP_CWORD": "2",
    }.items():
        monkeypatch.setenv(variable, text)
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "slactl show ")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    assert "1" in planted.run([]).stdout
    assert os.getcwd() == str(planted.here)
