"""The receipts of `escalate`: what changed, who was told and by what, and which messages wait and why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from slactl.sla.enums import NotificationState
from slactl.text import NOBODY, clean

if TYPE_CHECKING:
    from slactl.records.runs import Notice
    from slactl.records.tickets import Ticket

_TOLD = (NotificationState.SENT, NotificationState.PARTLY)


class Receipts(NamedTuple):
    """Hold the records of escalations by hand, and what became of their messages."""

    records: Sequence[Mapping[str, Any]]
    notices: "Sequence[Notice]"

    def line(self, number: int) -> str:
        """Return what followed for a ticket, in words."""
        changes = [f"{each['field']} {each['from'] or 'nobody'} → {each['to']}" for each in self._changes(number)]
        told = [_words(notice) for notice in self._of(number)]
        return "; ".join(clean(part) for part in (*changes, *told))

    def added_to(self, tickets: "Iterable[Ticket]") -> tuple[list[dict[str, Any]], Sequence[str]]:
        """Return tickets for machines, each with what followed, and the names of the fields that this adds."""
        return [{**ticket, **self._record(ticket["id"])} for ticket in tickets], ("changes", "notices")

    def _record(self, number: int) -> dict[str, Any]:
        notices = [{name: value for name, value in each.items() if name != "ticket_id"} for each in self._of(number)]
        return {"changes": list(self._changes(number)), "notices": notices}

    def warnings(self) -> Iterator[str]:
        """Yield the messages that were not delivered, for people who get no other receipt."""
        for notice in self.notices:
            if notice["state"] not in _TOLD:
                yield f"ticket {notice['ticket_id']}: {clean(_words(notice))}"

    def _of(self, number: int) -> "list[Notice]":
        return [notice for notice in self.notices if notice["ticket_id"] == number]

    def _changes(self, number: int) -> Iterator[dict[str, Any]]:
        for record in self.records:
            for field in ("priority", "assignee", "status") if record["ticket_id"] == number else ():
                before, after = record[f"from_{field}"], record[f"to_{field}"]
                if before != after:
                    yield {"field": field, "from": before, "to": after}


def _words(notice: "Notice") -> str:
    """Return what became of a message, in words."""
    if notice["recipient"] == NOBODY:
        return f"nobody was told: {notice['why']}"
    state = NotificationState(notice["state"])
    who = notice["recipient"] + (f" ({notice['person']})" if notice["person"] else "")
    who += f" (for {notice['stands_in_for']}, who is away)" if notice["stands_in_for"] else ""
    why = f": {notice['why']}" if notice["why"] else ""
    if state in _TOLD:
        by = f" by {' and '.join(notice['by'])}" if notice["by"] else ""
        return f"told {who}{by}" + (f"; not every address got it{why}" if state is NotificationState.PARTLY else "")
    if state is NotificationState.WAITING:
        return f"the message to {who} waits for the next check{why}"
    if state is NotificationState.HELD:
        return f"nobody knows whether {who} was told{why}"
    return f"{who} was not told{why}"
