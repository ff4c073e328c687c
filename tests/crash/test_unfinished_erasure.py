"""An erasure that is killed after its commit: the old pages are still in the file, and somebody finishes the work."""

import json
import shlex
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from crash_desk import desk_copy, settings
from forked import NOON, Trouble, run
from invariants import violations

ADDRESS = "ann@example.com"

#: What pages say that were freed long ago.
OLD = b"ann@example.com of long ago"


@pytest.fixture(params=["VACUUM", "PRAGMA wal_checkpoint"])
def killed(request: pytest.FixtureRequest) -> Iterator[Path]:
    """The folder of a desk whose erasure was killed on the way, with old pages in the file."""

    def watch(_: sqlite3.Connection, operation: str) -> bool:
        return operation.startswith(request.param)

    with desk_copy() as folder:
        leave_old_pages(folder / "slactl.db")
        ended = run(*settings(folder), "erase", "--requester", ADDRESS, "--yes", trouble=Trouble(watch=watch))
        assert ended.code == -signal.SIGKILL
        assert OLD in raw(folder)
        yield folder


def leave_old_pages(database: Path) -> None:
    """Pages as an SQLite leaves them that was built without overwriting what is freed."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute(f"CREATE TABLE old AS SELECT '{OLD.decode()}' || event.id FROM event, ticket, timer")
        connection.execute("DROP TABLE old")


def raw(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("slactl.db*")))


def finding(folder: Path) -> dict[str, str] | None:
    """What the doctor says of it."""
    told = json.loads(run(*settings(folder), "doctor", "--json").out)
    found: list[dict[str, str]] = [check for check in told["checks"] if check["check"] == "erasure"]
    return found[0] if found else None


@pytest.mark.parametrize(
    "words", [("--requester", ADDRESS, "--yes"), ("--requester", "nobody@example.com"), ("--finish",)], ids=" ".join
)
def test_any_next_erase_finishes_it(killed: Path, words: tuple[str, ...]) -> None:
    assert finding(killed) == {
        "check": "erasure",
        "ok": False,
        "found": "an erasure was interrupted before it rewrote the file: erased texts may still be in old pages",
        "fix": shlex.join(("slactl", *settings(killed)[:4], "erase", "--finish")),
    }
    tried = run(*settings(killed), "erase", *words, "-n")
    assert (tried.code, tried.out) == (0, "would rewrite the file, so that it holds no erased text\n")
    assert finding(killed) is not None
    again = run(*settings(killed), "erase", *words)
    assert (again.code, again.out) == (0, "rewrote the file: it holds no erased text\n"), again.err
    assert ADDRESS.encode() not in raw(killed)
    assert finding(killed) is None
    assert violations(killed / "slactl.db", NOON) == []
    assert run(*settings(killed), "erase", "--requester", ADDRESS, "--yes").code == 3


def test_an_erasure_of_somebody_else_meanwhile_is_not_taken_for_finished() -> None:
    """The one that rewrites the file does not forget the other, which committed right after it."""
    with desk_copy() as folder:

        def commit_another(_: sqlite3.Connection, operation: str) -> bool:
            if operation.startswith("PRAGMA wal_checkpoint"):
                with closing(sqlite3.connect(folder / "slactl.db")) as other, other:
                    other.execute("UPDATE meta SET value = value + 1 WHERE key = 'unwiped'")
            return False

        done = run(*settings(folder), "erase", "--requester", ADDRESS, "--yes", trouble=Trouble(watch=commit_another))
        assert done.code == 0, done.err
        assert finding(folder) is not None
