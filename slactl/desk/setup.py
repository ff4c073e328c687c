"""Making a desk: the database, and the rules file beside it."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slactl.config import Config, shipped_rules, user_rules
from slactl.errors import NotKnownError, RulesError, SlactlError
from slactl.store.connection import create_database
from slactl.store.lock import edit_lock
from slactl.text import quoted


@dataclass(frozen=True, slots=True)
class Made:
    """What `init` found and made."""

    database: Path
    database_made: bool
    rules: Path
    rules_made: bool
    backup: Path | None


def init(config: Config, environment: Mapping[str, str], *, force: bool = False, group: str | None = None) -> Made:
    """Create the database and write a commented rules file, unless they are there.

    `force` writes the rules file anew and keeps the old one as `.bak`; the database is never touched. With a
    group, both belong to it and its members may write them.

    Raises:
        NotKnownError: there is no such group.
        DatabaseError: the database cannot be created.
        LockedError: another command writes the rules file for too long.
        RulesError: the rules are a folder.
        SlactlError: the rules file cannot be written.
    """
    number = _group_number(group) if group is not None else None
    target = rules_target(config, environment)
    made = create_database(config.database, group=number)
    backup = target.with_name(target.name + ".bak") if force and target.exists() else None
    if not force and target.exists():
        return Made(config.database, made, target, False, None)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with edit_lock(target, "slactl init --force" if force else "slactl init"):
            if backup is not None:
                os.replace(target, backup)
            write_new(target, shipped_rules().read_text(encoding="utf-8"), 0o644 if number is None else 0o664, number)
    except FileExistsError:  # somebody else was faster
        return Made(config.database, made, target, False, backup)
    except OSError as error:
        raise SlactlError(f"{target} cannot be written: {error.strerror}", f"ls -ld {quoted(target.parent)}") from error
    return Made(config.database, made, target, True, backup)


def rules_target(config: Config, environment: Mapping[str, str]) -> Path:
    """Where `init` writes the rules: where the settings point, else the user's own file.

    Raises:
        RulesError: a folder is there.
    """
    named = config.sources["rules"] in ("--rules", "SLACTL_RULES")
    target = config.rules if named else user_rules(environment)
    if os.path.isdir(target):
        raise RulesError(f"the rules {target} are a folder", f"slactl --rules {quoted(target / 'rules.toml')} init")
    return target


def write_new(path: Path, text: str, mode: int, group: int | None = None) -> None:
    """Write a file that is not there yet, whole or not at all, without following a link.

    Raises:
        FileExistsError: something is there.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            if group is not None:
                os.fchown(stream.fileno(), -1, group)
            os.fchmod(stream.fileno(), mode)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(name, path)
    finally:
        os.unlink(name)


def _group_number(name: str) -> int:
    import grp

    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise NotKnownError(f"there is no group {name!r} on this machine", f"sudo groupadd {quoted(name)}") from None
