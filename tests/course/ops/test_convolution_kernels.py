"""Each kernel against the loops, on its own, in blocks of any size; the choice among them; the sharing of a batch."""

import os
import subprocess
import sys
import textwrap
import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.ops import _columns, _kernels, _memory, _phases, _products, _rows, _shifts, _winograd, _workers
from course.ops import convolution_naive as naive
from course.ops._geometry import conv2d_geometry
from course.ops.convolution import conv2d, conv2d_backward

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
TOLERANCE = {np.dtype(np.float32): 4e-5, np.dtype(np.float64): 1e-13}

number = st.integers


@st.composite
def any_convolution(draw, stride=3, plain=False):
    groups, depth, filters = draw(number(1, 1 if plain else 3)), draw(number(1, 3)), draw(number(1, 3))
    field, dilation = draw(st.tuples(number(1, 4), number(1, 4))), draw(st.tuples(number(1, 2), number(1, 3)))
    stride, pad = draw(st.tuples(number(1, stride), number(1, stride))), draw(st.tuples(number(0, 4), number(0, 4)))
    dilation = (1, 1) if plain else dilation
    spans = [d * (f - 1) + 1 for d, f in zip(dilation, field, strict=True)]
    size = [max(1, s - 2 * p) + draw(number(0, 6)) for s, p in zip(spans, pad, strict=True)]
    hyper = {"stride": stride, "pad": pad, "dilation": dilation, "groups": groups, "floor": True}
    pictures = draw(number(1 if plain else 0, 4))  # a batch of none does not lie rows first
    return (pictures, groups * depth, *size), (groups * filters, depth, *field), hyper


@st.composite
def three_by_three(draw):
    pad = draw(st.tuples(number(0, 6), number(0, 6)))
    size = [max(1, 3 - 2 * p) + draw(number(0, 14)) for p in pad]
    c, k = draw(number(1, 4)), draw(number(1, 4))
    return (draw(number(0, 5)), c, *size), (k, c, 3, 3), {"pad": pad}


@st.composite
def five_by_five(draw):
    pad = draw(st.tuples(number(0, 4), number(0, 4)))
    field = draw(number(5, 6))
    size = [max(1, field - 2 * p) + draw(number(0, 16)) for p in pad]
    c, k = draw(number(1, 3)), draw(number(1, 3))
    return (draw(number(0, 5)), c, *size), (k, c, field, field), {"stride": 2, "pad": pad, "floor": True}


KERNELS = {
    "columns": (_columns, any_convolution()),
    "rows": (_rows, any_convolution(stride=1, plain=True)),
    "shifts": (_shifts, any_convolution(plain=True)),
    "winograd": (_winograd, three_by_three()),
    "phases": (_phases, five_by_five()),
}


def run(kernel, x, w, b, dy, g):
    rows = kernel in _kernels.ROWS_FIRST
    y, dx = _memory.empty((len(x), len(w), *g.output), x.dtype, rows), _memory.empty(x.shape, x.dtype, rows)
    y[...] = dx[...] = np.nan
    kernel.correlate(x, w, b, g, y)
    dw, db = kernel.gradients(dy, x, w, g, dx)
    return {"y": y, "dx": dx, "dw": dw, "db": db}


def by_the_loops(x, w, b, dy, hyper):
    y, cache = naive.conv2d(x, w, b, **hyper)
    dx, dw, _ = naive.conv2d_backward(dy, cache)
    return {"y": y, "dx": dx, "dw": dw, "db": dy.sum(axis=(0, 2, 3))}


def assert_close(got, expected, sizes=None):
    """Compare to within rounding, which grows with the sizes of the numbers that were added up, not with their sum."""
    for name, e in expected.items():
        assert got[name].shape == e.shape and got[name].dtype == e.dtype, name
        scale = np.abs((sizes or expected)[name]).max(initial=0) or 1
        np.testing.assert_allclose(got[name] / scale, e / scale, rtol=0, atol=TOLERANCE[e.dtype], err_msg=name)


