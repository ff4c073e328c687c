"""The health of a desk: one check after the other, each with what it found and, where something is wrong, the fix.

What a check needs and does not find is the finding of another one: a desk without a database is still told about its
rules, its folder and its lock.
"""

import os
import platform
import shlex
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from slactl import __version__
from slactl.clock import describe_seconds, from_text, to_text
from slactl.config import shipped_rules
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.trust import closing_commands, rules_trust
from slactl.desk.messages import recipients as addresses
from slactl.desk.messages.secrets import Secrets
from slactl.desk.upkeep import environment as surroundings
from slactl.desk.upkeep.expected import PUT_OFF
from slactl.errors import DatabaseError, ExitCode, RulesError, worst
from slactl.store.sqlite import health, structure, values
from slactl.store.sqlite.connection import SCHEMA, damage, may_write, open_database, reported, schema_of, transaction
from slactl.store.sqlite.lock import lock_path
from slactl.store.sqlite.structure import Oddity
from slactl.store.write import erasure

#: How old the last good check may be, and how late something that is due.
PATIENCE = timedelta(hours=1)

#: How long the write lock may be held, in seconds: longer than any transaction of slactl's own that others wait for.
LASTING = 2

#: By how much the clocks of two machines may differ.
TOLERANCE = timedelta(minutes=5)


class Check(NamedTuple):
    """One check: what was looked at, whether all is well, what was found, and the command that mends it."""

    check: str
    ok: bool
    found: str
    fix: str | None = None
    code: ExitCode = ExitCode.PARTLY


@dataclass(frozen=True, slots=True)
class Health:
    """Every check that was done."""

    checks: tuple[Check, ...]

    @property
    def code(self) -> ExitCode:
        """6 when the database cannot be relied on, 7 when something else is to be done."""
        return worst([each.code for each in self.checks if not each.ok])

    def record(self) -> dict[str, Any]:
        """The health as `doctor --json` prints it."""
        checks = [{"check": c.check, "ok": c.ok, "found": c.found, "fix": c.fix} for c in self.checks]
        return {"ok": self.code is ExitCode.DONE, "exit_code": int(self.code), "checks": checks}


def examine(desk: Desk, now: datetime, environment: Mapping[str, str]) -> Health:
    """Look at everything a desk needs; changes nothing."""
    found = [*_versions(), *_database(desk, now)]
    if not os.path.isdir(desk.database.path):  # nothing lies beside a folder, and its mode is no affair of a desk's
        found += [*_files(desk), *_network(desk), _lock(desk, now)]
    told = {each.fix for each in found}
    found += [each for each in _trust(desk) if each.ok or each.fix not in told]
    return Health((*found, *_rules(desk, environment)))


def _versions() -> Iterator[Check]:
    yield Check("slactl", True, __version__)
    yield Check("python", True, platform.python_version())
    yield Check("sqlite", True, sqlite3.sqlite_version)
    yield Check("tzdata", True, _time_zones())
    yield Check("holidays", True, _package("holidays"))


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _time_zones() -> str:
    """The version of the time zones in use: the system's come before those of the package."""
    from zoneinfo import TZPATH

    for folder in map(Path, TZPATH):
        for name in ("tzdata.zi", "+VERSION"):
            try:
                with (folder / name).open(encoding="utf-8") as stream:
                    return f"{stream.readline().removeprefix('# version ').strip()} in {folder}"
            except OSError:
                continue
        if (folder / "UTC").exists():
            return f"in {folder}, of unknown version"
    return f"{_package('tzdata')} of the package tzdata"


def _database(desk: Desk, now: datetime) -> Iterator[Check]:
    path = desk.database.path
    try:
        connection = open_database(path, query_only=True, migrates=False)
    except DatabaseError as error:
        yield Check("database", False, error.message, _mending(error, path), ExitCode.DATABASE)
        return
    yield Check("database", True, f"{path}, {desk.sources['database']}")
    try:
        with reported(path):
            yield _write_lock(connection, path)
            with transaction(connection):
                yield from _inside(connection, path, now)
    except DatabaseError as error:
        yield Check("integrity", False, error.message, _mending(error, path), ExitCode.DATABASE)
    finally:
        connection.close()


