"""The recipes of `slactl help mail` work as they stand, with the programs that they are for."""

import os
import re
import shutil
import socket
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from smtplib import SMTP

import pytest
from pages import blocks

pytestmark = pytest.mark.full

#: The paths in the recipes.
PROGRAM, DATABASE, RULES = "/usr/local/bin/slactl", "/var/lib/slactl/slactl.db", "/etc/slactl/rules.toml"

#: Who runs the command of an alias.
USER = 65534

TABLE = """
[people.mia]
emails = ["mia@desk.example"]
[mail]
address = "support@desk.example"
unknown_senders = "refuse"
agents = ["*@team.example"]
"""


class Home:
    """A folder that everybody may enter, with a service desk, and a program that any user may run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.desk = folder, folder / "desk"
        self.database, self.rules, self.program = self.desk / "slactl.db", self.desk / "rules.toml", folder / "slactl"
        home = self._copy_of_python()
        packages = [str(Path(__file__).parents[2]), *(each for each in sys.path if each.endswith("site-packages"))]
        words = f"PYTHONHOME={home} PYTHONPATH={':'.join(packages)} PYTHONDONTWRITEBYTECODE=1 HOME={self.desk}"
        self.program.write_text(f'#!/bin/sh\nexec env {words} {home}/bin/python3 -P -m slactl "$@"\n')
        self.program.chmod(0o755)
        self.desk.mkdir()
        self.slactl("init")
        self.rules.write_text(self.rules.read_text() + TABLE)
        self.slactl("tenant", "add", "acme", "--domain", "acme.example")
        for path in (self.desk, *self.desk.rglob("*")):
            os.chown(path, USER, USER)

    def _copy_of_python(self) -> Path:
        """Copy the interpreter, which may be in a folder of this user alone."""
        home = self.folder / "python"
        library = Path(os.__file__).parent
        left_out = shutil.ignore_patterns("site-packages", "test", "idlelib", "__pycache__", "config-*", "ensurepip")
        shutil.copytree(library, home / "lib" / library.name, ignore=left_out)
        (home / "bin").mkdir()
        shutil.copy(os.path.realpath(sys.executable), home / "bin" / "python3")
        return home

    def slactl(self, *words: str) -> str:
        options = ("--db", str(self.database), "--rules", str(self.rules))
        done = subprocess.run([str(self.program), *options, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def recipe(self, language: str) -> str:
        """Return the block of the page in a language, with the paths of this test."""
        (block,) = blocks("mail", language)
        text = block.text.replace(PROGRAM, str(self.program))
        return text.replace(DATABASE, str(self.database)).replace(RULES, str(self.rules))

    def taken(self) -> list[str]:
        """Return the texts of the messages that slactl has."""
        with closing(sqlite3.connect(self.database)) as connection:
            found = connection.execute("SELECT text FROM event_text WHERE field = 'body' ORDER BY event_id")
            return [text.strip() for (text,) in found]

    def break_database(self) -> Path:
        """Take the database away; return where it is."""
        return self.database.rename(self.database.with_suffix(".away"))


@pytest.fixture
def home() -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="recipes-"))
    folder.chmod(0o755)
    yield Home(folder)
    shutil.rmtree(folder)


def letter(number: int, text: str, sender: str = "bob@acme.example", to: str = "support@desk.example") -> str:
    top = f"From: Bob <{sender}>\nTo: {to}\nMessage-ID: <m{number}@acme.example>\nSubject: Printer\n"
    return f"{top}\n{text}\n"


def needs(*programs: str) -> None:
    for program in programs:
        assert shutil.which(program), f"install {program}"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Postfix:
    """A Postfix of its own, with a queue of its own, on a port of loopback."""

    def __init__(self, home: Home) -> None:
        self.home, self.port = home, free_port()
        self.folder = home.folder / "postfix"
        aliases = self.folder / "slactl-aliases"
        for name in ("queue", "data"):
            (self.folder / name).mkdir(parents=True)
        shutil.chown(self.folder / "data", "postfix")
        (self.folder / "aliases").write_text("postmaster: root\n")
        aliases.write_text(home.recipe("aliases"))
        recipe = home.recipe("postfix").replace("/etc/postfix/slactl-aliases", str(aliases))
        recipe = recipe.replace("/etc/aliases", str(self.folder / "aliases"))
        (self.folder / "main.cf").write_text(self._main() + recipe)
        (self.folder / "master.cf").write_text(self._master())
        self.run("postalias", f"hash:{self.folder / 'aliases'}")
        # As the page says; its user is another one here.
        (block,) = [each for each in blocks("mail", "sh") if "postalias" in each.text]
        script = block.text.replace("/etc/postfix/slactl-aliases", str(aliases)).replace("postfix reload", "")
        script = script.replace("chown slactl", f"chown {USER}").replace("postalias", f"postalias -c {self.folder}")
        subprocess.run(["/bin/sh", "-ec", script], check=True)

    def _main(self) -> str:
        return f"""compatibility_level = 3.6
