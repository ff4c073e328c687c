"""Tickets with long texts and long histories: a terminal shows a part and says so, a pipe gets all of it."""

import json
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory
from terminal import on_terminal

OPENED = datetime(2026, 3, 2, 9, tzinfo=UTC)
#: Runs slactl and tells on stderr how much memory it took at most, in KiB.
MEASURED = """
import sys
from slactl.__main__ import run
code = run(sys.argv[1:])
sys.stdout.flush()
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
sys.stderr.write(f"\\n{peak.split()[1]}")
sys.exit(int(code))
"""


def lines(count: int, body: str) -> Iterator[str]:
    """A ticket with so many replies of both sides, each followed by a pause."""
    yield json.dumps({"ticket": "B", "at": OPENED.isoformat(), "type": "created", "subject": "big"})
    for number in range(count):
        at = (OPENED + timedelta(minutes=30 * number + 1)).isoformat()
        kind = "agent_reply" if number % 2 else "customer_reply"
        yield json.dumps({"ticket": "B", "at": at, "type": kind, "body": f"message {number}\n{body}"})
        for status, later in (("pending", 5), ("open", 10)):
            at = (OPENED + timedelta(minutes=30 * number + later)).isoformat()
            yield json.dumps({"ticket": "B", "at": at, "type": "status", "status": status})


def filled(slactl: Slactl, count: int, body: str) -> None:
    done = slactl("import", "-", "--baseline", stdin="\n".join(lines(count, body)))
    assert done.code == 0, done.err


def screen(*words: str) -> str:
    with on_terminal(sys.executable, "-m", "slactl", *words, rows=40, columns=120) as terminal:
        assert terminal.wait() == 0
        return terminal.screen


def measured(*words: str) -> tuple[str, int]:
    """What a process printed on a pipe, and its memory in KiB."""
    done = subprocess.run([sys.executable, "-c", MEASURED, *words], capture_output=True, check=True)
    return done.stdout.decode(), int(done.stderr.decode().rsplit("\n", 1)[1])


@pytest.mark.usefixtures("desk")
def test_terminal_shows_the_beginning_of_a_long_text(slactl: Slactl) -> None:
    filled(slactl, 3, "word " * 100_000 + "END")
    shown = screen("show", "1")
    assert [f"message {number}" in shown for number in range(3)] == [True] * 3
    assert "END" not in shown
    assert len(shown) < 30_000
    assert "only the beginning of 3 long texts shown; slactl show 1 --json shows all" in shown
    assert slactl("show", "1", "--json").out.count("END") == slactl("show", "1").out.count("END") == 3


@pytest.mark.usefixtures("desk")
def test_terminal_shows_the_first_lines_of_a_text_of_many(slactl: Slactl) -> None:
    filled(slactl, 1, "\n".join(f"line {number}" for number in range(200)))
    shown = screen("show", "1")
    assert ("line 38" in shown, "line 41" in shown) == (True, False)
    assert "the beginning of 1 long text shown" in shown


@pytest.mark.usefixtures("desk")
def test_text_that_fits_is_whole_and_nothing_is_said(slactl: Slactl) -> None:
    filled(slactl, 2, "short\ntext")
    assert "shows all" not in screen("show", "1") + screen("history", "1")


@pytest.mark.usefixtures("desk")
def test_terminal_shows_the_last_records_of_a_long_history(slactl: Slactl) -> None:
    filled(slactl, 120, "x")
    shown = screen("show", "1")
    assert ("message 119" in shown, "message 70" in shown, "message 69\r" in shown) == (True, True, False)
    assert "only the last 50 of 120 messages, the last 50 of " in shown
    assert "shown; slactl show 1 --json" in shown
    events = json.loads(slactl("history", "1", "--json").out)
    history = screen("history", "1")
    assert f"the last 50 of {len(events):,} events shown; --limit 0 for all" in history
    assert history.count("ticket.re") < 50
    assert len(screen("history", "1", "--limit", "0").splitlines()) > len(events)
    assert json.loads(slactl("history", "1", "--json", "--limit", "3").out) == events[-3:]
    explained = screen("explain", "1", "--target", "resolution")
    assert explained.count(": paused ") < 60
    assert "steps in all; slactl explain 1 --json shows all" in explained.replace("\r\n", " ")
    steps = json.loads(slactl("explain", "1", "--json").out)["timers"][-1]["steps"]
    assert len(steps) > 120


