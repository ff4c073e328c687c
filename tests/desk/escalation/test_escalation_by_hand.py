"""What comes next on a ladder, and going up it by hand: `show`, `list`, `ack`, `escalate --escalation --level`."""

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import MONDAY, Slactl
from escalation_desk import at, came, check, ladder, opened, policy, rows, ticket, told, write_rules
from freezegun.api import FrozenDateTimeFactory

from slactl.store.database import Database
from slactl.store.read import runs

Clock = FrozenDateTimeFactory

LONG = policy(resolution="10h")
STEPS = ladder(
    "resolution",
    "warn 80%",
    'breach 0m priority = "high"; notify = ["manager"]',
    'lead +1h priority = "urgent"; assign = "manager"; note = "taken over"; notify = ["assignee"]',
    "director +2h",
)


pytestmark = pytest.mark.usefixtures("clock")


def upcoming(slactl: Slactl, number: str) -> tuple[str, str, str] | None:
    """Escalation, level and time of the next level; the same in `show` and `list`."""
    shown = ticket(slactl, number)
    names = ("next_escalation", "next_level", "next_level_at")
    (listed,) = [each for each in json.loads(slactl("list", "--all", "--json").out) if each["id"] == int(number)]
    assert [shown[name] for name in names] == [listed[name] for name in names]
    return (shown[names[0]], shown[names[1]], shown[names[2]][5:16]) if shown[names[1]] else None


def test_the_next_level_is_the_first_that_would_fire_as_things_stand(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS, ladder("unassigned", "grab +10m"))
    number = opened(slactl)
    assert upcoming(slactl, number) == ("unassigned", "grab", "03-02T09:10")
    slactl("assign", number, "--to", "joe")
    assert upcoming(slactl, number) == ("resolution", "warn", "03-02T17:00")
    at(clock, "17:00:00")
    check(slactl)
    assert upcoming(slactl, number) == ("resolution", "breach", "03-02T19:00")
    slactl("ack", number, "--for", "4h")
    assert upcoming(slactl, number) == ("resolution", "breach", "03-02T21:00")  # when the acknowledgement ends
    slactl("unack", number)
    slactl("status", number, "pending")
    assert upcoming(slactl, number) is None
    at(clock, "18:00:00")
    slactl("status", number, "open")
    assert upcoming(slactl, number) == ("resolution", "breach", "03-02T20:00")
    slactl("resolve", number)
    assert upcoming(slactl, number) is None


def test_a_level_that_asks_for_something_else_is_not_the_next_one(desk: Path, slactl: Slactl, clock: Clock) -> None:
    steps = ladder("resolution", 'low 50% when = { priority = ["low"] }; tag = ["x"]', "warn 80%")
    write_rules(desk, LONG, steps)
    number = opened(slactl)
    assert upcoming(slactl, number) == ("resolution", "warn", "03-02T17:00")
    slactl("priority", number, "low")
    assert upcoming(slactl, number) == ("resolution", "low", "03-02T14:00")


def test_repeats_are_levels_to_come(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, ladder("resolution", 'nag 0m note = "late"; repeat = { every = "1h", max = 1 }'))
    number = opened(slactl)
    at(clock, "19:30:00")
    check(slactl)
    assert upcoming(slactl, number) == ("resolution", "nag", "03-02T20:00")
    at(clock, "20:00:00")
    check(slactl)
    assert upcoming(slactl, number) is None


def test_people_read_what_comes_next_and_when(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl)
    at(clock, "16:18:00")
    assert "Next level    warn in 42m, Mon 2026-03-02 17:00" in slactl("show", number, "--format", "table").out
    assert "warn in 42m" in slactl("list", "--format", "table").out
    at(clock, "17:10:00")
    assert "warn due" in slactl("list", "--format", "table").out  # until a check runs


