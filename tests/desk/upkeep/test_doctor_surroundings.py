"""What doctor finds around a database: a clock that check refuses, a log that only grows, secrets of broken rules."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl, write_secret
from freezegun import freeze_time

from slactl.clock import boot_clock


def findings(slactl: Slactl, *options: str) -> list[dict[str, Any]]:
    """Return the problems that doctor reports."""
    found: dict[str, Any] = json.loads(slactl(*options, "doctor", "--json").out)
    return [check for check in found["checks"] if not check["ok"]]


def of(found: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [check for check in found if check["check"] == name]


@pytest.mark.skipif(boot_clock() is None, reason="needs a clock that nobody can set")
@pytest.mark.parametrize("ahead", [timedelta(days=365), timedelta(minutes=2), -timedelta(hours=3)])
def test_doctor_and_check_judge_the_clock_alike(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, ahead: timedelta
) -> None:
    monkeypatch.delenv("SLACTL_TRUST_CLOCK")
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--at", "1d ago")
    assert slactl("check", "-q").code == 0
    assert of(findings(slactl), "clock") == []
    with freeze_time(datetime.now(UTC) + ahead):
        refused = slactl("check", "-q")
        [finding] = of(findings(slactl), "clock")
    assert refused.code == 7
    way = f"the clock was set {'forward' if ahead > timedelta() else 'back'} by "
    assert refused.err.startswith(f"error: {way}"), refused.err
    assert finding["found"].startswith(way)
    assert "so check does nothing; " in finding["found"]
    assert finding["fix"] == "timedatectl status"
    monkeypatch.setenv("SLACTL_TRUST_CLOCK", " Yes ")
    with freeze_time(datetime.now(UTC) + abs(ahead)):
        assert of(findings(slactl), "clock") == []
        assert slactl("check", "-q").code == 0
        assert of(findings(slactl), "clock") == []


def test_doctor_and_check_refuse_the_same_words_for_the_clock(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACTL_TRUST_CLOCK", "maybe")
    for command in ("check", "doctor"):
        refused = slactl(command)
        assert refused.code == 2
        assert re.search("SLACTL_TRUST_CLOCK.*'maybe' is not a valid boolean", refused.err)


READER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN")
connection.execute("SELECT count(*) FROM event").fetchone()
print(flush=True)
input()
"""


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs a system that tells its locks")
def test_a_log_that_a_forgotten_reader_keeps_from_shrinking_is_reported(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    log = desk.with_name("slactl.db-wal")
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(desk)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        try:
            assert reader.stdout is not None
            reader.stdout.readline()
            assert of(findings(slactl), "write-ahead log") == []
            for _ in range(18):
                assert slactl("note", "1", "--body", "-", stdin=b"x" * 990_000).code == 0
            assert log.stat().st_size > 16_000_000
            [finding] = findings(slactl)
            assert (finding["check"], finding["fix"]) == ("write-ahead log", f"kill {reader.pid}")
            assert f"{log} has {log.stat().st_size / 1e6:,.0f} MB: {reader.pid} (" in finding["found"]
            reader.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, reader.pid, os.WSTOPPED)
            [finding] = findings(slactl)
            assert (finding["fix"], ", stopped) has been" in finding["found"]) == (f"kill -CONT {reader.pid}", True)
            assert slactl("doctor").code == 7
            with closing(sqlite3.connect(desk)) as connection:
                connection.execute("SELECT count(*) FROM event").fetchone()  # keeps the log when the reader ends
                reader.kill()
                reader.wait()
                found = json.loads(slactl("doctor", "--json").out)
                [told] = of(found["checks"], "write-ahead log")
                assert (told["ok"], "make it smaller" in told["found"]) == (True, True)
                for text in ("copies the log back", "begins it anew"):
                    assert slactl("note", "1", "--body", text).code == 0
                assert log.stat().st_size <= 4_000_000
        finally:
            reader.kill()
    assert findings(slactl) == []


#: Leaves a large log, then keeps the write lock.
WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE large (text)")
connection.execute("INSERT INTO large VALUES (zeroblob(20000000))")
connection.execute("ROLLBACK")
connection.execute("BEGIN IMMEDIATE")
connection.execute("SELECT count(*) FROM event").fetchone()
print(flush=True)
input()
"""

#: Leaves a large log, then reads again and again, each time for a moment, until the standard input ends.
OFTEN = """
import select, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE large (text)")
connection.execute("INSERT INTO large VALUES (zeroblob(20000000))")
connection.execute("ROLLBACK")
print(flush=True)
while not select.select([sys.stdin], [], [], 0.03)[0]:
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM event").fetchone()
    select.select([sys.stdin], [], [], 0.3)
    connection.execute("COMMIT")
"""


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs a system that tells its locks")
@pytest.mark.parametrize(("program", "told"), [(WRITER, ["write lock"]), (OFTEN, [])], ids=["writer", "short readers"])
def test_only_a_reader_that_lasts_is_blamed_for_a_large_log(
    desk: Path, slactl: Slactl, program: str, told: list[str]
) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    with subprocess.Popen(
        [sys.executable, "-c", program, str(desk)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as busy:
        try:
            assert busy.stdout is not None
            busy.stdout.readline()
            assert desk.with_name("slactl.db-wal").stat().st_size > 16_000_000
            found = json.loads(slactl("doctor", "--json").out)["checks"]
            assert [check["check"] for check in found if not check["ok"]] == told
            [log] = of(found, "write-ahead log")
            assert log["found"].endswith("; the next commands that write make it smaller")
        finally:
            busy.kill()


@pytest.mark.parametrize("broken", ["schema = \n", "schema = 1\nnonsense = 1\n", "[[policy]\n"])
@pytest.mark.parametrize("folder", ["secrets", "elsewhere"])
def test_findings_about_secrets_stay_while_the_rules_are_broken(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, broken: str, folder: str
) -> None:
    secret = write_secret(desk, "hook", "jsons://example.com/sentinel")
    secret.parent.rename(desk.with_name(folder))
    secret = desk.with_name(folder) / "hook"
    secret.chmod(0o644)
    monkeypatch.delenv("UNSET_URL", raising=False)
    rules = desk.with_name("rules.toml")
    text = rules.read_text().replace("notify = []", 'notify = ["${file:hook}", "${env:UNSET_URL}"]', 1)
    text = text.replace("[settings]", f'[settings]\nsecrets = "{folder}"', 1) if folder != "secrets" else text
    rules.write_text(text)
    before = of(findings(slactl), "secrets")
    assert len(before) == 2
    rules.write_text(text.replace("schema = 1\n", broken, 1) + '# notify = ["${env:COMMENTED_OUT}"]\n')
    found = findings(slactl)
    assert len(of(found, "rules")) == 1
    after = of(found, "secrets")
    assert [each["fix"] for each in after] == [each["fix"] for each in before]
    assert [each["found"].split(": ", 1)[1] for each in after] == [each["found"].split(": ", 1)[1] for each in before]
    line = next(number for number, line in enumerate(rules.read_text().split("\n"), 1) if "UNSET_URL" in line)
    assert {each["found"].split(": ")[0] for each in after} == {f"line {line}"}
    assert "sentinel" not in json.dumps(found)
    os.chmod(secret, 0o600)
    assert len(of(findings(slactl), "secrets")) == 1
