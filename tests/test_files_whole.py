"""Files are written whole and through descriptors, whoever may write to their folder; only regular ones are read."""

import fcntl
import grp
import os
import pwd
import shlex
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Slactl

from slactl import files
from slactl.__main__ import run
from slactl.desk.upkeep.environment import lock_holder

MEMBER, COLLEAGUE, GROUP = 51_001, 51_002, 51_900

#: How long a command may take that must not hang, in seconds.
PATIENCE = 20

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be other users")


def command(*words: str, before: str = "", **options: object) -> "subprocess.CompletedProcess[str]":
    """Run slactl in a process of its own, after some Python."""
    program = f"import sys\n{before}\nfrom slactl.__main__ import main\nmain()"
    arguments = [sys.executable, "-P", "-c", program, *words]
    return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=PATIENCE, **options)  # type: ignore[call-overload, no-any-return]


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that root owns and a group may write to, as one of a shared desk."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as base:
        os.chmod(base, 0o755)
        folder = Path(base) / "desk"
        folder.mkdir()
        os.chown(folder, 0, GROUP)
        folder.chmod(0o2770)
        yield folder


#: Before each call that looks like a step of writing a file, a member of the group swaps everything in the folder that
#: begins with a dot, or everything, for a link to the victim.
SWAPPING = """
import os
folder, victim, everything = {folder!r}, {victim!r}, {everything!r}
STEPS = ("os.chmod", "os.chown", "os.rename", "os.link", "os.remove", "os.rmdir", "os.truncate", "open", "fcntl.flock")
swapping = False

def swap():
    os.setgroups([{group}])
    os.setgid({member})
    os.setuid({member})
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if (everything or name.startswith(".")) and not os.path.islink(path) and name != ".aside":
            os.rename(path, os.path.join(folder, ".aside", f"{{name}}-{{os.urandom(4).hex()}}"))
            os.symlink(victim, path)

def watch(event, arguments):
    global swapping
    if event not in STEPS or swapping or not any(each != ".aside" for each in os.listdir(folder)):
        return
    if event == "open" and not str(arguments[0]).startswith(("new", ".", folder)):
        return
    swapping = True
    child = os.fork()
    if child == 0:
        try:
            swap()
        except OSError:
            pass
        os._exit(0)
    os.waitpid(child, 0)
    swapping = False

sys.addaudithook(watch)
"""

WRITING = {
    "rules set": ("rules", "set", "settings.due_soon", "4h"),
    "init": ("init", "--force"),
    "metrics": ("check", "--metrics", "{folder}/slactl.prom"),
    "report": ("report", "--html", "{folder}/page.html"),
    "backup": ("backup", "{folder}/copy.db"),
    "backup over another": ("backup", "--force", "{folder}/other.db"),
}


@pytest.mark.full
@needs_root
@pytest.mark.parametrize("everything", [False, True], ids=["the drafts", "everything"])
@pytest.mark.parametrize("whose", ["root's", "a colleague's", "another desk"])
@pytest.mark.parametrize("what", WRITING)
def test_a_member_who_swaps_links_in_never_reaches_what_belongs_to_others(
    desk: Path, slactl: Slactl, shared: Path, monkeypatch: pytest.MonkeyPatch, what: str, whose: str, everything: bool
) -> None:
    victim = shared.parent / ".bashrc"
    if whose == "another desk":
        assert slactl("--db", str(victim), "init").code == 0
    else:
        victim.write_text("precious")
    victim.chmod(0o644 if whose == "a colleague's" else 0o600)
    if whose == "a colleague's":
        os.chown(victim, COLLEAGUE, COLLEAGUE)
    (shared / ".aside").mkdir()
    (shared / ".aside").chmod(0o777)
    for name in ("rules.toml", "slactl.prom", "page.html", "other.db"):
        (shared / name).write_bytes(desk.with_name("rules.toml").read_bytes())
    monkeypatch.setenv("SLACTL_RULES", str(shared / "rules.toml"))
    before, status = victim.read_bytes(), victim.stat()
    swapping = SWAPPING.format(
        folder=str(shared), victim=str(victim), everything=everything, group=GROUP, member=MEMBER
    )
    done = command(*(word.format(folder=shared) for word in WRITING[what]), before=swapping)
    assert "Traceback" not in done.stderr
    after = victim.stat()
    assert victim.read_bytes() == before
    assert (after.st_mode, after.st_uid, after.st_gid) == (status.st_mode, status.st_uid, status.st_gid)


