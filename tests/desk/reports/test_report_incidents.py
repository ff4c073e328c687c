"""`summary` and `report` on the real incident log, against plain arithmetic on the rows of the CSV.

Nothing of slactl's own is used to find what is expected: the shipped rules promise plain hours to the free plan, so
that every time is a sum of differences.
"""

import csv
import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from conftest import Slactl

INCIDENTS = Path(__file__).parents[2] / "data" / "servicenow_incidents.csv"
STATUSES = {
    **{"New": "open", "Active": "open", "-100": "open", "Awaiting User Info": "waiting_customer"},
    **{"Awaiting Problem": "pending", "Awaiting Vendor": "pending", "Awaiting Evidence": "pending"},
    **{"Resolved": "resolved", "Closed": "closed"},
}
PRIORITIES = {"1 - Critical": "urgent", "2 - High": "high", "3 - Moderate": "normal", "4 - Low": "low"}

#: Hours to the first response and to the resolution.
PROMISES = {"urgent": (24, 96), "high": (36, 120), "normal": (48, 168), "low": (72, 240)}
KINDS = ("first_response", "resolution")
DONE, PAUSED = ("resolved", "closed"), ("pending", "waiting_customer")


@dataclass(frozen=True)
class Outcome:
    """One stop of a clock, or the deadline that passed undone: the seconds up to the stop by the way they passed.

    `since` is when it became late; a second stop has it too, and does not count it again: `counts_miss`.
    """

    stopped: datetime | None
    missed: datetime | None
    since: datetime | None
    counts_miss: bool
    priority: str
    working: int = 0
    paused: int = 0
    closed: int = 0

    def ends_in(self, since: datetime, until: datetime) -> bool:
        return self.stopped is not None and since <= self.stopped < until

    def counts_in(self, since: datetime, until: datetime) -> bool:
        passed = self.counts_miss and self.since is not None and since <= self.since < until
        return passed or self.ends_in(since, until)


class Incident:
    """What the rows of one incident say: from when on it had which status and which priority."""

    def __init__(self, rows: list[dict[str, str]]) -> None:
        self.number = rows[0]["number"]
        self.opened = instant(rows[0]["opened_at"])
        self.rows = [(max(instant(row["sys_updated_at"]), self.opened), row) for row in rows]
        self.rows[0] = (self.opened, rows[0])

    def priority(self, at: datetime) -> str:
        return PRIORITIES[[row for begin, row in self.rows if begin <= at][-1]["priority"]]

    def pieces(self, end: datetime) -> Iterator[tuple[datetime, datetime, str, str]]:
        for (begin, row), (finish, _) in pairwise([*self.rows, (end, {})]):
            yield begin, finish, STATUSES[row["incident_state"]], PRIORITIES[row["priority"]]

    def outcomes(self, kind: str, now: datetime) -> list[Outcome]:
        pieces = list(self.pieces(now))
        still = () if kind == "first_response" else PAUSED
        stops = [
            begin
            for before, (begin, _, status, _) in pairwise([(None, None, "open", ""), *pieces])
            if status in DONE and before[2] not in DONE
        ]
        missed, since = self._missed(kind, pieces, (*still, *DONE))
        found, counted = list[Outcome](), False
        for stopped in stops:
            is_late = missed is not None and stopped > missed
            spent: Counter[str] = Counter()
            for begin, finish, status, _ in pieces:
                if begin < stopped:
                    way = "closed" if status in DONE else "paused" if status in still else "working"
                    spent[way] += int((finish - begin).total_seconds())
            late = (missed, since) if is_late else (None, None)
            counts_miss = is_late and not counted
            priority = self.priority(since if counts_miss and since else stopped)
            found.append(Outcome(stopped, *late, counts_miss, priority, **spent))
            counted = counted or is_late
        if since is not None and not counted:
            found.append(Outcome(None, missed, since, True, self.priority(since)))
        return found

    def _missed(
        self, kind: str, pieces: list[tuple[datetime, datetime, str, str]], uncounted: tuple[str, ...]
    ) -> tuple[datetime | None, datetime | None]:
        """When the time worked came to more than was promised, and since when; a new priority promises anew."""
        worked = [(begin, finish) for begin, finish, status, _ in pieces if status not in uncounted]
        promised = timedelta()
        known = ""
        for begin, finish, status, priority in pieces:
            if priority != known and (not known or status not in DONE):
                promised, known = timedelta(hours=PROMISES[priority][KINDS.index(kind)]), priority
            ran_out = reached(worked, promised)
            if ran_out is not None and ran_out < finish and (status not in uncounted or ran_out < begin):
                return ran_out, max(ran_out, begin)
        return None, None


