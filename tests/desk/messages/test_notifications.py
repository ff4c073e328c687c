"""The outbox: one digest for each recipient and run, tried again, given up for the fallback, never with a secret."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Receivers, Slactl, write_secret
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory

LADDER = """
[roles.lead]
notify = ["${env:LEAD_URL}"]
%s
[roles.backup]
notify = ["${env:BACKUP_URL}"]
[people.mia]
notify = []
[[escalation]]
id = "first-response"
on = "first_response"
fallback = "backup"
  [[escalation.level]]
  id = "breach"
  at = "0m"
  notify = %s
"""

Rules = Callable[..., Path]


@pytest.fixture(autouse=True)
def clock() -> Iterator[FrozenDateTimeFactory]:
    with freeze_time("2026-03-02T09:00:00Z", ignore=["subprocess"]) as frozen:
        assert isinstance(frozen, FrozenDateTimeFactory)
        yield frozen


@pytest.fixture
def rules(desk: Path) -> Rules:
    """Write rules whose one ladder tells `notify`; `lead` and `extra` are more lines of the role and the file."""
    path = desk.with_name("rules.toml")
    shipped = path.read_text()

    def write(lead: str = "", extra: str = "", notify: str = '["lead"]', settings: str = "") -> Path:
        kept = shipped[: shipped.index("# Roles and people, and")].replace(
            "manual_escalation =", "# manual_escalation ="
        )
        text = kept.replace("[settings]", f"[settings]\n{settings}")
        path.write_text(text + LADDER % (lead, notify) + extra)
        return path

    return write


@pytest.fixture
def late(rules: Rules, slactl: Slactl, clock: FrozenDateTimeFactory) -> Path:
    """A desk with one ticket whose first response is an hour late, not checked yet."""
    path = rules()
    opened(slactl, "--at", "2026-03-02T09:00:00Z")
    clock.move_to("2026-03-04T10:00:00Z")
    return path


def opened(slactl: Slactl, *options: str) -> str:
    made = slactl("create", "Printer on fire", "--from", "ann@example.com", "--assignee", "mia", *options)
    assert made.code == 0, made.err
    return made.out.strip()


def check(slactl: Slactl, code: int = 0) -> dict[str, Any]:
    result = slactl("check", "--json")
    assert result.code == code, result.err
    return dict(json.loads(result.out), err=result.err)


def outbox(slactl: Slactl, *options: str) -> list[tuple[str, str]]:
    found = json.loads(slactl("notifications", "list", "--json", *options).out)
    return [(each["recipient"], each["state"]) for each in reversed(found)]


def test_a_message_is_sent_once(
    late: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = receiver("ok")
    monkeypatch.setenv("LEAD_URL", hook.url)
    assert check(slactl)["notified"] == 1
    (body,) = hook.bodies
    assert body.startswith("ticket 1: First response overdue by 1h; normal, deadline 2026-03-04T09:00:00Z, assigned")
    assert hook.took[0]["body"]["title"] == "Ticket 1, normal: First response overdue by 1h"
    assert "assigned to mia" in body
    assert "Printer" not in body
    assert "ann@" not in body
    assert outbox(slactl) == [("lead", "sent")]
    assert check(slactl)["notified"] == 0
    assert len(hook.took) == 1


def test_customers_words_are_in_it_only_where_the_role_asks_and_calls_nobody(
    rules: Rules, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = receiver("ok")
    monkeypatch.setenv("LEAD_URL", hook.url)
    rules('include = ["subject", "requester_email"]', settings='ticket_url = "https://desk.example.com/{id}"\n')
    slactl("create", "@channel \x1b[31mread\u202ethis", "--from", "ann@example.com")
    clock.move_to("2026-03-04T10:00:00Z")
    check(slactl)
    (body,) = hook.bodies
    assert "@ channel read⟨U+202E⟩this from ann@example.com" in body
    assert "https://desk.example.com/1" in body


def test_what_a_server_refuses_for_now_is_tried_again_later(
    late: Path, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAD_URL", receiver("500").url)
    failed = check(slactl, code=7)
    assert "lead: ${env:LEAD_URL}: HTTP 500; next try at 10:01 UTC or later" in failed["err"]
    assert check(slactl)["failed"] == 0  # not before its time
    hook = receiver("ok")
    monkeypatch.setenv("LEAD_URL", hook.url)
    clock.move_to("2026-03-04T10:01:00Z")
    assert check(slactl)["notified"] == 1
    assert len(hook.took) == 1


def test_retry_after_is_respected(
    late: Path, desk: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAD_URL", receiver("429").url)
    check(slactl, code=7)
    (message,) = json.loads(slactl("notifications", "list", "--json").out)
    assert (message["state"], message["tries"]) == ("waiting", 1)
    assert message["next_try_at"] == "2026-03-04T10:30:00Z"
    assert message["error"] == "${env:LEAD_URL}: HTTP 429"


#: What a server may say of when to come again, and cannot be meant.
NO_TIME = ("\xb2", "Mon, 01 Jan 2026 00:00:00 +99999999999999", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
           "Mon, 01 Jan 9999 00:00:00 -0000", "-1", "1e9", "soon", "\xa0", ",", "Mon,", "0:0:0 1 1 1")  # fmt: skip


def test_no_answer_of_a_server_keeps_the_others_from_their_messages(
    rules: Rules, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = receiver("ok")
    bad = [receiver(f"503-{text.encode('latin-1').hex()}") for text in NO_TIME]
    names = [f"bad{number}" for number in range(len(bad))]
    for name, each in zip(names, bad, strict=True):
        monkeypatch.setenv(name, each.url)
    roles = "".join(f'[roles.{name}]\nnotify = ["${{env:{name}}}"]\n' for name in names)
    rules(extra=roles, notify=json.dumps([*names, "lead"]))
    monkeypatch.setenv("LEAD_URL", hook.url)
    opened(slactl)
    clock.move_to("2026-03-04T10:00:00Z")
    check(slactl, code=7)
    found = json.loads(slactl("notifications", "list", "--json").out)
    told = {each["recipient"]: (each["state"], each["tries"], each["next_try_at"]) for each in found}
    assert told == {"lead": ("sent", 0, None)} | dict.fromkeys(names, ("waiting", 1, "2026-03-04T10:01:00Z"))
    assert check(slactl)["failed"] == 0
    assert [len(each.took) for each in (hook, *bad)] == [1] * (len(bad) + 1)


def test_a_try_that_breaks_in_an_unknown_way_is_a_failed_one(
    rules: Rules, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    hook, started, start = receiver("ok"), [], subprocess.Popen

    def break_once(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401  (as it is called)
        started.append(arguments)
        if len(started) == 1:
            raise RuntimeError(hook.url)
        return start(*arguments, **options)

    rules(notify='["lead", "backup"]')
    monkeypatch.setenv("LEAD_URL", "json://127.0.0.1:1/hook")
    monkeypatch.setenv("BACKUP_URL", hook.url)
    opened(slactl)
    clock.move_to("2026-03-04T10:00:00Z")
    monkeypatch.setattr(subprocess, "Popen", break_once)
    told = check(slactl, code=7)
    assert (
        "lead: ${env:LEAD_URL}: unexpected RuntimeError at a json:// address; next try at 10:01 UTC or later"
        in told["err"]
    )
    assert outbox(slactl) == [("lead", "waiting"), ("backup", "sent")]


def test_after_the_last_try_the_fallback_is_told(
    late: Path, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = receiver("ok")
    monkeypatch.setenv("LEAD_URL", "json://127.0.0.1:1/hook")
    monkeypatch.setenv("BACKUP_URL", backup.url)
    for minute in (0, 1, 6, 21, 51):
        assert backup.took == []
        clock.move_to(f"2026-03-04T10:{minute:02d}:00Z")
        last = check(slactl, code=7)
    assert "connection refused; slactl gave up and sends the message to backup instead" in last["err"]
    assert "instead of lead, who could not be reached" in backup.bodies[0]
    assert outbox(slactl) == [("lead", "dead"), ("backup", "sent")]
    assert check(slactl)["failed"] == 0


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (None, "the environment variable LEAD_URL is not set"),
        ("nosuch://x", "Apprise does not know this address"),
        ("json://192.0.2.7/hook", "the address has no TLS"),
    ],
)
def test_an_address_that_cannot_work_goes_to_the_fallback_at_once(
    late: Path, slactl: Slactl, receiver: Receivers, url: str | None, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = receiver("ok")
    monkeypatch.setenv("BACKUP_URL", backup.url)
    if url is not None:
        monkeypatch.setenv("LEAD_URL", url)
    told = check(slactl, code=7)
    assert says in told["err"]
    assert "sends the message to backup instead" in told["err"]
    assert len(backup.took) == 1
    assert outbox(slactl) == [("lead", "dead"), ("backup", "sent")]


def test_what_nobody_else_is_told_is_printed(late: Path, slactl: Slactl) -> None:
    late.write_text(late.read_text().replace('fallback = "backup"', ""))
    told = check(slactl, code=7)
    assert "the environment variable LEAD_URL is not set; slactl gave up and prints the message here" in told["err"]
    (message,) = told["messages"]
    assert "ticket 1" in message
    assert check(slactl)["messages"] == []


def test_a_secret_can_stand_in_a_file(late: Path, slactl: Slactl, receiver: Receivers) -> None:
    hook = receiver("ok")
    late.write_text(late.read_text().replace("${env:LEAD_URL}", "${file:lead-url}"))
    write_secret(late, "lead-url", f"{hook.url}\n")
    assert check(slactl)["notified"] == 1
    assert len(hook.took) == 1


def test_each_address_gets_the_digest_and_only_the_one_that_failed_gets_it_again(
    late: Path, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, mailbox = receiver("ok"), receiver("smtp")
    late.write_text(late.read_text().replace('"${env:LEAD_URL}"', '"${env:LEAD_URL}", "${env:LEAD_MAIL}"'))
    monkeypatch.setenv("LEAD_URL", "json://127.0.0.1:1/hook")
    monkeypatch.setenv("LEAD_MAIL", mailbox.url)
    check(slactl, code=7)
    assert outbox(slactl) == [("lead", "waiting")]
    monkeypatch.setenv("LEAD_URL", hook.url)
    clock.move_to("2026-03-04T10:01:00Z")
    assert check(slactl)["notified"] == 1
    assert (len(hook.took), len(mailbox.took)) == (1, 1)
    assert outbox(slactl) == [("lead", "sent")]


def test_who_was_reached_at_one_address_needs_no_fallback(
    late: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox, backup = receiver("smtp"), receiver("ok")
    late.write_text(late.read_text().replace('"${env:LEAD_URL}"', '"${env:LEAD_URL}", "${env:LEAD_MAIL}"'))
    monkeypatch.setenv("LEAD_URL", receiver("404").url)
    monkeypatch.setenv("LEAD_MAIL", mailbox.url)
    monkeypatch.setenv("BACKUP_URL", backup.url)
    assert "HTTP 404; slactl gave up this address" in check(slactl, code=7)["err"]
    assert (len(mailbox.took), backup.took, outbox(slactl)) == (1, [], [("lead", "partly")])
    (message,) = json.loads(slactl("notifications", "list", "--json").out)
    assert message["error"] == "${env:LEAD_URL}: HTTP 404"


@pytest.mark.parametrize(("on_unknown", "state", "again"), [("resend", "waiting", 2), ("hold", "held", 1)])
def test_what_may_have_gone_out_is_sent_again_only_where_the_role_wants_it(
    late: Path,
    slactl: Slactl,
    receiver: Receivers,
    clock: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    on_unknown: str,
    state: str,
    again: int,
) -> None:
    hook = receiver("drip")
    text = late.read_text().replace("[settings]", '[settings]\nsend_timeout = "4s"')
    late.write_text(text.replace("[roles.lead]", f'[roles.lead]\non_unknown = "{on_unknown}"'))
    monkeypatch.setenv("LEAD_URL", hook.url)
    check(slactl, code=7)
    assert outbox(slactl) == [("lead", state)]
    second = receiver("ok")
    monkeypatch.setenv("LEAD_URL", second.url)
    clock.move_to("2026-03-04T10:01:00Z")
    check(slactl)
    assert len(hook.took) + len(second.took) == again
    if on_unknown == "hold":
        slactl("notifications", "retry", "1")
        check(slactl)
        assert len(second.took) == 1
    assert outbox(slactl) == [("lead", "sent")]


def test_a_message_about_a_promise_that_was_kept_meanwhile_is_obsolete(
    late: Path, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAD_URL", receiver("500").url)
    check(slactl, code=7)
    slactl("reply", "1", "--no-body")
    clock.move_to("2026-03-04T10:05:00Z")
    assert check(slactl)["notified"] == 0
    assert outbox(slactl) == [("lead", "obsolete")]


def test_a_role_without_addresses_is_told_where_its_holder_is(
    rules: Rules, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = receiver("ok")
    monkeypatch.setenv("MIA_URL", hook.url)
    path = rules('assignee = "mia"', notify='["lead", "assignee"]')
    text = path.read_text().replace('["${env:LEAD_URL}"]', "[]")
    path.write_text(text.replace("[people.mia]\nnotify = []", '[people.mia]\nnotify = ["${env:MIA_URL}"]'))
    opened(slactl)
    clock.move_to("2026-03-04T10:00:00Z")
    check(slactl)
    assert len(hook.took) == 1  # once for both
    assert outbox(slactl) == [("mia", "sent")]


def test_a_pause_between_runs_is_named_once_it_is_out_of_the_ordinary(
    rules: Rules, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = receiver("ok")
    monkeypatch.setenv("LEAD_URL", hook.url)
    rules()
    for hour in (4, 5):
        opened(slactl, "--at", f"2026-03-02T0{hour}:00:00Z")
    clock.move_to("2026-03-04T03:55:00Z")
    for minutes in (0, 5, 5):
        clock.tick(minutes * 60)
        check(slactl)
    clock.move_to("2026-03-04T10:05:00Z")
    check(slactl)
    assert ["No check ran for" in body for body in hook.bodies] == [False, True]
    assert hook.bodies[1].startswith("ticket 2")
    assert hook.bodies[1].endswith("\nNo check ran for 6h before this check.")


def test_a_storm_is_one_digest(
    rules: Rules, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = receiver("ok")
    monkeypatch.setenv("LEAD_URL", hook.url)
    rules()
    lines = [{"ticket": f"T-{number}", "at": "2026-03-02T09:00:00Z", "type": "created"} for number in range(300)]
    slactl("import", "-", stdin="\n".join(json.dumps(line) for line in lines))
    clock.move_to("2026-03-04T10:00:00Z")
    assert check(slactl)["notified"] == 300
    (body,) = hook.bodies
    assert body.count("\nticket ") + body.startswith("ticket ") == 20
    assert body.endswith("and 280 more tickets")
    assert hook.took[0]["body"]["title"] == (
        "300 tickets need attention: ticket 1, normal: First response overdue by 1h"
    )


CUSTOMER = 'customer_mail = "${env:CUSTOMER_MAIL}"\n'


def test_mail_to_customers_goes_to_their_address_or_the_fallback_hears_why_not(
    rules: Rules, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox, backup = receiver("smtp"), receiver("ok")
    monkeypatch.setenv("CUSTOMER_MAIL", mailbox.url.replace("&to=mia@example.com", ""))
    monkeypatch.setenv("BACKUP_URL", backup.url)
    rules(settings=CUSTOMER, notify='["requester"]')
    good = ["o'brien@example.com", "ann@firma.xn--p1ai", "ann@example.com"]
    bad = [
        "ann@corp.co/evil.example",
        "o'brien <ann@example.com>",
        "ann@x.example'",
        "\u03bb@x.example",
        "a@b@c.example",
    ]
    opening = {"at": "2026-03-02T09:00:00Z", "type": "created"}
    lines = [{"ticket": f"T-{address}", "requester_email": address} | opening for address in good + bad]
    assert slactl("import", "-", stdin="\n".join(json.dumps(line) for line in lines)).code == 0
    clock.move_to("2026-03-04T10:00:00Z")
    check(slactl, code=7)
    assert [took["to"] for took in mailbox.took] == [[address] for address in good]
    found = json.loads(slactl("notifications", "list", "--json", "--state", "dead").out)
    assert len(found) == len(bad)
    assert {each["error"] for each in found} == {"${env:CUSTOMER_MAIL}: the ticket has no valid e-mail address"}
    (told,) = backup.bodies
    assert told.count("instead of requester, who could not be reached") == len(bad)


def test_a_customer_is_told_once_for_each_broken_promise(
    rules: Rules, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox, hook = receiver("smtp"), receiver("ok")
    monkeypatch.setenv("BACKUP_URL", hook.url)
    monkeypatch.setenv("CUSTOMER_MAIL", mailbox.url.replace("&to=mia@example.com", ""))
    path = rules(settings=CUSTOMER, notify='["requester"]')
    again = '  [[escalation.level]]\n  id = "again"\n  at = "+1h"\n  notify = ["requester"]\n'
    early = '  [[escalation.level]]\n  id = "early"\n  at = "-1h"\n  notify = ["requester"]\n'
    path.write_text(path.read_text() + again + early)
    opened(slactl)
    for instant in ("04T08:30", "04T09:30", "04T10:30"):
        clock.move_to(f"2026-03-{instant}:00Z")
        check(slactl)
    (took,) = mailbox.took
    assert took["to"] == ["ann@example.com"]
    assert "You should have received a first answer from us by Wednesday 4 March 2026, " in took["body"].replace(
        "=\r\n", ""
    )
    assert "mia" not in took["body"]
    # The fallback gets what slactl does not send to customers: a warning.
    assert outbox(slactl) == [("backup", "sent"), ("requester", "sent"), ("requester", "obsolete")]


WAITING = """
[[escalation]]
id = "silent"
on = "waiting"
  [[escalation.level]]
  id = "remind"
  at = "+1h"
  notify = ["requester"]
  [[escalation.level]]
  id = "close"
  at = "+2h"
  status = "resolved"
  notify = ["requester", "lead"]
