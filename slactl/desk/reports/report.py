"""How the promises of a period were kept, to whom not, and why: the numbers of `report`."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from slactl.desk.reports.measures import MISSED_AT, By, Measured, Period, between, ever, measure, ordered_groups, share
from slactl.desk.reports.trends import busiest_hours, trend
from slactl.store.schema import views

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

#: How the time between the start of a target and its end was spent; all of it together is the time that passed.
SPENT = ("working_seconds", "paused_seconds", "closed_seconds", "off_hours_seconds")

#: How many of the tickets that were latest are told.
WORST = 10

Groups = dict[str | None, list[dict[str, Any]]]


def report(
    connection: sqlite3.Connection,
    now: datetime,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    by: By | None = None,
    zone: tzinfo | None = None,
    zone_name: str = "UTC",
) -> dict[str, Any]:
    """The report on [since, until), from all that is known at `now`; days and hours are those of `zone`.

    What counts is what was done, or whose deadline passed undone, in the period: a target that ran out in one period
    and was done in the next is late in both. Times are business time of each ticket's calendar, and `overdue_seconds`
    wall time.

    Raises:
        UsageError: the period ends before it begins.
    """
    period = between(now, since, until)
    tickets = ever(connection, period)[None]
    return {
        "at": period.now,
        "since": period.since,
        "until": period.until,
        "timezone": zone_name,
        "by": by.value if by else None,
        "opened_count": _opened(connection, period, None)[None],
        "ticket_count": tickets["all"],
        "escalation_rate": share(tickets["escalated"], tickets["all"]),
        "breach_rate": share(tickets["breached"], tickets["all"]),
        "targets": _whole(connection, period),
        "groups": _groups(connection, period, by) if by else None,
        "before": _before(connection, period.before) if period.before else None,
        "trend": trend(connection, period, zone),
        "escalations": _escalations(connection, period),
        "busiest_hours": busiest_hours(connection, period, zone),
        "worst": _worst(connection, period),
    }


def _before(connection: sqlite3.Connection, period: Period) -> dict[str, Any]:
    return {"since": period.since, "until": period.until, "targets": _whole(connection, period)}


def _whole(connection: sqlite3.Connection, period: Period) -> list[dict[str, Any]]:
    return _targets(connection, period, None)[None]


def target_rows(found: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """A row for each target, of the whole and then of each group, as a spreadsheet takes them."""
    for target in found["targets"]:
        yield {"group": None, **target}
    for group in found["groups"] or ():
        for target in group["targets"]:
            # A group without a name is not the whole.
            yield {"group": group["group"] or f"(no {found['by']})", **target}


def _groups(connection: sqlite3.Connection, period: Period, by: By) -> list[dict[str, Any]]:
    found, opened = _targets(connection, period, by), _opened(connection, period, by)
    empty = [_target(kind, Measured(), {}) for kind in views.TARGETS]
    return [
        {"group": name, "opened_count": opened.get(name, 0), "targets": found.get(name, empty)}
        for name in ordered_groups({*found, *opened}, by)
    ]


def _targets(connection: sqlite3.Connection, period: Period, by: By | None) -> Groups:
    measured: defaultdict[str | None, dict[str, Measured]] = defaultdict(dict)
    spent: defaultdict[str | None, dict[str, dict[str, int]]] = defaultdict(dict)
    for kind in views.TARGETS:
        for name, each in measure(connection, period, kind, by).items():
            measured[name][kind] = each
        for name, seconds in _spent(connection, period, kind, by).items():
            spent[name][kind] = seconds
    return {
        name: [_target(kind, kinds.get(kind, Measured()), spent[name].get(kind, {})) for kind in views.TARGETS]
        for name, kinds in measured.items()
    }


def _target(kind: str, measured: Measured, spent: Mapping[str, int]) -> dict[str, Any]:
    middle, most, nearly_all = measured.quantiles(0.5, 0.9, 0.95)
    return {
        "target": kind,
        "measured_count": measured.count,
        "met_count": measured.count - measured.late,
        "breached_count": measured.late,
        "still_open_count": measured.still_open,
        "earlier_count": measured.earlier,
        "attainment": measured.attainment,
        "taken_count": len(measured.seconds),
        "avg_seconds": measured.average(),
        "p50_seconds": middle,
        "p90_seconds": most,
        "p95_seconds": nearly_all,
        **{name: spent.get(name) for name in SPENT},
    }


def _spent(
    connection: sqlite3.Connection, period: Period, kind: str, by: By | None
) -> dict[str | None, dict[str, int]]:
    """Who had the ball while targets that were done in the period ran, in seconds of all of them together."""
    wall = "SUM(strftime('%s', r.stopped_at) - strftime('%s', r.started_at))"
    group, join, end = (f"t.{by}", " JOIN ticket t ON t.id = r.ticket_id", " GROUP BY 1") if by else ("NULL", "", "")
    query = f"""SELECT {group}, SUM(r.consumed_seconds), SUM(r.paused_seconds), SUM(r.closed_seconds), {wall}
    FROM timer r{join} WHERE r.kind = :kind AND {period.done} AND r.paused_seconds IS NOT NULL{end}"""
    return {
        name: dict(zip(SPENT, (worked, paused, closed, passed - worked - paused - closed), strict=True))
        for name, worked, paused, closed, passed in connection.execute(query, {**period.parameters, "kind": kind})
        if passed is not None
    }


def _opened(connection: sqlite3.Connection, period: Period, by: By | None) -> dict[str | None, int]:
    group, end = (f"t.{by}", " GROUP BY 1") if by else ("NULL", "")
    query = f"SELECT {group}, COUNT(*) FROM ticket t WHERE {period.holds('t.created_at')}{end}"
    return dict(connection.execute(query, period.parameters).fetchall())


def _escalations(connection: sqlite3.Connection, period: Period) -> list[dict[str, Any]]:
    """How often each level came to be due in the period and what became of it; manual escalations are one row."""
    outcomes = ("fired", "expired", "baseline", "skipped")
    counts = ", ".join(f"SUM(outcome = '{outcome}')" for outcome in outcomes)
    query = f"""SELECT source, escalation, level, {counts}, COUNT(DISTINCT ticket_id) FROM escalation
    WHERE {period.holds("fired_at")} GROUP BY 1, 2, 3 ORDER BY source, escalation, MIN(id)"""
    names = ("source", "escalation", "level", *(f"{outcome}_count" for outcome in outcomes), "ticket_count")
    return [dict(zip(names, row, strict=True)) for row in connection.execute(query, period.parameters)]


def _worst(connection: sqlite3.Connection, period: Period) -> list[dict[str, Any]]:
    """The tickets that were latest in the period, each with the target it was latest in; seconds of wall time."""
    late = f"strftime('%s', COALESCE(r.stopped_at, :now)) - strftime('%s', {MISSED_AT})"
    columns = {
        "ticket_id": "t.id",
        "external_id": "t.external_id",
        "subject": "COALESCE(t.subject, t.external_id)",
        "target": "r.kind",
        "breached_at": MISSED_AT,
        "stopped_at": "r.stopped_at",
        "overdue_seconds": f"MAX({late})",
        "status": "t.status",
        "priority": "t.priority",
        "assignee": "t.assignee",
        "tenant": "t.tenant",
        "plan": "t.plan",
    }
    query = f"""{views.select(columns, views.BREACH_SOURCE)} WHERE r.kind IN {views.TARGETS} AND {period.late}
    AND {period.measured} GROUP BY t.id ORDER BY overdue_seconds DESC, t.id LIMIT {WORST}"""
    return [dict(zip(columns, row, strict=True)) for row in connection.execute(query, period.parameters)]
