import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from course import ops
from course.ops._memory import lay

seeds = st.integers(0, 2**32 - 1)


def logistic(x):
    return 1 / (1 + math.exp(-x))


# name, hyperparameters, the definition for one number
ELEMENTWISE = [
    ("sigmoid", {}, logistic),
    ("tanh", {}, lambda x: (math.exp(x) - math.exp(-x)) / (math.exp(x) + math.exp(-x))),
    ("relu", {}, lambda x: max(0, x)),
    ("leaky_relu", {}, lambda x: max(0.1 * x, x)),
    ("leaky_relu", {"slope": 0.25}, lambda x: x if x > 0 else 0.25 * x),
    ("elu", {}, lambda x: x if x >= 0 else math.exp(x) - 1),
    ("elu", {"alpha": 2.5}, lambda x: x if x >= 0 else 2.5 * (math.exp(x) - 1)),
    ("swish", {}, lambda x: x * logistic(x)),
]
NAMES = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "swish"]


def pair(name):
    return getattr(ops, name), getattr(ops, f"{name}_backward")


@pytest.mark.parametrize(("name", "hyper", "definition"), ELEMENTWISE)
@given(seed=seeds, shape=array_shapes(min_dims=1, max_dims=4, max_side=4))
def test_equals_its_definition_and_obeys_the_laws(laws, name, hyper, definition, seed, shape):
    op, backward = pair(name)
    x = laws.spaced(np.random.default_rng(seed), *shape)
    expected = np.array([definition(float(v)) for v in x.ravel()]).reshape(shape)
    laws.same(op(x, **hyper)[0], expected)
    laws.obeys(op, backward, x, **hyper)


# at 1, from the definitions with e = 2.718 281 828: value and derivative
AT_ONE = [
    ("sigmoid", 0.7310585786, 0.1966119332),
    ("tanh", 0.7615941560, 0.4199743416),
    ("relu", 1, 1),
    ("leaky_relu", 1, 1),
    ("elu", 1, 1),
    ("swish", 0.7310585786, 0.9276705119),
]
AT_MINUS_ONE = [
    ("sigmoid", 0.2689414214, 0.1966119332),
    ("tanh", -0.7615941560, 0.4199743416),
    ("relu", 0, 0),
    ("leaky_relu", -0.1, 0.1),
    ("elu", -0.6321205588, 0.3678794412),
    ("swish", -0.2689414214, 0.0723294881),
]


@pytest.mark.parametrize(("x", "name", "value", "slope"), [(1, *r) for r in AT_ONE] + [(-1, *r) for r in AT_MINUS_ONE])
def test_by_hand(x, name, value, slope):
    op, backward = pair(name)
    y, cache = op(np.array([float(x)]))
    assert y[0] == pytest.approx(value, abs=1e-10)
    assert backward(np.array([2.0]), cache)[0] == pytest.approx(2 * slope, abs=1e-9)


# where there is no derivative the documentation names a side
@pytest.mark.parametrize(
    ("name", "hyper", "slope"),
    [("relu", {}, 0), ("leaky_relu", {}, 0.1), ("elu", {"alpha": 3.0}, 1), ("sigmoid", {}, 0.25)],
)
def test_the_gradient_at_zero(name, hyper, slope):
    op, backward = pair(name)
    _, cache = op(np.zeros(1), **hyper)
    assert backward(np.ones(1), cache) == [slope]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "left", "right"),
    [
        ("sigmoid", 0, 1),
        ("tanh", -1, 1),
        ("relu", 0, 1000),
        ("leaky_relu", -100, 1000),
        ("elu", -1, 1000),
        ("swish", 0, 1000),
    ],
)
def test_a_thousand_saturates_without_a_warning(name, left, right, dtype):
    op, backward = pair(name)
    with np.errstate(all="raise"):
        y, cache = op(np.array([-1000, 1000], dtype))
        np.testing.assert_array_equal(y, np.array([left, right], dtype))
        assert np.isfinite(backward(np.ones(2, dtype), cache)).all()


