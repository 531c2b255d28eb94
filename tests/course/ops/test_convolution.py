"""Convolution: the lectures' numbers, the loops as oracle, gradients by every element, and what goes wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.gradcheck import check_gradients
from course.ops import convolution as fast
from course.ops import convolution_naive as naive

BOTH = pytest.mark.parametrize("ops", [fast, naive], ids=["fast", "naive"])
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
TOLERANCE = {np.dtype(np.float32): 4e-5, np.dtype(np.float64): 1e-13}


def assert_close(got, expected, what, sizes=None):
    """Every element, the shape and the dtype; rounding grows with the sizes of what was added up, not with its sum."""
    assert got.shape == expected.shape and got.dtype == expected.dtype, what
    scale = np.abs(expected if sizes is None else sizes).max(initial=0) or 1
    np.testing.assert_allclose(got / scale, expected / scale, rtol=0, atol=TOLERANCE[expected.dtype], err_msg=what)


def compare(op, x, w, b, rng, **hyper):
    """Fast against naive: y, dx, dw and db with a random upstream gradient, all arguments left alone."""
    before = [None if a is None else a.copy() for a in (x, w, b)]
    (y, cache), (expected, slow) = getattr(fast, op)(x, w, b, **hyper), getattr(naive, op)(x, w, b, **hyper)
    sizes, without_signs = getattr(naive, op)(*(None if a is None else abs(a) for a in (x, w, b)), **hyper)
    assert_close(y, expected, "y", sizes)
    dy = rng.standard_normal(y.shape).astype(x.dtype)
    upstream = dy.copy()
    got = getattr(fast, f"{op}_backward")(dy, cache)
    expected, sizes = (getattr(naive, f"{op}_backward")(*a) for a in ((dy, slow), (abs(dy), without_signs)))
    for name, g, e, size in zip(("dx", "dw", "db"), got, expected, sizes, strict=True):
        if e is None:
            assert g is None
        else:
            assert_close(g, e, name, size)
    for a, unchanged in zip((x, w, b, dy), (*before, upstream), strict=True):
        np.testing.assert_array_equal(a, unchanged)
    dx, dw, _ = getattr(fast, f"{op}_backward")(dy, cache, need_dx=False)
    assert dx is None
    np.testing.assert_array_equal(dw, got[1])


# --------------------------------------------------------------------------------- the lectures' own numbers


@BOTH
def test_the_binary_picture_of_sysu(ops):
    x = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]], float)
    w = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]], float)
    y, _ = ops.conv2d(x[None, None], w[None, None], None)
    assert y[0, 0].tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]


@BOTH
def test_the_worked_volume_of_iiits(ops):
    x = np.array([
        [[0, 0, 2, 0, 2], [1, 2, 2, 2, 0], [0, 2, 1, 0, 0], [0, 2, 0, 2, 1], [1, 0, 2, 2, 0]],
        [[1, 0, 0, 2, 0], [1, 0, 1, 0, 1], [0, 0, 2, 1, 2], [1, 2, 1, 0, 0], [1, 2, 2, 0, 2]],
        [[0, 2, 2, 1, 0], [0, 2, 0, 0, 1], [1, 1, 1, 2, 1], [2, 0, 1, 2, 2], [2, 1, 1, 0, 0]],
    ], float)  # fmt: skip
    w = np.array([
        [[[-1, 0, -1], [1, -1, 1], [-1, 0, -1]], [[0, -1, 1], [1, 1, 1], [-1, 1, -1]],
         [[0, 0, 0], [-1, 1, -1], [1, 1, -1]]],
        [[[0, 1, 1], [-1, -1, -1], [1, -1, 1]], [[-1, 0, -1], [1, 1, 1], [-1, 1, -1]],
         [[0, 1, 0], [0, 0, -1], [1, -1, 0]]],
    ], float)  # fmt: skip
    y, _ = ops.conv2d(x[None], w, np.array([1.0, 0.0]), stride=2, pad=1)
    assert y[0].tolist() == [[[-3, -1, 0], [-1, -8, 2], [3, 0, 3]], [[1, 4, 2], [-1, 4, 5], [3, 1, 3]]]


@BOTH
def test_the_discrete_convolution_of_545_flips_the_kernel(ops):
    x = np.array([[0.0, 80, 40], [20, 40, 0], [0, 0, 40]])
    kernel = np.array([[0, 0.25], [0.5, 1]])
    y, _ = ops.conv2d(x[None, None], kernel[None, None, ::-1, ::-1], None)
    assert y[0, 0].tolist() == [[45, 110], [40, 40]]


def test_ten_filters_of_hlcv():
    x, w = np.zeros((1, 3, 32, 32), np.float32), np.zeros((10, 3, 5, 5), np.float32)
    y, _ = fast.conv2d(x, w, np.zeros(10, np.float32), pad=2)
    assert y.shape == (1, 10, 32, 32)


# -------------------------------------------------------------------------------------------- against the loops

CASES = {
    "plain": ((2, 3, 6, 7), (4, 3, 3, 2), {}),
    "stride": ((2, 2, 7, 9), (3, 2, 3, 3), {"stride": 2}),
    "stride beyond the field": ((2, 2, 7, 9), (3, 2, 1, 2), {"stride": (3, 7)}),
    "pad": ((2, 3, 5, 6), (4, 3, 3, 3), {"pad": 1}),
    "pad beyond the field": ((2, 2, 3, 2), (3, 2, 2, 1), {"pad": (4, 3)}),
    "all at once": ((3, 4, 9, 8), (6, 2, 3, 2), {"stride": (2, 1), "pad": (1, 2), "dilation": (1, 3), "groups": 2}),
    "depth-wise": ((2, 3, 5, 4), (6, 1, 3, 2), {"groups": 3, "pad": 1}),
    "one by one": ((2, 5, 4, 3), (3, 5, 1, 1), {}),
    "one by one, stride and pad": ((2, 5, 4, 5), (3, 5, 1, 1), {"stride": 2, "pad": 1, "floor": True}),
    "whole picture": ((2, 3, 5, 4), (6, 3, 5, 4), {}),
    "signal": ((2, 3, 1, 9), (4, 3, 1, 3), {"stride": (1, 2), "pad": (0, 1)}),
    "floor": ((2, 2, 8, 10), (3, 2, 3, 3), {"stride": 4, "floor": True}),
    "three by three": ((2, 5, 9, 11), (6, 5, 3, 3), {"pad": 1}),
    "many channels": ((3, 32, 10, 9), (40, 32, 3, 3), {"pad": 1}),
}


@DTYPES
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("case", CASES)
def test_equals_the_loops(case, bias, dtype):
    (shape, filters, hyper), rng = CASES[case], np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in (shape, filters, filters[:1]))
    compare("conv2d", x, w, b if bias else None, rng, **hyper)


@st.composite
def convolutions(draw):
    number = st.integers
    groups = draw(number(1, 3))
    depth, filters = draw(number(1, 3)), draw(number(1, 3))
    field, dilation = draw(st.tuples(number(1, 4), number(1, 4))), draw(st.tuples(number(1, 2), number(1, 3)))
    stride, pad = draw(st.tuples(number(1, 3), number(1, 3))), draw(st.tuples(number(0, 3), number(0, 2)))
    spans = [d * (f - 1) + 1 for d, f in zip(dilation, field, strict=True)]
    size = [max(1, s - 2 * p) + draw(number(0, 6)) for s, p in zip(spans, pad, strict=True)]
    return (
        (draw(number(0, 4)), groups * depth, *size), (groups * filters, depth, *field),
        {"stride": stride, "pad": pad, "dilation": dilation, "groups": groups, "floor": True},
    )  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(convolutions(), st.sampled_from([np.float32, np.float64]), st.integers(0, 99))
def test_equals_the_loops_for_any_shape(drawn, dtype, seed):
    (shape, filters, hyper), rng = drawn, np.random.default_rng(seed)
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in (shape, filters, filters[:1]))
    compare("conv2d", x, w, b, rng, **hyper)


@DTYPES
@pytest.mark.parametrize("hyper", [{}, {"stride": 2}, {"stride": (3, 1), "pad": (1, 2)}, {"pad": 1}], ids=str)
def test_transposed_equals_the_loops(hyper, dtype):
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in ((2, 3, 4, 5), (3, 4, 3, 5), (4,)))
    compare("conv_transpose2d", x, w, b, rng, **hyper)
    compare("conv_transpose2d", x, w, None, rng, **hyper)


@DTYPES
@settings(deadline=None, max_examples=60)
@given(drawn=convolutions())
def test_columns_equal_the_loops_and_col2im_is_adjoint(drawn, dtype):
    shape, filters, hyper = drawn
    hyper.pop("groups")
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype)
    cols = fast.im2col(x, filters[2:], **hyper)
    np.testing.assert_array_equal(cols, naive.im2col(x, filters[2:], **hyper))
    c = rng.standard_normal(cols.shape).astype(dtype)
    back = fast.col2im(c, shape, filters[2:], **hyper)
    loops = [naive.col2im(columns, shape, filters[2:], **hyper) for columns in (c, abs(c))]
    assert_close(back, loops[0], "col2im", loops[1])
    np.testing.assert_allclose(np.vdot(cols, c), np.vdot(x, back), rtol=1e-3, atol=1e-3)


def test_transposed_undoes_the_shape_and_is_the_backward_of_a_convolution():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 3, 7, 9)), rng.standard_normal((4, 3, 3, 3))
    y, cache = fast.conv2d(x, w, None, stride=2, pad=1)
    dy = rng.standard_normal(y.shape)
    dx, _, _ = fast.conv2d_backward(dy, cache)
    assert_close(fast.conv_transpose2d(dy, w, None, stride=2, pad=1)[0], dx, "y")


# ----------------------------------------------------------------------------------- gradients, element by element


@BOTH
@DTYPES
def test_gradients(ops, dtype):
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in ((2, 4, 5, 6), (4, 2, 3, 2), (4,)))
    hyper = {"stride": (1, 2), "pad": (1, 0), "dilation": (2, 1), "groups": 2}
    check_gradients(ops.conv2d, ops.conv2d_backward, x, w, b, rng=rng, **hyper)
    check_gradients(ops.conv2d, ops.conv2d_backward, x, w, None, rng=rng, **hyper)


@BOTH
def test_transposed_gradients(ops):
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s) for s in ((2, 3, 4, 3), (3, 2, 3, 4), (2,)))
    check_gradients(ops.conv_transpose2d, ops.conv_transpose2d_backward, x, w, b, rng=rng, stride=(2, 1), pad=(0, 1))


@DTYPES
@pytest.mark.parametrize("mode", ["zero", "symmetric", "circular"])
@pytest.mark.parametrize("pad", [0, 2, (1, 3), (7, 9)], ids=str)
def test_padding(mode, pad, dtype):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 4, 5)).astype(dtype)
    vertical, horizontal = pad if isinstance(pad, tuple) else (pad, pad)
    around = ((0, 0), (0, 0), (vertical, vertical), (horizontal, horizontal))
    numpy_mode = {"zero": "constant", "symmetric": "symmetric", "circular": "wrap"}[mode]
    y, _ = fast.pad2d(x, pad, mode)
    np.testing.assert_array_equal(y, np.pad(x, around, mode=numpy_mode))
    assert y.dtype == dtype and not np.shares_memory(x, y)
    check_gradients(fast.pad2d, fast.pad2d_backward, x, pad, mode, rng=rng)


# ------------------------------------------------------------------------------------------------ unusual input


@DTYPES
@pytest.mark.parametrize("case", ["plain", "all at once", "three by three"])
def test_arrays_may_be_read_only_and_lie_in_memory_as_they_like(case, dtype):
    (shape, filters, hyper), rng = CASES[case], np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in (shape, filters, filters[:1]))
    y, cache = fast.conv2d(x, w, b, **hyper)
    dy = rng.standard_normal(y.shape).astype(dtype)
    expected = fast.conv2d_backward(dy, cache)
    layouts = {
        "fortran": np.asfortranarray,
        "reversed": lambda a: a[..., ::-1].copy()[..., ::-1],
        "every other": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    }
    for name, layout in layouts.items():
        views = [layout(a) for a in (x, w, b, dy)]
        for view in views:
            view.flags.writeable = False
        got, cache = fast.conv2d(*views[:3], **hyper)
        assert_close(got, y, name)
        for g, e in zip(fast.conv2d_backward(views[3], cache), expected, strict=True):
            assert_close(g, e, name)


@BOTH
def test_an_empty_batch_gives_empty_pictures_and_zero_gradients(ops):
    x, w, b = np.ones((0, 3, 6, 5)), np.ones((4, 3, 3, 3)), np.ones(4)
    y, cache = ops.conv2d(x, w, b, pad=1)
    assert y.shape == (0, 4, 6, 5)
    dx, dw, db = ops.conv2d_backward(y, cache)
    assert dx.shape == x.shape and not dw.any() and not db.any()
    y, cache = ops.conv_transpose2d(np.ones((0, 4, 3, 3)), w, np.ones(3))
    assert y.shape == (0, 3, 5, 5)
    dx, dw, db = ops.conv_transpose2d_backward(y, cache)
    assert dx.shape == (0, 4, 3, 3) and not dw.any() and not db.any()


def test_results_are_fresh_arrays_that_a_later_call_leaves_alone():
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s) for s in ((3, 8, 12, 12), (8, 8, 3, 3), (8,)))
    y, cache = fast.conv2d(x, w, b, pad=1)
    gradients = fast.conv2d_backward(y, cache)
    kept = [a.copy() for a in (y, *gradients)]
    again, cache = fast.conv2d(x + 1, w, b, pad=1)
    fast.conv2d_backward(again, cache)
    for a, before in zip((y, *gradients), kept, strict=True):
        np.testing.assert_array_equal(a, before)
        assert a.flags.owndata or a.base is not None
        assert a.flags.writeable


# ------------------------------------------------------------------------------------------------------- errors

X, W, B = np.ones((2, 3, 7, 7)), np.ones((4, 3, 3, 3)), np.ones(4)


@BOTH
@pytest.mark.parametrize(
    ("arguments", "hyper", "error", "message"),
    [
        ((X.astype(np.uint8), W, B), {}, TypeError, "x has dtype uint8; float32 or float64 would fit"),
        ((X, W.astype(np.float32), B), {}, TypeError, "w has dtype float32, x has float64"),
        ((X, W, [0] * 4), {}, TypeError, "b is a list"),
        ((X[0], W, B), {}, ValueError, r"x has shape \(3, 7, 7\); \(N, C, H, W\) would fit"),
        ((X, W[0], B), {}, ValueError, r"w has shape \(3, 3, 3\)"),
        ((X, np.ones((4, 4, 3, 3)), B), {}, ValueError, "w has 4 channels, x has 3"),
        ((X, W, np.ones(3)), {}, ValueError, r"b has shape \(3,\); \(4,\) would fit"),
        ((X, W, B), {"stride": 3}, ValueError, r"\(7 − 3\)/3 \+ 1 = 2.33 is not whole"),
        ((X, W, B), {"groups": 2}, ValueError, "groups=2 must divide both: x has 3 channels, w has 4 filters"),
        ((X, W, B), {"stride": 0}, ValueError, "stride=0 is too small"),
        ((X, W, B), {"pad": (0, -1)}, ValueError, "pad=-1 is too small"),
        ((X, W, B), {"dilation": 4}, ValueError, "does not fit"),
        ((X, W, B), {"stride": 1.0}, TypeError, "stride=1.0 is not a whole number"),
    ],
)
def test_a_wrong_argument_is_named(ops, arguments, hyper, error, message):
    with pytest.raises(error, match=message):
        ops.conv2d(*arguments, **hyper)


@BOTH
def test_a_wrong_upstream_gradient_is_named(ops):
    y, cache = ops.conv2d(X, W, B)
    with pytest.raises(ValueError, match=r"dy has shape \(2, 4, 5\); \(2, 4, 5, 5\) would fit"):
        ops.conv2d_backward(y[..., 0], cache)
    with pytest.raises(TypeError, match="dy has dtype float32"):
        ops.conv2d_backward(y.astype(np.float32), cache)


@BOTH
def test_wrong_arguments_of_a_transposed_convolution_are_named(ops):
    with pytest.raises(ValueError, match="w has 4 channels, x has 3"):
        ops.conv_transpose2d(X, W, B)
    with pytest.raises(ValueError, match="pad 5 cuts everything off"):
        ops.conv_transpose2d(X[:, :, :2, :2], np.ones((3, 2, 2, 2)), None, pad=5)
    y, cache = ops.conv_transpose2d(X, np.ones((3, 2, 2, 2)), None)
    with pytest.raises(ValueError, match="the shape of y"):
        ops.conv_transpose2d_backward(y[:1], cache)


@BOTH
def test_wrong_columns_are_named(ops):
    with pytest.raises(TypeError, match="x has dtype int64"):
        ops.im2col(np.ones((1, 1, 3, 3), np.int64), 2)
    with pytest.raises(ValueError, match="is not whole"):
        ops.im2col(X, 3, stride=3)
    with pytest.raises(ValueError, match=r"cols has shape \(1, 4, 5\); \(1, 4, 4\) would fit"):
        ops.col2im(np.ones((1, 4, 5)), (1, 1, 3, 3), 2)


def test_wrong_padding_is_named():
    with pytest.raises(ValueError, match="mode='mirror' is unknown; zero, symmetric, circular would fit"):
        fast.pad2d(X, 1, "mirror")
    with pytest.raises(ValueError, match="pad=-1 is too small"):
        fast.pad2d(X, -1)
    with pytest.raises(ValueError, match=r"x has shape \(1, 1, 0, 3\)"):
        fast.pad2d(np.ones((1, 1, 0, 3)), 1)
    y, cache = fast.pad2d(X, 1)
    with pytest.raises(ValueError, match="the shape of y"):
        fast.pad2d_backward(y[..., :-1], cache)
