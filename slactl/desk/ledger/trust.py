"""Find out who may change the rules. slactl reads secrets and sends messages only if nobody else may change them.

A person who writes the rules decides which secrets are read, where they are sent and which programs run. Everybody who
may replace the file counts as a writer: its owner, and by its mode the group and others. The same is true for every
folder and every symbolic link on the way to it.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from slactl.places import is_ours, open_bits, others_may_replace, real_path, way
from slactl.text import quoted

#: The folder that only root writes, for the rules of a service desk that several people share.
SYSTEM_FOLDER = Path("/etc/slactl")


class Doubt(NamedTuple):
    """A place where somebody else may change the rules, and the command that closes it; None: the rules must move."""

    path: Path
    what: str
    fix: str | None


def rules_trust(path: Path) -> tuple[Doubt, ...]:
    """Return where somebody besides root and this user may change a file; empty if nobody may.

    Many systems make a group for each user. Such a group may write to folders farther up, such as a home. It may not
    write to the file or its own folder, because the group can get more members at any time.
    """
    found: list[Doubt] = []
    try:
        steps = list(way(path))
        own = (steps[-1][0], steps[-1][0].parent)
        for place, status in steps:
            found += () if status is None else _doubts(place, status, None if place in own else place)
    except OSError as error:
        found.append(Doubt(path, f"it cannot be checked: {error.strerror}", f"ls -ld {quoted(path)}"))
    return tuple(found)


def refusals(found: Sequence[Doubt], what: str = "nothing is sent") -> list[str]:
    """Return what a run says about rules that others may change, a line each; `what` is what it does not do."""
    return [f"{each.path}: {each.what}; {what} while others may change the rules" for each in found]


def _doubts(place: Path, status: os.stat_result, lenient: Path | None) -> Iterator[Doubt]:
    """Yield who else may change one folder, link or file on the way; `lenient` as in `open_bits`."""
    is_file = not stat.S_ISDIR(status.st_mode) and not stat.S_ISLNK(status.st_mode)
    sudo = "sudo " if os.geteuid() else ""
    if not is_ours(status):
        fix = f"{sudo}chown root {quoted(place)}" if is_file else None
        yield Doubt(place, f"it belongs to {user_name(status.st_uid)}", fix)
    # Ask last for the members of a group, because the answer takes long.
    may_change = not stat.S_ISLNK(status.st_mode) and (is_file or others_may_replace(status, lenient))
    if not may_change or not (bits := open_bits(status, lenient)):
        return
    letters = ("g" if bits & stat.S_IWGRP else "") + ("o" if bits & stat.S_IWOTH else "")
    who = "everybody" if bits & stat.S_IWOTH else f"the group {group_name(status.st_gid)}"
    what = f"{who} may {'change it' if is_file else 'replace files in it'}"
    own = "" if status.st_uid == os.geteuid() else sudo
    yield Doubt(place, what, f"{own}chmod {letters}-w {quoted(place)}")


def closing_commands(rules: Path, database: Path, found: Sequence[Doubt]) -> str:
    """Return the commands, as one line for a shell, after which nobody else may change the rules.

    The folder of a shared database stays open for its group, so that the rules have to leave it.
    """
    try:
        is_shared = bool(os.stat(database).st_mode & stat.S_IWGRP)
    except OSError:
        is_shared = False
    must_stay = os.path.realpath(database.parent) if is_shared else None
    if any(each.fix is None or str(each.path) == must_stay for each in found):
        with suppress(OSError):
            rules = real_path(rules)
        return " && ".join(_moving(rules))
    return " && ".join(dict.fromkeys(each.fix for each in found if each.fix is not None))


def _moving(rules: Path) -> Iterator[str]:
    """Yield the commands that copy the rules to a folder of root's.

    `dd` does not follow a link that somebody put there meanwhile, and the copy is a file that nobody else has open.
    """
    sudo, target = "sudo " if os.geteuid() else "", system_rules(rules)
    yield f"{sudo}install -d -m 0755 -o root {quoted(target.parent)}"
    read, written = quoted(f"if={rules.absolute()}"), quoted(f"of={target}")
    yield f"{sudo}dd {read} iflag=nofollow,nonblock {written} conv=excl status=none"
    yield f"{sudo}chmod 0644 {quoted(target)}"
    for step in _moving_secrets(rules.absolute(), target):
        yield sudo + step
    yield f"{sudo}rm {quoted(rules.absolute())}"
    yield f"export SLACTL_RULES={quoted(target)}"


def system_rules(rules: Path) -> Path:
    """Return the place for rules that only root writes; of a second service desk, in a folder named as its own."""
    first = SYSTEM_FOLDER / "rules.toml"
    return SYSTEM_FOLDER / (rules.absolute().parent.name or "desk") / "rules.toml" if os.path.lexists(first) else first


def _moving_secrets(rules: Path, target: Path) -> Iterator[str]:
    """Yield the commands after which `${file:…}` finds the secrets from the new place of the rules."""
    from slactl.files import read_regular
    from slactl.sla.rules.addresses import PLACEHOLDER

    try:
        text = read_regular(rules).decode()
    except (OSError, UnicodeDecodeError):
        return
    named = dict.fromkeys(Path(name) for kind, name in PLACEHOLDER.findall(text) if kind == "file")
    files = [each for each in named if os.path.lexists(rules.parent / each)]
    folders = {each.parent for each in files if each.is_absolute()}
    if len(folders) == 1:
        yield f"slactl --rules {quoted(target)} rules set settings.secrets {quoted(*folders)}"
    if any(each.parts[:1] == ("secrets",) for each in files):
        yield f"mv -T {quoted(rules.parent / 'secrets')} {quoted(target.parent / 'secrets')}"
    if beside := [rules.parent / each for each in files if len(each.parts) == 1]:
        owner, folder = os.lstat(beside[0]).st_uid, target.parent / "secrets"
        yield f"install -d -m 0700 -o {owner} {quoted(folder)}"
        yield f"mv -t {quoted(folder)} {' '.join(map(quoted, beside))}"


def user_name(number: int) -> str:
    """Return the name of a user, or the number if there is no name."""
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group_name(number: int) -> str:
    """Return the name of a group, or its number if it has no name."""
    import grp

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
