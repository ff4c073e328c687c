"""Mail domains of tenants: validated, in small letters, each with one tenant, shown, exported and imported."""

import json
from pathlib import Path

import pytest
from conftest import Slactl


def domains(slactl: Slactl, name: str) -> list[str]:
    found: list[str] = json.loads(slactl("tenant", "show", name, "--json").out)["domains"]
    return found


def test_domains_are_kept_sorted_each_once_and_in_small_letters(desk: Path, slactl: Slactl) -> None:
    typed = [
        "--domain",
        "Acme.Example",
        "--domain",
        " @b.test ",
        "--domain",
        "acme.example",
        "--domain",
        "Büro.example",
    ]
    assert slactl("tenant", "add", "acme", *typed).code == 0
    assert domains(slactl, "acme") == ["acme.example", "b.test", "xn--bro-hoa.example"]
    assert slactl("tenant", "list").out.rstrip("\n").split("\t")[-1] == "acme.example,b.test,xn--bro-hoa.example"


def test_set_replaces_all_domains_and_an_empty_one_removes_them(desk: Path, slactl: Slactl) -> None:
    assert slactl("tenant", "add", "acme", "--domain", "a.example", "--domain", "b.example").code == 0
    shown = slactl("tenant", "set", "acme", "--domain", "c.example", "-n")
    assert shown.out.startswith("dry run, not done: acme mail domains a.example, b.example → c.example · ")
    assert domains(slactl, "acme") == ["a.example", "b.example"]
    assert slactl("tenant", "set", "acme", "--domain", "c.example").code == 0
    assert domains(slactl, "acme") == ["c.example"]
    assert slactl("tenant", "set", "acme", "--plan", "pro").code == 0
    assert domains(slactl, "acme") == ["c.example"]
    assert slactl("tenant", "set", "acme", "--domain", "").code == 0
    assert domains(slactl, "acme") == []
    assert slactl("tenant", "add", "other", "--domain", "c.example").code == 0


@pytest.mark.parametrize(
    "word", ["acme", "acme..example", "-a.example", "a b.example", "ann@acme.example", "*.example", "x" * 64 + ".de"]
)
def test_what_is_no_domain_is_refused(desk: Path, slactl: Slactl, word: str) -> None:
    done = slactl("tenant", "add", "acme", "--domain", "good.example", "--domain", word)
    assert (done.code, "is not a mail domain such as acme.example" in done.err) == (2, True)
    assert slactl("tenant", "list").out == ""


def test_a_domain_has_one_tenant(desk: Path, slactl: Slactl) -> None:
    assert slactl("tenant", "add", "acme", "--domain", "acme.example").code == 0
    assert slactl("tenant", "add", "other").code == 0
    for words in (("add", "third"), ("set", "other")):
        done = slactl("tenant", *words, "--domain", "ACME.example")
        assert done.code == 5
        assert done.err.splitlines() == [
            "error: the tenant acme has the domain acme.example; a domain has one tenant",
            "hint: slactl tenant show acme",
        ]
    assert slactl("tenant", "set", "acme", "--domain", "acme.example", "--domain", "b.example").code == 0


def test_domains_go_with_an_export_unless_another_tenant_has_them(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    assert slactl("tenant", "add", "acme", "--domain", "a.example", "--domain", "b.example").code == 0
    assert slactl("create", "T", "--from", "ann@a.example", "--tenant", "acme").code == 0
    (tmp_path / "export.jsonl").write_text(slactl("export").out)
    other = ("--db", str(desk.with_name("other.db")))
    assert slactl(*other, "init").code == 0
    assert slactl(*other, "tenant", "add", "first", "--domain", "b.example").code == 0
    done = slactl(*other, "import", str(tmp_path / "export.jsonl"))
    assert "the tenant acme comes without b.example, which the tenant first has" in done.err
    assert json.loads(slactl(*other, "tenant", "show", "acme", "--json").out)["domains"] == ["a.example"]
    assert json.loads(slactl(*other, "tenant", "show", "first", "--json").out)["domains"] == ["b.example"]


@pytest.mark.parametrize("wrong", ['"a.example"', "[1]", '["acme"]', "{}"])
def test_a_line_with_wrong_domains_is_a_bad_line(desk: Path, slactl: Slactl, wrong: str) -> None:
    line = f'{{"type": "tenant_entry", "at": "2026-03-02T09:00:00Z", "tenant": "acme", "domains": {wrong}}}'
    done = slactl("import", "-", stdin=line)
    assert (done.code, "1:domains: " in done.err, slactl("tenant", "list").out) == (7, True, "")
