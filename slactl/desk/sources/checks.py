"""Find and check the maps of sources."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from slactl.errors import NotKnownError, SlactlError
from slactl.sla.rules.lines import Problem
from slactl.sla.rules.model import Source
from slactl.sla.rules.rules import Rules
from slactl.text import clean, did_you_mean

if TYPE_CHECKING:
    from slactl.desk.transfer.maps import Map


def source_map(source: Source, rules: Path) -> "Map | None":
    """Return the map of a source; None if its command prints a history file.

    Raises:
        NotKnownError: it is neither a map that comes with slactl nor a file beside the rules.
        UsageError: its file cannot be read.
        RulesError: it is not valid.
    """
    if source.map is None:
        return None
    from slactl.desk.transfer.maps import load_map, shipped_maps

    name = source.map if source.map in shipped_maps() else str(rules.parent / Path(source.map).expanduser())
    if name != source.map and not os.path.lexists(name):
        meant = did_you_mean(source.map, shipped_maps())
        what = f"there is no map {clean(source.map)!r} in slactl or beside the rules{meant}"
        raise NotKnownError(f"{what} (maps of slactl: {', '.join(shipped_maps())})", "slactl help import")
    return load_map(name)


def problems(rules: Rules, path: Path) -> Iterator[Problem]:
    """Yield the maps of sources that are not there or not valid, of the rules in a file."""
    for number, source in enumerate(rules.sources):
        try:
            source_map(source, path.absolute())
        except SlactlError as error:
            yield ("source", number, "map"), error.message
