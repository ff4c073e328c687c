"""Every colour of the screen can be read on a black and on a white ground, and no other colour is used."""

import io
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from slactl.config import Color
from slactl.show import guide
from slactl.show.colours import COLOURS
from slactl.show.form import Screen
from slactl.show.list import draw_tickets

pytest_plugins = ["show_samples"]

#: The steps of red, green and blue in the palette of 256 colours.
STEPS = (0, 95, 135, 175, 215, 255)


def rgb(number: int) -> tuple[int, int, int]:
    """Return the parts of a colour of the fixed part of the palette."""
    if number >= 232:
        return (8 + 10 * (number - 232),) * 3
    assert number >= 16, "the first sixteen colours belong to the terminal"
    place = number - 16
    return STEPS[place // 36], STEPS[place // 6 % 6], STEPS[place % 6]


def luminance(parts: tuple[int, int, int]) -> float:
    """Return the relative luminance that WCAG 2.2 defines."""
    linear = [part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("ground", [(0, 0, 0), (255, 255, 255)])
def test_contrast_on_light_and_dark_grounds(colour: str, ground: tuple[int, int, int]) -> None:
    number = re.fullmatch(r"color\((\d+)\)", colour)
    assert number is not None
    assert contrast(luminance(rgb(int(number[1]))), luminance(ground)) >= 4.5


def foreign(text: str) -> set[str]:
    """Return the codes that choose a colour of the terminal's theme, a ground, or faint text."""
    found = set()
    for codes in re.findall(r"\x1b\[([0-9;]*)m", text):
        rest = re.sub(r"38;5;(\d+)", "", codes)
        known = {int(number) for number in re.findall(r"\d+", " ".join(COLOURS))}
        found |= {f"38;5;{number}" for number in re.findall(r"38;5;(\d+)", codes) if int(number) not in known}
        found |= {code for code in rest.split(";") if code not in ("", "0", "1", "3", "4", "7", "22", "23", "24")}
    return found


def test_a_list_uses_no_other_colour(ticket: Callable[..., dict[str, Any]], now: datetime) -> None:
    stream = io.StringIO()
    shown = [
        ticket(priority=priority, due_at=due_at, due_target="resolution")
        for priority in ("urgent", "high", "normal", "low")
        for due_at in ("2026-03-02T04:55:00Z", "2026-03-02T09:10:00Z", "2026-03-04T09:10:00Z")
    ]
    draw_tickets(shown, Screen(stream, True, 120), now, due_soon=7200, footer="12 tickets")
    assert "38;5;" in stream.getvalue()
    assert foreign(stream.getvalue()) == set()


@pytest.mark.parametrize("topic", guide.topics())
def test_a_page_of_the_guide_uses_no_other_colour(topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

        def fileno(self) -> int:
            return 1

    monkeypatch.setattr("os.get_terminal_size", lambda *_: __import__("os").terminal_size((80, 24)))
    stream = Terminal()
    guide.show("", [guide.page(topic)], Color.ALWAYS, stream)
    assert "\x1b[" in stream.getvalue()
    assert foreign(stream.getvalue()) == set()
