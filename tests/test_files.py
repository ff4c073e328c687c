"""The files of a desk: private, never through a link, and shared without a hitch where they are meant to be."""

import os
import signal
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Slactl

from slactl.__main__ import run
from slactl.store.connection import open_database


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
    assert "everybody may write to the folder" in refused.err
    assert list(folder.iterdir()) == []
    folder.chmod(0o1777)  # as /tmp is: nobody can take away or replace the files of others
    assert slactl("init").code == 0


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
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be two other users")
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
        monkeypatch.setenv("SLACTL_RULES", str(desk.with_name("rules.toml")))
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
