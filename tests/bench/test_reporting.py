"""A report over 100,000 tickets in three seconds and 300 MB, a summary of them in half a second."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from reporting import COMMANDS, best, build

pytestmark = pytest.mark.full

TICKETS, MEBIBYTES = 100_000, 286  # 300 million bytes


@pytest.fixture(scope="module")
def large_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    folder = tmp_path_factory.mktemp("large")
    yield build(folder, TICKETS, now)
    Path(folder, "slactl.db").unlink()


@pytest.mark.parametrize(("words", "seconds"), COMMANDS, ids=[" ".join(words) for words, _ in COMMANDS])
def test_it_is_quick_and_small(large_desk: dict[str, str], words: tuple[str, ...], seconds: float) -> None:
    cost = best(large_desk, *words)
    # Nothing is waited for: on a machine with nothing else to do the wall clock shows the same.
    assert cost.processor < seconds
    assert cost.mebibytes < MEBIBYTES
