"""`list @NAME`: a view's options stand in for those that were not typed."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from slactl.cli.options import say
from slactl.cli.panels import PanelCommand
from slactl.config import Config
from slactl.errors import NotKnownError, RulesError, UsageError

if TYPE_CHECKING:
    from typer._click.core import Context
    from typer._click.shell_completion import CompletionItem

    from slactl.show.form import Form
    from slactl.sla.rules.views import View

#: The options that say in which form a list is printed: who types one wants none of the view's.
FORMS = ("form", "as_json", "quiet")


class ViewCommand(PanelCommand):
    """`list`: whoever types an option twice, in the view and by hand, gets what was typed by hand."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, args)
        name = ctx.params.get("view")
        if name and name != "@" and not ctx.resilient_parsing:
            self._fill_in(ctx, str(name))
        return rest

    def shell_complete(self, ctx: "Context", incomplete: str) -> "list[CompletionItem]":
        # Bash hands over "@" as a word of its own, and puts what it gets in the place of both.
        if ctx.params.get("view") == "@" and not incomplete.startswith("-"):
            from typer._click.shell_completion import CompletionItem

            from slactl.cli.completion import view_names

            names = view_names(typer.Context(self, parent=ctx.parent), f"@{incomplete}")
            return [CompletionItem(name) for name in names]
        return super().shell_complete(ctx, incomplete)

    def _fill_in(self, ctx: "Context", name: str) -> None:
        from slactl.sla.rules.views import arguments

        config = ctx.find_object(Config)
        assert config is not None
        view = self.make_context(ctx.info_name, arguments(find_view(name, config.rules)), parent=ctx.parent)
        typed = {key for key in ctx.params if _is_given(ctx, key)}
        if typed & {*FORMS}:
            typed |= {*FORMS}
        ctx.params |= {key: value for key, value in view.params.items() if key not in typed and _is_given(view, key)}


def find_view(name: str, path: Path) -> "View":
    """A view of the rules, or a ready-made one, by its name with the @.

    Raises:
        UsageError: the name has no @.
        NotKnownError: there is no such view.
        RulesError: the view or the whole file cannot be read.
    """
    from slactl.sla.rules import views as rules_views
    from slactl.text import clean, nearest, quoted

    if not name.startswith("@"):
        shown = clean(name)[:100]
        raise UsageError(f"a view begins with @, and {shown!r} does not", "slactl list @")
    views = _views(path, name[1:])
    if name[1:] not in views:
        near = nearest(name[1:], views)
        question = f"; did you mean @{clean(near)}?" if near else ""
        raise NotKnownError(
            f"there is no view {clean(name)[:100]!r}{question}", f"slactl list {quoted(f'@{near}') if near else '@'}"
        )
    rules_views.check_view(name[1:], views[name[1:]], path)
    return views[name[1:]]


def _views(path: Path, name: str) -> "Mapping[str, View]":
    """All views; only the ready-made ones where the file is broken and they suffice: looking works even then."""
    from slactl.sla.rules import views as rules_views

    try:
        return rules_views.read_views(path)
    except RulesError as error:
        if name not in rules_views.READY_MADE:
            raise
        say(f"warning: {error.message}; the ready-made @{name} it is", err=True)
        return rules_views.READY_MADE


def _is_given(ctx: "Context", name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def print_views(context: typer.Context, form: "Form | None", as_json: bool, quiet: bool, fields: str | None) -> None:
    """Print every view: its name with the @, where it comes from, and what it stands for."""
    from slactl.cli.output import print_records
    from slactl.sla.rules.views import READY_MADE, as_typed, read_views

    config = context.find_object(Config)
    assert config is not None
    records = (
        {
            "name": f"@{name}",
            "source": "ready-made" if READY_MADE.get(name) is view else "rules",
            "options": as_typed(view),
        }
        for name, view in read_views(config.rules).items()
    )
    print_records(context, records, ("name", "source", "options"), form, as_json, quiet, fields, key="name")
