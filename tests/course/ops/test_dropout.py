import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from course.ops import dropout, dropout_backward


def redrawn(x, *, p, training, seed):
    """Dropout that loses the same values at every call, as a gradient check needs it."""
    return dropout(x, p=p, training=training, rng=np.random.default_rng(seed))


@given(
    shape=array_shapes(min_dims=1, max_dims=4, max_side=4),
    p=st.floats(0, 0.9),
    seed=st.integers(0, 2**32 - 1),
    training=st.booleans(),
)
def test_equals_its_definition_and_obeys_the_laws(laws, shape, p, seed, training):
    x = np.random.default_rng(1).standard_normal(shape)
    u = np.random.default_rng(seed).random(shape, dtype=np.float32)
    expected = x.copy()
    for i in np.ndindex(shape):
        if training:
            expected[i] = 0 if u[i] < np.float32(p) else x[i] / (1 - p)
    laws.same(redrawn(x, p=p, training=training, seed=seed)[0], expected)
    laws.obeys(redrawn, dropout_backward, x, p=p, training=training, seed=seed)


def test_the_mean_stays_and_a_share_p_is_lost():
    x = np.ones(100_000)
    y, _ = dropout(x, p=0.3, training=True, rng=np.random.default_rng(0))
    # five standard errors: √(p/(1 − p)/n) for the mean, √(p(1 − p)/n) for the share
    assert y.mean() == pytest.approx(1, abs=5 * (0.3 / 0.7 / 1e5) ** 0.5)
    assert (y == 0).mean() == pytest.approx(0.3, abs=5 * (0.21 / 1e5) ** 0.5)
    assert set(np.unique(y)) == {0, 1 / 0.7}


def test_a_float64_probability_does_not_widen_float32():
    y, cache = dropout(np.ones(3, np.float32), p=np.float64(0.5), training=True, rng=np.random.default_rng(0))
    assert y.dtype == dropout_backward(y, cache).dtype == np.float32


def test_another_seed_loses_others():
    x = np.ones(1000)
    a, b = (dropout(x, p=0.5, training=True, rng=np.random.default_rng(seed))[0] for seed in (0, 1))
    assert (a != b).any()


def test_at_test_time_nothing_changes_and_nothing_is_shared():
    x = np.arange(6.0)
    y, cache = dropout(x, p=0.5, training=False, rng=None)
    np.testing.assert_array_equal(y, x)
    assert not np.shares_memory(x, y)
    dx = dropout_backward(x, cache)
    np.testing.assert_array_equal(dx, x)
    assert not np.shares_memory(x, dx)


def test_nan_that_is_kept_stays_nan_and_an_empty_batch_empty():
    y, _ = dropout(np.array([np.nan]), p=0, training=True, rng=np.random.default_rng(0))
    assert np.isnan(y).all()
    y, cache = dropout(np.zeros((0, 3)), p=0.5, training=True, rng=np.random.default_rng(0))
    assert dropout_backward(y, cache).shape == (0, 3)


@pytest.mark.parametrize("p", [-0.1, 1, 1.5, float("nan")])
def test_a_probability_out_of_range(p):
    with pytest.raises(ValueError, match=f"p={float(p)}; 0 or more and less than 1 would fit"):
        dropout(np.ones(3), p=p, training=True, rng=np.random.default_rng(0))


def test_what_does_not_fit():
    with pytest.raises(TypeError, match=r"rng is a NoneType; np.random.default_rng\(seed\) would fit"):
        dropout(np.ones(3), p=0.5, training=True, rng=None)
    with pytest.raises(TypeError, match="x has dtype int64"):
        dropout(np.ones(3, int), p=0.5, training=False, rng=None)
    _, cache = dropout(np.ones(3), p=0.5, training=False, rng=None)
    with pytest.raises(ValueError, match=r"dy has shape \(2,\); \(3,\) would fit"):
        dropout_backward(np.ones(2), cache)
