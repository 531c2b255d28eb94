"""The figures of notebook 02: readable, whole, and true to the numbers that they are given."""

import numpy as np
import pytest
from matplotlib.text import Text

from course.plots import gradient_descent
from course.plots.figure import figure_png
from course.plots.gradient_descent import LOOKS

RACE = {name: np.linspace(2, 0.1 + 0.1 * n, 6) for n, name in enumerate(LOOKS)}
FIGURES = {
    "descents": lambda: gradient_descent.descents(
        lambda w: w**2, {"lr = 0.1": [3, 2, 1], "lr = 1.1": [3, -3.5, 9]}, reach=(-4, 4)
    ),
    "directions": lambda: gradient_descent.directions(
        np.arange(0, 360, 5), np.cos(np.radians(np.arange(0, 360, 5))), 180
    ),
    "paths": lambda: gradient_descent.paths(
        lambda a, b: a**2 + 4 * b**2, {"lr 0.02": [[1, 1], [0.5, 0]], "lr 0.1": [[1, 1], [0, 0]]},
        x=(-2, 2), y=(-1, 1.4), levels=[0.5, 2],
    ),
    "lines": lambda: gradient_descent.lines(
        range(6), {"": RACE}, xlabel="epoch", ylabel="loss", logarithmic="y"
    ),
    "lines, two panels": lambda: gradient_descent.lines(
        [0.01, 0.1, 1], {"one": {"sgd": [1, 2, 3]}, "two": {"sgd": [3, np.inf, 40]}},
        xlabel="rate", ylabel="loss", logarithmic="xy", highest=10,
    ),
    "lines, a limit": lambda: gradient_descent.lines(
        [0, 0.5, 1.2], {"": {"ravine": [1, 0.1, 9]}}, xlabel="share", ylabel="left", limit=1.0, says="2/λmax"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_clipped_small_or_on_another(name: str, legible) -> None:
    legible(FIGURES[name](), smallest=12)
    assert figure_png(FIGURES[name]()) == figure_png(FIGURES[name]())


def test_the_steps_lie_on_the_curve_and_those_beyond_are_left_out() -> None:
    near, far = FIGURES["descents"]().axes
    for axes, places in ((near, [3, 2, 1]), (far, [3, -3.5])):
        start, others = axes.lines[-1], axes.lines[-2]
        drawn = [*start.get_xdata(), *others.get_xdata()]
        assert drawn == places
        assert [*start.get_ydata(), *others.get_ydata()] == [w**2 for w in places]


def test_the_lowest_direction_is_marked() -> None:
    figure = gradient_descent.directions([0, 90, 180, 270], [1, 0, -2, 0.5], 180)
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [(*dot.get_xdata(), *dot.get_ydata()) for dot in dots] == [(180, -2)]


def test_the_paths_run_where_they_ran() -> None:
    axes = FIGURES["paths"]().axes[0]
    one, other = axes.lines
    assert one.get_xydata().tolist() == [[1, 1], [0.5, 0]]
    assert (one.get_marker(), one.get_linestyle()) != (other.get_marker(), other.get_linestyle())


def test_a_rule_looks_the_same_everywhere_and_unlike_the_others() -> None:
    alone = gradient_descent.lines([0, 1], {"": {"adam": [1, 2]}}, xlabel="a", ylabel="b").axes[0].lines[0]
    among = FIGURES["lines"]().axes[0].lines
    looks = [(line.get_color(), line.get_marker()) for line in among]
    assert len(set(looks)) == 5 and (alone.get_color(), alone.get_marker()) == looks[list(LOOKS).index("adam")]
    legend = [text.get_text() for text in FIGURES["lines"]().legends[0].findobj(Text) if text.get_text()]
    assert legend == list(LOOKS)


def test_what_is_too_high_is_drawn_at_the_edge_and_what_is_infinite_not_at_all() -> None:
    _, two = FIGURES["lines, two panels"]().axes
    np.testing.assert_array_equal(two.lines[0].get_ydata(), [3, np.nan, 10])


def test_a_limit_says_what_it_is() -> None:
    figure = FIGURES["lines, a limit"]()
    assert "2/λmax" in [t.get_text() for t in figure.axes[0].texts]
    assert figure.legends == [], "one curve needs no legend"
