"""What a `check` costs that finds nothing to do, by far the commonest: in imports, statements and writes.

`tests/test_structure.py` says what it may not import.
"""

import sqlite3
import subprocess
import sys
from pathlib import Path

from conftest import Slactl
from escalation_desk import check, ladder, opened, policy, write_rules

PROGRAM = """
import sqlite3, sys
from slactl.__main__ import run
connect, statements, tables = sqlite3.connect, [], set()
def watched(action, table, *_):
    tables.update([table] if action == sqlite3.SQLITE_READ else [])
    return sqlite3.SQLITE_OK
def traced(*arguments, **options):
    connection = connect(*arguments, **options)
    connection.set_trace_callback(statements.append)
    connection.set_authorizer(watched)
    return connection
sqlite3.connect = traced
code = run(["check", "-q"])
print(code)
print(len([name for name in sys.modules if name.split(".")[0] == "slactl"]))
print(len(statements))
reading = ("SELECT", "BEGIN", "PRAGMA", "COMMIT")
print(*(" ".join(statement.split()[:3]) for statement in statements if not statement.startswith(reading)))
print(*sorted(tables & {"event", "timer", "outcome", "escalation"}))
"""


#: The tables to copy, whose rows, and what each copy has for its own.
COPIED = (("ticket", "id", {"id": "n"}), ("timer", "ticket_id", {"id": "NULL", "ticket_id": "n"}))


def multiply(desk: Path, first: int, last: int) -> None:
    """Copies of ticket 1 and its timer, under these numbers."""
    many = f"WITH RECURSIVE many(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM many WHERE n < {last})"
    with sqlite3.connect(desk) as connection:
        for table, whose, ours in COPIED:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            chosen = ", ".join(ours.get(column, f"t.{column}") for column in columns)
            connection.execute(f"{many} INSERT INTO {table} SELECT {chosen} FROM many, {table} t WHERE t.{whose} = 1")


def test_an_idle_run_imports_few_modules_and_costs_the_same_however_many_tickets_are_open(
    desk: Path, slactl: Slactl
) -> None:
    write_rules(desk, policy(resolution="9000h"), ladder("resolution", "warn 80%", "manager +1h"))
    opened(slactl)
    check(slactl)
    found = []
    for first, last in ((2, 100), (101, 10_000)):
        multiply(desk, first, last)
        done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
        found.append(done.stdout)
    assert found[0] == found[1]
    code, modules, statements, writes, tables = found[0].splitlines()
    assert code == "0"
    assert int(modules) <= 43
    assert int(statements) <= 29
    assert writes == "INSERT INTO run"
    assert tables == "event timer"
