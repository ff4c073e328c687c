"""Put a backup back in the place of the database, and keep the present database beside it.

1. slactl verifies the backup page by page, copies it into a private folder beside the database, and verifies the copy.
2. It takes the write lock. No `check` and no `sync` runs meanwhile.
3. It copies the present content aside, and then the new content into the database, in one transaction.

A database that SQLite cannot open is renamed instead, and so is its log. A process that is killed at any step leaves
the old database or the new one.
"""

import dataclasses
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from slactl import committed
from slactl.desk.ledger.desk import Desk
from slactl.errors import BusyError, DatabaseError, RefusedError
from slactl.files import NewFile, cannot_write, new_file, opened_folder, sweep
from slactl.store.database import Database
from slactl.store.read import events, messages
from slactl.store.schema.version import SCHEMA, schema_of
from slactl.store.schema.views import last_event
from slactl.store.sqlite import replace
from slactl.store.sqlite.file import Progress, copy_state
from slactl.store.sqlite.folders import refuse_pipes, refuse_strangers, refuse_unless_file
from slactl.store.sqlite.health import damage, missing_tables
from slactl.text import quoted

if TYPE_CHECKING:
    from slactl.records.upkeep import Restore as RestoreRecord
    from slactl.store.database import Transaction

#: What the name of a database that was kept aside has after the name of the database.
ASIDE = ".before-restore-"

#: The first schema whose log has hashes.
SEALED = 5


class Content(NamedTuple):
    """What a database contains: its events, the instant and the hash of the last one, and its messages."""

    events: int
    last_at: str | None
    audit_head: str | None
    schema: int
    waiting: int
    sent: int


@dataclasses.dataclass(frozen=True, slots=True)
class Restore:
    """A restore: the backup, the present content (None if there is none that can be read), and where that is kept."""

    file: Path
    database: Path
    backup: Content
    present: Content | None
    exists: bool
    kept: Path | None = None
    dry_run: bool = False

    def record(self) -> "RestoreRecord":
        """Return the restore as `restore --json` prints it."""
        return {
            "file": str(self.file),
            "database": str(self.database),
            "kept": str(self.kept) if self.kept is not None else None,
            "events": self.backup.events,
            "last_event_at": self.backup.last_at,
            "audit_head": self.backup.audit_head,
            "waiting_messages": self.backup.waiting,
            "sent_since": max(0, self.present.sent - self.backup.sent) if self.present is not None else None,
            "replaced_events": self.present.events if self.present is not None else None,
            "replaced_last_event_at": self.present.last_at if self.present is not None else None,
            "dry_run": self.dry_run,
        }


def examine(desk: Desk, file: Path) -> Restore:
    """Verify a backup and compare it with the database; change nothing.

    Raises:
        DatabaseError: the backup is missing, damaged, not from slactl or newer than this program; or the database
            belongs to another program.
        RefusedError: the file is the database itself.
    """
    path = desk.database.path
    exists = os.path.lexists(path)
    if exists:
        refuse_unless_file(path)
        if file.exists() and file.samefile(path):
            raise RefusedError(f"{file} is the database itself", f"ls -l {quoted(path.parent)}")
    refuse_strangers(path)
    refuse_pipes(path)
    with _of_backup(file), Database(file).read_unmigrated() as opened:
        _refuse_broken(opened, file)
        found = _content(opened)
    committed.so_far().unwritable.pop(file, None)  # nobody has to write to a backup
    present = None
    if exists and replace.is_replaceable(path):
        try:
            with desk.database.read_unmigrated() as opened:
                present = _content(opened)
        except BusyError:
            raise
        except DatabaseError:  # a table is missing, or the schema is newer: it is kept aside as it is
            pass
    return Restore(file, path, found, present, exists, dry_run=True)


def restore(desk: Desk, shown: Restore, now: datetime, *, progress: Progress = lambda *_: None) -> Restore:
    """Replace the database by a backup that `examine` showed.

    Raises:
        LockedError: a `check` or a `sync` is running.
        BusyError: another process holds the write lock.
        RefusedError: the backup changed since it was shown.
        DatabaseError: the backup cannot be read, or the database cannot be written; the database stays as it is.
    """
    file, real = shown.file, Path(os.path.realpath(desk.database.path))
    try:
        with opened_folder(real.parent) as folder, ExitStack() as held:
            if real.exists():
                held.enter_context(desk.database.run_lock())
                held.enter_context(desk.database.sync_lock())
            sweep(folder)
            new = held.enter_context(new_file(folder))
            draft = real.parent / new.place
            with _of_backup(file), Database(file).read_unmigrated() as source:
                copy_state(source, draft, file, progress)
            with _of_backup(file, draft), Database(draft).read_unmigrated() as copied:
                _refuse_broken(copied, file)
                if _content(copied) != shown.backup:
                    raise RefusedError(f"{file} changed in the meantime; nothing was restored", "slactl restore --help")
            committed.so_far().unwritable.pop(file, None)
            kept = _put(real, draft, folder, new, now, progress)
    except OSError as error:
        raise cannot_write(real, error) from error
    return dataclasses.replace(shown, kept=kept, dry_run=False)


def _put(real: Path, draft: Path, folder: int, new: NewFile, now: datetime, progress: Progress) -> Path | None:
    """Replace the database, or create it; return where the present one is kept."""
    existed = real.exists()
    if existed and replace.is_replaceable(real):
        kept = list[Path]()

        def keep() -> Path:
            kept.append(replace.copy_aside(real, folder, lambda: _aside(real, now)))
            return kept[0]

        replace.replace_content(real, draft, keep, progress)
        committed.add("database", "restored", [real])
        return kept[0]
    aside = _aside(real, now)
    with committed.uninterrupted():
        replace.replace_file(real, new, aside)
        committed.add("database", "restored", [real])
    return real.with_name(aside) if existed else None


def _aside(real: Path, now: datetime) -> str:
    """Return a free name for the present database, with the instant in UTC."""
    plain = f"{real.name}{ASIDE}{now:%Y%m%dT%H%M%SZ}"
    names = (f"{plain}{f'-{number}' if number > 1 else ''}" for number in range(1, 1000))
    ends = ("", "-wal", "-journal")
    free = (name for name in names if not any(os.path.lexists(real.with_name(name + end)) for end in ends))
    found = next(free, None)
    if found is None:
        raise RefusedError(f"{real.parent} has too many old databases", f"ls -l {quoted(real.parent)}")
    return found


def _content(opened: "Transaction") -> Content:
    last = last_event(opened) if schema_of(opened) >= SEALED else None
    count, last_at = events.event_count(opened), events.last_recorded(opened)
    return Content(count, last_at, last[1] if last else None, schema_of(opened), *messages.waiting_and_sent(opened))


def _refuse_broken(opened: "Transaction", file: Path) -> None:
    broken = damage(opened)
    if not broken and schema_of(opened) == SCHEMA:  # an older one gets what it lacks when it is upgraded
        broken = [f"the {each} is missing" for each in missing_tables(opened)]
    if broken:
        raise DatabaseError(f"{file} is damaged: {broken[0]}")


@contextmanager
def _of_backup(file: Path, draft: Path | None = None) -> Iterator[None]:
    """Name the backup in errors, with a hint that fits a backup: `init` would not help."""
    try:
        yield
    except DatabaseError as error:
        message = error.message.replace(f"the database {file}", str(file))
        message = message.replace(str(draft), f"the copy of {file}") if draft is not None else message
        is_newer = (error.hint or "").startswith("pip ")
        raise type(error)(message, error.hint if is_newer else f"ls -l {quoted(file.parent)}") from error
