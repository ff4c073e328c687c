"""Define the calendars of `rules.toml`."""

from collections.abc import Mapping
from typing import Annotated

from slactl.sla.calendar.hours import Hours, Region
from slactl.sla.calendar.written import holiday_dates, special_dates, weekdays, weekly_intervals
from slactl.sla.rules.part import Form, Part
from slactl.sla.rules.values import DayHours, Name, Names


class CalendarRules(Part):
    """Hold when time counts, as the file writes it."""

    timezone: Name = "UTC"
    country: Name | None = None
    subdivision: Name | None = None
    categories: Annotated[Names, Form(size=(1, None))] = ("public",)
    work_on: Names = ()
    holidays: Names = ()
    #: Whether a tenant's own zone and country do not replace those of the calendar.
    fixed: bool = False
    always_open: bool = False
    any_of: Annotated[Names, Form(size=(1, None))] | None = None
    weekly: Mapping[str, Names] = {}
    dates: Mapping[str, DayHours] = {}

    def hours(self, region: Region | None = None) -> Hours:
        """Return the hours as seconds and dates, with the holidays of another region where one is given.

        Raises:
            ValueError: an interval, a weekday, a date or a holiday is not valid.
        """
        yearly, ranges = holiday_dates(self.holidays)
        special = special_dates(self.dates)
        country, subdivision = region if region is not None and self.country else (self.country, self.subdivision)
        return Hours(
            weekly=weekly_intervals(self.weekly),
            dates=special.dates,
            yearly=yearly,
            ranges=ranges,
            country=country,
            subdivision=subdivision,
            always_open=self.always_open,
            date_ranges=special.ranges,
            yearly_dates=special.yearly,
            yearly_ranges=special.seasons,
            categories=self.categories,
            work_on=frozenset(self.work_on),
        )

    @property
    def is_open_all_day(self) -> bool:
        """Return whether every hour of every day counts, so that a day has 24 counted hours; not for `any_of`."""
        whole = all(tuple(texts) == ("00:00-24:00",) for texts in self.weekly.values())
        closing = self.country or self.holidays or self.dates
        return self.always_open or (whole and sum(len(weekdays(key)) for key in self.weekly) == 7 and not closing)


def reached(name: str, calendars: Mapping[str, CalendarRules]) -> set[str]:
    """Return the calendars of which a calendar is made, itself included; unknown names are left out."""
    reached, left = set[str](), [name]
    while left:
        if (one := left.pop()) in calendars and one not in reached:
            reached.add(one)
            left += calendars[one].any_of or ()
    return reached


def parts(name: str, calendars: Mapping[str, CalendarRules]) -> set[str]:
    """Return the calendars with hours of their own of which a calendar is made."""
    return {one for one in reached(name, calendars) if not calendars[one].any_of}
