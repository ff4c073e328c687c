"""A night on call, typed on a terminal of 80 and of 120 columns, and on a pipe; every line is checked."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from terminal import on_terminal
from vt import Screen

WIDTHS = (80, 120)

#: What is typed, the answer to a question if there is one, the exit code, and lines that must be seen (expressions).
NIGHT: list[tuple[str, str | None, int, list[str]]] = [
    ("list", None, 0, [r"^ +1  3h( \d+m)? late +first response  urgent .* nobody ", r"^3 tickets$"]),
    ("", None, 0, [r"VPN of the head offi", r"^next: slactl ", r"^      slactl show 1$"]),
    (
        "check",
        None,
        0,
        [r"^\w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d Europe/Berlin +2 tickets checked", r"^To support_manager:"],
    ),
    ("show 1", None, 0, [r"^Time zone +Europe/Berlin$", r"^Due +\w{3} .* late, first response$", r"^Escalations$"]),
    ("explain 1 --target resolution", None, 0, [r"^Calendar +always, always open$", r"^resolution  running  due "]),
    ("ack 1 --for 2h", None, 0, [r"^#1 acknowledged until .* Europe/Berlin, in 2h$", r"^undo: slactl undo \d+$"]),
    ("assign 1 me", None, 0, [r"^#1 assignee nobody → mia$"]),
    ('reply 1 --body "We look at it."', None, 0, [r"^#1 replied · status open → waiting customer · first response "]),
    ('note 1 "the router does not answer"', None, 0, [r"^#1 note added$"]),
    ("priority 2 P1", None, 2, [r"^error: 'P1' is not one of low, normal, high, urgent; P1 often means urgent$"]),
    ("priority 2 urgent", None, 0, [r"^#2 priority normal → urgent · first response due "]),
    ("undo", "y", 0, [r"Undo change \d+\?", r"^#2 priority urgent → normal · first response due "]),
    ('escalate 1 --reason "the provider is silent"', None, 0, [r"^#1 escalated · ", r"^undo: slactl undo \d+$"]),
    ("undo", "y", 0, [r"^#1 "]),
    ("show 1", None, 0, [r"^\d{4}-\d\d-\d\d .* retracted +the provider is silent|retracted +the provider"]),
    ('due 1 --target resolution --at "in 12h" --reason agreed', None, 0, [r"^#1 resolution resumes, due .* in 12h$"]),
    (
        'status 2 pending --until "mon 09:00"',
        None,
        0,
        [r"^#2 status open → pending .* opens again Mon 20\d\d-\d\d-\d\d 09:00 Europe/Berlin"],
    ),
    (
        'silence add --ticket 3 --for 2h --comment "known"',
        None,
        0,
        [r"^silence 1 holds messages about ticket 3 until "],
    ),
    ("silence list", None, 0, [r"^id +ends_at \(Europe/Berlin\) +ticket_id", r"^1 +\S+ \S+ +3 "]),
    ("history 1", None, 0, [r"^At \(Europe/Berlin\) .*Change", r"ticket\.retract"]),
    ("notifications list", None, 0, [r"^Message  Ticket  To +State .*Created \(Europe/Berlin\)"]),
    ("runs list", None, 0, [r"^ *Run  Started \(Europe/Berlin\) .*Exit$"]),
    ("runs show 1", None, 0, [r"^Time zone +Europe/Berlin$", r"^Levels$", r"first response overdue$"]),
    ("audit list --limit 3", None, 0, [r"^Ticket  At \(Europe/Berlin\) ", r"^the last 3; --limit 0 for all$"]),
    ("resolve 1", None, 0, [r"^#1 status waiting customer → resolved · resolution met$"]),
    ("summary", None, 0, [r"Europe/Berlin$"]),
    ("check", None, 0, [r" tickets? checked"]),
]
#: The commands that change something, and those that print tables.
WRITES = ("ack", "assign", "reply", "note", "escalate", "due", "status", "silence add", "resolve", "priority")
TABLES = ("list", "silence list", "history 1", "notifications list", "runs list", "audit list --limit 3")
#: What the day left behind.
DAY = (
    'create "VPN of the head office is down" --from jo@acme.example --plan enterprise --priority urgent --at "5h ago"',
    'create "Printer on the third floor shows a strange error, and nobody knows its words" --from kim@acme.example',
    'create "Invoice has a wrong name" --from lee@beta.example --plan pro --priority high --at "9h ago" --assignee bo',
)


@pytest.fixture
def desk(new_desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = shutil.copytree(new_desk, tmp_path / "desk")
    settings = {"DB": str(folder / "slactl.db"), "RULES": str(folder / "rules.toml"), "ACTOR": "mia"}
    for name, value in {**settings, "TZ": "Europe/Berlin"}.items():
        monkeypatch.setenv(f"SLACTL_{name}", value)
    monkeypatch.setenv("PAGER", "cat")
    for line in DAY:
        assert piped(line).returncode == 0
    return folder


def piped(line: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "slactl", *shlex.split(line)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def seen(line: str, answer: str | None, columns: int) -> tuple[int, list[str]]:
    """Return the exit code of a command on a terminal, and the lines that a person sees."""
    with on_terminal(sys.executable, "-m", "slactl", *shlex.split(line), columns=columns, rows=60) as terminal:
        if answer is not None:
            terminal.until("[y/N]")
            terminal.type(f"{answer}\n")
        code = terminal.wait()
        assert "\t" not in terminal.screen
        screen = Screen(400, columns)
        screen.feed(terminal.screen)
        written = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.screen).replace("\r", "").split("\n")
        assert max(map(cell_len, written)) <= columns or is_copied(written, columns), line
        return code, screen.text.rstrip().split("\n")


def is_copied(written: list[str], columns: int) -> bool:
    """Return whether the only lines that are too long are those that people copy, or have no place for a break."""
    long = [each for each in written if cell_len(each) > columns]
    return all(each.startswith(("hint: ", "undo: ")) or re.fullmatch(r" *\S+", each) for each in long)


def joined(lines: list[str]) -> list[str]:
    """Return the lines with those that continue after a break put together again."""
    whole: list[str] = []
    for line in lines:
        if whole and re.match(r"  \S", line) and re.match(r"#\d+ |error: |warning: |silence |\w{3} \d{4}-", whole[-1]):
            whole[-1] += line[1:]
        else:
            whole.append(line)
    return whole


def faults(lines: list[str], *, messages: bool) -> Iterator[str]:
    """Yield the lines that a tired person cannot use: codes, times of another zone, heads that were cut, doubled lines.

    The `messages` that `check` prints go to other people; they name times in UTC, and say so by a Z.
    """
    for place, line in enumerate(lines):
        if re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d", line) and not (messages and re.search(r"\dZ\b", line)):
            yield f"a time of another zone: {line}"
        if re.search(r"_sla_|waiting_customer|first_response|\bNone\b|\{\}|\[\]", line):
            yield f"a code: {line}"
        if not place and "  " in line and "…" in line:
            yield f"a head that was cut: {line}"
        if place and line.strip() and line == lines[place - 1]:
            yield f"a doubled line: {line}"


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.usefixtures("desk")
def test_on_a_terminal(columns: int) -> None:
    for line, answer, code, expected in NIGHT:
        ended, lines = seen(line, answer, columns)
        assert (line, ended) == (line, code), "\n".join(lines)
        assert list(faults(lines, messages=line == "check")) == [], line
        for expression in expected:
            assert any(re.search(expression, each) for each in joined(lines)), (line, expression, lines)


@pytest.mark.usefixtures("desk")
def test_on_a_pipe() -> None:
    for line, answer, code, _ in NIGHT:
        done = piped(line)
        assert (line, done.returncode) == (line, code), done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert "…" not in done.stdout, line
        assert all(each.partition(": ")[0] in ("error", "hint", "warning") for each in done.stderr.splitlines()), line
        if answer is not None or line.startswith(WRITES):
            assert re.fullmatch(r"(\d+\n)?", done.stdout), line  # scripts get the id alone
        for instant in re.findall(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S*", done.stdout if line in TABLES else ""):
            assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", instant), (line, instant)


@pytest.mark.parametrize(
    "line", ["list", "runs list", "notifications list", "audit list", "history 1 2", "silence list"]
)
@pytest.mark.usefixtures("desk")
def test_a_pipe_has_the_columns_of_a_terminal(line: str) -> None:
    for each in ("check", "silence add --ticket 3 --for 2h"):
        assert piped(each).returncode == 0
    names, *rows = (each.split("\t") for each in piped(f"{line} --header").stdout.splitlines())
    assert rows
    assert all(len(row) == len(names) for row in rows)
    _, shown = seen(line, None, 400)
    titles = re.split(r" {2,}", shown[0].strip())
    merged = {"overdue_seconds"} if line == "list" else set()  # a person reads it in the column of the deadline
    assert len(titles) == len([name for name in names if name not in merged]), (names, titles)
