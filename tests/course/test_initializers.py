"""First weights: fans counted, variance as promised and kept through depth, the same draw in both precisions."""

import numpy as np
import pytest

from course.initializers import fans, he, xavier

SHAPES = {(300, 200): (300, 200), (3, 300, 200): (300, 200), (64, 16, 5, 3): (16 * 15, 64 * 15)}


def rng():
    return np.random.default_rng(1)


@pytest.mark.parametrize("shape", SHAPES)
def test_fans(shape):
    assert fans(shape) == SHAPES[shape]


def test_fan_in_counts_what_one_output_sums():
    """A convolution of ones with ones gives, away from the edges, the number of products: fan_in."""
    from course import ops

    w = np.ones((4, 3, 5, 2))
    y, _ = ops.conv2d(np.ones((1, 3, 6, 4)), w, None)
    assert (y == fans(w.shape)[0]).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_variance(shape, distribution):
    fan_in, fan_out = SHAPES[shape]
    # the variance of n draws scatters by √(2/n) for a normal distribution, less for a uniform one: five times that
    tolerance = 5 * np.sqrt(2 / np.prod(shape))
    for w, variance in (
        (xavier(shape, distribution=distribution, rng=rng()), 2 / (fan_in + fan_out)),
        (he(shape, distribution=distribution, rng=rng()), 2 / fan_in),
        (he(shape, slope=0.5, distribution=distribution, rng=rng()), 2 / (1.25 * fan_in)),
    ):
        assert w.shape == shape
        assert w.var() == pytest.approx(variance, rel=tolerance)
        assert abs(w.mean()) < 5 * np.sqrt(variance / w.size)
        bound = np.sqrt(3 * variance)
        assert (abs(w) <= bound).all() == (distribution == "uniform")


def test_one_seed_starts_both_precisions_from_the_same_weights():
    for draw in (xavier, he):
        w32, w64 = draw((50, 40), rng=rng()), draw((50, 40), dtype=np.float64, rng=rng())
        assert (w32.dtype, w64.dtype) == (np.float32, np.float64)
        np.testing.assert_array_equal(w32, w64.astype(np.float32))


def test_he_keeps_the_signal_through_thirty_relu_layers_and_xavier_lets_it_fade():
    x = rng().standard_normal((200, 256))
    sizes = {}
    for draw in (he, xavier):
        h, generator = x, rng()
        for _ in range(30):
            h = np.maximum(0, h @ draw((256, 256), dtype=np.float64, rng=generator))
        sizes[draw] = (h**2).mean()
    assert 0.2 < sizes[he] < 5
    assert sizes[xavier] == pytest.approx(0, abs=1e-6)  # halved thirty times


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fans((3,)), ValueError, r"shape is \(3,\); \(D, M\), \(P, D, M\) or \(K, C, FH, FW\) would fit"),
        (lambda: he((3, 0), rng=rng()), ValueError, r"shape is \(3, 0\); axes of length 1 or more"),
        (lambda: he((3, 4), dtype=np.int64, rng=rng()), TypeError, "dtype is int64; float32 or float64"),
        (lambda: xavier((3, 4), distribution="cauchy", rng=rng()), ValueError, "distribution is 'cauchy'"),
        (lambda: he((3, 4), rng=0), TypeError, r"rng is 0; np.random.default_rng\(0\) would fit"),
        (lambda: xavier((3, 4), rng=None), TypeError, r"rng is None; np.random.default_rng\(0\) would fit"),
        (lambda: he((3, 4), slope=None, rng=rng()), TypeError, "slope is None; a number would fit"),
        (lambda: he((3, 4), slope=np.nan, rng=rng()), ValueError, "slope is nan; a finite number would fit"),
    ],
)
def test_what_does_not_fit(call, error, message):
    with pytest.raises(error, match=message):
        call()
