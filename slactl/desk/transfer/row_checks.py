"""Refuse the rows of another help desk that contradict themselves, and warn about what a row does not tell."""

from collections.abc import Iterator

from slactl.desk.transfer.lines import Problem
from slactl.desk.transfer.maps import Map
from slactl.desk.transfer.row_events import ENDS, Row, row_events, unknown_targets
from slactl.sla.enums import DONE, Target
from slactl.sla.history.readers import LineError

#: What ends a target, for messages.
_ENDING = {Target.FIRST_RESPONSE: "an agent answered", Target.RESOLUTION: "a ticket was resolved"}


def check_row(row: Row, mapping: Map, latest: str | None) -> None:
    """Refuse a row whose instants contradict each other or lie after `latest`.

    Raises:
        LineError: that is so.
    """
    created = row["created_at"]
    used = {"first_responded_at": row.get("first_responded_at")}
    if row.get("status") is None or row["status"] in DONE:
        used |= {name: row.get(name) for name in ENDS}
    for name, instant in used.items():
        if instant is not None and instant < created:
            raise LineError(name, f"{instant} is before the ticket was created, at {created}")
    if latest is None:
        return
    for name, instant in {"created_at": created, "at": row.get("at"), **used}.items():
        if instant is not None and instant > latest:
            raise LineError(name, f"{instant} lies in the future")
    for name in ("messages", "changes"):
        for each in row.get(name, ()):
            if each["at"] > latest:
                raise LineError(name, f"{each['at']} lies in the future")


def warnings(row: Row, mapping: Map) -> Iterator[Problem]:
    """Yield a warning for each thing that the row of a ticket does not tell, or tells twice."""
    if mapping.kind == "tickets":
        yield from _doubts(row, mapping)
    if unknown := unknown_targets(row, mapping):
        when = " or ".join(what for target, what in _ENDING.items() if target in unknown)
        names = ", ".join(each.replace("_", " ") for each in unknown)
        yield Problem(0, "", f"the source does not tell when {when}; these targets are unknown: {names}")


def _doubts(row: Row, mapping: Map) -> Iterator[Problem]:
    """Yield a warning for each date and message of a snapshot that slactl does not use, and for an end without date."""
    status = row.get("status")
    for name in ENDS:
        if row.get(name) is not None and status is not None and status not in DONE:
            yield Problem(0, name, f"the ticket is {status}, so slactl does not use this date")
    if any(each["at"] < row["created_at"] for each in row.get("messages", ())):
        yield Problem(0, "messages", "a message is from before the ticket was created; slactl leaves it out")
    if status not in DONE or not any(event.get("unknown_instant") for event in row_events(row, mapping)):
        return
    date = next((name for name in ENDS if row.get(name) is not None), None)
    if date is not None:
        yield Problem(0, date, "the ticket was open after this date, as the listed changes say; slactl does not use it")
    yield Problem(0, "status", f"{status} without a date: nobody knows since when, so its open targets are unknown")
