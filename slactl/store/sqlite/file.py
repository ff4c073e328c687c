"""Create the file of a database, with the right modes from the start; copy it while others write, and rewrite it."""

import fcntl
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic, sleep

from slactl.errors import BusyError, DatabaseError, StorageError
from slactl.files import FAILING_DISK, exposed_folder, give_to, opened_folder
from slactl.store.schema.version import UNWIPED
from slactl.store.sqlite.connection import (
    ASK_SECONDS,
    BUSY_SECONDS,
    distrust,
    empty_log,
    in_turn,
    open_database,
    reported,
    transaction,
)
from slactl.store.sqlite.folders import open_folder, open_home, refuse_pipes, refuse_strangers
from slactl.text import quoted

#: The pages that SQLite copies before it reports progress.
PAGES = 1_000

#: A function that gets the number of copied pages and the number of all pages.
Progress = Callable[[int, int], None]


def create_database(path: Path, *, group: int | None = None) -> bool:
    """Create the database with mode 0600 (0660 for a shared one) unless it exists; return whether it was created.

    1. The folder is made, private, and nowhere that others may replace it.
    2. The file is created exclusively and without following a link, so that its mode is right from the start.
    3. Schema and views go in within one transaction; WAL is a property of the file from then on.
    4. The folder of a shared database becomes setgid and writable for its group.

    Several processes may begin at once, and one that was killed may have left its file without a schema.

    Raises:
        DatabaseError: it cannot be created, or something that is not from slactl is there.
        BusyError: another `init` takes too long.
    """
    try:
        if (folder := open_home(path)) is not None:
            raise open_folder(folder)
        refuse_strangers(path)
        refuse_pipes(path)
        _make_folder(path.parent, group)
        made = False
        with _alone(path) as handle:
            if handle is not None:
                made = _fill(path, handle, group)
        if group is not None:
            _share_folder(path.parent, group)
        if made:
            return True
    except OSError as error:
        hint = f"df -h {quoted(path.parent)}" if error.errno in FAILING_DISK else "slactl --db ~/slactl.db init"
        raise StorageError(f"{path} cannot be created: {error.strerror}", hint) from error
    open_database(path).close()
    return False


@contextmanager
def _alone(path: Path) -> Iterator[int | None]:
    """Let only one program at a time fill a file: if two turn WAL on at once, SQLite fails instead of waiting.

    If there is no file, create and lock it at once, so that others see that a program is filling it. Yield None if the
    path is not a file.
    """
    patience = monotonic() + BUSY_SECONDS
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        if not path.is_file():
            yield None
            return
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if monotonic() > patience:
                    what = f"{path} is being initialised: another program has held it for {BUSY_SECONDS} s; try again"
                    raise BusyError(what, f"fuser -v {quoted(path)}") from None
            sleep(ASK_SECONDS)
        yield handle
    finally:
        os.close(handle)


def _make_folder(folder: Path, group: int | None) -> None:
    for each in reversed(folder.parents):
        if not each.exists():
            each.mkdir(exist_ok=True, mode=0o755)
    folder.mkdir(exist_ok=True, mode=0o700)
    if group is not None and folder.stat().st_mode & stat.S_IWOTH:  # as /tmp, which is not to be taken from everybody
        own = quoted(folder / "desk" / "slactl.db")
        raise DatabaseError(f"everybody may write to the folder {folder}", f"slactl --db {own} init")


def _share_folder(folder: Path, group: int) -> None:
    """Give a folder to its group, last of all: until then nobody else can replace the files in it.

    Raises:
        DatabaseError: others may put another folder in its place.
        OSError: it belongs to somebody else.
    """
    exposed = exposed_folder(folder.absolute().parent)
    if exposed is not None:
        raise DatabaseError(f"others may replace files in the folder {exposed}", f"chmod go-w {quoted(exposed)}")
    with opened_folder(folder) as way:
        handle = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=way)
        try:
            os.fchown(handle, -1, group)
            os.fchmod(handle, 0o2770)
        finally:
            os.close(handle)


def _fill(path: Path, handle: int, group: int | None) -> bool:
    """Put the schema into a file that has none yet; return whether it had none."""
    from slactl.store.schema.migrations import migrate

    with reported(path), closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
        distrust(connection)
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if not (
            not application and not connection.execute("SELECT EXISTS (SELECT 1 FROM sqlite_master)").fetchone()[0]
        ):
            return False
        if path.is_symlink():
            raise DatabaseError(f"{path} is a link to an empty file", f"ls -l {quoted(path)}")
        if os.fstat(handle).st_uid != os.geteuid():
            raise DatabaseError(f"{path} is empty and belongs to somebody else", f"ls -l {quoted(path)}")
        if os.fstat(handle).st_size == 0 and os.fstat(handle).st_nlink == 1:
            give_to(handle, 0o600 if group is None else 0o660, group=group)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        with transaction(connection, write=True):
            migrate(connection)
    return True


def size_of(connection: sqlite3.Connection) -> int:
    """Return how many bytes the file of a database has in this transaction."""
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    return int(pages * connection.execute("PRAGMA page_size").fetchone()[0])


def copy_state(source: sqlite3.Connection, draft: Path, target: Path, progress: Progress) -> None:
    """Copy the state that an open read transaction sees into the file `draft`.

    As the transaction is open already, others who write meanwhile do not make SQLite begin anew.

    Raises:
        DatabaseError: the copy failed; the message names `target`, which the draft becomes.
    """
    with reported(target), closing(sqlite3.connect(draft, isolation_level=None)) as made:
        distrust(made)
        source.backup(made, pages=PAGES, progress=lambda _, left, total: progress(total - left, total))


def wipe(path: Path) -> bool:
    """Rewrite the database without freed pages, and empty the write-ahead log; return whether the log is empty.

    The log stays if another program reads for longer than SQLite waits. If another erasure commits meanwhile, that
    erasure rewrites the file again.

    Raises:
        DatabaseError: the disk has no room to rewrite the database.
    """
    with closing(open_database(path)) as connection, reported(path):
        noted = connection.execute("SELECT key, value FROM meta WHERE key = ?", (UNWIPED,)).fetchall()
        in_turn(connection, "VACUUM")
        emptied = empty_log(connection, BUSY_SECONDS)
        if emptied:
            connection.executemany("DELETE FROM meta WHERE key = ? AND value = ?", noted)
        return emptied
