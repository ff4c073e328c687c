"""A desk that several people and cron share: whoever makes a file, all of the group can write it, and nobody else."""

import grp
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users"),
]

#: Two members and a stranger; nobody needs an entry in the user database.
ANN, BOB, STRANGER = 51_001, 51_002, 51_003


@dataclass(frozen=True)
class Shared:
    """A folder for a desk, and the group that may use it."""

    folder: Path
    group: grp.struct_group
    python: str

    def run(self, who: int, *words: str, umask: int = 0o077) -> "subprocess.CompletedProcess[str]":
        """Run slactl as some user with the strictest umask."""
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": "/nonexistent",
            "SLACTL_DB": str(self.folder / "desk" / "slactl.db"),
            "SLACTL_RULES": str(self.folder / "desk" / "rules.toml"),
            "SLACTL_ACTOR": f"user-{who}",
            "PYTHONPATH": f"{Path(__file__).parents[1]}:{sysconfig.get_paths()['purelib']}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        groups = [self.group.gr_gid] if who in (ANN, BOB) else []
        return subprocess.run(
            [self.python, "-m", "slactl", *words],
            env=environment,
            cwd="/",
            user=who,
            group=who,
            extra_groups=groups,
            umask=umask,
            capture_output=True,
            text=True,
            check=False,
        )

    def modes(self) -> dict[str, tuple[int, str]]:
        """The mode and the group of everything in the desk's folder."""
        found = {path.name: path.stat() for path in (self.folder / "desk").iterdir()}
        return {name: (each.st_mode & 0o777, grp.getgrgid(each.st_gid).gr_name) for name, each in found.items()}


@pytest.fixture
def shared() -> Iterator[Shared]:
    folder = Path(tempfile.mkdtemp(prefix="slactl-shared-"))
    folder.chmod(0o1777)
    group = next(each for each in grp.getgrall() if each.gr_name not in ("root", "nogroup"))
    # The interpreter of these tests may be in a home that nobody else can enter.
    desks = [Shared(folder, group, python) for python in (sys.executable, "/usr/bin/python3")]
    found = next((each for each in desks if can_run(each)), None)
    if found is None:
        pytest.skip("other users can reach neither this checkout nor an interpreter")
    yield found
    shutil.rmtree(folder)


def can_run(shared: Shared) -> bool:
    try:
        return shared.run(STRANGER, "rules", "check").returncode in (0, 4)
    except OSError:
        return False


@pytest.mark.parametrize("maker", [0, ANN])
def test_members_share_everything_and_others_nothing(shared: Shared, maker: int) -> None:
    made = shared.run(maker, "init", "--shared-group", shared.group.gr_name)
    assert made.returncode == 0, made.stderr
    desk = shared.folder / "desk"
    assert stat.S_IMODE(desk.stat().st_mode) == 0o2770
    for who, words in (
        (ANN, ("create", "Printer on fire", "--from", "ann@example.com", "--plan", "enterprise", "--at", "2d ago")),
        (BOB, ("note", "1", "--body", "on it")),
        (ANN, ("check",)),
        (BOB, ("check",)),
        (0, ("note", "1", "--body", "from root")),
        (BOB, ("rules", "set", "settings.due_soon", "3h")),
        (ANN, ("rules", "set", "settings.due_soon", "4h")),
        (BOB, ("create", "Second", "--from", "bob@example.com")),
        (ANN, ("list", "--json")),
    ):
        done = shared.run(who, *words)
        assert done.returncode == 0, (who, words, done.stderr)
    modes = shared.modes()
    assert {group for _, group in modes.values()} == {shared.group.gr_name}
    assert {mode for name, (mode, _) in modes.items() if name != "rules.toml"} == {0o660}
    assert modes["rules.toml"][0] & 0o662 == 0o660
    for words in (("list",), ("check",), ("create", "x", "--from", "x@example.com")):
        refused = shared.run(STRANGER, *words)
        assert refused.returncode == 6, (words, refused.stderr)
        assert "Traceback" not in refused.stderr


def test_a_reader_who_is_there_while_another_writes_leaves_files_that_both_can_use(shared: Shared) -> None:
    """The files beside the database are made by whoever comes first, and go when the last one leaves."""
    assert shared.run(0, "init", "--shared-group", shared.group.gr_name).returncode == 0
    for turn in range(3):
        for who in (ANN, BOB, 0):
            done = shared.run(who, "create", f"Ticket {turn}", "--from", "ann@example.com")
            assert done.returncode == 0, done.stderr
    assert shared.run(BOB, "list", "-q").stdout.split() == [str(number) for number in range(1, 10)]
