"""The README: short, with the two set-up commands, and enough for the first hour."""

import subprocess
import sys
from pathlib import Path

import pytest
from pages import README, ROOT, blocks, rows, shell, typed

from slactl.show import guide


def test_the_readme_names_every_topic_and_no_other() -> None:
    named = {
        row[0].strip("`").removeprefix("slactl help ") for row in rows("README") if row[0].startswith("`slactl help ")
    }
    assert named == set(guide.topics())


@pytest.mark.full
def test_a_fresh_copy_leads_to_the_first_overdue_ticket(tmp_path: Path) -> None:
    """Only the README, an empty home, and a copy of what is committed."""
    copy, home = tmp_path / "slactl", tmp_path / "home"
    home.mkdir()
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    copy.mkdir()
    subprocess.run(["tar", "x"], cwd=copy, input=archive, check=True)
    first, second = (line for line in blocks("README", "sh")[0].text.splitlines() if line.startswith("python3"))
    assert second.endswith("&& .venv/bin/pytest")
    program = f"{first}\n. .venv/bin/activate\n{typed('README')}\nslactl help sql"
    shell(tmp_path, "true")  # its crontab
    (tmp_path / "bin" / "slactl").unlink()
    place = f"{tmp_path / 'bin'}:{Path(sys.executable).resolve().parent}:/usr/bin:/bin"
    environ = {"HOME": str(home), "PATH": place, "LANG": "C.UTF-8", "LOGNAME": "ann"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", program], capture_output=True, text=True, cwd=copy, env=environ, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "first response overdue" in done.stdout
    assert done.stdout.endswith(guide.page("sql"))
    assert (copy / ".venv/share/man/man1/slactl.1").is_file()


def test_the_readme_is_short_and_has_both_commands_as_they_are_typed() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.encode()) <= 12_288
    assert "\npython3 -m venv .venv && .venv/bin/pip install . && .venv/bin/slactl demo\n" in text
    assert "\npython3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/pytest\n" in text
