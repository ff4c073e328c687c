"""`check` as a job: the clock it believes, the row it leaves, what it tells monitors."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from conftest import MONDAY, Slactl
from escalation_desk import check, ladder, opened, policy, rows, said, write_rules
from freezegun.api import FrozenDateTimeFactory
from prometheus_client.parser import text_string_to_metric_families

from slactl.clock import BootClock, boot_clock, jumped
from slactl.config import resolve
from slactl.desk.escalation import monitoring
from slactl.desk.escalation.check import check as run_check
from slactl.desk.escalation.run import Report, RunOptions
from slactl.desk.ledger.desk import Desk

Clock = FrozenDateTimeFactory

LONG = policy(resolution="10h")
STEPS = ladder("resolution", "warn 80%", "breach 0m", "manager +1h")
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def late(desk: Path, slactl: Slactl, clock: Clock) -> Path:
    """A desk with a ticket that is an hour late."""
    write_rules(desk, LONG, STEPS)
    opened(slactl)
    clock.move_to("2026-03-02T20:00:00Z")
    return desk


def run_at(wall: datetime, boot: BootClock | None, **options: Any) -> Report:  # noqa: ANN401  (the fields of RunOptions)
    return run_check(Desk.of(resolve(os.environ)), wall, RunOptions(boot=boot, **options))


# The clock


def test_the_boot_clock_of_this_machine_runs() -> None:
    first, second = boot_clock(), boot_clock()
    assert first is not None
    assert second is not None
    assert (first.boot_id, first.seconds > 0) == (second.boot_id, True)
    assert second.seconds >= first.seconds


@pytest.mark.parametrize(
    ("then", "at", "boot", "by"),
    [
        (BootClock("a", 100), NINE + timedelta(minutes=5), BootClock("a", 400), 0),
        (BootClock("a", 100), NINE + timedelta(days=1), BootClock("a", 400), 86_100),
        (BootClock("a", 100), NINE - timedelta(hours=1), BootClock("a", 400), -3900),
        (BootClock("a", 100), NINE + timedelta(days=1), BootClock("b", 4), 0),  # nobody knows how long it was off
    ],
)
def test_a_jump_is_what_the_wall_clock_went_beyond_the_boot_clock(
    then: BootClock, at: datetime, boot: BootClock, by: int
) -> None:
    assert jumped(NINE, then, at, boot) == by


@pytest.mark.parametrize(("days", "direction"), [(3650, "forward"), (-1, "back")])
def test_a_clock_that_was_set_changes_nothing_and_says_so(late: Path, days: int, direction: str) -> None:
    run_at(NINE, BootClock("a", 1000))
    before = rows(late, "SELECT (SELECT count(*) FROM event), (SELECT max(version) FROM ticket)")
    for wait in (300, 600):  # not only the first time: somebody has to look
        report = run_at(NINE + timedelta(days=days), BootClock("a", 1000 + wait))
        assert (report.code, report.scanned, report.firings) == (7, 0, [])
        assert f"the clock was set {direction} by" in report.problems[0]
    assert rows(late, "SELECT (SELECT count(*) FROM event), (SELECT max(version) FROM ticket)") == before
    assert rows(late, "SELECT exit_code FROM run ORDER BY id") == [(0,), (7,), (7,)]


def test_a_clock_that_was_set_back_right_is_believed_again(late: Path) -> None:
    run_at(NINE, BootClock("a", 1000))
    assert run_at(NINE + timedelta(days=9), BootClock("a", 1300)).code == 7
    report = run_at(NINE + timedelta(hours=12), BootClock("a", 1000 + 12 * 3600))
    assert (report.code, report.escalated) == (0, 2)


def test_a_person_who_trusts_the_clock_has_it_believed_from_then_on(late: Path) -> None:
    run_at(NINE, BootClock("a", 1000))
    report = run_at(NINE + timedelta(days=1), BootClock("a", 1300), trust_clock=True)
    assert (report.code, report.escalated) == (0, 2)
    assert run_at(NINE + timedelta(days=1, minutes=5), BootClock("a", 1600)).code == 0


def test_each_machine_compares_its_clock_with_its_own_last_run(late: Path) -> None:
    run_at(NINE, BootClock("a", 1000))
    assert run_at(NINE + timedelta(minutes=5), BootClock("b", 70)).code == 0
    jumped_ahead = run_at(NINE + timedelta(days=1), BootClock("a", 1600))
    assert (jumped_ahead.code, len(jumped_ahead.problems)) == (7, 1)
    assert jumped_ahead.problems[0].startswith("the clock was set forward by ")
    assert run_at(NINE + timedelta(minutes=10), BootClock("b", 370)).code == 0
    assert run_at(NINE + timedelta(minutes=15), BootClock("a", 1900)).code == 0


@pytest.mark.parametrize("boot", [BootClock("b", 10), BootClock("a", 1000 + 86_400 - 60), None])
def test_after_a_restart_a_small_correction_or_without_a_boot_clock_nothing_is_doubted(
    late: Path, boot: BootClock | None
) -> None:
    run_at(NINE, BootClock("a", 1000))
    assert run_at(NINE + timedelta(days=1), boot).code == 0


def test_the_command_line_compares_the_clocks_itself(
    late: Path, slactl: Slactl, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert slactl("check", "-q").code == 0
    monkeypatch.delenv("SLACTL_TRUST_CLOCK")
    clock.move_to("2026-03-13T08:00:00Z")  # while the boot clock of this machine moves by minutes at most
    doubted = slactl("check", "-q")
    assert (doubted.code, doubted.out.count("\n")) == (7, 1)
    assert "forward by 10d" in doubted.err
    assert "slactl check --trust-clock" in doubted.err
    assert slactl("check", "--dry-run").code == 0
    assert slactl("check", "-q", "--trust-clock").code == 0
    assert slactl("check", "-q").code == 0


# The row it leaves, and the rehearsal


def test_a_run_shows_what_it_counted_and_what_it_fired(late: Path, slactl: Slactl) -> None:
    report = check(slactl)
    listed = json.loads(slactl("runs", "list", "--json").out)
    assert [(run["scanned"], run["breached"], run["fired"], run["exit_code"]) for run in listed] == [(1, 1, 2, 0)]
    assert listed[0]["skipped"] == {"expired": 1}
    assert listed[0]["duration_ms"] is not None
    assert listed[0]["rules_version"] == 1
    shown = json.loads(slactl("runs", "show", "1", "--json").out)
    assert [said(each) for each in shown["escalations"]] == [said(each) for each in report["firings"]]
    plain = slactl("runs", "show", "1").out
    assert "breached\t1\n" in plain
    assert len([line for line in plain.splitlines() if line.startswith("escalation\t")]) == 3


def test_a_run_that_ends_with_an_error_says_so_in_its_row(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, "no rules at all")
    assert slactl("check", "-q").code == 4  # and no valid version was ever used
    assert rows(desk, "SELECT exit_code, ended_at FROM run") == [(4, MONDAY)]


def without_own(firings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    own = ("id", "run_id", "fired_at")
    return [{name: value for name, value in firing.items() if name not in own} for firing in firings]


def test_a_rehearsal_lists_the_firings_of_the_run_that_follows(
    desk: Path, slactl: Slactl, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slactl.desk.escalation import scan as firing

    monkeypatch.setattr(firing, "BATCH", 2)
    path = write_rules(desk, LONG, ladder("resolution", "warn 80%", 'breach 0m priority = "high"'))
    numbers = [opened(slactl) for _ in range(5)]
    clock.move_to("2026-03-02T20:20:00Z")
    check(slactl)
    clock.move_to("2026-03-02T20:31:00Z")
    slactl("resolve", numbers[1])
    # New rules: two levels are older than the last check (baseline), one is not (fired).
    more = ('manager +1h assign = "manager"', 'low 0m when = { priority = ["low"] }', "later +90m")
    path.write_text(path.read_text() + ladder("resolution", *more, name="second"))
    clock.move_to("2026-03-02T20:45:00Z")
    first = check(slactl, "--dry-run")
    second = check(slactl, "--dry-run")
    real = check(slactl)
    assert {firing["outcome"] for firing in real["firings"]} == {"fired", "baseline"}
    assert without_own(first["firings"]) == without_own(second["firings"]) == without_own(real["firings"])
    assert {(firing["id"], firing["run_id"]) for firing in first["firings"]} == {(None, None)}
    for count in ("scanned", "breached", "escalated", "skipped", "failed"):
        assert first[count] == real[count], count


def test_a_rehearsal_shows_what_its_when_skips(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, ladder("resolution", 'low 0m when = { priority = ["low"] }'))
    opened(slactl)
    clock.move_to("2026-03-02T20:30:00Z")
    rehearsed, real = check(slactl, "--dry-run"), check(slactl)
    assert [firing["outcome"] for firing in rehearsed["firings"]] == ["skipped"]
    assert without_own(rehearsed["firings"]) == without_own(real["firings"])


def test_a_rehearsal_finds_what_only_the_new_rules_make_due(
    desk: Path, slactl: Slactl, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slactl.desk.escalation import scan as firing

    monkeypatch.setattr(firing, "BATCH", 2)
    write_rules(desk, LONG, STEPS)
    for _ in range(3):
        opened(slactl)
    check(slactl)
    write_rules(desk, LONG, STEPS.replace('"80%"', '"50%"'))
    clock.move_to("2026-03-02T14:00:00Z")
    rehearsed, real = check(slactl, "--dry-run"), check(slactl)
    assert len(real["firings"]) == 3
    assert without_own(rehearsed["firings"]) == without_own(real["firings"])


# Monitors


def metrics(path: Path) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The samples of a file, as Prometheus' own parser reads them."""
    families = text_string_to_metric_families(path.read_text())
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


