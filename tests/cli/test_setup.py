"""Making a desk: what `init` writes where, and what it never touches."""

import errno
import os
import stat
from pathlib import Path

import pytest
from conftest import Slactl


def test_init_makes_the_database_and_the_rules_where_the_settings_point(desk: Path, slactl: Slactl) -> None:
    rules = desk.with_name("rules.toml")
    assert stat.S_IMODE(desk.stat().st_mode) == 0o600
    assert stat.S_IMODE(desk.parent.stat().st_mode) == 0o700
    assert rules.read_text().startswith("# ")
    assert slactl("rules", "check").code == 0


def test_init_again_leaves_everything_as_it_is(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    rules = desk.with_name("rules.toml")
    rules.write_text("# mine\n" + rules.read_text())
    again = slactl("init")
    assert again.code == 0
    assert again.out.count("already exists, unchanged") == 2
    assert rules.read_text().startswith("# mine\n")
    assert slactl("list", "-q").out == "1\n"


def test_force_rewrites_the_rules_and_keeps_the_old_ones_and_the_tickets(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    rules = desk.with_name("rules.toml")
    rules.write_text("# mine\n" + rules.read_text())
    assert slactl("init", "--force").code == 0
    assert not rules.read_text().startswith("# mine\n")
    assert rules.with_name("rules.toml.bak").read_text().startswith("# mine\n")
    assert slactl("list", "-q").out == "1\n"


def test_rules_stay_in_force_when_force_cannot_finish(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = desk.with_name("rules.toml")
    rules.write_text("# mine\n" + rules.read_text())
    before, rename = rules.read_text(), os.rename

    def failing(old: str, new: str, **folders: int) -> None:
        if new == "rules.toml":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(old, new, **folders)

    monkeypatch.setattr(os, "rename", failing)
    failed = slactl("init", "--force")
    assert (failed.code, "rules.toml cannot be written: Input/output error; nothing" in failed.err) == (1, True)
    assert rules.read_text() == before


def test_without_settings_both_go_to_the_users_own_folders(slactl: Slactl, tmp_path: Path) -> None:
    assert slactl("init").code == 0
    assert (tmp_path / "home/.local/share/slactl/slactl.db").is_file()
    assert (tmp_path / "home/.config/slactl/rules.toml").is_file()
    assert slactl("create", "Printer on fire", "--from", "ann@example.com").code == 0


def test_a_relative_base_directory_is_ignored(slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "data")
    monkeypatch.chdir(tmp_path)
    assert slactl("init").code == 0
    assert (tmp_path / "home/.local/share/slactl/slactl.db").is_file()
    assert not (tmp_path / "data").exists()


def test_a_shared_desk_belongs_to_its_group(tmp_path: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    import grp

    group = grp.getgrgid(os.getgid()).gr_name
    database, rules = tmp_path / "shared" / "slactl.db", tmp_path / "rules" / "rules.toml"
    monkeypatch.setenv("SLACTL_DB", str(database))
    monkeypatch.setenv("SLACTL_RULES", str(rules))
    assert slactl("init", "--shared-group", group).code == 0
    assert stat.S_IMODE(database.parent.stat().st_mode) == 0o2770
    assert stat.S_IMODE(database.stat().st_mode) == 0o660
    assert stat.S_IMODE(rules.stat().st_mode) == 0o644
    assert stat.S_IMODE(rules.parent.stat().st_mode) == 0o755
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    assert slactl("check").code == 0
    assert stat.S_IMODE(database.with_name("slactl.db.lock").stat().st_mode) == 0o660


@pytest.mark.parametrize("below", ["", "rules"])
def test_rules_that_the_group_could_replace_are_refused_before_anything_is_made(
    tmp_path: Path, slactl: Slactl, below: str
) -> None:
    import grp

    database, group = tmp_path / "shared" / "slactl.db", grp.getgrgid(os.getgid()).gr_name
    rules = database.parent / below / "rules.toml"
    refused = slactl("--db", str(database), "--rules", str(rules), "init", "--shared-group", group)
    assert refused.code == 5
    assert f"--db {database} --rules /etc/slactl" in refused.err
    assert f"init --shared-group {group}" in refused.err
    assert not database.parent.exists()


def test_the_folder_of_the_rules_is_closed_to_the_group_whatever_the_umask_is(tmp_path: Path, slactl: Slactl) -> None:
    before = os.umask(0)
    try:
        assert slactl("--rules", str(tmp_path / "a" / "b" / "rules.toml"), "init").code == 0
    finally:
        os.umask(before)
    for folder in (tmp_path / "a", tmp_path / "a" / "b"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_an_unknown_group_is_refused_before_anything_is_made(tmp_path: Path, slactl: Slactl) -> None:
    refused = slactl("--db", str(tmp_path / "x" / "slactl.db"), "init", "--shared-group", "no-such-group")
    assert refused.code == 3
    assert not (tmp_path / "x").exists()


def test_a_link_is_not_followed(tmp_path: Path, slactl: Slactl) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "slactl.db").symlink_to(tmp_path / "victim")
    assert slactl("--db", str(tmp_path / "slactl.db"), "init").code == 6
    assert (tmp_path / "victim").read_text() == "precious"


def test_a_file_of_another_program_is_left_alone(tmp_path: Path, slactl: Slactl) -> None:
    (tmp_path / "other.db").write_bytes(b"not a database at all" * 100)
    for command in (("init",), ("list",), ("check",)):
        refused = slactl("--db", str(tmp_path / "other.db"), *command)
        assert refused.code == 6
        assert "Traceback" not in refused.err
    assert (tmp_path / "other.db").read_bytes() == b"not a database at all" * 100


def test_a_newer_database_is_refused(desk: Path, slactl: Slactl) -> None:
    import sqlite3

    with sqlite3.connect(desk) as connection:
        connection.execute("PRAGMA user_version = 99")
    for command in (("list",), ("check",), ("create", "x", "--from", "a@b.example")):
        refused = slactl(*command)
        assert refused.code == 6
        assert "newer" in refused.err


def test_the_demo_shows_a_breached_list_a_summary_and_how_to_go_on(slactl: Slactl) -> None:
    shown = slactl("demo")
    assert shown.code == 0, shown.err
    assert "with 34 tickets: " in shown.out
    assert "$ slactl check" in shown.out
    assert "$ slactl list --breached" in shown.out
    assert "Checkout returns 502" in shown.out  # a narrow screen cuts the rest
    assert "$ slactl summary" in shown.out
    assert "export SLACTL_DB=" in shown.out


@pytest.mark.parametrize("below", ["slactl.db", "folder/slactl.db"])
def test_init_says_why_a_database_cannot_be_created(slactl: Slactl, tmp_path: Path, below: str) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    refused = slactl("--db", str(file / below), "init")
    assert refused.code == 1
    assert refused.err.startswith(f"error: {file / below} cannot be created: ")
    assert (file.read_text(), sorted(tmp_path.iterdir())) == ("mine", [file])
