"""The statements that ship with slactl are those of the models, and each of them works."""

import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from slactl.store.schema.compiled import KINDS, file_of, tables
from slactl.store.schema.models import compiling


@pytest.mark.parametrize("kind", KINDS)
def test_the_data_is_what_the_models_compile_to_now(kind: str) -> None:
    again = "python -m slactl.store.schema.models.compiling"
    assert compiling.texts()[kind] == file_of(kind).read_text(encoding="utf-8"), again


def test_every_kind_of_database_has_the_same_tables_columns_and_defaults() -> None:
    first, *others = ({name: (each.columns, each.defaults) for name, each in tables(kind).items()} for kind in KINDS)
    for other in others:
        assert other == first
        assert list(other) == list(first), "a table comes before those that refer to it"


def test_a_row_without_a_value_gets_the_default_of_its_table() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        for name, table in tables().items():
            connection.execute(table.create)
            for index in table.indexes.values():
                connection.execute(index)
            known = {row[1]: row[4] for row in connection.execute(f"PRAGMA table_info('{name}')")}
            stated = {
                column: connection.execute(f"SELECT {text}").fetchone()[0]
                for column, text in known.items()
                if text is not None
            }
            assert stated == table.defaults, name
            assert list(known) == list(table.columns), name
            connection.execute(f"EXPLAIN {table.insert}", table.whole({}))


def test_a_column_that_a_table_does_not_have_is_refused() -> None:
    with pytest.raises(KeyError, match="colour"):
        tables()["ticket"].whole({"id": 1, "colour": "red"})


#: What stands in a database of PostgreSQL before the tables: SQLite has this function.
JSON_VALID = """CREATE FUNCTION json_valid(value TEXT) RETURNS BOOLEAN LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM value::json; RETURN TRUE; EXCEPTION WHEN others THEN RETURN FALSE; END $$;"""


@pytest.mark.full
def test_postgresql_takes_every_statement() -> None:
    with tempfile.TemporaryDirectory() as folder:
        take_every_statement(Path(folder))


def take_every_statement(folder: Path) -> None:
    [programs] = Path("/usr/lib/postgresql").glob("*/bin")
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres")

    def run(*arguments: str | Path, text: str | None = None) -> None:
        done = subprocess.run([*user, *arguments], input=text, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr

    lines = [JSON_VALID]
    for name, table in tables("postgresql").items():
        lines += [f"{table.create};", *(f"{index};" for index in table.indexes.values())]
        marks = iter(range(1, len(table.columns) + 1))
        lines.append(f"PREPARE p_{name} AS {re.sub('[?]', lambda _, of=marks: f'${next(of)}', table.insert)};")
    run(programs / "initdb", "-D", folder / "data", "-A", "trust", "-N")
    settings = f"-k {folder} -c listen_addresses=''"
    run(programs / "pg_ctl", "-D", folder / "data", "-o", settings, "-l", folder / "log", "-w", "start")
    try:
        run("psql", "-h", folder, "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-q", text="\n".join(lines))
    finally:
        run(programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
