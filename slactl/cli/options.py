"""The arguments and options that several commands share, and how each starts and ends."""

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NamedTuple, TypeVar

import typer

from slactl.cli.completion import ticket_ids
from slactl.cli.panels import OUTPUT
from slactl.clock import now, parse_instant
from slactl.config import Config
from slactl.errors import ExitCode, SlactlError, UsageError
from slactl.show.form import Form, Screen, wants_color
from slactl.sla.enums import Priority, Status

Id = Annotated[
    str, typer.Argument(metavar="ID", help="slactl's number, or the external id.", autocompletion=ticket_ids)
]
Ids = Annotated[
    list[str],
    typer.Argument(metavar="ID…", help="Numbers or external ids; - reads them from stdin.", autocompletion=ticket_ids),
]
FormatOption = Annotated[
    Form | None, typer.Option("--format", help="The form of the output.", show_default=False, rich_help_panel=OUTPUT)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Short for --format json.", rich_help_panel=OUTPUT)]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="Print only ids.", rich_help_panel=OUTPUT)]
FieldsOption = Annotated[
    str | None,
    typer.Option("--fields", metavar="A,B,C", help="The fields to print, in this order.", rich_help_panel=OUTPUT),
]
DryRunOption = Annotated[bool, typer.Option("-n", "--dry-run", help="Show what would happen; change nothing.")]
AtOption = Annotated[
    str | None, typer.Option("--at", metavar="T", help="When it happened: ISO 8601, '2h ago', 'fri 09:00'.")
]
BodyOption = Annotated[str | None, typer.Option("--body", metavar="TEXT|-", help="The text; - reads stdin.")]
YesOption = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")]

Word = TypeVar("Word", Priority, Status)

#: How much of stdin is read; the longest body and the longest list of ids are far shorter.
STDIN_BYTES = 64_000_000

#: What `settings.due_soon` is where the rules leave it out.
DUE_SOON = "2h"


class Call(NamedTuple):
    """One invocation: its settings, and the one instant that it calls now."""

    config: Config
    now: datetime

    def instant(self, text: str | None, *, ahead: bool = False) -> datetime | None:
        """What a person typed as a time; None where nothing was.

        Raises:
            UsageError: it is no time.
        """
        return parse_instant(text, self.now, ahead=ahead) if text is not None else None

    def person(self, name: str | None) -> str | None:
        """Whom a person means: `me` is who acts."""
        return self.config.actor if name == "me" else name

    @property
    def screen(self) -> Screen:
        """Where this command draws its tables."""
        return Screen(sys.stdout, wants_color(self.config.color, os.environ, terminal=sys.stdout.isatty()))

    def due_soon(self) -> int:
        """What `settings.due_soon` says, in seconds; read without validating, so that a look costs no import.

        Where the rules cannot be read it is the default, said on stderr: looking works while the rules are broken.
        """
        import tomllib

        from slactl.clock import parse_duration
        from slactl.files import BY_HAND, read_text

        try:
            settings = tomllib.loads(read_text(self.config.rules, BY_HAND)).get("settings", {})
            return parse_duration(settings.get("due_soon", DUE_SOON)).seconds
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            say(f"warning: settings.due_soon of {self.config.rules} cannot be read; {DUE_SOON} it is", err=True)
            return parse_duration(DUE_SOON).seconds


def call(context: typer.Context) -> Call:
    """The invocation a command runs in; reads the clock, once."""
    return Call(context.find_object(Config), now())  # type: ignore[arg-type]


def read_body(body: str | None) -> str | None:
    """The text of `--body`, from stdin where it is `-`.

    Raises:
        UsageError: stdin is not UTF-8.
    """
    return read_stdin() if body == "-" else body


def typed(words: Sequence[str]) -> str:
    """Return words as they were typed, for a command that people paste."""
    from slactl.text import quoted

    return " ".join(map(quoted, words))


def read_ids(arguments: Sequence[str]) -> list[str]:
    """The ids as typed, each once; `-` stands for the words on stdin, and none there is no error."""
    words = [word for argument in arguments for word in (read_stdin().split() if argument == "-" else [argument])]
    return list(dict.fromkeys(words))


def read_numbers(arguments: Sequence[str], what: str) -> list[int]:
    """The numbers as typed, each once; `-` stands for those on stdin.

    Raises:
        UsageError: a word is no number.
    """
    words = read_ids(arguments)
    for word in words:
        if not (word.isascii() and word.isdigit() and len(word) <= 18):
            from slactl.text import clean

            raise UsageError(f"{clean(word)[:100]!r} is no number of a {what}")
    return [int(word) for word in words]


def last_word(words: list[str], kind: type[Word], example: str) -> tuple[list[str], Word]:
    """The ids, and the value that stands last.

    Raises:
        UsageError: there is only one word, or the last is not of the closed set.
    """
    from slactl.text import not_one_of

    names = [str(each) for each in kind]
    if words[-1] not in names:
        raise UsageError(not_one_of(words[-1], names), example)
    if len(words) == 1:
        raise UsageError("no ticket is named", example)
    return words[:-1], kind(words[-1])


def read_stdin() -> str:
    """All of stdin.

    Raises:
        UsageError: it is not UTF-8, or more than anybody writes.
    """
    raw = sys.stdin.buffer.read(STDIN_BYTES + 1)
    if len(raw) > STDIN_BYTES:
        raise UsageError(f"stdin has more than {STDIN_BYTES:,} bytes", "give it in smaller parts")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"stdin is not UTF-8 at byte {error.start}", "save the text as UTF-8 first") from error


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal; elsewhere nothing prompts, and `--yes` is needed.

    Raises:
        UsageError: stdin is no terminal and `--yes` was not given.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} needs a yes", "add --yes")
    typer.confirm(question, abort=True, err=True)


def say(line: str, *, err: bool = False) -> None:
    """Print one line with names or paths in it: whatever they are, it stays one, and does nothing to a terminal.

    Typer's own `echo` writes UTF-8 into a stream that is ASCII, past the stream and what is written there already.
    """
    from slactl.text import clean

    (sys.stderr if err else sys.stdout).write(f"{clean(line)}\n")


def complain(error: SlactlError) -> None:
    """Say on stderr what failed while the rest goes on."""
    say(f"error: {error.message}", err=True)
    if error.hint:
        say(f"hint: {error.hint}", err=True)


def leave(code: ExitCode) -> None:
    """End with an exit code that is not an error of its own."""
    if code is not ExitCode.DONE:
        raise typer.Exit(int(code))
