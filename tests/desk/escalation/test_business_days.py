"""Business days in levels, repeats, quiet times and acknowledgements, on real databases through the commands."""

import sqlite3
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import at, came, check, ladder, opened, policy, rows, ticket, write_rules
from freezegun.api import FrozenDateTimeFactory

OFFICE = policy("office", resolution="4h")
DAILY = ladder("resolution", 'again 0m tag = ["late"]; repeat = { every = "1bd", max = 3 }')


def test_a_level_that_repeats_every_business_day_fires_once_a_day(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, OFFICE, DAILY)
    at(clock, "09:00:00", day=5)
    number = opened(slactl)  # due on Thursday at 13:00
    fired = list[str]()
    for day in (5, 6, 7, 8, 9, 10, 11):
        at(clock, "13:00:01", day=day)
        fired += [f"{day}: {told}" for told in came(slactl)]
    assert fired == ["5: again fired", "6: again#1 fired", "9: again#2 fired", "10: again#3 fired"]
    nominal = rows(desk, f"SELECT due_at FROM escalation WHERE ticket_id = {number} ORDER BY id")
    assert [at_[5:16] for (at_,) in nominal] == ["03-05T13:00", "03-06T13:00", "03-09T13:00", "03-10T13:00"]


def test_the_next_repeat_is_announced_on_the_next_business_day(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, OFFICE, DAILY)
    at(clock, "09:00:00", day=6)
    number = opened(slactl)
    at(clock, "13:00:01", day=6)
    assert came(slactl) == ["again fired"]
    found = ticket(slactl, number)
    assert (found["next_level"], found["next_level_at"]) == ("again", "2026-03-09T13:00:00Z")


def test_a_ticket_is_idle_on_the_next_business_day_at_the_same_time(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, OFFICE, ladder("idle", "quiet 0m", "more +1bd", more='idle = { for = "1bd" }'))
    at(clock, "10:00:00", day=6)
    opened(slactl, "--assignee", "joe")
    for time, day, expected in (
        ("10:00:01", 6, []),
        ("09:59:59", 9, []),
        ("10:00:00", 9, ["quiet fired"]),
        ("09:59:59", 10, []),
        ("10:00:00", 10, ["more fired"]),
    ):
        at(clock, time, day=day)
        assert came(slactl) == expected, (time, day)


@pytest.mark.parametrize(
    ("paused", "expected"),
    [((), "2026-03-06T13:00:00Z"), ((5, 14, 16), "2026-03-06T15:00:00Z"), ((6, 14, 16), "2026-03-06T13:00:00Z")],
)
def test_a_pause_after_the_deadline_moves_a_level_by_its_open_time(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, paused: tuple[int, ...], expected: str
) -> None:
    write_rules(desk, OFFICE, ladder("resolution", "breach 0m", "day +1bd"))
    at(clock, "09:00:00", day=5)
    number = opened(slactl)
    if paused:
        day, begin, end = paused
        at(clock, f"{begin}:00:00", day=day)
        slactl("status", number, "pending")
        at(clock, f"{end}:00:00", day=day)
        slactl("status", number, "open")
    at(clock, "16:00:01", day=6)
    check(slactl)
    assert rows(desk, "SELECT due_at FROM escalation WHERE level = 'day'") == [(expected,)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "2026-03-09T10:00:00Z"),
        (("--for", "2bd"), "2026-03-10T10:00:00Z"),
        (("--for", "4h"), "2026-03-06T14:00:00Z"),
    ],
)
def test_an_acknowledgement_in_business_days_holds_until_the_next_open_day(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, options: tuple[str, ...], expected: str
) -> None:
    rules = write_rules(desk, OFFICE, DAILY)
    rules.write_text(rules.read_text().replace("[settings]", '[settings]\nack_for = "1bd"'))
    at(clock, "10:00:00", day=6)
    number = opened(slactl)
    assert slactl("ack", number, *options).code == 0
    assert ticket(slactl, number)["acked_until"] == expected


