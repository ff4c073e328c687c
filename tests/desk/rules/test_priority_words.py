"""Other words for priorities, which `[priorities]` names, mean the same wherever a priority is typed or read."""

import json
from pathlib import Path

import pytest
from conftest import Slactl

WORDS = '[priorities]\nurgent = ["P1", "Sev1", "critical"]\nhigh = ["P2"]\nlow = ["P4", "très bas"]\n'

HISTORY = [
    {
        "ticket": "A",
        "at": "2026-02-27T09:00:00Z",
        "type": "created",
        "priority": "P1",
        "requester_email": "a@b.example",
    },
    {"ticket": "A", "at": "2026-02-27T10:00:00Z", "type": "priority", "priority": "p2", "from": "SEV1"},
    {"ticket": "B", "at": "2026-02-27T09:00:00Z", "type": "created", "priority": "Très Bas"},
]
LINES = "".join(f"{json.dumps(line)}\n" for line in HISTORY)


@pytest.fixture(autouse=True)
def rules(desk: Path, clock: object) -> Path:
    """The rules of the desk, with other words for priorities."""
    path = desk.with_name("rules.toml")
    path.write_text(f"{path.read_text()}\n{WORDS}")
    return path


def priorities(slactl: Slactl) -> dict[str, str]:
    """The priority of each ticket, by its external id or number."""
    tickets = json.loads(slactl("list", "--all", "--json").out)
    return {ticket["external_id"] or str(ticket["id"]): ticket["priority"] for ticket in tickets}


def events(slactl: Slactl, number: str) -> list[str | None]:
    """The priorities in the events of a ticket."""
    lines = [json.loads(line) for line in slactl("export").out.splitlines()]
    return [
        line.get("priority") for line in lines if line["ticket"] == number and line["type"] in ("created", "priority")
    ]


@pytest.mark.parametrize("word", ["P1", "p1", "sev1", "CRITICAL", "urgent"])
def test_typed_words_set_the_priority_and_are_stored_as_one_of_the_four(slactl: Slactl, word: str) -> None:
    assert slactl("create", "One", "--from", "a@b.example", "--priority", word).code == 0
    assert slactl("create", "Two", "--from", "a@b.example").code == 0
    assert slactl("priority", "2", word).code == 0
    assert slactl("create", "Three", "--from", "a@b.example").code == 0
    assert slactl("escalate", "3", "--reason", "because", "--priority", word).code == 0
    assert priorities(slactl) == {"1": "urgent", "2": "urgent", "3": "urgent"}
    assert events(slactl, "2") == ["normal", "urgent"]
    assert json.loads(slactl("rules", "show", "--priority", word, "--json").out)["priority"] == "urgent"


def test_unknown_word_is_a_usage_error_that_names_the_words(slactl: Slactl) -> None:
    refused = slactl("create", "One", "--from", "a@b.example", "--priority", "P3")
    assert refused.code == 2
    assert "'P3' is not one of low, normal, high, urgent, p4," in refused.err
    assert slactl("list", "--all", "-q").out == ""


def test_list_and_views_filter_by_the_words(slactl: Slactl, rules: Path) -> None:
    for word in ("P1", "P2", "P4", "normal"):
        slactl("create", word, "--from", "a@b.example", "--priority", word)
    assert slactl("list", "--priority", "sev1", "--priority", "P2", "-q").out.split() == ["1", "2"]
    rules.write_text(rules.read_text() + '[views.hot]\npriority = ["P1", "high"]\n[views.cold]\npriority = "p4"\n')
    assert slactl("rules", "check").code == 0
    assert slactl("list", "@hot", "-q").out.split() == ["1", "2"]
    assert slactl("list", "@cold", "-q").out.split() == ["3"]
    rules.write_text(rules.read_text().replace('"p4"', '"p9"'))
    assert "'p9' is not one of low, normal, high, urgent" in slactl("rules", "check").err
    assert slactl("list", "@cold", "-q").code == 4