@DTYPES
@pytest.mark.parametrize("name", KERNELS)
@settings(deadline=None, max_examples=80)
@given(data=st.data(), bias=st.booleans(), seed=number(0, 99))
def test_every_kernel_equals_the_loops_in_blocks_of_any_size(name, dtype, data, bias, seed):
    kernel, convolutions = KERNELS[name]
    (shape, filters, hyper), rng = data.draw(convolutions), np.random.default_rng(seed)
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in (shape, filters, filters[:1]))
    b = b if bias else None
    g = conv2d_geometry(x, w, b, **{"stride": 1, "dilation": 1, "groups": 1, "floor": False} | hyper)
    dy = rng.standard_normal((shape[0], filters[0], *g.output)).astype(dtype)
    expected = by_the_loops(x, w, b, dy, hyper)
    sizes = by_the_loops(abs(x), abs(w), None if b is None else abs(b), abs(dy), hyper)

    with pytest.MonkeyPatch.context() as patch:
        for module, constant in (
            (_columns, "CACHE"), (_rows, "RUN"), (_shifts, "CACHE"), (_winograd, "CACHE"), (_winograd, "ACROSS"),
            (_winograd, "TILES"), (_phases, "PICTURES"), (_phases, "FILTERS"),
        ):  # fmt: skip
            patch.setattr(module, constant, data.draw(st.sampled_from([1, 2, getattr(module, constant)])))
        if data.draw(st.booleans()):  # products in pieces, which these are too small for
            for constant, value in {"SMALL": 12, "SHORT": 6, "WIDE": 1, "HIGH": 1}.items():
                patch.setattr(_products, constant, value)
        got = run(kernel, x, w, b, dy, g)
        skipped, _ = kernel.gradients(dy, x, w, g, None)
    assert_close(got, expected, sizes)
    np.testing.assert_array_equal(skipped, got["dw"])


@DTYPES
@pytest.mark.parametrize("name", KERNELS)
def test_kernels_take_strided_and_read_only_arrays(name, dtype):
    rng = np.random.default_rng(0)
    extent, stride = {"phases": (5, 2)}.get(name, (3, 1))
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in ((3, 4, 13, 11), (5, 4, extent, extent), (5,)))
    g = conv2d_geometry(x, w, b, stride, 2, 1, 1, False)
    dy = rng.standard_normal((3, 5, *g.output)).astype(dtype)
    expected = run(KERNELS[name][0], x, w, b, dy, g)
    for layout in np.asfortranarray, lambda a: a[..., ::-1].copy()[..., ::-1], lambda a: np.repeat(a, 2, -1)[..., ::2]:
        views = [layout(a) for a in (x, w, b, dy)]
        for view in views:
            view.flags.writeable = False
        assert_close(run(KERNELS[name][0], *views, g), expected)


@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 2e-5), (np.float64, 5e-14)])
def test_winograd_is_as_exact_as_it_says(dtype, error):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 64, 20, 20)), rng.standard_normal((16, 64, 3, 3))
    g = conv2d_geometry(x, w, None, 1, 1, 1, 1, False)
    y, approximate = np.empty((2, 16, 20, 20)), np.empty((2, 16, 20, 20), dtype)
    _columns.correlate(x, w, None, g, y)
    _winograd.correlate(x.astype(dtype), w.astype(dtype), None, g, approximate)
    assert 0 < np.abs(approximate - y).max() / np.abs(y).max() < error


@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 2e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("outlier", [1e3, 1e5, 1e8])
@pytest.mark.parametrize(("kernel", "extent", "stride"), [(_winograd, 3, 1), (_phases, 5, 2)], ids=["3x3", "5x5"])
def test_an_outlier_disturbs_what_does_not_see_it_no_more_than_documented(
    kernel, extent, stride, outlier, dtype, bound
):
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(s).astype(dtype) for s in ((2, 16, 29, 29), (16, 16, extent, extent)))
    g = conv2d_geometry(x, w, None, stride, 1, 1, 1, True)
    dy = rng.standard_normal((2, 16, *g.output)).astype(dtype)
    calm = run(kernel, x, w, None, dy, g)
    one, one_dy = np.zeros_like(x), np.zeros_like(dy)
    x[0, 1, 9, 11] = dy[0, 1, 9, 11] = outlier
    one[0, 1, 9, 11] = one_dy[0, 1, 9, 11] = 1
    wild, sees = run(kernel, x, w, None, dy, g), run(_columns, one, np.ones_like(w), None, one_dy, g)
    for name in "y", "dx":
        change = np.abs(wild[name] - calm[name])[sees[name] == 0]
        assert 0 < change.max() <= bound * outlier * np.abs(w).max()
        assert (change > 0).mean() < 0.1  # a few tiles


