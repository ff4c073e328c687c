"""Folders and links on the way to a file that somebody besides root and this user may change."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

#: The bits of a mode that let somebody else than the owner write.
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

#: How many symbolic links may lie on the way to a file, as in the kernel.
MOST_LINKS = 40


def others_may_replace(folder: os.stat_result, place: Path | None = None) -> bool:
    """Return whether somebody besides root and this user may replace files in a folder; a sticky one protects them.

    Where its `place` is given, the group that systems make for each user alone counts as that user.
    """
    if folder.st_uid not in (0, os.geteuid()):
        return True
    if folder.st_mode & stat.S_ISVTX:
        return False
    if folder.st_mode & stat.S_IWOTH:
        return True
    return bool(folder.st_mode & stat.S_IWGRP) and (place is None or not _is_own_group(folder.st_gid, place))


def _is_own_group(group: int, place: Path) -> bool:
    """Return whether nobody but this user is in a group, and no access list of the place lets others write."""
    import grp
    import pwd

    try:
        user, found = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    if (found.gr_name, group) != (user.pw_name, user.pw_gid) or {*found.gr_mem} - {user.pw_name}:
        return False
    return all(each.pw_gid != group or each.pw_uid == user.pw_uid for each in pwd.getpwall()) and not _has_list(place)


def _has_list(place: Path) -> bool:
    """Return whether a place has an access list, whose entries show as rights of the group."""
    if not hasattr(os, "getxattr"):
        return True
    try:
        return bool(os.getxattr(place, "system.posix_acl_access"))
    except OSError as error:
        return error.errno not in (errno.ENODATA, errno.ENOTSUP, errno.EOPNOTSUPP)


def _way(path: Path) -> Iterator[tuple[Path, os.stat_result | None]]:
    """Yield every folder, link and file on the way to a path, in order; the first that is missing with None."""
    at, left, links = Path("/"), list(reversed(path.absolute().parts[1:])), 0
    yield at, os.lstat(at)
    while left:
        name = left.pop()
        if name == "..":
            at = at.parent
            continue
        here = at / name
        try:
            found = os.lstat(here)
        except FileNotFoundError:
            yield here.joinpath(*reversed(left)), None
            return
        yield here, found
        if not stat.S_ISLNK(found.st_mode):
            at = here
            continue
        links += 1
        if links > MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        target = Path(os.readlink(here))
        at = Path("/") if target.is_absolute() else at
        left += reversed([part for part in target.parts if part != "/"])


def real_path(path: Path) -> Path:
    """Return where a file really is; a symbolic link that somebody else may have put there is not followed.

    Raises:
        OSError: a link on the way belongs to somebody else, or stands in a folder that others may write to.
    """
    real = Path("/")
    for place, found in _way(path):
        if found is None or not stat.S_ISLNK(found.st_mode):
            real = place
            continue
        if found.st_uid not in (0, os.geteuid()) or others_may_replace(os.stat(place.parent), place.parent):
            raise OSError(errno.ELOOP, "it is a symbolic link that others may change", str(place))
    return real


def exposed_folder(folder: Path) -> Path | None:
    """Return the first folder on the way to a folder, itself included, in which others may replace what is there."""
    for place, found in _way(folder):
        if found is not None and stat.S_ISDIR(found.st_mode) and others_may_replace(found, place):
            return place
    return None
