"""Check folders to which everybody may write, and files that others put beside a database there.

A user who may write to a folder may rename and replace its files. In a sticky folder such as `/tmp`, other users can
only add files. SQLite would read a write-ahead log that they add as the database's own, and they could hold a lock
for ever.
"""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from slactl.errors import DatabaseError
from slactl.text import another, quoted

#: The endings of the files that SQLite and slactl keep beside a database.
SIDE_FILES = ("-wal", "-shm", "-journal", ".lock", ".sync.lock")

#: The least free space in bytes that a small change needs: pages, the log, and its index of 32 KiB.
LEAST_FREE = 1 << 16


def is_open(mode: int) -> bool:
    """Return whether everybody may replace the files in a folder of this mode."""
    return bool(mode & stat.S_IWOTH and not mode & stat.S_ISVTX)


def refuse_unless_file(path: Path) -> None:
    """Refuse a database that is not there or not a regular file.

    Raises:
        DatabaseError: nothing, a folder, a pipe or a device is at the path, or this user may not look there.
    """
    try:
        mode = path.stat().st_mode
    except PermissionError as error:
        folder = os.path.dirname(os.path.realpath(path))
        raise DatabaseError(f"{path} cannot be opened: {error.strerror}", f"ls -ld {quoted(folder)}") from error
    except FileNotFoundError as error:
        if path.is_symlink():
            what = f"the database {path} is a link to {os.readlink(path)}, which does not exist"
            raise DatabaseError(what, f"ls -l {quoted(path)}") from error
        raise DatabaseError(f"the database {path} does not exist", "slactl init") from error
    except OSError as error:  # a circle of links, a file where a folder is meant, or a name that is too long
        raise DatabaseError(f"{path} cannot be opened: {error.strerror}", f"ls -ld {quoted(path)}") from error
    if stat.S_ISDIR(mode):
        raise DatabaseError(f"the database {path} is a folder", f"slactl --db {quoted(path / 'slactl.db')} init")
    if not stat.S_ISREG(mode):
        raise DatabaseError(f"the database {path} is not a file", f"slactl --db {another(path)} init")


def refuse_strangers(path: Path) -> None:
    """Refuse a database that others may replace, or beside which they have put files.

    Both the place of a link and its target are checked. Costs a `stat` or two if nobody else may write.

    Raises:
        DatabaseError: everybody may write to the folder; or it is sticky, and what is there is neither this user's
            nor root's.
    """
    for place in dict.fromkeys((path, Path(os.path.realpath(path)))):
        try:
            mode = os.stat(place.parent).st_mode
        except FileNotFoundError:
            continue
        if is_open(mode):
            raise open_folder(place.parent)
        if mode & stat.S_IWOTH:
            _refuse_files(place)


def refuse_pipes(path: Path) -> None:
    """Refuse a database if a side file of SQLite is not a regular file: SQLite would wait for a pipe for ever.

    Raises:
        DatabaseError: a link, a pipe, a folder or a device has the name of one of them.
    """
    real = os.path.realpath(path)
    for name in (f"{real}{end}" for end in SIDE_FILES if not end.endswith(".lock")):
        try:
            mode = os.lstat(name).st_mode
        except OSError:
            continue
        if not stat.S_ISREG(mode):
            raise DatabaseError(f"{name} is not a regular file", f"ls -ld {quoted(name)}")


def files_of(database: Path) -> list[Path]:
    """Return a database and the files beside it, also those that do not exist."""
    return [database, *(database.with_name(database.name + end) for end in SIDE_FILES)]


def open_folder(folder: Path) -> DatabaseError:
    """Return the error about a folder to which everybody may write."""
    return DatabaseError(f"everybody may write to the folder {folder}", f"chmod o-w {quoted(folder)}")


def _refuse_files(database: Path) -> None:
    for file in files_of(database):
        try:
            owner = file.lstat().st_uid
        except FileNotFoundError:
            continue
        if owner not in (0, os.geteuid()):
            remove = f"{'sudo ' if os.geteuid() else ''}rm {quoted(file)}"
            hint = "slactl --db ~/slactl.db init" if file == database else remove
            raise DatabaseError(f"{file} belongs to somebody else, in a folder where everybody may write", hint)


def open_folders(path: Path) -> list[Path]:
    """Return the folders on the way to a file, as typed and resolved, whose files everybody may replace."""
    found: dict[tuple[int, int], Path] = {}
    for place in (path.absolute(), Path(os.path.realpath(path))):
        for folder in place.parents:
            try:
                status = os.stat(folder)
            except OSError:  # not there yet, or nothing that can be seen from here
                continue
            if is_open(status.st_mode):
                found.setdefault((status.st_dev, status.st_ino), folder)
    return list(found.values())


def open_home(path: Path) -> Path | None:
    """Return the folder of a file, or its nearest existing parent, if everybody may replace the files in it.

    Open folders further up are left to `doctor`: a user cannot always choose another place.

    Raises:
        OSError: a folder on the way cannot be looked into.
    """
    for place in (path.absolute(), Path(os.path.realpath(path))):
        folder = next((each for each in place.parents if each.exists()), place)
        if is_open(folder.stat().st_mode):
            return folder
    return None


class Obstacle(NamedTuple):
    """Hold why this user cannot write a database now, and the command that shows the reason."""

    why: str
    hint: str


def obstacle_to_writing(path: Path) -> Obstacle | None:
    """Return why this user cannot write a database now; None if no reason is known."""
    real = Path(os.path.realpath(path))
    try:
        disk = os.statvfs(real.parent)
    except OSError:
        return None
    if disk.f_flag & os.ST_RDONLY:
        return Obstacle("its file system is read-only", f"df -h {quoted(real.parent)}")
    if free_bytes(disk) < LEAST_FREE and disk.f_blocks:
        return Obstacle("its disk is full", f"df -h {quoted(real.parent)}")
    if not os.access(real, os.W_OK):
        return Obstacle("you may only read it", f"ls -ld {quoted(real)}*")
    if not os.access(real.parent, os.W_OK | os.X_OK):
        return Obstacle("you may not write to its folder", f"ls -ld {quoted(real.parent)}")
    for name in (f"{real}{end}" for end in ("-wal", "-shm")):
        if os.path.exists(name) and not os.access(name, os.R_OK | os.W_OK):
            return Obstacle(f"{name} is closed to you", f"ls -ld {quoted(real)}*")
    return None


def temporary_folder() -> str:
    """Return the folder in which SQLite makes its temporary files; Python chooses in another order."""
    places = (os.environ.get("SQLITE_TMPDIR"), os.environ.get("TMPDIR"), "/var/tmp", "/usr/tmp", "/tmp", ".")
    usable = (each for each in places if each and os.path.isdir(each) and os.access(each, os.W_OK | os.X_OK))
    return next(usable, ".")


def free_bytes(disk: os.statvfs_result) -> int:
    """Return how many bytes this user can still write to a disk."""
    blocks = disk.f_bavail if os.geteuid() else disk.f_bfree  # the rest is for root
    return blocks * disk.f_frsize
