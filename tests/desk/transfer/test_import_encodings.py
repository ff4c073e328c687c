"""Encodings of tables and JSON: a mark in the file or the map names it; otherwise the error suggests one."""

from pathlib import Path

import pytest
from conftest import Slactl

pytestmark = pytest.mark.usefixtures("desk")

TABLE = "ticket,created_at,subject,priority\nT-1,2026-03-02T09:00:00Z,Tür klemmt,wichtig\n"
JSON = '[{"ticket": "T-1", "created_at": "2026-03-02T09:00:00Z", "subject": "Tür klemmt", "priority": "wichtig"}]'
MAP = """
answers = "here"
{encoding}
[columns]
ticket = "ticket"
created_at = "created_at"
subject = "subject"
priority = "priority"
[values.priority]
wichtig = "high"
"""


def imported(slactl: Slactl, tmp_path: Path, text: bytes, encoding: str | None) -> tuple[int, str]:
    """Import a file, and return the exit code and the messages."""
    file, own = tmp_path / "rows", tmp_path / "own.toml"
    file.write_bytes(text)
    own.write_text(MAP.format(encoding=f'encoding = "{encoding}"' if encoding else ""))
    done = slactl("import", str(file), "--map", str(own))
    return done.code, done.err


@pytest.mark.parametrize("text", [TABLE, JSON], ids=["table", "json"])
@pytest.mark.parametrize("written", ["utf-16-le", "utf-16-be", "utf-16"])
def test_utf_16_is_read_with_and_without_a_mark(slactl: Slactl, tmp_path: Path, text: str, written: str) -> None:
    assert imported(slactl, tmp_path, text.encode(written), "utf-16") == (0, "")
    assert slactl("list", "--fields", "subject,priority").lines == ["Tür klemmt\thigh"]


@pytest.mark.parametrize("text", [TABLE, JSON], ids=["table", "json"])
@pytest.mark.parametrize("written", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("named", [None, "cp1252", "utf-16-le"])
def test_mark_in_the_file_wins_over_the_map(
    slactl: Slactl, tmp_path: Path, text: str, written: str, named: str | None
) -> None:
    assert imported(slactl, tmp_path, text.encode(written), named) == (0, "")
    assert slactl("list", "--fields", "subject,priority").lines == ["Tür klemmt\thigh"]


@pytest.mark.parametrize("written", ["utf-16-le", "utf-16-be"])
def test_table_in_utf_16_without_a_mark_names_the_encoding(slactl: Slactl, tmp_path: Path, written: str) -> None:
    code, said = imported(slactl, tmp_path, TABLE.encode(written), None)
    assert code == 2
    assert 'the column names are not UTF-8; name the encoding in the map, such as encoding = "utf-16"' in said
    assert slactl("list", "--all").lines == []
