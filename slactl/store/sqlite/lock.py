"""Take locks: one `check` at a time sends messages, one `sync` runs commands, and one command writes a rules file.

Levels do not fire twice even without them. The lock files are those of one machine; see `slactl.lease` for the others.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from slactl.errors import DatabaseError, LockedError
from slactl.files import FAILING_DISK, cannot_write, give_name, give_to, new_file, opened_folder
from slactl.text import quoted

#: How long an edit of a file waits for another edit, and the time between two attempts, in seconds.
EDIT_SECONDS, ASK_SECONDS = 10.0, 0.01

#: The name of the lock file for edits in a folder.
EDIT_LOCK = ".slactl-edit.lock"

#: The endings of the lock files of the commands of which only one runs at a time.
LOCKS = {"check": ".lock", "sync": ".sync.lock"}

_LOCK_FILE = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def lock_path(database: Path, command: str = "check") -> Path:
    """Return the path of the lock file, beside the database itself: every link to it leads to the same lock."""
    return Path(f"{os.path.realpath(database)}{LOCKS[command]}")


@contextmanager
def run_lock(database: Path, command: str = "check") -> Iterator[None]:
    """Hold the lock of a command on this machine, or fail at once; the system frees it when the process dies.

    Raises:
        LockedError: another run of the command holds it.
        StorageError: the lock file cannot be written.
    """
    path = lock_path(database, command)
    try:
        handle = os.open(path, _LOCK_FILE | os.O_CREAT, 0o600)
        shared, own = database.stat(), os.fstat(handle)
        is_lock = stat.S_ISREG(own.st_mode) and own.st_size == 0 and own.st_nlink == 1 and own.st_mode & 0o077 == 0
        if is_lock and own.st_uid == os.geteuid() and shared.st_mode & 0o060:
            os.fchown(handle, -1, shared.st_gid)
            os.fchmod(handle, 0o660)
    except OSError as error:
        if error.errno in FAILING_DISK or isinstance(error, PermissionError):
            raise cannot_write(path, error) from error
        raise DatabaseError(f"{path} cannot be written: {error.strerror}", f"ls -l {quoted(path.parent)}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedError(f"another {command} is running", "slactl doctor") from error
        with suppress(OSError):
            os.utime(handle)  # so that `doctor` knows when a run last had the lock
        yield
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Return whether another process has locked a file as a whole, as `init` does while it fills a database."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@contextmanager
def edit_lock(path: Path, again: str) -> Iterator[None]:
    """Hold the lock for reading, changing and replacing a file; `again` is the command to repeat.

    The lock is a file beside it. Only users who may write to the folder can open the lock. It is removed afterwards. A
    process that waited for a removed lock file makes a new one.

    Raises:
        LockedError: another command held the lock for longer than `EDIT_SECONDS`.
        OSError: the folder does not exist or cannot be written.
    """
    from time import monotonic, sleep

    lock, patience = path.with_name(EDIT_LOCK), monotonic() + EDIT_SECONDS
    while (handle := _taken(lock)) is None:
        if monotonic() > patience:
            raise LockedError(f"another command is writing {path}", again)
        sleep(ASK_SECONDS)
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            os.unlink(lock)
        os.close(handle)


def _taken(path: Path) -> int | None:
    """Return the lock file, made if it is missing, and locked; None while another process has it or just removed it."""
    try:
        handle = os.open(path, _LOCK_FILE)
    except FileNotFoundError:
        with suppress(FileExistsError), opened_folder(path.parent) as folder, new_file(folder) as new:
            found = os.stat(".", dir_fd=folder)
            owner = found.st_uid if os.geteuid() == 0 else None  # else a killed root's lock blocks others
            mode = 0o660 if found.st_mode & stat.S_IWGRP else 0o600
            give_to(new.handle, mode, group=found.st_gid, owner=owner)
            give_name(new, path.name, replace=False)
        return None
    held = False
    try:
        held = _locked(handle) and os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        pass
    finally:
        if not held:
            os.close(handle)
    return handle if held else None


def _locked(handle: int) -> bool:
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        raise OSError(errno.EINVAL, "its lock is not a regular file")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        return error.errno in (errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP)
    return True
