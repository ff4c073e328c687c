"""Files of rows that a command reads: opened, and what is wrong with their rows told on stderr."""

import sys
from typing import Any, BinaryIO

import typer

from slactl.errors import UsageError

#: How many bad rows are told one by one.
TOLD = 100


def opened(name: str) -> BinaryIO:
    """A file, or stdin for `-`.

    Raises:
        UsageError: it cannot be read.
    """
    if name == "-":
        return sys.stdin.buffer
    try:
        return open(name, "rb")
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}", "the path of a file, or - for stdin") from error


class Teller:
    """Says what is wrong with rows: the first hundred one by one, the rest as a number."""

    def __init__(self, name: str) -> None:
        self._name = "stdin" if name == "-" else name
        self._told = 0
        #: Whether a row had to be left out.
        self.found = False

    def __call__(self, problem: Any) -> None:  # noqa: ANN401  (a Problem of the desk, which is imported later)
        from slactl.text import clean

        self.found = self.found or not problem.warning
        self._told += 1
        if self._told <= TOLD:
            place = f"{self._name}:{problem}" if problem.line else f"{problem.reason}"
            typer.echo(f"{'warning' if problem.warning else 'error'}: {clean(place)}", err=True)

    def end(self) -> None:
        """Say how many were not told."""
        if self._told > TOLD:
            typer.echo(f"error: … and {self._told - TOLD:,} more", err=True)