queue_directory = {self.folder}/queue
data_directory = {self.folder}/data
maillog_file = {self.folder}/log
maillog_file_prefixes = {self.folder}
myhostname = mx.desk.example
mydestination = desk.example
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
minimal_backoff_time = 300s
"""

    def _master(self) -> str:
        services = ("pickup unix n 1 pickup", "flush unix n 0 flush", "showq unix n - showq")
        services += ("cleanup unix n 0 cleanup", "rewrite unix - - trivial-rewrite", "bounce unix - 0 bounce")
        services += ("defer unix - 0 bounce", "trace unix - 0 bounce", "local unix - - local", "error unix - - error")
        services += ("retry unix - - error", "smtp unix - - smtp", "proxymap unix - - proxymap", "anvil unix - 1 anvil")
        lines = [f"127.0.0.1:{self.port} inet n - n - - smtpd", "qmgr unix n - n 300 1 qmgr"]
        for each in services:
            name, kind, *_, most, command = each.split()
            private = "n" if "n" in each.split()[2:3] else "-"
            # `local` starts commands as other users, so that it keeps its rights.
            unprivileged = "n" if name == "local" else "-"
            lines.append(f"{name} {kind} {private} {unprivileged} n - {most} {command}")
        return "\n".join([*lines, "postlog unix-dgram n - n - 1 postlogd", ""])

    def run(self, program: str, *words: str) -> str:
        done = subprocess.run([program, "-c", str(self.folder), *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + self.log()
        return done.stdout

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def send(self, to: str, text: str) -> None:
        with SMTP("127.0.0.1", self.port) as server:
            server.sendmail("bob@acme.example", [to], text)

    def wait(self, said: str) -> None:
        """Wait until the log has a text."""
        end = time.monotonic() + 60
        while said not in self.log():
            assert time.monotonic() < end, self.log()
            time.sleep(0.05)

    def queue(self) -> str:
        return self.run("postqueue", "-j")


@pytest.fixture
def postfix(home: Home) -> Iterator[Postfix]:
    needs("postfix")
    found = Postfix(home)
    found.run("postfix", "start")
    try:
        yield found
    finally:
        found.run("postfix", "stop")


def test_postfix_hands_mail_over_and_keeps_what_is_not_taken(postfix: Postfix) -> None:
    home = postfix.home
    postfix.send("support@desk.example", letter(1, "first"))
    postfix.wait("status=sent (delivered to command")
    postfix.send("support+1@desk.example", letter(2, "second", to="somebody@desk.example"))
    while len(home.taken()) < 2 and "status=bounced" not in postfix.log():
        time.sleep(0.05)
    assert home.taken() == ["first", "second"]
    assert [line.split("\t")[0] for line in home.slactl("list").splitlines()] == ["1"], "the address named the ticket"

    away = home.break_database()
    postfix.send("support@desk.example", letter(3, "third"))
    postfix.wait("status=deferred")
    assert '"queue_name": "deferred"' in postfix.queue()
    away.rename(home.database)
    postfix.run("postqueue", "-f")
    while len(home.taken()) < 3:
        time.sleep(0.05)

    postfix.send("support@desk.example", letter(4, "fourth", sender="eve@other.example"))
    postfix.wait("status=bounced")
    assert "the sender is not known" in postfix.log()
    assert home.taken() == ["first", "second", "third"]


def procmail(home: Home, text: str) -> int:
    place = home.folder / "procmailrc"
    place.write_text(f"DEFAULT={home.folder}/mailbox\nORGMAIL={home.folder}/mailbox\n{home.recipe('procmail')}")
    return subprocess.run(["procmail", "-m", str(place)], input=text.encode(), check=False).returncode


def test_procmail_ends_with_the_exit_code_of_slactl(home: Home) -> None:
    needs("procmail")
    assert procmail(home, letter(1, "first")) == 0
    assert procmail(home, letter(1, "first")) == 0
    assert procmail(home, letter(2, "second", sender="eve@other.example")) == 77
    assert procmail(home, "no message\n\n") == 65
    away = home.break_database()
    assert procmail(home, letter(3, "third")) == 75
    away.rename(home.database)
    assert home.taken() == ["first"]
    assert not (home.folder / "mailbox").exists()


class Mailbox(socketserver.ThreadingTCPServer):
    """A mailbox with POP3."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self, messages: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.messages = messages

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Session(socketserver.StreamRequestHandler):
    """One reader of a mailbox; what the reader deletes goes away at the end."""

    server: Mailbox

    def handle(self) -> None:
        messages, gone = [*self.server.messages.items()], set[str]()
        self._say("+OK ready")
        for line in self.rfile:
            verb, *words = line.decode().split()
            numbers = [int(word) for word in words if word.isdecimal()]
            texts = [(number, name, text) for number, (name, text) in enumerate(messages, 1)]
            texts = [each for each in texts if not numbers or each[0] == numbers[0]]
            match verb.upper():
                case "CAPA":
                    self._say("+OK", "USER", "UIDL", ".")
                case "STAT":
                    self._say(f"+OK {len(messages)} {sum(len(text) for _, text in messages)}")
                case "LIST" if not numbers:
                    self._say("+OK", *(f"{number} {len(text)}" for number, _, text in texts), ".")
                case "LIST":
                    self._say(f"+OK {numbers[0]} {len(texts[0][2])}")
                case "UIDL" if not numbers:
                    self._say("+OK", *(f"{number} {name}" for number, name, _ in texts), ".")
                case "UIDL":
                    self._say(f"+OK {numbers[0]} {texts[0][1]}")
                case "RETR" | "TOP":
                    self._say("+OK", *texts[0][2].splitlines(), ".")
                case "DELE":
                    gone.add(texts[0][1])
                    self._say("+OK")
                case "QUIT":
                    for name in gone:
                        del self.server.messages[name]
                    self._say("+OK")
                    return
                case "USER" | "PASS" | "NOOP" | "RSET":
                    self._say("+OK")
                case _:
                    self._say("-ERR not known")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox({"a": letter(1, "first"), "b": letter(2, "second")}) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


