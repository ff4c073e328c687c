"""Printing records in the form that was asked for."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from slactl.cli.options import call, say
from slactl.show.form import Form, choose_form
from slactl.show.records import choose_fields, write

if TYPE_CHECKING:
    from slactl.show.tables import Column


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
    columns: "Callable[[], Sequence[Column]] | None" = None,
    screen_fields: Sequence[str] = (),
    none: str = "nothing",
) -> None:
    """Records as a table on a terminal, as tab-separated lines on a pipe, or as `--format` says.

    Where no fields were asked for, a table has `columns`, or the `screen_fields`: the most important first, and a
    long one at the end. `none` is said where there is no record.

    Raises:
        UsageError: the options ask for two forms, or for a field there is not.
    """
    chosen = choose_form(form, as_json=as_json, ids_only=quiet, terminal=sys.stdout.isatty())
    names = choose_fields(fields, known)
    if chosen is not Form.TABLE:
        write(records, chosen, names, sys.stdout, key=key)
        return
    from slactl.show.tables import draw, field_column

    found = list(records)
    if not found:
        say(none, err=True)
        return
    shown = screen_fields if screen_fields and fields is None else names
    drawn: Sequence[Column] = [field_column(name, rank=place) for place, name in enumerate(shown)]
    if fields is None and columns is not None:
        drawn = columns()
    elif shown is screen_fields:
        drawn = [*drawn[:-1], replace(drawn[-1], long=True, rank=1)]
    draw(found, drawn, call(context).screen)
