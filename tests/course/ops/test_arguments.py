"""What a number, a shape or a cache cannot be is said with its name, its value and what would fit."""

import re
from fractions import Fraction

import numpy as np
import pytest

from course import ops
from course.ops import convolution_naive, pooling_naive
from course.ops._validation import check_number

X, ONE, ZERO = np.ones((2, 3, 4, 4)), np.ones(3), np.zeros(3)
SCORES, LABELS = np.zeros((2, 3)), np.array([0, 2])
RNG = np.random.default_rng(0)


def refuses(error, message, op, *args, **hyper):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        op(*args, **hyper)


NUMBERS = [
    (ops.leaky_relu, (X,), {}, "slope", "0 to 1"),
    (ops.elu, (X,), {}, "alpha", "a positive number"),
    (ops.hinge_loss, (SCORES, LABELS), {}, "margin", "0 or more"),
    (ops.dropout, (X,), {"training": True, "rng": RNG}, "p", "0 or more and less than 1"),
    (ops.local_response_norm, (X,), {}, "alpha", "0 or more"),
    (ops.local_response_norm, (X,), {}, "beta", "0.75"),
    (ops.local_response_norm, (X,), {}, "k", "2"),
    (ops.batch_norm, (X, ONE, ZERO, None), {"training": True}, "eps", "a positive number"),
    (ops.batch_norm, (X, ONE, ZERO, None), {"training": True}, "momentum", "0 to 1"),
]


@pytest.mark.parametrize(("op", "args", "hyper", "name", "fits"), NUMBERS)
@pytest.mark.parametrize("value", ["a", None, True, 1j, [0.5], np.array([0.5]), np.True_], ids=repr)
def test_what_is_no_number_is_named(op, args, hyper, name, fits, value):
    refuses(TypeError, f"{name}={value!r} is not a number; {fits} would fit", op, *args, **hyper, **{name: value})


@pytest.mark.parametrize(("op", "args", "hyper", "name", "fits"), NUMBERS)
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, np.float32("inf")], ids=repr)
def test_a_number_that_is_not_finite_is_named(op, args, hyper, name, fits, value):
    message = f"{name}={float(value)}; {fits} would fit, and a finite number"
    refuses(ValueError, message, op, *args, **hyper, **{name: value})


@pytest.mark.parametrize(("op", "args", "hyper", "name", "fits"), NUMBERS)
@pytest.mark.parametrize("value", [np.float32(0.5), np.float64(0.5), np.array(0.5), Fraction(1, 2)], ids=repr)
def test_every_real_number_is_one(op, args, hyper, name, fits, value):
    op(*args, **hyper, **{name: value})


def test_a_number_becomes_one_of_python():
    assert [type(check_number("p", p, "")) for p in (1, np.int8(1), np.float64(1), np.float16(1))] == [float] * 4


@pytest.mark.parametrize("size", ["5", 5.0, None, True], ids=repr)
def test_a_size_that_is_not_whole_is_named(size):
    message = f"size={size!r} is not a whole number; an odd one would fit, such as 5"
    refuses(TypeError, message, ops.local_response_norm, X, size=size)


def test_running_statistics_are_no_pair():
    message = "running is a tuple; RunningStatistics would fit, such as RunningStatistics.start(3)"
    refuses(TypeError, message, ops.batch_norm, X, ONE, ZERO, (ZERO, ONE), training=True)


@pytest.mark.parametrize("name", ["mean", "var"])
def test_running_statistics_that_cannot_follow_are_named_before_any_does(name):
    running = ops.RunningStatistics.start(3)
    getattr(running, name).flags.writeable = False
    message = f"running.{name} is read-only; an array that can follow would fit, such as running.{name}.copy()"
    refuses(ValueError, message, ops.batch_norm, X, ONE, ZERO, running, training=True)
    assert running.mean.tolist() == [0, 0, 0] and running.var.tolist() == [1, 1, 1]
    ops.batch_norm(X, ONE, ZERO, running, training=False)  # at test time nothing changes


BOTH = pytest.mark.parametrize("module", [ops, convolution_naive], ids=["fast", "naive"])


