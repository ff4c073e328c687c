"""`list` with ranges of time and with `not:`, against a naive reading of the records."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import Slactl
from freezegun import freeze_time
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest_plugins = ["busy_desk"]

pytestmark = pytest.mark.usefixtures("busy")


def ids(slactl: Slactl, *options: str) -> list[int]:
    result = slactl("list", "-q", *options)
    assert result.code == 0, result.err
    return [int(line) for line in result.lines]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--created 2026-03-02", [6, 4, 8, 5, 7]),
        ("--created today", [6, 4, 8, 5, 7]),
        ("--created yesterday", [2]),
        ("--created yesterday..", [6, 4, 8, 5, 2, 7]),
        ("--created 2026-03-02T09:00Z..2026-03-02T09:30Z", [6]),
        ("--created ..2026-03-02T09:00Z", [4, 5, 2]),
        ("--created ..2026-03-01 --all", [1, 2, 3]),
        ("--created 2026-02-20 --created 2026-03-01 --all", [1, 2, 3]),
        ("--created not:2026-03-02", [2]),
        ("--created not:2026-03-02 --created not:2026-03-01 --all", [1]),
        ("--updated 2026-03-02T10:00Z..", [8, 5]),
        ("--resolved ..today", [1, 3]),
        ("--resolved 2026-03-01", [3]),
        ("--resolved ..2026-02-28", [1]),
        ("--resolved yesterday --status open", []),
        ("--resolved not:yesterday", [6, 4, 8, 5, 2, 7]),
        ("--resolved not:yesterday --all", [6, 4, 8, 5, 1, 2, 7]),
        ("--due today", [6, 4]),
        ("--due tomorrow", [8]),
        ("--due ..in_2h", [6, 4]),
        ("--due in_30m..in_2h", [4]),
        ("--due in_30m..in_59m", []),
        ("--due ..2026-03-02T13:00Z", [6]),
        ("--due ..2026-03-02T13:00:01Z", [6, 4]),
        ("--due today --target resolution", [6]),
        ("--due not:today", [8, 5, 2, 7]),
        ("--status not:open", [2]),
        ("--status not:waiting_customer", [6, 4, 8, 5, 7]),
        ("--status not:closed --all", [6, 4, 8, 5, 2, 3, 7]),
        ("--status open --status not:open", []),
        ("--priority not:normal", [6, 5]),
        ("--priority not:urgent --priority not:high", [4, 8, 2, 7]),
        ("--assignee not:mia", [6, 8, 5, 7]),
        ("--assignee not:me", [6, 8, 5, 7]),
        ("--assignee not:mia --assignee not:bob", [6, 8, 7]),
        ("--tenant not:acme", [4, 8, 5, 2, 7]),
        ("--plan not:pro", [6, 4, 7]),
        ("--tag not:vip", [4, 8, 2, 7]),
        ("--requester not:bob@example.com", [6, 4, 8, 2, 7]),
        ("--source not:github", [6, 4, 8, 5, 2, 7]),
        ("--target not:first_response --breached", []),
        ("--target not:resolution --breached", [6]),
    ],
)
def test_ranges_and_exclusions(options: str, expected: list[int], slactl: Slactl) -> None:
    assert ids(slactl, *(word.replace("_", " ") if ".." in word else word for word in options.split())) == expected


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--created", "2h ago"], 2, "is not a range"),
        (["--created", ""], 2, "a value is missing"),
        (["--created", "not:"], 2, "a value is missing"),
        (["--created", "3/6.."], 2, "3/6"),
        (["--due", "in 2h..in 1h"], 2, "ends before it begins"),
        (["--created", "2026-03-02..2026-03-01"], 2, "ends before it begins"),
        (["--created", "now..now"], 2, "ends before it begins"),
        (["--resolved", "2026-03-01...2026-03-02"], 2, ".2026-03-02"),
        (["--status", "not:"], 2, "a value is missing"),
        (["--status", "not:clsed"], 2, "did you mean closed"),
        (["--priority", "not:hgih"], 2, "did you mean high"),
        (["--tenant", "not:acmee"], 3, "did you mean acme"),
        (["--target", "not:any"], 2, "leaves no deadline"),
        (["--target", "update", "--target", "not:update"], 2, "leave no deadline"),
        (["--sort", "urgent"], 2, "urgency"),
    ],
)
def test_what_is_refused(options: list[str], code: int, message: str, slactl: Slactl) -> None:
    result = slactl("list", *options)
    assert (result.code, result.out) == (code, "")
    assert message in result.err


HINTED = [["--created", "2h ago"], ["--due", "not:"], ["--status", "not:"], ["--target", "not:any"]]


@pytest.mark.parametrize("options", HINTED)
def test_the_hint_of_a_wrong_filter_works(options: list[str], slactl: Slactl) -> None:
    hint = slactl("list", *options).err.splitlines()[-1]
    assert hint.startswith("hint: slactl list ")
    assert slactl(*hint.removeprefix("hint: slactl ").split()).code == 0


MINUTES = st.integers(-60 * 24 * 12, 60 * 24 * 4)
SPANS = st.tuples(st.none() | MINUTES, st.none() | st.integers(1, 60 * 24 * 6)).filter(
    lambda span: span != (None, None)
)
LOOKED = datetime(2026, 3, 2, 12, tzinfo=UTC)
COLUMNS = {"created": "created_at", "updated": "updated_at", "resolved": "resolved_at", "due": "due_at"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(option=st.sampled_from(sorted(COLUMNS)), spans=st.lists(st.tuples(st.booleans(), SPANS), min_size=1, max_size=3))
def test_ranges_find_what_a_reader_of_the_records_finds(
    option: str, spans: list[tuple[bool, tuple[int | None, int | None]]], slactl: Slactl
) -> None:
    wanted, unwanted, typed = list[Any](), list[Any](), list[str]()
    for negated, (start, length) in spans:
        since = LOOKED + timedelta(minutes=start) if start is not None else None
        until = (since or LOOKED) + timedelta(minutes=length) if length is not None else None
        sides = [f"{side:%Y-%m-%dT%H:%M:%SZ}" if side is not None else "" for side in (since, until)]
        typed += [f"--{option}", f"{'not:' if negated else ''}{'..'.join(sides)}"]
        (unwanted if negated else wanted).append(sides)
    with freeze_time(LOOKED):
        everything = json.loads(slactl("list", "--all", "--json").out)
        found = {ticket["id"] for ticket in json.loads(slactl("list", "--all", "--json", *typed).out)}

    def within(at: str | None, sides: list[str]) -> bool:
        return at is not None and (not sides[0] or sides[0] <= at) and (not sides[1] or at < sides[1])

    def fits(ticket: dict[str, Any]) -> bool:
        at = ticket[COLUMNS[option]]
        is_wanted = not wanted or any(within(at, sides) for sides in wanted)
        return is_wanted and not any(within(at, sides) for sides in unwanted)

    assert found == {ticket["id"] for ticket in everything if fits(ticket)}
