"""The import of a whole desk that is killed anywhere leaves an empty database or the whole desk."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from crash_desk import desk_copy, settings
from forked import Trouble, run

from slactl.store.schema.compiled import tables

#: The tables about one machine, which are not moved.
HERE = {"host", "lease"}


def rows(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row that is not about one machine."""
    with closing(sqlite3.connect(database)) as connection:
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables().keys() - HERE}


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.full), 7])
def test_a_killed_move_is_whole_or_nothing(step: int, tmp_path: Path) -> None:
    with desk_copy() as folder:
        exported = run(*settings(folder), "export", "--whole")
        assert exported.code == 0
        wanted = rows(folder / "slactl.db")
    file, seen = tmp_path / "desk.jsonl", set[str]()
    file.write_text(exported.out)
    operations, at = 1, 0
    while at < operations:
        moved = tmp_path / f"moved-{at}.db"
        assert run("--db", str(moved), "init").code == 0
        before = rows(moved)
        killed = run("--db", str(moved), "import", str(file), trouble=Trouble(at))
        found = rows(moved)
        assert found in (before, wanted), f"killed at operation {at}"
        seen.add("nothing" if found == before else "whole")
        if killed.code == 0:
            assert found == wanted
            break
        if found == before:
            assert run("--db", str(moved), "import", str(file)).code == 0
            assert rows(moved) == wanted
        operations, at = at + step + 1, at + step
    assert seen == {"nothing", "whole"}
