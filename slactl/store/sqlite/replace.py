"""Replace a database by another one: a process that is killed leaves the old database or the new one, whole.

SQLite copies the new content into the file in one transaction, so processes that have the database open see the old
state or the new one. A file that SQLite cannot open as a database is renamed instead.
"""

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic

from slactl.errors import BusyError, DatabaseError, StorageError
from slactl.files import NewFile, give_name, give_to, make_durable, new_file
from slactl.store.schema.version import APPLICATION_ID
from slactl.store.sqlite import connection
from slactl.store.sqlite.connection import ASK_SECONDS, distrust, empty_log, in_turn, reported
from slactl.store.sqlite.faults import as_database_error
from slactl.store.sqlite.file import PAGES, Progress
from slactl.store.sqlite.health import is_torn
from slactl.text import quoted

#: How long `replace` tries to empty the write-ahead log afterwards, in seconds.
EMPTYING_SECONDS = 1.0

#: The codes of SQLite that say that another connection has a lock.
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_replaceable(path: Path) -> bool:
    """Return whether SQLite can open a file as a database, so that its content can be replaced.

    Raises:
        DatabaseError: it is the database of another program, or it cannot be opened for another reason than damage.
    """
    try:
        # A connection that may write removes a log that it cannot read.
        with closing(_opened(path, "ro")) as opened:
            application = opened.execute("PRAGMA application_id").fetchone()[0]
            has_content = opened.execute("SELECT EXISTS (SELECT 1 FROM sqlite_master)").fetchone()[0]
    except sqlite3.Error as error:
        if is_torn(error):
            return False
        raise as_database_error(error, path, connection.BUSY_SECONDS) from error
    if application != APPLICATION_ID and has_content:
        raise DatabaseError(f"{path} is not a slactl database; slactl does not replace it", f"ls -l {quoted(path)}")
    return True


def replace_content(path: Path, draft: Path, keep: Callable[[], Path], progress: Progress) -> None:
    """Copy the content of `draft` over that of a database, in one transaction.

    `keep` puts the present content aside, and runs while this process holds the write lock: no change is lost. If the
    copy fails, the file that `keep` returned is removed.

    Raises:
        BusyError: another process held the write lock for `BUSY_SECONDS`.
        DatabaseError: the database cannot be written; it stays as it is.
    """
    with reported(path), closing(_opened(draft)) as new, closing(_opened(path)) as old:
        old.execute("PRAGMA synchronous = FULL")
        old.execute("PRAGMA secure_delete = ON")
        in_turn(old, "PRAGMA journal_mode = WAL")  # with any other journal, nobody could read meanwhile
        _use_page_size(new, int(old.execute("PRAGMA page_size").fetchone()[0]))
        pages, patience = int(new.execute("PRAGMA page_count").fetchone()[0]), monotonic() + connection.BUSY_SECONDS
        kept = list[Path]()

        def step(status: int, left: int, total: int) -> None:
            if status & 0xFF in _BUSY:
                if monotonic() > patience:
                    raise BusyError(f"{path} is busy: another program writes; try again", "slactl doctor")
                return
            if not kept:
                kept.append(keep())
            progress(total - left, total)

        old.execute("PRAGMA busy_timeout = 0")
        try:  # the first step takes the write lock, and must not be the last one, which commits
            new.backup(old, pages=max(1, min(PAGES, pages // 2)), progress=step, sleep=ASK_SECONDS)
        except BaseException:
            for each in kept:
                each.unlink()
            raise
        with suppress(sqlite3.OperationalError):
            empty_log(old, EMPTYING_SECONDS)


def copy_aside(path: Path, folder: int, name: Callable[[], str]) -> Path:
    """Copy the committed content of a database to a name beside it, with its owner, group and mode; return the copy.

    Raises:
        StorageError: the copy cannot be written.
    """
    found = path.stat()
    with new_file(folder) as new:
        draft = path.parent / new.place
        with reported(path), closing(_opened(path)) as source, closing(sqlite3.connect(draft)) as made:
            source.backup(made)
        _give_as(new, found)
        os.fsync(new.handle)
        made_name = name()
        give_name(new, made_name, replace=False)
        make_durable(folder)
    return path.with_name(made_name)


def replace_file(path: Path, new: NewFile, aside: str) -> None:
    """Give a new database the name of one that is missing or damaged; keep the old file and its logs as `aside`.

    The old log must not stay: SQLite would apply it to the new database.

    Raises:
        OSError: a file cannot be linked or renamed.
    """
    where = {"src_dir_fd": new.folder, "dst_dir_fd": new.folder}
    found = path.stat() if path.exists() else None
    if found is not None:
        os.link(path.name, aside, **where, follow_symlinks=False)
    for end in ("-wal", "-journal"):
        with suppress(FileNotFoundError):
            os.rename(f"{path.name}{end}", f"{aside}{end}", **where)
    with suppress(FileNotFoundError):
        os.unlink(f"{path.name}-shm", dir_fd=new.folder)
    make_durable(new.folder)
    if found is None:
        home = os.stat(".", dir_fd=new.folder)
        is_shared = home.st_mode & stat.S_ISGID and home.st_mode & stat.S_IWGRP
        give_to(new.handle, 0o660 if is_shared else 0o600, group=home.st_gid if is_shared else None)
    else:
        _give_as(new, found)
    os.fsync(new.handle)
    give_name(new, path.name, replace=found is not None)
    make_durable(new.folder)


def _give_as(new: NewFile, found: os.stat_result) -> None:
    owner = found.st_uid if os.geteuid() == 0 else None
    give_to(new.handle, stat.S_IMODE(found.st_mode) & 0o660, group=found.st_gid, owner=owner)


def _opened(path: Path, mode: str = "rw") -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    opened = sqlite3.connect(uri, uri=True, timeout=connection.BUSY_SECONDS, isolation_level=None)
    try:
        distrust(opened)
        opened.execute("PRAGMA schema_version")  # SQLite looks into a file only when it has to
    except BaseException:
        opened.close()
        raise
    return opened


def _use_page_size(opened: sqlite3.Connection, size: int) -> None:
    """Give a draft the page size of the database it is copied into: SQLite cannot change that of a WAL database."""
    if opened.execute("PRAGMA page_size").fetchone()[0] == size:
        return
    mode = opened.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    if mode != "delete":
        raise StorageError(f"the copy has another page size and the journal {mode}", "slactl doctor")
    opened.execute(f"PRAGMA page_size = {size}")
    opened.execute("VACUUM")
