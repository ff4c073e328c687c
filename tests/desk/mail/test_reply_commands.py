"""What a person's reply to a message does: what it says, with the tickets of the message, in the person's name."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory
from hypothesis import given
from hypothesis import strategies as st
from replies import REPLIED, TOLD, actions, reply, tell, ticket, write_rules

from slactl.desk.mail.reply_commands import FORMS, MistypedError, ReplyCommand, Verb, read_command
from slactl.durations import Duration, parse_duration
from slactl.errors import SlactlError

HOURS = Duration(7200)

GOAL = """
[[objective]]
name = "answers"
target = "first_response"
goal = "90%"
period = "month"
notify = ["boss"]
"""


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("ack", ReplyCommand(Verb.ACK)),
        ("  Ack.  ", ReplyCommand(Verb.ACK)),
        ("ACK!", ReplyCommand(Verb.ACK)),
        ("ack 2h", ReplyCommand(Verb.ACK, (), HOURS)),
        ("Ack 2H.", ReplyCommand(Verb.ACK, (), HOURS)),
        ("ack for 2h", ReplyCommand(Verb.ACK, (), HOURS)),
        ("ack 12", ReplyCommand(Verb.ACK, ("12",))),
        ("ack 12 14 2h", ReplyCommand(Verb.ACK, ("12", "14"), HOURS)),
        ("ack #12, #14, 2h", ReplyCommand(Verb.ACK, ("12", "14"), HOURS)),
        ("ack 12 12", ReplyCommand(Verb.ACK, ("12",))),
        ("ack 3bd", ReplyCommand(Verb.ACK, (), Duration(business_days=3))),
        ("unack", ReplyCommand(Verb.UNACK)),
        ("unack 12", ReplyCommand(Verb.UNACK, ("12",))),
        ("assign me", ReplyCommand(Verb.ASSIGN)),
        ("assign me 12 14", ReplyCommand(Verb.ASSIGN, ("12", "14"))),
        ("Assign 12 me", ReplyCommand(Verb.ASSIGN, ("12",))),
        ("resolve", ReplyCommand(Verb.RESOLVE)),
        ("resolve #7", ReplyCommand(Verb.RESOLVE, ("7",))),
        ("escalate the customer is furious", ReplyCommand(Verb.ESCALATE, rest="the customer is furious")),
        ("escalate #12 #14 no answer", ReplyCommand(Verb.ESCALATE, ("12", "14"), rest="no answer")),
        ("escalate 500 users are offline", ReplyCommand(Verb.ESCALATE, rest="500 users are offline")),
    ],
)
def test_first_line_is_a_command(line: str, command: ReplyCommand) -> None:
    assert read_command(line) == command


@pytest.mark.parametrize(
    "line",
    [
        *("", "   ", "Thanks, I will look at it.", "On it!", "The ack is missing", "please resolve this with the team"),
        *("back", "I acknowledge that we are late and will call them", "- ack", "> ack", "ok"),
    ],
)
def test_text_is_no_command(line: str) -> None:
    try:
        assert read_command(line) is None
    except MistypedError:
        assert line == "back"  # nearly a command, and so a note that is told


@pytest.mark.parametrize(
    "line",
    [
        *("ack two hours", "ack 0h", "ack thanks", "ack 2h 12", "ack A-1", "unack 2h", "assign", "assign bob"),
        *("assign me bob", "resolve it", "resolve 1h", "escalate", "escalate #12", "akc", "akc 2h", "resolv 12"),
        *("escalte now", "ack 9999999999999999999999", "Resolve the printer issue first"),
    ],
)
def test_mistyped_command_is_told_with_the_right_form(line: str) -> None:
    with pytest.raises(MistypedError) as caught:
        read_command(line)
    assert any(form in caught.value.message for form in FORMS.values())


@given(st.text(max_size=200))
def test_no_line_breaks_the_reading(line: str) -> None:
    with suppress(MistypedError):
        read_command(line)


NUMBERS = st.lists(st.integers(1, 10**9), max_size=4, unique=True)


@given(
    verb=st.sampled_from(["ack", "unack", "assign", "resolve"]),
    numbers=NUMBERS,
    lasting=st.sampled_from([None, "90s", "30m", "2h", "1h30m", "3bd"]),
    case=st.sampled_from([str.lower, str.upper, str.title]),
    mark=st.sampled_from(["", "#"]),
    gap=st.sampled_from([" ", "  ", ", ", "\t"]),
    end=st.sampled_from(["", ".", " !"]),
)
def test_command_means_the_same_however_it_is_typed(
    verb: str, numbers: list[int], lasting: str | None, case: object, mark: str, gap: str, end: str
) -> None:
    words = [f"{mark}{number}" for number in numbers]
    words += ["me"] if verb == "assign" else [lasting] if verb == "ack" and lasting is not None else []
    line = f"{case(verb)} {gap.join(words)}{end}"  # type: ignore[operator]
    wanted = parse_duration(lasting) if verb == "ack" and lasting is not None else None
    assert read_command(line) == ReplyCommand(Verb(verb), tuple(map(str, numbers)), wanted)


@pytest.fixture
def told(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> Path:
    """A desk whose boss was told of three tickets in one digest, and of a fourth one apart."""
    write_rules(desk)
    clock.move_to(TOLD)
    tell(desk, slactl, 3)
    slactl("create", "another", "--from", "ann@example.com", "--at", "2026-03-02T09:00:00Z")
    clock.move_to(REPLIED)
    return desk


def test_ack_holds_the_escalation_of_the_only_ticket_back(told: Path, slactl: Slactl) -> None:
    assert reply(told, "ack 2h").done == [1]
    assert [ticket(slactl, number)["acked_until"] for number in (1, 2)] == ["2026-03-04T13:00:00Z", None]
    assert actions(slactl, 1)[-1] == ("boss", "ticket.ack")


def test_ack_without_a_duration_lasts_as_the_settings_say(told: Path, slactl: Slactl) -> None:
    reply(told, "ack")
    assert ticket(slactl, 1)["acked_until"] == "2026-03-04T15:00:00Z"


def test_ack_counts_from_the_instant_of_the_reply(told: Path, slactl: Slactl) -> None:
    from datetime import timedelta

    reply(told, "ack 2h", at=REPLIED - timedelta(minutes=30))
    assert ticket(slactl, 1)["acked_until"] == "2026-03-04T12:30:00Z"


def test_unack_releases_it(told: Path, slactl: Slactl) -> None:
    reply(told, "ack 2h")
    assert reply(told, "unack").done == [1]
    assert ticket(slactl, 1)["acked_until"] is None


def test_assign_me_assigns_the_person_who_replied(told: Path, slactl: Slactl) -> None:
    reply(told, "assign me")
    assert ticket(slactl, 1)["assignee"] == "boss"
    assert actions(slactl, 1)[-1] == ("boss", "ticket.assign")


def test_resolve_resolves_it(told: Path, slactl: Slactl) -> None:
    reply(told, "resolve")
    assert ticket(slactl, 1)["status"] == "resolved"


def test_escalate_does_what_the_settings_say_and_names_the_person(told: Path, slactl: Slactl) -> None:
    obeyed = reply(told, "escalate the customer is furious")
    assert ticket(slactl, 1)["priority"] == "urgent"
    (record,) = obeyed.escalations
    assert (record["reason"], record["actor"], record["told"]) == ("the customer is furious", "boss", ["mia"])


@pytest.mark.parametrize("line", ["escalate 500 users are offline", "escalate 4 users are offline"])
def test_number_of_another_ticket_belongs_to_the_reason(told: Path, line: str) -> None:
    (record,) = reply(told, line).escalations
    assert (record["ticket_id"], record["reason"]) == (1, line.removeprefix("escalate "))


def test_ids_choose_among_the_tickets_of_a_digest(told: Path, slactl: Slactl) -> None:
    assert reply(told, "ack 1 3 2h", is_single=False).done == [1, 3]
    assert [ticket(slactl, number)["acked_until"] is None for number in (1, 2, 3, 4)] == [False, True, False, True]
    (record,) = reply(told, "escalate 2 no answer", is_single=False).escalations
    assert (record["ticket_id"], record["reason"]) == (2, "no answer")


@pytest.mark.parametrize("line", ["ack", "ack 2h", "resolve", "assign me", "unack", "escalate now", "escalate 9 now"])
def test_digest_of_several_tickets_needs_an_id(told: Path, line: str) -> None:
    with pytest.raises(MistypedError, match="the message was about several tickets; write their ids"):
        reply(told, line, is_single=False)


@pytest.mark.parametrize("is_single", [True, False])
@pytest.mark.parametrize("line", ["ack 4", "ack 1 4 2h", "resolve 4", "resolve 99", "escalate #4 now"])
def test_command_reaches_no_ticket_that_the_message_was_not_about(
    told: Path, slactl: Slactl, line: str, is_single: bool
) -> None:
    before = [actions(slactl, number) for number in (1, 4)]
    with pytest.raises(MistypedError, match=r"the message was not about ticket (4|99)"):
        reply(told, line, is_single=is_single)
    assert [actions(slactl, number) for number in (1, 4)] == before


def test_refused_ticket_stops_no_other(told: Path, slactl: Slactl) -> None:
    slactl("close", "1")
    obeyed = reply(told, "resolve 1 2", is_single=False)
    assert (obeyed.done, [str(error) for error in obeyed.failures]) == (
        [2],
        ["ticket 1 is closed: there is nothing to resolve"],
    )
    assert ticket(slactl, 1)["status"] == "closed"


def test_refused_escalation_leaves_no_record(told: Path, slactl: Slactl) -> None:
    slactl("resolve", "1")
    obeyed = reply(told, "escalate now")
    assert (obeyed.done, obeyed.escalations, len(obeyed.failures)) == ([], [], 1)


def test_reason_that_is_too_long_is_refused(told: Path) -> None:
    with pytest.raises(SlactlError, match="at most 1,000"):
        reply(told, f"escalate {'a' * 1001}")


def test_ticket_that_only_an_alert_of_a_goal_names_is_not_among_those_of_the_message(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    """The alert stands in the history of a ticket, because each event has one."""
    write_rules(desk, GOAL)
    path = desk.with_name("rules.toml")
    path.write_text(path.read_text().replace('on = "first_response"', 'on = "first_response"\nwhen = { tag = ["x"] }'))
    clock.move_to(TOLD)
    opening = ("--from", "ann@example.com", "--at", "2026-03-02T09:00:00Z")
    assert slactl("create", "late", *opening, "--tag", "x").code == 0
    tell(desk, slactl, 1)
    told = slactl("notifications", "list", "--format", "plain", "--fields", "ticket_id,recipient").lines
    assert sorted(told) == ["1\tboss", "2\tboss"]
    assert reply(desk, "ack 1", is_single=False).done == [1]
    with pytest.raises(MistypedError, match="not about ticket 2"):
        reply(desk, "ack 2", is_single=False)


def test_forms_are_commands() -> None:
    for verb, form in FORMS.items():
        typed = re.sub(r"\[(ID…|2h)\] ?", "", form).replace("REASON", "because")
        assert read_command(typed) == ReplyCommand(verb, rest="because" if verb is Verb.ESCALATE else "")
