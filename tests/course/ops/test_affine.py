import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.ops import affine, affine_backward

sizes = st.integers(1, 5)


def naive_affine(x, w, b):
    y = np.zeros((x.shape[0], w.shape[1]), x.dtype)
    for n in range(x.shape[0]):
        for m in range(w.shape[1]):
            y[n, m] = b[m]
            for d in range(x.shape[1]):
                y[n, m] += x[n, d] * w[d, m]
    return y


def draw(seed, n, d, m):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal((d, m)), rng.standard_normal(m)


def test_by_hand():
    x = np.array([[1.0, 2.0], [0.0, -1.0]])
    w = np.array([[1.0, 0.0, -1.0], [3.0, 1.0, 1.0]])
    y, cache = affine(x, w, np.array([0.0, 1.0, 2.0]))
    # [1·1 + 2·3 + 0, 1·0 + 2·1 + 1, 1·(−1) + 2·1 + 2] and [0 − 3 + 0, 0 − 1 + 1, 0 − 1 + 2]
    np.testing.assert_array_equal(y, [[7, 3, 3], [-3, 0, 1]])
    dx, dw, db = affine_backward(np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]]), cache)
    np.testing.assert_array_equal(dx, [[1 - 2, 3 + 2], [0, 1]])
    np.testing.assert_array_equal(dw, [[1, 0, 2], [2, -1, 4]])
    np.testing.assert_array_equal(db, [1, 1, 2])


@given(st.integers(0, 2**32 - 1), sizes, sizes, sizes)
def test_equals_the_loops_and_obeys_the_laws(laws, seed, n, d, m):
    args = draw(seed, n, d, m)
    laws.same(affine(*args)[0], naive_affine(*args))
    laws.obeys(affine, affine_backward, *args)


def test_an_empty_batch_goes_through():
    x, w, b = draw(0, 0, 3, 2)
    y, cache = affine(x, w, b)
    dx, dw, db = affine_backward(np.zeros((0, 2)), cache)
    assert y.shape == (0, 2)
    assert dx.shape == (0, 3)
    np.testing.assert_array_equal(dw, np.zeros((3, 2)))
    np.testing.assert_array_equal(db, np.zeros(2))


def test_nan_reaches_its_own_row_only():
    x, w, b = draw(0, 2, 3, 2)
    x[1, 0] = np.nan
    y, _ = affine(x, w, b)
    np.testing.assert_array_equal(np.isnan(y), [[False, False], [True, True]])


X, W, B = np.zeros((4, 3)), np.zeros((3, 2)), np.zeros(2)


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((X.astype(int), W, B), TypeError, r"x has dtype int64; float32 or float64 would fit: x.astype\(np.float32\)"),
        ((X.astype(np.float32), W, B), TypeError, "w has dtype float64, x has float32; one dtype for all would fit"),
        ((X.astype(np.float16), W, B), TypeError, "x has dtype float16"),
        ((X.tolist(), W, B), TypeError, "x is a list; a NumPy array would fit"),
        ((X[0], W, B), ValueError, r"x has shape \(3,\); \(N, D\) would fit"),
        ((X, W[0], B), ValueError, r"w has shape \(2,\); \(D, M\) would fit"),
        ((X, W.T, B), ValueError, "w has 2 rows, x has 3 columns"),
        ((X, W, X), ValueError, r"b has shape \(4, 3\); \(2,\) would fit, one bias for each column of w"),
    ],
)  # fmt: skip
def test_what_does_not_fit(args, error, message):
    with pytest.raises(error, match=message):
        affine(*args)


@pytest.mark.parametrize(
    ("dy", "error", "message"),
    [
        (np.zeros((4, 3)), ValueError, r"dy has shape \(4, 3\); \(4, 2\) would fit, the shape of y"),
        (np.zeros((4, 2), np.float32), TypeError, "dy has dtype float32; float64 would fit, the dtype of y"),
        (1.0, TypeError, "dy is a float; a NumPy array would fit"),
    ],
)
def test_an_upstream_gradient_that_does_not_fit(dy, error, message):
    _, cache = affine(X, W, B)
    with pytest.raises(error, match=message):
        affine_backward(dy, cache)