def _inside(connection: sqlite3.Connection, path: Path, now: datetime) -> Iterator[Check]:
    schema = schema_of(connection)
    is_old = schema < SCHEMA
    what = f"{schema}; the next command that uses it makes it {SCHEMA}" if is_old else f"{SCHEMA}, the newest"
    yield Check("schema", not is_old, what, "slactl audit verify" if is_old else None)
    gone = [] if is_old else health.missing_tables(connection)
    if gone:
        yield Check("structure", False, f"gone: {', '.join(gone)}", _restore(path), ExitCode.DATABASE)
        return
    broken = damage(connection) or ([] if is_old else values.odd_values(connection)[:10])
    yield Check(
        "integrity",
        not broken,
        "; ".join(broken) or "ok",
        _restore(path) if broken else None,
        ExitCode.DATABASE,
    )
    if broken or is_old:
        return
    yield from _structure(connection, path)
    yield from _clock(connection, now)
    yield from _work(connection, now)
    yield from _outbox(connection)
    if erasure.is_unfinished(connection):
        what = "an erasure did not get to rewriting the file: what was erased may still be in old pages"
        yield Check("erasure", False, what, "slactl erase --finish")


def _mending(error: DatabaseError, path: Path) -> str | None:
    """What helps where a database cannot be read: of one that is torn, a backup."""
    torn = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return _restore(path) if torn or surroundings.is_stub(path) else error.hint


def _restore(path: Path) -> str:
    """How a database that is damaged is replaced by a backup; not every file beside it need be there to be moved.

    The folder of a shared desk is closed to its group meanwhile, so that nobody puts another file in the way.
    """
    old, folder, aside = (shlex.quote(str(each)) for each in (path, path.parent, path.parent / "broken"))
    beside = " ".join(shlex.quote(str(path.with_name(path.name + end))) for end in ("-wal", "-shm"))
    steps = f"mkdir {aside} && {{ mv {old} {beside} {aside}; slactl --db BACKUP backup {old}; }}"
    found = path.parent.stat()
    if not found.st_mode & stat.S_IWGRP:
        return steps
    return f"chmod g-w {folder} && {steps} && chgrp {found.st_gid} {old} && chmod 660 {old} && chmod g+w {folder}"


def _write_lock(connection: sqlite3.Connection, path: Path) -> Check:
    """Whether people can write: at once, or as soon as a transaction of slactl's own is over."""
    if may_write(connection, 0):
        return Check("write lock", True, "free")
    holder = surroundings.writer(path)
    if not (holder and holder.stopped) and may_write(connection, LASTING):
        return Check("write lock", True, "held for a moment")
    holder = surroundings.writer(path)
    if holder is None:
        return Check(
            "write lock", False, f"held for {LASTING} s by another program", f"fuser -v {shlex.quote(str(path))}"
        )
    who = f"held by {holder.pid} ({holder.program})"
    if holder.stopped:
        return Check("write lock", False, f"{who}, which was stopped", f"kill -CONT {holder.pid}")
    return Check("write lock", False, f"{who} for {LASTING} s: nobody else can write", f"kill {holder.pid}")


def _structure(connection: sqlite3.Connection, path: Path) -> Iterator[Check]:
    odd = structure.odd_parts(connection)
    harmed = [str(each) for each in odd if each.kind == "table" and each.oddity is not Oddity.FOREIGN]
    if harmed:
        yield Check("structure", False, "; ".join(harmed), _restore(path), ExitCode.DATABASE)
    rest = [str(each) for each in odd if str(each) not in harmed]
    if rest or not harmed:
        drops_table = any(each.kind == "table" and each.oddity is Oddity.FOREIGN for each in odd)
        fix = f"slactl doctor --rebuild{' --yes' if drops_table else ''}"
        what = "; ".join(rest) or "every table, view, index and trigger"
        yield Check("structure", not rest, what, fix if rest else None)
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    fix = f"sqlite3 {shlex.quote(str(path))} 'PRAGMA journal_mode = WAL'"
    yield Check("journal", mode == "wal", mode, fix if mode != "wal" else None)


def _clock(connection: sqlite3.Connection, now: datetime) -> Iterator[Check]:
    latest = health.latest_instant(connection)
    late = latest is not None and from_text(latest) > now + TOLERANCE
    what = f"{to_text(now)}, but something was recorded at {latest}" if late else to_text(now)
    yield Check("clock", not late, what, "timedatectl status" if late else None)


