"""Rebuild the columns of every ticket and timer from its history, and report what differed.

1. slactl drops triggers, indexes and views that it did not make, and makes changed ones again. If duplicate rows
   prevent a unique index, slactl tries again at the end, because rebuilding may have fixed the rows.
2. It takes the tickets in batches in the order of their numbers; each batch is one write transaction.
3. It writes a ticket that differs from its history again as a whole. It compares the next instants of timers with the
   instants by today's rules.
4. It makes the sums that summaries read anew if they do not follow from the tickets.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slactl.committed import parts
from slactl.desk.escalation.due import is_current
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.entry import Restored
from slactl.desk.ledger.ledger import CommandRules, Ledger, ledger
from slactl.desk.ledger.projection import IDENTITY, upcoming_columns
from slactl.desk.upkeep.expected import AuditContext, Difference, differences, earlier_rows, expected_rows, timer_name
from slactl.errors import ExitCode, SlactlError
from slactl.store.read import audit, rules_versions
from slactl.store.read.rows import BATCH
from slactl.store.schema import sums
from slactl.store.sqlite import structure
from slactl.store.sqlite.structure import Oddity
from slactl.text import counted

if TYPE_CHECKING:
    from slactl.records.upkeep import Rebuild as RebuildRecord
    from slactl.store.database import Transaction

Progress = Callable[[str, int, int], None]
Problem = Callable[[str], None]


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild did, or would do; its counts grow with each batch."""

    dry_run: bool
    tickets: int = 0
    changed: int = 0
    differences: int = 0
    failed: int = 0
    structure: Sequence[str] = ()
    #: The parts of the structure that slactl did not make: name, and the statement that made it.
    dropped: Mapping[str, str | None] = field(default_factory=dict)
    #: The parts of the structure that could not be made again.
    unmade: Sequence[str] = ()

    @property
    def code(self) -> ExitCode:
        """Return 7 when a ticket could not be calculated, an index not made, or a dry run found a difference."""
        found = self.failed or self.unmade or (self.dry_run and (self.differences or self.structure))
        return ExitCode.PARTLY if found else ExitCode.DONE

    def record(self) -> "RebuildRecord":
        """Return the rebuild as `doctor --rebuild --json` prints it, without the differences."""
        return {
            "dry_run": self.dry_run,
            "tickets": self.tickets,
            "changed": self.changed,
            "differences": self.differences,
            "failed": self.failed,
            "structure": list(self.structure),
            "dropped": dict(self.dropped),
            "unmade": list(self.unmade),
        }


@parts
def rebuild(
    desk: Desk,
    now: datetime,
    done: Rebuilt,
    progress: Progress = lambda *_: None,
    problem: Problem = lambda _: None,
    *,
    tables: bool = False,
) -> Iterator[dict[str, Any]]:
    """Rebuild every ticket and timer; yields a record for each difference as it is found.

    A table that slactl did not make is dropped with all its rows only with `tables`.

    Raises:
        RulesError: the rules are invalid, and this database never used a valid version.
        DatabaseError: the database cannot be written.
    """
    last, problems, rules = 0, list[str](), CommandRules(desk)
    wrong_sums = dict[str, int]()
    while True:
        with ledger(desk, now, keep=not done.dry_run, rules=rules) as book:
            transaction = book.transaction
            if not last:
                odd = structure.odd_parts(transaction)
                done.structure = [part.name for part in odd]
                done.dropped = {part.name: part.sql for part in odd if part.oddity is Oddity.FOREIGN}
                structure.restore(transaction, tables=tables)
                # Each batch changes the sums with its tickets, so they have to be right before.
                wrong_sums |= sums.make_right(transaction)
            numbers = audit.numbers(transaction, last, BATCH)
            batch = list(_batch(book, transaction, numbers, done, problems.append))
            if not numbers:
                wrong_sums |= sums.make_right(transaction)
                _finish_structure(transaction, done, problems.append, tables=tables)
        for message in problems:
            problem(message)
        problems.clear()
        yield from (difference._asdict() | {"message": str(difference)} for difference in batch)
        if not numbers:
            yield from _differing_sums(wrong_sums, done)
            return
        last = numbers[-1]
        progress("tickets", done.tickets, max(done.tickets, last))


