"""Import what the commands of sources print: `sync`.

For each source, slactl runs the command, keeps its whole output in a temporary file, and only then imports it. So a
command that fails changes nothing. A run that was killed is repeated by the next one, because an import that is
repeated changes nothing.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from slactl.clock import from_text, stopwatch, to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.trust import Doubt, closing_commands, refusals, rules_trust
from slactl.desk.programs.secrets import Secrets, without_secrets
from slactl.desk.sources.checks import source_map
from slactl.desk.sources.command import CommandFailed, output_of
from slactl.desk.transfer.foreign.fitting import fitting
from slactl.desk.transfer.importing import import_file
from slactl.desk.transfer.lines import Problem, Report
from slactl.desk.transfer.merging.state import Imported, Progress
from slactl.desk.transfer.merging.state import Source as Input
from slactl.errors import DatabaseError, ExitCode, PartlyError, SlactlError, UsageError
from slactl.sla.rules.loading import load
from slactl.sla.rules.model import Source
from slactl.store.read import runs
from slactl.store.write.runs import end_sync, start_sync
from slactl.text import clean, known_or_refuse, nearest, quoted

if TYPE_CHECKING:
    from slactl.records.runs import SyncRun

#: How far the changes that a command lists overlap those of the last good run: clocks differ, and servers are slow.
OVERLAP = timedelta(minutes=10)

#: The instant from which the first run of a command lists changes.
BEGINNING = "1970-01-01T00:00:00Z"


class Synced(NamedTuple):
    """Hold the result of one source: its record, the counts of the import, and what a person has to know.

    `said` is what the command printed on stderr. `hint` is a command that fixes the error.
    """

    record: "SyncRun"
    done: Imported
    said: str = ""
    hint: str | None = None

    @property
    def happened(self) -> bool:
        """Return whether the run changed or found something that a run with `--quiet` prints."""
        done = self.done
        return bool(done.opened or done.changed or done.events or done.tenants or done.corrected or done.bad)


class Syncing(NamedTuple):
    """Hold what one run of `sync` works with; `clock` returns the present instant."""

    desk: Desk
    sources: Sequence[Source]
    secrets: Secrets
    clock: Callable[[], datetime]
    dry_run: bool = False

    def run(self, source: Source, report: Report) -> Synced:
        """Run the command of a source and import its output; `report` gets each bad row and each warning.

        Raises:
            DatabaseError: the database or a temporary file cannot be used, or the disk is full.
        """
        started, watch = self.clock(), stopwatch()
        with self.desk.database.read() as transaction:
            since = since_of(runs.source_state(transaction, source.name), started)
        number = self._start(source, started, since)
        columns: dict[str, Any] = {"exit_code": int(ExitCode.FAILURE), "error": "it ended with an unexpected error"}
        done, said, hint = Imported(), "", None
        try:
            said = self._import(source, since, report, done)
            columns = {"exit_code": int(ExitCode.PARTLY if done.bad else ExitCode.DONE), "error": None}
        except DatabaseError as error:
            columns = _failure(error.message, error.code)
            raise
        except (SlactlError, CommandFailed) as error:
            columns = _failure(str(error), ExitCode.PARTLY)
            hint = error.hint if isinstance(error, SlactlError) else error.fix
        except KeyboardInterrupt:
            columns = _failure("it was interrupted", ExitCode.INTERRUPTED)
            raise
        finally:
            counts = {name: getattr(done, name) for name in ("opened", "changed", "events", "bad")}
            duration = round(watch() * 1000)
            columns |= {**counts, "ended_at": to_text(self.clock()), "duration_ms": duration}
            self._end(number, columns)
        begun = {"id": number, "source": source.name, "started_at": to_text(started), "since": since}
        return Synced(_record(begun | columns, dry_run=self.dry_run), done, said, hint)

    def _import(self, source: Source, since: str, report: Report, done: Imported) -> str:
        """Run and import, count in `done`, and return what the command printed on stderr."""
        mapping = source_map(source, self.secrets.rules)

        def checked(problem: Problem) -> None:
            if problem.breaks:  # nobody knows what else it should have
                raise UsageError(f"{problem.reason.partition(';')[0]}; nothing is imported", "slactl help import")
            field, reason = without_secrets(problem.field), without_secrets(problem.reason)
            report(replace(problem, field=field, reason=reason))

        with output_of(source, since, self.secrets) as (output, said):
            # Tickets may have changed while the command ran.
            now = self.clock()
            if mapping is not None:
                output, chosen = fitting(output, mapping)
                mapping = chosen.model_copy(update={"source": source.name})
            read = list[int]()
            progress = Progress(taken=lambda _, total: read.append(total))
            input_ = Input(output, mapping)
            import_file(self.desk, now, input_, checked, progress, dry_run=self.dry_run, done=done)
        if done.bad and not read:
            raise UsageError("no ticket was found in what the command printed", "slactl help import")
        return said

    def _start(self, source: Source, started: datetime, since: str) -> int | None:
        if self.dry_run:
            return None
        with self.desk.database.write() as transaction:
            return start_sync(transaction, source.name, to_text(started), since)

    def _end(self, number: int | None, columns: dict[str, Any]) -> None:
        if number is None:
            return
        if columns["error"] is None:
            with self.desk.database.write() as transaction:
                end_sync(transaction, number, columns)
            return
        with suppress(SlactlError), self.desk.database.write() as transaction:
            end_sync(transaction, number, columns)


@contextmanager
def syncing(
    desk: Desk, names: Sequence[str], clock: Callable[[], datetime], *, dry_run: bool = False
) -> Iterator[Syncing]:
    """Choose the sources with these names, or all, and keep every other `sync` from running meanwhile.

    Raises:
        NotKnownError: the rules have no source of a name.
        RulesError: the rules are invalid.
        LockedError: another `sync` is running.
        PartlyError: others may change the rules, so no command runs.
    """
    # Ask before the rules are read: what nobody else may change from now on may have been changed before.
    doubts = rules_trust(desk.rules)
    rules = load(desk.rules)
    secrets = Secrets(os.environ, desk.rules.absolute(), rules.settings.secrets, doubts)
    known = [source.name for source in rules.sources]
    for name in names:
        meant = nearest(name, known)
        known_or_refuse(name, known, "source", f"slactl sync {quoted(meant)}" if meant else "slactl help import")
    chosen = [source for source in rules.sources if not names or source.name in names]
    work = Syncing(desk, chosen, secrets, clock, dry_run)
    with desk.database.held_open(), desk.database.sync_lock():
        if doubts and work.sources:
            _refuse(work, doubts)
        yield work


def _refuse(work: Syncing, doubts: Sequence[Doubt]) -> None:
    """Record that the commands did not run, and say who else may change them.

    Raises:
        PartlyError: always.
    """
    problems = refusals(doubts, "no command of a source runs")
    for source in work.sources:
        now = work.clock()
        number = work._start(source, now, BEGINNING)
        work._end(number, _failure("others may change the rules", ExitCode.PARTLY) | {"ended_at": to_text(now)})
    raise PartlyError.of(problems, closing_commands(work.desk.rules, work.desk.database.path, doubts))


def since_of(state: runs.SourceState, now: datetime) -> str:
    """Return the instant from which a command lists changes, as text."""
    if not state.good:
        return BEGINNING
    # A wrong clock may have put the last run into the future.
    return max(BEGINNING, to_text(min(from_text(state.good[0]), now) - OVERLAP))


def _failure(error: str, code: ExitCode) -> dict[str, Any]:
    return {"exit_code": int(code), "error": without_secrets(clean(error))[:1000]}


def _record(columns: dict[str, Any], *, dry_run: bool) -> "SyncRun":
    return {
        "id": columns["id"],
        "source": columns["source"],
        "started_at": columns["started_at"],
        "ended_at": columns["ended_at"],
        "since": columns["since"],
        "opened": columns["opened"],
        "changed": columns["changed"],
        "events": columns["events"],
        "bad": columns["bad"],
        "exit_code": columns["exit_code"],
        "duration_ms": columns["duration_ms"],
        "error": columns["error"],
        "dry_run": dry_run,
    }
