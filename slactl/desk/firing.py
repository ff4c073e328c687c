"""What a run does with the tickets whose next instant has come."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import DBAPIError, IntegrityError

from slactl.clock import to_text
from slactl.config import Config
from slactl.desk.check import Batch, Job, Report
from slactl.desk.escalation import Action, Cause, fire, record_only
from slactl.desk.ladders import Turn, due_tickets, is_current, next_live, refresh
from slactl.desk.ledger import Entry, Ledger, ledger
from slactl.errors import SlactlError
from slactl.sla.enums import ActorType, EventType, LevelOutcome, Target
from slactl.sla.history import Event
from slactl.sla.history_fields import MOST_TAGS
from slactl.sla.ladders import Firing, due_levels
from slactl.store.connection import give_way
from slactl.store.events import BREACH
from slactl.text import clean

#: Tickets in one write transaction: few enough that nobody waits long for the lock.
BATCH = 100

#: When a ticket that failed is tried again.
RETRY = timedelta(hours=1)

#: What a firing tells besides the fields of an escalation, of what the ledger has.
_INTERNAL = ("event_id", "left_out")


def work_through(config: Config, report: Report, job: Job) -> None:
    """Batch after batch, each in a transaction of its own."""

    def turn() -> AbstractContextManager[Ledger]:
        return ledger(config, report.at)

    refresh(turn, job.stop)
    _go_through(turn, report, job)


def rehearse(config: Config, now: datetime, job: Job) -> Report:
    """The same work in transactions that are rolled back; nothing is sent, and no row says it ran."""
    from slactl.desk.notifications import ready

    report, counts = Report(now, dry_run=True), list[tuple[int, int]]()

    @contextmanager
    def turn() -> Iterator[Ledger]:
        with ledger(config, now, keep=False) as book:
            before = len(ready(book, config, report))
            yield book
            book.settle()
            counts.append((before, len(ready(book, config, report))))

    _go_through(turn, report, job)
    if job.send and counts:
        # What waits already, and what each batch adds to it.
        report.notified = counts[0][0] + sum(after - before for before, after in counts)
    report.firings = [firing | {"id": None, "run_id": None} for firing in report.firings]
    return report


def _go_through(turn: Turn, report: Report, job: Job) -> None:
    after = 0
    while not job.stop():
        numbers: Sequence[int] = ()
        try:
            with turn() as book:
                report.note_rules(book)
                numbers, until = _next(book, after, rehearses=report.dry_run)
                batch = work_batch(book, numbers, report.run_id, job.baseline)
        except Exception as error:
            if not numbers or not _is_about_a_ticket(error):
                raise
            batch = _one_by_one(turn, numbers, report.run_id, job.baseline)
        report.add(batch)
        job.progress(len(numbers))
        if until is None:
            return
        after = until
        give_way()
    report.interrupted = True


def _next(book: Ledger, after: int, *, rehearses: bool) -> tuple[Sequence[int], int | None]:
    """The next tickets to look at, and up to which number that is all; None at the end.

    Rehearsing, what new rules do to the next instants is forgotten with each batch, so it is done for each.
    """
    if rehearses and not is_current(book):
        live = next_live(book, after, BATCH)
        if not live:
            return (), None
        return due_tickets(book, after, BATCH, until=live[-1]), live[-1]
    due = due_tickets(book, after, BATCH)
    return due, due[-1] if due else None


def _is_about_a_ticket(error: Exception) -> bool:
    """Whether what was to be read or written about some ticket is to blame, and not the database as a whole."""
    return not isinstance(error, SlactlError) or isinstance(error.__cause__, IntegrityError)


def _one_by_one(turn: Turn, numbers: Sequence[int], run_id: int | None, baseline: bool) -> Batch:
    """Each ticket of a batch that could not be written in a transaction of its own, so that one stops no other."""
    whole = Batch()
    for number in numbers:
        try:
            with turn() as book:
                batch = work_batch(book, [number], run_id, baseline)
        except Exception as error:
            if not _is_about_a_ticket(error):
                raise
            with turn() as book:
                book.postpone(number, book.now + RETRY)
            batch = Batch(scanned=1, failed=1, problems=[_problem(number, error)])
        for name in ("scanned", "breached", "failed", "firings", "problems"):
            setattr(whole, name, getattr(whole, name) + getattr(batch, name))
    return whole


def work_batch(book: Ledger, numbers: Sequence[int], run_id: int | None, baseline: bool) -> Batch:
    """Record breaches and fire what is due for some tickets; one that fails is taken back and tried later."""
    book.load(numbers)
    batch = Batch()
    for number in numbers:
        batch.scanned += 1
        mark = book.mark()
        try:
            breached = note_breaches(book, number)
            firings = fire_due(book, number, run_id, baseline)
            book.state(number)
        except Exception as error:  # one broken ticket must not keep the others waiting
            if isinstance(error, DBAPIError) and not isinstance(error, IntegrityError):
                raise  # no ticket is to blame, and SQLite may have ended the transaction
            book.take_back(number, mark)
            book.postpone(number, book.now + RETRY)
            batch.failed += 1
            batch.problems.append(_problem(number, error))
            continue
        told = book.tell_once(mark)
        batch.breached += breached
        batch.problems += [_left_out(number, firing) for firing in firings if firing["left_out"]]
        batch.firings += [_told(firing, told.get(firing["id"], [])) for firing in firings]
    return batch


def _problem(number: int, error: Exception) -> str:
    return f"ticket {number}: {type(error).__name__}: {error}"


def _left_out(number: int, firing: Mapping[str, Any]) -> str:
    tags = ", ".join(clean(tag) for tag in firing["left_out"])
    return f"ticket {number} has {MOST_TAGS} tags, the most there are; {firing['level']} does not add {tags}"


def _told(firing: dict[str, Any], recipients: list[str]) -> dict[str, Any]:
    return {name: value for name, value in firing.items() if name not in _INTERNAL} | {"told": recipients}


def note_breaches(book: Ledger, number: int) -> int:
    """Record the breaches of a ticket that nobody noticed yet; returns how many."""
    found = 0
    for timer in book.state(number).timers:
        if not isinstance(timer.kind, Target) or timer.breached_at is None:
            continue
        if book.is_detected(number, timer.kind.value, timer.cycle):
            continue
        book.detect(number, timer.kind.value, timer.cycle)
        detail = {"target": timer.kind.value, "cycle": timer.cycle, "due_at": to_text(timer.breached_at)}
        noticed = Event(book.now, EventType.NOTE, detail, "slactl", ActorType.SYSTEM)
        book.append(number, Entry(noticed, action=BREACH))
        found += 1
    return found


def fire_due(book: Ledger, number: int, run_id: int | None, baseline: bool) -> list[dict[str, Any]]:
    """Fire each level of a ticket that is due and was not decided yet, in the order in which they fell due.

    A level can change what the next one asks for (`when`), so the rest is judged anew after each.
    """
    records: list[dict[str, Any]] = []
    while due := due_levels(book.state(number), book.rulebook.current, book.now, book.fired(number)):
        record = _decide(book, number, due[0], run_id, baseline)
        records.append(record)
    return records


def _decide(book: Ledger, number: int, firing: Firing, run_id: int | None, baseline: bool) -> dict[str, Any]:
    outcome = firing.outcome
    if baseline or book.rulebook.is_new(firing.escalation, firing.level, firing.due_at):
        outcome = LevelOutcome.BASELINE
    cause = Cause(
        reason=firing.reason,
        fired_at=book.instant(number),
        actor="slactl",
        actor_type=ActorType.SYSTEM,
        key=firing.key,
        due_at=firing.due_at,
        outcome=outcome,
        warning=firing.warning,
        run_id=run_id,
    )
    if outcome is not LevelOutcome.FIRED:
        return record_only(book, number, cause)
    escalation, level = book.rulebook.level(firing.escalation, firing.level)
    return fire(book, number, Action.of(level, escalation.fallback), cause)
