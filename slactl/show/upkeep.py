"""What the upkeep of a desk found and did: audits, erasures, backups."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slactl.text import clean

#: What the texts are called, one and several.
FIELDS = {
    "actor": ("name of a writer", "names of writers"),
    "body": ("body", "bodies"),
    "requester_email": ("address", "addresses"),
    "subject": ("subject", "subjects"),
}

_SEALED, _ANOTHER = "that is sealed", "it may be part of another address"

#: Why the address of a person that was erased is still in a column.
LEFT = dict.fromkeys(("event.detail", "event.actor", "escalation.reason", "escalation.actor"), _SEALED) | dict.fromkeys(
    ("event_text.text", "ticket.subject", "ticket.requester_email", "notification.error", "silence.comment"), _ANOTHER
)


def audit_lines(audit: Mapping[str, Any]) -> Iterator[str]:
    """What an audit looked at, and a line for each finding, the first bad event first."""
    yield f"head\t{audit['audit_head'] or 'none: the log is empty'}"
    yield f"events\t{audit['events']:,}"
    yield f"texts\t{audit['texts']:,} kept, {audit['erased']:,} erased"
    yield f"tickets\t{audit['tickets']:,}"
    for finding in audit["findings"]:
        yield f"bad\t{clean(finding['message'])}"
    more = audit["found"] - len(audit["findings"])
    if more > 0:
        yield f"bad\t… and {more:,} more"
    yield "verified\tno" if audit["found"] else "verified\tyes: all is as it was written"


def backup_lines(backup: Mapping[str, Any]) -> Iterator[str]:
    """Where the copy is, and what it holds."""
    verb = "would copy" if backup["dry_run"] else "copied and verified"
    yield f"{verb} {backup['events']:,} events, {size(backup['size'])}, to {clean(backup['file'])}"
    yield f"head {backup['audit_head'] or 'none: the log is empty'}"


def erasure_lines(erasure: Mapping[str, Any]) -> Iterator[str]:
    """What was erased, and what could not be."""
    rehearsed = erasure["dry_run"]
    if erasure["texts"]:
        kinds = ", ".join(f"{count} {FIELDS[name][count != 1]}" for name, count in erasure["texts"].items())
        yield f"{'would erase' if rehearsed else 'erased'} {kinds}"
    elif rehearsed:
        yield "would rewrite the file, so that nothing that was erased is left in it"
    elif not erasure["problem"]:
        yield "rewrote the file: nothing that was erased is left in it"
    for name, what in (("tickets", "of this person"), ("other_tickets", "of others")):
        if erasure[name]:
            yield f"  in tickets {what}: {_numbers(erasure[name])}"
    if erasure["spelled"]["texts"]:
        yield _spelled(erasure["spelled"], rehearsed=rehearsed)
    for left in erasure["left"]:
        place, rows = f"{left['table']}.{left['column']}", f"{left['rows']:,} row{'s' if left['rows'] != 1 else ''}"
        several = "s" if len(left["tickets"]) > 1 else ""
        of_tickets = f", of ticket{several} {_numbers(left['tickets'])}" if left["tickets"] else ""
        yield f"left: {place} names it in {rows}{of_tickets}: {LEFT.get(place, 'it stays')}"
    if erasure["problem"]:
        yield f"left: {clean(erasure['problem'])}"


def _spelled(spelled: Mapping[str, Any], *, rehearsed: bool) -> str:
    count, tickets = spelled["texts"], spelled["tickets"]
    have = f"{count} of these texts {'have' if count > 1 else 'has'} the address only in another spelling, as in &#64;"
    look = f"; look: slactl show {' '.join(map(str, tickets[:20]))}" if rehearsed else ""
    return f"  {have}, in ticket{'s' if len(tickets) > 1 else ''} {_numbers(tickets)}{look}"


def _numbers(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - 20:,} more" if len(numbers) > 20 else ""
    return ", ".join(map(str, numbers[:20])) + more


def size(count: int) -> str:
    """A number of bytes, as people read it."""
    value, unit = float(count), "B"
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
