"""The calculation of deadlines, for programs."""

from collections.abc import Iterator
from typing import TextIO

from slactl.show.form import Form
from slactl.show.records import Record, write, write_line, write_object, write_pairs

#: The columns of the forms that have a row for each segment.
SEGMENT_FIELDS = ("ticket_id", "target", "cycle", "start", "end", "kind", "seconds", "late", "ahead")
#: The fields of a timer in the plain form.
TIMER_FIELDS = (
    "target",
    "cycle",
    "state",
    "target_time",
    "target_seconds",
    "started_at",
    "due_at",
    "due_if_resumed_at",
    "stopped_at",
    "breached_at",
    "elapsed_seconds",
    "remaining_seconds",
    "paused_seconds",
    "overdue_seconds",
    "manual",
    "policy",
    "calendar",
    "timezone",
    "rules_version",
)
#: The parts of a timer that are lists of records.
PARTS = ("steps", "segments", "ahead", "holidays", "special_dates", "clock_changes", "levels")


def write_explanation(explained: Record, form: Form, stream: TextIO) -> None:
    """Write an explanation for programs: CSV has its segments, the plain form a line for each part."""
    if form is Form.JSON:
        write_object(explained, stream)
    elif form is Form.JSONL:
        write_line(explained, stream)
    elif form is Form.PLAIN:
        write_pairs(_flat(explained), stream)
    else:
        write(segment_rows(explained), form, SEGMENT_FIELDS, stream, key="ticket_id")


def segment_rows(explained: Record) -> Iterator[Record]:
    """Yield each segment with its timer; segments that are still to come are `ahead`."""
    for timer in explained["timers"]:
        whose = {"ticket_id": explained["ticket_id"], "target": timer["target"], "cycle": timer["cycle"]}
        for name in ("segments", "ahead"):
            yield from ({**whose, **each, "ahead": name == "ahead"} for each in timer[name])


def _flat(explained: Record) -> Record:
    """Return the explanation without nesting: parts of timers become lists that begin with target and cycle."""
    flat = {name: value for name, value in explained.items() if name not in ("timers", "without_timer", "passed_over")}
    flat["passed_over"] = explained["passed_over"]
    flat["timers"] = [{name: timer[name] for name in TIMER_FIELDS} for timer in explained["timers"]]
    flat["set_by_hand"] = [
        {"target": timer["target"], "cycle": timer["cycle"], **timer["set_by_hand"]}
        for timer in explained["timers"]
        if timer["set_by_hand"]
    ]
    for name in ("counts_from", "kept_late"):
        flat[name] = [
            {"target": timer["target"], "cycle": timer["cycle"], **timer[name]}
            for timer in explained["timers"]
            if timer[name]
        ]
    for part in PARTS:
        flat[part] = [
            {"target": timer["target"], "cycle": timer["cycle"], **each}
            for timer in explained["timers"]
            for each in timer[part]
        ]
    flat["corrections"] = explained["corrections"]
    flat["without_timer"] = explained["without_timer"]
    return {name: value for name, value in flat.items() if value != [] or name == "tags"}
