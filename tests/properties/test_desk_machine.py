"""A desk under random commands at random times and random rules; what must always hold is looked at after each."""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from invariants import states, violations
from machine_rules import rules_texts

from slactl.clock import from_text, to_text
from slactl.desk.escalation import by_hand
from slactl.desk.escalation.check import check
from slactl.desk.escalation.run import Report, RunOptions
from slactl.desk.ledger.desk import Desk as ServiceDesk
from slactl.desk.ledger.ledger import ledger
from slactl.desk.mail.message import Mail
from slactl.desk.mail.take import take
from slactl.desk.rules import apply as rules_versions
from slactl.desk.tickets import changes, tenants
from slactl.desk.tickets import create as opening
from slactl.desk.tickets import edit as editing
from slactl.desk.tickets.change import Change, ChangeResult, change
from slactl.desk.tickets.undo import undo
from slactl.desk.transfer.importing import Source, import_file
from slactl.desk.upkeep.erase import erase
from slactl.desk.upkeep.rebuild import Rebuilt, rebuild
from slactl.errors import ExitCode, NotKnownError, RefusedError
from slactl.sla.enums import LevelOutcome, Priority, Status, Target
from slactl.sla.escalation.levels import FiringKey, due_levels, next_instant
from slactl.sla.rules.loading import load
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.timer import Evaluation, Groups, TimerState
from slactl.store.database import Database
from slactl.store.read import tickets as reads
from slactl.store.sqlite.file import create_database

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)

#: How far the clock goes on between two commands, in minutes.
STEPS = st.one_of(st.integers(0, 3), st.integers(0, 90), st.integers(30, 600), st.integers(0, 2000))
#: How long before now something took effect, in minutes; None is now.
BACK = st.one_of(st.none(), st.none(), st.integers(0, 600))
PICK = st.integers(0, 3)

#: What may be said of an earlier time too.
WORK = [
    *(changes.receive("b"), changes.note("n"), changes.tag(["late"], []), changes.tag([], ["late"])),
    *(changes.assign("mia"), changes.assign(None), changes.resolve(), changes.close(), changes.reopen()),
    *(changes.set_status(status) for status in Status),
    *(changes.prioritise(priority) for priority in Priority),
]

#: A decision of now about a ticket.
Decision = Callable[["Desk", str], ChangeResult]


def acknowledge(desk: "Desk", ticket: str) -> ChangeResult:
    return change(desk.config, desk.now, [ticket], by_hand.acknowledge(None))


def unacknowledge(desk: "Desk", ticket: str) -> ChangeResult:
    return change(desk.config, desk.now, [ticket], by_hand.unacknowledge())


def escalate(desk: "Desk", ticket: str) -> ChangeResult:
    return by_hand.escalate(desk.config, desk.now, [ticket], "angry", "lead").change


def escalate_quietly(desk: "Desk", ticket: str) -> ChangeResult:
    return by_hand.escalate(desk.config, desk.now, [ticket], "now", None, Priority.URGENT, notify=False).change


def take_to_a_level(desk: "Desk", ticket: str) -> ChangeResult:
    return by_hand.escalate_to(desk.config, desk.now, [ticket], "ahead of its time", ("e0", "l0")).change


def edit(**facts: str) -> Decision:
    return lambda desk, ticket: editing.edit(desk.config, desk.now, [ticket], editing.Edits(**facts))


HERE_AND_NOW: list[Decision] = [
    *(acknowledge, unacknowledge, escalate, escalate_quietly, take_to_a_level),
    *(edit(plan="pro"), edit(plan="free"), edit(tenant="acme"), edit(tenant="")),
]

#: What a person does that may move a deadline, so that warnings come again.
MOVERS = ("sla.due", "ticket.plan", "ticket.priority", "ticket.tenant", "rules.apply", "ticket.escalate")
MOVERS = (*MOVERS, "ticket.retract")


class Fact(NamedTuple):
    """That a clock stopped or a deadline passed; a deadline that was set to the past is late `since` it was set."""

    at: str
    since: str
    missed: bool
    target: str
    cycle: int
    agreement: int
    met: bool
    seconds: int | None
    groups: Groups | None


