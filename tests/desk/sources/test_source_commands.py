"""The command of a source: what it gets, how it is bounded, and what of it is shown."""

import io
import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Slactl, write_secret
from source_desk import add_source, issues, prints, runs, script, tickets

from slactl.desk.programs.commands import shown
from slactl.desk.programs.running import TAIL, Limits, run_command
from slactl.desk.programs.secrets import SECRET_BYTES

SECRET = "sentinel-Zq81"


def everything(desk: Path) -> bytes:
    """Return all bytes that slactl keeps."""
    with sqlite3.connect(desk) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = [path for path in desk.parent.parent.rglob("*") if path.is_file() and path.parent.name != "secrets"]
    return b"".join(path.read_bytes() for path in kept)


def is_alive(process: int) -> bool:
    """Return whether a process runs; one that only waits for its parent to ask for its end does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


# What it gets.


def test_secrets_reach_the_command_and_nothing_else(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", SECRET)
    write_secret(desk, "token", f"file-{SECRET}\n")
    script(desk, f"print({issues(1)!r} if sys.argv[1:] == ['Bearer {SECRET}', 'file-{SECRET}'] else 'no')")
    add_source(desk, "./list.py", "Bearer ${env:API_TOKEN}", "${file:token}")
    result = slactl("sync", "--json")
    assert (result.code, len(tickets(desk))) == (0, 1)
    desk.with_name("list.py").unlink()
    assert SECRET not in result.out + result.err + slactl("rules", "check").out + slactl("doctor", "--json").out
    assert SECRET.encode() not in everything(desk)


@pytest.mark.parametrize(
    "told",
    [
        "sys.argv[1]",
        "repr(sys.argv[1])",
        "sys.argv[1][:4] + chr(27) + '[1m' + sys.argv[1][4:]",
        "sys.argv[1][:4] + chr(0) + sys.argv[1][4:]",
        "'https://mia:' + sys.argv[1] + '@example.com/api?token=' + sys.argv[1]",
        "'x' * 9999 + sys.argv[1] * 9999",
    ],
)
def test_secret_that_the_command_prints_is_cut_out(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    monkeypatch.setenv("API_TOKEN", SECRET)
    script(desk, f"print('bad token', {told}, file=sys.stderr); sys.exit(1)")
    add_source(desk, "./list.py", "${env:API_TOKEN}")
    result = slactl("--debug", "sync")
    listed = slactl("doctor", "--json").out
    desk.with_name("list.py").unlink()
    assert result.code == 7
    for text in (result.out + result.err, listed, everything(desk).decode(errors="replace")):
        assert SECRET not in text


@pytest.mark.parametrize(
    "told",
    [
        "base64.b64encode(sys.argv[1].encode()).decode()",
        "base64.b64encode((sys.argv[1] + chr(10)).encode()).decode()",
        "base64.urlsafe_b64encode(sys.argv[1].encode()).decode()",
        "urllib.parse.quote(sys.argv[1])",
        "urllib.parse.quote_plus(sys.argv[1])",
        "urllib.parse.quote(sys.argv[1], safe='')",
    ],
)
def test_secret_that_the_command_prints_in_a_header_or_url_is_cut_out(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    monkeypatch.setenv("API_TOKEN", "to+ken/= 7é~")
    script(desk, f"import base64, urllib.parse\nprint('Authorization: Basic', {told}, file=sys.stderr); sys.exit(1)")
    add_source(desk, "./list.py", "mia:${env:API_TOKEN}")
    result = slactl("sync")
    assert result.code == 7
    assert re.search(r"exit code 1: Authorization: Basic (mia(:|%3A))?….{0,4}$", result.err), result.err


def test_secret_that_the_command_prints_as_a_column_is_cut_out(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", SECRET)
    script(desk, "print('ticket,created_at,' + sys.argv[1]); print('1,2026-03-02T08:00:00Z')")
    add_source(desk, "./list.py", "${env:API_TOKEN}", map_="csv")
    result = slactl("sync")
    assert (result.code, SECRET in result.err) == (7, False)
    assert "github:2:…: 2 cells, but the header has 3" in result.err


def test_missing_secret_fails_its_source_alone(desk: Path, slactl: Slactl) -> None:
    prints(desk, issues(1))
    add_source(desk, "./list.py", "${env:NOT_SET_ANYWHERE}", name="first")
    add_source(desk, name="second")
    result = slactl("sync", "-q")
    assert (result.code, result.err) == (7, "error: first: the environment variable NOT_SET_ANYWHERE is not set\n")
    assert len(tickets(desk)) == 1


def test_instant_is_filled_in_before_secrets_and_wherever_it_stands(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUERY", "{since}")
    script(desk, f"open({str(desk.with_name('given'))!r}, 'w').write(json.dumps(sys.argv[1:])); print('[]')")
    add_source(desk, "./list.py", "updated:>={since} or {since}", "${env:QUERY}", "{number} {}", "", "$HOME *")
    assert slactl("sync").code == 0
    beginning = "1970-01-01T00:00:00Z"
    assert json.loads(desk.with_name("given").read_text()) == [
        *(f"updated:>={beginning} or {beginning}", "{since}", "{number} {}", "", "$HOME *"),
    ]


def test_environment_is_that_of_messages(desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "http_proxy", "NETRC", "APPRISE_CONFIG"):
        monkeypatch.setenv(name, "http://192.0.2.1")
    monkeypatch.setenv("GH_CONFIG_DIR", "/etc/gh")
    given = desk.with_name("given")
    script(
        desk, f"json.dump([dict(os.environ), os.getcwd(), sys.stdin.read()], open({str(given)!r}, 'w')); print('[]')"
    )
    add_source(desk)
    assert slactl("sync", stdin="text of a person").code == 0
    environment, folder, stdin = json.loads(given.read_text())
    assert not {"HTTPS_PROXY", "http_proxy", "NETRC", "APPRISE_CONFIG"} & {*environment}
    assert (environment["GH_CONFIG_DIR"], environment["PYTHONSAFEPATH"]) == ("/etc/gh", "1")
    assert (folder, stdin) == ("/", "")


def test_nothing_in_the_working_directory_is_run_or_imported(
    desk: Path, slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, mark = tmp_path / "here", tmp_path / "mark"
    here.mkdir()
    for name in ("json.py", "sitecustomize.py"):
        (here / name).write_text(f"open({str(mark)!r}, 'w')\n")
    (here / "lister").write_text(f"#!/bin/sh\ntouch {mark}\n")
    (here / "lister").chmod(0o755)
    monkeypatch.chdir(here)
    monkeypatch.setenv("PATH", f".:{os.environ['PATH']}")
    add_source(desk, "lister", name="first")
    add_source(desk, sys.executable, "-c", "import json; print(json.dumps([]))", name="second")
    assert slactl("sync").code == 7
    assert [run["exit_code"] for run in runs(desk)] == [7, 0]
    assert not mark.exists()


# Who may change it.


def opened_rules(desk: Path) -> Path:
    desk.with_name("rules.toml").chmod(0o646)
    return desk.with_name("rules.toml")


def opened_folder(desk: Path) -> Path:
    desk.parent.parent.chmod(0o707)
    return desk.parent.parent


@pytest.mark.parametrize("harm", [opened_rules, opened_folder])
def test_no_command_runs_while_others_may_change_the_rules(
    desk: Path, slactl: Slactl, harm: Callable[[Path], Path]
) -> None:
    mark = desk.with_name("mark")
    script(desk, f"open({str(mark)!r}, 'w'); print({issues(1)!r})")
    add_source(desk)
    place = harm(desk)
    for options in ((), ("-q",), ("-n",)):
        result = slactl("sync", *options)
        assert (result.code, mark.exists()) == (7, False)
        assert f"error: {place}: everybody may " in result.err
        assert "no command of a source runs while others may change the rules" in result.err
        assert f"hint: chmod o-w {place}" in result.err
    assert [(run["exit_code"], run["error"]) for run in runs(desk)] == [(7, "others may change the rules")] * 2
    subprocess.run(["sh", "-c", f"chmod o-w {place}"], check=True)
    assert slactl("sync").code == 0
    assert (mark.exists(), runs(desk)[-1]["since"]) == (True, "1970-01-01T00:00:00Z")


def test_no_program_beside_the_rules_runs_that_others_may_change(desk: Path, slactl: Slactl) -> None:
    mark = desk.with_name("mark")
    program = script(desk, f"open({str(mark)!r}, 'w'); print({issues(1)!r})")
    add_source(desk)
    program.chmod(0o757)
    result = slactl("sync")
    what = f"{program}: everybody may change it; no program runs that others may change"
    assert (result.code, result.err) == (7, f"error: github: {what}\nhint: chmod o-w {program}\n")
    assert not mark.exists()
    assert what in slactl("rules", "check").err
    program.chmod(0o755)
    assert slactl("sync").code == 0


# Bounds.


def test_command_that_takes_too_long_is_killed_with_all_that_it_started(desk: Path, slactl: Slactl) -> None:
    started = desk.with_name("started")
    script(
        desk,
        f"""
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child:
    print({issues(1)!r}, flush=True)
    open({str(started)!r}, "w").write(f"{{os.getpid()}} {{child}}")
