"""A desk that several people and cron share: whoever makes a file, all of the group can write it, and nobody else."""

import grp
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Receivers

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users"),
]

#: Two members and a stranger; nobody needs an entry in the user database.
ANN, BOB, STRANGER = 51_001, 51_002, 51_003

#: Where the modules are, for an interpreter other than that of these tests.
MODULES = ":".join([str(Path(__file__).parents[1]), *(each for each in sys.path if each.endswith("site-packages"))])


@dataclass(frozen=True)
class Shared:
    """A folder for a desk, and the group that may use it."""

    folder: Path
    group: grp.struct_group
    python: str

    @property
    def rules(self) -> Path:
        """The rules of the desk, in a folder of their own."""
        return self.folder / "rules" / "rules.toml"

    def run(
        self, who: int, *words: str, umask: int = 0o077, rules: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run slactl as some user with the strictest umask."""
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder / f"home-{who}"),
            "SLACTL_DB": str(self.folder / "desk" / "slactl.db"),
            "SLACTL_RULES": str(rules or self.rules),
            "SLACTL_ACTOR": f"user-{who}",
            "PYTHONPATH": MODULES,
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
        shutil.rmtree(folder)
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
    assert (stat.S_IMODE(shared.rules.stat().st_mode), shared.rules.stat().st_uid) == (0o644, maker)
    assert (stat.S_IMODE(shared.rules.parent.stat().st_mode), shared.rules.parent.stat().st_uid) == (0o755, maker)
    for who, words in (
        (ANN, ("create", "Printer on fire", "--from", "ann@example.com", "--plan", "enterprise", "--at", "2d ago")),
        (BOB, ("note", "1", "--body", "on it")),
        (ANN, ("check",)),
        (BOB, ("check",)),
        (0, ("note", "1", "--body", "from root")),
        (maker, ("rules", "set", "settings.due_soon", "3h")),
        (BOB, ("create", "Second", "--from", "bob@example.com")),
        (ANN, ("list", "--json")),
    ):
        done = shared.run(who, *words)
        assert done.returncode == 0, (who, words, done.stderr)
    before = shared.rules.read_text()
    assert shared.run(BOB, "rules", "set", "settings.due_soon", "4h").returncode == 1
    assert shared.rules.read_text() == before
    modes = shared.modes()
    assert set(modes.values()) == {(0o660, shared.group.gr_name)}
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


def shared_before(shared: Shared, address: str) -> Path:
    """Make a desk as slactl made it before: the group writes the rules and their folder; one ticket is late."""
    assert shared.run(0, "init", "--shared-group", shared.group.gr_name).returncode == 0
    rules = shared.folder / "desk" / "rules.toml"
    rules.write_text(shared.rules.read_text().replace("notify = []", f'notify = ["{address}"]', 1))
    shutil.rmtree(shared.rules.parent)
    os.chown(rules, 0, shared.group.gr_gid)
    rules.chmod(0o664)
    late = ("create", "Printer on fire", "--from", "ann@example.com", "--plan", "enterprise", "--at", "2d ago")
    assert shared.run(ANN, *late, rules=rules).returncode == 0
    return rules


def secret_of(who: int, folder: Path, content: str) -> Path:
    """Write a secret that only one user reads."""
    folder.mkdir(mode=0o700)
    path = folder / "hook"
    path.write_text(content)
    path.chmod(0o400)
    for each in (path, folder):
        os.chown(each, who, who)
    return path


def paste(shared: Shared, line: str, etc: Path) -> Path:
    """Paste a line as root, with a folder of the test's own for /etc; returns the new place of the rules."""
    slactl = f'slactl() {{ {shared.python} -m slactl "$@"; }}'
    script = f"set -e; {slactl}; {line.replace('sudo ', '').replace('/etc/slactl', str(etc))}; echo $SLACTL_RULES"
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        "PYTHONPATH": MODULES,
    }
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("place", ["absolute", "beside", "short"])
def test_the_commands_that_are_printed_close_a_desk_that_was_shared_before(
    shared: Shared, receiver: Receivers, place: str
) -> None:
    hook = receiver("ok")
    folder = shared.folder / "desk" / "secrets"
    named = {"absolute": f"{folder}/hook", "beside": "secrets/hook", "short": "hook"}[place]
    rules = shared_before(shared, f"${{file:{named}}}")
    secret = secret_of(BOB, folder, hook.url)
    if place == "short":
        secret.rename(rules.parent / "hook")
        folder.rmdir()
    for _ in range(2):
        result = shared.run(BOB, "check", rules=rules)
        assert result.returncode == 7, result.stderr
        assert "may replace files in it" in result.stderr
    doctor = shared.run(BOB, "doctor", rules=rules)
    hint = result.stderr.splitlines()[-1].removeprefix("hint: ")
    assert (doctor.returncode, hint in doctor.stdout) == (7, True)
    assert hook.took == []
    etc = shared.folder / "etc"
    moved = paste(shared, hint, etc)
    assert (moved, moved.stat().st_uid, moved.stat().st_mode & 0o777) == (etc / "rules.toml", 0, 0o644)
    assert not rules.exists()
    done = shared.run(BOB, "check", rules=moved)
    assert done.returncode == 0, done.stderr
    assert len(hook.took) == 1


