"""Tables for a terminal: as many columns as fit, and every text through the sanitiser."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from slactl.show.colours import FAINT
from slactl.show.form import UNCUT, Screen
from slactl.show.records import Record, cell
from slactl.text import clean

if TYPE_CHECKING:
    from typing import TypeAlias

    from rich.segment import Segments
    from rich.table import Table
    from typing_extensions import TypeVar as Generalised

    Row = Generalised("Row", contravariant=True, default=Record)
    OneRow = Generalised("OneRow", default=Record)
    #: The text of a cell and its style.
    Styled: TypeAlias = tuple[str, str]
else:
    Row, OneRow = TypeVar("Row"), TypeVar("OneRow")

Part = TypeVar("Part")

#: How many cells a time in the display zone needs, and what other fields usually need.
INSTANT, USUAL = 16, 8

#: How many rows of a long list that has no limit of its own a screen shows.
FEW_ROWS = 60

#: Cells between two columns.
GAP = 2
#: A long column keeps this width; before it gets narrower, a less important column goes.
LEAST_LONG = 20


class Column(NamedTuple, Generic[Row]):
    """A column: a function from a record to text and style, and what happens on a narrow screen.

    A column of `rank` 0 always stays, and the highest rank goes first. `most` is the greatest width in cells. A `long`
    column takes the width that is left: it is shortened, or with `wrap` continues in the next line. A column with a
    `usual` width (in cells) comes and goes with the width of the screen alone, never with what is in the table.
    """

    title: str
    cell: Callable[[Row], str | tuple[str, str]]
    rank: int = 0
    most: int = 40
    long: bool = False
    wrap: bool = False
    right: bool = False
    usual: int = 0


def field_column(name: str, *, rank: int = 0) -> Column:
    """Return a column that shows a field as it is."""
    return Column(name, lambda record: cell(record[name]), rank=rank)


def screen_columns(names: Sequence[str]) -> list[Column]:
    """Return the columns of fields for people: times in the display zone, a long field at the end.

    They come and go with the width of the screen alone.
    """
    from slactl.show.times import local, timed

    columns = []
    zoned = next((name for name in names if name.endswith("_at")), None)
    for rank, name in enumerate(names):
        title = timed(name) if name == zoned else name

        def text(record: Record, name: str = name) -> str:
            value = record[name]
            return local(value) if value and name.endswith("_at") else cell(value)

        usual = INSTANT if name.endswith("_at") else 0 if rank == 0 else max(len(name), USUAL)
        columns.append(Column(title, text, rank=rank, usual=max(usual, len(title)) if usual else 0))
    return [*columns[:-1], columns[-1]._replace(long=True, rank=1, usual=LEAST_LONG)]


def draw(records: Iterable[OneRow], columns: Sequence[Column[OneRow]], screen: Screen, *, footer: str = "") -> None:
    """Draw a table of the records, and dim lines below it."""
    from rich.text import Text

    console = screen.console()
    console.print(lay(list(records), columns, console.width))
    for line in footer.splitlines():
        console.print(Text(clean(line), style=FAINT))


def lay(records: Sequence[OneRow], columns: Sequence[Column[OneRow]], width: int) -> "Segments | Table":
    """Lay out a table that fits `width` cells; the columns of the highest rank are left out first.

    Columns that have neither rank 0 nor a usual width are left out also where they are empty.
    """
    from rich.cells import cell_len

    rows = [[_styled(column.cell(record)) for column in columns] for record in records]
    most = [column.most if width < UNCUT else width for column in columns]
    sizes = [
        max([cell_len(column.title), *(min(most[index], cell_len(row[index][0])) for row in rows)])
        for index, column in enumerate(columns)
    ]
    stays = [not column.rank or bool(column.usual) for column in columns]
    filled = [index for index in range(len(columns)) if stays[index] or any(row[index][0] for row in rows)]
    kept = _fit(filled, columns, sizes, width)
    widths = _narrowed(kept, columns, sizes, width)
    fits = sum(widths.values()) + GAP * (len(kept) - 1) <= width
    if fits and not any(columns[index].wrap for index in kept):
        return as_lines(rows, columns, widths)
    return as_table(rows, columns, widths)


def as_lines(
    rows: "Sequence[Sequence[Styled]]", columns: Sequence[Column[OneRow]], widths: Mapping[int, int]
) -> "Segments":
    """Return a line for each row. Rich's own table wraps each cell, which takes five times as long."""
    from rich.cells import cell_len, set_cell_size
    from rich.segment import Segment, Segments
    from rich.style import Style

    parts: list[Segment] = []
    for row in ([(column.title, "bold") for column in columns], *rows):
        for index, size in widths.items():
            text, style = row[index]
            if cell_len(text) > size:
                text = set_cell_size(text, size - 1) + "…"
            elif columns[index].right:
                text = " " * (size - cell_len(text)) + text
            parts += (Segment(set_cell_size(text, size), Style.parse(style)), Segment(" " * GAP))
        parts[-1] = Segment.line()
    return Segments(parts)


