"""What a message is: every combination of facts against the sentences of the specification, and the recipients."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slactl.desk.mail.addresses import Answered, Recipients, read_recipients, tag_of
from slactl.desk.mail.decide import Belongs, Facts, FoundBy, decide

BELONGS = [
    None,
    *(Belongs(4, by, closed, knows) for by in FoundBy for closed in (False, True) for knows in (False, True)),
]


def every_combination() -> Iterator[Facts]:
    for taken_to, automatic, ticket, agent, outside, refused, burst in product(
        (None, 3), (None, "Precedence: bulk"), BELONGS, (False, True), (False, True), (False, True), (None, 5)
    ):
        is_known = agent or (ticket is not None and ticket.by is FoundBy.SUBJECT)
        if ticket is not None and is_known and not ticket.knows_sender:
            continue  # agents are known everywhere, and a subject names only tickets that know the sender
        facts = Facts(taken_to, automatic, ticket, agent, outside, refused and not agent, burst)
        yield facts
        if ticket is not None and ticket.by is FoundBy.NOTIFICATION:  # only the reply to a message gives a command
            yield replace(facts, gives_command=True)
            yield replace(facts, no_command="mistyped")


def by(*kinds: FoundBy) -> Callable[[Facts], bool]:
    return lambda facts: facts.ticket is not None and facts.ticket.by in kinds


#: The sentences in their order; the first whose conditions all hold counts. The outcome is the action and the ticket.
SENTENCES: list[tuple[str, list[Callable[[Facts], bool]], tuple[str, int | None]]] = [
    ("a Message-ID that is known: ignored", [lambda f: f.taken_to is not None], ("ignored", 3)),
    (
        "automatic mail where it belongs to a ticket becomes a note",
        [lambda f: f.automatic is not None, lambda f: f.ticket is not None],
        ("note", 4),
    ),
    ("automatic mail never opens a ticket", [lambda f: f.automatic is not None], ("ignored", None)),
    ("a command where it answers a notification", [lambda f: f.gives_command], ("command", 4)),
    ("anyone else's answer to a notification is a note", [by(FoundBy.NOTIFICATION)], ("note", 4)),
    (
        "the address of a ticket, from a sender who is not known on it, becomes a note",
        [by(FoundBy.ADDRESS), lambda f: f.ticket is not None and not f.ticket.knows_sender],
        ("note", 4),
    ),
    (
        "from an agent to somebody outside: agent_reply, unless nobody would read it",
        [lambda f: f.from_agent, lambda f: f.to_outside, lambda f: f.ticket is not None and not f.ticket.is_closed],
        ("agent_reply", 4),
    ),
    ("from an agent to us alone: note", [lambda f: f.from_agent, lambda f: f.ticket is not None], ("note", 4)),
    (
        "otherwise customer_reply",
        [lambda f: f.ticket is not None and not f.ticket.is_closed],
        ("customer_reply", 4),
    ),
    (
        "more openings than mail.burst become notes",
        [lambda f: f.ticket is not None, lambda f: f.burst == 5],
        ("note", 5),
    ),
    ("to a closed ticket: a new one", [lambda f: f.ticket is not None], ("opened", None)),
    ("an unknown sender is refused", [lambda f: f.refused], ("ignored", None)),
    ("an agent may write first", [lambda f: f.from_agent, lambda f: f.to_outside], ("opened", None)),
    ("more openings than mail.burst become notes", [lambda f: f.burst == 5], ("note", 5)),
    ("not found: a new ticket", [], ("opened", None)),
]


def test_every_combination_of_facts_is_decided_as_the_sentences_say() -> None:
    used, count = set(), 0
    for facts in every_combination():
        sentence, _, outcome = next(row for row in SENTENCES if all(holds(facts) for holds in row[1]))
        found = decide(facts)
        assert (found.action.value, found.ticket) == outcome, (facts, sentence)
        assert found.refused == (sentence == "an unknown sender is refused")
        assert found.reason
        used.add(sentence)
        count += 1
    assert used == {sentence for sentence, *_ in SENTENCES}
    assert count > 700


def test_mail_that_is_no_persons_word_in_a_ticket_is_silent() -> None:
    """Automatic mail, strangers and floods must move no clock and end no quiet period."""
    for facts in every_combination():
        found = decide(facts)
        is_agents = facts.from_agent and facts.automatic is None and not found.is_burst
        is_note = found.action.value == "note"
        assert found.silent == ((is_note and not is_agents) or found.action.value == "command"), facts
        if facts.no_command is not None and facts.taken_to is None and facts.automatic is None:
            assert (found.action.value, found.reason) == ("note", facts.no_command)
        assert (found.follows == 4) == (found.action.value == "opened" and facts.ticket is not None)
        assert found.outbound == (
            found.action.value == "opened" and facts.ticket is None and facts.from_agent and facts.to_outside
        )


OURS = "Support@example.com"


@pytest.mark.parametrize(
    ("recipient", "tag"),
    [
        ("support@example.com", ""),
        ("SUPPORT@EXAMPLE.COM", ""),
        ("support+12@example.com", "12"),
        ("support+n7.aB_c-d@example.com", "n7.aB_c-d"),
        ("support+@example.com", ""),
        ("support+a+b@example.com", "a+b"),
        ("supporter@example.com", None),
        ("support-12@example.com", None),
        ("my-support@example.com", None),
        ("support@example.org", None),
        ("support+12@mail.example.com", None),
        ("support", None),
    ],
)
def test_only_our_own_address_has_a_tag(recipient: str, tag: str | None) -> None:
    assert tag_of(recipient, OURS) == tag


def test_recipients_are_read_each_once() -> None:
    found = read_recipients(
        (
            "support+12@example.com",
            "ann@acme.example",
            "Support+12@EXAMPLE.com",
            "support+3@example.com",
            "ANN@acme.example",
            "support+n7.abc@example.com",
            "support+n8.def@example.com",
            "support+012@example.com",
            "support+n7@example.com",
            "support+0@example.com",
        ),
        OURS,
    )
    assert found == Recipients((12, 3), Answered(7, "abc"), ("ann@acme.example",))


@given(st.lists(st.emails() | st.text(max_size=30)))
def test_no_recipient_of_others_names_a_ticket(recipients: list[str]) -> None:
    theirs = [each for each in recipients if not each.casefold().startswith("support")]
    assert read_recipients(theirs, OURS)[:2] == ((), None)
