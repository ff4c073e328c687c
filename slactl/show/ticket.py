"""One ticket on a terminal: facts, timers, messages, escalations and the audit trail."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from slactl import display_zone
from slactl.clock import from_text
from slactl.durations import describe_seconds
from slactl.show.colours import ACCENT, ALARM, FAINT, GOOD, WARNING
from slactl.show.form import Screen
from slactl.show.history import columns as event_columns
from slactl.show.list import PRIORITY_STYLES
from slactl.show.records import Record, cell
from slactl.show.tables import INSTANT, LEAST_LONG, Column, OneRow, bar, lay
from slactl.show.times import (
    STYLES,
    UNKNOWN,
    Urgency,
    local,
    local_day,
    next_level,
    relative,
    relative_due,
    urgency,
    words,
)
from slactl.sla.enums import EventType
from slactl.text import clean, clean_block, counted, in_words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from slactl.records.tickets import ScreenMessage, ScreenTicket, Ticket, Timer

#: How many records of a part of a ticket a screen shows, and how many characters and lines of a text.
RECORDS, BODY, LINES = 50, 2_000, 40
#: How many cells the bar of a timer has.
USED = 8

Cycle = TypeVar("Cycle", bound=Mapping[str, Any])

MESSAGE_WORDS: Mapping[str, str] = {
    EventType.CREATED: "opening message",
    EventType.AGENT_REPLY: "agent's reply",
    EventType.CUSTOMER_REPLY: "customer's reply",
    EventType.NOTE: "internal note",
}
STATE_STYLES = {"breached": f"bold {ALARM}", "met": GOOD, "running": "", "paused": FAINT, "unknown": FAINT}


def draw_ticket(ticket: "ScreenTicket", screen: Screen, now: datetime, *, due_soon: int) -> None:
    """Draw one ticket with its `timers`, `messages`, `escalations` and `events`; `due_soon` in seconds."""
    from rich.text import Text

    console = screen.console()
    console.print(_headline(ticket, urgency(ticket, now, due_soon)), soft_wrap=False)
    for name, value in _facts(ticket, now):
        console.print(Text().append(f"{name:<14}", style=FAINT).append(clean(value)))
    timers = latest_cycles(ticket["timers"])
    totals = {"timers": len(ticket["timers"]), **ticket["totals"]}
    shown = {"timers": len(timers), "messages": len(ticket["messages"])}
    shown |= {"escalations": len(ticket["escalations"]), "events": len(ticket["events"])}
    print_section(console, "Timers", timers, timer_columns(now, blocks=screen.draws_blocks))
    cut = _messages(console, ticket["messages"])
    shortened = sum(1 for message in ticket["messages"] if message["left_out"])
    print_section(console, "Escalations", ticket["escalations"], escalation_columns(retracted=ticket["retracted"]))
    print_section(console, "Audit trail", ticket["events"], event_columns())
    parts = [f"the last {shown[n]:,} of {all_:,} {n}" for n, all_ in totals.items() if all_ > shown[n]]
    parts += [f"the beginning of {counted(cut, 'long text')}"] if cut else []
    parts += [f"{counted(shortened, 'text')} without quoted history"] if shortened else []
    if parts:
        rest = f"only {', '.join(parts)} shown; slactl show {ticket['id']} --json shows all"
        console.print(Text(f"\n{rest}", style=FAINT))


def latest_cycles(timers: Sequence[Cycle]) -> list[Cycle]:
    """Return the timers without the older cycles of a target that has many."""
    last: dict[str, int] = {}
    for timer in timers:
        last[timer["target"]] = max(timer["cycle"], last.get(timer["target"], 0))
    return [timer for timer in timers if timer["cycle"] > last[timer["target"]] - RECORDS]


def _headline(ticket: "Ticket", band: Urgency) -> "Text":
    from rich.text import Text

    line = Text().append(f"#{ticket['id']}", style=f"bold {ACCENT}")
    line.append(f"  {clean(ticket['subject'] or 'no subject')}\n", style="bold")
    line.append(words(ticket["status"]))
    line.append(" · ").append(ticket["priority"], style=PRIORITY_STYLES[ticket["priority"]])
    line.append(" · ").append(f"assigned to {clean(ticket['assignee'])}" if ticket["assignee"] else "unassigned")
    if band is Urgency.LATE:
        line.append(" · ").append("overdue", style=STYLES[band])
    elif ticket["ever_breached"]:
        line.append(" · ").append("was overdue", style=ALARM)
    if ticket["escalated"]:
        times = ticket["escalation_level"]
        said = {0: "", 1: " once", 2: " twice"}.get(times, f" {times:,} times")
        line.append(" · ").append(f"escalated{said}", style=WARNING)
    return line.append("\n")


def _facts(ticket: "ScreenTicket", now: datetime) -> Iterator[tuple[str, str]]:
    yield "Time zone", display_zone.heading()
    if (due := ticket["due_at"]) and ticket["due_target"]:
        yield "Due", f"{local_day(due)}, {relative_due(due, now)}, {words(ticket['due_target'])}"
    if at := ticket["next_level_at"]:
        whom = f": {ticket['next_reaches']}" if ticket["next_reaches"] else ""
        yield "Next level", f"{next_level(ticket, now)}, {local_day(at)}, of {ticket['next_escalation']}{whom}"
    for title, value in (
        ("Requester", ticket["requester_email"]),
        ("Tenant", ticket["tenant"]),
        ("Plan", ticket["plan"]),
        ("Policy", ticket["policy"]),
        ("External id", ticket["external_id"]),
    ):
        if value:
            yield title, value
    if ticket["tags"]:
        yield "Tags", ", ".join(ticket["tags"])
    for title, instant in (
        ("Created", ticket["created_at"]),
        ("Updated", ticket["updated_at"]),
        ("Answered", ticket["first_responded_at"]),
        ("Resolved", ticket["resolved_at"]),
        ("Acknowledged", ticket["acked_until"]),
        ("Opens again", ticket["pending_until"]),
    ):
        if instant:
            until = "until " if title == "Acknowledged" else ""
            yield title, f"{until}{local_day(instant)}, {relative(instant, now)}"


def timer_columns(now: datetime, *, blocks: bool) -> "Sequence[Column[Timer]]":
    """Return the columns of a list of timers; the bar shows how much of the target is used up."""

    def used(timer: "Timer") -> str:
        share = used_share(timer, now)
        return "" if share is None else bar(share, USED, blocks=blocks)

    def duration(timer: "Timer") -> str:
        seconds = timer["target_seconds"]
        return "" if seconds is None else describe_seconds(seconds) + (", manual" if timer["manual"] else "")

    return (
        Column("Target", lambda t: words(t["target"]), usual=14),
        Column("Cycle", lambda t: str(t["cycle"]), rank=3, right=True, usual=5),
        Column("State", lambda t: (t["state"], STATE_STYLES[t["state"]]), usual=8),
        Column("Used", used, rank=1, usual=USED),
        Column("Duration", duration, rank=2, usual=8),
        Column("Due", lambda t: local(t["due_at"]) if t["due_at"] else "", usual=INSTANT),
        Column("", lambda t: timer_phrase(t, now), usual=12),
    )


def timer_phrase(timer: Record, now: datetime) -> tuple[str, str]:
    """Return the state of a timer in words, and a style."""
    due, stopped = timer["due_at"], timer["stopped_at"]
    if timer["state"] == "unknown":
        return UNKNOWN, STATE_STYLES["unknown"]
    if stopped and due and stopped > due:
        late = from_text(stopped) - from_text(due)
        return f"done {describe_seconds(int(late.total_seconds()))} late", ALARM
    if stopped:
        return f"done {relative(stopped, now)}", FAINT
    if due:
        late_now = from_text(due) < now
        return relative_due(due, now), STYLES[Urgency.LATE if late_now else Urgency.CALM]
    if timer["state"] == "paused":
        return "paused", STYLES[Urgency.PAUSED]
    return f"since {local(timer['started_at'])}", ""


def used_share(timer: "Timer", now: datetime) -> float | None:
    """Return how much of a target is used up, 0 to 1; None for a timer without a target.

    Between the last stop and the deadline it grows evenly by the wall clock: the calendar is not asked.
    """
    target, due = timer["target_seconds"], timer["due_at"]
    if (target is None and due is None) or timer["state"] == "unknown":
        return None
    counted = min(1.0, timer["consumed_seconds"] / target) if target else 0.0
    since = timer["running_since"]
    if not since or not due:
        return counted
    whole = (from_text(due) - from_text(since)).total_seconds()
    passed = (now - from_text(since)).total_seconds()
    return 1.0 if passed >= whole else counted + (1 - counted) * max(0.0, passed / whole)


def _messages(console: "Console", messages: "Iterable[ScreenMessage]") -> int:
    """Print the messages, and return how many bodies were cut."""
    from rich.padding import Padding
    from rich.text import Text

    cut = 0
    for place, message in enumerate(messages):
        if not place:
            console.print(Text("\nMessages", style="bold"))
        head = f"{local_day(message['at'])}  {clean(message['actor'])}, {MESSAGE_WORDS[message['type']]}"
        head += ", retracted" if message["retracted"] else ""
        console.print(Text(head, style=FAINT if message["type"] == EventType.NOTE else ACCENT))
        body = message["body"] or ("(erased)" if message["written"] else "(no text)")
        lines = body[:BODY].splitlines()[:LINES]
        if len(body) > BODY or len(body.splitlines()) > LINES:
            cut += 1
            lines.append("…")
        console.print(Padding(Text(clean_block("\n".join(lines))), (0, 0, 0, 4), expand=False))
        if left_out := message["left_out"]:
            said = f"({counted(left_out, 'line')} of quoted history and signature left out)"
            console.print(Padding(Text(said, style=FAINT), (0, 0, 0, 4), expand=False))
    return cut


def escalation_columns(*, retracted: Collection[int] = ()) -> Sequence[Column]:
    """Return the columns of a list of escalations; `retracted` has the ids of those that do not count."""

    def outcome(escalation: Record) -> str:
        return "retracted" if escalation["id"] in retracted else escalation["outcome"]

    def reason(escalation: Record) -> str:
        text = cell(escalation["reason"])
        return in_words(text) if escalation["source"] == "automatic" else text

    return (
        Column("Fired", lambda e: local(e["fired_at"]), usual=INSTANT),
        Column("Due", lambda e: local(e["due_at"]) if e["due_at"] else "", rank=4, usual=INSTANT),
        Column("By", lambda e: e["actor"], rank=3, most=16, usual=8),
        Column("Escalation", lambda e: e["escalation"] or e["source"], rank=1, most=20, usual=14),
        Column("Level", lambda e: e["level"] or "", rank=1, most=16, usual=8),
        Column("Outcome", outcome, usual=9),
        Column("Change", escalation_change, rank=2, most=36, usual=24),
        Column("Reason", reason, most=1000, long=True, wrap=True, usual=LEAST_LONG),
    )


def escalation_change(escalation: Record) -> str:
    """Return in words what an escalation changed: "priority low to high, assigned mia"."""
    changes = []
    if escalation["from_priority"] != escalation["to_priority"]:
        changes.append(f"priority {escalation['from_priority']} to {escalation['to_priority']}")
    if escalation["from_assignee"] != escalation["to_assignee"]:
        changes.append(f"assigned {escalation['to_assignee'] or 'nobody'}")
    return ", ".join(changes)


def print_section(console: "Console", title: str, records: Sequence[OneRow], columns: Sequence[Column[OneRow]]) -> None:
    """Print a heading and a table if there are records."""
    from rich.text import Text

    if records:
        console.print(Text(f"\n{title}", style="bold"))
        console.print(lay(records, columns, console.width))
