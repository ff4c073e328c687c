"""Read the outcomes of a period: the stops of clocks in it, and the deadlines that passed in it."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from slactl.store.schema import views


@dataclass(frozen=True, slots=True)
class Period:
    """Hold the time in [since, until), as instants in stored text, seen from `now`; None is no bound."""

    now: str
    since: str | None = None
    until: str | None = None

    @property
    def end(self) -> str:
        """Return the end, or now before the period is over."""
        return min(self.until or self.now, self.now)

    @property
    def parameters(self) -> Mapping[str, str | None]:
        """Return the values of the names in the conditions."""
        return {"now": self.now, "since": self.since, "until": self.until, "end": self.end}

    def holds(self, instant: str) -> str:
        """Return the condition that an instant lies in the period; it is never true of null."""
        parts = [f"{instant} >= :since"] if self.since else []
        return " AND ".join([*parts, *self.ends_after(instant)]) or f"{instant} IS NOT NULL"

    def ends_after(self, instant: str) -> list[str]:
        """Return the condition that the period ends after an instant; none without an end."""
        return [f"{instant} < :until"] if self.until else []

    def days(self) -> list[str]:
        """Return the condition on `day` that a whole day of UTC lies in the period, and those that take the rest.

        The rest are the conditions on the `stopped_at` of an outcome `o` that it lies in a day with a bound.
        """
        since, until = (bound[:10] if bound else None for bound in (self.since, self.until))
        # No sign of an instant after its date comes after "U": so this is the end of the day.
        begins = [f"day > '{since}'"] if since else []
        ends = [f"day < '{until}'"] if until else []
        edges = [f"o.stopped_at < '{since}U'"] if since else []
        edges += [f"o.stopped_at >= '{until}'"] if until and until != since else []
        within = self.holds("o.stopped_at")
        return [" AND ".join([*begins, *ends]) or "1", *(f"{within} AND {edge}" for edge in edges)]


#: What reports group by.
_GROUPS = ("plan", "tenant", "priority", "assignee", "policy", "tags")

#: Each column, of a stop in the period, of a deadline that passed in it, and of one that no outcome counts yet.
_COLUMNS: Mapping[str, tuple[str, str, str]] = {
    **{name: (f"o.{name}", f"o.{name}", f"r.{name}") for name in ("ticket_id", "kind", "cycle", "agreement")},
    "started_at": ("o.started_at", "o.started_at", "r.started_at"),
    "missed_at": ("o.missed_at", "o.missed_at", "r.due_at"),
    "late_since": ("o.late_since", "o.late_since", "r.due_at"),
    "stopped_at": ("o.stopped_at", "{ended}", "NULL"),
    "done": ("1", "0", "0"),
    "late": ("o.met = 0", "1", "1"),
    "seconds": ("o.seconds", "NULL", "NULL"),
    "averaged": ("o.averaged", "0", "0"),
    "paused_seconds": ("o.paused_seconds", "NULL", "NULL"),
    "closed_seconds": ("o.closed_seconds", "NULL", "NULL"),
    **{name: (f"o.{name}", f"o.{name}", f"t.{name}") for name in _GROUPS},
}


def uncounted(columns: str, condition: str) -> str:
    """Return the query of the targets `r` whose deadlines passed since their tickets `t` changed last, at `:now`.

    No outcome counts them yet. An index has them. Where the status of a ticket has ended by itself meanwhile, other
    deadlines may run: an index has these tickets too.
    """
    passed = "r.stopped_at IS NULL AND r.counted = 0 AND r.due_at < :now"
    return f"""SELECT {columns} FROM timer r CROSS JOIN ticket t ON t.id = r.ticket_id
WHERE {passed} AND (r.wakes_at IS NULL OR r.wakes_at > :now) AND {views.OPEN} AND {condition}
UNION ALL SELECT {columns} FROM {views.woken_tickets(":now")} CROSS JOIN {views.timers(":now")} ON r.ticket_id = t.id
WHERE r.wakes_at <= :now AND {passed} AND {condition}"""


#: The outcomes of the same target and cycle as `o`. A ticket has few: the plus sign keeps SQLite from looking for them
#: among all outcomes of the kind.
_OF_CYCLE = "outcome s WHERE s.ticket_id = o.ticket_id AND +s.kind = o.kind AND s.cycle = o.cycle"


def outcomes(
    period: Period,
    kinds: Iterable[str] = views.TARGETS,
    *,
    only: Collection[str] = tuple(_COLUMNS),
    late: bool = False,
) -> str:
    """Return the query of the outcomes of a period, of these kinds of target, as they stood when it ended.

    It has `only` these columns, and with `late` only those that are late. Where the indexes hold all of them, it reads
    no row of the table.

    An outcome is in the period if the clock `stopped_at` an instant in it, or if the target was `late_since` one. A
    stop after the period is null, so that a report stays the same. `done` and `late` are 0 or 1.
    """
    kinds = tuple(kinds)
    names = ", ".join(f"'{kind}'" for kind in kinds)
    stopped = period.holds("o.stopped_at")
    after = " AND ".join(["s.stopped_at >= o.late_since", *period.ends_after("s.stopped_at")])
    ended = f"(SELECT MIN(s.stopped_at) FROM {_OF_CYCLE} AND {after})"
    of_stop, of_miss, of_passed = (
        ", ".join(f"{parts[place].format(ended=ended)} AS {name}" for name, parts in _COLUMNS.items() if name in only)
        for place in range(3)
    )
    return f"""SELECT {of_stop} FROM outcome o WHERE o.kind IN ({names}) AND {stopped}{" AND o.met = 0" if late else ""}
