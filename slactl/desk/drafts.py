"""Drafts: what a file is written into before it gets its name, and the lock that tells whether anybody still does.

The lock is a file of its own beside the draft, for on a network file system it would stand in the way of SQLite's own
locks on the draft. It is there before the draft and goes after it, so a draft whose lock nobody holds is one of a
process that was killed.
"""

import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from slactl.store.folders import SIDE_FILES

#: The ends of the files of one draft; the lock goes last.
ENDS = ("", *SIDE_FILES)


@contextmanager
def new_file(target: Path) -> Iterator[tuple[Path, int]]:
    """A new private file in the target's folder, and its descriptor; removed at the end unless it was moved away.

    Raises:
        OSError: it cannot be made.
    """
    _sweep(target)
    draft, lock = _reserve(target)
    try:
        handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(handle, 0o600)
            yield draft, handle
            if not os.path.lexists(draft):
                _sync_folder(target.parent)
        finally:
            os.close(handle)
    finally:
        _remove(draft)
        os.close(lock)


def _reserve(target: Path) -> tuple[Path, int]:
    """A name that no draft has, and its lock, held."""
    while True:
        draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        path = draft.with_name(f"{draft.name}.lock")
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock), os.stat(path, follow_symlinks=False)):
                return draft, lock
        except (BlockingIOError, FileNotFoundError):
            pass  # somebody took it for a dead one's before it was held
        except OSError:  # a file system without locks
            path.unlink()
            raise
        os.close(lock)


def _sweep(target: Path) -> None:
    """Remove this user's drafts for the target that nobody works on any more."""
    name = re.compile(rf"(\.{re.escape(target.name)}\.[0-9a-f]{{16}})(?:{'|'.join(map(re.escape, ENDS))})")
    drafts = {match[1] for each in os.listdir(target.parent) if (match := name.fullmatch(each))}
    for draft in map(target.with_name, sorted(drafts)):
        with suppress(OSError):
            if not all(_is_own(path) for path in _files(draft)):
                continue
            lock = os.open(f"{draft}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(draft)
            finally:
                os.close(lock)


def _files(draft: Path) -> list[Path]:
    return [draft.with_name(draft.name + end) for end in ENDS]


def _is_own(path: Path) -> bool:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return True
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()


def _remove(draft: Path) -> None:
    for path in _files(draft):
        with suppress(FileNotFoundError):
            path.unlink()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