def reached(worked: list[tuple[datetime, datetime]], promised: timedelta) -> datetime | None:
    counted = timedelta()
    for begin, finish in worked:
        if counted + (finish - begin) > promised:
            return begin + (promised - counted)
        counted += finish - begin
    return None


def instant(text: str) -> datetime:
    return datetime.strptime(text, "%d-%m-%Y %H:%M").replace(tzinfo=UTC)


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def incidents() -> list[Incident]:
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    with INCIDENTS.open(newline="") as stream:
        for row in csv.DictReader(stream):
            rows[row["number"]].append(row)
    return [Incident(sorted(found, key=lambda row: instant(row["sys_updated_at"]))) for found in rows.values()]


@pytest.fixture
def ask(desk: Path, slactl: Slactl) -> Callable[..., dict[str, Any]]:
    assert slactl("import", str(INCIDENTS), "--map", "servicenow").code == 0

    def record(*words: str) -> dict[str, Any]:
        result = slactl(*words, "--json")
        assert result.code == 0, result.err
        found: dict[str, Any] = json.loads(result.out)
        return found

    return record


def close(value: float) -> Any:  # noqa: ANN401  (what pytest compares with)
    return pytest.approx(value, abs=1e-5)


def expected(outcomes: list[Outcome], since: datetime, until: datetime) -> dict[str, Any]:
    """One target of a report on [since, until)."""
    found = [outcome for outcome in outcomes if outcome.counts_in(since, until)]
    done = [outcome for outcome in found if outcome.ends_in(since, until)]
    late = [outcome for outcome in found if outcome.missed is not None]
    return {
        "measured_count": len(found),
        "met_count": len(found) - len(late),
        "breached_count": len(late),
        "still_open_count": len(found) - len(done),
        "earlier_count": sum(outcome.since < since for outcome in late if outcome.since is not None),
        "attainment": close(1 - len(late) / len(found)) if found else None,
        "working_seconds": sum(outcome.working for outcome in done) if done else None,
        "paused_seconds": sum(outcome.paused for outcome in done) if done else None,
        "closed_seconds": sum(outcome.closed for outcome in done) if done else None,
        "off_hours_seconds": 0 if done else None,
    }


def taken(outcomes: list[Outcome], since: datetime, until: datetime) -> dict[str, Any]:
    """The times of the resolutions in a period; by the standard library."""
    times = [outcome.working for outcome in outcomes if outcome.ends_in(since, until)]
    parts = statistics.quantiles(times, n=20, method="inclusive")
    return {
        "taken_count": len(times),
        "avg_seconds": close(statistics.fmean(times)),
        "p50_seconds": close(statistics.median(times)),
        "p90_seconds": close(parts[17]),
        "p95_seconds": close(parts[18]),
    }


PERIODS = [
    (("--since", "all"), datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)),
    *(
        (("--since", text(since), "--until", text(until)), since, until)
        for since, until in (
            (datetime(2016, 3, 3, tzinfo=UTC), datetime(2016, 3, 10, tzinfo=UTC)),
            (datetime(2016, 3, 7, 11, 29, tzinfo=UTC), datetime(2016, 3, 8, 8, 53, tzinfo=UTC)),
            (datetime(2016, 4, 1, tzinfo=UTC), datetime(2016, 12, 1, tzinfo=UTC)),
        )
    ),
]


def test_the_numbers_of_report(incidents: list[Incident], ask: Callable[..., dict[str, Any]]) -> None:
    now = datetime.now(UTC)
    for options, since, until in PERIODS:
        found = ask("report", *options)
        for target in found["targets"]:
            if target["target"] in ("next_response", "update"):
                assert target["measured_count"] == 0
                continue
            outcomes = [one for incident in incidents for one in incident.outcomes(target["target"], now)]
            wanted = expected(outcomes, since, until)
            if target["target"] == "resolution":
                wanted |= taken(outcomes, since, until)
            else:
                # Nobody replies in this log: first responses end with the resolution, and are not averaged.
                wanted |= {"taken_count": 0, "avg_seconds": None, "p90_seconds": None}
            assert {name: target[name] for name in wanted} == wanted, (options, target["target"])
        opened = [incident for incident in incidents if since <= incident.opened < until]
        assert found["opened_count"] == len(opened)


