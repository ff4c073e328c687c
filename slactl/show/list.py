"""The table of tickets, each with its deadline in words."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast

from slactl.show.form import Screen
from slactl.show.records import Record
from slactl.show.tables import Column, draw
from slactl.show.times import STYLES, due_phrase, next_level, pending_until, relative, urgency, words
from slactl.sla.enums import Priority

if TYPE_CHECKING:
    from slactl.records.tickets import Ticket

#: The table names each priority; only high priorities have a colour.
PRIORITY_STYLES: Mapping[str, str] = {
    Priority.URGENT: "bold magenta",
    Priority.HIGH: "magenta",
    Priority.NORMAL: "",
    Priority.LOW: "dim",
}


def draw_tickets(tickets: Iterable[Record], screen: Screen, now: datetime, *, due_soon: int, footer: str = "") -> None:
    """Draw tickets as a table; `due_soon` in seconds."""
    shown = list(cast("Iterable[Ticket]", tickets))
    ending = any(ticket["pending_until"] for ticket in shown)
    draw(shown, columns(now, due_soon, ending=ending), screen, footer=footer)


def columns(now: datetime, due_soon: int, *, ending: bool = False) -> "Sequence[Column[Ticket]]":
    """Return the columns of the list; a narrow screen leaves out those of the highest rank first.

    With `ending` a status ends by itself, and the status is among the last columns that are left out.
    """

    def due(ticket: "Ticket") -> tuple[str, str]:
        return due_phrase(ticket, now), STYLES[urgency(ticket, now, due_soon)]

    def status(ticket: "Ticket") -> str:
        ends = pending_until(ticket, now) if ticket["due_at"] else ""  # else `due` says it
        return f"{words(ticket['status'])} {ends}".rstrip()

    return (
        Column("ID", lambda t: str(t["id"]), right=True),
        Column("Due", due),
        Column("Target", lambda t: words(t["due_target"] or ""), rank=2),
        Column("Priority", lambda t: (t["priority"], PRIORITY_STYLES[t["priority"]])),
        Column("Status", status, rank=1 if ending else 6),
        Column("Assignee", assignee, rank=1, most=12),
        Column("Next", lambda t: next_level(t, now), rank=3, most=24),
        Column("Level", lambda t: str(t["escalation_level"] or ""), rank=7, right=True),
        Column("Acknowledged", lambda t: relative(t["acked_until"], now) if t["acked_until"] else "", rank=8),
        Column("Plan", lambda t: t["plan"] or "", rank=5, most=14),
        Column("Tenant", lambda t: t["tenant"] or "", rank=4, most=16),
        Column("External", lambda t: t["external_id"] or "", rank=9, most=16),
        Column("Subject", lambda t: t["subject"] or "", most=200, long=True),
    )


def assignee(ticket: Record) -> tuple[str, str]:
    """Return the assignee and a style, or "nobody"."""
    return (ticket["assignee"], "") if ticket["assignee"] else ("nobody", "yellow")
