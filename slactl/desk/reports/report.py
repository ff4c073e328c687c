"""Report how targets were met in a period, and which tickets were overdue: the numbers of `report`."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, cast

from slactl.desk.reports.measures import By, Measured, between, measure, ordered_groups, period_before, share
from slactl.desk.reports.trends import busiest_hours, trend
from slactl.errors import RulesError
from slactl.sla.enums import Target
from slactl.store.read import measures as reads
from slactl.store.read.outcomes import Period

if TYPE_CHECKING:
    from slactl.records.figures import Objective, Report, ReportGroup, TargetFigures, TargetsBefore
    from slactl.store.database import Transaction

#: The fields of one target in a report, in the order of the output.
TARGET_FIELDS = (
    "target",
    "measured_count",
    "met_count",
    "breached_count",
    "still_open_count",
    "earlier_count",
    "attainment",
    "taken_count",
    "avg_seconds",
    "p50_seconds",
    "p90_seconds",
    "p95_seconds",
    "working_seconds",
    "paused_seconds",
    "closed_seconds",
    "off_hours_seconds",
)

#: The time by state: together these are the time between the start of a target and its end.
SPENT = ("working_seconds", "paused_seconds", "closed_seconds", "off_hours_seconds")

#: The number of tickets listed as the longest overdue.
WORST = 10


def report(
    transaction: "Transaction",
    now: datetime,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    by: By | None = None,
    zone: tzinfo | None = None,
    zone_name: str = "UTC",
    goals: "Sequence[Objective]" = (),
) -> "Report":
    """Return the report on [since, until) as seen from `now`; days and hours are in `zone`.

    An outcome counts if a clock stopped in the period, or if a deadline passed in it before the target was met. So a
    target that misses its deadline in one period and ends in the next is late in both. `overdue_seconds` is wall time.

    Raises:
        UsageError: the period ends before it begins.
    """
    period = between(now, since, until, "report")
    [tickets] = reads.tickets_judged(transaction, period)
    return {
        "at": period.now,
        "since": period.since,
        "until": period.until,
        "timezone": zone_name,
        "by": by.value if by else None,
        "opened_count": reads.tickets_opened(transaction, period)[None],
        "ticket_count": tickets.all,
        "escalation_rate": share(tickets.escalated, tickets.all),
        "breach_rate": share(tickets.breached, tickets.all),
        "reopen_rate": share(tickets.reopened, tickets.resolved),
        "corrected_count": reads.corrected_count(transaction, period),
        "targets": _targets(transaction, period)[None],
        "groups": _groups(transaction, period, by) if by else None,
        "before": _before(transaction, period),
        "trend": trend(transaction, period, zone),
        "escalations": reads.level_counts(transaction, period),
        "busiest_hours": busiest_hours(transaction, period, zone),
        "worst": reads.latest_tickets(transaction, period, WORST),
        "goals": [*goals],
    }


def _before(transaction: "Transaction", period: Period) -> "TargetsBefore | None":
    before = period_before(period)
    if before is None:
        return None
    return {"since": before.since, "until": before.until, "targets": _targets(transaction, before)[None]}


def target_rows(report: "Report") -> Iterable[Mapping[str, object]]:
    """Yield a row for each target, in total and then of each group, as a spreadsheet takes them."""
    for target in report["targets"]:
        yield {"group": None, **target}
    for group in report["groups"] or ():
        for target in group["targets"]:
            # An empty cell would read as the total.
            yield {"group": group["group"] or f"(no {report['by']})", **target}


def _groups(transaction: "Transaction", period: Period, by: By) -> "list[ReportGroup]":
    targets = _targets(transaction, period, by)
    opened = (
        _opened_by_policy(transaction, period) if by is By.POLICY else reads.tickets_opened(transaction, period, by)
    )
    empty = [_target(kind, Measured(), None, {}) for kind in Target]
    return [
        {"group": name, "opened_count": opened.get(name, 0), "targets": targets.get(name, empty)}
        for name in ordered_groups({*targets, *opened}, by)
    ]


def _opened_by_policy(transaction: "Transaction", period: Period) -> Counter[str | None]:
    """Count the tickets that were opened in a period by the policy that they got then.

    If the database has no readable version of the rules of that time, a ticket counts by its current policy.
    """
    found, versions = Counter[str | None](), None
    for opened in reads.opened_alike(transaction, period):
        policy = opened.policy
        if opened.detail is not None:
            from slactl.desk.ledger.rules_versions import RulesVersions
            from slactl.sla.timers.facts import TicketFacts

            versions = versions or RulesVersions(transaction)
            with suppress(RulesError):
                rules = versions.version(opened.detail["rules"])
                matched = rules.match(TicketFacts(opened.detail, rules.settings.default_plan).as_set)
                policy = matched.name if matched is not None else None
        found[policy] += opened.tickets
    return found


def _targets(
    transaction: "Transaction", period: Period, by: By | None = None
) -> "dict[str | None, list[TargetFigures]]":
    measured: defaultdict[str | None, dict[str, Measured]] = defaultdict(dict)
    spent: defaultdict[str | None, dict[str, dict[str, int]]] = defaultdict(dict)
    unfinished: defaultdict[str | None, dict[str, reads.Unfinished]] = defaultdict(dict)
    for kind in Target:
        for name, counted in measure(transaction, period, kind, by).items():
            measured[name][kind] = counted
        for late in reads.unfinished_targets(transaction, period, kind, by):
            unfinished[late.group][kind] = late
        for time in reads.time_spent(transaction, period, kind, by):
            outside = time.passed - time.working - time.paused - time.closed
            spent[time.group][kind] = dict(zip(SPENT, (time.working, time.paused, time.closed, outside), strict=True))
    return {
        name: [
            _target(kind, kinds.get(kind, Measured()), unfinished[name].get(kind), spent[name].get(kind, {}))
            for kind in Target
        ]
        for name, kinds in measured.items()
    }


def _target(
    kind: Target, measured: Measured, unfinished: reads.Unfinished | None, spent: Mapping[str, int]
) -> "TargetFigures":
    p50, p90, p95 = measured.quantiles(0.5, 0.9, 0.95)
    figures = {
        "target": kind.value,
        "measured_count": measured.count,
        "met_count": measured.count - measured.late,
        "breached_count": measured.late,
        "still_open_count": unfinished.still_open if unfinished else 0,
        "earlier_count": unfinished.earlier if unfinished else 0,
        "attainment": measured.attainment,
        "taken_count": measured.taken.number,
        "avg_seconds": measured.average(),
        "p50_seconds": p50,
        "p90_seconds": p90,
        "p95_seconds": p95,
        **{name: spent.get(name) for name in SPENT},
    }
    return cast("TargetFigures", figures)
