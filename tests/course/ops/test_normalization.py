from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.ops import (
    RunningStatistics,
    batch_norm,
    batch_norm_backward,
    local_response_norm,
    local_response_norm_backward,
)

seeds = st.integers(0, 2**32 - 1)
# two rows would do for a mean, but their gradient is next to nothing: only rounding would be left of it in float32
batches = st.sampled_from([(4, 3), (5, 1), (2, 2, 3, 2), (1, 2, 2, 3), (3, 1, 1, 4)])


def draw(seed, shape):
    """A batch whose channels differ in mean and spread, and parameters for it."""
    rng = np.random.default_rng(seed)
    c = (-1, *(1,) * (len(shape) - 2))
    x = rng.standard_normal(shape) * rng.uniform(0.5, 2, shape[1]).reshape(c) + rng.normal(size=shape[1]).reshape(c)
    running = RunningStatistics(rng.standard_normal(shape[1]), rng.uniform(0.5, 2, shape[1]))
    return x, rng.standard_normal(shape[1]), rng.standard_normal(shape[1]), running


def channel(x, c):
    return [x[i] for i in np.ndindex(x.shape) if i[1] == c]


def naive_batch_norm(x, gamma, beta, running, *, training, momentum=0.1, eps=1e-5):
    """The slide, value by value; running statistics are returned beside y."""
    y, mean, var = x.copy(), running.mean.copy(), running.var.copy()
    for c in range(x.shape[1]):
        values = channel(x, c)
        m = len(values)
        mu, sigma2 = mean[c], var[c]
        if training:
            mu = sum(values) / m
            sigma2 = sum((v - mu) ** 2 for v in values) / m
            mean[c] = (1 - momentum) * mean[c] + momentum * mu
            var[c] = (1 - momentum) * var[c] + momentum * sigma2 * m / (m - 1)
        for i in np.ndindex(x.shape):
            if i[1] == c:
                y[i] = gamma[c] * (x[i] - mu) / np.sqrt(sigma2 + eps) + beta[c]
    return y, mean, var


@given(
    seed=seeds, shape=batches, training=st.booleans(),
    momentum=st.sampled_from([0.0, 0.1, 1.0]), eps=st.sampled_from([1e-5, 0.5]),
)  # fmt: skip
def test_equals_the_slide_and_obeys_the_laws(laws, seed, shape, training, momentum, eps):
    x, gamma, beta, running = draw(seed, shape)
    hyper = {"training": training, "momentum": momentum, "eps": eps}
    expected, mean, var = naive_batch_norm(x, gamma, beta, running, **hyper)
    laws.obeys(batch_norm, batch_norm_backward, x, gamma, beta, deepcopy(running), **hyper)
    laws.same(batch_norm(x, gamma, beta, running, **hyper)[0], expected)
    laws.same(running.mean, mean)
    laws.same(running.var, var)


# by hand: a batch 1, 3, 5, 7 has mean 4 and deviations −3, −1, 1, 3: variance 20/4 = 5, unbiased 20/3


def test_training_by_hand():
    x = np.array([[1.0], [3.0], [5.0], [7.0]])
    running = RunningStatistics.start(1)
    y, cache = batch_norm(x, np.array([2.0]), np.array([10.0]), running, training=True, eps=4.0)
    np.testing.assert_allclose(y, 10 + 2 * np.array([[-3], [-1], [1], [3]]) / 3)  # √(5 + 4) = 3
    np.testing.assert_allclose(running.mean, [0.9 * 0 + 0.1 * 4])
    np.testing.assert_allclose(running.var, [0.9 * 1 + 0.1 * 20 / 3])

    dx, dgamma, dbeta = batch_norm_backward(np.array([[3.0], [0.0], [0.0], [0.0]]), cache)
    # x̂ = −1, −⅓, ⅓, 1: dβ = 3, dγ = −3; dx = 2/3·(dy − 3/4 + x̂·3/4)
    np.testing.assert_allclose(dbeta, [3])
    np.testing.assert_allclose(dgamma, [-3])
    np.testing.assert_allclose(dx, 2 / 3 * np.array([[3 - 0.75 - 0.75], [-0.75 - 0.25], [-0.75 + 0.25], [0.0]]))


