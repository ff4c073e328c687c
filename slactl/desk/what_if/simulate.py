"""Simulate: replay histories against rules. It needs no database and writes nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import BinaryIO, Literal, TypedDict

from slactl.clock import to_text
from slactl.desk.ledger.records import FiringRecord, TimerRecord, firing_record, timer_record
from slactl.desk.tickets.bursts import begun_bursts, with_bursts
from slactl.desk.transfer.lines import Problem, Report, Ticked, histories, read_history
from slactl.sla.calendar.calendar import HolidayProvider, NoOpenHours
from slactl.sla.enums import Target
from slactl.sla.escalation.levels import Firing
from slactl.sla.escalation.what_if import evaluate_with_firings
from slactl.sla.history.event import Event
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.timer import Evaluation, Timer
from slactl.store.sqlite.spool import Spool

#: The instant as of which tickets are evaluated; `last` is each ticket's own last event.
At = datetime | Literal["last"]

#: The result of a ticket under one set of rules: its timers, and the levels that would have fired.
TicketResult = tuple[Evaluation, list[Firing]]


class AsOf(TypedDict, total=False):
    """Hold the instant as of which a ticket was evaluated, if each ticket has its own."""

    at: str


class Simulated(AsOf):
    """Hold the result of one ticket, as `simulate` prints it."""

    ticket: str
    policy: str | None
    status: str
    priority: str
    timers: list[TimerRecord]
    firings: list[FiringRecord]


def simulate_file(
    source: BinaryIO,
    rules: Rules,
    at: At,
    report: Report,
    ticked: Ticked = lambda _: None,
    holidays: HolidayProvider | None = None,
) -> Iterator[Simulated]:
    """Yield the result of each ticket in a history file, in the order of first appearance.

    `report` is called with each bad line, `ticked` with the number of bytes read. The file may be larger than memory.
    """
    spool = Spool()
    try:
        words = rules.priorities.meanings
        spool.fill(read_history(source, report, ticked, meanings=words))
        begun = begun_bursts(histories(spool, lambda _: None, words), rules)
        tickets = (
            (name, [line.event for line in with_bursts(lines, begun.get(name, ()))])
            for name, lines in histories(spool, report, words)
        )
        yield from simulate(tickets, rules, at, lambda reason: report(Problem(0, "", reason)), holidays)
    finally:
        spool.close()


def simulate(
    tickets: Iterable[tuple[str, Sequence[Event]]],
    rules: Rules,
    at: At,
    problem: Callable[[str], None],
    holidays: HolidayProvider | None = None,
) -> Iterator[Simulated]:
    """Yield each ticket's timers as of `at`, and the levels that would have fired by then.

    Tickets that were opened after `at` are left out, and so are tickets whose deadline cannot be calculated, about
    which `problem` is called.
    """
    for ticket, history in tickets:
        until = history[-1].at if at == "last" else at
        as_of: AsOf = {"at": to_text(until)} if at == "last" else {}
        for evaluation, firings in evaluate_ticket(ticket, [(history, rules)], until, problem, holidays):
            yield {
                "ticket": ticket,
                **as_of,
                "policy": evaluation.policy,
                "status": evaluation.status.value,
                "priority": evaluation.priority.value,
                "timers": [timer_record(timer) for timer in targets_of(evaluation)],
                "firings": [firing_record(firing) for firing in firings],
            }


def evaluate_ticket(
    ticket: str,
    versions: Sequence[tuple[Sequence[Event], Rules]],
    until: datetime,
    problem: Callable[[str], None],
    holidays: HolidayProvider | None,
    *,
    with_outcomes: bool = False,
) -> list[TicketResult]:
    """Evaluate a ticket as of `until` under each version of the rules; a version is a history and its rules.

    The list is empty if the ticket was opened after `until`, or if a deadline cannot be calculated. In the second case
    `problem` is called with the reason.
    """
    if versions[0][0][0].at > until:
        return []
    try:
        return [
            evaluate_with_firings(history, rules, until, holidays, with_outcomes=with_outcomes)
            for history, rules in versions
        ]
    except NoOpenHours as error:
        problem(f"ticket {ticket}: {error}")
        return []


def targets_of(evaluation: Evaluation) -> list[Timer]:
    """Return the timers of targets; those of conditions have no deadline."""
    return [timer for timer in evaluation.timers if isinstance(timer.kind, Target)]
