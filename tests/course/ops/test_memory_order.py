"""Pictures that lie rows first: laid so and back, kept so by what comes after; and the memory that is lent."""

import threading

import numpy as np
import pytest

from course import models, ops
from course.ops import _memory
from course.ops._memory import as_rows, lay, lie_rows_first, rows_first, scratch


@pytest.mark.parametrize(
    "shape", [(3, 2, 4, 5), (70, 1, 32, 32), (33, 3, 7, 6), (2, 3, 400, 300), (0, 2, 3, 3)], ids=str
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_laid_rows_first_and_back(shape, dtype):
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    for view in x, np.asfortranarray(x), x[..., ::-1], x[:, ::-1].copy()[:, ::-1]:
        laid = lay(view, True)
        np.testing.assert_array_equal(laid, view)
        assert as_rows(view).flags.c_contiguous and as_rows(laid).base is laid.base
        if x.size:
            assert lie_rows_first(laid) and not lie_rows_first(lay(laid, False))
        np.testing.assert_array_equal(lay(laid, False), view)


def test_one_picture_or_one_cell_lies_in_its_usual_order():
    assert not lie_rows_first(np.ones((4, 3, 1, 1))[:, :1])
    assert not lie_rows_first(np.ones((1, 1, 5, 6)))


RNG = np.random.default_rng(0)
X, DY = RNG.standard_normal((5, 4, 6, 6)), RNG.standard_normal((5, 4, 6, 6))
STATISTICS = np.ones(4), np.zeros(4), None
OPS = {
    "relu": (lambda x: ops.relu(x), ops.relu_backward, DY),
    "max_pool2d": (lambda x: ops.max_pool2d(x, 2), ops.max_pool2d_backward, DY[..., ::2, ::2]),
    "max_pool2d that overlaps": (
        lambda x: ops.max_pool2d(x, 3, stride=2, pad=1, floor=True), ops.max_pool2d_backward, DY[..., ::2, ::2]
    ),
    "max_pool2d with gaps": (lambda x: ops.max_pool2d(x, 1, stride=2, floor=True), ops.max_pool2d_backward,
                             DY[..., ::2, ::2]),
    "avg_pool2d": (lambda x: ops.avg_pool2d(x, 3, stride=2, pad=1, floor=True), ops.avg_pool2d_backward,
                   DY[..., ::2, ::2]),
    "local_response_norm": (lambda x: ops.local_response_norm(x, size=3), ops.local_response_norm_backward, DY),
    "batch_norm": (lambda x: ops.batch_norm(x, *STATISTICS, training=True),
                   lambda dy, cache: ops.batch_norm_backward(dy, cache)[0], DY),
}  # fmt: skip


@pytest.mark.parametrize("name", OPS)
def test_the_order_is_kept_and_changes_no_number(name):
    forward, backward, dy = OPS[name]
    y, cache = forward(X)
    dx = backward(np.ascontiguousarray(dy), cache)
    laid_y, laid_cache = forward(lay(X, True))
    np.testing.assert_allclose(laid_y, y, rtol=1e-12, atol=1e-12)
    assert lie_rows_first(laid_y)
    for upstream in dy, lay(dy, True):
        laid_dx = backward(upstream, laid_cache)
        np.testing.assert_allclose(laid_dx, dx, rtol=1e-12, atol=1e-12)
    assert lie_rows_first(laid_dx)


@pytest.mark.parametrize(("name", "model", "shape"), [
    ("LeNet-5", models.lenet5, (1, 32, 32)), ("a small ResNet", models.mini_resnet, (3, 16, 16)),
])  # fmt: skip
def test_networks_compute_the_same_for_few_and_many_pictures(name, model, shape):
    """Many pictures lie rows first on their way, few do not."""
    network = model()
    network.build(shape, rng=np.random.default_rng(0), dtype=np.float64)
    x, labels = np.random.default_rng(1).standard_normal((64, *shape)), np.arange(64) % 10
    many = network.forward(x)
    few = np.concatenate([network.forward(x[i : i + 8]) for i in range(0, 64, 8)])
    np.testing.assert_allclose(many, few, rtol=1e-9, atol=1e-9)
    assert lie_rows_first(network[0].forward(x)) and not lie_rows_first(network[0].forward(x[:8]))
    loss, dscores = ops.softmax_loss(network.forward(x, training=True), labels)
    assert np.isfinite(loss) and network.backward(dscores).shape == x.shape


@pytest.mark.parametrize("name", OPS)
def test_pictures_in_a_file_give_plain_arrays(name, tmp_path):
    forward, backward, dy = OPS[name]
    x = np.memmap(tmp_path / "x", dtype=X.dtype, mode="w+", shape=X.shape)
    x[...] = X
    y, cache = forward(x)
    assert type(y) is type(backward(np.ascontiguousarray(dy), cache)) is np.ndarray


def test_a_single_order_serves_any_array():
    x = np.ones((2, 3, 4, 5))
    assert _memory.in_memory(x) == [0, 1, 2, 3]
    assert _memory.in_memory(lay(x, True)) == [2, 1, 3, 0]
    assert _memory.in_memory(np.float64(1)) == []


def test_what_is_lent_is_not_lent_twice():
    with scratch(np.float32, (3, 5), (2,)) as (a, b):
        assert a.shape == (3, 5) and b.shape == (2,) and a.dtype == b.dtype == np.float32
        a[...], b[...] = 1, 2
        with scratch(np.float64, (100, 100)) as (c,):
            c[...] = 3
        assert not np.shares_memory(a, b) and not np.shares_memory(a, c) and not np.shares_memory(b, c)
        assert (a == 1).all() and (b == 2).all()
    with pytest.raises(RuntimeError), scratch(np.float32, (3, 5)) as (again,):
        raise RuntimeError
    with scratch(np.float32, (3, 5)) as (after,):
        assert np.shares_memory(after, again)  # it was given back all the same


def test_a_thread_keeps_little_and_its_own():
    _memory.forget()
    with scratch(np.uint8, (3 * _memory._KEPT,)) as (large,):
        assert large.size == 3 * _memory._KEPT
    assert _memory._scratch.bytes.size <= _memory._KEPT
    with scratch(np.uint8, (1000,)) as (mine,):

        def theirs():
            with scratch(np.uint8, (1000,)) as (other,):
                shared.append(np.shares_memory(mine, other))

        shared = []
        thread = threading.Thread(target=theirs)
        thread.start()
        thread.join()
    assert shared == [False]
    _memory.forget()
    assert _memory._scratch.bytes.size == 0


def test_results_are_never_lent_memory():
    x, w = np.ones((64, 3, 8, 8)), np.ones((4, 3, 3, 3))
    y, cache = ops.conv2d(x, w, None)
    kept = y.copy(), *(array.copy() for array in ops.conv2d_backward(y, cache)[:2])
    results = y, *ops.conv2d_backward(y, cache)[:2]
    ops.conv2d_backward(ops.conv2d(-3 * x, w, None)[0], ops.conv2d(-3 * x, w, None)[1])
    for result, before in zip(results, kept, strict=True):
        np.testing.assert_array_equal(result, before)
    assert not any(np.shares_memory(result, _memory._scratch.bytes) for result in results)
    assert rows_first(y).flags.c_contiguous
