"""`slactl mail --maildir` and `--failed`: what they print and how they end."""

import json
from pathlib import Path

import pytest
from conftest import Slactl
from test_mail import count, letter
from test_mail import mail as mail

from slactl.desk.mail.failed import failed_folder, keep


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A Maildir with two messages and something that is none."""
    box = tmp_path / "Maildir"
    for name in ("new", "cur", "tmp"):
        (box / name).mkdir(parents=True)
    for name, data in (("1.a", letter(1)), ("2.b", b"no message"), ("3.c", letter(3))):
        (box / "new" / name).write_bytes(data)
    return box


def new(box: Path) -> list[str]:
    return sorted(path.name for path in (box / "new").iterdir())


def test_pipe_gets_a_line_for_each_taken_message_and_the_rest_is_told_and_stays(
    mail: Path, box: Path, slactl: Slactl
) -> None:
    done = slactl("mail", "--maildir", str(box))
    assert (done.code, done.out) == (7, "opened\t1\tnew message\nopened\t2\tnew message\n")
    assert done.err == "error: 2.b: this is not a message: it has no From header\n"
    assert new(box) == ["2.b"]


def test_nothing_to_take_is_success(mail: Path, box: Path, slactl: Slactl) -> None:
    (box / "new" / "2.b").unlink()
    assert slactl("mail", "--maildir", str(box)).code == 0
    done = slactl("mail", "--maildir", str(box))
    assert (done.code, done.out, done.err) == (0, "", "")


def test_json_is_a_list_of_what_was_taken_and_what_stays(mail: Path, box: Path, slactl: Slactl) -> None:
    done = slactl("mail", "--maildir", str(box), "--json")
    opened = {"action": "opened", "reason": "new message", "dry_run": False}
    assert json.loads(done.out) == [
        {**opened, "ticket": 1, "file": "1.a"},
        {
            "action": None,
            "ticket": None,
            "reason": "this is not a message: it has no From header",
            "dry_run": False,
            "file": "2.b",
        },
        {**opened, "ticket": 2, "file": "3.c"},
    ]


def test_dry_run_changes_nothing(mail: Path, box: Path, slactl: Slactl) -> None:
    done = slactl("mail", "--maildir", str(box), "-n")
    assert (done.code, done.out) == (7, "dry run, not done: opened #1: new message\n" * 2)
    assert (count(mail), new(box)) == ([(0, 0, 0)], ["1.a", "2.b", "3.c"])


def test_quiet_prints_the_tickets(mail: Path, box: Path, slactl: Slactl) -> None:
    assert slactl("mail", "--maildir", str(box), "-q").out == "1\n2\n"


def test_missing_database_leaves_every_message_for_the_next_time(mail: Path, box: Path, slactl: Slactl) -> None:
    mail.unlink()
    done = slactl("mail", "--maildir", str(box))
    assert (done.code, done.out, new(box)) == (75, "", ["1.a", "2.b", "3.c"])


@pytest.mark.parametrize(
    "arguments", [("-", "--failed"), ("-", "--maildir", "x"), ("--failed", "--maildir", "x"), ("--maildir", "x")]
)
def test_wrong_arguments_are_usage(mail: Path, slactl: Slactl, arguments: tuple[str, ...]) -> None:
    done = slactl("mail", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")


def test_failed_messages_are_taken_and_removed(mail: Path, slactl: Slactl) -> None:
    keep(mail, letter(1))
    keep(mail, b"no message")
    done = slactl("mail", "--failed")
    assert (done.code, done.out) == (7, "opened\t1\tnew message\n")
    assert "this is not a message" in done.err
    assert len(list(failed_folder(mail).iterdir())) == 1