def foreign_parts(desk: Desk) -> list[str]:
    """Return the parts of the structure that a rebuild would drop, as slactl did not make them.

    Raises:
        DatabaseError: the database cannot be read.
    """
    with desk.database.read() as transaction:
        odd = structure.odd_parts(transaction)
    return [f"the {each.kind} {each.name}" for each in odd if each.oddity is Oddity.FOREIGN]


def _differing_sums(wrong: Mapping[str, int], done: Rebuilt) -> Iterator[dict[str, Any]]:
    """Yield the sums that were wrong, unless that followed from wrong tickets."""
    for table, count in wrong.items() if not (done.differences or done.failed) else ():
        done.differences += 1
        message = f"{counted(count, 'row')} of {table} cannot be right by the tickets and their outcomes"
        yield {"ticket_id": None, "row": table, "column": "rows", "stored": count, "expected": 0, "message": message}


def _finish_structure(transaction: "Transaction", done: Rebuilt, problem: Problem, *, tables: bool) -> None:
    """Make the parts that could not be made before the tickets were rebuilt; report the parts that still fail.

    From now on all outcomes follow from the histories, those from before an upgrade too.
    """
    if not done.failed:
        structure.forget_upgrade(transaction)
    failed = structure.restore(transaction, tables=tables)
    done.unmade = list(failed)
    done.dropped = {name: sql for name, sql in done.dropped.items() if name not in failed}
    for why in failed.values():
        problem(why)


def _batch(
    book: Ledger, transaction: "Transaction", numbers: Sequence[int], done: Rebuilt, problem: Problem
) -> Iterator[Difference]:
    context = AuditContext(book.rulebook.version, book.rulebook.holidays, book.now)
    versions = rules_versions.versions(transaction)
    hashes = {number: rules_hash for number, (rules_hash, _) in versions.items()}
    knows_levels = is_current(book)
    for kept in list(audit.stored(transaction, numbers, upgraded=True)):
        done.tickets += 1
        mark = book.mark()
        try:
            differing = differences(kept, context, hashes)
            differing += _next_instants(book, kept, context) if knows_levels else ()
            # Today's rules give the exact next instant; the audit knows only the latest possible one.
            found = list({(each.row, each.column): each for each in differing}.values())
            if found:
                expected = expected_rows(kept, context)
                pinned = next((number for number, rules_hash in hashes.items() if rules_hash == expected.rules), None)
                if pinned is None:
                    raise ValueError(f"the rules version {(expected.rules or 'none')[:12]} is not in the database")
                identity = {name: expected.ticket[name] for name in IDENTITY}
                book.restore(kept.number, pinned, Restored(identity, expected.noticed, kept.ticket is None))
        except (SlactlError, ValueError, KeyError, TypeError, AttributeError) as error:
            book.take_back(kept.number, mark)
            done.failed += 1
            problem(f"ticket {kept.number}: {error}")
            continue
        done.changed += bool(found)
        done.differences += len(found)
        yield from found


def _next_instants(book: Ledger, kept: audit.Stored, context: AuditContext) -> Iterator[Difference]:
    """Yield wrong next levels, and timers that no check would examine when their next level is due."""
    expected, rules = expected_rows(kept, context), book.rulebook.current
    is_baseline = book.rulebook.baselines.of_ticket(kept.number)
    late = upcoming_columns(expected.evaluation, rules, expected.fired, is_baseline)
    if kept.ticket is not None and any(kept.ticket[column] != value for column, value in late.items()):
        # The next level is stored as of the ticket's last change; time that passed since is not a difference.
        before = [each.evaluation for each in earlier_rows(kept, context)]
        early = [upcoming_columns(each, rules, expected.fired, is_baseline) for each in before]
        for column, value in late.items():
            if kept.ticket[column] not in (value, *(each[column] for each in early)):
                yield Difference(kept.number, f"ticket {kept.number}", column, kept.ticket[column], value)
    stored = {(row["kind"], row["cycle"]): row for row in kept.timers}
    for key, row in expected.timers(kept.number, rules).items():
        known = stored.get(key)
        if known is None or (known["next_at"] is None and expected.evaluation.status.is_done):
            # No check returns to a ticket that was done for a level that came to the rules later.
            continue
        if known["next_at"] != row["next_at"]:
            name = timer_name(kept.number, row)
            yield Difference(kept.number, name, "next_at", known["next_at"], row["next_at"])
