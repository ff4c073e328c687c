"""Check the surroundings of a database: modes of files and folders, the kind of file system, who holds a lock."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir
from typing import NamedTuple

from slactl.desk.upkeep.health import Check
from slactl.store.sqlite.folders import SIDE_FILES, is_open, open_folders
from slactl.text import clean, quoted

#: File systems on which several machines may write; their locks and shared memory do not hold what WAL needs.
NETWORK = frozenset(
    (
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs"),
        *("nfs", "nfs4", "ocfs2", "smb", "smb2", "smb3", "smbfs", "vboxsf"),
        *("fuse.davfs2", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "fuse.vmhgfs-fuse"),
    )
)

#: The byte of the shared memory file that a writer locks, by SQLite's file format.
WRITE_LOCK = 120


class Holder(NamedTuple):
    """The process that holds a lock, and the name of its program."""

    pid: int
    program: str

    def __str__(self) -> str:
        return f"{self.pid} ({self.program})"


def file_checks(database: Path) -> Iterator[Check]:
    """Check the modes of the database, the files beside it and its folders."""
    found = list(_open_to_others(database))
    paths = [path for path in _files(database) if path.exists()] if database.exists() else []
    for path in (*paths, database.resolve().parent) if paths else ():
        if not os.access(path, os.W_OK):
            found.append(Check("permissions", False, f"{path} cannot be written by you", f"ls -ld {quoted(path)}"))
    yield from found or [Check("permissions", True, "closed to others")]


def _open_to_others(database: Path) -> Iterator[Check]:
    folder = database.resolve().parent
    mode = _mode(folder)
    if mode & 0o002 and not is_open(mode):
        # Do not suggest to close a folder that everybody needs, such as /tmp: move the database instead.
        shared = folder in {Path(each).resolve() for each in (gettempdir(), "/tmp", "/var/tmp", "/dev/shm")}
        elsewhere = f"slactl backup {quoted(Path.home() / 'slactl.db')}"
        what = f"{folder}: everybody may put files into the folder of the database"
        yield Check("permissions", False, what, elsewhere if shared else f"chmod o-w {quoted(folder)}")
    own = (database.absolute().parent, folder) if database.exists() else ()  # opening the database refuses these
    for way in open_folders(database):
        if way not in own:
            what = f"{way}: everybody may replace files in this folder, and so the folder of the database"
            yield Check("permissions", False, what, f"chmod o-w {quoted(way)}")
    for path in _files(database):
        if _mode(path) & 0o007:
            what = f"{path}: everybody may read or write it"
            yield Check("permissions", False, what, f"chmod o-rwx {quoted(path)}")


def _files(database: Path) -> list[Path]:
    return [database, *(database.with_name(database.name + end) for end in SIDE_FILES)]


def mount_checks(database: Path) -> Iterator[Check]:
    """Check that the database is not on a network file system; yields nothing where the machine does not tell."""
    kind = file_system(database, mounts())
    if kind is not None:
        remote = kind in NETWORK
        what = f"{kind}, a network file system: SQLite's write-ahead log does not work there" if remote else kind
        yield Check("file system", not remote, what, "slactl backup /var/lib/slactl/slactl.db" if remote else None)


def mounts() -> str:
    """Return the mounts of this machine as `/proc/self/mountinfo` has them; nothing if there is no such file."""
    return _read(Path("/proc/self/mountinfo"))


def file_system(path: Path, mountinfo: str) -> str | None:
    """Return the kind of file system of a path, from the text of `/proc/self/mountinfo`; None if it is not there."""
    target, kind, longest = str(path.resolve()), None, -1
    for line in mountinfo.splitlines():
        fields, separator, rest = line.partition(" - ")
        words = fields.split()
        if not separator or len(words) < 5:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), words[4])
        inside = target == point or target.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= longest:  # of two mounts on one point the later one is visible
            kind, longest = rest.split()[0], len(point)
    return kind


def lock_holder(lock: Path) -> Holder | None:
    """Return who holds the run lock, from the system's list of locks, without taking the lock."""
    return _holder(lock, "FLOCK")


def writer(database: Path) -> Holder | None:
    """Return who holds the write lock of a database with a write-ahead log, where the system tells."""
    return _holder(database.resolve().with_name(database.resolve().name + "-shm"), "POSIX", WRITE_LOCK)


def _holder(lock: Path, kind: str, byte: int | None = None) -> Holder | None:
    """Return who has locked a file, or this byte of it, for itself alone, in the kernel's way of that kind."""
    try:
        status = lock.stat()
    except OSError:
        return None
    for line in _read(Path("/proc/locks")).splitlines():
        words = line.split()
        if len(words) < 8 or (words[1], words[3]) != (kind, "WRITE") or not words[4].isdigit():
            continue
        is_meant = byte is None or int(words[6]) <= byte <= (byte if words[7] == "EOF" else int(words[7]))
        if is_meant and _is_file(words[5], status, words[4], lock):
            # Without arguments: they may hold secrets.
            command = _read(Path(f"/proc/{words[4]}/cmdline")).partition("\0")[0].partition(" ")[0]
            return Holder(int(words[4]), clean(Path(command).name)[:50] or "unknown")
    return None


def _is_file(place: str, status: os.stat_result, pid: str, lock: Path) -> bool:
    """Return whether a lock in the system's list is on this file; some file systems tell another device there."""
    major, minor, inode = place.split(":")
    if int(inode) != status.st_ino:
        return False
    if (int(major, 16), int(minor, 16)) == (os.major(status.st_dev), os.minor(status.st_dev)):
        return True
    try:
        return any(os.path.samefile(each, lock) for each in Path(f"/proc/{pid}/fd").iterdir() if each.exists())
    except OSError:
        return False


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
