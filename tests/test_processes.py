"""What must hold with real processes: nothing fires twice, whoever runs at the same time and whoever dies."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from itertools import cycle
from pathlib import Path

import pytest
from conftest import Slactl, until


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "slactl", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def end(*arguments: str) -> None:
    """Run a command to its end, which must be a good one."""
    process = start(*arguments)
    _, err = process.communicate()
    assert process.returncode == 0, err


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


@pytest.mark.parametrize("count", [2, 8])
def test_checks_at_once_fire_nothing_twice(count: int, late: Path) -> None:
    running = [start("check", "--json") for _ in range(count)]
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


def test_a_check_through_a_link_to_the_database_takes_the_same_lock(late: Path, tmp_path: Path) -> None:
    import fcntl

    link = tmp_path / "links" / "linked.db"
    link.parent.mkdir(mode=0o700)
    link.symlink_to(late)
    with open(late.with_name(late.name + ".lock"), "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        linked = start("--db", str(link), "check")
        out, err = linked.communicate()
        assert (out, linked.returncode) == ("", 75), err
        assert "another check is running" in err
    assert counts(late) == (0, 0)
    assert list(link.parent.iterdir()) == [link]


def storm(slactl: Slactl, count: int) -> None:
    """Tickets that nobody answered in time: each first response is late, each third resolution too."""
    lines = [
        json.dumps(
            {"ticket": f"T-{n}", "at": "2026-03-02T09:00:00Z", "type": "created", "assignee": "mia", "plan": plan}
        )
        for n, plan in zip(range(count), cycle(("free", "pro", "enterprise")), strict=False)
    ]
    made = slactl("import", "-", stdin="\n".join(lines))
    assert made.code == 0, made.err


#: What must never be found, whatever a run was doing when it was killed.
BROKEN = {
    "a level without its event": "SELECT 1 FROM escalation e LEFT JOIN event v ON v.id = e.event_id"
    " AND v.ticket_id = e.ticket_id WHERE e.outcome = 'fired' AND v.id IS NULL",
    "an event without its level": "SELECT 1 FROM event WHERE action = 'ticket.escalate'"
    " AND id NOT IN (SELECT event_id FROM escalation WHERE event_id IS NOT NULL)",
    "a ticket whose last level tells nobody": "SELECT 1 FROM (SELECT max(id) AS id FROM escalation"
    " WHERE outcome = 'fired' GROUP BY ticket_id) e WHERE id NOT IN (SELECT escalation_id FROM notification)",
    "a level that changed no ticket": "SELECT 1 FROM escalation e JOIN ticket t ON t.id = e.ticket_id"
    " WHERE e.outcome = 'fired' AND t.priority NOT IN ('high', 'urgent')",
    "a breach noticed without its event": "SELECT 1 FROM timer WHERE detected_at IS NOT NULL"
    " AND ticket_id NOT IN (SELECT ticket_id FROM event WHERE action = 'sla.breach')",
}


def check_whole(desk: Path) -> None:
    """Each level is there once, with all that belongs to it."""
    fired, different = counts(desk)
    assert fired == different
    with sqlite3.connect(desk) as connection:
        for what, query in BROKEN.items():
            assert connection.execute(query).fetchone() is None, what
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def kill(desk: Path, after: float) -> None:
    """Start a check and kill it so many seconds later."""
    process = start("check", "-q")
    try:
        process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    check_whole(desk)


#: What tells one decision of a run from every other, and what it was.
DECISION = ("ticket_id", "kind", "cycle", "escalation", "level", "repeat", "outcome")


def decided(desk: Path) -> set[tuple[object, ...]]:
    with sqlite3.connect(desk) as connection:
        return set(
            connection.execute("SELECT ticket_id, kind, cycle, escalation, level, repeat, outcome FROM escalation")
        )


def test_checks_that_are_killed_lose_and_double_nothing(desk: Path, slactl: Slactl) -> None:
    storm(slactl, 400)
    expected = {
        tuple(firing[name] for name in DECISION)
        for firing in json.loads(slactl("check", "--dry-run", "--json").out)["firings"]
    }
    for after in (0.2, 0.4, 0.5, 0.6, 0.7):
        kill(desk, after)
    end("check", "-q")
    check_whole(desk)
    assert decided(desk) == expected
    assert len(expected) >= 400


@pytest.mark.full
def test_fifty_checks_of_a_thousand_tickets_that_are_killed_lose_and_double_nothing(
    desk: Path, slactl: Slactl, tmp_path: Path
) -> None:
    """Each begins with all thousand still to do, so that a kill can hit any part of a run."""
    storm(slactl, 1000)
    before, chance, hit = tmp_path / "before.db", random.Random(7), 0
    with sqlite3.connect(desk) as connection, sqlite3.connect(before) as copy:
        connection.backup(copy)
    begun = time.perf_counter()
    end("check", "-q")
    whole, expected = time.perf_counter() - begun, decided(desk)
    for _ in range(50):
        with sqlite3.connect(before) as connection, sqlite3.connect(desk) as copy:
            connection.backup(copy)
        kill(desk, chance.uniform(0, whole))
        hit += 0 < counts(desk)[0] < len(expected)
        end("check", "-q")
        check_whole(desk)
        assert decided(desk) == expected
    assert hit >= 5  # that many were killed in the midst of their work


def test_a_check_that_is_told_to_stop_finishes_its_batch_and_the_next_one_the_rest(desk: Path, slactl: Slactl) -> None:
    storm(slactl, 1000)
    process = start("check", "--json")
    until(lambda: counts(desk)[0] > 0 or process.poll() is not None)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    report = json.loads(out)
    assert (process.returncode, report["interrupted"], err) == (130, True, "")
    assert 0 < report["scanned"] < 1000
    check_whole(desk)
    (run,) = json.loads(slactl("runs", "list", "--json").out)
    assert (run["exit_code"], run["scanned"], run["ended_at"] is not None) == (130, report["scanned"], True)
    after = json.loads(slactl("check", "--json").out)
    assert report["scanned"] + after["scanned"] == 1000
    check_whole(desk)


@pytest.mark.parametrize(
    "wanted", [1, 5_000, *(pytest.param(count, marks=pytest.mark.full) for count in range(500, 15_000, 750))]
)
def test_interrupted_import_says_what_is_in_and_the_same_command_does_the_rest(
    desk: Path, slactl: Slactl, tmp_path: Path, wanted: int
) -> None:
    history = tmp_path / "many.jsonl"
    line = '{{"ticket": "T-{}", "at": "2026-03-02T09:00:00Z", "type": "created"}}\n'
    history.write_text("".join(line.format(number) for number in range(20_000)))

    def tickets() -> int:
        with closing(sqlite3.connect(desk)) as connection:
            return int(connection.execute("SELECT count(*) FROM ticket").fetchone()[0])

    process = start("import", str(history))
    until(lambda: tickets() >= wanted or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    done = tickets()
    assert 0 < done < 20_000
    said = f"error: interrupted; {done:,} tickets were created; run the command again to do the rest\n"
    assert (process.returncode, err) == (130, said)
    assert slactl("import", str(history)).code == 0
    assert tickets() == 20_000


def test_eight_writers_at_once_lose_nothing(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Shared", "--from", "ann@example.com")
    running = [start("note", "1", "--body", f"note {number}") for number in range(8)]
    for process in running:
        _, err = process.communicate()
        assert process.returncode == 0, err
    found = json.loads(slactl("show", "1", "--json").out)
    assert {message["body"] for message in found["messages"]} == {f"note {number}" for number in range(8)}


@pytest.mark.parametrize("words", ["list", "list --format table", "summary", "show 1", "export", "check", "audit list"])
def test_a_closed_pipe_ends_with_141_and_without_a_word_unless_something_was_changed(late: Path, words: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "slactl", *words.split()], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    # A retry of what was changed would do it twice, so that is told.
    told = "warning: " if words == "check" else ""
    assert (done.returncode, done.stderr.count("\n"), done.stderr[:9]) == (141, bool(told), told), done.stderr


def test_a_full_disk_behind_stdout_is_an_error_and_no_traceback(late: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "slactl", "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "error: the output could not be written: No space left on device\n")


def test_streams_that_were_closed_before_the_start_are_no_error_where_they_are_not_needed(late: Path) -> None:
    slactl = f"{sys.executable} -m slactl"
    script = f"{slactl} resolve - </dev/null >&- && {slactl} list -q <&- >/dev/null && {slactl} nonsense 2>&-; echo $?"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("2\n", "")


@pytest.mark.parametrize("words", ["reply 1 --body -", "resolve -", "import -", "simulate -"])
def test_a_closed_stdin_is_not_taken_for_an_empty_text(late: Path, words: str) -> None:
    before = late.read_bytes()
    script = f"{sys.executable} -m slactl {words} <&-"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: stdin is closed, so - has nothing to read\n")
    assert late.read_bytes() == before


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
    said = process.stderr.read().splitlines()
    assert said[-1] == "error: interrupted"
    assert all(line.endswith(": is missing") for line in said[:-1])
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
