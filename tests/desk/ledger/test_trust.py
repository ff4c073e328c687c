"""Who may change the rules, and what a run does by rules that others may change or that only a database knows."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Receivers, Slactl, write_secret
from escalation_desk import ladder, opened, policy, write_rules
from freezegun.api import FrozenDateTimeFactory

from slactl.desk.ledger.trust import rules_trust

LATE = ("--at", "2h ago")
STEPS = ladder("first_response", 'breach 0m notify = ["lead"]')


def rules_for(desk: Path, address: str, settings: str = "", also: str = "") -> Path:
    """Write rules by which one late ticket tells the role lead at an address."""
    path = write_rules(desk, policy(first_response="1h"), f'[roles.lead]\nnotify = ["{address}"]\n', STEPS, also)
    path.write_text(path.read_text().replace("[settings]\n", f"[settings]\n{settings}\n"))
    return path


def states(desk: Path) -> list[str]:
    with sqlite3.connect(desk) as connection:
        return [state for (state,) in connection.execute("SELECT state FROM notification ORDER BY id")]


def shell(line: str) -> None:
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def hint_of(err: str) -> str:
    return next(line.removeprefix("hint: ") for line in err.splitlines() if line.startswith("hint: "))


def open_file(rules: Path) -> None:
    rules.chmod(0o646)


def open_folder(rules: Path) -> None:
    if os.geteuid() == 0:
        os.chown(rules.parent, -1, 51_001)
    elif rules.parent.group() == rules.parent.owner():
        pytest.skip("this user may be alone in the group")
    rules.parent.chmod(0o770)


def open_ancestor(rules: Path) -> None:
    rules.parent.parent.chmod(0o707)


OPENED: list[Callable[[Path], None]] = [open_file, open_folder, open_ancestor]


@pytest.mark.parametrize("harm", OPENED)
def test_messages_wait_while_others_may_change_the_rules_and_go_out_after_the_pasted_hint(
    desk: Path, slactl: Slactl, receiver: Receivers, harm: Callable[[Path], None]
) -> None:
    hook = receiver("ok")
    rules = rules_for(desk, hook.url)
    opened(slactl, *LATE)
    harm(rules)
    for _ in range(2):
        result = slactl("check")
        assert result.code == 7
        assert result.err.count("nothing is sent while others may change the rules") == 1
        assert states(desk) == ["waiting"]
    shell(hint_of(result.err))
    assert rules_trust(rules) == ()
    assert slactl("check").code == 0
    assert (states(desk), len(hook.took)) == (["sent"], 1)


def test_a_dry_run_says_that_messages_would_wait(desk: Path, slactl: Slactl, receiver: Receivers) -> None:
    rules = rules_for(desk, receiver("ok").url)
    opened(slactl, *LATE)
    rules.chmod(0o646)
    result = slactl("check", "--dry-run", "--json")
    assert (result.code, json.loads(result.out)["notified"]) == (7, 0)
    assert "may change it" in result.err


def test_messages_without_an_address_are_printed_all_the_same(desk: Path, slactl: Slactl) -> None:
    rules = write_rules(desk, policy(first_response="1h"), ladder("first_response", "breach 0m"))
    opened(slactl, *LATE)
    rules.chmod(0o646)
    result = slactl("check", "--json")
    assert (result.code, len(json.loads(result.out)["messages"])) == (0, 1)


def test_a_heartbeat_is_not_sent_by_rules_that_others_may_change(
    desk: Path, slactl: Slactl, receiver: Receivers
) -> None:
    hook = receiver("ok")
    beat = hook.url.replace("json://", "http://")
    rules = rules_for(desk, "json://127.0.0.1:1/x", f'heartbeat = "{beat}"')
    assert slactl("check").code == 0
    assert len(hook.took) == 1
    for harm in (open_folder, open_file):
        harm(rules)
        for _ in range(2):
            result = slactl("check", "-q")
            assert result.code == 7
            assert result.err.count("nothing is sent while others may change the rules") == 1
        shell(hint_of(result.err))
        assert slactl("check").code == 0
    assert len(hook.took) == 3


def test_a_sample_is_not_sent_by_rules_that_others_may_change(desk: Path, slactl: Slactl, receiver: Receivers) -> None:
    hook = receiver("ok")
    rules_for(desk, hook.url).chmod(0o646)
    for options in ((), ("-n",)):
        result = slactl("notify", "test", "lead", *options)
        assert (result.code, f"hint: chmod o-w {desk.with_name('rules.toml')}" in result.err) == (7, True)
    assert hook.took == []


def test_a_doctor_reads_no_secret_for_rules_that_others_may_change(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    rules_for(desk, "${env:NOT_SET}").chmod(0o646)
    found = {each["check"]: each for each in json.loads(slactl("doctor", "--json").out)["checks"]}
    assert (found["trust"]["ok"], found["trust"]["fix"]) == (False, f"chmod o-w {desk.with_name('rules.toml')}")
    assert "secrets" not in found


def test_rules_in_a_sticky_folder_are_this_users_own(tmp_path: Path) -> None:
    folder = tmp_path / "sticky"
    folder.mkdir()
    folder.chmod(0o1777)
    rules = folder / "rules.toml"
    rules.touch(0o644)
    assert rules_trust(rules) == ()


def test_the_way_through_a_link_counts(tmp_path: Path) -> None:
    for name in ("shut", "open"):
        (tmp_path / name).mkdir()
    (tmp_path / "shut" / "rules.toml").touch(0o644)
    (tmp_path / "open" / "rules.toml").symlink_to("../shut/rules.toml")
    assert rules_trust(tmp_path / "open" / "rules.toml") == ()
    (tmp_path / "open").chmod(0o707)
    assert [each.path for each in rules_trust(tmp_path / "open" / "rules.toml")] == [tmp_path / "open"]
    (tmp_path / "open").chmod(0o700)
    (tmp_path / "shut").chmod(0o707)
    assert [each.path for each in rules_trust(tmp_path / "open" / "rules.toml")] == [tmp_path / "shut"]
    (tmp_path / "circle").symlink_to("circle")
    assert len(rules_trust(tmp_path / "circle")) == 1


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_of_a_file_folder_or_link_counts(tmp_path: Path) -> None:
    rules = tmp_path / "theirs" / "rules.toml"
    rules.parent.mkdir()
    rules.touch(0o644)
    os.chown(rules, 51_001, -1)
    (doubt,) = rules_trust(rules)
    assert (doubt.path, doubt.fix) == (rules, f"chown root {rules}")
    os.chown(rules, 0, -1)
    os.chown(rules.parent, 51_001, -1)
    assert [each.path for each in rules_trust(rules)] == [rules.parent]
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "mine")
    (tmp_path / "mine").touch(0o644)
    assert rules_trust(link) == ()
    os.chown(link, 51_001, -1, follow_symlinks=False)
    assert [each.path for each in rules_trust(link)] == [link]


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("harm", ["file", "folder"])
def test_a_group_counts_unless_this_user_is_alone_in_it(tmp_path: Path, harm: str) -> None:
    rules = tmp_path / "shared" / "rules.toml"
    rules.parent.mkdir()
    rules.touch()
    for place, is_open in ((rules, harm == "file"), (rules.parent, harm == "folder")):
        os.chown(place, -1, 51_001)
        place.chmod(0o775 if is_open else 0o755)
    (doubt,) = rules_trust(rules)
    assert ("the group 51001 may" in doubt.what, doubt.fix) == (True, f"chmod g-w {doubt.path}")
    for place in (rules, rules.parent):
        os.chown(place, -1, 0)  # of root alone, as of each user on many systems
    (doubt,) = rules_trust(rules)
    assert doubt.fix == f"chmod g-w {doubt.path}"
    for place in (rules, rules.parent):
        place.chmod(0o755)
    tmp_path.chmod(0o775)
    assert rules_trust(rules) == ()
    tmp_path.chmod(0o777)
    (doubt,) = rules_trust(rules)
    assert doubt.fix == f"chmod o-w {tmp_path}"


# What the database says.


def planted(desk: Path, rules: str) -> None:
    """Have the database say that these rules were the last that a run used."""
    from slactl.sla.rules.loading import parse

    found = parse(rules)
    with sqlite3.connect(desk) as connection:
        connection.execute(
            "INSERT INTO rules_version (hash, canonical, first_used_at, holidays_version) VALUES (?, ?, ?, '0')",
            (found.hash, found.canonical, "2026-01-01T00:00:00Z"),
        )
        for key in ("ladders_hash", "own_rules_hash"):
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, found.hash))


def test_a_heartbeat_of_the_database_is_not_sent(desk: Path, slactl: Slactl, receiver: Receivers) -> None:
    """Before, a row in `meta` sent a secret of whoever ran the next idle `check` to whoever wrote the row."""
    hook = receiver("ok")
    write_rules(desk, policy(first_response="1h"))
    assert slactl("check").code == 0
    stolen = write_secret(desk, "own", "SENTINEL")
    beat = hook.url.replace("json://", "http://") + f"?${{file:{stolen}}}"
    with sqlite3.connect(desk) as connection:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('heartbeat', ?)", (json.dumps([beat, True]),))
    for _ in range(2):
        assert slactl("check").code == 0
    assert hook.took == []


def test_rules_of_the_database_send_nothing_while_the_file_is_invalid(
    desk: Path, slactl: Slactl, receiver: Receivers
) -> None:
    """Before, a rules text in `rules_version` sent a secret of whoever ran `check` to whoever wrote the row."""
    hook = receiver("ok")
    rules = rules_for(desk, "json://127.0.0.1:1/x")
    text = rules.read_text()
    stolen = write_secret(desk, "own", "SENTINEL")
    evil = text.replace("json://127.0.0.1:1/x", f"{hook.url}?-x=${{file:{stolen}}}")
    assert slactl("check").code == 0
    opened(slactl, *LATE)
    planted(desk, evil)
    rules.write_text("schema = \n")
    result = slactl("check", "--json")
    assert result.code == 4
    assert len(json.loads(result.out)["firings"]) == 1
    assert "messages wait until the rules are valid" in result.err
    assert (states(desk), hook.took) == (["waiting"], [])
    rules.write_text(evil.replace(str(stolen), "own"))
    assert slactl("check").code == 0
    assert len(hook.took) == 1


def test_a_strangers_database_sends_nothing_by_rules_that_it_brings(
    desk: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever gets a database together with a broken rules file has no copy of valid rules for them."""
    hook = receiver("ok")
    rules = rules_for(desk, hook.url)
    opened(slactl, *LATE)
    assert slactl("check", "--no-send").code == 0
    monkeypatch.setenv("HOME", str(tmp_path / "another"))
    rules.write_text("schema = \n")
    for _ in range(2):
        assert slactl("check").code == 4
    assert (states(desk), hook.took) == (["waiting"], [])


