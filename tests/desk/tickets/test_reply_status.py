"""The rules say which status a ticket has after a reply of an agent."""

from pathlib import Path

import pytest
from conftest import Slactl


def status(slactl: Slactl) -> str:
    return slactl("list", "--all", "--fields", "status").out.strip()


@pytest.fixture
def ticket(desk: Path, slactl: Slactl) -> Path:
    assert slactl("create", "Printer", "--from", "a@example.com").code == 0
    return desk.with_name("rules.toml")


def set_to(rules: Path, word: str) -> None:
    rules.write_text(rules.read_text().replace("[settings]", f'[settings]\nreply_status = "{word}"'))


@pytest.mark.parametrize("word", ["open", "pending", "waiting_customer"])
def test_a_reply_sets_the_status_of_the_rules(ticket: Path, slactl: Slactl, word: str) -> None:
    set_to(ticket, word)
    assert slactl("reply", "1", "--body", "Which one?").code == 0
    assert status(slactl) == word
    assert slactl("status", "1", "pending").code == 0
    assert slactl("reply", "1", "--body", "Which one?", "--status", "open").code == 0
    assert status(slactl) == "open"


def test_without_the_setting_a_reply_waits_for_the_customer(ticket: Path, slactl: Slactl) -> None:
    assert slactl("reply", "1", "--no-body").code == 0
    assert status(slactl) == "waiting_customer"


def test_a_resolved_ticket_stays_resolved(ticket: Path, slactl: Slactl) -> None:
    set_to(ticket, "open")
    assert slactl("resolve", "1").code == 0
    assert slactl("reply", "1", "--body", "You are welcome.").code == 0
    assert status(slactl) == "resolved"
    assert slactl("reply", "1", "--body", "Wait.", "--status", "open").code == 0
    assert status(slactl) == "open"


@pytest.mark.parametrize("word", ["resolved", "closed", "opened", ""])
def test_a_reply_ends_no_ticket(ticket: Path, slactl: Slactl, word: str) -> None:
    set_to(ticket, word)
    refused = slactl("rules", "check")
    assert (refused.code, "settings.reply_status" in refused.err) == (4, True), refused.err


def test_an_open_ticket_that_was_replied_to_stays_open_without_an_event(ticket: Path, slactl: Slactl) -> None:
    set_to(ticket, "open")
    assert slactl("reply", "1", "--body", "We look at it.").code == 0
    assert "ticket.status" not in slactl("history", "1", "--fields", "action").out
