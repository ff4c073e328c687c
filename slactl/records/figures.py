"""The figures of `summary` and `report`, as types: the fields in the order in which slactl prints them."""

from collections.abc import Mapping
from typing import Any, TypedDict

from slactl.records.oncall import Standing


class Objective(TypedDict):
    """A goal in a period as `objectives --json` prints it; `goal` and `attained` lie in [0, 1], `credit` is percent.

    `group` is None without --by. Of a period that is over or to come, `open_at_risk` is None.
    """

    name: str
    period: str
    since: str
    until: str
    target: str
    goal: float
    kept: int
    missed: int
    attained: float | None
    spare: int | None
    needed: int | None
    open_at_risk: int | None
    credit: float | None
    state: str
    group: str | None


class OpenNow(TypedDict):
    """The numbers of a summary that count the tickets which are open at an instant."""

    at: str
    open_count: int
    unassigned_count: int
    urgent_open_count: int
    escalated_count: int
    paused_count: int
    due_soon_count: int
    first_response_breached_count: int
    next_response_breached_count: int
    update_breached_count: int
    resolution_breached_count: int


class Measured(TypedDict):
    """The numbers of a summary that are measured over its period."""

    avg_first_response_minutes: float | None
    median_first_response_minutes: float | None
    first_response_n: int
    avg_resolution_hours: float | None
    median_resolution_hours: float | None
    resolution_n: int
    first_response_attainment: float | None
    resolution_attainment: float | None
    escalation_rate: float | None
    breach_rate: float | None
    reopen_rate: float | None


class Counts(OpenNow, Measured):
    """The numbers of a summary; averages and medians are business time, attainment and rates lie in [0, 1]."""


class Group(Counts):
    """The numbers of one group of a summary; the group without a name is None."""

    group: str | None


class MeasuredBefore(Measured):
    """The same numbers of the period before."""

    since: str | None
    until: str | None


class Band(TypedDict):
    """The number of open tickets of one urgency, in total and by priority."""

    band: str
    count: int
    urgent: int
    high: int
    normal: int
    low: int


class ComingTicket(TypedDict):
    """A ticket that is overdue next, as a summary prints it."""

    id: int
    external_id: str | None
    due_at: str
    due_target: str
    priority: str
    assignee: str | None
    tenant: str | None
    plan: str
    subject: str


class ForecastHour(TypedDict):
    """An hour of a forecast: how many deadlines pass in it, and of which tickets."""

    since: str
    until: str
    count: int
    first_response_count: int
    next_response_count: int
    update_count: int
    resolution_count: int
    tickets: list[int]


class Forecast(TypedDict):
    """The deadlines that pass if nobody acts, by hours of UTC."""

    since: str
    until: str
    count: int
    paused_count: int
    hours: list[ForecastHour]


class Summary(Counts):
    """The summary as `summary --json` prints it; the period is [since, until)."""

    since: str | None
    until: str | None
    by: str | None
    groups: list[Group] | None
    before: MeasuredBefore | None
    due_soon_seconds: int
    urgency: list[Band]
    next: list[ComingTicket]
    forecast: Forecast | None
    goals: list[Objective]


class TargetFigures(TypedDict):
    """The numbers of one target in a report; times are seconds of business time."""

    target: str
    measured_count: int
    met_count: int
    breached_count: int
    still_open_count: int
    earlier_count: int
    attainment: float | None
    taken_count: int
    avg_seconds: float | None
    p50_seconds: float | None
    p90_seconds: float | None
    p95_seconds: float | None
    working_seconds: int | None
    paused_seconds: int | None
    closed_seconds: int | None
    off_hours_seconds: int | None


class ReportGroup(TypedDict):
    """The numbers of one group of a report; the group without a name is None."""

    group: str | None
    opened_count: int
    targets: list[TargetFigures]


class TargetsBefore(TypedDict):
    """The targets in the period before that of a report."""

    since: str | None
    until: str | None
    targets: list[TargetFigures]


class TrendStep(TypedDict):
    """A step of a trend: tickets opened, and targets kept and missed."""

    start: str
    opened_count: int
    first_response_met_count: int
    first_response_breached_count: int
    next_response_met_count: int
    next_response_breached_count: int
    update_met_count: int
    update_breached_count: int
    resolution_met_count: int
    resolution_breached_count: int
    first_response_attainment: float | None
    next_response_attainment: float | None
    update_attainment: float | None
    resolution_attainment: float | None


class Trend(TypedDict):
    """The steps of a period; `unit` is their length: day, week, month or year."""

    unit: str
    steps: list[TrendStep]


class LevelCounts(TypedDict):
    """The number of times that a level came due in a period, by outcome; manual escalations have no level."""

    source: str
    escalation: str | None
    level: str | None
    fired_count: int
    expired_count: int
    baseline_count: int
    skipped_count: int
    ticket_count: int


class LateTicket(TypedDict):
    """A ticket with its longest overdue target in a period, as it was then; `overdue_seconds` is wall time."""

    ticket_id: int
    external_id: str | None
    subject: str
    target: str
    breached_at: str
    stopped_at: str | None
    overdue_seconds: int
    priority: str
    assignee: str | None
    tenant: str | None
    plan: str


class Report(TypedDict):
    """The report as `report --json` prints it; the period is [since, until)."""

    at: str
    since: str | None
    until: str | None
    timezone: str
    by: str | None
    opened_count: int
    ticket_count: int
    escalation_rate: float | None
    breach_rate: float | None
    reopen_rate: float | None
    corrected_count: int
    targets: list[TargetFigures]
    groups: list[ReportGroup] | None
    before: TargetsBefore | None
    trend: Trend
    escalations: list[LevelCounts]
    busiest_hours: list[list[int]]
    worst: list[LateTicket]
    goals: list[Objective]


class LivePage(TypedDict):
    """The content of the live page; `board` is the record of the live board, `check_seconds` the time between runs."""

    board: Mapping[str, Any]
    on_call: list[Standing]
    goals: list[Objective]
    check_seconds: int
    problems: list[str]
