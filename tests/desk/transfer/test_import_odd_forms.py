"""JSON that says a thing twice or not at all, tables with odd line ends or headers: read, or one clear error."""

import json
from pathlib import Path

import pytest
from conftest import Slactl

pytestmark = pytest.mark.usefixtures("desk")

CREATED = '"at": "2026-03-02T09:00:00Z", "type": "created"'
ROW = '"created_at": "2026-03-02T09:00:00Z"'
GOOD = f'{{"ticket": "A-1", {CREATED}}}'

BAD_JSON = {
    '"subject": "a", "subject": "b"': "the name 'subject' appears twice; remove one of the two",
    '"subject": NaN': "NaN is not a number; write null if there is no value",
    '"subject": -Infinity': "-Infinity is not a number; write null if there is no value",
    '"subject": 1e999': "the number 1e999 is too large; write it in quotes if it is a name",
    f'"subject": {"9" * 5000}': f"the number {'9' * 60}… is too large; write it in quotes if it is a name",
    '"x": {"y": 1, "y": 2}': "the name 'y' appears twice; remove one of the two",
}
UNKNOWN = {
    '"prioritty": "high"': "prioritty: unknown key prioritty; did you mean priority?",
    '"Tags": ["a"]': "Tags: unknown key Tags; did you mean tags?",
    '"prioritty": null': "prioritty: unknown key prioritty; did you mean priority?",
    '"zzz": 1': "zzz: unknown key zzz; the keys of created are ticket, at, type, ",
    '"outbound": "yes"': "outbound: must be true or false, not a text",
    '"unknown": ["resoluton"]': "unknown: 'resoluton' is not known; did you mean resolution?",
}


def external_ids(slactl: Slactl) -> list[str]:
    return slactl("list", "--all", "--fields", "external_id").lines


@pytest.mark.parametrize("odd", [*BAD_JSON, *UNKNOWN])
def test_line_of_a_history_that_is_not_clear_is_an_error(slactl: Slactl, tmp_path: Path, odd: str) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text(f'{GOOD}\n{{"ticket": "A-2", {CREATED}, {odd}}}\n')
    said = f"2: is not valid JSON: {BAD_JSON[odd]}" if odd in BAD_JSON else f"2:{UNKNOWN[odd]}"
    for words in (("import", str(file)), ("simulate", str(file), "--at", "last")):
        result = slactl(*words)
        assert result.code == 7
        assert said in result.err
        assert result.err.count("error: ") == 1
    assert external_ids(slactl) == ["A-1"]


@pytest.mark.parametrize("odd", BAD_JSON)
@pytest.mark.parametrize("form", ["[{0},\n{1}]", '{{"issues": [{0},\n{1}]}}', "{0}\n{1}\n"])
def test_row_of_a_document_that_is_not_clear_is_an_error(slactl: Slactl, tmp_path: Path, odd: str, form: str) -> None:
    file = tmp_path / "rows.json"
    file.write_text(form.format(f'{{"ticket": "A-1", {ROW}}}', f'{{"ticket": "A-2", {ROW}, {odd}}}'))
    result = slactl("import", str(file), "--map", "csv")
    assert (result.code, external_ids(slactl)) == (7, ["A-1"])
    assert f"2: is not valid JSON: {BAD_JSON[odd]}" in result.err


@pytest.mark.parametrize("name", ["NaN", "1e999", "-Infinity", "1.5", "true"])
def test_what_is_not_a_name_becomes_no_external_id(slactl: Slactl, name: str) -> None:
    history = slactl("import", "-", stdin=f'{{"ticket": {name}, {CREATED}}}\n')
    rows = slactl("import", "-", "--map", "csv", stdin=f'[{{"ticket": {name}, {ROW}}}]')
    assert (history.code, rows.code, external_ids(slactl)) == (7, 7, [])


