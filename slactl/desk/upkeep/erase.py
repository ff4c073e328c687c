"""Erasing a person: the words and the address go, the facts stay, and the chain of the log still verifies.

1. A person's tickets are those whose requester is or was the address, in any case of letters. All that anybody wrote
   in them goes: subject, bodies, address. What the desk's own people did and when stays.
2. In the tickets of others, what the person wrote goes, and every text that names the address, however it is spelled:
   as in HTML, URLs, mail headers and bodies, JSON, with letters of other widths or with hidden marks between them. How
   many of these are found only by decoding is told. A text stays where the letters may be a part of another address.
3. Each ticket gets an entry in the log that says which texts of which events went, without the address.
4. The database is rewritten, so that no free page and no write-ahead log has any of it. The same transaction notes
   that this has yet to be done: whoever is killed in between, the next erasure does it.
5. Where the letters are still found, that is counted and told: in sealed facts, and in what may be another address.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from slactl.clock import to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.entry import run_by
from slactl.errors import DatabaseError, ExitCode, NotKnownError, RefusedError
from slactl.sla.enums import ActorType
from slactl.store.schema import chain
from slactl.store.schema.events import ERASE, detail_text
from slactl.store.sqlite.connection import open_database
from slactl.store.write import erasure
from slactl.text import clean, is_address, quoted

if TYPE_CHECKING:
    from slactl.store.database import Transaction


class Spelled(NamedTuple):
    """How many texts in tickets of others have the address only in another spelling, such as `&#64;`, and which."""

    texts: int
    tickets: Sequence[int]


class Leftover(NamedTuple):
    """A column in which the letters are still found, in how many rows, and of which tickets those are."""

    table: str
    column: str
    rows: int
    tickets: Sequence[int]


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased, or would be: how many texts by field, in which tickets, and what could not go.

    `problem` says why old pages may still be in the file, `last_event` how far the log went.
    """

    texts: Mapping[str, int]
    tickets: Sequence[int]
    other_tickets: Sequence[int]
    spelled: Spelled
    left: Sequence[Leftover]
    dry_run: bool
    last_event: int
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
            "spelled": self.spelled._asdict(),
            "left": [each._asdict() for each in self.left],
            "problem": self.problem,
            "dry_run": self.dry_run,
            "exit_code": int(self.code),
        }


def erase(desk: Desk, now: datetime, requester: str, *, dry_run: bool = False, shown: int | None = None) -> Erasure:
    """Erase a person from the database, and finish what an erasure before left to do.

    `shown` is the last event of the log when somebody was shown what goes, and said yes to that.

    Raises:
        NotKnownError: nothing in it is of this person.
        RefusedError: more is of this person than was shown.
        DatabaseError: it cannot be written.
    """
    with desk.database.write(keep=not dry_run) as connection:
        done = _erase(connection, desk.actor, now, requester, dry_run=dry_run, shown=shown)
    return done if dry_run else replace(done, problem=_wipe(desk))


def finish(desk: Desk, *, dry_run: bool = False) -> Erasure:
    """Rewrite the file, which an erasure before may not have come to.

    Raises:
        DatabaseError: there is no database.
    """
    open_database(desk.database.path).close()
    return Erasure({}, [], [], Spelled(0, []), [], dry_run, 0, None if dry_run else _wipe(desk))


def _erase(
    connection: "Transaction", actor: str, now: datetime, requester: str, *, dry_run: bool, shown: int | None
) -> Erasure:
    erasure.prepare(connection, requester, is_address=is_address(requester.strip()))
    texts, last = erasure.counts(connection), erasure.last_event(connection)
    own, others = erasure.tickets(connection, own=True), erasure.tickets(connection, own=False)
    spelled = Spelled(*erasure.spelled(connection))
    if shown is not None and erasure.newest(connection) > shown:
        again = f"slactl erase --requester {quoted(requester)}"
        raise RefusedError("more came of this person in the meantime; nothing was erased", again)
    if texts:
        _record(connection, actor, now)
        erasure.remove(connection)
    left = [Leftover(*each) for each in erasure.leftovers(connection)]
    if not texts and not erasure.is_unfinished(connection):
        raise _nobody(requester, left)
    return Erasure(texts, own, others, spelled, left, dry_run, last)


def _nobody(requester: str, left: Sequence[Leftover]) -> NotKnownError:
    name = clean(requester)[:100]
    if not left or not name.strip():
        return NotKnownError(f"nothing is of {name}", "slactl list --all --fields requester_email")
    where = ", ".join(f"{each.table}.{each.column}" for each in left)
    numbers = sorted({number for each in left for number in each.tickets})[:20]
    of_tickets = f" of ticket{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}" if numbers else ""
    return NotKnownError(f"nothing that can go is of {name}; it is named in {where}{of_tickets}")


def _record(connection: "Transaction", actor: str, now: datetime) -> None:
    at = to_text(now)
    for ticket, texts in list(erasure.doomed(connection)):
        row = {
            "ticket_id": ticket,
            "at": at,
            "recorded_at": at,
            "actor": actor,
            "actor_type": ActorType.USER.value,
            "action": ERASE,
            "detail": detail_text(run_by(texts)),
        }
        chain.append(connection, row)


def _wipe(desk: Desk) -> str | None:
    """Why something of the old pages may be left in the file; None when nothing is."""
    try:
        if desk.database.wipe():
            return None
        why = "another program reads it"
    except DatabaseError as error:
        why = error.message
    return f"old pages may still be in the file, for {why}; run: slactl erase --finish"
