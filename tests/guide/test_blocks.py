"""Everything that README and guide tell people to type works as it stands, in a home with nothing in it."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Slactl, write_secret
from pages import PAGES, READY, ROOT, Block, blocks, environment, rows, shell, typed

FROM_NOTHING = ("README", "start")


@pytest.mark.parametrize("page", FROM_NOTHING)
def test_the_first_hour_works_as_typed(page: str, tmp_path: Path) -> None:
    done = shell(tmp_path, typed(page))
    assert done.returncode == 0, done.stderr
    assert "first response overdue" in done.stdout
    assert "support_manager: syslog://…: sent" in done.stdout
    line = (tmp_path / "home" / "crontab").read_text()
    assert re.fullmatch(r"\*/5 \* \* \* \* \S+/slactl check -q\n", line)
    job = line.split(" ", 5)[5]
    # cron has next to no environment.
    bare = {**environment(tmp_path), "PATH": "/usr/bin:/bin"}
    run = subprocess.run(["/bin/sh", "-c", job], capture_output=True, text=True, env=bare, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_rota_in_five_minutes_works_as_typed(tmp_path: Path) -> None:
    done = shell(tmp_path, f"slactl init > /dev/null\n{typed('on-call')}")
    assert done.returncode == 0, done.stderr
    first, person, number, absence, *plan = done.stdout.splitlines()[1:]
    assert first.startswith("first-line\t")
    assert (person, number, absence) == ("dan", "1", "2")
    assert any("\tann\toverride\t" in line for line in plan)
    assert (tmp_path / "work" / "first-line.ics").read_text().startswith("BEGIN:VCALENDAR")


@pytest.mark.full
@pytest.mark.parametrize("page", [page for page in PAGES if page not in FROM_NOTHING])
def test_each_page_works_as_typed(page: str, tmp_path: Path) -> None:
    script = typed(page)
    if script:
        done = shell(tmp_path, f"{READY}\n{script}")
        assert done.returncode == 0, done.stderr


@pytest.mark.full
@pytest.mark.parametrize("page", ["README", "start"])
def test_each_row_of_the_daily_work_works_as_typed(page: str, tmp_path: Path) -> None:
    lines = [cells[1].strip("`") for cells in rows(page) if len(cells) == 2 and cells[1].startswith("`slactl ")]
    lines = [line for line in lines if line != "slactl watch"]
    assert len(lines) >= 12
    script = "\n".join(f"echo {line!r} >&2\n{line}" for line in lines)
    done = shell(tmp_path, f"{READY}\n{script}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_marked_blocks_are_valid_shell(page: str) -> None:
    for block in blocks(page, "sh"):
        done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), f"{page} line {block.line}"


def test_every_block_says_its_language() -> None:
    known = ("sh", "toml", "text", "sql", "python", "cron", "ini")
    known += ("aliases", "postfix", "procmail", "fetchmail", "getmail")  # see `test_mail_recipes`
    assert [(block.page, block.line) for page in PAGES for block in blocks(page) if block.language not in known] == []


SECRETS = {
    "SLACTL_SLACK_URL": "https://hooks.slack.com/services/T1JHGJ4H5/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FA",
    "SMTP_LOGIN": "desk:p%40ss",
    "SLACTL_PING_URL": "https://ping.example.com/desk",
    "DESK_TOKEN": "hunter2",
}
EXAMPLES = [block for page in PAGES for block in blocks(page, "toml")]


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: f"{block.page}-{block.line}")
def test_every_example_of_rules_is_valid(
    block: Block, desk: Path, slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in ("gh", "curl"):
        (tmp_path / program).touch(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    desk.with_name("desk.toml").write_text('[columns]\nticket = "id"\ncreated_at = "created_at"\n')
    rules = desk.with_name("rules.toml")
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    write_secret(desk, "hook", "hooks.example.com/desk?+Authorization=Bearer%20hunter2\n")
    rules.write_text(_merged(block.text, rules.read_text()))
    found = slactl("rules", "check")
    assert (found.code, found.err) == (0, "")


def _merged(example: str, shipped: str) -> str:
    """The shipped rules with an example in them; a table or rule of the example takes the place of the shipped one."""
    parts = re.split(r"(?m)^(?=\[)", shipped)
    taken = {_heading(part) for part in re.split(r"(?m)^(?=\[)", example)} - {"[policy.targets]"}
    kept = [part for part in parts if not part.startswith("[") or part.startswith("[[") or _heading(part) not in taken]
    policies = [part for part in kept if part.startswith(("[[policy]]", "[policy."))]
    return "\n".join([*(part for part in kept if part not in policies), example, *policies])


def _heading(part: str) -> str:
    """The line `[name]` of a table, without its comment."""
    return part.split("\n", 1)[0].split("#")[0].strip()


def test_the_incident_log_beside_its_own_verdict(tmp_path: Path) -> None:
    if shutil.which("sqlite3") is None:
        pytest.skip("sqlite3 is not installed")
    (recipe,) = (block.text for block in blocks("reports", "sh") if block.is_marked)
    (shown,) = (block.text for block in blocks("reports", "text"))
    database = tmp_path / "home/.local/share/slactl/slactl.db"
    done = shell(tmp_path, f"slactl init > /dev/null; export SLACTL_DB={database}; cd {ROOT}\n{recipe}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(shown)


def test_the_cron_line_works_as_typed(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--at", "3d ago")
    (line,) = (block.text.strip() for block in blocks("operations", "cron"))
    command = line.split(" ", 5)[5]
    command = command.replace("/srv/desk/slactl.db", shlex.quote(str(desk)))
    command = command.replace("/etc/slactl/rules.toml", shlex.quote(str(desk.with_name("rules.toml"))))
    command = command.replace("/usr/local/bin/slactl", f"{shlex.quote(sys.executable)} -m slactl")
    # cron has next to no environment.
    bare = {"HOME": os.environ["HOME"], "PATH": "/usr/bin:/bin", "LOGNAME": "desk"}
    first = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, env=bare, check=False)
    assert (first.returncode, first.stderr) == (0, "")
    assert "first response overdue" in first.stdout
    again = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, env=bare, check=False)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


@pytest.mark.full
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    ((text),) = (block.text for block in blocks("operations", "ini"))
    units = []
    for part in re.split(r"(?m)^(?=# /etc/systemd)", text)[1:]:
        unit = tmp_path / Path(part.split("\n", 1)[0].removeprefix("# ")).name
        unit.write_text(part.replace("/usr/local/bin/slactl", "/bin/true"))
        units.append(str(unit))
    assert len(units) == 2
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert str(tmp_path) not in done.stderr, done.stderr
