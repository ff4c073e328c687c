"""The rooms and who may import whom, and that hot commands stay light."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import slactl

PACKAGE = Path(slactl.__file__).parent
SMALL = {"errors", "config", "clock", "files", "places", "records", "text", "__init__"}

#: What each room may import besides itself and the small files.
ALLOWED = {
    "sla": set[str](),
    "store": {"sla"},
    "show": {"sla"},
    "desk": {"sla", "store"},
    "cli": {"desk", "show", "store", "sla"},
}

#: What the command line may take from `store`: the read path.
READS = {"read.tickets", "read.ids", "read.runs", "read.filters", "database.Transaction"}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module.count(".") in (1, 2))


@pytest.mark.parametrize("room", ALLOWED)
def test_rooms_import_only_in_the_allowed_direction(room: str) -> None:
    for path in (PACKAGE / room).rglob("*.py"):
        for name in imports(path):
            parts = name.split(".")
            if parts[0] != "slactl" or len(parts) < 2 or parts[1] in SMALL or parts[1] == "__version__":
                continue
            assert parts[1] == room or parts[1] in ALLOWED[room], f"{path.name} imports {name}"


def test_the_command_line_reads_only_through_the_read_path() -> None:
    for path in (PACKAGE / "cli").rglob("*.py"):
        for name in imports(path):
            parts = name.split(".")
            if parts[:2] == ["slactl", "store"] and len(parts) > 3:
                assert ".".join(parts[2:]) in READS, f"{path.name} imports {name}"


def test_nobody_imports_the_command_line() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name != "cli" and path.name != "__main__.py":
            assert not [name for name in imports(path) if name.startswith("slactl.cli")], path


def test_only_the_clock_reads_the_clock() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.name != "clock.py":
            text = path.read_text(encoding="utf-8")
            assert "datetime.now(" not in text, path
            assert "time.time(" not in text, path


HEAVY = ("sqlmodel", "sqlalchemy", "pydantic", "rich", "holidays", "tomlkit", "tomllib", "tomli_w", "apprise", "jinja2")


@pytest.mark.parametrize(
    ("arguments", "forbidden"),
    [
        (("--version",), HEAVY),
        (("list", "--breached"), HEAVY),
        (("list", "--breached", "--json"), HEAVY),
        (("show", "1", "--json"), HEAVY),
        (("check", "-q"), HEAVY),
    ],
)
def test_hot_commands_import_nothing_heavy(
    desk: Path, slactl: "object", arguments: tuple[str, ...], forbidden: tuple[str, ...]
) -> None:
    assert callable(slactl)
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    slactl("check", "-q")
    program = (
        "import sys; from slactl.__main__ import run; code = run(sys.argv[1:]);"
        f" found = [name for name in {forbidden!r} if name in sys.modules];"
        " print(code, found, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, env=os.environ.copy(), check=False
    )
    assert done.stderr.splitlines()[-1] == "0 []"


def test_slactl_starts_only_its_sender_and_the_pager_of_the_user() -> None:
    """Whoever starts another program must see to it that nothing is imported from the working directory."""
    for path in PACKAGE.rglob("*.py"):
        starts = {"subprocess", "multiprocessing", "concurrent.futures", "pty"} & set(imports(path))
        assert not starts or path.name in ("transport.py", "guide.py"), f"{path.name} imports {starts}"
