"""A message that stops the process that reads it is kept beside the database, and taken when slactl can read it."""

import os
import signal
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory
from mail_desk import BOB, SUPPORT, MailDesk

from slactl.desk.mail import reading
from slactl.desk.mail.failed import failed_folder, keep, names
from slactl.desk.mail.maildir import take_failed, take_message
from slactl.desk.mail.message import Mail, NotAMessage, read_mail
from slactl.desk.mail.reading import read_safely
from slactl.errors import StorageError, TryAgainError, UsageError

LETTER = f"""\
Received: from mx by desk; Mon, 2 Mar 2026 08:55:00 +0000
From: Bob <{BOB}>
To: {SUPPORT}
Cc: mia@example.com
Message-ID: <first@acme.example>
In-Reply-To: <zero@acme.example>
Subject: =?utf-8?q?Dr=C3=BCcker?= on fire

It burns.
""".encode()


@pytest.fixture
def mail(desk: Path, clock: FrozenDateTimeFactory) -> MailDesk:
    return MailDesk(desk, clock)


def raises(data: bytes) -> Mail:
    raise RecursionError("a secret of the message")


def crashes(data: bytes) -> Mail:
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def never_ends(data: bytes) -> Mail:
    while True:
        pass


def takes_all_memory(data: bytes) -> Mail:
    found = [bytearray(1 << 20)]
    while True:
        found.append(bytearray(1 << 20))


def leaves(data: bytes) -> Mail:
    os._exit(3)


TROUBLE = {
    raises: "RecursionError while reading it",
    crashes: "the process that read it ended by the signal SIGSEGV",
    never_ends: "the process that read it took more than 1 s",
    takes_all_memory: "MemoryError while reading it",
    leaves: "the process that read it ended without an answer",
}


def break_reading(monkeypatch: pytest.MonkeyPatch, how: Callable[[bytes], Mail]) -> None:
    """Stop the process that reads messages, as an error in the reading does that nobody knows yet."""
    monkeypatch.setattr(reading, "read_mail", how)
    monkeypatch.setattr(reading, "SECONDS", 1)
    monkeypatch.setattr(reading, "MEMORY", 1 << 26)


def test_message_is_the_same_as_read_without_a_process_of_its_own() -> None:
    assert read_safely(LETTER) == read_mail(LETTER)
    assert read_safely(LETTER).received is not None


def test_largest_message_is_read() -> None:
    text = b"a" * 75 + b"\n"
    data = LETTER + text * ((24 << 20) // len(text))
    assert read_safely(data) == read_mail(data)


def test_no_message_is_refused_as_without_a_process_of_its_own() -> None:
    with pytest.raises(NotAMessage, match="no From"):
        read_safely(b"To: a@example.com\n\nhi\n")


@pytest.mark.parametrize("how", TROUBLE)
def test_message_that_stops_the_reading_is_kept(
    mail: MailDesk, how: Callable[[bytes], Mail], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_reading(monkeypatch, how)
    before = mail.dump()
    taken = take_message(mail.desk, mail.now, LETTER)
    (path,) = failed_folder(mail.database).iterdir()
    assert (taken.action, taken.ticket, taken.reason) == ("ignored", None, f"{TROUBLE[how]}; it is kept as {path}")
    assert path.read_bytes() == LETTER
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, path.parent.parent)] == [0o700, 0o700]
    assert mail.dump() == before
    assert "secret" not in taken.reason


def test_dry_run_keeps_nothing(mail: MailDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    break_reading(monkeypatch, raises)
    taken = take_message(mail.desk, mail.now, LETTER, dry_run=True)
    assert "it would be kept" in taken.reason
    assert not failed_folder(mail.database).exists()


def test_machine_without_time_for_the_reading_is_no_reason_to_keep_a_message(
    mail: MailDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "read_mail", lambda data: time.sleep(60))
    monkeypatch.setattr(reading, "PATIENCE", 0.05)
    with pytest.raises(TryAgainError):
        take_message(mail.desk, mail.now, LETTER)
    assert not failed_folder(mail.database).exists()


def test_message_that_comes_again_is_kept_once(desk: Path) -> None:
    assert keep(desk, b"one") == keep(desk, b"one") != keep(desk, b"two")
    assert len(names(failed_folder(desk))) == 2


def test_message_that_cannot_be_kept_is_not_taken(desk: Path) -> None:
    (desk.parent / "mail").write_text("in the way")
    with pytest.raises(StorageError):
        keep(desk, b"one")


def test_link_that_others_may_have_put_there_leads_no_message_elsewhere(desk: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (desk.parent / "mail").symlink_to(elsewhere)
    desk.parent.chmod(0o777)
    with pytest.raises(StorageError):
        keep(desk, b"one")
    assert not list(elsewhere.iterdir())


def test_kept_message_is_taken_once_it_can_be_read(mail: MailDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        break_reading(broken, raises)
        take_message(mail.desk, mail.now, LETTER)
        (stays,) = take_failed(mail.desk, mail.now)
        assert (stays.taken, str(stays.why)) == (None, TROUBLE[raises])
    (rehearsed,) = take_failed(mail.desk, mail.now, dry_run=True)
    (item,) = take_failed(mail.desk, mail.now)
    assert rehearsed == item
    assert item.taken is not None
    assert (item.taken.action, item.taken.ticket) == ("opened", 1)
    assert list(take_failed(mail.desk, mail.now)) == []
    assert list(failed_folder(mail.database).iterdir()) == []


def test_other_files_in_the_folder_are_left_alone(desk: Path) -> None:
    other = keep(desk, b"one").with_name("notes.txt")
    other.write_text("mine")
    assert other.name not in names(failed_folder(desk))


def test_folder_that_nobody_made_has_no_messages(desk: Path, mail: MailDesk) -> None:
    assert list(take_failed(mail.desk, mail.now)) == []


def test_folder_that_cannot_be_read_is_an_error(mail: MailDesk) -> None:
    failed_folder(mail.database).parent.mkdir()
    failed_folder(mail.database).write_text("in the way")
    with pytest.raises(UsageError, match="cannot be used"):
        list(take_failed(mail.desk, mail.now))


def test_no_process_and_no_descriptor_is_left(mail: MailDesk) -> None:
    def counts() -> tuple[int, int]:
        """Count the descriptors and the children of this process, which also has servers of other tests."""
        parents = list[str]()
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # another process has ended meanwhile
                parents.append(path.read_text().rpartition(")")[2].split()[1])
        return len(os.listdir("/proc/self/fd")), parents.count(str(os.getpid()))

    before = counts()
    for _ in range(3):
        read_safely(LETTER)
    assert counts() == before


def test_doctor_says_how_many_messages_wait_and_how_to_take_them(mail: MailDesk, slactl: Slactl) -> None:
    keep(mail.database, LETTER)
    found = slactl("doctor")
    assert found.code == 7
    assert f"slactl could not read 1 message, kept in {failed_folder(mail.database)}" in found.out
    assert "slactl mail --failed" in found.out
    assert slactl("mail", "--failed").out == "opened\t1\tnew message\n"
    found = slactl("doctor")
    assert (found.code, "could not read" in found.out) == (0, False)