@pytest.mark.parametrize(
    ("filters", "hyper"),
    [((16, 16, 3, 3), {"pad": 1}), ((16, 16, 5, 5), {"stride": 2}), ((2, 16, 3, 3), {}), ((2, 16, 3, 2), {"pad": 1})],
)
@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e308])
def test_what_is_not_finite_stays_where_it_belongs(filters, hyper, rows, bad):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 16, 13, 15)), rng.standard_normal(filters)
    x[0, 1, 9, 7] = bad
    x = _memory.lay(x, rows)
    with np.errstate(all="ignore"):
        (y, cache), (expected, slow) = conv2d(x, w, None, **hyper), naive.conv2d(x, w, None, **hyper)
        dy = rng.standard_normal(y.shape)
        dy[1, 1, 2, 3] = bad
        got, wanted = conv2d_backward(dy, cache)[:2], naive.conv2d_backward(dy, slow)[:2]
    for a, e in zip((y, *got), (expected, *wanted), strict=True):
        np.testing.assert_array_equal(np.isnan(a), np.isnan(e))
        np.testing.assert_allclose(a, e, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("filters", "hyper"), [((16, 16, 3, 3), {"pad": 1}), ((16, 16, 5, 5), {"stride": 2})])
def test_what_overflows_only_on_the_way_to_the_points_is_neither_seen_nor_heard(filters, hyper):
    rng = np.random.default_rng(0)
    x, w = rng.uniform(1, 9, (2, 16, 13, 15)) * 1e306, rng.uniform(-1, 1, filters) * 1e-300
    (y, cache), (expected, slow) = conv2d(x, w, None, **hyper), naive.conv2d(x, w, None, **hyper)
    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    dy = rng.uniform(-1, 1, y.shape) * 1e-300
    for got, wanted in zip(conv2d_backward(dy, cache)[:2], naive.conv2d_backward(dy, slow)[:2], strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9 * np.abs(wanted).max())


# ---------------------------------------------------------------------------------------------------- the choice

SEVEN = [  # the shapes of the benchmark
    ((32, 3, 32, 32), (32, 3, 3, 3), 1, 1, _columns),
    ((64, 32, 32, 32), (64, 32, 3, 3), 1, 1, _winograd),
    ((128, 1, 28, 28), (6, 1, 5, 5), 1, 0, _shifts),
    ((128, 6, 14, 14), (16, 6, 5, 5), 1, 0, _shifts),
    ((16, 64, 56, 56), (64, 64, 3, 3), 1, 1, _winograd),
    ((16, 64, 28, 28), (256, 64, 1, 1), 1, 0, _columns),
    ((32, 32, 32, 32), (64, 32, 5, 5), 2, 2, _phases),
]


def geometry(shape, filters, dtype=np.float32, **hyper):
    x, w = np.broadcast_to(dtype(1), shape), np.broadcast_to(dtype(1), filters)
    defaults = {"stride": 1, "pad": 0, "dilation": 1, "groups": 1, "floor": True}
    return x, w, conv2d_geometry(x, w, None, **defaults | hyper)


@pytest.mark.parametrize(("shape", "filters", "stride", "pad", "kernel"), SEVEN, ids=str)
def test_the_choice_for_the_shapes_of_the_benchmark(shape, filters, stride, pad, kernel):
    assert _kernels.choose(*geometry(shape, filters, stride=stride, pad=pad)) is kernel


@pytest.mark.parametrize(
    ("pictures", "filters", "kernel"), [(32, 16, _shifts), (31, 16, _columns), (64, 17, _shifts), (63, 17, _columns)]
)
def test_how_many_pictures_are_worth_laying_rows_first(pictures, filters, kernel):
    assert _kernels.choose(*geometry((pictures, 3, 32, 32), (filters, 3, 3, 3), pad=1)) is kernel


@pytest.mark.parametrize("stride", [1, 2])
def test_a_window_of_one_cell_needs_no_rows(stride):
    assert _kernels.choose(*geometry((64, 16, 8, 8), (8, 16, 1, 1), stride=stride)) is _columns


