"""What must hold with real processes: nothing fires twice, whoever runs at the same time and whoever dies."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Slactl


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "slactl", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def counts(desk: Path) -> tuple[int, int]:
    """How many levels fired, and how many different ones."""
    with sqlite3.connect(desk) as connection:
        keys = "ticket_id || ' ' || kind || ' ' || cycle || ' ' || escalation || ' ' || level || ' ' || repeat"
        row = connection.execute(f"SELECT count(*), count(DISTINCT {keys}) FROM escalation").fetchone()
    return row[0], row[1]


@pytest.fixture
def late(desk: Path, slactl: Slactl) -> Path:
    """A desk with twenty tickets that nobody answered in time."""
    for number in range(20):
        made = slactl("create", f"Ticket {number}", "--from", "ann@example.com", "--assignee", "mia", "--at", "3d ago")
        assert made.code == 0, made.err
    return desk


def test_eight_checks_at_once_fire_nothing_twice(late: Path) -> None:
    running = [start("check", "--json") for _ in range(8)]
    ended = [(process.communicate(), process.returncode) for process in running]
    assert {code for _, code in ended} <= {0, 75}
    fired = [len(json.loads(out)["firings"]) for (out, _), code in ended if code == 0]
    assert sum(fired) == 20
    assert counts(late) == (20, 20)


def test_a_check_that_finds_the_lock_taken_is_silent_under_q(late: Path) -> None:
    import fcntl

    with open(late.with_name(late.name + ".lock"), "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        quiet, loud = start("check", "-q"), start("check")
        assert (quiet.communicate(), quiet.returncode) == (("", ""), 75)
        out, err = loud.communicate()
        assert (out, loud.returncode) == ("", 75)
        assert "another check is running" in err
    assert counts(late) == (0, 0)


def test_a_check_that_is_killed_loses_and_doubles_nothing(late: Path) -> None:
    """Killed after each of many delays, from before it read anything to after it wrote everything."""
    for step in range(12):
        process = start("check", "-q")
        try:
            process.communicate(timeout=0.1 * step)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        fired, different = counts(late)
        assert fired == different
        with sqlite3.connect(late) as connection:
            orphans = "SELECT count(*) FROM escalation WHERE event_id NOT IN (SELECT id FROM event)"
            assert connection.execute(orphans).fetchone() == (0,)
            messages = "SELECT count(*) FROM escalation WHERE id NOT IN (SELECT escalation_id FROM notification)"
            assert connection.execute(messages).fetchone() == (0,)
    last = start("check", "-q")
    last.communicate()
    assert last.returncode == 0
    assert counts(late) == (20, 20)


def test_eight_writers_at_once_lose_nothing(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Shared", "--from", "ann@example.com")
    running = [start("note", "1", "--body", f"note {number}") for number in range(8)]
    for process in running:
        _, err = process.communicate()
        assert process.returncode == 0, err
    found = json.loads(slactl("show", "1", "--json").out)
    assert {message["body"] for message in found["messages"]} == {f"note {number}" for number in range(8)}


@pytest.mark.parametrize("words", ["list", "list --format table", "summary", "show 1", "export", "check", "audit list"])
def test_a_closed_pipe_ends_with_141_and_without_a_word(late: Path, words: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "slactl", *words.split()], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_full_disk_behind_stdout_is_an_error_and_no_traceback(late: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "slactl", "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "error: No space left on device\n")


def test_streams_that_were_closed_before_the_start_are_no_error(late: Path) -> None:
    slactl = f"{sys.executable} -m slactl"
    script = f"{slactl} list >&- && {slactl} resolve - <&- && {slactl} nonsense 2>&-; echo $?"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("2\n", "")


@pytest.mark.parametrize("words", ["note 1 --body -", "resolve -", "import -"])
def test_an_interrupt_ends_with_130_and_writes_nothing(late: Path, words: str) -> None:
    before = late.read_bytes()
    process = subprocess.Popen(
        [sys.executable, "-m", "slactl", *words.split()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    # It is reading when it has taken more than a pipe holds.
    process.stdin.write("{}\n" * 50_000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    process.stdin.close()
    process.wait(timeout=60)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.returncode == 130
    assert "Traceback" not in process.stderr.read()
    assert late.read_bytes() == before


def test_the_reader_that_goes_away_is_no_error(late: Path) -> None:
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    done = subprocess.run(
        [
            "bash",
            "-c",
            f"set -o pipefail; {sys.executable} -m slactl list --format jsonl | head -n 1; echo ${{PIPESTATUS[0]}}",
        ],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.stdout.splitlines()[-1] in ("0", "141")
