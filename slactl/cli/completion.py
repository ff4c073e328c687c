"""Complete ids and names of the database and of the rules; commands, options and closed sets Typer completes itself.

It offers no text from strangers, because a shell may run the text. Errors are silent.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from slactl.cli.panels import PanelCommand, completion_item, completion_script, install_completion
from slactl.config import Config, resolve
from slactl.errors import SlactlError, UsageError
from slactl.sla.enums import Priority, Status
from slactl.text import not_one_of

if TYPE_CHECKING:
    from slactl.cli.panels import CompletionItem, Context

#: The form of words that slactl gives to a shell. No shell runs such a word as a command.
SAFE = r"@?[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"


#: The shells that Typer can complete for.
SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")


class ViewCommand(PanelCommand):
    """`list`, whose completion knows that bash splits a view's name after the @."""

    def shell_complete(self, ctx: "Context", incomplete: str) -> "list[CompletionItem]":
        """Complete the rest of a view's name where bash passes the @ as a word of its own."""
        if ctx.params.get("view") == "@" and not incomplete.startswith("-"):
            # Bash puts the completion in the place of both words.
            names = view_names(typer.Context(self, parent=ctx.parent), f"@{incomplete}")
            return [completion_item(name) for name in names]
        return super().shell_complete(ctx, incomplete)


def set_up(option: str, shell: str) -> None:
    """Print the completion of a shell, or install it, and end the program.

    Raises:
        UsageError: there is no completion for the shell.
    """
    if shell not in SHELLS:
        raise UsageError(f"{option}: {not_one_of(shell, SHELLS)}", f"slactl {option} {SHELLS[0]}")
    if option == "--show-completion":
        typer.echo(completion_script(shell))
    else:
        typer.echo(f"{shell} completion installed in {install_completion(shell)}")
    raise typer.Exit


def ticket_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return ids that begin with a text; ids of open tickets if nothing was typed yet."""
    from slactl.store.read import ids

    if os.environ.get("COMP_WORDS", "").removesuffix(incomplete).endswith(" : "):
        return []  # bash splits `ext:1` into words, and a number of slactl's would name another ticket there
    try:
        config = _config(ctx)
        return _safe(ids.ids_like(config.database, incomplete)) if config else []
    except (SlactlError, OSError, ValueError):
        return []


def change_numbers(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the numbers of the actor's last changes that begin with a text."""
    from slactl.store.read import ids

    try:
        config = _config(ctx)
        return _safe(ids.changes_like(config.database, config.actor, incomplete)) if config else []
    except (SlactlError, OSError, ValueError):
        return []


