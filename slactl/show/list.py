"""The table of tickets, each with its deadline in words."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast

from slactl.show.colours import FAINT, NOTABLE, WARNING
from slactl.show.form import Screen
from slactl.show.records import Record
from slactl.show.tables import Column, draw
from slactl.show.times import STYLES, due_phrase, next_level, pending_until, urgency, words
from slactl.sla.enums import Priority, Status

if TYPE_CHECKING:
    from slactl.records.tickets import Ticket

#: How many pending tickets the line below a list names.
FEW = 5

#: The one word for a status whose name is long.
SHORT: Mapping[str, str] = {Status.WAITING_CUSTOMER: "waiting"}

#: The table names each priority; only high priorities have a colour.
PRIORITY_STYLES: Mapping[str, str] = {
    Priority.URGENT: f"bold {NOTABLE}",
    Priority.HIGH: NOTABLE,
    Priority.NORMAL: "",
    Priority.LOW: FAINT,
}


def draw_tickets(tickets: Iterable[Record], screen: Screen, now: datetime, *, due_soon: int, footer: str = "") -> None:
    """Draw tickets as a table; `due_soon` in seconds."""
    shown = list(cast("Iterable[Ticket]", tickets))
    draw(
        shown, columns(now, due_soon), screen, footer="\n".join(line for line in (waiting(shown, now), footer) if line)
    )


def columns(now: datetime, due_soon: int) -> "Sequence[Column[Ticket]]":
    """Return the columns of the list; a narrow screen leaves out those of the highest rank first.

    They are those of a pipe, in words: `Due` is both the deadline and how long it is overdue.
    """

    def due(ticket: "Ticket") -> tuple[str, str]:
        return due_phrase(ticket, now), STYLES[urgency(ticket, now, due_soon)]

    return (
        Column("ID", lambda t: str(t["id"]), right=True, usual=5),
        Column("Due", due, usual=11),
        Column("Target", lambda t: words(t["due_target"] or ""), rank=2, usual=14),
        Column("Priority", lambda t: (t["priority"], PRIORITY_STYLES[t["priority"]]), usual=8),
        Column("Status", lambda t: SHORT.get(t["status"], t["status"]), rank=3, usual=8),
        Column("Assignee", assignee, rank=1, most=16, usual=8),
        Column("Next", lambda t: next_level(t, now), rank=4, most=24, usual=14),
        Column("Plan", lambda t: t["plan"] or "", rank=5, most=16, usual=10),
        Column("Subject", lambda t: t["subject"] or "", most=200, long=True, usual=14),
    )


def waiting(tickets: "Sequence[Ticket]", now: datetime) -> str:
    """Return which tickets are pending until when although a deadline runs; `Due` says it of the others."""
    found = [f"#{t['id']} {pending_until(t, now)}" for t in tickets if t["pending_until"] and t["due_at"]]
    more = f" and {len(found) - FEW:,} more" if len(found) > FEW else ""
    return f"pending: {', '.join(found[:FEW])}{more}" if found else ""


def assignee(ticket: Record) -> tuple[str, str]:
    """Return the assignee and a style, or "nobody"."""
    return (ticket["assignee"], "") if ticket["assignee"] else ("nobody", WARNING)
