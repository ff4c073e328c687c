"""A command as an address: once a ticket, with ids and closed sets as arguments and the facts on stdin."""

import json
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest
from command_desk import got, late, on_path, outbox, write_program, write_rules
from conftest import Slactl, is_alive, until, write_secret
from freezegun.api import FrozenDateTimeFactory
from hypothesis import given
from hypothesis import strategies as st

from slactl.desk.programs.secrets import Secrets, filled_in

Clock = FrozenDateTimeFactory

SECRET = "sentinel-Zq81"


@pytest.fixture(autouse=True)
def _clock(clock: Clock) -> None:
    clock.move_to("2026-03-04T10:00:00Z")


def everything(desk: Path) -> bytes:
    """Return all bytes that slactl keeps, without the programs and what they wrote."""
    with sqlite3.connect(desk) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return b"".join(path.read_bytes() for path in desk.parent.glob("slactl.db*"))


# What it gets.


def test_command_runs_once_for_each_ticket_with_the_facts_on_stdin(desk: Path, slactl: Slactl) -> None:
    write_program(desk)
    url = 'ticket_url = "https://desk.example.com/{id}"\n'
    write_rules(desk, ["./page", "{external_id}", "--{priority}={status}", "{id}{target}", "$HOME *"], settings=url)
    late(slactl, "A-1", "A-2", subject="Printer on fire", requester_email="bob@example.com", tenant=None)
    done = json.loads(slactl("check", "--json").out)
    assert (done["notified"], done["exit_code"]) == (2, 0)
    runs = got(desk)
    assert [run["arguments"] for run in runs] == [
        ["A-1", "--normal=open", "1first_response", "$HOME *"],
        ["A-2", "--normal=open", "2first_response", "$HOME *"],
    ]
    first = runs[0]["facts"]
    assert len(first.pop("message_id")) == 32
    assert first.pop("title").startswith("Ticket 1, normal: First response")
    assert first.pop("body").startswith("ticket 1 github:A-1: First response overdue by 1h")
    assert first == {
        "recipient": "lead",
        "id": 1,
        "external_id": "A-1",
        "source": "github",
        "tenant": None,
        "plan": "free",
        "priority": "normal",
        "status": "open",
        "assignee": None,
        "target": "first_response",
        "deadline": "2026-03-04T09:00:00Z",
        "reason": "first_response_sla_breached",
        "escalation": "first-response",
        "level": "breach",
        "instead_of": None,
        "stands_in_for": None,
        "held_by": None,
        "subject": None,
        "requester_email": None,
        "overdue_seconds": 3600,
        "link": "https://desk.example.com/1",
        "test": False,
    }
    assert {run["cwd"] for run in runs} == {"/"}
    assert outbox(slactl) == [("lead", "sent", None)] * 2
    assert slactl("check").code == 0
    assert len(got(desk)) == 2


@pytest.mark.parametrize("notify", [["assignee", "boss"], ["boss", "assignee"], ["boss", "mia", "assignee"]])
def test_command_runs_once_where_a_role_and_a_word_mean_one_person(
    desk: Path, slactl: Slactl, notify: list[str]
) -> None:
    write_program(desk)
    path = write_rules(desk, ["false"])
    text = path.read_text().replace("[people.mia]", '[roles.boss]\nassignee = "mia"\n[people.mia]\n%s')
    path.write_text(
        text.replace('notify = ["lead"]', f"notify = {json.dumps(notify)}") % 'notify = [{command = ["./page"]}]'
    )
    late(slactl, "A-1", assignee="mia")
    done = json.loads(slactl("check", "--json").out)
    assert (done["notified"], done["messages_sent"]) == (1, 1)
    assert [run["facts"]["recipient"] for run in got(desk)] == ["mia"]
    assert outbox(slactl) == [("mia", "sent", None)]
    assert json.loads(slactl("runs", "list", "--json").out)[0]["messages_sent"] == 1


def test_customers_words_are_on_stdin_only_where_the_role_asks(desk: Path, slactl: Slactl) -> None:
    write_program(desk)
    write_rules(desk, ["./page"], 'include = ["subject"]')
    late(slactl, "A-1", subject="a\u202eb", requester_email="bob@example.com")
    assert slactl("check").code == 0
    facts = got(desk)[0]["facts"]
    assert (facts["subject"], facts["requester_email"]) == ("a\u202eb", None)


