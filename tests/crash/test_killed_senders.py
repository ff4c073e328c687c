"""A command address and `escalate` are killed before, during and after a send: nothing is lost, little is doubled.

Programs that a test starts tell their progress by files, so that a kill comes at a known place and not at a time.
"""

import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl, is_alive, until

from slactl.store.sqlite.lock import lock_path

RULES = """
schema = 1
[settings]
manual_escalation = { notify = ["lead"] }
[calendars.always]
always_open = true
[[policy]]
name = "all"
calendar = "always"
[policy.targets]
default = { first_response = "1h" }
[roles.lead]
on_unknown = "%s"
notify = [{ command = ["./page", "{id}"] }]
[[escalation]]
id = "answers"
on = "first_response"
  [[escalation.level]]
  id = "breach"
  at = "0m"
  notify = ["lead"]
"""

#: Notes what it got in `log`, and then waits while the file `hold` exists.
PAGE = """#!/bin/sh
here=$(dirname "$0")
read -r facts
echo "$facts" >> "$here/log"
while [ -e "$here/hold" ]; do sleep 0.01; done
"""

#: Runs a command of slactl that stops with a signal at a step of sending: before the claim, or before the result.
STOPPING = """
import os, signal, sys
from slactl.desk.messages import delivery, outbox
from slactl.__main__ import run

for room in (delivery, outbox):
    if hasattr(room, sys.argv[1]):
        setattr(room, sys.argv[1], lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
sys.exit(run(sys.argv[2:]))
"""

#: The commands that send the one message of the desk.
COMMANDS = {"check": ["check", "-q"], "escalate": ["escalate", "1", "--reason", "called twice", "-q"]}


@pytest.fixture(params=["resend", "hold"])
def paged(request: pytest.FixtureRequest, desk: Path, slactl: Slactl) -> Path:
    """A desk with one ticket, whose messages go to a command; it is late for `check`."""
    desk.with_name("rules.toml").write_text(RULES % request.param)
    page = desk.with_name("page")
    page.write_text(PAGE)
    page.chmod(0o755)
    return desk


def prepare(slactl: Slactl, name: str) -> None:
    at = ("--at", "2h ago") if name == "check" else ()
    assert slactl("create", "Printer", "--from", "ann@example.com", *at).code == 0


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )


def got(desk: Path) -> list[dict[str, Any]]:
    log = desk.with_name("log")
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def state(desk: Path) -> str | None:
    with sqlite3.connect(desk) as connection:
        found = connection.execute("SELECT state FROM notification").fetchall()
    return found[0][0] if found else None


def finish(desk: Path, on_unknown: str, runs: int) -> int:
    """Run `check` until it sends nothing any more; return how many runs of the command there were."""
    codes = []
    for _ in range(runs):
        last = start("-m", "slactl", "check", "-q")
        last.communicate()
        codes.append(last.returncode)
        if last.returncode == 75:  # the sender of the dead run still works, and holds the lock
            with lock_path(desk).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
        elif state(desk) in ("sent", "held"):
            break
    assert state(desk) in ("sent", "held") if on_unknown == "hold" else state(desk) == "sent", codes
    return len(got(desk))


def unknown_of(desk: Path) -> str:
    return "hold" if '"hold"' in desk.with_name("rules.toml").read_text() else "resend"


@pytest.mark.parametrize("paged", ["resend"], indirect=True)
@pytest.mark.parametrize("name", COMMANDS)
def test_killed_before_the_send_loses_nothing_and_doubles_nothing(paged: Path, slactl: Slactl, name: str) -> None:
    prepare(slactl, name)
    dying = start("-c", STOPPING, "carry_out", *COMMANDS[name])
    dying.communicate()
    assert dying.returncode == -signal.SIGKILL
    assert (state(paged), got(paged)) == ("waiting", [])
    assert finish(paged, unknown_of(paged), 3) == 1
    assert state(paged) == "sent"


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_during_the_send_doubles_at_most_once_and_only_with_resend(
    paged: Path, slactl: Slactl, name: str
) -> None:
    prepare(slactl, name)
    hold = paged.with_name("hold")
    hold.touch()
    dying = start("-m", "slactl", *COMMANDS[name])
    until(lambda: got(paged))
    dying.send_signal(signal.SIGKILL)
    dying.communicate()
    assert state(paged) == "sending"
    hold.unlink()
    on_unknown = unknown_of(paged)
    runs = finish(paged, on_unknown, 10)
    assert (runs, state(paged)) == ((2, "sent") if on_unknown == "resend" else (1, "held"))
    assert len({each["message_id"] for each in got(paged)}) == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_after_the_send_doubles_at_most_once_and_only_with_resend(
    paged: Path, slactl: Slactl, name: str
) -> None:
    prepare(slactl, name)
    dying = start("-c", STOPPING, "_record", *COMMANDS[name])
    dying.communicate()
    assert dying.returncode == -signal.SIGKILL
    assert (state(paged), len(got(paged))) == ("sending", 1)
    on_unknown = unknown_of(paged)
    runs = finish(paged, on_unknown, 10)
    assert (runs, state(paged)) == ((2, "sent") if on_unknown == "resend" else (1, "held"))
    assert len({each["message_id"] for each in got(paged)}) == 1


@pytest.mark.parametrize("paged", ["resend"], indirect=True)
@pytest.mark.parametrize("name", COMMANDS)
def test_killed_after_the_result_is_recorded_sends_nothing_again(paged: Path, slactl: Slactl, name: str) -> None:
    prepare(slactl, name)
    done = start("-m", "slactl", *COMMANDS[name])
    until(lambda: state(paged) == "sent" or done.poll() is not None)
    done.send_signal(signal.SIGKILL)
    done.communicate()
    assert state(paged) == "sent"
    assert finish(paged, unknown_of(paged), 1) == 1


def test_sender_ends_its_command_at_its_limit_when_the_run_is_gone(desk: Path, slactl: Slactl) -> None:
    """No command outlives its time, whoever is dead by then."""
    text = (RULES % "hold").replace("[settings]", '[settings]\nsend_timeout = "1s"')
    desk.with_name("rules.toml").write_text(text)
    page, child = desk.with_name("page"), desk.with_name("child")
    page.write_text(
        f"#!/bin/sh\ntrap '' ALRM TERM\necho $$ > {child}.new; mv {child}.new {child}\nwhile :; do :; done\n"
    )
    page.chmod(0o755)
    prepare(slactl, "check")
    dying = start("-m", "slactl", "check", "-q")
    until(child.exists)
    dying.send_signal(signal.SIGKILL)
    dying.communicate()
    number = int(child.read_text())
    until(lambda: not is_alive(number))
