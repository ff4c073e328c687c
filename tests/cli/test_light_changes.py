"""What short commands cost: they load no large library, and the size of the desk adds no statement."""

import json
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Slactl
from freezegun import freeze_time

#: The commands, each for the ticket 1 of `a_desk`, which is open and belongs to nobody.
COMMANDS = (
    "create x --from ann@example.com",
    "reply 1 --body x",
    "receive 1 --body x",
    "note 1 x",
    "ack 1",
    "assign 1 --to bob",
    "status 1 pending",
    "priority 1 high",
    "tag 1 vip",
    "edit 1 --subject y",
    "due 1 --target resolution --at in_3d --reason x",
    "escalate 1 --reason x --priority urgent --no-notify",
    "explain 1",
    "resolve 1",
)

HEAVY = {"sqlmodel", "sqlalchemy", "pydantic", "pydantic_core", "rich", "holidays", "tomli_w", "tomlkit", "apprise"}

#: Prints on stderr the exit code of a command and what it loaded.
RAN = "import sys; from slactl.__main__ import run; print(run(sys.argv[1:]), *sys.modules, file=sys.stderr)"


def a_desk(slactl: Slactl, desk: Path, others: int) -> None:
    """Fill a desk with ticket 1 and some others, and let a command read its rules once they are not new any more."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=50)
    created = {"type": "created", "at": at.isoformat(), "requester_email": "ann@example.com", "subject": "x"}
    lines = [json.dumps({"ticket": f"T-{number}", "source": "old", **created}) for number in range(others + 1)]
    assert slactl("import", "-", stdin="\n".join(lines)).code == 0
    with freeze_time(datetime.fromtimestamp(desk.stat().st_ctime, UTC) + timedelta(minutes=1)):
        assert slactl("check").code == 0


def words(line: str) -> list[str]:
    return [word.replace("_", " ") for word in line.split()]


def loaded(arguments: list[str], stdin: str = "") -> tuple[str, set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", RAN, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env=os.environ.copy(),
        check=False,
    )
    code, *names = done.stderr.splitlines()[-1].split()
    return code, set(names)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_change_loads_no_large_library(slactl: Slactl, desk: Path, line: str) -> None:
    a_desk(slactl, desk, 0)
    code, names = loaded(words(line))
    assert code == "0"
    assert not names & HEAVY


def test_a_message_by_mail_loads_no_large_library(slactl: Slactl, desk: Path) -> None:
    assert slactl("rules", "set", "mail.address", "support@example.com").code == 0
    a_desk(slactl, desk, 0)
    letter = "From: ann@example.com\nTo: support@example.com\nSubject: x\n\nIt burns.\n"
    code, names = loaded(["mail"], letter)
    assert (code, names & HEAVY) == ("0", set())


def statements(slactl: Slactl, monkeypatch: pytest.MonkeyPatch, line: str) -> int:
    """Count the statements that a command runs."""
    ran, ordinary = list[str](), sqlite3.connect

    def connect(*arguments: object, **options: object) -> sqlite3.Connection:
        connection = ordinary(*arguments, **options)  # type: ignore[call-overload]
        connection.set_trace_callback(ran.append)
        assert isinstance(connection, sqlite3.Connection)
        return connection

    with monkeypatch.context() as traced:
        traced.setattr(sqlite3, "connect", connect)
        result = slactl(*words(line))
    assert result.code == 0, result.err
    return len(ran)


def test_a_change_runs_as_many_statements_on_a_large_desk(
    slactl: Slactl, desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = dict[int, list[int]]()
    with freeze_time(datetime.now(UTC) + timedelta(hours=1)):  # what a change does may depend on the time
        for others in (0, 200):
            folder = tmp_path / str(others)
            folder.mkdir(mode=0o700)
            monkeypatch.setenv("SLACTL_DB", str(folder / "slactl.db"))
            assert slactl("init").code == 0
            a_desk(slactl, folder / "slactl.db", others)
            counts[others] = [statements(slactl, monkeypatch, line) for line in COMMANDS]
    assert counts[200] == counts[0]
    assert max(counts[0]) < 60
