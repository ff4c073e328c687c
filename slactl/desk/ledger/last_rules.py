"""A private copy of the rules that this user's last `check` read, in a folder that nobody else can write.

The addresses of messages never come from the database, because others may have written it. While the rules file is
unchanged, a run without work takes the address of the heartbeat from this copy. While the rules file is invalid,
`check` takes the addresses of messages from this copy.
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

from slactl.config import state_folder
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.trust import rules_trust
from slactl.errors import SlactlError
from slactl.files import read_regular, write_whole


class Heartbeat(NamedTuple):
    """The URL that `check` requests after a run without problems, as the rules write it, without its secrets."""

    url: str
    allow_http: bool = False
    secrets: str = "secrets"
    proxy: str | None = None


class LastRules(NamedTuple):
    """The valid rules that the last run read, and the state of their file; no text if others could write it."""

    fingerprint: str
    heartbeat: Heartbeat | None
    text: str | None
    hash: str
    #: The names of the sources that `sync` imports.
    sources: tuple[str, ...] = ()
    #: The names of the schedules that have a calendar feed.
    feeds: tuple[str, ...] = ()
    #: Whether they have goals or schedules, whose figures each run keeps for SQL.
    has_figures: bool = False


def recall(desk: Desk) -> LastRules | None:
    """Return the rules that this user's last run with this file and database stored; None if there are none."""
    try:
        file = _place(desk)
        if rules_trust(file):
            return None
        kept = json.loads(read_regular(file))
        if kept.pop("of") != _names(desk):
            return None
        heartbeat = kept.pop("heartbeat")
        sources, feeds = (tuple(map(str, kept.pop(key, ()))) for key in ("sources", "feeds"))
        return LastRules(heartbeat=Heartbeat(*heartbeat) if heartbeat else None, sources=sources, feeds=feeds, **kept)
    except (OSError, SlactlError, ValueError, TypeError, KeyError, AttributeError):
        return None


def keep(desk: Desk, rules: LastRules) -> None:
    """Store the rules that a run read; if that fails, the next run reads the rules file itself."""
    if recall(desk) == rules:
        return
    try:
        file = _place(desk)
        for folder in reversed((file.parent, *file.parent.parents)):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
        # The new file takes the place of the old one, so it does not matter who may change the old file.
        if all(doubt.path == file for doubt in rules_trust(file)):
            kept = json.dumps({"of": _names(desk), **rules._asdict()})
            write_whole(file, kept.encode(), mode=0o600)
    except (OSError, SlactlError):
        return


def _place(desk: Desk) -> Path:
    from zlib import crc32

    number = crc32("\0".join(_names(desk)).encode(errors="surrogateescape"))
    return state_folder(os.environ) / f"rules-{number:08x}.json"


def _names(desk: Desk) -> list[str]:
    return [os.path.realpath(desk.rules), os.path.realpath(desk.database.path)]