def test_the_metrics_file_has_what_a_monitor_asks_for(late: Path, slactl: Slactl, tmp_path: Path) -> None:
    path = tmp_path / "slactl.prom"
    path.write_text("the old one")
    assert slactl("check", "-q", "--metrics", str(path)).code == 0
    found = metrics(path)
    now = datetime(2026, 3, 2, 20, tzinfo=UTC).timestamp()
    assert found["slactl_last_success_timestamp_seconds", ()] == now
    assert found["slactl_last_run_exit_code", ()] == 0
    assert found["slactl_last_run_duration_seconds", ()] >= 0
    assert found["slactl_last_run_count", (("result", "breached"),)] == 1
    labels = (("escalation", "resolution"), ("level", "manager"), ("outcome", "fired"), ("source", "automatic"))
    assert found["slactl_escalations_total", labels] == 1
    assert found["slactl_overdue_unfired_tickets", ()] == 0
    assert sum(value for (name, _), value in found.items() if name == "slactl_outbox_messages") == 1
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir() if "prom" in each.name] == ["slactl.prom"]


def test_the_metrics_tell_of_a_bad_run_and_of_what_it_left(late: Path, slactl: Slactl, tmp_path: Path) -> None:
    path = tmp_path / "slactl.prom"
    with sqlite3.connect(late) as connection:
        connection.execute("DROP TRIGGER event_never_changes")
        connection.execute("UPDATE event SET detail = json_set(detail, '$.rules', 'gone')")
    assert slactl("check", "-q", "--metrics", str(path)).code == 7
    found = metrics(path)
    assert ("slactl_last_success_timestamp_seconds", ()) not in found
    assert found["slactl_last_run_exit_code", ()] == 7
    assert found["slactl_overdue_unfired_tickets", ()] == 1


