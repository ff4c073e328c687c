"""`list`: every filter, order and form, and what is refused."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Slactl

pytest_plugins = ["busy_desk"]

pytestmark = pytest.mark.usefixtures("busy")

#: The columns that scripts rely on, in their order.
COLUMNS = (
    "id external_id source tenant plan requester_email subject status priority assignee tags policy "
    "created_at updated_at "
    "first_response_due_at first_responded_at first_response_state next_response_due_at next_response_state "
    "update_due_at update_state resolution_due_at resolved_at resolution_state "
    "due_at due_target overdue_seconds breached ever_breached escalated escalation_level acked_until pending_until "
    "next_escalation next_level next_level_at"
)
FIELDS = COLUMNS.split()


def ids(slactl: Slactl, *options: str) -> list[int]:
    result = slactl("list", "-q", *options)
    assert result.code == 0, result.err
    return [int(line) for line in result.lines]


def test_open_tickets_with_the_most_urgent_deadline_first(slactl: Slactl) -> None:
    assert ids(slactl) == [6, 4, 8, 5, 2, 7]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--breached", [6]),
        ("--breached --target first_response", [6]),
        ("--breached --target resolution", []),
        ("--breached --target resolution --target any", [6]),
        ("--ever-breached", [6, 2]),
        ("--ever-breached --all", [6, 1, 2]),
        ("--ever-breached --all --target resolution", [1]),
        ("--ever-breached --all --target first_response", [6, 2]),
        ("--ever-breached --all --target first_response --target resolution", [6, 1, 2]),
        ("--due-within 1h", [4]),
        ("--due-within 59m", []),
        ("--due-within 1d", [4, 8]),
        ("--due-within 9h --target resolution", [6]),
        ("--due-within 1d --target first_response", [4, 8]),
        ("--target resolution", [6, 4, 8, 5, 2]),
        ("--target first_response", [6, 4, 8]),
        ("--target next_response", []),
        ("--paused", [2]),
        ("--paused --target first_response", []),
        ("--paused --target resolution", [2]),
        ("--escalated", [5]),
        ("--unassigned", [6, 8, 7]),
        ("--no-sla", [7]),
        ("--status open", [6, 4, 8, 5, 7]),
        ("--status open --status waiting_customer", [6, 4, 8, 5, 2, 7]),
        ("--status closed", [1]),
        ("--status resolved --status closed", [1, 3]),
        ("--status closed --status open", [6, 4, 8, 5, 1, 7]),
        ("--priority urgent", [6]),
        ("--priority urgent --priority high", [6, 5]),
        ("--plan enterprise", [6, 4]),
        ("--plan enterprise --plan pro", [6, 4, 8, 5, 2]),
        ("--plan enterprise --priority urgent", [6]),
        ("--tenant acme", [6]),
        ("--tenant acme --tenant globex", [6, 4]),
        ("--assignee bob", [5]),
        ("--assignee me", [4, 2]),
        ("--assignee me --assignee bob", [4, 5, 2]),
        ("--assignee stranger", []),
        ("--requester bob@example.com", [5]),
        ("--requester bob@example.com --all", [5, 1, 3]),
        ("--tag vip", [6, 5]),
        ("--tag reports --tag vip", [6, 5]),
        ("--tag vip --assignee bob", [5]),
        ("--search invoice", [4]),
        ("--search globex", [4]),
        ("--search inc4", [4]),
        ("--search BROWSER", [2]),
        ("--search österREICH", [2]),
        ("--search 100%", [5]),
        ("--search 1_0", []),
        ("--search invoice --search slow", [4, 5]),
        ("--search question", []),
        ("--search question --all", [1]),
        ("--all", [6, 4, 8, 5, 1, 2, 3, 7]),
        ("--sort created", [8, 7, 6, 5, 4, 2]),
        ("--sort updated", [8, 5, 7, 6, 2, 4]),
        ("--sort priority", [6, 5, 4, 8, 2, 7]),
        ("--sort urgency", [6, 5, 4, 8, 2, 7]),
        ("--sort urgency --at 2026-03-06T12:00:00Z", [6, 5, 4, 8, 2, 7]),
        ("--sort urgency --at 2026-03-02T13:00:01Z", [6, 4, 5, 8, 2, 7]),
        ("--limit 2", [6, 4]),
        ("--limit 5", [6, 4, 8, 5, 2]),
        ("--limit 0", [6, 4, 8, 5, 2, 7]),
        ("--limit 1 --sort created", [8]),
        ("--at 2026-03-02T13:00:01Z --breached", [6, 4]),
        ("--at 2026-03-02T13:00:00Z --breached", [6]),
        ("--at 2026-03-02T11:00:00Z --breached", []),
    ],
)
def test_filters(options: str, expected: list[int], slactl: Slactl) -> None:
    assert ids(slactl, *options.split()) == expected


def test_json_has_the_fields_of_the_contract_in_its_order(slactl: Slactl) -> None:
    tickets = json.loads(slactl("list", "--all", "--json").out)
    assert [list(ticket) for ticket in tickets] == [FIELDS] * 8


def test_json_of_a_ticket_that_is_late(slactl: Slactl) -> None:
    (ticket,) = json.loads(slactl("list", "--breached", "--json").out)
    assert ticket == {
        "id": 6,
        "external_id": None,
        "source": None,
        "tenant": "acme",
        "plan": "enterprise",
        "requester_email": "it@acme.example",
        "subject": "VPN is down",
        "status": "open",
        "priority": "urgent",
        "assignee": None,
        "tags": ["vip"],
        "policy": "enterprise",
        "created_at": "2026-03-02T09:00:00Z",
        "updated_at": "2026-03-02T09:00:00Z",
        "first_response_due_at": "2026-03-02T11:00:00Z",
        "first_responded_at": None,
        "first_response_state": "breached",
        "next_response_due_at": None,
        "next_response_state": "none",
        "update_due_at": None,
        "update_state": "none",
        "resolution_due_at": "2026-03-02T21:00:00Z",
        "resolved_at": None,
        "resolution_state": "running",
        "due_at": "2026-03-02T11:00:00Z",
        "due_target": "first_response",
        "overdue_seconds": 3600,
        "breached": True,
        "ever_breached": True,
        "escalated": False,
        "escalation_level": 0,
        "acked_until": None,
        "pending_until": None,
        "next_escalation": None,
        "next_level": None,
        "next_level_at": None,
    }


def test_json_of_a_ticket_that_waits_for_the_customer(slactl: Slactl) -> None:
    (ticket,) = json.loads(slactl("list", "--paused", "--json").out)
    states = {name: ticket[name] for name in FIELDS if name.endswith("_state")}
    assert states == {
        "first_response_state": "breached",
        "next_response_state": "none",
        "update_state": "none",
        "resolution_state": "paused",
    }
    assert (ticket["due_at"], ticket["overdue_seconds"], ticket["breached"]) == (None, None, False)
    assert ticket["ever_breached"] is True


#: The columns of a pipe.
PLAIN = [
    *("id", "due_at", "due_target", "overdue_seconds", "priority", "status", "assignee", "next_level_at"),
    *("plan", "subject"),
]


def test_a_pipe_gets_tab_separated_lines_with_the_columns_of_the_contract(slactl: Slactl) -> None:
    line = "6\t2026-03-02T11:00:00Z\tfirst_response\t3600\turgent\topen\t\t\tenterprise\tVPN is down\n"
    assert slactl("list", "--breached").out == line
    assert slactl("list", "--breached", "--header").out == "\t".join(PLAIN) + "\n" + line
    assert slactl("list", "--unassigned", "--header", "--fields", "subject,id", "--limit", "1").lines == [
        "subject\tid",
        "VPN is down\t6",
    ]
    assert slactl("list", "--assignee", "stranger", "--header").lines == ["\t".join(PLAIN)]


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "ids"])
def test_a_header_changes_no_form_but_plain(form: str, slactl: Slactl) -> None:
    assert slactl("list", "--format", form, "--header").out == slactl("list", "--format", form).out


def test_csv(slactl: Slactl) -> None:
    rows = list(csv.DictReader(io.StringIO(slactl("list", "--all", "--format", "csv").out)))
    assert list(rows[0]) == FIELDS
    assert [row["id"] for row in rows] == ["6", "4", "8", "5", "1", "2", "3", "7"]


def test_json_lines(slactl: Slactl) -> None:
    lines = slactl("list", "--format", "jsonl").lines
    assert [json.loads(line)["id"] for line in lines] == [6, 4, 8, 5, 2, 7]


def test_fields_select_and_order(slactl: Slactl) -> None:
    assert slactl("list", "--breached", "--fields", "subject,id").out == "VPN is down\t6\n"


@pytest.mark.parametrize("form", ["plain", "json", "jsonl", "csv", "ids", "table"])
def test_an_empty_list_is_a_success(form: str, slactl: Slactl) -> None:
    result = slactl("list", "--assignee", "stranger", "--format", form)
    assert result.code == 0
    assert result.out == {"json": "[]\n", "csv": ",".join(FIELDS) + "\n"}.get(form, "")
    assert result.err == ("no tickets match\n" if form == "table" else "")


def test_table_at_80_columns(slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert [line.rstrip() for line in slactl("list", "--format", "table").lines] == [
        "ID  Due          Target          Priority  Status   Assignee  Subject",
        " 6  1h late      first response  urgent    open     nobody    VPN is down",
        " 4  in 1h        first response  normal    open     mia       Invoice is wrong",
        " 8  in 23h       first response  normal    open     nobody    [bold red]Sale[/]…",
        " 5  in 2d 20h    resolution      high      open     bob       Slow report",
        " 2  paused                       normal    waiting  mia       Cannot log in",
        " 7  no deadline                  normal    open     nobody    Trial feature",
        "6 tickets",
    ]


def test_table_at_120_columns(slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    lines = slactl("list", "--format", "table", "--limit", "2").lines
    assert [line.rstrip() for line in lines] == [
        "ID  Due      Target          Priority  Status  Assignee  Next  Plan        Subject",
        " 6  1h late  first response  urgent    open    nobody          enterprise  VPN is down",
        " 4  in 1h    first response  normal    open    mia             enterprise  Invoice is wrong",
        "2 of 6 shown; --limit 0 for all",
    ]


def test_table_with_chosen_fields(slactl: Slactl) -> None:
    lines = slactl("list", "--format", "table", "--fields", "id,due_at", "--limit", "1").lines
    assert [line.split() for line in lines[:2]] == [["id", "due_at"], ["6", "2026-03-02T11:00:00Z"]]


def test_colour_when_it_is_asked_for(slactl: Slactl) -> None:
    coloured = slactl("--color", "always", "list", "--format", "table").out
    assert "\x1b[1;38;5;163m1h late" in coloured
    assert "\x1b[38;5;131min 1h" in coloured
    assert "\x1b" not in slactl("list", "--format", "table").out


def test_due_soon_is_what_the_rules_say(slactl: Slactl, tmp_path: Path, busy: object) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[settings]\ndue_soon = "30m"\n', encoding="utf-8")
    coloured = slactl("--color", "always", "--rules", str(rules), "list", "--format", "table")
    assert "\x1b[38;5;131min 1h" not in coloured.out
    assert "in 1h" in coloured.out


def test_broken_rules_do_not_keep_anybody_from_looking(slactl: Slactl, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[settings", encoding="utf-8")
    result = slactl("--rules", str(rules), "list", "--format", "table")
    assert result.code == 0
    assert "VPN is down" in result.out
    assert "slactl uses 2h" in result.err


@pytest.mark.parametrize("form", ["plain", "json", "jsonl", "csv", "table"])
def test_a_hostile_subject_does_nothing_in_any_form(form: str, slactl: Slactl) -> None:
    out = slactl("list", "--search", "Sale", "--format", form).out
    assert "[bold red]Sale[/]" in out
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", out)
    assert len(out.splitlines()) == {"json": 3, "csv": 2, "table": 3}.get(form, 1)


def test_json_keeps_a_hostile_subject_exactly(slactl: Slactl) -> None:
    (ticket,) = json.loads(slactl("list", "--search", "Sale", "--json").out)
    assert ticket["subject"].startswith("[bold red]Sale[/] \x1b[31mnow")
    assert "\u202efdp.exe" in ticket["subject"]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ("--priority hgih", 2, "high"),
        ("--status waiting", 2, "waiting_customer"),
        ("--target response", 2, "first_response"),
        ("--sort age", 2, "created"),
        ("--limit -1", 2, "limit"),
        ("--limit many", 2, "limit"),
        ("--due-within soon", 2, "soon"),
        ("--due-within 2bd", 2, "business days"),
        ("--due-within -2h", 2, "-2h"),
        ("--at someday", 2, "someday"),
        ("--fields id,subjekt", 2, "did you mean subject"),
        ("--format json -q", 2, "one form"),
        ("--format xml", 2, "jsonl"),
        ("--tenant acmee", 3, "did you mean acme"),
        ("--plan enterprize", 3, "did you mean enterprise"),
        ("--tenant acme --tenant nobody", 3, "nobody"),
        ("@mine", 3, "there is no view '@mine'"),
        ("mine", 2, "a view begins with @"),
    ],
)
def test_what_is_refused(options: str, code: int, message: str, slactl: Slactl) -> None:
    result = slactl("list", *options.split())
    assert (result.code, result.out) == (code, "")
    assert message in result.err
    assert "Traceback" not in result.err


def test_an_empty_search_is_refused(slactl: Slactl) -> None:
    assert slactl("list", "--search", "").code == 2


def test_a_plan_that_only_the_rules_name_is_known(slactl: Slactl, desk: Path) -> None:
    # `desk` is empty: no ticket has any plan.
    assert slactl("list", "--plan", "enterprise").code == 0
    assert slactl("list", "--plan", "nonsense").code == 3


def test_a_missing_database_is_not_created(slactl: Slactl, tmp_path: Path) -> None:
    result = slactl("--db", str(tmp_path / "typo.db"), "list")
    assert result.code == 6
    assert result.err.endswith(f"hint: slactl --db {tmp_path / 'typo.db'} init\n")
    assert list(tmp_path.glob("typo.db*")) == []


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("", 10),
        ("--breached", 10),
        ("--tenant acme", 10),
        ("--tenant globex", 0),
        ("--limit 1 --sort created", 10),
        ("--assignee stranger", 0),
        ("--tenant globex --at 2026-03-02T14:00:00Z", 10),
    ],
)
def test_exit_code_says_whether_a_listed_ticket_is_breached(options: str, code: int, slactl: Slactl) -> None:
    assert slactl("list", "--exit-code", *options.split()).code == code
    assert slactl("list", *options.split()).code == 0


def test_more_than_memory_is_spooled_and_complete(slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slactl.show.records.MANY", 3)
    monkeypatch.setattr("slactl.show.records.CHUNK", 100)
    assert [ticket["id"] for ticket in json.loads(slactl("list", "--json").out)] == [6, 4, 8, 5, 2, 7]


@pytest.mark.parametrize(
    "words",
    [
        "list --breached",
        "list --json --plan pro --tenant acme --search x --assignee me",
        "list -q",
        "list --format csv",
        "show 6 --json",
        "show 6",
        "summary --json --by plan --since 2026-01-01",
        "summary",
        "history 6",
        "audit list --json",
    ],
)
def test_looking_on_a_pipe_loads_nothing_heavy(words: str) -> None:
    code = (
        "import sys; from slactl.__main__ import run\n"
        f"code = run({words.split()!r})\n"
        "heavy = [m for m in ('rich', 'sqlmodel', 'sqlalchemy', 'pydantic', 'holidays', 'tomli_w', "
        "'tomlkit', 'slactl.sla.rules.rules', 'slactl.sla.timers.replay') if m in sys.modules]\n"
        "print(code, heavy, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=True
    )
    assert done.stderr == "0 []\n"
    assert done.stdout
