"""The rooms, who may import whom, what only `store` knows, and that hot commands stay light."""

import ast
import graphlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import slactl

PACKAGE = Path(slactl.__file__).parent
REPOSITORY = Path(__file__).parents[1]

#: What each room may import besides itself and the small files at the top of the package.
ROOMS = {
    "sla": (),
    "store": ("sla.enums", "sla.history"),
    "show": ("sla.enums",),
    "desk": ("sla", "store"),
    "cli": ("desk", "show", "store.read", "store.database", "sla.enums"),
}

#: The small files that everybody may import and that stand in a folder of their own.
SHARED = ("records",)

#: The floors of each room from top to bottom: a sub-room imports only from the floors below its own.
FLOORS = {
    "desk": (
        "what_if upkeep",
        "rules",
        "sources",
        "transfer mail",
        "escalation",
        "messages",
        "tickets reports",
        "oncall programs",
        "ledger",
    ),
    "sla": ("escalation", "timers", "rules history", "oncall", "calendar", "enums"),
    "store": ("database", "write", "read", "sqlite", "schema"),
}

FILES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "__init__.py"
}


def named(node: ast.AST) -> list[str]:
    """Return the modules, and what may be modules, that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert not node.level, "the package has no relative imports"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def imports(module: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of each import of a file, in functions and for type checkers too."""
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        for name in named(node):
            yield node.lineno, name  # type: ignore[attr-defined]


def arrows(module: str) -> Iterator[tuple[int, str]]:
    """Yield line and file of each import of another file of the package."""
    for line, name in imports(module):
        found = name.removeprefix("slactl.")
        target = found if found in FILES else found.rpartition(".")[0]
        if name.startswith("slactl.") and target in FILES:
            yield line, target


def is_within(module: str, places: tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def floor(module: str) -> int:
    """Return how far below the roof of its room a file stands."""
    room, place = module.split(".")[:2]
    floors = [each.split() for each in FLOORS[room]]
    assert any(place in names for names in floors), f"{module}: the table of floors does not have {place}"
    return next(number for number, names in enumerate(floors) if place in names)


def test_rooms_import_only_in_the_allowed_direction() -> None:
    found = [
        f"{module}:{line} imports {other}"
        for module in FILES
        if (room := module.split(".")[0]) in ROOMS
        for line, other in arrows(module)
        if "." in other and other.split(".")[0] != room and not is_within(other, (*ROOMS[room], *SHARED))
    ]
    assert not found, "\n".join(found)


def test_small_files_at_the_top_import_no_room() -> None:
    found = [
        f"{module}:{line} imports {other}"
        for module in FILES
        if ("." not in module or is_within(module, SHARED)) and module != "__main__"
        for line, other in arrows(module)
        if "." in other and not is_within(other, SHARED)
    ]
    assert not found, "\n".join(found)


def test_sub_rooms_import_only_from_floors_below() -> None:
    found = [
        f"{module}:{line} imports {other}"
        for module in FILES
        if (room := module.split(".")[0]) in FLOORS
        for line, other in arrows(module)
        if other.split(".")[0] == room and other.split(".")[1] != module.split(".")[1] and floor(other) <= floor(module)
    ]
    assert not found, "\n".join(found)


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {module: {other for _, other in arrows(module)} for module in FILES}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


@pytest.mark.parametrize("room", FLOORS)
def test_each_room_has_the_sub_rooms_of_the_table_with_at_most_twelve_files(room: str) -> None:
    for folder in (PACKAGE / room).iterdir():
        files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert not files or (folder / "__init__.py").exists(), f"{folder} is not a package"
        assert len(files) <= 12, f"{folder} has {len(files)} files"
    for module in FILES:
        assert not module.startswith(f"{room}.") or floor(module) >= 0


#: What only `store` may import, and text that only `store` may hold.
DRIVERS = ("sqlite3", "sqlalchemy", "sqlmodel", "psycopg", "psycopg2", "asyncpg")
SQL = re.compile(
    r"\bSELECT\s|\bINSERT (OR \w+ )?INTO\b|\bUPDATE \S+\s+SET\b|\bDELETE FROM\b|\bPRAGMA\b|"
    r"\b(GROUP|ORDER) BY\b|\b(LEFT|INNER|CROSS)? ?JOIN \w|\bWHERE \w|\b(COUNT|SUM|MAX|MIN|COALESCE)\("
)


def test_only_the_store_imports_a_driver() -> None:
    found = [
        f"{module}:{line} imports {name}"
        for module in FILES
        if not module.startswith("store.")
        for line, name in imports(module)
        if is_within(name, DRIVERS)
    ]
    assert not found, "\n".join(found)


def test_only_the_store_holds_sql() -> None:
    found = [
        f"{module}:{node.lineno} {node.value.strip().splitlines()[0][:60]}"
        for module, path in FILES.items()
        if not module.startswith("store.")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value)
    ]
    assert not found, "\n".join(found)


def test_nobody_imports_the_command_line() -> None:
    for module in FILES:
        if not module.startswith("cli.") and module != "__main__":
            assert not [other for _, other in arrows(module) if other.startswith("cli.")], module


def test_only_the_clock_reads_the_clock() -> None:
    for module, path in FILES.items():
        if module != "clock":
            text = path.read_text(encoding="utf-8")
            assert "datetime.now(" not in text, path
            assert "time.time(" not in text, path


def test_slactl_starts_only_its_sender_its_reader_of_feeds_the_commands_of_sources_and_the_pager_of_the_user() -> None:
    """Whoever starts another program must see to it that nothing is imported from the working directory."""
    starters = ("subprocess", "multiprocessing", "concurrent.futures", "pty")
    found = {module for module in FILES for _, name in imports(module) if is_within(name, starters)}
    assert found == {"desk.messages.transport", "desk.oncall.feeds", "desk.programs.running", "show.pager"}


