"""Who is on call, in words: a line for each schedule, the plan of some days, and receipts of changes."""

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from slactl.clock import from_text
from slactl.display_zone import instant_of, shown
from slactl.show.times import day_name, in_zone, relative, zone_named
from slactl.text import clean, counted

if TYPE_CHECKING:
    from slactl.records.oncall import Replaced, RotaEntry, Shift, Standing

#: Stands where nobody is on call.
NOBODY = "NOBODY"


def standing_lines(standings: "Sequence[Standing]", now: datetime) -> Iterator[str]:
    """Yield who is on call for each schedule, until when, and who is next.

    In brackets stands why somebody other than the rotation's person is on call.
    """
    width = max((len(clean(each["schedule"])) for each in standings), default=0)
    for each in standings:
        reasons = ["override"] if each["source"] == "override" else []
        reasons += [f"for {clean(str(each['instead_of']))}"] if each["instead_of"] else []
        why = f" ({', '.join(reasons)})" if reasons else ""
        text = f"{clean(each['schedule']):<{width}}  {person(each['person'])}{why}"
        if each["until"] is None:
            yield text
            continue
        text += f" until {_clock(each['until'])} ({relative(each['until'], now)})"
        if each["next_at"] is None:
            yield f"{text}, then nobody"
        elif each["next_at"] == each["until"]:
            yield f"{text}, then {person(each['next_person'])}"
        else:
            yield f"{text}, then nobody until {_clock(each['next_at'])}, then {person(each['next_person'])}"


def person(name: str | None) -> str:
    """Return the name of a person, or NOBODY."""
    return clean(name) if name is not None else NOBODY


def plan_lines(name: str, plan: "Sequence[Shift]") -> Iterator[str]:
    """Yield a line for each day: who is on call from when; `→` marks a hand-over, `*` an override, NOBODY a gap."""
    zone = zone_named(None)[1]
    yield f"{clean(name)}, times in {clean(zone)}"
    days: dict[str, list[str]] = {}
    before: str | None = None
    for number, shift in enumerate(plan):
        start, end = from_text(shift["start"]), from_text(shift["end"])
        mark = "*" if shift["source"] == "override" else ""
        instead = f" (for {clean(shift['instead_of'])})" if shift["instead_of"] else ""
        who = f"{person(shift['person'])}{mark}{instead}"
        arrow = "→ " if number and before != shift["person"] else ""
        before = shift["person"]
        for opens, closes in _by_day(start, end):
            until = "24:00" if closes.time() == time() else f"{closes:%H:%M}"
            days.setdefault(day_name(opens.date()), []).append(f"{opens:%H:%M}-{until} {arrow}{who}")
            arrow = ""
    for day, entries in days.items():
        yield f"  {day}  {'   '.join(entries)}"
    gaps = sum(shift["person"] is None for shift in plan)
    legend = ["* override"] if any(shift["source"] == "override" for shift in plan) else []
    legend += [f"{counted(gaps, 'gap')}: nobody is on call"] if gaps else []
    if legend:
        yield "; ".join(legend)


def _by_day(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the parts of [start, end) that lie in one day of the display zone each, by its clock."""
    while start < end:
        following = shown(start).date() + timedelta(days=1)
        midnight = instant_of(datetime(following.year, following.month, following.day))  # noqa: DTZ001  (local)
        yield shown(start), shown(min(end, midnight))
        start = midnight


def receipt_lines(entries: "Sequence[RotaEntry]", replaced: "Sequence[Replaced]", *, removed: bool) -> Iterator[str]:
    """Yield what was entered or removed, and who is on call because of that."""
    for entry in entries:
        when = f"from {_clock(entry['starts_at'])} to {_clock(entry['ends_at'])}"
        if entry["kind"] == "override":
            what = f"{clean(entry['person'])} is on call for {clean(entry['schedule'] or '')} {when}"
        else:
            what = f"{clean(entry['person'])} is away {when}"
            what += f"; {clean(entry['substitute'])} is the substitute" if entry["substitute"] else ""
        kind = "absence" if entry["kind"] == "away" else "override"
        verb = "removed" if removed else "added"
        yield f"{kind} {entry['id']} {verb}: {what}"
    for each in replaced:
        when = f"{_clock(each['start'])} to {_clock(each['end'])}"
        yield f"  {clean(each['schedule'])}, {when}: {person(each['was'])} → {person(each['person'])}"


def _clock(instant: str) -> str:
    return in_zone(from_text(instant), None)
