"""Find the saved views of `list`: `[views.NAME]` of the rules, and the ready-made views."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from slactl.desk.rules.reading import priority_words
from slactl.errors import NotKnownError, RulesError, SlactlError, UsageError
from slactl.sla.rules import views as stored
from slactl.sla.rules.views import FORMS as FORMS
from slactl.sla.rules.views import View as View

if TYPE_CHECKING:
    from slactl.records.tickets import View as ViewRecord

#: The fields of a view as `list @` prints them.
FIELDS = ("name", "source", "options")


def find_view(path: Path, name: str, warn: Callable[[str], object]) -> View:
    """Return a view of the rules, or a ready-made view, by its name with the @.

    A ready-made view works even while the rules file is broken; `warn` then gets a message.

    Raises:
        UsageError: the name has no @.
        NotKnownError: there is no such view.
        RulesError: the view is not valid, or the file cannot be read.
    """
    from slactl.text import clean, did_you_mean, nearest, quoted

    if not name.startswith("@"):
        raise UsageError(f"a view begins with @, and {clean(name)[:100]!r} does not", "slactl list @")
    try:
        views: Mapping[str, View] = stored.read_views(path)
    except RulesError as error:
        if name[1:] not in stored.READY_MADE:
            raise
        warn(f"{error.message}; slactl uses the ready-made {name}")
        views = stored.READY_MADE
    if name[1:] not in views:
        known = [f"@{each}" for each in views]
        hint = f"slactl list {quoted(nearest(name, known) or '@')}"
        raise NotKnownError(f"there is no view {clean(name)[:100]!r}{did_you_mean(name, known)}", hint)
    stored.check_view(name[1:], views[name[1:]], path, priority_words(path))
    return views[name[1:]]


def default_view(path: Path, warn: Callable[[str], object]) -> View | None:
    """Return the view `default` of the rules, or None without one.

    Looking at tickets has to work while the rules are broken; `warn` then gets a message.
    """
    try:
        view = stored.read_views(path).get("default")
        if view is not None:
            stored.check_view("default", view, path, priority_words(path))
    except RulesError as error:
        warn(f"{error.message}; slactl lists without the view @default")
        return None
    return view


def view_records(path: Path) -> "list[ViewRecord]":
    """Return every view: its name with the @, its source, and its options as people type them.

    Raises:
        RulesError: the file cannot be read.
    """
    return [
        {
            "name": f"@{name}",
            "source": "ready-made" if stored.READY_MADE.get(name) is view else "rules",
            "options": stored.as_typed(view),
        }
        for name, view in stored.read_views(path).items()
    ]


def view_names(path: Path | None) -> list[str]:
    """Return the name of every view with the @; only the ready-made names where the rules cannot be read."""
    try:
        views = stored.read_views(path) if path is not None else stored.READY_MADE
    except SlactlError:
        views = stored.READY_MADE
    return [f"@{name}" for name in views]
