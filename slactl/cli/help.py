"""`help`: show the guide that ships with slactl, and the help of each command."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.commands import COMMANDS, GROUPS, HEADINGS, SUMMARIES
from slactl.cli.options import NoPagerOption, page
from slactl.cli.panels import Commands
from slactl.config import Config
from slactl.errors import UsageError
from slactl.show import guide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slactl.cli.panels import Command, Context, HelpFormatter

app = Commands()

FIRST_STEPS = """\
slactl records support tickets, calculates their deadlines, and escalates
overdue tickets. By default it sends nothing to customers. First commands:

  slactl demo          look at realistic tickets in a temporary folder
  slactl init          create your own database and rules.toml
  slactl help start    read the five steps to a running service desk
"""

LAST_LINE = "Help for one command: slactl help COMMAND. The whole guide: slactl help."


def names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the commands and topics that begin with a text."""
    words = ctx.params.get("words") or ()
    known = [*COMMANDS, *GROUPS, *guide.topics()] if not words else list(getattr(_find(ctx, words), "commands", ()))
    return [name for name in dict.fromkeys(known) if name.startswith(incomplete)]


@app.command("help")
def show_help(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COMMAND|TOPIC]", help="A command or a topic of the guide.", autocompletion=names),
    ] = None,
    no_pager: NoPagerOption = False,
) -> None:
    """Show the help of a command or a page of the guide.

    Without an argument it lists all commands and topics. A name that is both a command and a topic shows both. On a
    terminal a long page opens in a pager ($SLACTL_PAGER, $PAGER, else less); on a pipe the page is Markdown text. For
    a name that is neither a command nor a topic the exit code is 2.

    \b
    Examples:
      slactl help
      slactl help list
      slactl help rules check
      slactl help messages
      slactl help sql | less
    """
    text, pages = _wanted(context, [word.lower() for word in words or ()])
    config = context.find_object(Config)
    assert config is not None
    page(context, off=no_pager)
    guide.show(text, pages, config.color, sys.stdout)


def _wanted(context: typer.Context, words: "Sequence[str]") -> tuple[str, list[str]]:
    """Return the help text and the guide pages that were asked for.

    Raises:
        UsageError: there is no such command or topic.
    """
    if not words:
        return overview(context), []
    command = _find(context, words)
    pages = [guide.page(words[0])] if len(words) == 1 and words[0] in guide.topics() else []
    if command is None and not pages:
        from slactl.text import clean, did_you_mean, nearest

        group = _find(context, words[:1]) if len(words) > 1 else None
        known = list(getattr(group, "commands", ())) if group else [*COMMANDS, *GROUPS, *guide.topics()]
        near = nearest(words[-1], known)
        hint = " ".join(["slactl help", *(words[:-1] if group else ()), *([near] if near else ())])
        raise UsageError(
            f"there is no command or topic {clean(' '.join(words))[:100]!r}{did_you_mean(words[-1], known)}", hint
        )
    return (command_help(context, words, command) if command is not None else ""), pages


def _find(context: "Context", words: "Sequence[str]") -> "Command | None":
    """Return a command or subcommand by its words."""
    command: Command | None = context.find_root().command
    for word in words:
        get = getattr(command, "get_command", None)
        command = get(context, word) if get is not None else None
    return command


def command_help(context: "Context", words: "Sequence[str]", command: "Command") -> str:
    """Return what `COMMAND --help` prints."""
    inner = context.find_root()
    for word in words[:-1]:
        parent = _find(context, words[: words.index(word) + 1])
        assert parent is not None
        inner = parent.make_context(word, [], parent=inner, resilient_parsing=True)
    return command.make_context(words[-1], [], parent=inner, resilient_parsing=True).get_help() + "\n"


def write_commands(formatter: "HelpFormatter") -> None:
    """Write every command with its summary, under its heading."""
    width = max(map(len, SUMMARIES))
    for heading, commands in HEADINGS.items():
        with formatter.section(heading):
            formatter.write_dl([(name.ljust(width), SUMMARIES[name]) for name in commands])


def overview(context: "Context") -> str:
    """Return all commands and all topics of the guide, one a line."""
    formatter = context.make_formatter()
    write_commands(formatter)
    with formatter.section("Guide"):
        width = max(map(len, SUMMARIES))
        formatter.write_dl([(name.ljust(width), guide.title(name)) for name in guide.topics()])
    return formatter.getvalue() + "\nslactl help COMMAND or slactl help TOPIC shows more.\n"


def first_steps() -> str:
    """Return the introduction for somebody who has no database yet; it fits on 24 lines of 80 columns."""
    import textwrap

    width = max(map(len, HEADINGS)) + 2
    lines = [FIRST_STEPS]
    for heading, commands in HEADINGS.items():
        wrapped = textwrap.wrap(" ".join(commands), 79 - width)
        lines += [f"{('' if index else heading).ljust(width)}{line}" for index, line in enumerate(wrapped)]
    return "\n".join([*lines, "", LAST_LINE]) + "\n"
