"""`escalate` reaches a person now: what the receipt says, what the outbox says, and what real receivers got."""

import fcntl
import json
import os
import subprocess
import sys
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest
from conftest import Receivers, Slactl, write_secret
from escalation_desk import BASE, ladder, opened, policy, ticket
from freezegun.api import FrozenDateTimeFactory
from terminal import shown_on_terminal

Clock = FrozenDateTimeFactory

RULES = BASE.replace('notify = ["manager"] }', "notify = %s }").replace("[people.joe]", "") + policy(resolution="10h")


@pytest.fixture(autouse=True)
def _clock(clock: Clock) -> None:
    """The clock of every test here stands still."""


def write(desk: Path, more: str, notify: str = '["lead"]', settings: str = "") -> Path:
    path = desk.with_name("rules.toml")
    path.write_text(RULES.replace("[settings]", f"[settings]\n{settings}") % notify + more)
    return path


def escalate(slactl: Slactl, number: str, *options: str, code: int = 0) -> dict[str, Any]:
    done = slactl("escalate", number, "--reason", "called twice", "--json", *options)
    assert done.code == code, done.err
    return dict(json.loads(done.out), err=done.err)


def notice(recipient: str, state: str, *by: str, why: str | None = None, person: str | None = None) -> dict[str, Any]:
    who = {"recipient": recipient, "person": person, "stands_in_for": None}
    return who | {"state": state, "by": list(by), "why": why}


def states(slactl: Slactl) -> list[tuple[str, str]]:
    found = json.loads(slactl("notifications", "list", "--json").out)
    return [(each["recipient"], each["state"]) for each in reversed(found)]


def test_mail_web_hook_and_command_get_exactly_what_the_outbox_says(
    desk: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, mail, log = receiver("ok"), receiver("smtp"), desk.with_name("log")
    monkeypatch.setenv("LEAD_URL", hook.url)
    command = json.dumps(["sh", "-c", f"cat >> {log}; echo >> {log}"])
    lead = f'[roles.lead]\nnotify = ["${{env:LEAD_URL}}", {{ command = {command} }}]\n'
    write(desk, f'{lead}[people.mia]\nallow_http = true\nnotify = ["{mail.url}"]\n', '["lead", "manager"]')
    numbers = [opened(slactl), opened(slactl)]
    done = slactl("escalate", *numbers, "--reason", "called twice", "--json")
    assert done.code == 0, done.err
    lead_told = notice("lead", "sent", "${env:LEAD_URL}", "command sh")
    mia_told = notice("manager", "sent", "mailto://…", person="mia")
    for found in json.loads(done.out):
        assert {"field": "priority", "from": "normal", "to": "high"} in found["changes"]
        assert found["notices"] == [lead_told, mia_told]
    (body,) = hook.bodies
    assert [f"ticket {number}: Escalated by " in body for number in numbers] == [True, True]
    assert body.count(": called twice; ") == 2
    (letter,) = [message_from_string(each["body"]) for each in mail.took]
    assert mail.took[0]["to"] == ["mia@example.com"]
    assert letter["X-Slactl-Message"]
    facts = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(each["id"], each["reason"], each["escalation"]) for each in facts] == [
        (int(number), "called twice", None) for number in numbers
    ]
    assert {state for _, state in states(slactl)} == {"sent"}
    assert slactl("check").code == 0
    assert (len(hook.took), len(mail.took), len(log.read_text().splitlines())) == (1, 1, 2)


