"""The rules that commands keep as they understood them: never others than those of the file and of their hash."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory

from slactl.config import resolve, shipped_rules
from slactl.desk.ledger import last_rules
from slactl.desk.ledger.desk import Desk, rules_fingerprint
from slactl.desk.ledger.rules_versions import rules_of_file
from slactl.sla.rules.loading import parse
from slactl.sla.rules.plain import decode, encode

EVERY_KIND = """
schema = 1
[settings]
default_plan = "pro"
pause = []
reopen = "reset"
due_soon = "1h30m"
manual_escalation = { priority = "urgent", notify = ["lead"] }
[priorities]
urgent = ["P1"]
[calendars.office]
timezone = "Europe/Berlin"
country = "DE"
holidays = ["12-31", "2026-12-27..2026-12-30"]
work_on = ["Reformation Day"]
[calendars.office.weekly]
mon-fri = ["09:00-12:30", "13:30-18:00"]
[calendars.office.dates]
"2026-12-23" = ["09:00-12:00"]
"05-01..08-31" = { fri = ["09:00-13:00"] }
[calendars.both]
any_of = ["office"]
[[policy]]
name = "all"
match = { tenant = ["acme"], not = { tag = ["internal"] } }
calendar = "office"
[policy.targets]
urgent = { first_response = { within = "1h", calendar = "both" }, resolution = "1bd 17:00" }
default = { next_response = "4h", resolution = "0bd close" }
[roles.lead]
members = ["mia"]
spread = "round_robin"
on_call = "line"
notify = ["${env:CHAT}", { command = ["gh", "issue", "{external_id}"] }]
[people.mia]
emails = ["mia@example.com"]
quiet = "sat-sun"
quiet_except = ["urgent"]
[[schedules.line.layer]]
people = ["mia"]
rotate = "1bd"
from = 2026-01-05 09:00:00
hours = ["mon-fri 08:00-18:00"]
[[schedules.line.layer]]
people = ["mia"]
hours = "office"
[[escalation]]
id = "quiet"
on = "idle"
idle = { for = "2bd" }
when = { status = ["open"], unassigned = false }
[[escalation.level]]
id = "one"
at = "+1bd"
status = "resolved"
repeat = { every = "1d", max = 3 }
[[escalation]]
id = "many"
on = "burst"
burst = { count = 3, within = "1h" }
[[escalation.level]]
id = "one"
at = "0m"
note = "Ünïcode \\u0007"
notify = ["lead"]
[[maintenance]]
match = { tenant = ["acme"] }
weekly = ["sat 22:00-24:00"]
[[source]]
name = "jira"
command = ["true", "{since}"]
[templates]
title = "{{ subject }}"
[views.mine]
assignee = ["mia"]
limit = 5
breached = true
"""


@pytest.mark.parametrize("text", [EVERY_KIND, shipped_rules().read_text(), "schema = 1"])
def test_compiled_rules_are_the_rules(text: str) -> None:
    rules = parse(text)
    back = decode(encode(rules))
    assert back == rules
    assert repr(back) == repr(rules)  # a value of another type may be equal
    assert (back.hash, back.canonical) == (rules.hash, rules.canonical)


@pytest.fixture
def here(desk: Path, clock: FrozenDateTimeFactory) -> Desk:
    """A service desk whose rules file was last changed an hour ago."""
    assert desk.exists()
    clock.move_to(datetime.fromtimestamp(os.stat(desk).st_ctime, UTC) + timedelta(hours=1))
    return Desk.of(resolve(os.environ))


def kept(kind: str) -> Path:
    [file] = Path(os.environ["HOME"], ".local/state/slactl").glob(f"{kind}-*.json")
    return file


def read_before(desk: Desk) -> bool:
    """Whether a command takes the rules from a command before it."""
    return last_rules.rules_of(desk, rules_fingerprint(desk.rules)) is not None


def test_the_second_command_reads_no_rules_file(here: Desk, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not read_before(here)
    assert slactl("create", "x", "--from", "a@example.com").code == 0
    assert read_before(here)
    monkeypatch.delattr("tomllib.loads")
    assert slactl("reply", "1", "--body", "y").code == 0


def spoil(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def test_a_damaged_copy_is_not_used(here: Desk, slactl: Slactl) -> None:
    assert slactl("check").code == 0
    file, rules = kept("compiled"), rules_of_file(here)
    whole = file.read_bytes()
    for place in (*range(0, len(whole), 97), len(whole) - 1):
        file.write_bytes(whole)
        spoil(file, place)
        assert last_rules.compiled(rules.hash) is None, place
    file.write_bytes(whole[:-1])
    assert last_rules.compiled(rules.hash) is None
    file.write_bytes(b"")
    assert last_rules.compiled(rules.hash) is None
    assert slactl("create", "x", "--from", "a@example.com").code == 0
    assert last_rules.compiled(rules.hash) == rules, "the next command writes the copy again"


def test_a_copy_of_other_rules_or_of_another_program_is_not_used(
    here: Desk, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert slactl("check").code == 0
    mine = rules_of_file(here).hash
    other = parse(EVERY_KIND)
    last_rules.keep_compiled(other)
    folder = kept("read").parent
    shutil.copy(folder / f"compiled-{other.hash}.json", folder / f"compiled-{mine}.json")
    assert last_rules.compiled(mine) is None
    assert last_rules.compiled(other.hash) == other
    monkeypatch.setattr(last_rules, "__version__", "9.9")
    assert last_rules.compiled(other.hash) is None


def opens_file(file: Path) -> None:
    file.chmod(0o646)


def opens_folder(file: Path) -> None:
    file.parent.chmod(0o777)


@pytest.mark.parametrize("opens", [opens_file, opens_folder])
@pytest.mark.parametrize("kind", ["compiled", "read"])
def test_a_copy_that_others_may_change_is_not_used(
    here: Desk, slactl: Slactl, kind: str, opens: Callable[[Path], None]
) -> None:
    assert slactl("check").code == 0
    assert read_before(here)
    opens(kept(kind))
    assert not read_before(here)


def test_the_copy_of_another_database_or_file_is_not_used(here: Desk, slactl: Slactl, tmp_path: Path) -> None:
    assert slactl("check").code == 0
    elsewhere = tmp_path / "rules.toml"
    shutil.copy2(here.rules, elsewhere)
    assert not read_before(here._replace(rules=elsewhere))
    other = here._replace(database=type(here.database)(tmp_path / "other.db"))
    assert not read_before(other)
    # The name of the copy is made of a short sum of the names of both files, which others may share.
    shutil.copy(kept("read"), last_rules._place(other, "read"))
    assert not read_before(other)


def test_an_edit_holds_for_the_next_command_and_an_error_in_it_is_told(here: Desk, slactl: Slactl) -> None:
    """An edit that leaves the size and the time of the content as they were is an edit."""
    assert slactl("create", "x", "--from", "a@example.com", "--plan", "free").code == 0
    text = here.rules.read_text()
    assert text.count('name = "free"') == 1
    status = here.rules.stat()
    here.rules.write_text(text.replace('name = "free"', 'name = "fret"'))
    os.utime(here.rules, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert slactl("create", "x", "--from", "a@example.com", "--plan", "free").code == 0
    policies = [slactl("show", number, "--json", "--fields", "policy").out for number in "12"]
    assert ["fret" in policy for policy in policies] == [False, True]
    here.rules.write_text("schema = 1\n[settings]\npause = 3\n")
    refused = slactl("create", "x", "--from", "a@example.com")
    assert refused.code == 4
    assert "pause" in refused.err


def test_a_file_that_was_changed_just_now_is_read_again(
    here: Desk, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    """Two changes within one tick of the kernel's clock may look like one."""
    clock.move_to(datetime.fromtimestamp(here.rules.stat().st_ctime, UTC))
    assert slactl("create", "x", "--from", "a@example.com").code == 0
    assert not read_before(here)


