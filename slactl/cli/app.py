"""Build the whole command line: global options, and the import of each command when it is typed."""

import os
from collections.abc import MutableMapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from slactl import __version__, committed
from slactl.cli.commands import COMMANDS, GROUPS
from slactl.config import Color, Config
from slactl.errors import SlactlError, StoppedError

if TYPE_CHECKING:
    from slactl.cli.panels import Command, CompletionItem, Context, HelpFormatter


#: Typer makes the parser of a group from the annotations of its commands; a process needs each parser once.
group_of = cache(get_group)


class LazyGroup(TyperGroup):
    """Find a command without importing all the others."""

    def list_commands(self, ctx: "Context") -> list[str]:
        """Return the names of all commands and groups."""
        return [*COMMANDS, *GROUPS]

    def get_command(self, ctx: "Context", cmd_name: str) -> "Command | None":
        """Return a command or a group; this imports its file."""
        if cmd_name in COMMANDS:
            module = import_module(f"slactl.cli.{COMMANDS[cmd_name]}")
            return group_of(module.app).commands[cmd_name]
        if cmd_name in GROUPS:
            file, _, attribute = GROUPS[cmd_name].partition(":")
            group = group_of(getattr(import_module(f"slactl.cli.{file}"), attribute or "app"))
            group.name = cmd_name
            return group
        return None

    def invoke(self, ctx: "Context") -> Any:  # noqa: ANN401  (what commands return)
        """Run the typed command; the hint of an error gets the settings that were typed."""
        try:
            return super().invoke(ctx)
        except SlactlError as error:
            if error.hint is not None and isinstance(ctx.obj, Config):
                error.hint = ctx.obj.pasted(error.hint)
            raise
        except KeyboardInterrupt as error:  # Typer would end the command without a message
            raise StoppedError("interrupted") from error
        finally:
            for line in committed.so_far().upgrades:
                from slactl.cli.options import say

                say(line, err=True)

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Read the global options; unlike Typer's own options, the completion options accept the name of a shell."""
        for number, word in enumerate(args if not ctx.resilient_parsing else ()):
            option, _, shell = word.partition("=")
            if option in ("--show-completion", "--install-completion"):
                from slactl.cli import shells

                shells.use()
                shell = shell or "".join(args[number + 1 : number + 2])
                if shell and not shell.startswith("-"):
                    from slactl.cli.completion import set_up

                    set_up(option, shell)
            elif word in COMMANDS or word in GROUPS:
                break
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write all commands under their headings."""
        from slactl.cli.help import write_commands

        write_commands(formatter)

    def _main_shell_completion(
        self, ctx_args: MutableMapping[str, Any], prog_name: str, complete_var: str | None = None
    ) -> None:
        """Answer a shell that asks for completions, and end the program."""
        if "_SLACTL_COMPLETE" in os.environ:
            from slactl.cli import shells

            shells.use()
        try:
            super()._main_shell_completion(ctx_args, prog_name, complete_var)
        except SystemExit as ended:  # the process then ends as after a command, without its clean-up
            raise typer.Exit(ended.code if isinstance(ended.code, int) else 0) from None

    def shell_complete(self, ctx: "Context", incomplete: str) -> "list[CompletionItem]":
        """Complete the names of commands; Typer would import every command to complete the name of one."""
        from slactl.cli.panels import completion_item

        names = [completion_item(name) for name in self.list_commands(ctx) if name.startswith(incomplete)]
        return names + super(TyperGroup, self).shell_complete(ctx, incomplete)

    def resolve_command(self, ctx: "Context", args: list[str]) -> "tuple[str | None, Command | None, list[str]]":
        """Return the typed command; a wrong name gets the nearest command or topic as its hint."""
        if ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        if args and not args[0].startswith("-") and args[0] not in COMMANDS and args[0] not in GROUPS:
            from slactl.cli.commands import nearest_command
            from slactl.errors import UsageError
            from slactl.show import guide
            from slactl.text import clean

            hint = nearest_command(args[0], guide.topics())
            raise UsageError(f"there is no command {clean(args[0])[:100]!r}", hint)
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=LazyGroup,
    name="slactl",
    help="Record support tickets, calculate their deadlines, and escalate overdue tickets.",
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="slactl help COMMAND explains a command. slactl help start shows the first steps.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"slactl {__version__}")
        raise typer.Exit


def _zones(incomplete: str) -> list[str]:
    from slactl.cli.completion import zone_names

    return zone_names(incomplete)


@app.callback()
def root(
    context: typer.Context,
    db: Annotated[str | None, typer.Option(help="The database file [env: SLACTL_DB].", metavar="PATH")] = None,
    rules: Annotated[str | None, typer.Option(help="The rules file [env: SLACTL_RULES].", metavar="PATH")] = None,
    actor: Annotated[
        str | None, typer.Option(help="The name of the person who acts [env: SLACTL_ACTOR].", metavar="NAME")
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            help="The display zone: the zone of times that you read and type [env: SLACTL_TZ].",
            metavar="Z",
            autocompletion=_zones,
        ),
    ] = None,
    utc: Annotated[bool, typer.Option("--utc", help="Short for --timezone UTC.")] = False,
    color: Annotated[Color, typer.Option(help="When to use colour.")] = Color.AUTO,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Record support tickets, calculate their deadlines, and escalate overdue tickets."""
    from slactl.cli.panels import settle

    if context.invoked_subcommand is None:
        settle(context)
        if not context.resilient_parsing:
            from slactl.cli.status import show_status

            show_status(context)
        return
    with suppress(SlactlError):  # an option after the command may still put it right; if not, the command says so
        settle(context)


@cache
def command_line() -> "Command":
    """Return the parser of the whole command line."""
    return get_command(app)
