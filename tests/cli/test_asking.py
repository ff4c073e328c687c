"""Before an undo, and before many tickets change, slactl asks on a terminal; on a pipe it asks nothing."""

import json
import sys
from pathlib import Path

import pytest
from conftest import Slactl
from terminal import Terminal, on_terminal
from test_completion import complete

HISTORY = "".join(
    f'{{"ticket": "T-{number}", "at": "2026-03-02T08:00:00Z", "type": "created"}}\n' for number in range(25)
)


@pytest.fixture
def many(desk: Path, slactl: Slactl) -> Path:
    """A desk with 25 open tickets."""
    assert slactl("import", "-", "--baseline", stdin=HISTORY).code == 0
    return desk


def statuses(slactl: Slactl) -> list[str]:
    return [each["status"] for each in json.loads(slactl("list", "--all", "--json").out)]


def numbers(count: int) -> list[str]:
    return [str(number) for number in range(1, count + 1)]


def answered(terminal: Terminal, question: str, answer: str) -> int:
    terminal.until(question)
    terminal.type(f"{answer}\n")
    return terminal.wait()


@pytest.mark.parametrize(("answer", "code", "status"), [("n", 130, "closed"), ("y", 0, "open")])
def test_undo_shows_what_the_tickets_would_be_and_asks(
    desk: Path, slactl: Slactl, answer: str, code: int, status: str
) -> None:
    for who in ("ann", "bob"):
        assert slactl("create", "Printer", "--from", f"{who}@example.com").code == 0
    assert slactl("close", "1", "2").code == 0
    change = json.loads(slactl("history", "1", "--json").out)[-1]["change"]
    with on_terminal(sys.executable, "-m", "slactl", "undo", columns=200) as terminal:
        ended = answered(terminal, f"Undo change {change}?", answer)
        before = terminal.screen.partition(f"Undo change {change}?")[0]
        assert "error" not in terminal.screen
    assert ("#1 status closed → open" in before, "#2 status closed → open" in before) == (True, True)
    assert (ended, statuses(slactl)) == (code, [status, status])


def test_undo_does_not_ask_if_the_answer_is_given(desk: Path, slactl: Slactl) -> None:
    assert slactl("create", "Printer", "--from", "ann@example.com").code == 0
    assert slactl("close", "1").code == 0
    with on_terminal(sys.executable, "-m", "slactl", "undo", "--yes", columns=200) as terminal:
        assert terminal.wait() == 0
        assert "?" not in terminal.screen
    assert statuses(slactl) == ["open"]


@pytest.mark.parametrize(
    ("words", "question"),
    [
        (["close"], "Close 21 tickets?"),
        (["resolve"], "Resolve 21 tickets?"),
        (["escalate", "--reason", "late"], "Escalate 21 tickets?"),
        (["priority"], "Set the priority of 21 tickets to high?"),
        (["status"], "Set the status of 21 tickets to resolved?"),
    ],
)
def test_more_than_twenty_tickets_change_only_after_a_yes(
    many: Path, slactl: Slactl, words: list[str], question: str
) -> None:
    last = {"priority": ["high"], "status": ["resolved"]}.get(words[0], [])
    before = slactl("audit", "list", "--json").out
    with on_terminal(sys.executable, "-m", "slactl", *words, *numbers(21), *last, columns=200) as terminal:
        assert answered(terminal, question, "n") == 130
        assert terminal.screen.rstrip().endswith("nothing was changed")
        assert "error" not in terminal.screen
    assert slactl("audit", "list", "--json").out == before


def test_twenty_tickets_or_a_given_answer_are_not_asked_about(many: Path, slactl: Slactl) -> None:
    for words in (["close", *numbers(20)], ["reopen", *numbers(21)], ["resolve", "--yes", *numbers(21)]):
        with on_terminal(sys.executable, "-m", "slactl", *words, columns=200) as terminal:
            terminal.wait()
            assert "?" not in terminal.screen
    assert sorted(statuses(slactl)) == ["open"] * 4 + ["resolved"] * 21


def test_a_dry_run_and_a_pipe_are_not_asked(many: Path, slactl: Slactl) -> None:
    with on_terminal(sys.executable, "-m", "slactl", "close", "-n", *numbers(21), columns=200) as terminal:
        assert terminal.wait() == 0
        assert "?" not in terminal.screen
    assert statuses(slactl) == ["open"] * 25
    assert slactl("close", "-", stdin="\n".join(numbers(25))).code == 0
    assert statuses(slactl) == ["closed"] * 25


def test_the_numbers_of_ones_changes_are_completed_the_last_first(desk: Path, slactl: Slactl) -> None:
    assert slactl("create", "Printer", "--from", "ann@example.com").code == 0
    for tag in ("one", "two"):
        assert slactl("tag", "1", "--add", tag).code == 0
    assert slactl("--actor", "bob", "tag", "1", "--add", "three").code == 0
    found = json.loads(slactl("history", "1", "--json").out)
    mine = dict.fromkeys(str(each["change"]) for each in reversed(found) if each["actor"] == "ann")
    assert complete("slactl undo ") == list(mine)
    assert complete("slactl --actor bob undo ") == [str(found[-1]["change"])]
    assert complete(f"slactl undo {found[-2]['change']}") == [str(found[-2]["change"])]
