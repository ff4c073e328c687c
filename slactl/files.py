"""Read and write files through descriptors, so that nobody else decides which file is meant.

Whoever may write to a folder can swap what is in it between two system calls. Reading therefore opens a file once,
without waiting, and refuses everything but a regular file. Writing makes a private folder beside the target, sets
owner and mode on the descriptor before any byte is written, and renames from there: a reader sees the old file or the
new one, whole.
"""

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

#: The bits of a mode that let somebody else than the owner write.
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def open_regular(path: Path | str, *, follow: bool = True, dir_fd: int | None = None) -> BinaryIO:
    """Open a regular file for reading, without waiting for whoever would write to a named pipe.

    Raises:
        OSError: it is not there, may not be read, or is not a regular file.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    handle = os.open(path, flags, dir_fd=dir_fd)
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_regular(path: Path | str, most: int | None = None) -> bytes:
    """Return what is in a regular file, at most `most` bytes of it.

    Raises:
        OSError: it is not there, may not be read, is not a regular file, or has more bytes than that.
    """
    with open_regular(path) as stream:
        found = stream.read(-1 if most is None else most + 1)
    if most is not None and len(found) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
    return found


def others_may_replace(folder: os.stat_result) -> bool:
    """Whether somebody besides root and this user may replace what is in a folder; a sticky one protects its files."""
    if folder.st_uid not in (0, os.geteuid()):
        return True
    return bool(folder.st_mode & OTHERS_WRITE and not folder.st_mode & stat.S_ISVTX)


def real_path(path: Path) -> Path:
    """Return where a file really is; a symbolic link that somebody else may have put there is not followed.

    Raises:
        OSError: a link on the way belongs to somebody else, or stands in a folder that others may write to.
    """
    for _ in range(40):
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return path
        if not stat.S_ISLNK(found.st_mode):
            return path
        if found.st_uid not in (0, os.geteuid()) or others_may_replace(os.stat(path.parent)):
            raise OSError(errno.ELOOP, "it is a symbolic link that others may change", str(path))
        path = path.parent / os.readlink(path)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def write_whole(
    path: Path,
    content: bytes,
    *,
    mode: int,
    group: int | None = None,
    replace: bool = True,
    before_rename: Callable[[], None] = lambda: None,
) -> None:
    """Write a file in one step: who reads it sees the old one or the new one, whole. A link is replaced, not followed.

    `group` is the number of the group that it is to belong to; where this user may not give it away, the group it
    gets instead may not write. `before_rename` may still raise, and then nothing has changed. Without `replace`, a
    file that is there is an error.

    Raises:
        FileExistsError: something is there, and it is not to be replaced.
        OSError: it cannot be written; what was there is as it was.
    """
    try:
        folder = os.open(path.parent, _FOLDER)
        try:
            with _private_folder(folder) as private:
                _write_new(private, content, mode, group)
                before_rename()
                if replace:
                    os.rename("new", path.name, src_dir_fd=private, dst_dir_fd=folder)
                else:
                    os.link("new", path.name, src_dir_fd=private, dst_dir_fd=folder, follow_symlinks=False)
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def _private_folder(folder: int) -> Iterator[int]:
    """A new folder in another that only this user may enter, as a descriptor; it is empty and gone afterwards."""
    name = f".slactl-{secrets.token_hex(8)}"
    os.mkdir(name, 0o700, dir_fd=folder)
    try:
        private = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
        try:
            found = os.fstat(private)
            if found.st_uid != os.geteuid():
                raise OSError(errno.EACCES, "somebody replaced a folder while it was in use")
            os.fchmod(private, 0o700)
            yield private
        finally:
            with suppress(FileNotFoundError):
                os.unlink("new", dir_fd=private)
            os.close(private)
    finally:
        with suppress(OSError):  # others may have moved it where they may write
            os.rmdir(name, dir_fd=folder)


def _write_new(private: int, content: bytes, mode: int, group: int | None) -> None:
    """Write the content to a new file in the private folder; owner and mode are right before any byte is in it."""
    handle = os.open("new", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=private)
    with os.fdopen(handle, "wb") as stream:
        if group is not None:
            try:
                os.fchown(handle, -1, group)
            except OSError:
                mode &= ~stat.S_IWGRP
        os.fchmod(handle, mode)
        stream.write(content)
        stream.flush()
        os.fsync(handle)
