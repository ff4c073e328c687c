"""The options of a run of `check`, and its report.

An idle run loads this file. Named tuples and plain classes are made in a tenth of the time that a dataclass takes.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from slactl.clock import BootClock, to_text
from slactl.errors import ExitCode, worst
from slactl.text import clean

if TYPE_CHECKING:
    from slactl.desk.messages.delivered import Delivered
    from slactl.records.runs import CheckReport, Firing, GoalAlert
    from slactl.store.write.leases import Lease

#: How many tickets of a level a warning names.
MOST_NAMED = 10


class RunOptions(NamedTuple):
    """The options of a run, and the callbacks that it uses."""

    dry_run: bool = False
    baseline: bool = False
    send: bool = True
    #: The clock that nobody can set; without it a run does not doubt the wall clock.
    boot: BootClock | None = None
    trust_clock: bool = False
    #: The file for Prometheus' textfile collector.
    metrics: Path | None = None
    #: Writes the live page. It raises SlactlError if the page cannot be written.
    board: Callable[[], None] | None = None
    #: Returns whether to stop; asked between two batches and between two messages.
    stop: Callable[[], bool] = lambda: False
    #: Gets the number of tickets of each batch that is done.
    progress: Callable[[int], None] = lambda _: None
    #: Prints the report. Only when it returns are the messages in the report recorded as printed.
    show: Callable[["Report"], None] = lambda _: None


#: The options of a plain `slactl check` without a boot clock.
DEFAULTS = RunOptions()


#: How many firings are packed together.
PACK = 500


class Firings:
    """The records of decided levels, in their order; packed, because a run may decide tens of thousands."""

    def __init__(self) -> None:
        self.outcomes = Counter[str]()
        #: The tickets of each level whose messages reach nobody, by the level and the reasons.
        self.unreached: dict[str, list[int]] = {}
        self._packed: list[bytes] = []
        self._last: list[Firing] = []

    def __len__(self) -> int:
        return self.outcomes.total()

    def __iter__(self) -> "Iterator[Firing]":
        for packed in self._packed:
            from pickle import loads

            yield from loads(packed)
        yield from self._last

    def __eq__(self, other: object) -> bool:
        return isinstance(other, list | Firings) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as of a list

    def append(self, firing: "Firing") -> None:
        """Add the record of a level."""
        self.outcomes[firing["outcome"]] += 1
        self._last.append(firing)
        if firing["reaches_nobody"]:
            why = f"{firing['escalation']}/{firing['level']} reaches nobody: {'; '.join(firing['unreached'])}"
            self.unreached.setdefault(clean(why), []).append(firing["ticket_id"])
        if len(self._last) == PACK:
            from pickle import dumps

            self._packed.append(dumps(self._last))
            self._last = []


class Batch:
    """The results for some tickets; `firings` are escalation records."""

    def __init__(self, scanned: int = 0, failed: int = 0, problems: Sequence[str] = ()) -> None:
        self.scanned, self.breached, self.failed = scanned, 0, failed
        self.firings = Firings()
        self.goals: list[GoalAlert] = []
        self.problems = list(problems)

    def add(self, other: "Batch") -> None:
        """Add the results for some more tickets."""
        self.scanned += other.scanned
        self.breached += other.breached
        self.failed += other.failed
        for firing in other.firings:
            self.firings.append(firing)
        self.goals += other.goals
        self.problems += other.problems


class Report(Batch):
    """The results of a run; `failed` counts tickets and messages, `messages` are texts that `check` prints."""

    def __init__(self, *, at: datetime, dry_run: bool) -> None:
        super().__init__()
        self.at, self.dry_run = at, dry_run
        self.run_id: int | None = None
        #: What keeps the runs on other hosts out while this one works; an idle run has none.
        self.lease: Lease | None = None
        self.rules_version: int | None = None
        self.audit_head: str | None = None
        self.duration_ms = self.notified = self.messages_sent = 0
        self.messages: list[str] = []
        #: The numbers of the messages whose text is in `messages` and was not printed before.
        self.printed: list[int] = []
        #: What is wrong and did not keep the run from its work: a feed whose last good copy serves.
        self.warnings: list[str] = []
        #: Commands that fix the problems.
        self.hints: list[str] = []
        #: The rules file is invalid; the run used the last valid rules.
        self.invalid_rules = False
        #: Something besides a ticket or a message failed: the clock, the metrics file, the heartbeat.
        self.incomplete = False
        #: A signal asked the run to stop before everything was done.
        self.interrupted = False

    @property
    def escalated(self) -> int:
        """Return how many levels fired."""
        return self.firings.outcomes["fired"]

    @property
    def skipped(self) -> dict[str, int]:
        """Return how many due levels did not fire, by outcome."""
        found = sorted(self.firings.outcomes.items())
        return {outcome: count for outcome, count in found if outcome != "fired"}

    @property
    def happened(self) -> bool:
        """Return whether something happened that a run with `--quiet` prints."""
        return bool(self.breached or self.escalated or self.notified or self.goals or self.problems)

    @property
    def code(self) -> ExitCode:
        """Return the exit code of the run, without the code of the option `--exit-code`."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        partly = bool(self.failed) or self.incomplete
        return worst([ExitCode.RULES] * self.invalid_rules + [ExitCode.PARTLY] * partly)

    def warn_of_nobody(self) -> None:
        """Say once a level which tickets' messages reach nobody, and why."""
        for what, tickets in self.firings.unreached.items():
            named = ", ".join(map(str, tickets[:MOST_NAMED]))
            more = f" and {len(tickets) - MOST_NAMED:,} more" if len(tickets) > MOST_NAMED else ""
            self.warnings.append(f"ticket {named}{more}: {what}; check prints the message")

    def add_messages(self, delivered: "Delivered") -> None:
        """Add the results of sending messages; keep each problem and hint once."""
        self.notified += delivered.notified
        self.messages_sent += delivered.messages_sent
        self.failed += delivered.failed
        self.messages += delivered.messages
        self.printed += delivered.printed
        self.problems += [problem for problem in delivered.problems if problem not in self.problems]
        self.hints += [hint for hint in delivered.hints if hint not in self.hints]
        self.incomplete |= delivered.waits
        self.interrupted |= delivered.interrupted

    def record(self) -> "CheckReport":
        """Return the report as `check --json` prints it."""
        return {
            "run_id": self.run_id,
            "at": to_text(self.at),
            "dry_run": self.dry_run,
            "scanned": self.scanned,
            "breached": self.breached,
            "escalated": self.escalated,
            "notified": self.notified,
            "messages_sent": self.messages_sent,
            "failed": self.failed,
            "skipped": sum(self.skipped.values()),
            "skipped_by_reason": self.skipped,
            "firings": iter(self.firings),
            "goals": self.goals,
            "messages": self.messages,
            "audit_head": self.audit_head,
            "interrupted": self.interrupted,
            "duration_ms": self.duration_ms,
            "exit_code": int(self.code),
        }

    def columns(self) -> dict[str, Any]:
        """Return the report as a row of `run`."""
        names = ("scanned", "breached", "notified", "messages_sent", "failed", "duration_ms", "rules_version")
        ended = self.at + timedelta(seconds=self.duration_ms // 1000)
        return {
            **{name: getattr(self, name) for name in names},
            "fired": self.escalated,
            "skipped": self.skipped,
            "exit_code": int(self.code),
            "started_at": to_text(self.at),
            "ended_at": to_text(ended),
        }
