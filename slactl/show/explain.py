"""The calculation of deadlines, for people."""

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from slactl import display_zone
from slactl.clock import from_text
from slactl.show.colours import ACCENT, FAINT
from slactl.show.form import Screen
from slactl.show.records import Record
from slactl.show.tables import FEW_ROWS, halves
from slactl.show.ticket import STATE_STYLES, latest_cycles
from slactl.show.times import UNKNOWN, described, exact, in_zone, relative_due, words
from slactl.text import clean, counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

#: The length of a date with its weekday.
DATE = len("Mon 2026-03-02")
#: How many business days are listed, and how many policies that did not match.
FEW_DAYS = FEW_POLICIES = 7


def draw_explanation(explained: Record, screen: Screen, *, every_cycle: bool) -> None:
    """Draw an explanation; of the cycles of a target only the latest in full, unless `every_cycle`."""
    from rich.text import Text

    console, now = screen.console(), from_text(explained["at"])
    title = clean(explained["subject"] or explained["external_id"] or "no subject")
    console.print(Text(f"#{explained['ticket_id']}", style=f"bold {ACCENT}").append(f"  {title}", style="bold"))
    facts = [words(explained["status"]), f"priority {explained['priority']}", f"plan {explained['plan']}"]
    facts += [f"tenant {explained['tenant']}"] if explained["tenant"] else []
    facts += [f"tags {', '.join(explained['tags'])}"] if explained["tags"] else []
    print_fact(console, "Ticket", ", ".join(facts))
    _choice(console, explained)
    _calendar(console, explained)
    if explained["priority"] != explained["chosen_priority"]:
        chosen = explained["chosen_priority"]
        print_fact(console, "Targets for", f"priority {chosen}; an escalation raised the priority later")
    timers = latest_cycles(explained["timers"])
    if (more := len(explained["timers"]) - len(timers)) > 0:
        rest = f"{counted(more, 'earlier cycle')} not shown; slactl explain {explained['ticket_id']} --json shows all"
        console.print(Text(f"\n{rest}", style=FAINT))
    for timer in timers:
        console.print()
        cycles = max(each["cycle"] for each in explained["timers"] if each["target"] == timer["target"])
        if every_cycle or timer["cycle"] == cycles:
            TimerScreen(explained, timer, screen, now).draw(console)
        else:
            console.print(_headline(timer, now, zone_of(timer)))
    for each in explained["corrections"]:
        console.print()
        missed = f"{words(each['target'])} was overdue at {described(each['due_at'])}"
        why = f"{described(each['corrected_at'])}: {each['reason'] or 'no reason given'}"
        print_fact(console, "Corrected", f"{missed}; {each['actor']} corrected this on {why}")
    for each in explained["without_timer"]:
        console.print()
        console.print(Text(words(each["target"]), style="bold").append(f"  {clean(each['reason'])}", style="not bold"))


def print_fact(console: "Console", name: str, value: str) -> None:
    """Print a line with a name before it; a long value continues below itself."""
    console.print(columns_of([(f"{name:<11}", FAINT)], [(clean(value), "")]))


def columns_of(*row: "Sequence[tuple[str, str]]") -> "Table":
    """Return a line of cells, whose last one is folded."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, collapse_padding=True, show_header=False)
    for place in range(len(row)):
        table.add_column(no_wrap=place + 1 < len(row), overflow="fold")
    table.add_row(*(Text.assemble(*parts) for parts in row))
    return table


def _choice(console: "Console", chosen: Record) -> None:
    """Print the chosen policy and the reason, and the policies that did not match."""
    from slactl.text import match_words

    version = f"rules version {chosen['rules_version']}, {chosen['rules'][:12]}"
    if chosen["policy"] is None:
        print_fact(console, "Policy", f"none matches ({version})")
    else:
        print_fact(console, "Policy", f"{chosen['policy']} ({version})")
        print_fact(console, "Matched", match_words(chosen["match"]) or "everything")
    for place, passed in enumerate(chosen["passed_over"][:FEW_POLICIES]):
        print_fact(console, "" if place else "No match", f"{passed['policy']}: {passed['reason']}")
    if (more := len(chosen["passed_over"]) - FEW_POLICIES) > 0:
        print_fact(console, "", f"and {more} more; --json shows all")
    if chosen["chosen_because"] != "created":
        when = in_zone(from_text(chosen["chosen_at"]), zone_of(chosen))
        did = "applied newer rules" if (why := chosen["chosen_because"]) == "rules_applied" else f"changed the {why}"
        print_fact(console, "Chosen", f"{when}, when {chosen['chosen_by'] or 'somebody'} {did}")


def _calendar(console: "Console", chosen: Record) -> None:
    """Print the calendar on which time is counted."""
    if chosen["calendar"]:
        own = f", the tenant's own, not {chosen['stated_timezone']}"
        zone = f"time zone {chosen['timezone']}" + (own if chosen["timezone"] != chosen["stated_timezone"] else "")
        print_fact(console, "Calendar", f"{chosen['calendar']}, {'always open' if chosen['always_open'] else zone}")
    if chosen["any_of"]:
        print_fact(console, "Hours", f"open when any of {', '.join(chosen['any_of'])} is")
    if chosen["hours"]:
        print_fact(console, "Hours", ", ".join(f"{days} {' '.join(hours)}" for days, hours in chosen["hours"].items()))
    if chosen["holidays_of"]:
        print_fact(console, "Holidays", f"public holidays of {chosen['holidays_of']}")


def zone_of(chosen: Record) -> tzinfo | None:
    """Return the zone in which to show times: the calendar's zone, or the display zone if it is always open."""
    from zoneinfo import ZoneInfo

    is_open = chosen["always_open"] or not chosen["timezone"]
    return display_zone.zone() if is_open else ZoneInfo(chosen["timezone"])