def _work(connection: sqlite3.Connection, now: datetime) -> Iterator[Check]:
    last, waiting = health.last_good_run(connection), health.open_tickets(connection)
    since = last or health.first_instant(connection) or to_text(now)
    age = max(0, int((now - from_text(since)).total_seconds()))
    old = waiting > 0 and age > PATIENCE.total_seconds()
    ago = f"{describe_seconds(age)} ago" if last is not None else "never"
    fix = "(crontab -l; echo '*/5 * * * * slactl check -q') | crontab -" if old else None
    yield Check("last check", not old, f"{ago}; open tickets: {waiting:,}", fix)
    code = health.last_exit_code(connection)
    if code:
        yield Check("last exit code", False, f"the last check ended with {code}", "slactl check")
    late = health.overdue(connection, to_text(now - PATIENCE))
    if late:
        yield Check("overdue", False, f"timers that should have been looked at an hour ago: {late:,}", "slactl check")
    lost = health.overlooked(connection, to_text(now + PUT_OFF))
    if lost:
        yield Check("overlooked", False, f"deadlines that no check will look at: {lost:,}", "slactl doctor --rebuild")


def _outbox(connection: sqlite3.Connection) -> Iterator[Check]:
    counts = health.stuck_messages(connection)
    if not counts:
        yield Check("notifications", True, "none is dead or held")
    for state, count in counts.items():
        fix = f"slactl notifications list --state {state} --limit 0 -q | xargs slactl notifications retry"
        yield Check("notifications", False, f"{count:,} {state}", fix)


def _files(desk: Desk) -> Iterator[Check]:
    found = list(surroundings.exposures(desk.database.path))
    for each in found:
        yield Check("permissions", False, f"{each.path}: {each.what}", each.fix)
    closed = surroundings.unwritable(desk.database.path) if desk.database.path.exists() else []
    for path in closed:
        yield Check("permissions", False, f"{path} cannot be written by you", f"ls -ld {shlex.quote(str(path))}")
    if not found and not closed:
        yield Check("permissions", True, "closed to others")


def _network(desk: Desk) -> Iterator[Check]:
    kind = surroundings.file_system(desk.database.path, surroundings.mounted())
    if kind is not None:
        remote = kind in surroundings.NETWORK
        what = f"{kind}, which is shared by machines: write-ahead logs break there" if remote else kind
        yield Check("file system", not remote, what, "slactl backup /var/lib/slactl/slactl.db" if remote else None)


def _lock(desk: Desk, now: datetime) -> Check:
    lock = lock_path(desk.database.path)
    holder = surroundings.lock_holder(lock)
    if holder is None:
        return Check("run lock", True, "free")
    who = f"held by {holder.pid} ({holder.program})"
    if holder.stopped:
        return Check("run lock", False, f"{who}, which was stopped", f"kill -CONT {holder.pid}")
    # Each run notes when it got the lock; whoever just holds it notes nothing.
    age = max(0, int(now.timestamp() - lock.stat().st_mtime))
    if age > PATIENCE.total_seconds():
        what = f"{who}: no check has got it for {describe_seconds(age)}, and each ends with 75"
        return Check("run lock", False, what, f"kill {holder.pid}")
    return Check("run lock", True, f"{who}, which is at work")


def _rules(desk: Desk, environment: Mapping[str, str]) -> Iterator[Check]:
    from slactl.desk.rules import file as rules_file

    check = f"slactl --rules {shlex.quote(str(desk.rules))} rules check"
    try:
        rules, warnings = rules_file.check(desk.rules, environment)
    except RulesError as error:
        yield Check("rules", False, error.message, error.hint or check)
        return
    yield Check("rules", True, f"{desk.rules}, {desk.sources['rules']}")
    known = Secrets.of(desk.rules, rules.settings.secrets, environment)
    told_below = {message for _, message in addresses.warnings(rules, known)}
    for warning in warnings:
        if warning.message not in told_below:
            yield Check("rules", False, f"line {warning.line}: {warning.message}", check)
    secrets = list(surroundings.missing_secrets(rules, known))
    for whose, what, fix in secrets:
        yield Check("secrets", False, f"{whose}: {what}", fix)
    if not secrets and not known.doubts:
        yield Check("secrets", True, "every one that is named is there")


def _trust(desk: Desk) -> Iterator[Check]:
    """Who else may change the rules; those that come with slactl send nothing."""
    if desk.rules.resolve() == shipped_rules().resolve():
        return
    found = rules_trust(desk.rules)
    if found:
        where = "; ".join(f"{each.path}: {each.what}" for each in found)
        what = f"{where}; nothing is sent while others may change the rules"
        yield Check("trust", False, what, closing_commands(desk.rules, desk.database.path, found))
    else:
        yield Check("trust", True, "only root and you may change the rules")