def test_environment_is_minimal_and_has_what_the_command_names(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PAGER_TOKEN", "OTHER_TOKEN", "https_proxy", "LC_MESSAGES"):
        monkeypatch.setenv(name, SECRET)
    write_program(desk)
    write_secret(desk, "key", f"file-{SECRET}\n")
    write_rules(desk, ["./page", "${env:PAGER_TOKEN}", "${file:key}"])
    late(slactl, "A-1")
    result = slactl("check")
    assert result.code == 0, result.err
    (run,) = got(desk)
    assert run["arguments"] == [SECRET, f"file-{SECRET}"]
    given = run["environment"]
    assert {name for name, value in given.items() if value == SECRET} == {"PAGER_TOKEN", "LC_MESSAGES"}
    assert given["PATH"] == os.environ["PATH"]
    assert {"PAGER_TOKEN", "HOME", "PATH", "PYTHONSAFEPATH"} <= given.keys()
    assert SECRET.encode() not in everything(desk)


def test_value_of_a_ticket_names_no_secret(desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER_TOKEN", SECRET)
    write_program(desk)
    write_rules(desk, ["./page", "{external_id}", "${env:PAGER_TOKEN}"])
    late(slactl, "${env:PAGER_TOKEN}{id}")
    assert slactl("check").code == 0
    assert got(desk)[0]["arguments"] == ["${env:PAGER_TOKEN}{id}", SECRET]


@pytest.mark.parametrize(
    ("name", "source", "why"),
    [
        ("-rf", "github", "the external id of the ticket begins with -, as an option does"),
        ("a\u202eb", "github", "the external id of the ticket has characters that are not shown"),
        ("A-1", None, "the ticket has no source"),
    ],
)
def test_value_that_may_be_no_argument_fails_and_nothing_runs(
    desk: Path, slactl: Slactl, name: str, source: str | None, why: str
) -> None:
    write_program(desk)
    write_rules(desk, ["./page", "ext:{external_id}", "{source}"])
    late(slactl, name, source=source)
    result = slactl("check")
    assert result.code == 7
    assert f"lead: command ./page: nothing was run: {why}; slactl gave up and sends the message to backup" in result.err
    assert got(desk) == []
    assert [each[:2] for each in outbox(slactl)] == [("lead", "dead"), ("backup", "printed")]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("-rf", "the external id of the ticket begins with -, as an option does"),
        ("a\u202eb", "the external id of the ticket has characters that are not shown"),
    ],
)
def test_value_that_may_be_no_argument_fails_at_once_in_an_escalation_by_hand(
    desk: Path, slactl: Slactl, name: str, why: str
) -> None:
    """Nobody who runs `check` could send the message either, so that it must not wait."""
    write_program(desk)
    write_rules(desk, ["./page", "{external_id}"])
    late(slactl, name)
    level = ("--escalation", "first-response", "--level", "breach", "--reason", "called twice")
    rehearsed = slactl("escalate", "-n", "--json", *level, "--", name)
    assert '"state": "dead"' in rehearsed.out, rehearsed
    result = slactl("escalate", *level, "--", name)
    assert result.code == 7
    assert f"lead: command ./page: nothing was run: {why}; slactl gave up" in result.err.replace("⟨U+202E⟩", "")
    assert got(desk) == []
    assert ("lead", "dead") in [each[:2] for each in outbox(slactl)]


VALUES = {"{id}": "12", "{external_id}": "", "{status}": "open"}

#: Parts of an argument, each with what it becomes; the value of `{external_id}` is drawn.
PARTS = st.lists(
    st.one_of(
        st.sampled_from([*VALUES, "${env:TOKEN}"]),
        st.sampled_from(["{", "}", "$", "{other}", "{id", "env:TOKEN}", "--x=", " ", "é"]),
    ),
    max_size=6,
)


@given(PARTS, st.one_of(st.sampled_from(["${env:TOKEN}", "{id}", "{external_id}"]), st.text(max_size=8)))
def test_each_field_and_secret_is_filled_in_once(parts: list[str], value: str) -> None:
    """The argument is that of a naive model, which reads the text from left to right."""
    known = VALUES | {"{external_id}": value}
    word, rest, wanted = "".join(parts), "".join(parts), ""
    while rest:
        hole = next((each for each in (*known, "${env:TOKEN}") if rest.startswith(each)), None)
        wanted += (known | {"${env:TOKEN}": SECRET})[hole] if hole is not None else rest[0]
        rest = rest[len(hole or rest[0]) :]
    assert filled_in(word, Secrets({"TOKEN": SECRET}, Path("/rules.toml")), known) == wanted


