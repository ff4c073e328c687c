"""Read and write files through descriptors, so that nobody else can exchange them.

Anybody who may write to a folder can swap its files between two system calls. Reading therefore opens a file once,
without waiting, and refuses everything but a regular file. Writing makes a private folder beside the target, sets
owner and mode on the descriptor before any byte is written, and renames from there: a reader sees the old file or the
new one, whole. slactl follows no link on the way to the folder that others may have put there.
"""

import errno
import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from slactl.errors import StorageError
from slactl.places import OTHERS_WRITE as OTHERS_WRITE
from slactl.places import exposed_folder as exposed_folder
from slactl.places import others_may_replace as others_may_replace
from slactl.places import real_path as real_path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
#: The flags to open a folder that this user may enter but not list.
_WAY = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC

#: The errors of a disk that is full, failing or read-only, or of a quota.
FAILING_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG)

#: The largest file that people write by hand, such as rules and maps, in bytes.
BY_HAND = 1 << 20

_NEW = "new"
_PRIVATE = r"\.slactl-[0-9a-f]{16}"


def open_regular(path: Path | str, *, follow: bool = True, dir_fd: int | None = None) -> BinaryIO:
    """Open a regular file for reading; never wait for a writer of a named pipe.

    Raises:
        OSError: it does not exist, may not be read, or is not a regular file.
    """
    _refuse_unless_regular(os.stat(path, dir_fd=dir_fd, follow_symlinks=follow), path)  # opening a device may act on it
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    handle = os.open(path, flags, dir_fd=dir_fd)
    try:
        _refuse_unless_regular(os.fstat(handle), path)
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


def read_text(path: Path | str, most: int) -> str:
    """Return the text of a regular file: without a byte order mark, its line ends as `\\n`.

    Raises:
        OSError: as for `read_regular`.
        UnicodeDecodeError: it is not UTF-8.
    """
    text = read_regular(path, most).decode("utf-8").removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _refuse_unless_regular(found: os.stat_result, path: Path | str) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, "it is a symbolic link", str(path))
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, "it is a symbolic link", str(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))


@contextmanager
def opened_folder(path: Path) -> Iterator[int]:
    """Open a folder, and no other that somebody puts in its place meanwhile; yields a descriptor to name files in.

    Raises:
        OSError: it is not there, or a link leads to it that others may change.
    """
    handle = os.open("/", _WAY)
    try:
        for part in real_path(path).parts[1:]:
            following = os.open(part, _WAY | os.O_NOFOLLOW, dir_fd=handle)
            os.close(handle)
            handle = following
        yield handle
    finally:
        os.close(handle)


class NewFile(NamedTuple):
    """A file without a name of its own yet, open for writing, in a private folder in the folder it is to go into."""

    folder: int
    private: int
    #: Where it is, seen from `folder`.
    place: str
    handle: int


@contextmanager
def new_file(folder: int) -> Iterator[NewFile]:
    """Make an empty file of mode 0600 where only this user may enter; remove the file at the end if it has no name.

    Raises:
        OSError: it cannot be made, or somebody put another folder in the place of the private one.
    """
    name = f".slactl-{os.urandom(8).hex()}"
    os.mkdir(name, 0o700, dir_fd=folder)
    try:
        private = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
        try:
            with _file_in(private) as handle:
                yield NewFile(folder, private, f"{name}/{_NEW}", handle)
        finally:
            os.close(private)
    finally:
        with suppress(OSError):  # others may have moved it if they may write to the folder
            os.rmdir(name, dir_fd=folder)


@contextmanager
def _file_in(private: int) -> Iterator[int]:
    """Make the file in its folder, locked as long as it is needed; a folder of somebody else is left as it is."""
    if os.listdir(private):
        raise OSError(errno.EACCES, "somebody replaced a folder while it was in use")
    with suppress(OSError):  # there are file systems without locks on folders
        fcntl.flock(private, fcntl.LOCK_EX | fcntl.LOCK_NB)
    handle = os.open(_NEW, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=private)
    try:
        # Not compared with this user: a server of files may know root by another number.
        within, made = os.fstat(private), os.fstat(handle)
        if within.st_uid != made.st_uid or within.st_mode & OTHERS_WRITE:
            raise OSError(errno.EACCES, "somebody replaced a folder while it was in use")
        os.fchmod(handle, 0o600)
        yield handle
    finally:
        os.close(handle)
        _empty(private)


