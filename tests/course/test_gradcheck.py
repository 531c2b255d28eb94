import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from course.gradcheck import GradientError, check_direction, check_gradients, numerical_gradient

both = pytest.mark.parametrize("check", [check_gradients, check_direction])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# a pair whose derivative is known: y = w·x³ + b, with w and b shared by the rows


def cubic(x, w, b):
    return w * x**3 + b, (x, w)


def cubic_backward(dy, cache):
    x, w = cache
    return dy * w * 3 * x**2, (dy * x**3).sum(axis=0), dy.sum(axis=0)


def arguments(dtype=np.float64, n=4):
    rng = np.random.default_rng(1)
    return [rng.standard_normal(shape).astype(dtype) for shape in ((n, 3), (3,), (3,))]


# numerical_gradient


@given(array_shapes(min_dims=0, max_dims=3, max_side=4), st.integers(0, 2**32 - 1))
def test_the_gradient_of_a_quadratic_form(shape, seed):
    rng = np.random.default_rng(seed)
    x, a = rng.standard_normal(shape), rng.standard_normal(shape)
    gradient = numerical_gradient(lambda x: (a * x * x).sum(), x)
    assert gradient.shape == x.shape
    np.testing.assert_allclose(gradient, 2 * a * x, atol=1e-8)


def test_the_first_example_of_the_lecture():
    # f(x) = (−x + 3)², f′(x) = −2(−x + 3)
    x = np.array(1.0)
    assert numerical_gradient(lambda x: (-x + 3) ** 2, x) == pytest.approx(-4)


