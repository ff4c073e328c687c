"""Options that several commands share behave alike in each of them."""

from pathlib import Path

import pytest
from conftest import Slactl

WALL_TIME = [
    ("list", "--due-within"),
    ("silence", "add", "--tenant", "acme", "--for"),
    ("summary", "--forecast"),
    ("watch", "--interval"),
]


@pytest.mark.parametrize("words", WALL_TIME)
@pytest.mark.parametrize(
    ("typed", "message"),
    [("3bd", "every hour counts here; use 90s, 30m, 2h, 1h30m, 2d or 1w"), ("soon", "'soon' is not a valid duration")],
)
def test_wall_time_is_refused_alike_everywhere(
    desk: Path, slactl: Slactl, words: tuple[str, ...], typed: str, message: str
) -> None:
    refused = slactl(*words, typed)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith(f"error: {words[-1]}")
    assert message in refused.err
    assert refused.err.splitlines()[1].startswith("hint: slactl ")


@pytest.mark.parametrize(
    "words", [("resolve", "1"), ("reply", "1", "--body", "x"), ("tag", "1", "--add", "x"), ("ack", "1")]
)
def test_every_change_has_the_three_answer_options(desk: Path, slactl: Slactl, words: tuple[str, ...]) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    assert slactl(*words, "-n").out.startswith("dry run, not done: #1 ")
    assert '"id": 1' in slactl(*words, "--dry-run", "--json").out
    assert slactl(*words, "-q").out == "1\n"