def test_the_last_valid_rules_of_this_user_send_while_the_file_is_invalid(
    desk: Path, slactl: Slactl, receiver: Receivers
) -> None:
    hook = receiver("ok")
    rules = rules_for(desk, hook.url)
    assert slactl("check").code == 0
    opened(slactl, *LATE)
    rules.write_text("schema = \n")
    assert slactl("check").code == 4
    assert (states(desk), len(hook.took)) == (["sent"], 1)


def test_rules_that_others_could_change_are_not_kept_for_later(desk: Path, slactl: Slactl, receiver: Receivers) -> None:
    hook = receiver("ok")
    rules = rules_for(desk, hook.url)
    rules.chmod(0o646)
    assert slactl("check").code == 0
    opened(slactl, *LATE)
    rules.write_text("schema = \n")
    rules.chmod(0o644)
    assert slactl("check").code == 4
    assert (states(desk), hook.took) == (["waiting"], [])


@pytest.fixture
def kept(desk: Path, slactl: Slactl, tmp_path: Path) -> Path:
    """The private copy of rules with a heartbeat, after a first run."""
    assert slactl("check").code == 0
    (path,) = (tmp_path / "home/.local/state/slactl").iterdir()
    return path


def test_the_copy_is_private(kept: Path) -> None:
    assert kept.stat().st_mode & 0o777 == 0o600
    assert {folder.stat().st_mode & 0o777 for folder in (kept.parent, kept.parent.parent)} == {0o700}


