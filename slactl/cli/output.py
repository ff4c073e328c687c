"""Printing records in the form that was asked for."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
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
    screen_fields: Sequence[str] = (),
) -> None:
    """Records as a table on a terminal, as tab-separated lines on a pipe, or as `--format` says.

    A table has the `screen_fields`, where there are any and no others were asked for: the most important first, and
    a long one at the end.

    Raises:
        UsageError: the options ask for two forms, or for a field there is not.
    """
    chosen = choose_form(form, as_json=as_json, ids_only=quiet, terminal=sys.stdout.isatty())
    names = choose_fields(fields, known)
    if chosen is Form.TABLE:
        chosen_for_screen = bool(screen_fields) and fields is None
        names = tuple(screen_fields) if chosen_for_screen else names
        from slactl.show.tables import draw, field_column

        columns = [field_column(name, rank=place if chosen_for_screen else 0) for place, name in enumerate(names)]
        if chosen_for_screen:
            columns[-1] = replace(columns[-1], long=True, rank=1)
        draw(records, columns, screen(context))
    else:
        write(records, chosen, names, sys.stdout, key=key)
