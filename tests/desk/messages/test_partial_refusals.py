"""A message that some of the recipient's addresses did not get stays visible until a person retries or drops it."""

import json
import shlex
from pathlib import Path

import pytest
from conftest import Receiver, Receivers, Slactl
from freezegun.api import FrozenDateTimeFactory
from test_notifications import LADDER, check, opened, outbox


@pytest.fixture
def lead(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> Path:
    """A desk with a late ticket, whose lead has a first and a second address."""
    path = desk.with_name("rules.toml")
    kept = path.read_text().replace("manual_escalation =", "# manual_escalation =")
    rules = LADDER % ("", '["lead"]')
    path.write_text(
        kept[: kept.index("# Roles and people, and")] + rules.replace("LEAD_URL}", 'FIRST}", "${env:SECOND}')
    )
    opened(slactl)
    clock.move_to("2026-03-04T10:00:00Z")
    return desk


@pytest.fixture(params=["first", "second"])
def refused(
    request: pytest.FixtureRequest, lead: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, Receiver]:
    """Which address refused the message of a run, and the server that took it."""
    hook, good = receiver("ok"), "SECOND" if request.param == "first" else "FIRST"
    bad = {"FIRST", "SECOND"}.difference({good}).pop()
    monkeypatch.setenv(good, hook.url)
    monkeypatch.setenv(bad, receiver("404").url)
    assert check(slactl, code=7)["notified"] == 1
    return bad, hook


def findings(slactl: Slactl) -> list[str]:
    """What doctor finds about messages."""
    checks = json.loads(slactl("doctor", "--json").out)["checks"]
    return [each["found"] for each in checks if each["check"] == "notifications" and not each["ok"]]


def test_a_refused_address_is_shown_after_others_got_the_message(refused: tuple[str, Receiver], slactl: Slactl) -> None:
    bad, _ = refused
    [message] = json.loads(slactl("notifications", "list", "--json", "--state", "partly").out)
    assert message["error"] == f"${{env:{bad}}}: HTTP 404"
    assert findings(slactl) == ["1 partly"]
    check(slactl)
    assert (outbox(slactl), findings(slactl)) == ([("lead", "partly")], ["1 partly"])


def test_a_retry_reaches_the_refused_address_alone(
    refused: tuple[str, Receiver], slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, hook = refused
    repaired = receiver("ok")
    monkeypatch.setenv(bad, repaired.url)
    checks = json.loads(slactl("doctor", "--json").out)["checks"]
    [fix] = [each["fix"] for each in checks if each["check"] == "notifications"]
    listed, _, retried = fix.partition(" | xargs ")
    numbers = slactl(*shlex.split(listed)[1:]).out.split()
    assert slactl(*shlex.split(retried)[1:], *numbers).code == 0
    check(slactl)
    assert (len(hook.took), len(repaired.took)) == (1, 1)
    assert (outbox(slactl), findings(slactl)) == ([("lead", "sent")], [])


def test_a_refused_address_can_be_dropped(refused: tuple[str, Receiver], slactl: Slactl) -> None:
    assert slactl("notifications", "drop", "1").out == "1\n"
    assert (outbox(slactl), findings(slactl)) == ([("lead", "dropped")], [])
    assert slactl("notifications", "drop", "1").code == 5
    check(slactl)
    assert outbox(slactl) == [("lead", "dropped")]


def test_an_address_that_may_have_got_the_message_is_not_forgotten_when_another_got_it(
    lead: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = lead.with_name("rules.toml")
    text = rules.read_text().replace("[settings]", '[settings]\nsend_timeout = "1s"')
    rules.write_text(text.replace("[roles.lead]", '[roles.lead]\non_unknown = "hold"'))
    monkeypatch.setenv("FIRST", receiver("drip").url)
    monkeypatch.setenv("SECOND", receiver("ok").url)
    told = check(slactl, code=7)["err"]
    assert "slactl notifications retry 1 sends it again" in told
    assert outbox(slactl) == [("lead", "partly")]
    hook = receiver("ok")
    monkeypatch.setenv("FIRST", hook.url)
    assert slactl("notifications", "retry", "1").code == 0
    check(slactl)
    assert (len(hook.took), outbox(slactl)) == (1, [("lead", "sent")])


def test_a_message_of_a_resolved_ticket_still_shows_the_refusal(
    lead: Path, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = lead.with_name("rules.toml")
    rules.write_text(rules.read_text().replace('"${env:FIRST}"', '"${env:THIRD}", "${env:FIRST}"'))
    for name, kind in (("FIRST", "404"), ("SECOND", "ok"), ("THIRD", "500")):
        monkeypatch.setenv(name, receiver(kind).url)
    check(slactl, code=7)
    assert outbox(slactl) == [("lead", "waiting")]
    slactl("resolve", "1")
    clock.move_to("2026-03-04T10:05:00Z")
    check(slactl)
    assert outbox(slactl) == [("lead", "partly")]