def test_the_copy_is_kept_where_the_next_run_trusts_it(kept: Path, desk: Path, slactl: Slactl) -> None:
    kept.parent.parent.chmod(0o775)
    is_trusted = rules_trust(kept) == ()  # on systems that make a group for each user
    kept.unlink()
    assert slactl("check").code == 0
    assert kept.exists() == is_trusted


@pytest.mark.parametrize("what", ["file", "folder", "nonsense", "other"])
def test_a_copy_that_others_may_have_written_is_not_used(
    kept: Path, desk: Path, slactl: Slactl, receiver: Receivers, what: str
) -> None:
    hook = receiver("ok")
    rules_for(desk, "json://127.0.0.1:1/x", f'heartbeat = "{hook.url.replace("json://", "http://")}"')
    assert slactl("check").code == 0
    right = kept.read_text()
    if what == "nonsense":
        kept.write_text("[1")
    else:
        found = json.loads(right)
        found["heartbeat"][0] = "http://127.0.0.1:1/stolen"
        found["of"] = ["/other", "/other"] if what == "other" else found["of"]
        kept.write_text(json.dumps(found))
        kept.chmod(0o606 if what == "file" else 0o600)
        kept.parent.chmod(0o707 if what == "folder" else 0o700)
    assert slactl("check").code == 0
    assert len(hook.took) == 2
    assert what == "folder" or kept.read_text() == right