while True: signal.pause()
""",
    )
    add_source(desk, more='timeout = "1s"')
    result = slactl("sync")
    assert (result.code, result.err) == (7, "error: github: ./list.py was killed: it did not end within 1 s\n")
    assert [is_alive(int(process)) for process in started.read_text().split()] == [False, False]
    assert (tickets(desk), runs(desk)[0]["exit_code"]) == ([], 7)


def test_process_that_the_command_leaves_behind_does_not_hold_the_run(desk: Path, slactl: Slactl) -> None:
    started = desk.with_name("started")
    script(
        desk,
        f"""
child = os.fork()
if child:
    open({str(started)!r}, "w").write(str(child))
    print({issues(1)!r})
else:
    while True: signal.pause()
""",
    )
    add_source(desk, more='timeout = "60s"')
    assert (slactl("sync").code, len(tickets(desk))) == (0, 1)
    assert runs(desk)[0]["duration_ms"] < 30_000
    assert not is_alive(int(started.read_text()))


def test_command_that_closes_its_output_is_waited_for(desk: Path, slactl: Slactl) -> None:
    script(desk, "os.close(1); os.close(2); os._exit(3)")
    add_source(desk)
    result = slactl("sync")
    assert (result.code, result.err) == (7, "error: github: ./list.py ended with exit code 3\n")


def test_output_over_the_limit_ends_the_command() -> None:
    endless = [sys.executable, "-c", "import sys\nwhile True: sys.stdout.write('x' * 65536)"]
    output = io.BytesIO()
    ended = run_command(endless, Limits(60, 1_000_000), output)
    assert (ended.killed, len(output.getvalue())) == ("it printed more than 1,000,000 bytes", 1_000_000)
    whole = io.BytesIO()
    exact = run_command([sys.executable, "-c", "print('x' * 999_999)"], Limits(60, 1_000_000), whole)
    assert (exact.killed, exact.code, len(whole.getvalue())) == (None, 0, 1_000_000)


#: Runs a command that prints 400 MB to stdout and as much to stderr, and prints how much memory that took, in KiB.
MEASURED = """
import resource, sys, tempfile
from slactl.desk.programs.running import Limits, run_command
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
noise = "import os\\nfor _ in range(6400): os.write(1, b'x' * 65536); os.write(2, b'y' * 65536)"
with tempfile.TemporaryFile(buffering=0) as output:
    ended = run_command([sys.executable, "-c", noise], Limits(100, 1 << 30), output)
    print(output.tell(), ended.code, len(ended.errors), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_stays_flat_however_much_a_command_prints() -> None:
    done = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True)
    written, code, errors, grown = map(int, done.stdout.split())
    assert (written, code) == (6400 * 65536, 0)
    assert TAIL <= errors <= 2 * TAIL
    assert grown < 16_000


