"""The run lock: one `check` at a time sends. That nothing fires twice does not hang on it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slactl.errors import DatabaseError, LockedError
from slactl.text import quoted


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


def _share_like(handle: int, database: Path) -> None:
    """On a shared desk everybody who may write the database may take the lock."""
    shared = database.stat()
    if os.fstat(handle).st_uid == os.geteuid() and shared.st_mode & 0o060 and os.fstat(handle).st_mode & 0o077 == 0:
        os.fchown(handle, -1, shared.st_gid)
        os.fchmod(handle, 0o660)
