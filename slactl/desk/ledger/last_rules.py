"""Private copies of the rules that this user's commands read, in a folder that nobody else can write.

The addresses of messages never come from the database, because others may have written it. While the rules file is
unchanged, a run without work takes the address of the heartbeat from the copy of the last `check`. While the rules file
is invalid, `check` takes the addresses of messages from this copy.

Understanding rules takes longer than everything else in a short command. Thus commands also keep each version of the
rules as they understood it, by its hash, and which version the unchanged file has.
"""

import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from slactl import __version__
from slactl.clock import now
from slactl.config import state_folder
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.trust import rules_trust
from slactl.errors import SlactlError
from slactl.files import read_regular, write_whole

if TYPE_CHECKING:
    from slactl.sla.rules.rules import Rules

#: The form of stored rules, and how many versions of them are kept.
FORMAT, MOST_COMPILED = 1, 20

#: The folders of the tables that have one of their own.
_INNER = ("mail", "objectives", "oncall")

#: The longest tick of the clock that says when a file was changed, in seconds.
TICK = 0.1


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
    if desk.is_temporary or recall(desk) == rules:
        return
    with suppress(OSError, SlactlError):
        _write(_place(desk), json.dumps({"of": _names(desk), **rules._asdict()}))


def rules_of(desk: Desk, fingerprint: str) -> "Rules | None":
    """Return the rules that a command of this user read from the file in this state; None if no command did."""
    try:
        file = _place(desk, "read")
        if rules_trust(file):
            return None
        kept = json.loads(read_regular(file))
        is_known = kept["of"] == _names(desk) and kept["fingerprint"] == fingerprint
        return compiled(kept["hash"]) if is_known else None
    except (OSError, SlactlError, ValueError, TypeError, KeyError):
        return None


def keep_rules(desk: Desk, fingerprint: str, rules: "Rules") -> None:
    """Store the valid rules that a command read from the file in this state; if that fails, the next one reads it."""
    if desk.is_temporary:
        return
    keep_compiled(rules)
    kept = {"of": _names(desk), "fingerprint": fingerprint, "hash": rules.hash}
    with suppress(OSError, SlactlError):
        _write(_place(desk, "read"), json.dumps(kept))


def compiled(rules_hash: str) -> "Rules | None":
    """Return the version of the rules with this hash as a command of this user understood it before.

    None if this program did not understand it before, or if the copy is damaged.
    """
    from hashlib import sha256

    from slactl.sla.rules.plain import decode

    try:
        file = _place_of(rules_hash)
        if rules_trust(file):
            return None
        digest, _, rest = read_regular(file).partition(b"\n")
        program, _, text = rest.decode().partition("\n")
        if digest.decode() != sha256(rest).hexdigest() or program != _program():
            return None
        rules = decode(text)
        return rules if rules.hash == rules_hash else None
    except (OSError, SlactlError, ValueError, TypeError, KeyError):
        return None


def keep_compiled(rules: "Rules") -> None:
    """Store a version of the rules as this program understands it, and forget the versions not stored for longest."""
    from hashlib import sha256

    from slactl.sla.rules.plain import encode

    try:
        rest = f"{_program()}\n{encode(rules)}".encode()
        file = _place_of(rules.hash)
        _write(file, f"{sha256(rest).hexdigest()}\n{rest.decode()}")
        others = sorted(file.parent.glob("compiled-*.json"), key=lambda other: other.stat().st_mtime_ns)
        for other in others[:-MOST_COMPILED]:
            other.unlink(missing_ok=True)
    except (OSError, SlactlError, ValueError):
        return


def is_settled(rules: Path) -> bool:
    """Return whether the next change of a rules file changes its fingerprint.

    The instant of a change is no more exact than a tick of the kernel, or a second on some file systems. Thus two
    changes within such a time may look like one.
    """
    try:
        found = rules.stat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and now().timestamp() > found.st_ctime + TICK


def _program() -> str:
    """Return a text that changes with the program that understands rules."""
    from zlib import crc32

    from slactl.sla.rules import plain

    rules = Path(plain.__file__).parent
    files = [
        each.path for folder in (rules, *map(rules.joinpath, _INNER)) for each in os.scandir(folder) if each.is_file()
    ]
    files += [str(rules.parent / "enums.py"), str(rules.parents[1] / "durations.py")]
    states = [(each.st_mtime_ns, each.st_size) for each in map(os.stat, sorted(files))]
    return f"{FORMAT} {__version__} {crc32(repr(states).encode()):08x}"


def _write(file: Path, text: str) -> None:
    """Write a file that only this user reads, unless others may change its folder."""
    for folder in reversed((file.parent, *file.parent.parents)):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    # The new file takes the place of the old one, so it does not matter who may change the old file.
    if all(doubt.path == file for doubt in rules_trust(file)):
        write_whole(file, text.encode(), mode=0o600)


def _place_of(rules_hash: str) -> Path:
    return state_folder(os.environ) / f"compiled-{rules_hash}.json"


def _place(desk: Desk, kind: str = "rules") -> Path:
    from zlib import crc32

    number = crc32("\0".join(_names(desk)).encode(errors="surrogateescape"))
    return state_folder(os.environ) / f"{kind}-{number:08x}.json"


def _names(desk: Desk) -> list[str]:
    return [os.path.realpath(desk.rules), os.path.realpath(desk.database.path)]
