"""Results of `check` and `import`, for people and for the mail of cron."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from slactl.text import clean, clean_block, counted, in_words

if TYPE_CHECKING:
    from slactl.records.runs import CheckReport, Firing, Run
    from slactl.records.tickets import Escalation
    from slactl.show.form import Screen
    from slactl.show.records import Record
    from slactl.show.tables import Column

#: The fields that `run_columns` and `message_columns` show, which are those of a pipe.
RUN_FIELDS = (
    *("id", "started_at", "scanned", "breached", "fired", "notified", "messages_sent", "failed", "skipped"),
    "exit_code",
)
MESSAGE_FIELDS = (
    *("id", "ticket_id", "recipient", "state", "held_by", "created_at", "tries", "ended_at", "next_try_at", "error"),
)

#: How many levels a run lists, so that the mail of cron stays readable; a dry run lists all.
SHOWN = 20


def check_lines(report: "CheckReport", *, zoned: bool = False) -> Iterator[str]:
    """Yield a line that sums the run up, a line for each level, and the messages to people without an address.

    The time of the run is in UTC, or with its name in the display zone if `zoned`.
    """
    from slactl.clock import from_text
    from slactl.display_zone import describe

    at = describe(from_text(report["at"])) if zoned else report["at"]
    would = "would be " if report["dry_run"] else ""
    skipped = "".join(f", {count} {outcome}" for outcome, count in report["skipped_by_reason"].items())
    carried = f" in {counted(report['messages_sent'], 'message')}" if report["messages_sent"] else ""
    failed = f", {report['failed']} failed" if report["failed"] else ""
    yield (
        f"{at}  {counted(report['scanned'], 'ticket')} checked, {report['breached']} {would}found breached, "
        f"{report['escalated']} {would}escalated{skipped}, {report['notified']:,} {would}notified{carried}{failed}"
    )
    for firing in islice(report["firings"], None if report["dry_run"] else SHOWN):
        yield f"  ticket {firing['ticket_id']}: {clean(_deed(firing))}"
    left_out = 0 if report["dry_run"] else report["escalated"] + report["skipped"] - SHOWN
    if left_out > 0:
        yield f"  and {left_out:,} more: slactl runs show {report['run_id']}"
    for goal in report["goals"]:
        passed = " and ".join(goal["thresholds"])
        told = f", notifies {' and '.join(goal['told'])}" if goal["told"] else ""
        margin = f"{goal['kept']:,} of {goal['kept'] + goal['missed']:,} kept"
        yield f"  goal {clean(goal['objective'])}, {goal['period']}: {passed} ({margin}){clean(told)}"
    for message in report["messages"]:
        yield ""
        yield clean_block(message)


def import_line(done: Mapping[str, int], *, dry_run: bool) -> str:
    """Return a line that says what an import did."""
    would = "would be " if dry_run else ""

    tenants = f", {counted(done['tenants'], 'tenant')} {would}added" if done["tenants"] else ""
    corrected = f", {counted(done['corrected'], 'breach', 'es')} {would}corrected" if done["corrected"] else ""
    bad = f", {counted(done['bad'], 'problem')} listed above" if done["bad"] else ""
    return (
        f"{counted(done['opened'], 'ticket')} {would}opened, {done['changed']:,} {would}changed, "
        f"{counted(done['events'], 'event')} {would}added{tenants}{corrected}{bad}"
    )


def whole_line(counts: Mapping[str, int], *, dry_run: bool) -> str:
    """Return a line that says what the import of a whole service desk did."""
    what = f"{counted(counts.get('ticket', 0), 'ticket')} with {counted(counts.get('event', 0), 'event')}"
    verb = "would be" if dry_run else "was"
    return f"the whole service desk {verb} imported: {what}, {counted(sum(counts.values()), 'row')}"


def _deed(firing: "Firing") -> str:
    done = [in_words(firing["reason"]), f"{firing['escalation']}/{firing['level']}", firing["outcome"]]
    if firing["from_priority"] != firing["to_priority"]:
        done.append(f"priority {firing['from_priority']} → {firing['to_priority']}")
    if firing["from_assignee"] != firing["to_assignee"]:
        done.append(f"assignee {firing['from_assignee'] or 'nobody'} → {firing['to_assignee']}")
    if firing["from_status"] != firing["to_status"]:
        done.append(f"status {in_words(firing['from_status'])} → {in_words(firing['to_status'])}")
    done += [f"tags {' '.join(f'+{tag}' for tag in firing['tags'])}"] if firing["tags"] else []
    done += [f"note {firing['note']!r}"] if firing["note"] and firing["outcome"] == "fired" else []
    why = " and ".join(firing["unreached"])
    if firing["reaches_nobody"]:
        done.append(f"reaches nobody: {why}")
    elif firing["told"]:
        because = f" because {why}" if firing["fallback"] else ""
        done.append(f"notifies {' and '.join(firing['told'])}{because}")
    if why and not firing["fallback"] and not firing["reaches_nobody"]:
        done.append(f"assigned to nobody: {why}")
    return ", ".join(done)


def run_columns() -> "Sequence[Column]":
    """Return the columns of a list of runs."""
    from slactl.show.tables import Column
    from slactl.show.times import local, timed

    def ended(run: "Record") -> str:
        return "unfinished" if run["exit_code"] is None else str(run["exit_code"])

    def count(title: str, field: str, rank: int = 0) -> Column:
        return Column(title, lambda run: str(run[field] or "-"), rank=rank, right=True, usual=len(title))

    return (
        Column("Run", lambda run: str(run["id"]), right=True, usual=5),
        Column(timed("Started"), lambda run: local(run["started_at"])),
        count("Checked", "scanned", rank=2),
        count("Breached", "breached"),
        count("Fired", "fired"),
        count("Notified", "notified"),
        count("Messages", "messages_sent", rank=3),
        count("Failed", "failed"),
        Column("Skipped", lambda run: ", ".join(f"{n} {why}" for why, n in run["skipped"].items()), rank=4, usual=10),
        Column("Exit", ended, right=True, usual=10),
    )


def draw_run(run: "Run", fired: "Sequence[Escalation]", screen: "Screen") -> None:
    """Draw the facts of one run, and the levels that fired."""
    from rich.text import Text

    from slactl import display_zone
    from slactl.durations import describe_seconds
    from slactl.show.colours import FAINT
    from slactl.show.tables import Column
    from slactl.show.ticket import escalation_columns, print_section
    from slactl.show.times import local_day

    console, ended = screen.console(), run["ended_at"]
    seconds = None if run["duration_ms"] is None else run["duration_ms"] // 1000
    took = "" if seconds is None else f", after {describe_seconds(seconds)}" if seconds else ", within a second"
    facts = {
        "Run": str(run["id"]),
        "Time zone": display_zone.heading(),
        "Started": local_day(run["started_at"]),
        "Ended": f"{local_day(ended)}{took}" if ended else "not yet, or it was killed",
        "Checked": counted(run["scanned"], "ticket"),
        "Breached": f"{run['breached']:,}",
        "Fired": f"{run['fired']:,}",
        "Skipped": ", ".join(f"{count:,} {why}" for why, count in run["skipped"].items()) or "0",
        "Notified": f"{run['notified']:,} in {counted(run['messages_sent'] or 0, 'message')}",
        "Failed": f"{run['failed']:,}",
        "Exit code": "none" if run["exit_code"] is None else str(run["exit_code"]),
        "Rules version": str(run["rules_version"] or "none"),
        "Last hash": run["audit_head"] or "none",
    }
    for name, value in facts.items():
        console.print(Text().append(f"{name:<15}", style=FAINT).append(clean(value)))
    ticket: Column[Escalation] = Column("Ticket", lambda one: str(one["ticket_id"]), right=True, usual=6)
    print_section(console, "Levels", fired, (ticket, *escalation_columns()))


def message_columns() -> "Sequence[Column]":
    """Return the columns of a list of messages in the outbox."""
    from slactl.show.tables import INSTANT, LEAST_LONG, Column
    from slactl.show.times import local, timed

    def instant(field: str) -> "Callable[[Record], str]":
        return lambda message: local(message[field]) if message[field] else ""

    return (
        Column("Message", lambda message: str(message["id"]), right=True),
        Column("Ticket", lambda message: str(message["ticket_id"]), right=True),
        Column("To", lambda message: message["recipient"], most=24, usual=15),
        Column("State", lambda message: message["state"], usual=8),
        Column("Held by", lambda message: message["held_by"] or "", rank=3, most=20, usual=10),
        Column(timed("Created"), lambda message: local(message["created_at"])),
        Column("Tries", lambda message: str(message["tries"] or ""), rank=4, right=True, usual=5),
        Column("Ended", instant("ended_at"), rank=5, usual=INSTANT),
        Column("Next try", instant("next_try_at"), rank=2, usual=INSTANT),
        Column("Error", lambda message: message["error"] or "", rank=1, most=200, long=True, usual=LEAST_LONG),
    )