def test_without_a_place_for_the_copy_nothing_is_lost(
    desk: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    hook = receiver("ok")
    rules_for(desk, "json://127.0.0.1:1/x", f'heartbeat = "{hook.url.replace("json://", "http://")}"')
    for _ in range(3):
        assert slactl("check").code == 0
    assert len(hook.took) == 3


def test_a_demo_leaves_nothing_in_the_state_of_the_user(slactl: Slactl, tmp_path: Path) -> None:
    assert slactl("demo").code == 0
    assert not (tmp_path / "home/.local/state").exists()


# Which files are secrets.


def answered(slactl: Slactl) -> str:
    """What `notify test` says of the address of the role lead."""
    return slactl("notify", "test", "lead", "-n").out.splitlines()[-1]


@pytest.mark.parametrize(
    "name",
    ["secrets/hook", "hook", "./secrets/./hook", "BESIDE/secrets/hook"],
    ids=["beside", "short", "dots", "whole"],
)
def test_a_secret_is_named_from_the_rules_or_from_its_folder(
    desk: Path, slactl: Slactl, receiver: Receivers, name: str
) -> None:
    write_secret(desk, "hook", receiver("ok").url)
    rules_for(desk, f"${{file:{name.replace('BESIDE', str(desk.parent))}}}")
    assert answered(slactl).endswith("would be sent")


def test_settings_name_another_folder(desk: Path, slactl: Slactl, receiver: Receivers, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere" / "deep"
    folder.mkdir(parents=True)
    (folder / "hook").write_text(receiver("ok").url)
    (folder / "hook").chmod(0o400)
    folder.chmod(0o500)
    for stated in (str(folder), "../elsewhere/deep"):
        for name in ("hook", str(folder / "hook")):
            rules_for(desk, f"${{file:{name}}}", f'secrets = "{stated}"')
            assert answered(slactl).endswith("would be sent")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("OUTSIDE/own", "is outside of the folder for secrets"),
        ("../../own", "is outside of the folder for secrets"),
        ("secrets/../../own", "is outside of the folder for secrets"),
        ("link", "a symbolic link is on the path"),
        ("linked/own", "a symbolic link is on the path"),
        ("beside", "is outside of the folder for secrets"),
    ],
)
def test_a_file_outside_of_the_folder_is_not_read_and_the_message_waits(
    desk: Path, slactl: Slactl, receiver: Receivers, tmp_path: Path, name: str, why: str
) -> None:
    hook = receiver("ok")
    own = write_secret(tmp_path / "x", "own", hook.url).rename(tmp_path / "own")
    folder = write_secret(desk, "other", "x").parent
    (folder / "link").symlink_to(own)
    (folder / "linked").symlink_to(tmp_path)
    (desk.parent / "beside").write_text(hook.url)
    rules_for(desk, f"${{file:{name.replace('OUTSIDE', str(tmp_path))}}}")
    opened(slactl, *LATE)
    result = slactl("check")
    assert (result.code, why in result.err) == (7, True), result.err
    assert (states(desk), hook.took) == (["waiting"], [])
    warned = slactl("rules", "check")
    assert (warned.code, why in warned.err) == (0, True)


