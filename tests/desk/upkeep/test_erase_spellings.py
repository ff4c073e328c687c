"""How an address is written in texts: what is surely hers goes, and what may be somebody else's stays and is told."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl

from slactl.store.write.spellings import Mention, mention

A = "ann.lee@example.com"

#: How people, mail programs and markup write an address: this is she and nobody else.
HERS = [
    *(f"-{A}", f"_{A}_", f"..{A}", f"+{A}", f"{A}-", f"{A}_x", f"%3C{A}%3E", f"**{A}**", f"<{A}>,", f"'{A}'", f"{A}."),
    *(f"mailto:{A}?subject=x", "https://x/?to=ann.lee%40example.com&a=b", f"__{A}__", f"{A.upper()}...and", f"%{A}"),
    *(f"Ann wrote:\n-{A}\n", f"{A}/x", f"x/{A}", f"{A}--", f"`{A}`", f"({A})"),
]

#: What may be somebody else's address, or hers with a word that belongs to the next sentence: nobody can tell.
PERHAPS = [
    *(f"other.{A}", f"{A}.au", f"{A}-group.org", f"x-{A}", f"x_{A}", f"x+{A}", f"o'{A}", f"x%{A}"),
    *(f"{A}.Thanks", f"{A}--x"),
]

#: What is somebody else's for certain: the letters are a part of a word.
OTHERS = [f"jo{A}", f"{A}x", f"1{A}", f"é{A}", "https://x/?to=joann.lee%40example.com"]


def shown(slactl: Slactl, number: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(slactl("show", number, "--json").out)
    return found


def test_every_way_to_write_the_address_goes_and_what_may_be_another_is_told(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Bob toner", "--from", "bob@example.com", "--body", HERS[0])
    for text in (*HERS[1:], *PERHAPS, *OTHERS):
        assert slactl("note", "1", "--body", f"see {text} now" if "\n" not in text else text).code == 0
    slactl("create", "Fire", "--from", A)
    done = slactl("erase", "--requester", A, "--yes", "--json")
    kept = [message["body"] for message in shown(slactl, "1")["messages"] if message["body"] is not None]
    assert kept == [f"see {text} now" for text in (*PERHAPS, *OTHERS)]
    assert json.loads(done.out)["texts"] == {"body": len(HERS), "requester_email": 1, "subject": 1}
    left = [{"table": "event_text", "column": "text", "rows": len(PERHAPS), "tickets": [1]}]
    assert (done.code, json.loads(done.out)["left"]) == (7, left)
    again = slactl("erase", "--requester", A, "--yes")
    assert (again.code, again.out) == (3, "")
    assert (
        "found no data that can be erased for ann.lee@example.com; the name is in event_text.text of ticket 1"
        in again.err
    )
    # Who has looked and knows that it is hers can erase it as it is written there.
    assert slactl("erase", "--requester", f"{A}.Thanks", "--yes").code == 0
    assert b".thanks" not in desk.read_bytes().lower()


#: The address as programs write it: nobody reads it in the text, but whoever decodes it does.
SPELLED = [
    *("ann.lee&#64;example.com", "ann.lee&amp;#64;example.com", "ann.lee=40example.com", "ann.lee%2540example.com"),
    "=?utf-8?b?QW5uIDxhbm4ubGVlQGV4YW1wbGUuY29tPg==?=",
    *("".join(chr(ord(sign) + 0xFEE0) for sign in A), "ann\u200b.lee\xad@example.com"),
]

#: Somebody else's address, of which a part is spelled so that the rest looks like hers.
ELSE = ["jo&#97;nn.lee@example.com", "jo&shy;ann.lee@example.com", "=?utf-8?q?jo?=\n =?utf-8?q?ann.lee@example.com?="]


def test_what_only_decoding_finds_goes_and_is_told(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Bob toner", "--from", "bob@example.com", "--body", f"Ask {A}")
    slactl("create", "Cups", "--from", "carl@example.com")
    for text in (*SPELLED, *ELSE):
        assert slactl("note", "2", "--body", f"see {text} now").code == 0
    slactl("create", "Fire", "--from", A, "--body", SPELLED[0])
    rehearsed = slactl("erase", "--requester", A, "--dry-run")
    told = f"  {len(SPELLED)} of these texts have the address only in encoded form, such as &#64;, in ticket 2"
    assert f"{told}; read before erasing: slactl show 2" in rehearsed.lines
    done = slactl("erase", "--requester", A, "--yes", "--json")
    record = json.loads(done.out)
    assert record["spelled"] == {"texts": len(SPELLED), "tickets": [2]}
    assert record["texts"] == {"body": len(SPELLED) + 2, "requester_email": 1, "subject": 1}
    kept = [message["body"] for message in shown(slactl, "2")["messages"] if message["body"] is not None]
    assert kept == [f"see {text} now" for text in ELSE]
    assert slactl("audit", "verify").code == 0
    assert slactl("erase", "--requester", A, "--yes").code == 3


def test_a_requester_with_hidden_letters_is_somebody_else(desk: Path, slactl: Slactl) -> None:
    for number, address in enumerate((f"jo\xad{A}", f"jo&#8203;{A}", f"jo=\n{A}", f"x=3D{A}"), 1):
        line = {"ticket": f"T-{number}", "at": "2026-03-02T09:00:00Z", "type": "created", "subject": "Ink"}
        assert slactl("import", "-", stdin=json.dumps(line | {"requester_email": address})).code == 0
    slactl("create", "Fire", "--from", A)
    slactl("erase", "--requester", A, "--yes")
    assert [shown(slactl, str(number))["subject"] for number in (1, 2, 3, 4, 5)] == ["Ink"] * 4 + ["(erased)"]


def test_a_ticket_of_an_address_that_only_looks_like_it_stays_whole(desk: Path, slactl: Slactl) -> None:
    for address in (f"_{A}", f"+{A}", f"{A}.au", f"Ann Lee <{A}>"):
        line = {"ticket": address, "at": "2026-03-02T09:00:00Z", "type": "created", "subject": "Ink"}
        assert slactl("import", "-", stdin=json.dumps(line | {"requester_email": address})).code == 0
    done = slactl("erase", "--requester", A, "--yes")
    assert [shown(slactl, str(number))["subject"] for number in (1, 2, 3)] == ["Ink"] * 3
    assert (shown(slactl, "4")["requester_email"], done.code) == (None, 7)
    assert (
        "not erased: ticket.requester_email still has the address in 3 rows, of tickets 1, 2, 3: "
        "it may be part of another address" in done.lines
    )


def test_an_address_of_other_letters_is_found_where_the_log_escapes_them(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Ink", "--from", "jörg@example.com")
    slactl("create", "Cups", "--from", "carl@example.com")
    slactl("escalate", "2", "--reason", "JÖRG@example.com called", "--no-notify")
    done = slactl("erase", "--requester", "jörg@example.com", "--yes", "--json")
    assert [(left["table"], left["column"]) for left in json.loads(done.out)["left"]] == [
        ("escalation", "reason"),
        ("event", "detail"),
    ]


@pytest.mark.parametrize("place", [0, 1, 62, 63, 64, 65, 200])
def test_stranger_at_any_place_of_a_long_text_is_not_erased(desk: Path, slactl: Slactl, place: int) -> None:
    """Only `place` characters stand before the longer address, and many after it."""
    before = "." * max(0, place - 1) + " " * min(1, place)
    text = f"{before}joann@example.com has the key. {'It is a long story. ' * 20}"
    slactl("create", "Key", "--from", "bob@example.com", "--body", text)
    slactl("create", "Fire", "--from", "ann@example.com", "--body", "mine")
    done = slactl("erase", "--requester", "ann@example.com", "--yes", "--json")
    record = json.loads(done.out)
    assert (done.code, record["other_tickets"], record["left"]) == (0, [], [])
    assert shown(slactl, "1")["messages"][0]["body"] == text
    assert shown(slactl, "2")["messages"][0]["body"] is None


@pytest.mark.parametrize("length", [1, 63, 64, 65])
def test_longer_address_is_seen_across_signs_that_belong_to_addresses(length: int) -> None:
    """A letter within the longest name before an @ may belong to the address; one farther off does not."""
    text = f"o{'.' * (length - 1)}ann@example.com {'x ' * 100}"
    assert mention("ann@example.com", text) is (Mention.PERHAPS if length <= 64 else Mention.PLAIN)
