"""Choose the map for a file: a map, or the one of its variants whose columns the file has."""

import csv
import io
import re
from typing import BinaryIO, cast

from slactl.desk.transfer.foreign.paths import parse_path
from slactl.desk.transfer.lines import UTF16, peek
from slactl.desk.transfer.maps import Map, load_map

#: A key of a JSON object.
_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:')


def fitted(source: BinaryIO, mapping: Map | None) -> tuple[BinaryIO, Map | None]:
    """Return a file from its beginning, and the map for it.

    That is the first variant of the map whose needed columns stand at the beginning of the file, else the map itself.
    """
    if mapping is None or not mapping.variants:
        return source, mapping
    stream = source if hasattr(source, "peek") else cast("BinaryIO", io.BufferedReader(source))  # type: ignore[type-var]
    names = _names(peek(stream), mapping)
    for variant in map(load_map, mapping.variants):
        if all(any(_has(names, path) for path in variant.columns[each]) for each in variant.needed):
            return stream, variant
    return stream, mapping


def _has(names: set[str], path: str) -> bool:
    return path in names or names.issuperset(step for step in parse_path(path).steps if step != "[]")


def _names(start: bytes, mapping: Map) -> set[str]:
    """Return the names of columns in the beginning of a table, or the keys in that of a JSON document."""
    text = start.decode("utf-16" if start[:2] in UTF16 else "utf-8", errors="replace").lstrip()
    if text[:1] in ("[", "{"):
        return set(_KEY.findall(text))
    first = text.splitlines()[:1]
    delimiters = (mapping.delimiter, ";", "\t", "|")
    return {name.strip() for each in delimiters for row in csv.reader(first, delimiter=each) for name in row}
