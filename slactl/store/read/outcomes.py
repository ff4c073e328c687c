"""Read the outcomes of a period: the stops of clocks in it, and the deadlines that passed in it."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from slactl.store.schema import views
from slactl.store.schema.sums import COUNTS, add_functions


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
    """Count targets of one kind with the same facts and group: how many were kept and missed, or are at risk.

    A fact that was not asked for has no meaning.
    """

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


#: What goals match on, and the column of outcomes and tickets that has it.
_COLUMN_OF = {"plan": "plan", "tenant": "tenant", "tag": "tags", "priority": "priority"}


def _domain(ticket: str, at: str) -> str:
    """Return the SQL of the domain that the requester of a ticket had at an instant.

    The log keeps domains: an edited or erased address changes nothing before.
    """
    return f"""(SELECT json_extract(e.detail, '$.requester_domain') FROM event e WHERE e.ticket_id = {ticket}
    AND e.at <= {at} AND e.action IN ('ticket.create', 'ticket.edit') AND instr(e.detail, '"requester_domain":"')
    AND (e.action = 'ticket.create' OR {COUNTS}) ORDER BY e.at DESC, e.id DESC LIMIT 1)"""


def _matched_on(keys: Collection[str], of: str, ticket: str, at: str) -> list[str]:
    """Return the SQL of what goals match on, in the order of `Counted`; null for what none of the `keys` names."""
    found = [f"{of}.{column}" if key in keys else "NULL" for key, column in _COLUMN_OF.items()]
    return [*found, _domain(ticket, at) if "requester_domain" in keys else "NULL"]


def _read_for(keys: Collection[str]) -> Iterator[str]:
    return (column for key, column in _COLUMN_OF.items() if key in keys)


def counted_outcomes(
    connection: sqlite3.Connection, period: Period, target: str, keys: Collection[str], by: str | None = None
) -> list[Counted]:
    """Return how many outcomes of a target in a period were kept and missed, by the `keys` of matches and by group."""
    facts = _matched_on(keys, "o", "o.ticket_id", "COALESCE(o.late_since, o.stopped_at)")
    read = {"late", *_read_for(keys)}
    read |= {"ticket_id"} if by == "source" else {"tags" if by == "tag" else by} if by is not None else set()
    read |= {"ticket_id", "late_since", "stopped_at"} if "requester_domain" in keys else set()
    source = f"({outcomes(period, [target], only=read)}) o"
    query = _by_facts(facts, counts(("NOT o.late", "o.late")), source, "1", by, "o")
    return [_counted(row, "kept", "missed") for row in _asked(connection, query, period.parameters, keys)]


def missed_outcomes(
    connection: sqlite3.Connection, period: Period, target: str, keys: Collection[str]
) -> list[tuple[int, Counted]]:
    """Return the tickets that missed a target in a period, with the facts of the `keys`, by the instant of the miss."""
    facts = ", ".join(_matched_on(keys, "o", "o.ticket_id", "COALESCE(o.late_since, o.stopped_at)"))
    read = {"ticket_id", "missed_at", "late_since", "stopped_at", *_read_for(keys)}
    query = f"""SELECT o.ticket_id, {facts} FROM ({outcomes(period, [target], only=read, late=True)}) o
    ORDER BY COALESCE(o.missed_at, o.late_since), o.ticket_id"""
    return [(number, _counted([None, *row])) for number, *row in _asked(connection, query, period.parameters, keys)]


def targets_at_risk(
    connection: sqlite3.Connection, now: str, soon: str, target: str, keys: Collection[str], by: str | None = None
) -> list[Counted]:
    """Return how many open targets of a kind are late at `now`, or due by `soon`, by `keys` of matches and by group."""
    source = f"{views.tickets(':now')} CROSS JOIN {views.timers(':now')} ON r.ticket_id = t.id AND r.kind = :target"
    condition = f"{views.OPEN} AND t.due_at <= :soon AND r.stopped_at IS NULL AND r.due_at <= :soon"
    columns = counts(("r.due_at < :now", "r.due_at >= :now"))
    query = _by_facts(_matched_on(keys, "t", "t.id", ":now"), columns, source, condition, by, "t")
    parameters = {"now": now, "soon": soon, "target": target}
    return [_counted(row, "late", "soon") for row in _asked(connection, query, parameters, keys)]


def _by_facts(facts: Sequence[str], columns: str, source: str, condition: str, by: str | None, of: str) -> str:
    group, joined = group_of(by, of)
    numbers = ", ".join(str(place + 1) for place in range(len(facts) + 1))
    return f"SELECT {group}, {', '.join(facts)}, {columns} FROM {source}{joined} WHERE {condition} GROUP BY {numbers}"


def _asked(
    connection: sqlite3.Connection, query: str, parameters: Mapping[str, str | None], keys: Collection[str]
) -> sqlite3.Cursor:
    if "requester_domain" in keys:
        add_functions(connection)
    return connection.execute(query, parameters)


def _counted(row: Sequence[Any], *names: str) -> Counted:
    group, plan, tenant, tags, priority, domain, *numbers = row
    facts = plan or "", tenant, tuple(json.loads(tags or "[]")), priority or "normal", domain
    return Counted(group, *facts, **dict(zip(names, numbers, strict=True)))
