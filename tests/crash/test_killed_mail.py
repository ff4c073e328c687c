"""`slactl mail` killed at any place, with the pipe and with a Maildir: each message is taken once, and none is lost.

A mail server, or cron, comes again with what was not taken.
"""

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from crash_desk import desk_copy, settings
from forked import NOON, Ended, Trouble, run
from invariants import content_without_changes, violations
from test_kills import Kill, Usual, at_any_place, at_operations, usually

from slactl.desk.messages.by_mail.headers import token_of

RULES = """
[people.lena]
emails = ["lena@desk.example"]
[mail]
address = "support@desk.example"
agents = ["mia@desk.example"]
burst = 10000
"""

#: The key of the tokens, which every database makes for itself.
KEY = bytes(32)

#: What becomes of the messages in their turn: the customer opens a ticket and writes again, an agent answers, a person
#: gives a command, and a program answers.
ACTIONS = ("opened", "customer_reply", "agent_reply", "command", "note")
KINDS = len(ACTIONS)


def letter(number: int, reply_to: str) -> str:
    """The message of this number, from 0 on: each kind in its turn; the first of them opens a ticket."""
    first, kind = number - number % KINDS, number % KINDS
    customer, ours = f"bob-{first}@acme.example", "support@desk.example"
    sender, to, headers, text = (
        (customer, ours, [], f"text {number}"),
        (customer, ours, [f"In-Reply-To: <m-{first}@x>"], f"text {number}"),
        ("mia@desk.example", f"{customer}, {ours}", [f"References: <m-{first}@x>"], f"text {number}"),
        ("lena@desk.example", reply_to, [], f"ack 2h\n\ntext {number}"),
        (customer, ours, [f"In-Reply-To: <m-{first}@x>", "Auto-Submitted: auto-replied"], f"text {number}"),
    )[kind]
    top = [f"From: {sender}", f"To: {to}", f"Message-ID: <m-{number}@x>", *headers, f"Subject: s {number}"]
    return "\n".join([*top, "", text, ""])


@contextmanager
def mail_desk() -> Iterator[tuple[Path, str]]:
    """The folder of a desk that takes mail, and an address to which a person replies with commands."""
    with desk_copy() as folder:
        rules = folder / "rules.toml"
        rules.write_text(rules.read_text() + RULES)
        with closing(sqlite3.connect(folder / "slactl.db")) as connection, connection:
            connection.execute("INSERT INTO meta VALUES ('reply_key', ?)", (KEY.hex(),))
            query = "SELECT min(n.id) FROM notification n JOIN ticket t ON t.id = n.ticket_id WHERE t.status = 'open'"
            ((told,),) = connection.execute(query)
        yield folder, f"support+n{told}.{token_of(KEY, told, 'lena', is_single=True)}@desk.example"


def piped(folder: Path, text: str, **options: Any) -> Ended:  # noqa: ANN401  (what `run` takes)
    return run(*settings(folder), "mail", stdin=text, **options)


def boxed(folder: Path) -> tuple[str, ...]:
    return (*settings(folder), "mail", "--maildir", str(folder / "Maildir"))


def make_maildir(folder: Path) -> None:
    for name in ("new", "cur", "tmp"):
        (folder / "Maildir" / name).mkdir(parents=True)


def deliver(folder: Path, number: int, text: str) -> None:
    (folder / "Maildir" / "new" / f"{number}.host").write_text(text)


def taken(folder: Path) -> set[str]:
    """The Message-IDs that the database knows."""
    with closing(sqlite3.connect(folder / "slactl.db")) as connection:
        return {name for (name,) in connection.execute("SELECT message_id FROM mail_id")}


def texts(folder: Path) -> list[str]:
    """The texts of the messages, each as often as it is in the database."""
    with closing(sqlite3.connect(folder / "slactl.db")) as connection:
        query = "SELECT text FROM event_text WHERE field = 'body' AND text LIKE '%text %'"
        return sorted(text.rpartition("text ")[2].strip() for (text,) in connection.execute(query))


def everything_once(folder: Path, usual: Path, count: int) -> None:
    assert texts(folder) == sorted(map(str, range(count)))
    assert taken(folder) == {f"m-{number}@x" for number in range(count)}
    assert content_without_changes(folder / "slactl.db") == content_without_changes(usual / "slactl.db")
    assert violations(folder / "slactl.db", NOON, all_told=False) == []


def kill_pipes(count: int, places: Callable[[int, Usual], list[Kill]]) -> int:
    """Each message is killed once, and comes again; returns how many were killed."""
    with mail_desk() as (usual, reply_to), mail_desk() as (folder, _):
        for number in range(count):
            ended, killed = piped(usual, letter(number, reply_to)), 0
            assert (ended.code, ended.out.partition("\t")[0]) == (0, ACTIONS[number % KINDS])
        with mail_desk() as (other, _):
            kills = places(count, usually(*settings(other), "mail", stdin=letter(0, reply_to)))
        for number, kill in enumerate(kills):
            killed += kill(*settings(folder), "mail", stdin=letter(number, reply_to))
            again = piped(folder, letter(number, reply_to))
            assert again.code == 0, again.err
        everything_once(folder, usual, count)
        return killed


