"""The shell's completion: commands, options, closed sets, ids and views; never what strangers wrote."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Slactl
from terminal import on_terminal

from slactl.cli.commands import COMMANDS, GROUPS

PROGRAM = "from slactl.__main__ import main; main()"


def complete(line: str, shell: str = "bash", **environment: str) -> list[str]:
    """What the shell is offered for a line; a blank at its end begins a new word."""
    words = line.split()
    place = len(words) if line.endswith(" ") else len(words) - 1
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(place)} if shell == "bash" else {"_TYPER_COMPLETE_ARGS": line}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        env={**os.environ, **asked, "_SLACTL_COMPLETE": f"complete_{shell}", **environment},
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture
def filled(desk: Path, slactl: Slactl) -> Path:
    """Twelve tickets with external ids, the last of them closed, two of them hostile."""
    hostile = {3: "$(touch owned)", 4: "`touch owned`"}
    for number in range(1, 13):
        external = hostile.get(number, f"INC-{number}")
        slactl("create", "Secret subject", "--from", "ann@example.com", "--external-id", external)
    slactl("close", "12")
    return desk


def test_commands(desk: Path) -> None:
    assert complete("slactl ") == [*COMMANDS, *GROUPS]
    assert complete("slactl es") == ["escalate"]
    assert "--install-completion" in complete("slactl --")


def test_options_and_words_of_closed_sets(desk: Path) -> None:
    assert complete("slactl list --due-") == ["--due-within"]
    assert complete("slactl list --status ") == ["open", "pending", "waiting_customer", "resolved", "closed"]
    assert complete("slactl list --target next") == ["next_response"]
    assert complete("slactl summary --by ten") == ["tenant"]


def test_no_ids_come_from_a_folder_that_everybody_may_write_to(filled: Path) -> None:
    filled.parent.chmod(0o777)
    assert complete("slactl show ") == []


def test_roles_and_people_of_the_rules(desk: Path) -> None:
    rules = desk.with_name("rules.toml")
    rules.write_text(rules.read_text() + '[roles.pager]\n[people.pam]\n[people."$(touch owned)"]\n')
    assert complete("slactl notify test pa") == ["pager", "pam"]
    assert complete("slactl escalate 1 --assign pa") == ["pam", "pager"]
    rules.write_text("roles = 1\n[people")
    assert complete("slactl notify test ") == []


def test_ids_of_tickets(filled: Path) -> None:
    assert complete("slactl show ") == [str(number) for number in range(1, 12)]  # the open ones
    assert complete("slactl show 1") == ["1", "10", "11", "12"]
    assert complete("slactl show 2 INC-1") == ["INC-1", "INC-10", "INC-11", "INC-12"]
    assert complete("slactl reply 12") == ["12"]
    assert complete("slactl show 0") == []


def test_no_number_is_offered_where_an_external_id_belongs(filled: Path, slactl: Slactl) -> None:
    slactl("create", "Secret subject", "--from", "ann@example.com", "--external-id", "001")
    slactl("create", "Secret subject", "--from", "ann@example.com", "--external-id", "17")
    assert complete("slactl show ext : 1") == []  # as bash passes ext:1
    assert complete("slactl show ext:1", "zsh") == [":"]
    assert complete("slactl show 0") == ["001"]
    assert complete("slactl show 1") == ["1", "10", "11", "12", "13", "14"]


def test_the_last_word_of_a_closed_set_comes_after_an_id(filled: Path) -> None:
    assert complete("slactl priority u") == []
    assert complete("slactl priority 3 u") == ["urgent"]
    assert complete("slactl status 3 res") == ["resolved"]
    assert "me" in complete("slactl assign 3 m")
    assert complete("slactl assign me") == []


def test_views(filled: Path) -> None:
    everyday = ["@past-first-response", "@past-resolution"]
    assert complete("slactl list @past") == everyday
    assert complete("slactl list @ past") == everyday  # how bash tells it
    with filled.with_name("rules.toml").open("a", encoding="utf-8") as rules:
        rules.write('[views.passing]\nbreached = true\n[views."a b"]\n[views."$(touch owned)"]\n')
    assert complete("slactl list @pas") == [*everyday, "@passing"]
    assert complete("slactl list @a") == []
    assert complete("slactl list @$") == []


def test_nothing_that_strangers_wrote_is_offered(filled: Path) -> None:
    for line in ("slactl show $", "slactl show `", "slactl show S", "slactl show \x00"[:-1], "slactl show a"):
        assert complete(line) in ([], [str(number) for number in range(1, 12)]), line
    assert "Secret" not in "".join(complete("slactl show ", "zsh"))


NAMES = """
[settings]
default_plan = "free"
[calendars.always]
always_open = true
[calendars.office]
weekly = { mon = ["09:00-17:00"] }
[[policy]]
name = "gold"
match = { plan = ["gold"], tenant = ["acme"], not = { tag = ["vip", "$(touch)"] } }
calendar = "always"
targets = { default = { resolution = "4h" } }
[[policy]]
name = "rest"
calendar = "always"
targets = { default = { resolution = "8h" } }
[roles.lead]
[people.mia]
[schedules.first-line]
layer = [{ people = ["mia"] }]
[[escalation]]
id = "resolution"
on = "resolution"
level = [{ id = "breach", at = "0m", notify = ["lead"] }, { id = "manager", at = "+1h", notify = ["lead"] }]
[[escalation]]
id = "idle"
on = "idle"
idle = { for = "8h" }
level = [{ id = "remind", at = "0m", notify = ["lead"] }]
"""


@pytest.fixture
def named(desk: Path, slactl: Slactl) -> Path:
    """Tickets of tenants with assignees and tags; some names would do harm in a shell."""
    desk.with_name("rules.toml").write_text("schema = 1\n" + NAMES)
    assert slactl("tenant", "add", "umbra", "--plan", "gold").code == 0
    assert slactl("tenant", "add", "$(touch owned)").code == 0
    opened = ("create", "Secret subject", "--from", "ann@example.com")
    for assignee, tag in (("zoe", "slow"), ("ben", "billing"), ("bea", "vip"), ("$(touch owned)", "`touch`")):
        assert slactl(*opened, "--assignee", assignee, "--tag", tag, "--tenant", "umbra").code == 0
    return desk


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("list --assignee ", "me bea ben zoe mia"),
        ("list --assignee be", "bea ben"),
        ("create x --assignee z", "zoe"),
        ("assign 1 --to ", "me bea ben zoe mia lead"),
        ("assign 1 --to=l", "lead"),
        ("escalate 1 --assign m", "me mia"),
        ("list --plan ", "free gold"),
        ("edit 1 --plan g", "gold"),
        ("list --tenant ", "umbra acme"),
        ("tenant show u", "umbra"),
        ("silence add --tenant a", "acme"),
        ("list --tag ", "billing slow vip"),
        ("tag 1 --add b", "billing"),
        ("list --fields assi", "assignee"),
        ("list --fields id,assi", "id,assignee"),
        ("list --fields id,status,pri", "id,status,priority"),
        ("list --fields id,i", ""),
        ("oncall show f", "first-line"),
        ("escalate 1 --escalation ", "resolution idle"),
        ("escalate 1 --escalation idle --level ", "remind"),
        ("escalate 1 --level ", "breach manager remind"),
        ("silence add --escalation i", "idle"),
        ("notify test ", "lead mia"),
        ("calendar show ", "always office"),
        ("calendar add o", "office"),
        ("list --color a", "auto always"),
        ("list --timezone Europe/Berl", "Europe/Berlin"),
        ("--timezone Europe/Berl", "Europe/Berlin"),
    ],
)
def test_names_of_the_database_and_of_the_rules(named: Path, line: str, expected: str) -> None:
    assert complete(f"slactl {line}") == expected.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "wants_file"),
    [
        ("--db ", True),
        ("list --db /t", True),
        ("list --rules=", True),
        ("import ", True),
        ("simulate x --rules ", True),
        ("rules check ", True),
        ("backup b", True),
        ("check --metrics ", True),
        ("create ", False),
        ("create x --from ", False),
        ("create x --at ", False),
        ("list --search ", False),
        ("list --assignee nobody-like-this", False),
        ("show nothing-like-this", False),
        ("note 1 --body ", False),
        ("due 1 --reason ", False),
        ("--actor ", False),
        ("list --actor ", False),
        ("tag 1 --add nothing-like-this", False),
    ],
)
def test_files_are_completed_only_where_a_file_belongs(named: Path, line: str, wants_file: bool, shell: str) -> None:
    variables = {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    files = {"bash": ":files", "zsh": "_files", "fish": ":files"}[shell]
    found = complete(f"slactl {line}", shell, **variables)
    assert found == ([files] if wants_file else [":"] if shell == "zsh" else [])


@pytest.mark.parametrize(
    "line", ["list --assignee ", "list --tenant ", "list --plan ", "list --tag ", "escalate 1 --level "]
)
def test_names_are_silent_whatever_is_wrong(named: Path, tmp_path: Path, line: str) -> None:
    rules = named.with_name("rules.toml")
    for text in (
        "policy = 1\nescalation = 2\npeople = 3",
        "[policy",
        "[[policy]]\nmatch = 1",
        "[[escalation]]\nlevel = 5",
    ):
        rules.write_text(text)
        complete(f"slactl {line}")  # which asserts that nothing is on stderr
    assert complete(f"slactl {line}", SLACTL_DB=str(tmp_path / "none.db")) in ([], ["me"])
    named.write_text("no database")
    assert complete(f"slactl {line}") in ([], ["me"])


def test_it_is_silent_whatever_is_wrong(tmp_path: Path) -> None:
    assert complete("slactl show ", SLACTL_DB=str(tmp_path / "none.db")) == []
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_text("no database")
    assert complete("slactl show ", SLACTL_DB=str(tmp_path / "text.db")) == []
    assert complete("slactl --db nowhere show ") == []
    assert complete("slactl nonsense ") == [*COMMANDS, *GROUPS] or complete("slactl nonsense ") == []
    (tmp_path / "rules.toml").write_text("[views")
    assert complete("slactl list @urg", SLACTL_RULES=str(tmp_path / "rules.toml")) == ["@urgent-soon"]


def test_the_database_and_rules_that_were_typed_count(filled: Path) -> None:
    assert complete(f"slactl --db {filled} show 12", SLACTL_DB="/nowhere") == ["12"]


def test_it_costs_no_heavy_import(filled: Path) -> None:
    program = (
        "import sys; from slactl.__main__ import run; run([]);"
        " heavy = ('pydantic', 'sqlmodel', 'rich', 'holidays', 'tomlkit', 'tomli_w');"
        " print([name for name in heavy if name in sys.modules])"
    )
    for line in ("slactl ", "slactl show 1", "slactl list @u", "slactl list --assignee ", "slactl list --tag "):
        environment = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            env={**os.environ, **environment, "_SLACTL_COMPLETE": "complete_bash"},
            check=False,
        )
        assert done.stdout.splitlines()[-1] == "[]", line


@pytest.mark.full
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_real_shell_completes_once_it_is_installed(filled: Path, tmp_path: Path, shell: str) -> None:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "slactl").write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{PROGRAM}' \"$@\"\n")
    (folder / "slactl").chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "only-a-file").touch()
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(home), "PS1": "> ", "XDG_CONFIG_HOME": ""}
    installed = subprocess.run(
        [path, "-c", "slactl --install-completion; true"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=True,
    )
    assert f"{shell} completion installed in {home}" in installed.stdout
    start = {"bash": ["--noprofile", "--rcfile", str(home / ".bashrc"), "-i"]}.get(shell, ["-i"])
    with on_terminal(path, *start, environment=environment) as terminal:
        terminal.type(f"cd {tmp_path}; echo rea''dy\r")
        terminal.until("ready")
        if shell == "zsh":  # the first time it only loads what was installed
            terminal.type("slactl esca\t")
            terminal.until("\x07")
            terminal.type("\x15")
        for typed, expected in (
            ("slactl esca\t", "escalate"),
            ("slactl show I\t", "NC-"),
            ("slactl list @urg\t", "@urgent-soon"),
            ("slactl list --due-w\t", "--due-within"),
            ("slactl notify test support_m\t", "support_manager"),
            ("slactl --db ./only-a-f\t", "only-a-file"),
            ("slactl list --db ./only-a-f\t", "only-a-file"),
        ):
            seen = len(terminal.screen)
            terminal.type(typed)
            terminal.until(expected, after=seen)
            terminal.type("\x15")  # the line is dropped
        seen = len(terminal.screen)
        terminal.type("slactl note only-a-f\t\t\x15echo fini''shed\r")
        terminal.until("finished", after=seen)
        assert "only-a-file" not in terminal.screen[seen:]
        assert "Traceback" not in terminal.screen


@pytest.mark.parametrize(
    ("shell", "part"), [("zsh", "#compdef slactl"), ("bash", "-F _slactl_completion"), ("fish", "complete --command")]
)
@pytest.mark.parametrize("form", ["{} {}", "{}={}", "--color never {} {}"])
def test_the_completion_of_the_shell_that_was_named_is_shown(slactl: Slactl, form: str, shell: str, part: str) -> None:
    shown = slactl(*form.format("--show-completion", shell).split())
    assert (shown.code, part in shown.out) == (0, True), shown.err


def test_the_completion_of_the_shell_that_was_named_is_installed(slactl: Slactl, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    done = slactl("--install-completion", "zsh")
    assert (done.code, done.out) == (0, f"zsh completion installed in {tmp_path}/home/.zfunc/_slactl\n")
    assert "#compdef slactl" in (tmp_path / "home" / ".zfunc" / "_slactl").read_text()


@pytest.mark.parametrize("option", ["--show-completion", "--install-completion"])
def test_a_shell_without_completion_is_refused(slactl: Slactl, tmp_path: Path, option: str) -> None:
    (tmp_path / "home").mkdir()
    refused = slactl(option, "tcsh")
    assert (refused.code, "'tcsh' is not" in refused.err) == (2, True), refused.err
    assert f"hint: slactl {option} bash" in refused.err
    assert list((tmp_path / "home").iterdir()) == []


def test_the_words_of_a_command_set_up_no_completion(desk: Path, slactl: Slactl) -> None:
    assert slactl("create", "--from", "ann@example.com", "--", "--show-completion").code == 0
    assert json.loads(slactl("show", "1", "--json").out)["subject"] == "--show-completion"


@pytest.mark.parametrize("words", ["--show-completion", "--show-completion --color never"])
def test_the_completion_of_the_shell_that_asks_is_shown_where_none_is_named(words: str) -> None:
    asked = f"{sys.executable} -m slactl {words}; true"
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert (done.stdout.partition("()")[0], done.stderr) == ("_slactl_completion", "")