def test_escalating_to_a_level_does_what_the_level_does(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl, "--assignee", "joe")
    at(clock, "10:00:00")
    done = slactl("escalate", number, "--escalation", "resolution", "--level", "lead", "--reason", "called twice")
    assert (done.code, done.out) == (0, f"{number}\n")
    found = ticket(slactl, number)
    assert (found["priority"], found["assignee"]) == ("urgent", "mia")
    assert [message["body"] for message in found["messages"]] == ["taken over"]
    assert told(desk) == [("mia", "lead")]
    assert [(each["level"], each["outcome"], each["source"], each["actor"]) for each in found["escalations"]] == [
        ("warn", "expired", "manual", "ann"),
        ("breach", "expired", "manual", "ann"),
        ("lead", "fired", "manual", "ann"),
    ]
    assert {each["reason"] for each in found["escalations"]} == {"called twice"}
    assert (found["escalated"], found["escalation_level"]) == (True, 1)


def test_levels_taken_by_hand_are_not_repeated_by_check_and_the_ladder_goes_on(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl)
    slactl("escalate", number, "--escalation", "resolution", "--level", "lead", "--reason", "called twice")
    assert upcoming(slactl, number) == ("resolution", "director", "03-02T21:00")
    at(clock, "20:30:00")
    found = check(slactl)
    assert (found["firings"], found["breached"]) == ([], 1)
    at(clock, "21:00:00")
    assert came(slactl) == ["director fired"]
    assert ticket(slactl, number)["escalation_level"] == 2


def test_each_call_is_a_record_of_its_own(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl)
    words = ("escalate", number, "--escalation", "resolution", "--level", "breach", "--reason", "again")
    for options, code in (("--no-notify", 0), ("--no-notify", 5), ("-q", 0), ("-q", 0)):
        assert slactl(*words, options).code == code
    assert rows(desk, "SELECT level FROM escalation ORDER BY id") == [("warn",), *[("breach",)] * 3]
    assert told(desk) == [("manager", "breach")] * 2


def test_a_paused_ladder_can_be_gone_up_by_hand(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl)
    slactl("status", number, "pending")
    assert slactl("escalate", number, "--escalation", "resolution", "--level", "breach", "--reason", "now").code == 0
    slactl("status", number, "open")
    at(clock, "20:30:00")
    assert came(slactl) == ["lead fired"]


def test_the_repeats_of_a_level_before_it_that_have_come_are_taken_too(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    nag = 'nag 0m note = "late"; repeat = { every = "1h", max = 5 }'
    write_rules(desk, LONG, ladder("resolution", nag, "lead +8h"))
    number = opened(slactl)
    at(clock, "20:30:00")
    slactl("escalate", number, "--escalation", "resolution", "--level", "lead", "--reason", "now")
    assert came(slactl) == []
    at(clock, "21:00:00")
    assert came(slactl) == ["nag#2 fired"]


def test_a_rehearsal_changes_nothing(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl)
    words = ("escalate", number, "--escalation", "resolution", "--level", "lead", "--reason", "now", "--dry-run")
    changes = "priority normal → urgent · assignee nobody → mia"
    waits = "the message to mia waits for the next check: there is no address, so check prints it"
    assert slactl(*words).out == f"dry run, not done: #{number} escalated · {changes} · {waits}\n"
    assert rows(desk, "SELECT count(*) FROM escalation") == [(0,)]


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ("--escalation resolution --reason x", 2, "must be used together"),
        ("--level lead --reason x", 2, "must be used together"),
        ("--escalation resolution --level lead --assign joe --reason x", 2, "cannot be used with --level"),
        ("--escalation resolution --level lead", 5, "a reason is required"),
        ("--escalation resolutoin --level lead --reason x", 3, "did you mean resolution?"),
        ("--escalation resolution --level laed --reason x", 3, "did you mean lead?"),
        ("--escalation first --level f --reason x", 5, "has no open first_response"),
    ],
)
def test_what_cannot_be_is_refused(desk: Path, slactl: Slactl, options: str, code: int, says: str) -> None:
    write_rules(desk, LONG, STEPS, ladder("first_response", "f 0m", name="first"))
    number = opened(slactl)
    result = slactl("escalate", number, *options.split())
    assert (result.code, says in result.err) == (code, True), result.err
    assert rows(desk, "SELECT count(*) FROM escalation") == [(0,)]


