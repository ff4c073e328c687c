"""What a desk stands on: modes of files and folders, the kind of file system, who holds a lock, secrets."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

from slactl.desk.messages.recipients import named_secrets, trouble
from slactl.desk.messages.secrets import Secrets, Unresolved
from slactl.sla.rules.rules import Rules
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

#: The byte of the shared memory beside a database that whoever writes has locked; SQLite's file format fixes it.
WRITE_LOCK = 120

_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Exposure:
    """A file or folder that is open to more people than it should be, and the command that closes it."""

    path: Path
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a lock; `stopped` where it was stopped and so will never let go of it."""

    pid: int
    stopped: bool
    program: str


def exposures(database: Path) -> Iterator[Exposure]:
    """What is wrong with the modes of the database, the files beside it and its folder."""
    folder = database.resolve().parent
    mode = _mode(folder)
    if mode is not None and mode & 0o002 and not is_open(mode):
        what = "everybody may put files into the folder of the database"
        # The folders that everybody needs are left as they are: the desk is what can go.
        shared = folder in {Path(each).resolve() for each in (gettempdir(), "/tmp", "/var/tmp", "/dev/shm")}
        elsewhere = f"slactl backup {quoted(Path.home() / 'slactl.db')}"
        yield Exposure(folder, what, elsewhere if shared else f"chmod o-w {quoted(folder)}")
    own = (database.absolute().parent, folder) if database.exists() else ()  # of these opening the database tells
    for way in open_folders(database):
        if way not in own:
            what = "everybody may replace what is in this folder, the one of the database too"
            yield Exposure(way, what, f"chmod o-w {quoted(way)}")
    for path in (database, *(database.with_name(database.name + end) for end in SIDE_FILES)):
        mode = _mode(path)
        if mode is not None and mode & 0o007:
            yield Exposure(path, "everybody may read or write it", f"chmod o-rwx {quoted(path)}")


def unwritable(database: Path) -> list[Path]:
    """Of the database, the files beside it and its folder, those that whoever runs this may not write."""
    beside = [database.with_name(database.name + end) for end in SIDE_FILES]
    paths = [path for path in (database, *beside) if path.exists()]
    return [path for path in (*paths, database.resolve().parent) if not os.access(path, os.W_OK)]


def is_stub(path: Path) -> bool:
    """Whether a file is there that is shorter than the first page of any database, or empty."""
    try:
        return path.stat().st_size < 512
    except OSError:
        return False


def file_system(path: Path, mounts: str) -> str | None:
    """The kind of file system a path is on, by the text of `/proc/self/mountinfo`; None where that does not say."""
    target = str(path.resolve())
    best: tuple[int, str] | None = None
    for line in mounts.splitlines():
        fields, separator, rest = line.partition(" - ")
        words = fields.split()
        if not separator or len(words) < 5:
            continue
        point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), words[4])
        inside = target == point or target.startswith(point.rstrip("/") + "/")
        # Of two mounts on one point the later one is what is seen.
        if inside and (best is None or len(point) >= best[0]):
            best = (len(point), rest.split()[0])
    return best[1] if best is not None else None


def mounted() -> str:
    """The mounts of this machine; nothing where it does not tell them."""
    return _read(Path("/proc/self/mountinfo"))


def lock_holder(lock: Path) -> Holder | None:
    """Who holds the run lock, by what the system tells, so that the lock itself is not touched."""
    return _holder(lock, "FLOCK")


def writer(database: Path) -> Holder | None:
    """Who holds the write lock of a database with a write-ahead log, where the system tells."""
    return _holder(database.resolve().with_name(database.resolve().name + "-shm"), "POSIX", WRITE_LOCK)


def _holder(lock: Path, kind: str, byte: int | None = None) -> Holder | None:
    """Who has locked a file for himself alone, or this byte of it, in the kernel's way of that kind."""
    try:
        status = lock.stat()
    except OSError:
        return None
    for line in _read(Path("/proc/locks")).splitlines():
        words = line.split()
        if len(words) < 8 or (words[1], words[3]) != (kind, "WRITE") or not words[4].isdigit():
            continue
        is_meant = byte is None or int(words[6]) <= byte <= (byte if words[7] == "EOF" else int(words[7]))
        if is_meant and _is_place(words[5], status, int(words[4]), lock):
            state = re.search(r"^State:\s+(\w)", _read(Path(f"/proc/{words[4]}/status")), re.MULTILINE)
            return Holder(int(words[4]), state is not None and state[1] in "Tt", _program(int(words[4])))
    return None


def _program(pid: int) -> str:
    """The name of a process's program, without its arguments: they may hold secrets."""
    command = _read(Path(f"/proc/{pid}/cmdline")).partition("\0")[0]
    return clean(Path(command.partition(" ")[0]).name)[:50] or "unknown"


def _is_place(place: str, status: os.stat_result, pid: int, lock: Path) -> bool:
    """Whether a lock of the system's list is on this file; some file systems tell another device there than here."""
    major, minor, inode = place.split(":")
    if int(inode) != status.st_ino:
        return False
    if (int(major, 16), int(minor, 16)) == (os.major(status.st_dev), os.minor(status.st_dev)):
        return True
    try:
        return any(os.path.samefile(each, lock) for each in Path(f"/proc/{pid}/fd").iterdir() if each.exists())
    except OSError:
        return False


def missing_secrets(rules: Rules, known: Secrets) -> Iterator[tuple[str, str, str | None]]:
    """What is wrong with the secrets that addresses name: whose, what, and the fix. Never what they are."""
    for place, kind, name in dict.fromkeys(named_secrets(rules)):
        found = trouble(kind, name, known)
        if found is None:
            continue
        whose, (what, fix) = ".".join(str(part) for part in place[:2]), found
        if kind == "env":
            yield whose, f"{what} here", f"export {quoted(name)}=…"
        elif fix is not None:
            yield whose, what, fix
        else:
            yield whose, what, _making(name, known)


def _making(name: str, known: Secrets) -> str:
    """Return the command that makes the file of a secret, or shows what is there in its place."""
    try:
        path = known.file(name)
    except (Unresolved, RuntimeError):
        return f"slactl rules check {quoted(known.rules)}"
    made = f"install -d -m 700 {quoted(path.parent)} && install -m 600 /dev/stdin {quoted(path)}"
    return f"ls -ld {quoted(path)}" if os.path.lexists(path) else made


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
