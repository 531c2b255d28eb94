"""The figures of notebook 04: readable, whole, and true to the numbers that they are given."""

import numpy as np
import pytest
from matplotlib.patches import Circle

from course.plots.figure import figure_png
from course.plots.neural_networks import approximations, half_plane, networks, regions

WINDOW = (0, 8, 0, 6)
TRIANGLE = [(1, 1), (5, 1), (1, 4)]
X = np.linspace(0, 6, 50)


def three_ways(x):
    return np.stack([x[:, 0], x[:, 1], -x[:, 0] - x[:, 1]], axis=1)


FIGURES = {
    "half_plane": lambda: half_plane((3, 4), -19, {"A": (5, 5), "B": (1, 1)}, extent=WINDOW),
    "networks": lambda: networks([(2, 1), (2, 4, 1), (2, 4, 4, 3)], titles=["first", "second", "third"]),
    "regions, empty": lambda: regions(lambda x: -np.ones((len(x), 1)), extent=WINDOW, outline=TRIANGLE),
    "regions, one score": lambda: regions(lambda x: x[:, :1] - 3, extent=WINDOW),
    "regions, three classes": lambda: regions(
        three_ways, np.random.default_rng(0).normal(size=(9, 2)), np.arange(9) % 3, extent=(-2, 2, -2, 2)
    ),
    "approximations": lambda: approximations(X, np.sin(X), {"a": np.cos(X), "b": X / 6}, {"a": [0, 1], "b": [2]}),
}


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_clipped_small_or_on_another(name: str, legible) -> None:
    legible(FIGURES[name](), smallest=12)
    assert figure_png(FIGURES[name]()) == figure_png(FIGURES[name]())


def test_the_dashed_lines_are_the_distances() -> None:
    figure = FIGURES["half_plane"]()
    dashed = [np.array(line.get_xydata()) for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    for (point, foot), distance in zip(dashed, (3.2, 2.4), strict=True):
        assert np.hypot(*(point - foot)) == pytest.approx(distance)
        assert foot @ [3, 4] == pytest.approx(19)


def test_every_neuron_is_connected_to_all_before_it() -> None:
    axes = FIGURES["networks"]().axes[0]
    assert len(axes.lines) == 2 + 12 + 36, "the weights that EECS 442 counts"
    circles = [patch for patch in axes.patches if isinstance(patch, Circle)]
    assert len(circles) == 3 + 7 + 13


def test_the_regions_are_those_of_the_scores() -> None:
    figure = FIGURES["regions, three classes"]()
    axes = figure.axes[0]
    assert [line.get_label() for line in axes.lines] == ["class 0", "class 1", "class 2"]
    assert len({line.get_marker() for line in axes.lines}) == 3
    places = np.array([[1.5, 0], [0, 1.5], [-1.5, -1.5]])
    fills = [c for c in axes.collections if c.get_facecolor().size]
    for winner, fill in enumerate(fills):
        held = [any(path.contains_point(place) for path in fill.get_paths()) for place in places]
        assert held == [n == winner for n in range(3)]
    assert len(FIGURES["regions, empty"]().axes[0].lines) == 1, "nothing but the outline"


def test_a_single_score_is_class_1_where_it_is_positive() -> None:
    below, above = (c for c in FIGURES["regions, one score"]().axes[0].collections if c.get_facecolor().size)
    assert below.get_paths()[0].contains_point((1, 1)) and not below.get_paths()[0].contains_point((6, 1))
    assert above.get_paths()[0].contains_point((6, 1)) and not above.get_paths()[0].contains_point((1, 1))


def test_each_network_stands_beside_the_same_curve() -> None:
    figure = FIGURES["approximations"]()
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]
    for axes, knots in zip(figure.axes, (2, 1), strict=True):
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), np.sin(X))
        assert len(axes.lines[2].get_xdata()) == knots
