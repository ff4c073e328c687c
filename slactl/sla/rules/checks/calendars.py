"""Check the calendars of rules: possible hours and dates, known countries, that each opens."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from slactl.clock import is_zone
from slactl.sla.calendar.calendar import BusinessCalendar, HolidaySet, NoOpenHours, library_holidays
from slactl.sla.calendar.hours import HALF_DAY, check_region
from slactl.sla.calendar.written import WEEKDAYS, holiday_dates, intervals, special_dates, weekdays
from slactl.sla.rules.calendars import CalendarRules, parts, reached
from slactl.sla.rules.lines import KeyPath, Problem
from slactl.text import did_you_mean

if TYPE_CHECKING:
    from slactl.sla.rules.rules import Rules

#: The keys that say when a calendar is open; a calendar that is always open, or a union, has none of them.
_HOURS = ("weekly", "dates", "country", "subdivision", "categories", "work_on", "holidays")

#: The years whose holidays are searched for the names in `work_on`.
_NAMED_YEARS = range(2000, 2051)


def problems(
    calendars: Mapping[str, CalendarRules], written: Mapping[str, Collection[str]], *, pinned: bool
) -> Iterator[Problem]:
    """Yield everything that is wrong with the calendars of rules; `written` has the keys that each has in the file.

    The names of holidays in `pinned` rules are not looked up, because the library may have renamed them since. In
    `pinned` rules a union may also name a calendar twice, as earlier versions allowed.
    """
    opening = set[str]()
    for name, calendar in calendars.items():
        path = ("calendars", name)
        kinds = [key for key in ("always_open", "any_of") if getattr(calendar, key)]
        stated = [*kinds, *(key for key in _HOURS if key in written[name] and getattr(calendar, key))]
        if kinds and len(stated) > 1:
            yield (*path, stated[1]), f"{kinds[0]} and {stated[1]} cannot be used together"
        elif kinds == ["any_of"]:
            yield from _member_problems(path, name, calendar, calendars, pinned=pinned)
        else:
            yield from (bad_hours := list(_hours_problems(path, calendar)))
            yield from _country_problems(path, calendar, written[name], pinned=pinned)
            if bad_hours or _opens(name, calendar):
                opening.add(name)
            else:
                yield path, "the calendar is never open; give it weekly hours, dates or always_open = true"
    for name, calendar in calendars.items():
        members = parts(name, calendars)
        if calendar.any_of and members and not opening & members:
            closed = ", ".join(sorted(members))
            yield ("calendars", name, "any_of"), f"the calendar is never open, because none of {closed} is ever open"


def _opens(name: str, calendar: CalendarRules) -> bool:
    if calendar.always_open:
        return True
    try:
        # The clocks of the zone may jump over all hours of the special dates.
        BusinessCalendar(name, calendar.timezone if is_zone(calendar.timezone) else "UTC", calendar.hours())
    except NoOpenHours:
        return False
    return True


def _member_problems(
    path: KeyPath, name: str, calendar: CalendarRules, calendars: Mapping[str, CalendarRules], *, pinned: bool
) -> Iterator[Problem]:
    members = Counter(calendar.any_of or ())
    for member, times in members.items():
        if times > 1 and not pinned:  # a version that tickets are pinned to stays readable
            yield (*path, "any_of"), f"the calendar {member!r} is named {times} times"
        if member == name or name in reached(member, calendars):
            yield (*path, "any_of"), f"calendar {name!r} is part of {member!r}; a calendar cannot be part of itself"
    others = [other for other in calendars if other != name]
    yield from unknown_words((*path, "any_of"), [one for one in members if one != name], others, "calendar")


def _hours_problems(path: KeyPath, calendar: CalendarRules) -> Iterator[Problem]:
    yield from _weekly_problems((*path, "weekly"), calendar.weekly)
    before: dict[str, object] = {}
    for key, texts in calendar.dates.items():
        here = (*path, "dates", key)
        if isinstance(texts, Mapping):
            yield from (wrong := list(_weekly_problems(here, texts)))
            texts = () if wrong else texts
        # A range is checked together with those above it, which it may overlap.
        one = list(attempt(here, special_dates, {key: texts}))
        yield from one or attempt(here, special_dates, {**before, key: texts})
        if not one:
            before[key] = ()
    yield from attempt((*path, "holidays"), holiday_dates, calendar.holidays)


def _weekly_problems(path: KeyPath, weekly: Mapping[str, Iterable[str]]) -> Iterator[Problem]:
    named: dict[int, str] = {}
    for key, texts in weekly.items():
        yield from attempt((*path, key), _not_twice, key, named)
        yield from attempt((*path, key), intervals, texts)


def _not_twice(key: str, named: dict[int, str]) -> None:
    for weekday in weekdays(key):
        if named.setdefault(weekday, key) != key:
            raise ValueError(f"{WEEKDAYS[weekday]} already has hours in {named[weekday]!r}")


def attempt(path: KeyPath, convert: Callable[..., object], *values: object) -> Iterator[Problem]:
    """Yield the problem of values that `convert` refuses."""
    try:
        convert(*values)
    except ValueError as error:
        yield path, str(error)


def _country_problems(
    path: KeyPath, calendar: CalendarRules, written: Collection[str], *, pinned: bool
) -> Iterator[Problem]:
    if calendar.country is None:
        for key in ("subdivision", "categories", "work_on"):
            if key in written and getattr(calendar, key):
                yield (*path, key), f"{'a subdivision' if key == 'subdivision' else key} needs a country"
        return
    if (wrong := check_region(calendar.country, calendar.subdivision)) is not None:
        # A pinned version may name a country that the library knows by another name, or not any more.
        yield from [] if pinned else [((*path, wrong[0]), wrong[1])]
    else:
        yield from _holiday_problems(path, calendar, calendar.country, written, pinned=pinned)


def _holiday_problems(
    path: KeyPath, calendar: CalendarRules, country: str, written: Collection[str], *, pinned: bool
) -> Iterator[Problem]:
    """Yield categories that the country does not have, and holidays to work on that it does not know."""
    if "categories" in written:
        from holidays import country_holidays

        categories = sorted(country_holidays(country).supported_categories)
        yield from unknown_words(
            (*path, "categories"), calendar.categories, categories, f"category of holidays in {country}"
        )
    if calendar.work_on and not pinned:
        closing = tuple(category for category in calendar.categories if category != HALF_DAY)
        names = _holiday_names(HolidaySet(country, calendar.subdivision, closing, english=True))
        for part in _subdivisions(country, closing):  # tenants may be there
            if names.issuperset(calendar.work_on):
                break
            names |= _holiday_names(part)
        yield from unknown_words((*path, "work_on"), calendar.work_on, sorted(names), f"holiday in {country}", most=30)


def _holiday_names(wanted: HolidaySet, years: Iterable[int] = _NAMED_YEARS) -> set[str]:
    names = (name for year in years for name in library_holidays(wanted, year).values())
    return {part for name in names for part in name.split("; ")}


def _subdivisions(country: str, categories: tuple[str, ...]) -> list[HolidaySet]:
    from holidays import country_holidays

    return [HolidaySet(country, part, categories, english=True) for part in country_holidays(country).subdivisions]


def local_holidays(calendar: CalendarRules, year: int) -> list[str]:
    """Return the holidays of a year that only parts of a calendar's country have, if the calendar names no part."""
    if calendar.country is None or calendar.subdivision is not None:
        return []
    closing = tuple(category for category in calendar.categories if category != HALF_DAY)
    everywhere = _holiday_names(HolidaySet(calendar.country, None, closing, english=True), [year])
    somewhere = {name for part in _subdivisions(calendar.country, closing) for name in _holiday_names(part, [year])}
    return sorted({name.removesuffix(" (observed)") for name in somewhere - everywhere} - everywhere)


def unknown_words(
    path: KeyPath, names: Iterable[str], known: Iterable[str], what: str, most: int = 200
) -> Iterator[Problem]:
    """Yield each name that is not known, with the nearest that is, or else at most so many of them."""
    choices = list(known)
    for name in names:
        if name not in choices:
            some = ", ".join(choices[:most]) + (" …" if len(choices) > most else "")
            meant = did_you_mean(name, choices, f" (known: {some or 'none'})")
            yield path, f"there is no {what} {name!r}{meant}"


def unknown_names(path: KeyPath, names: Iterable[str], rules: "Rules", also: Sequence[str] = ()) -> Iterator[Problem]:
    """Yield each name that is not a role or person of the rules, nor one of some other words."""
    yield from unknown_words(path, names, [*rules.roles, *rules.people, *also], "role or person")
