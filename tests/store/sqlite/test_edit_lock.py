"""The lock for changing the rules file: whoever may change the folder may take it, and nobody else."""

from pathlib import Path

import pytest

from slactl.errors import LockedError
from slactl.store.sqlite import lock
from slactl.store.sqlite.lock import EDIT_LOCK, edit_lock


@pytest.mark.parametrize(
    ("folder_mode", "lock_mode"), [(0o700, 0o600), (0o755, 0o600), (0o770, 0o660), (0o2775, 0o660)]
)
def test_lock_is_open_to_those_who_may_write_to_the_folder(tmp_path: Path, folder_mode: int, lock_mode: int) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    folder.chmod(folder_mode)
    with edit_lock(folder / "rules.toml", "slactl rules set"):
        assert (folder / EDIT_LOCK).stat().st_mode & 0o777 == lock_mode
    assert list(folder.iterdir()) == []


def test_second_command_waits_for_the_lock_and_then_names_the_command_to_repeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "EDIT_SECONDS", 0.1)
    path = tmp_path / "rules.toml"
    with edit_lock(path, "slactl rules set a b"):
        with pytest.raises(LockedError) as refused, edit_lock(path, "slactl rules set c d"):
            pass
        assert refused.value.hint == "slactl rules set c d"
        assert (tmp_path / EDIT_LOCK).exists()
    with edit_lock(path, "slactl rules set e f"):
        pass
