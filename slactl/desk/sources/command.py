"""Run the command of a source, and keep its output in a private temporary file."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from slactl.desk.programs.commands import arguments, program, shown
from slactl.desk.programs.running import Limits, run_command
from slactl.desk.programs.secrets import Refused, Secrets, Unresolved
from slactl.errors import StorageError
from slactl.files import FAILING_DISK
from slactl.sla.rules.checks.tables import SINCE
from slactl.sla.rules.model import Source
from slactl.store.sqlite.folders import temporary_folder
from slactl.text import clean, quoted

#: The most that a command may print, in bytes.
OUTPUT_BYTES = 1 << 30


class CommandFailed(Exception):
    """Report a command whose output is not imported; the message says why, without secrets. `fix` is a command."""

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.fix = fix


@contextmanager
def output_of(source: Source, since: str, secrets: Secrets, most: int = OUTPUT_BYTES) -> Iterator[tuple[BinaryIO, str]]:
    """Run the command of a source; yield its output, and what it printed on stderr, for people.

    The file has no name, so that it is gone with this process, however that ends.

    Raises:
        CommandFailed: the command cannot be started, was killed, or ended with another exit code than 0.
        StorageError: the output cannot be kept.
    """
    try:
        words = arguments(source.command, {SINCE: since}, secrets)
    except Unresolved as error:
        raise CommandFailed(str(error), error.fix if isinstance(error, Refused) else None) from None
    with _temporary_file() as output:
        try:
            ended = run_command(words, Limits(source.timeout.seconds, most), output)
        except (OSError, ValueError) as error:  # told without its cause: the arguments may have secrets
            if isinstance(error, OSError) and error.errno in FAILING_DISK:
                raise _cannot_keep(error) from None
            raise _unstarted(source, secrets.rules.parent, error) from None
        said = shown(ended.errors, is_cut=ended.is_cut)
        if ended.killed is not None or ended.code:
            raise CommandFailed(f"{clean(source.command[0])} {ended.how}" + (f": {said}" if said else ""))
        output.seek(0)
        yield output, said


def _unstarted(source: Source, folder: Path, error: OSError | ValueError) -> CommandFailed:
    name, path = clean(source.command[0]), program(source.command[0], folder)
    if not isinstance(error, OSError):
        return CommandFailed(f"{name} cannot be started: an argument has a NUL character")
    if isinstance(error, FileNotFoundError) and "/" not in path:
        return CommandFailed(f"the program {name} is not in PATH ({clean(os.environ.get('PATH', ''))})")
    fix = f"chmod u+x {quoted(path)}" if isinstance(error, PermissionError) and os.path.isfile(path) else None
    return CommandFailed(f"{name} cannot be started: {error.strerror}", fix)


def _temporary_file() -> BinaryIO:
    """Open an empty file without a name, which only this user can read.

    Raises:
        StorageError: it cannot be made.
    """
    try:
        return cast("BinaryIO", tempfile.TemporaryFile(dir=temporary_folder(), buffering=0))
    except OSError as error:
        raise _cannot_keep(error) from error


def _cannot_keep(error: OSError) -> StorageError:
    reason = f"a temporary file cannot be written: {error.strerror}; set TMPDIR to a folder with free space"
    return StorageError(reason, f"df -h {quoted(temporary_folder())}")
