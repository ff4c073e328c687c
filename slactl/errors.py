"""Exit codes, and the errors that carry message, hint and code to `failures`, which reports them."""

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self


class ExitCode(IntEnum):
    """The exit codes; scripts and cron rely on the numbers."""

    DONE = 0
    FAILURE = 1
    USAGE = 2
    NOT_KNOWN = 3
    RULES = 4
    REFUSED = 5
    DATABASE = 6
    PARTLY = 7
    FOUND = 10
    NOT_A_MESSAGE = 65
    LOCKED = 75
    SENDER_REFUSED = 77
    INTERRUPTED = 130
    READER_CLOSED = 141


#: If several exit codes apply, the first one in this order is used.
PRECEDENCE = (ExitCode.FAILURE, ExitCode.DATABASE, ExitCode.LOCKED, ExitCode.RULES, ExitCode.PARTLY, ExitCode.FOUND)


#: The exit codes of a `check` that fired what was due, perhaps by the last valid rules, or with some failures.
FIRED = (ExitCode.DONE, ExitCode.RULES, ExitCode.PARTLY)


class SlactlError(Exception):
    """A failure that a person can act on: one line for each problem, a hint to paste, an exit code."""

    code = ExitCode.FAILURE

    def __init__(self, message: str, hint: str | None = None, *, problems: "Sequence[str]" = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        #: The lines to print. A line break inside comes from a stranger's text.
        self.lines = tuple(problems) or (message,)

    @classmethod
    def of(cls, problems: "Sequence[str]", hint: str | None = None) -> "Self":
        """Make one error of several problems."""
        return cls("; ".join(problems), hint, problems=problems)


class UsageError(SlactlError):
    """A wrong word, time, duration or combination of options."""

    code = ExitCode.USAGE


class UnansweredError(UsageError):
    """A question that nobody can answer, because stdin is not a terminal; the typed command with `--yes` answers it."""


class NotKnownError(SlactlError):
    """A ticket, role, plan, tenant or calendar that does not exist."""

    code = ExitCode.NOT_KNOWN


class RulesError(SlactlError):
    """`rules.toml` or the configuration is invalid."""

    code = ExitCode.RULES


class RefusedError(SlactlError):
    """The state of the ticket does not allow this; nothing was written."""

    code = ExitCode.REFUSED


class DatabaseError(SlactlError):
    """The database is missing, damaged, not from slactl or newer than the program."""

    code = ExitCode.DATABASE


class BusyError(DatabaseError):
    """The database cannot be used at the moment, and the same command works later."""

    code = ExitCode.LOCKED


class StorageError(DatabaseError):
    """A disk is full, failing or read-only, or a file cannot be written; the message says what is committed."""

    code = ExitCode.FAILURE


class PartlyError(SlactlError):
    """A part of the work failed; the rest is done."""

    code = ExitCode.PARTLY


class LockedError(SlactlError):
    """Another run holds the lock."""

    code = ExitCode.LOCKED


class TryAgainError(SlactlError):
    """A message by mail could not be taken now, and nothing of it was written; the mail server keeps it."""

    code = ExitCode.LOCKED


class SenderRefusedError(SlactlError):
    """The rules refuse mail of senders whom slactl does not know."""

    code = ExitCode.SENDER_REFUSED


class StoppedError(SlactlError):
    """A person or a signal stopped the command."""

    code = ExitCode.INTERRUPTED


class AnswerError(OSError):
    """Stdout cannot be written: it is closed, or its disk is full or failing."""


def worst(codes: "list[ExitCode]") -> ExitCode:
    """Return the one exit code for several findings, by `PRECEDENCE`."""
    return next((code for code in PRECEDENCE if code in codes), ExitCode.DONE)
