"""Every command understands a reference to a ticket in the same way."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Result, Slactl

#: External ids of the tickets 1 to 5; the first is longer than any number of slactl's.
LONG = "12345678901234567890"
EXTERNAL = (LONG, "007", "12", "A-1", "#A")

#: References and the number of the ticket that each of them means; None where it means none.
REFERENCES = {
    **{"1": 1, "#1": 1, "4": 4, "007": 2, "ext:007": 2, "ext:12": 3, f"ext:{LONG}": 1, "A-1": 4, "ext:A-1": 4, "#A": 5},
    **dict.fromkeys(
        ("12", "#12", LONG, f"#{LONG}", "9" * 19, "9" * 5000, "0", "00", "01", "#01", "##1", "", "#", "ext:")
    ),
    **dict.fromkeys(
        ("B-2", "ext:4", "#ext:12", "+1", " 1", "1 ", "1.0", "\N{SUPERSCRIPT ONE}", "\N{ARABIC-INDIC DIGIT ONE}")
    ),
}

CHANGES: dict[str, Callable[[str], list[str]]] = {
    "priority": lambda reference: ["priority", reference, "high", "--dry-run", "--json"],
    "reply": lambda reference: ["reply", reference, "--body", "Hello", "--dry-run", "--json"],
    "resolve": lambda reference: ["resolve", reference, "--dry-run", "--json"],
    "silence": lambda reference: ["silence", "add", "--ticket", reference, "--for", "2h", "--dry-run"],
}


@pytest.fixture
def tickets(desk: Path, slactl: Slactl) -> None:
    """Tickets whose external ids could be taken for numbers."""
    for name in EXTERNAL:
        done = slactl("create", "Printer on fire", "--from", "ann@example.com", "--external-id", name)
        assert done.code == 0, done.err


@pytest.mark.usefixtures("tickets")
@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("command", CHANGES)
def test_a_change_means_the_ticket_that_show_shows(slactl: Slactl, command: str, reference: str) -> None:
    shown = slactl("show", reference, "--format", "ids")
    done = slactl(*CHANGES[command](reference))
    assert done.code == shown.code
    if done.code:
        assert errors(done) == errors(shown)
    elif command != "silence":
        assert [str(json.loads(done.out)["id"])] == shown.lines


@pytest.mark.usefixtures("tickets")
@pytest.mark.parametrize(("reference", "number"), REFERENCES.items())
def test_digits_are_the_number_and_anything_else_an_external_id(
    slactl: Slactl, reference: str, number: int | None
) -> None:
    shown = slactl("show", reference, "--format", "ids")
    assert (shown.code, shown.lines) == ((0, [str(number)]) if number else (3, []))


@pytest.mark.usefixtures("tickets")
@pytest.mark.parametrize("digits", ["12", LONG])
def test_digits_of_an_external_id_have_a_hint_that_finds_it(slactl: Slactl, digits: str) -> None:
    refused = slactl("show", digits)
    assert refused.code == 3
    assert refused.err.splitlines()[-1] == f"hint: slactl show ext:{digits}"
    assert slactl("show", f"ext:{digits}", "--json").code == 0


def errors(result: Result) -> list[str]:
    return [line for line in result.err.splitlines() if line.startswith(("error:", "hint:"))]