def test_receipt_on_a_terminal_and_of_a_dry_run_say_the_same(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write(desk, '[roles.lead]\nnotify = [{ command = ["true"] }]\n[roles.lines]\n', '["lead", "lines"]')
    number = opened(slactl)
    dry = slactl("escalate", number, "--reason", "called twice", "-n").out
    receipt = (
        f"#{number} escalated · priority normal → high · told lead by command true · "
        "the message to lines waits for the next check: there is no address, so check prints it\n"
    )
    assert dry == f"dry run, not done: {receipt}"
    assert states(slactl) == []
    shown = shown_on_terminal("escalate", number, "--reason", "called twice")
    assert shown.partition("undo: slactl undo ")[0] == receipt


def test_pipe_gets_the_id_and_a_warning_about_each_message_that_waits(desk: Path, slactl: Slactl) -> None:
    write(desk, "[roles.lead]\n")
    number = opened(slactl)
    done = slactl("escalate", number, "--reason", "called twice")
    said = f"warning: ticket {number}: the message to lead waits for the next check: there is no address, so check"
    assert (done.code, done.out, done.err) == (0, f"{number}\n", f"{said} prints it\n")
    assert slactl("escalate", number, "--reason", "again", "-q").err == ""
    assert "To lead: Ticket" in slactl("check").out


def test_message_waits_for_the_check_of_a_user_who_has_the_secret(
    desk: Path, slactl: Slactl, receiver: Receivers, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = receiver("ok")
    write(desk, '[roles.lead]\nnotify = ["${env:LEAD_URL}"]\n')
    number = opened(slactl)
    why = "${env:LEAD_URL}: the environment variable LEAD_URL is not set"
    dry = json.loads(slactl("escalate", number, "--reason", "called twice", "-n", "--json").out)
    done = escalate(slactl, number)
    assert dry["notices"] == done["notices"] == [notice("lead", "waiting", why=why)]
    monkeypatch.setenv("LEAD_URL", hook.url)
    clock.tick(2)
    assert slactl("check").code == 0
    assert len(hook.took) == 1


def test_message_waits_where_the_secret_is_not_closed_or_others_may_change_the_rules(
    desk: Path, slactl: Slactl, receiver: Receivers, clock: Clock
) -> None:
    hook = receiver("ok")
    rules = write(desk, '[roles.lead]\nnotify = ["${file:hook}"]\n')
    secret = write_secret(desk, "hook", hook.url)
    number = opened(slactl)
    secret.chmod(0o644)
    assert "others may read the secret file" in escalate(slactl, number)["notices"][0]["why"]
    secret.chmod(0o600)
    rules.chmod(0o646)
    dry = json.loads(slactl("escalate", number, "--reason", "called twice", "-n", "--json").out)
    done = escalate(slactl, number)
    assert dry["notices"] == done["notices"]
    assert "everybody may change it; nothing is sent while others may change the rules" in done["notices"][0]["why"]
    assert hook.took == []
    rules.chmod(0o644)
    clock.tick(2)
    assert slactl("check").code == 0
    assert len(hook.took) == 1


def test_message_waits_while_a_check_is_sending_and_that_check_takes_it(
    desk: Path, slactl: Slactl, receiver: Receivers
) -> None:
    slow = receiver("slow")
    environment = os.environ | {"SLOW_URL": slow.url, "SLACTL_TRUST_CLOCK": "1"}
    log = desk.with_name("log")
    command = json.dumps(["sh", "-c", f"cat >> {log}"])
    lead = f"[roles.lead]\nnotify = [{{ command = {command} }}]\n"
    write(desk, f'[roles.slow]\nnotify = ["${{env:SLOW_URL}}"]\n{lead}', settings='send_timeout = "100s"\n')
    first, second = opened(slactl), opened(slactl)
    rules = desk.with_name("rules.toml")
    whole = rules.read_text()
    rules.write_text(whole.replace('notify = ["lead"]', 'notify = ["slow"]'))
    assert "SLOW_URL is not set" in escalate(slactl, first)["notices"][0]["why"]
    rules.write_text(whole)
    with slow.held():
        running = subprocess.Popen(
            [sys.executable, "-m", "slactl", "check", "-q"], env=environment, stderr=subprocess.PIPE
        )
        while not slow.took:
            assert running.poll() is None
        done = subprocess.run(
            [sys.executable, "-m", "slactl", "escalate", second, "--reason", "called twice", "--json"],
            env=environment,
            capture_output=True,
            check=True,
        )
        (told,) = json.loads(done.stdout)["notices"]
        assert (told["state"], told["why"]) == (
            "waiting",
            "another run is sending messages; it sends this one too, or the next check does",
        )
        assert not log.exists()
    assert running.wait() == 0
    assert json.loads(log.read_text())["id"] == int(second)
    assert states(slactl) == [("slow", "sent"), ("lead", "sent")]


def test_message_that_is_held_back_says_by_what_and_until_when(desk: Path, slactl: Slactl) -> None:
    write(desk, '[roles.lead]\nquiet = "08:00-10:00"\ntimezone = "UTC"\nnotify = [{ command = ["true"] }]\n')
    number = opened(slactl)
    why = "held back by quiet hours until 2026-03-02T10:00:00Z"
    dry = json.loads(slactl("escalate", number, "--reason", "called twice", "-n", "--json").out)
    assert dry["notices"] == escalate(slactl, number)["notices"] == [notice("lead", "waiting", why=why)]


def test_failed_try_is_an_error_and_check_tries_again(desk: Path, slactl: Slactl, clock: Clock) -> None:
    program = desk.with_name("page")
    program.write_text("#!/bin/sh\nexit 75\n")
    program.chmod(0o755)
    write(desk, '[roles.lead]\nnotify = [{ command = ["./page"] }]\n')
    done = escalate(slactl, opened(slactl), code=7)
    assert "error: lead: command ./page: ended with exit code 75; next try at 09:01 UTC or later" in done["err"]
    assert done["notices"] == [notice("lead", "waiting", why="command ./page: ended with exit code 75")]
    program.write_text("#!/bin/sh\n")
    clock.tick(61)
    assert json.loads(slactl("check", "--json").out)["notified"] == 1
    assert states(slactl) == [("lead", "sent")]


def test_level_by_hand_goes_to_its_fallback_when_its_recipient_is_given_up(desk: Path, slactl: Slactl) -> None:
    log = desk.with_name("log")
    command = json.dumps(["sh", "-c", f"cat >> {log}"])
    lead = '[roles.lead]\nnotify = [{ command = ["false"] }]\n'
    backup = f"[roles.backup]\nnotify = [{{ command = {command} }}]\n"
    write(desk, lead + backup + ladder("resolution", 'breach 0m notify = ["lead"]', more='fallback = "backup"'))
    done = escalate(slactl, opened(slactl), "--escalation", "resolution", "--level", "breach", code=7)
    assert [(each["recipient"], each["state"]) for each in done["notices"]] == [("lead", "dead"), ("backup", "sent")]
    assert json.loads(log.read_text())["instead_of"] == "lead"


def test_escalate_sends_its_own_messages_and_no_others(
    desk: Path, slactl: Slactl, receiver: Receivers, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = receiver("ok")
    write(desk, '[roles.lead]\nnotify = ["${env:LEAD_URL}"]\n')
    first, second = opened(slactl), opened(slactl)
    escalate(slactl, first)
    monkeypatch.setenv("LEAD_URL", hook.url)
    clock.tick(60)
    escalate(slactl, second)
    (body,) = hook.bodies
    assert f"ticket {second}:" in body
    assert f"ticket {first}:" not in body
    assert states(slactl) == [("lead", "waiting"), ("lead", "sent")]


# Whom nobody would reach.


@pytest.mark.parametrize("options", [(), ("-n",)])
def test_escalation_that_tells_nobody_and_changes_nothing_is_refused(
    desk: Path, slactl: Slactl, options: tuple[str, ...]
) -> None:
    write(desk, '[roles.lead]\nnotify = [{ command = ["true"] }]\n', "[]")
    number = opened(slactl, "--priority", "high")
    refused = slactl("escalate", number, "--reason", "it's late", *options)
    assert (refused.code, refused.out) == (5, "")
    what = f"ticket {number} is not escalated: nobody would be told and nothing would change"
    assert refused.err.splitlines()[0] == f"error: {what}"
    assert (ticket(slactl, number)["escalated"], states(slactl)) == (False, [])
    hint = refused.err.splitlines()[1].removeprefix("hint: slactl ")
    command = [sys.executable, "-m", "slactl", "--rules", str(desk.with_name("rules.toml"))]
    assert subprocess.run(f"{' '.join(command)} {hint}", shell=True, check=False).returncode == 0
    assert "manager" in desk.with_name("rules.toml").read_text().split("[calendars")[0]
    assert slactl("escalate", number, "--reason", "it's late").code == 0


def test_escalation_without_messages_that_changes_nothing_is_refused(desk: Path, slactl: Slactl) -> None:
    write(desk, '[roles.lead]\nnotify = [{ command = ["true"] }]\n')
    number = opened(slactl)
    nobody = [notice("nobody", "none", why="--no-notify")]
    assert (done := escalate(slactl, number, "--no-notify"))["notices"] == nobody
    assert done["err"] == ""
    refused = slactl("escalate", number, "--reason", "it's late", "--no-notify")
    hint = f"""hint: slactl escalate {number} --reason 'it'"'"'s late'"""
    assert (refused.code, refused.err.splitlines()[1]) == (5, hint)
    assert escalate(slactl, number, "--priority", "urgent", "--no-notify")["changes"] == [
        {"field": "priority", "from": "high", "to": "urgent"},
        {"field": "escalation_level", "from": 1, "to": 2},
    ]


def test_one_refused_ticket_stops_no_other(desk: Path, slactl: Slactl) -> None:
    write(desk, "", "[]")
    high, normal = opened(slactl, "--priority", "high"), opened(slactl)
    done = slactl("escalate", high, normal, "--reason", "late")
    assert (done.code, done.out) == (7, f"{normal}\n")
    assert not ticket(slactl, high)["escalated"]


def test_role_without_a_person_gets_no_ticket(desk: Path, slactl: Slactl) -> None:
    write(desk, '[roles.lead]\nnotify = [{ command = ["true"] }]\n')
    number = opened(slactl)
    refused = slactl("escalate", number, "--reason", "late", "--assign", "lead")
    assert refused.code == 5
    assert "the role lead has no person, so nobody would get the ticket" in refused.err
    assert "hint: slactl rules set roles.lead.assignee" in refused.err
    assert not ticket(slactl, number)["escalated"]
    assert escalate(slactl, number, "--assign", "manager")["assignee"] == "mia"


@pytest.mark.parametrize("notify", ["[]", '["previous_assignee"]', '["requester"]'])
def test_rules_check_warns_of_a_manual_escalation_that_reaches_nobody(desk: Path, slactl: Slactl, notify: str) -> None:
    path = write(desk, "", notify)
    line = path.read_text().split("\n").index(f'manual_escalation = {{ priority = "high", notify = {notify} }}') + 1
    assert f"{line}: slactl escalate notifies nobody" in slactl("rules", "check").err
    write(desk, "", '["assignee"]')
    assert "slactl escalate notifies nobody" not in slactl("rules", "check").err


def test_lock_is_free_after_escalate(desk: Path, slactl: Slactl) -> None:
    write(desk, '[roles.lead]\nnotify = [{ command = ["true"] }]\n')
    escalate(slactl, opened(slactl))
    with open(desk.with_name(desk.name + ".lock"), "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
