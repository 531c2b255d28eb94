"""Products in pieces: the same numbers, in pieces that are small enough, without a copy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.ops import _products

size = st.integers(0, 9)
small = {"SMALL": st.integers(1, 60), "SHORT": st.integers(1, 20), "WIDE": st.integers(1, 3), "HIGH": st.integers(1, 3)}


@given(
    before=st.lists(st.integers(1, 3), max_size=2), m=size, k=size, n=size, limits=st.fixed_dictionaries(small),
    few=st.sampled_from([4, 32]), strided=st.booleans(),
)  # fmt: skip
def test_pieces_add_up_to_the_whole(before, m, k, n, limits, few, strided):
    rng = np.random.default_rng(0)
    a, c, b = (rng.integers(-9, 9, shape).astype(float) for shape in ((m, k), (*before, m, n), (*before, k, n)))
    if strided:  # as rows that overlap in memory lie, and every other row of what is filled
        b = np.repeat(b, 2, axis=-2)[..., ::2, :]
    out = np.full((*before, 2 * m, n), np.nan)[..., ::2, :]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**limits, "FEW": few}.items():
            patch.setattr(_products, name, value)
        _products.multiply(a, b, out)
        total = _products.multiply_transposed(c, b)
    np.testing.assert_array_equal(out, a @ b)  # whole numbers, so that the order of the sum does not matter
    products = c @ b.swapaxes(-1, -2)
    np.testing.assert_array_equal(total, products.sum(axis=tuple(range(len(before)))))


@pytest.mark.parametrize(
    ("m", "k", "n", "pieces"),
    [
        (16, 150, 1280, 4),     # LeNet's second convolution: 2.4 million multiplications in four pieces
        (6, 25, 3584, 1),       # its first is small
        (33, 150, 1280, 1),     # where rows are many, the copy pays
        (16, 150, 1283, 1),     # a prime number of columns has no equal pieces
        (32, 4096, 1280, 1),    # pieces would be narrower than 64
    ],
)  # fmt: skip
def test_in_how_many_pieces(m, k, n, pieces, monkeypatch):
    seen = []
    monkeypatch.setattr(
        _products.np, "matmul", lambda a, b, out: seen.append((b.shape, out.shape, out.base is not None))
    )
    _products.multiply(np.empty((m, k), np.float32), np.empty((2, k, n), np.float32), np.empty((2, m, n), np.float32))
    cut = (pieces,) if pieces > 1 else ()
    assert [shapes for *shapes, _ in seen] == [[(2, *cut, k, n // pieces), (2, *cut, m, n // pieces)]]
    assert pieces == 1 or seen[0][2]  # views of what is to be filled


@pytest.mark.parametrize(
    ("m", "k", "n", "rows", "columns"),
    [
        (150, 16, 1280, 2, 2),     # the gradient of LeNet's second filters: results of 75 × 16, 640 columns each
        (25, 6, 3584, 1, 1),       # that of the first is small
        (150, 33, 1280, 1, 1),     # where rows are many, the copy pays
        (151, 16, 1280, 1, 1),     # a prime number of rows has no equal pieces
    ],
)  # fmt: skip
def test_in_how_many_pieces_when_transposed(m, k, n, rows, columns, monkeypatch):
    seen, matmul = [], np.matmul
    monkeypatch.setattr(_products.np, "matmul", lambda a, b: (seen.append((a, b)), matmul(a, b))[1])
    a, b = np.ones((2, m, n), np.float32), np.ones((2, k, n), np.float32)
    np.testing.assert_array_equal(_products.multiply_transposed(a, b), np.full((m, k), 2 * n))
    ((left, right),) = seen
    if columns == 1:
        assert (left.shape, right.shape) == ((2, m, n), (2, n, k))
    else:
        assert (left.shape, right.shape) == (
            (2, columns, rows, m // rows, n // columns), (2, columns, 1, n // columns, k),
        )  # fmt: skip
    assert np.shares_memory(left, a) and np.shares_memory(right, b)  # nothing is copied
