"""Choose among a map and its variants the one that fits a file, by the columns at the beginning of the file."""

import io
import re
from typing import BinaryIO, cast

from slactl.desk.transfer.foreign.paths import parse_path
from slactl.desk.transfer.lines import found_encoding
from slactl.desk.transfer.maps import Map, load_map

#: How much of a file is looked at, in bytes.
START = 1 << 20

_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:')


def fitting(source: BinaryIO, mapping: Map) -> tuple[BinaryIO, Map]:
    """Return the stream, which nothing was read from, and the map or its variant that has most of its columns there.

    The map itself counts where several fit as well. A variant must have every column that it needs.
    """
    if not mapping.variants:
        return source, mapping
    stream = cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", source), START))
    start = stream.peek(START)[:START]  # type: ignore[attr-defined]
    encoding = found_encoding(start, mapping.encoding) or "utf-8-sig"
    text = start.decode(encoding, errors="replace").lstrip()
    is_json = text[:1] in ("[", "{")
    first = re.split(r"[\r\n]", text, maxsplit=1)[0]
    cells = (name.strip().strip('"') for name in re.split(r"[,;\t|]", first))
    names = set(_KEY.findall(text) if is_json else cells)
    best, most = mapping, _share(mapping, names, is_json=is_json)
    for name in mapping.variants:
        variant = load_map(name)
        share = _share(variant, names, is_json=is_json)
        needed = (variant.columns[ours] for ours in variant.needed)
        if share > most and all(_has(paths, names, is_json=is_json) for paths in needed):
            best, most = variant, share
    return stream, best


def _share(mapping: Map, names: set[str], *, is_json: bool) -> float:
    found = sum(_has(paths, names, is_json=is_json) for paths in mapping.columns.values())
    return found / len(mapping.columns)


def _has(paths: tuple[str, ...], names: set[str], *, is_json: bool) -> bool:
    if not is_json:
        return any(path in names for path in paths)
    return any(all(step in names for step in parse_path(path).steps if step != "[]") for path in paths)