def _headline(timer: Record, now: datetime, zone: tzinfo | None) -> "Text":
    from rich.text import Text

    cycle = f" {timer['cycle']}" if timer["cycle"] > 1 else ""
    line = Text(f"{words(timer['target'])}{cycle}", style="bold").append("  ", style="not bold")
    line.append(timer["state"], style=f"not bold {STATE_STYLES[timer['state']]}")
    if timer["due_at"]:
        due = from_text(timer["due_at"])
        line.append(f"  due {in_zone(due, zone, with_offset=True)}, {_standing(timer, now)}", style="not bold")
    elif timer["due_if_resumed_at"]:
        due = from_text(timer["due_if_resumed_at"])
        line.append(f"  due {in_zone(due, zone, with_offset=True)} if resumed now", style="not bold")
    elif timer["state"] == "unknown":
        line.append(f": {UNKNOWN}", style="not bold")
    return line


def _standing(timer: Record, now: datetime) -> str:
    if not timer["stopped_at"]:
        return relative_due(timer["due_at"], now)
    left = int((from_text(timer["due_at"]) - from_text(timer["stopped_at"])).total_seconds())
    return f"done {exact(abs(left))} {'before the deadline' if left >= 0 else 'late'}"


class TimerScreen:
    """Draws one timer."""

    def __init__(self, explained: Record, timer: Record, screen: Screen, now: datetime) -> None:
        self.explained, self.timer, self.now = explained, timer, now
        self.blocks = screen.draws_blocks
        self.zone = zone_of(timer)
        end = from_text((timer["ahead"] or timer["segments"] or [{"end": explained["at"]}])[-1]["end"])
        start = from_text(timer["started_at"]).astimezone(self.zone)
        #: A clock change in between makes wall times ambiguous.
        self.offset = start.utcoffset() != end.astimezone(self.zone).utcoffset()

    def draw(self, console: "Console") -> None:
        """Draw the headline, the bars, the calculation, and the upcoming levels."""
        from slactl.show.timeline import day_rows, draw_days, legend

        console.print(_headline(self.timer, self.now, self.zone))
        if kept := self.timer["kept_late"]:
            new = f"{kept['target_time']} at priority {kept['priority']}" if kept["target_time"] else "no such target"
            why = f"overdue before the target changed to {new} on {self.at(kept['changed_at'])}; the deadline stays"
            print_fact(console, "Kept", f"{why}; to set a new deadline: {kept['command']}")
        if any(self.timer[name] != self.explained[name] for name in ("policy", "rules", "chosen_at")):
            _choice(console, self.timer)
        if any(self.timer[name] != self.explained[name] for name in ("calendar", "timezone", "hours", "holidays_of")):
            _calendar(console, self.timer)
        if self.timer["state"] == "unknown":
            return
        rows = day_rows(self.timer, self.now, self.zone, self.started())
        shown = [row for part in halves(rows) for row in part]
        console.print()
        console.print(draw_days(shown, console.width, blocks=self.blocks))
        console.print(legend(shown, blocks=self.blocks))
        console.print()
        first, last = halves(list(self.working()))
        for instant, text in first:
            console.print(columns_of([(instant, "")], [(clean(text), "")]))
        if last:
            console.print(columns_of([("…", FAINT)]))
        for instant, text in last:
            console.print(columns_of([(instant, "")], [(clean(text), "")]))
        days, steps = len(rows) - len(shown), len(self.timer["steps"])
        if days or last:
            left = f"only the first and last {FEW_ROWS // 2} days and steps shown"
            what = f"{counted(len(rows), 'day')} and {counted(steps, 'step')} in all"
            rest = f"{left}; {what}; slactl explain {self.explained['ticket_id']} --json shows all"
            console.print(columns_of([(rest, FAINT)]))
        console.print(self.balance())
        for place, (instant, text) in enumerate(self.levels()):
            if not place:
                console.print()
            console.print(columns_of([(instant, FAINT)], [(clean(text), FAINT)]))

    def started(self) -> str:
        """Return in words what started the timer."""
        if self.timer["counts_from"]:
            return f"{words(self.timer['counts_from']['because'])} changed"
        return self._opened()

    def _opened(self) -> str:
        if self.timer["started_at"] == self.explained["created_at"]:
            return "opened"
        return "customer wrote" if self.timer["target"] == "next_response" else "reopened"

    def at(self, instant: str) -> str:
        """Return an instant by the clock of the calendar."""
        return in_zone(from_text(instant), self.zone, with_offset=self.offset)

    def working(self) -> Iterator[tuple[str, str]]:
        """Yield each step of the calculation: the instant to which it leads, and the time that it adds."""
        timer = self.timer
        for step in timer["steps"]:
            yield self.at(step["at"]), self._step(step)
        if timer["due_at"] and not timer["manual"]:
            yield self.at(timer["due_at"]), f"= the deadline{self._here(timer['due_at'])}"
        elif not timer["due_at"]:
            yield self.at(timer["due_if_resumed_at"]), "= the deadline if resumed now; a paused timer has no deadline"
        if timer["breached_at"] and timer["breached_at"] != timer["due_at"]:
            yield self.at(timer["breached_at"]), "an earlier deadline was missed; the breach stays recorded"

    def levels(self) -> Iterator[tuple[str, str]]:
        """Yield each upcoming level: when it fires, and what it is."""
        for level in self.timer["levels"]:
            waits = ", with the next check" if level["due_at"] <= self.explained["at"] else ""
            again = f", repeat {level['repeat']}" if level["repeat"] else ""
            text = f"upcoming: {level['escalation']}/{level['level']}, at {level['offset']}{again}{waits}"
            text += f", assigns {clean(level['assigns'])}" if level["assigns"] else ""
            text += f", tells {clean(', '.join(level['tells']))}" if level["tells"] else ""
            yield self.at(level["due_at"]), text

    def _here(self, instant: str) -> str:
        """Return the same instant by the clock of the display zone, if that shows another time."""
        there = from_text(instant)
        if there.astimezone(self.zone).utcoffset() == display_zone.shown(there).utcoffset():
            return ""
        here = in_zone(there, None, with_offset=True)
        return f" ({here.removeprefix(self.at(instant)[: DATE + 1])} here)"

    def _step(self, step: Record) -> str:
        kind = step["step"]
        if kind == "started":
            return self._opened()
        if kind == "changed":
            by = self.timer["counts_from"]
            return f"counted from here, because {by['actor'] or 'somebody'} changed the {words(by['because'])}"
        if kind == "target":
            return f"+ {self._target(step)}"
        if kind == "by_hand":
            by = self.timer["set_by_hand"] or {"actor": None, "at": None, "reason": None}
            when = f" on {self.at(by['at'])}" if by["at"] else ""
            return f"= set by hand by {by['actor'] or 'somebody'}{when}: {by['reason'] or 'no reason given'}"
        first, last = self.at(step["start"]), self.at(step["end"]) if step["end"] else "now"
        lasted = f"{kind} {first} to {last.removeprefix(first[: DATE + 1])}"  # the date once where both have the same
        if not step["counts"]:
            return f"+ 0h: {lasted} began after the deadline and does not move it"
        if not step["seconds"]:
            return f"+ 0h: {lasted} is outside open hours"
        on = "" if self.timer["always_open"] else " in open hours"
        return f"+ {exact(step['seconds'])}{on}: {lasted}" + ("" if step["end"] else ", continues")

    def _target(self, step: Record) -> str:
        timer = self.timer
        length, days = timer["target_time"], timer["business_days"]
        where = f"target (targets.{timer['targets']})"
        if not days:
            return f"{exact(step['seconds'])} {where}" + ("" if timer["always_open"] else " in open hours")
        listed = [self.at(day)[:DATE] for day in days]
        if len(listed) > FEW_DAYS:
            listed = [*listed[:3], "…", *listed[-2:]]
        return f"{length} {where}: {', '.join(listed)}; {exact(step['seconds'])} in open hours"

    def balance(self) -> str:
        """Return how much of the target was counted, and what is left."""
        timer = self.timer
        parts = [f"Counted {exact(timer['elapsed_seconds'])} of {exact(timer['target_seconds'])}"]
        if timer["overdue_seconds"]:
            parts.append(f"{exact(timer['overdue_seconds'])} of it overdue")
        elif not timer["stopped_at"]:
            parts.append(f"{exact(timer['remaining_seconds'])} left")
        if timer["paused_seconds"]:
            parts.append(f"paused {exact(timer['paused_seconds'])}")
        return ", ".join(parts) + "."