@pytest.mark.usefixtures("desk")
def test_erased_text_is_told_from_none(slactl: Slactl) -> None:
    slactl("create", "VPN", "--from", "cy@example.com", "--body", "of cy")
    slactl("reply", "1", "--body", "Hi")
    assert slactl("erase", "--requester", "cy@example.com", "--yes").code == 0
    assert "(erased)" in screen("show", "1")


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("count", [0, 1, 7])
def test_json_of_parts_that_are_streamed_is_that_of_the_whole(
    slactl: Slactl, clock: FrozenDateTimeFactory, count: int
) -> None:
    clock.move_to(OPENED + timedelta(days=1))
    filled(slactl, count, 'ü "quoted"\n\u202e')

    def again(record: Any, indent: int | None) -> str:  # noqa: ANN401  (any JSON)
        return json.dumps(record, ensure_ascii=False, indent=indent).replace("\u202e", "\\u202e")

    one, several = slactl("show", "1", "--json").out, slactl("show", "1", "B", "--json").out
    assert one == again(json.loads(one), 2) + "\n"
    assert several == "[\n" + ",\n".join(again(each, None) for each in json.loads(several)) + "\n]\n"
    line = slactl("show", "1", "--format", "jsonl").out
    assert line == again(json.loads(one), None) + "\n"
    assert json.loads(one)["events"] == json.loads(slactl("history", "1", "--json").out)
    assert len(json.loads(one)["messages"]) == count
    plain = slactl("show", "1").lines
    assert len([each for each in plain if each.startswith("message\t")]) == count
    assert ("messages\t" in plain) == (count == 0)
    assert slactl("show", "1", "99", "--json").code == 7
    assert (slactl("show", "99", "--json").code, slactl("show", "99", "--json").out) == (3, "")


@pytest.mark.full
@pytest.mark.usefixtures("desk")
def test_ticket_with_eighty_megabytes_is_shown_at_once(slactl: Slactl, tmp_path: Path) -> None:
    filled(slactl, 80, ("Grüße word " * 9 + "\n") * 9_900)
    for command in ("show 1", "history 1", "explain 1", "list"):
        begun = time.monotonic()
        shown = screen(*command.split())
        assert time.monotonic() - begun < 10, command
        assert len(shown) < 500_000
    for command in ("show 1", "show 1 --json", "history 1 --json", "explain 1 --json"):
        printed, memory = measured(*command.split())
        assert memory < 150_000, command
        assert (len(printed) > 78_000_000) == command.startswith("show")


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(
    "words",
    [
        *("show 1 --json", "show 1", "export", "export --format csv --events"),
        *("history 1 --json", "audit list --format jsonl", "list --json"),
    ],
)
def test_a_full_temporary_folder_is_named(
    slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    filled(slactl, 2, "long " * 20_000)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    program = "import sys; from slactl.show import records; from slactl.__main__ import run\n"
    program += "records.MANY, records.SPOOLED = 1, 1_000; sys.exit(run(sys.argv[1:]))"

    def fill() -> None:
        # SQLite needs a file of 32 KiB to read; so the limit is for the temporary file alone.
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    done = subprocess.run(
        [sys.executable, "-c", program, *words.split()], capture_output=True, text=True, preexec_fn=fill, check=False
    )
    assert done.stderr == (
        "error: a temporary file cannot be written: File too large; set TMPDIR to a folder with free space;"
        f" nothing was written\nhint: df -h {tmp_path}\n"
    )
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.usefixtures("desk")
def test_temporary_folders_that_take_no_file_are_named(
    slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(slactl, 2, "long " * 20_000)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    program = "import sys; from slactl.show import records; from slactl.__main__ import run\n"
    program += "records.SPOOLED = 1_000; sys.exit(run(['export']))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
        check=False,
    )
    assert done.stderr.startswith(
        f"error: a temporary file cannot be written: No usable temporary directory found in ['{tmp_path}'"
    )
    assert done.stderr.endswith(f"; nothing was written\nhint: df -h {tmp_path}\n")
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize("words", ["export", "export --format csv --events"])
def test_a_slow_reader_of_an_export_holds_no_transaction(desk: Path, slactl: Slactl, words: str) -> None:
    filled(slactl, 500, "long " * 400)
    command = [sys.executable, "-m", "slactl", *words.split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.read(1)
        assert slactl("note", "1", "--body", "meanwhile").code == 0
        with closing(sqlite3.connect(desk)) as connection:
            [is_busy, *_] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        rest = process.stdout.read()
    assert (process.returncode, is_busy) == (0, 0)
    assert (first + rest).count("message 499") == (words == "export")
