"""The cron job: breaches are recorded, what is due fires once, what waits is sent.

1. Nothing due, nothing waiting, the same rules as last time: one row says so, and that is all.
2. The tickets whose next instant has come are taken in batches in the order of their numbers; each batch
   is one write transaction. A ticket that fails is left for an hour later and does not stop the others.
3. What waits in the outbox goes out, outside of any transaction that changes tickets.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slactl.clock import to_text
from slactl.config import Config
from slactl.errors import ExitCode, worst
from slactl.store import runs
from slactl.store.connection import open_database
from slactl.store.lock import run_lock

if TYPE_CHECKING:
    from slactl.desk.ledger import Ledger

#: Tickets in one write transaction.
BATCH = 500


@dataclass(slots=True)
class Report:
    """What a run did. `firings` are escalation records; `messages` those for people without an address."""

    at: datetime
    dry_run: bool
    run_id: int | None = None
    scanned: int = 0
    breached: int = 0
    notified: int = 0
    failed: int = 0
    firings: list[dict[str, Any]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    invalid_rules: bool = False
    outcomes: Counter[str] = field(default_factory=Counter)

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
        return worst([ExitCode.RULES] * self.invalid_rules + [ExitCode.PARTLY] * bool(self.failed))

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
            "firings": [{name: firing[name] for name in firing if name != "event_id"} for firing in self.firings],
            "messages": self.messages,
            "exit_code": int(self.code),
        }

    def columns(self) -> dict[str, Any]:
        """The report as a row of `run`."""
        counts = {name: getattr(self, name) for name in ("scanned", "breached", "notified", "failed")}
        done = {"fired": self.escalated, "skipped": self.skipped, "exit_code": int(self.code)}
        return counts | done | {"started_at": to_text(self.at), "ended_at": to_text(self.at)}


Progress = Callable[[int], None]


def check(
    config: Config,
    now: datetime,
    *,
    dry_run: bool = False,
    baseline: bool = False,
    send: bool = True,
    progress: Progress = lambda _: None,
) -> Report:
    """Do one run; `progress` is told how many tickets were looked at.

    Raises:
        LockedError: another run is under way.
        DatabaseError: the database cannot be read or written.
        RulesError: the rules are invalid, and this database never used a valid version.
    """
    open_database(config.database, query_only=True).close()
    if dry_run:
        return _rehearse(config, now, baseline, send, progress)
    with run_lock(config.database) as lock:
        fingerprint = rules_fingerprint(config.rules)
        report = Report(now, dry_run=False)
        if runs.is_idle(config.database, to_text(now), fingerprint):
            report.run_id = runs.end_run(config.database, None, report.columns(), None)
            return report
        report.run_id = runs.start_run(config.database, to_text(now))
        _work(config, now, report, baseline, progress)
        if send:
            from slactl.desk.notifications import deliver

            deliver(config, now, report, lock)
        valid = None if report.invalid_rules else fingerprint
        runs.end_run(config.database, report.run_id, report.columns(), valid)
        return report


def rules_fingerprint(path: Path) -> str:
    """What tells one rules file from another without reading it as TOML; of no file, its absence."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "no file"


def _rehearse(config: Config, now: datetime, baseline: bool, send: bool, progress: Progress) -> Report:
    """The same work in one transaction that is rolled back; nothing is sent, and no row says it ran."""
    from slactl.desk.firing import work_batch
    from slactl.desk.ladders import due_tickets, refresh
    from slactl.desk.ledger import ledger
    from slactl.desk.notifications import count_ready

    report, last = Report(now, dry_run=True), 0
    with ledger(config, now, keep=False) as book:
        _note_problem(book, report)
        refresh(book)
        while numbers := due_tickets(book, last, BATCH):
            work_batch(book, numbers, report, baseline)
            book.settle()
            progress(len(numbers))
            last = numbers[-1]
        report.notified = count_ready(book, config, report) if send else 0
    report.firings = [firing | {"id": None, "run_id": None} for firing in report.firings]
    return report


def _work(config: Config, now: datetime, report: Report, baseline: bool, progress: Progress) -> None:
    """Batch after batch, each in a transaction of its own, so that nobody waits long for the lock."""
    from slactl.desk.firing import work_batch
    from slactl.desk.ladders import due_tickets, refresh_in_batches
    from slactl.desk.ledger import ledger

    refresh_in_batches(config, now)
    last = 0
    while True:
        with ledger(config, now) as book:
            _note_problem(book, report)
            numbers = due_tickets(book, last, BATCH)
            work_batch(book, numbers, report, baseline)
        if not numbers:
            return
        progress(len(numbers))
        last = numbers[-1]


def _note_problem(book: "Ledger", report: Report) -> None:
    if book.rulebook.problem is not None and not report.invalid_rules:
        report.invalid_rules = True
        report.problems.append(f"{book.rulebook.problem.message}; the last valid rules are used")