def test_a_secret_beside_the_rules_goes_out_after_the_pasted_hint(
    desk: Path, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory
) -> None:
    """The place in which slactl looked for relative names before."""
    hook = receiver("ok")
    rules_for(desk, "${file:beside}")
    (desk.parent / "beside").write_text(hook.url)
    opened(slactl, *LATE)
    result = slactl("check")
    assert result.code == 7
    shell(hint_of(result.err))
    clock.tick(1)
    assert slactl("check").code == 0
    assert (states(desk), len(hook.took)) == (["sent"], 1)


def test_the_hint_for_a_file_elsewhere_closes_no_folder_that_others_need(
    desk: Path, slactl: Slactl, tmp_path: Path
) -> None:
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o755)
    (folder / "own").write_text("x")
    rules = rules_for(desk, f"${{file:{folder}/own}}")
    result = slactl("rules", "check")
    assert "write ${file:own}: install -d -m 0700 " in result.err
    rules_for(desk, "${file:own}", f'secrets = "{folder}"')
    assert f"ls -ld {folder}" in slactl("rules", "check").err
    folder.chmod(0o700)
    rules_for(desk, f"${{file:{folder}/own}}")
    assert f"rules set settings.secrets {folder}" in slactl("rules", "check").err
    assert rules.exists()


@pytest.mark.parametrize("name", [".", "..", "~/x", "~nobody-of-this-name/x", "secrets", "x/" * 90, "//"])
def test_a_name_that_means_no_file_stops_nothing(desk: Path, slactl: Slactl, name: str) -> None:
    rules = rules_for(desk, f"${{file:{name}}}")
    opened(slactl, *LATE)
    for words in (("check",), ("doctor",), ("notify", "test", "lead")):
        result = slactl(*words)
        assert (result.code, "unexpected" in result.err) == (7, False), result.err
    rules.chmod(0o646)
    assert slactl("doctor").code == 7


@pytest.mark.parametrize(("file", "folder"), [(0o640, 0o700), (0o604, 0o700), (0o600, 0o750), (0o600, 0o701)])
def test_a_secret_that_others_may_read_waits_until_the_hint_is_pasted(
    desk: Path, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, file: int, folder: int
) -> None:
    hook = receiver("ok")
    secret = write_secret(desk, "hook", hook.url)
    rules_for(desk, "${file:hook}")
    opened(slactl, *LATE)
    secret.chmod(file)
    secret.parent.chmod(folder)
    result = slactl("check")
    assert (result.code, "others may read the secret" in result.err, states(desk)) == (7, True, ["waiting"])
    shell(hint_of(result.err))
    clock.tick(1)
    assert slactl("check").code == 0
    assert len(hook.took) == 1


def test_one_address_that_waits_stops_no_other(desk: Path, slactl: Slactl, receiver: Receivers) -> None:
    hook = receiver("ok")
    rules_for(desk, f'${{file:/elsewhere}}", "{hook.url}')
    opened(slactl, *LATE)
    assert slactl("check").code == 7
    assert (states(desk), len(hook.took)) == (["waiting"], 1)
