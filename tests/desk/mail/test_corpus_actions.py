"""What each message of the corpus becomes on one desk; `corpus/expected.toml` has the action and the ticket."""

import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from test_corpus import CORPUS, EXPECTED

from slactl.desk.ledger.desk import Desk
from slactl.desk.mail.message import Mail, read_mail
from slactl.desk.mail.take import take
from slactl.desk.tickets import changes, tenants
from slactl.desk.tickets.change import change
from slactl.sla.enums import MailAction
from slactl.store.database import Database

#: A time after the messages came.
NOW = datetime(2026, 11, 26, 14, tzinfo=UTC)

RULES = """
[people.mia]
emails = ["mia@example.com"]

[mail]
address = "support@example.com"
agents = ["*@example.com"]
"""

#: The messages that open tickets 1 to 5, with the ids of the answers that an agent sent.
OPENINGS = {
    "gmail_new": "answer1@example.com",
    "outlook_new_with_picture": "answer5@example.com",
    "apple_mail_new": "answer13@example.com",
    "thunderbird_new": "answer14@example.com",
    "smime_signed": "answer2@example.com",
}

#: The ticket that somebody closed.
CLOSED = 5


def message(name: str) -> Mail:
    return read_mail((CORPUS / f"{name}.eml").read_bytes())


def becomes(desk: Desk, mail: Mail, *, dry_run: bool = False) -> tuple[MailAction, int | None]:
    """Take a message; return the action and its ticket."""
    taken = take(desk, NOW, mail, dry_run=dry_run)
    return taken.action, taken.ticket


@pytest.fixture(scope="module")
def prepared(new_desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with tickets that messages of the corpus answer."""
    folder = shutil.copytree(new_desk, tmp_path_factory.mktemp("corpus") / "desk")
    rules = folder / "rules.toml"
    rules.write_text(rules.read_text() + RULES)
    desk = Desk(Database(folder / "slactl.db"), rules, "postfix", {})
    tenants.add(desk, NOW, "customer", tenants.TenantFacts(domains=["customer.example"]))
    answer = message("agent_answers_in_copy")
    for number, (name, answered) in enumerate(OPENINGS.items(), 1):
        opening = message(name)
        assert becomes(desk, opening) == (MailAction.OPENED, number)
        sent = replace(answer, message_id=answered, references=(opening.message_id,))
        assert becomes(desk, sent) == (MailAction.AGENT_REPLY, number)
    change(desk, NOW, [str(CLOSED)], changes.close())
    return desk


@pytest.mark.parametrize("name", EXPECTED)
def test_a_message_becomes_what_the_table_says(name: str, prepared: Desk) -> None:
    action = EXPECTED[name]["action"]
    new = len(OPENINGS) + 1 if action == "opened" else None
    assert becomes(prepared, message(name), dry_run=True) == (action, EXPECTED[name].get("ticket", new))


def test_the_table_has_every_action_but_commands() -> None:
    found = Counter(row["action"] for row in EXPECTED.values())
    assert set(found) == {action.value for action in MailAction} - {MailAction.COMMAND}
