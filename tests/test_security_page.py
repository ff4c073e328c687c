"""The page about security: what it says to type works."""

import grp
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import Slactl

PAGE = (Path(__file__).parents[1] / "slactl" / "guide" / "security.md").read_text(encoding="utf-8")


def block(heading: str) -> str:
    """The commands under a heading."""
    found = re.search(rf"^## {heading}\n.*?```sh\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def typed(lines: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    slactl = f'slactl() {{ {shlex.quote(sys.executable)} -m slactl "$@"; }}'
    return subprocess.run(
        ["bash", "-ec", f"{slactl}; export -f slactl\n{lines}"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_last_hash_is_kept_and_compared_as_typed(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    assert slactl("check").code == 0
    done = typed(block("What the audit log proves"))
    assert done.returncode == 0, done.stderr


def test_a_strange_database_is_only_read(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    (line,) = re.findall(r"`slactl --db strange\.db (.*?)`", PAGE)
    assert slactl("--db", str(desk), *shlex.split(line)).code == 0


def test_every_finding_and_setting_it_names_is_there(desk: Path, slactl: Slactl) -> None:
    assert '"check": "trust"' in slactl("doctor", "--json").out
    assert slactl("rules", "set", "settings.secrets", "elsewhere").code == 0


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_service_desk_that_a_team_shares_is_set_up_as_typed() -> None:
    folder = Path(tempfile.mkdtemp(prefix="slactl-page-"))
    folder.chmod(0o755)
    group = next(each.gr_name for each in grp.getgrall() if each.gr_name not in ("root", "nogroup"))
    lines = [line for line in block("Where files belong").splitlines() if not re.match("sudo (group|user)add", line)]
    text = (
        "\n".join(lines).replace("sudo ", "").replace("/etc/slactl", f"{folder}/etc").replace("/srv", f"{folder}/srv")
    )
    text = text.replace("--shared-group support", f"--shared-group {group}").replace("-o desk", "-o nobody")
    try:
        done = typed(text, SLACK_URL="json://127.0.0.1:1/x")
        assert done.returncode == 0, done.stderr
        secret = folder / "etc" / "secrets" / "slack-url"
        assert (secret.owner(), secret.stat().st_mode & 0o777, secret.read_text()) == (
            "nobody",
            0o400,
            "json://127.0.0.1:1/x",
        )
        assert secret.parent.stat().st_mode & 0o777 == 0o700
        assert (folder / "etc" / "rules.toml").stat().st_mode & 0o777 == 0o644
        assert (folder / "srv" / "desk").stat().st_mode & 0o7777 == 0o2770
    finally:
        shutil.rmtree(folder)
