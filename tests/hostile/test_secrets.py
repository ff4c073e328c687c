"""Secrets: out of the environment and files to the receiver of a message, and nowhere else."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Receiver, Receivers, Slactl, until, write_secret
from payloads import harm

from slactl.cli.app import COMMANDS, GROUPS, app
from slactl.desk.messages.sender import is_plain
from slactl.desk.programs import secrets
from slactl.sla.rules import addresses

RULES = """
schema = 1
[settings]
heartbeat = "${{env:BEAT}}"
customer_mail = "${{env:MAIL}}"
send_timeout = "5s"
[calendars.always]
always_open = true
[[policy]]
name = "all"
calendar = "always"
targets = {{ default = {{ first_response = "1h", resolution = "200h" }} }}
[roles.lead]
notify = ["${{env:HOOK}}", "jsons://${{env:LOGIN}}@127.0.0.1:1/${{file:token}}", "${{env:UNKNOWN}}"]
[roles.backup]
notify = ["json://user:${{file:token}}@127.0.0.1:{port}/ok/{name}?-key=${{env:LOGIN}}"]
[people.mia]
notify = ["${{file:nothing}}"]
[mail]
address = "support@example.com"
[[source]]
name = "talkative"
map = "csv"
command = ["sh", "-c", "echo $1 $2 >&2; exit 1", "sh", "${{env:LOGIN}}", "x${{file:token}}"]
[[source]]
name = "broken"
map = "csv"
command = ["cat", "/dev/null", "${{env:HOOK}}"]
[[escalation]]
id = "first"
on = "first_response"
fallback = "backup"
[[escalation.level]]
id = "breach"
at = "0m"
notify = ["lead", "mia", "requester"]
"""

#: Each has the word; none may be seen.
WORD = "SENTINEL"


@pytest.fixture
def leaky(desk: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A desk with a late ticket, whose every address has a secret in it, with receivers that refuse and that take."""
    refusing, taking = receiver("500"), receiver("ok")
    monkeypatch.setenv("HOOK", refusing.url.replace("//", f"//user:{WORD}1@") + f"?-token={WORD}2")
    monkeypatch.setenv("LOGIN", f"user:{WORD}3")
    monkeypatch.setenv("UNKNOWN", f"nosuch://{WORD}4")
    monkeypatch.setenv("BEAT", f"http://127.0.0.1:1/{WORD}5")
    monkeypatch.setenv("MAIL", f"mailto://user:{WORD}6@127.0.0.1:1?from=desk@example.com&mode=insecure")
    write_secret(desk, "token", f"{WORD}7\n")
    desk.with_name("rules.toml").write_text(RULES.format(port=taking.port, name=taking.name))
    assert slactl("create", "x", "--from", "ann@example.com", "--at", "2h ago").code == 0
    return desk


#: Every command, and what it is given; the words of a shell, with FOLDER for a folder of its own.
COMMANDS_RUN = """
check --metrics FOLDER/metrics
check --json
check --dry-run
map check csv
create y --from bob@example.com
list --json
show 1 --json
show 1
reply 1 --body x
note 1 --body x
receive 1 --body x
mail
assign 1 --to mia
priority 1 high
status 1 open
tag 1 --add x
edit 1 --subject z
due 1 --target resolution --at "in 4h" --reason x
escalate 1 --reason x
ack 1
unack 1
resolve 2
reopen 2
close 2
summary --json
explain 1 --json
report --html FOLDER/report.html
board FOLDER/board.html
board -
report --json
objectives --json
export
export --format csv
sync
sync --json
sync -n
import FOLDER/history.jsonl
simulate FOLDER/history.jsonl --json
history 1 --json
audit list --json
audit verify
notifications list --json
notifications list
notifications retry 1
notifications drop 1
notify test lead
notify test lead --json
notify test backup
notify test mia
notify test lead -n
silence add --ticket 1 --for 1h
silence list
silence expire 1
runs list --json
runs show 1 --json
rules check
rules check --json
rules show --json
rules diff --json
rules apply -n
rules test FOLDER/tests.toml
rules set settings.due_soon 3h -n
calendar show always
calendar add always now 4h
calendar between always "2h ago" now
calendar is-open always now
oncall
oncall now
oncall list --json
oncall show none
oncall override none --to mia --from now --until "in 1h"
oncall away mia --from now --until "in 1h"
oncall export none
oncall remove 1
tenant add acme
tenant set acme --plan pro
tenant list
tenant show acme
doctor
doctor --json
doctor --rebuild
backup FOLDER/backup.db
undo 5 -n
rules path
restore FOLDER/backup.db --yes
erase --requester bob@example.com --yes
watch
init
help
help messages
"""


