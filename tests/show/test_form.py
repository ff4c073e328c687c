"""Which form, and whether in colour."""

import io

import pytest

from slactl.config import Color
from slactl.errors import UsageError
from slactl.show.form import Form, Screen, choose_form, speaks_unicode, wants_color


@pytest.mark.parametrize(
    ("asked", "as_json", "ids_only", "terminal", "expected"),
    [
        (None, False, False, True, "table"),
        (None, False, False, False, "plain"),
        (None, True, False, True, "json"),
        (None, False, True, True, "ids"),
        (Form.CSV, False, False, True, "csv"),
        (Form.TABLE, False, False, False, "table"),
        (Form.JSON, True, False, False, "json"),
        (Form.IDS, False, True, False, "ids"),
    ],
)
def test_form(asked: Form | None, as_json: bool, ids_only: bool, terminal: bool, expected: str) -> None:
    assert choose_form(asked, as_json=as_json, ids_only=ids_only, terminal=terminal) == expected


def test_two_forms_at_once_are_refused() -> None:
    with pytest.raises(UsageError, match="not csv, json"):
        choose_form(Form.CSV, as_json=True, ids_only=False, terminal=True)


@pytest.mark.parametrize(
    ("choice", "environment", "terminal", "expected"),
    [
        ("auto", {"TERM": "xterm"}, True, True),
        ("auto", {"TERM": "xterm"}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ("auto", {"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, False, True),
        ("never", {"FORCE_COLOR": "1", "TERM": "xterm"}, True, False),
    ],
)
def test_color(choice: str, environment: dict[str, str], terminal: bool, expected: bool) -> None:
    assert wants_color(Color(choice), environment, terminal=terminal) is expected


@pytest.mark.parametrize("variable", ["NO_COLOR", "FORCE_COLOR", "TERM"])
@pytest.mark.parametrize("color", [True, False])
def test_a_screen_obeys_what_was_chosen(variable: str, color: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "dumb")
    stream = io.StringIO()
    Screen(stream, color=color, width=40).console().print("[b]late[/b] :smile: 12", style="red")
    expected = "\x1b[31m[b]late[/b] :smile: 12\x1b[0m\n" if color else "[b]late[/b] :smile: 12\n"
    assert stream.getvalue() == expected


def test_what_a_stream_can_write() -> None:
    assert speaks_unicode(io.StringIO())
    assert speaks_unicode(io.TextIOWrapper(io.BytesIO(), encoding="UTF-8"))
    assert not speaks_unicode(io.TextIOWrapper(io.BytesIO(), encoding="ascii"))


def test_a_stream_that_is_not_unicode_still_gets_its_table() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Screen(stream, width=40).console().print("late · ü")
    stream.seek(0)
    assert stream.read() == "late ? ?\n"
