"""What one row tells about the end of its ticket, and what it does not tell: nothing is invented."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl

pytestmark = pytest.mark.usefixtures("desk")

INTAKE = Path(__file__).parents[2] / "data" / "intake"

CREATED = "2026-01-05T10:00:00Z"


def tickets(slactl: Slactl) -> dict[str, dict[str, Any]]:
    return {ticket["external_id"]: ticket for ticket in json.loads(slactl("list", "--all", "--json").out)}


def targets(slactl: Slactl, name: str) -> dict[str, str]:
    shown = json.loads(slactl("show", name, "--json").out)
    return {timer["target"]: timer["state"] for timer in shown["timers"]}


def events(slactl: Slactl, name: str) -> list[tuple[str, str, str | None]]:
    exported = [json.loads(line) for line in slactl("export").lines]
    return [(each["at"], each["type"], each.get("status")) for each in exported if each["ticket"] == name]


def imported(slactl: Slactl, name: str, form: str = "csv") -> Any:  # noqa: ANN401
    return slactl("import", str(INTAKE / f"{name}.{form}"), "--map", str(INTAKE / f"{name}.toml"))


def test_done_without_a_date_is_unknown(slactl: Slactl) -> None:
    done = imported(slactl, "nodate")
    assert done.code == 0
    assert done.err.count("without a date") == 2
    found = tickets(slactl)
    assert {name: each["status"] for name, each in found.items()} == {"1": "resolved", "2": "closed", "3": "pending"}
    for name in ("ext:1", "ext:2"):
        assert set(targets(slactl, name).values()) == {"unknown"}
    assert targets(slactl, "ext:3")["resolution"] == "paused"


def test_end_before_the_beginning_is_a_bad_row(slactl: Slactl) -> None:
    done = imported(slactl, "neg")
    assert (done.code, tickets(slactl)) == (7, {})
    assert "neg.csv:2:resolved: 2026-01-04T10:00:00Z is before the ticket was created" in done.err


@pytest.mark.parametrize("column", ["first_responded_at", "resolved_at", "closed_at"])
def test_no_end_lies_before_the_beginning_or_in_the_future(slactl: Slactl, column: str) -> None:
    rows = f"ticket,created_at,{column}\nA,{CREATED},2026-01-05T09:59:59Z\nB,{CREATED},2198-01-01T00:00:00Z\n"
    done = slactl("import", "-", "--map", "csv", stdin=rows)
    assert (done.code, tickets(slactl)) == (7, {})
    assert f"stdin:2:{column}: 2026-01-05T09:59:59Z is before the ticket was created" in done.err
    assert f"stdin:3:{column}: 2198-01-01T00:00:00Z lies in the future" in done.err


@pytest.mark.parametrize("status", ["open", "pending", "waiting_customer"])
@pytest.mark.parametrize("column", ["resolved_at", "closed_at"])
def test_status_wins_over_a_stale_date(slactl: Slactl, status: str, column: str) -> None:
    rows = f"ticket,created_at,status,{column}\nA,{CREATED},{status},2026-01-06T10:00:00Z\n"
    done = slactl("import", "-", "--map", "csv", stdin=rows)
    assert done.code == 0
    assert f"warning: stdin:2:{column}: the ticket is {status}, so slactl does not use this date" in done.err
    assert tickets(slactl)["A"]["status"] == status
    assert "met" not in targets(slactl, "A").values()


@pytest.mark.parametrize(
    ("status", "resolved", "closed", "ends"),
    [
        ("resolved", "06", "", [("06", "resolved")]),
        ("resolved", "", "06", [("06", "resolved")]),
        ("closed", "06", "", [("06", "closed")]),
        ("closed", "", "06", [("06", "closed")]),
        ("closed", "06", "07", [("06", "resolved"), ("07", "closed")]),
        ("closed", "07", "06", [("07", "closed")]),
        ("resolved", "06", "07", [("06", "resolved")]),
        ("", "06", "", [("06", "resolved")]),
        ("", "06", "07", [("06", "resolved"), ("07", "closed")]),
        ("", "", "", []),
    ],
)
def test_dates_of_an_end(slactl: Slactl, status: str, resolved: str, closed: str, ends: list[tuple[str, str]]) -> None:
    dates = [f"2026-01-{day}T10:00:00Z" if day else "" for day in (resolved, closed)]
    rows = f"ticket,created_at,status,resolved_at,closed_at\nA,{CREATED},{status},{','.join(dates)}\n"
    assert slactl("import", "-", "--map", "csv", stdin=rows).code == 0
    found = [(at[8:10], value) for at, kind, value in events(slactl, "A") if kind == "status"]
    assert found == ends


def test_status_that_no_word_translates_changes_nothing(slactl: Slactl, tmp_path: Path) -> None:
    assert slactl("import", str(INTAKE / "casc0.csv"), "--map", str(INTAKE / "casc.toml")).code == 0
    before = slactl("export").out
    done = imported(slactl, "casc")
    assert (done.code, done.err.count("error: "), slactl("export").out) == (7, 1, before)


def test_closed_with_a_date_of_resolution_is_closed(slactl: Slactl) -> None:
    assert imported(slactl, "clo").code == 0
    found = tickets(slactl)["1"]
    assert (found["status"], found["resolved_at"]) == ("closed", "2026-01-06T10:00:00Z")


def test_true_and_false_have_a_meaning(slactl: Slactl) -> None:
    assert imported(slactl, "bool", "json").code == 0
    assert tickets(slactl)["1"]["status"] == "open"


def test_tags_are_cut_at_the_separator_only(slactl: Slactl, tmp_path: Path) -> None:
    assert imported(slactl, "tagb").code == 0
    assert tickets(slactl)["1"]["tags"] == ["Needle-Pickup"]
    own = tmp_path / "own.toml"
    own.write_text((INTAKE / "tagb.toml").read_text() + '[tags]\nseparator = " "\n')
    rows = f"id,created,category\n2,{CREATED},Needle Pickup\n"
    assert slactl("import", "-", "--map", str(own), stdin=rows).code == 0
    assert tickets(slactl)["2"]["tags"] == ["Needle", "Pickup"]


def test_encoding_of_the_map_is_read(slactl: Slactl, tmp_path: Path) -> None:
    refused = slactl("import", str(INTAKE / "otrs_1252.csv"), "--map", str(INTAKE / "otrs.toml"))
    assert (refused.code, refused.err.count("error: "), tickets(slactl)) == (2, 1, {})
    assert 'encoding = "cp1252"' in refused.err
    own = tmp_path / "own.toml"
    own.write_text('encoding = "cp1252"\n' + (INTAKE / "otrs.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert slactl("import", str(INTAKE / "otrs_1252.csv"), "--map", str(own)).code == 0
    found = tickets(slactl)
    assert [found[f"20240105100000{end}"]["priority"] for end in ("11", "22")] == ["normal", "urgent"]
    assert found["2024010510000011"]["subject"] == "Drucker druckt nicht größer"


def test_mistyped_column_stops_the_import(slactl: Slactl) -> None:
    done = imported(slactl, "ty")
    assert (done.code, tickets(slactl)) == (2, {})
    assert done.err.startswith("error: the file has no column 'priority', which the map needs for priority; did you")


def test_first_response_is_unknown_unless_people_answer_with_slactl(slactl: Slactl, tmp_path: Path) -> None:
    columns = '[columns]\nticket = "id"\ncreated_at = "created"\nstatus = "status"\n'
    rows = f"id,created,status\nID,{CREATED},open\n"
    for answers, state in (("unknown", "unknown"), ("here", "breached")):
        own = tmp_path / f"{answers}.toml"
        own.write_text(f'answers = "{answers}"\n{columns}')
        done = slactl("import", "-", "--map", str(own), stdin=rows.replace("ID", answers))
        assert (done.code, "does not tell when an agent answered" in done.err) == (0, answers == "unknown")
        assert targets(slactl, answers)["first_response"] == state
        assert targets(slactl, answers)["resolution"] == "breached"


def test_end_is_unknown_where_no_column_tells_it(slactl: Slactl) -> None:
    assert slactl("import", "-", "--map", "csv", stdin=f"ticket,created_at\nA,{CREATED}\n").code == 0
    assert set(targets(slactl, "A").values()) == {"unknown"}
    assert slactl("check", "-q").out == ""


def test_log_that_begins_after_the_end_forges_no_end(slactl: Slactl, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('kind = "events"\n[columns]\nticket = "t"\nat = "at"\ncreated_at = "c"\nstatus = "s"\n')
    rows = f"t,at,c,s\nA,2026-01-09T10:00:00Z,{CREATED},resolved\n"
    assert slactl("import", "-", "--map", str(own), stdin=rows).code == 0
    assert events(slactl, "A") == [(CREATED, "created", "open"), ("2026-01-09T10:00:00Z", "status", "resolved")]


CHANGES = """answers = "here"
optional = true
[columns]
ticket = "id"
created_at = "created"
at = "updated"
status = "status"
resolved_at = "resolved"
closed_at = "closed"
[[changes]]
path = "log"
at = "at"
to = "to"
from = "from"
fields = { status = "status" }
"""


def with_changes(slactl: Slactl, folder: Path, *changes: tuple[str, str, str], **columns: str) -> Any:  # noqa: ANN401
    own = folder / "changes.toml"
    own.write_text(CHANGES)
    log = [{"at": f"2026-01-05T{at}:00Z", "from": before, "to": after} for at, before, after in changes]
    times = {name: f"2026-01-05T{value}:00Z" if ":" in value else value for name, value in columns.items()}
    row = {"id": "A", "created": CREATED, "updated": "2026-01-05T16:00:00Z", "log": log} | times
    return slactl("import", "-", "--map", str(own), stdin=json.dumps([row]))


def test_date_of_an_end_before_a_listed_change_leaves_the_ticket_done_and_unknown(
    slactl: Slactl, tmp_path: Path
) -> None:
    changes = (("11:00", "open", "pending"), ("13:00", "pending", "open"))
    done = with_changes(slactl, tmp_path, *changes, status="resolved", resolved="12:00")
    assert "resolved: the ticket was open after this date" in done.err
    assert tickets(slactl)["A"]["status"] == "resolved"
    assert targets(slactl, "A")["resolution"] == "unknown"
    found = [
        ("2026-01-05T11:00:00Z", "pending"),
        ("2026-01-05T13:00:00Z", "open"),
        ("2026-01-05T16:00:00Z", "resolved"),
    ]
    assert [(at, status) for at, kind, status in events(slactl, "A") if kind == "status"] == found


def test_later_row_with_an_end_before_a_listed_change_is_done_and_unknown(slactl: Slactl, tmp_path: Path) -> None:
    assert with_changes(slactl, tmp_path, ("11:00", "open", "pending"), status="pending", updated="12:00").code == 0
    changes = (("11:00", "open", "pending"), ("14:00", "pending", "open"))
    assert with_changes(slactl, tmp_path, *changes, status="resolved", resolved="13:00").code == 0
    assert tickets(slactl)["A"]["status"] == "resolved"
    assert targets(slactl, "A")["resolution"] == "unknown"


def test_old_date_does_not_end_a_ticket_that_the_changes_reopened(slactl: Slactl, tmp_path: Path) -> None:
    changes = (("11:00", "open", "resolved"), ("13:00", "resolved", "open"))
    assert with_changes(slactl, tmp_path, *changes, resolved="11:00").code == 0
    assert tickets(slactl)["A"]["status"] == "open"
    assert len([kind for _, kind, _ in events(slactl, "A") if kind == "status"]) == 2


def test_ticket_that_the_changes_resolve_is_closed_at_the_date_of_its_row(slactl: Slactl, tmp_path: Path) -> None:
    done = with_changes(
        slactl, tmp_path, ("11:00", "open", "resolved"), status="closed", resolved="11:00", closed="14:00"
    )
    assert done.code == 0
    assert events(slactl, "A")[1:] == [
        ("2026-01-05T11:00:00Z", "status", "resolved"),
        ("2026-01-05T14:00:00Z", "status", "closed"),
    ]


def test_end_of_a_row_without_a_status_is_its_date(slactl: Slactl, tmp_path: Path) -> None:
    assert with_changes(slactl, tmp_path, ("11:00", "open", "pending"), status="", resolved="12:00").code == 0
    assert events(slactl, "A")[-1] == ("2026-01-05T12:00:00Z", "status", "resolved")


@pytest.mark.parametrize("status", ["open", "pending", "waiting_customer"])
def test_ticket_without_a_listed_change_of_the_status_had_it_from_the_beginning(
    slactl: Slactl, tmp_path: Path, status: str
) -> None:
    assert with_changes(slactl, tmp_path, status=status).code == 0
    assert events(slactl, "A") == [(CREATED, "created", status)]
    assert targets(slactl, "A")["resolution"] == ("breached" if status == "open" else "paused")


def test_ticket_that_is_done_without_a_listed_change_of_the_status_was_open_before(
    slactl: Slactl, tmp_path: Path
) -> None:
    assert with_changes(slactl, tmp_path, status="resolved", resolved="12:00").code == 0
    assert events(slactl, "A") == [(CREATED, "created", "open"), ("2026-01-05T12:00:00Z", "status", "resolved")]
