"""`oncall`: who is on call now and next, the plan, overrides and absences with receipts and refusals, feeds."""

import json
import os
import sqlite3
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from escalation_desk import at, policy, write_rules
from freezegun.api import FrozenDateTimeFactory
from terminal import on_terminal

Clock = FrozenDateTimeFactory
pytestmark = pytest.mark.usefixtures("clock")

PEOPLE = "[people.ann]\n[people.ben]\n[people.cem]\n[people.dan]\n"
ROTA = """
[schedules.first-line]
timezone = "UTC"
[[schedules.first-line.layer]]
people = ["ann", "ben"]
rotate = "1d"
from = "2026-03-02 09:00"
hours = ["mon-fri 08:00-18:00"]
[[schedules.first-line.layer]]
people = ["dan"]
hours = ["mon-fri"]
"""


@pytest.fixture
def rota(desk: Path) -> Path:
    """A desk with a schedule of two layers, and gaps at the weekend."""
    write_rules(desk, policy(resolution="1h"), PEOPLE, ROTA)
    return desk


def records(slactl: Slactl, *arguments: str) -> Any:  # noqa: ANN401  (parsed JSON)
    result = slactl("oncall", *arguments, "--json")
    assert result.code == 0, result.err
    return json.loads(result.out)


def test_who_is_on_call_now_and_next(rota: Path, slactl: Slactl) -> None:
    (now,) = records(slactl)
    assert now == {
        "schedule": "first-line",
        "person": "ann",
        "since": "2026-03-02T09:00:00Z",
        "until": "2026-03-02T18:00:00Z",
        "next_person": "dan",
        "next_at": "2026-03-02T18:00:00Z",
        "source": "layer 1",
        "instead_of": None,
    }
    (gap,) = records(slactl, "first-line", "--at", "2026-03-07T12:00Z")
    assert (gap["person"], gap["source"], gap["until"]) == (None, None, "2026-03-09T00:00:00Z")
    assert (gap["next_person"], gap["next_at"]) == ("dan", "2026-03-09T00:00:00Z")
    assert slactl("oncall", "--fields", "person").out == "ann\n"


