"""The statements that ship with slactl are those of the models, and each of them works."""

import sqlite3
from contextlib import closing

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
