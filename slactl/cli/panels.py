"""Build commands: help under headings, global options, and bundles of options that many commands share.

Only this file names the private parser of Typer.
"""

import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import CommandFunctionType

from slactl import committed, display_zone
from slactl.config import Color, resolve
from slactl.errors import UsageError

if TYPE_CHECKING:
    from typer._click.core import Command as Command
    from typer._click.core import Context as Context
    from typer._click.core import Parameter
    from typer._click.formatting import HelpFormatter as HelpFormatter
    from typer._click.parser import _OptionParser
    from typer._click.shell_completion import CompletionItem as CompletionItem

#: The heading of the options that choose the form of the output.
OUTPUT = "Output"


#: The options of `slactl` itself that no command may take.
ONLY_BEFORE = ("--install-completion", "--show-completion")


def settle(context: "Context") -> None:
    """Resolve the settings of this invocation from the global options typed so far.

    Raises:
        UsageError: a setting is not valid.
    """
    given = {name: value for name, value in context.find_root().params.items() if name != "version"}
    config = resolve(os.environ, **given | {"color": Color(given["color"])})
    display_zone.use(config.timezone, config.sources["timezone"])
    committed.so_far().pasted = config.pasted
    node: Context | None = context
    while node is not None:
        node.obj, node = config, node.parent


def global_options(command: "Command", context: "Context") -> "Iterator[Parameter]":
    """Yield the global options that a command takes too: those whose names it does not have itself."""
    own = {name for parameter in command.get_params(context) for name in parameter.opts}
    for option in context.find_root().command.params if context.parent is not None else ():
        if own.isdisjoint(option.opts) and option.opts[0] not in ONLY_BEFORE:
            yield option


def is_value(word: str) -> bool:
    """Return whether a word that begins with a dash is no option: `-30s`, or a text with blanks."""
    return word[1:2].isdigit() or any(character.isspace() for character in word.partition("=")[0])


class TakesGlobalOptions(Command if TYPE_CHECKING else object):  # type: ignore[misc]
    """A command that takes the global options too, unless it has an option of the same name."""

    def make_parser(self, ctx: "Context") -> "_OptionParser":
        """Return a parser that also knows the global options; help and completion show only those of the command."""
        parser: _OptionParser = super().make_parser(ctx)
        for option in global_options(self, ctx):
            option.add_to_parser(parser, ctx)
        read_option = parser._process_opts
        parser._process_opts = lambda arg, state: (  # type: ignore[method-assign]
            state.largs.append(arg) if is_value(arg) else read_option(arg, state)
        )
        return parser

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Read the global options first, because what the others mean may depend on the settings."""
        typed = self.make_parser(ctx).parse_args(list(args))[0] if args else {}
        options = [option for option in global_options(self, ctx) if option.name in typed]
        for option in options:
            option.handle_parse_result(ctx.find_root(), typed, [])
        if not ctx.resilient_parsing and (options or ctx.find_root().obj is None):
            settle(ctx)
        rest: list[str] = super().parse_args(ctx, args)
        return rest


class PanelGroup(TakesGlobalOptions, TyperGroup):
    """A group of commands that takes the global options before the name of the command."""

    def names_command(self, ctx: "Context", args: list[str]) -> bool:
        """Return whether a subcommand comes first, apart from global options."""
        try:
            words = self.make_parser(ctx).parse_args(list(args))[1]
        except typer.TyperException:  # an option of a command
            return False
        return bool(words) and words[0] in self.commands


class PanelCommand(TakesGlobalOptions, TyperCommand):
    """A command whose help shows each option under the heading in its `rich_help_panel`."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **options)
        if printed := getattr(self.callback, "quiet", ""):
            for option in (each for each in self.params if each.name == "quiet"):
                option.help = f"Print only {printed}."  # type: ignore[attr-defined]

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write the arguments, then the options under their headings, the output options last."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                is_argument = parameter.param_type_name == "argument"
                heading = getattr(parameter, "rich_help_panel", None) or "Options"
                sections.setdefault("Arguments" if is_argument else heading, []).append(record)
        for heading, rows in sorted(sections.items(), key=lambda section: section[0] == OUTPUT):
            with formatter.section(heading):
                formatter.write_dl(rows)


