"""Keep the messages that slactl cannot read in a folder beside the database, from which a later version takes them."""

import errno
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from slactl.files import cannot_write, make_durable, opened_folder, write_whole

#: The folders in which the messages are, one in the other, beside the database.
FOLDERS = ("mail", "failed")

#: The end of the name of a message.
SUFFIX = ".eml"


def failed_folder(database: Path) -> Path:
    """Return the folder of the messages that slactl could not read."""
    return database.absolute().parent.joinpath(*FOLDERS)


def keep(database: Path, data: bytes) -> Path:
    """Keep a message, once however often it comes, where only this user can read it; return its path.

    When this returns, the message is on the disk.

    Raises:
        StorageError: it cannot be written.
    """
    path = failed_folder(database) / f"{sha256(data).hexdigest()[:32]}{SUFFIX}"
    try:
        _make_folders(path.parent)
        with suppress(FileExistsError):
            write_whole(path, data, mode=0o600, replace=False)
    except OSError as error:
        raise cannot_write(path, error) from error
    return path


def _make_folders(folder: Path) -> None:
    for each in (folder.parent, folder):
        with opened_folder(each.parent) as above:
            with suppress(FileExistsError):
                os.mkdir(each.name, 0o700, dir_fd=above)
            make_durable(above)


def names(folder: Path) -> list[str]:
    """Return the names of the messages in the folder, the oldest first; none where there is no folder.

    Raises:
        PermissionError: another user keeps messages there.
        OSError: the folder cannot be read.
    """
    try:
        with opened_folder(folder) as handle:
            listed = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=handle)
            try:
                found = [name for name in os.listdir(listed) if name.endswith(SUFFIX)]
                return sorted(found, key=lambda name: (os.stat(name, dir_fd=listed).st_mtime, name))
            finally:
                os.close(listed)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return []
        raise
