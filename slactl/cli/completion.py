"""What the shell completes besides commands, options and closed sets: ids of tickets, and names of views.

Ids only, never what strangers wrote: a shell may run what it is given. Whatever is wrong, nothing is said.
"""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from slactl.config import Config, resolve
from slactl.errors import SlactlError
from slactl.sla.enums import Priority, Status

if TYPE_CHECKING:
    from typer._click.core import Context

#: What is handed to a shell: nothing that any of them could take for more than a word.
SAFE = r"@?[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"


def ticket_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids that begin like this; where nothing was typed yet those of open tickets."""
    from slactl.store.read import ids

    try:
        config = _config(ctx)
        return _safe(ids.ids_like(config.database, incomplete)) if config else []
    except (SlactlError, OSError, ValueError):
        return []


def ids_then_priority(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids, and from the second word on the priorities."""
    return [*map(str, Priority if ctx.params.get("words") else ()), *ticket_ids(ctx, incomplete)]


def ids_then_status(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids, and from the second word on the statuses."""
    return [*map(str, Status if ctx.params.get("words") else ()), *ticket_ids(ctx, incomplete)]


def view_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of all views that begin like this, with their @."""
    from slactl.sla.rules.views import READY_MADE, read_views

    config = _config(ctx)
    try:
        names = read_views(config.rules) if config else READY_MADE
    except SlactlError:
        names = READY_MADE
    return _safe(f"@{name}" for name in names if f"@{name}".startswith(incomplete))


def _safe(words: Iterable[str]) -> list[str]:
    import re

    return [word for word in words if re.fullmatch(SAFE, word)]


def _config(ctx: "Context") -> Config | None:
    """The settings as typed so far; None where they are none."""
    given = ctx.find_root().params
    try:
        return resolve(os.environ, given.get("db"), given.get("rules"))
    except SlactlError:
        return None