def test_a_single_sample_at_test_time():
    running = RunningStatistics(np.array([4.0, 0.0]), np.array([5.0, 1.0]))
    kept = deepcopy(running)
    y, cache = batch_norm(np.array([[7.0, 2.0]]), np.ones(2), np.zeros(2), running, training=False, eps=4.0)
    np.testing.assert_allclose(y, [[1, 2 / 5**0.5]])
    np.testing.assert_array_equal(running.mean, kept.mean)
    np.testing.assert_array_equal(running.var, kept.var)
    dx, dgamma, dbeta = batch_norm_backward(np.array([[6.0, 5.0]]), cache)
    np.testing.assert_allclose(dx, [[2, 5**0.5]])
    np.testing.assert_allclose(dgamma, [6, 2 * 5**0.5])
    np.testing.assert_allclose(dbeta, [6, 5])


def test_a_picture_is_normalised_per_channel_over_all_its_pixels():
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5)) * 3 + 1
    y, _ = batch_norm(x, np.ones(3), np.zeros(3), None, training=True)
    np.testing.assert_allclose(y.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=(0, 2, 3)), 1, atol=1e-5)
    flat = x.transpose(0, 2, 3, 1).reshape(-1, 3)
    y_flat, _ = batch_norm(flat, np.ones(3), np.zeros(3), None, training=True)
    np.testing.assert_allclose(y.transpose(0, 2, 3, 1).reshape(-1, 3), y_flat, atol=1e-12)


def test_running_averages_approach_the_statistics_of_the_data():
    rng = np.random.default_rng(0)
    running = RunningStatistics.start(1, np.float32)
    for _ in range(200):
        x = rng.normal(3, 2, (64, 1)).astype(np.float32)
        batch_norm(x, np.ones(1, np.float32), np.zeros(1, np.float32), running, training=True)
    assert running.mean.dtype == running.var.dtype == np.float32
    assert running.mean[0] == pytest.approx(3, abs=0.5)
    assert running.var[0] == pytest.approx(4, abs=0.8)


# numbers that break other implementations


@pytest.mark.parametrize("mean", [0.0, 1e4, -3e5])
@pytest.mark.parametrize("shape", [(1000, 2), (16, 2, 16, 16)])
def test_a_large_mean_in_float32(mean, shape):
    rng = np.random.default_rng(0)
    x = (rng.standard_normal(shape) + mean).astype(np.float32)
    dy = rng.standard_normal(shape).astype(np.float32)
    parameters = np.array([1.5, -0.5], np.float32), np.array([0.25, 3], np.float32)
    running = RunningStatistics.start(2, np.float32)
    y, cache = batch_norm(x, *parameters, running, training=True, momentum=1.0)
    gradients = batch_norm_backward(dy, cache)

    exact_running = RunningStatistics.start(2)
    exact = (x.astype(np.float64), *(p.astype(np.float64) for p in parameters), exact_running)
    exact_y, exact_cache = batch_norm(*exact, training=True, momentum=1.0)
    np.testing.assert_allclose(y, exact_y, atol=1e-5)
    np.testing.assert_allclose(running.var, exact_running.var, rtol=1e-5)
    np.testing.assert_allclose(running.mean, exact_running.mean, rtol=1e-6, atol=1e-6)
    for got, expected in zip(gradients, batch_norm_backward(dy.astype(np.float64), exact_cache), strict=True):
        np.testing.assert_allclose(got, expected, atol=2e-5 * max(1, np.abs(expected).max()))


def test_a_small_spread_around_a_large_mean_in_float32():
    # 10⁴ and the next three numbers that float32 has: E[x²] − E[x]² would give 8 or −8 for this variance of 1e-6
    x = np.float32(1e4) + np.arange(4, dtype=np.float32)[:, None] * np.float32(2**-10)
    running = RunningStatistics.start(1, np.float32)
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    y, _ = batch_norm(x, one, zero, running, training=True, momentum=1.0, eps=1e-12)
    np.testing.assert_allclose(running.var, [5 / 3 * 2**-20], rtol=1e-5)
    np.testing.assert_allclose(y.ravel(), np.array([-1.5, -0.5, 0.5, 1.5]) / 1.25**0.5, rtol=1e-5)