def test_an_old_version_is_read_from_its_copy_only_if_its_text_is_the_one_of_its_hash(
    here: Desk, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert slactl("create", "x", "--from", "a@example.com").code == 0
    here.rules.write_text(here.rules.read_text() + "\n[people.zoe]\n")
    assert slactl("note", "1", "y").code == 0
    for copy in Path(os.environ["HOME"], ".local/state/slactl").glob("compiled-*.json"):
        copy.unlink()
    assert slactl("explain", "1").code == 0
    with monkeypatch.context() as without:
        without.delattr("slactl.sla.rules.loading.parse")
        assert slactl("explain", "1").code == 0
    with sqlite3.connect(here.database.path) as connection:
        connection.execute("UPDATE rules_version SET canonical = replace(canonical, 'free', 'fret') WHERE id = 1")
    changed = slactl("explain", "1")
    assert (changed.code, "was changed" in changed.err) == (4, True)


def test_at_most_some_versions_are_kept(here: Desk) -> None:
    for number in range(last_rules.MOST_COMPILED + 3):
        last_rules.keep_compiled(parse(f"schema = 1\n[people.p{number}]\n"))
    folder = Path(os.environ["HOME"], ".local/state/slactl")
    assert len(list(folder.glob("compiled-*.json"))) == last_rules.MOST_COMPILED
    assert last_rules.compiled(parse(f"schema = 1\n[people.p{last_rules.MOST_COMPILED + 2}]\n").hash) is not None