def test_history_file_may_have_the_words_and_is_imported_once(slactl: Slactl, tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text(LINES)
    done = slactl("import", str(file), "--json")
    assert (done.code, done.err, json.loads(done.out)["events"]) == (0, "", 3)
    assert priorities(slactl) == {"A": "high", "B": "low"}
    assert events(slactl, "A") == ["urgent", "high"]
    again = json.loads(slactl("import", str(file), "--json").out)
    assert (again["events"], again["changed"]) == (0, 0)
    file.write_text(LINES.replace("P1", "urgent").replace('"p2"', '"high"').replace("Tr\\u00e8s Bas", "low"))
    assert json.loads(slactl("import", str(file), "--json").out)["events"] == 0
    exported = slactl("export").out
    assert not any(word in exported for word in ('"P1"', '"p2"', '"SEV1"'))


def test_unknown_word_in_a_history_file_is_a_bad_line(slactl: Slactl) -> None:
    done = slactl("import", "-", stdin=LINES.replace('"P1"', '"P3"'))
    assert done.code == 7
    assert ":1:priority: 'P3' is not known; it must be one of low, normal, high, urgent, p4, très bas, " in done.err
    assert priorities(slactl) == {"B": "low"}


MAP = 'answers = "here"\ncolumns = { ticket = "Number", created_at = "Opened", priority = "Urgency" }\n'


@pytest.mark.parametrize(
    ("values", "word", "priority"),
    [
        ("", "P1", "urgent"),
        ("", "SEV1", "urgent"),
        ("", "high", "high"),
        ('[values.priority]\n"1 - top" = "urgent"\n', "1 - top", "urgent"),
        ('[values.priority]\n"1 - top" = "urgent"\n', "p2", "high"),
        ('[values.priority]\nP1 = "low"\n', "P1", "low"),
    ],
)
@pytest.mark.parametrize("form", ["csv", "json"])
def test_import_with_a_map_takes_the_words_that_the_map_does_not_translate(
    slactl: Slactl, tmp_path: Path, values: str, word: str, priority: str, form: str
) -> None:
    row = {"Number": "A", "Opened": "2026-02-27T09:00:00Z", "Urgency": word}
    text = json.dumps([row]) if form == "json" else f"{','.join(row)}\n{','.join(row.values())}\n"
    (tmp_path / "map.toml").write_text(MAP + values)
    done = slactl("import", "-", "--map", str(tmp_path / "map.toml"), stdin=text)
    assert (done.code, done.err) == (0, "")
    assert priorities(slactl) == {"A": priority}


def test_map_with_values_refuses_a_word_that_nobody_knows(slactl: Slactl, tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(f'{MAP}[values.priority]\nTop = "urgent"\n')
    done = slactl("import", "-", "--map", str(tmp_path / "map.toml"), stdin="Number,Opened,Urgency\nA,2026-02-27,P3\n")
    assert done.code == 7
    assert ":2:Urgency: 'P3' has no meaning in the map" in done.err


def test_rows_of_events_that_say_one_priority_in_two_words_have_no_change(slactl: Slactl, tmp_path: Path) -> None:
    columns = MAP.replace("columns = { ", 'kind = "events"\ncolumns = { at = "At", ')
    (tmp_path / "map.toml").write_text(columns)
    rows = [
        "Number,Opened,At,Urgency",
        *(f"A,2026-02-27,2026-02-27T1{hour}:00Z,{word}" for hour, word in enumerate(("P1", "urgent", "Sev1", "P2"))),
    ]
    assert slactl("import", "-", "--map", str(tmp_path / "map.toml"), stdin="\n".join(rows)).code == 0
    assert events(slactl, "A") == ["urgent", "high"]


def test_simulate_reads_the_words_of_its_rules(slactl: Slactl, tmp_path: Path, rules: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text(LINES)
    done = slactl("simulate", str(file), "--json", "--at", "last")
    assert (done.code, done.err) == (0, "")
    assert {found["ticket"]: found["priority"] for found in json.loads(done.out)["tickets"]} == {
        "A": "high",
        "B": "low",
    }
    other = tmp_path / "other.toml"
    other.write_text(rules.read_text().replace(WORDS, '[priorities]\nlow = ["P1", "P5"]\n'))
    refused = slactl("simulate", str(file), "--rules", str(other), "--at", "last")
    assert (refused.code, "'p2' is not known" in refused.err) == (7, True)
    file.write_text(LINES.replace("p2", "P5"))
    compared = json.loads(
        slactl("simulate", str(file), "--compare", str(other), "--at", "last", "--by", "priority", "--json").out
    )
    assert {group["group"]: group["tickets"] for group in compared["groups"]} == {"low": 2}


def test_tests_for_rules_take_the_words(slactl: Slactl, tmp_path: Path) -> None:
    file = tmp_path / "tests.toml"
    file.write_text(
        '[[test]]\nhistory = [{ ticket = "A", at = 2026-02-27T09:00:00Z, type = "created", priority = "Sev1" }]\n'
        'expect = [{ ticket = "A", priority = "p1" }, { ticket = "A", priority = "urgent" }]\n'
    )
    done = slactl("rules", "test", str(file))
    assert (done.code, done.err) == (0, "")
    file.write_text(file.read_text().replace('"p1"', '"P2"'))
    assert "expected high" in slactl("rules", "test", str(file)).out


def test_a_broken_rules_file_has_no_words(slactl: Slactl, rules: Path) -> None:
    rules.write_text(rules.read_text().replace('["P1", "Sev1", "critical"]', '"P1"'))
    assert slactl("list", "--priority", "1").code == 2
    assert slactl("list", "--priority", "p").code == 2
    rules.write_text("[priorities\n")
    assert slactl("list", "--priority", "P1").code == 2
    assert slactl("list", "--priority", "urgent").code == 0
