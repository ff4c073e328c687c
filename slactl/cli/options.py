"""The arguments and options that several commands share, and how each command starts and ends."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from slactl.cli.completion import ticket_fields, ticket_ids
from slactl.cli.panels import OUTPUT, fields_of
from slactl.clock import now
from slactl.config import Config
from slactl.desk.ledger.desk import Desk
from slactl.errors import ExitCode, SlactlError, UsageError
from slactl.show.form import Form, Screen, choose_form, speaks_unicode, wants_color

if TYPE_CHECKING:
    from slactl.typed_times import Hours, TypedTime

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
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel=OUTPUT)]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="Print only ids.", rich_help_panel=OUTPUT)]


def list_fields(context: typer.Context, asked: str | None) -> str | None:
    """Print the fields of a command for `--fields help`, before it needs its arguments, and end the command."""
    if asked is None or asked.strip() != "help" or context.resilient_parsing:
        return asked
    sys.stdout.writelines(f"{name}\n" for name in fields_of(context.command))
    raise typer.Exit


FieldsOption = Annotated[
    str | None,
    typer.Option(
        "--fields",
        metavar="A,B,C",
        help="The fields to print, in this order; --fields help lists all.",
        rich_help_panel=OUTPUT,
        callback=list_fields,
        is_eager=True,
        autocompletion=ticket_fields,
    ),
]
HeaderOption = Annotated[
    bool, typer.Option("--header", help="Print the names of the fields first, on a pipe too.", rich_help_panel=OUTPUT)
]
DryRunOption = Annotated[bool, typer.Option("-n", "--dry-run", help="Show what would happen; change nothing.")]
AtOption = Annotated[
    str | None, typer.Option("--at", metavar="T", help="When it happened: ISO 8601, '2h ago', 'fri 9am', '26 Nov'.")
]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", metavar="R", help="The reason; required if --at is before a recorded breach.")
]
BodyOption = Annotated[str | None, typer.Option("--body", metavar="TEXT|-", help="The text; - reads stdin.")]
NoPagerOption = Annotated[bool, typer.Option("--no-pager", help="Print without a pager.", rich_help_panel=OUTPUT)]
YesOption = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")]
ManyOption = Annotated[
    bool,
    typer.Option("-y", "--yes", help="Do not ask. On a terminal slactl asks before it changes more than 20 tickets."),
]


class Answer(NamedTuple):
    """The options of a command that changes tickets: whether to store the change, and how to print it."""

    dry_run: DryRunOption = False
    quiet: QuietOption = False
    as_json: JsonOption = False


class Output(NamedTuple):
    """The options of a command that prints records: their form and their fields."""

    form: FormatOption = None
    as_json: JsonOption = False
    quiet: QuietOption = False
    fields: FieldsOption = None
    header: HeaderOption = False

    def chosen(self) -> Form:
        """Return the one form that the options ask for; else a table on a terminal, plain text on a pipe.

        Raises:
            UsageError: they ask for two forms.
        """
        return choose_form(self.form, as_json=self.as_json, ids_only=self.quiet, terminal=sys.stdout.isatty())

    def names(self, known: Sequence[str], *, plain: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the fields to print; where `--fields` was not given all known fields, or those that are `plain`.

        Raises:
            UsageError: there is no such field.
        """
        if self.fields is None:
            return tuple(plain if plain and self.chosen() is Form.PLAIN else known)
        return named_fields(self.fields, known)


def named_fields(asked: str | None, known: Sequence[str]) -> tuple[str, ...]:
    """Return the fields that `--fields` of the running command names; all known fields where it was not given.

    Raises:
        UsageError: there is no such field; the hint lists the fields of the command.
    """
    from slactl.cli.panels import get_current_context
    from slactl.show.records import choose_fields

    return choose_fields(asked, known, f"{get_current_context().command_path} --fields help")


def wall_seconds(option: str, example: str) -> Callable[[str], int]:
    """Return a parser that turns the duration of an option into seconds of wall time.

    The parser raises UsageError, with `example` as its hint, where the text is not a duration or counts business days.
    """

    def parse(text: str) -> int:
        from slactl.durations import parse_wall_duration

        try:
            return parse_wall_duration(str(text)).seconds
        except ValueError as error:
            raise UsageError(f"{option}: {error}", example) from error

    return parse


