"""`board` and `check --board`: what the page shows, whom it lets in, what it never replaces, and when it is old."""

import base64
import hashlib
import re
import sqlite3
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import ladder, policy, traced, write_rules
from freezegun.api import FrozenDateTimeFactory

from slactl.show.live_page import MARK, MARKED_WITHIN

Clock = FrozenDateTimeFactory
pytestmark = pytest.mark.usefixtures("clock")

ROTA = """
[schedules.first-line]
timezone = "UTC"
[[schedules.first-line.layer]]
people = ["ben"]
[schedules.nights]
timezone = "UTC"
[[schedules.nights.layer]]
people = ["ann"]
hours = ["mon-fri 22:00-24:00"]
"""
GOAL = """
[[objective]]
name = "in time"
target = "resolution"
goal = "99.95%"
period = "month"
"""
PEOPLE = "[people.ann]\n[people.ben]\n"
SCRIPT = "<script>document.title='owned'</script><img src=x onerror=alert(1)>\"'&{{7*7}}</style>\u202egnp"


class Reader(HTMLParser):
    """Collect the texts of a page by section, and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"": []}
        self.within: dict[str, str] = {}
        self._section, self._code = "", ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "section":
            self._section = str(dict(attrs)["aria-labelledby"])
            self.texts[self._section] = []
        self._code = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self._section = "" if tag == "section" else self._section
        self._code = ""

    def handle_data(self, data: str) -> None:
        if self._code:
            self.within[self._code] = self.within.get(self._code, "") + data
        elif data.strip():
            self.texts[self._section].append(data.strip())

    def section(self, name: str) -> str:
        return " ".join(self.texts[name])


@pytest.fixture
def busy(desk: Path, slactl: Slactl, clock: Clock) -> Path:
    """Make a desk with a ticket in each list at 12:00, who is on call, and a goal."""
    write_rules(desk, policy(resolution="4h"), ladder("resolution", "breach 0m"), ROTA, GOAL, PEOPLE)
    clock.move_to("2026-03-02T12:00:00Z")
    tickets = [("Late", "07:00", "high"), ("Soon", "09:00", "low"), ("Calm", "11:50", "low")]
    for subject, at, priority in [*tickets, ("Urgent", "11:30", "urgent"), ("Both", "07:30", "urgent")]:
        made = slactl("create", subject, "--from", "a@b.example", "--at", at, "--priority", priority)
        assert made.code == 0, made.err
    return desk


def read(path: Path) -> Reader:
    return Reader(path.read_text(encoding="utf-8"))


def test_each_ticket_stands_in_the_first_list_that_it_belongs_to(busy: Path, slactl: Slactl, tmp_path: Path) -> None:
    page = tmp_path / "board.html"
    assert slactl("board", str(page)).code == 0
    found = read(page)
    late, soon, urgent = (found.section(name) for name in ("late", "soon", "urgent"))
    assert re.search("Overdue: 2 .* Late .* Both ", late), late
    assert "1h late" in late
    assert re.search("Due within 2h: 1 .* in 1h .* Soon ", soon), soon
    assert re.search("unassigned: 1 1 more is in the lists above. .* Urgent ", urgent), urgent
    assert "Calm" not in late + soon + urgent
    assert re.search("first-line ben nights nobody until Mon 22:00, then ann", found.section("oncall"))
    assert re.search("in time 2026-03: 0.0 % of 99.95 % · 2 of 2 missed below, needs 3,998", found.section("goals"))
    assert "2 overdue, 1 due soon" in found.texts[""]
    assert "as of Mon 2026-03-02 12:00 UTC" in found.texts[""]


def test_it_says_when_there_is_nothing(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    write_rules(desk, policy(resolution="4h"))
    page = tmp_path / "board.html"
    assert slactl("board", str(page), "-q").code == 0
    found = read(page)
    assert [found.section(name).split(": ")[1] for name in ("late", "soon", "urgent")] == ["0 No ticket."] * 3
    assert found.section("oncall") == "On call The rules have no schedules."
    assert "goals" not in found.texts
    assert "no check has run yet" in found.texts[""]


def test_texts_of_strangers_are_text_and_nothing_is_loaded(busy: Path, slactl: Slactl, tmp_path: Path) -> None:
    assert slactl("create", SCRIPT, "--from", "a@b.example", "--at", "07:00").code == 0
    assert slactl("assign", "6", "--to", SCRIPT[:60]).code == 0
    page = tmp_path / "board.html"
    assert slactl("board", str(page)).code == 0
    found = read(page)
    shown = SCRIPT.replace("\u202e", "⟨U+202E⟩")
    assert shown in found.texts["late"]
    assert SCRIPT[:60] in found.texts["late"]
    assert "\u202e" not in page.read_text()
    names = [name for name, _ in found.elements]
    assert names.count("script") == names.count("style") == 1
    assert not {"img", "link", "iframe", "object", "form", "a", "base"} & {*names}
    given = {key for _, attributes in found.elements for key in attributes}
    assert not {key for key in given if key in ("src", "href", "style") or key.startswith("on")}
    inside = [place for place, (name, _) in enumerate(found.elements) if name == "bdi"]
    assert len(inside) > 10


def test_its_policy_allows_its_own_style_and_script_and_nothing_else(busy: Path, slactl: Slactl) -> None:
    done = slactl("board", "-")
    assert (done.code, done.err) == (0, "")
    found = Reader(done.out)
    metas = [attributes for name, attributes in found.elements if name == "meta"]
    policy_ = next(str(meta["content"]) for meta in metas if meta.get("http-equiv") == "Content-Security-Policy")
    hashes = {
        kind: base64.b64encode(hashlib.sha256(found.within[kind].encode()).digest()).decode() for kind in found.within
    }
    assert policy_ == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert next(meta["content"] for meta in metas if meta.get("http-equiv") == "refresh") == "30"
    assert MARK.encode() in done.out.encode()[:MARKED_WITHIN]


def test_only_the_owner_reads_it_unless_a_mode_is_given(busy: Path, slactl: Slactl, tmp_path: Path) -> None:
    page = tmp_path / "board.html"
    for words, mode in (((), 0o600), (("--mode", "0644"), 0o644), (("--mode", "640"), 0o640), ((), 0o600)):
        assert slactl("board", str(page), *words).code == 0
        assert page.stat().st_mode & 0o777 == mode
        assert slactl("check", "-q", "--board", str(page), *words).code == 0
        assert page.stat().st_mode & 0o777 == mode
    for mode in ("0666", "0777", "0622", "0400", "4644", "rw", "-644", "6"):
        before = page.read_bytes()
        for command in (("board", str(page)), ("check", "--board", str(page))):
            assert slactl(*command, f"--mode={mode}").code == 2, mode
        assert page.read_bytes() == before


def test_it_replaces_no_other_file_without_force(busy: Path, slactl: Slactl, tmp_path: Path) -> None:
    other, page = tmp_path / "notes.html", tmp_path / "board.html"
    assert slactl("report", "--html", str(other)).code == 0
    before = other.read_bytes()
    refused = slactl("board", str(other))
    assert refused.code == 5
    assert refused.err.splitlines()[1].endswith(f"slactl board --force {other}")
    assert other.read_bytes() == before
    page.symlink_to(other)
    assert slactl("board", str(page), "--force").code == 5
    assert slactl("board", str(tmp_path), "--force").code == 5
    assert (other.read_bytes(), page.is_symlink()) == (before, True)
    assert slactl("board", str(other), "--force").code == 0
    assert MARK in other.read_text()
    assert slactl("board", str(other)).code == 0
    late = tmp_path / "late.html"
    late.write_text("x" * MARKED_WITHIN + MARK)
    assert slactl("board", str(late)).code == 5
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".html") == [
        *("board.html", "late.html", "notes.html"),
    ]


def test_a_check_that_cannot_write_it_does_its_work_and_says_so(busy: Path, slactl: Slactl, tmp_path: Path) -> None:
    page = tmp_path / "notes.html"
    page.write_text("mine")
    done = slactl("check", "--board", str(page))
    assert done.code == 7
    assert "error: the live page cannot be written: " in done.err
    assert f"hint: slactl board --force {page}" in done.err
    assert page.read_text() == "mine"
    assert slactl("check", "-q", "--board", str(tmp_path / "none" / "x.html")).code == 7
    with sqlite3.connect(busy) as connection:
        assert connection.execute("SELECT fired, exit_code FROM run").fetchall() == [(2, 7), (0, 7)]
    assert slactl("check", "-q", "--board", str(tmp_path / "new.html")).code == 0


@pytest.mark.parametrize("words", [("--dry-run", "--board", "x"), ("--board", "-"), ("--mode", "0644")])
def test_a_check_that_could_not_write_a_page_is_refused_at_once(busy: Path, slactl: Slactl, words: list[str]) -> None:
    assert slactl("check", *words).code == 2
    with sqlite3.connect(busy) as connection:
        assert connection.execute("SELECT COUNT(*) FROM run").fetchall() == [(0,)]


def test_an_idle_check_writes_it_too_and_it_is_old_after_two_usual_runs(
    busy: Path, slactl: Slactl, clock: Clock, tmp_path: Path
) -> None:
    page = tmp_path / "board.html"
    root = lambda: read(page).elements[0][1]  # noqa: E731
    assert slactl("check", "-q", "--board", str(page)).code == 0
    assert root()["data-old-after"] == "600"
    first = int(str(root()["data-read-at"]))
    for minutes in (10, 20, 30, 90, 100):
        clock.move_to(f"2026-03-02T{12 + minutes // 60}:{minutes % 60:02d}:00Z")
        assert slactl("check", "-q", "--board", str(page)).code == 0
        assert int(str(root()["data-read-at"])) == first + minutes * 60
    assert root()["data-old-after"] == "1200"  # one long pause does not count
    assert "checked 0s ago" in read(page).texts[""]
    clock.move_to("2026-03-02T20:00:00Z")
    assert slactl("board", str(page)).code == 0
    assert any("cron running?" in text for text in read(page).texts[""])


def test_a_check_that_writes_it_counts_the_goals_once(
    busy: Path, slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, statements = tmp_path / "board.html", traced(monkeypatch)
    assert slactl("check", "-q").code == 0
    statements.clear()
    assert slactl("check", "-q", "--board", str(page)).code == 0
    assert sum("NOT o.late" in statement for statement in statements) == 1
    with_check = read(page).section("goals")
    assert slactl("resolve", "1", "--at", "07:30", "--reason", "it was").code == 0  # in the same second
    assert slactl("board", str(page)).code == 0
    assert "in time 2026-03: 50.0 % of 99.95 %" in read(page).section("goals")
    assert "in time 2026-03: 0.0 % of 99.95 %" in with_check


def test_invalid_rules_stand_on_the_page(busy: Path, slactl: Slactl, tmp_path: Path) -> None:
    page = tmp_path / "board.html"
    assert slactl("check", "-q").code == 0
    rules = busy.with_name("rules.toml")
    rules.write_text(rules.read_text() + "\n[nonsense]\n")
    assert slactl("check", "-q", "--board", str(page)).code == 4
    found = read(page)
    assert any("nonsense" in text and "last valid rules" in text for text in found.texts[""])
    assert "in time" in found.section("goals")
    assert "Late" in found.section("late")


def test_the_margin_of_a_goal_never_looks_better_than_it_is(busy: Path, slactl: Slactl, tmp_path: Path) -> None:
    for number in range(3, 6):
        assert slactl("resolve", str(number)).code == 0
    page = tmp_path / "board.html"
    rules = busy.with_name("rules.toml")
    rules.write_text(rules.read_text().replace("99.95%", "66.7%"))
    assert slactl("board", str(page)).code == 0
    assert "50.0 % of 66.7 %" in read(page).section("goals")
