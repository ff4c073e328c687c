"""Every hint is a whole command that runs when pasted; what is not a command stands in the error itself."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from slactl import errors

ROOT = Path(__file__).parents[1]

#: The errors of slactl, whose second argument is the hint.
ERRORS = {name for name, found in vars(errors).items() if isinstance(found, type) and issubclass(found, Exception)}

#: Words in capitals that are no places to be filled in.
WORDS = {"UTF", "PRAGMA", "TMPDIR", "SLACTL_ACTOR", "SLACTL_DB", "SLACTL_RULES", "SLACTL_TZ", "WAL", "T"}

#: What may be at the top of the repository.
TOP = {"README.md", "pyproject.toml", "rules.toml", "slactl", "tests", "LICENSE", "CHANGELOG.md"}


def of_errors(tree: ast.AST) -> Iterator[ast.expr]:
    """What stands in a source file where a hint belongs."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            of = node.func.value if isinstance(node.func, ast.Attribute) and node.func.attr == "of" else node.func
            if isinstance(of, ast.Name) and of.id in ERRORS:
                yield from node.args[1:2]
            if isinstance(of, ast.Name) and of.id == "Check":
                yield from node.args[3:4]
            yield from (each.value for each in node.keywords if each.arg in ("hint", "fix"))
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(
                isinstance(each, ast.Name) and re.search(r"(?i)hint|example$|(^|_)fix(es)?$", each.id)
                for each in targets
            ):
                yield node.value
        elif isinstance(node, ast.Constant | ast.JoinedStr) and text(node).startswith("hint: "):
            yield node


def commands(tree: ast.AST) -> Iterator[ast.expr]:
    """The strings that begin like a command of slactl, wherever they are; not docstrings and help texts."""
    helps = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg in ("help", "epilog")]
    inside = {id(each) for found in helps for each in ast.walk(found)}
    inside |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in inside and text(node)[:7] == "slactl ":
            yield node


def text(node: ast.expr) -> str:
    """A string constant; what is filled in is left out."""
    if isinstance(node, ast.JoinedStr):
        return "".join(each.value if isinstance(each, ast.Constant) else "x" for each in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


@cache
def hints() -> list[tuple[str, str]]:
    """Every hint of the source, and where it stands."""
    found = []
    for path in sorted((ROOT / "slactl").rglob("*.py")):
        tree = ast.parse(path.read_text())
        for node in (part for each in (*of_errors(tree), *commands(tree)) for part in alternatives(each)):
            found.append((f"{path.relative_to(ROOT)}:{node.lineno}", text(node).removeprefix("hint: ")))
    return found


def alternatives(node: ast.expr) -> Iterator[ast.expr]:
    """The strings that an expression can be; of a formatted one not what is filled in."""
    if isinstance(node, ast.IfExp):
        yield from (each for branch in (node.body, node.orelse) for each in alternatives(branch))
    elif isinstance(node, ast.BoolOp):
        yield from (each for branch in node.values for each in alternatives(branch))
    elif text(node):
        yield node


def must_be_filled_in(hint: str) -> bool:
    capitals = {word for word in re.findall(r"(?<![\w.{])[A-Z][A-Z_]*(?![\w}])", hint)} - WORDS
    return bool(capitals or "…" in hint or re.search(r"<\w+>", hint) or hint.startswith("--"))


def test_the_hints_are_found() -> None:
    found = [hint for _, hint in hints()]
    assert len(found) > 150
    assert {"slactl init", "slactl list --all", "slactl rules set --help"} <= set(found)


#: The programs that a hint may begin with.
PROGRAMS = {
    *(
        "slactl",
        "ls",
        "cat",
        "chmod",
        "chown",
        "df",
        "file",
        "mkdir",
        "install",
        "pip",
        "sqlite3",
        "sudo",
        "timedatectl",
    ),
    *("kill", "fuser", "export", "unset", "read", "(crontab"),
}


def is_command(hint: str) -> bool:
    """Return whether a hint begins with a program; `x` stands for a part that is filled in at run time."""
    return hint in ("", "x", "x --help") or hint.removeprefix("x").split(" ")[0] in PROGRAMS


def test_every_hint_is_a_command() -> None:
    assert [(place, hint) for place, hint in hints() if not is_command(hint)] == []


@pytest.mark.parametrize(
    ("hint", "is_one"),
    [
        ("slactl init", True),
        ("xslactl --db x --rules x init", True),
        ("use --map csv", False),
        ("add --force to replace it", False),
        ("fields: id subject", False),
        ("--map csv", False),
        ("leave --at out for now", False),
    ],
)
def test_a_sentence_is_not_a_command(hint: str, is_one: bool) -> None:
    assert is_command(hint) is is_one


def test_no_hint_has_to_be_filled_in() -> None:
    assert [(place, hint) for place, hint in hints() if must_be_filled_in(hint)] == []


@pytest.mark.parametrize(
    ("hint", "is_one"),
    [
        ("slactl --db PATH init", True),
        ("slactl rules set KEY 4h", True),
        ("slactl edit ID --external-id X", True),
        ("slactl … --debug", True),
        ("slactl import <file>", True),
        ("--map csv", True),
        ("sqlite3 x 'PRAGMA integrity_check'", False),
        ("slactl assign 12 --to me", False),
    ],
)
def test_what_has_to_be_filled_in_is_recognised(hint: str, is_one: bool) -> None:
    assert must_be_filled_in(hint) is is_one


def test_nothing_else_is_at_the_top_of_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no checkout")
    top = {name.split("/")[0] for name in listed.stdout.splitlines()}
    assert {name for name in top if not name.startswith(".")} - TOP == set()