def test_sigmoid_keeps_its_digits_far_to_the_left():
    # 1 − 1/(1 + e⁻¹⁰⁰) would be 0
    assert ops.sigmoid(np.array([-100.0]))[0][0] == pytest.approx(math.exp(-100), rel=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_nan_stays_nan_and_an_empty_batch_empty(name):
    op, backward = pair(name)
    y, _ = op(np.array([np.nan, 1.0]))
    np.testing.assert_array_equal(np.isnan(y), [True, False])
    y, cache = op(np.zeros((0, 3)))
    assert y.shape == backward(np.zeros((0, 3)), cache).shape == (0, 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*NAMES, "prelu"])
@pytest.mark.parametrize("rows", [False, True])
def test_backwards_nan_stays_nan_and_spoils_no_other(name, dtype, rows):
    op, backward = pair(name)
    tiny = np.finfo(dtype).smallest_subnormal  # above 0 like any other
    x = np.array([-1000, -2, -0.0, np.nan, 0.0, tiny, 0.5, 3], dtype).reshape(2, 1, 2, 2)
    x, dy = lay(x, rows), lay(np.arange(1, 9, dtype=dtype).reshape(x.shape), rows)
    parameters = (np.array([0.25], dtype),) if name == "prelu" else ()
    calm = np.where(np.isnan(x), 1, x)

    def dx(x):
        with np.errstate(over="raise", divide="raise"):
            result = backward(dy, op(x, *parameters)[1])
        return result[0] if parameters else result

    np.testing.assert_array_equal(dx(x), np.where(np.isnan(x), np.nan, dx(calm)))
    if name == "relu":
        assert dx(calm).ravel().tolist() == [0, 0, 0, 4, 0, 6, 7, 8]


@pytest.mark.parametrize("name", NAMES)
def test_a_single_number_without_axes(name):
    op, backward = pair(name)
    y, cache = op(np.array(0.5, np.float32))
    assert y.dtype == np.float32
    assert backward(y, cache).shape == ()


@pytest.mark.parametrize("name", NAMES)
def test_what_does_not_fit(name):
    op, backward = pair(name)
    with pytest.raises(TypeError, match="x has dtype uint8; float32 or float64 would fit"):
        op(np.zeros(3, np.uint8))
    with pytest.raises(ValueError, match=r"dy has shape \(2,\); \(3,\) would fit, the shape of y"):
        backward(np.zeros(2), op(np.zeros(3))[1])


def test_hyperparameters_out_of_range():
    with pytest.raises(ValueError, match=r"slope=1\.5; 0 to 1 would fit"):
        ops.leaky_relu(np.zeros(3), slope=1.5)
    with pytest.raises(ValueError, match=r"alpha=0\.0; a positive number would fit"):
        ops.elu(np.zeros(3), alpha=0)


def test_a_slope_of_0_is_relu_and_of_1_the_identity():
    x = np.array([-2.0, 3.0])
    np.testing.assert_array_equal(ops.leaky_relu(x, slope=0)[0], ops.relu(x)[0])
    np.testing.assert_array_equal(ops.leaky_relu(x, slope=1)[0], x)


def test_a_float64_hyperparameter_does_not_widen_float32():
    assert ops.leaky_relu(np.ones(3, np.float32), slope=np.float64(0.1))[0].dtype == np.float32
    assert ops.elu(np.ones(3, np.float32), alpha=np.float64(0.5))[0].dtype == np.float32


# PReLU and maxout have parameters


@given(
    seed=seeds, n=st.integers(1, 3), c=st.integers(1, 4), picture=st.sampled_from([(), (2, 3)]), shared=st.booleans()
)
def test_prelu(laws, seed, n, c, picture, shared):
    rng = np.random.default_rng(seed)
    x, a = laws.spaced(rng, n, c, *picture), rng.standard_normal(1 if shared else c)
    expected = x.copy()
    for i in np.ndindex(x.shape):
        if x[i] <= 0:
            expected[i] = x[i] * a[0 if shared else i[1]]
    laws.same(ops.prelu(x, a)[0], expected)
    laws.obeys(ops.prelu, ops.prelu_backward, x, a)