def test_no_command_is_left_out() -> None:
    import typer

    run: set[tuple[str, ...]] = {tuple(line.split()[:2]) for line in COMMANDS_RUN.strip().split("\n")}
    group: Any = typer.main.get_command(app)
    there: set[tuple[str, ...]] = {(name,) for name in COMMANDS if name != "demo"}
    for name in GROUPS:
        there |= {(name, command) for command in group.get_command(None, name).commands}
    assert {words for words in there if not any(each[: len(words)] == words for each in run)} == set()


def test_no_secret_comes_out_of_any_command(leaky: Path, slactl: Slactl, tmp_path: Path) -> None:
    import shlex

    (tmp_path / "history.jsonl").write_text(slactl("export").out)
    (tmp_path / "tests.toml").write_text('[[test]]\nname = "x"\nhistory = []\n')
    shown, log = {}, b""
    # A reader keeps the write-ahead log from being taken into the database.
    reader = sqlite3.connect(leaky)
    reader.execute("BEGIN")
    reader.execute("SELECT COUNT(*) FROM ticket").fetchone()
    for line in COMMANDS_RUN.strip().split("\n"):
        letter = "From: bob@example.com\nTo: support@example.com\n\nx\n" if line == "mail" else ""
        result = slactl("--debug", *shlex.split(line.replace("FOLDER", str(tmp_path))), stdin=letter)
        assert result.code in (0, 2, 3, 4, 5, 7), (line, result)
        assert "Traceback" not in result.err, result.err
        shown[line] = result.out + result.err
        if not log:
            log = leaky.with_name("slactl.db-wal").read_bytes()
            reader.close()
    checked = shown["check --metrics FOLDER/metrics"]
    assert all(why in checked for why in ("HTTP 500", "connection refused", "Apprise does not know"))
    errors = [each["error"] for each in json.loads(shown["notifications list --json"]) if each["error"]]
    assert errors
    assert all("…" in error or "${" in error for error in errors)
    assert [line for line, text in shown.items() if WORD in text] == []
    assert b"first_response_sla_breached" in log
    assert WORD.encode() not in log
    assert {"metrics", "report.html", "backup.db"} <= {path.name for path in tmp_path.iterdir()}
    kept = [*tmp_path.iterdir(), *leaky.parent.glob("slactl.db*")]
    assert [path.name for path in kept if path.is_file() and WORD.encode() in path.read_bytes()] == []


