"""How fast the business calendar adds, next to two other libraries, in one run.

    pip install -e '.[bench]' && python tests/bench/calendar_speed.py

Every library is asked the same: Monday to Friday, 9 to 17 in UTC, without the days on which Germany is closed, for
five years; a start (aware datetime) and a duration (timedelta) in, a datetime out. Each round asks all of them in
turn, so that what else the machine does hits all alike; the medians of the rounds count. pandas and
businesstimedelta get the holidays ready-made, and answer fewer questions because they need so long.

The table goes to stdout; the exit code is 1 where a promise of the guide does not hold.
"""

import statistics
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from platform import python_version
from random import Random
from time import perf_counter
from typing import NamedTuple

import businesstimedelta
import holidays
import pandas as pd

from slactl.sla.calendar.calendar import BusinessCalendar
from slactl.sla.rules.loading import parse

ROUNDS, QUESTIONS, OF_OTHERS = 7, 10_000, 500
HOUR = timedelta(hours=1)
YEARS = range(2024, 2029)

#: What is promised: all questions within so many seconds, and so many times faster than the better of the others.
MOST_SECONDS, LEAST_RATIO = 0.1, 30

RULES = """
schema = 1
[calendars.office]
country = "DE"
[calendars.office.weekly]
mon-fri = ["09:00-17:00"]
"""

Question = tuple[datetime, timedelta]
Add = Callable[[datetime, timedelta], datetime]


class Rival(NamedTuple):
    """A way to add business time, made anew for a cold start, and how many questions it is asked."""

    name: str
    make: Callable[[], Add]
    questions: int


def with_slactl() -> Add:
    return fresh_calendar().add


def fresh_calendar() -> BusinessCalendar:
    """A calendar that has laid out no year yet."""
    return parse(RULES).calendar("office", holidays=lambda _, year: HOLIDAYS[year])


def with_pandas() -> Add:
    # It adds whole hours, and its business hours are those of whatever clock the start is read from.
    hours = pd.offsets.CustomBusinessHour(start="09:00", end="17:00", holidays=sorted(ALL_HOLIDAYS))

    def add(start: datetime, duration: timedelta) -> datetime:
        return (pd.Timestamp(start.replace(tzinfo=None)) + duration // HOUR * hours).to_pydatetime()

    return add


def with_businesstimedelta() -> Add:
    workday = businesstimedelta.WorkDayRule(time(9), time(17), working_days=[0, 1, 2, 3, 4])
    closed = businesstimedelta.HolidayRule(HOLIDAY_LIST)
    rules = businesstimedelta.Rules([workday, closed])

    def add(start: datetime, duration: timedelta) -> datetime:
        found: datetime = start + businesstimedelta.BusinessTimeDelta(rules, timedelta=duration)
        return found

    return add


RIVALS = [
    Rival("slactl", with_slactl, QUESTIONS),
    Rival("pandas CustomBusinessHour", with_pandas, OF_OTHERS),
    Rival("businesstimedelta", with_businesstimedelta, OF_OTHERS),
]
HOLIDAY_LIST = holidays.country_holidays("DE", years=[*YEARS, YEARS[-1] + 1])
ALL_HOLIDAYS = set(HOLIDAY_LIST)
HOLIDAYS: dict[int, dict[date, str]] = {
    year: dict(holidays.country_holidays("DE", years=year)) for year in range(YEARS[0] - 1, YEARS[-1] + 2)
}


def questions() -> list[Question]:
    """Starts all over the five years, within opening hours or not, and durations of up to a week of work."""
    dice, first = Random(2024), datetime(YEARS[0], 1, 1, tzinfo=UTC)
    seconds = (date(YEARS[-1], 12, 1) - first.date()).days * 86_400
    starts = [first + timedelta(seconds=dice.randrange(seconds)) for _ in range(QUESTIONS)]
    return [(start, dice.randrange(1, 41) * HOUR) for start in starts]


def seconds_for(add: Add, asked: Sequence[Question]) -> float:
    begin = perf_counter()
    for start, duration in asked:
        add(start, duration)
    return perf_counter() - begin


def check_answers(asked: Sequence[Question]) -> None:
    """All of them mean the same: the deadline, or where the day has ended then, the next opening."""
    ours, calendar = with_slactl(), fresh_calendar()
    for rival in RIVALS[1:]:
        theirs = rival.make()
        for start, duration in asked[:200]:
            found, expected = theirs(start, duration).replace(tzinfo=UTC), ours(start, duration)
            if found not in (expected, calendar.next_open(expected)):
                raise SystemExit(f"{rival.name} says {found} for {start} + {duration}, slactl {expected}")


def main() -> int:
    asked = questions()
    check_answers(asked)
    cold: list[float] = []
    warm: dict[str, list[float]] = {rival.name: [] for rival in RIVALS}
    for _ in range(ROUNDS):
        for rival in RIVALS:
            add = rival.make()
            first = seconds_for(add, asked[: rival.questions])
            if rival.name == "slactl":
                cold.append(first)
            warm[rival.name].append(seconds_for(add, asked[: rival.questions]) / rival.questions)
    medians = {name: statistics.median(times) for name, times in warm.items()}
    ours, better = medians["slactl"], min(medians[rival.name] for rival in RIVALS[1:])
    out = sys.stdout.write
    out(f"Python {python_version()}, medians of {ROUNDS} rounds, five years with holidays\n\n")
    out(f"{'':<27}{'one add':>12}{'times slower':>15}\n")
    for name, each in medians.items():
        out(f"{name:<27}{each * 1e6:>9.1f} µs{each / ours:>15.1f}\n")
    whole = statistics.median(cold)
    out(f"\nslactl, {QUESTIONS:,} adds on a new calendar: {whole:.3f} s\n")
    held = whole < MOST_SECONDS and better / ours >= LEAST_RATIO
    out(f"promised: under {MOST_SECONDS} s, at least {LEAST_RATIO} times faster: {'held' if held else 'BROKEN'}\n")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