def test_prelu_by_hand():
    y, cache = ops.prelu(np.array([[-2.0, -4.0], [3.0, -1.0]]), np.array([0.5, 0.25]))
    np.testing.assert_array_equal(y, [[-1, -1], [3, -0.25]])
    dx, da = ops.prelu_backward(np.array([[1.0, 2.0], [3.0, 4.0]]), cache)
    np.testing.assert_array_equal(dx, [[0.5, 0.5], [3, 1]])
    np.testing.assert_array_equal(da, [1 * -2, 2 * -4 + 4 * -1])


@pytest.mark.parametrize(
    ("x", "a", "message"),
    [
        ((2, 3), (2,), r"a has shape \(2,\), x has 3 channels; \(3,\) or \(1,\) would fit"),
        ((2, 3), (), r"a has shape \(\), x has 3 channels; \(3,\) or \(1,\) would fit"),
        ((3,), (3,), r"x has shape \(3,\); \(N, C\) or \(N, C, H, W\) would fit"),
    ],
)
def test_prelu_refuses(x, a, message):
    with pytest.raises(ValueError, match=message):
        ops.prelu(np.zeros(x), np.zeros(a))


def naive_maxout(x, w, b):
    y = np.zeros((len(x), w.shape[2]))
    for n, m in np.ndindex(y.shape):
        y[n, m] = max(sum(x[n, d] * w[p, d, m] for d in range(x.shape[1])) + b[p, m] for p in range(len(w)))
    return y


@given(seed=seeds, n=st.integers(1, 4), d=st.integers(1, 4), m=st.integers(1, 3), pieces=st.integers(1, 4))
def test_maxout(laws, seed, n, d, m, pieces):
    rng = np.random.default_rng(seed)
    x, w, b = rng.standard_normal((n, d)), rng.standard_normal((pieces, d, m)), rng.standard_normal((pieces, m))
    # biases far apart for each neuron: no two pieces come near a tie
    b += 20 * rng.permuted(np.tile(np.arange(pieces), (m, 1)), axis=1).T
    laws.same(ops.maxout(x, w, b)[0], naive_maxout(x, w, b))
    laws.obeys(ops.maxout, ops.maxout_backward, x, w, b)


def test_maxout_uses_different_pieces_for_different_rows():
    x, w, b = np.array([[2.0], [-2.0]]), np.array([[[1.0]], [[-1.0]]]), np.zeros((2, 1))  # |x|
    y, cache = ops.maxout(x, w, b)
    np.testing.assert_array_equal(y, [[2], [2]])
    dx, dw, db = ops.maxout_backward(np.array([[1.0], [10.0]]), cache)
    np.testing.assert_array_equal(dx, [[1], [-10]])
    np.testing.assert_array_equal(dw, [[[2]], [[-20]]])
    np.testing.assert_array_equal(db, [[1], [10]])


def test_the_first_of_equal_pieces_wins():
    _, cache = ops.maxout(np.ones((1, 1)), np.ones((2, 1, 1)), np.zeros((2, 1)))
    _, _, db = ops.maxout_backward(np.ones((1, 1)), cache)
    np.testing.assert_array_equal(db, [[1], [0]])


@pytest.mark.parametrize(
    ("w", "b", "message"),
    [
        ((2, 4, 3), (2, 3), r"w has shape \(2, 4, 3\), x has 5 columns; \(P, 5, M\) would fit"),
        ((5, 3), (2, 3), r"w has shape \(5, 3\); \(P, D, M\) would fit"),
        ((0, 5, 3), (0, 3), r"w has shape \(0, 5, 3\)"),
        ((2, 5, 3), (3,), r"b has shape \(3,\); \(2, 3\) would fit, one bias for each neuron of each piece"),
    ],
)
def test_maxout_refuses(w, b, message):
    with pytest.raises(ValueError, match=message):
        ops.maxout(np.zeros((4, 5)), np.zeros(w), np.zeros(b))
