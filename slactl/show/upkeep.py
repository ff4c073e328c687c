"""What the upkeep of a desk found and did: audits, erasures, backups."""

from collections.abc import Iterator, Mapping
from typing import Any

from slactl.text import clean


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