@pytest.mark.full
@needs_root
@pytest.mark.parametrize("where", ["a folder on the way", "the file itself"])
def test_a_link_that_a_member_planted_is_not_followed(
    desk: Path, slactl: Slactl, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    private = tmp_path / "private"
    private.mkdir()
    target = private / "rules.toml"
    target.write_bytes(desk.with_name("rules.toml").read_bytes())
    link = shared / ("way" if where == "a folder on the way" else "rules.toml")
    link.symlink_to(private if where == "a folder on the way" else target)
    os.chown(link, MEMBER, MEMBER, follow_symlinks=False)
    named = link / "rules.toml" if where == "a folder on the way" else link
    monkeypatch.setenv("SLACTL_RULES", str(named))
    before = target.read_text()
    refused = slactl("rules", "set", "settings.due_soon", "4h")
    assert (refused.code, len(refused.err.splitlines())) == (1, 2)
    assert "it is a symbolic link that others may change" in refused.err
    told = slactl("check", "--metrics", str(named))
    assert told.code == 7
    assert "it is a symbolic link that others may change" in told.err
    assert target.read_text() == before


def test_a_link_of_ones_own_is_followed_by_rules_set_and_stays_a_link(
    desk: Path, slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dotfiles, home = tmp_path / "dotfiles", tmp_path / "config"
    dotfiles.mkdir()
    home.symlink_to(dotfiles)
    real, link = dotfiles / "rules-of-mine.toml", dotfiles / "rules.toml"
    real.write_bytes(desk.with_name("rules.toml").read_bytes())
    link.symlink_to(real.name)
    monkeypatch.setenv("SLACTL_RULES", str(home / "rules.toml"))
    done = slactl("rules", "set", "settings.due_soon", "7h")
    assert done.code == 0, done.err
    assert link.is_symlink()
    assert 'due_soon = "7h"' in real.read_text()
    assert sorted(path.name for path in dotfiles.iterdir()) == ["rules-of-mine.toml", "rules.toml"]


@pytest.mark.full
@needs_root
@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_rules_that_root_edits_stay_their_owners(desk: Path, slactl: Slactl, mode: int) -> None:
    rules = desk.with_name("rules.toml")
    os.chown(rules, MEMBER, GROUP)
    rules.chmod(mode)
    assert slactl("rules", "set", "settings.due_soon", "7h").code == 0
    found = rules.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (mode, MEMBER, GROUP)


def as_user(number: int, what: Callable[[], int]) -> int:
    """Do something in a process of a member of the group; returns the exit code."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.setgroups([GROUP])
            os.setgid(number)
            os.setuid(number)
            code = what()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.full
@needs_root
def test_members_of_a_group_edit_rules_in_turn_that_are_to_be_shared(
    desk: Path, slactl: Slactl, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = shared / "rules.toml"
    rules.write_bytes(desk.with_name("rules.toml").read_bytes())
    os.chown(rules, 0, GROUP)
    rules.chmod(0o664)
    monkeypatch.setenv("SLACTL_RULES", str(rules))
    assert slactl("rules", "set", "settings.due_soon", "3h").code == 0
    for who, value in ((MEMBER, "4h"), (COLLEAGUE, "5h"), (0, "6h"), (MEMBER, "7h")):
        assert as_user(who, lambda value=value: run(["rules", "set", "settings.due_soon", value])) == 0  # type: ignore[misc]
        found = rules.stat()
        assert f'due_soon = "{value}"' in rules.read_text()
        assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o664, GROUP)
        assert os.listdir(shared) == ["rules.toml"]


@pytest.mark.full
@needs_root
def test_a_member_backs_up_into_a_folder_of_everybody_that_is_sticky(shared: Path, slactl: Slactl) -> None:
    database, everybodys = shared / "slactl.db", shared.parent / "tmp"
    everybodys.mkdir()
    everybodys.chmod(0o1777)
    assert slactl("--db", str(database), "init").code == 0
    os.chown(database, 0, GROUP)
    database.chmod(0o660)
    for words in (["--db", str(database), "backup", str(everybodys / "warm.db")], ["--db", str(database), "doctor"]):
        run(words)
    copy = everybodys / "copy.db"
    assert as_user(MEMBER, lambda: run(["--db", str(database), "backup", str(copy)])) == 0
    assert (copy.stat().st_uid, stat.S_IMODE(copy.stat().st_mode)) == (MEMBER, 0o600)
    assert as_user(MEMBER, lambda: run(["--db", str(database), "backup", str(shared / "copy.db")])) == 5
    assert sorted(os.listdir(everybodys)) == ["copy.db", "warm.db"]


@pytest.mark.full
@needs_root
def test_a_group_that_a_file_cannot_be_given_to_leaves_no_other_group_its_rights(shared: Path) -> None:
    shared.chmod(0o777)
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(MEMBER)
        os.setuid(MEMBER)
        files.write_whole(shared / "file", b"x", mode=0o664, group=0)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert stat.S_IMODE((shared / "file").stat().st_mode) == 0o644


NO_HARD_LINKS = """
import os
def refuse(*_, **__):
    raise PermissionError(1, "Operation not permitted")
os.link = refuse
"""


def test_a_file_system_without_hard_links_will_do(desk: Path, tmp_path: Path) -> None:
    for words in (
        ("backup", str(tmp_path / "copy.db")),
        ("report", "--html", str(tmp_path / "page.html")),
        ("--rules", str(tmp_path / "new.toml"), "--db", str(tmp_path / "new.db"), "init"),
    ):
        assert command(*words, before=NO_HARD_LINKS).returncode == 0, words
        again = command(*words, before=NO_HARD_LINKS)
        assert again.returncode == (0 if words[-1] == "init" else 5), words
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "desk") == [
        "copy.db",
        "new.db",
        "new.toml",
        "page.html",
    ]


@pytest.mark.parametrize("kind", ["pipe", "folder", "link to a pipe"])
def test_metrics_replace_nothing_but_a_regular_file(desk: Path, slactl: Slactl, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "slactl.prom"
    if kind == "pipe":
        os.mkfifo(target)
    elif kind == "folder":
        target.mkdir()
    else:
        os.mkfifo(tmp_path / "pipe")
        target.symlink_to("pipe")
    before = target.lstat()
    told = slactl("check", "-q", "--metrics", str(target))
    assert told.code == 7
    assert len(told.err.splitlines()) == 1
    after = target.lstat()
    assert (after.st_mode, after.st_ino) == (before.st_mode, before.st_ino)


def test_metrics_of_a_run_that_another_keeps_out_stay_as_they_are(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    metrics, lock = tmp_path / "slactl.prom", desk.with_name("slactl.db.lock")
    assert slactl("check", "-q", "--metrics", str(metrics)).code == 0
    before = metrics.stat()
    with open(lock, "r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        kept_out = slactl("check", "-q", "--metrics", str(metrics))
    assert (kept_out.code, kept_out.out, kept_out.err) == (75, "", "")
    assert (metrics.stat().st_ino, metrics.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.full
@needs_root
def test_a_file_that_is_put_in_the_place_of_the_run_lock_is_not_opened_to_the_group(
    desk: Path, slactl: Slactl, shared: Path
) -> None:
    database = shared / "slactl.db"
    database.write_bytes(desk.read_bytes())
    os.chown(database, 0, GROUP)
    database.chmod(0o660)
    lock = shared / "slactl.db.lock"
    for plant in (
        lambda: lock.write_text("secret"),
        lambda: (shared / "other").touch() or lock.hardlink_to(shared / "other"),
    ):
        plant()
        lock.chmod(0o600)
        slactl("--db", str(database), "check", "-q")
        assert stat.S_IMODE(lock.stat().st_mode) == 0o600
        lock.unlink()
    assert slactl("--db", str(database), "check", "-q").code == 0
    assert (stat.S_IMODE(lock.stat().st_mode), lock.stat().st_gid) == (0o660, GROUP)


@pytest.mark.full
@needs_root
def test_an_outsider_keeps_nobody_from_editing_the_rules(desk: Path, slactl: Slactl) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as base:
        os.chmod(base, 0o755)
        rules = Path(base) / "rules.toml"
        rules.write_bytes(desk.with_name("rules.toml").read_bytes())
        holder = (
            "import fcntl, os, sys; [fcntl.flock(os.open(each, os.O_RDONLY), 2) for each in sys.argv[1:]];"
            "print(flush=True); input()"
        )
        arguments = ["/usr/bin/env", "python3", "-c", holder, base, str(rules)]
        with subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            user=MEMBER,
            group=MEMBER,
            extra_groups=[],
            cwd="/",
        ) as outsider:
            assert outsider.stdout is not None
            assert outsider.stdout.readline() == b"\n"
            done = slactl("--rules", str(rules), "rules", "set", "settings.due_soon", "7h")
            outsider.communicate(b"\n")
        assert done.code == 0, done.err
        assert os.listdir(base) == ["rules.toml"]


def put(kind: str, path: Path) -> None:
    """Put something in the place of a file that is no regular one, or is far too large."""
    path.unlink(missing_ok=True)
    if kind == "named pipe":
        os.mkfifo(path)
    elif kind == "socket":
        os.mknod(path, stat.S_IFSOCK | 0o600)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        with path.open("wb") as stream:
            stream.truncate(10 << 30)


KINDS = ("named pipe", "socket", "device", "folder", "huge file")

READING_RULES = (
    ("check",),
    ("create", "Printer", "--from", "ann@example.com"),
    ("rules", "check"),
    ("rules", "show"),
    ("rules", "set", "settings.due_soon", "4h"),
    ("rules", "apply", "--yes"),
    ("tenant", "add", "acme"),
    ("list", "@mine"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_regular_file_is_no_rules_and_stops_nobody(desk: Path, slactl: Slactl, kind: str) -> None:
    assert slactl("create", "Printer", "--from", "ann@example.com", "--at", "3d ago").code == 0
    put(kind, desk.with_name("rules.toml"))
    for words in READING_RULES if kind == "named pipe" else READING_RULES[:2]:
        done = command(*words)
        assert done.returncode == 4, (words, done)
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, done.stderr
        assert "Traceback" not in done.stderr
    assert command("list", "-q").returncode == 0
    assert command("doctor").returncode == 7
    assert slactl("runs", "list", "--json").out.count('"exit_code": 4') == 1


def test_what_is_in_the_place_of_ones_own_rules_is_not_passed_over(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Path(os.environ["HOME"]) / ".config" / "slactl" / "rules.toml"
    own.parent.mkdir(parents=True)
    os.mkfifo(own)
    monkeypatch.delenv("SLACTL_RULES")
    refused = slactl("create", "Printer", "--from", "ann@example.com")
    assert (refused.code, f"{own} cannot be read: it is not a regular file" in refused.err) == (4, True)


READING = {
    "import": (("import", "{file}"), 2),
    "simulate": (("simulate", "{file}"), 2),
    "map": (("import", "-", "--map", "{file}"), 2),
    "simulate --rules": (("simulate", "-", "--rules", "{file}"), 4),
    "simulate --compare": (("simulate", "-", "--compare", "{file}"), 4),
    "rules test": (("rules", "test", "{file}"), 4),
}


@pytest.mark.parametrize("kind", ["named pipe", "device", "folder"])
@pytest.mark.parametrize("what", READING)
def test_what_is_read_is_a_regular_file(desk: Path, tmp_path: Path, what: str, kind: str) -> None:
    file = tmp_path / "some file"
    put(kind, file)
    words, code = READING[what]
    done = command(*(word.format(file=file) for word in words), stdin=subprocess.DEVNULL)
    assert done.returncode == code, done.stderr
    assert f"{file} cannot be read: " in done.stderr
    assert [line.split(":")[0] for line in done.stderr.splitlines()] in (["error", "hint"], ["error"])


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="needs bash")
def test_a_pipe_that_the_shell_makes_is_refused_with_the_way_that_works(desk: Path, tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    history.write_text('{"ticket": "A-1", "at": "2026-03-02T09:00:00Z", "type": "created"}\n')
    slactl = f"{shlex.quote(sys.executable)} -m slactl"
    arguments = ["/bin/bash", "-c", f"{slactl} import <(cat {shlex.quote(str(history))})"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 2
    assert "it is not a regular file" in done.stderr
    hint = done.stderr.splitlines()[1].removeprefix("hint: ")
    assert hint.startswith("cat /dev/fd/")
    piped = f"cat {shlex.quote(str(history))} | {slactl} import -"
    assert subprocess.run(["/bin/bash", "-c", piped], check=False, timeout=PATIENCE).returncode == 0


@pytest.mark.parametrize("end", ["-journal", "-wal", "-shm"])
@pytest.mark.parametrize("kind", ["pipe", "link to a pipe"])
def test_a_pipe_beside_the_database_stops_nobody(
    desk: Path, slactl: Slactl, tmp_path: Path, end: str, kind: str
) -> None:
    slactl("list")
    beside, pipe = desk.with_name(desk.name + end), tmp_path / "pipe"
    beside.unlink(missing_ok=True)
    os.mkfifo(beside if kind == "pipe" else pipe)
    if kind != "pipe":
        beside.symlink_to(pipe)
    for words in (("list",), ("check",), ("doctor",), ("init",)):
        arguments = [sys.executable, "-m", "slactl", *words]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert (done.returncode, f"{beside} is not a regular file" in done.stdout + done.stderr) == (6, True), words


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_completion_is_not_installed_in_the_home_of_somebody_else(tmp_path: Path) -> None:
    home, victim = tmp_path / "home", tmp_path / "victim"
    home.mkdir()
    victim.write_text("mine")
    (home / ".bashrc").symlink_to(victim)
    os.chown(home, MEMBER, -1)
    command = f"{shlex.quote(sys.executable)} -m slactl --install-completion; exit $?"
    environment = os.environ | {"HOME": str(home), "SHELL": "/bin/bash"}
    done = subprocess.run(
        ["/bin/bash", "-c", command], env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert (done.returncode, "belongs to somebody else" in done.stderr, victim.read_text()) == (5, True, "mine")


#: Says, whenever the rules are opened, whether somebody else could take the write lock of the database then.
WATCHED = """
import os, sqlite3
reading = False

def watch(event, arguments):
    global reading
    if event == "open" and str(arguments[0]) == os.environ["SLACTL_RULES"] and not reading:
        reading = True
        other = sqlite3.connect(os.environ["SLACTL_DB"], timeout=0, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
            print("free", file=sys.stderr)
        except sqlite3.OperationalError:
            print("held", file=sys.stderr)
        other.close()
        reading = False

sys.addaudithook(watch)
"""


@pytest.mark.parametrize(
    "words",
    [
        ("check",),
        ("create", "Mouse", "--from", "ann@example.com"),
        ("note", "1", "--body", "x"),
        ("resolve", "1"),
        ("tenant", "add", "acme"),
        ("rules", "apply", "--yes"),
        ("escalate", "1", "--reason", "angry"),
        ("silence", "add", "--ticket", "1", "--for", "1h"),
        ("doctor", "--rebuild"),
    ],
    ids=" ".join,
)
def test_rules_are_read_before_the_write_lock_is_taken(desk: Path, slactl: Slactl, words: tuple[str, ...]) -> None:
    assert slactl("create", "Printer", "--from", "ann@example.com", "--at", "3d ago").code == 0
    done = command(*words, before=WATCHED)
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if line in ("free", "held")]
    assert said
    assert "held" not in said


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs /proc, to know that the run has begun")
def test_a_check_that_waits_for_another_writer_leaves_when_it_is_told_to(desk: Path, slactl: Slactl) -> None:
    assert slactl("create", "Printer", "--from", "ann@example.com", "--at", "3d ago").code == 0
    with closing(sqlite3.connect(desk, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        arguments = [sys.executable, "-m", "slactl", "check"]
        with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as waiting:
            while lock_holder(desk.with_name("slactl.db.lock")) is None:
                assert waiting.poll() is None
            waiting.send_signal(signal.SIGTERM)
            _, told = waiting.communicate(timeout=PATIENCE)
        assert waiting.returncode == 130, told
        other.execute("ROLLBACK")
    assert slactl("check").code == 0


def test_a_device_is_not_even_opened(tmp_path: Path) -> None:
    """Opening a named pipe lets its writer go on, and opening a device may act on it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    script = "import os, sys; print(flush=True); os.open(sys.argv[1], os.O_WRONLY); print('opened', flush=True)"
    with subprocess.Popen([sys.executable, "-c", script, str(pipe)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(OSError, match="it is not a regular file"):
            files.open_regular(pipe)
        assert writer.poll() is None
        writer.kill()
        assert writer.stdout.read() == b""


@pytest.mark.parametrize(
    ("mode", "owner", "others"),
    [
        (0o700, 0, False),
        (0o755, 0, False),
        (0o775, 0, True),
        (0o757, 0, True),
        (0o1777, 0, False),
        (0o700, MEMBER, True),
    ],
)
def test_who_may_replace_what_is_in_a_folder(tmp_path: Path, mode: int, owner: int, others: bool) -> None:
    found = os.stat_result((stat.S_IFDIR | mode, 1, 1, 2, owner or os.geteuid(), GROUP, 0, 0, 0, 0))
    assert files.others_may_replace(found) is others
    assert files.others_may_replace(found, tmp_path) is others


def test_the_group_that_a_user_is_alone_in_counts_as_the_user(tmp_path: Path) -> None:
    user = pwd.getpwuid(os.geteuid())
    if grp.getgrgid(user.pw_gid).gr_name != user.pw_name or any(
        each.pw_gid == user.pw_gid and each.pw_uid != user.pw_uid for each in pwd.getpwall()
    ):
        pytest.skip("this user has no group alone")
    tmp_path.chmod(0o775)
    os.chown(tmp_path, -1, user.pw_gid)
    assert files.others_may_replace(tmp_path.stat())
    assert not files.others_may_replace(tmp_path.stat(), tmp_path)
