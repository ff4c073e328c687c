"""What `show` prints of messages: on a terminal without quoted history, elsewhere all of it."""

import json
import re
import sys
from pathlib import Path

import pytest
from conftest import Slactl
from terminal import on_terminal

CORPUS = Path(__file__).parents[1] / "desk" / "mail" / "corpus"
QUOTED = "Yes, it does.\n\nOn 2026-11-26 10:40, Ann wrote:\n> Does it\n> print?\n\n-- \nBob\n"
LEFT_OUT = "lines of quoted history and signature left out)"


def screen(*words: str) -> str:
    with on_terminal(sys.executable, "-m", "slactl", "--color", "never", *words, rows=60, columns=120) as terminal:
        assert terminal.wait() == 0
        return terminal.screen


@pytest.mark.usefixtures("desk")
def test_a_terminal_shows_answers_without_history_and_says_so(slactl: Slactl) -> None:
    slactl("create", "Printer", "--from", "bob@acme.example", "--body", QUOTED)
    slactl("receive", "1", "--body", QUOTED)
    slactl("reply", "1", "--body", "Good.\n\n-- \nAnn")
    slactl("note", "1", "No quote at all")
    shown = screen("show", "1")
    assert shown.count("Yes, it does.") == 2
    assert shown.count("> print?") == 1  # of the opening message, which stays whole
    assert shown.count(LEFT_OUT) == 2
    assert f"(7 {LEFT_OUT}" in shown
    assert "only 2 texts without quoted history shown; slactl show 1 --json shows all" in shown
    bodies = [message["body"] for message in json.loads(slactl("show", "1", "--json").out)["messages"]]
    assert bodies == [QUOTED, QUOTED, "Good.\n\n-- \nAnn", "No quote at all"]
    assert LEFT_OUT not in slactl("show", "1").out + slactl("show", "1", "--json").out


@pytest.mark.usefixtures("desk")
def test_texts_without_history_are_whole_and_nothing_is_said(slactl: Slactl) -> None:
    slactl("create", "Printer", "--from", "bob@acme.example", "--body", "It burns.")
    slactl("receive", "1", "--body", "> Since when?\nMonday.\n> Where?\nRoom 4.")
    slactl("receive", "1", "--body", "> make\n> make install")
    slactl("reply", "1", "--no-body")
    shown = screen("show", "1")
    assert all(line in shown for line in ("> Since when?", "Room 4.", "> make install", "(no text)"))
    assert "left out" not in shown
    assert "shows all" not in shown


@pytest.mark.usefixtures("desk")
def test_history_that_may_go_on_below_what_is_read_stays(slactl: Slactl) -> None:
    slactl("create", "Printer", "--from", "bob@acme.example")
    answer = "See below.\n\nOn 2026-11-26 10:40, Ann wrote:\n" + "> quoted\n" * 3000 + "My answer."
    slactl("receive", "1", "--body", answer)
    shown = screen("show", "1")
    assert "> quoted" in shown
    assert LEFT_OUT not in shown


def test_mail_is_shown_by_whom_and_when(desk: Path, slactl: Slactl) -> None:
    rules = desk.with_name("rules.toml")
    rules.write_text(rules.read_text() + '\n[mail]\naddress = "support@example.com"\nagents = ["*@example.com"]\n')
    for name in ("gmail_new", "agent_answers_in_copy", "gmail_reply"):
        text = (CORPUS / f"{name}.eml").read_text(encoding="utf-8")
        sent_now = re.sub(r"^Received:.*\n(?:[ \t].*\n)*", "", text, flags=re.MULTILINE)
        assert slactl("mail", stdin=sent_now).code == 0
    shown = screen("show", "1", "--utc")
    heads = [line.strip() for line in shown.splitlines() if line.rstrip().endswith((" message", " reply"))]
    assert [head.partition("  ")[2] for head in heads] == [
        "kim@customer.example, opening message",
        "ann@example.com, agent's reply",
        "kim@customer.example, customer's reply",
    ]
    assert "Yes, the test page is blank too." in shown
    assert f"(9 {LEFT_OUT}" in shown
    whole = slactl("show", "1", "--json").out
    assert json.loads(whole)["messages"][2]["body"].endswith("> Ann, Support\n>")
    assert [event["actor"] for event in json.loads(slactl("history", "1", "--json").out)].count("ann@example.com") == 2
