"""Files that people write by hand may begin with a byte order mark, as editors on Windows write it."""

from pathlib import Path

import pytest
from conftest import Slactl

BOM = b"\xef\xbb\xbf"


@pytest.fixture
def rules(desk: Path) -> Path:
    """The starter rules with a byte order mark and the line ends of Windows."""
    path = desk.with_name("rules.toml")
    path.write_bytes(BOM + path.read_bytes().replace(b"\n", b"\r\n"))
    return path


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(
    "command", ["rules check", "rules show", "rules diff", "rules test", "check", "list @", "doctor"]
)
def test_rules_with_a_mark_are_read(slactl: Slactl, tmp_path: Path, command: str) -> None:
    words = command.split()
    if words[-1] == "test":
        tests = tmp_path / "tests.toml"
        tests.write_bytes(BOM + TESTS)
        words.append(str(tests))
    result = slactl(*words)
    assert (result.code, "Invalid statement" in result.out + result.err) == (0, False), result


def test_value_is_set_in_rules_with_a_mark(slactl: Slactl, rules: Path) -> None:
    before = rules.read_text(encoding="utf-8-sig")
    assert slactl("rules", "set", "settings.due_soon", "3h").code == 0
    after = rules.read_text(encoding="utf-8-sig")
    assert 'due_soon = "3h"' in after
    assert len(after.splitlines()) in (len(before.splitlines()), len(before.splitlines()) + 1)
    assert slactl("rules", "check").code == 0


@pytest.mark.usefixtures("desk")
def test_map_and_table_with_a_mark_are_read(slactl: Slactl, tmp_path: Path) -> None:
    table, columns = tmp_path / "table.csv", tmp_path / "map.toml"
    table.write_bytes(BOM + b"Key,Created\nA-1,2026-03-02T09:00:00Z\n")
    columns.write_bytes(BOM + b'[columns]\nticket = "Key"\ncreated_at = "Created"\n')
    assert slactl("import", str(table), "--map", str(columns)).code == 0
    assert slactl("show", "A-1").code == 0


CREATED = b'{"ticket": "A-%d", "at": "2026-03-02T09:00:00Z", "type": "created"}\n'
ROW = b'{"ticket": "A-%d", "created_at": "2026-03-02T09:00:00Z"}\n'


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(("line", "options"), [(CREATED, []), (ROW, ["--map", "csv"])], ids=["history", "rows"])
def test_lines_with_a_mark_before_the_first_are_read(
    slactl: Slactl, tmp_path: Path, line: bytes, options: list[str]
) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_bytes(BOM + line % 1 + line % 2)
    result = slactl("import", str(file), *options)
    assert (result.code, result.err.count("error: ")) == (0, 0)
    file.write_bytes(line % 3 + BOM + line % 4 + line % 5)
    result = slactl("import", str(file), *options)
    assert (result.code, result.err.count("error: ")) == (7, 1)
    assert ":2: is not valid JSON" in result.err
    listed = slactl("list", "--all", "--fields", "external_id").lines
    assert sorted(listed) == ["A-1", "A-2", "A-3", "A-5"]


TESTS = b"""
[[test]]
name = "opened"
at = 2026-03-02T10:00:00Z
history = [{ ticket = "A-1", at = 2026-03-02T09:00:00Z, type = "created" }]
expect = [{ ticket = "A-1", status = "open" }]
"""