def test_the_groups_of_report(incidents: list[Incident], ask: Callable[..., dict[str, Any]]) -> None:
    now = datetime.now(UTC)
    options, since, until = PERIODS[1]
    groups = {group["group"]: group for group in ask("report", "--by", "priority", *options)["groups"]}
    assert list(groups) == [name for name in ("urgent", "high", "normal", "low") if name in groups]
    for name in PROMISES:
        for kind in KINDS:
            outcomes = [one for incident in incidents for one in incident.outcomes(kind, now)]
            wanted = expected([outcome for outcome in outcomes if outcome.priority == name], since, until)
            target = next(target for target in groups[name]["targets"] if target["target"] == kind)
            assert {field: target[field] for field in wanted} == wanted, (name, kind)


def test_the_trend_the_hours_and_the_latest(incidents: list[Incident], ask: Callable[..., dict[str, Any]]) -> None:
    now, zone = datetime.now(UTC), ZoneInfo("Asia/Kathmandu")
    found = ask("report", "--timezone", zone.key)
    steps: Counter[tuple[str, str]] = Counter()
    lateness: dict[str, int] = {}
    week = [[0] * 24 for _ in range(7)]
    for incident in incidents:
        there = incident.opened.astimezone(zone)
        week[there.weekday()][there.hour] += 1
        steps[f"{there:%Y-%m}-01", "opened_count"] += 1
        for kind in KINDS:
            for outcome in incident.outcomes(kind, now):
                decided = (outcome.since if outcome.counts_miss else None) or outcome.stopped
                assert decided is not None
                name = f"{kind}_{'breached' if outcome.missed else 'met'}_count"
                steps[f"{decided.astimezone(zone):%Y-%m}-01", name] += 1
                if outcome.missed:
                    late = int(((outcome.stopped or now) - outcome.missed).total_seconds())
                    lateness[incident.number] = max(late, lateness.get(incident.number, 0))
    assert found["busiest_hours"] == week
    assert found["trend"]["unit"] == "month"
    told = {
        (step["start"], name): number
        for step in found["trend"]["steps"]
        for name, number in step.items()
        if name.endswith("_count") and number
    }
    assert told == dict(steps)
    worst = sorted(lateness.values(), reverse=True)[:10]
    assert [row["overdue_seconds"] for row in found["worst"]] == worst
    assert all(lateness[row["external_id"]] == row["overdue_seconds"] for row in found["worst"])


def test_the_numbers_of_summary(incidents: list[Incident], ask: Callable[..., dict[str, Any]]) -> None:
    now = datetime.now(UTC)
    for options, since, until in PERIODS:
        found = ask("summary", *options)
        outcomes = {kind: [incident.outcomes(kind, now) for incident in incidents] for kind in KINDS}
        times = taken([one for some in outcomes["resolution"] for one in some], since, until)
        assert found["resolution_n"] == times["taken_count"]
        assert found["avg_resolution_hours"] * 3600 == pytest.approx(times["avg_seconds"].expected, abs=0.01)
        assert found["median_resolution_hours"] * 3600 == pytest.approx(times["p50_seconds"].expected, abs=0.01)
        assert (found["first_response_n"], found["avg_first_response_minutes"]) == (0, None)
        for kind in KINDS:
            flat = [one for some in outcomes[kind] for one in some]
            assert found[f"{kind}_attainment"] == expected(flat, since, until)["attainment"], options
        judged = [
            [one for one in (*first, *resolution) if one.counts_in(since, until)]
            for first, resolution in zip(*outcomes.values(), strict=True)
        ]
        late = [any(one.missed is not None for one in some) for some in judged if some]
        assert found["breach_rate"] == close(sum(late) / len(late))
        assert found["reopen_rate"] == close(reopened(incidents, since, until))


def reopened(incidents: list[Incident], since: datetime, until: datetime) -> float:
    """The share of the incidents resolved in a period that were open again at a later instant of it."""
    found = []
    for incident in incidents:
        done = [(at, STATUSES[row["incident_state"]] in DONE) for at, row in incident.rows]
        turns = [(at, now) for (_, before), (at, now) in pairwise([(incident.opened, False), *done]) if before != now]
        resolved = [at for at, is_done in turns if is_done and since <= at < until]
        if resolved:
            found.append(any(resolved[0] < at < until for at, is_done in turns if not is_done))
    return sum(found) / len(found)
