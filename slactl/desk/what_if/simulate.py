"""Asking what if: what rules would have made of some histories. Needs no database and writes nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, BinaryIO, Literal

from slactl.clock import to_text
from slactl.desk.ledger.records import firing_record, timer_record
from slactl.desk.tickets.bursts import begun_bursts
from slactl.desk.transfer.lines import Problem, read_history
from slactl.sla.calendar.calendar import HolidayProvider, NoOpenHours
from slactl.sla.enums import Condition, Target
from slactl.sla.escalation.what_if import evaluate_with_firings
from slactl.sla.history.event import Event
from slactl.sla.history.fields import LineError
from slactl.sla.history.file import Line, in_order, parse_line
from slactl.sla.rules.rules import Rules
from slactl.store.sqlite.spool import Spool

Record = dict[str, Any]
At = datetime | Literal["last"]
Report = Callable[[Problem], None]


def simulate_file(
    source: BinaryIO,
    rules: Rules,
    at: At,
    report: Report,
    ticked: Callable[[int], None] = lambda _: None,
    holidays: HolidayProvider | None = None,
) -> Iterator[Record]:
    """What `simulate` says of each ticket in a history file, in the order of first appearance.

    `report` is told of each bad line, `ticked` how many bytes were read. Memory stays flat.
    """
    spool = Spool()
    try:
        spool.fill(read_history(source, report, ticked))
        bursts = spooled_bursts(spool, rules)
        tickets = ((name, events_of(lines, bursts.get(name))) for name, lines in spooled_histories(spool, report))
        yield from simulate(tickets, rules, at, lambda reason: report(Problem(0, "", reason)), holidays)
    finally:
        spool.close()


def simulate(
    tickets: Iterable[tuple[str, Sequence[Event]]],
    rules: Rules,
    at: At,
    problem: Callable[[str], None],
    holidays: HolidayProvider | None = None,
) -> Iterator[Record]:
    """What each ticket's timers are as of `at` (`last`: as of its own last event), and what would have fired.

    A ticket that was not opened by then is left out. One whose deadline cannot be computed is left out too, and
    `problem` is told why.
    """
    for ticket, history in tickets:
        until = history[-1].at if at == "last" else at
        if history[0].at > until:
            continue
        try:
            evaluation, firings = evaluate_with_firings(history, rules, until, holidays)
        except NoOpenHours as error:
            problem(f"ticket {ticket}: {error}")
            continue
        yield {
            "ticket": ticket,
            **({"at": to_text(until)} if at == "last" else {}),
            "policy": evaluation.policy,
            "status": evaluation.status.value,
            "priority": evaluation.priority.value,
            "timers": [timer_record(timer) for timer in evaluation.timers if isinstance(timer.kind, Target)],
            "firings": [firing_record(firing) for firing in firings],
        }


def spooled_histories(spool: Spool, report: Report) -> Iterator[tuple[str, list[Line]]]:
    """The history of each ticket in the order of time; what does not fit is reported and left out."""
    for ticket, lines in spool.tickets():
        numbered: list[tuple[int, Line]] = []
        for number, text in lines:
            try:
                numbered.append((number, parse_line(text)))
            except LineError as error:
                report(Problem(number, error.field, error.reason))
        history, problems = in_order(numbered)
        for number, unfit in problems:
            report(Problem(number, unfit.field, unfit.reason))
        if history:
            yield ticket, history


def spooled_bursts(spool: Spool, rules: Rules) -> dict[str, list[str]]:
    """The `burst` escalations that each ticket begins under these rules."""
    if not any(escalation.on is Condition.BURST for escalation in rules.escalations):
        return {}
    return begun_bursts(spooled_histories(spool, lambda _: None), rules)


def events_of(lines: Sequence[Line], bursts: Sequence[str] | None) -> list[Event]:
    """The events of a history; the one that opens the ticket says which bursts it begins."""
    created, *rest = (line.event for line in lines)
    if bursts:
        created = replace(created, detail={**created.detail, "bursts": list(bursts)})
    return [created, *rest]
