"""What a command that changes tickets says: what changed, and what follows for each target."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import at, opened, rows, ticket, write_rules
from freezegun.api import FrozenDateTimeFactory
from terminal import shown_on_terminal

Clock = FrozenDateTimeFactory
pytestmark = pytest.mark.usefixtures("clock")

#: The clock of these tests begins on Monday, 2026-03-02 at 09:00 UTC.
TARGETS = (
    '[[policy]]\nname = "all"\ncalendar = "always"\n[policy.targets]\n'
    'default = { first_response = "1h", next_response = "3h", resolution = "8h" }\n'
    'high = { first_response = "30m", next_response = "3h", resolution = "4h" }\n'
    'urgent = { first_response = "15m", next_response = "3h", resolution = "30m" }\n'
    "[people.mia]\n[people.ann]\n[people.ben]\n"
)
#: Commands, each after the ones before it at 10:00, and the receipt of the last one.
STORIES = {
    "reply 1 --body hi": "#1 replied · status open → waiting customer · first response met · resolution paused",
    "reply 1 --body hi --status open": "#1 replied · first response met",
    "note 1 'called back'": "#1 note added",
    "reply 1 --no-body --status open; receive 1": "#1 message of the customer recorded"
    " · next response due Mon 13:00, in 3h",
    "priority 1 urgent": "#1 priority normal → urgent · first response due Mon 10:00 → Mon 09:15, 45m late"
    " · resolution due Mon 17:00 → Mon 09:30, 30m late",
    "priority 1 normal": "#1 no field changed",
    "priority 1 low; tag 1 vip": "#1 tags +vip",
    "tag 1 a; tag 1 --add b --remove a": "#1 tags +b -a",
    "assign 1 mia": "#1 assignee nobody → mia",
    "assign 1 mia; assign 1 --none": "#1 assignee mia → nobody",
    "status 1 pending": "#1 status open → pending · first response paused · resolution paused",
    "status 1 pending; status 1 open": "#1 status pending → open · first response resumes, due Mon 10:00, due now"
    " · resolution resumes, due Mon 17:00, in 7h",
    "status 1 pending --until 'tue 09:00'": "#1 status open → pending · first response paused · resolution paused"
    " · opens again Tue 2026-03-03 09:00 UTC, in 23h",
    "status 1 pending --until 'tue 09:00'; status 1 pending": "#1 does not open by itself any more",
    "resolve 1": "#1 status open → resolved · first response met · resolution met",
    "resolve 1; reopen 1": "#1 status resolved → open · first response runs again, due Mon 10:00, due now"
    " · resolution runs again, due Mon 17:00, in 7h",
    "ack 1 --for 2h": "#1 acknowledged until Mon 2026-03-02 12:00 UTC, in 2h",
    "ack 1 --for 2h; unack 1": "#1 acknowledgement released, escalation resumes",
    "due 1 --target resolution --at 'tue 15:00' --reason x": "#1 resolution due Mon 2026-03-02 17:00 UTC → "
    "Tue 2026-03-03 15:00 UTC, in 1d 5h",
    "due 1 --target resolution --at 'in 20d' --reason x; priority 1 urgent": "#1 priority normal → urgent"
    " · first response due Mon 10:00 → Mon 09:15, 45m late",
    "edit 1 --subject Fire --external-id A-7": '#1 subject "Printer on fire" → "Fire" · external id none → A-7',
    "create 'VPN down' --from it@acme.example": "#2 opened · policy all · first response due Mon 11:00, in 1h"
    " · resolution due Mon 18:00, in 8h",
    "create 'VPN down' --from it@acme.example --assignee mia --outbound": "#2 opened · policy all · assignee mia"
    " · resolution due Mon 18:00, in 8h",
}


@pytest.mark.parametrize("story", list(STORIES))
def test_receipt_says_what_changed_and_what_follows(desk: Path, slactl: Slactl, clock: Clock, story: str) -> None:
    write_rules(desk, TARGETS)
    opened(slactl)
    at(clock, "10:00:00")
    *before, last = story.split("; ")
    for command in before:
        assert slactl(*words(command)).code == 0
    count = rows(desk, "SELECT count(*) FROM event")
    receipt = slactl(*words(last), "-n")
    assert (receipt.code, receipt.out) == (0, f"dry run, not done: {STORIES[story]}\n")
    assert rows(desk, "SELECT count(*) FROM event") == count
    done = slactl(*words(last), "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    rehearsed = slactl(*words(f"show {found['id']}"), "--json")
    whole = {name: value for name, value in json.loads(rehearsed.out).items() if name in found}
    assert found == whole | {"changes": found["changes"], "dry_run": False}


def words(command: str) -> list[str]:
    """Return the words of a command as a shell would pass them."""
    import shlex

    return shlex.split(command)


def test_terminal_gets_a_line_and_a_pipe_the_ids(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, TARGETS)
    numbers = [opened(slactl), opened(slactl)]
    *shown, undo = shown_on_terminal("priority", *numbers, "high").splitlines()
    assert undo.startswith("undo: slactl undo ")
    assert [line.split(" · ")[0] for line in shown] == [f"#{number} priority normal → high" for number in numbers]
    assert all(" → " in part for line in shown for part in line.split(" · "))
    assert shown_on_terminal("resolve", *numbers, "-q") == "1\n2\n"
    assert slactl("close", *numbers).out == "1\n2\n"


def test_changes_have_the_fields_of_the_ticket(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, TARGETS)
    first, second = opened(slactl), opened(slactl)
    was = ticket(slactl, first)
    at(clock, "10:00:00")
    found = json.loads(slactl("priority", first, second, "urgent", "--json").out)
    assert [one["id"] for one in found] == [1, 2]
    changes = {change["field"]: (change["from"], change["to"]) for change in found[0]["changes"]}
    assert changes["priority"] == ("normal", "urgent")
    assert changes["resolution_due_at"] == ("2026-03-02T17:00:00Z", "2026-03-02T09:30:00Z")
    assert changes["resolution_state"] == ("running", "breached")
    assert not {"updated_at", "overdue_seconds"} & set(changes)
    for field, (before, after) in changes.items():
        assert (was[field] if field not in ("breached",) else before, found[0][field]) == (before, after)
    same = json.loads(slactl("priority", first, "urgent", "--json").out)
    assert same["changes"] == []
    new = json.loads(slactl("create", "x", "--from", "a@b.example", "--json").out)
    named = {change["field"]: change for change in new["changes"]}
    assert named["priority"] == {"field": "priority", "from": None, "to": "normal"}
    assert "external_id" not in named


def test_dry_run_has_the_same_changes_as_the_command(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, TARGETS)
    number = opened(slactl)
    command = ("status", number, "pending", "--json")
    dry, done = (json.loads(slactl(*command, *option).out) for option in (("-n",), ()))
    assert (dry.pop("dry_run"), done.pop("dry_run")) == (True, False)
    assert dry == done


def test_text_of_strangers_does_not_control_the_terminal(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, TARGETS)
    number = opened(slactl)
    shown = slactl("edit", number, "--subject", "a\x1b[2Jb\u202e" + "c" * 900, "-n").out
    assert ("\x1b" in shown, "\u202e" in shown, shown.count("\n"), len(shown) < 200) == (False, False, 1, True)


AMBIGUOUS = {
    "assign 1 2": "slactl assign 1 --to 2",
    "assign 1 A-7": "slactl assign 1 --to A-7",
    "assign 1 big bob": "slactl assign 1 --to 'big bob'",
    "note 1 2": "slactl note 1 --body 2",
    "note 1 called back at 2": "slactl note 1 --body 'called back at 2'",
    "tag 1 #2": "slactl tag 1 --add '#2'",
    "tag 1 vip billing": "slactl tag 1 --add vip --add billing",
    "tag 1": "slactl tag 1 --add vip",
    "assign 1": "slactl assign 1 --to me",
    "assign 1 mia --none --to mia": "slactl assign 1 mia --to me",
    "reply 1": "slactl reply 1 --no-body",
    "reply 1 --body x --no-body": "slactl reply 1 --no-body",
    "reply 1 --body ' '": "slactl reply 1 --no-body",
    "note 1": "slactl note 1 --body 'Called back, no answer.'",
}


@pytest.mark.parametrize("command", list(AMBIGUOUS))
def test_words_that_may_mean_two_things_change_nothing(desk: Path, slactl: Slactl, command: str) -> None:
    write_rules(desk, TARGETS)
    opened(slactl)
    opened(slactl, "--external-id", "A-7")
    count = rows(desk, "SELECT count(*) FROM event")
    refused = slactl(*words(command))
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.splitlines()[-1] == f"hint: {AMBIGUOUS[command]}"
    assert rows(desk, "SELECT count(*) FROM event") == count


@pytest.mark.parametrize(
    ("command", "field", "value"),
    [
        ("assign 1 A-7 mia", "assignee", "mia"),
        ("assign 1 A-7 me", "assignee", "ann"),
        ("assign - mia", "assignee", "mia"),
        ("assign 1 A-7 --to A-7", "assignee", "A-7"),
        ("tag 1 A-7 vip", "tags", ["vip"]),
        ("tag #1 ext:A-7 vip", "tags", ["vip"]),
        ("tag 1 A-7 --remove none --add 2", "tags", ["2"]),
    ],
)
def test_several_tickets_and_then_one_word(desk: Path, slactl: Slactl, command: str, field: str, value: object) -> None:
    write_rules(desk, TARGETS)
    opened(slactl)
    opened(slactl, "--external-id", "A-7")
    done = slactl(*words(command), stdin="1\nA-7\n")
    assert (done.code, done.out) == (0, "1\n2\n"), done.err
    assert [ticket(slactl, number)[field] for number in "12"] == [value, value]


def test_note_takes_a_text_or_stdin(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, TARGETS)
    opened(slactl)
    opened(slactl)
    assert slactl("note", "1", "2", "the whole team knows").out == "1\n2\n"
    assert slactl("note", "1", "-", stdin="from stdin").code == 0
    bodies = [[message["body"] for message in ticket(slactl, number)["messages"]] for number in "12"]
    assert bodies == [["the whole team knows", "from stdin"], ["the whole team knows"]]


@pytest.mark.parametrize(("word", "meant"), [("P1", "urgent"), ("p2", "high"), ("SEV-3", "normal"), ("minor", "low")])
def test_usual_word_for_a_priority_has_a_hint_that_makes_it_known(
    desk: Path, slactl: Slactl, word: str, meant: str
) -> None:
    write_rules(desk, TARGETS, f'[priorities]\n{meant} = ["mine"]\n')
    number = opened(slactl)
    refused = slactl("priority", number, word)
    assert (refused.code, f"{word} often means {meant}" in refused.err) == (2, True)
    hint = refused.err.splitlines()[-1].removeprefix("hint: slactl ")
    assert slactl(*words(hint)).code == 0
    for known in (word, "mine"):
        assert slactl("priority", number, known).code == 0
    assert ticket(slactl, number)["priority"] == meant


AWAY = {"with": "ann is away, so the substitute ben gets ticket", "without": "ann is away and has no substitute"}


def test_substitute_of_a_person_who_is_away_gets_the_ticket_and_a_warning_says_so(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, TARGETS)
    number = opened(slactl)
    away = ("oncall", "away", "ann", "--from", "now", "--until", "in 8h", "--substitute", "ben")
    assert slactl(*away).code == 0
    for command in (("assign", number, "ann"), ("assign", number, "--to", "ann"), ("assign", number, "me")):
        done = slactl(*command)
        assert (done.code, done.out, done.err) == (0, f"{number}\n", f"warning: {AWAY['with']} {number}\n")
    assert ticket(slactl, number)["assignee"] == "ben"
    said = rows(desk, "SELECT json_extract(detail, '$.instead_of') FROM event WHERE action = 'ticket.assign'")
    assert said == [("ann",)]
    made = slactl("create", "x", "--from", "a@b.example", "--assignee", "ann")
    assert (made.code, made.err) == (0, f"warning: {AWAY['with']} {made.out}")
    assert ticket(slactl, made.out.strip())["assignee"] == "ben"
    forced = slactl("escalate", number, "--reason", "x", "--assign", "ann", "--priority", "urgent")
    assert (forced.code, f"warning: {AWAY['with']} {number}" in forced.err) == (0, True)


def test_ticket_is_not_given_to_somebody_who_is_away_without_a_substitute(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, TARGETS)
    number = opened(slactl, "--assignee", "ben")
    assert slactl("oncall", "away", "ann", "--from", "now", "--until", "in 8h").code == 0
    refused = slactl("assign", number, "ann")
    assert (refused.code, AWAY["without"] in refused.err) == (5, True)
    assert ticket(slactl, number)["assignee"] == "ben"
    made = slactl("create", "x", "--from", "a@b.example", "--assignee", "ann")
    assert (made.code, AWAY["without"] in made.err) == (0, True)
    assert ticket(slactl, made.out.strip())["assignee"] is None


@pytest.mark.parametrize(
    "command",
    ["due 1 --target resolution --at now", "escalate 1", "note 1", "reply 1", "tag 1", "assign 1", "priority 1 P1"],
)
def test_refused_command_does_not_import_what_only_a_write_needs(desk: Path, command: str) -> None:
    program = (
        "import sys\nfrom slactl.__main__ import run\ncode = run(sys.argv[1:])\n"
        "heavy = [name for name in ('sqlalchemy', 'sqlmodel', 'pydantic', 'rich', 'slactl.desk.ledger.ledger')"
        " if name in sys.modules]\nprint(int(code), heavy)"
    )
    done = subprocess.run([sys.executable, "-c", program, *words(command)], capture_output=True, text=True, check=True)
    assert done.stdout == f"{5 if command.split()[0] in ('due', 'escalate') else 2} []\n"


#: Commands about other things than tickets, the receipt of each, and a field that it changed.
OTHERS = [
    ("tenant add acme --plan all", "acme added · plan all", ("plan", None, "all")),
    (
        "tenant set acme --timezone Europe/Berlin",
        "acme time zone none → Europe/Berlin · for tickets that are opened from now on",
        ("timezone", None, "Europe/Berlin"),
    ),
    ("tenant set acme --timezone Europe/Berlin", "acme no field changed", None),
    (
        "silence add --ticket 1 --for 2h",
        "silence 1 holds messages about ticket 1 until Mon 2026-03-02 11:00 UTC, in 2h",
        ("ticket_id", None, 1),
    ),
    (
        "silence expire 1",
        "silence 1 ended; it would have ended Mon 2026-03-02 11:00 UTC",
        ("ends_at", "2026-03-02T11:00:00Z", "2026-03-02T09:00:00Z"),
    ),
    (
        "notifications drop 1",
        "message 1 to manager: waiting → dropped, slactl does not send it",
        ("state", "waiting", "dropped"),
    ),
    (
        "notifications retry 1",
        "message 1 to manager: dropped → waiting, the next check sends it",
        ("state", "dropped", "waiting"),
    ),
]


def test_receipts_of_tenants_silences_and_messages(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, TARGETS.replace("[[policy]]", '[[policy]]\nmatch = { plan = ["all", "free"] }', 1))
    number = opened(slactl)
    assert slactl("escalate", number, "--reason", "x").code == 0
    for command, receipt, change in OTHERS:
        dry = slactl(*words(command), "-n")
        assert (dry.code, dry.out) == (0, f"dry run, not done: {receipt}\n"), dry.err
        rehearsed = json.loads(slactl(*words(command), "-n", "--json").out)
        done = slactl(*words(command), "--json")
        assert done.code == 0, done.err
        found = json.loads(done.out)
        assert (rehearsed.pop("dry_run"), found.pop("dry_run")) == (True, False)
        assert rehearsed == found
        changes = [(each["field"], each["from"], each["to"]) for each in found["changes"]]
        assert change in changes if change is not None else changes == []
    assert slactl("tenant", "add", "b").out == "b\n"
    assert slactl("silence", "add", "--tenant", "b", "--for", "2h").out == "2\n"
    assert slactl("silence", "expire", "2").out == "2\n"
    assert slactl("notifications", "drop", "1", "-q").out == "1\n"
