"""A service desk with a support address, and messages to it."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory

from slactl.desk.ledger.desk import Desk
from slactl.desk.mail.message import Mail
from slactl.desk.mail.take import Taken, take
from slactl.store.database import Database

SUPPORT, BOB, MIA = "support@example.com", "bob@acme.example", "mia@example.com"

#: A Monday morning.
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

#: What every message has that says nothing else.
PLAIN: Mapping[str, Any] = {
    "sender": BOB,
    "sender_name": "",
    "recipients": (SUPPORT,),
    "references": (),
    "subject": "Printer on fire",
    "text": "It burns.",
    "attachments": (),
    "received": None,
    "automatic": None,
}

RULES = f"""
[people.mia]
emails = ["Mia@example.com"]

[mail]
address = "{SUPPORT}"
agents = ["*@team.example"]
burst = 3
"""


class MailDesk:
    """A desk in a folder, whose clock is what each message says."""

    def __init__(self, database: Path, clock: FrozenDateTimeFactory) -> None:
        self.database, self.now, self._sent, self._clock = database, NOW, 0, clock
        rules = database.with_name("rules.toml")
        rules.write_text(rules.read_text() + RULES)
        self.desk = Desk(Database(database), rules, "postfix", {})

    def letter(self, **facts: Any) -> Mail:  # noqa: ANN401
        """Return a message with a Message-ID of its own; who it is to is what it was written to, unless stated."""
        self._sent += 1
        stated = {"message_id": f"{self._sent}@mail.example", **PLAIN, **facts}
        return Mail(**{"written_to": stated["recipients"], **stated})

    def take(self, mail: Mail | None = None, *, dry_run: bool = False, **facts: Any) -> Taken:  # noqa: ANN401
        """Take a message a minute after the one before."""
        self.wait(timedelta(minutes=1))
        return take(self.desk, self.now, mail or self.letter(**facts), dry_run=dry_run)

    def deal(self, **facts: Any) -> tuple[str, int | None]:  # noqa: ANN401
        """Take a message; return its action and its ticket."""
        taken = self.take(**facts)
        return taken.action.value, taken.ticket

    def wait(self, time: timedelta) -> None:
        """Let time pass, also for commands."""
        self.now += time
        self._clock.move_to(self.now)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query, values).fetchall()

    def dump(self) -> list[str]:
        """Return everything in the database."""
        with closing(sqlite3.connect(self.database)) as connection:
            return list(connection.iterdump())

    def events(self, ticket: int) -> list[tuple[str, str, str | None, str | None]]:
        """Return action, actor, address and text of each event of a ticket, but for deadlines that slactl noted."""
        query = """SELECT e.action, e.actor,
        (SELECT text FROM event_text WHERE event_id = e.id AND field = 'actor'),
        (SELECT text FROM event_text WHERE event_id = e.id AND field = 'body')
        FROM event e WHERE ticket_id = ? AND action <> 'sla.due' ORDER BY id"""
        return self.rows(query, ticket)

    def ticket(self, number: int) -> dict[str, Any]:
        """Return a ticket as its public view has it, with its timers."""
        with closing(sqlite3.connect(self.database)) as connection:
            connection.row_factory = sqlite3.Row
            found = dict(connection.execute("SELECT * FROM ticket_view WHERE id = ?", (number,)).fetchone())
            timers = connection.execute(
                "SELECT kind, cycle, started_at, due_at, stopped_at FROM timer WHERE ticket_id = ? ORDER BY id",
                (number,),
            )
            del found["overdue_seconds"], found["updated_at"]
            return {**found, "tags": json.loads(found["tags"]), "timers": [tuple(row) for row in timers]}