def as_table(
    rows: "Sequence[Sequence[Styled]]", columns: Sequence[Column[OneRow]], widths: Mapping[int, int]
) -> "Table":
    """Return a table in which cells may need several lines, or columns are narrower than they should be."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, collapse_padding=True, header_style="bold")
    for index, size in widths.items():
        column = columns[index]
        table.add_column(
            column.title,
            no_wrap=not column.wrap,
            overflow="fold" if column.wrap else "ellipsis",
            justify="right" if column.right else "left",
            width=size,
        )
    for row in rows:
        table.add_row(*(Text(row[index][0], style=row[index][1]) for index in widths))
    return table


def _fit(indexes: Sequence[int], columns: Sequence[Column[OneRow]], sizes: Sequence[int], width: int) -> list[int]:
    """Return the columns that fit, by their usual widths or else by what is in them."""
    kept = list(indexes)
    while True:
        least = [columns[index].usual or _least(columns[index], sizes[index]) for index in kept]
        dispensable = [index for index in kept if columns[index].rank]
        if sum(least) + GAP * (len(kept) - 1) <= width or not dispensable:
            return kept
        kept.remove(max(dispensable, key=lambda index: columns[index].rank))


def _least(column: Column[OneRow], size: int) -> int:
    return min(size, column.usual or LEAST_LONG) if column.long else size


def _narrowed(
    kept: Sequence[int], columns: Sequence[Column[OneRow]], sizes: Sequence[int], width: int
) -> dict[int, int]:
    """Return the width of each column: where all are too wide, those of the highest rank get their usual width."""
    widths = {index: _least(columns[index], sizes[index]) for index in kept}
    room = width - GAP * (len(kept) - 1)
    for index in sorted(kept, key=lambda index: -columns[index].rank):
        column, spare = columns[index], sum(widths.values()) - room
        if spare > 0 and column.rank and column.usual and not column.long:
            widths[index] = max(min(column.usual, widths[index]), widths[index] - spare)
    for index in (index for index in kept if columns[index].long):
        left = room - sum(size for other, size in widths.items() if other != index)
        widths[index] = max(1, min(left, sizes[index]))
    return widths


def _styled(value: "str | Styled") -> "Styled":
    plain, style = value if isinstance(value, tuple) else (value, "")
    return clean(plain), style


def halves(rows: Sequence[Part]) -> tuple[Sequence[Part], Sequence[Part]]:
    """Return all rows and an empty list, or the first and the last rows if there are more than a screen shows."""
    half = FEW_ROWS // 2
    return (rows, ()) if len(rows) <= FEW_ROWS else (rows[:half], rows[-half:])


def bar(share: float, cells: int, *, blocks: bool = True) -> str:
    """Return a bar of `cells` cells with `share` (0 to 1) of them filled; ASCII where blocks cannot be written."""
    full, empty = ("█", "░") if blocks else ("#", "-")
    filled = min(cells, max(0, round(share * cells)))
    # A small share is never drawn as nothing, and an incomplete one never as complete.
    filled = max(filled, 1) if share > 0 else filled
    filled = min(filled, cells - 1) if share < 1 else filled
    return full * filled + empty * (cells - filled)
