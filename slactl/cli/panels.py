"""The help of each command: its options under headings."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand
from typer.models import CommandFunctionType

if TYPE_CHECKING:
    from typer._click.core import Context
    from typer._click.formatting import HelpFormatter

#: The heading of the options that choose the form of the output.
OUTPUT = "Output"


class PanelCommand(TyperCommand):
    """A command whose help shows each option under the heading in its `rich_help_panel`."""

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                is_argument = parameter.param_type_name == "argument"
                heading = getattr(parameter, "rich_help_panel", None) or "Options"
                sections.setdefault("Arguments" if is_argument else heading, []).append(record)
        for heading, rows in sections.items():
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
        **options: Any,  # noqa: ANN401
    ) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """Register a function as a command."""
        return super().command(name, cls=cls, **options)