class Call(NamedTuple):
    """One invocation: its settings, and the instant that it takes as now."""

    config: Config
    now: datetime

    @property
    def desk(self) -> Desk:
        """Return the service desk that the settings name."""
        return Desk.of(self.config)

    def instant(
        self,
        text: str | None,
        *,
        ahead: bool = False,
        after: datetime | None = None,
        calendar: "Callable[[], Hours | None]" = lambda: None,
    ) -> datetime | None:
        """Return the time that a person typed, or None if nothing was typed; `calendar` is asked only if it matters.

        The end of a span counts from its begin `after`, if that lies ahead: `mon 09:00` is the next Monday then.

        Raises:
            UsageError: the text is not a time, or needs a calendar where none is known.
        """
        found = self.time(text, ahead=ahead, after=after)
        return found if found is None or isinstance(found, datetime) else found.on(calendar())

    def time(self, text: str | None, *, ahead: bool = False, after: datetime | None = None) -> "TypedTime | None":
        """Return the time that a person typed, which each ticket may understand by its own calendar.

        Raises:
            UsageError: the text is not a time.
        """
        if text is None:
            return None
        from slactl.typed_times import parse_time

        return parse_time(text, max(self.now, after) if after is not None else self.now, ahead=ahead)

    def person(self, name: str | None) -> str | None:
        """Return the name that a person typed; `me` and `@me` are the actor."""
        return self.config.actor if name is not None and name.strip() in ("me", "@me") else name

    @property
    def screen(self) -> Screen:
        """Return the screen on which this command draws its tables."""
        return screen_of(self.config)

    def due_soon(self) -> int:
        """Return `settings.due_soon` in seconds; the default, with a warning, where the rules cannot be read."""
        from slactl.desk.rules.reading import DUE_SOON, due_soon
        from slactl.durations import parse_duration

        seconds = due_soon(self.config.rules)
        if seconds is None:
            say(f"warning: settings.due_soon of {self.config.rules} cannot be read; slactl uses {DUE_SOON}", err=True)
        return parse_duration(DUE_SOON).seconds if seconds is None else seconds


def screen_of(config: Config) -> Screen:
    """Return the screen for the tables of a command with these settings."""
    return Screen(sys.stdout, wants_color(config.color, os.environ, terminal=sys.stdout.isatty()))


def call(context: typer.Context) -> Call:
    """Return the invocation of a command; this reads the clock.

    A command calls it once, after it has read stdin: the text may come long after the start. A command that asks a
    person calls it again after the answer.
    """
    return Call(context.find_object(Config), now())  # type: ignore[arg-type]


def page(context: typer.Context, *, off: bool) -> None:
    """Let what a command prints on a terminal go through the pager where it is longer than the screen."""
    if off or not sys.stdout.isatty() or not speaks_unicode(sys.stdout):
        return
    from slactl.show.pager import paged, pager

    command = pager(os.environ)
    if command is None:
        return

    @contextmanager
    def paging() -> Iterator[None]:
        terminal = sys.stdout
        with paged(terminal, command) as sys.stdout:
            try:
                yield
            finally:
                sys.stdout = terminal

    context.with_resource(paging())


def say(line: str, *, err: bool = False) -> None:
    """Print one line; names and paths in it cannot break the line or control the terminal.

    Typer's own `echo` is not used: it writes UTF-8 into an ASCII stream, and before text that the stream still buffers.
    """
    from slactl.text import clean

    if err and sys.stdout.isatty():
        sys.stdout.flush()  # both are the same screen
    (sys.stderr if err else sys.stdout).write(f"{clean(line)}\n")


def tell(line: str, *, err: bool = False) -> None:
    """Print one sentence for people: `say` with breaks between words on a terminal. Commands must stay in one line."""
    from slactl.prose import prose
    from slactl.text import clean

    stream = sys.stderr if err else sys.stdout
    for part in prose(clean(line), stream).splitlines():
        say(part, err=err)


def complain(error: SlactlError | str) -> None:
    """Print an error, or its message, on stderr while the command continues with the rest."""
    tell(f"error: {error if isinstance(error, str) else error.message}", err=True)
    if not isinstance(error, str) and error.hint:
        advise(error.hint)


def advise(command: str) -> None:
    """Print on stderr a command that helps, with the settings that were typed."""
    from slactl.cli.panels import get_current_context

    config = get_current_context().find_object(Config)
    say(f"hint: {command if config is None else config.pasted(command)}", err=True)


def warn_asleep(here: Call, slept: str | None) -> None:
    """Warn that levels are due and no check fires them; `slept` is what `runs.asleep_since` returns."""
    if slept is None:
        return
    from slactl.show.times import relative

    last = f"the last check that fired levels ended {relative(slept, here.now)}" if slept else "no successful check yet"
    say(f"warning: levels are due, but no check fires them: {last}", err=True)
    advise("slactl check")


def warn_levels_left_out(here: Call) -> None:
    """Warn on a terminal that the next levels are not shown, because the rules in force did not set them."""
    if sys.stdout.isatty():
        say(f"warning: the next levels are not shown until a check calculates them with {here.config.rules}", err=True)
        advise("slactl check")


def leave(code: ExitCode) -> None:
    """End the command with an exit code; 0 just returns."""
    if code is not ExitCode.DONE:
        raise typer.Exit(int(code))