def test_full_temporary_folder_is_told_and_changes_nothing(desk: Path, slactl: Slactl) -> None:
    script(desk, "for _ in range(64): sys.stdout.write('x' * 65536)")
    add_source(desk)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 21, limit[1]))
    try:
        result = slactl("sync")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert result.code == 1
    assert "error: a temporary file cannot be written: File too large; set TMPDIR" in result.err
    assert tickets(desk) == []
    assert runs(desk)[0]["error"].startswith("a temporary file cannot be written")


# What is shown of its errors.


def test_noise_of_a_command_that_works_is_a_warning_and_silent_with_quiet(desk: Path, slactl: Slactl) -> None:
    script(desk, f"print('\\x1b[31m50 %\\r100 %\\x07\\n\\n', file=sys.stderr); print({issues(1)!r})")
    add_source(desk)
    assert "warning: github: 50 % / 100 %\n" in slactl("sync").err
    assert slactl("sync", "-q").err == ""


def test_only_the_end_of_long_errors_is_shown_on_one_line(desk: Path, slactl: Slactl) -> None:
    script(desk, "print('x' * 99 + chr(10), *('line %d\\n' % n for n in range(9999)), file=sys.stderr); sys.exit(2)")
    add_source(desk)
    result = slactl("sync")
    assert result.err == "error: github: ./list.py ended with exit code 2: line 9996 / line 9997 / line 9998\n"
    assert len(shown(b"x" * 9999, is_cut=False)) <= 501


