"""Hold what an import is given, and what it has done so far."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import BinaryIO

from slactl.committed import so_far
from slactl.desk.ledger.ledger import CommandRules
from slactl.desk.transfer.lines import Problem
from slactl.desk.transfer.maps import Map
from slactl.desk.transfer.merging.following import Reading
from slactl.desk.transfer.merging.matching import Notes
from slactl.desk.transfer.merging.snapshots import Snapshot
from slactl.sla.enums import EventType, PriorityMeanings
from slactl.sla.history.event import Event
from slactl.sla.history.file import TenantEntry


@dataclass(slots=True)
class Imported:
    """The counts of what an import did."""

    opened: int = 0
    changed: int = 0
    events: int = 0
    tenants: int = 0
    #: The number of recorded breaches that the history of the file corrects.
    corrected: int = 0
    bad: int = 0
    warnings: int = 0

    @contextmanager
    def unless_rolled_back(self) -> Iterator[None]:
        """Count what is done inside, unless it is not committed; bad rows and warnings were reported anyway."""
        before, commits = replace(self), so_far().commits
        try:
            yield
        except BaseException:
            if so_far().commits == commits:  # else a signal came after the commit
                self.opened, self.changed, self.events = before.opened, before.changed, before.events
                self.tenants, self.corrected = before.tenants, before.corrected
            raise


@dataclass(frozen=True, slots=True)
class Source:
    """The file that is imported, and its map, or None for a history file; events after `until` are left out."""

    stream: BinaryIO
    mapping: Map | None = None
    until: datetime | None = None

    def column(self, name: str, event: Event | None = None) -> str:
        """Return the name of a field in the file, given the event with this field."""
        if self.mapping is None:
            return name
        if name == "at" and event is not None:
            name = self._column_of_instant(event)
        return self.mapping.column(name)

    def _column_of_instant(self, event: Event) -> str:
        assert self.mapping is not None
        if event.type is EventType.CREATED:
            return "created_at"
        if self.mapping.kind == "events":
            return "at"
        column = "first_responded_at" if event.type is EventType.AGENT_REPLY else f"{event.detail.get('status')}_at"
        return column if column in self.mapping.columns else "at"


@dataclass(slots=True)
class Progress:
    """The functions that take the progress: `read` the bytes read, `taken` the tickets imported and their total."""

    read: Callable[[int], None] = lambda _: None
    taken: Callable[[int, int], None] = lambda _, __: None


@dataclass(slots=True)
class Import:
    """One import: its source, the rules it read, the functions it reports to, and its counts so far."""

    source: Source
    rules: CommandRules
    now: datetime
    baseline: bool
    dry_run: bool
    progress: Progress
    report: Callable[[Problem], None]
    done: Imported = field(default_factory=Imported)
    notes: Notes = field(default_factory=Notes)
    tenants: list[TenantEntry] = field(default_factory=list)
    #: Other words for priorities, as the rules name them.
    words: PriorityMeanings = field(default_factory=dict)
    #: The bursts that each ticket of the file, by `SOURCE:NAME`, begins among the tickets of the file.
    bursts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: The last rows of the tickets of this batch, by the tickets' numbers.
    snapshots: dict[int, Snapshot] = field(default_factory=dict)

    @property
    def has_snapshots(self) -> bool:
        """Return whether each row says what its ticket looks like now."""
        return self.source.mapping is not None and self.source.mapping.kind == "tickets"

    @property
    def reading(self) -> Reading:
        """Return how the rows of the file are read."""
        assert self.source.mapping is not None
        return Reading(self.source.mapping, self.words, self.now, self.source.until, self.tell)

    def tell(self, problem: Problem) -> None:
        """Count a problem, and report it."""
        self.done.warnings += problem.warning
        self.done.bad += not problem.warning
        self.report(problem)

    def warn(self, reason: str | None) -> None:
        """Report a change of a row that is imported, as a warning."""
        if reason is not None:
            self.tell(Problem(0, "", reason, warning=True))
