"""Say who is on call as records for output."""

from datetime import datetime, timedelta

from slactl.clock import to_text
from slactl.desk.oncall.schedules import Schedules
from slactl.records import oncall as records
from slactl.sla.calendar.zone import EPOCH

#: The fields of the records, in the order of the output.
STANDING_FIELDS = tuple(records.Standing.__annotations__)
SHIFT_FIELDS = tuple(records.Shift.__annotations__)


def standing(schedules: Schedules, name: str, at: datetime) -> records.Standing:
    """Return who is on call for a schedule at an instant, until when, and who is next."""
    found = schedules.standing(name, at)
    return {
        "schedule": name,
        "person": found.on_call.person,
        "since": _text(found.since),
        "until": _text(found.until),
        "next_person": found.next_person,
        "next_at": _text(found.next_at),
        "source": found.on_call.source,
        "instead_of": found.on_call.instead_of,
    }


def plan(schedules: Schedules, name: str, begin: datetime, days: int) -> list[records.Shift]:
    """Return who is on call for a schedule in some days, with the gaps."""
    return [
        {
            "schedule": name,
            "start": to_text(EPOCH + timedelta(0, shift.start)),
            "end": to_text(EPOCH + timedelta(0, shift.end)),
            **shift.on_call._asdict(),  # type: ignore[typeddict-item]
        }
        for shift in schedules.shifts(name, begin, begin + timedelta(days=days))
    ]


def _text(t: int | None) -> str | None:
    return to_text(EPOCH + timedelta(0, t)) if t is not None else None
