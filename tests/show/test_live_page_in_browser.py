"""The live page in a real browser: on a phone and on a wall, light and dark, fresh and old."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe import FOLDER, NPM, SERIOUS, axe_source, findings
from browser import CHROMIUM, DRIVER, Browser, chromium
from conftest import Slactl
from test_page_in_browser import CONTRAST, INCIDENTS
from test_report_page import SCRIPT

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromium-driver"),
]

SIZES = [(390, 844), (1920, 1080)]

RULES = """
[people.ann]
[schedules.first-line]
timezone = "UTC"
[[schedules.first-line.layer]]
people = ["ann"]
[schedules.nobody]
timezone = "UTC"
[[schedules.nobody.layer]]
people = ["ann"]
from = "2190-01-01 09:00"
[[objective]]
name = "in time"
target = "resolution"
goal = "50%"
period = "year"
[[objective]]
name = "<b>never</b>"
target = "first_response"
goal = "99%"
period = "year"
credits = [{ below = "99%", percent = 5 }]
[[objective]]
name = "near"
match = { plan = ["enterprise"] }
target = "first_response"
goal = "50%"
period = "year"
[[objective]]
name = "none"
match = { tenant = ["nobody"] }
target = "update"
goal = "99.9%"
period = "week"
"""

#: Tickets: their plan, the hours since they were opened, and how many there are; the first is answered in time.
TICKETS = (("enterprise", 5, 1), ("enterprise", 3, 1), ("enterprise", 1, 3), ("free", 2, 2), ("free", 72, 45))


def history() -> str:
    """Return tickets that are late, due soon and neither, as a history file."""
    now, lines = datetime.now(UTC), list[dict[str, str]]()
    for plan, hours, count in TICKETS:
        for number in range(count):
            opened = {"at": (now - timedelta(hours=hours)).isoformat(), "plan": plan, "priority": "urgent"}
            lines.append({"ticket": f"{plan}-{hours}-{number}", "type": "created", "subject": "Printer", **opened})
    answered = {"ticket": str(lines[0]["ticket"]), "at": (now - timedelta(hours=4)).isoformat()}
    lines += [answered | {"type": "agent_reply"}, answered | {"type": "status", "status": "resolved"}]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def page(desk: Path, slactl: Slactl, tmp_path: Path) -> Path:
    """Write the live page of real incidents, of goals in each state, and of a stranger's subject that has no blank."""
    with desk.with_name("rules.toml").open("a") as rules:
        rules.write(RULES)
    slactl("import", str(INCIDENTS), "--map", "servicenow")
    assert slactl("create", SCRIPT + "x" * 850, "--from", "a@b.example", "--priority", "urgent").code == 0
    assert slactl("import", "-", stdin=history()).code == 0
    target = tmp_path / "board.html"
    assert slactl("board", str(target)).code == 0
    states = {goal["name"]: goal["state"] for goal in json.loads(slactl("objectives", "--json").out)}
    assert states == {"in time": "kept", "<b>never</b>": "below", "near": "at_risk", "none": "no_data"}
    return target


def aged(page: Path, seconds: int) -> None:
    """Make a page older, as if nobody had written it for so long."""
    text = page.read_text(encoding="utf-8")
    _, _, rest = text.partition('data-read-at="')
    at = rest.partition('"')[0]
    page.write_text(text.replace(f'data-read-at="{at}"', f'data-read-at="{int(at) - seconds}"'), encoding="utf-8")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("old", [False, True], ids=["fresh", "old"])
def test_it_shows_without_a_complaint_and_can_be_read(
    browser: Browser, page: Path, width: int, height: int, dark: bool, old: bool
) -> None:
    aged(page, 7200 if old else 0)
    browser.resize(width, height, dark=dark)
    browser.open(page)
    assert browser.complaints() == []
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.run("return matchMedia('(prefers-color-scheme: dark)').matches") is dark
    assert browser.run(CONTRAST) == []
    assert "owned" not in browser.run("return document.title")
    assert SCRIPT[:40] in browser.run("return document.body.innerText")
    assert browser.run("return document.images.length") == 0


def test_it_says_its_age_in_words_and_in_red_when_it_is_old(browser: Browser, page: Path) -> None:
    browser.resize(1920, 1080)
    shown = (
        "const a = document.getElementById('alarm'); return [!a.hidden, a.textContent, getComputedStyle(a).background]"
    )
    for seconds, words, is_old in ((0, "second", False), (400, "6 minutes old", False), (320, "12 minutes old", True)):
        aged(page, seconds)
        browser.open(page)
        assert words in browser.run("return document.getElementById('age').textContent")
        visible, text, ground = browser.run(shown)
        assert visible is is_old
        assert ("cron running?" in text) is is_old
        assert "rgb(163, 22, 27)" in ground
    aged(page, -7200)
    browser.open(page)
    assert browser.run(shown)[1].startswith("The clock of this screen is 1 hour behind")