def test_pictures_of_which_few_rows_fill_the_cache_stay_as_they_are():
    small, large = ((64, 3, size, size) for size in (56, 224))
    assert _kernels.choose(*geometry(small, (64, 3, 7, 7), stride=2, pad=3)) is _shifts
    assert _kernels.choose(*geometry(large, (64, 3, 7, 7), stride=2, pad=3)) is _columns


@pytest.mark.parametrize(
    ("filters", "hyper", "kernel"),
    [
        ((16, 16, 3, 3), {"pad": 1}, _rows), ((16, 16, 3, 3), {"pad": 1, "stride": 2}, _shifts),
        ((16, 16, 1, 1), {}, _rows), ((16, 16, 1, 1), {"stride": 2}, _shifts), ((16, 16, 2, 2), {}, _shifts),
        ((16, 16, 3, 3), {"dilation": 2}, _columns), ((16, 8, 3, 3), {"groups": 2}, _columns),
        ((64, 64, 3, 3), {}, _winograd), ((64, 64, 5, 5), {"stride": 2}, _phases),
    ],
    ids=str,
)  # fmt: skip
def test_what_lies_rows_first_stays_so(filters, hyper, kernel):
    rng = np.random.default_rng(0)
    groups, (k, depth, _, _) = hyper.get("groups", 1), filters
    x, w, b = (rng.standard_normal(shape) for shape in ((6, groups * depth, 13, 11), filters, (k,)))
    laid = _memory.lay(x, True)
    hyper = {"floor": True} | hyper
    defaults = {"stride": 1, "pad": 0, "dilation": 1, "groups": 1}
    assert _kernels.choose(laid, w, conv2d_geometry(laid, w, b, **defaults | hyper)) is kernel
    (y, cache), (expected, slow) = conv2d(laid, w, b, **hyper), naive.conv2d(x, w, b, **hyper)
    dy = rng.standard_normal(y.shape)
    got, wanted = conv2d_backward(dy, cache), naive.conv2d_backward(dy, slow)
    assert_close(dict(enumerate((y, *got))), dict(enumerate((expected, *wanted))))
    assert _memory.lie_rows_first(y) and _memory.lie_rows_first(got[0])


@pytest.mark.parametrize(
    ("filters", "hyper"),
    [
        ((32, 32, 3, 3), {"stride": (1, 2)}), ((32, 32, 3, 3), {"dilation": (2, 1)}), ((32, 16, 3, 3), {"groups": 2}),
        ((32, 32, 3, 4), {}), ((32, 32, 5, 5), {}), ((32, 32, 5, 5), {"stride": (2, 1)}),
        ((32, 32, 5, 6), {"stride": 2}),
        ((32, 32, 5, 5), {"stride": 2, "dilation": 2}), ((32, 16, 5, 5), {"stride": 2, "groups": 2}),
    ],
    ids=str,
)  # fmt: skip
def test_a_kernel_is_chosen_only_for_what_it_can_do(filters, hyper):
    assert _kernels.choose(*geometry((4, 32, 20, 20), filters, **hyper)) not in (_winograd, _phases)


def test_memory_stays_within_4_mib_or_the_columns_of_one_picture(monkeypatch):
    monkeypatch.setenv("COURSE_WORKERS", "1")
    for shape, filters, stride, pad, _ in SEVEN:
        few = shape if shape[1] <= 8 else (min(shape[0], 24), *shape[1:])
        x, w, g = geometry(few, filters, stride=stride, pad=pad)
        x, w, dy = x.copy(), w.copy(), np.ones((few[0], filters[0], *g.output), np.float32)
        most = max(4 << 20, w[0].size * g.output[0] * g.output[1] * 4)
        _memory.forget()
        tracemalloc.start()
        y, cache = conv2d(x, w, None, stride=stride, pad=pad, floor=True)
        forward = tracemalloc.get_traced_memory()[1] - y.nbytes
        tracemalloc.reset_peak()
        dx, _, _ = conv2d_backward(dy, cache)
        backward = tracemalloc.get_traced_memory()[1] - y.nbytes - dx.nbytes
        tracemalloc.stop()
        assert max(forward, backward) <= most, (shape, filters)


# --------------------------------------------------------------------------------------------------- the sharing


