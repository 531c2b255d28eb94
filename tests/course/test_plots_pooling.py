"""The figures of pooling: whole, readable, and true to what they show."""

import io

import matplotlib.image
import numpy as np
import pytest

from course.plots.figure import figure_png
from course.plots.pooling import against_shift, jitter, line_windows, walk

MAPS = {"picture": np.eye(8), "max": np.eye(2)}
FIGURES = {
    "line_windows": lambda: line_windows([1, 4, 2, 3], [10, 1, 5], field=2),
    "line_windows, stride 2": lambda: line_windows([1, -4, 2, 3, 0], [-1.5, 2], field=3, stride=2),
    "walk": lambda: walk([(3, 32, 32), (10, 16, 16), (10, 8, 8), (10, 4, 4)], ["conv, ReLU\nconv, ReLU\npool"] * 3),
    "jitter": lambda: jitter(MAPS, {name: x[:, ::-1] for name, x in MAPS.items()}),
    "jitter, four": lambda: jitter(dict.fromkeys("abcd", np.eye(6)), dict.fromkeys("abcd", np.eye(6, k=1))),
    "against_shift": lambda: against_shift({"none": [0, 0.9], "max": [0, 0.5]}, ylabel="change", title="Change"),
    "against_shift, long names": lambda: against_shift(
        {f"a kind of pooling {n}:\n32218 parameters": [0.9, 0.1 * n, 0.2] for n in range(5)}, ylabel="digits read"
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_clipped_small_or_on_another(name: str, legible) -> None:
    legible(FIGURES[name](), smallest=12)


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_figure_gives_the_same_bytes_and_fits_a_page(name: str) -> None:
    png = figure_png(FIGURES[name]())
    assert png == figure_png(FIGURES[name]())
    pixels = matplotlib.image.imread(io.BytesIO(png))
    assert pixels[..., :3].std() > 0.02 and pixels.shape[1] <= 1450


@pytest.mark.parametrize(("field", "stride", "windows"), [(2, 1, 4), (3, 1, 3), (3, 2, 2), (5, 1, 1)])
def test_every_window_reaches_each_of_its_cells(field: int, stride: int, windows: int) -> None:
    axes = line_windows(np.arange(5), np.ones(windows), field=field, stride=stride).axes[0]
    assert len(axes.lines) == field * windows
    reached = sorted({round(line.get_xdata()[0] / 1.8) for line in axes.lines})
    assert reached == list(range((windows - 1) * stride + field))
    styles = {(line.get_linestyle(), line.get_color()) for line in axes.lines}
    assert len(styles) == windows, "a style for each window, not a colour alone"


def test_a_change_is_the_norm_of_the_difference_over_that_before() -> None:
    before, after = np.array([[3.0, 4], [0, 0]]), np.array([[0.0, 4], [0, 0]])
    figure = jitter({"map": before, "black": np.zeros((2, 2))}, {"map": after, "black": np.zeros((2, 2))})
    assert figure.axes[4].get_xlabel() == "changed by 60 %", "‖(−3, 0)‖ = 3, ‖(3, 4)‖ = 5"
    assert figure.axes[5].get_xlabel() == "changed by 0 %"
    np.testing.assert_array_equal(figure.axes[4].images[0].get_array(), [[3, 0], [0, 0]])


def test_maps_are_named_by_their_size() -> None:
    words = [t.get_text() for t in FIGURES["walk"]().axes[0].texts]
    assert [w for w in words if "×" in w] == ["32×32×3", "16×16×10", "8×8×10", "4×4×10"]


def test_curves_are_in_percent_and_differ_in_more_than_colour() -> None:
    lines = FIGURES["against_shift, long names"]().axes[0].lines
    assert len({(line.get_linestyle(), line.get_marker()) for line in lines}) == 5
    assert list(lines[3].get_ydata()) == pytest.approx([90, 30, 20]) and list(lines[3].get_xdata()) == [0, 1, 2]


def test_more_curves_than_styles_are_not_dropped_silently() -> None:
    with pytest.raises(ValueError, match="shorter"):
        against_shift({str(n): [0, 1] for n in range(6)}, ylabel="change")
