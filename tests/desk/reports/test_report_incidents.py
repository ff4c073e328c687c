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
class Course:
    """How one promise went: seconds of each way in which time passed, and when it ended and was missed."""

    stopped: datetime | None
    missed: datetime | None
    working: int
    paused: int
    closed: int

    def counts_in(self, since: datetime, until: datetime) -> bool:
        return any(at is not None and since <= at < until for at in (self.stopped, self.missed))


class Incident:
    """What the rows of one incident say: from when on it had which status and which priority."""

    def __init__(self, rows: list[dict[str, str]]) -> None:
        self.number = rows[0]["number"]
        self.opened = instant(rows[0]["opened_at"])
        self.rows = [(max(instant(row["sys_updated_at"]), self.opened), row) for row in rows]
        self.rows[0] = (self.opened, rows[0])

    @property
    def priority(self) -> str:
        return PRIORITIES[self.rows[-1][1]["priority"]]

    def pieces(self, end: datetime) -> Iterator[tuple[datetime, datetime, str, str]]:
        for (begin, row), (finish, _) in pairwise([*self.rows, (end, {})]):
            yield begin, finish, STATUSES[row["incident_state"]], PRIORITIES[row["priority"]]

    def course(self, kind: str, now: datetime) -> Course:
        pieces = list(self.pieces(now))
        still = () if kind == "first_response" else PAUSED
        # The end is the last time it became done, if it is done to this day.
        stopped = None
        for before, (begin, _, status, _) in pairwise([(None, None, "open", ""), *pieces]):
            if status in DONE and before[2] not in DONE:
                stopped = begin
            elif status not in DONE:
                stopped = None
        spent: Counter[str] = Counter()
        for begin, finish, status, _ in pieces:
            if stopped is None or begin < stopped:
                way = "closed" if status in DONE else "paused" if status in still else "working"
                spent[way] += int((finish - begin).total_seconds())
        missed = self._missed(kind, pieces, (*still, *DONE))
        return Course(stopped, missed, spent["working"], spent["paused"], spent["closed"])

    def _missed(
        self, kind: str, pieces: list[tuple[datetime, datetime, str, str]], uncounted: tuple[str, ...]
    ) -> datetime | None:
        """When the time worked came to more than was promised; a new priority promises anew."""
        worked = [(begin, finish) for begin, finish, status, _ in pieces if status not in uncounted]
        promised = timedelta()
        known = ""
        for begin, finish, status, priority in pieces:
            if priority != known and (not known or status not in DONE):
                promised, known = timedelta(hours=PROMISES[priority][KINDS.index(kind)]), priority
            ran_out = reached(worked, promised)
            if ran_out is not None and ran_out < finish and (status not in uncounted or ran_out < begin):
                return ran_out
        return None


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


def expected(courses: list[Course], since: datetime, until: datetime) -> dict[str, Any]:
    """One target of a report on [since, until)."""
    found = [course for course in courses if course.counts_in(since, until)]
    done = [course for course in found if course.stopped is not None and since <= course.stopped < until]
    late = [course for course in found if course.missed is not None]
    return {
        "measured_count": len(found),
        "met_count": len(found) - len(late),
        "breached_count": len(late),
        "still_open_count": sum(course.stopped is None for course in late),
        "earlier_count": sum(course.missed < since for course in late if course.missed is not None),
        "attainment": close(1 - len(late) / len(found)) if found else None,
        "working_seconds": sum(course.working for course in done) if done else None,
        "paused_seconds": sum(course.paused for course in done) if done else None,
        "closed_seconds": sum(course.closed for course in done) if done else None,
        "off_hours_seconds": 0 if done else None,
    }


def taken(courses: list[Course], since: datetime, until: datetime) -> dict[str, Any]:
    """The times of the resolutions in a period; by the standard library."""
    times = [course.working for course in courses if course.stopped is not None and since <= course.stopped < until]
    parts = statistics.quantiles(times, n=20, method="inclusive")
    return {
        "taken_count": len(times),
        "avg_seconds": close(statistics.fmean(times)),
        "p50_seconds": close(statistics.median(times)),
        "p90_seconds": close(parts[17]),
        "p95_seconds": close(parts[18]),
    }


PERIODS = [
    ((), datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)),
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
            if target["target"] == "next_response":
                assert target["measured_count"] == 0
                continue
            courses = [incident.course(target["target"], now) for incident in incidents]
            wanted = expected(courses, since, until)
            if target["target"] == "resolution":
                wanted |= taken(courses, since, until)
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
        some = [incident for incident in incidents if incident.priority == name]
        for kind in KINDS:
            wanted = expected([incident.course(kind, now) for incident in some], since, until)
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
            course = incident.course(kind, now)
            decided = course.missed or course.stopped
            if decided is not None:
                name = f"{kind}_{'breached' if course.missed else 'met'}_count"
                steps[f"{decided.astimezone(zone):%Y-%m}-01", name] += 1
            if course.missed:
                late = int(((course.stopped or now) - course.missed).total_seconds())
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
        courses = {kind: [incident.course(kind, now) for incident in incidents] for kind in KINDS}
        times = taken(courses["resolution"], since, until)
        assert found["resolution_n"] == times["taken_count"]
        assert found["avg_resolution_hours"] * 3600 == pytest.approx(times["avg_seconds"].expected, abs=0.01)
        assert found["median_resolution_hours"] * 3600 == pytest.approx(times["p50_seconds"].expected, abs=0.01)
        assert (found["first_response_n"], found["avg_first_response_minutes"]) == (0, None)
        for kind in KINDS:
            assert found[f"{kind}_attainment"] == expected(courses[kind], since, until)["attainment"], options
        judged = [
            [course for course in both if course.counts_in(since, until)]
            for both in zip(*courses.values(), strict=True)
        ]
        late = [any(course.missed is not None for course in both) for both in judged if both]
        assert found["breach_rate"] == close(sum(late) / len(late))
