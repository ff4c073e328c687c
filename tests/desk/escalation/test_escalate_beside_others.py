"""Several `escalate` and a `check` at once: a slow address of one delays no other, and nothing is sent twice."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import Slactl, until

RULES = """
schema = 1
[settings]
manual_escalation = { notify = ["slow"] }
[calendars.always]
always_open = true
[[policy]]
name = "all"
calendar = "always"
[policy.targets]
default = { first_response = "1h" }
[roles.slow]
notify = [{ command = ["./page"] }]
[roles.quick]
notify = [{ command = ["./note"] }]
[[escalation]]
id = "answers"
on = "first_response"
  [[escalation.level]]
  id = "breach"
  at = "0m"
  notify = ["quick"]
"""

#: Notes that it runs, and then waits while the file `hold` exists.
PAGE = """#!/bin/sh
here=$(dirname "$0")
echo >> "$here/paged"
while [ -e "$here/hold" ]; do sleep 0.01; done
"""

#: Runs a command of slactl that stands still before it records the result of a message.
STOPPING = """
import os, signal, sys
from slactl.desk.messages import delivery
from slactl.__main__ import run

record = delivery._record
def stopped(*words):
    os.kill(os.getpid(), signal.SIGSTOP)
    record(*words)
delivery._record = stopped
sys.exit(run(sys.argv[1:]))
"""

ESCALATE = ("escalate", "1", "--reason", "help", "--json")


@pytest.fixture
def paged(desk: Path, slactl: Slactl) -> Path:
    """A desk with two new tickets and a late one."""
    desk.with_name("rules.toml").write_text(RULES)
    for name, text in (("page", PAGE), ("note", '#!/bin/sh\necho >> "$(dirname "$0")/noted"\n')):
        desk.with_name(name).write_text(text)
        desk.with_name(name).chmod(0o755)
    for words in ((), (), ("--at", "2h ago")):
        assert slactl("create", "Printer", "--from", "ann@example.com", *words).code == 0
    return desk


@contextmanager
def running(*arguments: str) -> "Iterator[subprocess.Popen[str]]":
    child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        yield child
    finally:
        child.send_signal(signal.SIGCONT)
        child.kill()
        child.wait()


def count(desk: Path, name: str) -> int:
    log = desk.with_name(name)
    return len(log.read_text().splitlines()) if log.exists() else 0


def states(slactl: Slactl) -> dict[int, str]:
    found = json.loads(slactl("notifications", "list", "--json").out)
    return {each["ticket_id"]: each["state"] for each in found}


def test_slow_address_of_an_escalate_delays_neither_another_one_nor_a_check(paged: Path, slactl: Slactl) -> None:
    hold = paged.with_name("hold")
    hold.touch()
    with running("-m", "slactl", *ESCALATE) as slow:
        until(lambda: count(paged, "paged"))
        level = ("--escalation", "answers", "--level", "breach")
        other = slactl("escalate", "2", "--reason", "help", "--json", *level)
        assert [each["state"] for each in json.loads(other.out)["notices"]] == ["sent"]
        done = slactl("check", "--json")
        assert done.code == 0, done.err
        report = json.loads(done.out)
        assert (report["breached"], report["escalated"], report["messages_sent"]) == (1, 1, 1)
        assert (slow.poll(), states(slactl)) == (None, {1: "sending", 2: "sent", 3: "sent"})
        hold.unlink()
        out, _ = slow.communicate()
    assert [each["state"] for each in json.loads(out)["notices"]] == ["sent"]
    assert slactl("check").code == 0
    assert (count(paged, "paged"), count(paged, "noted")) == (1, 2)
    assert set(states(slactl).values()) == {"sent"}


def test_check_does_not_send_again_what_a_living_escalate_has_yet_to_record(paged: Path, slactl: Slactl) -> None:
    with running("-c", STOPPING, *ESCALATE) as slow:
        until(lambda: Path(f"/proc/{slow.pid}/stat").read_text().rpartition(") ")[2].startswith("T"))
        assert count(paged, "paged") == 1
        assert slactl("check").code == 0
        assert (count(paged, "paged"), states(slactl)[1]) == (1, "sending")
        slow.send_signal(signal.SIGCONT)
        out, _ = slow.communicate()
    assert [each["state"] for each in json.loads(out)["notices"]] == ["sent"]
    assert slactl("check").code == 0
    assert (count(paged, "paged"), states(slactl)[1]) == (1, "sent")
