"""JSON rows that stand in several pages, as tools that fetch page after page print them."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Result, Slactl

pytestmark = pytest.mark.usefixtures("desk")

MAP = 'source = "pages"\noptional = true\nanswers = "here"\n[columns]\nticket = "id"\ncreated_at = "created"\n'


def row(name: object) -> dict[str, Any]:
    return {"id": name, "created": "2026-01-05T10:00:00Z"}


def take(slactl: Slactl, folder: Path, rows: str | None, document: object) -> Result:
    own = folder / "pages.toml"
    own.write_text((f'rows = "{rows}"\n' if rows is not None else "") + MAP)
    text = document if isinstance(document, str) else json.dumps(document)
    return slactl("import", "-", "--map", str(own), stdin=text)


def names(slactl: Slactl) -> list[str]:
    return sorted(slactl("list", "--all", "--fields", "external_id").lines)


@pytest.mark.parametrize("rows", ["pages[].issues[]", "pages[].issues", "pages.issues"])
def test_rows_lead_through_a_list_of_pages(slactl: Slactl, tmp_path: Path, rows: str) -> None:
    pages = [{"total": 3, "issues": [row("a")]}, {"issues": []}, {"issues": [row("b"), row("c")], "users": [row("x")]}]
    assert take(slactl, tmp_path, rows, {"pages": pages}).code == 0
    assert names(slactl) == ["a", "b", "c"]


def test_rows_lead_through_pages_inside_an_object(slactl: Slactl, tmp_path: Path) -> None:
    pages = [{"result": {"issues": [row("a")]}}, {"result": {"issues": [row("b")]}}]
    assert take(slactl, tmp_path, "pages[].result.issues", {"pages": pages}).code == 0
    assert names(slactl) == ["a", "b"]


def test_rows_lead_through_a_document_that_is_a_list_of_pages(slactl: Slactl, tmp_path: Path) -> None:
    assert take(slactl, tmp_path, "[].issues", [{"issues": [row("a")]}, {"issues": [row("b")]}]).code == 0
    assert names(slactl) == ["a", "b"]


def test_list_of_lists_of_rows_needs_no_name(slactl: Slactl, tmp_path: Path) -> None:
    assert take(slactl, tmp_path, None, [[row("a")], [], [row("b"), row("c")]]).code == 0
    assert names(slactl) == ["a", "b", "c"]


def test_bad_row_of_a_later_page_is_counted_over_all_pages(slactl: Slactl, tmp_path: Path) -> None:
    done = take(slactl, tmp_path, "pages[].issues", {"pages": [{"issues": [row("a")]}, {"issues": [7, row("b")]}]})
    assert (done.code, names(slactl)) == (7, ["a", "b"])
    assert "stdin:2: must be a JSON object" in done.err


def test_pages_without_the_list_are_an_error_and_no_page_is_not(slactl: Slactl, tmp_path: Path) -> None:
    done = take(slactl, tmp_path, "pages[].issues", {"pages": [{"tickets": [row("a")]}]})
    assert (done.code, names(slactl)) == (2, [])
    assert "the file has no list at 'pages[].issues'" in done.err
    assert take(slactl, tmp_path, "pages[].issues", {"pages": []}).code == 0


def test_list_that_ends_in_a_number_does_not_break_the_document(slactl: Slactl, tmp_path: Path) -> None:
    done = take(slactl, tmp_path, None, [row("a"), 5])
    assert (done.code, names(slactl)) == (7, ["a"])
    assert "must be a JSON object" in done.err
    assert "breaks" not in done.err


FORMS = {"list": json.dumps, "lines": lambda pages: "\n".join(map(json.dumps, pages))}


@pytest.mark.parametrize("form", FORMS)
def test_pages_need_no_name_for_the_only_list_of_tickets(slactl: Slactl, tmp_path: Path, form: str) -> None:
    pages = [
        {"total": 3, "result": {"issues": [row("a")], "users": [{"name": "ann"}]}},
        {"total": 3, "result": {"issues": [], "users": []}},
        {"total": 3, "result": {"issues": [row("b"), 7, row("c")]}},
    ]
    done = take(slactl, tmp_path, None, FORMS[form](pages))
    assert (done.code, names(slactl)) == (7, ["a", "b", "c"])
    assert "error: stdin:3: must be a JSON object" in done.err


@pytest.mark.parametrize("form", FORMS)
def test_pages_with_two_lists_of_tickets_are_an_error(slactl: Slactl, tmp_path: Path, form: str) -> None:
    pages = [{"issues": [row("a")], "users": [row("x")]}, {"issues": [row("b")]}]
    done = take(slactl, tmp_path, None, FORMS[form](pages))
    assert (done.code, names(slactl)) == (2, [])
    assert "error: the lists issues and users both have 'id'" in done.err


@pytest.mark.parametrize("form", FORMS)
def test_name_of_the_list_holds_in_every_page(slactl: Slactl, tmp_path: Path, form: str) -> None:
    pages = [{"issues": [row("a"), 7], "users": [row("x")]}, {"issues": [row("b")], "users": []}]
    done = take(slactl, tmp_path, "issues", FORMS[form](pages))
    assert (done.code, names(slactl)) == (7, ["a", "b"])
    assert "stdin:2: must be a JSON object" in done.err
    assert take(slactl, tmp_path, "tickets", FORMS[form](pages)).code == 2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("odd", ["null", '{"issues": [], "issues": []}'])
def test_page_that_cannot_be_read_is_told(slactl: Slactl, tmp_path: Path, form: str, odd: str) -> None:
    text = FORMS[form]([{"issues": [row("a")]}, "ODD", {"issues": [row("b")]}]).replace('"ODD"', odd)
    done = take(slactl, tmp_path, None, text)
    assert (done.code, names(slactl)) == (7, ["a"])
    assert "page 2 " in done.err
    assert done.err.count("error: ") == 1


@pytest.mark.parametrize("form", FORMS)
def test_row_without_an_id_is_never_a_page(slactl: Slactl, tmp_path: Path, form: str) -> None:
    comments = {"comments": [row("comment")]}
    broken = {"created": "2026-01-05T10:00:00Z"} | comments
    done = take(slactl, tmp_path, None, FORMS[form]([broken, row("a") | comments]))
    assert (done.code, names(slactl)) == (7, ["a"])
    assert "stdin:1:id: is missing" in done.err
