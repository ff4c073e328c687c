"""What is wrong with a file that is imported is told with line and column, the rest goes in, and the exit code is 7."""

import json
import os
import shlex
import stat
from pathlib import Path

import pytest
from conftest import Slactl

HEAD = "ticket,created_at,subject,priority,status\n"
GOOD = "OK-1,2026-02-27T09:00:00Z,fine,low,open\n"
LAST = "OK-2,2026-02-27T09:00:00Z,fine too,low,open\n"


def without_gaps(said: str) -> str:
    """Leave out the warnings about what a file does not have."""
    gaps = ("warning: the file does not have", "the source does not tell")
    return "".join(line for line in said.splitlines(keepends=True) if not any(gap in line for gap in gaps))


def imported(slactl: Slactl, path: Path, content: bytes, *options: str) -> tuple[int, str, list[str]]:
    """Exit code, stderr without the warnings about missing columns, and which tickets are there then."""
    path.write_bytes(content)
    done = slactl("import", str(path), *options)
    assert "Traceback" not in done.err
    assert "unexpected" not in done.err
    listed = json.loads(slactl("list", "--all", "--json").out)
    said = done.err.replace(str(path.parent) + "/", "")
    return done.code, without_gaps(said), sorted(each["external_id"] for each in listed)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("A,2026-02-27T09:00:00Z,short\n", "t.csv:3:priority: 3 cells, but the header has 5"),
        ("A,2026-02-27T09:00:00Z,long,low,open,more\n", "t.csv:3: 6 cells, but the header has 5"),
        ("A,27.02.2026,time,low,open\n", "t.csv:3:created_at: '27.02.2026' is not a time in ISO 8601"),
        ("A,,time,low,open\n", "t.csv:3:created_at: is missing"),
        ("A,9999-12-31T23:59:59-12:00,time,low,open\n", "t.csv:3:created_at: "),
        ("A,2199-01-01T00:00:00Z,time,low,open\n", "t.csv:3:created_at: 2199-01-01T00:00:00Z lies in the future"),
        (",2026-02-27T09:00:00Z,no ticket,low,open\n", "t.csv:3:ticket: is missing"),
        ("A,2026-02-27T09:00:00Z,word,hgih,open\n", "t.csv:3:priority: 'hgih' is not known; did you mean high?"),
        ("A,2026-02-27T09:00:00Z,word,low,opne\n", "t.csv:3:status: 'opne' is not known; did you mean open?"),
        ("A,2026-02-27T09:00:00Z,nul\0nul,low,open\n", "t.csv:3:subject: has a NUL character"),
        ("N" * 201 + ",2026-02-27T09:00:00Z,name,low,open\n", "t.csv:3:ticket: has 201 characters; at most 200"),
        ('A,2026-02-27T09:00:00Z,"never closed,low,open\n', "t.csv:3:priority: 3 cells, but the header has 5; it goes"),
    ],
)
def test_a_bad_row_is_told_with_line_and_column(
    desk: Path, slactl: Slactl, tmp_path: Path, row: str, said: str
) -> None:
    code, told, there = imported(slactl, tmp_path / "t.csv", (HEAD + GOOD + row + LAST).encode(), "--map", "csv")
    assert (code, there) == (7, ["OK-1", "OK-2"])
    assert f"error: {said}" in told
    assert len(told.splitlines()) == 1


