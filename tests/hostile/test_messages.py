"""What strangers wrote, in messages: it is shown, calls nobody, and stays where it was put."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from email import message_from_string, policy
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from conftest import Receivers
from payloads import PAYLOADS, harm
from test_windows import Page

from slactl.clock import uptime
from slactl.desk.messages import digest as digests
from slactl.desk.messages import recipients as addresses
from slactl.desk.messages.recipients import Address
from slactl.desk.messages.transport import DeliveryOutcome, Order, send
from slactl.desk.programs.secrets import Secrets, Unresolved
from slactl.sla.rules.loading import parse
from slactl.sla.rules.rules import Rules
from slactl.sla.rules.templates import NAMES

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
WRITTEN = ("external_id", "tenant", "plan", "assignee", "reason", "escalation", "level", "instead_of", "held_by",
           "stands_in_for", "ticket_source", "subject", "requester_email")  # fmt: skip

#: What makes a chat call more people than the one who is told.
CALLS = re.compile(r"(?i)[@!](?:everyone|channel|here|subteam)")

EVERYTHING = " ".join(f"{{{{ {name} }}}}" for name in NAMES)


def row(text: str) -> dict[str, Any]:
    facts: dict[str, Any] = {"id": 1, "ticket_id": 7, "status": "open", "priority": "high", "target": "resolution"}
    facts |= {
        "source": "manual",
        "actor": text,
        "kind": None,
        "event_id": None,
        "sets_status": None,
        "timezone": None,
        "goal": None,
    }
    return facts | {"deadline": "2026-03-02T08:00:00Z"} | dict.fromkeys(WRITTEN, text)


def head(text: str, title: str | None = None, body: str | None = None) -> digests.DigestContext:
    words = "".join(f"{key} = '''{value}'''\n" for key, value in (("title", title), ("body", body)) if value)
    rules: Rules = parse(
        f'schema = 1\n[settings]\nticket_url = "https://d.example/{{external_id}}"\n[templates]\n{words}'
    )
    return digests.DigestContext(text, NOW, rules, ("subject", "requester_email"))


def check_message(message: digests.Message) -> None:
    assert message.problem is None
    assert harm(message.title + message.body) == []
    assert "\n" not in message.title
    assert 0 < len(message.title) <= digests.TITLE_LENGTH
    assert not CALLS.search(message.title + message.body)


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_ticket_is_one_line_of_a_message_that_calls_nobody(name: str) -> None:
    text = PAYLOADS[name]
    for wanted in (head(text), head(text, EVERYTHING, EVERYTHING)):
        message = digests.compose([row(text)], wanted)
        check_message(message)
        assert message.body.count("\n") == 0
        assert harm(message.printed(text)) == []
        assert message.printed(text).count("\n") == 1
    customer = digests.to_customer(row(text))
    check_message(customer)
    assert customer.body.count("\n") == 2


@pytest.mark.parametrize("text", ["../../admin", "a/b", "a?next=//evil.example", "a#b", "{id}", "%2e%2e/x", "a;b&c=d"])
def test_an_external_id_stays_one_part_of_the_link(text: str) -> None:
    """Whatever it is called, the link leads to the page of a ticket and not to another one."""
    link = digests.compose([row(text)], head("mia", body="{{ link }}")).body
    place = link.removeprefix("https://d.example/")
    assert unquote(place) == text
    assert set(place).isdisjoint("/?#&;{}")


#: What some chat takes for more than text.
IN_CHAT = ("<@&123456789012345678>", "<@123456789012345678>", "<@!123>", "<!here>", "<!subteam^S123>", "<@U123|ann>",
           "<https://evil.example|bank>", "<users/all>", "<at>ann</at>", "<t:0:R>", "@alice", "@alice.smith", ".@alice",
           "-@alice", "_@alice", "@all", "x@everyone", "ann@everyone.example", "ann@here.example", "@**all**",
           "@\u200balice", "\uff20alice", "x@123456789012345678.example", "@ann:matrix.example", "@@alice", "a@@alice",
           "[bank](https://evil.example)", "![bank](https://evil.example)", "[bank][1]", "@ch\u034fannel",
           "<<@123>>", "<@123")  # fmt: skip

#: What is left of it if nothing was done: an @ that begins a word, what stands in angles, a link under a text.
MORE_THAN_TEXT = re.compile(
    r"(?i)[@\uff20](?:everyone|here)|(?<![a-z0-9])[@\uff20]\S|<|\]\(|\]\[|@\d|@(?!\s|[\w-]+\.[\w.-]+)"
)

#: What stays as it is.
PLAIN = ("ann@example.com", "ann+x@mail.example.co.uk", "Ann.B@allianz.example", "a -> b", "[ERROR] (again)",
         "[INFO]: 5 > 3", "meet @ noon", "{{ id }} & co", "wow! all of it")  # fmt: skip


@pytest.mark.parametrize("text", IN_CHAT)
def test_a_strangers_text_is_no_more_than_text_in_a_chat(text: str) -> None:
    for around in ("{}", "x {} y", "({})", "\u00e4{}\u00e4", "a.{}"):
        written = around.format(text)
        for wanted in (head(written), head(written, EVERYTHING, EVERYTHING)):
            message = digests.compose([row(written)], wanted)
            assert not MORE_THAN_TEXT.search(message.title + "\n" + message.body), message
        customer = digests.to_customer(row(written))
        assert not MORE_THAN_TEXT.search(customer.title + "\n" + customer.body)


@pytest.mark.parametrize("text", PLAIN)
def test_what_calls_nobody_stays_as_it_is(text: str) -> None:
    assert digests.compose([row(text)], head("mia", body="{{ subject }}")).body == text


def test_what_arrives_in_a_chat_calls_nobody(receiver: Receivers) -> None:
    """The bodies that Apprise makes for a hook, Mattermost and Discord."""
    texts = [f"{each} ann@example.com" for each in IN_CHAT]
    rows = [row(text) | {"id": number, "ticket_id": number} for number, text in enumerate(texts)]
    message = digests.compose(rows[-20:], head("mia", title="{{ subject }}"))
    hook = receiver("ok")
    assert send(Order(message, hook.url), 20).outcome is DeliveryOutcome.SENT
    assert send(Order(message, f"mmost://127.0.0.1:{hook.port}/hooktoken"), 20).outcome is DeliveryOutcome.SENT
    program = (
        f"from apprise.plugins.discord import NotifyDiscord as D; D.notify_url = 'http://127.0.0.1:{hook.port}/api'\n"
        "from slactl.desk.messages import sender; sender.main()"
    )
    order = {
        "receiver": None,
        "title": message.title,
        "body": message.body,
        "until": uptime() + 20,
        "allow_http": False,
        "message_id": "1",
        "proxy": "",
    }
    for url in ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "discord://1234567890/JHMHI8qBe?format=markdown"):
        text = json.dumps(order | {"url": url})
        told = subprocess.run([sys.executable, "-c", program], input=text, capture_output=True, text=True, check=True)
        assert json.loads(told.stdout)["outcome"] == "sent", told.stdout
    lines = [json.loads(line) for line in hook.log.read_text().splitlines()[hook.before :]]
    found = [each["body"] for each in lines]
    shown = [found[0]["message"], found[1]["text"], *(body["content"] for body in found[2:] if "embeds" not in body)]
    embedded = [each["description"] for body in found for each in body.get("embeds", ())]
    shown += [found[0]["title"], *(re.sub(r"\\(.)", r"\1", text) for text in embedded)]  # in Markdown of its own
    assert len(shown) >= 5
    for text in shown:
        assert "ann@example.com" in text
        assert not MORE_THAN_TEXT.search(text), text
    pinged = [body["allow_mentions"] for body in found if "allow_mentions" in body]
    assert all(not each["users"] and not each["roles"] and "everyone" not in each["parse"] for each in pinged)


def test_what_looks_like_a_template_is_filled_in_by_nobody() -> None:
    text = PAYLOADS["template"]
    for wanted in (head(text), head(text, "{{ subject }}", "{{ subject }}")):
        message = digests.compose([row(text)], wanted)
        assert text in message.body
        assert "49" not in message.body


def test_however_much_there_is_a_message_stays_short() -> None:
    rows = [row("x" * 1000) | {"id": number, "ticket_id": number} for number in range(100)]
    message = digests.compose(rows, head("mia", "{{ subject }}" * 50, EVERYTHING))
    assert (len(message.title), len(message.body)) <= (digests.TITLE_LENGTH, digests.BODY_LENGTH)


def test_a_mail_has_the_headers_it_was_given_and_no_others(receiver: Receivers) -> None:
    mailbox = receiver("smtp")
    texts = [PAYLOADS[name] for name in ("mail", "html")]
    sent = [digests.compose([row(text)], head("mia", "{{ subject }}", "{{ subject }}")) for text in texts]
    # The last line of defence too: what a caller did not clean.
    sent.append(digests.Message("Hello\r\nBcc: everybody@example.com\r\n\r\nx", "a\r\n.\r\nRSET\r\nb"))
    for message in sent:
        assert send(Order(message, mailbox.url), 20).outcome is DeliveryOutcome.SENT
    assert len(mailbox.took) == len(sent)
    for message, took in zip(sent, mailbox.took, strict=True):
        mail = message_from_string(took["body"], policy=policy.default)
        assert took["to"] == ["mia@example.com"]
        assert "bcc" not in {name.lower() for name in mail}
        assert str(mail["To"]) == "mia@example.com"
        clean = message is not sent[-1]
        assert not clean or str(mail["Subject"]) == message.title
        for part in mail.walk():
            if part.get_content_type() == "text/html":
                assert Page(part.get_content()).tags.isdisjoint({"script", "img"})
            elif part.get_content_type() == "text/plain" and clean:
                assert message.body in part.get_content()


def test_a_webhook_gets_every_character_of_a_message(receiver: Receivers) -> None:
    hook = receiver("ok")
    texts = list(PAYLOADS.values())
    rows = [row(text) | {"id": number, "ticket_id": number} for number, text in enumerate(texts)]
    message = digests.compose(rows, head("mia"))
    check_message(message)
    assert send(Order(message, hook.url), 20).outcome is DeliveryOutcome.SENT
    (took,) = hook.took
    assert (took["body"]["title"], took["body"]["message"]) == (message.title, message.body)


@pytest.mark.parametrize(
    "address",
    [*PAYLOADS.values(), *("a@b.example\r\nBcc: c@d.example", "a@b.example,c@d.example", "a@b.example;c@d.example"),
     *("<a@b.example>", "a@b.example\x00", "\ud800@b.example", "a b@c.example", '"a"@b.example', "a@[127.0.0.1]")],
)  # fmt: skip
def test_a_customers_address_that_could_be_more_gets_no_mail(address: str) -> None:
    with pytest.raises(Unresolved):
        addresses.resolve(Address("mailtos://smtp.example.com", address), Secrets({}, Path()))


@pytest.mark.parametrize(
    "address",
    ["a@x.ex!ample", "a@x.example/", "ann@corp.co/evil.example", "a@x.example#y", "a@x.example%2Cb", "a@x_y.example",
     "a@x.example'", "a@-x.example", "a@x..example", ".a@x.example", "a..b@x.example", "ann@b\xfccher.example",
     "\u03bb@x.example", "a@x.example?bcc=c@d.example", "a@x.example&bcc=c", "a@x.example}", "a@x.example+"],
)  # fmt: skip
def test_an_address_that_mail_does_not_have_gets_none(address: str) -> None:
    with pytest.raises(Unresolved):
        addresses.resolve(Address("mailtos://smtp.example.com", address), Secrets({}, Path()))


#: What Apprise would cut, take for a name or for options of the URL, and is a mail address all the same.
UNUSUAL = ("o'brien@example.com", "'b@x.example", "a'v.q@x.example", "ann@firma.xn--p1ai", "ann@xn--bcher-kva.example",
           "a@x.ex1ample", "a@x.example9", "a@x.ex-ample", "a&bcc=c@d.example", "a?cc=c@d.example", "a#x@d.example",
           "a/b@d.example", "%0d@d.example", "a+b@d.example", "ann@localhost", "a!b@d.example",
           "x" * 64 + "@d.example")  # fmt: skip


def test_mail_to_a_customer_goes_to_the_address_as_it_stands(receiver: Receivers) -> None:
    mailbox = receiver("smtp")
    for address in UNUSUAL:
        url = addresses.resolve(Address(f"{mailbox.url}&bcc=boss@example.com", address), Secrets({}, Path()))
        assert send(Order(digests.Message("x", "y"), url, receiver=address), 20).outcome is DeliveryOutcome.SENT
    assert [took["to"] for took in mailbox.took] == [[address] for address in UNUSUAL]
    assert {str(message_from_string(took["body"], policy=policy.compat32)["To"]) for took in mailbox.took} == {*UNUSUAL}


@pytest.mark.parametrize("wrong", ["b@x.example", "o'brien@example.co", "O'Brien@example.com"])
def test_a_sender_that_would_write_to_somebody_else_writes_to_nobody(receiver: Receivers, wrong: str) -> None:
    """The last line of defence: whatever Apprise makes of an address."""
    mailbox = receiver("smtp")
    program = (
        "import sys; from apprise.plugins.email import NotifyEmail as Email\n"
        f"Email.targets = property(lambda self: [(False, {wrong!r})], lambda self, value: None)\n"
        "from slactl.desk.messages import sender; sender.main()"
    )
    order = {
        "url": mailbox.url,
        "receiver": "o'brien@example.com",
        "title": "x",
        "body": "y",
        "until": uptime() + 20,
        "message_id": "1",
        "proxy": "",
    }
    text = json.dumps(order | {"allow_http": False})
    told = subprocess.run([sys.executable, "-c", program], input=text, capture_output=True, text=True, check=True)
    assert json.loads(told.stdout)["outcome"] == "dead"
    assert "another address" in json.loads(told.stdout)["detail"]
    assert mailbox.took == []


@pytest.mark.parametrize("option", ["to", "cc", "bcc"])
def test_an_address_of_the_rules_is_not_cut_either(receiver: Receivers, option: str) -> None:
    mailbox = receiver("smtp")
    url = mailbox.url.replace("&to=mia@example.com", "&to=ann@example.com" if option != "to" else "")
    for address in ("o'brien@example.com", "mia@firma.xn--p1ai"):
        told = send(Order(digests.Message("x", "y"), f"{url}&{option}={address}"), 20)
        assert (told.outcome, "a different e-mail address" in told.detail) == (DeliveryOutcome.DEAD, True)
    assert mailbox.took == []
    for address in ("mia@example.com", "Mia%20M%3Cmia+x@example.com%3E", "mia@example.com,bob@example.com"):
        assert send(Order(digests.Message("x", "y"), f"{url}&{option}={address}"), 20).outcome is DeliveryOutcome.SENT
