"""The machine forms: columns never break, data stays exact, spreadsheets run nothing."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from slactl.errors import UsageError
from slactl.show.form import Form
from slactl.show.records import choose_fields, defused, to_json, write, write_object

pytest_plugins = ["show_samples"]

MACHINE = (Form.PLAIN, Form.JSON, Form.JSONL, Form.CSV, Form.IDS)


def written(records: list[dict[str, Any]], form: Form, fields: tuple[str, ...] | None = None) -> str:
    stream = io.StringIO()
    write(records, form, fields or tuple(records[0]) if records else fields or ("id",), stream)
    return stream.getvalue()


RECORDS = [
    {"id": 1, "subject": 'a, "b"', "tags": ["x", "y"], "late": True, "due_at": "2026-03-02T08:00:00Z", "none": None},
    {"id": 2, "subject": "Grüße", "tags": [], "late": False, "due_at": None, "none": None},
]


def test_plain_is_tab_separated_without_a_header() -> None:
    assert written(RECORDS, Form.PLAIN) == ('1\ta, "b"\tx,y\ttrue\t2026-03-02T08:00:00Z\t\n2\tGrüße\t\tfalse\t\t\n')


def test_json_is_one_array_with_one_record_a_line() -> None:
    text = written(RECORDS, Form.JSON)
    assert json.loads(text) == RECORDS
    assert text.splitlines()[0] == "["
    assert [json.loads(line.rstrip(",")) for line in text.splitlines()[1:-1]] == RECORDS
    assert "Grüße" in text


def test_json_lines_have_one_record_each() -> None:
    assert [json.loads(line) for line in written(RECORDS, Form.JSONL).splitlines()] == RECORDS


def test_csv_has_a_header_and_reads_back() -> None:
    rows = list(csv.DictReader(io.StringIO(written(RECORDS, Form.CSV))))
    assert rows[0] == {
        "id": "1", "subject": 'a, "b"', "tags": "x,y", "late": "true", "due_at": "2026-03-02T08:00:00Z", "none": ""
    }  # fmt: skip
    assert rows[1]["subject"] == "Grüße"


def test_csv_keeps_a_record_whose_only_field_is_empty() -> None:
    rows = list(csv.reader(io.StringIO(written(RECORDS, Form.CSV, ("none",)))))
    assert rows == [["none"], [""], [""]]


def test_ids_are_one_a_line() -> None:
    assert written(RECORDS, Form.IDS) == "1\n2\n"


def test_ids_come_from_the_key_that_is_named() -> None:
    stream = io.StringIO()
    write([{"name": "acme"}], Form.IDS, ("name",), stream, key="name")
    assert stream.getvalue() == "acme\n"


@pytest.mark.parametrize(
    ("form", "expected"), [("plain", ""), ("json", "[]\n"), ("jsonl", ""), ("csv", "id\n"), ("ids", "")]
)
def test_no_records_is_an_empty_list(form: str, expected: str) -> None:
    assert written([], Form(form)) == expected


@pytest.mark.parametrize("form", ["plain", "json", "jsonl", "csv"])
def test_fields_select_and_order(form: str) -> None:
    text = written(RECORDS, Form(form), ("late", "id"))
    expected = {
        "plain": "true\t1\nfalse\t2\n",
        "json": '[\n{"late": true, "id": 1},\n{"late": false, "id": 2}\n]\n',
        "jsonl": '{"late": true, "id": 1}\n{"late": false, "id": 2}\n',
        "csv": "late,id\ntrue,1\nfalse,2\n",
    }
    assert text == expected[form]


def test_all_fields_without_a_choice() -> None:
    assert choose_fields(None, ("id", "subject")) == ("id", "subject")


def test_fields_may_have_spaces_and_count_once() -> None:
    assert choose_fields("subject, id,id,", ("id", "subject")) == ("subject", "id")


def test_a_wrong_field_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean subject") as caught:
        choose_fields("id,subjcet", ("id", "subject", "status"), "slactl list --fields help")
    assert (caught.value.code, caught.value.hint) == (2, "slactl list --fields help")


@pytest.mark.parametrize("asked", ["", " , "])
def test_no_field_at_all_is_refused(asked: str) -> None:
    with pytest.raises(UsageError, match="names no field"):
        choose_fields(asked, ("id",))


def test_hostile_text_breaks_no_line_and_reaches_no_terminal(
    hostile: str, ticket: Callable[..., dict[str, Any]]
) -> None:
    records = [ticket(subject=hostile, tags=[hostile], assignee=hostile), ticket(id=2)]
    for form in MACHINE:
        text = written(records, form)
        assert not any(ord(c) < 0x20 and c not in "\n\t" for c in text), form
        assert not any(0x7F <= ord(c) <= 0x9F or c in "\u202e\u200b\u2028" for c in text), form
        lines = text.splitlines()
        assert len(lines) == {"json": 4, "csv": 3}.get(form, 2), form
        if form is Form.PLAIN:
            assert all(line.count("\t") == len(records[0]) - 1 for line in lines)


def test_json_keeps_hostile_text_exactly(hostile: str, ticket: Callable[..., dict[str, Any]]) -> None:
    text = written([ticket(subject=hostile)], Form.JSON)
    assert json.loads(text)[0]["subject"] == hostile


def test_every_character_survives_json() -> None:
    everything = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    assert json.loads(to_json(everything)) == everything


def test_a_stream_that_is_not_unicode_gets_ascii_json() -> None:
    for send in (
        lambda stream: write_object({"subject": "snow ☃ and ü"}, stream),
        lambda stream: write([{"subject": "snow ☃ and ü"}], Form.JSONL, ("subject",), stream),
    ):
        stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
        send(stream)
        stream.seek(0)
        text = stream.read()
        assert text.isascii()
        assert json.loads(text) == {"subject": "snow ☃ and ü"}


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1+1", "\uff0b1", "\x1b[1m=1", "\x00=1"],
)
def test_csv_defuses_what_a_spreadsheet_would_run(text: str) -> None:
    cells = next(csv.reader(io.StringIO(written([{"subject": text}], Form.CSV).split("\n", 1)[1])))
    assert cells[0].startswith("'")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a;=1", "a;'=1"),
        ("a; =1;b", "a;' =1;b"),
        ('a;"=1"', '"a;\'""=1"""'),
        ("=1;=1", "'=1;'=1"),
        ("a;'=1", "a;'=1"),
        ("a;b", "a;b"),
        ("a,=1", '"a,=1"'),
        ("a=1", "a=1"),
        ('say "x"', '"say ""x"""'),
        (None, '""'),
    ],
)
def test_csv_that_is_split_elsewhere_has_no_formulas_either(text: str | None, line: str) -> None:
    out = written([{"subject": text}], Form.CSV)
    assert out == f"subject\n{line}\n"
    assert len(next(csv.reader([line]))) == 1


def test_csv_defuses_a_list_that_begins_like_a_formula() -> None:
    assert defused(["=1", "b"]) == "'=1,b"


@pytest.mark.parametrize(("value", "expected"), [(-5, "-5"), ("a=b", "a=b"), ("a-b", "a-b"), (None, ""), (1.5, "1.5")])
def test_csv_leaves_numbers_and_harmless_text(value: object, expected: str) -> None:
    assert defused(value) == expected


def test_machine_forms_import_no_rich() -> None:
    code = (
        "import sys, io; from slactl.show.records import write, write_object; from slactl.show.form import Form\n"
        "for form in Form:\n"
        "    form is not Form.TABLE and write([{'id': 1, 's': 'a\\u202e'}], form, ('id', 's'), io.StringIO())\n"
        "write_object({'id': 1}, io.StringIO())\n"
        "print([m for m in ('rich', 'pydantic', 'sqlmodel', 'sqlalchemy', 'difflib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
