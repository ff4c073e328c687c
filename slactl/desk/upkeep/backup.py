"""Back up the live database; the copy gets its name only after it was verified.

SQLite opens files by name. So slactl refuses a folder in which others may replace files.

1. slactl copies one state of the database into a new file, in a private folder beside the target.
2. It opens the copy, checks it page by page, and compares the last hash of its log with the original.
3. Only then it renames the copy to the target. If any step fails, the target does not change.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slactl import committed
from slactl.desk.ledger.desk import Desk
from slactl.errors import DatabaseError, RefusedError, StorageError
from slactl.files import (
    cannot_write,
    exposed_folder,
    give_name,
    make_durable,
    new_file,
    opened_folder,
    real_path,
    sweep,
)
from slactl.store.database import Database
from slactl.store.read import events as event_reads
from slactl.store.schema.views import last_event
from slactl.store.sqlite.file import Progress, copy_state, size_of
from slactl.store.sqlite.folders import SIDE_FILES
from slactl.store.sqlite.health import damage
from slactl.text import quoted

if TYPE_CHECKING:
    from slactl.records.upkeep import Backup as BackupRecord
    from slactl.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy: its path, its size in bytes, how many events its log has, and the last hash of the log."""

    file: Path
    size: int
    events: int
    audit_head: str | None
    dry_run: bool = False

    def record(self) -> "BackupRecord":
        """Return the backup as `backup --json` prints it."""
        return {
            "file": str(self.file),
            "size": self.size,
            "events": self.events,
            "audit_head": self.audit_head,
            "dry_run": self.dry_run,
        }


def backup(
    desk: Desk, target: Path, *, force: bool = False, dry_run: bool = False, progress: Progress = lambda *_: None
) -> Backup:
    """Copy the database to `target`; others may go on writing meanwhile.

    Raises:
        RefusedError: the target is there and not to be replaced, is a file of the service desk, or is in a folder that
            everybody may write to.
        DatabaseError: the database cannot be read, or the copy is not whole.
        StorageError: the target cannot be written.
    """
    with _reported(target):
        _refuse(desk, target, force=force)
    if dry_run:
        with desk.database.read() as source:
            return _described(source, target, dry_run=True)
    with _reported(target), opened_folder(target.parent) as folder:
        sweep(folder)
        with new_file(folder) as new:
            draft = real_path(target.parent) / new.place
            # The source is closed before the copy gets its name: then nothing can fail but the naming itself.
            with desk.database.read() as source:
                made = _described(source, target)
                copy_state(source, draft, target, progress)
            _prove(draft, new.handle, made)
            os.fsync(new.handle)
            _refuse(desk, target, force=force)  # others may have used the name while the copy was made
            with committed.uninterrupted():
                try:
                    give_name(new, target.name, replace=force)
                except FileExistsError:
                    raise RefusedError(f"{target} already exists", f"slactl backup --force {quoted(target)}") from None
                committed.add("file", "written", [target])
            make_durable(folder)
    return made


def _described(source: "Transaction", target: Path, *, dry_run: bool = False) -> Backup:
    last = last_event(source)
    return Backup(target, size_of(source), event_reads.event_count(source), last[1] if last else None, dry_run)


@contextmanager
def _reported(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise cannot_write(target, error) from error


def _refuse(desk: Desk, target: Path, *, force: bool) -> None:
    target.parent.stat()
    exposed = exposed_folder(target.parent)
    if exposed is not None:
        own = Path.home() / "slactl-backups"
        raise RefusedError(
            f"others may replace files in the folder {exposed}",
            f"mkdir -p -m 700 {quoted(own)} && slactl backup {quoted(own / target.name)}",
        )
    what = _own_file(desk, target)
    if what is not None:
        elsewhere = desk.database.path.with_suffix(".backup")
        raise RefusedError(f"{target} is {what}", f"slactl backup {quoted(elsewhere)}")
    if target.is_dir():
        raise RefusedError(f"{target} is a folder", f"slactl backup {quoted(target / 'slactl-backup.db')}")
    for beside in (target.with_name(target.name + end) for end in ("-wal", "-journal")):
        # SQLite would take it for the log of the copy and write pages of another database over it.
        if os.path.lexists(beside):
            raise RefusedError(
                f"{beside} belongs to another database of that name, which may be in use", f"ls -l {quoted(target)}*"
            )
    if not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_file():
        raise RefusedError(f"{target} is not a regular file; slactl does not replace it", f"ls -ld {quoted(target)}")
    if not force:
        raise RefusedError(f"{target} already exists", f"slactl backup --force {quoted(target)}")


def _own_file(desk: Desk, target: Path) -> str | None:
    """Return which file of the service desk the target is, under whatever name; None for any other."""
    real = Path(os.path.realpath(desk.database.path))
    own = {desk.database.path: "the database itself", desk.rules: "the rules file"}
    for database in (desk.database.path, real):
        own |= {Path(f"{database}{end}"): "a file of the database" for end in SIDE_FILES}
    place = Path(os.path.realpath(target.parent)) / target.name
    for file, what in own.items():
        # By its name too: the files beside a database come and go.
        if place == Path(os.path.realpath(file)) or (target.exists() and file.exists() and target.samefile(file)):
            return what
    return None


def _prove(draft: Path, handle: int, made: Backup) -> None:
    """Verify a copy.

    Raises:
        DatabaseError: the copy is damaged, not of the state that was read, or not in the file made here.
    """
    if not os.path.samestat(os.fstat(handle), os.stat(draft, follow_symlinks=False)):
        what = f"somebody replaced the copy in {draft.parent.parent}"
        raise DatabaseError(what, f"ls -ld {quoted(draft.parent.parent)}")
    try:
        with Database(draft).read() as copied:
            found, last = damage(copied), last_event(copied)
            same = (last[1] if last else None) == made.audit_head and event_reads.event_count(copied) == made.events
    except StorageError as error:
        why = error.message.replace(str(draft), str(made.file))  # nobody knows the draft
        raise StorageError(why, f"df -h {quoted(made.file.parent)}") from error
    except DatabaseError as error:
        why = error.message.replace(str(draft), f"the copy for {made.file}")  # the draft is gone when this is read
        raise DatabaseError(f"the copy is not valid: {why}", "slactl doctor") from error
    if found or not same:
        why = found[0] if found else "its log does not end with the last hash of the database"
        raise DatabaseError(f"the copy is not valid: {why}", "slactl doctor")
