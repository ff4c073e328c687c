"""What happened, told in one line an event."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from slactl.show.form import Screen
from slactl.show.records import Record, cell
from slactl.show.tables import Column, draw
from slactl.show.times import local, words

#: Said elsewhere, or of no use to a person.
HIDDEN = ("rules", "timezone", "requester_domain", "body", "subject", "requester_email", "actor")


def draw_events(events: Iterable[Record], screen: Screen, *, footer: str = "") -> None:
    """Draws event records of any tickets as a table."""
    draw(events, (Column("Ticket", lambda e: str(e["ticket_id"]), right=True), *columns()), screen, footer=footer)


def columns() -> Sequence[Column]:
    """The columns that tell one ticket's events."""
    return (
        Column("At", lambda e: local(e["at"])),
        Column("Recorded", _recorded, rank=2),
        Column("Actor", _actor, rank=1, most=20),
        Column("Action", lambda e: e["action"], most=24),
        Column("What", lambda e: describe(e["detail"]), most=1000, long=True, wrap=True),
    )


def describe(detail: Mapping[str, Any]) -> str:
    """The details of an event in words: "priority high, reason weekend backlog"."""
    told = ((name, value) for name, value in detail.items() if name not in HIDDEN and not name.endswith("_hash"))
    return ", ".join(f"{words(name)} {_value(name, value)}" for name, value in told)


def _value(name: str, value: object) -> str:
    if value is None or value == []:
        return "none"
    if name.endswith("_at") or name.endswith("_until") or name == "until":
        return local(value) if isinstance(value, str) else cell(value)
    return words(value) if name in ("status", "target") and isinstance(value, str) else cell(value)


def _recorded(event: Record) -> str:
    return local(event["recorded_at"]) if event["recorded_at"] != event["at"] else ""


def _actor(event: Record) -> tuple[str, str]:
    return event["actor"], "dim" if event["actor_type"] == "system" else ""
