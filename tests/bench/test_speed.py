"""The benchmarks hold what the guide promises. Run by hand: their figures depend on what else a machine does."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.full
@pytest.mark.parametrize("script", ["calendar_speed.py", "simulate_speed.py"])
def test_what_is_promised_is_held(script: str) -> None:
    if script == "calendar_speed.py":
        pytest.importorskip("pandas", reason="pip install -e '.[bench]'")
        pytest.importorskip("businesstimedelta", reason="pip install -e '.[bench]'")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.full
def test_one_command_prints_the_table_of_all_goals() -> None:
    script = Path(__file__).parent / "desk.py"
    done = subprocess.run(
        [sys.executable, str(script), "300", "--runs", "1"], capture_output=True, text=True, check=True
    )
    operations = [line.split("|")[1].strip() for line in done.stdout.splitlines() if line.startswith("| ")]
    for name in ("`create`", "`summary --since all`", "`check`", "`import`", "`simulate`"):
        assert any(each.startswith(name) for each in operations), done.stdout
