"""Two sets of rules side by side, for people and for programs."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import TextIO

from slactl.show.colours import ALARM, FAINT, GOOD
from slactl.show.form import Form, Screen
from slactl.show.records import Record, put, to_json, write
from slactl.show.shares import percent
from slactl.show.tables import Column, draw
from slactl.show.times import local, timed, words
from slactl.text import clean, counted

SIDES = ("rules", "other")

#: The columns of the forms that have a row for each target, and with groups for each target of a group.
FIELDS = (
    *("group", "target", "tickets"),
    *(f"{side}_{name}" for side in SIDES for name in ("met", "breached", "open", "attainment")),
    *("attainment_change", "gained", "lost", "rules_firings_per_day", "other_firings_per_day"),
    *("rules_kept", "rules_missed", "other_kept", "other_missed", "kept_change", "missed_change"),
)


def write_comparison(record: Record, breaches: Iterable[Record], form: Form, stream: TextIO) -> None:
    """Write a comparison: all of it as JSON, the tickets whose breaches changed as ids, else a row for each target."""
    if form is Form.JSON:
        for text in _json(record, breaches):
            put(text, stream)
    elif form is Form.IDS:
        tickets = ({"ticket": ticket} for ticket, _ in groupby(breach["ticket"] for breach in breaches))
        write(tickets, form, ("ticket",), stream, key="ticket")
    else:
        write(rows(record), form, FIELDS, stream)


def draw_comparison(record: Record, breaches: Iterable[Record], screen: Screen, most: int) -> None:
    """Draw a comparison and the first `most` of the breaches that changed; 0 draws all."""
    from rich.text import Text

    console = screen.console()
    for side in SIDES:
        name = clean(record[side]["file"])
        console.print(Text(f"{side.capitalize():<6} {name}", style="bold"), overflow="fold")
    console.print(f"{counted(record['tickets'], 'ticket')} over {record['days']:,.1f} days\n")
    by = record["by"]
    shown = [row for row in rows(record) if any(row[f"{side}_{kind}"] for side in SIDES for kind in _COUNTS)]
    if shown:
        firsts = [not place or row["group"] != shown[place - 1]["group"] for place, row in enumerate(shown)]
        draw([{**row, "first": first} for row, first in zip(shown, firsts, strict=True)], target_columns(by), screen)
    for line in map(_outcomes, record["targets"]):
        console.print(line, end="")
    firings = record["firings_per_day"]
    console.print(f"\nFirings a day: {firings['rules']:,.1f} → {firings['other']:,.1f}")
    if record["goals"]:
        draw(record["goals"], goal_columns(), screen)
        changed = [sum(goal["change"] == kind for goal in record["goals"]) for kind in ("gained", "lost")]
        console.print(f"Goals gained: {changed[0]:,}, lost: {changed[1]:,}")
    gained, lost = (sum(target[kind] for target in record["targets"]) for kind in ("gained", "lost"))
    console.print(f"Breaches gained: {gained:,}, lost: {lost:,}\n")
    if gained + lost:
        cut = most and gained + lost > most
        footer = f"the first {most:,} of {gained + lost:,}; --limit 0 shows all" if cut else ""
        draw(islice(breaches, most or None), breach_columns(), screen, footer=footer)


_COUNTS = ("met", "breached", "open")


def rows(record: Record) -> Iterator[Record]:
    """Yield a row for each target, of all tickets or of each group."""
    for part in [record] if record["groups"] is None else record["groups"]:
        for target in part["targets"]:
            yield {
                "group": part.get("group"),
                "target": target["target"],
                "tickets": part["tickets"],
                **{f"{side}_{name}": value for side in SIDES for name, value in target[side].items()},
                **{
                    name: target[name]
                    for name in ("attainment_change", "gained", "lost", "kept_change", "missed_change")
                },
                **{f"{side}_firings_per_day": part["firings_per_day"][side] for side in SIDES},
            }


def _json(record: Record, breaches: Iterable[Record]) -> Iterator[str]:
    yield to_json(record)[:-1] + ', "breaches": ['
    before = "\n"
    for breach in breaches:
        yield f"{before}{to_json(breach)}"
        before = ",\n"
    yield "\n]}\n"


def target_columns(by: str | None) -> Sequence[Column]:
    """Return the columns of both sides, for targets or for targets of groups."""

    def group(row: Record) -> tuple[str, str]:
        return ("", "") if not row["first"] else (f"no {by}", FAINT) if row["group"] is None else (row["group"], "")

    def fired(row: Record) -> str:
        rules, other = row["rules_firings_per_day"], row["other_firings_per_day"]
        return f"{rules:,.1f} → {other:,.1f}" if row["first"] else ""

    grouped = (Column(by.capitalize(), group, most=20),) if by else ()
    each = (Column("Firings a day", fired, rank=3, right=True),) if by else ()
    return (
        *grouped,
        Column("Target", lambda row: words(row["target"])),
        Column("Met", lambda row: percent(row["rules_attainment"]), right=True),
        Column("Other", lambda row: percent(row["other_attainment"]), right=True),
        Column("Change", _change, right=True),
        Column("Missed", lambda row: f"{row['rules_breached']:,}", rank=1, right=True),
        Column("Other", lambda row: f"{row['other_breached']:,}", rank=1, right=True),
        Column("Still open", lambda row: f"{row['rules_open']:,} → {row['other_open']:,}", rank=4, right=True),
        *each,
    )


def _change(row: Record) -> tuple[str, str]:
    change = row["attainment_change"]
    if change is None:
        return "n/a", FAINT
    points = f"{change * 100:+.1f}"
    return ("0.0", "") if points in ("+0.0", "-0.0") else (points, f"bold {ALARM}" if change < 0 else GOOD)


def _outcomes(target: Record) -> str:
    """Return a line on the outcomes of a target under both rules; nothing if there is none."""
    counts = {name: [target[side][name] for side in SIDES] for name in ("kept", "missed")}
    if not any(map(any, counts.values())):
        return ""
    parts = (f"{name} {rules:,} → {other:,} ({other - rules:+,})" for name, (rules, other) in counts.items())
    return f"Outcomes of {words(target['target'])}: {', '.join(parts)}\n"


def goal_columns() -> Sequence[Column]:
    """Return the columns of goals under both rules, by period."""

    def kept(side: str, goal: Record) -> tuple[str, str]:
        figures = goal[side]
        if figures is None:
            return "no goal", FAINT
        text = f"{figures['kept']:,} of {figures['kept'] + figures['missed']:,}"
        return f"{text}, {'kept' if figures['is_kept'] else 'below'}", "" if figures["is_kept"] else ALARM

    return (
        Column("Goal", lambda goal: goal["name"], most=40),
        Column("Period", lambda goal: goal["period"]),
        Column("Kept", lambda goal: kept("rules", goal)),
        Column("Other", lambda goal: kept("other", goal)),
        Column("Change", lambda goal: (goal["change"] or "", GOOD if goal["change"] == "gained" else f"bold {ALARM}")),
    )


def breach_columns() -> Sequence[Column]:
    """Return the columns of breaches that changed."""
    return (
        Column("Change", lambda breach: (breach["change"], f"bold {ALARM}" if breach["change"] == "gained" else GOOD)),
        Column("Ticket", lambda breach: breach["ticket"], most=24),
        Column("Target", lambda breach: words(breach["target"])),
        Column("Cycle", lambda breach: str(breach["cycle"]) if breach["cycle"] > 1 else "", rank=4, right=True),
        Column(timed("Due"), lambda breach: local(breach["due_at"]) if breach["due_at"] else "no target", rank=1),
        Column("Other", lambda breach: local(breach["other_due_at"]) if breach["other_due_at"] else "no target"),
        Column("Done", lambda breach: local(breach["stopped_at"]) if breach["stopped_at"] else "open", rank=3),
    )