LITERAL = ("slack://T1JHGJ4H5G/A1BRTD4JD/SENTINELa1b2c3d4e5f6g7h8", "mailtos://ann:SENTINEL@smtp.example.com",
           "jsons://example.com/hook?token=SENTINEL", "tgram://123456789:SENTINELa1b2c3d4e5f6",
           "jsons://hooks.example.com/x?+X-Api-Key=hunter2SENTINEL", "jsons://hooks.example.com/x?-key=SENTINEL",
           "jsons://hooks.example.com/x?sig=SENTINEL", "jsons://hooks.example.com/x?access=SENTINEL",
           "jsons://hooks.example.com/x?:text=SENTINEL", "jsons://hooks.example.com/x?SENTINEL",
           "jsons://SENTINELtoken@host.example/x", "jsons://host.example:SENTINEL/x",
           "jsons://host.example/a/SENTINEL@b", "pover://SENTINELuser@SENTINELtokenletters",
           "slack://T1JHGJ4H5G/A1BRTD4JDXX/SENTINELabcdefghijklmnop", "slack://${SENTINEL}",
           "tgram://123456789:SENTINELabcdefghijklmnopqrs/1", "gotifys://host.example/SENTINELabc12",
           "gotifys://SENTINEL@host.example/${env:HOOK}", "gotifys://SENTINEL/SENTINEL",
           "jsons://h.example/%53ENTINELabcdef123456", "jsons://h.example/%2553ENTINELabcdef123456",
           "jsons://h.example/x?s%69g=SENTINEL", "mailtos://smtp.example.com?user=ann&pass=SENTINEL",
           "${env:HOOK}/SENTINEL", "${env:HOOK}?key=SENTINEL",
           "${env:HOOK}://SENTINEL", "jsons://h.example/x?+Authorization=Bearer%20SENTINEL${env:HOOK}")  # fmt: skip


@pytest.mark.parametrize("url", [LITERAL[0], *(pytest.param(url, marks=pytest.mark.full) for url in LITERAL[1:])])
@pytest.mark.parametrize(
    "place",
    ['[roles.lead]\nnotify = ["URL"]', '[people.mia]\nnotify = ["URL"]', '[settings]\nheartbeat = "URL"',
     '[settings]\ncustomer_mail = "URL"', '[roles.lead]\nnotify = "URL"', '[roles.lead]\nnotify = [["URL"]]',
     '[roles.lead]\nnotify = { a = "URL" }', '[roles.lead]\nnotify = ["URL", "URL]'],
)  # fmt: skip
def test_a_secret_in_the_rules_is_an_error_that_does_not_tell_it(
    desk: Path, slactl: Slactl, place: str, url: str
) -> None:
    slactl("create", "x", "--from", "ann@example.com")
    path = desk.with_name("rules.toml")
    path.write_text(f"schema = 1\n{place.replace('URL', url)}\n")
    commands = ("rules check", "create x --from ann@example.com", "check", "doctor --json", "notify test lead",
                "rules show", "rules diff", "rules set schema 1")  # fmt: skip
    for words in map(str.split, commands):
        result = slactl("--debug", *words)
        assert result.code in (4, 7), (words, result)
        assert WORD not in result.out + result.err, words
    assert not [each for each in desk.parent.glob("slactl.db*") if WORD.encode() in each.read_bytes()]


@pytest.mark.parametrize("url", LITERAL)
def test_a_secret_cannot_be_set_and_is_not_repeated(desk: Path, slactl: Slactl, url: str) -> None:
    for value in (f'["{url}"]', url, f'["{url}', f'{{ a = "{url}" }}'):
        result = slactl("rules", "set", "roles.support_manager.notify", value)
        assert result.code in (2, 4)
        assert WORD not in result.out + result.err


def test_what_an_earlier_slactl_let_through_is_not_shown(desk: Path, slactl: Slactl) -> None:
    slactl("create", "x", "--from", "ann@example.com")
    path = desk.with_name("rules.toml")
    hidden = [url for url in LITERAL if "%53" not in url and "%2553" not in url]
    comments = "".join(f"# notify = ['{url}']\n" for url in hidden)
    path.write_text(path.read_text().replace("due_soon =", f"{comments}due_soon ="))
    told = slactl("rules", "set", "settings.due_soon", "3h")
    assert (told.code, 'due_soon = "3h"' in told.out, WORD in told.out) == (0, True, False)
    roles = f"[people.mia]\nnotify = {json.dumps(hidden)}\n[roles.support_manager]\nnotify = {json.dumps(hidden)}\n"
    with sqlite3.connect(desk) as connection:
        connection.execute("UPDATE rules_version SET canonical = ?", [f"schema = 1\n{roles}"])
    for form in ("table", "json", "csv"):
        told = slactl("rules", "diff", "--format", form)
        assert (told.code, "mailtos://…" in told.out, WORD in told.out) == (0, True, False), told


