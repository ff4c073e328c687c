"""The rules for people: the matrix of plans and priorities, one combination, and results of rules tests."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from slactl.show.form import Screen
from slactl.show.list import PRIORITY_STYLES
from slactl.show.records import Record
from slactl.show.times import words
from slactl.sla.enums import Target
from slactl.text import clean, counted

#: The fields of a cell of the matrix, in order.
FIELDS = ("plan", "priority", "policy", "calendar", *Target)


def draw_matrix(cells: Sequence[Record], screen: Screen) -> None:
    """Draw the matrix: a row for each plan, a column for each priority, the targets in each cell."""
    from rich.table import Table
    from rich.text import Text

    priorities = list(dict.fromkeys(cell["priority"] for cell in cells))
    table = Table(title="first response / next response / resolution", title_style="dim")
    table.add_column("plan")
    for priority in priorities:
        table.add_column(Text(priority, style=PRIORITY_STYLES[priority]))
    for plan in dict.fromkeys(cell["plan"] for cell in cells):
        row = [cell for cell in cells if cell["plan"] == plan]
        name = Text(clean(plan) if plan is not None else "any other")
        table.add_row(name, *(Text(_targets_text(cell), style=PRIORITY_STYLES[cell["priority"]]) for cell in row))
    screen.console().print(table)


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


def _targets_text(cell: Record) -> str:
    if cell["policy"] is None:
        return "no targets"
    text = " / ".join(cell[target] or "-" for target in Target)
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
                    yield clean(f"        {failure['key']:<20} expected {_value(failure['expected'])}")
                    yield clean(f"        {'':<20} got      {_value(failure['got'])}")
        elif not quiet:
            yield clean(f"ok    {test['name']}")
    if not quiet or report["failed"] or report["problems"]:
        count = report["passed"] + report["failed"]
        invalid = len(report["problems"])
        wrong = f", {counted(invalid, 'problem')} in the files" if invalid else ""
        yield f"{counted(count, 'test')}: {report['passed']} passed, {report['failed']} failed{wrong}"


def _heading(failure: Record) -> str:
    target = f", {words(failure['target'])}" if failure["target"] else ""
    cycle = f" {failure['cycle']}" if (failure["cycle"] or 1) > 1 else ""
    policy = f"policy {failure['policy']}" if failure["policy"] else "no policy matched"
    return f"ticket {failure['ticket']}{target}{cycle} as of {failure['at']} ({policy}):"


def _value(value: object) -> str:
    return "none" if value is None else str(value)
