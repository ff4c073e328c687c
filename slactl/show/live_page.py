"""The live board as one self-contained page that reloads itself, for a wall screen and a phone."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from slactl.clock import from_text
from slactl.durations import describe_seconds
from slactl.show.board import ALARM, check_words
from slactl.show.html import render
from slactl.show.objectives import FILTERS, PAGE_STATES
from slactl.show.oncall import NOBODY
from slactl.show.times import described, due_phrase, moment, relative, urgency

if TYPE_CHECKING:
    from slactl.records.figures import LivePage

#: What every live page has near its beginning; slactl replaces no other file with one.
MARK = '<meta name="generator" content="slactl board">'

#: Where the mark stands at the latest, in bytes.
MARKED_WITHIN = 512

#: After how many seconds a page reads its file again.
RELOAD = 30

#: After how many times the usual time between two checks a page is old.
OLD_RUNS = 2

#: How many tickets each section lists.
MOST = 40


def live_page(found: "LivePage") -> str:
    """Return the page of a record. It escapes every text, and no script can run on it but its own."""
    board = found["board"]
    now, due_soon = board["now"], board["due_soon"]
    checked, style = check_words(board)
    filters: dict[str, Callable[..., object]] = {
        "due": lambda ticket: due_phrase(ticket, now),
        "urgency": lambda ticket: urgency(ticket, now, due_soon).value,
        "moment": lambda instant: moment(instant, now),
        "relative": lambda instant: relative(instant, now),
        **FILTERS,
    }
    return render(
        "board.html",
        filters,
        styles=("report.css", "board.css"),
        script="board.js",
        mark=MARK,
        reload=RELOAD,
        read_at=int(from_text(board["read_at"]).timestamp()),
        old_after=OLD_RUNS * found["check_seconds"],
        as_of=described(board["read_at"]),
        title=f"{board['late_count']:,} overdue, {board['soon_count']:,} due soon",
        checked=checked,
        is_alarm=style == ALARM,
        soon=describe_seconds(due_soon),
        sections=_sections(board, describe_seconds(due_soon)),
        states=PAGE_STATES,
        nobody=NOBODY.lower(),
        board=board,
        page=found,
    )


def _sections(board: "Any", soon: str) -> list[dict[str, Any]]:  # noqa: ANN401  (the record of a board)
    """Return the lists of tickets of the page; each ticket is in the first that it belongs to."""
    listed = board["urgent_count"] - board["unlisted_urgent_count"]
    parts = [
        ("late", "Overdue", board["late"], board["late_count"], ""),
        ("soon", f"Due within {soon}", board["soon"], board["soon_count"], ""),
        ("urgent", "Urgent and unassigned", board["urgent"], board["unlisted_urgent_count"], listed),
    ]
    return [
        {"id": name, "title": title, "tickets": tickets[:MOST], "count": count, "above": above}
        for name, title, tickets, count, above in parts
    ]
