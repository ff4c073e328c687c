"""Large and crafted files: the time is linear, the memory flat, and one bad row costs one row."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from conftest import Slactl

from slactl.desk.transfer import json_text
from slactl.desk.transfer import rows_csv as intake_csv
from slactl.desk.transfer.lines import Problem, read_history
from slactl.desk.transfer.maps import load_map, parse_map
from slactl.desk.transfer.rows import read_rows

HEAD = "ticket,created_at,subject,priority,status\n"


def good(number: int) -> str:
    return f"OK-{number},2026-02-27T09:00:00Z,fine,low,open\n"


def read(content: bytes, how: str = "csv") -> tuple[list[str], list[str]]:
    """The tickets that were read, and the problems."""
    problems: list[Problem] = []
    chosen = load_map(how) if "\n" not in how else parse_map(how, "own")
    rows = read_rows(io.BytesIO(content), chosen, problems.append, lambda _: None)
    tickets = [ticket for _, ticket, _, _ in rows]
    return tickets, [str(problem) for problem in problems if not problem.warning]


def work(step: Callable[[], object]) -> int:
    """How many lines of Python a step runs, each round of a loop counted."""
    lines = 0

    def count(_: FrameType, event: str, __: Any) -> Any:  # noqa: ANN401
        nonlocal lines
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        step()
    finally:
        sys.settrace(before)
    return lines


#: Lines which, many times over, take quadratic time where each row looks back anew; some with good rows between.
CRAFTED = [
    'a"b,"c\n',
    '"\n',
    '"a,b\n',
    'x,"y\nz,1\n',
    'A,2026-02-27T09:00:00Z,"never closed,low,open\n',
    f'A,2026-02-27T09:00:00Z,"never closed,low,open\n{good(1)}',
    f'{good(1)}a"b,"c\n{good(2)}',
    '"a""b,"c\n',
    '","\n',
]


@pytest.mark.parametrize("line", CRAFTED)
def test_quotes_take_linear_time(line: str) -> None:
    amounts = [work(lambda size=size: read((HEAD + line * size).encode())) for size in (400, 1600)]
    assert amounts[1] < 5 * amounts[0]


def test_each_line_is_read_three_times_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[int] = []

    def noting(text: bytes) -> None:
        source = io.BufferedReader(io.BytesIO(text))
        found = intake_csv._Lines(source, lambda _: None, lambda _: None)
        for _ in range(5):
            found.begin()
            lines.extend(found.number for _ in found)
            found.go_back()

    noting(b"a\nb\nc\nd\n")
    assert max(lines.count(number) for number in lines) <= 3


def test_one_quote_that_is_never_closed_costs_one_row() -> None:
    rows = [good(number) for number in range(1, 2001)]
    rows[5] = 'BAD-1,2026-02-27T09:00:00Z,"never closed,low,open\n'
    rows[900] = 'BAD-2,2026-02-27T09:00:00Z,"nor this,low,open\n'
    rows[901] = 'MORE,2026-02-27T09:00:00Z,"two\nlines",low,open\n'
    tickets, problems = read((HEAD + "".join(rows)).encode())
    assert tickets == [row.split(",")[0] for number, row in enumerate(rows) if number not in (5, 900)]
    assert [problem.split(":")[0] for problem in problems] == ["7", "902"]
    assert problems[0].endswith(
        "the row goes on to line 902: a quote is not closed, or a quote in a cell is not doubled"
    )
    assert "it goes on to line 903: is a quote not closed?" in problems[1]


def test_a_row_goes_on_for_so_long_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_csv, "ROW_CHARACTERS", 1000)
    monkeypatch.setattr(intake_csv, "ROW_LINES", 50)
    long = f'A,2026-02-27T09:00:00Z,"{"x" * 99}\n' + f"{'y' * 99}\n" * 20 + '",low,open\n'
    many = 'B,2026-02-27T09:00:00Z,"' + "\n" * 60 + '",low,open\n'
    fits = 'C,2026-02-27T09:00:00Z,"' + "\n" * 40 + '",low,open\n'
    tickets, problems = read((HEAD + long + many + fits + good(1)).encode())
    assert tickets == ["C", "OK-1"]
    assert problems[0].startswith("2: the row is longer than 1,000 characters or 50 lines: a quote that begins here")
    assert problems[0].endswith("so in 1 more row")


def test_a_table_has_so_many_columns(slactl: Slactl, desk: Path) -> None:
    head = "ticket,created_at," + ",".join(f"c{number}" for number in range(5000))
    done = slactl("import", "-", "--map", "csv", stdin=f"{head}\n")
    assert (done.code, done.err.splitlines()[0]) == (2, "error: the table has 5,002 columns; at most 4,000 are read")


def test_a_header_that_is_too_long_is_not_skipped(slactl: Slactl, desk: Path) -> None:
    done = slactl(
        "import", "-", "--map", "csv", stdin=f"{'x' * 17_000_000}\nticket,created_at\n1,2026-02-27T09:00:00Z\n"
    )
    assert (done.code, done.out) == (2, "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_line_without_end_takes_little_memory(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with path.open("wb") as file:
        file.write(HEAD.encode(encoding))
        for _ in range(60):
            file.write(("x" * 1_000_000).encode(f"{encoding}-le" if encoding == "utf-16" else encoding))
        file.write(("\n" + good(1)).encode(f"{encoding}-le" if encoding == "utf-16" else encoding))
    tickets, problems, peak = measured(path, "csv")
    assert (tickets, problems) == (1, 1)
    assert peak < 120


ROWS = [{"number": n, "createdAt": "2026-02-20T14:00:00Z", "state": "OPEN", "title": "t"} for n in (1, 2)]
ROW = json.dumps(ROWS[0])
LAST = json.dumps(ROWS[1])


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ('{"number": 7, "createdAt": NaN}', "2: is not valid JSON: NaN is not a number"),
        ('{"number": 7, "x": [-Infinity]}', "2: is not valid JSON: -Infinity is not a number"),
        ('{"number": 7, "x": ' + "9" * 5000 + "}", "2: is not valid JSON: the number 999999"),
        ('{"number": 7, "number": 8}', "2: is not valid JSON: the name 'number' appears twice"),
        ('{"number": 7, "x": ' + "[" * 100_000 + "]" * 100_000 + "}", "2: is not valid JSON: it is nested too deeply"),
        (
            '{"number": 7, "x": ' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}",
            "2: is not valid JSON: it is nested too deeply",
        ),
        ('{"number": 7,}', "2: is not valid JSON: "),
        ('{"number": 7 "a]}\\"": 8}', "2: is not valid JSON: "),
        ("7", "2: must be a JSON object"),
        (
            '{"number": {"a": ' + "[" * 300 + "]" * 300 + '}, "createdAt": "x"}',
            "2:number: must be a text, not an object",
        ),
        ('{"number": 7, "createdAt": [[["x"]]]}', "2:createdAt: must be a text, not a list"),
        ('{"number": 7, "createdAt": "2026-02-20T14:00:00Z", "title": "\xff"}', "2:title: not UTF-8"),
        ('{"number": 7, "labels": [{"name": {"a": 1}}]}', "2:labels[].name: must be a text, not an object"),
    ],
)
@pytest.mark.parametrize("form", ["[{}, {}, {}]", '{{"a": {{"issues": [{}, {}, {}]}}}}', "{}\n{}\n{}\n"])
@pytest.mark.parametrize("chunk", [7, 1 << 17])
def test_a_bad_object_costs_one_row(
    form: str, bad: str, said: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_text, "CHUNK", chunk)
    content = form.format(ROW, bad, LAST).encode("latin-1")
    tickets, problems = read(content, "github")
    assert tickets == ["1", "2"]
    assert len(problems) == 1
    assert problems[0].startswith((said, said.replace("valid JSON:", "valid JSON at column")))


@pytest.mark.parametrize("whole", [f"[{ROW}, {LAST}]", f'{{"issues": [{ROW}, {LAST}], "more": [1, {{"a": "b"}}]}}'])
def test_a_document_that_breaks_off_gives_the_rows_before(whole: str, slactl: Slactl, desk: Path) -> None:
    for length in (0, 1, 5, 30, whole.index("}"), whole.index("}") + 1, len(whole) - 40, len(whole) - 1):
        done = slactl("import", "-", "--map", "github", "-n", stdin=whole[:length])
        assert "unexpected" not in done.err
        wanted = 2 if length <= whole.index("}") else 7
        assert done.code == wanted, (whole[:length], done)
    assert slactl("import", "-", "--map", "github", "-n", stdin=whole).code == 0
    done = slactl("import", "-", "--map", "github", stdin=whole[: whole.rindex("number") + 3])
    assert (done.code, done.out) == (7, "1 ticket opened, 0 changed, 1 event added, 1 problem listed above\n")
    assert "error: stdin:2: the file breaks here: line 1: " in done.err


def test_where_the_rows_are() -> None:
    assert read(b'{"meta": [{"x": 1}], "a": {"b": [' + ROW.encode() + b"]}}", "github") == (["1"], [])
    assert read(b'{"labels": ["a"], "deep": [[1]], "issues": [{"x": 1}, ' + ROW.encode() + b"]}", "github") == (
        ["1"],
        ["1: number is missing"],
    )
    assert read(b'{"issues": []}', "github") == ([], [])
    one = json.dumps(ROWS[0] | {"labels": [{"name": "bug", "number": 3}]}, indent=1)
    assert read(one.encode(), "github") == (["1"], [])
    assert read(f"{one.replace(chr(10), '')}\n".encode(), "github") == (["1"], [])
    named = 'rows = "b.issues"\n[columns]\nticket = "number"\ncreated_at = "createdAt"\n'
    both = f'{{"issues": [{ROW}], "b": {{"issues": [{LAST}]}}}}'.encode()
    assert read(both, named) == (["2"], [])


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (f'{{"a": [{ROW}], "b": [{LAST}]}}', "the lists a and b both have 'number'"),
        ('{"error": "unauthorized"}', "no list of objects in the file has 'number'"),
        ('{"a": [{"id": 1}]}', "no list of objects in the file has 'number'"),
        ("{" * 100_000, "the file is not JSON: line 1"),
        ('{"a":' * 100_000, "the file is not JSON: line 1"),
        ("[" * 100_000, "the file is not JSON: line 1"),
        ('{"a": 1} ]', "the file is not JSON: line 1"),
    ],
)
def test_a_document_without_rows_changes_nothing(document: str, said: str, slactl: Slactl, desk: Path) -> None:
    done = slactl("import", "-", "--map", "github", stdin=document)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert slactl("list", "-q").out == ""


def measured(path: Path, how: str) -> tuple[int, int, int]:
    """Rows, problems and peak memory in MB of reading a file in a process of its own."""
    script = """if True:
        import sys
        from slactl.desk.transfer.maps import load_map
        from slactl.desk.transfer.rows import read_rows
        bad = 0
        def note(problem):
            global bad
            bad += not problem.warning
        with open(sys.argv[1], "rb") as file:
            rows = sum(1 for _ in read_rows(file, load_map(sys.argv[2]), note, lambda _: None))
        peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
        print(rows, bad, int(peak.split()[1]) // 1024)
    """
    done = subprocess.run([sys.executable, "-c", script, str(path), how], capture_output=True, text=True, check=True)
    rows, bad, peak = map(int, done.stdout.split())
    return rows, bad, peak


@pytest.mark.full
@pytest.mark.parametrize(
    ("start", "between", "end"), [("[", ",", "]"), ('{"m": [1], "issues": [', ",\n", '], "n": 2}'), ("", "\n", "\n")]
)
def test_a_hundred_thousand_objects_take_little_memory(start: str, between: str, end: str, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    with path.open("w") as file:
        file.write(start)
        for number in range(100_000):
            file.write((between if number else "") + json.dumps(ROWS[0] | {"number": number, "body": "x" * 300}))
        file.write(end)
    rows, bad, peak = measured(path, "github")
    assert (rows, bad) == (100_000, 0)
    assert peak < 60


@pytest.mark.full
def test_a_quote_that_is_never_closed_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with path.open("w") as file:
        file.write(HEAD + 'A,2026-02-27T09:00:00Z,"never closed,low,open\n')
        file.writelines("x\n" for _ in range(2_000_000))
    assert measured(path, "csv")[2] < 120


def test_a_history_nested_to_the_brink_is_a_bad_line(slactl: Slactl, desk: Path) -> None:
    first = '{"ticket": "OK", "at": "2026-02-27T09:00:00Z", "type": "created"}\n'
    for field in ("type", "priority", "tags", "slactl_id"):
        for depth in (700, 900, 940, 970):
            value = "[" * depth + "]" * depth
            line = f'{{"ticket": "A", "at": "2026-02-27T09:00:00Z", "type": "created", "{field}": {value}}}'
            line = line.replace(f'"{field}": "', '"was": "', 1) if field in ("ticket", "at", "type") else line
            done = slactl("import", "-", "-n", stdin=f"{first}{line}\n")
            assert done.code in (0, 7), (field, depth, done.err)
            assert "unexpected" not in done.err


def test_a_history_says_each_thing_once_and_in_numbers() -> None:
    problems: list[Problem] = []
    start = '{"ticket": "A", "at": "2026-02-27T09:00:00Z", "type": "created"'
    lines = [f'{start}, "ticket": "B"}}', f'{start}, "x": NaN}}', f"{start}}}"]
    taken = list(read_history(io.BytesIO("\n".join(lines).encode()), problems.append, lambda _: None))
    assert len(taken) == 1
    assert [str(each) for each in problems] == [
        "1: is not valid JSON: the name 'ticket' appears twice; remove one of the two",
        "2: is not valid JSON: NaN is not a number; write null if there is no value",
    ]


def test_bad_lines_of_one_ticket_take_linear_time(slactl: Slactl, desk: Path) -> None:
    def content(size: int) -> Iterator[str]:
        yield '{"ticket": "A", "at": "2026-02-27T09:00:00Z", "type": "created"}\n'
        for number in range(size):
            yield f'{{"ticket": "A", "at": "2026-02-27T08:00:00Z", "type": "note", "body": "{number}"}}\n'

    slactl("import", "-", "-n", stdin="".join(content(10)))
    sizes = (300, 600, 1200)
    amounts = [work(lambda size=size: slactl("import", "-", "-n", stdin="".join(content(size)))) for size in sizes]
    assert amounts[2] - amounts[1] < 3 * (amounts[1] - amounts[0])


def test_thousands_of_escalations_of_one_ticket_take_linear_time(slactl: Slactl, desk: Path) -> None:
    def content(size: int) -> Iterator[str]:
        yield f'{{"ticket": "A{size}", "at": "2026-02-01T00:00:00Z", "type": "created"}}\n'
        for number in range(1, size):
            at = f"2026-02-{1 + number // 1440:02}T{number // 60 % 24:02}:{number % 60:02}:00Z"
            yield f'{{"ticket": "A{size}", "at": "{at}", "type": "escalated", "reason": "again"}}\n'

    slactl("import", "-", stdin="".join(content(10)))
    sizes = (150, 300, 600)
    amounts = [work(lambda size=size: slactl("import", "-", stdin="".join(content(size)))) for size in sizes]
    # What one import costs anyway is not counted.
    assert amounts[2] - amounts[1] < 3 * (amounts[1] - amounts[0])
