"""Random rows of a source, imported in any order and again, with changes of people between: the newest row decides."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from invariants import violations

from slactl.clock import to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.tickets import changes
from slactl.desk.tickets.change import change
from slactl.desk.transfer.exporting import export_records
from slactl.desk.transfer.importing import Imported, Source, import_file
from slactl.desk.transfer.maps import parse_map
from slactl.sla.enums import Priority
from slactl.store.database import Database
from slactl.store.read.tickets import tickets
from slactl.store.sqlite.file import create_database

OPENED = datetime(2026, 3, 2, 8, tzinfo=UTC)
NOW = datetime(2026, 3, 20, 8, tzinfo=UTC)

MAP = parse_map(
    'source = "web"\nanswers = "here"\n[columns]\n'
    + "".join(f'{name} = "{name}"\n' for name in ("ticket", "created_at", "at", "status", "resolved_at", "priority"))
    + "".join(f'{name} = "{name}"\n' for name in ("assignee", "tenant", "plan", "tags", "subject")),
    "random",
)

RULES = """schema = 1
[calendars.always]
always_open = true
[[policy]]
name = "urgent"
match = { plan = ["pro"], tag = ["a"] }
calendar = "always"
targets = { urgent = { resolution = "4h" }, default = { first_response = "2h", resolution = "20h" } }
[[policy]]
name = "all"
calendar = "always"
targets = { high = { first_response = "1h", resolution = "10h" }, default = { resolution = "100h" } }
"""

FACTS = ("status", "priority", "assignee", "tenant", "plan", "tags", "subject")


class Row(NamedTuple):
    """What a source says about its ticket, some hours after it was opened."""

    hour: int
    facts: dict[str, Any]

    @property
    def record(self) -> dict[str, Any]:
        at = to_text(OPENED + timedelta(hours=self.hour))
        done = {"resolved_at": at if self.facts["status"] in ("resolved", "closed") else None}
        return {"ticket": "7", "created_at": to_text(OPENED), "at": at, **self.facts, **done}


VALUES = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["open", "pending", "waiting_customer", "resolved", "closed"]),
        # Not the priority that the person sets below: nothing is recorded if a ticket has it already.
        "priority": st.sampled_from(["low", "normal", "high"]),
        "assignee": st.sampled_from([None, "ann", "bob"]),
        "tenant": st.sampled_from([None, "acme", "beta"]),
        "plan": st.sampled_from(["free", "pro", "enterprise"]),
        "tags": st.lists(st.sampled_from(["a", "b", "c"]), unique=True),
        "subject": st.sampled_from(["VPN", "VPN is down"]),
    }
)
ROWS = st.lists(st.builds(Row, st.integers(1, 300), VALUES), min_size=1, max_size=5, unique_by=lambda row: row.hour)


@contextmanager
def new_desk() -> Iterator[Desk]:
    with tempfile.TemporaryDirectory(prefix="slactl-rows-") as folder:
        desk = Desk(Database(Path(folder) / "slactl.db"), Path(folder) / "rules.toml", "ann", {})
        create_database(desk.database.path)
        desk.rules.write_text(RULES)
        yield desk


def take(desk: Desk, *rows: Row, now: datetime = NOW) -> Imported:
    problems: list[str] = []
    text = json.dumps([row.record for row in rows]).encode()
    done = import_file(desk, now, Source(BytesIO(text), MAP), lambda problem: problems.append(str(problem)))
    assert done.bad == 0, problems
    return done


def facts(desk: Desk) -> dict[str, Any]:
    with desk.database.read() as transaction:
        [ticket] = tickets(transaction, to_text(NOW))
    found: dict[str, Any] = dict(ticket)
    return {name: sorted(found[name]) if name == "tags" else found[name] for name in FACTS}


def said(row: Row) -> dict[str, Any]:
    return row.facts | {"tags": sorted(row.facts["tags"])}


def events(desk: Desk) -> list[dict[str, Any]]:
    """The events of an export, without the last row, whose salt is random."""
    with desk.database.read() as transaction:
        found = [dict(record) for record in export_records(transaction)]
    for record in found:
        for name in ("last_row", "subject_hash"):
            record.pop(name, None)
    return found


def is_sound(desk: Desk) -> bool:
    found = violations(desk.database.path, NOW, all_told=False)
    assert found == []
    return True


@settings(max_examples=40)
@given(rows=ROWS, data=st.data())
def test_the_newest_row_decides_in_whatever_order_rows_come(rows: Sequence[Row], data: st.DataObject) -> None:
    order = data.draw(st.permutations([*rows, *data.draw(st.lists(st.sampled_from(rows), max_size=3))]))
    with new_desk() as desk:
        for row in order:
            take(desk, row)
        assert facts(desk) == said(max(rows, key=lambda row: row.hour))
        for row in order:
            assert (done := take(desk, row)).events == done.changed == done.opened == 0
        assert is_sound(desk)


@settings(max_examples=30)
@given(rows=ROWS)
def test_rows_one_by_one_tell_what_one_file_tells(rows: Sequence[Row]) -> None:
    with new_desk() as one, new_desk() as other:
        take(one, *rows)
        for row in sorted(rows, key=lambda row: row.hour):
            take(other, row)
        assert events(one) == events(other)
        assert is_sound(one)


@settings(max_examples=30)
@given(rows=ROWS, place=st.integers(0, 4), data=st.data())
def test_what_a_person_set_after_the_rows_stays(rows: Sequence[Row], place: int, data: st.DataObject) -> None:
    """However many rows come after it, in any order, if they tell of an earlier time."""
    order, later = data.draw(st.permutations(rows)), OPENED + timedelta(hours=301)
    with new_desk() as desk:
        for number, row in enumerate(order):
            take(desk, row)
            if number == min(place, len(rows) - 1):
                for make in (changes.prioritise(Priority.URGENT), changes.assign("mia"), changes.tag(["ours"], [])):
                    change(desk, NOW, ["1"], make, later)
        newest = said(max(rows, key=lambda row: row.hour))
        found = facts(desk)
        if "closed" not in [row.facts["status"] for row in order[: place + 1]]:
            assert (found["priority"], found["assignee"], "ours" in found["tags"]) == ("urgent", "mia", True)
        assert {found[name] for name in ("tenant", "plan", "status")} == {
            newest[name] for name in ("tenant", "plan", "status")
        }
        assert set(newest["tags"]) <= set(found["tags"])
        assert is_sound(desk)


@settings(max_examples=20)
@given(rows=ROWS)
def test_an_export_carries_on_where_it_was_made(rows: Sequence[Row]) -> None:
    first, *rest = sorted(rows, key=lambda row: row.hour)
    with new_desk() as one, new_desk() as other:
        take(one, first)
        with one.database.read() as transaction:
            lines = "".join(json.dumps(record) + "\n" for record in export_records(transaction))
        import_file(other, NOW, Source(BytesIO(lines.encode())), lambda problem: None)
        for desk in (one, other):
            for row in [first, *rest]:
                take(desk, row)
        assert facts(one) == facts(other)
        assert events(one) == events(other)
