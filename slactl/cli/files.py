"""Files that a command reads rows from, or writes a page to; what is wrong with rows is told on stderr."""

import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

from slactl.cli.options import say
from slactl.errors import RefusedError, UsageError
from slactl.files import open_regular, write_whole
from slactl.text import quoted

#: How many bad rows are told one by one.
TOLD = 100


def opened(name: str) -> BinaryIO:
    """Open a file for reading, or stdin for `-`.

    Raises:
        UsageError: it cannot be read, or is not a regular file.
    """
    if name == "-":
        return sys.stdin.buffer
    try:
        return open_regular(name)
    except OSError as error:
        piped = os.path.exists(name) and Path(name).is_fifo()
        hint = f"cat {quoted(name)} | {_reading_stdin(name)}" if piped else f"ls -ld {quoted(name)}"
        raise UsageError(f"{name} cannot be read: {error.strerror}", hint) from error


def _reading_stdin(name: str) -> str:
    """Return the command that is running, all its options with it, but with stdin in the place of a file."""
    from typer._click.globals import get_current_context

    context, words = get_current_context(), list[str]()
    for level in (context.find_root(), context):
        words.append(str(level.info_name))
        for param in level.command.params:
            source, value = level.get_parameter_source(str(param.name)), level.params.get(str(param.name))
            if source is None or source.name != "COMMANDLINE":
                continue
            if param.param_type_name == "argument":
                words.append("-" if str(value) == name else quoted(value))
            elif value is True:
                words.append(param.opts[-1])
            else:
                words += [param.opts[0], quoted(value)]
    return " ".join(words)


class Teller:
    """Says what is wrong with rows: the first hundred one by one, the rest as a number."""

    def __init__(self, name: str) -> None:
        self._name = "stdin" if name == "-" else name
        self._told = 0
        #: Whether a row had to be left out.
        self.found = False

    def __call__(self, problem: Any) -> None:  # noqa: ANN401  (a Problem of the desk, which is imported later)
        self.found = self.found or not problem.warning
        self._told += 1
        if self._told <= TOLD:
            place = f"{self._name}:{problem}" if problem.line else f"{problem.reason}"
            say(f"{'warning' if problem.warning else 'error'}: {place}", err=True)

    def end(self) -> None:
        """Say how many were not told."""
        if self._told > TOLD:
            say(f"error: … and {self._told - TOLD:,} more", err=True)


def write_private(name: str, text: str, *, force: bool = False) -> None:
    """Write a file that only its owner can read, all of it or nothing; a symbolic link is not followed.

    Raises:
        RefusedError: something is there, and it is no plain file or not to be replaced.
        UsageError: it cannot be written.
    """
    target = Path(name).absolute()
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise RefusedError(f"{name} is no plain file, and is left as it is", f"ls -ld {quoted(target)}")
    if target.exists() and not force:
        raise RefusedError(f"{name} exists", "add --force to replace it")
    try:
        write_whole(target, text.encode(errors="xmlcharrefreplace"), mode=0o600, replace=force)
    except FileExistsError as error:
        raise RefusedError(f"{name} exists", "add --force to replace it") from error
    except OSError as error:
        raise UsageError(f"{name} cannot be written: {error.strerror}", f"ls -ld {quoted(target.parent)}") from error
