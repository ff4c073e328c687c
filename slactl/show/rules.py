"""The rules for people: the plan by priority matrix, and what one combination gets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slactl.show.form import Screen
from slactl.sla.enums import Target
from slactl.text import clean

Record = Mapping[str, Any]

#: Hot colours for what is urgent; the words stand beside them.
STYLES = {"low": "dim", "normal": "", "high": "yellow", "urgent": "bold red"}

#: The fields of a cell of the matrix, in order.
FIELDS = ("plan", "priority", "policy", "calendar", *Target)


def draw_matrix(cells: Sequence[Record], screen: Screen) -> None:
    """The matrix: a row for each plan, a column for each priority, the promises in each cell."""
    from rich.table import Table
    from rich.text import Text

    priorities = list(dict.fromkeys(cell["priority"] for cell in cells))
    table = Table(title="first response / next response / resolution", title_style="dim")
    table.add_column("plan")
    for priority in priorities:
        table.add_column(Text(priority, style=STYLES[priority]))
    for plan in dict.fromkeys(cell["plan"] for cell in cells):
        row = [cell for cell in cells if cell["plan"] == plan]
        name = Text(clean(plan) if plan is not None else "any other")
        table.add_row(name, *(Text(_promises(cell), style=STYLES[cell["priority"]]) for cell in row))
    screen.console().print(table)


def combination_lines(found: Record) -> Iterator[str]:
    """What one ticket would get, and why."""
    whose = f", tenant {clean(found['tenant'])}" if found["tenant"] else ""
    yield f"plan {clean(found['plan'])}, priority {found['priority']}{whose}"
    for passed in found["passed_over"]:
        yield f"  passed over  {clean(passed['policy'])}: {clean(passed['reason'])}"
    if found["policy"] is None:
        yield "  no policy matches, so nothing is promised"
        return
    yield f"  matched      {clean(found['policy'])}, on calendar {clean(found['calendar'])}"
    for target in Target:
        yield f"  {target.replace('_', ' '):<14} {found[target] or '-'}"


def _promises(cell: Record) -> str:
    if cell["policy"] is None:
        return "nothing"
    text = " / ".join(cell[target] or "-" for target in Target)
    return text if cell["calendar"] == "always" else f"{text} ({clean(cell['calendar'])})"
