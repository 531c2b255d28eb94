"""Three classes in the plane: what the student's scores and losses say of one point, and of thirty."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from course import data, ops

__all__ = ["CLASSES", "LABELS", "POINTS", "B", "Functions", "State", "Step", "compute"]

Array = npt.NDArray[Any]

CLASSES = 3
POINTS, LABELS = data.blobs(30, classes=CLASSES, noise=0.42, rng=np.random.default_rng(7))
POINTS = POINTS.astype(np.float64)
B = np.array([0.3, 0.0, -0.3])


@dataclass(frozen=True)
class State:
    """What the controls say.

    Attributes:
        x: the point.
        w: for each class its weights: the vector of its template.
        label: the class of the point.
        scale: what all weights and biases are multiplied by.
    """

    x: tuple[float, float] = (0.6, 0.3)
    w: tuple[tuple[float, float], ...] = ((0.3, 1.2), (-1.1, -0.4), (1.0, -0.9))
    label: int = 0
    scale: float = 1.0

    @property
    def weights(self) -> tuple[Array, Array]:
        """w (2, C) and b (C,)."""
        return self.scale * np.array(self.w).T, self.scale * B


@dataclass(frozen=True)
class Functions:
    """The student's own."""

    linear_scores: Callable[..., Any]
    hinge_loss: Callable[..., Any]
    softmax: Callable[..., Any]
    softmax_loss: Callable[..., Any]


@dataclass(frozen=True)
class Step:
    """What is drawn for a state; None is what a function of the student's did not give.

    Attributes:
        scores: (C,), of the point.
        p: (C,), its probabilities.
        losses: by "hinge" and "softmax", of the point.
        means: the same, over the thirty dots.
        accuracy: of the dots, the share whose label has the highest score.
        wrong: of "scores", "p", "hinge-loss", "hinge-mean", "softmax-loss", "softmax-mean" those that differ from the
            right ones.
        problems: what is wrong with the functions, in words.
    """

    state: State
    scores: Array | None = None
    p: Array | None = None
    losses: dict[str, float | None] = field(default_factory=dict)
    means: dict[str, float | None] = field(default_factory=dict)
    accuracy: float | None = None
    wrong: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()

    @property
    def gaps(self) -> Array | None:
        """(C,), how far each class is from leaving the label a lead of 1: s_j − s_y + 1."""
        return None if self.scores is None else self.scores - self.scores[self.state.label] + 1


def compute(state: State, functions: Functions) -> Step:
    """Ask the student's functions.

    >>> right = Functions(ops.affine, ops.hinge_loss, ops.softmax, ops.softmax_loss)
    >>> step = compute(State(x=(0.0, 1.0)), right)
    >>> step.scores, step.losses["hinge"], step.wrong, step.problems
    (array([ 1.5, -0.4, -1.2]), 0.0, frozenset(), ())
    """
    problems: list[str] = []
    w, b = state.weights
    labels, x = np.append(LABELS, state.label), np.vstack([POINTS, state.x])
    scores = _ask("linear_scores", functions.linear_scores, (x, w, b), (len(x), CLASSES), problems)
    if scores is None:
        return Step(state, problems=tuple(problems))
    right, wrong = x @ w + b, set()
    if not _same(scores, right):
        wrong.add("scores")
    p = _ask("softmax", functions.softmax, (scores[-1:],), (1, CLASSES), problems)
    if p is not None and not _same(p, ops.softmax(scores[-1:])[0]):
        wrong.add("p")
    losses: dict[str, float | None] = {}
    means: dict[str, float | None] = {}
    for name, function, reference in (
        ("hinge", functions.hinge_loss, ops.hinge_loss),
        ("softmax", functions.softmax_loss, ops.softmax_loss),
    ):
        for found, part, what in ((losses, slice(-1, None), "loss"), (means, slice(0, -1), "mean")):
            given = scores[part], labels[part]
            loss = _ask(f"{name}_loss", function, given, (), problems)
            found[name] = None if loss is None else float(loss)
            if loss is not None and not _same(loss, reference(*given)[0]):
                wrong.add(f"{name}-{what}")
    accuracy = float(np.mean(scores[:-1].argmax(axis=1) == LABELS))
    distinct = tuple(dict.fromkeys(problems))
    return Step(state, scores[-1], None if p is None else p[0], losses, means, accuracy, frozenset(wrong), distinct)


def _ask(
    name: str, function: Callable[..., Any], args: tuple[Array, ...], shape: tuple[int, ...], problems: list[str]
) -> Array | None:
    """The first thing that the student's function returns, or None and one problem more."""
    try:
        answer = function(*(arg.copy() for arg in args))
    except NotImplementedError:
        problems.append(f"Your {name} is not written yet.")
        return None
    except Exception as error:
        problems.append(f"Your {name} raised {type(error).__name__}: {str(error)[:120]}")
        return None
    value = answer[0] if isinstance(answer, tuple) and answer else answer
    if not isinstance(value, np.ndarray | np.number | float | int) or np.shape(value) != shape:
        found = f"shape {np.shape(value)}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
        problems.append(f"Your {name} gave {found}; {f'shape {shape}' if shape else 'a number'} would fit.")
        return None
    number = np.asarray(value)
    if number.dtype.kind not in "fiu" or not np.isfinite(number).all():
        problems.append(f"Your {name} gave something that is no finite number.")
        return None
    return number.astype(np.float64)


def _same(said: Array, right: Any) -> bool:
    return bool(np.allclose(said, right, rtol=1e-5, atol=1e-7))
