import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course import ops

seeds = st.integers(0, 2**32 - 1)
shapes = st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 4), st.integers(1, 4))
scales = st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 4)))


def naive_nearest(x, scale):
    sh, sw = scale if isinstance(scale, tuple) else (scale, scale)
    n, c, h, w = x.shape
    y = np.zeros((n, c, h * sh, w * sw))
    for a, b, i, j in np.ndindex(y.shape):
        y[a, b, i, j] = x[a, b, i // sh, j // sw]
    return y


def naive_bilinear(x, scale):
    sh, sw = scale if isinstance(scale, tuple) else (scale, scale)
    n, c, h, w = x.shape
    y = np.zeros((n, c, h * sh, w * sw))
    for a, b, i, j in np.ndindex(y.shape):
        # where the new centre lies among the old ones, its upper left neighbour and the way from there
        v, u = (min(max((k + 0.5) / s - 0.5, 0), size - 1) for k, s, size in ((i, sh, h), (j, sw, w)))
        top, left = int(v), int(u)
        bottom, right = min(top + 1, h - 1), min(left + 1, w - 1)
        dv, du = v - top, u - left
        y[a, b, i, j] = (
            (1 - dv) * ((1 - du) * x[a, b, top, left] + du * x[a, b, top, right])
            + dv * ((1 - du) * x[a, b, bottom, left] + du * x[a, b, bottom, right])
        )  # fmt: skip
    return y


@given(seed=seeds, shape=shapes, scale=scales)
def test_equals_the_loops_and_obeys_the_laws(laws, seed, shape, scale):
    x = np.random.default_rng(seed).standard_normal(shape)
    laws.same(ops.upsample_nearest2d(x, scale)[0], naive_nearest(x, scale))
    laws.obeys(ops.upsample_nearest2d, ops.upsample_nearest2d_backward, x, scale)
    laws.same(ops.upsample_bilinear2d(x, scale)[0], naive_bilinear(x, scale))
    laws.obeys(ops.upsample_bilinear2d, ops.upsample_bilinear2d_backward, x, scale)


def test_nearest_by_hand():
    y, cache = ops.upsample_nearest2d(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), (2, 1))
    np.testing.assert_array_equal(y[0, 0], [[1, 2], [1, 2], [3, 4], [3, 4]])
    dx = ops.upsample_nearest2d_backward(np.arange(8.0).reshape(1, 1, 4, 2), cache)
    np.testing.assert_array_equal(dx[0, 0], [[0 + 2, 1 + 3], [4 + 6, 5 + 7]])


def test_bilinear_by_hand():
    # the centres of 4 new cells lie at −¼ (the border: 0), ¼, ¾ and 1¼ (the border: 1)
    y, cache = ops.upsample_bilinear2d(np.array([[[[0.0, 8.0]]]]), (1, 2))
    np.testing.assert_array_equal(y[0, 0], [[0, 2, 6, 8]])
    dx = ops.upsample_bilinear2d_backward(np.array([[[[1.0, 4.0, 8.0, 1.0]]]]), cache)
    np.testing.assert_array_equal(dx[0, 0], [[1 + 3 + 2, 1 + 6 + 1]])


@pytest.mark.parametrize("name", ["upsample_nearest2d", "upsample_bilinear2d"])
def test_a_flat_picture_stays_flat_and_a_gradient_keeps_its_sum(name):
    op, backward = getattr(ops, name), getattr(ops, f"{name}_backward")
    y, cache = op(np.full((1, 1, 3, 4), 2.5), 3)
    np.testing.assert_allclose(y, 2.5)
    dy = np.random.default_rng(0).standard_normal(y.shape)
    assert backward(dy, cache).sum() == pytest.approx(dy.sum())


@pytest.mark.parametrize("name", ["upsample_nearest2d", "upsample_bilinear2d"])
def test_nan_empty_and_what_does_not_fit(name):
    op, backward = getattr(ops, name), getattr(ops, f"{name}_backward")
    x = np.zeros((1, 2, 3, 3))
    x[0, 1] = np.nan
    y, cache = op(x, 2)
    np.testing.assert_array_equal(np.isnan(y).all(axis=(2, 3)), [[False, True]])
    assert not np.isnan(y[0, 0]).any()
    empty, empty_cache = op(x[:0], 2)
    assert empty.shape == (0, 2, 6, 6)
    assert backward(empty, empty_cache).shape == (0, 2, 3, 3)

    with pytest.raises(ValueError, match=r"dy has shape \(1, 2, 3, 3\); \(1, 2, 6, 6\) would fit"):
        backward(np.zeros((1, 2, 3, 3)), cache)
    with pytest.raises(ValueError, match=r"x has shape \(2, 3, 3\); \(N, C, H, W\) would fit"):
        op(x[0], 2)
    with pytest.raises(ValueError, match="scale=0 is too small; 1 or more would fit"):
        op(x, 0)
    with pytest.raises(TypeError, match=r"scale=1\.5 is not a whole number"):
        op(x, 1.5)
    with pytest.raises(TypeError, match="x has dtype uint8"):
        op(np.zeros((1, 1, 2, 2), np.uint8), 2)
