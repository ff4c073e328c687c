"""The tables of operations have the messages as commands print them, each with its exit code."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from conftest import Slactl
from pages import rows

#: Run a command that waits for the database for a moment only.
HASTY = """
import sys
from slactl.store.sqlite import connection
from slactl.__main__ import run
connection.BUSY_SECONDS = 0.1
sys.exit(run(sys.argv[1:]))
"""


def patterns() -> Iterator[tuple[int, re.Pattern[str]]]:
    """Each message of the tables with its exit code; an ellipsis or a number stands for any."""
    for cell, *_ in rows("operations", "what you see"):
        code = re.search(r"\((\d+)\)$", cell)
        if code is None:
            continue
        for text in re.findall("`([^`]+)`", cell):
            escaped = re.sub(r"\d[\d,]*", lambda _: r"[\d.,]+", re.escape(text))
            yield int(code[1]), re.compile(f"{escaped.replace('…', '.+?')}(; nothing was written)?$")


def assert_has_row(error: str, code: int) -> None:
    first = error.splitlines()[0]
    assert any(code == known and pattern.search(first) for known, pattern in patterns()), (first, code)


@contextmanager
def importing(folder: Path, *python: str) -> Iterator[subprocess.Popen[str]]:
    """An import that has stored a part, while another program holds the database."""
    file, database = folder / "history.jsonl", folder / "slactl.db"
    facts = {"at": "2026-03-02T09:00:00Z", "type": "created", "subject": "x"}
    file.write_text("".join(json.dumps({"ticket": f"T{number}", **facts}) + "\n" for number in range(20_000)))
    command = [sys.executable, *python, "--db", str(database), "import", str(file)]
    with (
        closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as other,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
    ):
        while not other.execute("SELECT count(*) FROM ticket").fetchone()[0]:
            pass
        while not other.in_transaction:  # SQLite's own waiting would miss the moments between two batches
            with suppress(sqlite3.OperationalError):
                other.execute("BEGIN IMMEDIATE")
        yield process


@pytest.mark.parametrize("is_stopped", [True, False])
def test_an_import_that_stops_after_a_part(desk: Path, is_stopped: bool) -> None:
    with importing(desk.parent, *(["-m", "slactl"] if is_stopped else ["-c", HASTY])) as process:
        if is_stopped:
            process.send_signal(signal.SIGINT)
        _, error = process.communicate()
    assert "tickets were created; run the command again to do the rest" in error
    assert_has_row(error, process.returncode)
    assert process.returncode == (130 if is_stopped else 7)


def test_an_erasure_that_stops_before_the_file_is_rewritten(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Fire", "--from", "ann@example.com", "--body", "It burns.")
    command = [sys.executable, "-m", "slactl", "erase", "--requester", "ann@example.com", "--yes"]
    with (
        closing(sqlite3.connect(desk, isolation_level=None)) as reader,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
    ):
        reader.execute("BEGIN")
        while not reader.execute("SELECT count(*) FROM event WHERE action = 'ticket.erase'").fetchone()[0]:
            reader.execute("ROLLBACK")
            reader.execute("BEGIN")
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
    assert_has_row(error, process.returncode)
    assert process.returncode == 130
    [finding] = [each for each in json.loads(slactl("doctor", "--json").out)["checks"] if each["check"] == "erasure"]
    [row] = [cells for cells in rows("operations", "what you see") if cells[0].startswith("`erasure`")]
    assert finding["found"].startswith(row[0].split("`")[3])
    assert f"`{finding['fix']}`" == row[2]


def test_a_link_to_an_empty_file(slactl: Slactl, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "link.db").symlink_to("empty")
    result = slactl("--db", str(tmp_path / "link.db"), "init")
    assert_has_row(result.err, result.code)


def test_an_init_that_cannot_write_the_rules(slactl: Slactl, tmp_path: Path) -> None:
    result = slactl("--db", str(tmp_path / "new.db"), "--rules", "/proc/none/rules.toml", "init")
    assert "was created; run the command again" in result.err
    assert_has_row(result.err, result.code)


@pytest.mark.parametrize(
    "reason",
    [
        "/srv/desk/slactl.db cannot be written: you may not write to its folder",
        "a temporary file cannot be written: No space left on device; set TMPDIR to a folder with free space",
    ],
)
def test_reasons_why_a_file_cannot_be_written(reason: str) -> None:
    assert_has_row(f"error: {reason}; nothing was written", 1)