def test_text_that_may_begin_in_the_middle_of_a_secret_is_not_shown(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONG", "sentinel" * 100)
    script(desk, "os.write(2, sys.argv[1].encode() * 2000); sys.exit(1)")
    add_source(desk, "./list.py", "${env:LONG}")
    result = slactl("sync")
    assert result.code == 7
    assert "sentinel" not in result.err
    assert shown(b"y" * SECRET_BYTES, is_cut=True) == ""


def test_characters_that_are_no_text_are_shown_as_such(desk: Path, slactl: Slactl) -> None:
    script(desk, "os.write(2, b'caf\\xe9 \\xe2\\x80\\xae'); sys.exit(1)")
    add_source(desk)
    err = slactl("sync").err
    assert re.search(r"exit code 1: caf. ⟨U\+202E⟩\n$", err), err


# Signals and kills.


def started(desk: Path, *arguments: str) -> tuple["subprocess.Popen[str]", list[int]]:
    """Start a sync whose command waits for ever; return it, and the processes of the command."""
    pipe = desk.with_name("pipe")
    os.mkfifo(pipe)
    script(
        desk,
        f"""
child = os.fork()
if child:
    with open({str(pipe)!r}, "w") as told: told.write(f"{{os.getpid()}} {{child}}")
while True: signal.pause()
""",
    )
    add_source(desk)
    process = subprocess.Popen(
        [sys.executable, "-m", "slactl", "sync", *arguments], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return process, [int(each) for each in pipe.read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_ends_the_command_and_the_run_says_so(desk: Path, slactl: Slactl, number: signal.Signals) -> None:
    process, running = started(desk)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "error: interrupted\n")
    assert not any(map(is_alive, running))
    (run,) = runs(desk)
    assert (run["exit_code"], run["error"]) == (130, "it was interrupted")
    prints(desk, issues(1))
    assert slactl("sync").code == 0


def test_killed_run_changes_nothing_and_the_next_one_does_all(desk: Path, slactl: Slactl) -> None:
    process, running = started(desk)
    process.kill()
    process.communicate(timeout=60)
    os.killpg(running[0], signal.SIGKILL)
    (run,) = runs(desk)
    assert (run["ended_at"], run["error"], tickets(desk)) == (None, None, [])
    found = [
        each["found"] for each in json.loads(slactl("doctor", "--json").out)["checks"] if each["check"] == "source"
    ]
    assert found == [f"github: the sync of {run['started_at']} was killed"]
    prints(desk, issues(1))
    assert slactl("sync").code == 0
    assert runs(desk)[1]["since"] == "1970-01-01T00:00:00Z"


def test_command_ends_by_itself_if_slactl_is_killed(desk: Path) -> None:
    """The timer of a command goes on without slactl; the two seconds more are slactl's own."""
    pipe = desk.with_name("pipe")
    os.mkfifo(pipe)
    script(desk, f"told = open({str(pipe)!r}, 'w'); told.write(str(os.getpid())); told.flush(); signal.pause()")
    add_source(desk, more='timeout = "1s"')
    process = subprocess.Popen([sys.executable, "-m", "slactl", "sync"], stderr=subprocess.DEVNULL)
    with pipe.open() as stream:
        first = stream.read(1)
        process.kill()
        process.wait()
        rest = stream.read()  # until the command is gone
    assert not is_alive(int(first + rest))
