"""Make a service desk: the database, and the rules file beside it; or a temporary one with realistic tickets.

The tickets of a temporary service desk are a history file, `demo.jsonl`, in which `WRITTEN` is now. They are moved to
the present and imported.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from slactl import committed
from slactl.committed import in_parts
from slactl.config import Config, shipped_rules, user_rules
from slactl.desk.ledger.trust import SYSTEM_FOLDER, system_rules
from slactl.errors import NotKnownError, RefusedError, RulesError, SlactlError
from slactl.files import cannot_write, write_whole
from slactl.store.database import Database
from slactl.store.sqlite.lock import edit_lock
from slactl.text import quoted

if TYPE_CHECKING:
    from slactl.desk.transfer.lines import Problem

#: The instant that is now in the history file of a temporary service desk.
WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class InitResult:
    """The files that `init` made or found."""

    database: Path
    database_made: bool
    rules: Path
    rules_made: bool
    backup: Path | None


def init(
    config: Config, environment: Mapping[str, str], *, force: bool = False, group: str | None = None
) -> InitResult:
    """Create the database and write a commented rules file, unless they are there.

    `force` writes the rules file again and keeps the old one as `.bak`; it never touches the database. Members of a
    group may write the database and read the rules; whoever may write the rules can read the sender's secrets.

    Raises:
        NotKnownError: there is no such group.
        RefusedError: the rules would be where the group may replace them.
        DatabaseError: the database cannot be created.
        LockedError: another command writes the rules file for too long.
        RulesError: the rules file is a folder.
        SlactlError: the rules file cannot be written.
    """
    number = _group_number(group) if group is not None else None
    target = rules_target(config, environment, is_shared=number is not None)
    if group is not None and (force or not target.exists()):
        _refuse_shared_folder(config.database, target, group)
    with in_parts():
        return _make(config, target, group=number, force=force)


def _make(config: Config, target: Path, *, group: int | None, force: bool) -> InitResult:
    made = Database(config.database).create(group=group)
    if made:
        committed.add("database", "created", [config.database])
    backup = target.with_name(target.name + ".bak") if force and target.exists() else None
    if not force and target.exists():
        return InitResult(config.database, made, target, False, None)
    try:
        _make_folders(target.parent, is_shared=group is not None)
        with edit_lock(target, "slactl init --force" if force else "slactl init"):
            rules = shipped_rules().read_bytes()

            def keep_old() -> None:
                if backup is not None:
                    _keep(target, backup)

            with committed.uninterrupted():
                write_whole(target, rules, mode=0o644, replace=backup is not None, before_rename=keep_old)
                committed.add("file", "written", [target])
    except FileExistsError:  # another process made the file meanwhile
        return InitResult(config.database, made, target, False, backup)
    except OSError as error:
        raise cannot_write(target, error) from error
    return InitResult(config.database, made, target, True, backup)


def _keep(target: Path, backup: Path) -> None:
    """Give a file a second name, and replace a file that has this name; the first name stays too."""
    if target.is_symlink():  # the link is kept, and not what it leads to
        os.replace(target, backup)
        return
    backup.unlink(missing_ok=True)
    try:
        os.link(target, backup, follow_symlinks=False)
    except OSError:  # a file system without hard links, or a file of somebody else
        os.replace(target, backup)


def rules_target(config: Config, environment: Mapping[str, str], *, is_shared: bool = False) -> Path:
    """Return where `init` writes the rules: where the settings point, else the user's own file, or root's shared one.

    Raises:
        RulesError: a folder is there.
    """
    named = config.sources["rules"] in ("--rules", "SLACTL_RULES")
    own = SYSTEM_FOLDER / "rules.toml" if is_shared and os.geteuid() == 0 else user_rules(environment)
    target = config.rules if named else own
    if os.path.isdir(target):
        raise RulesError(f"the rules file {target} is a folder", f"slactl --rules {quoted(target / 'rules.toml')} init")
    return target


def _refuse_shared_folder(database: Path, rules: Path, group: str) -> None:
    """Refuse rules in the folder that the group has to write for the database, or below it.

    Raises:
        RefusedError: the rules would be in that folder.
    """
    folder = Path(os.path.realpath(database)).parent
    if not Path(os.path.realpath(rules)).is_relative_to(folder):
        return
    sudo, place = "sudo " if os.geteuid() else "", quoted(system_rules(rules))
    raise RefusedError(
        f"the folder {folder} will belong to the group {group}; the rules must be in another folder",
        f"{sudo}slactl --db {quoted(database)} --rules {place} init --shared-group {quoted(group)}",
    )


def _make_folders(folder: Path, *, is_shared: bool) -> None:
    """Make the folder of the rules and those above it, which only their owner may write, whatever the umask is."""
    for part in reversed((folder, *folder.parents)):
        if not part.exists():
            part.mkdir(mode=0o755, exist_ok=True)
            if is_shared:
                part.chmod(0o755)


def _group_number(name: str) -> int:
    import grp

    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise NotKnownError(f"there is no group {name!r} on this machine", f"sudo groupadd {quoted(name)}") from None


def make_demo(now: datetime, config: Config) -> tuple[Config, int]:
    """Make a temporary service desk; return its settings and how many tickets it has."""
    import json
    from importlib import resources
    from io import BytesIO
    from tempfile import mkdtemp

    from slactl.clock import from_text, to_text
    from slactl.desk.ledger.desk import Desk
    from slactl.desk.transfer.importing import Source, import_file

    folder = Path(mkdtemp(prefix="slactl-demo-"))
    demo = config._replace(database=folder / "slactl.db", rules=folder / "rules.toml")
    demo.rules.write_bytes(shipped_rules().read_bytes())
    Database(demo.database).create()
    lines = resources.files("slactl.desk.upkeep").joinpath("demo.jsonl").read_text(encoding="utf-8").splitlines()
    moved = (line | {"at": to_text(from_text(line["at"]) + (now - WRITTEN))} for line in map(json.loads, lines))
    history = BytesIO("\n".join(map(json.dumps, moved)).encode())
    desk = Desk.of(demo)._replace(is_temporary=True)
    return demo, import_file(desk, now, Source(history), _refuse).opened


def _refuse(problem: "Problem") -> None:
    raise SlactlError(f"demo.jsonl:{problem}")
