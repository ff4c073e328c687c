"""The text of a rules file: read once, from a regular file, and understood later."""

from pathlib import Path
from typing import NamedTuple

from slactl.errors import RulesError
from slactl.files import BY_HAND, read_text
from slactl.text import quoted


class RulesFile(NamedTuple):
    """A rules file that was read before any lock was taken: its text, or the reason why there is none."""

    path: Path
    text: str
    problem: RulesError | None

    def needed(self) -> str:
        """Return the text.

        Raises:
            RulesError: the file could not be read.
        """
        if self.problem is not None:
            raise self.problem
        return self.text


def read_ahead(path: Path) -> RulesFile:
    """Read a rules file now; a fault in it is reported when the rules are needed."""
    try:
        return RulesFile(path, read(path), None)
    except RulesError as error:
        return RulesFile(path, "", error)


def read(path: Path) -> str:
    """Return the text of a rules file, which is not checked.

    Raises:
        RulesError: the file cannot be read, is not a regular file, or is too large.
    """
    try:
        return read_text(path, BY_HAND)
    except OSError as error:
        hint = "slactl init" if isinstance(error, FileNotFoundError) else f"ls -ld {quoted(path)}"
        raise RulesError(f"{path} cannot be read: {error.strerror}", hint) from error
    except UnicodeDecodeError as error:
        raise RulesError(f"{path} is not UTF-8 at byte {error.start}", f"file {quoted(path)}") from error
