"""Every query that must not feel the size of a desk: it uses an index, and does the same work at two sizes."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from slactl.__main__ import run
from slactl.store.read import events as event_reads
from slactl.store.read import filters, ids, measures, messages, reports, runs
from slactl.store.read import tickets as reads
from slactl.store.read.filters import Choice, Span, TicketFilter
from slactl.store.read.outcomes import Period
from slactl.store.schema.sums import add_functions
from slactl.store.schema.views import last_event
from slactl.store.sqlite.connection import open_database

GENERATOR = Path(__file__).parents[2] / "bench" / "generate_history.py"
SIZES = (300, 3000)
NOW = "2026-11-24T12:00:00Z"
MIDNIGHT = "2026-11-24T00:00:00+00:00"

#: Tickets that a list is asked for: fewer than match at either size.
MOST = 5

#: Steps of SQLite's virtual machine between two calls of the progress handler.
STEPS = 100


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same kind of desk at both sizes; SQLite's own statistics as after years of use."""
    folder, found = tmp_path_factory.mktemp("plans"), []
    for size in SIZES:
        database = folder / f"{size}.db"
        history = subprocess.check_output([sys.executable, str(GENERATOR), str(size), "--now", MIDNIGHT])
        database.with_suffix(".jsonl").write_bytes(history)
        settings = ["--db", str(database), "--rules", str(folder / "rules.toml"), "--actor", "ann"]
        for words in (["init"], ["import", str(database.with_suffix(".jsonl"))]):
            assert run([*settings, *words]) == 0
        with sqlite3.connect(database) as connection:
            connection.execute("ANALYZE")
        connection.close()
        found.append(database)
    return found


Ask = Callable[[sqlite3.Connection], object]


def listed(wanted: TicketFilter) -> Ask:
    return lambda connection: list(filters.find(connection, wanted, NOW, limit=MOST))


#: What is asked, and how much more work may be done at ten times the size.
QUESTIONS: dict[str, tuple[Ask, float]] = {
    "list": (listed(TicketFilter()), 1.5),
    "list --breached": (listed(TicketFilter(breached=True)), 1.5),
    "list --due-within 5d": (listed(TicketFilter(due_within=5 * 86_400)), 1.5),
    "list --assignee, which nobody is": (listed(TicketFilter(assignees=Choice(("nobody-has-this-name",)))), 1.5),
    "list --tenant, which nobody is": (listed(TicketFilter(tenants=Choice(("nobody-has-this-name",)))), 1.5),
    "list --assignee not:, --sort due": (listed(TicketFilter(assignees=Choice((), ("ann",)))), 1.5),
    "list --due, of which there are none": (listed(TicketFilter(due=Choice((Span("2190-01-01", None),)))), 1.5),
    "list --breached --exit-code": (lambda c: filters.any_breached(c, TicketFilter(breached=True), NOW), 1.5),
    "which of some tickets are due": (lambda c: reads.still_due(c, NOW, (7, 8, 9)), 1.5),
    "the timers of show": (lambda c: reads.timers(c, 7, NOW), 1.5),
    "mail: the ticket that took a message": (lambda c: messages.ticket_of_mail(c, ["a@x", "b@x"]), 1.5),
    "mail: who is known in a ticket": (lambda c: messages.customers_of(c, 7), 1.5),
    "mail: what a sender opened": (
        lambda c: messages.opened_by_mail(c, "ann@x.example", "2026-11-24T11:00:00Z", NOW),
        1.5,
    ),
    "mail: whether a flood was told": (lambda c: messages.has_note(c, 7, "x", "2026-11-23T23:00:00Z"), 1.5),
    "the history of show": (lambda c: event_reads.history(c, 7), 1.5),
    "the messages of show": (lambda c: list(event_reads.messages(c, 7)), 1.5),
    "the escalations of show": (lambda c: reads.escalations(c, 7), 1.5),
    "an external id": (lambda c: reads.ticket_id(c, "T-7"), 1.5),
    "the head of the log": (last_event, 1.5),
    "the runs": (lambda c: runs.runs(c, 50), 1.5),
}

Question = tuple[str, Ask, float]

