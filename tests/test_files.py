"""The files of a desk: private, never through a link, and shared without a hitch where they are meant to be."""

import json
import os
import signal
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Slactl

from slactl.__main__ import run
from slactl.store.sqlite.connection import open_database


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> "object":
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_every_file_of_a_desk_is_closed_to_others_whatever_the_umask(
    umask: int, slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = tmp_path / "new" / "slactl.db"
    monkeypatch.setenv("SLACTL_DB", str(desk))
    assert slactl("init").code == 0
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    with sqlite3.connect(desk) as connection:  # one that stays open keeps the files beside the database
        connection.execute("SELECT count(*) FROM ticket").fetchone()
        assert slactl("check", "-q").code == 0
        names = ["slactl.db", "slactl.db-shm", "slactl.db-wal", "slactl.db.lock"]
        assert {name: mode(desk.with_name(name)) for name in names} == dict.fromkeys(names, 0o600)
    assert mode(desk.parent) == 0o700


@pytest.mark.parametrize("exists", [True, False])
def test_the_database_is_never_made_through_a_link(
    slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    elsewhere, link = tmp_path / "elsewhere", tmp_path / "slactl.db"
    if exists:
        elsewhere.write_text("precious")
    link.symlink_to(elsewhere)
    monkeypatch.setenv("SLACTL_DB", str(link))
    assert slactl("init").code == 6
    assert elsewhere.exists() == exists
    assert not exists or elsewhere.read_text() == "precious"


def test_an_empty_file_of_somebody_else_is_not_filled_through_a_link(
    slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, link = tmp_path / "elsewhere", tmp_path / "slactl.db"
    elsewhere.touch()
    link.symlink_to(elsewhere)
    monkeypatch.setenv("SLACTL_DB", str(link))
    assert slactl("init").code == 6
    assert elsewhere.stat().st_size == 0


def test_the_lock_is_never_taken_through_a_link(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    desk.with_name("slactl.db.lock").symlink_to(elsewhere)
    assert slactl("check", "-q").code == 6
    assert not elsewhere.exists()


def test_a_folder_that_everybody_may_write_to_is_refused(
    slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    monkeypatch.setenv("SLACTL_DB", str(folder / "slactl.db"))
    monkeypatch.setenv("SLACTL_RULES", str(folder / "rules.toml"))
    folder.chmod(0o777)
    refused = slactl("init")
    assert refused.code == 6
    assert refused.err.splitlines() == [
        f"error: everybody may write to the folder {folder}",
        f"hint: chmod o-w {folder}",
    ]
    assert list(folder.iterdir()) == []
    folder.chmod(0o1777)  # as /tmp is: nobody can take away or replace the files of others
    assert slactl("init").code == 0


@pytest.mark.parametrize("new", ["slactl.db", "new/slactl.db", "new/er/slactl.db", "link/slactl.db"])
def test_no_desk_is_made_in_a_folder_that_everybody_may_write_to(slactl: Slactl, tmp_path: Path, new: str) -> None:
    """Whoever may rename what is made there may put another in its place."""
    way = tmp_path / "open"
    way.mkdir()
    (way / "link").symlink_to(way)
    way.chmod(0o777)
    desk = way / new
    refused = slactl("--db", str(desk), "init")
    assert (refused.code, desk.exists(), (way / "new").exists()) == (6, False, False)
    assert refused.err.splitlines()[1] in (f"hint: chmod o-w {way}", f"hint: chmod o-w {way / 'link'}")
    way.chmod(0o1777)
    assert slactl("--db", str(desk), "init").code == 0


@pytest.mark.parametrize("new", ["open/sub/slactl.db", "open/link/slactl.db", "link/slactl.db"])
def test_of_a_folder_farther_up_that_everybody_may_write_to_the_doctor_tells(
    slactl: Slactl, tmp_path: Path, new: str
) -> None:
    way, safe = tmp_path / "open", tmp_path / "safe"
    for folder in (way, safe, way / "sub"):
        folder.mkdir()
    (way / "link").symlink_to(safe)
    (tmp_path / "link").symlink_to(way / "sub")
    way.chmod(0o777)
    desk = str(tmp_path / new)
    assert slactl("--db", desk, "init").code == 0
    told = slactl("--db", desk, "doctor", "--json")
    assert f"chmod o-w {way}" in [each["fix"] for each in json.loads(told.out)["checks"]]
    assert told.code == 7


def test_folders_that_are_made_on_the_way_are_closed_whatever_the_umask(
    umask: int, slactl: Slactl, tmp_path: Path
) -> None:
    assert slactl("--db", str(tmp_path / "on" / "the" / "way" / "slactl.db"), "init").code == 0
    assert [mode(tmp_path / "on") & 0o022, mode(tmp_path / "on" / "the") & 0o022] == [0, 0]


COMMANDS = (
    ("list",),
    ("create", "Printer on fire", "--from", "ann@example.com"),
    ("show", "1", "--json"),
    ("note", "1", "--body", "x"),
    ("check", "-q"),
    ("check", "-n"),
    ("summary",),
    ("export",),
    ("audit", "verify"),
    ("runs", "list"),
    ("tenant", "list"),
    ("notifications", "list"),
    ("erase", "--requester", "ann@example.com", "--yes"),
    ("doctor", "--rebuild"),
    ("rules", "apply", "--yes"),
    ("backup", "copy.db"),
    ("init",),
)


@pytest.mark.parametrize("through", ["itself", "a link to the file", "a link to the folder", "a link in it"])
def test_every_command_refuses_a_folder_that_was_opened_to_everybody(
    desk: Path, slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, through: str
) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    opened = desk.parent
    if through == "a link to the file":
        (tmp_path / "link.db").symlink_to(desk)
        monkeypatch.setenv("SLACTL_DB", str(tmp_path / "link.db"))
    elif through == "a link to the folder":
        (tmp_path / "link").symlink_to(desk.parent)
        monkeypatch.setenv("SLACTL_DB", str(tmp_path / "link" / desk.name))
    elif through == "a link in it":
        opened = tmp_path / "open"
        opened.mkdir()
        (opened / "slactl.db").symlink_to(desk)
        monkeypatch.setenv("SLACTL_DB", str(opened / "slactl.db"))
    monkeypatch.chdir(tmp_path)
    before = desk.read_bytes()
    opened.chmod(0o777)
    for command in COMMANDS:
        refused = slactl(*command)
        assert (refused.code, refused.out) == (6, ""), (command, refused)
        told = ["error: everybody may write to the folder", "hint: chmod o-w"]
        assert [line[: len(start)] for line, start in zip(refused.err.splitlines(), told, strict=True)] == told, command
    assert (desk.read_bytes(), (tmp_path / "copy.db").exists()) == (before, False)
    assert os.system(refused.err.splitlines()[1].removeprefix("hint: ")) == 0
    assert slactl("list", "-q").lines == ["1"]


def test_a_shared_desk_does_not_take_over_a_folder_of_everybody(
    slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import grp

    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    monkeypatch.setenv("SLACTL_DB", str(folder / "slactl.db"))
    assert slactl("init", "--shared-group", grp.getgrgid(os.getgid()).gr_name).code == 6
    assert mode(folder) == 0o1777


def as_user(number: int, group: int, what: Callable[[], int]) -> int:
    """Do something in a process of another user; returns how it ended: the exit code, or minus the signal."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.setgroups([group])
            os.setgid(number)
            os.setuid(number)
            os.umask(0o077)
            code = what()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


NOBODY = 65_534

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be other users")


@pytest.fixture
def everybodys(slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> "object":
    """A sticky folder as /tmp is, one that others can reach; the settings point at a desk in it."""
    import tempfile

    with tempfile.TemporaryDirectory(dir="/var/tmp") as base:
        os.chmod(base, 0o755)
        folder = Path(base) / "tmp"
        folder.mkdir()
        folder.chmod(0o1777)
        monkeypatch.setenv("SLACTL_DB", str(folder / "slactl.db"))
        monkeypatch.setenv("SLACTL_RULES", str(folder / "rules.toml"))
        yield folder


def log_of_another_desk(slactl: Slactl, folder: Path) -> bytes:
    """The write-ahead log of a desk that has one ticket more than it should."""
    own = folder / "own.db"
    slactl("--db", str(own), "init")
    with sqlite3.connect(own) as reader:
        reader.execute("SELECT count(*) FROM ticket").fetchone()
        slactl("--db", str(own), "create", "Forged", "--from", "mallory@example.com")
        return own.with_name("own.db-wal").read_bytes()


@pytest.mark.full
@needs_root
@pytest.mark.parametrize("end", ["-wal", "-shm", "-journal", ".lock"])
@pytest.mark.parametrize("who", [0, 61_001])
def test_what_others_put_beside_a_database_in_a_folder_of_everybody_is_refused(
    slactl: Slactl, everybodys: Path, tmp_path: Path, end: str, who: int
) -> None:
    forged = log_of_another_desk(slactl, tmp_path)
    desk, foreign = everybodys / "slactl.db", everybodys / f"slactl.db{end}"
    assert slactl("init").code == 0
    for words in (["list"], ["check", "-n"], ["doctor"], ["create", "Warm", "--from", "ann@example.com"]):
        slactl(*words)  # the modules that the children need are read before they are nobody any more
    desk.unlink()
    desk.with_name("slactl.db.lock").unlink(missing_ok=True)
    assert as_user(who, who, lambda: run(["init"])) == 0
    before = desk.read_bytes()

    def put() -> int:
        os.umask(0)
        os.close(os.open(foreign, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        foreign.write_bytes(forged)
        return 0

    assert as_user(NOBODY, NOBODY, put) == 0
    for command in (["list"], ["create", "x", "--from", "x@example.com"], ["check"], ["check", "-n"], ["init"]):
        assert as_user(who, who, lambda command=command: run(command)) == 6, command
    assert as_user(who, who, lambda: run(["doctor"])) == 6
    assert (desk.read_bytes(), foreign.read_bytes()) == (before, forged)
    hint = slactl("list").err.splitlines()[1].removeprefix("hint: ")
    assert hint == (f"rm {foreign}" if who == 0 else "slactl --db ~/slactl.db init")
    if who == 0:
        told = {each["fix"] for each in json.loads(slactl("doctor", "--json").out)["checks"] if not each["ok"]}
        assert hint in told
    foreign.unlink()
    for command in (["list"], ["create", "x", "--from", "x@example.com"], ["check", "-q"], ["list", "-q"]):
        assert as_user(who, who, lambda command=command: run(command)) == 0, command


@pytest.mark.full
@needs_root
def test_files_that_root_made_beside_a_database_in_a_folder_of_everybody_are_no_strangers(
    slactl: Slactl, everybodys: Path
) -> None:
    ann = 61_001
    assert slactl("init").code == 0
    slactl("list")
    os.chown(everybodys / "slactl.db", ann, ann)
    (everybodys / "slactl.db.lock").touch()
    assert as_user(ann, ann, lambda: run(["list"])) == 0
    assert as_user(NOBODY, NOBODY, lambda: run(["list"])) == 6


@pytest.mark.full
@needs_root
@pytest.mark.parametrize("in_folder_of_everybody", [True, False])
def test_an_empty_file_of_somebody_else_is_never_filled(
    slactl: Slactl, everybodys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_folder_of_everybody: bool
) -> None:
    desk = (everybodys if in_folder_of_everybody else tmp_path) / "slactl.db"
    monkeypatch.setenv("SLACTL_DB", str(desk))
    desk.touch()
    desk.chmod(0o666)
    os.chown(desk, NOBODY, NOBODY)
    refused = slactl("init")
    assert (refused.code, len(refused.err.splitlines())) == (6, 2)
    assert "somebody else" in refused.err
    assert (desk.stat().st_size, desk.stat().st_uid, mode(desk)) == (0, NOBODY, 0o666)


@pytest.mark.full
@needs_root
@pytest.mark.parametrize("end", ["-wal", "-shm", "-journal", ".lock"])
def test_init_does_not_begin_beside_files_of_somebody_else(slactl: Slactl, everybodys: Path, end: str) -> None:
    foreign = everybodys / f"slactl.db{end}"
    foreign.touch()
    os.chown(foreign, NOBODY, NOBODY)
    assert slactl("init").code == 6
    assert list(everybodys.iterdir()) == [foreign]
    foreign.unlink()
    assert slactl("init").code == 0


@pytest.mark.full
@needs_root
def test_a_link_that_somebody_else_made_in_a_folder_of_everybody_is_not_followed(
    desk: Path, slactl: Slactl, everybodys: Path
) -> None:
    link = everybodys / "other.db"
    link.symlink_to(desk)
    assert slactl("--db", str(link), "list").code == 0
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    assert slactl("--db", str(link), "list").code == 6


def die_while_writing(desk: Path) -> int:
    """Leave a committed note in the write-ahead log, half of a transaction behind it, and the run lock: then die."""
    import fcntl

    reader = open_database(desk)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM event").fetchone()
    assert run(["note", "1", "--body", "kept"]) == 0
    lock = os.open(desk.with_name("slactl.db.lock"), os.O_RDWR | os.O_CREAT, 0o660)
    fcntl.flock(lock, fcntl.LOCK_EX)
    writer = open_database(desk)
    writer.execute("PRAGMA cache_size = 1")
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO meta SELECT 'lost' || id, printf('%.*c', 100000, 'x') FROM event")
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


@pytest.mark.full
@needs_root
def test_a_shared_desk_survives_the_crash_of_either_user(
    slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ann and Bob are in the group; each in turn dies in the middle of writing, and the other goes on."""
    import grp
    import tempfile

    ann, bob = 61_001, 61_002
    group = grp.getgrnam("users")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as base:
        os.chmod(base, 0o755)
        desk = Path(base) / "desk" / "slactl.db"
        monkeypatch.setenv("SLACTL_DB", str(desk))
        monkeypatch.setenv("SLACTL_RULES", str(Path(base) / "rules" / "rules.toml"))
        assert slactl("init", "--shared-group", group.gr_name).code == 0
        assert slactl("create", "Printer on fire", "--from", "ann@example.com", "--at", "3d ago").code == 0
        # The modules that the children need are read before they are nobody any more.
        for command in (["note", "1", "--body", "x"], ["check", "-q"], ["audit", "verify", "-q"], ["doctor"]):
            assert slactl(*command).code == 0, command
        for who, other in ((ann, bob), (bob, ann), (ann, bob)):
            assert as_user(who, group.gr_gid, lambda: die_while_writing(desk)) == -signal.SIGKILL
            assert desk.with_name("slactl.db-wal").stat().st_size > 0
            for command in (["list", "-q"], ["note", "1", "--body", "goes on"], ["check", "-q"]):
                assert as_user(other, group.gr_gid, lambda command=command: run(command)) == 0, command
        for who in (ann, bob):
            assert as_user(who, group.gr_gid, lambda: run(["audit", "verify", "-q"])) == 0
            assert as_user(who, group.gr_gid, lambda: run(["doctor"])) == 0
        stranger = 61_003
        assert as_user(stranger, stranger, lambda: run(["list"])) == 6
        with sqlite3.connect(desk) as connection:
            bodies = connection.execute("SELECT text FROM event_text WHERE field = 'body'").fetchall()
            assert sorted(body for (body,) in bodies) == ["goes on"] * 3 + ["kept"] * 3 + ["x"]
            assert connection.execute("SELECT count(*) FROM meta WHERE key LIKE 'lost%'").fetchone() == (0,)