@BOTH
@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        (3, TypeError, "shape=3 is not a shape; (N, C, H, W) would fit, four whole numbers"),
        ((2, 3.0, 7, 8), TypeError, "shape=(2, 3.0, 7, 8) is not a shape; (N, C, H, W) would fit"),
        ((2, 3, 7), ValueError, "shape is (2, 3, 7); (N, C, H, W) would fit"),
        ((2, -3, 7, 8), ValueError, "shape is (2, -3, 7, 8); (N, C, H, W) would fit, H and W at least 1, N and"),
        ((2, 3, 0, 8), ValueError, "shape is (2, 3, 0, 8); (N, C, H, W) would fit, H and W at least 1"),
    ],
)
def test_a_wrong_shape_of_pictures_is_named(module, shape, error, message):
    refuses(error, message, module.col2im, np.ones((2, 12, 42)), shape, 2)


@BOTH
def test_empty_pictures_are_named(module):
    message = "x has shape (2, 3, 0, 4); (N, C, H, W) would fit, H and W at least 1"
    refuses(ValueError, message, module.conv2d, X[:, :, :0], np.ones((4, 3, 3, 3)), None, pad=3)
    refuses(ValueError, message, module.conv_transpose2d, X[:, :, :0], np.ones((3, 4, 3, 3)), None)
    refuses(ValueError, message, module.im2col, X[:, :, :0], 2)
    refuses(ValueError, message, ops.max_pool2d, X[:, :, :0])


def test_a_number_that_is_not_whole_is_told_what_would_fit():
    message = "stride=1.0 is not a whole number; an int of 1 or more would fit"
    refuses(TypeError, message, ops.conv2d, X, np.ones((4, 3, 3, 3)), None, stride=1.0)
    refuses(TypeError, "pad='1' is not a whole number; an int of 0 or more would fit", ops.pad2d, X, "1")


# ---- caches

CALLS = {
    "affine": (SCORES, np.ones((3, 2)), np.ones(2)),
    "batch_norm": (X, ONE, ZERO, None),
    "conv2d": (X, np.ones((2, 3, 3, 3)), None),
    "conv_transpose2d": (X, np.ones((3, 2, 3, 3)), None),
    "maxout": (SCORES, np.ones((2, 3, 2)), np.ones((2, 2))),
    "pad2d": (X, 1),
    "prelu": (X, ONE),
    "upsample_nearest2d": (X, 2),
    "upsample_bilinear2d": (X, 2),
}
HYPER = {"batch_norm": {"training": True}, "dropout": {"p": 0.5, "training": True, "rng": RNG}}
PAIRS = [(ops, name.removesuffix("_backward")) for name in ops.__all__ if name.endswith("_backward")]
PAIRS += [(m, n.removesuffix("_backward")) for m in (convolution_naive, pooling_naive) for n in m.__all__ if "_b" in n]


@pytest.mark.parametrize(("module", "name"), PAIRS, ids=lambda part: getattr(part, "__name__", part))
def test_a_wrong_cache_is_named(module, name):
    backward = getattr(module, f"{name}_backward")
    y, cache = getattr(module, name)(*CALLS.get(name, (X,)), **HYPER.get(name, {}))
    backward(y, cache)
    fits = f"; what {name} gave as its second value would fit"
    refuses(TypeError, f"cache is a tuple of 2{fits}", backward, y, (y, cache))
    refuses(TypeError, f"cache is a tuple of 0{fits}", backward, y, ())
    refuses(TypeError, f"cache is a NoneType{fits}", backward, y, None)
    refuses(TypeError, f"cache is a ndarray{fits}", backward, y, y)
    refuses(TypeError, f"cache is a list{fits}", backward, y, list(cache))


# ---- what underflows to 0 is meant to


@pytest.mark.parametrize("name", ["sigmoid", "swish", "tanh", "relu", "elu", "softmax", "log_softmax"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_underflow_is_reported(name, dtype):
    x = np.array([[-1000, -740, -100], [0, 1, 1000]], dtype)
    with np.errstate(all="raise"):
        y, cache = getattr(ops, name)(x)
        getattr(ops, f"{name}_backward")(np.full_like(y, 0.3), cache)


def test_no_underflow_of_a_loss_is_reported():
    with np.errstate(all="raise"):
        loss, dscores = ops.softmax_loss(np.array([[0.0, -740.0, -1000.0]]), np.array([0]))
    assert loss == 0
    np.testing.assert_allclose(dscores, 0, atol=1e-300)
