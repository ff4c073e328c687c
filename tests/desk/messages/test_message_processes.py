"""What must hold of messages with real processes: nothing is lost, and at most one is doubled for each kill."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import Receiver, Receivers, Slactl, until
from test_notifications import LADDER


@pytest.fixture
def desk_with(desk: Path, slactl: Slactl) -> Path:
    """A desk whose one ladder tells `lead`, at what LEAD_URL says."""
    path = desk.with_name("rules.toml")
    kept = path.read_text().replace("manual_escalation =", "# manual_escalation =")
    path.write_text(kept[: kept.index("# Roles and people, and")] + LADDER % ("", '["lead"]'))
    return desk


def late(slactl: Slactl, count: int, name: str = "T") -> None:
    """So many more tickets whose first response is late."""
    lines = [{"ticket": f"{name}-{each}", "at": "2026-03-02T09:00:00Z", "type": "created"} for each in range(count)]
    made = slactl("import", "-", stdin="\n".join(json.dumps(line) for line in lines))
    assert made.code == 0, made.err


def start(url: str, *arguments: str, name: Sequence[str] = ("check",)) -> "subprocess.Popen[str]":
    environment = os.environ | {"LEAD_URL": url}
    command = [sys.executable, "-m", "slactl", *name, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for(hook: Receiver, count: int) -> None:
    """Until a receiver has so many messages; it writes them down before it answers."""
    until(lambda: len(hook.took) >= count)


def states(desk: Path) -> Counter[str]:
    with sqlite3.connect(desk) as connection:
        return Counter(state for (state,) in connection.execute("SELECT state FROM notification"))


def wait_for_states(desk: Path, wanted: dict[str, int]) -> None:
    """Until so many messages are in each state."""
    deadline = time.monotonic() + 30
    while states(desk) != wanted:
        assert time.monotonic() < deadline


@pytest.mark.parametrize(
    ("on_unknown", "code", "messages", "state"), [("resend", 0, 2, "sent"), ("hold", 7, 1, "held")]
)
def test_a_check_killed_between_claim_and_record_doubles_only_with_resend(
    desk_with: Path, slactl: Slactl, receiver: Receivers, on_unknown: str, code: int, messages: int, state: str
) -> None:
    rules = desk_with.with_name("rules.toml")
    text = rules.read_text().replace("[roles.lead]", f'[roles.lead]\non_unknown = "{on_unknown}"')
    rules.write_text(text.replace('notify = ["lead"]', 'notify = ["lead", "mia"]'))
    late(slactl, 3)
    hook = receiver("slow")
    with hook.held():
        dying = start(hook.url)
        wait_for(hook, 1)  # claimed and sent, not answered and so not recorded
        dying.send_signal(signal.SIGKILL)
        dying.communicate()
        assert states(desk_with) == {"sending": 3, "waiting": 3}
        # The sender outlives the run. The next runs work at once, and nobody sends beside it.
        during = start(hook.url, "--no-send")
        during.communicate()
        assert during.returncode == 0
        after = start(hook.url)
        wait_for_states(desk_with, {"sending": 6})  # it prints the messages to mia, and waits
        assert len(hook.took) == 1
    _, err = after.communicate()
    assert after.returncode == code, err
    assert states(desk_with) == {state: 3, "printed": 3}
    assert len(hook.took) == messages
    last = start(hook.url)
    last.communicate()
    assert (last.returncode, len(hook.took)) == (0, messages)


@pytest.mark.parametrize("kind", ["slow", "smtpslow"])
def test_a_message_goes_out_again_with_the_same_id_and_without_newer_messages_after_a_kill(
    desk_with: Path, slactl: Slactl, receiver: Receivers, kind: str
) -> None:
    late(slactl, 3)
    server = receiver(kind)
    dying = start(server.url)
    wait_for(server, 1)  # delivered, and not recorded
    dying.send_signal(signal.SIGKILL)
    dying.communicate()
    late(slactl, 1, "N")
    after = start(server.url)
    _, err = after.communicate()
    assert after.returncode == 0, err
    found = [
        (id_, "".join(sorted(re.findall(r"[TN]-\d", body))))
        for id_, body in zip(server.ids, server.bodies, strict=True)
    ]
    again, new = (server.ids[0], "T-0T-1T-2"), next(each for each in found if each[1] == "N-0")
    assert sorted(found) == sorted([again, again, new])
    assert new[0] != again[0]


def test_an_interrupted_test_says_that_a_message_was_sent(desk_with: Path, receiver: Receivers) -> None:
    first, second = receiver("ok"), receiver("slow")
    rules = desk_with.with_name("rules.toml")
    rules.write_text(rules.read_text().replace('["${env:LEAD_URL}"]', f'["${{env:LEAD_URL}}", "{second.url}"]'))
    with second.held():
        stopped = start(first.url, "lead", name=("notify", "test"))
        wait_for(second, 1)
        stopped.send_signal(signal.SIGINT)
        _, err = stopped.communicate()
    assert (stopped.returncode, err) == (130, "error: interrupted; test message to lead was sent\n")


def test_no_secret_is_in_the_process_list_while_a_message_is_on_its_way(
    desk_with: Path, slactl: Slactl, receiver: Receivers
) -> None:
    late(slactl, 1)
    hook = receiver("slow")
    lines = []
    with hook.held():
        running = start(hook.url.replace("//", "//user:SENTINEL@"))
        wait_for(hook, 1)
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                lines.append(path.read_bytes())
            except OSError:  # it ended meanwhile
                continue
    running.communicate()
    assert running.returncode == 0
    assert any(b"sender.py" in line for line in lines)
    assert not any(b"SENTINEL" in line for line in lines)


@pytest.mark.full
@pytest.mark.parametrize("on_unknown", ["resend", "hold"])
def test_twenty_kills_lose_nothing_and_double_at_most_one_message_each(
    desk_with: Path, slactl: Slactl, receiver: Receivers, on_unknown: str
) -> None:
    rules = desk_with.with_name("rules.toml")
    rules.write_text(rules.read_text().replace("[roles.lead]", f'[roles.lead]\non_unknown = "{on_unknown}"'))
    hook, kills = receiver("ok"), 0
    for step in range(20):
        late(slactl, 50, f"T{step}")
        process = start(hook.url, "-q")
        try:
            process.communicate(timeout=0.1 + 0.04 * step)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
    last = start(hook.url, "-q")
    last.communicate()
    assert last.returncode in (0, 7)
    found = states(desk_with)
    assert set(found) <= ({"sent"} if on_unknown == "resend" else {"sent", "held"})
    assert sum(found.values()) == 1000
    assert kills >= 5
    # Each message is a digest of what a run had fired; none goes out twice but after a kill.
    tickets = Counter(int(body.split("ticket ")[1].split(" ")[0]) for body in hook.bodies)
    doubled = sum(count - 1 for count in tickets.values())
    assert doubled <= (kills if on_unknown == "resend" else 0)


@pytest.mark.full
def test_five_thousand_breaches_give_each_recipient_one_digest(
    desk_with: Path, slactl: Slactl, receiver: Receivers
) -> None:
    late(slactl, 5000)
    slactl("check", "--no-send")
    hook = receiver("ok")
    began = time.monotonic()
    running = start(hook.url, "--json")
    out, err = running.communicate()
    assert running.returncode == 0, err
    assert json.loads(out)["notified"] == 5000
    (body,) = hook.bodies
    assert body.endswith("and 4,980 more tickets")
    assert time.monotonic() - began < 5
