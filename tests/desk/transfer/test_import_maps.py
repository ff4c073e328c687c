"""Importing from other desks: the maps that come with slactl on realistic samples, and maps of one's own."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl

SAMPLES = Path(__file__).parents[2] / "data" / "maps"

NOTHING = "0 tickets opened, 0 changed, 0 events added"


def tickets(slactl: Slactl) -> dict[str, dict[str, Any]]:
    return {ticket["external_id"]: ticket for ticket in json.loads(slactl("list", "--all", "--json").out)}


def history(slactl: Slactl, ticket: str) -> list[tuple[str, str]]:
    return [(event["at"], event["action"]) for event in json.loads(slactl("history", ticket, "--json").out)]


def test_zendesk(desk: Path, slactl: Slactl) -> None:
    done = slactl("import", str(SAMPLES / "zendesk.json"), "--map", "zendesk")
    assert (done.code, done.out) == (7, "3 tickets opened, 0 changed, 5 events added, 1 problem listed above\n")
    assert "zendesk.json:4:status: 'deleted' has no meaning in the map" in done.err
    found = tickets(slactl)
    assert found.keys() == {"35436", "35437", "35438"}
    one = found["35436"]
    assert (one["subject"], one["status"], one["priority"]) == ("Help, my printer is on fire!", "open", "high")
    assert (one["assignee"], one["requester_email"], one["tenant"]) == ("235323", "20978392", "509974")
    assert (one["tags"], one["created_at"]) == (["enterprise", "other_tag"], "2026-02-27T22:55:29Z")
    # A ticket without a priority is normal; of one that is solved without an instant nobody knows when.
    assert (found["35437"]["priority"], found["35437"]["status"], found["35437"]["resolved_at"]) == (
        "normal",
        "resolved",
        None,
    )
    assert "status: resolved without a date" in done.err
    assert found["35438"]["status"] == "pending"
    bodies = [message["body"] for message in json.loads(slactl("show", "ext:35436", "--json").out)["messages"]]
    assert bodies == ["The fire is very colorful."]
    assert slactl("import", str(SAMPLES / "zendesk.json"), "--map", "zendesk").out.startswith(NOTHING)


def test_github(desk: Path, slactl: Slactl) -> None:
    """What `gh issue list --json …` prints, on stdin as in the guide."""
    sample = (SAMPLES / "github.json").read_bytes()
    done = slactl("import", "-", "--map", "github", stdin=sample)
    assert (done.code, done.out) == (0, "2 tickets opened, 0 changed, 3 events added\n")
    assert done.err.startswith("warning: stdin:1: the source does not tell when an agent answered; ")
    found = tickets(slactl)
    assert (found["1247"]["status"], found["1247"]["assignee"]) == ("open", "mia")
    assert found["1247"]["tags"] == ["bug", "good-first-issue"]
    assert found["1247"]["requester_email"] == "octocat"
    assert history(slactl, "ext:1248") == [
        ("2026-02-20T14:00:00Z", "ticket.create"),
        ("2026-02-21T10:00:00Z", "ticket.close"),
    ]
    assert slactl("import", "-", "--map", "github", stdin=sample).out == f"{NOTHING}\n"


def test_github_objects_one_a_line(desk: Path, slactl: Slactl) -> None:
    lines = "\n".join(json.dumps(each) for each in json.loads((SAMPLES / "github.json").read_text()))
    done = slactl("import", "-", "--map", "github", stdin=f"{lines}\n{{broken\n")
    assert (done.code, done.out) == (7, "2 tickets opened, 0 changed, 3 events added, 1 problem listed above\n")
    assert "stdin:3: is not valid JSON at column 2" in done.err


def test_plain_csv(desk: Path, slactl: Slactl) -> None:
    done = slactl("import", str(SAMPLES / "tickets.csv"), "--map", "csv")
    assert (done.code, done.out) == (0, "4 tickets opened, 0 changed, 11 events added\n")
    assert "tickets.csv:5:status: closed without a date: nobody knows since when" in done.err
    found = tickets(slactl)
    assert (found["K-1"]["tags"], found["K-1"]["subject"]) == (["vip", "printer"], "Printer on fire, again")
    assert (found["K-2"]["tenant"], found["K-2"]["assignee"]) == ("acme", None)
    assert (found["K-2"]["created_at"], found["K-2"]["first_responded_at"]) == (
        "2026-02-27T09:00:00Z",
        "2026-02-27T10:00:00Z",
    )
    assert (found["K-3"]["status"], found["K-3"]["created_at"]) == ("closed", "2026-02-26T08:00:00Z")
    assert history(slactl, "K-3")[-1] == ("2026-02-26T09:30:00Z", "ticket.close")
    assert history(slactl, "K-4") == [
        ("2026-02-25T08:00:00Z", "ticket.create"),
        ("2026-02-25T08:30:00Z", "ticket.reply"),
        ("2026-02-25T10:00:00Z", "ticket.resolve"),
        ("2026-02-26T10:00:00Z", "ticket.close"),
    ]
    assert slactl("import", str(SAMPLES / "tickets.csv"), "--map", "csv").out == f"{NOTHING}\n"


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_table_with_other_delimiters_is_recognised(desk: Path, slactl: Slactl, delimiter: str) -> None:
    rows = [("ticket", "created_at", "subject"), ("1", "2026-02-27T09:00:00Z", "a, b")]
    done = slactl("import", "-", "--map", "csv", stdin="".join(delimiter.join(row) + "\n" for row in rows))
    assert (done.code, "error" in done.err) == (0, False)
    assert tickets(slactl)["1"]["subject"] == "a, b"


def test_a_map_of_ones_own_with_many_rows_a_ticket(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_text(
        'kind = "events"\ndelimiter = ";"\n[columns]\nticket = "nr"\nat = "wann"\ncreated_at = "seit"\n'
        'status = "stand"\nassignee = "wer"\n[time]\nformat = "%d.%m.%Y %H:%M"\ntimezone = "Europe/Berlin"\n'
        '[values.status]\nneu = "open"\nwartet = "waiting_customer"\nfertig = "resolved"\n[missing]\nany = ["?", ""]\n'
    )
    rows = "nr;wann;seit;stand;wer\nX1;02.03.2026 10:00;02.03.2026 09:00;neu;?\nX1;02.03.2026 11:00;02.03.2026 09:00;"
    rows += "wartet;mia\nX1;02.03.2026 12:30;02.03.2026 09:00;fertig;mia\n"
    done = slactl("import", "-", "--map", str(own), stdin=rows)
    told = "the source does not tell when an agent answered; these targets are unknown: first response, next response"
    assert (done.code, done.err) == (0, f"warning: stdin:2: {told}, update; so in 2 more rows\n")
    assert history(slactl, "X1") == [
        ("2026-03-02T08:00:00Z", "ticket.create"),
        ("2026-03-02T10:00:00Z", "ticket.assign"),
        ("2026-03-02T10:00:00Z", "ticket.status"),
        ("2026-03-02T11:30:00Z", "ticket.resolve"),
    ]
    [ticket] = tickets(slactl).values()
    assert (ticket["first_response_state"], ticket["resolution_state"]) == ("unknown", "met")
    # The same number in another log is another ticket.
    own.write_text(f'source = "other"\nanswers = "here"\n{own.read_text()}')
    assert slactl("import", "-", "--map", str(own), stdin=rows.replace("X1", "X2")).code == 0
    own.write_text(own.read_text().replace('"other"', '"third"'))
    assert slactl("import", "-", "--map", str(own), stdin=rows.replace("X1", "X2")).code == 0
    listed = json.loads(slactl("list", "--all", "--json").out)
    assert [(each["source"], each["external_id"]) for each in listed if each["external_id"] == "X2"] == [
        ("other", "X2"),
        ("third", "X2"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[columns\n", "mine.toml:1: Expected"),
        ('[columns]\nticket = "a"\n', "created_at is missing"),
        ('[columns]\nticket = "a"\ncreated_at = "b"\nsubjct = "c"\n', "did you mean subject"),
        ('kind = "row"\n[columns]\nticket = "a"\ncreated_at = "b"\n', "'tickets' or 'events'"),
        ('kind = "events"\n[columns]\nticket = "a"\ncreated_at = "b"\n', "columns.at is missing"),
        ('delimiter = ",,"\n[columns]\nticket = "a"\ncreated_at = "b"\n', "one character"),
        (
            '[columns]\nticket = "a"\ncreated_at = "b"\n[values.status]\nNew = "opn"\n',
            "'opn' is not one of open, pending, waiting_customer, resolved, closed; did you mean open?",
        ),
        ('[columns]\nticket = "a"\ncreated_at = "b"\n[time]\ntimezone = "Mars"\n', "no time zone 'Mars'"),
        ('[columns]\nticket = "a"\ncreated_at = "b"\n[time]\nfromat = "%d"\n', "unknown key time.fromat; did you mean"),
    ],
)
def test_a_map_that_is_none(desk: Path, slactl: Slactl, tmp_path: Path, text: str, said: str) -> None:
    own = tmp_path / "mine.toml"
    own.write_text(text)
    refused = slactl("import", str(SAMPLES / "tickets.csv"), "--map", str(own))
    assert refused.code == 4
    assert said in refused.err
    assert "mine.toml" in refused.err


def test_a_map_that_is_not_there(desk: Path, slactl: Slactl) -> None:
    refused = slactl("import", str(SAMPLES / "tickets.csv"), "--map", "zendsk")
    assert refused.code == 3
    assert "csv, freshdesk, github, gitlab, jira, jira-csv, servicenow, servicenow-log, zammad, zendesk" in refused.err
    assert "did you mean zendesk?" in refused.err


def test_a_table_needs_a_map(desk: Path, slactl: Slactl) -> None:
    for name in ("tickets.csv", "github.json"):
        refused = slactl("import", str(SAMPLES / name))
        assert (refused.code, len(refused.err.splitlines())) == (2, 2)
        assert "--map" in refused.err
