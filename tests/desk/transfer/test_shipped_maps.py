"""Each map that comes with slactl reads an export in the form that its help desk prints."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import Slactl

from slactl.desk.transfer.maps import shipped_maps

SAMPLES = Path(__file__).parent / "samples"

#: What the import says once where a row lists no answers.
NO_ANSWERS = (
    "the source does not tell when an agent answered; these targets are unknown: first response, next response, update"
)
NO_DATE = "without a date: nobody knows since when, so its open targets are unknown"


class Expected(NamedTuple):
    """What is known about a ticket after the import: the instants are of the first answer and the resolution."""

    status: str
    priority: str
    answered: str | None
    first_response: str
    resolved: str | None
    resolution: str


#: The tickets of each sample, and how the text on stderr ends, line by line.
CASES: dict[tuple[str, str], tuple[dict[str, Expected], list[str]]] = {
    ("github.json", "github"): (
        {
            "21": Expected("open", "normal", "2026-03-02T10:15:00Z", "met", None, "breached"),
            "22": Expected("closed", "normal", "2026-03-04T15:58:00Z", "met", "2026-03-04T16:00:00Z", "met"),
            "23": Expected("open", "normal", None, "breached", None, "breached"),
        },
        [],
    ),
    ("github-rest.json", "github"): (
        {
            "32": Expected("open", "normal", None, "unknown", None, "breached"),
            "33": Expected("closed", "normal", "2026-03-05T09:40:00Z", "met", "2026-03-06T10:00:00Z", "met"),
        },
        [
            "1:pull_request: the map leaves out rows with this value (skip_when); so in 1 more row",
            f"3: {NO_ANSWERS}",
        ],
    ),
    ("gitlab.json", "gitlab"): (
        {
            "12": Expected("closed", "normal", None, "unknown", "2026-02-27T12:00:00Z", "met"),
            "13": Expected("open", "high", "2026-03-02T09:20:00Z", "met", None, "breached"),
        },
        [f"2: {NO_ANSWERS}"],
    ),
    ("jira.json", "jira"): (
        {
            "HELP-1": Expected("resolved", "urgent", None, "unknown", None, "unknown"),
            "HELP-2": Expected("open", "low", "2026-03-02T14:30:00Z", "met", None, "breached"),
            "HELP-3": Expected("resolved", "high", "2026-03-02T09:55:00Z", "met", "2026-03-03T11:00:00Z", "met"),
        },
        [f"resolved {NO_DATE}", f"3: {NO_ANSWERS}"],
    ),
    ("jira.csv", "jira"): (
        {
            "OFF-9": Expected("resolved", "low", None, "unknown", "2024-05-09T17:45:00Z", "met"),
            "OFF-10": Expected("resolved", "normal", None, "unknown", "2024-05-13T08:00:00Z", "met"),
            "OFF-11": Expected("waiting_customer", "high", None, "unknown", None, "paused"),
        },
        [f"2: {NO_ANSWERS}; so in 2 more rows"],
    ),
    ("zendesk.json", "zendesk"): (
        {
            "801": Expected("resolved", "urgent", "2026-03-02T08:12:30Z", "met", "2026-03-03T08:59:00Z", "met"),
            "802": Expected("open", "normal", None, "breached", None, "breached"),
            "803": Expected("closed", "low", None, "unknown", None, "unknown"),
        },
        [f"3:status: closed {NO_DATE}", f"3: {NO_ANSWERS}"],
    ),
    ("freshdesk.json", "freshdesk"): (
        {
            "61": Expected("closed", "urgent", "2026-03-02T10:20:00Z", "met", "2026-03-02T12:00:00Z", "met"),
            "62": Expected("pending", "normal", "2026-03-02T11:00:00Z", "met", None, "paused"),
            "63": Expected("open", "low", "2026-03-01T11:00:00Z", "met", None, "breached"),
        },
        [
            "3:stats.resolved_at: the ticket is open, so slactl does not use this date",
            "4:spam: the map leaves out rows with this value (skip_when)",
        ],
    ),
    ("servicenow.csv", "servicenow"): (
        {
            "INC0020001": Expected("open", "high", None, "unknown", None, "breached"),
            "INC0020002": Expected("pending", "low", None, "unknown", None, "paused"),
            "INC0020003": Expected("closed", "urgent", None, "unknown", "2026-02-26T14:45:00Z", "met"),
            "INC0020004": Expected("closed", "low", None, "unknown", None, "unknown"),
        },
        [
            "the file does not have 1 column of the map: description (for body)",
            f"2: {NO_ANSWERS}; so in 3 more rows",
            f"closed {NO_DATE}",
        ],
    ),
    ("servicenow.json", "servicenow"): (
        {
            "INC0020001": Expected("open", "high", None, "unknown", None, "breached"),
            "INC0020003": Expected("resolved", "urgent", None, "unknown", "2026-02-26T14:45:00Z", "met"),
        },
        [f"1: {NO_ANSWERS}; so in 1 more row"],
    ),
    ("zammad.json", "zammad"): (
        {
            "16051": Expected("closed", "high", "2026-03-02T09:25:10Z", "met", "2026-03-03T08:00:00Z", "met"),
            "16052": Expected("open", "normal", None, "breached", None, "breached"),
        },
        ["the file does not have 1 column of the map: tags[] (for tags)"],
    ),
    ("csv.csv", "csv"): (
        {
            "S-1": Expected("open", "high", "2026-03-02T08:20:00Z", "met", None, "breached"),
            "S-2": Expected("resolved", "low", None, "met", "2026-03-02T12:00:00Z", "met"),
            "S-3": Expected("resolved", "low", "2026-03-02T10:30:00Z", "met", None, "unknown"),
            "S-4": Expected("closed", "low", "2026-03-01T09:00:00Z", "met", "2026-03-01T10:00:00Z", "met"),
        },
        ["the file does not have 1 column of the map: body", f"4:status: resolved {NO_DATE}"],
    ),
}


def tickets(slactl: Slactl) -> dict[str, dict[str, Any]]:
    return {ticket["external_id"]: ticket for ticket in json.loads(slactl("list", "--all", "--json").out)}


def messages(slactl: Slactl, ticket: str) -> list[tuple[str, str]]:
    """The instants and texts of the messages of a ticket, without its opening."""
    shown = json.loads(slactl("show", ticket, "--json").out)
    return [(each["at"], each["body"]) for each in shown["messages"] if each["at"] != shown["created_at"]]


def imported(slactl: Slactl, sample: str, how: str) -> dict[str, dict[str, Any]]:
    assert slactl("import", str(SAMPLES / sample), "--map", how).code == 0
    return tickets(slactl)


@pytest.mark.parametrize(("sample", "how"), CASES, ids="-".join)
def test_a_sample_becomes_the_tickets_that_it_tells(sample: str, how: str, desk: Path, slactl: Slactl) -> None:
    expected, said = CASES[sample, how]
    done = slactl("import", str(SAMPLES / sample), "--map", how)
    assert done.code == 0, done.err
    lines = done.err.splitlines()
    assert len(lines) == len(said), done.err
    for line, end in zip(lines, said, strict=True):
        assert line.startswith("warning: ")
        assert line.endswith(end), line
    found = tickets(slactl)
    states = ("status", "priority", "first_responded_at", "first_response_state", "resolved_at", "resolution_state")
    assert {name: Expected(*(ticket[each] for each in states)) for name, ticket in found.items()} == expected


@pytest.mark.parametrize(("sample", "how"), CASES, ids="-".join)
def test_a_second_import_of_a_sample_changes_nothing(sample: str, how: str, desk: Path, slactl: Slactl) -> None:
    imported(slactl, sample, how)
    before = slactl("export").out
    again = slactl("import", str(SAMPLES / sample), "--map", how)
    assert (again.code, again.out) == (0, "0 tickets opened, 0 changed, 0 events added\n")
    assert slactl("export").out == before


def test_every_shipped_map_has_a_sample() -> None:
    assert {how for _, how in CASES} | {"jira-csv", "servicenow-log"} == {*shipped_maps()}


def test_github_takes_no_answer_of_a_stranger_for_an_answer(desk: Path, slactl: Slactl) -> None:
    ticket = imported(slactl, "github.json", "github")["21"]
    assert (ticket["assignee"], ticket["requester_email"], ticket["tags"]) == ("mia", "walter", ["bug", "needs-info"])
    assert messages(slactl, "ext:21") == [
        ("2026-03-02T09:30:00Z", "I see the same."),
        ("2026-03-02T10:15:00Z", "Thank you, which driver?"),
    ]


def test_gitlab_reads_priorities_from_labels_and_leaves_out_what_it_wrote_itself(desk: Path, slactl: Slactl) -> None:
    found = imported(slactl, "gitlab.json", "gitlab")
    assert (found["13"]["tags"], found["12"]["requester_email"]) == (["priority::high", "web"], "greta@example.com")
    assert [at for at, _ in messages(slactl, "ext:13")] == [
        "2026-03-02T08:30:00Z",
        "2026-03-02T08:40:00Z",
        "2026-03-02T09:20:00Z",
    ]


def test_jira_tells_each_change_when_it_happened(desk: Path, slactl: Slactl) -> None:
    imported(slactl, "jira.json", "jira")
    happened = json.loads(slactl("history", "HELP-3", "--json").out)
    changes = [(each["at"], each["action"]) for each in happened if each["action"] not in ("ticket.note", "sla.due")]
    assert changes == [
        ("2026-03-02T08:00:00Z", "ticket.create"),
        ("2026-03-02T08:30:00Z", "ticket.assign"),
        ("2026-03-02T08:30:00Z", "ticket.priority"),
        ("2026-03-02T09:00:00Z", "ticket.receive"),
        ("2026-03-02T09:55:00Z", "ticket.reply"),
        ("2026-03-02T10:00:00Z", "ticket.status"),
        ("2026-03-03T11:00:00Z", "ticket.resolve"),
    ]


def test_a_document_of_jira_becomes_its_text(desk: Path, slactl: Slactl) -> None:
    imported(slactl, "jira.json", "jira")
    shown = json.loads(slactl("show", "HELP-2", "--json").out)
    assert shown["messages"][0]["body"] == "Mine is broken.\nThanks!"


def test_the_reporter_of_jira_is_not_an_agent_of_his_own_ticket(desk: Path, slactl: Slactl) -> None:
    whole = json.loads((SAMPLES / "jira.json").read_text())
    issue = whole["issues"][0]
    for each in (issue["fields"]["reporter"], issue["fields"]["comment"]["comments"][1]["author"]):
        each["accountType"] = "atlassian"
    assert slactl("import", "-", "--map", "jira", stdin=json.dumps(whole)).code == 0
    assert tickets(slactl)["HELP-3"]["first_responded_at"] == "2026-03-02T09:55:00Z"


def test_a_table_of_jira_has_every_label_and_its_own_times(desk: Path, slactl: Slactl) -> None:
    found = imported(slactl, "jira.csv", "jira")
    assert found["OFF-11"]["tags"] == ["printer", "paper", "second_floor"]
    assert found["OFF-9"]["tags"] == ["furniture"]
    assert [found[name]["created_at"] for name in ("OFF-11", "OFF-10", "OFF-9")] == [
        "2024-05-11T15:26:00Z",
        "2024-05-10T00:01:00Z",
        "2024-05-09T12:30:00Z",
    ]


def test_an_unknown_status_of_a_table_of_jira_is_a_bad_row(desk: Path, slactl: Slactl) -> None:
    rows = "Issue key,Created,Status\nA-1,11/May/24 3:26 PM,Parked\nA-2,11/May/24 3:26 PM,Parked\n"
    rows += "A-3,11/May/24 3:26 PM,Open\n"
    done = slactl("import", "-", "--map", "jira", stdin=rows)
    assert done.code == 7
    assert "'Parked' has no meaning in the map ([values.status])" in done.err
    assert done.err.count("Parked") == 1
    assert tickets(slactl).keys() == {"A-3"}


def test_the_first_comment_of_zendesk_is_no_answer(desk: Path, slactl: Slactl) -> None:
    imported(slactl, "zendesk.json", "zendesk")
    shown = json.loads(slactl("show", "ext:802", "--json").out)
    assert [each["body"] for each in shown["messages"]] == ["She asks for a new number."]
    assert [body for _, body in messages(slactl, "ext:801")] == ["Provider has an outage.", "We are on it."]


def test_the_first_article_of_zammad_is_the_text_of_the_ticket(desk: Path, slactl: Slactl) -> None:
    imported(slactl, "zammad.json", "zammad")
    shown = json.loads(slactl("show", "ext:16052", "--json").out)
    assert [each["body"] for each in shown["messages"]] == ["She called.", "Ask the carrier.", "Any news?"]
    assert shown["assignee"] is None


def test_freshdesk_counts_an_answer_once(desk: Path, slactl: Slactl) -> None:
    found = imported(slactl, "freshdesk.json", "freshdesk")
    assert [body for _, body in messages(slactl, "ext:62")] == ["Ask Jonas", "Hello?", "Attached."]
    assert (found["61"]["requester_email"], found["62"]["requester_email"]) == ("walter@example.com", "9102")
    assert found["61"]["tags"] == ["shop", "night-shift"]


def test_a_file_with_the_columns_of_the_event_log_is_read_with_its_old_name(desk: Path, slactl: Slactl) -> None:
    log = SAMPLES / "servicenow-log.csv"
    assert slactl("import", str(log), "--map", "servicenow").code == 0
    first = slactl("history", "INC0030001", "--json").out
    changes = [(each["at"], each["action"]) for each in json.loads(first) if each["action"] != "sla.due"]
    assert changes == [
        ("2026-03-02T08:00:00Z", "ticket.create"),
        ("2026-03-02T09:10:00Z", "ticket.priority"),
        ("2026-03-02T09:10:00Z", "ticket.assign"),
        ("2026-03-02T09:10:00Z", "ticket.status"),
        ("2026-03-03T11:00:00Z", "ticket.resolve"),
    ]
    assert slactl("import", str(log), "--map", "servicenow-log").out.startswith("0 tickets opened, 0 changed")


@pytest.mark.parametrize("name", ["servicenow-log.csv", "jira.csv"])
def test_a_variant_is_found_in_stdin_and_in_utf16(name: str, desk: Path, slactl: Slactl) -> None:
    raw = (SAMPLES / name).read_text().encode("utf-16")
    done = slactl("import", "-", "--map", "servicenow" if "servicenow" in name else "jira", stdin=raw)
    assert done.code == 0, done.err
    assert len(tickets(slactl)) == (1 if "servicenow" in name else 3)


def test_an_app_of_jira_neither_answers_nor_asks(desk: Path, slactl: Slactl) -> None:
    whole = json.loads((SAMPLES / "jira.json").read_text())
    first = whole["issues"][0]["fields"]["comment"]["comments"][0]
    first |= {"jsdPublic": True, "body": "We got it."}
    first["author"]["accountType"] = "app"
    assert slactl("import", "-", "--map", "jira", stdin=json.dumps(whole)).code == 0
    assert tickets(slactl)["HELP-3"]["first_responded_at"] == "2026-03-02T09:55:00Z"
    happened = {each["at"]: each["action"] for each in json.loads(slactl("history", "HELP-3", "--json").out)}
    assert happened["2026-03-02T08:20:00Z"] == "ticket.note"


def test_a_bot_of_github_neither_answers_nor_asks(desk: Path, slactl: Slactl) -> None:
    rows = json.loads((SAMPLES / "github-rest.json").read_text())
    rows[1]["comments"][1]["user"]["type"] = "Bot"
    assert slactl("import", "-", "--map", "github", stdin=json.dumps(rows)).code == 0
    ticket = tickets(slactl)["33"]
    assert (ticket["first_responded_at"], ticket["first_response_state"]) == (None, "met")


def test_zendesk_itself_does_not_answer(desk: Path, slactl: Slactl) -> None:
    whole = json.loads((SAMPLES / "zendesk.json").read_text())
    whole["tickets"][0]["comments"][2]["author_id"] = -1
    assert slactl("import", "-", "--map", "zendesk", stdin=json.dumps(whole)).code == 0
    assert tickets(slactl)["801"]["first_responded_at"] is None
    assert [body for _, body in messages(slactl, "ext:801")] == ["Provider has an outage."]


def test_the_first_response_is_unknown_without_comments(desk: Path, slactl: Slactl) -> None:
    rows = json.loads((SAMPLES / "github.json").read_text())
    for row in rows:
        del row["comments"]
    done = slactl("import", "-", "--map", "github", stdin=json.dumps(rows))
    assert (done.code, done.err) == (0, f"warning: stdin:1: {NO_ANSWERS}; so in 2 more rows\n")
    assert {each["first_response_state"] for each in tickets(slactl).values()} == {"unknown"}


def test_servicenow_without_display_values_has_ids_in_place_of_names(desk: Path, slactl: Slactl) -> None:
    link = "https://acme.service-now.com/api/now/table"
    row = {"number": "INC0020009", "opened_at": "2026-03-02 08:00:00", "state": "2", "priority": "2"} | {
        "caller_id": {"link": f"{link}/sys_user/a1", "value": "a1"},
        "assigned_to": {"link": f"{link}/sys_user/b1", "value": "b1"},
        "company": {"link": f"{link}/core_company/c1", "value": "c1"},
    }
    done = slactl("import", "-", "--map", "servicenow", stdin=json.dumps({"result": [row]}))
    assert done.code == 0, done.err
    ticket = tickets(slactl)["INC0020009"]
    assert [ticket[name] for name in ("requester_email", "assignee", "tenant")] == ["a1", "b1", "c1"]
