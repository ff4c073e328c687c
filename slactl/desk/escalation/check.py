"""Do one run of `check`, the cron job: record breaches, fire what is due once, send messages.

1. If the wall clock was changed since the last run, `check` changes nothing and says so.
2. If nothing is due, no message waits and the rules are those of the last run, it only writes the row of the run.
3. It goes through the tickets that have something due, in batches in the order of their numbers, with one write
   transaction a batch. It tries a ticket that fails again after an hour and continues with the others.
4. It sends the messages of the outbox, outside of any transaction that changes tickets.
5. It writes the row of the run, then the metrics file and the live page, and after a clean run it sends the heartbeat.
6. It prints the report, and only then records the messages in the report as printed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from slactl import committed
from slactl.clock import BootClock, from_text, jumped, stopwatch, to_text
from slactl.committed import in_parts
from slactl.desk.escalation.run import DEFAULTS, Report, RunOptions
from slactl.desk.ledger import last_rules
from slactl.desk.ledger.desk import Desk, rules_fingerprint
from slactl.desk.ledger.last_rules import LastRules
from slactl.desk.ledger.trust import rules_trust
from slactl.errors import ExitCode, SlactlError
from slactl.store.read import runs
from slactl.store.sqlite.connection import leaving_when
from slactl.store.write.runs import correct_exit_code, end_run, start_run

if TYPE_CHECKING:
    from slactl.store.database import Transaction

#: By how much the wall clock may be corrected between two runs, in seconds. Time servers correct it by less.
JUMP = 60


def check(desk: Desk, now: datetime, options: RunOptions = DEFAULTS) -> Report:
    """Do one run.

    Raises:
        LockedError: another run is under way.
        DatabaseError: the database cannot be read or written.
        KeyboardInterrupt: a signal asked the run to stop while it waited for the write lock.
        RulesError: the rules are invalid, and this database never used a valid version.
    """
    watch = stopwatch()
    # Keep one connection open to the end. The last connection to close copies the write-ahead log back, which would
    # make a batch slow.
    with leaving_when(options.stop), desk.database.held_open() as held:
        if options.dry_run:
            from slactl.desk.escalation.scan import rehearse

            with desk.database.for_many_writes() as database:
                rehearsed = rehearse(desk._replace(database=database), now, options)
            with desk.database.read_again(held):
                rehearsed.audit_head = runs.audit_head(held)
            options.show(rehearsed)
            return rehearsed
        return _run(desk, now, options, watch, held)


def _run(desk: Desk, now: datetime, options: RunOptions, watch: Callable[[], float], held: "Transaction") -> Report:
    """Do one run that changes something.

    On one machine the lock file keeps other runs out, and the system frees it when the run dies. Over all machines the
    lease of runs does that; an idle run changes nothing that needs one.
    """
    with desk.database.run_lock():
        with in_parts():
            report = _locked_run(desk, now, options, watch, held)
        options.show(report)
        if report.printed:
            from slactl.desk.messages.outbox import record_printed

            assert report.lease is not None
            with in_parts():
                record_printed(desk, now, report.printed, report.lease)
        return report


def _locked_run(
    desk: Desk, now: datetime, options: RunOptions, watch: Callable[[], float], held: "Transaction"
) -> Report:
    fingerprint = rules_fingerprint(desk.rules)
    with desk.database.read_again(held):
        before = runs.before_run(held, to_text(now), fingerprint, options.boot)
    rules = last_rules.recall(desk)
    if rules is not None and rules.fingerprint != fingerprint:
        rules = None
    report = Report(at=now, dry_run=False)
    trusts_clock = options.trust_clock or not _doubts_clock(report, before.clocks, options.boot)
    boot = options.boot if trusts_clock else None
    if trusts_clock and (rules is None or not before.idle):
        rules = _working_run(desk, report, options, watch, boot, fingerprint)
    else:
        if rules is not None and rules.feeds:
            from slactl.desk.oncall import feeds

            report.warnings += feeds.problems(desk.rules, now)
        if rules is not None and rules.has_figures and trusts_clock:
            _keep_figures(desk, report)
        _end(desk, report, watch, boot)
    _tell_monitors(desk, report, options, rules)
    return report


def _working_run(
    desk: Desk,
    report: Report,
    options: RunOptions,
    watch: Callable[[], float],
    boot: BootClock | None,
    fingerprint: str,
) -> LastRules | None:
    """Do a run that has something to do; return the rules that were used, None while the file is invalid."""
    from slactl.store.write.leases import Lease

    with desk.database.write() as transaction:
        report.lease = Lease.take(transaction, "check")
        report.run_id = start_run(transaction, to_text(report.at))
    with _recorded(desk, report, watch):
        rules = _work(desk, report, options)
        _keep_figures(desk, report)
        rules = rules and rules._replace(fingerprint=fingerprint)
        # After a run that did not go through all tickets, the next one must read the rules again.
        read = None if report.interrupted else rules
        if read is not None:
            # Do not store rules that others may have written. The next run would trust them.
            last_rules.keep(desk, read._replace(text=None if rules_trust(desk.rules) else read.text))
        _end(desk, report, watch, boot, read)
    return rules


def _keep_figures(desk: Desk, report: Report) -> None:
    """Keep the figures of goals and schedules; a value that cannot be read must not stop the rest of the run."""
    from slactl.desk.escalation.figures import keep_figures

    try:
        keep_figures(desk, report.at)
    except SlactlError:
        raise
    except Exception as error:
        report.incomplete = True
        report.problems.append(f"the figures of goals cannot be kept: {type(error).__name__}: {error}")


def _end(
    desk: Desk, report: Report, watch: Callable[[], float], boot: BootClock | None, rules: LastRules | None = None
) -> None:
    """Write the row of the run, and which `rules` the file of this host has; give the lease back.

    If the run prints messages, it needs the lease until they are printed.

    Raises:
        LockedError: another run took over the work of this one, which stood still for too long.
    """
    report.duration_ms = round(watch() * 1000)
    with desk.database.write() as transaction:
        if report.lease is not None:
            report.lease.renew(transaction)
        if rules is not None:
            from slactl.store.write.rules_versions import ReadRules, note_rules_file

            note_rules_file(transaction, ReadRules(rules.hash, rules.fingerprint), to_text(report.at))
        report.run_id, report.audit_head = end_run(transaction, report.run_id, report.columns(), boot)
        if report.lease is not None and not report.printed:
            report.lease.release(transaction)
        committed.add("run", "recorded", [report.run_id])


@contextmanager
def _recorded(desk: Desk, report: Report, watch: Callable[[], float]) -> Iterator[None]:
    """Write the exit code of a run that ends with an error into its row, if the row can still be written."""
    try:
        yield
    except BaseException as error:
        code = ExitCode.INTERRUPTED if isinstance(error, KeyboardInterrupt) else ExitCode.FAILURE
        code = committed.so_far().code_after(error.code if isinstance(error, SlactlError) else code)
        report.duration_ms = round(watch() * 1000)
        with suppress(SlactlError), desk.database.write() as transaction:
            end_run(transaction, report.run_id, report.columns() | {"exit_code": int(code)})
            if report.lease is not None:
                report.lease.release(transaction)
        raise


def clock_doubt(last: runs.LastReading | None, at: datetime, boot: BootClock | None) -> str | None:
    """Return by how much the wall clock was changed since the last run on this start of the machine, for people."""
    if last is None or boot is None:
        return None
    by = jumped(from_text(last.started_at), last.boot, at, boot)
    if abs(by) <= JUMP:
        return None
    from slactl.durations import describe_seconds

    way = "forward" if by > 0 else "back"
    return f"the clock was set {way} by {describe_seconds(abs(by))} since the last check at {last.started_at}"


def _doubts_clock(report: Report, last: runs.LastReading | None, boot: BootClock | None) -> bool:
    """Return whether the wall clock was changed since the last run after the same machine start; report it if so."""
    doubt = clock_doubt(last, report.at, boot)
    if doubt is None:
        return False
    report.incomplete = True
    right = f"set the clock right, or confirm that {to_text(report.at)} is right"
    report.problems.append(f"{doubt}: nothing was changed; {right}")
    report.hints.append("slactl check --trust-clock")
    return True


def _work(desk: Desk, report: Report, options: RunOptions) -> LastRules | None:
    """Fire what is due and send messages; return the rules that were used, None while the file is invalid."""
    from slactl.desk.escalation.scan import work_through
    from slactl.desk.ledger.rules_versions import CommandRules

    assert report.lease is not None
    read = CommandRules(desk)
    with desk.database.for_many_writes() as database:
        rules = work_through(desk._replace(database=database), report, options, read)
    if options.send and not report.interrupted:
        from slactl.desk.messages.delivered import Delivered
        from slactl.desk.messages.outbox import deliver

        delivered = Delivered()
        try:
            deliver(desk, report.at, delivered, report.run_id, report.lease, options.stop, read)
        finally:  # an error may end it after some messages were sent
            report.add_messages(delivered)
    return rules


def _tell_monitors(desk: Desk, report: Report, options: RunOptions, rules: LastRules | None) -> None:
    """Write metrics and live page, and send the heartbeat; a failure changes the exit code in the row of the run."""
    heartbeat = rules.heartbeat if rules is not None and report.code is ExitCode.DONE else None
    if options.metrics is None and options.board is None and heartbeat is None:
        return
    from slactl.desk.escalation.monitoring import tell_monitors

    sources = rules.sources if rules is not None else None
    delivered = tell_monitors(desk, report, options, heartbeat, sources)
    if delivered.problems:
        assert report.run_id is not None
        report.add_messages(delivered)
        report.incomplete = True
        with desk.database.write() as transaction:
            correct_exit_code(transaction, report.run_id, int(report.code))
