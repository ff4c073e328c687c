"""Erase a person: remove texts and address, keep the facts, and keep the chain of the log valid.

1. A ticket is the person's own if its requester is or was the address, in upper or lower case. Every text in it is
   erased: subject, bodies, address. The actions of agents and their instants stay.
2. In other tickets, each text that the person wrote and each text that contains the address is erased. The address is
   also found as HTML, URLs, mail and JSON encode it, in full-width letters, and with hidden marks in it. The result
   counts the texts that have only such a form. A text stays if the letters may be part of another address.
3. Each ticket gets an event that names the erased texts by event and field, without the address.
4. The database is rewritten, so that no free page and no write-ahead log contains the texts. The transaction of the
   erasure notes that this has yet to be done. After a kill the next erasure does it.
5. The result counts the places that still contain the letters: sealed facts, and possible other addresses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, cast

from slactl import committed
from slactl.clock import to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.entry import run_by
from slactl.errors import DatabaseError, ExitCode, NotKnownError, RefusedError
from slactl.sla.enums import ActorType
from slactl.store.schema import chain
from slactl.store.schema.events import CHANGE, ERASE, detail_text
from slactl.store.write import erasure
from slactl.text import clean, is_address, quoted

if TYPE_CHECKING:
    from slactl.records.upkeep import Erasure as ErasureRecord
    from slactl.records.upkeep import Leftover as LeftoverRecord
    from slactl.store.database import Transaction


class Spelled(NamedTuple):
    """How many texts have the address only in an encoded form, such as `&#64;`, and the tickets of others with them."""

    texts: int
    tickets: Sequence[int]


class Leftover(NamedTuple):
    """A column in which the letters are still found, how many rows have them, and the tickets of those rows."""

    table: str
    column: str
    rows: int
    tickets: Sequence[int]


@dataclass(frozen=True, slots=True)
class Erasure:
    """The texts that were erased, or would be: how many by field, in which tickets, and what could not be erased.

    `problem` says why old pages may still be in the file. `last_event` is the last event of the log.
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
        """Return the exit code."""
        return ExitCode.PARTLY if self.left or self.problem else ExitCode.DONE

    def record(self) -> "ErasureRecord":
        """Return the erasure as `erase --json` prints it."""
        return {
            "texts": dict(self.texts),
            "tickets": list(self.tickets),
            "other_tickets": list(self.other_tickets),
            "spelled": {"texts": self.spelled.texts, "tickets": self.spelled.tickets},
            "left": [cast("LeftoverRecord", leftover._asdict()) for leftover in self.left],
            "problem": self.problem,
            "dry_run": self.dry_run,
            "exit_code": int(self.code),
        }


def erase(desk: Desk, now: datetime, requester: str, *, dry_run: bool = False, shown: int | None = None) -> Erasure:
    """Erase a person from the database, and finish an earlier erasure that was interrupted.

    `shown` is the last event of the log when a person was shown what would be erased, and confirmed it.

    Raises:
        NotKnownError: the database has no data of this person.
        RefusedError: the database has more data of this person than was shown.
        DatabaseError: it cannot be written.
    """
    with committed.in_parts():
        with desk.database.write(keep=not dry_run) as transaction:
            erasure.prepare(transaction, requester, is_address=is_address(requester.strip()))
            texts, last = erasure.counts(transaction), erasure.last_event(transaction)
            own, others = erasure.tickets(transaction, own=True), erasure.tickets(transaction, own=False)
            spelled = Spelled(*erasure.spelled(transaction))
            if shown is not None and erasure.newest(transaction) > shown:
                again = f"slactl erase --requester {quoted(requester)}"
                raise RefusedError("new data of this person arrived in the meantime; nothing was erased", again)
            if texts:
                _record(transaction, desk.actor, now)
                erasure.remove(transaction)
            left = [Leftover(*leftover) for leftover in erasure.leftovers(transaction)]
            if not texts and not erasure.is_unfinished(transaction):
                raise _no_data_found(requester, left)
            done = Erasure(texts, own, others, spelled, left, dry_run, last)
            committed.add("person", "erased", [clean(requester)])
        return done if dry_run else replace(done, problem=_wipe(desk))


def finish(desk: Desk, *, dry_run: bool = False) -> Erasure:
    """Rewrite the file, after an erasure that was interrupted.

    Raises:
        DatabaseError: there is no database.
    """
    with desk.database.held_open():
        pass
    return Erasure({}, [], [], Spelled(0, []), [], dry_run, 0, None if dry_run else _wipe(desk))


def _no_data_found(requester: str, left: Sequence[Leftover]) -> NotKnownError:
    name = clean(requester)[:100]
    if not left or not name.strip():
        return NotKnownError(f"no data found for {name}", "slactl list --all --fields requester_email")
    where = ", ".join(f"{leftover.table}.{leftover.column}" for leftover in left)
    numbers = sorted({number for leftover in left for number in leftover.tickets})[:20]
    of_tickets = f" of ticket{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}" if numbers else ""
    return NotKnownError(f"found no data that can be erased for {name}; the name is in {where}{of_tickets}")


def _record(transaction: "Transaction", actor: str, now: datetime) -> None:
    at, change = to_text(now), erasure.last_event(transaction) + 1
    for ticket, texts in list(erasure.doomed(transaction)):
        row = {
            "ticket_id": ticket,
            "at": at,
            "recorded_at": at,
            "actor": actor,
            "actor_type": ActorType.USER.value,
            "action": ERASE,
            "detail": detail_text({**run_by(texts), CHANGE: change}),
        }
        chain.append(transaction, row)


def _wipe(desk: Desk) -> str | None:
    """Rewrite the file; return why old pages may still be in it, or None if it has none."""
    try:
        if desk.database.wipe():
            return None
        why = "another program reads it"
    except DatabaseError as error:
        why = error.message
    return f"old pages may still be in the file, because {why}; run: slactl erase --finish"
