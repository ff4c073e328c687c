"""Every command understands a reference to a ticket in the same way."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Result, Slactl

#: External ids of the tickets 1 to 4; the first is longer than any number of slactl's.
EXTERNAL = ("12345678901234567890", "007", "12", "A-1")

REFERENCES = (*EXTERNAL, "1", "#1", "#12", "ext:12", "ext:007", "99999999999999999999", "9" * 19, "", "B-2")

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
def test_an_external_id_longer_than_any_number_can_be_assigned(slactl: Slactl) -> None:
    done = slactl("assign", EXTERNAL[0], "--to", "bob")
    assert (done.code, done.lines) == (0, ["1"])


def errors(result: Result) -> list[str]:
    return [line for line in result.err.splitlines() if line.startswith(("error:", "hint:"))]
