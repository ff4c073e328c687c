"""Instants, deadlines and urgency in words."""

from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING

from slactl import display_zone
from slactl.clock import from_text, typed_zone
from slactl.display_zone import WEEKDAYS, describe, offset, shown
from slactl.durations import describe_seconds
from slactl.show.colours import ALARM, FAINT, WARNING
from slactl.sla.enums import DONE

if TYPE_CHECKING:
    from slactl.records.tickets import Ticket

#: What the state `unknown` of a target means.
UNKNOWN = "the source does not say when"

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


class Urgency(StrEnum):
    """How urgent a ticket is; each band has words too, for people who see no colour."""

    LATE = "late"
    SOON = "soon"
    CALM = "calm"
    PAUSED = "paused"
    DONE = "done"
    FREE = "free"


#: Bold, bright and dim differ without colour vision too.
STYLES = {
    Urgency.LATE: f"bold {ALARM}",
    Urgency.SOON: WARNING,
    Urgency.CALM: "",
    Urgency.PAUSED: FAINT,
    Urgency.DONE: FAINT,
    Urgency.FREE: FAINT,
}


def urgency(ticket: "Ticket", now: datetime, due_soon: int) -> Urgency:
    """Return the band of a ticket at `now`; due soon is within `due_soon` seconds, inclusive."""
    if ticket["due_at"]:
        left = (from_text(ticket["due_at"]) - now).total_seconds()
        return Urgency.LATE if left < 0 else Urgency.SOON if left <= due_soon else Urgency.CALM
    if ticket["status"] in DONE:
        return Urgency.DONE
    responses = (ticket["first_response_state"], ticket["next_response_state"])
    is_paused = "paused" in (*responses, ticket["update_state"], ticket["resolution_state"])
    return Urgency.PAUSED if is_paused else Urgency.FREE


def due_phrase(ticket: "Ticket", now: datetime) -> str:
    """Return the most urgent deadline in words: "in 2h 10m", "3h 5m late", "paused", "done", "no deadline"."""
    if ticket["due_at"]:
        return relative_due(ticket["due_at"], now)
    paused = f"paused {ends}" if (ends := pending_until(ticket, now)) else "paused"
    return {Urgency.DONE: "done", Urgency.PAUSED: paused}.get(urgency(ticket, now, 0), "no deadline")


def pending_until(ticket: "Ticket", now: datetime) -> str:
    """Return when the status of a ticket ends by itself: "until Mon 09:00", "until 2026-03-16"; empty if it does not.

    Only the next six days are named by their weekday.
    """
    if not ticket["pending_until"]:
        return ""
    there, here = shown(from_text(ticket["pending_until"])), shown(now)
    days = (there.date() - here.date()).days
    if days > 6:
        return f"until {there.date().isoformat()}"
    return f"until {f'{WEEKDAYS[there.weekday()]} ' if days else ''}{there:%H:%M}"


def relative_due(due_at: str, now: datetime) -> str:
    """Return a deadline seen from `now`: "in 2h 10m", "due now", "3h 5m late"."""
    left = int((from_text(due_at) - now).total_seconds())
    if left == 0:
        return "due now"
    return f"in {describe_seconds(left)}" if left > 0 else f"{describe_seconds(-left)} late"


def next_level(ticket: "Ticket", now: datetime) -> str:
    """Return the next level of a ticket: "manager in 42m", "manager due"; empty text without one."""
    if not ticket["next_level"] or not ticket["next_level_at"]:
        return ""
    left = int((from_text(ticket["next_level_at"]) - now).total_seconds())
    return f"{ticket['next_level']} " + (f"in {describe_seconds(left)}" if left > 0 else "due")


def relative(instant: str, now: datetime) -> str:
    """Return an instant seen from `now`: "3h 5m ago", "now", "in 10m"."""
    left = int((from_text(instant) - now).total_seconds())
    if left == 0:
        return "now"
    return f"in {describe_seconds(left)}" if left > 0 else f"{describe_seconds(-left)} ago"


def local(instant: str) -> str:
    """Return an instant in the display zone, which stands once above it: "2026-03-02 09:00"; seconds unless they are 0.

    It has its offset only where the heading does not say it: where the clocks show the time twice, or while the clocks
    of a zone without a name are changed.
    """
    there = shown(from_text(instant))
    seconds = f":{there.second:02d}" if there.second else ""
    zone = display_zone.heading()
    is_doubtful = display_zone.is_twice(there) or (zone[:3] == "UTC" and zone[3:] not in ("", offset(there)))
    return f"{there:%Y-%m-%d %H:%M}{seconds}" + (f" {offset(there)}" if is_doubtful else "")


def described(instant: str) -> str:
    """Return an instant in the display zone, with its weekday and the zone."""
    return describe(from_text(instant))


def timed(title: str) -> str:
    """Return the title of a column of times with the display zone: "Due (Europe/Berlin)"."""
    return f"{title} ({display_zone.heading()})"


def local_day(instant: str) -> str:
    """Return an instant as `local` does, with its weekday: "Mon 2026-03-02 09:00"."""
    return f"{WEEKDAYS[shown(from_text(instant)).weekday()]} {local(instant)}"


def moment(instant: str, now: datetime) -> str:
    """Return an instant in the display zone for a line about it: "Fri 14:00"; with its date beyond six days."""
    there, here = shown(from_text(instant)), shown(now)
    near = abs((there.date() - here.date()).days) <= 6
    seconds = f":{there.second:02d}" if there.second else ""
    return f"{WEEKDAYS[there.weekday()] if near else day_name(there.date())} {there:%H:%M}{seconds}"


def in_zone(instant: datetime, zone: tzinfo | None, *, with_offset: bool = False) -> str:
    """Return an instant in a zone (None is the display zone): "Mon 2026-03-02 09:00", on request with its offset."""
    there = instant.astimezone(zone or display_zone.zone())
    seconds = f":{there.second:02d}" if there.second else ""
    return f"{day_name(there.date())} {there:%H:%M}{seconds}" + (f" {offset(there)}" if with_offset else "")


def day_name(day: date) -> str:
    """Return a date with its weekday: "Mon 2026-03-02"."""
    return f"{WEEKDAYS[day.weekday()]} {day.isoformat()}"


def exact(seconds: int) -> str:
    """Return a length of counted time to the second, in hours and never in days: "26h 30m 5s"."""
    hours, rest = divmod(abs(seconds), 3600)
    parts = [f"{count}{unit}" for count, unit in ((hours, "h"), (rest // 60, "m"), (rest % 60, "s")) if count]
    return ("-" if seconds < 0 else "") + (" ".join(parts) or "0h")


def words(name: str) -> str:
    """Return a code as words: "first_response" is "first response"."""
    return name.replace("_", " ")


def zone_named(name: str | None) -> tuple[tzinfo | None, str]:
    """Return a time zone and its name; None stands for the display zone.

    Raises:
        NotKnownError: there is no zone of this name.
    """
    if name is None:
        return display_zone.zone(), display_zone.zone_name()
    return typed_zone(name), name
