"""The live page in a real browser: on a phone and on a wall, light and dark, fresh and old."""

from collections.abc import Iterator
from pathlib import Path

import pytest
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
[[objective]]
name = "in time"
target = "resolution"
goal = "50%"
period = "year"
[[objective]]
name = "<b>never</b>"
target = "first_response"
goal = "99%"
period = "month"
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def page(desk: Path, slactl: Slactl, tmp_path: Path) -> Path:
    """Write the live page of the real incidents, and of a stranger's subject that has no blank."""
    with desk.with_name("rules.toml").open("a") as rules:
        rules.write(RULES)
    slactl("import", str(INCIDENTS), "--map", "servicenow")
    assert slactl("create", SCRIPT + "x" * 850, "--from", "a@b.example", "--priority", "urgent").code == 0
    target = tmp_path / "board.html"
    assert slactl("board", str(target)).code == 0
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


def test_it_reads_its_file_again(browser: Browser, page: Path) -> None:
    page.write_text(page.read_text().replace('http-equiv="refresh" content="30"', 'http-equiv="refresh" content="1"'))
    browser.open(page)
    browser.run("document.title = 'before'")
    script = "return new Promise(done => setTimeout(() => done(document.title), 100))"
    assert any("overdue" in browser.run(script) for _ in range(100))


def test_the_keyboard_reaches_every_list_and_nothing_sticks_out(browser: Browser, page: Path) -> None:
    browser.resize(390, 844)
    browser.open(page)
    lists = browser.run("return [...document.querySelectorAll('.scroll')].map(e => [e.tabIndex, e.ariaLabel])")
    assert lists
    assert all(index == 0 and label for index, label in lists)
    out = browser.run("""
    return [...document.querySelectorAll('section *, .card *')].filter(e => {
      const box = e.getBoundingClientRect(), card = e.closest('section, .card').getBoundingClientRect();
      return box.width && !e.closest('.scroll') && (box.left < card.left || box.right > card.right + 1);
    }).map(e => e.outerHTML.slice(0, 80))""")
    assert out == []