def test_one_ticket_with_a_key_twice_is_named(slactl: Slactl) -> None:
    result = slactl("import", "-", "--map", "csv", stdin=f'{{"ticket": "A", "ticket": "B", {ROW}}}')
    assert (result.code, external_ids(slactl)) == (2, [])
    assert "the file is not valid JSON: the name 'ticket' appears twice" in result.err


def test_list_of_rows_that_is_there_twice_is_refused(slactl: Slactl) -> None:
    lists = [f'"issues": [{{"ticket": "{name}", {ROW}}}]' for name in ("A", "B")]
    result = slactl("import", "-", "--map", "csv", stdin="{" + ", ".join(lists) + "}")
    assert (result.code, external_ids(slactl)) == (2, [])
    assert "the list issues appears twice" in result.err


def test_unknown_key_of_a_tenant_is_an_error(slactl: Slactl) -> None:
    line = '{"type": "tenant_entry", "at": "2026-03-02T09:00:00Z", "tenant": "acme", "pln": "pro"}\n'
    result = slactl("import", "-", stdin=line)
    assert (result.code, "1:pln: unknown key pln; did you mean plan?" in result.err) == (7, True)


def test_fields_that_say_nothing_are_taken(slactl: Slactl) -> None:
    empty = '"source": "zendesk", "id": "e1", "outbound": false, "unknown": []'
    lines = [
        f'{{"ticket": "A-1", {CREATED}, {empty}}}',
        '{"ticket": "A-1", "at": "2026-03-02T10:00:00Z", "type": "status", "status": "pending", "until": null}',
    ]
    result = slactl("import", "-", stdin="\n".join(lines))
    assert (result.code, result.err) == (0, "")