class Commands(typer.Typer):
    """Commands without markup in their help, each a `PanelCommand` unless it says otherwise."""

    def __init__(self, help: str | None = None) -> None:
        super().__init__(cls=PanelGroup, help=help, no_args_is_help=help is not None, rich_markup_mode=None)

    def command(  # type: ignore[override]
        self,
        name: str | None = None,
        *,
        cls: type[PanelCommand] = PanelCommand,
        fields: str | Sequence[str] = (),
        quiet: str = "",
        **options: Any,  # noqa: ANN401
    ) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """Register a function as a command; a parameter of a NamedTuple type stands for the options in it.

        `fields` has the names that `--fields` takes, or says where they are, such as "slactl.records.tickets:FIELDS":
        a command imports most of what it needs when it runs. `quiet` says what `--quiet` prints if that is not ids.
        """
        register = super().command(name, cls=cls, **options)

        def registered(function: CommandFunctionType) -> CommandFunctionType:
            callback = unbundled(function)
            callback.fields, callback.quiet = fields, quiet  # type: ignore[attr-defined]
            register(callback)
            return function

        return registered


def fields_of(command: "Command") -> Sequence[str]:
    """Return the fields that `--fields` of a command may name."""
    from importlib import import_module

    fields = getattr(command.callback, "fields", ())
    if not isinstance(fields, str):
        return tuple(fields)
    module, _, name = fields.partition(":")
    return tuple(getattr(import_module(module), name))


def unbundled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that takes the options of each bundle one by one, and calls the given one with the bundles."""
    declared = inspect.signature(function).parameters.values()
    bundles = {one.name: one.annotation for one in declared if hasattr(one.annotation, "_field_defaults")}
    if not bundles:
        return function
    options = []
    for parameter in declared:
        bundle = bundles.get(parameter.name)
        options += [parameter] if bundle is None else _options(bundle)

    @wraps(function)
    def bundled(**values: Any) -> Any:  # noqa: ANN401  (what the command returns)
        for name, bundle in bundles.items():
            values[name] = bundle(**{option: values.pop(option) for option in bundle._fields})
        return function(**values)

    keywords = [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in options]
    bundled.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    return bundled


def _options(bundle: Any) -> list[inspect.Parameter]:  # noqa: ANN401  (a class that NamedTuple made)
    """Return the options of a bundle as parameters, in its order."""
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=bundle._field_defaults.get(name, inspect.Parameter.empty),
            annotation=annotation,
        )
        for name, annotation in bundle.__annotations__.items()
    ]


def completion_item(word: str) -> "CompletionItem":
    """Return a word as the shell completion of Typer takes it."""
    from typer._click.shell_completion import CompletionItem

    return CompletionItem(word)


def completion_script(shell: str) -> str:
    """Return what a shell has to read so that it completes."""
    from typer._completion_shared import get_completion_script

    return get_completion_script(prog_name="slactl", complete_var="_SLACTL_COMPLETE", shell=shell)


def install_completion(shell: str) -> str:
    """Install the completion in the home of the user; return the file."""
    from typer._completion_shared import install

    return str(install(shell=shell, prog_name="slactl", complete_var="_SLACTL_COMPLETE")[1])


def read_flag(variable: str) -> bool:
    """Return whether a variable of the environment is set to true, as Typer reads it for an option.

    Raises:
        UsageError: it is neither true nor false.
    """
    from typer._click.exceptions import BadParameter
    from typer._click.types import BOOL

    try:
        return bool(BOOL.convert(os.environ.get(variable, ""), None, None))
    except BadParameter as error:
        raise UsageError(f"{variable}: {error.message}", f"unset {variable}") from error


def get_current_context() -> "Context":
    """Return the context of the command that is running."""
    from typer._click import globals as running

    return running.get_current_context()
