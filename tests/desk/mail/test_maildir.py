"""A Maildir: what is taken moves to `cur`, the rest stays, and nothing is taken twice or lost."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

import pytest
from freezegun.api import FrozenDateTimeFactory
from mail_desk import BOB, SUPPORT, MailDesk

from slactl.desk.mail.maildir import Item, take_maildir
from slactl.desk.mail.message import LARGEST
from slactl.errors import UsageError


def letter(number: int, sender: str = BOB, **headers: str) -> bytes:
    more = "".join(f"{name.replace('_', '-')}: {text}\n" for name, text in headers.items())
    top = f"From: {sender}\nTo: {SUPPORT}\nMessage-ID: <{number}@x>\nSubject: s {number}\n"
    return f"{top}{more}\ntext {number}\n".encode()


class Box:
    """A Maildir with files in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for name in ("new", "cur", "tmp"):
            (path / name).mkdir(parents=True)

    def put(self, name: str, data: bytes) -> None:
        (self.path / "new" / name).write_bytes(data)

    def names(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.path / folder).iterdir())


@pytest.fixture
def mail(desk: Path, clock: FrozenDateTimeFactory) -> MailDesk:
    return MailDesk(desk, clock)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "Maildir")


def take_all(mail: MailDesk, box: Box, *, dry_run: bool = False) -> list[Item]:
    return list(take_maildir(mail.desk, mail.now, box.path, dry_run=dry_run))


def said(items: Iterable[Item]) -> list[tuple[str, str | None]]:
    return [(item.name, item.taken.action.value if item.taken is not None else None) for item in items]


def test_taken_messages_move_to_cur_as_seen_in_the_order_in_which_they_came(mail: MailDesk, box: Box) -> None:
    box.put("1000.M5.host", letter(2, In_Reply_To="<1@x>"))
    box.put("999.M7.host", letter(1))
    assert said(take_all(mail, box)) == [("999.M7.host", "opened"), ("1000.M5.host", "customer_reply")]
    assert (box.names("new"), box.names("cur")) == ([], ["1000.M5.host:2,S", "999.M7.host:2,S"])


def test_second_time_there_is_nothing_to_take(mail: MailDesk, box: Box) -> None:
    box.put("1.a", letter(1))
    take_all(mail, box)
    before = mail.dump()
    assert take_all(mail, box) == []
    assert mail.dump() == before


def test_ignored_messages_are_taken_too(mail: MailDesk, box: Box) -> None:
    box.put("1.a", letter(1))
    box.put("2.b", letter(1))
    box.put("3.c", letter(3, Auto_Submitted="auto-replied"))
    assert said(take_all(mail, box)) == [("1.a", "opened"), ("2.b", "ignored"), ("3.c", "ignored")]
    assert box.names("new") == []


def test_what_is_no_message_stays_and_stops_no_other(mail: MailDesk, box: Box, tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.write_bytes(letter(8))
    box.put("1.empty", b"")
    box.put("2.large", letter(2) + b"a" * LARGEST)
    (box.path / "new" / "3.link").symlink_to(outside)
    os.mkfifo(box.path / "new" / "4.fifo")
    (box.path / "new" / "5.folder").mkdir()
    box.put("6.good", letter(6))
    box.put(".hidden", letter(7))
    items = take_all(mail, box)
    assert [name for name, action in said(items) if action is None] == [
        *("1.empty", "2.large", "3.link", "4.fifo", "5.folder"),
    ]
    assert said(items)[-1] == ("6.good", "opened")
    assert box.names("cur") == ["6.good:2,S"]
    assert len(box.names("new")) == 6


def test_refused_sender_stays(mail: MailDesk, box: Box) -> None:
    rules = mail.desk.rules
    rules.write_text(f'{rules.read_text()}unknown_senders = "refuse"\n')
    box.put("1.a", letter(1))
    (item,) = take_all(mail, box)
    assert item.why is not None
    assert int(item.why.code) == 77
    assert box.names("new") == ["1.a"]


def test_dry_run_moves_nothing(mail: MailDesk, box: Box) -> None:
    box.put("1.a", letter(1))
    before = mail.dump()
    assert said(take_all(mail, box, dry_run=True)) == [("1.a", "opened")]
    assert (mail.dump(), box.names("new"), box.names("cur")) == (before, ["1.a"], [])


def test_no_message_in_cur_is_replaced(mail: MailDesk, box: Box) -> None:
    (box.path / "cur" / "1.a:2,S").write_bytes(b"another message")
    box.put("1.a", letter(1))
    take_all(mail, box)
    assert (box.path / "cur" / "1.a:2,S").read_bytes() == b"another message"
    assert (box.path / "cur" / "1.a_1:2,S").read_bytes() == letter(1)


def test_flags_that_a_message_has_are_kept(mail: MailDesk, box: Box) -> None:
    box.put("1.a:2,F", letter(1))
    take_all(mail, box)
    assert box.names("cur") == ["1.a:2,FS"]


def test_message_moves_with_its_mode_and_its_time(mail: MailDesk, box: Box) -> None:
    box.put("1.a", letter(1))
    place = box.path / "new" / "1.a"
    place.chmod(0o640)
    os.utime(place, (1000, 1000))
    take_all(mail, box)
    found = (box.path / "cur" / "1.a:2,S").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_mtime) == (0o640, 1000)


def test_error_that_every_message_would_meet_stops_at_the_first_one(mail: MailDesk, box: Box) -> None:
    box.put("1.a", letter(1))
    box.put("2.b", letter(2))
    mail.database.rename(mail.database.with_name("elsewhere.db"))
    (item,) = take_all(mail, box)
    assert item.stops
    assert box.names("new") == ["1.a", "2.b"]


@pytest.mark.parametrize("missing", ["new", "cur", "."])
def test_folder_that_is_no_maildir_is_an_error(mail: MailDesk, box: Box, missing: str, tmp_path: Path) -> None:
    (box.path / missing).rename(tmp_path / "gone")
    with pytest.raises(UsageError, match="is not a Maildir"):
        take_all(mail, box)