def test_ticket_opened_here_has_no_external_id(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_program(desk)
    write_rules(desk, ["./page", "{external_id}"])
    slactl("create", "Printer", "--from", "bob@example.com")
    clock.move_to("2026-03-09T10:00:00Z")
    assert "nothing was run: the ticket has no external id" in slactl("check").err
    assert got(desk) == []


# How it ends.


@pytest.mark.parametrize(
    ("end", "state", "error"),
    [
        ("sys.exit(75)", "waiting", "command ./page: ended with exit code 75"),
        ("sys.exit(3)", "dead", "command ./page: ended with exit code 3"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "dead", "command ./page: ended by the signal SIGKILL"),
    ],
)
def test_exit_code_says_sent_try_again_or_failed(
    desk: Path, slactl: Slactl, clock: Clock, end: str, state: str, error: str
) -> None:
    write_program(desk, end)
    write_rules(desk, ["./page", "{id}"])
    late(slactl, "A-1")
    assert slactl("check").code == 7
    assert outbox(slactl)[0] == ("lead", state, error)
    desk.with_name("end").write_text("")
    clock.tick(61)
    assert slactl("check").code == 0
    sent = state == "waiting"
    assert len(got(desk)) == 1 + sent
    assert outbox(slactl)[0][1] == ("sent" if sent else "dead")
    assert len({run["facts"]["message_id"] for run in got(desk)}) == 1


def test_one_ticket_that_fails_keeps_no_other_from_its_command(desk: Path, slactl: Slactl) -> None:
    write_program(desk, "sys.exit(75 if sys.argv[1] == 'A-2' else 0)")
    write_rules(desk, ["./page", "{external_id}"])
    late(slactl, "A-1", "A-2", "A-3")
    assert slactl("check").code == 7
    assert [state for _, state, _ in outbox(slactl)] == ["sent", "waiting", "sent"]


@pytest.mark.parametrize(
    ("end", "how"),
    [
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()", "it did not end within 1 s"),
        ("while True: os.write(1, b'x' * 65536)", "it printed more than 1,048,576 bytes"),
    ],
)
@pytest.mark.parametrize(("on_unknown", "state"), [("resend", "waiting"), ("hold", "held")])
def test_command_over_its_limits_is_killed_and_nobody_knows_what_it_did(
    desk: Path, slactl: Slactl, end: str, how: str, on_unknown: str, state: str
) -> None:
    note = f"open({str(desk.with_name('child'))!r}, 'w').write(str(os.getpid()))"
    child = f"read, write = os.pipe()\nif os.fork(): os.read(read, 1)\nelse: {note}; os.write(write, b'.')\n"
    write_program(desk, f"{child}{end}")
    write_rules(desk, ["./page"], f'on_unknown = "{on_unknown}"', settings='send_timeout = "1s"\n')
    late(slactl, "A-1")
    assert slactl("check").code == 7
    assert outbox(slactl)[0] == ("lead", state, f"command ./page: was killed: {how}")
    until(lambda: not is_alive(int(desk.with_name("child").read_text())))


def test_process_that_the_command_leaves_behind_is_ended(desk: Path, slactl: Slactl) -> None:
    child = desk.with_name("child")
    body = f"""
read, write = os.pipe()
if os.fork() == 0:
    open({str(child)!r}, "w").write(str(os.getpid()))
    os.write(write, b".")
    while True: signal.pause()
os.read(read, 1)
"""
    write_program(desk, body)
    write_rules(desk, ["./page"])
    late(slactl, "A-1")
    assert slactl("check").code == 0
    assert outbox(slactl) == [("lead", "sent", None)]
    until(lambda: not is_alive(int(child.read_text())))


def test_command_need_not_read_its_stdin(desk: Path, slactl: Slactl) -> None:
    program = write_program(desk)
    program.write_text("#!/bin/sh\nexit 0\n")
    write_rules(desk, ["./page"])
    late(slactl, "A-1")
    assert slactl("check").code == 0
    assert outbox(slactl) == [("lead", "sent", None)]


def test_what_it_prints_is_shown_without_secrets_and_not_kept(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "sentinel-Lk52"  # another test may have read a longer form of SECRET
    monkeypatch.setenv("PAGER_TOKEN", secret)
    write_program(desk, "sys.stderr.write('bad token ' + sys.argv[1] + ' of bob@example.com\\n'); sys.exit(1)")
    write_rules(desk, ["./page", "${env:PAGER_TOKEN}"])
    late(slactl, "A-1")
    result = slactl("check")
    assert "command ./page: ended with exit code 1: bad token … of bob@example.com; slactl gave up" in result.err
    assert outbox(slactl)[0] == ("lead", "dead", "command ./page: ended with exit code 1")
    assert secret not in result.out + result.err
    assert b"bob@" not in everything(desk)


def test_missing_program_is_given_up_at_once_and_named_by_rules_check(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, ["no-such-pager", "{id}"])
    late(slactl, "A-1")
    assert "the program no-such-pager is not in PATH here" in slactl("rules", "check").err
    assert "the program no-such-pager is not in PATH here" in slactl("doctor", "--json").out
    assert slactl("check").code == 7
    assert outbox(slactl)[0] == ("lead", "dead", "command no-such-pager: the program is not in PATH")


# Who may change it.


@pytest.mark.parametrize("place", ["rules.toml", "page"])
def test_nothing_runs_while_others_may_change_the_rules_or_the_program(
    desk: Path, slactl: Slactl, clock: Clock, place: str
) -> None:
    write_program(desk)
    write_rules(desk, ["./page"])
    late(slactl, "A-1")
    path = desk.with_name(place)
    path.chmod(path.stat().st_mode | 0o002)
    for command in (("check",), ("notify", "test", "lead")):
        result = slactl(*command)
        assert result.code == 7
        assert f"{path}: everybody may change it" in result.err + result.out
        assert f"chmod o-w {path}" in result.err + result.out
        assert got(desk) == []
    assert [each[:2] for each in outbox(slactl)] == [("lead", "waiting")]
    subprocess.run(["sh", "-c", f"chmod o-w {path}"], check=True)
    clock.tick(2)
    assert slactl("check").code == 0
    assert len(got(desk)) == 1


def test_test_message_runs_the_command_about_a_ticket_that_does_not_exist(desk: Path, slactl: Slactl) -> None:
    write_program(desk)
    write_rules(desk, ["./page", "{id}", "{external_id}", "{source}"])
    tried = slactl("notify", "test", "lead", "-n")
    assert (tried.code, got(desk)) == (0, [])
    assert "lead: command ./page: would be sent" in tried.out
    assert slactl("notify", "test", "lead").out == "lead: command ./page: sent\n"
    (run,) = got(desk)
    assert run["arguments"] == ["0", "SAMPLE", "sample"]
    assert run["facts"]["test"] is True
    desk.with_name("end").write_text("sys.exit('not today')")
    failed = slactl("notify", "test", "lead")
    assert (failed.code, failed.out) == (7, "lead: command ./page: ended with exit code 1: not today\n")


# What the rules may say.


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ('["gh", "{externalid}"]', "notify[1].command[2]: {externalid} is not filled in; did you mean {external_id}?"),
        ('["gh", "${id}"]', "notify[1].command[2]: ${id} is not filled in; did you mean {id}?"),
        ('["gh", "{subject}"]', "notify[1].command[2]: {subject} is not filled in"),
        ('["gh", "--token", "abc123"]', "notify[1].command[3]: the argument has a literal secret"),
        ('["curl", "-H", "Authorization: Bearer abc"]', "notify[1].command[3]: the argument has a literal secret"),
        ('["gh issue list"]', "notify[1].command[1]: the name of the program has a blank"),
        ('["{source}"]', "notify[1].command[1]: the program may have no field of a ticket"),
        ('["gh", "|", "cat"]', "notify[1].command[2]: no shell runs the command"),
        ("[]", "notify[1].command: must have at least one entry"),
        ('"gh issue list"', "notify[1].command: must be a list of the program and its arguments"),
    ],
)
def test_wrong_command_is_an_error_with_its_line(desk: Path, slactl: Slactl, command: str, problem: str) -> None:
    path = write_rules(desk, ["true"])
    path.write_text(path.read_text().replace('command = ["true"]', f"command = {command}"))
    line = path.read_text().split("\n").index(f"notify = [{{ command = {command} }}]") + 1
    result = slactl("rules", "check")
    assert result.code == 4
    assert f"{path}:{line}: roles.lead.{problem}" in result.err
    assert "abc" not in result.err


