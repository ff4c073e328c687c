"""The health of a desk: what was looked at, what was found, and what mends it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from slactl.show.form import Screen
from slactl.show.records import Record, cell
from slactl.text import clean


def draw_health(health: Record, screen: Screen) -> None:
    """Draws a line for each check, and below a finding the command that mends it."""
    from rich.text import Text

    console = screen.console()
    good, bad = ("✓", "✗") if screen.draws_blocks else ("ok", "!!")
    for check in health["checks"]:
        mark = Text(good if check["ok"] else bad, style="green" if check["ok"] else "bold red")
        line = Text.assemble(mark, " ", (f"{check['check']:<14}", "bold"), " ", clean(check["found"]))
        console.print(line, soft_wrap=True)
        if not check["ok"] and check["fix"]:
            console.print(Text(f"  fix: {clean(check['fix'])}", style="yellow"), soft_wrap=True)
    count = sum(not check["ok"] for check in health["checks"])
    console.print(Text(f"\n{count} to mend" if count else "\nall is well", style="bold"))


def health_lines(health: Record) -> Iterator[str]:
    """A line for each check: ok or bad, the check, what was found, the command that mends it."""
    for check in health["checks"]:
        cells = ["ok" if check["ok"] else "bad", check["check"], check["found"], check["fix"]]
        yield "\t".join(cell(each) for each in cells)


def rebuild_lines(rebuilt: Mapping[str, Any], found: Iterable[Record]) -> Iterator[str]:
    """Each difference, and how many there were."""
    for name, sql in rebuilt["dropped"].items():
        yield clean(f"{name} {'would be' if rebuilt['dry_run'] else 'was'} dropped, as it is not slactl's: {sql}")
    for name in rebuilt["structure"]:
        if name not in rebuilt["dropped"] and name not in rebuilt["unmade"]:
            yield clean(f"{name} was not as slactl makes it")
    for each in found:
        yield clean(each["message"])
    would = "would be " if rebuilt["dry_run"] else ""
    failed = f", {rebuilt['failed']:,} could not be computed" if rebuilt["failed"] else ""
    yield f"tickets looked at: {rebuilt['tickets']:,}, of which {rebuilt['changed']:,} {would}rebuilt{failed}"
