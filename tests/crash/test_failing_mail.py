"""`slactl mail` whose database fails at each operation: the message is taken, or the mail server keeps it (75).

No other exit code may come: a mail server sends a message back for most of them.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from crash_desk import desk_copy, settings
from forked import NOON, Fault, Trouble, run
from invariants import content, violations

RULES = '\n[mail]\naddress = "support@desk.example"\nagents = ["mia@desk.example"]\n'

#: A customer who opens a ticket, one who writes in ticket 1, and an agent who answers there; each with an attachment.
LETTERS = {
    "opens": ("bob@acme.example", "support@desk.example"),
    "is noted": ("bob@acme.example", "support+1@desk.example"),
    "answers": ("mia@desk.example", "ann@example.com, support+1@desk.example"),
}


def letter(kind: str) -> str:
    sender, to = LETTERS[kind]
    parts = [
        "--B",
        "Content-Type: text/plain",
        "",
        "It burns.",
        "--B",
        'Content-Type: image/png; name="a.png"',
        "",
        "x",
    ]
    head = [f"From: {sender}", f"To: {to}", "Message-ID: <m@x>", "Subject: s", "MIME-Version: 1.0"]
    return "\n".join([*head, "Content-Type: multipart/mixed; boundary=B", "", *parts, "--B--", ""])


@contextmanager
def mail_desk() -> Iterator[Path]:
    with desk_copy() as folder:
        with (folder / "rules.toml").open("a") as rules:
            rules.write(RULES)
        yield folder


@cache
def usual(kind: str) -> tuple[dict[str, list[str]], dict[str, list[str]], list[str]]:
    """The content before and after, and the operations, when nothing goes wrong."""
    with mail_desk() as folder:
        before = content(folder / "slactl.db")
        ended = run(*settings(folder), "mail", stdin=letter(kind))
        assert ended.code == 0, ended.err
        after = content(folder / "slactl.db")
        assert before != after
        return before, after, ended.operations


def meets(kind: str, trouble: Trouble) -> list[str]:
    """Take a message that meets trouble, and again without; return what does not hold."""
    before, after, _ = usual(kind)
    with mail_desk() as folder:
        database = folder / "slactl.db"
        ended = run(*settings(folder), "mail", stdin=letter(kind), trouble=trouble)
        found, wrong = content(database), violations(database, NOON)
        if (ended.code, found) not in ((0, after), (75, before), (75, after)):
            wrong.append(f"it ended with {ended.code}, and {'something' if found != before else 'nothing'} was written")
        if ended.code == 75 and not ended.err.startswith("error: "):
            wrong.append(f"it said: {ended.err}")
        again = run(*settings(folder), "mail", stdin=letter(kind))
        if (again.code, content(database)) != (0, after):
            wrong.append(f"again: {again.code} {again.err}")
        return wrong


def all_of_it(kind: str, fault: Fault, places: Iterable[int]) -> None:
    operations = usual(kind)[2]
    found = {f"{fault} at {place}, {operations[place]}": meets(kind, Trouble(place, fault)) for place in places}
    assert not any(found.values()), "\n".join(f"{place}: {wrong}" for place, wrong in found.items() if wrong)


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.ROLLED_BACK])
@pytest.mark.parametrize("kind", LETTERS)
def test_mail_whose_database_fails_stays_with_the_mail_server(kind: str, fault: Fault) -> None:
    """The commit fails, and some operations before and after it."""
    operations = usual(kind)[2]
    commit = max(number for number, each in enumerate(operations) if each == "COMMIT")
    all_of_it(kind, fault, sorted({0, commit // 3, commit // 2, commit - 1, commit, len(operations) - 1}))


@pytest.mark.full
@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.ROLLED_BACK])
@pytest.mark.parametrize("kind", LETTERS)
def test_mail_whose_database_fails_anywhere_stays_with_the_mail_server(kind: str, fault: Fault) -> None:
    all_of_it(kind, fault, range(len(usual(kind)[2])))