def test_a_cell_of_another_encoding(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    row = "A,2026-02-27T09:00:00Z,Zürich,low,open\n".encode("latin-1")
    content = HEAD.encode() + GOOD.encode() + row + LAST.encode()
    code, told, there = imported(slactl, tmp_path / "t.csv", content, "--map", "csv")
    assert (code, told, there) == (
        7,
        'error: t.csv:3:subject: not UTF-8; the map may say encoding = "cp1252"\n',
        ["OK-1", "OK-2"],
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_mistake(desk: Path, slactl: Slactl, tmp_path: Path, encoding: str) -> None:
    row = "A,2026-02-27T09:00:00Z,Zürich,low,open\n"
    code, told, there = imported(slactl, tmp_path / "t.csv", (HEAD + row).encode(encoding), "--map", "csv")
    assert (code, told, there) == (0, "", ["A"])
    assert json.loads(slactl("show", "A", "--json").out)["subject"] == "Zürich"


@pytest.mark.parametrize(("letters", "kept"), [(1001, 1000), (10_000_000, 1000)])
def test_a_text_that_is_too_long_is_cut_and_told(
    desk: Path, slactl: Slactl, tmp_path: Path, letters: int, kept: int
) -> None:
    rows = f"A,2026-02-27T09:00:00Z,{'x' * letters},low,open\n"
    code, told, there = imported(slactl, tmp_path / "t.csv", (HEAD + GOOD + rows + LAST).encode(), "--map", "csv")
    assert (code, there) == (0, ["A", "OK-1", "OK-2"])
    assert told == "warning: t.csv:3:subject: the text is longer than slactl keeps; its end is left out\n"
    assert len(json.loads(slactl("show", "A", "--json").out)["subject"]) == kept


CUT_MAP = """
[columns]
ticket = "id"
created_at = "at"
tags = "tags"
body = "text"
[[messages]]
path = "notes"
at = "at"
body = "text"
agent_when = { agent = [true] }
"""


@pytest.mark.parametrize("over", [0, 1])
def test_tags_and_messages_that_are_too_long_are_cut_and_told(
    desk: Path, slactl: Slactl, tmp_path: Path, over: int
) -> None:
    own, at = tmp_path / "own.toml", "2026-02-27T09:00:00Z"
    own.write_text(CUT_MAP)
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": "d" * (1_000_000 + over)}]}
    note = {"at": at, "text": "n" * (1_000_000 + over), "agent": True}
    row = {"id": "A", "at": at, "tags": ["short", "t" * (100 + over)], "text": {"content": [paragraph]}}
    text = json.dumps([row | {"notes": [note]}]).encode()
    code, told, there = imported(slactl, tmp_path / "t.json", text, "--map", str(own))
    assert (code, there) == (0, ["A"])
    cut = "is longer than slactl keeps; its end is left out"
    lines = [line for line in told.splitlines() if "longer" in line]
    expected = [f"tags: the text {cut}", f"text: the text {cut}", f"notes.body: the text {cut}"]
    assert lines == [f"warning: t.json:1:{each}" for each in expected if over]
    assert json.loads(slactl("show", "A", "--json").out)["tags"] == ["short", "t" * 100]
    exported = [json.loads(line) for line in slactl("export").lines]
    assert [len(each["body"]) for each in exported if each["type"] == "agent_reply"] == [1_000_000]


def test_a_line_of_twenty_megabytes(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    rows = f"A,2026-02-27T09:00:00Z,{'x' * 20_000_000},low,open\n"
    code, told, there = imported(slactl, tmp_path / "t.csv", (HEAD + GOOD + rows + LAST).encode(), "--map", "csv")
    assert (code, there) == (7, ["OK-1", "OK-2"])
    assert told == "error: t.csv:3: the line is longer than 16,000,000 bytes\n"


def test_a_column_that_is_missing(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_text('[columns]\nticket = "ticket"\ncreated_at = "created_at"\nassignee = "owner"\n')
    code, told, there = imported(slactl, tmp_path / "t.csv", (HEAD + GOOD).encode(), "--map", str(own))
    assert (code, there) == (2, [])
    assert told.startswith(
        "error: the file does not have 1 column of the map: owner (for assignee) (there are: ticket, "
    )


def test_optional_columns_that_are_missing_are_named_once(desk: Path, slactl: Slactl) -> None:
    done = slactl("import", "-", "--map", "csv", stdin=HEAD + GOOD + LAST)
    (gap, _) = done.err.splitlines()
    assert done.code == 0
    assert gap.startswith("warning: the file does not have 10 columns of the map: updated_at (for at), body, ")


@pytest.mark.parametrize(
    ("header", "column", "meant"),
    [
        ("ticket,create_at,subject,priority,status\n", "created_at", "create_at"),
        ("ticket,created_at,subject,prio,status\n", "priority", "prio"),
        ("ticket,created_at,subjet,priority,status\n", "subject", "subjet"),
        ("ticket,created_at,Subject,priority,status\n", "subject", "Subject"),
    ],
)
def test_a_mistyped_column_stops_the_import(
    desk: Path, slactl: Slactl, tmp_path: Path, header: str, column: str, meant: str
) -> None:
    code, told, there = imported(slactl, tmp_path / "t.csv", (header + GOOD).encode(), "--map", "csv")
    assert (code, there) == (2, [])
    assert f"the file has no column '{column}', which the map needs for {column}; did you mean {meant}?" in told


def test_a_column_with_another_ending_is_another_column(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    header = "ticket,created_at,resolved_by,stage,team\n"
    code, _, there = imported(slactl, tmp_path / "t.csv", (header + GOOD).encode(), "--map", "csv")
    assert (code, there) == (0, ["OK-1"])


def test_a_file_without_a_line(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    assert imported(slactl, tmp_path / "t.csv", b"\n\n", "--map", "csv")[0] == 2
    assert imported(slactl, tmp_path / "t.csv", b"[1, 2", "--map", "github")[0] == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"ticket": "A", "at": "2026-02-27T09:00:00Z", "type": "created"', "h.jsonl:2: is not valid JSON at column"),
        (b"[1, 2]", "h.jsonl:2: must be a JSON object, not a list"),
        (b'{"at": "2026-02-27T09:00:00Z", "type": "created"}', "h.jsonl:2:ticket: is missing"),
        (b'{"ticket": "A", "at": "2026-02-27T09:00:00", "type": "created"}', "h.jsonl:2:at: "),
        (b'{"ticket": "A", "at": "2026-02-27T09:00:00Z", "type": "creatd"}', "did you mean created?"),
        (b'{"ticket": "OK", "at": "2026-02-27T09:00:00Z", "type": "status"}', "h.jsonl:2:status: is missing"),
        (b'{"ticket": "OK", "at": "2026-02-27T08:00:00Z", "type": "note"}', "before the ticket was created"),
        (b'{"ticket": "A", "at": "2026-02-27T09:00:00Z", "type": "note"}', "the ticket was never created"),
        (b'{"ticket": "OK", "at": "2026-02-27T10:00:00Z", "type": "created"}', "is created a second time"),
        (b'{"ticket": "OK", "at": "2026-02-27T10:00:00Z", "type": "note", "body": "\xff"}', "not UTF-8 at byte 73"),
        (b'{"ticket": "OK", "at": "2026-02-27T10:00:00Z", "type": "note", "body": "\\u0000"}', "body: has a NUL"),
        (b'{"ticket": "OK", "at": "2026-02-27T10:00:00Z", "type": "note", "body": "\\ud800"}', "lone surrogate"),
        (b'{"ticket": "A", "at": "0001-01-01T00:00:00Z", "type": "created"}', "outside the years"),
        (
            b'{"ticket": "A", "at": "2026-02-27T10:00:00Z", "type": "created", "x": ' + b"9" * 5000 + b"}",
            "is not valid JSON",
        ),
        (b'{"ticket": "A", "type": ' + b"[" * 100_000 + b"}", "is not valid JSON"),
    ],
)
def test_a_bad_line_of_a_history(desk: Path, slactl: Slactl, tmp_path: Path, line: bytes, said: str) -> None:
    good = b'{"ticket": "OK", "at": "2026-02-27T09:00:00Z", "type": "created"}\n'
    last = b'{"ticket": "OK2", "at": "2026-02-27T09:00:00Z", "type": "created"}\n'
    code, told, there = imported(slactl, tmp_path / "h.jsonl", good + line + b"\n" + last)
    assert (code, there) == (7, ["OK", "OK2"])
    assert said in told
    assert told.startswith("error: h.jsonl:2")


def test_the_same_problem_of_many_rows_is_told_once(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    rows = "".join(f"A{number},{number},y,low,open\n" for number in range(250))
    rows += "".join(f"B{number},2026-02-27T09:00:00Z,y,low,waiting\n" for number in range(2))
    code, told, there = imported(slactl, tmp_path / "t.csv", (HEAD + GOOD + rows).encode(), "--map", "csv")
    assert (code, there) == (7, ["OK-1"])
    assert told.splitlines() == [
        "error: t.csv:3:created_at: '0' is not a time in ISO 8601; so in 249 more rows",
        "error: t.csv:253:status: 'waiting' is not known; did you mean waiting_customer?; so in 1 more row",
    ]


def test_more_than_a_hundred_problems_are_counted(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    rows = "".join(f"A{number},2026-02-27T09:00:00Z,y,low,word{number}\n" for number in range(250))
    code, told, there = imported(slactl, tmp_path / "t.csv", (HEAD + rows + GOOD).encode(), "--map", "csv")
    assert (code, there) == (7, ["OK-1"])
    assert told.splitlines()[-1] == "error: … and 152 more"


def test_each_unknown_plan_is_told_once(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    lines = [
        {"ticket": f"T{number}", "at": "2026-02-27T09:00:00Z", "type": "created", "plan": plan}
        for number, plan in enumerate(("gold", "gold", "platinum", "free", "gold"))
    ]
    lines.append({"ticket": "T3", "at": "2026-02-27T10:00:00Z", "type": "plan", "plan": "silver"})
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    code, told, there = imported(slactl, tmp_path / "h.jsonl", content)
    assert (code, len(there)) == (0, 5)
    assert told.splitlines() == [
        f"warning: no policy names the plan '{plan}'; the policy without match applies"
        for plan in ("gold", "platinum", "silver")
    ]
    assert json.loads(slactl("show", "T0", "--json").out)["policy"] == "everybody else"


def test_the_hint_for_a_named_pipe_keeps_every_option(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    pipe, database = tmp_path / "a pipe", str(desk)
    os.mkfifo(pipe)
    words = ("--db", database, "import", str(pipe), "--map", "csv", "--until", "2026-03-02T12:00Z", "--dry-run", "-q")
    refused = slactl(*words)
    hint = refused.err.splitlines()[-1].removeprefix("hint: ")
    options = "--map csv --until 2026-03-02T12:00Z --dry-run --quiet"
    assert (refused.code, hint) == (2, f"cat '{pipe}' | slactl --db {database} import - {options}")
    assert slactl(*shlex.split(hint.partition(" | slactl ")[2]), stdin="ticket,created_at\n").code == 0
    socket = tmp_path / "socket"
    os.mknod(socket, stat.S_IFSOCK | 0o600)
    assert slactl("import", str(socket)).err.splitlines()[-1] == f"hint: ls -ld {socket}"


@pytest.mark.parametrize(("there", "code"), [("prioritty", 2), ("prio", 2), ("weight", 0)])
def test_mistyped_object_of_a_path_stops_the_import(
    desk: Path, slactl: Slactl, tmp_path: Path, there: str, code: int
) -> None:
    own = tmp_path / "own.toml"
    own.write_text('optional = true\n[columns]\nticket = "id"\ncreated_at = "at"\npriority = "priority.name"\n')
    text = json.dumps([{"id": "A", "at": "2026-02-27T09:00:00Z", there: {"name": "high"}}]).encode()
    result, told, names = imported(slactl, tmp_path / "t.json", text, "--map", str(own))
    assert (result, names) == (code, ["A"] if code == 0 else [])
    suggested = f"the file has no column 'priority', which the map needs for priority; did you mean {there}?"
    assert (suggested in told) == (code == 2)