def test_constant_data_gives_beta():
    for value in (0.1, 1e4 + 0.1, 3e7):
        x = np.full((7, 2), value, np.float32)
        y, cache = batch_norm(x, np.ones(2, np.float32), np.full(2, 5, np.float32), None, training=True, eps=1e-30)
        assert np.isfinite(y).all()
        y, cache = batch_norm(x, np.ones(2, np.float32), np.full(2, 5, np.float32), None, training=True)
        np.testing.assert_allclose(y, 5, atol=1e-5)
        assert np.isfinite(batch_norm_backward(y, cache)[0]).all()


def test_gamma_zero_stops_the_gradient_of_x_but_not_its_own():
    x = np.random.default_rng(0).standard_normal((4, 1))
    _, cache = batch_norm(x, np.zeros(1), np.zeros(1), None, training=True)
    dx, dgamma, _ = batch_norm_backward(x, cache)
    np.testing.assert_array_equal(dx, np.zeros((4, 1)))
    assert dgamma[0] > 1


def test_nan_fills_its_channel_only():
    x = np.random.default_rng(0).standard_normal((4, 2))
    x[0, 1] = np.nan
    y, _ = batch_norm(x, np.ones(2), np.zeros(2), None, training=True)
    np.testing.assert_array_equal(np.isnan(y), [[False, True]] * 4)


def test_float64_statistics_beside_a_float32_network():
    running = RunningStatistics(np.array([1e4 + 1e-4]), np.array([1.0]))
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    x = np.full((1, 1), 1e4, np.float32)
    y, _ = batch_norm(x, one, zero, running, training=False)
    assert y.dtype == np.float32
    assert y[0, 0] == pytest.approx(-1e-4, rel=1e-3)  # the mean's last digits are not lost
    batch_norm(np.ones((2, 1), np.float32), one, zero, running, training=True)
    assert running.mean.dtype == np.float64


@pytest.mark.parametrize("shape", [(0, 2), (0, 2, 3, 3)])
def test_an_empty_batch(shape):
    x, one, zero = np.zeros(shape), np.ones(2), np.zeros(2)
    y, cache = batch_norm(x, one, zero, RunningStatistics.start(2), training=False)
    dx, dgamma, dbeta = batch_norm_backward(x, cache)
    assert y.shape == dx.shape == shape
    np.testing.assert_array_equal([dgamma, dbeta], np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"x has shape \(0, 2.*\), 0 values for each channel"):
        batch_norm(x, one, zero, None, training=True)


X, ONE, ZERO = np.zeros((4, 3)), np.ones(3), np.zeros(3)


@pytest.mark.parametrize(
    ("args", "hyper", "error", "message"),
    [
        ((X[:1], ONE, ZERO, None), {}, ValueError, r"x has shape \(1, 3\), 1 values for each channel; a variance"),
        ((X, ONE[:2], ZERO, None), {}, ValueError, r"gamma has shape \(2,\); \(3,\) would fit, one for each channel"),
        ((X, ONE, X, None), {}, ValueError, r"beta has shape \(4, 3\); \(3,\) would fit"),
        ((X, ONE, ZERO, RunningStatistics.start(2)), {}, ValueError, r"running\.mean has shape \(2,\); \(3,\)"),
        ((X, ONE, ZERO, RunningStatistics(ZERO, ONE[:1])), {}, ValueError, r"running\.var has shape \(1,\)"),
        ((X, ONE, ZERO, None), {"training": False}, ValueError, "running is None; running means and variances"),
        ((X, ONE, ZERO, None), {"momentum": 1.5}, ValueError, r"momentum=1\.5; 0 to 1 would fit"),
        ((X, ONE, ZERO, None), {"eps": 0}, ValueError, "eps=0; a positive number would fit"),
        ((X[0], ONE, ZERO, None), {}, ValueError, r"x has shape \(3,\); \(N, C\) or \(N, C, H, W\) would fit"),
        ((X.astype(int), ONE, ZERO, None), {}, TypeError, "x has dtype int64"),
        ((X, ONE.astype(np.float32), ZERO, None), {}, TypeError, "gamma has dtype float32, x has float64"),
    ],
)  # fmt: skip
def test_what_does_not_fit(args, hyper, error, message):
    with pytest.raises(error, match=message):
        batch_norm(*args, **{"training": True, **hyper})