def test_levels_taken_by_hand_survive_an_export(
    desk: Path, slactl: Slactl, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl)
    slactl("escalate", number, "--escalation", "resolution", "--level", "lead", "--reason", "called twice")
    history = slactl("export").out
    monkeypatch.setenv("SLACTL_DB", str(tmp_path / "other.db"))
    assert slactl("init").code == 0
    assert slactl("import", "-", stdin=history).code == 0
    at(clock, "21:30:00")
    assert came(slactl) == ["director fired"]
    assert slactl("import", "-", stdin=history).code == 0
    strip = re.compile(r'"(id|recorded_at|rules)": [^,}]*,? ?')
    again = [strip.sub("", line) for line in slactl("export").out.splitlines()]
    assert [line for line in map(lambda line: strip.sub("", line), history.splitlines()) if line not in again] == []


def test_who_looks_is_told_when_levels_are_due_and_no_check_goes_well(desk: Path, slactl: Slactl, clock: Clock) -> None:
    def since(now: str) -> str | None:
        with Database(desk).read() as connection:
            return runs.asleep_since(connection, now)

    write_rules(desk, LONG, STEPS)
    opened(slactl)
    assert since("2026-03-02T16:00:00Z") is None  # nothing is due
    assert since("2026-03-02T17:00:00Z") == ""  # and no check ever ran
    check(slactl)
    assert since("2026-03-02T17:00:00Z") == MONDAY
    at(clock, "17:00:00")
    check(slactl)
    at(clock, "19:30:00")
    assert since("2026-03-02T17:30:00Z") is None
    assert since("2026-03-02T19:30:00Z") == "2026-03-02T17:00:00Z"


def test_the_list_warns_on_a_terminal_and_nowhere_else(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, LONG, STEPS)
    opened(slactl)
    check(slactl)  # months ago for the machine's own clock

    def said_on(stdout: int, *options: str) -> str:
        words = [sys.executable, "-m", "slactl", "list", *options]
        return subprocess.run(words, stdout=stdout, stderr=subprocess.PIPE, text=True, check=True).stderr

    terminal, end = pty.openpty()
    try:
        warning = said_on(end)
        assert "warning: levels are due, but no check fires them: the last check that fired levels ended" in warning
        assert "hint: slactl check" in warning
        assert said_on(end, "-q") == said_on(end, "--json") == said_on(end, "--at", "2036-01-01") == ""
        assert said_on(subprocess.DEVNULL) == ""
    finally:
        os.close(terminal)
        os.close(end)


def test_a_rebuilding_knows_what_was_decided_by_hand(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl)
    check(slactl)
    slactl("escalate", number, "--escalation", "resolution", "--level", "lead", "--reason", "called twice")
    before = rows(desk, "SELECT kind, next_at FROM timer ORDER BY kind")
    rebuilt = slactl("doctor", "--rebuild")
    assert (rebuilt.code, "rebuilt: 0" in rebuilt.out or "of which 0" in rebuilt.out) == (0, True), rebuilt.out
    assert rows(desk, "SELECT kind, next_at FROM timer ORDER BY kind") == before


def test_a_rebuilding_does_not_go_back_to_what_is_over_for_a_level_that_came_later(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, LONG, ladder("resolution", "breach 0m"))
    number = opened(slactl)
    at(clock, "23:00:00")
    check(slactl)
    slactl("resolve", number)
    write_rules(desk, LONG, ladder("resolution", "breach 0m", "manager +1h"))
    assert came(slactl) == []
    assert slactl("doctor", "--rebuild", "--dry-run").code == 0


def test_a_rebuilding_finds_nothing_in_time_that_passed_without_a_check(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, policy(resolution="20m"), ladder("resolution", "half 50%", "most 80%"))
    opened(slactl)
    check(slactl)
    at(clock, "15:00:00")
    assert slactl("doctor", "--rebuild", "--dry-run").code == 0
    with sqlite3.connect(desk) as connection:
        connection.execute("UPDATE ticket SET next_level = 'gone'")
    assert slactl("doctor", "--rebuild", "--dry-run").code == 7
