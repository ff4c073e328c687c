"""Write who is on call as an iCalendar feed."""

from collections.abc import Sequence
from datetime import datetime

from slactl import __version__
from slactl.clock import from_text
from slactl.records.oncall import Shift
from slactl.text import clean


def calendar_text(name: str, plan: Sequence[Shift], now: datetime) -> str:
    """Return a plan as the text of an iCalendar file: an event for each shift, none for a gap."""
    # Importing the library takes longer than most commands do.
    from icalendar import Calendar, Event

    calendar = Calendar()
    calendar.add("prodid", f"-//slactl {__version__}//on call//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", clean(name))
    for shift in plan:
        if shift["person"] is None:
            continue
        event = Event()
        event.add("uid", f"{clean(name)}-{shift['start']}@slactl")
        event.add("dtstamp", now)
        event.add("dtstart", from_text(shift["start"]))
        event.add("dtend", from_text(shift["end"]))
        event.add("summary", clean(shift["person"]))
        about = [f"on call for {clean(name)}: {shift['source']}"]
        about += [f"instead of {clean(shift['instead_of'])}"] if shift["instead_of"] else []
        event.add("description", ", ".join(about))
        calendar.add_component(event)
    text: str = calendar.to_ical().decode()
    return text
