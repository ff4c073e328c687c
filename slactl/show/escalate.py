"""The messages of `escalate` in words: who was told and by what, and which messages wait and why."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from slactl.sla.enums import NotificationState
from slactl.text import NOBODY

if TYPE_CHECKING:
    from slactl.records.runs import Notice

_TOLD = (NotificationState.SENT, NotificationState.PARTLY)


def told(notices: "Sequence[Notice]", number: int) -> list[str]:
    """Return what became of the messages about a ticket, in words."""
    return [_words(notice) for notice in notices if notice["ticket_id"] == number] or ["nobody was told"]


def notice_records(notices: "Sequence[Notice]", number: int) -> list[dict[str, Any]]:
    """Return the messages about a ticket for programs, without its number."""
    own = (notice for notice in notices if notice["ticket_id"] == number)
    return [{name: value for name, value in notice.items() if name != "ticket_id"} for notice in own]


def warnings(notices: "Sequence[Notice]") -> Iterator[str]:
    """Yield the messages that were not delivered, for people who get no other receipt."""
    for notice in notices:
        if notice["state"] not in _TOLD:
            yield f"ticket {notice['ticket_id']}: {_words(notice)}"


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
