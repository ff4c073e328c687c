"""Erasing a person: the words and the address go, the facts stay, and the chain of the log still verifies.

1. A person's tickets are those whose requester is or was the address, in any case of letters. All that anybody wrote
   in them goes: subject, bodies, address. What the desk's own people did and when stays.
2. In the tickets of others, what the person wrote goes, and every text that names the address.
3. Each ticket gets an entry in the log that says which texts of which events went, without the address.
4. The database is rewritten, so that no free page and no write-ahead log has any of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from slactl.clock import to_text
from slactl.config import Config
from slactl.errors import DatabaseError, ExitCode, NotKnownError
from slactl.sla.history import ActorType
from slactl.store import chain, erasure
from slactl.store.connection import open_database, reported, transaction
from slactl.store.events import ERASE, detail_text
from slactl.text import clean, is_address


class Leftover(NamedTuple):
    """A column in which the person is still named, and in how many rows."""

    table: str
    column: str
    rows: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased, or would be: how many texts by field, in which tickets, and what could not go.

    `problem` says why old pages may still be in the file.
    """

    texts: Mapping[str, int]
    tickets: Sequence[int]
    other_tickets: Sequence[int]
    left: Sequence[Leftover]
    dry_run: bool
    problem: str | None = None

    @property
    def code(self) -> ExitCode:
        """How it ended."""
        return ExitCode.PARTLY if self.left or self.problem else ExitCode.DONE

    def record(self) -> dict[str, Any]:
        """The erasure as `erase --json` prints it."""
        return {
            "texts": dict(self.texts),
            "tickets": list(self.tickets),
            "other_tickets": list(self.other_tickets),
            "left": [each._asdict() for each in self.left],
            "problem": self.problem,
            "dry_run": self.dry_run,
            "exit_code": int(self.code),
        }


def erase(config: Config, now: datetime, requester: str, *, dry_run: bool = False) -> Erasure:
    """Erase a person from the database.

    Raises:
        NotKnownError: nothing in it is of this person.
        DatabaseError: it cannot be written.
    """
    connection = open_database(config.database)
    try:
        with reported(config.database), transaction(connection, write=True, keep=not dry_run):
            erasure.prepare(connection, requester, is_address=is_address(requester.strip()))
            texts = erasure.counts(connection)
            if not texts:
                raise NotKnownError(
                    f"nothing is of {clean(requester)[:100]}", "slactl list --all --fields requester_email"
                )
            own, others = erasure.tickets(connection, own=True), erasure.tickets(connection, own=False)
            _record(connection, config.actor, now)
            erasure.remove(connection)
            left = [Leftover(*each) for each in erasure.leftovers(connection)]
    finally:
        connection.close()
    problem = None if dry_run else _wipe(config)
    return Erasure(texts, own, others, left, dry_run, problem)


def _record(connection: Any, actor: str, now: datetime) -> None:  # noqa: ANN401  (a connection of the store)
    at = to_text(now)
    for ticket, texts in list(erasure.doomed(connection)):
        row = {
            "ticket_id": ticket,
            "at": at,
            "recorded_at": at,
            "actor": actor,
            "actor_type": ActorType.USER.value,
            "action": ERASE,
            "detail": detail_text(texts),
        }
        chain.append(connection, row)


def _wipe(config: Config) -> str | None:
    """Why something of the old pages may be left in the file; None when nothing is."""
    try:
        if erasure.wipe(config.database):
            return None
        why = "another program reads it"
    except DatabaseError as error:
        why = error.message
    again = f"sqlite3 {config.database} 'PRAGMA secure_delete = ON; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)'"
    return f"old pages may still be in the file, for {why}; run: {again}"