def test_names_in_labels_are_escaped(desk: Path, slactl: Slactl, clock: Clock, tmp_path: Path) -> None:
    name = 'a "quoted"\\n'
    write_rules(desk, LONG, ladder("resolution", "breach 0m", name="NAME").replace('"NAME"', f"'{name}'"))
    opened(slactl)
    clock.move_to("2026-03-02T20:00:00Z")
    path = tmp_path / "slactl.prom"
    assert slactl("check", "-q", "--metrics", str(path)).code == 0
    assert name in {dict(labels).get("escalation") for _, labels in metrics(path)}


def test_metrics_that_cannot_be_written_are_a_failure_of_that_run(late: Path, slactl: Slactl, tmp_path: Path) -> None:
    result = slactl("check", "--metrics", str(tmp_path / "missing" / "slactl.prom"))
    assert result.code == 7
    assert "the metrics cannot be written" in result.err
    assert rows(late, "SELECT fired, exit_code FROM run") == [(2, 7)]
    assert slactl("check", "--dry-run", "--metrics", "x").code == 2


@contextmanager
def receiver(status: int = 200, drip: bool = False) -> Iterator[tuple[str, list[str]]]:
    """A server on loopback, and the paths that were asked for."""
    asked: list[str] = []
    is_over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if drip:
                for letter in b"HTTP/1.1 200 OK\r\n" * 3:
                    try:
                        self.wfile.write(bytes([letter]))
                        self.wfile.flush()
                    except OSError:
                        return
                    if is_over.wait(0.2):
                        return
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ping", asked
    finally:
        is_over.set()
        server.shutdown()
        server.server_close()