@pytest.mark.usefixtures("clock")
def test_own_export_has_no_unknown_key(slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slactl("tenant", "add", "acme")
    slactl("create", "VPN", "--from", "a@b.example", "--tenant", "acme", "--at", "2026-01-02T09:00:00Z")
    for words in (["reply", "1", "--body", "Hi"], ["note", "1", "--body", "n"], ["note", "1", "--body", "n"]):
        slactl(*words, "--at", "2026-02-02T09:00:00Z")
    slactl("check", "--no-send")
    slactl("escalate", "1", "--reason", "now", "--no-notify")
    exported = slactl("export").out
    monkeypatch.setenv("SLACTL_DB", str(tmp_path / "new" / "slactl.db"))
    slactl("init")
    again = slactl("import", "-", stdin=exported)
    assert (again.code, again.err) == (0, "")
    kinds = {json.loads(line)["type"] for line in exported.splitlines()}
    assert '"copy": 2' in exported
    assert {"tenant_entry", "created", "note", "breached", "escalated"} <= kinds


TABLE = 'ticket,created_at,subject\n"A-1",2026-03-02T09:00:00Z,one\n"A-2",2026-03-02T09:00:00Z,"t,w"\n'
HISTORY = f'{GOOD}\n{{"ticket": "A-2", {CREATED}}}\n'
ROWS = f'[{{"ticket": "A-1",\n{ROW}}},\n{{"ticket": "A-2", {ROW}}}]'
LINES = f'{{"ticket": "A-1", {ROW}}}\n{{"ticket": "A-2", {ROW}}}\n'


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
@pytest.mark.parametrize("subject", ['a 5" disk', 'a "new" disk', "C:\\", 'C:\\"'])
def test_quotes_inside_a_text_do_not_hide_the_end_of_a_json_line(
    desk: Path, slactl: Slactl, subject: str, end: str
) -> None:
    first = json.dumps({"ticket": "A-1", "type": "created", "at": "2026-03-02T09:00:00Z", "subject": subject})
    second = f'{{"ticket": "A-2", {CREATED}}}'
    result = slactl("import", "-", stdin=first + end + second + end)
    assert (result.code, result.err, external_ids(slactl)) == (0, "", ["A-1", "A-2"])
    assert json.loads(slactl("show", "1", "--json").out)["subject"] == subject


def test_a_carriage_return_inside_a_json_string_does_not_end_the_lines(desk: Path, slactl: Slactl) -> None:
    bad = f'{{"ticket": "A-2", {CREATED}, "subject": "a \\"new\\" \r"}}'
    result = slactl("import", "-", stdin=f"{bad}\n{GOOD}\n")
    assert (result.code, external_ids(slactl), result.err.count("error: ")) == (7, ["A-1"], 1), result.err
    assert ":1: " in result.err


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_table_with_any_line_end_is_read(slactl: Slactl, tmp_path: Path, end: str, encoding: str) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(TABLE.replace("\n", end).encode(encoding))
    result = slactl("import", str(file), "--map", "csv")
    assert (result.code, "error" in result.err, external_ids(slactl)) == (0, False, ["A-1", "A-2"])


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
@pytest.mark.parametrize(("content", "words"), [(HISTORY, []), (ROWS, ["--map", "csv"]), (LINES, ["--map", "csv"])])
def test_json_with_any_line_end_is_read(slactl: Slactl, content: str, words: list[str], end: str) -> None:
    result = slactl("import", "-", *words, stdin=content.replace("\n", end))
    assert (result.code, "error" in result.err, external_ids(slactl)) == (0, False, ["A-1", "A-2"])


def test_long_table_of_carriage_returns_keeps_its_lines(slactl: Slactl) -> None:
    rows = "".join(f"A-{number},2026-03-02T09:00:00Z,{'x' * 100}\r" for number in range(300))
    result = slactl("import", "-", "--map", "csv", stdin=f"ticket,created_at,subject\r{rows}B,never,x\r")
    assert (result.code, len(external_ids(slactl))) == (7, 300)
    assert ":302:created_at: " in result.err


def test_carriage_return_in_a_cell_is_no_line_end(slactl: Slactl) -> None:
    table = '"ticket","created_at","a\rnote"\nA-1,2026-03-02T09:00:00Z,"one\rtwo"\n'
    result = slactl("import", "-", "--map", "csv", stdin=table)
    assert (result.code, external_ids(slactl)) == (0, ["A-1"])


def test_carriage_return_inside_one_line_is_one_error(slactl: Slactl) -> None:
    table = "ticket,created_at\nA-1,2026-03-02T09:00:00Z\nA-2,2026-03-02\rT09:00:00Z\nA-3,2026-03-02T09:00:00Z\n"
    result = slactl("import", "-", "--map", "csv", stdin=table)
    assert (result.code, external_ids(slactl), result.err.count("error: ")) == (7, ["A-1", "A-3"], 1)
    assert ":3: a carriage return (CR) is inside a line" in result.err


def test_header_that_is_there_twice_is_one_error(slactl: Slactl) -> None:
    table = "ticket,created_at,status,ticket\nA-1,2026-03-02T09:00:00Z,open,A-2\n"
    result = slactl("import", "-", "--map", "csv", stdin=table)
    assert (result.code, external_ids(slactl), result.err.count("error: ")) == (2, [], 1)
    assert "line 1: ticket: columns 1 and 4 have this name, and the map needs it for ticket; rename one" in result.err


def test_header_twice_that_no_map_needs_stops_nothing(slactl: Slactl) -> None:
    table = "ticket,created_at,Sprint,Sprint\nA-1,2026-03-02T09:00:00Z,1,2\n"
    assert slactl("import", "-", "--map", "csv", stdin=table).code == 0
    assert external_ids(slactl) == ["A-1"]


def test_every_column_of_tags_is_read(slactl: Slactl) -> None:
    table = "ticket,created_at,tags,tags,tags\nA-1,2026-03-02T09:00:00Z,vip,,billing\n"
    assert slactl("import", "-", "--map", "csv", stdin=table).code == 0
    assert json.loads(slactl("show", "A-1", "--json").out)["tags"] == ["vip", "billing"]
