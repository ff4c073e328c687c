"""The table `[mail]`: its defaults, its mistakes with their lines, its warnings, and whom `agents` names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slactl.errors import RulesError
from slactl.sla.enums import UnknownSenders
from slactl.sla.rules.checks.lint import lint
from slactl.sla.rules.loading import parse
from slactl.sla.rules.mail.model import MailRules
from slactl.sla.rules.plain import decode, encode

BASE = """schema = 1
[calendars.always]
always_open = true
[[policy]]
name = "all"
calendar = "always"
targets = { default = { first_response = "4h", resolution = "8h" } }
[people.mia]
emails = ["mia@example.com"]
"""
GOOD = '[mail]\naddress = "support@example.com"\n'


def test_defaults_are_those_of_the_specification() -> None:
    mail = parse(BASE + GOOD).mail
    assert mail == MailRules(address="support@example.com")
    assert (mail.agents, mail.unknown_senders, mail.burst) == ((), UnknownSenders.OPEN, 20)
    assert parse(BASE).mail is None


def test_compiled_rules_have_the_same_mail() -> None:
    rules = parse(f'{BASE}{GOOD}agents = ["*@example.com"]\nunknown_senders = "refuse"\nburst = 3\n')
    again = decode(encode(rules)).mail
    assert (again, again is not None and again.names_agent("x@example.com")) == (rules.mail, True)


@pytest.mark.parametrize(
    ("table", "line", "said"),
    [
        ("[mail]\nburst = 3\n", 10, "address is missing"),
        ('[mail]\naddress = "support"\n', 11, "mail.address: 'support' is not an e-mail address"),
        ('[mail]\naddress = "*@example.com"\n', 11, "mail.address: '*@example.com' is not an e-mail address"),
        (
            '[mail]\naddress = "Desk <support@example.com>"\n',
            11,
            "is not an e-mail address such as support@example.com",
        ),
        (f'{GOOD}agents = "*@example.com"\n', 12, 'must be a list: ["*@example.com"]'),
        (f'{GOOD}agents = ["example.com"]\n', 12, "'example.com' is neither an e-mail address nor a pattern"),
        (f'{GOOD}agents = ["@example.com"]\n', 12, "did you mean *@example.com?"),
        (f'{GOOD}agents = ["a@b.example", "*"]\n', 12, "'*' is neither an e-mail address nor a pattern"),
        (f'{GOOD}agents = ["*@*"]\n', 12, "'*@*' makes everybody an agent; name a domain"),
        (f'{GOOD}agents = ["*@*.?"]\n', 12, "'*@*.?' makes everybody an agent; name a domain"),
        (f'{GOOD}agent = ["a@b.example"]\n', 12, "unknown key agent; did you mean agents?"),
        (f'{GOOD}unknown_senders = "refused"\n', 12, "'refused' is not one of open, refuse; did you mean refuse?"),
        (f"{GOOD}burst = 0\n", 12, "mail.burst: "),
        (f'{GOOD}burst = "20"\n', 12, "mail.burst: must be a whole number, such as 3"),
        ("mail = 3\n", 10, "mail"),
        ('[[mail]]\naddress = "support@example.com"\n', 10, "mail: must be a table"),
        ("[mial]\n", 10, "unknown key mial; did you mean mail?"),
    ],
)
def test_mistakes_have_their_line_and_the_right_word(table: str, line: int, said: str) -> None:
    with pytest.raises(RulesError) as refused:
        parse(BASE + table)
    assert said in refused.value.message
    assert f"rules.toml:{line}: " in refused.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BASE + GOOD, []),
        ((BASE + GOOD).replace('emails = ["mia@example.com"]', ""), ["nobody is an agent: "]),
        (f'{BASE}{GOOD}agents = ["x@y.example"]\n'.replace('emails = ["mia@example.com"]', ""), []),
        ((BASE + GOOD).replace("support@", "Mia@"), ["Mia@example.com is mail.address"]),
    ],
)
def test_probable_mistakes_are_warnings(text: str, said: list[str]) -> None:
    found = [each.message for each in lint(parse(text), text, 2026) if "manual_escalation" not in each.message]
    assert len(found) == len(said)
    assert all(message.startswith(begin) for message, begin in zip(found, said, strict=True))


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*@example.com", "Ann.Lee@EXAMPLE.com", "ann@sub.example.com"),
        ("*@example.com", "@example.com", "ann@example.com.evil.example"),
        ("*@example.com", "a@example.com", "a@exampleXcom"),
        ("ann@example.com", "ANN@example.com", "joann@example.com"),
        ("*@*.example.com", "a@b.example.com", "a@example.com"),
        ("agent-?@example.com", "agent-7@example.com", "agent-77@example.com"),
        ("[ab]@example.com", "[ab]@example.com", "a@example.com"),
    ],
)
def test_agents_are_addresses_or_patterns(pattern: str, yes: str, no: str) -> None:
    mail = MailRules(address="support@example.com", agents=("other@x.example", pattern))
    assert mail.names_agent(yes)
    assert not mail.names_agent(no)


@given(st.lists(st.text("aA.@[]|", min_size=1), max_size=3), st.text("aA.@[]|"))
def test_text_of_a_pattern_means_itself(agents: list[str], address: str) -> None:
    expected = address.lower() in {each.lower() for each in agents}
    assert MailRules(address="s@x.example", agents=tuple(agents)).names_agent(address) == expected