def fetch(home: Home, mailbox: Mailbox) -> None:
    place = home.folder / "fetchmailrc"
    recipe = home.recipe("fetchmail").replace("mail.example.com", f"127.0.0.1 service {mailbox.port}")
    place.write_text(recipe.replace(" ssl ", " sslproto '' "))
    place.chmod(0o600)
    environment = {**os.environ, "FETCHMAILHOME": str(home.folder), "HOME": str(home.folder)}
    subprocess.run(["fetchmail", "-f", str(place), "-d0"], env=environment, check=False, capture_output=True)


def get(home: Home, mailbox: Mailbox) -> None:
    folder = home.folder / "getmail"
    folder.mkdir(exist_ok=True)
    recipe = home.recipe("getmail").replace("SimplePOP3SSL", "SimplePOP3")
    recipe = recipe.replace("mail.example.com", f"127.0.0.1\nport = {mailbox.port}")
    (folder / "getmailrc").write_text(recipe.replace("ignore_stderr", "allow_root_commands = true\nignore_stderr"))
    subprocess.run(["getmail", f"--getmaildir={folder}"], check=False, capture_output=True)


@pytest.mark.parametrize(("program", "collect"), [("fetchmail", fetch), ("getmail", get)])
def test_collector_deletes_what_was_taken_and_keeps_the_rest(
    home: Home, mailbox: Mailbox, program: str, collect: object
) -> None:
    needs(program)
    assert callable(collect)
    away = home.break_database()
    collect(home, mailbox)
    assert set(mailbox.messages) == {"a", "b"}
    away.rename(home.database)
    collect(home, mailbox)
    assert (home.taken(), mailbox.messages) == (["first", "second"], {})
    mailbox.messages["c"] = letter(2, "second")  # the same message again is ignored, and said so on stderr
    mailbox.messages["d"] = letter(4, "fourth", sender="eve@other.example")
    collect(home, mailbox)
    assert (home.taken(), set(mailbox.messages)) == (["first", "second"], {"d"})


def test_every_recipe_names_the_same_paths() -> None:
    for language in ("aliases", "procmail", "fetchmail", "getmail"):
        (block,) = blocks("mail", language)
        assert set(re.findall(r"/[\w./-]+", block.text)) == {PROGRAM, DATABASE, RULES}, language
