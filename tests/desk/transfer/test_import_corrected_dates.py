"""A later row gives another date of an end or of the first answer, or other messages: what it says counts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl

NOTHING = "0 tickets opened, 0 changed, 0 events added"

MAP = """source = "desk"
optional = true
answers = "here"
[columns]
ticket = "id"
created_at = "created"
at = "updated"
status = "status"
priority = "priority"
resolved_at = "resolved"
closed_at = "closed"
first_responded_at = "answered"
[values.status]
open = "open"
pending = "pending"
solved = "resolved"
closed = "closed"
[[messages]]
path = "comments"
at = "at"
author = "who"
body = "text"
agent_when = { staff = [true] }
"""

RULES = """schema = 1
[calendars.always]
always_open = true
[[policy]]
name = "all"
calendar = "always"
targets = { default = { first_response = "1h", resolution = "4h" } }
"""

#: Imports rows of one ticket, and returns what the command printed.
Take = Callable[..., str]


@pytest.fixture
def take(desk: Path, slactl: Slactl, tmp_path: Path) -> Take:
    desk.with_name("rules.toml").write_text(RULES)
    own = tmp_path / "desk.toml"
    own.write_text(MAP)

    def take(*rows: dict[str, Any]) -> str:
        done = slactl("import", "-", "--map", str(own), stdin=json.dumps(rows))
        assert done.code == 0, done.err
        return done.out

    return take


def row(updated: str | None, status: str = "open", **columns: object) -> dict[str, Any]:
    """A row of the one ticket, which was created at 10:00; its times are of that day."""
    at = {"updated": f"2026-01-05T{updated}:00Z"} if updated is not None else {}
    times = {name: value for name, value in columns.items() if name != "priority" and isinstance(value, str)}
    dates = {name: f"2026-01-05T{value}:00Z" for name, value in times.items()}
    return {"id": "1", "created": "2026-01-05T10:00:00Z", "status": status, **at, **columns, **dates}


def comment(at: str, who: str = "mia", text: str = "a") -> dict[str, Any]:
    return {"at": f"2026-01-05T{at}:00Z", "who": who, "text": text, "staff": True}


def ticket(slactl: Slactl) -> dict[str, Any]:
    (found,) = json.loads(slactl("list", "--all", "--json").out)
    return dict(found)


def end(slactl: Slactl) -> tuple[str, str | None, str]:
    """Status, time of the resolution, and state of the target."""
    found = ticket(slactl)
    at = found["resolved_at"]
    return found["status"], at[11:16] if at is not None else None, found["resolution_state"]


def answer(slactl: Slactl) -> tuple[str | None, str]:
    found = ticket(slactl)
    at = found["first_responded_at"]
    return at[11:16] if at is not None else None, found["first_response_state"]


def messages(slactl: Slactl) -> list[tuple[str, str, str]]:
    found = json.loads(slactl("show", "1", "--json").out)["messages"]
    return [(each["at"][11:16], each["actor"], each["body"]) for each in found]


def is_sound(slactl: Slactl) -> bool:
    return slactl("audit", "verify", "-q").code == 0 and "0 rebuilt" in slactl("doctor", "--rebuild").out


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        # A later date is too late, an earlier one in time; the last one counts, whichever came before.
        ([row("12:00", "solved", resolved="11:00"), row("18:00", "solved", resolved="17:00")], "resolved 17:00 late"),
        ([row("18:00", "solved", resolved="17:00"), row("19:00", "solved", resolved="13:59")], "resolved 13:59 met"),
        (
            [row(f"{18 + n}:00", "solved", resolved=at) for n, at in enumerate(["11:00", "17:00", "11:00", "17:00"])],
            "resolved 17:00 late",
        ),
        # Of the two dates of a closed ticket, the resolution ends the clock.
        (
            [row("18:00", "closed", resolved="11:00", closed="17:30"), row("19:00", "closed", resolved="16:00")],
            "closed 16:00 late",
        ),
        (
            [
                row("18:00", "closed", resolved="11:00", closed="12:00"),
                row("19:00", "closed", resolved="16:00", closed="12:00"),
            ],
            "closed 16:00 late",
        ),
        ([row("12:00", "closed", closed="11:00"), row("18:00", "closed", closed="17:00")], "closed 17:00 late"),
        ([row("12:00", "solved", resolved="11:00"), row("18:00", "closed", resolved="17:00")], "closed 17:00 late"),
        # A date that is told at last decides an unknown end, before and after the instant that was taken for it.
        ([row("12:00", "solved"), row("18:00", "solved", resolved="17:00")], "resolved 17:00 late"),
        ([row("18:00", "solved"), row("19:00", "solved", resolved="11:00")], "resolved 11:00 met"),
        ([row(None, "solved"), row(None, "solved", resolved="17:00")], "resolved 17:00 late"),
        # An end without a date keeps the one that was told; closing is no second end.
        ([row("12:00", "solved", resolved="11:00"), row("18:00", "solved", resolved=None)], "resolved 11:00 met"),
        ([row("12:00", "solved", resolved="11:00"), row("18:00", "closed", closed="17:00")], "closed 11:00 met"),
        # The ticket was done before the statuses that earlier rows told.
        ([row("12:00", "pending"), row("13:00", "solved", resolved="11:00")], "resolved 11:00 met"),
        (
            [row("12:00"), row("13:00", "pending"), row("14:00"), row("18:00", "solved", resolved="11:00")],
            "resolved 11:00 met",
        ),
        (
            [row("11:00", "pending"), row("13:00"), row("18:00", "solved", resolved="12:00")],
            "resolved 12:00 met",
        ),
        (
            [row("12:00", "solved", resolved="11:00"), row("16:00"), row("19:00", "solved", resolved="15:00")],
            "resolved 15:00 late",
        ),
        # An older row changes nothing.
        ([row("18:00", "solved", resolved="17:00"), row("12:00", "solved", resolved="11:00")], "resolved 17:00 late"),
        # A ticket that was open in between was resolved twice, which is no correction.
        (
            [row("12:00", "solved", resolved="11:00"), row("13:00", "open", resolved=None)],
            "open None running",
        ),
    ],
)
def test_the_last_date_of_an_end_counts(take: Take, slactl: Slactl, rows: list[dict[str, Any]], said: str) -> None:
    for each in rows:
        take(each)
    status, at, state = said.split()
    at_last = {"late": "breached", "running": "breached"}.get(state, state)
    assert end(slactl) == (status, None if at == "None" else at, at_last)
    for each in reversed(rows):
        if "updated" in each:
            assert take(each) == f"{NOTHING}\n"
    assert end(slactl)[1] == (None if at == "None" else at)
    assert is_sound(slactl)


def test_rows_of_one_file_correct_dates_as_rows_of_many_files_do(take: Take, slactl: Slactl) -> None:
    take(
        row("12:00", "solved", resolved="11:00", answered="10:30"),
        row("18:00", "solved", resolved="17:00", answered="11:30"),
        row("19:00", "solved", resolved="11:00", answered="10:30"),
    )
    assert (end(slactl), answer(slactl)) == (("resolved", "11:00", "met"), ("10:30", "met"))
    assert is_sound(slactl)


def test_second_resolution_takes_nothing_back(take: Take, slactl: Slactl) -> None:
    take(row("12:00", "solved", resolved="11:00"))
    take(row("13:00", "open", resolved=None))
    take(row("15:00", "solved", resolved="14:30"))
    # It was closed from 11:00 to 13:00.
    assert end(slactl) == ("resolved", "14:30", "met")
    assert "ticket.retract" not in slactl("history", "1", "--json").out


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        (["10:30", "11:30"], ("11:30", "breached")),
        (["11:30", "10:30"], ("10:30", "met")),
        (["10:30", None], (None, "breached")),
        (["10:30", None, "10:30"], ("10:30", "met")),
        ([None, "10:30", "10:40", None, "10:20"], ("10:20", "met")),
    ],
)
def test_the_last_date_of_the_first_answer_counts(
    take: Take, slactl: Slactl, dates: list[str | None], said: tuple[str | None, str]
) -> None:
    rows = [row(f"{12 + number}:00", answered=at) for number, at in enumerate(dates)]
    for each in rows:
        take(each)
    assert answer(slactl) == said
    for each in rows:
        assert take(each) == f"{NOTHING}\n"
    assert is_sound(slactl)


def test_corrected_dates_take_back_nothing_that_people_did(take: Take, slactl: Slactl) -> None:
    take(row("11:00", answered="10:50"))
    assert slactl("reply", "1", "--body", "called", "--at", "2026-01-05T10:50Z", "--reason", "phone").code == 0
    take(row("12:00", answered="13:00"))
    assert answer(slactl) == ("10:50", "met")
    take(row("14:00", "solved", resolved="13:30", answered="13:00"))
    assert slactl("status", "1", "closed", "--at", "2026-01-05T15:00Z", "--reason", "done").code == 0
    take(row("16:00", "solved", resolved="17:00", answered="13:00"))
    assert end(slactl)[:2] == ("resolved", "15:00")
    assert is_sound(slactl)


def test_corrected_end_corrects_a_recorded_breach(take: Take, slactl: Slactl) -> None:
    take(row("18:00", "solved", resolved="17:00", answered="10:30"))
    assert slactl("check").code == 0
    assert ticket(slactl)["ever_breached"]
    take(row("19:00", "solved", resolved="13:00", answered="10:30"))
    assert not ticket(slactl)["ever_breached"]
    assert "sla.correct" in slactl("history", "1", "--json").out


def test_export_carries_dates_that_a_row_may_still_correct(
    take: Take, slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(row("12:00", "solved", resolved="11:00", answered="10:30"))
    take(row("13:00", "solved", resolved="12:30", answered="10:30"))
    exported = slactl("export").out
    monkeypatch.setenv("SLACTL_DB", str(tmp_path / "desk" / "copy.db"))
    slactl("init")
    assert slactl("import", "-", stdin=exported).code == 0
    assert slactl("export").out == exported
    take(row("18:00", "solved", resolved="17:00", answered="11:30"))
    assert (end(slactl), answer(slactl)) == (("resolved", "17:00", "breached"), ("11:30", "breached"))


# Messages.


def test_message_comes_once_in_however_many_rows_of_a_file(take: Take, slactl: Slactl) -> None:
    first, second = comment("10:30"), comment("12:30", text="b")
    rows = [
        row("11:00", comments=[first]),
        row("12:00", comments=[first], priority="high"),
        row("13:00", comments=[first, second], priority="low"),
        row("14:00", comments=[first, second], priority="high"),
    ]
    take(*rows[:2])
    assert messages(slactl) == [("10:30", "mia", "a")]
    take(*rows)
    assert messages(slactl) == [("10:30", "mia", "a"), ("12:30", "mia", "b")]


def test_edited_text_of_a_message_doubles_nothing(take: Take, slactl: Slactl) -> None:
    take(row("11:00", comments=[comment("10:30", text="first")]))
    assert take(row("12:00", comments=[comment("10:30", text="edited")])) == f"{NOTHING}\n"
    assert messages(slactl) == [("10:30", "mia", "first")]


def test_two_messages_of_one_second_are_two(take: Take, slactl: Slactl) -> None:
    take(row("11:00", comments=[comment("10:30"), comment("10:30")]))
    assert messages(slactl) == [("10:30", "mia", "a"), ("10:30", "mia", "a")]
    take(row("12:00", comments=[comment("10:30"), comment("10:30")]))
    assert len(messages(slactl)) == 2


@pytest.mark.parametrize(
    ("known", "new"),
    [
        (("mia", "a"), [("bob", "a"), ("mia", "a")]),
        (("mia", "b"), [("mia", "a"), ("mia", "b")]),
        (("mia", "a"), [("bob", "b"), ("mia", "edited"), ("ann", "a")]),
    ],
)
def test_new_message_of_a_known_second_is_not_taken_for_the_known_one(
    take: Take, slactl: Slactl, known: tuple[str, str], new: list[tuple[str, str]]
) -> None:
    take(row("11:00", comments=[comment("10:30", *known)]))
    take(row("12:00", comments=[comment("10:30", *each) for each in new]))
    edited = {("mia", "edited"): ("mia", "a")}
    assert sorted(messages(slactl)) == sorted(("10:30", *edited.get(each, each)) for each in new)
