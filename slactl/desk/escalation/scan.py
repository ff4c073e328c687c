"""Go through the tickets that have something due: record their breaches and fire their levels."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from slactl.clock import stopwatch, to_text
from slactl.desk.escalation.due import DueTickets, OpenLedger, due_tickets, is_current, next_live, refresh
from slactl.desk.escalation.fire import Action, Cause, fire, record_only
from slactl.desk.escalation.goals import Miss, RunGoals, alert
from slactl.desk.escalation.run import Batch, Report, RunOptions
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.last_rules import Heartbeat, LastRules
from slactl.desk.ledger.ledger import CommandRules, Entry, Ledger, ledger
from slactl.desk.messages.delivered import Delivered
from slactl.desk.oncall import feeds
from slactl.desk.oncall.duty import Duty, Told
from slactl.desk.oncall.exceptions import doubts
from slactl.errors import SlactlError
from slactl.sla.enums import ActorType, EventType, LevelOutcome, Status, Target
from slactl.sla.escalation.levels import Firing
from slactl.sla.escalation.renumbering import BreachKey
from slactl.sla.history.event import Event
from slactl.sla.history.readers import MOST_TAGS
from slactl.store.schema.events import BREACH
from slactl.store.sqlite.connection import breaks_constraint, breaks_transaction, give_way
from slactl.text import NOBODY, RESERVED, clean

if TYPE_CHECKING:
    from slactl.desk.messages.delivered import Mailing
    from slactl.records.runs import Firing as FiringRecord

#: Tickets in one write transaction, and the seconds after which it takes no more tickets: few enough that nobody waits
#: long for the lock. Writing what was changed takes about as long again.
BATCH, WORK = 100, 0.04

#: Tickets that are read at once; within them a batch does not end.
TOGETHER = 20

#: When a ticket that failed is tried again.
RETRY = timedelta(hours=1)

#: Fields that the ledger needs and that the record of a firing does not have.
_INTERNAL = ("event_id", "left_out")


def work_through(desk: Desk, report: Report, options: RunOptions, rules: CommandRules) -> LastRules | None:
    """Go through all tickets in batches; return the rules that were used, None while the file is invalid.

    Raises:
        LockedError: another run took over the work of this one, which stood still for too long.
    """

    @contextmanager
    def open_ledger() -> Iterator[Ledger]:
        with ledger(desk, report.at, rules=rules) as book:
            if report.lease is not None:
                report.lease.renew(book.transaction)
            yield book

    report.warnings += feeds.problems(desk.rules, report.at)
    refresh(open_ledger, options.stop)
    used = _go_through(open_ledger, report, options)
    report.warn_of_nobody()
    return used


def rehearse(desk: Desk, now: datetime, options: RunOptions) -> Report:
    """Do the same work in transactions that are rolled back; send nothing, and write no row of a run."""
    from slactl.desk.messages.outbox import ready

    report, delivered, counts = Report(at=now, dry_run=True), Delivered(), list[tuple[int, int]]()
    digests = set["Mailing"]()
    rules = CommandRules(desk)
    report.warnings += feeds.problems(desk.rules, now)

    @contextmanager
    def open_ledger() -> Iterator[Ledger]:
        with ledger(desk, now, keep=False, rules=rules) as book:
            before = len(ready(book, desk, delivered).numbers)
            yield book
            book.settle()
            after = ready(book, desk, delivered)
            counts.append((before, len(after.numbers)))
            digests.update(after.digests)

    _go_through(open_ledger, report, options)
    report.warn_of_nobody()
    report.add_messages(delivered)
    if options.send and counts:
        # Count the messages of earlier runs and the messages that each batch adds.
        report.notified = counts[0][0] + sum(after - before for before, after in counts)
        report.messages_sent = len(digests)
    return report


def _go_through(open_ledger: OpenLedger, report: Report, options: RunOptions) -> LastRules | None:
    after, rules, goals = 0, None, RunGoals(rehearses=report.dry_run)
    due = DueTickets()
    while not options.stop():
        numbers: Sequence[int] = ()
        try:
            with open_ledger() as book:
                rules = _note_rules(book, report)
                if after == 0:
                    report.warnings += [doubt for _, doubt in doubts(book.transaction, book.rulebook.current, book.now)]
                numbers, until = _next(book, due, after, rehearses=report.dry_run)
                batch = work_batch(book, numbers, report.run_id, options.baseline, goals)
                if batch.scanned < len(numbers):
                    until = numbers[batch.scanned - 1]
        except Exception as error:
            if not numbers or not is_about_a_ticket(error):
                raise
            batch = _one_by_one(open_ledger, numbers, report.run_id, options.baseline, goals)
        report.add(batch)
        options.progress(batch.scanned)
        if until is None:
            return rules
        after = until
        give_way()
    report.interrupted = True
    return rules


def _note_rules(book: Ledger, report: Report) -> LastRules | None:
    """Report the rules that the run uses, and an invalid file once; return the rules of the file."""
    if not report.dry_run:
        report.rules_version = book.rulebook.current_version().id
    if book.rulebook.problem is not None:
        if not report.invalid_rules:
            report.invalid_rules = True
            report.problems.append(f"{book.rulebook.problem.message}; the last valid rules are used")
        return None
    rules = book.rulebook.current
    settings = rules.settings
    heartbeat = None
    if settings.heartbeat is not None:
        heartbeat = Heartbeat(settings.heartbeat, settings.allow_http, settings.secrets, settings.proxy)
    sources = tuple(source.name for source in rules.sources)
    with_feeds = tuple(name for name, schedule in rules.schedules.items() if schedule.ical is not None)
    return LastRules(
        "", heartbeat, rules.canonical, rules.hash, sources, with_feeds, bool(rules.objectives or rules.schedules)
    )


def _next(book: Ledger, due: DueTickets, after: int, *, rehearses: bool) -> tuple[Sequence[int], int | None]:
    """Return the next tickets to look at, and the last number that this covers; None at the end.

    A rehearsal rolls each batch back, and with it the next instants under new rules: it computes them for each batch.
    """
    if rehearses and not is_current(book):
        live = next_live(book, after, BATCH)
        if not live:
            return (), None
        return due_tickets(book, after, BATCH, until=live[-1]), live[-1]
    return due.next(book, after, BATCH)


def is_about_a_ticket(error: Exception) -> bool:
    """Return whether the data of one ticket caused the error, and not the database as a whole."""
    return not isinstance(error, SlactlError) or breaks_constraint(error)


def _one_by_one(
    open_ledger: OpenLedger, numbers: Sequence[int], run_id: int | None, baseline: bool, goals: RunGoals
) -> Batch:
    """Write each ticket of a failed batch in a transaction of its own, so that one does not stop the others."""
    whole = Batch()
    for number in numbers:
        try:
            with open_ledger() as book:
                batch = work_batch(book, [number], run_id, baseline, goals)
        except Exception as error:
            if not is_about_a_ticket(error):
                raise
            with open_ledger() as book:
                book.postpone(number, book.now + RETRY)
            batch = Batch(scanned=1, failed=1, problems=[_problem(number, error)])
        whole.add(batch)
    return whole


def work_batch(book: Ledger, numbers: Sequence[int], run_id: int | None, baseline: bool, goals: RunGoals) -> Batch:
    """Record breaches and fire what is due for some tickets, and tell which goals their misses brought to thresholds.

    Undo a ticket that fails, and try it later. The batch ends early where it takes too long; `scanned` says how many
    tickets were worked on.
    """
    worked = stopwatch()
    batch, misses = Batch(), list[Miss]()
    for place, number in enumerate(numbers):
        if place % TOGETHER == 0:
            if place and worked() > WORK:
                break
            book.load(numbers[place : place + TOGETHER])
        batch.scanned += 1
        mark = book.mark()
        try:
            record_waking(book, number, tell=not baseline)
            breached = note_breaches(book, number)
            firings = fire_due(book, number, run_id, baseline)
            book.state(number)
        except Exception as error:  # one broken ticket must not keep the others waiting
            if breaks_transaction(error):
                raise  # no ticket is to blame, and SQLite may have ended the transaction
            book.take_back(number, mark)
            book.postpone(number, book.now + RETRY)
            batch.failed += 1
            batch.problems.append(_problem(number, error))
            continue
        batch.breached += len(breached)
        misses += breached
        recipients = book.keep_highest_messages(mark)
        for firing in firings:
            if firing["left_out"]:
                tags = f"{firing['level']} does not add {', '.join(map(clean, firing['left_out']))}"
                batch.problems.append(f"ticket {number} has {MOST_TAGS} tags, the most allowed; {tags}")
            record = {name: value for name, value in firing.items() if name not in _INTERNAL}
            record["told"] = [name for name in recipients.get(firing["id"], []) if name != NOBODY]
            record |= {} if run_id is not None else {"id": None}  # a rehearsal rolls the row back
            batch.firings.append(cast("FiringRecord", record))
    try:
        batch.goals += alert(book, misses, goals, tell=not baseline)
    except Exception as error:  # a goal must not keep levels from firing
        if breaks_transaction(error):
            raise
        batch.failed += 1
        batch.problems.append(f"goals: {type(error).__name__}: {error}")
    return batch


def _problem(number: int, error: Exception) -> str:
    return f"ticket {number}: {type(error).__name__}: {error}"


def record_waking(book: Ledger, number: int, *, tell: bool) -> None:
    """Record each time that a status ended by itself, at the instant that a person set with it.

    With `tell` the assignee, or who stands in, gets a message about the last one, if the ticket is open.
    """
    state = book.state(number)
    is_open = state.status is Status.OPEN and state.assignee not in (None, *RESERVED)
    for before, at in state.woke:
        detail = {"status": Status.OPEN.value, "from": before.value, "by_itself": True}
        is_told = tell and is_open and at == state.woke[-1][1]
        duty = Duty.of(book, book.now)
        told = Told.of(duty.rules, duty.recipients(str(state.assignee)) if is_told else ())
        told = told.or_nobody() if is_told else told
        event = Event(at, EventType.STATUS, detail | told.stand_ins, "slactl", ActorType.SYSTEM)
        book.append(number, Entry(event), told.names)


def note_breaches(book: Ledger, number: int) -> list[Miss]:
    """Record the breaches of a ticket that were not detected before, and return them."""
    found = list[Miss]()
    for timer in book.state(number).timers:
        for missed in timer.breaches if isinstance(timer.kind, Target) else ():
            breach = BreachKey(timer.kind.value, timer.cycle, missed.agreement)
            if not book.is_detected(number, breach):
                book.detect(number, breach)
                detail = {"target": breach.kind, "cycle": breach.cycle, "due_at": to_text(missed.at)}
                detail |= {"agreement": missed.agreement} if missed.agreement else {}
                detected = Event(book.now, EventType.NOTE, detail, "slactl", ActorType.SYSTEM)
                book.append(number, Entry(detected, action=BREACH))
                found.append(Miss(number, breach.kind, missed.at))
    return found


def fire_due(book: Ledger, number: int, run_id: int | None, baseline: bool) -> list[dict[str, Any]]:
    """Record an outcome for each level of a ticket that is due and has none, in the order in which they became due.

    A level can change facts that the `when` of another one tests. So the other levels are evaluated again after each.
    """
    records: list[dict[str, Any]] = []
    while due := book.levels_due(number):
        records.append(_fire_level(book, number, due[0], run_id, baseline))
    return records


def _fire_level(book: Ledger, number: int, firing: Firing, run_id: int | None, baseline: bool) -> dict[str, Any]:
    outcome = firing.outcome
    if baseline or book.rulebook.baselines.holds(number, firing.escalation, firing.level, firing.due_at):
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