def test_a_duration_that_is_not_valid_acknowledges_nothing(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, OFFICE)
    at(clock, "10:00:00", day=6)
    number = opened(slactl)
    refused = slactl("ack", number, "--for", "1bd close")
    assert (refused.code, "use 90s, 30m, 2h, 1h30m, 2d, 1w or 3bd" in refused.err) == (2, True)
    assert ticket(slactl, number)["acked_until"] is None


def test_due_soon_in_business_days_is_reported_and_the_default_used(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    rules = write_rules(desk, OFFICE)
    at(clock, "10:00:00", day=6)
    opened(slactl)
    rules.write_text(rules.read_text().replace("[settings]", '[settings]\ndue_soon = "1bd"'))
    shown = slactl("summary", "--json")
    assert "settings.due_soon" in shown.err
    assert "slactl uses 2h" in shown.err


def test_tickets_pinned_to_business_days_that_are_refused_now_stay_readable(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    """An earlier program took `within = "1bd"`; its database is judged as before, and only the file is refused."""
    burst = ladder("burst", "call 0m", more='burst = { count = 2, within = "24h" }')
    rules = write_rules(desk, OFFICE, burst)
    at(clock, "09:00:00", day=5)
    number = opened(slactl)
    _store_as_accepted_once(desk, '"24h"')
    assert ticket(slactl, number)["resolution_due_at"] == "2026-03-05T13:00:00Z"
    assert slactl("explain", number).code == 0
    assert slactl("doctor", "--rebuild", "--yes").code in (0, 2)
    assert slactl("reply", number, "--body", "hello").code == 0
    rules.write_text(rules.read_text().replace('"24h"', '"1bd"'))
    refused = slactl("rules", "check")
    assert (refused.code, "every hour counts here; use 90s" in refused.err) == (4, True)


@pytest.mark.parametrize("is_own", [True, False], ids=["read by this user", "only in the database"])
def test_check_continues_with_rules_that_only_an_earlier_release_accepted(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, is_own: bool
) -> None:
    rules = write_rules(desk, policy(resolution="4h"), ladder("resolution", "breach 0m"))
    rules.write_text(rules.read_text().replace("[settings]", '[settings]\ndue_soon = "24h"'))
    number = opened(slactl)
    if is_own:
        check(slactl)
    _store_as_accepted_once(desk, '"24h"')
    rules.write_text(rules.read_text().replace('"24h"', '"1bd"'))
    at(clock, "14:00:00")
    ended = slactl("check", "--json")
    assert (ended.code, "settings.due_soon: " in ended.err) == (4, True)
    assert "the last valid rules are used" in ended.err
    assert [fired["level"] for fired in ticket(slactl, number)["escalations"]] == ["breach"]


def test_the_error_of_the_rules_file_is_told_if_the_last_valid_version_cannot_be_read(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    rules = write_rules(desk, OFFICE, DAILY)
    opened(slactl)
    with sqlite3.connect(desk) as connection:
        connection.execute("UPDATE rules_version SET canonical = 'schema = 2'")
    rules.write_text("schema = 1\nwrong = 1\n")
    ended = slactl("check")
    assert (ended.code, f"{rules}:2: wrong: unknown key" in ended.err) == (4, True), ended.err
    assert f"hint: slactl rules check {rules}" in ended.err


def _store_as_accepted_once(desk: Path, text: str) -> None:
    """Store the version of the rules as a program did that took a business day in the place of `text`."""
    import hashlib

    with sqlite3.connect(desk) as connection:
        (canonical,) = connection.execute("SELECT canonical FROM rules_version").fetchone()
        old = canonical.replace(text, '"1bd"')
        assert old != canonical
        rules_hash = hashlib.sha256(old.encode()).hexdigest()
        (before,) = connection.execute("SELECT hash FROM rules_version").fetchone()
        connection.execute("UPDATE rules_version SET canonical = ?, hash = ?", (old, rules_hash))
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE meta SET value = ? WHERE value = ?", (rules_hash, before))
        connection.execute("UPDATE event SET detail = replace(detail, ?, ?)", (before, rules_hash))
        for _, sql in triggers:
            connection.execute(sql)
