"""Printing records in the form that was asked for."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer

from slactl.config import Config
from slactl.show.form import Form, Screen, choose_form, wants_color
from slactl.show.records import choose_fields, write


def screen(context: typer.Context) -> Screen:
    """Where tables are drawn, and whether in colour."""
    config = context.find_object(Config)
    assert config is not None
    return Screen(sys.stdout, wants_color(config.color, os.environ, terminal=sys.stdout.isatty()))


def print_records(
    context: typer.Context,
    records: Iterable[Mapping[str, Any]],
    known: Sequence[str],
    form: Form | None,
    as_json: bool,
    quiet: bool,
    fields: str | None,
    *,
    key: str = "id",
) -> None:
    """Records as a table on a terminal, as tab-separated lines on a pipe, or as `--format` says.

    Raises:
        UsageError: the options ask for two forms, or for a field there is not.
    """
    chosen = choose_form(form, as_json=as_json, ids_only=quiet, terminal=sys.stdout.isatty())
    names = choose_fields(fields, known)
    if chosen is Form.TABLE:
        from slactl.show.tables import draw, field_column

        draw(records, [field_column(name) for name in names], screen(context))
    else:
        write(records, chosen, names, sys.stdout, key=key)
