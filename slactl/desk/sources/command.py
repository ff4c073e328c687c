"""Run the command of a source, and keep its output in a private temporary file."""

import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from slactl.desk.ledger.trust import rules_trust
from slactl.desk.messages.secrets import SECRET_BYTES, Refused, Secrets, Unresolved, filled_in, without_secrets
from slactl.desk.messages.transport import Ended, run_command
from slactl.desk.sources.checks import program
from slactl.errors import StorageError
from slactl.files import FAILING_DISK
from slactl.sla.rules.checks import SINCE
from slactl.sla.rules.model import Source
from slactl.store.sqlite.folders import temporary_folder
from slactl.text import clean, quoted

#: The most that a command may print, in bytes.
OUTPUT_BYTES = 1 << 30

#: How much of the errors of a command is shown: the last lines, and characters in all.
LINES, CHARACTERS = 3, 500


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
    arguments = _filled(source, since, secrets)
    name = clean(source.command[0])
    with _temporary_file() as output:
        try:
            ended = run_command(arguments, source.timeout.seconds, output, most)
        except (OSError, ValueError) as error:  # told without its cause: the arguments may have secrets
            if isinstance(error, OSError) and error.errno in FAILING_DISK:
                raise _cannot_keep(error) from None
            raise _unstarted(source, secrets.rules.parent, error) from None
        said = shown(ended.errors, is_cut=ended.is_cut)
        if ended.killed is not None or ended.code:
            how = f"was killed: {ended.killed}" if ended.killed is not None else f"ended {_how(ended)}"
            raise CommandFailed(f"{name} {how}" + (f": {said}" if said else ""))
        output.seek(0)
        yield output, said


def shown(errors: bytes, *, is_cut: bool) -> str:
    """Return the last lines that a command printed on stderr as one line for people, without secrets."""
    text = without_secrets(errors.decode(errors="replace"))
    if is_cut and len(text) < SECRET_BYTES + CHARACTERS:
        return ""  # it may begin in the middle of a secret
    # Characters that are not shown can stand inside of a secret.
    lines = [without_secrets(clean(line)).strip() for line in text[-SECRET_BYTES:].splitlines()]
    joined = " / ".join([line for line in lines if line][-LINES:])
    return joined if len(joined) <= CHARACTERS else f"…{joined[-CHARACTERS:]}"


def _filled(source: Source, since: str, secrets: Secrets) -> Sequence[str]:
    """Return the program and its arguments with the instant and the secrets.

    Raises:
        CommandFailed: a secret is missing or may not be read, or others may change the program.
    """
    stated, *words = source.command
    path = program(stated, secrets.rules.parent)
    if path != stated and os.path.exists(path) and (doubts := rules_trust(Path(path))):
        where = "; ".join(f"{each.path}: {each.what}" for each in doubts)
        fixes = dict.fromkeys(each.fix for each in doubts if each.fix is not None)
        raise CommandFailed(f"{clean(where)}; no program runs that others may change", " && ".join(fixes) or None)
    try:
        return [filled_in(word, secrets) for word in (path, *(word.replace(SINCE, since) for word in words))]
    except Unresolved as error:
        raise CommandFailed(str(error), error.fix if isinstance(error, Refused) else None) from None


def _unstarted(source: Source, folder: Path, error: OSError | ValueError) -> CommandFailed:
    name, path = clean(source.command[0]), program(source.command[0], folder)
    if not isinstance(error, OSError):
        return CommandFailed(f"{name} cannot be started: an argument has a NUL character")
    if isinstance(error, FileNotFoundError) and "/" not in path:
        return CommandFailed(f"the program {name} is not in PATH ({clean(os.environ.get('PATH', ''))})")
    fix = f"chmod u+x {quoted(path)}" if isinstance(error, PermissionError) and os.path.isfile(path) else None
    return CommandFailed(f"{name} cannot be started: {error.strerror}", fix)


def _how(ended: Ended) -> str:
    """Return how a command ended, as part of a sentence."""
    if ended.code >= 0:
        return f"with exit code {ended.code}"
    try:
        return f"by the signal {signal.Signals(-ended.code).name}"
    except ValueError:
        return f"by the signal {-ended.code}"


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
