"""What this user's last run of `check` read in the rules file, in a private folder; nobody else can write there.

The database says nothing about where messages go: it may be anybody's. While the rules file is unchanged, a run without
work takes the heartbeat's address from here. While the rules file is invalid, messages go where this copy says.
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
    """The URL that is asked for after a clean run, as the rules write it: secrets are put in only then."""

    url: str
    allow_http: bool = False
    secrets: str = "secrets"


class LastRules(NamedTuple):
    """The valid rules that the last run read, and the state of their file; no text where others could write it."""

    fingerprint: str
    heartbeat: Heartbeat | None
    text: str | None
    hash: str


def rules_fingerprint(path: Path) -> str:
    """What tells one state of the rules file from another without reading it; of no file, its absence.

    Nobody can set back the instant at which a file was last changed, and importing a hash would cost an idle run more
    than all that it does.
    """
    try:
        found = path.stat()
    except OSError:
        return "no file"
    return f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def recall(desk: Desk) -> LastRules | None:
    """Return what the last run of this user with these rules and this database read; None where nothing is kept."""
    try:
        place = _place(desk)
        if rules_trust(place):
            return None
        found = json.loads(read_regular(place))
        if found.pop("of") != _names(desk):
            return None
        heartbeat = found.pop("heartbeat")
        return LastRules(heartbeat=Heartbeat(*heartbeat) if heartbeat else None, **found)
    except (OSError, SlactlError, ValueError, TypeError, KeyError, AttributeError):
        return None


def keep(desk: Desk, rules: LastRules) -> None:
    """Keep what a run read for the next one; where that cannot be, the next one reads the rules file itself."""
    if recall(desk) == rules:
        return
    try:
        place = _place(desk)
        for folder in reversed((place.parent, *place.parent.parents)):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
        if not rules_trust(place.parent):
            kept = json.dumps({"of": _names(desk), **rules._asdict()})
            write_whole(place, kept.encode(), mode=0o600)
    except (OSError, SlactlError):
        return


def _place(desk: Desk) -> Path:
    from zlib import crc32

    number = crc32("\0".join(_names(desk)).encode(errors="surrogateescape"))
    return state_folder(os.environ) / f"rules-{number:08x}.json"


def _names(desk: Desk) -> list[str]:
    return [os.path.realpath(desk.rules), os.path.realpath(desk.database.path)]