def test_a_refused_batch_leaves_the_running_statistics_alone():
    running = RunningStatistics.start(3)
    with pytest.raises(ValueError, match="a variance needs 2 or more"):
        batch_norm(X[:1], ONE, ZERO, running, training=True)
    np.testing.assert_array_equal([running.mean, running.var], [ZERO, ONE])


# local response normalisation


def naive_lrn(x, size=5, alpha=1e-4, beta=0.75, k=2.0):
    y = np.zeros_like(x)
    for n, c, i, j in np.ndindex(x.shape):
        first, last = max(0, c - size // 2), min(x.shape[1] - 1, c + size // 2)
        total = sum(x[n, other, i, j] ** 2 for other in range(first, last + 1))
        y[n, c, i, j] = x[n, c, i, j] / (k + alpha * total) ** beta
    return y


@given(
    seed=seeds, shape=st.tuples(st.integers(1, 2), st.integers(1, 6), st.integers(1, 2), st.integers(1, 3)),
    size=st.sampled_from([1, 3, 5, 9]), alpha=st.sampled_from([1e-4, 0.5]), beta=st.sampled_from([0.75, 1.0]),
    k=st.sampled_from([1.0, 2.0]),
)  # fmt: skip
def test_lrn_equals_the_loops_and_obeys_the_laws(laws, seed, shape, size, alpha, beta, k):
    x = 3 * np.random.default_rng(seed).standard_normal(shape)
    hyper = {"size": size, "alpha": alpha, "beta": beta, "k": k}
    laws.same(local_response_norm(x, **hyper)[0], naive_lrn(x, **hyper))
    laws.obeys(local_response_norm, local_response_norm_backward, x, **hyper)


def test_lrn_by_hand():
    x = np.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1, 1)
    y, _ = local_response_norm(x, size=3, alpha=1.0, beta=1.0, k=1.0)
    np.testing.assert_allclose(y.ravel(), [1 / (1 + 5), 2 / (1 + 14), 3 / (1 + 29), 4 / (1 + 25)])


def test_lrn_has_the_constants_of_the_paper():
    y, _ = local_response_norm(np.full((1, 5, 1, 1), 10.0))
    assert y[0, 2, 0, 0] == pytest.approx(10 / (2 + 1e-4 * 500) ** 0.75)


def test_lrn_empty_nan_and_what_does_not_fit():
    y, cache = local_response_norm(np.zeros((0, 3, 2, 2)))
    assert local_response_norm_backward(y, cache).shape == (0, 3, 2, 2)
    x = np.ones((1, 4, 1, 1))
    x[0, 0] = np.nan
    np.testing.assert_array_equal(np.isnan(local_response_norm(x, size=3)[0]).ravel(), [True, True, False, False])
    for hyper, message in [
        ({"size": 4}, "size=4; an odd number would fit"),
        ({"size": -1}, "size=-1; an odd number"),
        ({"alpha": -1.0}, r"alpha=-1\.0, k=2\.0; alpha 0 or more and a positive k"),
        ({"k": 0.0}, r"k=0\.0; alpha 0 or more and a positive k"),
    ]:
        with pytest.raises(ValueError, match=message):
            local_response_norm(x, **hyper)
    with pytest.raises(ValueError, match=r"x has shape \(4,\); \(N, C, H, W\) would fit"):
        local_response_norm(np.ones(4))


def test_a_float64_hyperparameter_does_not_widen_float32():
    half = np.float64(0.5)
    x, one, zero = np.ones((2, 3), np.float32), np.ones(3, np.float32), np.zeros(3, np.float32)
    running = RunningStatistics.start(3, np.float32)
    y, cache = batch_norm(x, one, zero, running, training=True, momentum=half, eps=half)
    results = [y, *batch_norm_backward(y, cache), running.mean, running.var]
    y, cache = local_response_norm(np.ones((1, 2, 1, 1), np.float32), alpha=half, beta=half, k=half)
    results += [y, local_response_norm_backward(y, cache)]
    assert {r.dtype for r in results} == {np.dtype(np.float32)}