def test_options_that_may_stand_in_the_rules_are_secret_with_no_service_on_this_machine() -> None:
    """Compare the lists of schemes and options with what the installed Apprise says of its services."""
    import apprise

    found: Any = apprise.Apprise().details(show_disabled=True)  # type: ignore[no-untyped-call]
    readable = {*addresses.MAIL_SCHEMES, *addresses.SYSLOG_SCHEMES, *addresses.WEB_SCHEMES}
    known = set()
    for service in found["schemas"]:
        details, schemes = service["details"], {*(service["protocols"] or ()), *(service["secure_protocols"] or ())}
        if schemes.isdisjoint(readable):
            continue
        known |= schemes
        private = {name for name, token in details["tokens"].items() if token.get("private")}
        for name in addresses.OPTIONS:
            option = details["args"].get(name, {})
            assert not option.get("private"), (schemes, name)
            assert private.isdisjoint(option.get("map_to") or ()), (schemes, name)
        inside = {name for template in details["templates"] for name in re.findall(r"\{(\w+)\}", template)}
        assert private & inside <= {"password"}, schemes
    assert readable - known == {"http", "https"}


def test_a_traceback_has_neither_secrets_nor_what_a_terminal_obeys(
    leaky: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        url = os.environ["HOOK"]
        read = url if role == "lead" else f"{WORD}7"  # what this process read, whichever test ran before
        raise RuntimeError(f"\x1b[31mno process for {read} {read!r} \u202e")

    monkeypatch.setattr(subprocess, "Popen", fail)
    monkeypatch.setattr(secrets, "_secrets_read", set())
    for role, *debug in (["lead"], ["lead", "--debug"], ["backup"], ["backup", "--debug"]):
        result = slactl(*debug, "notify", "test", role)
        assert result.code == 1
        assert "no process for …" in result.err
        assert WORD not in result.out + result.err
        assert harm(result.err) == []
        assert ("Traceback" in result.err) is bool(debug)
        assert "transport.py" in result.err or not debug


def test_a_heartbeat_that_breaks_in_an_unknown_way_tells_no_secret(
    leaky: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, receiver: Receivers
) -> None:
    import urllib.request

    def fail(*_: object) -> None:
        raise RuntimeError(os.environ["BEAT"])

    leaky.with_name("rules.toml").write_text(RULES[: RULES.index("[roles.lead]")].format())
    monkeypatch.setattr(urllib.request, "build_opener", fail)
    result = slactl("--debug", "check")
    assert (result.code, "RuntimeError" in result.err) == (7, True)
    assert WORD not in result.out + result.err


def test_a_heartbeat_follows_no_redirect(leaky: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    asked = []

    class Redirecting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/elsewhere")  # type: ignore[attr-defined]
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Redirecting)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    leaky.with_name("rules.toml").write_text(RULES[: RULES.index("[roles.lead]")].format())
    monkeypatch.setenv("BEAT", f"http://127.0.0.1:{server.server_port}/{WORD}")
    result = slactl("check")
    server.shutdown()
    server.server_close()
    assert (result.code, asked) == (7, [f"/{WORD}"])
    assert "the server answered with status 302" in result.err


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "does not exist"), (b"", "is empty"), (b"\xff", "it is not UTF-8"), (b"x" * 70_000, "is too large")],
    ids=["missing", "empty", "broken", "large"],
)
def test_a_secret_file_that_is_none_is_told_by_its_name(
    leaky: Path, slactl: Slactl, content: bytes | None, why: str
) -> None:
    token = leaky.with_name("secrets") / "token"
    token.unlink()
    if content is not None:
        write_secret(leaky, "token", content)
    result = slactl("notify", "test", "backup", "-n")
    assert result.code == 7
    assert why in result.out


