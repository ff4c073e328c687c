"""Results of audits, backups, erasures, `doctor` and rebuilds, for people."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from slactl.show.colours import ALARM, FAINT, GOOD, WARNING
from slactl.show.form import Screen
from slactl.show.records import Record, cell
from slactl.text import clean, counted

if TYPE_CHECKING:
    from slactl.records.upkeep import Audit, Backup, Erasure, Health, Rebuild, Restore

#: The names of the fields, singular and plural.
FIELDS = {
    "actor": ("name of a writer", "names of writers"),
    "body": ("body", "bodies"),
    "requester_email": ("address", "addresses"),
    "subject": ("subject", "subjects"),
}

_SEALED, _ANOTHER = "a hash of the audit log covers this column", "it may be part of another address"

#: The reasons why the address of an erased person is still in a column.
LEFT = dict.fromkeys(("event.detail", "event.actor", "escalation.reason", "escalation.actor"), _SEALED) | dict.fromkeys(
    (
        *("event_text.text", "ticket.subject", "ticket.requester_email"),
        *("notification.error", "silence.comment", "override.reason"),
    ),
    _ANOTHER,
)


def audit_lines(audit: "Audit") -> Iterator[str]:
    """Yield what an audit checked, and a line for each finding, the first bad event first."""
    yield f"last hash\t{audit['audit_head'] or 'none: the log is empty'}"
    yield f"events\t{audit['events']:,}"
    yield f"texts\t{audit['texts']:,} stored, {audit['erased']:,} erased"
    yield f"tickets\t{audit['tickets']:,}"
    for finding in audit["findings"]:
        yield f"bad\t{clean(finding['message'])}"
    more = audit["found"] - len(audit["findings"])
    if more > 0:
        yield f"bad\t… and {more:,} more"
    yield "verified\tno" if audit["found"] else "verified\tyes: nothing was changed since it was written"


def backup_lines(backup: "Backup") -> Iterator[str]:
    """Yield where the copy is, and what it contains."""
    verb = "would copy" if backup["dry_run"] else "copied and verified"
    yield f"{verb} {counted(backup['events'], 'event')}, {size(backup['size'])}, to {clean(backup['file'])}"
    yield f"last hash {backup['audit_head'] or 'none: the log is empty'}"


def restore_lines(restored: "Restore") -> Iterator[str]:
    """Yield what was restored, where the replaced database is, and what slactl may do a second time."""
    verb = "would restore" if restored["dry_run"] else "restored"
    yield f"{verb} {_content(restored['events'], restored['last_event_at'])}, from {clean(restored['file'])}"
    unsealed = "slactl seals the log when it upgrades the database" if restored["events"] else "the log is empty"
    yield f"last hash {restored['audit_head'] or f'none: {unsealed}'}"
    events, last_at = restored["replaced_events"], restored["replaced_last_event_at"]
    if events is not None or restored["kept"] is not None:
        content = "a database that slactl cannot read" if events is None else _content(events, last_at)
        where = "would keep beside it" if restored["kept"] is None else f"kept as {clean(restored['kept'])}:"
        yield f"{where} {content}"
    yield f"waiting messages {restored['waiting_messages']:,}"
    sent = f" ({restored['sent_since']:,})" if restored["sent_since"] is not None else ""
    yield f"Messages sent since the backup{sent} may be sent again by the next check."
    yield "If a person was erased since the backup, erase the person again."


def _content(events: int, last_at: str | None) -> str:
    return counted(events, "event") + (f", the last of {last_at}" if last_at is not None else "")


def erasure_lines(erasure: "Erasure") -> Iterator[str]:
    """Yield what was erased, and what could not be erased."""
    rehearsed = erasure["dry_run"]
    if erasure["texts"]:
        kinds = ", ".join(f"{count} {FIELDS[name][count != 1]}" for name, count in erasure["texts"].items())
        yield f"{'would erase' if rehearsed else 'erased'} {kinds}"
    elif rehearsed:
        yield "would rewrite the file, so that it holds no erased text"
    elif not erasure["problem"]:
        yield "rewrote the file: it holds no erased text"
    for numbers, what in ((erasure["tickets"], "of this person"), (erasure["other_tickets"], "of others")):
        if numbers:
            yield f"  in tickets {what}: {first_numbers(numbers)}"
    if erasure["spelled"]["texts"]:
        count, tickets = erasure["spelled"]["texts"], erasure["spelled"]["tickets"]
        have = f"{count} of these texts {'have' if count > 1 else 'has'} the address only in encoded form"
        look = f"; read before erasing: slactl show {' '.join(map(str, tickets[:20]))}" if rehearsed else ""
        yield f"  {have}, such as &#64;, in ticket{'s' if len(tickets) > 1 else ''} {first_numbers(tickets)}{look}"
    for left in erasure["left"]:
        place, rows = f"{left['table']}.{left['column']}", f"{left['rows']:,} row{'s' if left['rows'] != 1 else ''}"
        several = "s" if len(left["tickets"]) > 1 else ""
        of_tickets = f", of ticket{several} {first_numbers(left['tickets'])}" if left["tickets"] else ""
        yield f"not erased: {place} still has the address in {rows}{of_tickets}: {LEFT.get(place, 'slactl keeps it')}"
    if erasure["problem"]:
        yield f"not erased: {clean(erasure['problem'])}"


def first_numbers(numbers: Sequence[int]) -> str:
    """Return the first twenty numbers, and how many more there are."""
    more = f" and {len(numbers) - 20:,} more" if len(numbers) > 20 else ""
    return ", ".join(map(str, numbers[:20])) + more


def size(count: int) -> str:
    """Return a number of bytes in a unit that suits it: "4.2 MB"."""
    value, unit = float(count), "B"
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def draw_health(health: "Health", screen: Screen) -> None:
    """Draw a line for each check, and below it the command that fixes a problem, or a hint."""
    from rich.text import Text

    console = screen.console()
    good, bad = ("✓", "✗") if screen.draws_blocks else ("ok", "!!")
    for check in health["checks"]:
        mark = Text(good if check["ok"] else bad, style=GOOD if check["ok"] else f"bold {ALARM}")
        line = Text.assemble(mark, " ", (f"{check['check']:<14}", "bold"), " ", clean(check["found"]))
        console.print(line, soft_wrap=True)
        if check["fix"]:
            word, style = ("hint", FAINT) if check["ok"] else ("fix", WARNING)
            console.print(Text(f"  {word}: {clean(check['fix'])}", style=style), soft_wrap=True)
    count = sum(not check["ok"] for check in health["checks"])
    console.print(Text(f"\n{counted(count, 'problem')} to fix" if count else "\nno problems found", style="bold"))


def health_lines(health: "Health") -> Iterator[str]:
    """Yield a line for each check: ok or bad, the check, what it found, the command that fixes it."""
    for check in health["checks"]:
        cells = ["ok" if check["ok"] else "bad", check["check"], check["found"], check["fix"]]
        yield "\t".join(cell(each) for each in cells)


def rebuild_lines(rebuilt: "Rebuild", found: Iterable[Record]) -> Iterator[str]:
    """Yield each difference, and how many tickets were checked and rebuilt."""
    for name, sql in rebuilt["dropped"].items():
        yield clean(
            f"{name} {'would be' if rebuilt['dry_run'] else 'was'} dropped because slactl did not create it: {sql}"
        )
    for name in rebuilt["structure"]:
        if name not in rebuilt["dropped"] and name not in rebuilt["unmade"]:
            yield clean(f"{name} differed from slactl's definition")
    for each in found:
        yield clean(each["message"])
    would = "would be " if rebuilt["dry_run"] else ""
    failed = f", {rebuilt['failed']:,} could not be calculated" if rebuilt["failed"] else ""
    yield f"tickets checked: {rebuilt['tickets']:,}, of which {rebuilt['changed']:,} {would}rebuilt{failed}"