def kill_maildirs(count: int, places: Callable[[int, Usual], list[Kill]]) -> int:
    """Each command is killed with a message of each kind in the Maildir; returns how many were killed."""
    with mail_desk() as (usual, reply_to), mail_desk() as (folder, _):
        for each in (usual, folder):
            make_maildir(each)
        with mail_desk() as (other, _):
            make_maildir(other)
            for number in range(KINDS):
                deliver(other, number, letter(number, reply_to))
            kills, killed = places(count, usually(*boxed(other))), 0
        for round_, kill in enumerate(kills):
            numbers = range(round_ * KINDS, (round_ + 1) * KINDS)
            for each in (usual, folder):
                for number in numbers:
                    deliver(each, number, letter(number, reply_to))
            assert run(*boxed(usual)).code == 0
            killed += kill(*boxed(folder))
            none_is_lost(folder, numbers.stop)
            again = run(*boxed(folder))
            assert again.code == 0, again.err
            assert list((folder / "Maildir" / "new").iterdir()) == []
        everything_once(folder, usual, count * KINDS)
        return killed


def none_is_lost(folder: Path, count: int) -> None:
    """Each message is in one of the folders, and in `cur` only if the database has it."""
    new, cur = ({path.name.split(".")[0] for path in (folder / "Maildir" / name).iterdir()} for name in ("new", "cur"))
    assert (new | cur, new & cur) == ({str(number) for number in range(count)}, set())
    assert {f"m-{number}@x" for number in cur} <= taken(folder)


def test_piped_messages_that_are_killed_are_taken_once() -> None:
    assert kill_pipes(5, at_operations) == 5


def test_maildirs_that_are_killed_are_taken_once() -> None:
    assert kill_maildirs(2, at_operations) == 2


def test_maildir_that_is_killed_between_taking_and_moving_is_taken_once() -> None:
    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def before() -> None:
        os.rename = die  # type: ignore[assignment]

    with mail_desk() as (folder, reply_to):
        make_maildir(folder)
        for number in range(2):
            deliver(folder, number, letter(number, reply_to))
        assert run(*boxed(folder), before=before).code == -signal.SIGKILL
        assert (taken(folder), len(list((folder / "Maildir" / "new").iterdir()))) == ({"m-0@x"}, 2)
        assert run(*boxed(folder)).out.splitlines()[0].startswith("ignored\t")
        assert texts(folder) == ["0", "1"]


def test_message_that_is_killed_while_it_is_kept_is_kept_whole() -> None:
    """It stops the process that reads it; the command is killed at each step of writing it."""
    calls = ("mkdir", "fsync", "link", "rmdir")
    for name in calls:
        with mail_desk() as (folder, reply_to):
            text = letter(0, reply_to)
            ended = piped(folder, text, before=lambda name=name: (break_reading(), kill_at(name)))  # type: ignore[misc]
            assert ended.code == -signal.SIGKILL, name
            kept = folder / "mail" / "failed"
            found = list(kept.glob("*.eml"))
            assert [path.read_text() for path in found] in ([], [text])
            again = piped(folder, text, before=break_reading)
            assert (again.code, [path.read_text() for path in kept.glob("*.eml")]) == (0, [text])
            assert taken(folder) == set()
            assert run(*settings(folder), "mail", "--failed").code == 0
            assert (taken(folder), list(kept.glob("*.eml"))) == ({"m-0@x"}, [])


def break_reading() -> None:
    from slactl.desk.mail import reading

    def crash(_: bytes) -> None:
        os._exit(9)

    reading.read_mail = crash  # type: ignore[assignment]


def kill_at(name: str) -> None:
    """Die in the place of the first call of a function of the system about the kept message."""
    original = getattr(os, name)

    def die(path: Any, *rest: Any, **options: Any) -> Any:  # noqa: ANN401
        if name == "fsync" or "failed" in str(path) or ".slactl-" in str(path) or str(path) == "new":
            os.kill(os.getpid(), signal.SIGKILL)
        return original(path, *rest, **options)

    setattr(os, name, die)


@pytest.mark.full
def test_two_hundred_piped_messages_that_are_killed_are_taken_once() -> None:
    assert kill_pipes(280, at_any_place) >= 200


@pytest.mark.full
def test_two_hundred_maildirs_that_are_killed_are_taken_once() -> None:
    assert kill_maildirs(370, at_any_place) >= 200


def test_kills_are_real() -> None:
    with mail_desk() as (folder, reply_to):
        ended = piped(folder, letter(0, reply_to), trouble=Trouble(5))
        assert (ended.code, taken(folder)) == (-signal.SIGKILL, set())
