"""The figures of notebook 06: whole, readable, and saying what they should."""

import io

import matplotlib.image
import numpy as np
import pytest

from course.plots.backward import line_layer, named, times
from course.plots.figure import figure_png

NAMES = np.array(list("abcdefghi")).reshape(3, 3)
SECONDS = {"loops": [0.03, 0.12, 0.5], "your im2col": [1e-4, 2e-4, 3e-4, 1e-3, 0.02], "course.ops": [2e-4] * 5}

FIGURES = {
    "line_layer": lambda: line_layer([1, 3, -1, 2, 4], [2, 1, -1], [1, -2, 3]),
    "line_layer, two weights": lambda: line_layer(np.arange(4), [0.5, -10], [1, -2, 3]),
    "named": lambda: named(NAMES, "→", np.full((4, 4), "x"), titles=["x", "cols"], windows={0: (0, 0, 2, 2)}),
    "named, side by side": lambda: named(NAMES, NAMES, titles=["windows of 2×2", "windows of 3×1"]),
    "times": lambda: times([8, 16, 32, 64, 128], SECONDS),
    "times, at the start": lambda: times([8, 16, 32], {"loops": [], "matrices": []}),
}


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_clipped_small_or_on_another(name: str, legible) -> None:
    legible(FIGURES[name](), smallest=12)


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_figure_gives_the_same_bytes_and_fits_a_page(name: str) -> None:
    png = figure_png(FIGURES[name]())
    assert png == figure_png(FIGURES[name]())
    pixels = matplotlib.image.imread(io.BytesIO(png))
    assert pixels[..., :3].std() > 0.02 and pixels.shape[1] <= 1300


def test_each_output_is_joined_to_its_window_and_each_weight_has_a_style() -> None:
    axes = FIGURES["line_layer"]().axes[0]
    joined = [line for line in axes.lines if line.get_ydata()[0] == 0]
    assert len(joined) == 9
    styles = [(line.get_color(), line.get_linestyle()) for line in joined]
    assert len(set(styles)) == 3 and all(styles.count(style) == 3 for style in styles)
    ends = {(line.get_xdata()[0] / 2, line.get_xdata()[1] / 2 - 1) for line in joined}
    assert ends == {(j + u, j) for j in range(3) for u in range(3)}


def test_names_stand_where_they_belong() -> None:
    axes = named(NAMES, "→", [["q"]]).axes[0]
    said = {t.get_text(): t.get_position() for t in axes.texts if t.get_text()}
    assert set(said) == {*"abcdefghi", "→", "q"}
    assert said["a"][0] == said["d"][0] < said["b"][0] and said["a"][1] == said["b"][1] < said["d"][1]
    assert said["i"][0] < said["→"][0] < said["q"][0]


def test_a_row_that_ends_early_tells_its_last_time() -> None:
    axes = FIGURES["times"]().axes[0]
    assert [t.get_text() for t in axes.texts] == ["500 ms", "20 ms", "0.2 ms"]
    assert [len(line.get_xdata()) for line in axes.lines] == [3, 5, 5]
    assert len({(line.get_marker(), line.get_linestyle()) for line in axes.lines}) == 3, "not by colour alone"
