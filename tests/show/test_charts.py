"""Where the bars, dots and labels of a page's charts lie."""

import pytest

from slactl.show.charts import GUTTER, HEIGHT, TOP, below, curves, heat_map, round_up, shade, stacked_columns


def test_columns_stand_on_the_line_and_on_each_other() -> None:
    chart = stacked_columns(["a", "b"], [{"x": 5, "y": 5}, {"x": 0, "y": 2}], lambda place: f"step {place}")
    first, second, third = chart.marks
    # Two columns share what is left of the labels, and a tenth on either side of each is free.
    assert (first.name, first.x, first.width) == ("x", 15.45, 35.6)
    assert third.x + third.width == pytest.approx(100 - 4.45)
    assert first.y + first.height == pytest.approx(TOP + HEIGHT)
    assert second.y + second.height == pytest.approx(first.y)
    assert second.y == pytest.approx(TOP)
    assert (third.name, third.x, third.title) == ("y", 59.95, "step 1")
    assert [line.text for line in chart.lines] == ["10", "5"]


def test_columns_without_anything() -> None:
    assert stacked_columns([], [], str).marks == []
    assert stacked_columns(["a"], [{"x": 0}], str).marks == []


def test_a_curve_has_gaps_where_nothing_was_measured() -> None:
    (curve,) = curves(["a", "b", "c", "d"], {"x": [1.0, 0.5, None, 0.0]}, lambda name, place: f"{name}{place}").curves
    first, second, last = (GUTTER + (100 - GUTTER) * part for part in (0.125, 0.375, 0.875))
    assert curve.pieces == [f"{first},{float(TOP)} {second},{TOP + HEIGHT / 2}"]
    assert [(dot.x, dot.y, dot.title) for dot in curve.dots] == [
        (first, TOP, "x0"),
        (second, TOP + HEIGHT / 2, "x1"),
        (last, TOP + HEIGHT, "x3"),
    ]


def test_the_busiest_hour_is_the_darkest_and_only_none_is_the_lightest() -> None:
    week = [[0] * 24 for _ in range(7)]
    week[1][23], week[6][0] = 100, 1
    cells = heat_map(week, lambda day, hour: f"{day} {hour}")
    assert len(cells) == 168
    assert {cell.title: cell.name for cell in cells if cell.name != "0"} == {"1 23": "5", "6 0": "1"}
    assert max(cell.x + cell.width for cell in cells) <= 100
    assert shade(0, 0) == 0


@pytest.mark.parametrize(
    ("number", "top"), [(0, 1), (1, 1), (2, 2), (3, 4), (7, 8), (9, 10), (10, 10), (11, 20), (99, 100), (612, 800)]
)
def test_an_axis_ends_at_a_round_number(number: int, top: int) -> None:
    assert round_up(number) == top


@pytest.mark.parametrize("steps", [0, 1, 5, 6, 31, 57])
def test_labels_are_few_and_stay_inside(steps: int) -> None:
    labels = below([f"{step}" for step in range(steps)])
    assert len(labels) == min(steps, len(labels)) <= 6
    for label in labels:
        assert 0 <= label.x <= 100
        assert label.anchor == ("start" if label.x < 12 else "end" if label.x > 88 else "middle")