def test_members_get_no_secret_of_the_user_who_sends(shared: Shared, receiver: Receivers) -> None:
    """Ann writes where messages go into rules, a heartbeat, a rules version; Bob's check reads nothing for her."""
    hook = receiver("ok")
    rules = shared_before(shared, "json://127.0.0.1:1/x")
    own = secret_of(BOB, shared.folder / "bobs", "SENTINEL")
    rules.write_text(rules.read_text().replace("json://127.0.0.1:1/x", f"{hook.url}?-x=${{file:{own}}}"))
    assert shared.run(BOB, "check", rules=rules).returncode == 7
    beat = json.dumps([f"{hook.url.replace('json://', 'http://')}?${{file:{own}}}", True])
    with sqlite3.connect(shared.folder / "desk" / "slactl.db") as connection:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('heartbeat', ?)", (beat,))
    connection.close()
    for _ in range(2):
        shared.run(BOB, "check", rules=rules)
    rules.write_text("schema = \n")
    for mode in (0o664, 0o644):
        rules.chmod(mode)
        assert shared.run(BOB, "check", rules=rules).returncode == 4
    assert hook.took == []


def test_a_members_check_leaves_messages_to_the_user_who_reads_the_secrets(shared: Shared, receiver: Receivers) -> None:
    hook = receiver("ok")
    assert shared.run(0, "init", "--shared-group", shared.group.gr_name).returncode == 0
    secret_of(BOB, shared.rules.with_name("secrets"), hook.url)
    shared.rules.write_text(shared.rules.read_text().replace("notify = []", 'notify = ["${file:hook}"]', 1))
    assert shared.run(ANN, "create", "Printer on fire", "--from", "ann@example.com").returncode == 0
    escalated = shared.run(ANN, "escalate", "1", "--reason", "called twice")
    assert escalated.returncode == 0, escalated.stderr
    for who in (ANN, 0):
        for _ in range(20):  # the instants of messages are whole seconds
            done = shared.run(who, "check")
            if done.returncode:
                break
        assert (done.returncode, "its messages wait" in done.stderr) == (7, True), done.stderr
    assert shared.run(ANN, "rules", "check", "--strict").stderr.count("secret") == 0
    assert shared.run(0, "doctor").stdout.count("secret file") == 0
    assert hook.took == []
    for _ in range(20):  # the instants of messages are whole seconds
        done = shared.run(BOB, "check")
        if hook.took:
            break
    assert (done.returncode, len(hook.took)) == (0, 1), done.stderr


def permissions(shared: Shared, who: int) -> list[dict[str, str]]:
    """What doctor finds wrong with modes and groups."""
    found = json.loads(shared.run(who, "doctor", "--json").stdout)["checks"]
    return [check for check in found if check["check"] == "permissions" and not check["ok"]]