def test_a_link_out_of_the_folder_is_not_followed(leaky: Path, slactl: Slactl) -> None:
    token = leaky.with_name("secrets") / "token"
    token.rename(leaky.with_name("token"))
    token.symlink_to(leaky.with_name("token"))
    assert "a symbolic link is on the path to the file token" in slactl("notify", "test", "backup", "-n").out
    rules = leaky.with_name("rules.toml")
    rules.write_text(RULES[: RULES.index("[roles.lead]")].format().replace("${env:BEAT}", "${file:token}"))
    assert "a symbolic link is on the path to the file token" in slactl("check").err


def test_nothing_of_a_secret_is_in_the_process_list_while_it_is_sent(leaky: Path, receiver: Receivers) -> None:
    hook = receiver("slow")
    rules = RULES[: RULES.index("[roles.lead]")].format().replace('heartbeat = "${env:BEAT}"\n', "")
    role = f'[roles.lead]\nnotify = ["json://user:${{file:token}}@127.0.0.1:{hook.port}/slow/{hook.name}"]\n'
    leaky.with_name("rules.toml").write_text(rules + role)
    environment = {name: value for name, value in os.environ.items() if WORD not in value}
    senders, told = 0, b""
    with hook.held():
        running = subprocess.Popen(
            [sys.executable, "-m", "slactl", "notify", "test", "lead"], env=environment, stdout=subprocess.PIPE
        )
        until(lambda: bool(hook.took))
        for path in Path("/proc").glob("[0-9]*"):
            try:
                words = (path / "cmdline").read_bytes()
                told += (
                    words + (path / "environ").read_bytes()
                    if b"sender.py" in words or path.name == str(running.pid)
                    else words
                )
                senders += b"sender.py" in words
            except OSError:  # it ended meanwhile, or is somebody else's
                continue
    running.communicate()
    assert (running.returncode, senders > 0, f"{WORD}7".encode() in told) == (0, True, False)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("http://example.com/x", True), ("http://10.0.0.1/x", True), ("http://[2001:db8::1]/x", True),
        ("http://localhost.evil.example", True), ("http://127.0.0.1.evil.example", True), ("HTTP://EXAMPLE.COM", True),
        ("http://localhost@evil.example/", True), ("http://127.1/", True), ("http://0.0.0.0/", True),
        ("https://example.com/x", False), ("http://localhost:8000/x", False), ("http://127.0.0.1:8000", False),
        ("http://[::1]:8000/x", False), ("http://LOCALHOST/", False),
    ],
)  # fmt: skip
def test_only_this_machine_is_told_something_in_the_clear(url: str, plain: bool) -> None:
    assert is_plain(url) is plain


@pytest.mark.parametrize(("allowed", "code"), [(False, 4), (True, 0)])
def test_a_plain_webhook_needs_a_word(desk: Path, slactl: Slactl, allowed: bool, code: int) -> None:
    path = desk.with_name("rules.toml")
    line = 'notify = ["json://${env:REMOTE_HOOK}"]' + ("\nallow_http = true" if allowed else "")
    path.write_text(path.read_text().replace("notify = []", line, 1))
    assert slactl("rules", "check").code == code


def test_what_a_receiver_got_is_all_of_the_secret(leaky: Path, slactl: Slactl, receiver: Receivers) -> None:
    """The other tests prove something only if the secrets are used at all."""
    hook: Receiver = receiver("ok")
    role = f'[roles.lead]\nnotify = ["json://127.0.0.1:{hook.port}/ok/${{file:token}}"]\n'
    leaky.with_name("rules.toml").write_text(RULES[: RULES.index("[roles.lead]")].format() + role)
    assert slactl("notify", "test", "lead").code == 0
    assert f'"/ok/{WORD}7"' in hook.log.read_text()
