"""Read the statements that `models.compiling` made of the models, so that no command has to load the models."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

#: The kinds of databases for which there are statements.
KINDS = ("sqlite", "postgresql")


class Table(NamedTuple):
    """The statements of one table, the type of each of its columns, and the defaults that are not null.

    `insert` takes a whole row, in the order of the columns.
    """

    create: str
    indexes: Mapping[str, str]
    columns: Mapping[str, str]
    defaults: Mapping[str, str | int]
    insert: str

    def whole(self, row: Mapping[str, Any]) -> list[Any]:
        """Return a row with the values of all columns, for `insert`.

        Raises:
            KeyError: the table does not have one of its columns.
        """
        if not row.keys() <= self.columns.keys():
            raise KeyError(*(row.keys() - self.columns.keys()))
        return list(map(row.get, self.columns, map(self.defaults.get, self.columns)))


def file_of(kind: str) -> Path:
    """Return the file with the statements for a kind of database."""
    return Path(__file__).with_name(f"{kind}.json")


@cache
def tables(kind: str = "sqlite") -> Mapping[str, Table]:
    """Return every table by its name, a table before those that refer to it."""
    found = json.loads(file_of(kind).read_text(encoding="utf-8"))
    return {name: Table(**parts) for name, parts in found.items()}
