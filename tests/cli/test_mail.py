"""`slactl mail`: what it prints, how it ends, and that no message is lost or taken twice by several processes."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Slactl
from terminal import on_terminal

from slactl.desk.mail.message import LARGEST
from slactl.store.sqlite.connection import open_database

RULES = '\n[mail]\naddress = "support@example.com"\nagents = ["*@example.com"]\n'


def letter(number: int = 1, sender: str = "Bob <bob@acme.example>", *headers: str, text: str = "It burns.") -> bytes:
    lines = [f"From: {sender}", "To: support@example.com", f"Message-ID: <{number}@mail.example>", *headers]
    return "\r\n".join([*lines, "Subject: Printer on fire", "", text, ""]).encode()


@pytest.fixture
def mail(desk: Path) -> Path:
    """The database of a desk that takes mail."""
    rules = desk.with_name("rules.toml")
    rules.write_text(rules.read_text() + RULES)
    return desk


def piped(*arguments: str, stdin: bytes, **options: object) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-m", "slactl", "mail", *arguments], input=stdin, check=False, **options
    )


def count(mail: Path) -> list[tuple[int, int, int]]:
    """The numbers of tickets, of messages, and of events."""
    with closing(open_database(mail, query_only=True)) as connection:
        tables = ("ticket", "mail_id", "event")
        return [tuple(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)]  # type: ignore[misc]


def test_a_pipe_gets_action_ticket_and_reason(mail: Path, slactl: Slactl) -> None:
    done = slactl("mail", stdin=letter())
    assert (done.code, done.out, done.err) == (0, "opened\t1\tnew message\n", "")
    done = slactl("mail", "-", stdin=letter())
    assert (done.code, done.out, done.err) == (0, "ignored\t1\ttaken before\n", "ignored #1: taken before\n")
    done = slactl("mail", stdin=letter(2, "daemon@acme.example", "Auto-Submitted: auto-replied"))
    why = "automatic mail: Auto-Submitted: auto-replied"
    assert (done.code, done.out, done.err) == (0, f"ignored\t\t{why}\n", f"ignored: {why}\n")
    done = slactl("mail", "-q", stdin=letter(3))
    assert (done.code, done.out, done.err) == (0, "2\n", "")


def test_json_is_one_object(mail: Path, slactl: Slactl) -> None:
    expected = {"action": "opened", "ticket": 1, "reason": "new message", "dry_run": True}
    assert json.loads(slactl("mail", "-n", "--json", stdin=letter()).out) == expected
    assert json.loads(slactl("mail", "--json", stdin=letter()).out) == {**expected, "dry_run": False}


def test_a_dry_run_is_marked_and_changes_nothing(mail: Path, slactl: Slactl) -> None:
    assert slactl("mail", "-n", stdin=letter()).out == "dry run, not done: opened #1: new message\n"
    assert count(mail) == [(0, 0, 0)]


def test_a_person_at_a_terminal_reads_a_sentence_and_is_not_left_waiting(mail: Path, tmp_path: Path) -> None:
    (tmp_path / "message.eml").write_bytes(letter())
    for typed, shown in (
        (f"< {tmp_path}/message.eml", "opened #1: new message"),
        ("", "error: mail reads a message from stdin, and stdin is the terminal"),
    ):
        with on_terminal("/bin/sh", "-c", f"{sys.executable} -m slactl mail {typed}", columns=200) as terminal:
            terminal.until(shown)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no From"),
        (b"To: support@example.com\r\n\r\nx", "no From"),
        (letter(text="x" * LARGEST), "at most 26,214,400 are allowed"),
    ],
    ids=["empty", "no sender", "too large"],
)
def test_what_is_not_a_message_goes_back(mail: Path, slactl: Slactl, data: bytes, said: str) -> None:
    done = slactl("mail", stdin=data)
    assert (done.code, done.out, count(mail)) == (65, "", [(0, 0, 0)])
    assert done.err.startswith("error: ")
    assert said in done.err


def test_a_refused_sender_gets_77(mail: Path, slactl: Slactl) -> None:
    assert slactl("rules", "set", "mail.unknown_senders", "refuse").code == 0
    done = slactl("mail", stdin=letter())
    assert (done.code, done.out, count(mail)) == (77, "", [(0, 0, 0)])
    assert done.err == "error: mail of bob@acme.example is refused: the sender is not known\n"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SLACTL_DB": "/nowhere/slactl.db"}, "/nowhere/slactl.db"),
        ({"SLACTL_DB": os.devnull}, os.devnull),
        ({"SLACTL_RULES": "/nowhere/rules.toml"}, "/nowhere/rules.toml"),
        ({"SLACTL_TZ": "Europe/Berln"}, "Europe/Berln"),
        ({"SLACTL_ACTOR": "me"}, "me"),
    ],
    ids=["no database", "a device", "no rules", "no such zone", "no such actor"],
)
def test_whatever_may_pass_leaves_the_message_with_the_mail_server(
    mail: Path, slactl: Slactl, environment: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = slactl("mail", stdin=letter())
    assert (done.code, done.out) == (75, ""), done.err
    assert done.err.startswith("error: ")
    assert said in done.err


def test_a_damaged_database_and_broken_rules_are_tried_again(mail: Path, slactl: Slactl) -> None:
    rules = mail.with_name("rules.toml")
    whole = rules.read_text()
    rules.write_text(whole.replace('address = "support@example.com"', "addres = 1"))
    done = slactl("mail", stdin=letter())
    assert (done.code, count(mail)) == (75, [(0, 0, 0)])
    assert "unknown key addres; did you mean address?" in done.err
    rules.write_text(whole)
    before = mail.read_bytes()
    mail.write_bytes(b"x" * len(before))
    assert slactl("mail", stdin=letter()).code == 75
    mail.write_bytes(before)
    assert slactl("mail", stdin=letter()).out == "opened\t1\tnew message\n"


def test_without_mail_in_the_rules_the_hint_helps(desk: Path, slactl: Slactl) -> None:
    done = slactl("mail", stdin=letter())
    assert done.code == 75
    [hint] = [line.removeprefix("hint: slactl ") for line in done.err.splitlines() if line.startswith("hint: ")]
    assert slactl(*hint.split()).code == 0
    assert slactl("mail", stdin=letter()).code == 0


def test_a_locked_database_is_tried_again(mail: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slactl.store.sqlite.connection.BUSY_SECONDS", 0.05)
    with closing(open_database(mail)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        done = slactl("mail", stdin=letter())
    assert (done.code, done.out) == (75, "")
    assert slactl("mail", stdin=letter()).out == "opened\t1\tnew message\n"


def test_a_full_disk_is_tried_again(mail: Path) -> None:
    import resource

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    done = piped(stdin=letter(), capture_output=True, preexec_fn=full)
    assert done.returncode == 75, done.stderr
    assert (done.stdout, count(mail)) == (b"", [(0, 0, 0)])


def test_a_message_that_was_taken_ends_with_0_although_nobody_reads_the_output(mail: Path) -> None:
    with open("/dev/full", "w") as full:
        done = piped(stdin=letter(), stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, count(mail)) == (0, [(1, 1, 2)])
    assert done.stderr == b"warning: the message was taken; the output could not be written: No space left on device\n"
    reader, writer = os.pipe()
    os.close(reader)
    done = piped(stdin=letter(2), stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, count(mail)) == (0, [(2, 2, 4)])


@pytest.mark.parametrize("words", [["file.eml"], ["--maildr", "x"]])
def test_a_wrong_word_is_usage(mail: Path, slactl: Slactl, words: Sequence[str]) -> None:
    assert slactl("mail", *words, stdin=letter()).code == 2


def test_doctor_says_when_the_last_message_was_taken(mail: Path, slactl: Slactl) -> None:
    def said() -> list[str]:
        return [
            each["found"] for each in json.loads(slactl("doctor", "--json").out)["checks"] if each["check"] == "mail"
        ]

    assert said() == ["support@example.com: no message was taken yet"]
    assert slactl("mail", stdin=letter()).code == 0
    [found] = said()
    assert found.startswith("support@example.com: the last message was taken ")


def test_several_processes_take_each_message_once(mail: Path) -> None:
    assert piped(stdin=letter(0), capture_output=True).returncode == 0
    answers = [
        letter(number, "Bob <bob@acme.example>", "References: <0@mail.example>") for number in (1, 1, 2, 2, 3, 3)
    ]
    running = [
        subprocess.Popen([sys.executable, "-m", "slactl", "mail"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in answers
    ]
    for process, answer in zip(running, answers, strict=True):
        assert process.stdin is not None
        process.stdin.write(answer)
        process.stdin.close()
    printed = sorted(process.stdout.read() for process in running if process.stdout is not None)
    assert [process.wait() for process in running] == [0] * 6
    assert printed == [b"customer_reply\t1\treply to a message\n"] * 3 + [b"ignored\t1\ttaken before\n"] * 3
    with closing(open_database(mail, query_only=True)) as connection:
        found = connection.execute("SELECT count(*) FROM event WHERE action = 'ticket.receive'").fetchone()
    assert found == (3,)


def test_history_on_a_terminal_names_who_wrote_until_the_person_is_erased(
    mail: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    slactl("mail", stdin=letter())
    stranger = letter(2, "eve@other.example").replace(b"To: support@", b"To: support+1@")
    assert slactl("mail", stdin=stranger).out.startswith("note\t1\t")
    for command in ("history", "show"):
        shown = slactl(command, "1", "--format", "table").out.partition("Audit trail")
        trail = shown[2] or shown[0]
        assert [each in trail for each in ("bob@acme.example", "eve@other.example", "customer")] == [True, True, False]
    assert [each["actor"] for each in json.loads(slactl("history", "1", "--json").out)] == [
        "customer",
        "slactl",
        "customer",
    ]
    for person in ("bob@acme.example", "eve@other.example"):
        slactl("erase", "--requester", person, "--yes")
    trail = slactl("history", "1", "--format", "table").out
    assert ("@" in trail, trail.count("customer")) == (False, 2)