def ids_then_priority(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return ids, and from the second word on priorities too."""
    return [*map(str, Priority if ctx.params.get("words") else ()), *ticket_ids(ctx, incomplete)]


def ids_then_assignee(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return ids, and from the second word on assignees and roles too."""
    return [*(assignees_and_roles(ctx, incomplete) if ctx.params.get("words") else ()), *ticket_ids(ctx, incomplete)]


def ids_then_tag(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return ids, and from the second word on tags too."""
    return [*(tag_names(ctx, incomplete) if ctx.params.get("words") else ()), *ticket_ids(ctx, incomplete)]


def ids_then_status(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return ids, and from the second word on statuses too."""
    return [*map(str, Status if ctx.params.get("words") else ()), *ticket_ids(ctx, incomplete)]


def view_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of views, with their @, that begin with a text."""
    from slactl.desk.rules import views

    config = _config(ctx)
    names = views.view_names(config.rules if config else None)
    return _safe(name for name in names if name.startswith(incomplete))


def source_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of sources of the rules that begin with a text."""
    from slactl.desk.rules.reading import source_names

    config = _config(ctx)
    return _safe(name for name in (source_names(config.rules) if config else ()) if name.startswith(incomplete))


def schedule_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of schedules of the rules that begin with a text."""
    return _named(ctx, "schedules", incomplete)


def person_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of people of the rules that begin with a text."""
    return _named(ctx, "people", incomplete)


def _named(ctx: typer.Context, table: str, incomplete: str) -> list[str]:
    from slactl.desk.rules.reading import table_names

    config = _config(ctx)
    return _safe(name for name in (table_names(config.rules, table) if config else ()) if name.startswith(incomplete))


def recipient_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of roles and people of the rules that begin with a text."""
    return [*_named(ctx, "roles", incomplete), *_named(ctx, "people", incomplete)]


def rules_keys(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the keys of the rules file, and of all settings, that begin with a text."""
    from slactl.desk.rules.reading import value_keys

    config = _config(ctx)
    return _safe(key for key in (value_keys(config.rules) if config else ()) if key.startswith(incomplete))


def calendar_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of calendars of the rules that begin with a text."""
    return _named(ctx, "calendars", incomplete)


def assignee_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the assignees of tickets, the people of the rules, and `me`, that begin with a text."""
    from slactl.store.read import ids

    kept = _kept(ctx, lambda database: ids.names_like(database, "assignee", incomplete))
    return _starting(["me", *kept, *_named(ctx, "people", incomplete)], incomplete)


def assignees_and_roles(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return what `assignee_names` returns, and the roles of the rules."""
    return _starting([*assignee_names(ctx, incomplete), *_named(ctx, "roles", incomplete)], incomplete)


def tenant_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the tenants of the database and of the rules that begin with a text."""
    from slactl.store.read import ids

    return _starting([*_kept(ctx, ids.tenants), *_matched(ctx, "tenant")], incomplete)


def plan_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the plans of the rules and of tenants that begin with a text."""
    from slactl.store.read import ids

    return _starting([*_matched(ctx, "plan"), *_kept(ctx, ids.tenant_plans)], incomplete)


def tag_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the tags of open tickets and of the rules that begin with a text."""
    from slactl.store.read import ids

    return _starting([*_kept(ctx, ids.tags_in_use), *_matched(ctx, "tag")], incomplete)


def zone_names(incomplete: str) -> list[str]:
    """Return the names of time zones that begin with a text."""
    from slactl.clock import zone_names as known

    return [name for name in known() if name.startswith(incomplete)]


def escalation_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the ids of the escalation rules that begin with a text."""
    return _starting(_levels(ctx), incomplete)


def level_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the ids of levels that begin with a text; only those of `--escalation` if it was typed before."""
    levels, named = _levels(ctx), ctx.params.get("escalation")
    return _starting([level for rule in levels if named in (None, rule) for level in levels[rule]], incomplete)


def ticket_fields(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the list of fields that was typed so far, with each field that may be its next one."""
    from slactl.store.read.tickets import TICKET_COLUMNS

    if ctx.command.name not in ("list", "show"):
        return []
    before, comma, part = incomplete.rpartition(",")
    chosen = before.split(",")
    return [f"{before}{comma}{name}" for name in TICKET_COLUMNS if name.startswith(part) and name not in chosen]


def _levels(ctx: "Context") -> dict[str, list[str]]:
    from slactl.desk.rules.reading import level_ids

    config = _config(ctx)
    return level_ids(config.rules) if config else {}


def _matched(ctx: "Context", key: str) -> list[str]:
    from slactl.desk.rules.reading import matched_names

    config = _config(ctx)
    return matched_names(config.rules, key) if config else []


def _kept(ctx: "Context", read: Callable[[Path], list[str]]) -> list[str]:
    """Return what a function reads from the database; nothing while it cannot be read."""
    try:
        config = _config(ctx)
        return read(config.database) if config else []
    except (SlactlError, OSError, ValueError):
        return []


def _starting(words: Iterable[str], incomplete: str) -> list[str]:
    return _safe(word for word in dict.fromkeys(words) if word.startswith(incomplete))


def _safe(words: Iterable[str]) -> list[str]:
    import re

    return [word for word in words if re.fullmatch(SAFE, word)]


def _config(ctx: "Context") -> Config | None:
    """Return the settings as typed so far, or None if they are not valid."""
    given = ctx.find_root().params
    try:
        return resolve(os.environ, given.get("db"), given.get("rules"), given.get("actor"))
    except SlactlError:
        return None
