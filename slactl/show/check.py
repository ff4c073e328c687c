"""What a run of `check` did, for people and for cron's mail."""

from collections.abc import Iterator, Mapping
from typing import Any

from slactl.text import clean, clean_block


def check_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """One line that sums the run up, one for each level, and the messages nobody could be sent."""
    would = "would be " if report["dry_run"] else ""
    skipped = "".join(f", {count} {outcome}" for outcome, count in report["skipped_by_reason"].items())
    failed = f", {report['failed']} failed" if report["failed"] else ""
    yield (
        f"{report['at']}  {report['scanned']} looked at, {report['breached']} {would}found breached, "
        f"{report['escalated']} {would}escalated{skipped}, {report['notified']} notified{failed}"
    )
    for firing in report["firings"]:
        yield f"  ticket {firing['ticket_id']}: {clean(_deed(firing))}"
    for message in report["messages"]:
        yield ""
        yield clean_block(message)


def _deed(firing: Mapping[str, Any]) -> str:
    done = [firing["reason"], f"{firing['escalation']}/{firing['level']}", firing["outcome"]]
    if firing["from_priority"] != firing["to_priority"]:
        done.append(f"priority {firing['from_priority']} → {firing['to_priority']}")
    if firing["from_assignee"] != firing["to_assignee"]:
        done.append(f"assignee {firing['from_assignee'] or 'nobody'} → {firing['to_assignee']}")
    if firing["told"]:
        done.append(
            f"tells {' and '.join(firing['told'])}" + (", as nobody else is reached" * bool(firing["fallback"]))
        )
    return ", ".join(done)
