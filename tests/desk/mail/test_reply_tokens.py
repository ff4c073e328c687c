"""The token of a message is good for its person, its message and two weeks, and nobody can make one."""

import sqlite3
import string
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory
from replies import TOLD, found, tell, token, write_rules

from slactl.desk.ledger.rules_versions import rules_of_file
from slactl.desk.mail.tokens import LASTING
from slactl.sla.rules.rules import Rules


@pytest.fixture
def told(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> Path:
    """A desk whose boss was told of two tickets."""
    write_rules(desk)
    clock.move_to(TOLD)
    tell(desk, slactl, 2)
    return desk


def rules(desk: Path) -> Rules:
    from replies import service_desk

    return rules_of_file(service_desk(desk))


def key(desk: Path) -> str | None:
    with closing(sqlite3.connect(desk)) as connection:
        row = connection.execute("SELECT value FROM meta WHERE key = 'reply_key'").fetchone()
    return row[0] if row is not None else None


@pytest.mark.parametrize("is_single", [True, False])
def test_token_names_message_and_person_and_whether_it_was_about_one_ticket(told: Path, is_single: bool) -> None:
    message = found(told, 2, token(told, 2, is_single=is_single))
    assert message is not None
    assert (message.number, message.ticket, message.person, message.is_single) == (2, 2, "boss", is_single)
    assert message.made_at == TOLD


def test_token_survives_a_mail_server_that_changes_the_case_of_letters(told: Path) -> None:
    assert found(told, 1, token(told).upper()) == found(told, 1, token(told)) is not None


def test_token_has_only_letters_and_digits(told: Path) -> None:
    assert set(token(told)) <= set(string.ascii_lowercase + string.digits)


def test_no_other_text_is_a_token(told: Path) -> None:
    own = token(told)
    others = [token(told, 2), token(told, 1, "eve"), own[:-1], f"{own}a", "", "é", own.translate({ord(own[0]): "1"})]
    assert [found(told, 1, text) for text in others] == [None] * len(others)
    assert [found(told, number, own) for number in (2, 3, 0, 2**63, 10**30)] == [None] * 5


def test_person_who_left_has_no_token_any_more(told: Path) -> None:
    own = token(told)
    path = told.with_name("rules.toml")
    path.write_text(path.read_text().replace("people.boss", "people.chief").replace('"boss"', '"chief"'))
    assert found(told, 1, own) is None


@pytest.mark.parametrize("sender", ["boss@example.com", "BOSS@EXAMPLE.COM", "boss@home.example"])
def test_person_may_command_from_each_of_their_addresses(told: Path, sender: str) -> None:
    message = found(told, 1, token(told))
    assert message is not None
    assert message.why_no_command(rules(told), sender, TOLD) is None


@pytest.mark.parametrize("sender", ["mia@example.com", "ann@example.com", "boss@example.com.evil.example", ""])
def test_nobody_else_may_command_with_the_token(told: Path, sender: str) -> None:
    message = found(told, 1, token(told))
    assert message is not None
    assert "is not one of the emails of boss" in str(message.why_no_command(rules(told), sender, TOLD))


def test_token_is_good_for_two_weeks(told: Path) -> None:
    message = found(told, 1, token(told))
    assert message is not None
    last = TOLD + LASTING
    assert timedelta(days=14) == LASTING
    assert message.why_no_command(rules(told), "boss@example.com", last) is None
    late = message.why_no_command(rules(told), "boss@example.com", last + timedelta(seconds=1))
    assert late == "the message is older than 14 days, so the reply is a note"


def test_database_makes_its_key_once_and_another_database_has_another_key(
    told: Path, slactl: Slactl, tmp_path: Path
) -> None:
    assert key(told) is None, "no message has gone out by mail"
    own = token(told)
    first = key(told)
    assert first is not None
    assert (len(first), token(told), key(told)) == (64, own, first)
    other = tmp_path / "other.db"
    assert slactl("--db", str(other), "init").code == 0
    assert token(other) != own


def test_key_is_neither_exported_nor_printed(told: Path, slactl: Slactl) -> None:
    token(told)
    secret = str(key(told))
    commands = (("export",), ("export", "--whole"), ("export", "--events"), ("doctor", "--json"), ("audit", "verify"))
    for command in commands:
        shown = slactl(*command)
        assert secret not in shown.out + shown.err, command