def test_every_element_takes_two_calls_and_x_stays_what_it_was():
    x = np.arange(6.0).reshape(2, 3)
    x.flags.writeable = False
    seen = []
    numerical_gradient(lambda x: seen.append(x) or x.sum(), x, h=0.5)
    assert len(seen) == 12
    np.testing.assert_array_equal(seen[0] - x, [[0.5, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(seen[1] - x, [[-0.5, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(seen[2] - x, [[0, 0.5, 0], [0, 0, 0]])
    np.testing.assert_array_equal(x, np.arange(6.0).reshape(2, 3))


def test_a_function_that_changes_its_argument_harms_nobody():
    def f(x):
        x *= 2
        return x.sum()

    x = np.ones(3)
    np.testing.assert_allclose(numerical_gradient(f, x), [2, 2, 2])
    np.testing.assert_array_equal(x, np.ones(3))


def test_float32_divides_by_the_distance_that_rounding_left():
    # around 1000 float32 numbers lie 6e-5 apart: the nominal 2h would be wrong by 0.3 %
    x = np.array([1000.0], np.float32)
    gradient = numerical_gradient(lambda x: float(x[0]) * 3.0, x, h=1e-2)
    assert gradient.dtype == np.float32
    assert gradient[0] == pytest.approx(3, rel=1e-6)


@pytest.mark.parametrize(
    ("f", "x", "h", "error", "message"),
    [
        (np.sum, np.arange(3), None, TypeError, "x has dtype int64; an array of float32 or float64 would fit"),
        (np.sum, [1.0], None, TypeError, "x has type list; an array of float32 or float64 would fit"),
        (np.abs, np.ones(3), None, ValueError, r"f gives an array of shape \(3,\); a single number would fit"),
        (np.sum, np.ones(3), 0.0, ValueError, r"h=0\.0 is no distance; h must be positive"),
        (
            np.sum,
            np.float32([1e6]),
            None,
            ValueError,
            r"h=0\.005 vanishes beside 1e\+06 in float32; a larger h would fit",
        ),
    ],
)
def test_what_numerical_gradient_refuses(f, x, h, error, message):
    with pytest.raises(error, match=message):
        numerical_gradient(f, x, h=h)


# right derivatives pass, and by a wide margin


@both
@pytest.mark.parametrize(("dtype", "reached"), [(np.float64, 1e-8), (np.float32, 1e-5)])
def test_a_right_derivative_passes(check, dtype, reached, rng):
    errors = check(cubic, cubic_backward, *arguments(dtype), rng=rng)
    assert list(errors) == ["dx", "dw", "db"]
    assert max(errors.values()) < reached


@both
def test_a_large_array_takes_few_calls_along_a_direction(check, rng):
    calls = []

    def counted(x):
        calls.append(1)
        return x**2, (x,)

    check(counted, lambda dy, cache: 2 * cache[0] * dy, np.ones(50), rng=rng)
    assert len(calls) == (1 + 2 if check is check_direction else 1 + 100)


@both
def test_losses_integers_states_and_none(check, rng):
    def loss(scores, labels, target, weights):
        rows = np.arange(len(scores))
        difference = (scores - target) * weights["w"]
        gradient = 2 * difference * weights["w"]
        gradient[rows, labels] += 1
        weights["w"] += 1  # a state that every call changes
        return (difference**2).sum() + scores[rows, labels].sum(), gradient

    scores, target = rng.standard_normal((2, 3, 4))
    assert list(check(loss, None, scores, np.array([0, 1, 3]), target, {"w": 2.0}, rng=rng)) == ["dscores"]

    def maybe(x, b):
        return 2 * x, ()

    assert list(check(maybe, lambda dy, cache: (2 * dy, None), np.ones(3), None, rng=rng)) == ["dx"]


@both
def test_hyperparameters_are_passed_on(check, rng):
    def power(x, *, p):
        return x**p, (x, p)

    def power_backward(dy, cache):
        x, p = cache
        return dy * p * x ** (p - 1)

    check(power, power_backward, np.array([1.0, 2.0]), rng=rng, p=3)


@both
def test_a_large_value_drowns_the_quotient_but_not_the_check(check, rng):
    # f ≈ 1e10 keeps digits down to 1e-6, a difference quotient with h = 1e-5 is uncertain by a tenth
    def far(x):
        return x + 1e10, ()

    x = np.random.default_rng(2).standard_normal(20)
    check(far, lambda dy, cache: dy.copy(), x, rng=rng)
    with pytest.raises(GradientError, match="dx"):
        check(lambda x: (x + 1e3, ()), lambda dy, cache: 1.001 * dy, x, rng=rng)


def test_a_large_value_does_not_cover_up_for_others(rng):
    """Each of 10,000 values near 1e8 is uncertain by 1 %, their sum by more than every slope: only one changes."""
    x = np.random.default_rng(2).standard_normal((100, 100))
    errors = check_gradients(lambda x: (x + 1e8, ()), lambda dy, cache: dy.copy(), x[:3], rng=rng)
    assert 0 < errors["dx"] < 0.01
    with pytest.raises(GradientError, match=r"dx\[0, 0\] is .*, the difference quotient"):
        check_gradients(lambda x: (x + 1e8, ()), lambda dy, cache: 3 * dy, x, rng=rng)


@both
@pytest.mark.parametrize("large", [1e11, 1e12, 1e15])
@pytest.mark.parametrize("factor", [1, 3])
def test_what_rounding_hides_is_not_called_right(check, large, factor, rng):
    x = np.random.default_rng(2).standard_normal(20)
    with pytest.raises(
        GradientError, match=r"cannot be checked: the values of op are so large .*; smaller values would"
    ):
        check(lambda x: (x + large, ()), lambda dy, cache: factor * dy, x, rng=rng)


@both
def test_the_error_of_a_right_derivative_is_shown(check, rng):
    errors = check(cubic, cubic_backward, *arguments(), rng=rng)
    assert 0 < max(errors.values()) < 1e-8


@both
def test_quotients_are_taken_in_float64_throughout(check, rng):
    seen = []

    def op(x, w):
        seen.append((x.dtype, w.dtype))
        return x * w, (x, w)

    x, w = np.ones((2, 3, 1), np.float32)
    check(op, lambda dy, cache: (dy * cache[1], dy * cache[0]), x, w, rng=rng)
    assert seen[0] == (np.float32, np.float32)
    assert set(seen[1:]) == {(np.dtype(np.float64), np.dtype(np.float64))}


# wrong ones do not


def wrong(name):
    def backward(dy, cache):
        dx, dw, db = cubic_backward(dy, cache)
        return {
            "a tenth": (dx, dw, db * 1.1),
            "a sign": (-dx, dw, db),
            "one element": (dx + np.eye(4, 3) * (np.arange(4) == 2)[:, None], dw, db),
            "not a number": (np.where(np.arange(3) == 1, np.nan, dx), dw, db),
            "zero": (np.zeros_like(dx), dw, db),
            "swapped": (dx, db, dw),
        }[name]

    return backward


@both
@pytest.mark.parametrize("name", ["a tenth", "a sign", "one element", "not a number", "zero", "swapped"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_wrong_derivative_is_found(check, name, dtype, rng):
    with pytest.raises(GradientError, match="the difference quotient"):
        check(cubic, lambda dy, c: tuple(g.astype(dtype) for g in wrong(name)(dy, c)), *arguments(dtype), rng=rng)


def test_the_message_names_the_first_wrong_element(rng):
    def backward(dy, cache):
        dx, dw, db = cubic_backward(dy, cache)
        dx[2, 1] *= 2
        dx[3, 0] *= 2
        return dx, dw, db

    expected = (
        r"dx\[2, 1\] is (\S+), the difference quotient (\S+) \(relative error 0\.5\); "
        r"2 of 12 elements of dx differ by more than 1e-06"
    )
    with pytest.raises(GradientError, match=expected) as caught:
        check_gradients(cubic, backward, *arguments(), rng=rng)
    analytic, numeric = map(float, re.fullmatch(expected, str(caught.value)).groups())
    assert analytic == pytest.approx(2 * numeric, rel=1e-4)


def test_an_upstream_gradient_of_ones_would_miss_this(rng):
    # a softmax whose backward forgets everything: with dy = 1 the true gradient is 0 as well
    def softmax(x):
        y = np.exp(x) / np.exp(x).sum()
        return y, (y,)

    with pytest.raises(GradientError, match="dx"):
        check_gradients(softmax, lambda dy, cache: 0 * dy, np.array([0.1, 0.5, -1.0]), rng=rng)


@both
@pytest.mark.parametrize(
    ("gradients", "message"),
    [
        (lambda dx, dw, db: (dx, dw), "there are 2 gradients for 3 arrays"),
        (lambda dx, dw, db: dx, "there are 1 gradients for 3 arrays"),
        (lambda dx, dw, db: (dx, dw, db, db), "there are 4 gradients for 3 arrays"),
        (lambda dx, dw, db: (dx.T, dw, db), r"dx has shape \(3, 4\) and dtype float64; \(4, 3\) and float64 would fit"),
        (lambda dx, dw, db: (dx, dw, db.sum()), r"db has shape \(\) and dtype float64; \(3,\) and float64 would fit"),
        (lambda dx, dw, db: (dx, dw.astype(np.float32), db), "dw has shape .* dtype float32; .* float64 would fit"),
        (lambda dx, dw, db: (dx.tolist(), dw, db), r"dx has shape \(4, 3\) and dtype list"),
    ],
)  # fmt: skip
def test_gradients_of_the_wrong_form(check, gradients, message, rng):
    with pytest.raises(GradientError, match=message):
        check(cubic, lambda dy, c: gradients(*cubic_backward(dy, c)), *arguments(), rng=rng)


@both
def test_gradients_may_come_in_a_list(check, rng):
    assert list(check(cubic, lambda dy, c: list(cubic_backward(dy, c)), *arguments(), rng=rng)) == ["dx", "dw", "db"]


@both
def test_an_op_that_changes_its_argument_is_named(check, rng):
    def double(x):
        x *= 2
        return x, ()

    with pytest.raises(GradientError, match="op changes x in place; a new array would fit"):
        check(double, lambda dy, cache: 2 * dy, np.ones(3), rng=rng)


@both
def test_a_seed_is_no_generator(check):
    with pytest.raises(TypeError, match=r"rng is 0; np.random.default_rng\(0\) would fit"):
        check(cubic, cubic_backward, *arguments(), rng=0)


@both
def test_an_empty_batch_has_nothing_wrong_with_it(check, rng):
    assert set(check(cubic, cubic_backward, *arguments(n=0), rng=rng).values()) == {0.0}


def test_a_function_without_a_readable_signature(rng):
    class Op:
        __signature__ = "none"

        def __call__(self, x):
            return x, ()

    assert list(check_gradients(Op(), lambda dy, cache: dy, np.ones(2), rng=rng)) == ["dargument 1"]


@both
def test_one_per_cent_is_enough_in_float64(check, rng):
    def backward(dy, cache):
        dx, dw, db = cubic_backward(dy, cache)
        return dx, dw, db * 1.01

    with pytest.raises(GradientError, match="db"):
        check(cubic, backward, *arguments(), rng=rng)