@pytest.mark.parametrize("old", [False, True], ids=["fresh", "old"])
def test_a_wall_shows_a_part_of_every_list_without_scrolling(browser: Browser, page: Path, old: bool) -> None:
    aged(page, 7200 if old else 0)
    browser.resize(1920, 1080)
    browser.open(page)
    assert browser.run("return document.documentElement.scrollHeight") <= 1080
    rows = """
    return [...document.querySelectorAll('section')].map(s => [...s.querySelectorAll('tbody tr, dt, .goal')].filter(
      e => e.getBoundingClientRect().bottom <= s.getBoundingClientRect().bottom).length)"""
    late, soon, urgent, on_call, goals = browser.run(rows)
    assert late > 3
    assert soon > 0
    assert urgent > 0
    assert (on_call, goals) == (2, 4)


def reloaded(page: Path) -> None:
    """Let a page read its file again after a second."""
    text = page.read_text(encoding="utf-8")
    assert 'data-reload="30"' in text
    page.write_text(text.replace('data-reload="30"', 'data-reload="1"'), encoding="utf-8")


#: Waits until the page was read again, and for what its script does then.
WAIT = "return new Promise(done => setTimeout(() => done(!('before' in window)), 100))"


def test_it_reads_its_file_again_and_the_keyboard_stays_in_its_list(browser: Browser, page: Path) -> None:
    reloaded(page)
    browser.open(page)
    assert browser.run(FOCUSED) is None
    browser.press("Tab")
    browser.press("Tab")
    [_, second, *_] = browser.run(LISTS)
    assert browser.run(FOCUSED) == second
    page.write_text(page.read_text().replace("Service desk", "Written again"))
    browser.run("window.before = true")
    assert any(browser.run(WAIT) for _ in range(100))
    assert "Written again" in browser.run("return document.body.innerText")
    assert browser.run(FOCUSED) == second
    assert browser.complaints() == []


#: The labels of the lists, and of the one that has the focus.
LISTS = "return [...document.querySelectorAll('.scroll')].map(list => list.ariaLabel)"
FOCUSED = "return document.activeElement.ariaLabel"
OUTLINE = "return getComputedStyle(document.activeElement).outlineStyle"


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_keyboard_reaches_every_list_and_nothing_sticks_out(
    browser: Browser, page: Path, width: int, height: int
) -> None:
    browser.resize(width, height)
    browser.open(page)
    lists = browser.run(LISTS)
    assert len(lists) == len({*lists}) > 1
    for label in lists:
        browser.press("Tab")
        assert browser.run(FOCUSED) == label
        assert browser.run(OUTLINE) == "solid"
    out = browser.run("""
    return [...document.querySelectorAll('section *, .card *')].filter(e => {
      const box = e.getBoundingClientRect(), card = e.closest('section, .card').getBoundingClientRect();
      return box.width && !e.closest('.scroll') && (box.left < card.left || box.right > card.right + 1);
    }).map(e => e.outerHTML.slice(0, 80))""")
    assert out == []


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_source(tmp_path_factory.mktemp("axe"))


NEEDS_AXE = pytest.mark.skipif(not (NPM or FOLDER in os.environ), reason="needs npm, or the folder of axe-core")


@NEEDS_AXE
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_people_with_weak_eyes_and_screen_readers_can_use_it(
    browser: Browser, axe: str, page: Path, slactl: Slactl, width: int, height: int, dark: bool
) -> None:
    """The same of the page of a report."""
    report = page.with_name("report.html")
    assert slactl("report", "--since", "all", "--by", "assignee", "--html", str(report)).code == 0
    browser.resize(width, height, dark=dark)
    for shown, seconds in ((page, 0), (page, 7200), (report, 0)):
        if seconds:
            aged(shown, seconds)
        browser.open(shown)
        assert [each for each in findings(browser, axe) if each.impact in SERIOUS] == []
        assert browser.complaints() == []


@NEEDS_AXE
def test_a_finding_of_axe_is_seen(browser: Browser, axe: str, page: Path) -> None:
    page.write_text(page.read_text().replace('<html lang="en"', "<html"))
    browser.open(page)
    assert [(each.impact, each.rule) for each in findings(browser, axe)] == [("serious", "html-has-lang")]
