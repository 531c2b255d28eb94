"""The inputs of the checks: far from anything degenerate, and the same again."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.check.draws import Draws

seeds = st.none() | st.integers(0, 2**64)


@given(seeds, st.sampled_from([(1,), (4,), (2, 3, 7, 8), (50, 60)]))
def test_normal_draws_have_no_zeros_and_no_ties(seed: int | None, shape: tuple[int, ...]) -> None:
    x = Draws("any", seed).normal(*shape)
    assert x.shape == shape
    assert np.abs(x).min() >= 0.1
    gaps = np.diff(np.sort(x.ravel()))
    assert (gaps >= min(1e-3, 0.1 / x.size) * 0.99).all()


def test_normal_draws_are_about_normal_and_stay_apart_in_single_precision() -> None:
    x = Draws("any").normal(100, 100, dtype=np.float32)
    assert x.dtype == np.float32
    assert abs(x.mean()) < 0.05
    assert 0.9 < x.std() < 1.2
    assert len(np.unique(x)) == x.size


@given(seeds)
def test_uniform_draws_keep_their_bounds_and_have_no_ties(seed: int | None) -> None:
    x = Draws("any", seed).uniform(-2, 3, 6, 7)
    assert x.shape == (6, 7)
    assert (x > -2).all()
    assert (x < 3).all()
    assert np.diff(np.sort(x.ravel())).min() > 0.4 * 5 / 42


@given(seeds, st.integers(1, 40), st.integers(1, 7))
def test_every_class_occurs(seed: int | None, n: int, classes: int) -> None:
    counts = np.bincount(Draws("any", seed).labels(n, classes), minlength=classes)
    assert counts.sum() == n
    assert counts.max() - counts.min() <= 1


def test_whole_numbers_include_both_ends() -> None:
    drawn = Draws("any").integers(-1, 1, 500)
    assert set(drawn) == {-1, 0, 1}
    assert type(Draws("any").integers(3, 3)) is int


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("a", 1), ("a", 1), True),
        (("a", 1), ("a", 2), False),
        (("a", 1), ("b", 1), False),
        (("a", None), ("a", 0), False),
    ],
)
def test_draws_depend_on_exercise_and_seed(one: Any, other: Any, same: bool) -> None:
    assert (Draws(*one).normal() == Draws(*other).normal()) is same


def test_the_public_draws_are_these_on_every_machine() -> None:
    """Records hold answers to them: if NumPy ever draws others, the course must be built anew."""
    assert Draws("conv2d").normal(3).round(6).tolist() == [-0.896092, -0.71868, 0.696981]