def test_no_file_has_more_than_300_lines() -> None:
    sizes = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in FILES.items()}
    assert {module: size for module, size in sizes.items() if size > 300} == {}


def test_packages_have_no_code_of_their_own() -> None:
    for path in PACKAGE.rglob("*/__init__.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        assert all(isinstance(node, ast.Expr) for node in body), path


def test_the_top_level_of_the_repository_holds_what_belongs_there() -> None:
    allowed = {"README.md", "pyproject.toml", "rules.toml", "slactl", "tests", "LICENSE", "CHANGELOG.md"}
    generated = {"build", "dist", "slactl.egg-info", "__pycache__"}
    found = {path.name for path in REPOSITORY.iterdir() if not path.name.startswith(".")}
    assert found - generated <= allowed


MODULE_NAMES = re.compile(r"[\"'](slactl\.(?:cli|desk|show|sla|store)\b[.\w]*)[\"']")


def test_only_the_report_of_a_failure_asks_for_a_module_that_may_be_loaded() -> None:
    """Such a question is an import that the table of rooms does not show."""
    asked = re.compile(r"sys\.modules(\.get\(|\[)[\"']slactl")
    assert {module for module, path in FILES.items() if asked.search(path.read_text(encoding="utf-8"))} == {"failures"}


def test_modules_named_in_strings_exist() -> None:
    """A module that is asked for by a string fails silently: secrets would again stand in tracebacks."""
    for module, path in FILES.items():
        for name in MODULE_NAMES.findall(path.read_text(encoding="utf-8")):
            parts = name.split(".")[1:]
            assert ".".join(parts) in FILES or PACKAGE.joinpath(*parts).is_dir(), f"{module} names {name}"


#: What no hot command may import: third-party modules that load for long, and standard ones that each cost half a
#: per cent of the start or more. `dataclasses` makes a class in ten times the time that a named tuple takes.
HEAVY = (
    *("sqlmodel", "sqlalchemy", "pydantic", "rich", "holidays", "tomlkit", "tomllib", "tomli_w", "apprise", "jinja2"),
    *("bz2", "csv", "ctypes", "decimal", "encodings.ascii", "grp", "hashlib", "hmac", "html", "ipaddress", "linecache"),
    *("locale", "logging", "lzma", "pickle", "random", "secrets", "selectors", "shlex", "socket", "ssl", "string"),
    *("subprocess", "tempfile", "textwrap", "tokenize", "unicodedata", "zoneinfo"),
)

#: Prints on stderr the modules whose code ran, all names in one line.
RAN = """
import sys
from slactl.__main__ import run
code = run(sys.argv[1:])
ran = [name for name, module in sys.modules.items() if type(module).__name__ != "_Deferred"]
print(code, *ran, file=sys.stderr)
"""


#: Modules of slactl that each command may import. One module costs up to 0.03 F (see `slactl help speed`). Every
#: command imports `committed`, because an error at any time has to say what is already done.
@pytest.mark.parametrize(
    ("arguments", "most", "also_heavy"),
    [
        (("--version",), 8, ("dataclasses", "json", "sqlite3")),
        (("list", "--breached"), 42, ("dataclasses",)),
        (("list", "--breached", "--json"), 42, ("dataclasses",)),
        (("show", "1", "--json"), 43, ()),
        (("check", "-q"), 43, ("dataclasses",)),
    ],
)
def test_hot_commands_import_few_modules_and_nothing_heavy(
    desk: Path, slactl: Callable[..., object], arguments: tuple[str], most: int, also_heavy: tuple[str]
) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    slactl("check", "-q")
    done = subprocess.run(
        [sys.executable, "-c", RAN, *arguments], capture_output=True, text=True, env=os.environ.copy(), check=False
    )
    code, *ran = done.stderr.splitlines()[-1].split()
    assert code == "0"
    assert not {*HEAVY, *also_heavy} & {*ran}
    ours = [name for name in ran if name.split(".")[0] == "slactl"]
    assert len(ours) <= most, ours


def test_a_deferred_module_is_whole_when_it_is_used() -> None:
    program = (
        "import sys; import slactl.__main__; import ipaddress; before = type(ipaddress).__name__;"
        " from textwrap import dedent; address = ipaddress.ip_address('::1');"
        " print(before, type(ipaddress).__name__, address, ipaddress is sys.modules['ipaddress'], dedent(' a'))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["_Deferred", "module", "::1", "True", "a"]


def test_a_deferred_module_is_whole_for_a_thread_that_comes_while_its_code_runs(tmp_path: Path) -> None:
    slow = "import threading\nbegun.set()\ngo.wait(10)\nlast = 1\n"
    (tmp_path / "slow.py").write_text(f"from __main__ import begun, go\n{slow}")
    program = (
        "import sys, threading; from slactl.__main__ import _defer; sys.path.append(sys.argv[1]); _defer(['slow']);"
        " begun, go, seen = threading.Event(), threading.Event(), []; import slow;"
        " threads = [threading.Thread(target=lambda: seen.append(slow.last)) for _ in range(2)];"
        " threads[0].start(); begun.wait(10); threads[1].start(); go.set();"
        " [thread.join() for thread in threads]; print(seen)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[1, 1]\n", done.stderr


def test_what_is_deferred_stays_deferred_in_a_hot_command(desk: Path) -> None:
    program = (
        "import sys; from slactl.__main__ import SELDOM_USED, run; run(['list']);"
        " print([name for name in SELDOM_USED if type(sys.modules.get(name)).__name__ != '_Deferred'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
