"""Results of `check` and `import`, for people and for the mail of cron."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from slactl.text import clean, clean_block, counted, in_words

if TYPE_CHECKING:
    from slactl.records.runs import CheckReport, Firing
    from slactl.show.tables import Column

#: How many levels a run lists, so that the mail of cron stays readable; a dry run lists all.
SHOWN = 20


def check_lines(report: "CheckReport") -> Iterator[str]:
    """Yield a line that sums the run up, a line for each level, and the messages to people without an address."""
    would = "would be " if report["dry_run"] else ""
    skipped = "".join(f", {count} {outcome}" for outcome, count in report["skipped_by_reason"].items())
    carried = f" in {counted(report['messages_sent'], 'message')}" if report["messages_sent"] else ""
    failed = f", {report['failed']} failed" if report["failed"] else ""
    yield (
        f"{report['at']}  {counted(report['scanned'], 'ticket')} checked, {report['breached']} {would}found breached, "
        f"{report['escalated']} {would}escalated{skipped}, {report['notified']:,} {would}notified{carried}{failed}"
    )
    firings = report["firings"]
    shown = firings if report["dry_run"] else firings[:SHOWN]
    for firing in shown:
        yield f"  ticket {firing['ticket_id']}: {clean(_deed(firing))}"
    if len(shown) < len(firings):
        yield f"  and {len(firings) - len(shown):,} more: slactl runs show {report['run_id']}"
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

    def count(title: str, field: str) -> Column:
        return Column(title, lambda run: str(run[field] or ""), right=True)

    return (
        Column("Run", lambda run: str(run["id"]), right=True),
        Column(timed("Started"), lambda run: local(run["started_at"])),
        count("Checked", "scanned"),
        count("Breached", "breached"),
        count("Fired", "fired"),
        count("Notified", "notified"),
        count("Messages", "messages_sent"),
        count("Failed", "failed"),
        Column("Skipped", lambda run: ", ".join(f"{n} {why}" for why, n in run["skipped"].items()), rank=1),
        Column("Exit", lambda run: "unfinished" if run["exit_code"] is None else str(run["exit_code"]), right=True),
    )


def message_columns() -> "Sequence[Column]":
    """Return the columns of a list of messages in the outbox."""
    from slactl.show.tables import Column
    from slactl.show.times import local, timed

    return (
        Column("Message", lambda message: str(message["id"]), right=True),
        Column("Ticket", lambda message: str(message["ticket_id"]), right=True),
        Column("To", lambda message: message["recipient"], most=24),
        Column("State", lambda message: message["state"]),
        Column("Held by", lambda message: message["held_by"] or "", rank=1, most=20),
        Column(timed("Created"), lambda message: local(message["created_at"])),
        Column("Tries", lambda message: str(message["tries"] or ""), rank=2, right=True),
        Column("Ended", lambda message: local(message["ended_at"]) if message["ended_at"] else "", rank=3),
        Column("Next try", lambda message: local(message["next_try_at"]) if message["next_try_at"] else "", rank=1),
        Column("Error", lambda message: message["error"] or "", rank=1, most=200, long=True),
    )
