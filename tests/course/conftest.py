"""What many tests share: checks of function pairs and of pictures, and the solution of a notebook."""

from copy import deepcopy
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import settings
from matplotlib.text import Text

from course.gradcheck import check_direction, check_gradients
from grader.cells import is_exercise, is_setup
from grader.source import load_solution

settings.register_profile("course", deadline=None, max_examples=25, database=None)
settings.load_profile("course")

CLOSE = {np.dtype(np.float32): 2e-5, np.dtype(np.float64): 1e-12}


def same(got, expected, *, rtol=None):
    """Shape, dtype and every element; the scale of the whole array counts, not that of a single small element."""
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    rtol = CLOSE[got.dtype] if rtol is None else rtol
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=1.0)
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=rtol * scale)


def spaced(rng, *shape):
    """Draw distinct values, none near another or near 0: clear of the kinks of max, ReLU and the like."""
    size = int(np.prod(shape))
    return (rng.permutation(size) - size // 2 + 0.5).reshape(shape) * (4 / max(size, 1))


def frozen(array):
    """The same values, read-only and in a strided memory layout, as a slice of something larger has."""
    if not array.ndim:
        return array.copy()
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)[..., ::2]
    wide[...] = array
    wide = np.asfortranarray(wide) if array.ndim > 1 and array.size % 2 else wide
    wide.flags.writeable = False
    return wide


def _each(args, change):
    return [change(a) if isinstance(a, np.ndarray) else deepcopy(a) for a in args]


def _floats(args, dtype):
    return _each(args, lambda a: a.astype(dtype) if a.dtype.kind == "f" else a)


def _results(op, backward, args, hyper):
    y, last = op(*args, **deepcopy(hyper))
    if backward is None:
        return [np.asarray(y), last]
    assert type(last) is tuple, "a cache is a plain tuple"
    dy = np.random.default_rng(5).standard_normal(y.shape).astype(y.dtype)
    dy.flags.writeable = False
    gradients = backward(dy, last)
    again = backward(dy, last)
    gradients, again = (g if isinstance(g, tuple) else (g,) for g in (gradients, again))
    for g, a in zip(gradients, again, strict=True):
        np.testing.assert_array_equal(g, a)  # going back twice gives the same: the cache is not used up
    return [y, *gradients]


def obeys(op, backward, *args, **hyper):
    """Check a function pair (or a loss: backward None) on float64 arguments.

    Same result from read-only strided arrays, which it cannot change; float32 in, float32 out, and the same but for
    rounding; gradients right by every element in float64 and float32, and along one direction.
    """
    rng = np.random.default_rng(7)
    exact = _results(op, backward, args, hyper)
    for got, expected in zip(_results(op, backward, _each(args, frozen), hyper), exact, strict=True):
        same(got, expected)
    for got, expected in zip(_results(op, backward, _floats(args, np.float32), hyper), exact, strict=True):
        assert expected.dtype == np.float64
        same(got, expected.astype(np.float32), rtol=1e-4)
    check_gradients(op, backward, *args, rng=rng, **hyper)
    check_direction(op, backward, *args, rng=rng, **hyper)
    check_gradients(op, backward, *_floats(args, np.float32), rng=rng, **hyper)


@pytest.fixture(scope="session")
def laws():
    """The checks above, for tests in any folder below (and for hypothesis, which wants session fixtures)."""
    return SimpleNamespace(same=same, spaced=spaced, frozen=frozen, obeys=obeys)


def _legible(figure, *, smallest=0, apart=lambda text: not text.get_rotation()):
    """No text leaves the figure or is smaller than so many points, and none of those apart lies on another."""
    figure.draw_without_rendering()
    ticks, unseen = set(), set()
    for axes in figure.axes:
        for n, axis in enumerate((axes.xaxis, axes.yaxis)):
            low, high = sorted(axis.get_view_interval())
            drawn = axes.axison and axis.get_visible()
            ticks |= {*axis.get_ticklabels()}
            unseen |= {t for t in axis.get_ticklabels() if not (drawn and low <= t.get_position()[n] <= high)}
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip() and t not in unseen]
    assert texts
    boxes = {text: text.get_window_extent() for text in texts}
    for text, box in boxes.items():
        assert text.get_fontsize() >= smallest, text
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1
        assert inside, f"{text.get_text()!r} leaves the figure"
    for one, other in combinations([text for text in texts if text not in ticks and apart(text)], 2):
        a, b = boxes[one], boxes[other]
        across, down = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across < 1 or down < 1, (one, other)


@pytest.fixture(scope="session")
def legible():
    """The check above: of demos and of the notebooks' figures."""
    return _legible


@pytest.fixture(scope="module")
def notebook(request):
    """The name of the notebook that a module tests."""
    return request.module.NAME


@pytest.fixture(scope="module")
def solution(root, notebook):
    return load_solution(root, notebook)


@pytest.fixture(scope="module")
def names(solution):
    """What the setup cells and the exercises of the solution define."""
    found = {}
    for cell in solution.notebook.cells:
        if cell.cell_type == "code" and (is_exercise(cell) or is_setup(cell)):
            exec(cell.source, found)
    return found
