"""Take every new message of a Maildir, and the messages that slactl could not read before."""

import errno
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from slactl.desk.ledger.desk import Desk
from slactl.desk.mail.failed import failed_folder, keep, names
from slactl.desk.mail.message import LARGEST, NotAMessage
from slactl.desk.mail.reading import UnreadableError, read_safely
from slactl.desk.mail.take import Taken, take
from slactl.errors import ExitCode, SlactlError, UsageError
from slactl.files import make_durable, open_regular, opened_folder
from slactl.sla.enums import MailAction
from slactl.text import clean, quoted


def take_message(desk: Desk, now: datetime, data: bytes, *, dry_run: bool = False) -> Taken:
    """Take a message as it came; one that stops the process that reads it is kept beside the database.

    Raises:
        NotAMessage: it has no `From`, or is too large.
        SlactlError: as `take`; or it cannot be read now, or cannot be kept.
    """
    try:
        mail = read_safely(data)
    except UnreadableError as error:
        if dry_run:
            return Taken(MailAction.IGNORED, None, f"{error}; it would be kept in {failed_folder(desk.database.path)}")
        return Taken(MailAction.IGNORED, None, f"{error}; it is kept as {keep(desk.database.path, data)}")
    return take(desk, now, mail, dry_run=dry_run)


class Item(NamedTuple):
    """A message of a folder and what became of it: it was taken, or stays for a reason."""

    name: str
    taken: Taken | None
    why: SlactlError | None = None

    @property
    def stops(self) -> bool:
        """Return whether the reason why it stays holds for every other message too."""
        return self.why is not None and self.why.code in _FOR_ALL


#: The codes of errors that the next message would meet too.
_FOR_ALL = (ExitCode.LOCKED, ExitCode.DATABASE, ExitCode.RULES)


class Folders(NamedTuple):
    """Descriptors of the folders `new` and `cur` of a Maildir."""

    new: int
    cur: int


def take_maildir(desk: Desk, now: datetime, maildir: Path, *, dry_run: bool = False) -> Iterator[Item]:
    """Take the new messages of a Maildir in the order in which they came; move the taken ones to `cur`, as seen.

    A message that was taken and not moved, because the command was killed, is known by its Message-ID the next time.

    Raises:
        UsageError: the folder is not a Maildir, or this user may not read and write it.
    """
    with _opened(maildir) as folders:
        for name in _in_order(folders.new):
            item = _item(name, folders.new, lambda data: take_message(desk, now, data, dry_run=dry_run))
            if item is None:
                continue
            if item.taken is not None and not dry_run:
                _move(name, folders)
            yield item
            if item.stops:
                break
        make_durable(folders.cur)
        make_durable(folders.new)


def take_failed(desk: Desk, now: datetime, *, dry_run: bool = False) -> Iterator[Item]:
    """Take the messages that slactl could not read before, and remove the taken ones; the others stay.

    Raises:
        UsageError: this user may not read and write their folder.
    """
    folder = failed_folder(desk.database.path)
    try:
        if not (waiting := names(folder)):
            return
        with opened_folder(folder) as handle:
            for name in waiting:
                item = _item(name, handle, lambda data: take(desk, now, read_safely(data), dry_run=dry_run))
                if item is None:
                    continue
                if item.taken is not None and not dry_run:
                    os.unlink(name, dir_fd=handle)
                yield item
                if item.stops:
                    break
            make_durable(handle)
    except OSError as error:
        raise _unusable(folder, error) from error


def _item(name: str, folder: int, taking: Callable[[bytes], Taken]) -> Item | None:
    """Return what became of a message; None if somebody else took it meanwhile. No message stops the others."""
    try:
        return Item(name, taking(_content(name, folder)))
    except FileNotFoundError:
        return None
    except SlactlError as error:
        return Item(name, None, error)
    except OSError as error:
        return Item(name, None, SlactlError(f"it cannot be read: {error.strerror}"))
    except Exception as error:
        return Item(name, None, SlactlError(f"unexpected {type(error).__name__}: {clean(str(error))[:300]}"))


@contextmanager
def _opened(maildir: Path) -> Iterator[Folders]:
    try:
        with opened_folder(maildir / "new") as new, opened_folder(maildir / "cur") as cur:
            os.close(os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=new))
            yield Folders(new, cur)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(
            f"{clean(str(maildir))} is not a Maildir with the folders new and cur", f"ls -la {quoted(maildir)}"
        ) from error
    except OSError as error:
        raise _unusable(maildir, error) from error


def _unusable(folder: Path, error: OSError) -> UsageError:
    return UsageError(f"{clean(str(folder))} cannot be used: {error.strerror}", f"ls -la {quoted(folder)}")


def _in_order(new: int) -> Sequence[str]:
    """Return the names of the messages in `new`: each begins with the second in which the message came."""
    handle = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=new)
    try:
        found = [name for name in os.listdir(handle) if not name.startswith(".")]
    finally:
        os.close(handle)

    def came(name: str) -> tuple[int, str]:
        second = re.match("[0-9]{1,18}", name)
        return int(second[0]) if second is not None else 0, name

    return sorted(found, key=came)


def _content(name: str, folder: int) -> bytes:
    """Return a message.

    Raises:
        NotAMessage: it is larger than a message may be.
        OSError: it cannot be read, or is not a regular file.
    """
    with open_regular(name, follow=False, dir_fd=folder) as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise NotAMessage(f"it has more than {LARGEST:,} bytes")
    return data


def _move(name: str, folders: Folders) -> None:
    """Move a taken message to `cur`, marked as seen; never over another message."""
    base, _, flags = name.partition(":2,")
    info = f":2,{''.join(sorted({*flags, 'S'}))}"
    wanted = (f"{base}{end}{info}" for end in ("", *(f"_{count}" for count in range(1, 1000))))
    there = next(each for each in wanted if _is_free(each, folders.cur))
    with suppress(FileNotFoundError):  # somebody else moved it
        os.rename(name, there, src_dir_fd=folders.new, dst_dir_fd=folders.cur)


def _is_free(name: str, folder: int) -> bool:
    try:
        os.lstat(name, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return True
        raise
    return False
