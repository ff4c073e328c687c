"""Charts as numbers: the places of bars, dots and labels in the SVG of a page.

Places across are percentages of the chart's width, so that text keeps its size on a phone; places down are pixels.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

#: The height of a plot in pixels, and the room above it for half a line of text.
HEIGHT, TOP = 160, 10

#: How many labels fit side by side on a phone.
LABELS = 4

#: Where a plot begins, in percent; the labels of its lines are before it.
GUTTER = 11

#: A label this close to an edge is not centred, in percent.
EDGE = 12

#: How many shades an hour can have besides none.
SHADES = 5


@dataclass(frozen=True, slots=True)
class Mark:
    """A rectangle; `name` says what it stands for."""

    name: str
    x: float
    y: float
    width: float
    height: float
    title: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A text beside a line or below a step; `anchor` says which end of the text lies at `x`."""

    x: float
    y: float
    text: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Curve:
    """A line with gaps: its pieces as points of a polyline in a field of 100 by `HEIGHT`, and its dots."""

    name: str
    pieces: Sequence[str]
    dots: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class Chart:
    """The contents of one plot."""

    marks: Sequence[Mark] = ()
    curves: Sequence[Curve] = ()
    lines: Sequence[Label] = ()
    labels: Sequence[Label] = ()


def stacked_columns(names: Sequence[str], steps: Sequence[Mapping[str, int]], title: Callable[[int], str]) -> Chart:
    """Lay out a column for each step, its parts on top of one another; `title` describes a step."""
    totals = [sum(step.values()) for step in steps]
    top = round_up(max(totals, default=0))
    width = (100 - GUTTER) / max(1, len(steps))
    marks = []
    for place, step in enumerate(steps):
        y = float(TOP + HEIGHT)
        for name, number in step.items():
            height = HEIGHT * number / top
            y -= height
            if number:
                x = GUTTER + place * width + width * 0.1
                marks.append(Mark(name, rounded(x), rounded(y), rounded(width * 0.8), rounded(height), title(place)))
    lines = [Label(0, down(part), f"{top * part:,.0f}") for part in (1.0, 0.5)] if top > 1 else [Label(0, TOP, "1")]
    return Chart(marks=marks, lines=lines, labels=below(names))


def curves(
    names: Sequence[str], series: Mapping[str, Sequence[float | None]], title: Callable[[str, int], str]
) -> Chart:
    """Lay out a line of shares (0 to 1) for each series, with a gap if nothing was measured."""
    width = (100 - GUTTER) / max(1, len(names))

    def point(place: int, share: float) -> tuple[float, float]:
        return rounded(GUTTER + place * width + width / 2), rounded(down(share))

    drawn = []
    for name, shares in series.items():
        known = groupby(enumerate(shares), key=lambda pair: pair[1] is not None)
        pieces = [[point(place, share or 0) for place, share in run] for is_known, run in known if is_known]
        dots = [
            Mark(name, *point(place, share), 0, 0, title(name, place))
            for place, share in enumerate(shares)
            if share is not None
        ]
        drawn.append(Curve(name, [" ".join(f"{x},{y}" for x, y in piece) for piece in pieces if len(piece) > 1], dots))
    lines = [Label(0, down(share), f"{share * 100:.0f} %") for share in (1.0, 0.5)]
    return Chart(curves=drawn, lines=lines, labels=below(names))


def heat_map(week: Sequence[Sequence[int]], title: Callable[[int, int], str]) -> Sequence[Mark]:
    """Lay out a cell for each hour of the week, named by its shade: 0 is nothing, 5 the busiest."""
    most = max(map(max, week))
    return [
        Mark(str(shade(number, most)), rounded(10 + hour * 3.75), day * 22, 3.5, 20, title(day, hour))
        for day, row in enumerate(week)
        for hour, number in enumerate(row)
    ]


def shade(number: int, most: int) -> int:
    """Return how dark a number is, the greatest being the darkest; only 0 is nothing."""
    return -(-SHADES * number // most) if most else 0


def below(names: Sequence[str]) -> Sequence[Label]:
    """Lay out labels below some of the steps, as many as fit."""
    every = max(1, -(-len(names) // LABELS))
    width = (100 - GUTTER) / max(1, len(names))
    places = [(GUTTER + place * width + width / 2, names[place]) for place in range(every // 2, len(names), every)]
    # At the edges a label in the middle would stick out.
    return [
        Label(rounded(x), TOP + HEIGHT + 18, name, "start" if x < EDGE else "end" if x > 100 - EDGE else "middle")
        for x, name in places
    ]


def round_up(number: int) -> int:
    """Return the next number that suits the top of an axis: 1, 2, 4, 6, 8 or 10 times a power of ten."""
    if number <= 1:
        return 1
    power: int = 10 ** (len(str(number)) - 1)
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= number)


def down(share: float) -> float:
    """Return how far down a share lies, in pixels."""
    return TOP + HEIGHT * (1 - share)


def rounded(number: float) -> float:
    """Round a place for SVG."""
    return round(number, 3)
