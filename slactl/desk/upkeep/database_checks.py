"""Check the database of a service desk: file, schema, structure, and whether the work on it goes on."""

import glob
import os
import shlex
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from slactl.clock import BootClock, from_text, to_text
from slactl.desk.escalation.check import clock_doubt
from slactl.desk.ledger.desk import Desk
from slactl.desk.upkeep import environment
from slactl.desk.upkeep.expected import PUT_OFF
from slactl.desk.upkeep.health import Check
from slactl.desk.upkeep.restore import ASIDE
from slactl.durations import describe_seconds
from slactl.errors import BusyError, DatabaseError, ExitCode, StorageError
from slactl.files import open_regular
from slactl.store.database import Database
from slactl.store.read import runs
from slactl.store.read.audit import outcomes_from
from slactl.store.schema.upgrade import old_copies
from slactl.store.schema.version import SCHEMA, schema_of
from slactl.store.sqlite import health, structure, values
from slactl.store.sqlite.connection import reads_without_locks
from slactl.store.sqlite.folders import SIDE_FILES
from slactl.store.sqlite.structure import Oddity
from slactl.store.write import erasure
from slactl.text import NOBODY, counted, quoted

if TYPE_CHECKING:
    from slactl.store.database import Transaction

#: How old the last check that fired may be, and how late something that is due.
PATIENCE = timedelta(hours=1)

#: How long a transaction may last, in seconds: longer than any of slactl's own that others wait for.
LASTING = 2

#: By how much the clocks of two machines may differ.
TOLERANCE = timedelta(minutes=5)

#: How many files doctor checks page by page, at most, in search of a backup.
CANDIDATES = 3

#: How the file of any SQLite database begins.
MAGIC = b"SQLite format 3\0"


def database_checks(desk: Desk, now: datetime, boot: BootClock | None) -> Iterator[Check]:
    """Yield the checks of the database; leave out a check that a damaged database makes impossible."""
    path, failing = desk.database.path, "database"
    try:
        with desk.database.read_unmigrated() as transaction:
            yield Check("database", True, f"{path}, {desk.sources['database']}")
            failing = "integrity"
            if obstacle := desk.database.obstacle_to_writing():
                yield Check("writing", False, f"{path} cannot be written: {obstacle.why}", obstacle.hint)
            else:
                yield _write_lock(desk.database)
            yield from environment.log_checks(path, LASTING)
            yield from _old_copies(path)
            yield from _inside(transaction, path, now, boot)
    except DatabaseError as error:
        code = ExitCode.PARTLY if isinstance(error, StorageError) else error.code
        yield Check(failing, False, error.message, fix_of(error, path), code)


def _inside(connection: "Transaction", path: Path, now: datetime, boot: BootClock | None) -> Iterator[Check]:
    schema = schema_of(connection)
    is_old = schema < SCHEMA
    what = (
        f"{schema}; the next command that uses the database migrates it to {SCHEMA}"
        if is_old
        else f"{SCHEMA}, the newest"
    )
    yield Check("schema", not is_old, what, "slactl audit verify" if is_old else None)
    gone = [] if is_old else health.missing_tables(connection)
    if gone:
        yield Check("structure", False, f"missing: {', '.join(gone)}", restoring(path), ExitCode.DATABASE)
        return
    broken = health.damage(connection) or ([] if is_old else values.odd_values(connection)[:10])
    fix = restoring(path) if broken else None
    yield Check("integrity", not broken, "; ".join(broken) or "ok", fix, ExitCode.DATABASE)
    if broken or is_old:
        return
    yield from _structure(connection, path)
    yield _clock(connection, now, boot)
    yield from _work(connection, now)
    counts = health.stuck_messages(connection)
    if not counts:
        yield Check("notifications", True, "no message is dead, held or partly sent")
    for state, count in counts.items():
        remedy = f"slactl notifications list --state {state} --limit 0 -q | xargs slactl notifications retry"
        yield Check("notifications", False, f"{count:,} {state}", remedy)
    if count := health.told_nobody(connection):
        what = f"{counted(count, 'open ticket')} of which nobody was told"
        yield Check("recipients", False, what, f"slactl notifications list --recipient {NOBODY}")
    if outcomes_from(connection) > 0:
        what = "outcomes of tickets that were reopened, or of which something was undone, are from before the upgrade"
        yield Check("outcomes", True, what, "slactl doctor --rebuild")
    if erasure.is_unfinished(connection):
        what = "an erasure was interrupted before it rewrote the file: erased texts may still be in old pages"
        yield Check("erasure", False, what, "slactl erase --finish")


def _old_copies(path: Path) -> Iterator[Check]:
    """List the copies that upgrades of the schema left beside the database."""
    for copy in old_copies(path):
        with suppress(OSError):
            found = copy.stat()
            day = to_text(datetime.fromtimestamp(found.st_mtime, UTC))[:10]
            what = (
                f"{copy} of {day}, {found.st_size / 1e6:,.1f} MB, kept by an upgrade; to remove it: rm {quoted(copy)}"
            )
            yield Check("old copy", True, what)


