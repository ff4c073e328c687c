"""Find the times in which nobody is on call."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from slactl.sla.calendar.calendar import in_seconds
from slactl.sla.calendar.zone import DAY, EPOCH
from slactl.sla.oncall.schedule import Feed, shifts
from slactl.sla.rules.lines import KeyPath
from slactl.sla.rules.rules import Rules

#: How far `rules check` looks ahead, in days.
AHEAD = 28


def gaps(rules: Rules, now: datetime, feeds: Mapping[str, Feed]) -> Iterator[tuple[KeyPath, str]]:
    """Yield the schedules that have nobody at some time within four weeks, with the first such time.

    Overrides do not count: they are in the database. A schedule whose feed is not in `feeds` is left out.
    """
    start = in_seconds(now)
    for name, stated in rules.schedules.items():
        if stated.ical is not None and name not in feeds:
            continue
        schedule = rules.schedule(name, feeds.get(name))
        plan = shifts(schedule, start, start + AHEAD * DAY)
        empty = [shift for shift in plan if shift.on_call.person is None]
        if empty:
            zone, more = ZoneInfo(schedule.timezone), len(empty) - 1
            begin, end = (f"{(EPOCH + timedelta(0, t)).astimezone(zone):%a %d %b %Y %H:%M %Z}" for t in empty[0][:2])
            times = "once more" if more == 1 else f"{more} more times"
            rest = f", and {times} within four weeks" if more else ""
            yield ("schedules", name), f"nobody is on call for {name} from {begin} to {end}{rest}"
