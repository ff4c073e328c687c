"""Check what the sources of the rules need on this machine: their maps and their programs."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from slactl.desk.ledger.trust import rules_trust
from slactl.desk.transfer.maps import Map, load_map, shipped_maps
from slactl.errors import NotKnownError, SlactlError
from slactl.sla.rules.addresses import PLACEHOLDER
from slactl.sla.rules.lines import Problem
from slactl.sla.rules.model import Source
from slactl.sla.rules.rules import Rules
from slactl.text import clean, did_you_mean


def source_map(source: Source, rules: Path) -> Map | None:
    """Return the map of a source; None if its command prints a history file.

    Raises:
        NotKnownError: it is neither a map that comes with slactl nor a file beside the rules.
        UsageError: its file cannot be read.
        RulesError: it is not valid.
    """
    if source.map is None:
        return None
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


def warnings(rules: Rules, path: Path) -> Iterator[Problem]:
    """Yield the programs of sources that this user cannot run on this machine, or that others may change."""
    for number, source in enumerate(rules.sources):
        stated, place = source.command[0], ("source", number, "command")
        found = program(stated, path.absolute().parent)
        if PLACEHOLDER.search(stated):
            continue
        if shutil.which(found) is None:
            why = "cannot be run" if "/" in found else "is not in PATH"
            yield place, f"the program {clean(stated)} {why} here"
        elif found != stated:
            for doubt in rules_trust(Path(found)):
                yield place, f"{clean(str(doubt.path))}: {doubt.what}; no program runs that others may change"


def program(stated: str, folder: Path) -> str:
    """Return the program of a command: as it is, or beside the rules if it is a relative path."""
    return str(folder / stated) if "/" in stated else stated