def _clock(connection: "Transaction", now: datetime, boot: BootClock | None) -> Check:
    """Check the clock as `check` does, and whether anything was recorded later than now."""
    doubt = clock_doubt(runs.last_reading(connection, boot), now, boot)
    latest = health.latest_instant(connection)
    if doubt is not None:
        right = f"if {to_text(now)} is right, confirm it with: slactl check --trust-clock"
        doubt = f"{doubt}, so check does nothing; {right}"
    elif latest is not None and from_text(latest) > now + TOLERANCE:
        doubt = f"{to_text(now)}, but an event was recorded at {latest}"
    return Check("clock", doubt is None, doubt or to_text(now), None if doubt is None else "timedatectl status")


def fix_of(error: DatabaseError, path: Path) -> str | None:
    """Return the fix for a database that cannot be read: a backup if the file is damaged."""
    is_cut = os.path.isfile(path) and path.stat().st_size < 512  # less than any first page
    is_damaged = not isinstance(error, BusyError) and (health.is_torn(error) or is_cut)
    return restoring(path) if is_damaged else error.hint


def restoring(path: Path) -> str:
    """Return the command that replaces a damaged database by its newest backup; without a backup, the guide page.

    The backup is the newest sound copy in the folder of the database or in the user's folder of backups.
    """
    found, folder = dict[Path, float](), Path.home() / "slactl-backups"
    # A file whose name begins otherwise than that of the database may belong to another service desk.
    for file in (file for each in (path.parent, folder) for file in each.glob(f"{glob.escape(path.stem)}*")):
        with suppress(OSError):
            # If a process closes a file that SQLite has open in it, SQLite loses its locks on the file.
            if file.name.endswith(SIDE_FILES) or ASIDE in file.name or file.samefile(path):
                continue
            with open_regular(file, follow=False) as stream:
                if stream.read(len(MAGIC)) == MAGIC:
                    found[file] = file.stat().st_mtime
    newest = sorted(found, key=lambda file: found[file], reverse=True)[:CANDIDATES]
    copy = next((file for file in newest if _is_sound(file)), None)
    if copy is None:
        return f"slactl help operations  # restore a backup; there is none in {path.parent} or {folder}"
    return f"slactl restore {shlex.quote(str(copy))} --yes"


def _is_sound(path: Path) -> bool:
    try:
        with Database(path).read_unmigrated() as copy:
            return not health.damage(copy)
    except DatabaseError:
        return False


def _write_lock(database: Database) -> Check:
    """Check whether people can write, at once or as soon as a transaction of slactl's own is over."""
    if database.may_write(0):
        return Check("write lock", True, "free")
    if database.may_write(LASTING):
        return Check("write lock", True, "free after a short wait")
    holder = environment.writer(database.path)
    if holder is None:
        what = f"held for {LASTING} s by another program"
        return Check("write lock", False, what, f"fuser -v {shlex.quote(str(database.path))}")
    what = f"held by {holder} for {LASTING} s: nobody else can write"
    return Check("write lock", False, what, holder.fix)


def _structure(connection: "Transaction", path: Path) -> Iterator[Check]:
    odd = structure.odd_parts(connection)
    harmed = [str(each) for each in odd if each.kind == "table" and each.oddity is not Oddity.FOREIGN]
    if harmed:
        yield Check("structure", False, "; ".join(harmed), restoring(path), ExitCode.DATABASE)
    rest = [str(each) for each in odd if str(each) not in harmed]
    if rest or not harmed:
        drops_table = any(each.kind == "table" and each.oddity is Oddity.FOREIGN for each in odd)
        fix = f"slactl doctor --rebuild{' --yes' if drops_table else ''}"
        what = "; ".join(rest) or "every table, view, index and trigger"
        yield Check("structure", not rest, what, fix if rest else None)
    mode, is_right = health.journal_mode(connection, path if reads_without_locks(path) else None)
    yield Check("journal", is_right, mode, None if is_right else health.journal_command(path))


def _work(connection: "Transaction", now: datetime) -> Iterator[Check]:
    last, waiting = runs.last_fired(connection), health.open_tickets(connection)
    since = last or health.first_instant(connection) or to_text(now)
    age = max(0, int((now - from_text(since)).total_seconds()))
    old = waiting > 0 and age > PATIENCE.total_seconds()
    ago = f"{describe_seconds(age)} ago" if last is not None else "never"
    fix = "(crontab -l; echo '*/5 * * * * slactl check -q') | crontab -" if old else None
    yield Check("last check", not old, f"{ago}; open tickets: {waiting:,}", fix)
    code = runs.last_failure(connection)
    if code:
        yield Check("last exit code", False, f"the last check ended with {code}", "slactl check")
    late = health.overdue(connection, to_text(now - PATIENCE))
    if late:
        yield Check("overdue", False, f"timers that a check should have examined an hour ago: {late:,}", "slactl check")
    lost = health.overlooked(connection, to_text(now + PUT_OFF))
    if lost:
        yield Check("overlooked", False, f"deadlines that no check will examine: {lost:,}", "slactl doctor --rebuild")