[[escalation]]
id = "welcome"
on = "created"
  [[escalation.level]]
  id = "hello"
  at = "0m"
  notify = ["requester"]
"""


def test_a_silent_customer_is_reminded_and_told_of_the_end_and_of_nothing_else(
    rules: Rules, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox, hook = receiver("smtp"), receiver("ok")
    monkeypatch.setenv("CUSTOMER_MAIL", mailbox.url.replace("&to=mia@example.com", ""))
    monkeypatch.setenv("LEAD_URL", hook.url)
    rules(settings=CUSTOMER, extra=WAITING)
    opened(slactl)
    slactl("status", "1", "pending")
    sent = []
    for hour in (9, 10, 11):
        clock.move_to(f"2026-03-02T{hour:02d}:05:00Z")
        sent.append(check(slactl)["messages_sent"])
    assert sent == [1, 1, 2]  # the first is printed: customers get no welcome, and the rule has no fallback
    reminder, end = (took["body"].replace("=\r\n", "") for took in mailbox.took)
    assert "We wait for your answer to request 1" in reminder
    assert "We have not heard from you since Monday 2 March 2026, 09:00 UTC. Please answer" in reminder
    assert "Your request: 1 Printer on fire" in reminder
    assert "Your request 1 is closed" in end
    assert "ticket 1: Resolved: silent; " in hook.bodies[0]
    assert outbox(slactl) == [
        ("nobody", "printed"),
        *(("requester", "sent"), ("requester", "sent"), ("lead", "sent")),
    ]


def test_customers_are_told_nothing_unless_the_settings_say_how(
    rules: Rules, slactl: Slactl, receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = receiver("ok")
    monkeypatch.setenv("LEAD_URL", hook.url)
    rules(notify='["requester", "lead"]')
    assert "customers get no message" in slactl("rules", "check").err
    opened(slactl)
    clock.move_to("2026-03-04T10:00:00Z")
    check(slactl)
    assert outbox(slactl) == [("lead", "sent")]


@pytest.mark.parametrize("address", ["ann@example.com,eve@example.com", "ann@example.com?cc=eve@example.com", "nobody"])
def test_a_customers_address_reaches_nobody_else(
    rules: Rules,
    slactl: Slactl,
    receiver: Receivers,
    clock: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
) -> None:
    mailbox = receiver("smtp")
    monkeypatch.setenv("CUSTOMER_MAIL", mailbox.url.replace("&to=mia@example.com", ""))
    rules(settings=CUSTOMER, notify='["requester"]')
    made = {"ticket": "X", "at": "2026-03-02T09:00:00Z", "type": "created", "requester_email": address}
    assert slactl("import", "-", stdin=json.dumps(made)).code == 0
    clock.move_to("2026-03-04T10:00:00Z")
    assert "no valid e-mail address" in check(slactl, code=7)["err"]
    assert mailbox.took == []


def test_templates_word_the_message(
    late: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = receiver("ok")
    monkeypatch.setenv("LEAD_URL", hook.url)
    words = 'title = "{{ count }} late for {{ recipient }}"\nbody = "{{ id }} {{ target }}{% if tenant %}!{% endif %}"'
    late.write_text(f"{late.read_text()}\n[templates]\n{words}\n")
    assert slactl("rules", "check").code == 0
    check(slactl)
    (took,) = hook.took
    assert (took["body"]["title"], took["body"]["message"]) == ("1 late for lead", "1 first response")


def test_a_wrong_template_is_found_by_rules_check_and_stops_no_message(
    late: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = receiver("ok")
    monkeypatch.setenv("LEAD_URL", hook.url)
    late.write_text(late.read_text() + '\n[templates]\nbody = "{{ assigne }}"\n')
    found = slactl("rules", "check")
    assert found.code == 4
    assert "templates.body: there is no variable 'assigne'; did you mean assignee?" in found.err
    told = check(slactl, code=7)
    assert "the built-in text was used" in told["err"]
    assert "ticket 1: First response overdue by" in hook.bodies[0]


def test_no_secret_is_ever_shown_or_stored(
    late: Path,
    desk: Path,
    slactl: Slactl,
    receiver: Receivers,
    clock: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hook = receiver("500")
    text = late.read_text().replace(
        '"${env:LEAD_URL}"', '"${env:LEAD_URL}", "jsons://${env:LOGIN}@127.0.0.1:1/${file:t}"'
    )
    late.write_text(text.replace("[settings]", '[settings]\nsend_timeout = "5s"'))
    monkeypatch.setenv("LEAD_URL", hook.url.replace("//", "//user:SENTINELONE@") + "?-token=SENTINELTWO")
    monkeypatch.setenv("LOGIN", "user:SENTINELTHREE")
    monkeypatch.setenv("BACKUP_URL", "nosuch://SENTINELFOUR")
    late.with_name("t").write_text("SENTINELFIVE")
    shown = []
    for command in (
        ["--debug", "check"],
        ["check", "--json"],
        ["rules", "check"],
        ["notify", "test", "lead"],
        ["notify", "test", "backup", "--json"],
        ["notify", "test", "lead", "-n"],
        ["notifications", "list", "--json"],
        ["show", "1"],
        ["runs", "list", "--json"],
    ):
        result = slactl(*command)
        shown.append(result.out + result.err)
        clock.tick(60)
    assert "HTTP 500" in shown[0]
    assert len(hook.took) >= 2
    assert "SENTINEL" not in "".join(shown)
    stored = b"".join(path.read_bytes() for path in desk.parent.glob("slactl.db*"))
    assert b"first_response_sla_breached" in stored
    assert b"SENTINEL" not in stored


def test_messages_are_listed_by_state_recipient_and_ticket_and_dropped_and_retried_from_a_pipe(
    late: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(slactl, code=7)  # neither address is set
    assert outbox(slactl) == [("lead", "dead"), ("backup", "dead")]
    assert outbox(slactl, "--recipient", "lead", "--ticket", "1") == [("lead", "dead")]
    assert outbox(slactl, "--state", "sent", "--state", "held") == []
    assert slactl("notifications", "list", "--ticket", "99").code == 3
    dead = slactl("notifications", "list", "--state", "dead", "-q").out
    assert "dead → waiting, the next check sends it" in slactl("notifications", "retry", "-", "-n", stdin=dead).out
    assert outbox(slactl, "--state", "dead") != []
    assert slactl("notifications", "retry", "-", stdin=dead).code == 0
    assert outbox(slactl) == [("lead", "waiting"), ("backup", "waiting")]
    assert slactl("notifications", "drop", "2").code == 0
    assert slactl("notifications", "drop", "2").code == 5
    assert slactl("notifications", "drop", "x").code == 2
    assert slactl("notifications", "drop", "99").code == 3
    monkeypatch.setenv("LEAD_URL", receiver("ok").url)
    assert check(slactl)["notified"] == 1
    assert outbox(slactl) == [("lead", "sent"), ("backup", "dropped")]


def test_notify_test_sends_a_sample_and_says_what_happened(
    late: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = receiver("ok")
    monkeypatch.setenv("LEAD_URL", hook.url)
    dry = slactl("notify", "test", "lead", "-n")
    assert (dry.code, hook.took) == (0, [])
    assert "${env:LEAD_URL}: would be sent" in dry.out
    real = slactl("notify", "test", "lead")
    assert (real.code, real.out) == (0, "lead: ${env:LEAD_URL}: sent\n")
    assert hook.took[0]["body"]["title"].startswith("slactl test")
    assert outbox(slactl) == []
    failed = slactl("notify", "test", "backup", "--json")
    assert failed.code == 7
    assert json.loads(failed.out)["addresses"][0]["detail"] == "the environment variable BACKUP_URL is not set"
    assert slactl("notify", "test", "leed").code == 3
    assert slactl("notify", "test", "mia").code == 5


def test_rules_check_finds_what_no_message_can_go_through(late: Path, slactl: Slactl) -> None:
    def found(url: str) -> tuple[int, str]:
        late.write_text(text.replace("${env:LEAD_URL}", url))
        result = slactl("rules", "check")
        return result.code, result.err

    text = late.read_text()
    code, err = found("${env:LEAD_URL}")
    assert code == 0
    assert "the environment variable LEAD_URL is not set here" in err
    assert "the file nowhere does not exist here" in found("${file:nowhere}")[1]
    assert found("nosuch://example.com")[0] == 4
    assert "Apprise does not know nosuch://" in found("nosuch://${env:X}")[1]
    assert found("json://${env:X}")[0] == 4
    assert "use jsons://" in found("json://${env:X}")[1]
    assert found("json://127.0.0.1/hook")[0] == 0
    late.write_text(late.read_text().replace("json://127.0.0.1/hook", "json://${env:X}"))
    late.write_text(late.read_text().replace("[roles.lead]", "[roles.lead]\nallow_http = true"))
    assert slactl("rules", "check").code == 0
    for secret in (
        "mailtos://ann:hunter2@example.com",
        "jsons://example.com/?token=hunter2",
        "slack://T1JJ3T3L2A1B2C3D4",
    ):
        assert "literal secret" in found(secret)[1]


def test_a_database_of_the_first_schema_gets_the_new_columns(desk: Path, slactl: Slactl) -> None:
    with sqlite3.connect(desk) as connection:
        for column in ("addresses", "address", "held_by", "instead_of"):
            connection.execute(f"ALTER TABLE notification DROP COLUMN {column}")
        connection.execute("DROP TABLE silence")
        connection.execute("PRAGMA user_version = 1")
    assert slactl("silence", "list").code == 0
    with sqlite3.connect(desk) as connection:
        names = {row[1] for row in connection.execute("PRAGMA table_info(notification)")}
        assert {"addresses", "address", "held_by", "instead_of"} <= names
