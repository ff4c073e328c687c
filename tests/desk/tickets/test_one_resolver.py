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


#: Every command that names a ticket; `T` is the reference.
NAMING = """show T --format ids|history T --fields ticket_id|explain T -q|assign T --to mia|priority T high
status T pending|reply T --body Hi|note T --body Hi|receive T --body Hi|resolve T|close T|reopen T|tag T --add vip
edit T --subject Other|due T --target resolution --at 2199-01-01T00:00Z --reason agreed
ack T --for 2h|unack T|escalate T --reason now --no-notify"""


@pytest.mark.parametrize("how", ["argument", "stdin"])
@pytest.mark.parametrize("brought", ["create", "csv", "json", "jsonl"])
def test_zeros_in_front_make_an_external_id_for_every_command(
    slactl: Slactl, desk: Path, brought: str, how: str
) -> None:
    bring(slactl, brought, ["003", "002", "001", "2"])
    listed = slactl("list", "--sort", "created", "--fields", "id,external_id").lines
    assert sorted(listed) == ["1\t003", "2\t002", "3\t001", "4\t2"]
    for command in NAMING.replace("\n", "|").split("|"):
        for reference, number in (("001", "3"), ("3", "3"), ("002", "2"), ("2", "2"), ("ext:2", "4"), ("#1", "1")):
            typed = [reference if word == "T" else word for word in command.split()]
            if typed[0] in ("resolve", "close", "reopen"):  # an earlier reference may have meant the same ticket
                slactl("reopen", number)
            if how == "stdin" and typed[0] not in SINGLE:
                done = slactl(*("-" if word == reference else word for word in typed), stdin=f"\ufeff{reference}\r\n")
            else:
                done = slactl(*typed)
            if done.code == 5:  # the state of the ticket may forbid it, and then the error names the ticket
                assert f"ticket {number} " in done.err, (typed, done)
            else:
                assert (done.code, set(done.lines)) == (0, {number}), (typed, done)
    for command in NAMING.replace("\n", "|").split("|"):
        assert slactl(*("004" if word == "T" else word for word in command.split())).code == 3


SINGLE = ("explain", "reply", "note", "receive", "due")


def bring(slactl: Slactl, how: str, names: list[str]) -> None:
    """Open tickets with these external ids, in this order."""
    at = "2026-03-02T09:00:00Z"
    if how == "create":
        for name in names:
            assert slactl("create", "x", "--from", "a@b.example", "--external-id", name).code == 0
        return
    rows = [{"ticket": name, "created_at": at} for name in names]
    events = "\n".join(json.dumps({"ticket": name, "at": at, "type": "created"}) for name in names)
    table = "ticket,created_at\n" + "".join(f"{name},{at}\n" for name in names)
    text = {"csv": table, "json": json.dumps(rows), "jsonl": events}[how]
    assert slactl("import", "-", *(() if how == "jsonl" else ("--map", "csv")), stdin=text).code == 0


@pytest.mark.usefixtures("tickets")
def test_hint_names_what_was_probably_meant(slactl: Slactl) -> None:
    hints = {"0001": "slactl show 1", "#02": "slactl show 2", "099": "slactl list --all", "12": "slactl show ext:12"}
    for reference, hint in hints.items():
        assert slactl("resolve", reference).err.splitlines()[-1] == f"hint: {hint}"
    slactl("create", "x", "--from", "a@b.example", "--external-id", "#77")
    assert slactl("resolve", "#77").err.splitlines()[-1] == "hint: slactl show 'ext:#77'"
    assert slactl("show", "ext:#77").code == 0


@pytest.mark.usefixtures("tickets")
@pytest.mark.parametrize("command", ["notifications retry 01", "notifications drop 01", "silence expire 01"])
def test_numbers_of_other_things_have_no_zeros_in_front(slactl: Slactl, command: str) -> None:
    refused = slactl(*command.split())
    assert (refused.code, "'01' is not the number of a " in refused.err) == (2, True)


def test_import_of_names_that_are_numbers_touches_no_number(slactl: Slactl, desk: Path) -> None:
    slactl("create", "first", "--from", "a@b.example")
    bring(slactl, "jsonl", ["1", "001"])
    events = [
        {"ticket": name, "at": "2026-03-03T09:00:00Z", "type": "note", "body": f"of {name}"} for name in ("1", "001")
    ]
    assert slactl("import", "-", stdin="\n".join(map(json.dumps, events))).code == 0
    bodies = {number: slactl("show", number, "--fields", "messages").out for number in ("1", "2", "3")}
    assert ["of 1" in bodies["2"], "of 001" in bodies["3"], "of " in bodies["1"]] == [True, True, False]


def errors(result: Result) -> list[str]:
    return [line for line in result.err.splitlines() if line.startswith(("error:", "hint:"))]