def test_it_answers_without_a_database(tmp_path: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACTL_DB", str(tmp_path / "none.db"))
    monkeypatch.setenv("SLACTL_RULES", str(write_rules(tmp_path / "none.db", policy(resolution="1h"), PEOPLE, ROTA)))
    assert slactl("oncall", "--fields", "person").out == "ann\n"
    assert not (tmp_path / "none.db").exists()


def test_three_in_the_morning_in_one_line_a_schedule(rota: Path, slactl: Slactl) -> None:
    lines = slactl("oncall", "--format", "table", "--at", "2026-03-06T19:00Z").out.splitlines()
    then = "until Sat 2026-03-07 00:00 (in 4d 15h), then nobody until Mon 2026-03-09 00:00, then dan"
    assert lines == [f"first-line  dan {then}"]
    (line,) = slactl("oncall", "--format", "table", "--at", "2026-03-07T12:00Z").out.splitlines()
    assert line.startswith("first-line  NOBODY until Mon 2026-03-09 00:00 (in 6d 15h), then dan")


def test_override_decides_is_listed_and_removed_with_who_and_when(rota: Path, slactl: Slactl, clock: Clock) -> None:
    span = ("--from", "2026-03-07T10:00Z", "--until", "2026-03-08T10:00Z")
    made = records(slactl, "override", "first-line", "--to", "cem", *span, "--reason", "nobody is there")
    change = {"schedule": "first-line", "start": "2026-03-07T10:00:00Z", "end": "2026-03-08T10:00:00Z"}
    assert made["changes"] == [{**change, "was": None, "person": "cem"}]
    (now,) = records(slactl, "--at", "2026-03-07T12:00Z")
    assert (now["person"], now["source"]) == ("cem", "override")
    at(clock, "12:00:00", day=7)
    removed = slactl("--actor", "ben", "oncall", "remove", str(made["id"]), "--json")
    assert json.loads(removed.out)["changes"] == [
        {**change, "start": "2026-03-07T12:00:00Z", "was": "cem", "person": None}
    ]
    assert "warning: nobody is on call for first-line from 2026-03-07T12:00:00Z" in removed.err
    assert records(slactl, "list") == []
    (entry,) = records(slactl, "list", "--all")
    assert (entry["actor"], entry["created_at"]) == ("ann", "2026-03-02T09:00:00Z")
    assert (entry["removed_by"], entry["removed_at"]) == ("ben", "2026-03-07T12:00:00Z")
    (before,) = records(slactl, "--at", "2026-03-07T11:00Z")  # it held until it was removed
    assert before["person"] == "cem"
    (after,) = records(slactl, "--at", "2026-03-07T13:00Z")
    assert after["person"] is None


def test_a_rehearsal_shows_the_receipt_and_changes_nothing(rota: Path, slactl: Slactl) -> None:
    said = slactl("oncall", "away", "ann", "--from", "now", "--until", "in 4h", "--substitute", "cem", "-n")
    assert said.out.splitlines() == [
        "dry run, not done: absence 1 added: ann is away from Mon 2026-03-02 09:00 to Mon 2026-03-02 13:00; "
        "cem is the substitute",
        "  first-line, Mon 2026-03-02 09:00 to Mon 2026-03-02 13:00: ann → cem",
    ]
    assert records(slactl, "list", "--all") == []


def test_numbers_of_overrides_and_absences_differ(rota: Path, slactl: Slactl) -> None:
    span = ("--from", "now", "--until", "in 1h")
    assert slactl("oncall", "override", "first-line", "--to", "me", *span).out == "1\n"
    assert slactl("oncall", "away", "me", *span).out == "2\n"
    assert slactl("oncall", "override", "first-line", "--to", "ben", *span).out == "3\n"
    assert [entry["person"] for entry in records(slactl, "list")] == ["ann", "ann", "ben"]
    result = slactl("oncall", "remove", "-", "--json", stdin="1\n2\n")
    assert [entry["kind"] for entry in json.loads(result.out)] == ["override", "away"]


REFUSED = [
    (("first-lin",), 3, "did you mean first-line?"),
    (("show", "first-lin"), 3, "did you mean first-line?"),
    (("override", "first-line", "--to", "bem", "--from", "now", "--until", "in 1h"), 3, "there is no person 'bem'"),
    (("override", "first-lin", "--to", "ben", "--from", "now", "--until", "in 1h"), 3, "did you mean first-line?"),
    (("override", "first-line", "--to", "ben", "--from", "now", "--until", "1h ago"), 2, "it ends (2026-03-02T08:00"),
    (("override", "first-line", "--to", "ben", "--from", "now", "--until", "now"), 2, "it ends (2026-03-02T09:00"),
    (("override", "first-line", "--to", "ben", "--from", "10.03.", "--until", "now"), 2, "write '10 Mar' or '3 Oct'"),
    (("away", "bem", "--from", "now", "--until", "in 1h"), 3, "there is no person 'bem'"),
    (("away", "ben", "--from", "now", "--until", "in 1h", "--substitute", "x"), 3, "there is no person 'x'"),
    (("away", "ben", "--from", "now", "--until", "in 1h", "--substitute", "ben"), 5, "in a circle: ben → ben"),
    (("away", "cem", "--from", "now", "--until", "in 1h", "--substitute", "dan"), 5, "in a circle: cem → dan → cem"),
    (("remove", "7"), 3, "there is no override or absence 7"),
    (("remove", "2"), 5, "override 2 was removed by ann"),
]


@pytest.mark.parametrize(("words", "code", "message"), REFUSED)
def test_what_is_refused_has_a_hint_and_changes_nothing(
    rota: Path, slactl: Slactl, words: tuple[str, ...], code: int, message: str
) -> None:
    for made in (
        ("away", "dan", "--from", "in 30m", "--until", "in 2h", "--substitute", "cem"),
        ("override", "first-line", "--to", "cem", "--from", "in 30m", "--until", "in 2h"),
        ("remove", "2"),
    ):
        assert slactl("oncall", *made).code == 0
    before = records(slactl, "list", "--all")
    result = slactl("oncall", *words)
    assert (result.code, result.out) == (code, "")
    assert message in result.err
    assert "Traceback" not in result.err
    assert "hint: slactl " in result.err or "is not a valid time" in result.err
    assert records(slactl, "list", "--all") == before


def test_substitutes_at_different_times_are_no_circle(rota: Path, slactl: Slactl) -> None:
    first = ("away", "ann", "--from", "now", "--until", "in 1h", "--substitute", "ben")
    assert slactl("oncall", *first).code == 0
    later = ("away", "ben", "--from", "in 1h", "--until", "in 2h", "--substitute", "ann")
    assert slactl("oncall", *later).code == 0


@pytest.mark.parametrize("last", [0, 5])
def test_more_than_five_substitutes_are_a_warning(rota: Path, slactl: Slactl, last: int) -> None:
    path = rota.with_name("rules.toml")
    path.write_text(path.read_text() + "".join(f"\n[people.p{number}]" for number in range(7)))
    for step in (*(number for number in range(6) if number != last), last):
        who = ("away", f"p{step}", "--substitute", f"p{step + 1}")
        added = slactl("oncall", *who, "--from", "now", "--until", "in 1h")
        assert added.code == 0, added.err
        assert ("more than five substitutes" in added.err) is (step == last), step
    assert "p0 → p1 → p2 → p3 → p4 → p5 → p6" in added.err


def test_plan_as_a_person_reads_it(rota: Path, slactl: Slactl) -> None:
    slactl(
        "oncall", "override", "first-line", "--to", "cem", "--from", "2026-03-03T08:00Z", "--until", "2026-03-03T12:00Z"
    )
    slactl(
        "oncall", "away", "ben", "--from", "2026-03-04T00:00Z", "--until", "2026-03-05T00:00Z", "--substitute", "dan"
    )
    shown = slactl("oncall", "show", "first-line", "--from", "2026-03-02", "--days", "7", "--format", "table").out
    assert shown.splitlines() == [
        "first-line, times in UTC",
        "  Mon 2026-03-02  00:00-09:00 dan   09:00-18:00 → ann   18:00-24:00 → dan",
        "  Tue 2026-03-03  00:00-08:00 dan   08:00-12:00 → cem*   12:00-18:00 → ben   18:00-24:00 → dan",
        "  Wed 2026-03-04  00:00-08:00 dan   08:00-09:00 dan (for ben)   09:00-18:00 → ann   18:00-24:00 → dan",
        "  Thu 2026-03-05  00:00-08:00 dan   08:00-09:00 → ann   09:00-18:00 → ben   18:00-24:00 → dan",
        "  Fri 2026-03-06  00:00-08:00 dan   08:00-09:00 → ben   09:00-18:00 → ann   18:00-24:00 → dan",
        "  Sat 2026-03-07  00:00-24:00 → NOBODY",
        "  Sun 2026-03-08  00:00-24:00 NOBODY",
        "* override; 1 gap: nobody is on call",
    ]
    plan = records(slactl, "show", "first-line", "--from", "2026-03-02", "--days", "7")
    assert [shift["person"] for shift in plan[:4]] == ["dan", "ann", "dan", "cem"]
    assert all(one["end"] == other["start"] for one, other in pairwise(plan))


def test_receipt_on_a_terminal(rota: Path) -> None:
    command = ("oncall", "override", "first-line", "--to", "cem", "--from", "now", "--until", "in 2d")
    with on_terminal(sys.executable, "-m", "slactl", *command) as terminal:
        assert terminal.wait() == 0
    assert "override 1 added: cem is on call for first-line" in terminal.screen


def test_export_is_read_back_as_a_feed(rota: Path, slactl: Slactl, clock: Clock) -> None:
    exported = slactl("oncall", "export", "first-line", "--days", "7")
    assert exported.code == 0, exported.err
    rota.with_name("copy.ics").write_text(exported.out)
    write_rules(rota, policy(resolution="1h"), PEOPLE, ROTA, '[schedules.copy]\ntimezone = "UTC"\nical = "copy.ics"\n')
    plans = [records(slactl, "show", name, "--from", "2026-03-02", "--days", "7") for name in ("first-line", "copy")]
    people = [[(shift["start"], shift["end"], shift["person"]) for shift in plan] for plan in plans]
    assert people[0] == people[1]


MANAGERS = '[schedules.managers]\ntimezone = "UTC"\nical = "managers.ics"\n'
FEED = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:test
BEGIN:VEVENT
UID:1
SUMMARY:ann
DTSTART:20260301T000000Z
DTEND:20260401T000000Z
END:VEVENT
END:VCALENDAR
"""


ROTA_TO_COME = """
[schedules.later]
[[schedules.later.layer]]
people = ["ann"]
rotate = "1d"
from = "2027-01-01 09:00"
"""


@pytest.mark.parametrize("broken", ["missing", "huge", "malformed", "pipe"])
def test_last_good_copy_of_a_broken_feed_serves_and_everybody_says_so(
    desk: Path, slactl: Slactl, broken: str, clock: Clock
) -> None:
    feed = desk.with_name("managers.ics")
    feed.write_text(FEED)
    write_rules(
        desk, policy(resolution="1h"), PEOPLE, '[schedules.managers]\ntimezone = "UTC"\nical = "managers.ics"\n'
    )
    assert slactl("check").code == 0
    feed.unlink()
    if broken == "huge":
        feed.write_text(FEED + "X" * 1_000_000)
    elif broken == "malformed":
        feed.write_text(FEED[:-20])
    elif broken == "pipe":
        os.mkfifo(feed)
    for command in (("oncall",), ("check",), ("rules", "check"), ("doctor",)):
        result = slactl(*command)
        assert "its copy of 2026-03-02T09:00:00Z serves" in result.out + result.err, command
    for form in ((), ("-n",), ("-q",)):
        result = slactl("check", *form)
        assert (result.code, result.err.startswith("warning: schedule managers: the feed ")) == (0, True), form
    assert slactl("oncall", "--fields", "person").out == "ann\n"


def test_feed_without_a_copy_leaves_a_gap_and_blocks_nothing(desk: Path, slactl: Slactl) -> None:
    write_rules(
        desk, policy(resolution="1h"), PEOPLE, '[schedules.managers]\ntimezone = "UTC"\nical = "managers.ics"\n'
    )
    result = slactl("oncall", "--fields", "person")
    assert (result.code, result.out) == (0, "\n")
    assert "nobody is on call by it" in result.err
    assert slactl("check").code == 0


@pytest.mark.parametrize("words", [("escalate", "1", "--reason", "called"), ("assign", "1", "--to", "lead")])
def test_feed_is_not_read_while_others_wait_for_the_database(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    rules = '[schedules.managers]\ntimezone = "UTC"\nical = "managers.ics"\n[roles.lead]\non_call = "managers"\n'
    path = write_rules(desk, policy(resolution="1h"), PEOPLE, rules)
    path.write_text(path.read_text().replace('notify = ["manager"]', 'notify = ["lead"]'))
    assert slactl("create", "Printer on fire", "--from", "ann@example.com").code == 0
    desk.with_name("managers.ics").write_text(FEED)
    reader = desk.with_name("reader")
    reader.write_text(f"""#!{sys.executable} -P
import pathlib, sqlite3, subprocess, sys
connection = sqlite3.connect({str(desk)!r}, timeout=0)
connection.execute("BEGIN IMMEDIATE")
connection.rollback()
pathlib.Path({str(desk.with_name("was_free"))!r}).touch()
sys.exit(subprocess.run([{sys.executable!r}, *sys.argv[1:]]).returncode)
""")
    reader.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(reader))
    done = slactl(*words)
    assert desk.with_name("was_free").exists(), done.err
    assert done.code == 0


def test_refusal_of_an_escalation_that_nobody_is_on_call_for_leads_to_the_rota(desk: Path, slactl: Slactl) -> None:
    later = ROTA_TO_COME + '[roles.lead]\non_call = "later"\n'
    path = write_rules(desk, policy(resolution="1h"), PEOPLE, later)
    path.write_text(path.read_text().replace('priority = "high", notify = ["manager"]', 'notify = ["lead"]'))
    assert slactl("create", "Printer on fire", "--from", "ann@example.com", "--priority", "high").code == 0
    refused = slactl("escalate", "1", "--reason", "called")
    hint = "hint: slactl oncall override later --to joe --from now --until 'in 8h'"
    assert (refused.code, refused.err.splitlines()[-1]) == (5, hint)


def test_libraries_of_feeds_are_not_imported_without_a_feed(rota: Path, slactl: Slactl) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in ("icalendar", "recurring_ical_events")]:
        del sys.modules[name]
    assert slactl("oncall").code == 0
    assert slactl("check").code == 0
    assert "icalendar" not in sys.modules


def test_constraints_of_the_database_refuse_what_ends_before_it_begins(rota: Path) -> None:
    values = "('ann', '2026-03-02T09:00:00Z', '2026-03-02T09:00:00Z', 'ann', '2026-03-02T09:00:00Z')"
    with sqlite3.connect(rota) as connection, pytest.raises(sqlite3.IntegrityError, match="in_order"):
        connection.execute(f"INSERT INTO absence (person, starts_at, ends_at, actor, created_at) VALUES {values}")


def test_slactl_alone_says_who_is_on_call(rota: Path, slactl: Slactl) -> None:
    assert "on call: first-line  ann until Mon 2026-03-02 18:00 (in 9h), then dan" in slactl().out
    rota.with_name("rules.toml").write_text("schema = 1\n[schedules.x]\n")
    broken = slactl()
    assert (broken.code, "on call" in broken.out) == (0, False)


def test_test_message_to_a_role_goes_to_who_is_on_call(rota: Path, slactl: Slactl) -> None:
    people = PEOPLE.replace("[people.ann]", '[people.ann]\nnotify = ["syslog://"]')
    write_rules(rota, policy(resolution="1h"), people, ROTA, '[roles.first]\non_call = "first-line"\n')
    assert json.loads(slactl("notify", "test", "first", "-n", "--json").out)["recipient"] == "ann"
    slactl("oncall", "override", "first-line", "--to", "dan", "--from", "now", "--until", "in 1h")
    assert slactl("notify", "test", "first", "-n").code == 5


def test_assigning_to_a_role_gives_the_ticket_to_who_is_on_call(rota: Path, slactl: Slactl) -> None:
    write_rules(rota, policy(resolution="1h"), PEOPLE, ROTA, '[roles.first]\non_call = "first-line"\n')
    number = slactl("create", "Printer on fire", "--from", "x@example.com").out.strip()
    slactl("oncall", "away", "ann", "--from", "now", "--until", "in 1h", "--substitute", "cem")
    changed = slactl("assign", number, "--to", "first", "--json")
    assert json.loads(changed.out)["assignee"] == "cem"
    slactl("oncall", "away", "cem", "--from", "now", "--until", "in 1h")
    for name in ("ben", "dan"):
        slactl("oncall", "away", name, "--from", "now", "--until", "in 1h")
    refused = slactl("assign", number, "--to", "first")
    assert (refused.code, "so nobody would get the ticket" in refused.err) == (5, True)


@pytest.mark.parametrize("day", [6, 7, 8])
def test_end_of_a_span_is_the_first_such_time_after_its_begin(
    rota: Path, slactl: Slactl, clock: Clock, day: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    at(clock, "07:00:00", day=day)
    words = ("override", "first-line", "--to", "ann", "--from", "sat 00:00", "--until", "mon 08:00")
    assert slactl("oncall", *words).code == 0
    (entry,) = records(slactl, "list")
    begins = "2026-03-07" if day == 6 else "2026-03-14"
    ends = "2026-03-09" if day == 6 else "2026-03-16"
    assert (entry["starts_at"], entry["ends_at"]) == (f"{begins}T00:00:00Z", f"{ends}T08:00:00Z")
    silence = ("silence", "add", "--tenant", "acme", "--from", "sat 22:00", "--until", "sun 06:00")
    assert slactl("tenant", "add", "acme").code == slactl(*silence).code == 0


def test_an_override_without_a_length_is_said_to_end_when_it_begins(rota: Path, slactl: Slactl) -> None:
    words = ("oncall", "override", "first-line", "--to", "ann", "--from", "in 8h", "--until", "now")
    refused = slactl(*words)
    assert (refused.code, refused.out) == (2, "")
    assert " when it begins (" in refused.err
