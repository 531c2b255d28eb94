"""Rules that give each weight a step of its own: adagrad, rmsprop, adam, adamw.

The lecture's idea: divide the learning rate of each weight by the amplitude of its gradients, so that rare and weak
features learn as fast as frequent and strong ones.
"""

import numpy as np

from course.optim._rule import Array, State, pure, start

__all__ = ["adagrad", "adam", "adamw", "rmsprop"]


@pure
def adagrad(w: Array, dw: Array, state: State | None = None, *, lr: float, delta: float = 1e-7) -> tuple[Array, State]:
    """Divide each weight's step by the size of all its gradients so far: r ← r + ĝ², θ ← θ − ε/(δ + √r)·ĝ.

    Rare features keep a large step. Steps only shrink, as r only grows.

    Args:
        w: weights of any shape, float32 or float64.
        dw: the gradient at w, of the shape and dtype of w.
        state: {} at first, then {"r": sum of squared gradients, of the shape of w}.
        lr: ε, the learning rate; the first step has this size in every weight.
        delta: δ > 0, which keeps the quotient finite.

    Returns:
        the new weights and the new state.

    Raises:
        TypeError, ValueError: dw does not match w, or an argument is out of range.

    Source: EECS 545, "Optimization with SGD and its variants".

    >>> w, state = adagrad(np.array([1.0, 1.0]), np.array([4.0, -0.5]), {}, lr=0.1)
    >>> w.round(6), state["r"]
    (array([0.9, 1.1]), array([16.  ,  0.25]))
    """
    r = start(state, "r", w)
    # r ← r + ĝ ⊙ ĝ
    r += dw * dw
    # θ ← θ − ε/(δ + √r) ⊙ ĝ
    w -= lr / (delta + np.sqrt(r)) * dw
    return w, {"r": r}


@pure
def rmsprop(
    w: Array, dw: Array, state: State | None = None, *, lr: float, rho: float = 0.9, delta: float = 1e-7
) -> tuple[Array, State]:
    """AdaGrad that forgets: r ← ρ·r + (1 − ρ)·ĝ², θ ← θ − ε/(δ + √r)·ĝ.

    Args:
        w: weights of any shape, float32 or float64.
        dw: the gradient at w, of the shape and dtype of w.
        state: {} at first, then {"r": running mean of squared gradients, of the shape of w}.
        lr: ε, the learning rate.
        rho: ρ, the share of r that is kept, from 0 up to, not including, 1.
        delta: δ > 0, which keeps the quotient finite.

    Returns:
        the new weights and the new state.

    Raises:
        TypeError, ValueError: dw does not match w, or an argument is out of range.

    Source: EECS 545, "Optimization with SGD and its variants".

    >>> w, state = rmsprop(np.array([1.0]), np.array([2.0]), {}, lr=0.1, rho=0.75)
    >>> w.round(6), state["r"]                  # r = 0.25·2² = 1, so the step is 0.1/1·2
    (array([0.8]), array([1.]))
    """
    r = start(state, "r", w)
    # r ← ρ·r + (1 − ρ)·ĝ ⊙ ĝ
    r *= rho
    r += (1 - rho) * dw * dw
    # θ ← θ − ε/(δ + √r) ⊙ ĝ
    w -= lr / (delta + np.sqrt(r)) * dw
    return w, {"r": r}


@pure
def adam(
    w: Array,
    dw: Array,
    state: State | None = None,
    *,
    lr: float,
    rho1: float = 0.9,
    rho2: float = 0.999,
    delta: float = 1e-8,
) -> tuple[Array, State]:
    """Momentum and RMSProp together, both corrected for having started at 0.

    Args:
        w: weights of any shape, float32 or float64.
        dw: the gradient at w, of the shape and dtype of w.
        state: {} at first, then {"s": running mean of gradients, "r": of their squares, "t": steps so far}.
        lr: ε, the learning rate; the first step has this size in every weight, whatever its gradient.
        rho1: ρ₁, the share of s that is kept, from 0 up to, not including, 1.
        rho2: ρ₂, the share of r that is kept, likewise.
        delta: δ > 0, which keeps the quotient finite.

    Returns:
        the new weights and the new state.

    Raises:
        TypeError, ValueError: dw does not match w, or an argument is out of range.

    Source: EECS 545, "Optimization with SGD and its variants"; Kingma and Ba, 2015.

    >>> w, state = adam(np.array([1.0, 1.0]), np.array([4.0, -0.5]), {}, lr=0.1)
    >>> w, state["t"]
    (array([0.9, 1.1]), 1)
    """
    step, state = _adam_step(w, dw, state, lr, rho1, rho2, delta)
    # θ ← θ + Δθ
    w += step
    return w, state


@pure
def adamw(
    w: Array,
    dw: Array,
    state: State | None = None,
    *,
    lr: float,
    rho1: float = 0.9,
    rho2: float = 0.999,
    delta: float = 1e-8,
    weight_decay: float = 0.01,
) -> tuple[Array, State]:
    """Adam with the weight decay beside it: θ ← θ + Δθ − ε·λ·θ.

    A decay added to the gradient, as L2 regularisation is, would be divided by √r̂ like the rest of the gradient and
    hardly reach the weights that move most. Decoupled, all weights shrink alike.

    Args:
        w: weights of any shape, float32 or float64.
        dw: the gradient at w of the data loss alone, of the shape and dtype of w.
        state: as for adam.
        lr: ε, the learning rate.
        rho1: ρ₁, as for adam.
        rho2: ρ₂, as for adam.
        delta: δ, as for adam.
        weight_decay: λ ≥ 0.

    Returns:
        the new weights and the new state.

    Raises:
        TypeError, ValueError: dw does not match w, or an argument is out of range.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2. Not in the lectures.

    >>> w, state = adamw(np.array([2.0]), np.array([4.0]), {}, lr=0.1, weight_decay=0.5)
    >>> w                                       # 2 − 0.1, and 0.1·0.5·2 less
    array([1.8])
    """
    step, state = _adam_step(w, dw, state, lr, rho1, rho2, delta)
    # θ ← θ + Δθ − ε·λ·θ
    w *= 1 - lr * weight_decay
    w += step
    return w, state


def _adam_step(
    w: Array, dw: Array, state: State | None, lr: float, rho1: float, rho2: float, delta: float
) -> tuple[Array, State]:
    s, r = start(state, "s", w), start(state, "r", w)
    t = (state["t"] if state else 0) + 1
    # s ← ρ₁·s + (1 − ρ₁)·ĝ
    s *= rho1
    s += (1 - rho1) * dw
    # r ← ρ₂·r + (1 − ρ₂)·ĝ ⊙ ĝ
    r *= rho2
    r += (1 - rho2) * dw * dw
    # ŝ = s/(1 − ρ₁ᵗ), r̂ = r/(1 − ρ₂ᵗ)
    # Δθ = −ε·ŝ/(√r̂ + δ)
    size = np.sqrt(r / (1 - rho2**t))
    size += delta
    step = (-lr / (1 - rho1**t)) * s
    step /= size
    return step, {"s": s, "r": r, "t": t}
