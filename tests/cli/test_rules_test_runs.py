"""`rules test --run` and `--junit`: which tests run, and a report that any XML reader takes."""

import os
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from conftest import Slactl
from hypothesis import given
from hypothesis import strategies as st

from slactl.desk.what_if.testing import fits
from slactl.show.junit import as_junit

RULES = """schema = 1
[calendars.always]
always_open = true
[[policy]]
name = "all"
calendar = "always"
targets.default = { resolution = "4h" }
"""

CREATED = '{ ticket = "A", at = "2026-03-02T10:00:00Z", type = "created" }'


def a_test(name: str, policy: str) -> str:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'[[test]]\nname = "{quoted}"\nhistory = [{CREATED}]\nexpect = [{{ ticket = "A", policy = "{policy}" }}]\n'


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "rules.toml").write_text(RULES)
    monkeypatch.setenv("SLACTL_RULES", str(tmp_path / "rules.toml"))
    path = tmp_path / "tests.toml"
    path.write_text(a_test("Pro answers in time", "all") + a_test("free waits", "none") + a_test("holiday [x]", "all"))
    return path


@pytest.mark.parametrize(
    ("names", "ran"),
    [
        (["pro"], ["Pro answers in time"]),
        (["FREE"], ["free waits"]),
        (["*time"], ["Pro answers in time"]),
        (["[x]"], ["holiday [x]"]),
        (["pro*", "holi?ay*"], ["Pro answers in time", "holiday [x]"]),
        (["ti", "free"], ["Pro answers in time", "free waits"]),
        ([], ["Pro answers in time", "free waits", "holiday [x]"]),
    ],
)
def test_only_the_tests_that_a_name_means_run(file: Path, slactl: Slactl, names: list[str], ran: list[str]) -> None:
    options = [word for name in names for word in ("--run", name)]
    done = slactl("rules", "test", str(file), *options)
    told = [
        line.rpartition(": ")[2] if "FAIL" in line else line[6:] for line in done.lines if line[:4] in ("ok  ", "FAIL")
    ]
    assert told == ran
    assert done.code == (4 if "free waits" in ran else 0)


def test_a_name_that_means_no_test_is_an_error_with_the_nearest_name(file: Path, slactl: Slactl) -> None:
    refused = slactl("rules", "test", str(file), "--run", "fre waits")
    assert (refused.code, refused.out) == (3, "")
    assert "there is no test 'fre waits'; did you mean free waits?" in refused.err
    assert refused.err.splitlines()[1] == f"hint: slactl rules test {file} --run 'free waits'"
    file.write_text("[[test]]\noops = 1\n")
    assert slactl("rules", "test", str(file), "--run", "nothing").code == 4


def test_the_report_has_every_test_and_every_problem(file: Path, slactl: Slactl, tmp_path: Path) -> None:
    broken, report = tmp_path / "broken.toml", tmp_path / "results.xml"
    broken.write_text("[[test]]\noops = 1\n")
    done = slactl("rules", "test", str(file), str(broken), "--junit", str(report), "-q")
    assert done.code == 4
    root = ET.parse(report).getroot()
    assert (root.tag, root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == (
        "testsuites",
        str(len(root.findall(".//testcase"))),
        "1",
        str(len(root.findall(".//error"))),
    )
    cases = root.findall(f"./testsuite[@name='{file}']/testcase")
    assert [case.attrib["name"] for case in cases] == ["Pro answers in time", "free waits", "holiday [x]"]
    assert [case.attrib["line"] for case in cases] == ["1", "5", "9"]
    assert [len(case) for case in cases] == [0, 1, 0]
    [failure] = cases[1]
    assert failure.attrib["message"] == "not as expected: policy"
    assert "expected none" in str(failure.text)
    assert [error.attrib["message"] for error in root.iter("error")] == [
        line.removeprefix("error: ") for line in done.err.splitlines()
    ]
    assert slactl("rules", "test", str(file), "--junit", str(report), "--run", "pro").code == 0
    assert ET.parse(report).getroot().attrib["tests"] == "1"


def test_a_report_that_cannot_be_written_is_an_error(file: Path, slactl: Slactl, tmp_path: Path) -> None:
    assert slactl("rules", "test", str(file), "--junit", str(tmp_path)).code == 5
    link = tmp_path / "link.xml"
    link.symlink_to(file)
    assert slactl("rules", "test", str(file), "--junit", str(link)).code == 5
    assert "[[test]]" in file.read_text()
    assert slactl("rules", "test", str(file), "--junit", str(tmp_path / "none" / "r.xml")).code == 1
    assert sorted(os.listdir(tmp_path)) == ["link.xml", "rules.toml", "tests.toml"]


@given(st.text(), st.text(), st.text())
def test_the_report_is_well_formed_whatever_the_names_are(name: str, file: str, got: str) -> None:
    failure = {
        **dict.fromkeys(("ticket", "at", "key"), got),
        **dict.fromkeys(("schedule", "target", "policy", "cycle")),
        "expected": "x",
        "got": got,
    }
    test = {"file": file, "line": 1, "name": name, "passed": False, "failures": [failure]}
    report = {"rules": "", "passed": 0, "failed": 1, "problems": [name], "tests": [test]}
    text = as_junit(report)
    root = ET.fromstring(text.encode(errors="xmlcharrefreplace"))
    assert len(root.findall(".//testcase")) == 2
    if name.isprintable() and not any("\ud800" <= letter <= "\udfff" for letter in name):
        assert root.findall(".//testcase")[0].attrib["name"] == name


@given(st.text(st.characters(exclude_characters="*?[", exclude_categories=["Cs"]), max_size=8), st.text(max_size=8))
def test_a_plain_name_means_the_tests_that_contain_it(name: str, around: str) -> None:
    assert fits(around + name + around, name)
    assert fits(around, name) == (name.casefold() in around.casefold())
