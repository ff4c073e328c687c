"""`map check` shows what a map makes of the first rows of a file, and imports nothing."""

import json
import sys
from pathlib import Path

from conftest import Slactl
from terminal import on_terminal

MAP = '[columns]\nticket = "Key"\ncreated_at = "Opened"\nstatus = "State"\ntags = "Labels"\n[constants]\nplan = "pro"\n'
MAP = 'optional = true\n[values.status]\nDone = "resolved"\n' + MAP


def test_a_map_without_a_sample_is_checked(slactl: Slactl, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(MAP)
    done = slactl("map", "check", str(own))
    assert (done.code, done.err) == (0, "")
    own.write_text(MAP.replace("Opened", "").replace("ticket", "tickt"))
    assert slactl("map", "check", str(own)).code == 4
    assert slactl("map", "check", "githbu").code == 3


def test_the_cells_of_a_sample_are_shown(slactl: Slactl, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(MAP)
    (tmp_path / "data.csv").write_text(
        "Key,Opened,State,Sprint\n"
        + "".join(f"P-{n},2026-01-05T10:00:00Z,{s},9\n" for n, s in enumerate(["Done", "Odd"]))
    )
    done = slactl("map", "check", str(tmp_path / "own.toml"), "--sample", str(tmp_path / "data.csv"), "--json")
    assert done.code == 7
    cells = [tuple(cell.values()) for cell in json.loads(done.out)]
    assert (2, "status", "State", "Done", "resolved", None) in cells
    assert (2, "plan", "constants", None, "pro", None) in cells
    (odd,) = [cell for cell in cells if cell[:2] == (3, "status")]
    assert (odd[4], odd[5].startswith("'Odd' has no meaning in the map")) == (None, True)
    assert (None, None, "Sprint", "9", None, "the map does not use this column") in cells
    assert (None, "tags", "Labels", None, None, "not in the sample") in cells


def test_a_sample_needs_no_database_and_makes_none(slactl: Slactl, tmp_path: Path) -> None:
    rows = [{"number": n, "createdAt": "2026-01-05T10:00:00Z", "state": "OPEN"} for n in range(9)]
    done = slactl("map", "check", "github", "--sample", "-", stdin=json.dumps(rows))
    assert done.code == 0
    assert {line.split("\t")[0] for line in done.lines} == {"1", "2", "3", ""}
    assert slactl("list").code == 6


def test_a_narrow_terminal_shows_what_each_column_becomes(slactl: Slactl, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(MAP)
    (tmp_path / "data.csv").write_text(f"Key,Opened,State\nP-1,2026-01-05T10:00:00Z,Odd\n{'P' * 90},2026-01-05,Done\n")
    words = ("--color", "never", "map", "check", str(tmp_path / "own.toml"), "--sample", str(tmp_path / "data.csv"))
    with on_terminal(sys.executable, "-m", "slactl", *words, columns=80) as terminal:
        assert terminal.wait() == 7
        lines = terminal.screen.splitlines()
    heads = next(number for number, line in enumerate(lines) if line.startswith("row "))
    assert (lines[heads].split()[:2], lines[heads].split()[-1]) == (["row", "column"], "becomes")
    assert any(line.split()[:2] == ["2", "status"] and "'Odd' has no meaning" in line for line in lines)
    assert any(line.split()[:2] == ["3", "status"] and line.split()[-1] == "resolved" for line in lines)
