"""What people type by habit works: ids with #, values that begin with a dash, names with blanks around them."""

import shlex
from pathlib import Path

import pytest
from conftest import Slactl

OPEN = ("create", "Printer on fire", "--from", "ann@example.com")


@pytest.mark.parametrize(
    "words",
    [
        ("show", "#1", "-q"),
        ("history", "#1", "-q"),
        ("explain", "#1"),
        ("close", "#1", "-q"),
        ("tag", "#1", "--add", "vip", "-q"),
        ("status", "#1", "pending", "-q"),
        ("priority", "#1", "high", "-q"),
        ("assign", "#1", "--to", "ben", "-q"),
        ("note", "#1", "--body", "x", "-q"),
        ("due", "#1", "--target", "resolution", "--at", "in 4h", "--reason", "x", "-q"),
        ("ack", "#1", "-q"),
        ("escalate", "#1", "--reason", "x", "-q"),
        ("silence", "add", "--ticket", "#1", "--for", "1h"),
        ("notifications", "list", "--ticket", "#1"),
    ],
)
def test_number_of_a_ticket_may_have_its_sign(desk: Path, slactl: Slactl, words: tuple[str, ...]) -> None:
    slactl(*OPEN)
    done = slactl(*words)
    assert (done.code, "error" in done.err) == (0, False), done.err


@pytest.mark.parametrize("number", ["1", "#1"])
def test_numbers_of_other_things_may_have_it_too(desk: Path, slactl: Slactl, number: str) -> None:
    slactl("silence", "add", "--tenant", "acme", "--for", "1h") if slactl("tenant", "add", "acme") else None
    assert slactl("check", "-q").code == 0
    assert slactl("runs", "show", number).code == 0
    assert slactl("silence", "expire", number).code == 0


@pytest.mark.parametrize("number", ["x", "#", "##1", "0", "#0", "01", "-1", "\uff11"])
def test_other_words_are_no_number(desk: Path, slactl: Slactl, number: str) -> None:
    for words in (("runs", "show", "--", number), ("silence", "expire", "--", number)):
        refused = slactl(*words)
        assert (refused.code, refused.out) == (2, "")
        assert "is not the number of a " in refused.err


def test_values_that_begin_with_a_dash_are_no_options(desk: Path, slactl: Slactl) -> None:
    assert slactl("create", "-x is broken", "--from", "ann@example.com", "--external-id", "-A1").out == "1\n"
    assert slactl("create", "--- help! ---", "--from=ann@example.com").out == "2\n"
    assert slactl("create", "--from", "ann@example.com", "--", "-subject").out == "3\n"
    assert slactl("note", "1", "--body", "-5 degrees").code == 0
    assert sorted(slactl("list", "--fields", "subject").lines) == ["--- help! ---", "-subject", "-x is broken"]
    assert slactl("list", "--search", "-x is", "-q").out == "1\n"
    assert slactl("show", "-q", "--", "-A1").out == "1\n"
    assert slactl("escalate", "--reason", "-", "--", "-A1").code == 0


def test_offset_before_a_deadline_can_be_set(desk: Path, slactl: Slactl) -> None:
    key = "escalation.first-response.level.breach.at"
    done = slactl("rules", "set", key, "-30s")
    assert "No such option" not in done.err
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("show", "-A1", "-q"), "slactl show -q -- -A1"),
        (("escalate", "-A1", "--reason", "x y"), "slactl escalate --reason 'x y' -- -A1"),
        (("create", "-subject", "--from", "ann@example.com"), "slactl create --from ann@example.com -- -subject"),
    ],
)
def test_word_that_was_taken_for_an_option_has_a_hint_that_works(
    desk: Path, slactl: Slactl, words: tuple[str, ...], hint: str
) -> None:
    slactl(*OPEN, "--external-id", "-A1")
    refused = slactl(*words)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.splitlines()[1] == f"hint: {hint}"
    assert slactl(*shlex.split(hint)[1:]).code == 0


@pytest.mark.parametrize("words", [("close", "1", "-nx"), ("close", "1", "-dry-run"), ("close", "1", "--dryrun")])
def test_misspelt_option_is_no_id(desk: Path, slactl: Slactl, words: tuple[str, ...]) -> None:
    slactl(*OPEN)
    assert slactl(*words).code == 2
    assert slactl("list", "-q").out == "1\n"


def test_blanks_and_invisible_characters_around_names_are_not_typed_on_purpose(desk: Path, slactl: Slactl) -> None:
    assert slactl("tenant", "add", " acme\u200b").code == 0
    names = ("--tenant", "acme ", "--plan", "\u00a0pro ", "--assignee", "ben\u200b ", "--tag", " vip ")
    done = slactl(*OPEN, *names)
    assert done.code == 0, done.err
    fields = ("list", "--fields", "tenant,plan,assignee,tags", "--format", "jsonl")
    assert slactl(*fields).out == '{"tenant": "acme", "plan": "pro", "assignee": "ben", "tags": ["vip"]}\n'
    for words in (("--tenant", " acme"), ("--plan", "pro "), ("--assignee", "ben "), ("--tag", "\ufeffvip")):
        assert slactl("list", *words, "-q").out == "1\n"
    before = slactl("export").out
    assert slactl("edit", "1", "--plan", "pro ", "-q").code == 0
    assert slactl("assign", "1", "--to", " ben", "-q").code == 0
    assert slactl("export").out == before
    assert slactl("tag", "1", "--remove", "vip ", "-q").code == 0
    assert slactl("assign", "1", "--to", "me ", "-q").code == 0
    assert slactl(*fields).out == '{"tenant": "acme", "plan": "pro", "assignee": "ann", "tags": []}\n'


@pytest.mark.parametrize("name", [" ", "\u200b", "\u00a0\u2060"])
def test_name_of_nothing_but_blanks_is_refused(desk: Path, slactl: Slactl, name: str) -> None:
    slactl(*OPEN)
    for words in (("assign", "1", "--to", name), ("tag", "1", "--add", name), ("tenant", "add", name)):
        assert slactl(*words).code == 2