def facts(state: Evaluation) -> set[Fact]:
    """Every stop and every miss of a history; a miss has its groups where the clock went on."""
    found = set[Fact]()
    for each in state.outcomes:
        place = (each.kind.value, each.cycle, each.agreement)
        if each.missed_at is not None:
            at, since = to_text(each.missed_at), to_text(each.late_since or each.missed_at)
            found.add(Fact(at, since, True, *place, met=False, seconds=None, groups=each.groups))
        if each.stopped_at is not None:
            groups = each.groups if each.missed_at is None else None
            at = to_text(each.stopped_at)
            found.add(Fact(at, at, False, *place, each.met, each.seconds, groups))
    return found


OUTCOMES = "SELECT * FROM outcome WHERE ticket_id = ?"


class Desk(RuleBasedStateMachine):
    """Commands of several people, cron, and somebody who edits the rules."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="slactl-machine-"))
        self.config = ServiceDesk(Database(self.folder / "slactl.db"), self.folder / "rules.toml", "ann", {})
        self.now = MONDAY
        self.tickets: list[int] = []
        self.letters = 0
        self.missed: set[int] = set()
        self.backdated: set[int] = set()
        #: What was known of the outcomes, by ticket, and when.
        self.facts: dict[int, set[Fact]] = {}
        #: The tickets for which a person may have chosen another policy or deadline.
        self.moved: set[int] = set()
        self.recounts = False
        self.looked_at = MONDAY
        self.edited = False

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @initialize(text=rules_texts())
    def begin(self, text: str) -> None:
        self._write_rules(text)
        create_database(self.config.database.path)
        tenants.add(self.config, self.now, "acme", tenants.TenantFacts("pro", "Asia/Tokyo"))
        self.create(None, None, Priority.NORMAL, None)

    # Commands.

    @rule(minutes=STEPS)
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(
        back=BACK,
        plan=st.sampled_from([None, "pro"]),
        priority=st.sampled_from(Priority),
        assignee=st.sampled_from([None, "mia"]),
    )
    def create(self, back: int | None, plan: str | None, priority: Priority, assignee: str | None) -> None:
        new = opening.NewTicket("s", "ann@example.com", None, plan, None, priority, assignee)
        self.tickets += opening.create(self.config, self.now, new, self._at(back)).done

    @rule(pick=PICK, back=BACK, status=st.sampled_from([None, Status.OPEN, Status.PENDING, Status.RESOLVED]))
    def reply(self, pick: int, back: int | None, status: Status | None) -> None:
        self._change(pick, changes.reply("b", status), back)

    @rule(pick=PICK, back=BACK, make=st.sampled_from(WORK))
    def work(self, pick: int, back: int | None, make: Change) -> None:
        self._change(pick, make, back)

    @rule(
        pick=PICK,
        back=BACK,
        sender=st.sampled_from(["ann@example.com", "mia@example.com", "eve@example.net"]),
        automatic=st.sampled_from([None, None, "Precedence: bulk"]),
        of_ticket=st.booleans(),
    )
    def mail(self, pick: int, back: int | None, sender: str, automatic: str | None, of_ticket: bool) -> None:
        """A message is taken, and when it comes again it is ignored."""
        to = f"support+{self._pick(pick)}@example.com" if of_ticket else "support@example.com"
        self.letters += 1
        letter = Mail(
            *(f"{self.letters}@example.com", sender, "", (to, "ann@example.com"), (), "s", "b", ("a.pdf",)),
            *(self._at(back), automatic, (to, "ann@example.com")),
        )
        taken = take(self.config, self.now, letter)
        again = take(self.config, self.now, letter)
        if taken.ticket is not None:
            assert (again.action, again.ticket) == ("ignored", taken.ticket)
            self.tickets += [taken.ticket] if taken.action == "opened" else []
            self.backdated |= {taken.ticket} if back is not None else set()

    @rule(pick=PICK, promise=st.sampled_from(Target), minutes=st.one_of(st.none(), st.integers(-300, 600)))
    def due(self, pick: int, promise: Target, minutes: int | None) -> None:
        due_at = self.now + timedelta(minutes=minutes) if minutes is not None else None
        self._change(pick, changes.due(promise, due_at, "agreed"), None)

    @rule(pick=PICK, make=st.sampled_from(HERE_AND_NOW))
    def decide(self, pick: int, make: Decision) -> None:
        outcome = make(self, self._pick(pick))
        self._expect(outcome)
        self.moved |= set(outcome.done)

    @rule(place=st.integers(0, 5))
    def undo(self, place: int) -> None:
        """One of the last changes, whosever it is, is undone or refused; an undo may be undone too."""
        changes_ = "SELECT DISTINCT json_extract(detail, '$.change') FROM event ORDER BY id DESC LIMIT 1 OFFSET ?"
        with self.config.database.read() as connection:
            found = connection.execute(changes_, (place,)).fetchone()
        if found is not None:
            with suppress(RefusedError):
                self._undo(found[0])

    @rule(pick=PICK, back=BACK, make=st.sampled_from([*WORK, changes.reply("b", None)]))
    def work_and_undo(self, pick: int, back: int | None, make: Change) -> None:
        """What was done a moment ago and is undone leaves nothing behind but the log."""
        self._and_undo(pick, lambda number: change(self.config, self.now, [number], make, self._at(back)))

    @rule(pick=PICK, make=st.sampled_from(HERE_AND_NOW))
    def decide_and_undo(self, pick: int, make: Decision) -> None:
        self._and_undo(pick, lambda number: make(self, number))

    @rule(pick=PICK, promise=st.sampled_from(Target), minutes=st.one_of(st.none(), st.integers(-300, 600)))
    def due_and_undo(self, pick: int, promise: Target, minutes: int | None) -> None:
        due_at = self.now + timedelta(minutes=minutes) if minutes is not None else None
        make = changes.due(promise, due_at, "agreed")
        self._and_undo(pick, lambda number: change(self.config, self.now, [number], make))

    @rule(
        name=st.integers(0, 2),
        ago=st.lists(st.integers(0, 900), max_size=4),
        dice=st.randoms(use_true_random=False),
        unknown=st.lists(st.sampled_from(Target), max_size=2, unique=True),
    )
    def import_history(self, name: int, ago: list[int], dice: Random, unknown: list[Target]) -> None:
        opened = MONDAY - timedelta(hours=15 + name)
        instants = (self.now - timedelta(minutes=minutes) for minutes in sorted(ago, reverse=True))
        first = {"type": "created", "at": to_text(opened)} | ({"unknown": unknown} if unknown else {})
        happened = [self._imported(dice, place, at) for place, at in enumerate(instants)]
        lines = [json.dumps({"ticket": f"X-{name}", **line}) for line in (first, *happened)]
        import_file(self.config, self.now, Source(BytesIO("\n".join(lines).encode())), lambda _: None)
        with self.config.database.read() as connection:
            self.tickets = [number for (number,) in connection.execute("SELECT id FROM ticket ORDER BY id")]
            of_history = "SELECT id FROM ticket WHERE external_id = ?"
            self.backdated |= {number for (number,) in connection.execute(of_history, (f"X-{name}",))}

    @rule(text=rules_texts())
    def edit_rules(self, text: str) -> None:
        self._write_rules(text)
        self.edited = True

    @rule()
    def apply_rules(self) -> None:
        move = rules_versions.Move(self.now, dry_run=False)
        list(rules_versions.apply(self.config, move, problem=self._fail))
        assert move.failed == 0
        self.moved |= set(self.tickets)

    @rule(minutes=STEPS)
    def check_later(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self._check()

    @rule(minutes=STEPS)
    def check_as_rehearsed(self, minutes: int) -> None:
        """A rehearsal says what a check at that time then does."""
        self.now += timedelta(minutes=minutes)
        before = self._firings(check(self.config, self.now, RunOptions(dry_run=True)))
        assert self._firings(self._check()) == before

    @rule()
    def check_and_wake_nobody(self) -> None:
        report = self._check(baseline=True)
        assert all(firing["outcome"] == "baseline" for firing in report.firings), report.firings

    @rule()
    def rebuild(self) -> None:
        """There is never anything to rebuild."""
        assert list(rebuild(self.config, self.now, Rebuilt(dry_run=True))) == []

    @rule()
    def forget_the_customer(self) -> None:
        with suppress(NotKnownError):
            assert erase(self.config, self.now, "ann@example.com").code == ExitCode.DONE

    # What always holds.

    @invariant()
    def nothing_is_wrong(self) -> None:
        if not self.config.database.path.exists():
            return
        found = violations(self.config.database.path, self.now, all_told=False)
        assert found == [], found

    @invariant()
    def the_past_stays_as_it_was(self) -> None:
        """What happened up to a moment changes only for what a person says of the time before it, and for a recount."""
        if not self.config.database.path.exists():
            return
        with self.config.database.read() as connection:
            missed = {row["id"] for row in reads.tickets(connection, to_text(self.now)) if row["ever_breached"]}
        with closing(sqlite3.connect(self.config.database.path)) as connection:
            connection.row_factory = sqlite3.Row
            found = {number: facts(state) for number, state in states(connection, self.now).items()}
        changed = self.backdated | (self.moved if self.recounts else set())
        assert self.missed - changed <= missed
        over = to_text(self.looked_at)  # the second of the last look may still change
        for number in self.facts.keys() - changed:
            before, after = ({each for each in of[number] if each.since < over} for of in (self.facts, found))
            assert before <= after, (number, before - after)
            # A deadline may be set, or chosen with the priority, that has passed by then.
            new = after - before
            assert all(each.missed and number in self.moved for each in new), (number, new)
        self.missed, self.facts, self.looked_at = missed, found, self.now
        self.backdated, self.moved = set(), set()

    @invariant()
    def what_is_due_is_looked_at_in_time(self) -> None:
        """No timer sleeps beyond the next thing that is to be done about it, where today's rules are the last run's."""
        if not self.config.database.path.exists():
            return
        rules = load(self.config.rules)
        with closing(sqlite3.connect(self.config.database.path)) as connection:
            connection.row_factory = sqlite3.Row
            known = connection.execute("SELECT value FROM meta WHERE key = 'ladders_hash'").fetchone()
            if known is None or known[0] != rules.hash:
                return
            for number, state in states(connection, self.now, as_stored=True).items():
                self._look_at_timers(connection, number, state, rules)

    def _is_left_alone(self, state: Evaluation) -> bool:
        """Nobody goes back to tickets that are over for ladders that came to the rules afterwards."""
        return self.edited and state.status.is_done

    def _look_at_timers(self, connection: sqlite3.Connection, number: int, state: Evaluation, rules: Rules) -> None:
        fired = self._fired(connection, number)
        rows = connection.execute("SELECT * FROM timer WHERE ticket_id = ?", (number,)).fetchall()
        stored = {(row["kind"], row["cycle"]): row for row in rows}
        watched = {*Target, *(escalation.on for escalation in rules.escalations)}
        for timer in () if self._is_left_alone(state) else state.timers:
            if timer.kind not in watched:
                continue
            row = stored.get((timer.kind.value, timer.cycle))
            noticed = f"{OUTCOMES} AND detected_at IS NOT NULL AND kind = ? AND cycle = ?"
            known = connection.execute(noticed, (number, timer.kind.value, timer.cycle))
            due = next_instant(state, timer, rules, fired, [each["agreement"] for each in known])
            sleeps = from_text(row["next_at"]) if row is not None and row["next_at"] is not None else None
            assert due is None or (sleeps is not None and sleeps <= max(due, self.now)), (
                f"the {timer.kind} timer {timer.cycle} of ticket {number} sleeps until {sleeps}, but {due} is next"
            )

    # How it is done.

    def _imported(self, dice: Random, place: int, at: datetime) -> dict[str, Any]:
        """A line of a history; an event has one of few ids, so that some lines retract what earlier imports brought."""
        line = {"at": to_text(at), "id": f"e{place}", "actor": f"agent {to_text(at)}"}
        match dice.choice(("customer_reply", "agent_reply", "pending", "resolved", "retracted")):
            case "pending":
                later = at + timedelta(minutes=dice.randint(1, 600))
                return {**line, "type": "status", "status": "pending", "until": to_text(later)}
            case "resolved":
                return {**line, "type": "status", "status": "resolved", "unknown_instant": dice.random() < 0.5}
            case "retracted":
                return {**line, "type": "retracted", "events": [f"e{dice.randint(0, 3)}"], "id": f"r{to_text(at)}"}
            case kind:
                return {**line, "type": kind}

    def _check(self, *, baseline: bool = False) -> Report:
        report = check(self.config, self.now, RunOptions(send=False, baseline=baseline))
        assert not report.failed, report.problems
        assert not report.problems
        again = check(self.config, self.now, RunOptions(send=False))
        assert (again.firings, again.breached) == ([], 0)
        rules = load(self.config.rules)
        with closing(sqlite3.connect(self.config.database.path)) as connection:
            connection.row_factory = sqlite3.Row
            for number, state in states(connection, self.now).items():
                left = due_levels(state, rules, self.now, self._fired(connection, number))
                if self._is_left_alone(state):
                    left = [each for each in left if each.outcome is not LevelOutcome.EXPIRED]
                assert left == [], (number, state.status)
                unknown = {(each.kind, each.cycle) for each in state.timers if each.state is TimerState.UNKNOWN}
                fired = [each for each in report.firings if each["ticket_id"] == number]
                assert not [each for each in fired if (each["kind"], each["cycle"]) in unknown]
                if not self.edited:  # in other rules a level of the same name may be another one
                    self._nobody_is_woken_twice(connection, state, [each["id"] for each in report.firings], number)
        return report

    @staticmethod
    def _nobody_is_woken_twice(connection: sqlite3.Connection, state: Evaluation, new: list[int], number: int) -> None:
        """What fires now did not fire before while the same promise was open, whatever number that had then."""
        query = "SELECT * FROM escalation WHERE ticket_id = ? AND source = 'automatic' AND outcome = 'fired'"
        fired = connection.execute(query, (number,)).fetchall()
        for row in (each for each in fired if each["id"] in new):
            timer = next(each for each in state.timers if (each.kind, each.cycle) == (row["kind"], row["cycle"]))
            for old in (each for each in fired if each["id"] not in new):
                same = all(old[name] == row[name] for name in ("kind", "escalation", "level", "repeat"))
                if same and timer.started_at < from_text(old["fired_at"]):
                    # Nothing but a person who moved the deadline has a level come again.
                    moved = f"""SELECT 1 FROM event WHERE ticket_id = ? AND action IN {MOVERS} AND actor_type = 'user'
                    AND recorded_at BETWEEN ? AND ?"""
                    again = connection.execute(moved, (number, old["fired_at"], row["fired_at"])).fetchall()
                    assert again, f"{row['id']} of ticket {number} wakes people of what {old['id']} told them"
                    assert old["arming"] != row["arming"], (dict(old), dict(row))

    @staticmethod
    def _firings(report: Report) -> tuple[int, list[dict[str, Any]]]:
        return report.breached, [each | {"id": None, "run_id": None, "event_id": None} for each in report.firings]

    @staticmethod
    def _fired(connection: sqlite3.Connection, number: int) -> set[FiringKey]:
        query = f"SELECT {', '.join(FiringKey._fields)} FROM escalation WHERE ticket_id = ? AND level IS NOT NULL"
        return {FiringKey(*row) for row in connection.execute(query, (number,))}

    def _write_rules(self, text: str) -> None:
        self.config.rules.write_text(text)
        self.recounts = self.recounts or '"recount"' in text

    def _change(self, pick: int, make: Change, back: int | None) -> None:
        outcome = change(self.config, self.now, [self._pick(pick)], make, self._at(back))
        self._expect(outcome)
        self.moved |= set(outcome.done)
        self.backdated |= set(outcome.done) if back else set()

    def _undo(self, number: int) -> None:
        undone = undo(self.config, self.now, number)
        self.moved |= set(undone.after)
        self.backdated |= set(undone.after)

    def _and_undo(self, pick: int, make: Callable[[str], ChangeResult]) -> None:
        number = int(self._pick(pick))
        before = self._facts(number)
        outcome = make(str(number))
        self._expect(outcome)
        if outcome.change is not None:
            self._undo(outcome.change)
            assert self._facts(number) == before

    def _facts(self, number: int) -> dict[str, Any]:
        """A ticket and its timers as they are now, but for when a breach was noticed: a correction forgets it."""
        with ledger(self.config, self.now) as book:
            book.touch([number])
        with self.config.database.read() as connection:
            [ticket] = reads.tickets(connection, to_text(self.now), "t.id = :id", {"id": number})
            timers = reads.timers(connection, number, to_text(self.now))
        return {"timers": [{**timer, "detected_at": None} for timer in timers], **ticket}

    @staticmethod
    def _expect(outcome: ChangeResult) -> None:
        """What cannot be done is refused, and nothing else goes wrong."""
        assert all(isinstance(failure, RefusedError) for failure in outcome.failures), outcome.failures

    def _pick(self, pick: int) -> str:
        return str(self.tickets[pick % len(self.tickets)])

    def _at(self, back: int | None) -> datetime | None:
        return self.now - timedelta(minutes=back) if back is not None else None

    @staticmethod
    def _fail(problem: str) -> None:
        pytest.fail(problem)


COMMON: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "derandomize": True,
    "print_blob": False,
}


@pytest.mark.timeout(600)
class TestDesk(Desk.TestCase):  # type: ignore[name-defined,misc]
    """Random commands on a few desks."""

    settings = settings(max_examples=16, stateful_step_count=16, **COMMON)


@pytest.mark.full
@pytest.mark.timeout(5400)
class TestDeskAtLength(Desk.TestCase):  # type: ignore[name-defined,misc]
    """The same, for long."""

    settings = settings(max_examples=400, stateful_step_count=40, **COMMON)
