"""`sync` runs the commands of sources and imports what they print, or changes nothing."""

import fcntl
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory
from source_desk import add_source, issues, prints, runs, script, tickets

BEGINNING = "1970-01-01T00:00:00Z"


def test_first_run_lists_everything_and_later_runs_overlap_the_last_good_one(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    script(desk, f"print({issues(1)!r}); open({str(desk.with_name('since'))!r}, 'a').write(sys.argv[1] + chr(10))")
    add_source(desk)
    for at in ("2026-03-02T09:00:00Z", "2026-03-02T09:05:00Z", "2026-03-03T09:05:30Z"):
        clock.move_to(at)
        assert slactl("sync").code == 0
    given = desk.with_name("since").read_text().split()
    assert given == [BEGINNING, "2026-03-02T08:50:00Z", "2026-03-02T08:55:00Z"]
    assert [run["since"] for run in runs(desk)] == given
    assert [(run["source"], run["started_at"], run["exit_code"], run["error"]) for run in runs(desk)][2] == (
        *("github", "2026-03-03T09:05:30Z", 0, None),
    )
    assert [run["opened"] for run in runs(desk)] == [1, 0, 0]


def test_run_of_a_wrong_clock_in_the_future_hides_no_changes(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    prints(desk, issues(1))
    add_source(desk)
    clock.move_to("2027-03-02T09:00:00Z")
    assert slactl("sync").code == 0
    clock.move_to("2026-03-02T09:00:00Z")
    assert slactl("sync").code == 0
    assert runs(desk)[1]["since"] == "2026-03-02T08:50:00Z"


def test_imports_as_import_does(desk: Path, slactl: Slactl) -> None:
    prints(desk, issues(1, 2, state="CLOSED", closedAt="2026-03-02T10:00:00Z"))
    add_source(desk)
    result = slactl("sync")
    assert result.code == 0
    assert result.out.startswith("github: 2 tickets opened, 0 changed, ")
    other = desk.with_name("other.db")
    assert slactl("--db", str(other), "init").code == 0
    assert slactl("--db", str(other), "import", str(desk.with_name("output")), "--map", "github").code == 0
    assert tickets(desk) == tickets(other)
    assert len(tickets(desk)) == 2


def test_name_of_the_source_wins_over_the_source_of_its_map(desk: Path, slactl: Slactl) -> None:
    columns = 'ticket = "number"\ncreated_at = "createdAt"\n'
    desk.with_name("mine.toml").write_text(f'source = "elsewhere"\n[columns]\n{columns}')
    prints(desk, issues(1))
    for name in ("upstream", "fork"):
        add_source(desk, name=name, map_="mine.toml")
    assert slactl("sync").code == 0
    found = json.loads(slactl("list", "--all", "--json").out)
    assert [(ticket["source"], ticket["external_id"]) for ticket in found] == [("upstream", "1"), ("fork", "1")]


def test_source_without_a_map_prints_a_history_file(desk: Path, slactl: Slactl) -> None:
    line = {"ticket": "A-1", "at": "2026-03-02T09:00:00Z", "type": "created", "subject": "Printer"}
    prints(desk, json.dumps(line))
    add_source(desk, map_=None)
    assert slactl("sync").code == 0
    assert tickets(desk) == [("A-1", "Printer", "open")]


def test_ticket_that_is_created_while_the_command_runs_does_not_lie_in_the_future(desk: Path, slactl: Slactl) -> None:
    body = f"""
begun = int(time.time())
while int(time.time()) == begun: pass
issues = json.loads({issues(1)!r})
issues[0]["createdAt"] = issues[0]["updatedAt"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
print(json.dumps(issues))
"""
    script(desk, body)
    add_source(desk)
    assert (slactl("sync").code, len(tickets(desk))) == (0, 1)


# Failures.

NONSENSE = {
    "nothing": "",
    "words": "Please log in first.\n",
    "page": "<!DOCTYPE html>\n<html><body>Sign in</body></html>\n",
    "an error": '{"message": "Bad credentials", "status": "401"}',
    "another list": '{"errors": [{"code": 7}], "data": null}',
    "a broken list": '[{"number": 1, "createdAt"',
    "a list that breaks off after a ticket": f"{issues(1)[:-1]}, ",
    "bytes": "\x00\x01\x02",
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_changes_nothing_and_the_next_run_lists_the_same(desk: Path, slactl: Slactl, kind: str) -> None:
    prints(desk, issues(7))
    add_source(desk)
    assert slactl("sync").code == 0
    before, text = tickets(desk), slactl("export").out
    prints(desk, NONSENSE[kind])
    result = slactl("sync")
    assert result.code == 7
    assert "error: github: " in result.err
    assert "Traceback" not in result.err
    assert (tickets(desk), slactl("export").out) == (before, text)
    failed = runs(desk)[1]
    assert (failed["exit_code"], failed["opened"], failed["error"] is not None) == (7, 0, True)
    prints(desk, issues(1, 7))
    assert slactl("sync").code == 0
    assert runs(desk)[2]["since"] == failed["since"]
    assert len(tickets(desk)) == 2


def test_failed_command_changes_nothing_though_it_printed_tickets(desk: Path, slactl: Slactl) -> None:
    script(desk, f"print({issues(1)!r}); print('HTTP 401: Bad credentials', file=sys.stderr); sys.exit(4)")
    add_source(desk)
    result = slactl("sync", "-q")
    what = "./list.py ended with exit code 4: HTTP 401: Bad credentials"
    assert (result.code, result.out, result.err) == (7, "", f"error: github: {what}\n")
    assert (tickets(desk), runs(desk)[0]["error"]) == ([], what)


def test_command_that_a_signal_ends_has_failed(desk: Path, slactl: Slactl) -> None:
    script(desk, f"print({issues(1)!r}, flush=True); os.kill(os.getpid(), signal.SIGTERM)")
    add_source(desk)
    result = slactl("sync")
    assert (result.code, result.err) == (7, "error: github: ./list.py ended by the signal SIGTERM\n")
    assert tickets(desk) == []


def test_other_sources_run_after_one_that_fails(desk: Path, slactl: Slactl) -> None:
    prints(desk, issues(1))
    add_source(desk, "no-such-program-anywhere", name="first")
    add_source(desk, name="second")
    result = slactl("sync", "--json")
    assert result.code == 7
    found = json.loads(result.out)
    assert [(run["source"], run["exit_code"], run["opened"]) for run in found] == [("first", 7, 0), ("second", 0, 1)]
    assert found[0]["error"].startswith("the program no-such-program-anywhere is not in PATH (")
    assert len(tickets(desk)) == 1


def test_run_with_bad_rows_is_good_and_ends_with_7(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    listed = json.loads(issues(1, 2))
    listed[1]["createdAt"] = "yesterday"
    prints(desk, json.dumps(listed))
    add_source(desk)
    result = slactl("sync", "-q")
    assert result.code == 7
    assert result.err.startswith("error: github:2:createdAt: ")
    (run,) = runs(desk)
    assert (run["exit_code"], run["error"], run["opened"], run["bad"]) == (7, None, 1, 1)
    clock.tick(300)
    slactl("sync")
    assert runs(desk)[1]["since"] == "2026-03-02T08:50:00Z"


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: path.unlink(), "./list.py cannot be started: No such file or directory"),
        (lambda path: path.chmod(0o644), "./list.py cannot be started: Permission denied"),
        (lambda path: (path.unlink(), path.mkdir()), "./list.py cannot be started: Permission denied"),
        (lambda path: path.write_text("print([])"), "./list.py cannot be started: Exec format error"),
        (lambda path: path.write_text("#!/no/such/python\n"), "./list.py cannot be started: No such file or directory"),
    ],
)
def test_command_that_cannot_be_started_is_named(desk: Path, slactl: Slactl, make: object, told: str) -> None:
    prints(desk, issues(1))
    add_source(desk)
    make(desk.with_name("list.py"))  # type: ignore[operator]
    result = slactl("sync")
    assert (result.code, result.err.splitlines()[0]) == (7, f"error: github: {told}")
    if result.err.count("hint"):
        subprocess.run(["sh", "-c", result.err.splitlines()[1].removeprefix("hint: ")], check=True)
        assert slactl("sync").code == 0


# Names, dry runs, the lock.


def test_only_the_named_sources_run(desk: Path, slactl: Slactl) -> None:
    prints(desk, issues(1))
    for name in ("github", "jira", "zendesk"):
        add_source(desk, name=name)
    assert slactl("sync", "zendesk", "jira").code == 0
    assert [run["source"] for run in runs(desk)] == ["jira", "zendesk"]
    result = slactl("sync", "jria")
    assert (result.code, result.out) == (3, "")
    assert result.err.splitlines() == [
        "error: there is no source 'jria'; did you mean jira? (known: github, jira, zendesk)",
        "hint: slactl sync jira",
    ]
    assert len(runs(desk)) == 2


def test_rules_without_sources_have_nothing_to_sync(desk: Path, slactl: Slactl) -> None:
    assert (slactl("sync", "-q").code, slactl("sync", "-q").out) == (0, "")
    assert slactl("sync").out == f"{desk.with_name('rules.toml')} has no [[source]]: slactl help import\n"
    assert slactl("sync", "--json").out == "[]\n"


def test_dry_run_changes_and_records_nothing(desk: Path, slactl: Slactl) -> None:
    prints(desk, issues(1))
    add_source(desk)
    result = slactl("sync", "-n")
    assert (result.code, result.out) == (
        0,
        "github: 1 ticket would be opened, 0 would be changed, 1 event would be added\n",
    )
    assert (tickets(desk), runs(desk)) == ([], [])
    (told,) = json.loads(slactl("sync", "-n", "--json").out)
    assert (told["id"], told["dry_run"], told["opened"], told["since"]) == (None, True, 1, BEGINNING)
    assert slactl("sync").code == 0
    assert runs(desk)[0]["since"] == BEGINNING


def test_quiet_run_is_silent_unless_something_happened(desk: Path, slactl: Slactl) -> None:
    prints(desk, issues(1))
    add_source(desk)
    assert slactl("sync", "-q").out.startswith("github: 1 ticket opened")
    result = slactl("sync", "-q")
    assert (result.code, result.out, result.err) == (0, "", "")


def test_one_sync_runs_at_a_time_and_check_goes_on(desk: Path, slactl: Slactl) -> None:
    prints(desk, issues(1))
    add_source(desk)
    with open(desk.with_name("slactl.db.sync.lock"), "w") as handle:
        os.fchmod(handle.fileno(), 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        result = slactl("sync")
        assert (result.code, result.err) == (75, "error: another sync is running\nhint: slactl doctor\n")
        silent = slactl("sync", "-q")
        assert (silent.code, silent.out, silent.err) == (75, "", "")
        assert slactl("check", "-q").code == 0
        held = next(
            each for each in json.loads(slactl("doctor", "--json").out)["checks"] if each["check"] == "sync lock"
        )
        assert str(os.getpid()) in held["found"]
    assert runs(desk) == []
    assert slactl("sync").code == 0


def test_invalid_rules_run_nothing(desk: Path, slactl: Slactl) -> None:
    prints(desk, issues(1))
    add_source(desk)
    assert slactl("check").code == 0
    rules = desk.with_name("rules.toml")
    rules.write_text(rules.read_text().replace("[settings]", "[setings]", 1))
    assert slactl("sync").code == 4
    assert (tickets(desk), runs(desk)) == ([], [])


def test_missing_database_is_told_before_anything_runs(desk: Path, slactl: Slactl) -> None:
    mark = desk.with_name("mark")
    script(desk, f"open({str(mark)!r}, 'w')")
    add_source(desk)
    desk.unlink()
    assert (slactl("sync").code, mark.exists()) == (6, False)


def test_every_message_names_its_source(desk: Path, slactl: Slactl) -> None:
    prints(desk, "ticket,created_at,subject\nA-1,2026-03-02T08:00:00Z,VPN\nA-2,yesterday,Printer\n")
    for name in ("north", "south"):
        add_source(desk, name=name, map_="csv")
    result = slactl("sync")
    assert result.code == 7
    said = [re.match(r"(warning|error): (north|south)(: |:\d+:)", line) for line in result.err.splitlines()]
    assert [match and match.group(1, 2) for match in said] == [
        (kind, name) for name in ("north", "south") for kind in ("warning", "warning", "error")
    ]
    assert all(line.startswith(("north: ", "south: ")) for line in result.out.splitlines())


def test_quiet_run_reports_a_bad_row_in_every_run_that_lists_it(desk: Path, slactl: Slactl) -> None:
    """As `check -q` reports a problem in every run until somebody fixes it; warnings are no problems."""
    prints(desk, "ticket,created_at\nA-1,2026-03-02T08:00:00Z\nA-2,yesterday\n")
    add_source(desk, name="north", map_="csv")
    assert "warning: " in slactl("sync").err
    for _ in range(2):
        result = slactl("sync", "-q")
        assert (result.code, result.out) == (
            7,
            "north: 0 tickets opened, 0 changed, 0 events added, 1 problem listed above\n",
        )
        assert [line.startswith("error: north:3:created_at: ") for line in result.err.splitlines()] == [True]
    prints(desk, "ticket,created_at\nA-1,2026-03-02T08:00:00Z\n")
    result = slactl("sync", "-q")
    assert (result.code, result.out, result.err) == (0, "", "")
