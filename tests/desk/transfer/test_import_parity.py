"""An imported ticket's timers are what `simulate` says of the same file: for the real log and for random histories."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
import tomli_w
from conftest import Slactl
from random_desks import STEP, Desk, random_history

from slactl.clock import to_text
from slactl.config import Config, resolve
from slactl.desk.ledger.desk import Desk as ServiceDesk
from slactl.desk.transfer.importing import Source, import_file
from slactl.desk.what_if.simulate import simulate_file
from slactl.sla.rules.loading import load

INCIDENTS = Path(__file__).parents[2] / "data" / "servicenow_incidents.csv"
SEEDS = [pytest.param(range(3), id="few"), pytest.param(range(100), id="many", marks=pytest.mark.full)]

#: What is stored of a timer under the same name; of one that has stopped, what it had counted is stored too.
STORED = ("target", "cycle", "state", "target_seconds", "started_at", "due_at", "stopped_at", "breached_at")

Ticket = dict[str, Any]


def stored(database: Path, now: datetime) -> dict[str, Ticket]:
    """Each ticket and its timers as the database has them, with the statuses that ended by themselves."""
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        found: dict[str, Ticket] = {}
        status = "iif(wakes_at <= ?, 'open', status) AS status"
        for row in connection.execute(
            f"SELECT id, external_id, policy, {status}, priority FROM ticket", (to_text(now),)
        ):
            timers = connection.execute(
                "SELECT kind AS target, iif(wakes_at <= ?, woken_due_at, due_at) AS due_at, * FROM timer"
                " WHERE ticket_id = ? AND target_seconds IS NOT NULL",
                (to_text(now), row["id"]),
            )
            told = {name: row[name] for name in ("policy", "status", "priority")}
            found[row["external_id"]] = told | {"timers": sorted(map(_stored_timer, timers), key=_place)}
        return found


def _stored_timer(row: sqlite3.Row) -> Ticket:
    return {name: row[name] for name in STORED} | {"elapsed": row["consumed_seconds"] if row["stopped_at"] else None}


def simulated(history: bytes, rules: Path, at: datetime) -> dict[str, Ticket]:
    """The same as `simulate` has it."""
    return dict(_simulated(history, rules, at))


def _simulated(history: bytes, rules: Path, at: datetime) -> Iterator[tuple[str, Ticket]]:
    for ticket in simulate_file(BytesIO(history), load(rules), at, pytest.fail):
        timers = [
            {name: timer[name] for name in STORED}
            | {"elapsed": timer["elapsed_seconds"] if timer["stopped_at"] else None}
            for timer in ticket["timers"]
        ]
        told = {name: ticket[name] for name in ("policy", "status", "priority")}
        yield ticket["ticket"], told | {"timers": sorted(timers, key=_place)}


def _place(timer: Ticket) -> tuple[str, int]:
    return timer["target"], timer["cycle"]


def test_the_real_log(desk: Path, slactl: Slactl) -> None:
    rules = desk.with_name("rules.toml")
    assert slactl("import", str(INCIDENTS), "--map", "servicenow").code == 0
    exported = slactl("export").out.encode()
    expected = simulated(exported, rules, datetime.now(UTC))
    assert len(expected) == 300
    assert stored(desk, datetime.now(UTC)) == expected
    again = desk.with_name("again.db")
    assert slactl("--db", str(again), "init").code == 0
    assert slactl("--db", str(again), "import", "-", stdin=exported).code == 0
    assert stored(again, datetime.now(UTC)) == expected


@pytest.mark.parametrize("seeds", SEEDS)
def test_random_histories_at_once_and_in_two_steps(seeds: range, tmp_path: Path, slactl: Slactl) -> None:
    for seed in seeds:
        dice = Random(seed)
        random_desk = Desk(dice)
        opened = random_desk.opening()
        histories = [random_history(dice, opened + dice.randint(0, 96) * STEP, f"T-{each}") for each in range(20)]
        lines = [json.dumps(event) for history in histories for event in history]
        dice.shuffle(lines)
        folder = tmp_path / str(seed)
        folder.mkdir()
        (folder / "rules.toml").write_text(tomli_w.dumps(random_desk.rules))
        for name, days in (("at once", (4.0,)), ("in two steps", (1.5, 4.0))):
            config = _config(folder, name)
            assert slactl("--db", str(config.database), "--rules", str(config.rules), "init").code == 0
            for each in days:
                now = datetime.fromtimestamp(opened, UTC) + timedelta(days=each)
                known = [line for line in lines if datetime.fromisoformat(json.loads(line)["at"]) <= now]
                history = "\n".join(known).encode()
                import_file(ServiceDesk.of(config), now, Source(BytesIO(history)), _only_warnings)
            # A ticket that nothing happened to since the first step is as that step left it.
            read = dict if len(days) == 1 else _settled
            found, expected = stored(config.database, now), simulated(history, config.rules, now)
            assert found.keys() == expected.keys()
            for ticket in expected:
                assert read(found[ticket]) == read(expected[ticket]), (seed, name, ticket)


def _settled(ticket: Ticket) -> Ticket:
    """Without what time alone changes: whether something that waits is late, and what a pause leaves till a set due."""
    unknown = dict.fromkeys(("state", "breached_at", "target_seconds"))
    timers = [timer if timer["stopped_at"] else timer | unknown for timer in ticket["timers"]]
    return ticket | {"timers": timers}


def _only_warnings(problem: Any) -> None:  # noqa: ANN401
    assert problem.warning, problem


def _config(folder: Path, name: str) -> Config:
    return resolve({}, db=str(folder / f"{name}.db"), rules=str(folder / "rules.toml"))
