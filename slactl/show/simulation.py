"""Simulated tickets, for people and for programs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TextIO

from slactl.clock import from_text
from slactl.durations import describe_seconds
from slactl.show.colours import FAINT
from slactl.show.form import Form, Screen
from slactl.show.records import Record, put, to_json, write, write_line
from slactl.show.tables import Column, draw
from slactl.show.ticket import STATE_STYLES, timer_phrase
from slactl.show.times import local, timed, words
from slactl.sla.enums import Target
from slactl.text import counted

#: The columns of one timer in the forms that have a row for each.
FIELDS = (
    "ticket",
    "policy",
    "status",
    "priority",
    "target",
    "cycle",
    "target_seconds",
    "started_at",
    "due_at",
    "state",
    "stopped_at",
    "breached_at",
    "elapsed_seconds",
    "remaining_seconds",
    "paused_seconds",
    "overdue_seconds",
    "firings",
)

TARGETS: tuple[str, ...] = tuple(Target)


@dataclass(slots=True)
class Tally:
    """Counts of tickets, of targets met and missed, and of levels that would have fired."""

    tickets: int = 0
    firings: int = 0
    states: Counter[tuple[str, str]] = field(default_factory=Counter)

    def over(self, tickets: Iterable[Record]) -> Iterator[Record]:
        """Yield the same tickets, and count them."""
        for ticket in tickets:
            self.tickets += 1
            self.firings += len(ticket["firings"])
            self.states.update((timer["target"], timer["state"]) for timer in ticket["timers"])
            yield ticket

    def lines(self) -> list[str]:
        """Return the counts in words, a line for each target."""
        found = [f"{counted(self.tickets, 'ticket')}, {counted(self.firings, 'level')} would have fired"]
        for target in TARGETS:
            met, missed = self.states[target, "met"], self.states[target, "breached"]
            waiting = self.states[target, "running"] + self.states[target, "paused"]
            unknown = self.states[target, "unknown"]
            if met + missed + waiting + unknown:
                share = f"{100 * met / (met + missed):.1f}%" if met + missed else "n/a"
                counts = [f"{met:,} met", f"{missed:,} missed", f"{waiting:,} open"]
                counts += [f"{unknown:,} unknown"] if unknown else []
                found.append(f"{words(target)}: {share} met ({', '.join(counts)})")
        return found


def write_tickets(at: str, tickets: Iterable[Record], form: Form, stream: TextIO) -> None:
    """Write simulated tickets one at a time as they come: all of each as JSON, else a row for each timer."""
    if form is Form.JSON:
        for text in _json(at, tickets):
            put(text, stream)
    elif form is Form.JSONL:
        for ticket in tickets:
            write_line(ticket, stream)
    elif form is Form.IDS:
        write(tickets, form, ("ticket",), stream, key="ticket")
    else:
        write((row for ticket in tickets for row in rows(ticket)), form, FIELDS, stream, key="ticket")


def rows(ticket: Record) -> Iterator[Record]:
    """Yield a row for each timer of a ticket, or one row without a timer; each has all levels that would have fired."""
    fired = [
        f"{each['escalation']}/{each['level']}{'#' + str(each['repeat']) if each['repeat'] else ''} {each['due_at']}"
        for each in ticket["firings"]
    ]
    facts = {name: ticket[name] for name in ("ticket", "policy", "status", "priority")} | {"firings": fired}
    for timer in ticket["timers"] or [{}]:
        yield {**dict.fromkeys(FIELDS), **facts, **timer}


def first_rows(tickets: Iterable[Record], now: datetime, most: int, tally: Tally) -> list[Record]:
    """Return the timers of the first `most` tickets (0 is all); `tally` counts all of them."""
    shown: list[Record] = []
    for place, ticket in enumerate(tally.over(tickets)):
        if not most or place < most:
            at = from_text(ticket["at"]) if "at" in ticket else now
            shown += [{**row, "now": at, "first": not index} for index, row in enumerate(rows(ticket))]
    return shown


def draw_rows(shown: Sequence[Record], screen: Screen, most: int, tally: Tally) -> None:
    """Draw the rows of `first_rows`, and the totals of `tally` below them."""
    footer = tally.lines()
    if most and tally.tickets > most:
        footer.insert(0, f"the first {most:,} of {tally.tickets:,} tickets; --limit 0 shows all")
    draw(shown, columns(), screen)
    console = screen.console()
    for line in footer:
        console.print(line, style=FAINT)


def _json(at: str, tickets: Iterable[Record]) -> Iterator[str]:
    before = f'{{"at": {to_json(at)}, "tickets": ['
    for ticket in tickets:
        yield f"{before}\n{to_json(ticket)}"
        before = ","
    yield f"{'' if before == ',' else before}\n]}}\n"


def columns() -> Sequence[Column]:
    """Return the columns of simulated timers."""
    return (
        Column("Ticket", lambda row: row["ticket"] if row["first"] else "", most=24),
        Column("Policy", lambda row: row["policy"] or "none" if row["first"] else "", rank=3, most=24),
        Column("Priority", lambda row: row["priority"] if row["first"] else "", rank=5),
        Column("Target", lambda row: words(row["target"] or "no target")),
        Column("Cycle", lambda row: str(row["cycle"]) if (row["cycle"] or 1) > 1 else "", rank=4, right=True),
        Column("State", lambda row: (row["state"] or "", STATE_STYLES.get(row["state"], ""))),
        Column("Duration", lambda row: describe_seconds(s) if (s := row["target_seconds"]) is not None else "", rank=2),
        Column(timed("Due"), lambda row: local(row["due_at"]) if row["due_at"] else "", rank=1),
        Column("", lambda row: timer_phrase(row, row["now"]) if row["target"] else ""),
        Column("Would have fired", _fired, rank=6, most=200, long=True),
    )


def _fired(row: Record) -> str:
    if not row["first"]:
        return ""
    counted = Counter(text.split(" ")[0] for text in row["firings"])
    return ", ".join(level if times == 1 else f"{level} ({times} times)" for level, times in counted.items())
