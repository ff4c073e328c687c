"""The one sanitiser: of every character there is nothing gets out that is obeyed or not seen."""

import json
import random
import sys
import time
from pathlib import Path

import pytest
from conftest import Slactl
from payloads import FORBIDDEN, PAYLOADS, harm
from terminal import on_terminal

from slactl.show.records import to_json
from slactl.text import MARKS, clean, clean_block, quoted

EVERY = [chr(number) for number in range(sys.maxunicode + 1)]


def test_of_every_character_only_what_is_seen_comes_out() -> None:
    text = "x".join(EVERY)
    assert harm(clean(text)) == []
    assert "\n" not in clean(text)
    assert harm(clean_block(text), tabs=True) == []
    assert harm(to_json(text)) == []


def test_what_takes_no_room_is_named_and_what_is_read_stays() -> None:
    controls = {c for c in FORBIDDEN if ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or c in "\u2028\u2029"}
    for character in FORBIDDEN - controls:
        assert clean(f"a{character}b") == f"a⟨U+{ord(character):04X}⟩b"
    for character in controls - {"\x1b", *map(chr, range(0x80, 0xA0))}:
        assert clean(f"a{character}b") in ("ab", "a b")
    readable = "naïve Zürich ❤️ 日本語 עברית ไทย हिन्दी Ελληνικά e\u0301 \u00a0 ☃ 1️⃣"
    assert clean(readable) == clean_block(readable) == readable


NEEDED = {
    "a family": "👨\u200d👩\u200d👧",
    "a skin": "👩🏽\u200d💻",
    "a heart": "❤️\u200d🔥",
    "a flag": "🏳️\u200d🌈",
    "a runner": "🏃\u200d♀️\u200d➡️",
    "Persian": "می\u200cروم نمی\u200cشود",
    "Persian with a vowel": "می\u200cروَم روزِ\u200cشب",
    "Hindi, joined": "क्\u200dष",
    "Hindi, apart": "क्\u200cष",
    "Sinhala": "ශ්\u200dරී",
    "Bengali": "র\u200d্য",
    "Malayalam": "അവന്\u200d വന്നു",
}
HIDING = {
    "letters": "ad\u200dmin",
    "letters apart": "ad\u200cmin",
    "digits": "1\u200c2",
    "beginning": "\u200dبج",
    "end": "می\u200c",
    "twice": "می\u200c\u200cروم",
    "two scripts": "م\u200ca",
    "no virama": "बम\u200cब",
    "emoji and letter": "👨\u200dx",
    "emoji apart": "👨\u200c👩",
    "emoji at the end": "👨\u200d",
    "control between": "a\x1b[1m\u200db",
}


@pytest.mark.parametrize("name", NEEDED)
def test_joiners_stay_where_reading_needs_them(name: str) -> None:
    assert clean(NEEDED[name]) == clean_block(NEEDED[name]) == NEEDED[name]


@pytest.mark.parametrize("name", HIDING)
def test_joiners_are_named_where_nothing_needs_them(name: str) -> None:
    for shown in (clean(HIDING[name]), clean_block(HIDING[name])):
        assert "⟨U+200" in shown
        assert not {"\u200c", "\u200d"} & set(shown)
        assert clean(shown) == shown


@pytest.mark.usefixtures("desk")
def test_joiners_are_shown_wherever_a_ticket_is(slactl: Slactl, tmp_path: Path) -> None:
    subject = f"{NEEDED['Persian']} {NEEDED['a family']} {HIDING['letters']}"
    shown = subject.replace(HIDING["letters"], "ad⟨U+200D⟩min")
    new = ["create", subject, "--from", "a@b.example", "--body", subject, "--assignee", subject]
    assert slactl(*new).code == 0
    for command in (["list"], ["show", "1"], ["list", "--format", "csv"]):
        assert shown in slactl(*command).out
    assert shown in slactl("show", subject).err
    assert json.loads(slactl("show", "1", "--json").out)["subject"] == subject
    page = tmp_path / "report.html"
    assert slactl("report", "--by", "assignee", "--html", str(page)).code == 0
    assert shown in page.read_text(encoding="utf-8")
    with on_terminal(sys.executable, "-m", "slactl", "show", "1", columns=300) as terminal:
        assert terminal.wait() == 0
        assert terminal.screen.count(shown) >= 2


@pytest.mark.parametrize("name", PAYLOADS)
def test_cleaning_twice_changes_nothing(name: str) -> None:
    once = clean(PAYLOADS[name])
    assert clean(once) == once
    assert harm(once) == []


def test_pieces_that_are_put_together_make_no_sequence() -> None:
    parts = [
        "\x1b",
        "[",
        "]",
        "\x9b",
        "\x9d",
        "0;",
        "31m",
        "x",
        "\x07",
        "\\",
        "P",
        "\n",
        "\u202e",
        "\u0301" * 5,
        "é",
        "?25l",
    ]
    chance = random.Random(20260302)
    for _ in range(5_000):
        text = "".join(chance.choices(parts, k=chance.randint(1, 12)))
        assert not set(clean(text)) & FORBIDDEN
        assert not set(clean_block(text)) & (FORBIDDEN - {"\n"})


def test_a_string_without_an_end_hides_nothing_behind_it() -> None:
    assert clean("\x1b]0;title\x07 rest") == " rest"
    assert clean("before \x1b]0; the customer's own words") == "before 0; the customer's own words"
    assert clean("a \x9d and \x90 b") == "a  and  b"
    assert clean_block("a \x1b]52; \nsecond line\x07 third") == "a 52; \nsecond line third"


def test_marks_are_thinned_and_counted() -> None:
    piled = "Z" + "\u0301" * 100 + "o"
    assert clean(piled) == "Z" + "\u0301" * MARKS + f"⟨{100 - MARKS} more marks⟩o"
    assert clean("a" + "\u0301" * MARKS) == "a" + "\u0301" * MARKS
    assert clean("…" * 50) == "…" * 50
    assert clean("ก" + "\u0e47" * 20) == "ก" + "\u0e47" * MARKS + f"⟨{20 - MARKS} more marks⟩"


@pytest.mark.parametrize(
    "text", ["\x9d", "\x1b]", "\x1b[0", "\x1b[", "\x9d0", "\u0301", "…", "\u202e", "\x1b]x", "\x1b"]
)
def test_a_great_deal_of_anything_takes_no_time(text: str) -> None:
    for whole in (text * (100_000 // len(text)), text + "0" * 100_000):
        begun = time.process_time()
        clean(whole)
        clean_block(whole)
        assert time.process_time() - begun < 1


def test_a_word_that_is_pasted_is_one_word() -> None:
    import shlex

    for text in PAYLOADS.values():
        assert shlex.split(f"slactl show {quoted(text)} --json") == ["slactl", "show", clean(text), "--json"]