def _empty(private: int) -> None:
    for name in os.listdir(private):
        with suppress(OSError):
            os.unlink(name, dir_fd=private)


def give_name(new: NewFile, name: str, *, replace: bool) -> None:
    """Move a new file to its name in the folder; never over a link, a folder or a device.

    Raises:
        FileExistsError: something is there, and it is not to be replaced.
        OSError: what is there is not a regular file.
    """
    move = {"src_dir_fd": new.private, "dst_dir_fd": new.folder}
    with suppress(FileNotFoundError):
        found = os.lstat(name, dir_fd=new.folder)
        if not replace:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
        _refuse_unless_regular(found, name)
    if replace:
        os.rename(_NEW, name, **move)
    else:
        try:
            os.link(_NEW, name, **move, follow_symlinks=False)  # unlike a rename, it replaces nothing
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            os.rename(_NEW, name, **move)


def make_durable(folder: int) -> None:
    """Wait until the names in a folder would survive a loss of power, if the system can promise that."""
    with suppress(OSError):  # a folder that may be written and not read
        handle = os.open(".", _FOLDER, dir_fd=folder)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sweep(folder: int) -> None:
    """Remove the folders of killed commands of this user; the folders of running commands are locked and stay."""
    handle = os.open(".", _FOLDER, dir_fd=folder)
    try:
        left = [name for name in os.listdir(handle) if re.fullmatch(_PRIVATE, name)]
    finally:
        os.close(handle)
    for name in left:
        with suppress(OSError):
            _sweep(folder, name)


def _sweep(folder: int, name: str) -> None:
    private = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    try:
        # Another command may be about to lock an empty folder.
        if os.fstat(private).st_uid == os.geteuid() and os.listdir(private):
            fcntl.flock(private, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _empty(private)
            os.rmdir(name, dir_fd=folder)
    finally:
        os.close(private)


def write_whole(
    path: Path,
    content: bytes,
    *,
    mode: int,
    group: int | None = None,
    owner: int | None = None,
    replace: bool = True,
    before_rename: Callable[[], None] = lambda: None,
) -> None:
    """Write a file in one step: a reader sees the whole old file or the whole new one.

    `group` and `owner` are numbers. If this user may not give the file to the group, its current group gets only the
    rights of everybody. If `before_rename` raises an error, nothing changes. Without `replace`, an existing file is an
    error. A link, a folder or a device at the path is never replaced.

    Raises:
        FileExistsError: the path exists, and `replace` is not set.
        OSError: the file cannot be written; nothing changed at the path.
    """
    try:
        with opened_folder(path.parent) as folder, new_file(folder) as new:
            give_to(new.handle, mode, group=group, owner=owner)
            with open(new.handle, "wb", closefd=False) as stream:
                stream.write(content)
            os.fsync(new.handle)
            before_rename()
            give_name(new, path.name, replace=replace)
            make_durable(folder)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def cannot_write(path: Path, error: OSError) -> StorageError:
    """Return the error about a file that cannot be written and did not change."""
    from slactl.text import quoted

    folder = quoted(path.parent)
    hint = f"df -h {folder}" if error.errno in FAILING_DISK else f"ls -ld {folder}"
    return StorageError(
        f"{path} cannot be written: {error.strerror}", f"mkdir -p {folder}" if error.errno == errno.ENOENT else hint
    )


def give_to(handle: int, mode: int, *, group: int | None = None, owner: int | None = None) -> None:
    """Set owner, group and mode of an open file, as far as this user may give it away."""
    if group is not None and os.fstat(handle).st_gid != group:
        try:
            os.fchown(handle, -1, group)
        except OSError:
            mode = mode & ~0o070 | (mode & 0o007) << 3
    if owner is not None and os.fstat(handle).st_uid != owner:
        with suppress(OSError):
            os.fchown(handle, owner, -1)
    os.fchmod(handle, mode)
