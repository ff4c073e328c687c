"""Build commands: help under headings, and bundles of options that many commands share.

Only this file names the private parser of Typer.
"""

import inspect
import os
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand
from typer.models import CommandFunctionType

from slactl.errors import UsageError

if TYPE_CHECKING:
    from typer._click.core import Command as Command
    from typer._click.core import Context as Context
    from typer._click.formatting import HelpFormatter as HelpFormatter
    from typer._click.shell_completion import CompletionItem as CompletionItem

#: The heading of the options that choose the form of the output.
OUTPUT = "Output"


class PanelCommand(TyperCommand):
    """A command whose help shows each option under the heading in its `rich_help_panel`."""

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
        super().__init__(help=help, no_args_is_help=help is not None, rich_markup_mode=None)

    def command(  # type: ignore[override]
        self,
        name: str | None = None,
        *,
        cls: type[PanelCommand] = PanelCommand,
        fields: str | Sequence[str] = (),
        **options: Any,  # noqa: ANN401
    ) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """Register a function as a command; a parameter of a NamedTuple type stands for the options in it.

        `fields` has the names that `--fields` takes, or says where they are, such as "slactl.records.tickets:FIELDS":
        a command imports most of what it needs when it runs.
        """
        register = super().command(name, cls=cls, **options)

        def registered(function: CommandFunctionType) -> CommandFunctionType:
            callback = unbundled(function)
            callback.fields = fields  # type: ignore[attr-defined]
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