def test_misspelt_key_of_an_address_is_named(desk: Path, slactl: Slactl) -> None:
    path = write_rules(desk, ["true"])
    path.write_text(path.read_text().replace('command = ["true"]', 'comand = ["true"]'))
    assert "unknown key comand; did you mean command?" in slactl("rules", "check").err


def test_rules_set_writes_and_replaces_commands(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, ["true"])
    value = '[{ command = ["gh", "issue", "comment", "{external_id}"] }]'
    assert slactl("rules", "set", "roles.lead.notify", value).code == 0
    assert f"notify = {value.replace('{ ', '{').replace(' }]', '}]')}" in desk.with_name("rules.toml").read_text()
    again = slactl("rules", "set", "roles.lead.notify", '["syslog://"]')
    assert again.code == 0, again.err
    assert 'notify = ["syslog://"]' in desk.with_name("rules.toml").read_text()


def test_program_on_path_gets_what_the_rules_say(
    desk: Path, slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", on_path(tmp_path / "bin", "gh", write_program(desk)))
    write_rules(desk, ["gh", "issue", "edit", "{external_id}", "--add-label", "sla"])
    late(slactl, "17")
    assert slactl("check").code == 0
    assert got(desk)[0]["arguments"] == ["issue", "edit", "17", "--add-label", "sla"]
