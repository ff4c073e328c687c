"""A database with values that slactl never writes: each command says so in one line, and doctor where they are."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Slactl

#: A column, a value, and a command that reads it.
ODD: list[tuple[str, object, tuple[str, ...]]] = [
    ("notification.addresses", "", ("check",)),
    ("notification.message_ids", "", ("check",)),
    ("run.started_at", b"\xff\xfe", ("check",)),
    ("run.exit_code", "[[", ("doctor",)),
    ("run.skipped", "\x00a", ("runs", "show", "1")),
    ("ticket.created_at", 2**63 - 1, ("report",)),
    ("ticket.updated_at", b"\xff\x00", ("list", "--all", "--json")),
    ("outcome.missed_at", b"\xff", ("report", "--json")),
    ("outcome.detected_at", "yesterday", ("tag", "1", "--add", "x")),
    ("outcome.tags", "[", ("report", "--by", "tag")),
    ("outcome.plan", b"\xff", ("report", "--by", "plan")),
    ("outcome.late_since", "0000-00-00T00:00:00Z", ("report", "--json")),
    ("escalation.outcome", b"\xff", ("show", "1", "--json")),
    ("escalation.due_at", b"\xff", ("export",)),
    ("rules_version.first_used_at", "", ("export",)),
    ("rules_version.canonical", "\x00a\x1b[31m", ("rules", "diff")),
]


@pytest.fixture
def used(desk: Path, slactl: Slactl) -> Path:
    """A database with a row in each table that the cases are about; one message waits."""
    created = ("--plan", "free", "--from", "ann@example.com", "--at", "3d ago")
    assert slactl("create", "Printer on fire", *created).code == 0
    assert slactl("check").code == 0
    with closing(sqlite3.connect(desk)) as connection, connection:
        connection.execute("UPDATE notification SET state = 'waiting', next_try_at = created_at, ended_at = NULL")
    return desk


@pytest.mark.parametrize(("place", "value", "command"), ODD, ids=[f"{p}-{i}" for i, (p, _, _) in enumerate(ODD)])
def test_a_value_that_slactl_never_writes_is_named(
    used: Path, slactl: Slactl, place: str, value: object, command: tuple[str, ...]
) -> None:
    table, _, column = place.partition(".")
    with closing(sqlite3.connect(used, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(f"UPDATE {table} SET {column} = ?", (value,))
    result = slactl(*command)
    assert (result.code, "unexpected" in result.err) == (6, False), result.err
    doctor = slactl("doctor")
    assert (doctor.code, "unexpected" in doctor.err) == (6, False)
    assert any(
        word in doctor.out for word in (f"{column} in row 1 of {table}", f"in {table}", "does not match its hash")
    )


@pytest.mark.parametrize(
    "place",
    ["timer.agreement", "timer.counted", "timer.breached_at", "outcome.kind", "outcome.agreement", "outcome.met"],
)
def test_doctor_names_a_value_that_no_list_shows(used: Path, slactl: Slactl, place: str) -> None:
    table, _, column = place.partition(".")
    with closing(sqlite3.connect(used, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(f"UPDATE {table} SET {column} = 'odd'")
    doctor = slactl("doctor")
    assert (doctor.code, "unexpected" in doctor.err) == (6, False)
    assert f"in {table}" in doctor.out or f"row 1 of {table}" in doctor.out
    verified = slactl("audit", "verify")
    assert (verified.code, "unexpected" in verified.err, "Traceback" in verified.err) == (6, False, False)
    for command in ("report", "summary", "list", "show 1", "check", "tag 1 --add x"):
        done = slactl(*command.split())
        assert (done.code in (0, 6, 7), "unexpected" in done.err) == (True, False), done.err


@pytest.mark.parametrize(
    ("column", "value"), [("columns", "[1, 2]"), ("columns", '"text"'), ("older", "7"), ("older", '{"status": 5}')]
)
def test_last_row_of_a_source_with_another_shape_is_named(desk: Path, slactl: Slactl, column: str, value: str) -> None:
    def rows(status: str, at: str) -> str:
        return f"ticket,created_at,updated_at,status\nA-1,2026-03-01T09:00:00Z,{at},{status}\n"

    imported = ("import", "-", "--map", "csv")
    assert slactl(*imported, stdin=rows("open", "2026-03-01T10:00:00Z")).code == 0
    assert "integrity\tok" in slactl("doctor").out
    with closing(sqlite3.connect(desk)) as connection, connection:
        connection.execute(f"UPDATE snapshot SET {column} = ?", (value,))
    doctor = slactl("doctor")
    assert (doctor.code, f"{column} in row 1 of snapshot has a value that slactl never writes" in doctor.out) == (
        6,
        True,
    )
    again = slactl(*imported, stdin=rows("pending", "2026-03-01T11:00:00Z"))
    assert (again.code in (0, 6), "unexpected" in again.err) == (True, False), again.err


def test_what_slactl_writes_is_sound(used: Path, slactl: Slactl) -> None:
    for words in (
        ("ack", "1"),
        ("silence", "add", "--ticket", "1", "--for", "1h"),
        ("tag", "1", "--add", "x"),
        ("check",),
    ):
        assert slactl(*words).code == 0
    assert "integrity\tok" in slactl("doctor").out


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as a user without a home")
def test_a_user_without_a_home_is_told_what_to_set(tmp_path: Path) -> None:
    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        modules = os.pathsep.join([str(Path(__file__).parents[2]), *(p for p in sys.path if p.endswith("-packages"))])
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": modules}
        command = ["/usr/bin/python3", "-P", "-m", "slactl", *words]
        return subprocess.run(
            command,
            env=environment,
            cwd="/",
            user=51_009,
            group=51_009,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )

    if run("--version").returncode:
        pytest.skip("other users can reach neither this checkout nor an interpreter")
    told = run("list")
    assert (told.returncode, told.stderr.splitlines()[0]) == (4, "error: there is no home folder for ~")
    named = run("--db", str(tmp_path / "none.db"), "list")
    assert named.returncode == 6
