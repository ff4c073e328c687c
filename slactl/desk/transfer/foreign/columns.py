"""Compare the columns of a file with the columns that a map names."""

from collections.abc import Collection, Iterable, Sequence

from slactl.desk.transfer.foreign.paths import parse_path
from slactl.desk.transfer.foreign.tables import Ours
from slactl.desk.transfer.lines import Problem, Report
from slactl.desk.transfer.maps import Map
from slactl.errors import UsageError
from slactl.text import clean, counted, meaning, nearest

#: The hint of every error about columns.
HINT = "slactl help import"

#: How like a column of the file a missing column is at least, so that one of them must be mistyped.
LIKE = 0.8

#: Endings that make different columns of one word: closed_at is not closed_by.
_ENDS = frozenset(("at", "by", "on", "id", "to"))


def not_utf8(line: str, encoding: str | None) -> tuple[str, str]:
    """Return the message and the hint about a line of column names that is not in the encoding of the map."""
    if encoding is not None:
        return f"the column names are not valid {encoding}; the map says encoding = {encoding!r}", HINT
    # In UTF-16, every second byte of a plain letter is NUL.
    likely = "utf-16" if "\0" in line else "cp1252"
    return f'the column names are not UTF-8; name the encoding in the map, such as encoding = "{likely}"', HINT


def check_header(header: Sequence[str], mapping: Map, number: int, report: Report) -> None:
    """Report the optional columns that a table does not have, all in one warning.

    Raises:
        UsageError: a needed column is missing, a missing column is probably mistyped, or a column is there twice.
    """
    for ours, theirs in mapping.columns.items():
        for name in theirs if ours != Ours.TAGS else ():
            if header.count(name) > 1:
                places = " and ".join(str(place) for place, other in enumerate(header, 1) if other == name)
                why = f"columns {places} have this name, and the map needs it for {ours}; rename one of them"
                raise UsageError(f"line {number}: {clean(name)}: {why}", HINT)
    missing = {
        ours: theirs
        for ours, theirs in mapping.columns.items()
        if (set(theirs) - set(header) if ours == Ours.TICKET else not set(theirs) & set(header))
    }
    check_missing(missing, header, mapping)
    if any(ours in mapping.needed for ours in missing) or (missing and not mapping.optional):
        raise UsageError(f"{_told(missing, header, mapping)} (there are: {clean(', '.join(header))[:300]})", HINT)
    if missing:
        report(Problem(0, "", _told(missing, header, mapping), warning=True))


def check_missing(missing: Iterable[str], names: Collection[str], mapping: Map) -> None:
    """Refuse a file in which a missing column of the map is probably one of the unused columns, mistyped.

    Raises:
        UsageError: that is so.
    """
    unused = _unused(names, mapping)
    for ours in missing:
        for theirs in mapping.columns[ours]:
            outer = parse_path(theirs).steps[0]
            for wanted in (theirs, *([outer] if outer not in names else [])):
                meant = next((name for name in unused if _is_mistyped(wanted, name)), None)
                if meant is not None:
                    why = f"the file has no column {clean(wanted)!r}, which the map needs for {ours}"
                    raise UsageError(f"{why}{meaning([meant])}", HINT)


def warn_missing(missing: Collection[str], names: Collection[str], mapping: Map, report: Report) -> None:
    """Report in one warning the columns that no row of a JSON document has.

    Raises:
        UsageError: one of them is probably mistyped.
    """
    check_missing(missing, names, mapping)
    if missing:
        told = _told({ours: mapping.columns[ours] for ours in missing}, names, mapping)
        report(Problem(0, "", told, warning=True))


def _told(missing: dict[str, tuple[str, ...]], names: Collection[str], mapping: Map) -> str:
    named = {ours: clean(mapping.column(ours)) for ours in missing}
    columns = ", ".join(name if name == ours else f"{name} (for {ours})" for ours, name in named.items())
    unused = _unused(names, mapping)
    near = dict.fromkeys(found for theirs in missing.values() if (found := nearest(theirs[0], unused)) is not None)
    return f"the file does not have {counted(len(missing), 'column')} of the map: {columns}{meaning(near)}"


def _unused(names: Collection[str], mapping: Map) -> list[str]:
    used = {part for path in mapping.paths() for part in (path, path.split(".")[0].removesuffix("[]"))}
    return [name for name in names if name not in used]


def _is_mistyped(theirs: str, name: str) -> bool:
    """Return whether two names differ by letters only, or one is the beginning of the other and half as long."""
    from difflib import SequenceMatcher

    ends = {theirs.casefold().rpartition("_")[2], name.casefold().rpartition("_")[2]}
    if len(ends) == 2 and ends <= _ENDS:
        return False
    short, long = sorted((theirs.casefold(), name.casefold()), key=len)
    if len(short) >= 4 and long.startswith(short) and 2 * len(short) >= len(long):
        return True
    return SequenceMatcher(None, short, long).ratio() >= LIKE
