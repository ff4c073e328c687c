"""The locks: one `check` at a time sends, and one command at a time writes a rules file.

That nothing fires twice does not hang on them.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slactl.errors import DatabaseError, LockedError
from slactl.text import quoted

#: How long who edits a file waits for another who does, and how often it asks whether it may, in seconds.
EDIT_SECONDS, ASK_SECONDS = 10.0, 0.01


def lock_path(database: Path) -> Path:
    """The lock file, beside the database."""
    return database.with_name(database.name + ".lock")


@contextmanager
def run_lock(database: Path) -> Iterator[int]:
    """Hold the lock, without waiting for it; yields its file descriptor, which a child may inherit.

    Raises:
        LockedError: another run holds it.
        DatabaseError: the lock file cannot be written.
    """
    path = lock_path(database)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        _share_like(handle, database)
    except OSError as error:
        raise DatabaseError(f"{path} cannot be written: {error.strerror}", f"ls -l {quoted(path.parent)}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedError("another check is running", "slactl runs list") from error
        yield handle
    finally:
        os.close(handle)


@contextmanager
def edit_lock(path: Path, again: str) -> Iterator[None]:
    """Be the only one who reads, changes and replaces a file; `again` is the command to repeat.

    The lock is on the folder: the file itself is another one after each change, and nothing is left behind. A file
    system of a network may have no locks on folders; then only who compares before replacing notices another.

    Raises:
        LockedError: somebody else was at it for longer than `EDIT_SECONDS`.
        OSError: there is no such folder, or it cannot be read.
    """
    from time import monotonic, sleep

    handle = os.open(path.resolve().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        patience = monotonic() + EDIT_SECONDS
        while not _locked(handle):
            if monotonic() > patience:
                raise LockedError(f"another command is writing {path}", again)
            sleep(ASK_SECONDS)
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        return error.errno in (errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP)
    return True


def _share_like(handle: int, database: Path) -> None:
    """On a shared desk everybody who may write the database may take the lock."""
    shared = database.stat()
    if os.fstat(handle).st_uid == os.geteuid() and shared.st_mode & 0o060 and os.fstat(handle).st_mode & 0o077 == 0:
        os.fchown(handle, -1, shared.st_gid)
        os.fchmod(handle, 0o660)
