"""The history of a ticket, one line for each event."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slactl.show.colours import FAINT
from slactl.show.form import Screen
from slactl.show.records import cell
from slactl.show.tables import Column, draw
from slactl.show.times import UNKNOWN, local, timed, words
from slactl.sla.enums import Status, Target

if TYPE_CHECKING:
    from slactl.records.tickets import Event

#: Details that another column shows, or that help no person.
HIDDEN = (
    *("rules", "rules_seal", "timezone", "country", "subdivision", "requester_domain"),
    *("body", "subject", "requester_email", "actor"),
)
#: Usual values, which are left out.
USUAL = {"arming": 0, "cycle": 1, "repeat": 0, "warning": False, "outcome": "fired"}
#: Details that people wrote, shown unchanged.
WRITTEN = ("reason", "note", "tags", "tag", "external_id")
#: Facts that are true or false, in words; false facts are not shown.
FLAGS = {
    "outbound": "an agent wrote first",
    "unknown_instant": UNKNOWN,
    "by_itself": "the previous status reached its end time",
}
#: Codes that are shown as words.
CODES = frozenset((*Status, *Target))


def draw_events(events: "Sequence[Event]", screen: Screen, *, footer: str = "") -> None:
    """Draw events as a table, with a column for the ticket where the events are of several tickets."""
    shown = columns(zone=True)
    if len({event["ticket_id"] for event in events}) > 1:
        shown = [Column("Ticket", lambda event: str(event["ticket_id"]), right=True), *shown]
    draw(events, shown, screen, footer=footer)


def columns(*, zone: bool = False) -> "Sequence[Column[Event]]":
    """Return the columns of a list of events, the display zone in the title of the first time if `zone`."""

    def recorded(event: "Event") -> str:
        return local(event["recorded_at"]) if event["recorded_at"] != event["at"] else ""

    return (
        Column(timed("At") if zone else "At", lambda e: local(e["at"])),
        Column("Recorded", recorded, rank=2),
        Column("Actor", lambda e: (e["actor"], FAINT if e["actor_type"] == "system" else ""), rank=1, most=20),
        Column("Change", lambda e: str(e["change"] or ""), rank=3, right=True),
        Column("Action", lambda e: e["action"], most=24),
        Column("Details", describe, most=1000, long=True, wrap=True),
    )


def describe(event: "Event") -> str:
    """Return the details of an event in words: "priority high, was normal"."""
    if event["action"] == "ticket.erase":
        return ", ".join(
            f"{words(name)} of {cell([str(each) for each in ids])}" for name, ids in event["detail"].items()
        )
    if event["action"] == "ticket.retract" and "undoes" in event["detail"]:
        reason = event["detail"].get("reason")
        return f"change {event['detail']['undoes']} undone" + (f": {reason}" if reason else "")
    details = {
        name: value for name, value in event["detail"].items() if name not in HIDDEN and not name.endswith("_hash")
    }
    details = {name: value for name, value in details.items() if name not in USUAL or value != USUAL[name]}
    if event["action"] == "ticket.create":
        # In a new ticket an empty value is usual; later it is a change.
        details = {name: value for name, value in details.items() if value not in (None, [], "")}
    if "level" in details:
        details.pop("kind", None)  # the name and the reason of the escalation say it
    before = {"was": details.pop("from")} if "from" in details else {}
    flags = [FLAGS[name] for name in FLAGS if details.pop(name, False)]
    return ", ".join([*(f"{words(name)} {_value(name, value)}" for name, value in (details | before).items()), *flags])


def _value(name: str, value: object) -> str:
    if value is None or value == []:
        return "none"
    if name == "unknown" and isinstance(value, list):
        return ", ".join(words(each) for each in value)
    if not isinstance(value, str) or name in WRITTEN:
        return cell(value)
    if value in CODES:
        return words(value)
    try:
        return local(value) if value.endswith("Z") else value
    except ValueError:
        return value
