"""One desk for all tests here that only look, and a copy of it for those that change something."""

import shutil
from pathlib import Path

import pytest
from hostile_desk import HostileDesk, filled


@pytest.fixture(scope="session")
def hostile_desk(tmp_path_factory: pytest.TempPathFactory) -> HostileDesk:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLACTL_TRUST_CLOCK", "1")
        patch.setenv("COLUMNS", "400")
        return filled(tmp_path_factory.mktemp("hostile"))


@pytest.fixture
def messed(hostile_desk: HostileDesk, tmp_path: Path) -> HostileDesk:
    """A copy of the desk."""
    shutil.copytree(hostile_desk.folder, tmp_path / "copy")
    return HostileDesk(tmp_path / "copy", hostile_desk.printed, hostile_desk.kept)


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen on which a row is a line."""
    monkeypatch.setenv("COLUMNS", "400")