#: A week long ago, and the queries of `summary` and `report` on it.
WEEK = Period(NOW, "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z")
OF_A_PERIOD: dict[str, Ask] = {
    "the targets": lambda c: measures.measured_targets(c, WEEK, "resolution"),
    "the targets by plan": lambda c: measures.measured_targets(c, WEEK, "first_response", "plan"),
    "the targets by tag": lambda c: measures.measured_targets(c, WEEK, "first_response", "tag"),
    "the time spent": lambda c: measures.time_spent(c, WEEK, "resolution"),
    "the tickets": lambda c: measures.tickets_judged(c, WEEK),
    "the tickets by assignee": lambda c: measures.tickets_judged(c, WEEK, "assignee"),
    "the tickets opened by plan": lambda c: measures.tickets_opened(c, WEEK, "plan"),
    "the tickets opened by policy": lambda c: list(measures.opened_alike(c, WEEK)),
    "the days of misses": lambda c: measures.quarters_of_misses(c, WEEK, "resolution"),
    "the most overdue": lambda c: measures.latest_tickets(c, WEEK, 10),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_hot_query_scans_neither_tickets_nor_timers_nor_events(name: str, desks: Sequence[Path]) -> None:
    ask, _ = QUESTIONS[name]
    for desk in desks:
        for statement in asked(desk, ask):
            # The newest row of all is the first that is met, in whichever way a table is walked.
            for step in () if statement.endswith("ORDER BY id DESC LIMIT 1") else plan(desk, statement):
                assert not re.match(r"SCAN (t|r|fr|nr|up|rs|e|ticket|timer|event)\b(?! USING)", step), (statement, step)
                assert not re.match(r"MATERIALIZE (t|r|fr|nr|up|rs)\b", step), (statement, step)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_hot_query_does_the_same_work_at_ten_times_the_size(name: str, desks: Sequence[Path]) -> None:
    ask, most = QUESTIONS[name]
    small, large = (work(desk, ask) for desk in desks)
    assert large <= most * small + 2, (small, large)


#: The queries that read outcomes one by one, and how each finds those of the period.
BY_ROWS = [name for name in OF_A_PERIOD if name not in ("the targets", "the time spent", "the tickets")]
STOPPED = "o USING INDEX outcome_stopped (kind=? AND stopped_at>? AND stopped_at<?)"
LATE = "o USING INDEX outcome_late (kind=? AND stopped_at>? AND stopped_at<?)"
SEARCHED = (
    "o USING INDEX outcome_missed (kind=? AND late_since>? AND late_since<?)",
    # Deadlines that no outcome counts yet: no other timer is looked at.
    "r USING INDEX timer_uncounted (due_at>? AND due_at<?)",
    "ticket USING INDEX ticket_wakes (wakes_at<?)",
)


@pytest.mark.parametrize("name", BY_ROWS)
def test_a_query_on_a_period_finds_its_outcomes_by_indexes(name: str, desks: Sequence[Path]) -> None:
    for desk in desks:
        for statement in asked(desk, OF_A_PERIOD[name]):
            steps = plan(desk, statement)
            # `o` alone is also what the three parts come to.
            assert sum(bool(re.match(r"SCAN (o|s|t|r|e|n)\b", step)) for step in steps) == steps.count("SCAN o") <= 1
            if "opened" not in name:
                wanted = [LATE if name in ("the days of misses", "the most overdue") else STOPPED, *SEARCHED]
                found = [step.replace("COVERING INDEX", "INDEX") for step in steps]
                assert [part for part in wanted if f"SEARCH {part}" not in found] == [], steps


#: How a summary of all tickets finds what it counts: sums of whole days, spans of tickets, and what lies at the bounds.
SUMMED = {
    "the targets": (
        "outcome_day USING INDEX sqlite_autoindex_outcome_day_1 (kind=? AND day>? AND day<?)",
        "o USING COVERING INDEX outcome_stopped (kind=? AND stopped_at>? AND stopped_at<?)",
        "o USING COVERING INDEX outcome_missed (kind=? AND late_since>? AND late_since<?)",
        "r USING INDEX timer_uncounted (due_at>? AND due_at<?)",
    ),
    "the time spent": ("outcome_day USING INDEX sqlite_autoindex_outcome_day_1 (kind=? AND day>? AND day<?)",),
    "the tickets": (
        "span USING COVERING INDEX span_since (since>? AND since<?)",
        "span USING COVERING INDEX span_until (until>? AND until<?)",
        "span USING COVERING INDEX span_until (until>?)",
        "span USING COVERING INDEX span_late_since (late_since>? AND late_since<?)",
        "span USING COVERING INDEX span_escalated (escalated_at>? AND escalated_at<?)",
        "span USING COVERING INDEX span_resolved (resolutions>?)",
        "m USING COVERING INDEX span_reopened (reopened_at>?)",
    ),
}


@pytest.mark.parametrize("name", SUMMED)
def test_a_summary_of_all_tickets_reads_sums(name: str, desks: Sequence[Path]) -> None:
    for desk in desks:
        steps = [step for statement in asked(desk, OF_A_PERIOD[name]) for step in plan(desk, statement)]
        scanned = r"SCAN (o|s|m|span|t|r|e|outcome\w*|ticket|timer|event)\b"
        assert [step for step in steps if re.match(scanned, step)] == []
        found = [part for part in SUMMED[name] if not any(f"SEARCH {part}" in step for step in steps)]
        assert found == [], steps


def test_open_tickets_are_counted_by_indexes_and_counts(desks: Sequence[Path]) -> None:
    def ask(connection: sqlite3.Connection) -> None:
        reports.open_counts(connection, NOW, NOW)
        reports.overdue_counts(connection, NOW)

    for desk in desks:
        steps = [step for statement in asked(desk, ask) for step in plan(desk, statement)]
        assert [step for step in steps if re.match(r"SCAN (?!open_count\b)", step)] == [], steps
        for index in ("ticket_urgency (priority=? AND due_at>? AND due_at<?)", "timer_due (kind=? AND due_at<?)"):
            assert any(f"INDEX {index}" in step for step in steps), (index, steps)


@pytest.mark.parametrize("name", ["the targets", "the time spent"])
def test_all_time_costs_less_than_its_outcomes(name: str, desks: Sequence[Path]) -> None:
    """A desk of ten times the size has more sums, but not ten times as many."""

    def ask(connection: sqlite3.Connection) -> None:
        ever = Period(NOW)
        if name == "the targets":
            measures.measured_targets(connection, ever, "resolution")
        else:
            measures.time_spent(connection, ever, "resolution")

    small, large = (work(desk, ask) for desk in desks)
    assert large <= 9 * small, (small, large)


def test_what_is_due_is_found_by_the_partial_index(desks: Sequence[Path]) -> None:
    due = "SELECT DISTINCT ticket_id FROM timer WHERE next_at <= ? AND ticket_id > ? ORDER BY ticket_id LIMIT ?"
    for desk in desks:
        with sqlite3.connect(desk) as connection:
            exists = "EXPLAIN QUERY PLAN SELECT EXISTS (SELECT 1 FROM timer WHERE next_at <= ?)"
            steps = [row[3] for row in connection.execute(exists, (NOW,))]
            steps += [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {due}", (NOW, 0, 100))]
        connection.close()
        assert any("timer_next" in step for step in steps), steps
        assert not any(re.match(r"SCAN timer(?! USING)", step) for step in steps), steps


def test_completion_reads_a_hundred_ids_however_many_there_are(desks: Sequence[Path]) -> None:
    for prefix in ("", "1", "T-1"):
        assert 0 < len(ids.ids_like(desks[1], prefix)) <= 100


def asked(desk: Path, ask: Ask) -> Iterator[str]:
    """The statements of a question, with their parameters filled in by SQLite."""
    connection, said = open_database(desk, query_only=True), list[str]()
    try:
        connection.set_trace_callback(said.append)
        ask(connection)
    finally:
        connection.close()
    assert said
    yield from (each for each in said if each.lstrip().upper().startswith(("SELECT", "WITH")))


def plan(desk: Path, statement: str) -> list[str]:
    connection = open_database(desk, query_only=True)
    try:
        if "casefold(" in statement:
            connection.create_function("casefold", 1, str.casefold)
        add_functions(connection)
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    finally:
        connection.close()


def work(desk: Path, ask: Ask) -> int:
    """How far SQLite's virtual machine ran for a question, with bound parameters, in hundreds of steps."""
    connection, calls = open_database(desk, query_only=True), 0

    def count() -> int:
        nonlocal calls
        calls += 1
        return 0

    try:
        connection.set_progress_handler(count, STEPS)
        ask(connection)
    finally:
        connection.close()
    return calls


@pytest.mark.parametrize("name", OF_A_PERIOD)
def test_without_statistics_the_outcomes_of_a_cycle_are_found_by_their_ticket(name: str, desk: Path) -> None:
    for statement in asked(desk, OF_A_PERIOD[name]):
        assert not [step for step in plan(desk, statement) if re.match(r"(SEARCH|SCAN) s\b(?!.*ticket_id=)", step)]


def test_the_counted_events_of_a_ticket_are_found_by_their_own_index(desk: Path) -> None:
    steps = [step for statement in asked(desk, OF_A_PERIOD["the tickets"]) for step in plan(desk, statement)]
    found = [step for step in steps if step.startswith("SEARCH e ")]
    counted = re.compile(r"SEARCH e USING INDEX event_counted \(ticket_id=\? AND action=\?")
    assert [step for step in found if not counted.match(step)] == []
    assert len(found) == 2  # escalations of tickets that no outcome counts yet, and reopenings
