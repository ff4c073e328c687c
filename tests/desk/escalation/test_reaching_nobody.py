"""Levels and escalations by hand that reach nobody: the fallback, what `check` prints, what is said and recorded."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import BASE, at, check, ladder, opened, policy, ticket
from freezegun.api import FrozenDateTimeFactory

pytestmark = pytest.mark.usefixtures("clock")

#: On 2 March 2026 nobody is on call before 10:00.
ROTA = """
[roles.first]
on_call = "days"
[roles.boss]
assignee = "cem"
[people.ann]
[people.cem]
[schedules.days]
timezone = "UTC"
[[schedules.days.layer]]
people = ["ann"]
from = "2026-03-02 10:00"
"""

GAP = "nobody is on call for days until 2026-03-02T10:00:00Z"


def write(desk: Path, *parts: str, notify: str = '["first"]') -> Path:
    path = desk.with_name("rules.toml")
    base = BASE.replace('notify = ["manager"] }', f"notify = {notify} }}")
    path.write_text(base + policy(resolution="1h") + ROTA + "".join(parts))
    return path


def outbox(slactl: Slactl) -> list[tuple[str, str]]:
    found = json.loads(slactl("notifications", "list", "--json").out)
    return [(each["recipient"], each["state"]) for each in reversed(found)]


@pytest.mark.parametrize(
    ("deed", "why"),
    [
        ('notify = ["first"]', "nobody is on call for days"),
        ('assign = "first"', "nobody is on call for days"),
        ('notify = ["assignee"]', "the ticket has no assignee"),
        ('notify = ["previous_assignee", "requester"]', "the ticket has no previous assignee"),
    ],
)
def test_message_of_a_level_that_reaches_nobody_goes_to_the_fallback_and_else_is_printed(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, deed: str, why: str
) -> None:
    level = f"take 0m {deed}"
    write(desk, ladder("created", level, name="kept", more='fallback = "boss"'), ladder("created", level, name="lost"))
    number = opened(slactl)
    dry = check(slactl, "--dry-run")
    done = slactl("check")
    assert done.code == 0
    assert f"kept/take, fired, notifies boss because {why}" in done.out
    assert f"lost/take, fired, reaches nobody: {why}" in done.out
    assert "To cem: Ticket 1, normal: Kept" in done.out
    assert "To nobody: Ticket 1, normal: Lost" in done.out
    assert f"warning: ticket 1: lost/take reaches nobody: {why}" in done.err
    assert "kept/take" not in done.err
    assert (dry["notified"], dry["messages_sent"]) == (2, 2)
    by_level = {each["escalation"]: each for each in dry["firings"]}
    assert [(by_level[name]["told"], by_level[name]["reaches_nobody"]) for name in ("kept", "lost")] == [
        (["boss"], False),
        ([], True),
    ]
    assert outbox(slactl) == [("boss", "printed"), ("nobody", "printed")]
    said = [each["detail"].get("unreached") for each in ticket(slactl, number)["events"] if "level" in each["detail"]]
    assert said[0] is None
    assert why in said[1]
    assert check(slactl)["messages"] == []


def test_fallback_that_is_away_too_is_not_the_end_of_the_message(desk: Path, slactl: Slactl) -> None:
    write(desk, ladder("created", 'take 0m notify = ["first"]', more='fallback = "boss"'))
    opened(slactl)
    slactl("oncall", "away", "cem", "--from", "now", "--until", "in 5h")
    done = slactl("check")
    why = "nobody is on call for days and cem is away and has no substitute"
    assert f"created/take, fired, reaches nobody: {why}" in done.out
    assert "To nobody: " in done.out
    assert outbox(slactl) == [("nobody", "printed")]


def test_ticket_that_nobody_gets_is_told_to_the_fallback_beside_those_who_get_messages(
    desk: Path, slactl: Slactl
) -> None:
    deed = 'take 0m assign = "first"; notify = ["manager"]'
    write(desk, ladder("created", deed, name="kept", more='fallback = "boss"'), ladder("created", deed, name="lost"))
    opened(slactl)
    done = slactl("check")
    assert "kept/take, fired" in done.out
    assert "lost/take, fired, notifies manager, assigned to nobody: nobody is on call for days" in done.out
    assert "To cem: " in done.out
    assert "To nobody: " not in done.out
    assert done.err == ""


def test_level_that_reaches_somebody_or_means_nobody_prints_nothing(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write(
        desk,
        ladder("created", 'tell 0m notify = ["first", "assignee"]', name="one"),
        ladder("created", 'take 0m assign = "first"', name="two"),
        ladder("created", 'mark 0m tag = ["seen"]', name="three"),
    )
    at(clock, "10:00:00")
    opened(slactl)
    done = slactl("check")
    assert ("nobody:" in done.out, done.err) == (False, "")
    assert outbox(slactl) == [("ann", "printed")]


def test_ticket_that_opens_by_itself_for_an_assignee_who_is_away_is_printed(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write(desk)
    number = opened(slactl, "--assignee", "cem")
    slactl("status", number, "pending", "--until", "in 30m")
    slactl("oncall", "away", "cem", "--from", "now", "--until", "in 5h")
    at(clock, "09:30:00")
    assert "To nobody: Ticket 1" in slactl("check").out


def test_doctor_names_open_tickets_whose_message_reached_nobody(desk: Path, slactl: Slactl) -> None:
    write(desk, ladder("created", 'take 0m notify = ["first"]'))
    number = opened(slactl)
    slactl("check")
    found = slactl("doctor").out
    assert "1 open ticket of which nobody was told" in found
    slactl("resolve", number)
    assert "nobody was told" not in slactl("doctor").out


# By hand.


def test_escalation_by_hand_says_why_nobody_was_told_and_check_prints_its_message(desk: Path, slactl: Slactl) -> None:
    write(desk)
    first, second, third = opened(slactl), opened(slactl), opened(slactl)
    why = f"{GAP}; the next check prints the message"
    on_pipe = slactl("escalate", first, "--reason", "help")
    assert (on_pipe.code, on_pipe.out) == (0, f"{first}\n")
    assert on_pipe.err == f"warning: ticket {first}: nobody was told: {why}\n"
    as_json = slactl("escalate", second, "--reason", "help", "--json")
    (notice,) = json.loads(as_json.out)["notices"]
    assert (notice["recipient"], notice["state"], notice["why"]) == ("nobody", "waiting", why)
    assert f"nobody was told: {why}" in slactl("escalate", third, "--reason", "help", "-n").out
    assert slactl("escalate", third, "--reason", "help", "-q").err == ""
    assert outbox(slactl) == [("nobody", "waiting")] * 3
    (message,) = check(slactl)["messages"]
    assert message.startswith("To nobody: 3 tickets need attention")
    assert check(slactl)["messages"] == []


def test_escalation_by_hand_without_recipients_says_so(desk: Path, slactl: Slactl) -> None:
    write(desk, ladder("created", 'close +1h status = "resolved"', name="end"), notify="[]")
    number = opened(slactl)
    done = slactl("escalate", number, "--reason", "help")
    assert done.err == f"warning: ticket {number}: nobody was told: settings.manual_escalation has no notify\n"
    assert outbox(slactl) == []
    silent = slactl("escalate", number, "--reason", "x", "--priority", "urgent", "--no-notify", "--json")
    (notice,) = json.loads(silent.out)["notices"]
    assert (notice["state"], notice["why"], silent.err) == ("none", "--no-notify", "")
    level = slactl("escalate", number, "--reason", "x", "--escalation", "end", "--level", "close", "--json")
    found = json.loads(level.out)
    assert found["notices"][0]["why"] == "the level has no notify"
    assert {"field": "status", "from": "open", "to": "resolved"} in found["changes"]


def test_level_by_hand_that_only_sets_a_status_has_an_effect_each_time(desk: Path, slactl: Slactl) -> None:
    write(desk, ladder("resolution", 'wake 0m status = "open"', name="res"))
    number = opened(slactl)
    wake = ("escalate", number, "--escalation", "res", "--level", "wake", "--reason", "r")
    assert slactl(*wake).code == 0
    assert slactl(*wake).code == 5
    slactl("status", number, "pending")
    assert slactl(*wake).code == 0
    assert ticket(slactl, number)["status"] == "open"


def test_line_of_a_level_says_what_it_does_with_status_tags_and_note(desk: Path, slactl: Slactl) -> None:
    deed = 'wait 0m status = "waiting_customer"; tag = ["sla"]; note = "Asked the customer."; notify = ["manager"]'
    write(desk, ladder("created", deed))
    opened(slactl)
    said = "status open → waiting customer, tags +sla, note 'Asked the customer.', notifies manager"
    assert said in slactl("check", "--dry-run").out
    done = check(slactl)["firings"][0]
    assert (done["from_status"], done["to_status"], done["tags"]) == ("open", "waiting_customer", ["sla"])


def test_failed_address_of_an_escalation_without_fallback_is_printed_by_the_next_check(
    desk: Path, slactl: Slactl
) -> None:
    write(desk, '[roles.lead]\nnotify = [{ command = ["false"] }, { command = ["false", "2"] }]\n', notify='["lead"]')
    number = opened(slactl)
    done = slactl("escalate", number, "--reason", "help", "--json")
    assert done.code == 7
    assert "slactl gave up, and the next check prints the message" in done.err
    (notice,) = json.loads(done.out)["notices"]
    assert notice["state"] == "waiting"
    assert notice["why"].endswith("ended with exit code 1; the next check prints it")
    assert outbox(slactl) == [("lead", "waiting")]
    (message,) = check(slactl)["messages"]
    assert message.startswith(f"To lead: Ticket {number}, high: Escalated by ")
    assert (outbox(slactl), check(slactl)["messages"]) == ([("lead", "printed")], [])


# Hints.


def test_hint_for_a_role_with_a_schedule_enters_an_override_and_works_when_pasted(desk: Path, slactl: Slactl) -> None:
    rules = write(desk)
    number = opened(slactl, "--priority", "high")
    for words in (("--assign", "first"), ()):
        refused = slactl("escalate", number, "--reason", "help", *words)
        assert refused.code == 5
        hint = refused.err.splitlines()[1].removeprefix("hint: slactl ")
        assert hint == "oncall override days --to joe --from now --until 'in 8h'"
        before = rules.read_text()
    command = f"{sys.executable} -m slactl --rules {rules} {hint}"
    assert subprocess.run(command, shell=True, check=False, capture_output=True).returncode == 0
    assert rules.read_text() == before
