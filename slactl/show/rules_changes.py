"""Changed rules for people: differences between versions, and deadlines that a move changes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from slactl.clock import from_text
from slactl.durations import describe_seconds
from slactl.show.colours import ALARM
from slactl.show.records import Record
from slactl.show.times import local, timed, words
from slactl.text import clean, counted

if TYPE_CHECKING:
    from slactl.show.tables import Column

#: The fields of a difference as one record.
DIFF_FIELDS = ("version", "rules", "open_count", "section", "name", "key", "change", "before", "after", "in_force")

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def diff_records(diff: Record) -> Iterator[Record]:
    """Yield every difference as a record of its own."""
    for version in diff["versions"]:
        head = {"version": version["id"], "rules": version["rules"], "open_count": version["open_count"]}
        yield from (head | change for change in version["changes"])


def diff_lines(diff: Record) -> Iterator[str]:
    """Yield the differences for people, by rules version and by policy, calendar or escalation rule."""
    if not diff["versions"]:
        yield "no ticket is open, so there is nothing to compare"
    for version in diff["versions"]:
        count = counted(version["open_count"], "open ticket")
        named = f"rules version {version['id']} ({version['rules'][:12]}, first used {version['first_used_at']})"
        yield f"{count} on {'the current rules' if version['current'] else named}"
        for section, changes in groupby(version["changes"], key=lambda change: (change["section"], change["name"])):
            yield f"  {clean(' '.join(part for part in section if part))}"
            for change in changes:
                key, mark = change["key"] or "", " (*)" if change["in_force"] else ""
                values = [_value(change[side]) for side in ("before", "after") if change[side] is not None]
                text = f"{_SIGNS[change['change']]} {key + '  ' if key else ''}{' → '.join(values)}{mark}"
                yield f"    {clean(text)}"
    if any(change["in_force"] for version in diff["versions"] for change in version["changes"]):
        yield "(*) already applies to every ticket"
    if not all(version["current"] for version in diff["versions"]):
        yield "to move the open tickets: slactl rules apply --dry-run"


def _value(value: object) -> str:
    """Return a TOML value in few words."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {_value(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def move_lines(move: Record) -> Iterator[str]:
    """Yield a line that sums up the move of the open tickets to the current rules."""
    if not move["moved"] and not move["failed"]:
        yield "every open ticket is on the current rules"
        return
    yield (
        f"{'would move' if move['dry_run'] else 'moved'} {counted(move['moved'], 'ticket')} to the current rules: "
        f"{counted(move['changed'], 'deadline')} changed, {move['newly_breached']:,} newly breached, "
        f"{counted(move['baseline'], 'past level')} recorded without firing"
        + (f", {counted(move['failed'], 'ticket')} left unchanged" if move["failed"] else "")
    )


def deadline_columns() -> "Sequence[Column]":
    """Return the columns of the before/after table of deadlines."""
    from slactl.show.tables import Column

    def target(change: Record) -> str:
        return words(change["target"]) + (f" {change['cycle']}" if change["cycle"] > 1 else "")

    def policy(change: Record) -> str:
        return " → ".join(dict.fromkeys((change["policy_before"] or "none", change["policy_after"] or "none")))

    return (
        Column("id", lambda change: str(change["ticket_id"]), right=True),
        Column("external id", lambda change: change["external_id"] or "", rank=3),
        Column("target", target),
        Column("policy", policy, rank=2, long=True),
        Column(timed("before"), lambda change: _due(change, "before")),
        Column("after", lambda change: _due(change, "after")),
        Column("moved", _shift, rank=1, right=True),
        Column("", lambda change: ("newly breached", f"bold {ALARM}") if change["newly_breached"] else ""),
    )


def _due(change: Record, side: str) -> str:
    due, length = change[f"due_at_{side}"], change[f"target_seconds_{side}"]
    if due is not None:
        return local(due)
    state: str = change[f"state_{side}"]
    return state if length is None else f"{state}, {describe_seconds(length)}"


def _shift(change: Record) -> str:
    before, after = change["due_at_before"], change["due_at_after"]
    if before is None or after is None or before == after:
        return ""
    moved = int((from_text(after) - from_text(before)).total_seconds())
    return f"{'+' if moved > 0 else '-'}{describe_seconds(abs(moved))}"