UNION ALL SELECT {of_miss} FROM outcome o WHERE {misses(period, *kinds)}
UNION ALL {uncounted(of_passed, f"+r.kind IN ({names}) AND {period.holds('r.due_at')}")}"""


def misses(period: Period, *kinds: str) -> str:
    """Return the condition that an outcome `o` of some kinds missed its deadline in a period and did not stop in it."""
    names = ", ".join(f"'{kind}'" for kind in kinds)
    # The plus sign keeps SQLite from using an index for whether the clock stopped in the period.
    elsewhere = f"(o.stopped_at IS NULL OR NOT ({period.holds('+o.stopped_at')}))"
    return f"o.kind IN ({names}) AND {period.holds('o.late_since')} AND {elsewhere}"


def of_miss(column: str) -> str:
    """Return a column about the deadline that an outcome `o` missed: another outcome has it after a reopening."""
    return f"COALESCE(o.{column}, (SELECT MIN(s.{column}) FROM {_OF_CYCLE} AND s.agreement = o.agreement))"


def counts(conditions: Iterable[str]) -> str:
    """Return the columns that count the rows of each condition; 0, not null, where there are none."""
    return ", ".join(f"COUNT(CASE WHEN {condition} THEN 1 END)" for condition in conditions)


def group_of(by: str | None, of: str) -> tuple[str, str]:
    """Return the SQL of the group of a row `of`, and of what has to be joined for it; the group is null without `by`.

    A row is in the group of each of its tags. The source is that of its ticket.
    """
    if by == "tag":
        return "g.value", f" LEFT JOIN json_each({of}.tags) g"
    if by == "source" and of != "t":
        return f"(SELECT t.source FROM ticket t WHERE t.id = {of}.ticket_id)", ""
    return (f"{of}.{by}", "") if by is not None else ("NULL", "")


def grouped(columns: str, source: str, condition: str, by: str | None, of: str = "o") -> str:
    """Return a query of aggregates over rows `of` a source, by a field; the first value is the group."""
    group, joined = group_of(by, of)
    return f"SELECT {group}, {columns} FROM {source}{joined} WHERE {condition}" + (" GROUP BY 1" if by else "")


class Counted(NamedTuple):
    """Count targets of one kind with the same facts and group: how many were kept and missed, or are at risk."""

    group: str | None
    plan: str
    tenant: str | None
    tags: tuple[str, ...]
    priority: str
    requester_domain: str | None
    kept: int = 0
    missed: int = 0
    late: int = 0
    soon: int = 0


#: The facts of a row, and the domain of the requester of its ticket.
_FACTS = ("plan", "tenant", "tags", "priority")
_DOMAIN = "LOWER(NULLIF(SUBSTR(t.requester_email, INSTR(t.requester_email, '@') + 1), ''))"


def counted_outcomes(
    connection: sqlite3.Connection, period: Period, target: str, by: str | None = None
) -> list[Counted]:
    """Return how many outcomes of a target in a period were kept and missed, by facts and group."""
    source = f"({outcomes(period, [target])}) o JOIN ticket t ON t.id = o.ticket_id"
    columns = counts(("NOT o.late", "o.late"))
    found = connection.execute(_query(columns, source, "1", by, "o"), period.parameters)
    return [_row(facts, kept=kept, missed=missed) for *facts, kept, missed in found]


def missed_outcomes(connection: sqlite3.Connection, period: Period, target: str) -> list[tuple[int, Counted]]:
    """Return the tickets that missed a target in a period, with their facts, by the instant of the miss."""
    facts = ", ".join(f"o.{name}" for name in _FACTS)
    query = f"""SELECT o.ticket_id, NULL, {facts}, {_DOMAIN} FROM ({outcomes(period, [target], late=True)}) o
    JOIN ticket t ON t.id = o.ticket_id ORDER BY COALESCE(o.missed_at, o.late_since), o.ticket_id"""
    return [(number, _row(row)) for number, *row in connection.execute(query, period.parameters)]


def targets_at_risk(
    connection: sqlite3.Connection, now: str, soon: str, target: str, by: str | None = None
) -> list[Counted]:
    """Return how many open targets of a kind are late at `now`, or due by `soon`, by facts and group."""
    source = f"{views.tickets(':now')} CROSS JOIN {views.timers(':now')} ON r.ticket_id = t.id AND r.kind = :target"
    condition = f"{views.OPEN} AND t.due_at <= :soon AND r.stopped_at IS NULL AND r.due_at <= :soon"
    columns = counts(("r.due_at < :now", "r.due_at >= :now"))
    parameters = {"now": now, "soon": soon, "target": target}
    found = connection.execute(_query(columns, source, condition, by, "t"), parameters)
    return [_row(facts, late=late, soon=coming) for *facts, late, coming in found]


def _query(columns: str, source: str, condition: str, by: str | None, of: str) -> str:
    group, joined = group_of(by, of)
    facts = ", ".join(f"{of}.{name}" for name in _FACTS)
    numbers = ", ".join(map(str, range(1, len(_FACTS) + 3)))
    return f"SELECT {group}, {facts}, {_DOMAIN}, {columns} FROM {source}{joined} WHERE {condition} GROUP BY {numbers}"


def _row(facts: list[str | None], **numbers: int) -> Counted:
    group, plan, tenant, tags, priority, domain = facts
    return Counted(group, str(plan), tenant, tuple(json.loads(tags or "[]")), str(priority), domain, **numbers)
