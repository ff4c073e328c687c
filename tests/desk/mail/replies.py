"""A desk whose boss was told of late tickets, and replies to those messages, without a mail server."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from conftest import Slactl

from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.ledger import CommandRules, Ledger, ledger
from slactl.desk.mail.reply_commands import Obeyed, obey, read_command
from slactl.desk.mail.tokens import Notified, answered
from slactl.desk.messages.by_mail.headers import token_of
from slactl.desk.tickets.change import Change, change_one
from slactl.store.database import Database
from slactl.store.write.outbox import reply_key

RULES = """
[roles.lead]
assignee = "boss"
[people.boss]
emails = ["Boss@example.com", "boss@home.example"]
[people.mia]
emails = ["mia@example.com"]
[[escalation]]
id = "first-response"
on = "first_response"
  [[escalation.level]]
  id = "breach"
  at = "0m"
  notify = ["boss"]
[mail]
address = "support@example.com"
"""

#: When the boss was told, and when the reply came.
TOLD, REPLIED = datetime(2026, 3, 4, 10, tzinfo=UTC), datetime(2026, 3, 4, 11, tzinfo=UTC)


def write_rules(desk: Path, more: str = "") -> None:
    path = desk.with_name("rules.toml")
    text = path.read_text().replace("manual_escalation =", "# manual_escalation =")
    text = text[: text.index("# Roles and people, and")].replace(
        "[settings]", '[settings]\nmanual_escalation = { priority = "urgent", notify = ["mia"] }'
    )
    path.write_text(text + RULES + more)


def tell(desk: Path, slactl: Slactl, count: int, sent_together: bool = True) -> None:
    """Open late tickets and fire for them; the message about them went out in one digest, or each in its own."""
    for number in range(count):
        made = slactl("create", f"late {number}", "--from", "ann@example.com", "--at", "2026-03-02T09:00:00Z")
        assert made.code == 0, made.err
    assert slactl("check", "--no-send").code == 0
    with closing(sqlite3.connect(desk)) as connection, connection:
        for (number,) in connection.execute("SELECT id FROM notification").fetchall():
            ids = json.dumps({"0123456789abcdef": "one" if sent_together else f"own-{number}"})
            connection.execute("UPDATE notification SET message_ids = ? WHERE id = ?", (ids, number))


def service_desk(desk: Path, actor: str = "mail") -> Desk:
    return Desk(Database(desk), desk.with_name("rules.toml"), actor, {})


def token(desk: Path, number: int = 1, person: str = "boss", *, is_single: bool = True) -> str:
    with Database(desk).write() as transaction:
        return token_of(reply_key(transaction), number, person, is_single=is_single)


def found(desk: Path, number: int, typed: str) -> Notified | None:
    """Return the message that a token belongs to."""
    with ledger(service_desk(desk), REPLIED, rules=CommandRules(service_desk(desk), "mail")) as book:
        return answered(book.transaction, book.rulebook.current, number, typed)


def changing(book: Ledger, number: int, change: Change, at: datetime | None) -> list[str]:
    return change_one(book, number, change, at, None)


def reply(desk: Path, line: str, *, is_single: bool = True, at: datetime = REPLIED) -> Obeyed:
    """Carry out the command of a reply of the boss to the first message."""
    whole = service_desk(desk)
    command = read_command(line)
    assert command is not None, line
    own = token(desk, is_single=is_single)
    with ledger(whole, REPLIED, rules=CommandRules(whole, "mail")) as book:
        message = answered(book.transaction, book.rulebook.current, 1, own)
        assert message is not None
        return obey(book, command, message, at, changing)


def ticket(slactl: Slactl, number: int) -> dict[str, Any]:
    """Return a ticket as `list` has it."""
    listed = slactl("list", "--all", "--json")
    assert listed.code == 0, listed.err
    return next(each for each in json.loads(listed.out) if each["id"] == number)


def actions(slactl: Slactl, number: int) -> list[tuple[str, str]]:
    """Return who did what with a ticket, without what slactl did."""
    listed = slactl("history", str(number), "--json")
    assert listed.code == 0, listed.err
    return [(each["actor"], each["action"]) for each in json.loads(listed.out) if each["actor"] != "slactl"]
