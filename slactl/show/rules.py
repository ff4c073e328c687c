"""The rules for people: the matrix of plans and priorities, one combination, and results of rules tests."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from slactl.show.colours import FAINT
from slactl.show.form import Screen
from slactl.show.list import PRIORITY_STYLES
from slactl.show.records import Record
from slactl.show.times import words
from slactl.sla.enums import Priority, Target
from slactl.text import clean, counted

if TYPE_CHECKING:
    from rich.table import Table

#: The fields of a cell of the matrix, in order.
FIELDS = ("plan", "priority", "policy", "calendar", *Target, "match")
#: The fields of the targets of one ticket; `passed_over` has the policies before its own, each with a reason.
COMBINATION_FIELDS = (*FIELDS[:-1], "tenant", "passed_over")


def draw_matrix(cells: Sequence[Record], screen: Screen) -> None:
    """Draw the targets by plan and priority, and below them the policies for certain tenants, tags or domains."""
    from rich.table import Table

    targets = [target for target in Target if target is not Target.UPDATE or any(cell[target] for cell in cells)]
    by_plan = [cell for cell in cells if cell["match"] is None]
    special = [cell for cell in cells if cell["match"] is not None]
    table = Table(title=" / ".join(words(target) for target in targets), title_style=FAINT)
    _add_priorities(table, ["plan"])
    for plan in dict.fromkeys(cell["plan"] for cell in by_plan):
        row = {cell["priority"]: cell for cell in by_plan if cell["plan"] == plan}
        _add_row(table, [clean(plan) if plan is not None else "any other"], row, targets)
    screen.console().print(table)
    if special:
        table = Table(title="policies for certain tickets", title_style=FAINT)
        _add_priorities(table, ["policy", "tickets"])
        for policy, match in dict.fromkeys((cell["policy"], cell["match"]) for cell in special):
            row = {cell["priority"]: cell for cell in special if cell["policy"] == policy}
            _add_row(table, [clean(policy), clean(match)], row, targets)
        screen.console().print(table)


def _add_priorities(table: "Table", names: Sequence[str]) -> None:
    from rich.text import Text

    for name in names:
        table.add_column(name)
    for priority in Priority:
        table.add_column(Text(priority.value, style=PRIORITY_STYLES[priority.value]))


def _add_row(table: "Table", names: Sequence[str], row: Mapping[str, Record], targets: Sequence[Target]) -> None:
    from rich.text import Text

    texts = [
        Text(_targets_text(row[priority], targets) if priority in row else "", style=PRIORITY_STYLES[priority])
        for priority in map(str, Priority)
    ]
    table.add_row(*map(Text, names), *texts)


def source_lines(sources: Sequence[Record]) -> Iterator[str]:
    """Yield the sources that `sync` imports, a line each."""
    from shlex import join

    for source in sources:
        what = f"map {source['map']}" if source["map"] is not None else "a history file"
        yield clean(f"source {source['name']} ({what}, at most {source['timeout']}): {join(source['command'])}")


def combination_lines(found: Record) -> Iterator[str]:
    """Yield which policy and targets a ticket would get, and why."""
    whose = f", tenant {clean(found['tenant'])}" if found["tenant"] else ""
    yield f"plan {clean(found['plan'])}, priority {found['priority']}{whose}"
    for passed in found["passed_over"]:
        yield f"  no match     {clean(passed['policy'])}: {clean(passed['reason'])}"
    if found["policy"] is None:
        yield "  no policy matches, so the ticket has no targets"
        return
    yield f"  matched      {clean(found['policy'])}, on calendar {clean(found['calendar'])}"
    for target in Target:
        yield f"  {words(target):<14} {found[target] or '-'}"


def _targets_text(cell: Record, targets: Sequence[Target]) -> str:
    if cell["policy"] is None:
        return "no targets"
    text = " / ".join(cell[target] or "-" for target in targets)
    return text if cell["calendar"] == "always" else f"{text} ({clean(cell['calendar'])})"


def outcome_lines(report: Record, *, quiet: bool = False) -> Iterator[str]:
    """Yield a line for each test and each failure, and a line that sums them up; `quiet` leaves out passed tests."""
    for test in report["tests"]:
        if not test["passed"]:
            yield clean(f"FAIL  {test['file']}:{test['line']}: {test['name']}")
            failures = test["failures"]
            for heading, group in groupby(failures, key=_heading):
                yield clean(f"      {heading}")
                for failure in group:
                    expected, got = (
                        ", ".join(value) or "none" if isinstance(value, list) else "none" if value is None else value
                        for value in (failure["expected"], failure["got"])
                    )
                    yield clean(f"        {failure['key']:<20} expected {expected}")
                    yield clean(f"        {'':<20} got      {got}")
        elif not quiet:
            yield clean(f"ok    {test['name']}")
    if not quiet or report["failed"] or report["problems"]:
        count = report["passed"] + report["failed"]
        invalid = len(report["problems"])
        wrong = f", {counted(invalid, 'problem')} in the files" if invalid else ""
        yield f"{counted(count, 'test')}: {report['passed']} passed, {report['failed']} failed{wrong}"


def _heading(failure: Record) -> str:
    if failure["schedule"]:
        return f"schedule {failure['schedule']} at {failure['at']}:"
    target = f", {words(failure['target'])}" if failure["target"] else ""
    cycle = f" {failure['cycle']}" if (failure["cycle"] or 1) > 1 else ""
    policy = f"policy {failure['policy']}" if failure["policy"] else "no policy matched"
    return f"ticket {failure['ticket']}{target}{cycle} as of {failure['at']} ({policy}):"