#: Leaves the files that a member who is killed leaves: made by SQLite, in the group of that member.
CRASH = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("DELETE FROM meta WHERE key = 'nothing'")
os.kill(os.getpid(), signal.SIGKILL)
"""


def crash(shared: Shared, who: int) -> None:
    """Kill a member in the middle of a transaction."""
    database = shared.folder / "desk" / "slactl.db"
    done = subprocess.run(
        [shared.python, "-c", CRASH, str(database)],
        cwd="/",
        user=who,
        group=who,
        extra_groups=[shared.group.gr_gid],
        umask=0o077,
        check=False,
    )
    assert done.returncode == -9


def repair(line: str) -> None:
    """Paste the command of a finding as root."""
    done = subprocess.run(["sh", "-c", line.replace("sudo ", "")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_doctor_finds_a_missing_setgid_bit_before_it_hurts(shared: Shared) -> None:
    assert shared.run(0, "init", "--shared-group", shared.group.gr_name).returncode == 0
    assert shared.run(ANN, "create", "Printer", "--from", "ann@example.com").returncode == 0
    assert [permissions(shared, who) for who in (0, ANN, BOB)] == [[], [], []]
    folder = shared.folder / "desk"
    folder.chmod(0o0770)
    for who in (0, ANN, BOB):
        [finding] = permissions(shared, who)
        assert f"{folder} is not setgid" in finding["found"]
        assert finding["fix"] == f"{'sudo ' if who else ''}chmod g+rwxs {folder}"
    assert shared.run(ANN, "doctor").returncode == 7
    repair(finding["fix"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o2770
    crash(shared, ANN)
    assert shared.run(BOB, "note", "1", "--body", "n").returncode == 0
    assert permissions(shared, BOB) == []


def test_doctor_lets_members_in_again_who_were_locked_out_by_a_crash(shared: Shared) -> None:
    assert shared.run(0, "init", "--shared-group", shared.group.gr_name).returncode == 0
    assert shared.run(ANN, "create", "Printer", "--from", "ann@example.com").returncode == 0
    folder = shared.folder / "desk"
    folder.chmod(0o0770)
    crash(shared, ANN)
    locked = shared.run(BOB, "note", "1", "--body", "n")
    why = f"{folder / 'slactl.db'} cannot be written: {folder / 'slactl.db-wal'} is closed to you"
    assert (locked.returncode, f"error: {why}; nothing was written" in locked.stderr) == (1, True), locked.stderr
    assert f"warning: {why}; slactl only reads it" in shared.run(BOB, "list").stderr
    [finding] = permissions(shared, BOB)
    for part in (f"{folder} is not setgid", "slactl.db-wal belongs to the group", "slactl.db-shm belongs to the group"):
        assert part in finding["found"]
    repair(finding["fix"])
    assert shared.run(BOB, "note", "1", "--body", "n").returncode == 0
    assert permissions(shared, ANN) == []


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_doctor_finds_a_database_that_a_restore_left_closed_to_members(shared: Shared, mode: int) -> None:
    assert shared.run(0, "init", "--shared-group", shared.group.gr_name).returncode == 0
    database = shared.folder / "desk" / "slactl.db"
    os.chown(database, 0, 0)
    database.chmod(mode)
    [finding] = permissions(shared, 0)
    assert f"{database} is closed to the group" in finding["found"]
    repair(finding["fix"])
    assert (stat.S_IMODE(database.stat().st_mode) & 0o660, database.stat().st_gid) == (0o660, shared.group.gr_gid)
    assert shared.run(ANN, "create", "Printer", "--from", "ann@example.com").returncode == 0


def test_an_upgrade_by_a_member_keeps_a_copy_for_the_group(shared: Shared) -> None:
    assert shared.run(0, "init", "--shared-group", shared.group.gr_name).returncode == 0
    database = shared.folder / "desk" / "slactl.db"
    database.unlink()
    with sqlite3.connect(database) as connection:
        connection.executescript((Path(__file__).parent / "data" / "schemas" / "schema_5.sql").read_text())
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    os.chown(database, 0, shared.group.gr_gid)
    database.chmod(0o660)
    done = shared.run(BOB, "list")
    assert (done.returncode, "the old database is kept as" in done.stderr) == (0, True), done.stderr
    kept = database.with_name("slactl.db.schema-5").stat()
    assert (kept.st_mode & 0o777, kept.st_gid, kept.st_uid) == (0o660, shared.group.gr_gid, BOB)
    assert permissions(shared, ANN) == []


@pytest.mark.parametrize(("mode", "why"), [(0o700, "Permission denied"), (0o755, "you may not read it")])
def test_a_closed_database_is_told_as_closed_and_not_as_missing(shared: Shared, mode: int, why: str) -> None:
    assert shared.run(0, "init").returncode == 0
    database = shared.folder / "desk" / "slactl.db"
    database.chmod(0o600)
    database.parent.chmod(mode)
    for words in (["list"], ["doctor"], []):
        refused = shared.run(STRANGER, *words)
        told = refused.stdout + refused.stderr
        assert (refused.returncode, f"{database} cannot be opened: {why}" in told) == (6, True), told


def test_doctor_does_not_deny_the_log_of_a_database_that_it_reads_without_locks(shared: Shared) -> None:
    assert shared.run(0, "init").returncode == 0
    database = shared.folder / "desk" / "slactl.db"
    database.chmod(0o644)
    database.parent.chmod(0o755)
    for mode in ("WAL", "DELETE"):
        with sqlite3.connect(database) as connection:
            connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.close()
        checks = json.loads(shared.run(STRANGER, "doctor", "--json").stdout)["checks"]
        assert [(each["ok"], each["found"]) for each in checks if each["check"] == "journal"] == [
            (mode == "WAL", mode.lower())
        ]


def test_a_member_who_may_not_read_edited_rules_sees_no_level_of_the_old_rules(shared: Shared) -> None:
    assert shared.run(0, "init", "--shared-group", shared.group.gr_name).returncode == 0
    assert shared.run(ANN, "create", "Printer on fire", "--from", "ann@example.com").returncode == 0

    def next_level() -> str:
        return shared.run(BOB, "list", "--fields", "next_level").stdout.strip()

    assert next_level() == "breach"
    shared.rules.write_text(shared.rules.read_text().replace('"breach"', '"missed"'))
    shared.rules.chmod(0o600)
    assert next_level() == ""
    assert shared.run(0, "check", "-q").returncode == 0
    assert next_level() == "missed"  # the check of root used the rules of this file
