"""`mail`: take a message that a mail server hands over, or the messages of a folder."""

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slactl.cli.input import open_stdin
from slactl.cli.options import Answer, call, leave, say
from slactl.cli.output import marked
from slactl.cli.panels import Commands, PanelCommand
from slactl.errors import ExitCode, SlactlError, TryAgainError, UsageError
from slactl.show.form import Form
from slactl.text import clean

if TYPE_CHECKING:
    from slactl.cli.panels import Context
    from slactl.desk.mail.maildir import Item
    from slactl.desk.mail.take import Taken
    from slactl.show.records import Record

#: The fields of machine output.
FIELDS = ("action", "ticket", "reason")

#: The exit codes that a mail server understands.
_UNDERSTOOD = (ExitCode.NOT_A_MESSAGE, ExitCode.LOCKED, ExitCode.SENDER_REFUSED)


class MailCommand(PanelCommand):
    """The command that a mail server runs: a wrong setting is no reason to send a message back."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Read the arguments; settings that are not valid may be right the next time."""
        with _trying_again():
            return super().parse_args(ctx, args)


app = Commands()

MaildirOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Take the new messages of a Maildir; taken ones move to cur.")
]
FailedOption = Annotated[bool, typer.Option("--failed", help="Take the messages that slactl could not read before.")]


@app.command(cls=MailCommand)
def mail(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="[-]", help="- is stdin, which is read anyway.")] = "",
    maildir: MaildirOption = None,
    failed: FailedOption = False,
    *,
    answer: Answer,
) -> None:
    """Take a message: it opens a ticket, or belongs to one.

    A message is taken once, however often it comes. On a pipe the output is action, ticket and reason.

    \b
    Exit codes:
      0   taken, or rightly ignored
      7   of a folder: a message was not taken and stays
      65  not a message, or over 25 MB
      75  try again: nothing was lost
      77  the rules refuse the sender

    \b
    Examples:
      slactl mail < message.eml
      slactl mail -n < message.eml
      slactl mail --maildir ~/Maildir
    \b
    In a file of mail aliases (slactl help mail):
      support: "|slactl mail"
    """
    if maildir is not None or failed:
        if source or (maildir is not None and failed):
            raise UsageError("use only one of -, --maildir and --failed", "slactl help mail")
        _take_folder(context, maildir, answer)
        return
    if source not in ("", "-"):
        raise UsageError("mail reads a message from stdin only", "slactl help mail")
    if not source and sys.stdin.isatty():
        raise UsageError("mail reads a message from stdin, and stdin is the terminal", "slactl help mail")
    with _trying_again():
        from slactl.desk.mail.maildir import take_message

        data = _read()
        here = call(context)
        taken = take_message(here.desk, here.now, data, dry_run=answer.dry_run)
    try:
        _print(answer, taken)
    except OSError as error:  # the message is taken, so that nobody may send it again or back
        from slactl.failures import silence_stdout

        silence_stdout()
        say(f"warning: the message was taken; the output could not be written: {error.strerror}", err=True)


def _take_folder(context: typer.Context, maildir: Path | None, answer: Answer) -> None:
    """Take the messages of a Maildir, or those that slactl could not read before; say what became of each."""
    from slactl.desk.mail.maildir import take_failed, take_maildir
    from slactl.show.records import write

    here, stays, taken = call(context), list["Item"](), 0
    if maildir is not None:
        items = take_maildir(here.desk, here.now, maildir, dry_run=answer.dry_run)
    else:
        items = take_failed(here.desk, here.now, dry_run=answer.dry_run)

    def records() -> "Iterator[Record]":
        nonlocal taken
        for item in items:
            if item.taken is not None:
                taken += 1
                _print(answer, item.taken, is_one=False)
                yield {**_record(item.taken, answer), "file": item.name}
            elif item.why is not None:
                stays.append(item)
                say(f"error: {clean(item.name)}: {item.why.message}", err=True)
                what = {"action": None, "ticket": None, "reason": item.why.message}
                yield {**what, "dry_run": answer.dry_run, "file": item.name}

    if answer.as_json:
        write(records(), Form.JSON, (*FIELDS, "dry_run", "file"), sys.stdout)
    else:
        deque(records(), maxlen=0)
    if stays:
        leave(ExitCode.PARTLY if taken or not stays[-1].stops else ExitCode.LOCKED)


def _read() -> bytes:
    """Return the message on stdin, or a little more than the longest one; a mail server waits until all is read."""
    from slactl.desk.mail.message import LARGEST

    stdin = open_stdin()
    data = stdin.read(LARGEST + 1)
    while len(data) > LARGEST and stdin.read(1_000_000):
        pass
    return data


@contextmanager
def _trying_again() -> Iterator[None]:
    """Turn every error that may pass into exit code 75, with which a mail server keeps the message."""
    try:
        yield
    except SlactlError as error:
        if error.code in _UNDERSTOOD:
            raise
        raise TryAgainError(error.message, error.hint, problems=error.lines) from error
    except (typer.TyperException, typer.Exit, typer.Abort):
        raise
    except Exception as error:
        what = f"unexpected {type(error).__name__}: {clean(str(error))[:300]}"
        raise TryAgainError(f"{what}; the message was not taken", "slactl doctor") from error


def _print(answer: Answer, taken: "Taken", *, is_one: bool = True) -> None:
    """Print what became of a message, and on stderr why it was ignored; JSON has several messages in one list."""
    from slactl.show.records import write, write_object

    for warning in taken.warnings:
        say(f"warning: {warning}", err=True)
    of_ticket = f" #{taken.ticket}" if taken.ticket is not None else ""
    line = f"{marked(answer)}{taken.action.value.replace('_', ' ')}{of_ticket}: {taken.reason}"
    record = _record(taken, answer)
    if answer.as_json and is_one:
        write_object(record, sys.stdout)
    elif answer.as_json:
        pass
    elif answer.quiet:
        write([record] if taken.ticket is not None else [], Form.IDS, FIELDS, sys.stdout, key="ticket")
    elif sys.stdout.isatty() or answer.dry_run:
        say(line)
    else:
        write([record], Form.PLAIN, FIELDS, sys.stdout)
    if taken.action.value == "ignored" and (answer.as_json or not sys.stdout.isatty()):
        say(line, err=True)
    sys.stdout.flush()


def _record(taken: "Taken", answer: Answer) -> dict[str, Any]:
    values = {"action": taken.action.value, "ticket": taken.ticket, "reason": taken.reason}
    return {**values, "dry_run": answer.dry_run}
