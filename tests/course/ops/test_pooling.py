"""Pooling: the lectures' numbers, the loops as oracle, ties, padding, gradients by every element, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course import ops
from course.gradcheck import check_gradients
from course.ops import _workers
from course.ops import pooling as fast
from course.ops import pooling_naive as naive

BOTH = pytest.mark.parametrize("ops", [fast, naive], ids=["fast", "naive"])
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
POOLS = pytest.mark.parametrize("pool", ["max_pool2d", "avg_pool2d"])

SLIDE = np.array([[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 1, 3, 4]])[None, None]


@POOLS
def test_blocks_and_workers_change_nothing(pool, monkeypatch):
    x = np.random.default_rng(0).integers(0, 9, (7, 3, 6, 8)).astype(float)
    hyper = {"field": 3, "stride": (1, 2), "pad": 1, "floor": True}

    def both():
        y, cache = getattr(fast, pool)(x, **hyper)
        return y, getattr(fast, f"{pool}_backward")(y, cache)

    expected = both()
    monkeypatch.setattr(_workers, "LEAST", 1)
    for workers, block in ("1", 1), ("1", 3 * x[0].nbytes), ("2", 3 * x[0].nbytes):
        monkeypatch.setattr(fast, "BLOCK", block)
        monkeypatch.setenv("COURSE_WORKERS", workers)
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
        for got, wanted in zip(both(), expected, strict=True):
            np.testing.assert_array_equal(got, wanted)


def compare(pool, x, dtype, **hyper):
    """Fast against naive, forward and backward, arguments left alone."""
    x = x.astype(dtype)
    before = x.copy()
    (y, cache), (expected, slow) = getattr(fast, pool)(x, **hyper), getattr(naive, pool)(x, **hyper)
    dy = np.random.default_rng(1).standard_normal(y.shape).astype(dtype)
    dx, expected_dx = getattr(fast, f"{pool}_backward")(dy, cache), getattr(naive, f"{pool}_backward")(dy, slow)
    for got, wanted in (y, expected), (dx, expected_dx):
        assert got.shape == wanted.shape and got.dtype == wanted.dtype == dtype
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5 if dtype == np.float32 else 1e-13)
    np.testing.assert_array_equal(x, before)
    assert not np.shares_memory(x, y) and not np.shares_memory(dy, dx)


@BOTH
def test_the_slide(ops):
    assert ops.max_pool2d(SLIDE)[0][0, 0].tolist() == [[6, 8], [3, 4]]
    assert ops.avg_pool2d(SLIDE)[0][0, 0].tolist() == [[3.25, 5.25], [1.75, 2]]
    assert ops.max_pool2d(np.zeros((1, 1, 7, 7)), 3, stride=2)[0].shape == (1, 1, 3, 3)


@st.composite
def poolings(draw):
    number = st.integers
    field = draw(st.tuples(number(1, 4), number(1, 4)))
    pad = tuple(draw(number(0, f - 1)) for f in field)
    size = [max(1, f - 2 * p) + draw(number(0, 6)) for f, p in zip(field, pad, strict=True)]
    stride = draw(st.none() | st.tuples(number(1, 3), number(1, 5)))
    shape = (draw(number(0, 3)), draw(number(1, 3)), *size)
    return shape, {"field": field, "stride": stride, "pad": pad, "floor": True}


@POOLS
@DTYPES
@settings(deadline=None, max_examples=150)
@given(
    drawn=poolings(), values=st.sampled_from(["normal", "ties", "negative", "infinite", "nan"]), seed=st.integers(0, 99)
)
def test_equals_the_loops_for_any_shape(pool, dtype, drawn, values, seed):
    (shape, hyper), rng = drawn, np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    if values == "ties":
        x = rng.integers(0, 3, shape)
    if values == "negative":
        x = -1 - rng.random(shape)
    if values == "infinite" and pool == "max_pool2d":
        x = rng.choice([-np.inf, 0.0, np.inf], shape, p=[0.8, 0.1, 0.1])
    if values == "nan" and pool == "max_pool2d":
        x = rng.choice([-np.inf, 0.0, 1.0, np.inf, np.nan], shape, p=[0.2, 0.3, 0.3, 0.1, 0.1])
    compare(pool, x, dtype, **hyper)


@BOTH
def test_of_equal_cells_exactly_one_wins_the_first_in_reading_order(ops):
    y, cache = ops.max_pool2d(np.ones((1, 1, 4, 4)))
    dx = ops.max_pool2d_backward(np.arange(1.0, 5).reshape(1, 1, 2, 2), cache)
    assert dx[0, 0].tolist() == [[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]
    # the first column holds a maximum too, but further down
    y, cache = ops.max_pool2d(np.array([[[[0.0, 7], [7, 7]]]]))
    assert ops.max_pool2d_backward(np.ones_like(y), cache)[0, 0].tolist() == [[0, 1], [0, 0]]


@BOTH
@DTYPES
def test_the_first_nan_in_reading_order_wins(ops, dtype):
    x = np.array([[1, np.nan, 5, 0], [0, 0, np.nan, np.nan]], dtype)[None, None]
    with np.errstate(all="raise"):
        y, cache = ops.max_pool2d(x)
        dx = ops.max_pool2d_backward(np.array([[[[2, 3]]]], dtype), cache)
    assert np.isnan(y).all()
    assert dx[0, 0].tolist() == [[0, 2, 0, 0], [0, 0, 3, 0]]


@BOTH
def test_a_cell_that_wins_overlapping_windows_adds_up(ops):
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = 1
    _, cache = ops.max_pool2d(x, 2, stride=1)
    dx = ops.max_pool2d_backward(np.array([[[[1.0, 2], [4, 8]]]]), cache)
    assert dx[0, 0].tolist() == [[0, 0, 0], [0, 15, 0], [0, 0, 0]]


@BOTH
def test_padded_cells_never_win_and_count_in_no_mean(ops):
    x = np.full((1, 1, 2, 3), -5.0)
    y, cache = ops.max_pool2d(x, 2, stride=1, pad=1)
    assert (y == -5).all() and y.shape == (1, 1, 3, 4)
    assert ops.max_pool2d_backward(np.ones_like(y), cache).sum() == y.size
    y, cache = ops.max_pool2d(x - np.inf, 3, stride=2, pad=(2, 1), floor=True)
    assert (y == -np.inf).all()
    assert ops.max_pool2d_backward(np.ones_like(y), cache).sum() == y.size
    y, cache = ops.avg_pool2d(x, (2, 3), stride=1, pad=(1, 2))
    assert (y == -5).all()
    np.testing.assert_allclose(ops.avg_pool2d_backward(np.ones_like(y), cache).sum(), y.size)


@BOTH
def test_nan_and_infinity_go_through(ops):
    x = SLIDE.copy()
    x[0, 0, 0, 1] = np.nan
    x[0, 0, 3, 3] = np.inf
    expected = [[True, False], [False, False]]
    assert np.isnan(ops.max_pool2d(x)[0])[0, 0].tolist() == expected
    assert np.isnan(ops.avg_pool2d(x)[0])[0, 0].tolist() == expected
    y, cache = ops.max_pool2d(SLIDE)
    dx = ops.max_pool2d_backward(np.full_like(y, np.inf), cache)
    assert not np.isnan(dx).any() and np.isinf(dx).sum() == 4  # the losers receive 0, not 0·∞


@DTYPES
@POOLS
@BOTH
@pytest.mark.parametrize(
    "hyper", [{}, {"field": 3, "stride": 2, "pad": 1}, {"field": (2, 3), "stride": (1, 2), "pad": (0, 1)}], ids=str
)
def test_gradients(ops, pool, dtype, hyper):
    # a permutation: no two cells are equal, and none comes near another
    x = np.random.default_rng(0).permutation(2 * 3 * 6 * 7).reshape(2, 3, 6, 7).astype(dtype) / 10
    rng = np.random.default_rng(1)
    check_gradients(getattr(ops, pool), getattr(ops, f"{pool}_backward"), x, rng=rng, floor=True, **hyper)


@DTYPES
def test_global_average(dtype):
    x = np.random.default_rng(0).standard_normal((3, 4, 5, 6)).astype(dtype)
    y, _ = ops.global_avg_pool2d(x)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, x.reshape(3, 4, 30).mean(-1), rtol=1e-5)
    check_gradients(ops.global_avg_pool2d, ops.global_avg_pool2d_backward, x, rng=np.random.default_rng(1))


def test_global_average_is_exact_enough_far_from_zero():
    x = np.float32(1e4) + np.random.default_rng(0).standard_normal((2, 3, 56, 56)).astype(np.float32)
    np.testing.assert_allclose(ops.global_avg_pool2d(x)[0], x.mean(axis=(2, 3), dtype=float), rtol=1e-6)


@POOLS
def test_arrays_may_be_read_only_and_lie_in_memory_as_they_like(pool):
    x = np.random.default_rng(0).standard_normal((2, 3, 6, 8))
    y, cache = getattr(fast, pool)(x)
    dx = getattr(fast, f"{pool}_backward")(y, cache)
    for layout in np.asfortranarray, lambda a: a[:, ::-1].copy()[:, ::-1]:
        view, dy = layout(x), layout(y)
        view.flags.writeable = dy.flags.writeable = False
        got, cache = getattr(fast, pool)(view)
        np.testing.assert_array_equal(got, y)
        np.testing.assert_array_equal(getattr(fast, f"{pool}_backward")(dy, cache), dx)


@POOLS
def test_a_field_of_one_cell_copies(pool):
    y, cache = getattr(fast, pool)(SLIDE, 1)
    assert np.array_equal(y, SLIDE) and not np.shares_memory(y, SLIDE)
    dx = getattr(fast, f"{pool}_backward")(y, cache)
    assert np.array_equal(dx, y) and not np.shares_memory(dx, y)


@BOTH
@POOLS
@pytest.mark.parametrize(
    ("x", "hyper", "error", "message"),
    [
        (SLIDE.astype(int), {}, TypeError, "x has dtype int64; float32 or float64 would fit"),
        (SLIDE[0], {}, ValueError, r"x has shape \(1, 4, 4\); \(N, C, H, W\) would fit"),
        (SLIDE, {"field": 3}, ValueError, r"\(4 − 3\)/3 \+ 1 = 1.33 is not whole"),
        (SLIDE, {"field": 5}, ValueError, "does not fit"),
        (SLIDE, {"pad": 2}, ValueError, "a window would hold only padding"),
        (SLIDE, {"stride": 0}, ValueError, "stride=0 is too small"),
        (SLIDE, {"field": 2.5}, TypeError, "field=2.5 is not a whole number"),
    ],
)
def test_a_wrong_argument_is_named(ops, pool, x, hyper, error, message):
    with pytest.raises(error, match=message):
        getattr(ops, pool)(x, **hyper)


@BOTH
@POOLS
def test_a_wrong_upstream_gradient_is_named(ops, pool):
    y, cache = getattr(ops, pool)(SLIDE)
    with pytest.raises(ValueError, match=r"dy has shape \(1, 1, 2\); \(1, 1, 2, 2\) would fit"):
        getattr(ops, f"{pool}_backward")(y[..., 0], cache)
    with pytest.raises(TypeError, match="dy has dtype float32"):
        getattr(ops, f"{pool}_backward")(y.astype(np.float32), cache)


def test_wrong_arguments_of_the_global_average_are_named():
    with pytest.raises(ValueError, match="maps of at least 1 × 1 would fit"):
        ops.global_avg_pool2d(np.ones((2, 3, 0, 4)))
    y, cache = ops.global_avg_pool2d(SLIDE)
    with pytest.raises(ValueError, match=r"dy has shape \(1, 1, 1\); \(1, 1\) would fit"):
        ops.global_avg_pool2d_backward(y[..., None], cache)
