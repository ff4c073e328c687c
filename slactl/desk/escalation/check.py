"""The cron job: breaches are recorded, what is due fires once, what waits is sent.

1. A wall clock that was set since the last run is not believed: nothing is changed.
2. Nothing due, nothing waiting, the same rules as last time: one row says so, and that is all.
3. The tickets whose next instant has come are taken in batches in the order of their numbers; each batch
   is one write transaction. A ticket that fails is left for an hour later and does not stop the others.
4. What waits in the outbox goes out, outside of any transaction that changes tickets.
5. The row of the run is written, then the file for the monitor, and after a clean run the heartbeat is sent.
6. The report is printed, and only then are the messages in it on the record as printed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slactl.clock import BootClock, describe_seconds, from_text, jumped, stopwatch, to_text
from slactl.desk.ledger import last_rules
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.last_rules import Heartbeat, LastRules, rules_fingerprint
from slactl.desk.ledger.trust import Doubt, closing_commands, refusals, rules_trust
from slactl.errors import ExitCode, SlactlError, worst
from slactl.store.read import runs
from slactl.store.sqlite.connection import leaving_when

if TYPE_CHECKING:
    from slactl.desk.ledger.ledger import Ledger

#: By how much the wall clock may be corrected between two runs, in seconds. Time servers correct it by less.
JUMP = 60

Progress = Callable[[int], None]
Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Job:
    """What a run is told. `boot` is the clock that nobody can set, None where there is none or it is not to be asked.

    `stop` says between two batches whether to leave; `metrics` is the file for a Prometheus textfile collector.
    `tell` is given the report when all is done: messages that it prints count as told only when it returns.
    `keeps` is false for a throw-away database: nothing is left in the folder of this user's state.
    """

    dry_run: bool = False
    baseline: bool = False
    send: bool = True
    boot: BootClock | None = None
    trust_clock: bool = False
    metrics: Path | None = None
    keeps: bool = True
    stop: Stop = lambda: False
    progress: Progress = lambda _: None
    tell: Callable[["Report"], None] = lambda _: None


@dataclass(slots=True)
class Batch:
    """What was done about some tickets."""

    scanned: int = 0
    breached: int = 0
    failed: int = 0
    firings: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What a run did. `firings` are escalation records; `messages` those for people without an address."""

    at: datetime
    dry_run: bool
    run_id: int | None = None
    audit_head: str | None = None
    scanned: int = 0
    breached: int = 0
    notified: int = 0
    failed: int = 0
    firings: list[dict[str, Any]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    #: The numbers of the messages that are in `messages`, and were not told before.
    printed: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    invalid_rules: bool = False
    #: Something besides a ticket or a message failed: the clock, the metrics file, the heartbeat.
    incomplete: bool = False
    #: It was told to leave before everything was done.
    interrupted: bool = False
    outcomes: Counter[str] = field(default_factory=Counter)
    duration_ms: int = 0
    rules_version: int | None = None
    heartbeat: Heartbeat | None = None
    #: The rules of the file, for the next run; None while they are invalid.
    read: LastRules | None = None
    #: Commands that help with the problems.
    hints: list[str] = field(default_factory=list)
    stop: Stop = lambda: False

    @property
    def escalated(self) -> int:
        """How many levels fired."""
        return self.outcomes["fired"]

    @property
    def skipped(self) -> dict[str, int]:
        """Levels that fell due and did nothing, by outcome."""
        return {name: count for name, count in sorted(self.outcomes.items()) if name != "fired"}

    @property
    def happened(self) -> bool:
        """Whether there is anything to tell a person who wants to hear nothing else."""
        return bool(self.breached or self.escalated or self.notified or self.problems)

    @property
    def code(self) -> ExitCode:
        """How the run ended, without what only `--exit-code` asks for."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        partly = bool(self.failed) or self.incomplete
        return worst([ExitCode.RULES] * self.invalid_rules + [ExitCode.PARTLY] * partly)

    def add(self, batch: Batch) -> None:
        """Count what was done about some tickets, once it is written."""
        self.scanned += batch.scanned
        self.breached += batch.breached
        self.failed += batch.failed
        self.firings += batch.firings
        self.problems += batch.problems
        self.outcomes.update(firing["outcome"] for firing in batch.firings)

    def note_rules(self, book: "Ledger") -> None:
        """Note which rules the run works with, and say once that those of the file are invalid."""
        if not self.dry_run:
            self.rules_version = book.rulebook.current_version().id
        if book.rulebook.problem is None:
            rules = book.rulebook.current
            stated = rules.settings
            beat = Heartbeat(stated.heartbeat, stated.allow_http, stated.secrets) if stated.heartbeat else None
            self.heartbeat, self.read = beat, LastRules("", beat, rules.canonical, rules.hash)
        elif not self.invalid_rules:
            self.invalid_rules, self.heartbeat, self.read = True, None, None
            self.problems.append(f"{book.rulebook.problem.message}; the last valid rules are used")

    def wait(self, problems: Sequence[str], hint: str | None) -> None:
        """Note why messages wait that could not be sent as things are; each reason once."""
        self.incomplete = True
        self.problems += [each for each in dict.fromkeys(problems) if each not in self.problems]
        self.hints += [hint] if hint is not None and hint not in self.hints else []

    def distrust(self, desk: Desk, found: Sequence[Doubt]) -> None:
        """Note who else may change the rules, and the commands that close them."""
        self.wait(refusals(found), closing_commands(desk.rules, desk.database.path, found))

    def record(self) -> dict[str, Any]:
        """The report as `check --json` prints it."""
        return {
            "run_id": self.run_id,
            "at": to_text(self.at),
            "dry_run": self.dry_run,
            "scanned": self.scanned,
            "breached": self.breached,
            "escalated": self.escalated,
            "notified": self.notified,
            "failed": self.failed,
            "skipped": sum(self.skipped.values()),
            "skipped_by_reason": self.skipped,
            "firings": self.firings,
            "messages": self.messages,
            "audit_head": self.audit_head,
            "interrupted": self.interrupted,
            "duration_ms": self.duration_ms,
            "exit_code": int(self.code),
        }

    def columns(self) -> dict[str, Any]:
        """The report as a row of `run`."""
        names = ("scanned", "breached", "notified", "failed", "duration_ms", "rules_version")
        counts = {name: getattr(self, name) for name in names}
        done = {"fired": self.escalated, "skipped": self.skipped, "exit_code": int(self.code)}
        ended = self.at + timedelta(seconds=self.duration_ms // 1000)
        return counts | done | {"started_at": to_text(self.at), "ended_at": to_text(ended)}


def check(desk: Desk, now: datetime, job: Job = Job()) -> Report:
    """Do one run.

    Raises:
        LockedError: another run is under way.
        DatabaseError: the database cannot be read or written.
        KeyboardInterrupt: it was told to stop while it waited for another who writes.
        RulesError: the rules are invalid, and this database never used a valid version.
    """
    watch = stopwatch()
    # Kept open to the end: the last connection to leave copies the write-ahead log back, and no batch should have to.
    with leaving_when(job.stop), desk.database.held_open():
        if job.dry_run:
            from slactl.desk.escalation.scan import rehearse

            rehearsed = rehearse(desk, now, job)
            rehearsed.audit_head = runs.audit_head(desk.database.path)
            job.tell(rehearsed)
            return rehearsed
        return _run(desk, now, job, watch)


def _run(desk: Desk, now: datetime, job: Job, watch: Callable[[], float]) -> Report:
    with desk.database.run_lock() as lock:
        fingerprint = rules_fingerprint(desk.rules)
        found, last = runs.standing(desk.database.path, to_text(now), fingerprint), last_rules.recall(desk)
        report, facts = Report(now, dry_run=False, stop=job.stop), dict[str, str]()
        is_known = last is not None and last.fingerprint == fingerprint
        report.heartbeat = last.heartbeat if last is not None and is_known else None
        trusted = job.trust_clock or not _doubts_clock(report, found.clocks, job.boot)
        if trusted and not (found.idle and is_known):
            report.run_id = runs.start_run(desk.database.path, to_text(now))
            with _recorded(desk, report, watch):
                facts = _work(desk, report, job, fingerprint, lock)
        report.duration_ms = round(watch() * 1000)
        boot = job.boot if trusted else None
        ended = runs.end_run(desk.database.path, report.run_id, report.columns(), boot, facts)
        report.run_id, report.audit_head = ended
        _tell_monitors(desk, report, job)
        job.tell(report)
        if report.printed:
            from slactl.desk.messages.outbox import record_printed

            record_printed(desk, report)
        return report


@contextmanager
def _recorded(desk: Desk, report: Report, watch: Callable[[], float]) -> Iterator[None]:
    """The row of a run that ends with an error says so, where it can still be written."""
    try:
        yield
    except BaseException as error:
        code = ExitCode.INTERRUPTED if isinstance(error, KeyboardInterrupt) else ExitCode.FAILURE
        code = error.code if isinstance(error, SlactlError) else code
        report.duration_ms = round(watch() * 1000)
        with suppress(SlactlError):
            runs.end_run(desk.database.path, report.run_id, report.columns() | {"exit_code": int(code)})
        raise


def _doubts_clock(report: Report, last: runs.LastReading | None, boot: BootClock | None) -> bool:
    """Whether the wall clock was set since the last run on this start of the machine; says so in the report."""
    if last is None or boot is None:
        return False
    by = jumped(from_text(last.started_at), last.boot, report.at, boot)
    if abs(by) <= JUMP:
        return False
    report.incomplete = True
    report.problems.append(
        f"the clock was set {'forward' if by > 0 else 'back'} by {describe_seconds(abs(by))} since the last check at"
        f" {last.started_at}: nothing was changed; set it right, or say that {to_text(report.at)} is right:"
        " slactl check --trust-clock"
    )
    return True


def _work(desk: Desk, report: Report, job: Job, fingerprint: str, lock: int) -> dict[str, str]:
    """Fire what is due and send what waits; returns what the next run needs to know."""
    from slactl.desk.escalation.scan import work_through

    work_through(desk, report, job)
    if job.send and not report.interrupted:
        from slactl.desk.messages.outbox import deliver

        deliver(desk, report.at, report, lock)
    # Rules that were not read to the end must be read again by the next run.
    if report.interrupted or report.invalid_rules or report.read is None:
        return {}
    if job.keeps:
        # What others may have written is not kept for the time when they may not any more.
        text = None if rules_trust(desk.rules) else report.read.text
        last_rules.keep(desk, report.read._replace(fingerprint=fingerprint, text=text))
    return {runs.FINGERPRINT: fingerprint}


def _tell_monitors(desk: Desk, report: Report, job: Job) -> None:
    """Write the metrics and send the heartbeat; what fails there is a problem of a run whose row is written."""
    failures: Sequence[str] = ()
    told = len(report.problems)
    if job.metrics is not None or (report.heartbeat and report.code is ExitCode.DONE):
        from slactl.desk.escalation.monitoring import tell

        failures = tell(desk, report, job.metrics)
    if (failures or len(report.problems) > told) and report.run_id is not None:
        report.problems += failures
        report.incomplete = True
        runs.correct_exit_code(desk.database.path, report.run_id, int(report.code))
