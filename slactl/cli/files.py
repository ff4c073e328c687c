"""Read rows from files, report bad rows on stderr, and write pages to files."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from slactl import committed
from slactl.cli.options import say
from slactl.errors import RefusedError, UsageError
from slactl.files import cannot_write, open_regular, write_whole
from slactl.text import quoted

#: How many bad rows are reported one by one.
REPORTED = 100


def opened(name: str) -> BinaryIO:
    """Open a file for reading, or stdin for `-`.

    Raises:
        UsageError: it cannot be read, is not a regular file, or stdin is closed.
    """
    if name == "-":
        from slactl.cli.input import open_stdin

        return open_stdin()
    try:
        return open_regular(name)
    except OSError as error:
        piped = os.path.exists(name) and Path(name).is_fifo()
        hint = f"cat {quoted(name)} | {_reading_stdin(name)}" if piped else f"ls -ld {quoted(name)}"
        raise UsageError(f"{name} cannot be read: {error.strerror}", hint) from error


def _reading_stdin(name: str) -> str:
    """Return the running command with all its options, but with stdin instead of a file."""
    from slactl.cli.panels import get_current_context

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


class Problems:
    """Report bad rows on stderr: the first hundred one by one, then the number of the others.

    With `always` a problem of no line also begins with the name: there are several inputs. `errors_only` leaves out
    warnings, of which many are the same in every run.
    """

    def __init__(self, name: str, *, always: bool = False, errors_only: bool = False) -> None:
        self._name = "stdin" if name == "-" else name
        self._prefix = f"{self._name}: " if always else ""
        self._errors_only = errors_only
        self._count = 0
        #: Whether a row was left out.
        self.left_out = False

    def __call__(self, problem: Any) -> None:  # noqa: ANN401  (a Problem of the desk, which is imported later)
        if problem.warning and self._errors_only:
            return
        self.left_out = self.left_out or not problem.warning
        self._count += 1
        if self._count <= REPORTED:
            message = f"{self._name}:{problem}" if problem.line else f"{self._prefix}{problem.text}"
            say(f"{'warning' if problem.warning else 'error'}: {message}", err=True)

    def end(self) -> None:
        """Print how many problems were not reported one by one."""
        if self._count > REPORTED:
            say(f"error: {self._prefix}… and {self._count - REPORTED:,} more", err=True)


def write_private(name: str, text: str, *, force: bool = False) -> None:
    """Write a file that only its owner can read, whole or not at all; a symbolic link is not followed.

    Raises:
        RefusedError: the file exists and `force` is not set, or it is not a regular file.
        StorageError: the file cannot be written.
    """
    _write(Path(name).absolute(), name, text, mode=0o600, replace=force)


def write_live_page(name: str, text: str, *, mode: int, force: bool = False) -> None:
    """Write a live page, whole or not at all, over an earlier live page or where no file is.

    Raises:
        RefusedError: the file is not a live page and `force` is not set, or it is not a regular file.
        StorageError: the file cannot be written.
    """
    from slactl.show.live_page import MARK, MARKED_WITHIN

    target = Path(name).absolute()

    def refuse_others() -> None:
        if force:
            return
        with suppress(FileNotFoundError), open_regular(target, follow=False) as found:
            if MARK.encode() not in found.read(MARKED_WITHIN):
                shown = quoted(target)
                raise RefusedError(f"{name} is not a page of slactl board", f"slactl board --force {shown}")

    _write(target, name, text, mode=mode, replace=True, before_rename=refuse_others)


def _write(
    target: Path,
    name: str,
    text: str,
    *,
    mode: int,
    replace: bool,
    before_rename: Callable[[], None] = lambda: None,
) -> None:
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise RefusedError(f"{name} is not a regular file; slactl does not replace it", f"ls -ld {quoted(target)}")
    if target.exists() and not replace:
        raise RefusedError(f"{name} already exists; --force replaces it", f"ls -ld {quoted(target)}")
    content = text.encode(errors="xmlcharrefreplace")
    try:
        with committed.uninterrupted():
            write_whole(target, content, mode=mode, replace=replace, before_rename=before_rename)
            committed.add("file", "written", [name])
    except FileExistsError as error:
        raise RefusedError(f"{name} already exists; --force replaces it", f"ls -ld {quoted(target)}") from error
    except OSError as error:
        raise cannot_write(Path(name), error) from error
