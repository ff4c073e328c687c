"""Explain errors of SQLite to people, and read a database that cannot be written.

On a full disk, on a read-only file system, and for a user who may only read, SQLite cannot even write the index of the
write-ahead log. slactl then reads the database without locks. The result counts only if nobody changed the database
meanwhile.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from slactl.errors import BusyError, DatabaseError, StorageError
from slactl.store.sqlite.folders import LEAST_FREE, Obstacle, free_bytes, obstacle_to_writing, temporary_folder
from slactl.text import another, quoted

#: Errors of reading and writing that the content of the file causes, and not the disk.
DAMAGE = (sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS)


def as_database_error(error: BaseException, path: Path, seconds: float) -> DatabaseError:
    """Return the DatabaseError for an error of SQLite; its hint depends on what is wrong.

    `seconds` is how long the connection waited for another program.
    """
    text = str(error)
    if (storage := as_storage_error(error, path)) is not None:
        return storage
    if is_busy(error):
        what = f"{path} is busy: another program has held it for {seconds} s; try again"
        return BusyError(what, "slactl doctor")
    if "unable to open" in text:
        text = text if os.access(path, os.R_OK) else "you may not read it"
        return DatabaseError(f"{path} cannot be opened: {text}", f"ls -l {quoted(os.path.realpath(path))}*")
    hint = f"sqlite3 {quoted(path)} 'PRAGMA integrity_check'"
    return DatabaseError(f"{path} cannot be read as a database: {text}", hint)


def is_busy(error: BaseException) -> bool:
    """Return whether an error says that another connection holds a lock, and nothing is wrong with the database."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)


def not_ours(connection: sqlite3.Connection, path: Path) -> DatabaseError:
    """Return why a file is not a database of slactl: it is another program's, or `init` has not filled it."""
    from slactl.store.sqlite.lock import is_held

    if connection.execute("SELECT EXISTS (SELECT 1 FROM sqlite_master)").fetchone()[0]:
        return DatabaseError(f"{path} is not a slactl database", f"slactl --db {another(path)} init")
    init = f"slactl --db {quoted(path)} init"
    has_begun = connection.execute("PRAGMA application_id").fetchone()[0] or _is_written(connection)
    if is_held(path) or has_begun:
        return BusyError(f"{path} is being initialised; try again", init)
    return DatabaseError(f"{path} is empty: an init was interrupted, or the content was lost", init)


def _is_written(connection: sqlite3.Connection) -> bool:
    """Return whether another connection holds the write lock now."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        return is_busy(error)
    connection.execute("ROLLBACK")
    return False


def forbids_writing(error: sqlite3.Error | StorageError) -> bool:
    """Return whether a database may still be read although it could not be opened for writing."""
    if isinstance(error, StorageError):
        return True
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return kind in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)


def as_storage_error(error: BaseException, path: Path) -> StorageError | None:
    """Return the error of a disk or file that cannot be written; None if something else is wrong."""
    text, code, real = str(error), getattr(error, "sqlite_errorcode", 0), Path(os.path.realpath(path))
    if "is full" in text:
        return _full(path)
    if "disk I/O error" in text and code not in DAMAGE:
        return StorageError(f"the disk of {path} is full or failing: {text}", f"df -h {quoted(real.parent)}")
    if "readonly" in text or ("unable to open" in text and os.access(path, os.R_OK)):
        obstacle = obstacle_to_writing(path) or Obstacle(text, f"ls -ld {quoted(real)}*")
        return StorageError(f"{path} cannot be written: {obstacle.why}", obstacle.hint)
    return None


def _full(path: Path) -> StorageError:
    """Return the error of a full disk, or of a full temporary folder if only that has no space."""
    temporary = temporary_folder()
    folder, what = os.path.dirname(os.path.realpath(path)), f"the disk of {path}"
    try:
        if free_bytes(os.statvfs(temporary)) < LEAST_FREE <= free_bytes(os.statvfs(folder)):
            folder, what = temporary, f"the temporary folder {temporary}"
    except OSError:
        pass
    return StorageError(f"{what} is full", f"df -h {quoted(folder)}")


#: The state of a database and its log: for each file the inode, the size and the time of the last change.
State = tuple[tuple[int, int, int] | None, ...]

# The databases that were opened without locks, and the state of their files at that moment.
_opened: dict[Path, State] = {}


def opened_frozen(path: Path) -> sqlite3.Connection:
    """Return a connection that only has to read the database and its log."""
    _opened[path] = _state(path)
    log = _opened[path][1]
    # Without a log, the file is the whole database. With a log, SQLite keeps its index in memory.
    has_log = log is not None and log[1] > 0
    how = "vfs=unix-none" if has_log else "immutable=1"
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&{how}", uri=True, isolation_level=None)
    if has_log:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    return connection


def upgraded_copy(opened: sqlite3.Connection) -> sqlite3.Connection:
    """Return a connection to a temporary copy of a database, upgraded to the newest schema; close the old one."""
    from slactl.store.schema.migrations import migrate

    copy = sqlite3.connect("", isolation_level=None)
    with closing(opened), copy:
        for setting in ("temp_store", "journal_mode"):  # only a large copy needs a temporary file
            copy.execute(f"PRAGMA {setting} = MEMORY")
        opened.backup(copy)
        copy.execute("BEGIN")
        migrate(copy)
    return copy


def is_stale(path: Path) -> bool:
    """Return whether a database that is read without locks was changed since it was opened."""
    return path in _opened and _opened[path] != _state(path)


def _state(path: Path) -> State:
    real = os.path.realpath(path)
    return tuple(map(_file, (real, f"{real}-wal")))


def _file(name: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(name)
    except OSError:
        return None
    # An empty log counts as no log: SQLite creates and removes it without a change of the database.
    return (found.st_ino, found.st_size, found.st_mtime_ns) if found.st_size else None
