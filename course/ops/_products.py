"""Matrix products with few rows and many columns, in pieces that a BLAS multiplies as they lie.

Before a BLAS multiplies, it copies both matrices into the order in which its inner loop reads them. That pays where
each copied number is used often. With 16 filters it is used 16 times, and the copy takes as long as the product, or
twice as long where the rows lie a multiple of 4096 bytes apart and displace each other in the cache. Products of at
most 10⁶ multiplications OpenBLAS does without the copy, on processors with AVX-512: at nine tenths of the peak rate
instead of four to seven. So a large product is cut into such pieces:

    y (M, N)  =  a (M, K) @ b (K, N)          piece by piece of the N columns
    y (M, K)  =  a (M, N) @ b (K, N)ᵀ         piece by piece of the M rows and of the N columns, summed up

The pieces are views, along one more axis of a single `np.matmul`. A BLAS that copies in any case loses
a twentieth by it, in the second form a seventh.
"""

import numpy as np

from course.ops._validation import Array

FEW = 32
"""Rows that make a copy of the other matrix too dear."""

SMALL = 10**6
"""Multiplications in a product for which OpenBLAS copies nothing."""

SHORT = 1200
"""Numbers of its result, where the second matrix is transposed."""

WIDE, HIGH = 64, 8
"""Columns and rows of a piece, at least: so that each is worth a call."""


def multiply(a: Array, b: Array, out: Array) -> None:
    """Fill out (…, M, N) with a (M, K) @ b (…, K, N)."""
    n = b.shape[-1]
    pieces = _pieces(n, a.size * n / SMALL, least=WIDE) if len(a) <= FEW else 1
    if pieces > 1:
        b, out = _cut(b, pieces), _cut(out, pieces)
    np.matmul(a, b, out=out)


def multiply_transposed(a: Array, b: Array) -> Array:
    """Compute (M, K), the sum of a (…, M, N) @ b (…, K, N)ᵀ over all that comes before."""
    (m, n), k = a.shape[-2:], b.shape[-2]
    b = b.swapaxes(-2, -1)
    rows = _pieces(m, m * k / SHORT, least=HIGH) if k <= FEW else 1
    columns = _pieces(n, m * k * n / rows / SMALL, least=WIDE) if k <= FEW and m * k <= rows * SHORT else 1
    if columns > 1:
        a = _cut(a, columns).reshape(*a.shape[:-2], columns, rows, m // rows, n // columns)
        b = b.reshape(*b.shape[:-2], columns, 1, n // columns, k)
    products = np.matmul(a, b)
    if columns > 1:
        products = products.reshape(*products.shape[:-3], m, k)
    total: Array = products.sum(axis=tuple(range(products.ndim - 2)))
    return total


def _cut(b: Array, pieces: int) -> Array:
    """View (…, K, N) as pieces of its columns, (…, pieces, K, N/pieces)."""
    return b.reshape(*b.shape[:-1], pieces, b.shape[-1] // pieces).swapaxes(-2, -3)


def _pieces(total: int, count: float, *, least: int) -> int:
    """Give how many equal pieces, at least so many, each no shorter than the least; 1 if that cannot be."""
    start = max(1, -int(-count // 1))
    return next((pieces for pieces in range(start, total // least + 1) if total % pieces == 0), 1)
