"""Find folders and links on the way to a file that somebody besides root and this user may change."""

import errno
import os
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path

#: The bits of a mode that let somebody else than the owner write.
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

#: How many symbolic links may lie on the way to a file, as in the kernel.
MOST_LINKS = 40


def is_ours(found: os.stat_result) -> bool:
    """Return whether something belongs to root or to this user."""
    return found.st_uid in (0, os.geteuid())


def open_bits(found: os.stat_result, place: Path | None = None) -> int:
    """Return the bits of a mode by which somebody else than the owner may write.

    Where the `place` is given, the group that systems make for each user alone counts as that user.
    """
    bits = found.st_mode & OTHERS_WRITE
    if bits & stat.S_IWGRP and place is not None and _is_own_group(found.st_gid) and not _has_list(place):
        return bits & ~stat.S_IWGRP
    return bits


def others_may_replace(folder: os.stat_result, place: Path | None = None) -> bool:
    """Return whether somebody besides root and this user may replace files in a folder; a sticky one protects them."""
    if not is_ours(folder):
        return True
    return not folder.st_mode & stat.S_ISVTX and bool(open_bits(folder, place))


@cache
def _is_own_group(group: int) -> bool:
    """Return whether nobody but this user is in a group."""
    import grp
    import pwd

    try:
        user, found = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    if (found.gr_name, group) != (user.pw_name, user.pw_gid) or {*found.gr_mem} - {user.pw_name}:
        return False
    return all(each.pw_gid != group or each.pw_uid == user.pw_uid for each in pwd.getpwall())


def _has_list(place: Path) -> bool:
    """Return whether an access list belongs to a place; its entries show as rights of the group."""
    if not hasattr(os, "getxattr"):
        return True
    try:
        return bool(os.getxattr(place, "system.posix_acl_access"))
    except OSError as error:
        return error.errno not in (errno.ENODATA, errno.ENOTSUP, errno.EOPNOTSUPP)


def way(path: Path) -> Iterator[tuple[Path, os.stat_result | None]]:
    """Yield every folder, link and file on the way to a path, as they are reached; None for the first that is missing.

    Raises:
        OSError: a part of it cannot be looked at, or there are too many links.
    """
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
    for place, found in way(path):
        if found is None or not stat.S_ISLNK(found.st_mode):
            real = place
            continue
        if not is_ours(found) or others_may_replace(os.stat(place.parent), place.parent):
            raise OSError(errno.ELOOP, "it is a symbolic link that others may change", str(place))
    return real


def exposed_folder(folder: Path) -> Path | None:
    """Return the first folder on the way to a folder, itself included, in which others may replace what is there."""
    for place, found in way(folder):
        if found is not None and stat.S_ISDIR(found.st_mode) and others_may_replace(found, place):
            return place
    return None
