"""The figures of notebook 08: readable, whole, and true to the numbers that they are given."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.text import Text

from course.plots import normalisation
from course.plots.figure import figure_png

BATCH = np.array([9.0, 2.0, 4.0, 5.0])
FIGURES = {
    "steps": lambda: normalisation.steps(BATCH, gamma=2, beta=-1),
    "sharing": lambda: normalisation.sharing(4, 3, 3, 3),
    "sharing, small": lambda: normalisation.sharing(2, 2, 1, 2, channel=0),
    "parabola": lambda: normalisation.parabola(BATCH),
    "thinned": lambda: normalisation.thinned([[[1, 1], [1, 0, 1]], [[1, 1], [0, 1, 1]]], titles=["once", "twice"]),
}


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_clipped_small_or_on_another(name: str, legible) -> None:
    legible(FIGURES[name](), smallest=12)
    assert figure_png(FIGURES[name]()) == figure_png(FIGURES[name]())


def texts(figure: Figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def test_the_four_steps_are_the_four_steps() -> None:
    (axes,) = FIGURES["steps"]().axes
    diamonds = [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "D"]
    x_hat = (9 - BATCH.mean()) / BATCH.std()
    assert diamonds == pytest.approx([9, 9 - BATCH.mean(), x_hat, 2 * x_hat - 1])
    assert "y = 2·x̂ − 1" in texts(axes.figure), "no “+ −1”"


def test_one_channel_of_all_samples_shares_a_mean() -> None:
    figure = normalisation.sharing(4, 3, 2, 5, channel=2)
    hatched = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle) and patch.get_hatch()]
    assert len(hatched) == 4 + 4 * 2 * 5
    assert "(N, C, H, W)\nm = 4·2·5 = 40" in texts(figure)
    pictures = [patch.get_x() for patch in hatched if patch.get_width() < 0.5]
    others = [p.get_x() for p in figure.axes[0].patches if not p.get_hatch()]
    assert min(pictures) > max(others), "channel 2 is the last one"


def test_the_parabola_is_flat_where_the_mean_is() -> None:
    curve, tangent = normalisation.parabola(BATCH).axes[0].lines[:2]
    lowest = np.argmin(curve.get_ydata())
    assert curve.get_xdata()[lowest] == pytest.approx(BATCH.mean(), abs=0.05)
    assert set(tangent.get_ydata()) == {BATCH.var()}
    at = curve.get_xdata()[0]
    assert curve.get_ydata()[0] == pytest.approx(np.mean((BATCH - at) ** 2))


def test_a_lost_neuron_has_no_connections() -> None:
    axes = normalisation.thinned([[[1, 1], [1, 0, 1], [1]]], titles=["one is lost"]).axes[0]
    assert len(axes.lines) == 2 * 2 + 2 * 1
    assert len([patch for patch in axes.patches if isinstance(patch, Circle)]) == 6
    assert texts(axes.figure).count("×") == 1
