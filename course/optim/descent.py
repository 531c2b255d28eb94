"""Rules whose step has the direction of the gradient, or of its running sum: sgd, momentum, nesterov."""

from course.optim._rule import Array, State, pure, start

__all__ = ["momentum", "nesterov", "sgd"]


@pure
def sgd(w: Array, dw: Array, state: State | None = None, *, lr: float) -> tuple[Array, State]:
    """Go against the gradient: θ ← θ − ε·ĝ.

    Whether this is batch, stochastic or mini-batch descent depends only on the samples that dw comes from.

    Args:
        w: weights of any shape, float32 or float64.
        dw: the gradient at w, of the shape and dtype of w.
        state: not needed.
        lr: ε, the learning rate.

    Returns:
        the new weights, of the shape and dtype of w, and the empty state {}.

    Raises:
        TypeError, ValueError: dw does not match w, or an argument is out of range.

    Source: EECS 545, "Optimization with SGD and its variants"; HLCV, "Gradient descent".

    >>> import numpy as np
    >>> sgd(np.array([1.0, 2.0]), np.array([10.0, -10.0]), lr=0.1)
    (array([0., 3.]), {})
    """
    # θ ← θ − ε·ĝ
    w -= lr * dw
    return w, {}


@pure
def momentum(w: Array, dw: Array, state: State | None = None, *, lr: float, alpha: float = 0.9) -> tuple[Array, State]:
    """Roll down like a ball: v ← α·v − ε·ĝ, then θ ← θ + v.

    Where gradients agree the steps add up, to 1/(1 − α) times one step; where they swing they cancel.

    Args:
        w: weights of any shape, float32 or float64.
        dw: the gradient at w, of the shape and dtype of w.
        state: {} at first, then {"v": velocity, of the shape of w}.
        lr: ε, the learning rate.
        alpha: α, the share of the velocity that is kept, from 0 (this is sgd) up to, not including, 1.

    Returns:
        the new weights and the new state.

    Raises:
        TypeError, ValueError: dw does not match w, or an argument is out of range.

    Source: EECS 545, "Momentum" and "Optimization with SGD and its variants".

    >>> import numpy as np
    >>> w, state = momentum(np.array([1.0]), np.array([1.0]), {}, lr=0.1)
    >>> momentum(w, np.array([1.0]), state, lr=0.1)
    (array([0.71]), {'v': array([-0.19])})
    """
    v = start(state, "v", w)
    # v ← α·v − ε·ĝ
    v *= alpha
    v -= lr * dw
    # θ ← θ + v
    w += v
    return w, {"v": v}


@pure
def nesterov(w: Array, dw: Array, state: State | None = None, *, lr: float, alpha: float = 0.9) -> tuple[Array, State]:
    """Look ahead first: momentum whose gradient is taken at θ + α·v, where the velocity alone would lead.

    The rule keeps w = θ + α·v, the place looked at, so that dw is the gradient at w as for every other rule. In
    terms of w the step θ ← θ + v becomes w ← w + α·v − ε·ĝ with the new v.

    Args:
        w: weights of any shape, float32 or float64.
        dw: the gradient at w, of the shape and dtype of w.
        state: {} at first, then {"v": velocity, of the shape of w}.
        lr: ε, the learning rate.
        alpha: α, the share of the velocity that is kept, from 0 (this is sgd) up to, not including, 1.

    Returns:
        the new weights and the new state.

    Raises:
        TypeError, ValueError: dw does not match w, or an argument is out of range.

    Source: Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep
    learning", 2013, equations 3 and 4. Not in the lectures.

    >>> import numpy as np
    >>> nesterov(np.array([1.0]), np.array([1.0]), {}, lr=0.1)
    (array([0.81]), {'v': array([-0.1])})
    """
    v = start(state, "v", w)
    # v ← α·v − ε·ĝ
    step = lr * dw
    v *= alpha
    v -= step
    # θ + α·v, the next place to look at
    w += alpha * v
    w -= step
    return w, {"v": v}
