"""A message that goes out again has the id that it had before, and no other message ever has that id."""

import json
import re
from pathlib import Path

import pytest
from conftest import Receiver, Receivers, Slactl
from freezegun.api import FrozenDateTimeFactory
from test_notifications import LADDER, check, opened, outbox


@pytest.fixture
def lead(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> Path:
    """A desk with two late tickets, and a third one that is late an hour later."""
    path = desk.with_name("rules.toml")
    kept = path.read_text().replace("manual_escalation =", "# manual_escalation =")
    path.write_text(kept[: kept.index("# Roles and people, and")] + LADDER % ("", '["lead"]'))
    for minute in (0, 0, 59):
        opened(slactl, "--at", f"2026-03-02T08:{minute:02d}:00Z")
    clock.move_to("2026-03-04T08:30:00Z")
    return path


def tickets(server: Receiver) -> list[set[int]]:
    """The tickets that each message of a server is about."""
    return [{int(number) for number in re.findall(r"ticket (\d+):", body)} for body in server.bodies]


def test_a_retry_after_a_refusal_has_the_same_id_and_newer_messages_come_in_their_own(
    lead: Path, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing, hook = receiver("500"), receiver("ok")
    monkeypatch.setenv("LEAD_URL", failing.url)
    check(slactl, code=7)
    clock.move_to("2026-03-04T08:31:00Z")
    check(slactl, code=7)
    monkeypatch.setenv("LEAD_URL", hook.url)
    clock.move_to("2026-03-04T09:00:00Z")
    check(slactl)
    assert (tickets(failing), tickets(hook)) == ([{1, 2}, {1, 2}], [{1, 2}, {3}])
    assert {*failing.ids, hook.ids[0]} == {failing.ids[0]}
    assert hook.ids[1] != hook.ids[0]


def test_messages_that_reached_no_server_go_out_in_one_with_newer_messages(
    lead: Path, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = receiver("ok")
    monkeypatch.setenv("LEAD_URL", "json://127.0.0.1:1/hook")
    check(slactl, code=7)
    monkeypatch.setenv("LEAD_URL", hook.url)
    clock.move_to("2026-03-04T09:00:00Z")
    check(slactl)
    assert tickets(hook) == [{1, 2, 3}]


def test_an_id_that_a_server_may_know_is_kept_while_the_server_is_down(
    lead: Path, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing, hook = receiver("500"), receiver("ok")
    for minute, url in ((30, failing.url), (31, "json://127.0.0.1:1/hook"), (36, hook.url)):
        monkeypatch.setenv("LEAD_URL", url)
        clock.move_to(f"2026-03-04T08:{minute}:00Z")
        slactl("check")
    assert (failing.ids, tickets(hook)) == (hook.ids, [{1, 2}])


def test_messages_of_one_id_go_out_again_at_one_time(
    lead: Path, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing, hook = receiver("500"), receiver("ok")
    for instant, url in (("08:30", "json://127.0.0.1:1/hook"), ("09:00", failing.url), ("09:01", hook.url)):
        monkeypatch.setenv("LEAD_URL", url)
        clock.move_to(f"2026-03-04T{instant}:00Z")
        slactl("check")
    assert tickets(failing) == tickets(hook) == [{1, 2, 3}]
    assert failing.ids == hook.ids


def test_each_address_has_an_id_of_its_own(
    lead: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = receiver("ok")
    lead.write_text(lead.read_text().replace('"${env:LEAD_URL}"', '"${env:LEAD_URL}", "${env:OTHER}"'))
    monkeypatch.setenv("LEAD_URL", hook.url)
    monkeypatch.setenv("OTHER", f"{hook.url}?x=1")
    check(slactl)
    assert len(set(hook.ids)) == 2


@pytest.mark.parametrize("numbers", [("1", "2"), ("1",)])
def test_a_message_that_a_person_retries_keeps_its_id_and_leaves_none_to_another_message(
    lead: Path,
    slactl: Slactl,
    receiver: Receivers,
    clock: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    numbers: tuple[str, ...],
) -> None:
    """A receiver that ignores what it knows must not ignore the message that was left out."""
    lead.write_text(lead.read_text().replace("[roles.lead]", '[roles.lead]\non_unknown = "hold"'))
    text = lead.read_text().replace("[settings]", '[settings]\nsend_timeout = "1s"')
    lead.write_text(text)
    unsure, hook = receiver("drip"), receiver("ok")
    monkeypatch.setenv("LEAD_URL", unsure.url)
    check(slactl, code=7)
    monkeypatch.setenv("LEAD_URL", hook.url)
    slactl("notifications", "retry", *numbers)
    check(slactl)
    rest = {"1", "2"}.difference(numbers)
    if rest:
        slactl("notifications", "retry", *rest)
        check(slactl)
    assert hook.ids[0] == unsure.ids[0]
    assert len(set(hook.ids)) == len(hook.ids)
    assert [state for _, state in outbox(slactl)] == ["sent", "sent"]
    assert tickets(hook) == ([{1, 2}] if not rest else [{1}, {2}])


def test_tickets_that_were_left_out_of_a_retry_go_out_with_an_id_of_their_own(
    lead: Path, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing, hook = receiver("500"), receiver("ok")
    monkeypatch.setenv("LEAD_URL", failing.url)
    check(slactl, code=7)
    slactl("ack", "1", "--for", "15m")
    monkeypatch.setenv("LEAD_URL", hook.url)
    for minute in (31, 50):
        clock.move_to(f"2026-03-04T08:{minute}:00Z")
        check(slactl)
    assert tickets(hook) == [{2}, {1}]
    assert hook.ids[0] == failing.ids[0]
    assert hook.ids[1] != failing.ids[0]


def test_mail_to_a_customer_has_an_id(
    lead: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = receiver("smtp")
    text = lead.read_text().replace("[settings]", '[settings]\ncustomer_mail = "${env:CUSTOMER_MAIL}"')
    lead.write_text(text.replace('notify = ["lead"]', 'notify = ["requester"]'))
    monkeypatch.setenv("CUSTOMER_MAIL", mailbox.url.replace("&to=mia@example.com", ""))
    check(slactl)
    assert len({id for id in mailbox.ids if id}) == 2


def test_a_test_message_has_an_id(
    lead: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = receiver("ok")
    monkeypatch.setenv("LEAD_URL", hook.url)
    for _ in range(2):
        assert json.loads(slactl("notify", "test", "lead", "--json").out)["addresses"][0]["outcome"] == "sent"
    assert len({*hook.ids, ""}) == 3
