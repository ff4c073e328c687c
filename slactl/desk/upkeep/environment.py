"""Check the surroundings of a database: modes of files and folders, the kind of file system, who holds a lock."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir
from time import monotonic, sleep
from typing import NamedTuple

from slactl.desk.ledger.trust import group_name
from slactl.desk.upkeep.health import Check
from slactl.places import open_bits
from slactl.store.sqlite.folders import files_of, is_open, open_folders
from slactl.text import clean, quoted

#: File systems on which several machines may write; their locks and shared memory do not hold what WAL needs.
NETWORK = frozenset(
    (
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs"),
        *("nfs", "nfs4", "ocfs2", "smb", "smb2", "smb3", "smbfs", "vboxsf"),
        *("fuse.davfs2", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "fuse.vmhgfs-fuse"),
    )
)

#: From which size on a write-ahead log is too large, in bytes: SQLite copies it back every 4 MB.
LARGE_LOG = 16_000_000

#: The time between two checks of the locks, in seconds.
ASK_SECONDS = 0.01

#: A reader locks one of these bytes of the shared memory file.
READ_LOCKS = range(123, 128)

#: The byte of the shared memory file that a writer locks, by SQLite's file format.
WRITE_LOCK = 120


class Holder(NamedTuple):
    """The process that holds a lock, and the name of its program."""

    pid: int
    program: str

    def __str__(self) -> str:
        return f"{self.pid} ({self.program}{', stopped' if self.is_stopped else ''})"

    @property
    def is_stopped(self) -> bool:
        """Return whether somebody stopped the process: it does not end by `kill` before it goes on."""
        return _read(Path(f"/proc/{self.pid}/stat")).rpartition(") ")[2][:1] in ("T", "t")

    @property
    def fix(self) -> str:
        """Return the command after which the process does not hold the lock any more."""
        return f"kill -CONT {self.pid}" if self.is_stopped else f"kill {self.pid}"


def file_checks(database: Path) -> Iterator[Check]:
    """Check the modes of the database, the files beside it and its folders."""
    found = [*_open_to_others(database), *(_closed_to_members(database) or _closed_to_us(database))]
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
    own = (database.absolute().parent, folder) if os.path.exists(database) else ()  # opening the database refuses these
    for way in open_folders(database):
        if way not in own:
            what = f"{way}: everybody may replace files in this folder, also the folder of the database"
            yield Check("permissions", False, what, f"chmod o-w {quoted(way)}")
    for path in files_of(database):
        if _mode(path) & 0o007:
            what = f"{path}: everybody may read or write it"
            yield Check("permissions", False, what, f"chmod o-rwx {quoted(path)}")


def _closed_to_members(database: Path) -> list[Check]:
    """Check that each member of a shared service desk can use the files of other members, also after a crash.

    SQLite makes its files with the mode of the database. They belong to the group of the folder only if it is setgid.
    """
    real = database.resolve()
    if not os.path.exists(real):  # `Path.exists` raises in a folder that is closed to us
        return []
    folder, own = real.parent.stat(), real.stat()
    is_open = open_bits(folder, real.parent) & stat.S_IWGRP
    if not open_bits(own, real) & stat.S_IWGRP and not (is_open and folder.st_mode & stat.S_ISGID):
        return []
    group = folder.st_gid if is_open else own.st_gid
    found, fixes = list[str](), list[str]()
    for path in (real.parent, *filter(Path.exists, files_of(real))):
        now, is_folder = path.stat(), path == real.parent
        wanted = 0o2070 if is_folder else 0o060
        sudo = "" if os.geteuid() in (0, now.st_uid) else "sudo "
        if now.st_gid != group:
            found.append(f"{path} belongs to the group {group_name(now.st_gid)}")
            fixes.append(f"{sudo}chgrp {quoted(group_name(group))} {quoted(path)}")
        if now.st_mode & wanted != wanted:
            what = "is not setgid: files of one member are closed to the others"
            closed = now.st_mode & 0o070 & wanted != wanted & 0o070
            found.append(f"{path} is closed to the group" if closed else f"{path} {what}")
            fixes.append(f"{sudo}chmod {'g+rwxs' if is_folder else 'g+rw'} {quoted(path)}")
    what = f"{'; '.join(found)}; the group {group_name(group)} shares this service desk"
    return [Check("permissions", False, what, " && ".join(fixes))] if found else []


def _closed_to_us(database: Path) -> Iterator[Check]:
    paths = [path for path in files_of(database) if os.path.exists(path)] if os.path.exists(database) else []
    for path in (*paths, database.resolve().parent) if paths else ():
        if not os.access(path, os.W_OK):
            yield Check("permissions", False, f"{path} cannot be written by you", f"ls -ld {quoted(path)}")


def mount_checks(database: Path) -> Iterator[Check]:
    """Check that the database is not on a network file system; yields nothing if the machine does not say."""
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
    return next((holder for holder, _ in _holders(lock, "FLOCK")), None)


def writer(database: Path) -> Holder | None:
    """Return who holds the write lock of a database with a write-ahead log, if the system lists locks."""
    memory = database.resolve().with_name(database.resolve().name + "-shm")
    return next((holder for holder, _ in _holders(memory, "POSIX", WRITE_LOCK)), None)


def lasting_reader(database: Path, seconds: float) -> Holder | None:
    """Return another process that keeps one read transaction open for some seconds, if the system lists locks.

    A writer reads too, but its transaction keeps SQLite from emptying the log only until it ends.
    """
    patience = monotonic() + seconds
    lasting = _readers(database)
    while lasting and monotonic() < patience:
        sleep(ASK_SECONDS)
        now = _readers(database)
        lasting = {lock: holder for lock, holder in lasting.items() if lock in now}
    return next(iter(lasting.values()), None)


def _readers(database: Path) -> dict[tuple[int, int], Holder]:
    """Return the processes that only read, by their id and the byte that they lock."""
    memory = database.resolve().with_name(database.resolve().name + "-shm")
    writing = {holder.pid for holder, _ in _holders(memory, "POSIX", WRITE_LOCK)}
    reading = _holders(memory, "POSIX", *READ_LOCKS, mode="READ")
    return {(holder.pid, byte): holder for holder, byte in reading if holder.pid not in writing}


def log_checks(database: Path, seconds: float) -> Iterator[Check]:
    """Check that the write-ahead log is small: SQLite cannot empty it while a program reads an old state.

    A transaction is to blame only if it lasts for some seconds.
    """
    log = database.resolve().with_name(database.resolve().name + "-wal")
    size = log.stat().st_size if log.exists() else 0
    if size < LARGE_LOG:
        return
    what, holder = f"{log} has {size / 1e6:,.0f} MB", lasting_reader(database, seconds)
    if holder is not None:
        what += f": {holder} has been reading an old state of the database, so that the log only grows"
        yield Check("write-ahead log", False, what, holder.fix)
    elif Path("/proc/locks").exists():
        yield Check("write-ahead log", True, f"{what}; the next commands that write make it smaller")
    else:
        fix = f"fuser -v {quoted(database)}"
        yield Check("write-ahead log", False, f"{what}; a program may be reading an old state", fix)


def _holders(lock: Path, kind: str, *bytes_: int, mode: str = "WRITE") -> Iterator[tuple[Holder, int]]:
    """Yield the processes that have locked a file, or one of these bytes of it, and the first byte that they locked.

    Of locks for reading, those of this process are left out.
    """
    try:
        status = lock.stat()
    except OSError:
        return
    for line in _read(Path("/proc/locks")).splitlines():
        words = line.split()
        if len(words) < 8 or (words[1], words[3]) != (kind, mode) or not words[4].isdigit():
            continue
        if mode == "READ" and int(words[4]) == os.getpid():
            continue
        first, last = int(words[6]), max(bytes_, default=0) if words[7] == "EOF" else int(words[7])
        is_meant = not bytes_ or any(first <= byte <= last for byte in bytes_)
        if is_meant and _is_file(words[5], status, words[4], lock):
            # Without arguments: they may hold secrets.
            command = _read(Path(f"/proc/{words[4]}/cmdline")).partition("\0")[0].partition(" ")[0]
            yield Holder(int(words[4]), clean(Path(command).name)[:50] or "unknown"), first


def _is_file(place: str, status: os.stat_result, pid: str, lock: Path) -> bool:
    """Return whether a lock in the system's list is on this file; some file systems show another device there."""
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