def beating(desk: Path, heartbeat: str, *parts: str) -> None:
    path = write_rules(desk, *parts)
    path.write_text(path.read_text().replace("[settings]", f'[settings]\nheartbeat = "{heartbeat}"'))


def test_the_heartbeat_is_sent_after_each_clean_run_and_no_other(
    desk: Path, slactl: Slactl, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver() as (url, asked):
        monkeypatch.setenv("PING_URL", f"{url}/0f5e2b4c-secret")
        beating(desk, "${env:PING_URL}", LONG, STEPS)
        opened(slactl)
        assert slactl("check", "-q").code == 0
        assert slactl("check", "-q").code == 0  # idle
        assert asked == ["/ping/0f5e2b4c-secret"] * 2
        with sqlite3.connect(desk) as connection:
            connection.execute("DROP TRIGGER event_never_changes")
            connection.execute("UPDATE event SET detail = json_set(detail, '$.rules', 'gone')")
        clock.move_to("2026-03-02T20:00:00Z")
        assert slactl("check", "-q", "--metrics", str(desk.with_name("slactl.prom"))).code == 7
        assert slactl("check", "-q", "--dry-run").code == 0
        assert len(asked) == 2
    assert "secret" not in "".join(sqlite3.connect(desk).iterdump())


@pytest.mark.parametrize(
    ("status", "drip", "why"),
    [
        (500, False, "the server answered with status 500"),
        (302, False, "the server answered with status 302"),
        (200, True, "no answer within 0.5 s"),
    ],
)
def test_a_heartbeat_that_fails_is_a_failure_of_that_run(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, status: int, drip: bool, why: str
) -> None:
    monkeypatch.setattr(monitoring, "HEARTBEAT_SECONDS", 0.5)
    with receiver(status, drip) as (url, _):
        beating(desk, url, LONG, STEPS)
        result = slactl("check", "-q")
    assert (result.code, result.out.count("\n")) == (7, 1)
    assert f"the heartbeat was not sent: {why}" in result.err
    assert rows(desk, "SELECT exit_code FROM run") == [(7,)]


def test_a_heartbeat_nobody_listens_to_or_without_its_secret_says_what_is_missing(desk: Path, slactl: Slactl) -> None:
    for heartbeat, why in (
        ("http://127.0.0.1:9/", "ConnectionRefusedError"),
        ("${env:NO_SUCH_URL}", "the environment variable NO_SUCH_URL is not set"),
        ("${file:none}", "the file none does not exist"),
    ):
        beating(desk, heartbeat, LONG, STEPS)
        result = slactl("check", "-q")
        assert (result.code, why in result.err) == (7, True), result.err


def test_a_heartbeat_goes_over_https_unless_it_stays_on_this_machine(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    beating(desk, "http://${env:PING_URL}", LONG)
    assert "the URL is not https" in slactl("rules", "check").err
    beating(desk, "https://monitor.example/0f5e2b4c-1111-2222-3333-444455556666", LONG)
    assert "the address is a secret" in slactl("rules", "check").err
    monkeypatch.setenv("PING_URL", "http://monitor.example/ping")
    beating(desk, "${env:PING_URL}", LONG)
    assert "settings.allow_http = true allows it" in slactl("check", "-q").err