@pytest.fixture
def two_workers(monkeypatch):
    monkeypatch.setenv("COURSE_WORKERS", "2")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")


@pytest.mark.parametrize("shape", [(17, 3, 9, 8), (16, 20, 9, 8), (64, 3, 9, 8), (3, 3, 9, 8), (0, 3, 9, 8)], ids=str)
def test_two_workers_give_the_same_answer_every_time(shape, two_workers, monkeypatch):
    monkeypatch.setattr(_workers, "LEAST", 8)
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal(shape), rng.standard_normal((16, shape[1], 3, 3)), rng.standard_normal(16)
    dy = rng.standard_normal((shape[0], 16, 9, 8))

    def both():
        y, cache = conv2d(x, w, b, pad=1)
        return dict(zip(("y", "dx", "dw", "db"), (y, *conv2d_backward(dy, cache)), strict=True))

    shared = both()
    for _ in range(5):
        for name, again in both().items():
            np.testing.assert_array_equal(again, shared[name])
    monkeypatch.setenv("COURSE_WORKERS", "1")
    assert_close(shared, both())


def test_a_batch_is_cut_for_the_workers_and_for_the_cache(two_workers, monkeypatch):
    monkeypatch.setattr(_workers, "LEAST", 4 * 8)
    assert _workers.parts(np.ones((17, 4))) == [slice(0, 8), slice(8, 17)]
    assert _workers.parts(np.ones((1, 17))) == [slice(0, 1)]  # one picture is not cut
    assert _workers.parts(np.ones((7, 1))) == [slice(0, 7)]  # and 7 numbers are not worth it
    assert _workers.parts(np.ones((0, 4))) == [slice(0, 0)]
    for n, most in (17, 4), (17, 5), (6, 100), (3, 1), (1, 1):
        blocks = _workers.blocks(np.ones((n, 4)), 4 * 8 * most)
        assert [i for block in blocks for i in range(n)[block]] == list(range(n))
        assert all(block.stop - block.start in range(1, most + 1) for block in blocks)
        assert len(blocks) % len(_workers.parts(np.ones((n, 4)))) == 0 or len(blocks) == n
        assert len(blocks) <= -(-n // most) + 1
    assert _workers.blocks(np.ones((0, 4)), 100) == []
    assert len(_workers.blocks(np.ones((5, 4)), 1)) == 5  # a picture larger than a block is a block


def test_results_come_back_in_order_and_in_the_callers_context(two_workers):
    def work(item):
        return item, np.geterr()["over"], threading.current_thread() is threading.main_thread()

    with np.errstate(over="raise"):
        results = _workers.share(work, range(5))
    assert results == [(i, "raise", i < 2) for i in range(5)]
    assert _workers.share(work, []) == []


def test_what_goes_wrong_in_a_worker_reaches_the_caller(two_workers):
    def work(item):
        if item > 2:
            raise FloatingPointError("in the second half")

    with pytest.raises(FloatingPointError, match="in the second half"):
        _workers.share(work, range(4))


def test_the_environment_is_respected(monkeypatch):
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "COURSE_WORKERS"):
        monkeypatch.delenv(name, raising=False)
    assert _workers.workers() == 1
    monkeypatch.setenv("COURSE_WORKERS", "3")
    assert _workers.workers() == 1  # the products may use all cores: no further threads
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert _workers.workers() == 3
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    assert _workers.workers() == 1  # it counts before OMP_NUM_THREADS
    for wrong in ("two", "0", "-1", "1.5", ""):
        monkeypatch.setenv("COURSE_WORKERS", wrong)
        with pytest.raises(ValueError, match=f"COURSE_WORKERS='{wrong}'"):
            _workers.workers()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_workers_of_its_own():
    script = """
        import os, numpy as np
        from course.ops.convolution import conv2d
        x, w = np.ones((64, 3, 17, 17)), np.ones((4, 3, 3, 3))
        expected, _ = conv2d(x, w, None)
        child = os.fork()
        if child == 0:
            os._exit(0 if np.array_equal(conv2d(x, w, None)[0], expected) else 1)
        raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    environment = os.environ | {"COURSE_WORKERS": "2", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script)]
    assert subprocess.run(command, env=environment, timeout=60).returncode == 0
