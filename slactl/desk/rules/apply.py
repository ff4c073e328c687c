"""Compare the current rules with the versions that open tickets run on, and move the tickets to the current rules.

1. Open tickets on other rules are moved in batches, in the order of their numbers; each batch is one write
   transaction.
2. The history of each ticket gets a `rules_applied` event. The targets that are neither met nor late follow.
3. Levels that become due only because of the move are recorded as baseline, so that the move sends no message about
   the past.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from slactl.clock import to_text
from slactl.committed import parts
from slactl.desk.ledger.desk import Desk
from slactl.errors import ExitCode, RefusedError, SlactlError
from slactl.sla.enums import ActorType, EventType, Target
from slactl.sla.history.event import Event

if TYPE_CHECKING:
    from slactl.desk.ledger.ledger import Ledger
    from slactl.sla.escalation.levels import Firing, FiringKey
    from slactl.sla.timers.timer import Evaluation

Record = dict[str, Any]

#: What a move changes of a timer.
COMPARED = ("target_seconds", "due_at", "state", "breached_at")

#: Tickets in one write transaction.
BATCH = 500

#: The fields of a changed deadline, in the order of the output.
CHANGE_FIELDS = (
    "ticket_id",
    "external_id",
    "tenant",
    "plan",
    "priority",
    "target",
    "cycle",
    "policy_before",
    "policy_after",
    "target_seconds_before",
    "target_seconds_after",
    "due_at_before",
    "due_at_after",
    "state_before",
    "state_after",
    "newly_breached",
)


@dataclass(slots=True)
class Move:
    """The progress of a move of the open tickets to the current rules; it fills while batches are written."""

    at: datetime
    dry_run: bool
    #: The hash of the current rules, known from the first batch on; rules with another hash are refused.
    rules: str | None = None
    moved: int = 0
    changed: int = 0
    newly_breached: int = 0
    baseline: int = 0
    failed: int = 0
    #: The versions of the tickets in the preview that a person confirmed, by number; None without a preview.
    shown: dict[int, int] | None = None

    @property
    def code(self) -> ExitCode:
        """Return the exit code of the move."""
        return ExitCode.PARTLY if self.failed else ExitCode.DONE

    def confirmed(self, at: datetime) -> "Move":
        """Return the real move after this preview; it refuses other rules, and leaves tickets that changed since."""
        return Move(at, dry_run=False, rules=self.rules, shown=self.shown)

    def record(self) -> Record:
        """Return the move as `rules apply --json` prints it, without the changed deadlines."""
        names = ("rules", "moved", "changed", "newly_breached", "baseline", "failed")
        return {"at": to_text(self.at), "dry_run": self.dry_run} | {name: getattr(self, name) for name in names}


Progress = Callable[[int], None]
Problem = Callable[[str], None]


def diff(desk: Desk) -> Record:
    """Return the changes between the current rules and each version that open tickets run on.

    Raises:
        RulesError: the current rules are invalid.
        DatabaseError: the database cannot be read.
    """
    import tomllib

    from slactl.desk.rules.changes import changes
    from slactl.sla.rules.loading import load
    from slactl.store.read import rules_versions

    current = load(desk.rules)
    with desk.database.read() as connection:
        versions = rules_versions.of_open_tickets(connection)
    after, compared = tomllib.loads(current.canonical), []
    for version in versions:
        before = tomllib.loads(version.pop("canonical"))
        compared.append(version | {"current": version["rules"] == current.hash, "changes": changes(before, after)})
    return {"rules": current.hash, "versions": compared}


class Waiting(NamedTuple):
    """How many open tickets run on other rules than the current ones, and the hash of the current rules."""

    tickets: int
    rules: str


def waiting(desk: Desk) -> Waiting:
    """Return how many open tickets wait for a move to the current rules.

    Raises:
        RulesError: the current rules are invalid.
        DatabaseError: the database cannot be read.
    """
    from slactl.sla.rules.loading import load
    from slactl.store.read import rules_versions

    current = load(desk.rules).hash
    with desk.database.read() as connection:
        versions = rules_versions.of_open_tickets(connection)
    return Waiting(sum(version["open_count"] for version in versions if version["rules"] != current), current)


@parts
def apply(
    desk: Desk, move: Move, progress: Progress = lambda _: None, problem: Problem = lambda _: None
) -> Iterator[Record]:
    """Move the open tickets to the current rules; yield each changed deadline after its batch is written.

    Batches are written while the caller takes the records: take them all. `progress` gets the number of tickets that
    were read, `problem` the reason why a ticket stays on its rules.

    Raises:
        RulesError: the current rules are invalid.
        RefusedError: they were edited in the meantime; tickets that were moved stay moved.
        DatabaseError: the database cannot be written.
    """
    from slactl.desk.ledger.ledger import CommandRules, ledger
    from slactl.store.read import tickets

    after, change = 0, None
    while True:
        problems: list[str] = []
        read = CommandRules(desk)  # again for each batch, to notice an edit
        read.change = change
        with ledger(desk, move.at, keep=not move.dry_run, strict=True, rules=read) as book:
            current = book.rulebook.current.hash
            if move.rules is not None and move.rules != current:
                raise RefusedError("the rules were edited while they were applied", "slactl rules apply")
            move.rules = current
            rows = tickets.tickets_on_other_rules(book.transaction, current, after, BATCH)
            changed = _move_batch(book, rows, move, problems)
        for reason in problems:
            problem(reason)
        if not rows:
            return
        progress(len(rows))
        yield from changed
        after, change = rows[-1]["id"], read.change


def _move_batch(book: "Ledger", rows: list[Record], move: Move, problems: list[str]) -> list[Record]:
    if not rows:
        return []
    version = book.rulebook.current_version()
    assert version.id is not None
    book.load([row["id"] for row in rows])
    changed: list[Record] = []
    for row in rows:
        number, mark = row["id"], book.mark()
        try:
            at = book.instant(number)
            if row["updated_at"] > to_text(at) or not is_as_shown(row, move):
                raise RefusedError("the ticket changed in the meantime; run rules apply again")
            before = book.state(number)
            move.baseline += _move_ticket(book, number, at, row["rules"], version.id)
        except (SlactlError, ValueError, KeyError) as error:
            # One broken ticket must not keep the others on their old rules.
            book.take_back(number, mark)
            move.failed += 1
            problems.append(f"ticket {number}: {error}")
            continue
        move.moved += 1
        changed += _changes_of(row, before, book.state(number))
    move.changed += len(changed)
    move.newly_breached += sum(record["newly_breached"] for record in changed)
    return changed


def is_as_shown(row: Record, move: Move) -> bool:
    """Return whether a ticket is unchanged since a person saw its move; a preview notes the versions it shows."""
    if move.shown is None:
        return True
    if move.dry_run:
        move.shown[row["id"]] = row["version"]
    return bool(move.shown.get(row["id"]) == row["version"])


def _move_ticket(book: "Ledger", number: int, at: datetime, old: str, version: int) -> int:
    """Move one ticket as of `at`; return how many of its levels are recorded as baseline."""
    from slactl.desk.escalation.fire import Cause, record_only
    from slactl.desk.ledger.ledger import Entry
    from slactl.desk.tickets.deadlines import note_deadlines, open_deadlines
    from slactl.sla.enums import LevelOutcome

    before, known = open_deadlines(book.state(number)), undecided_due_levels(book, number, at)
    detail = {"rules": book.rulebook.current.hash, "from": old}
    book.append(number, Entry(Event(at, EventType.RULES_APPLIED, detail)))
    book.pin(number, version)
    book.renumber(number)
    if open_deadlines(book.state(number)) != before:
        note_deadlines(book, number, "rules applied")
    # A level that was due before the move still fires with the next check.
    firings = [firing for key, firing in undecided_due_levels(book, number, at).items() if key not in known]
    for firing in firings:
        cause = Cause(
            reason=firing.reason,
            fired_at=at,
            actor="slactl",
            actor_type=ActorType.SYSTEM,
            key=firing.key,
            due_at=firing.due_at,
            outcome=LevelOutcome.BASELINE,
            warning=firing.warning,
        )
        record_only(book, number, cause)
    return len(firings)


def undecided_due_levels(book: "Ledger", number: int, at: datetime) -> "dict[FiringKey, Firing]":
    """Return the undecided levels of a ticket that are due at an instant, also where an ack or a pause holds them."""
    from slactl.sla.escalation.levels import due_levels

    due = due_levels(book.state(number), book.rulebook.current, at, book.fired(number), held=True)
    return {firing.key: firing for firing in due}


def _changes_of(row: Record, before: "Evaluation", after: "Evaluation") -> Iterator[Record]:
    """Yield a record for each target of a ticket whose deadline, length or state changed."""
    old, new = (
        {(timer.kind, timer.cycle): timer for timer in state.timers if isinstance(timer.kind, Target)}
        for state in (before, after)
    )
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if was and now and all(getattr(was, name) == getattr(now, name) for name in COMPARED):
            continue
        yield {
            "ticket_id": row["id"],
            "external_id": row["external_id"],
            "tenant": after.tenant,
            "plan": after.plan,
            "priority": after.priority.value,
            "target": key[0].value,
            "cycle": key[1],
            "policy_before": before.policy,
            "policy_after": after.policy,
            "target_seconds_before": was.target_seconds if was else None,
            "target_seconds_after": now.target_seconds if now else None,
            "due_at_before": to_text(was.due_at) if was and was.due_at else None,
            "due_at_after": to_text(now.due_at) if now and now.due_at else None,
            "state_before": was.state.value if was else "none",
            "state_after": now.state.value if now else "none",
            "newly_breached": bool(now and now.breached_at and not (was and was.breached_at)),
        }
