"""An update rule applied to every parameter of a model, in place."""

from collections.abc import Iterator, Mapping
from inspect import signature
from typing import Any, Protocol

import numpy as np

from course.optim._rule import Array, Rule, State
from course.optim.adaptive import adagrad, adam, adamw, rmsprop
from course.optim.descent import momentum, nesterov, sgd

__all__ = ["RULES", "HasParameters", "Optimizer"]

RULES: dict[str, Rule] = {rule.__name__: rule for rule in (sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw)}

_PIECE = 16_384  # weights updated at a time: what a rule computes on the way then stays in the cache


class HasParameters(Protocol):
    """What an optimizer asks of a model: its parameters and, after `backward`, their gradients by the same names."""

    @property
    def params(self) -> Mapping[str, Array]: ...
    @property
    def grads(self) -> Mapping[str, Array]: ...


class Optimizer:
    """Walk the parameters of a model with an update rule, and keep the rule's state for each.

    Args:
        model: has `params` and `grads`, arrays by name; the arrays of `params` are updated in place.
        rule: one of the course's rules, its name, or a function of the same form,
            `w, state = rule(w, dw, state, *, lr, …)`.
        lr: the learning rate; may be set anew between steps.
        weight_decay: λ. Weights shrink towards 0; parameters of one axis, biases and the scales of batch norm, do
            not. The gradient of the penalty λ/2·‖w‖², which is λ·w, is added to dw, except where the rule takes
            `weight_decay` itself, as adamw does.
        hyper: further keywords for the rule, such as alpha or rho.

    Attributes:
        lr: the learning rate.
        state: for each parameter's name the state that the rule returned last.

    Raises:
        TypeError: the rule does not know a keyword.
        ValueError: there is no rule of that name, the rule refuses a value, or lr or weight_decay is negative.

    >>> class Line:
    ...     params = {"w": np.array([1.0, 2.0])}
    ...     grads = {"w": np.array([10.0, -10.0])}
    >>> optimizer = Optimizer(Line, "momentum", lr=0.1, alpha=0.5)
    >>> optimizer.step()
    >>> Line.params["w"], optimizer.state["w"]["v"]
    (array([0., 3.]), array([-1.,  1.]))
    """

    def __init__(
        self,
        model: HasParameters,
        rule: str | Rule = sgd,
        *,
        lr: float,
        weight_decay: float = 0.0,
        **hyper: Any,
    ) -> None:
        if isinstance(rule, str):
            if rule not in RULES:
                raise ValueError(f"rule is {rule!r}; one of {', '.join(RULES)} would fit")
            rule = RULES[rule]
        if not weight_decay >= 0:
            raise ValueError(f"weight_decay is {weight_decay}; 0 or more would fit")
        if not lr >= 0:
            raise ValueError(f"lr is {lr}; 0 or more would fit")
        self.model, self.rule, self.hyper = model, rule, hyper
        self.lr, self.weight_decay = float(lr), float(weight_decay)
        self.state: dict[str, State] = {}
        self._decoupled = "weight_decay" in signature(rule).parameters
        # A bad keyword shall be refused now, rather than in the middle of a training.
        self.rule(np.zeros((1, 1)), np.zeros((1, 1)), {}, **self._keywords(2))

    def step(self) -> None:
        """Update every parameter from its gradient.

        Raises:
            ValueError: a parameter has no gradient, or one of another shape. Nothing has been updated then.
        """
        params, grads = self.model.params, self.model.grads
        for name, w in params.items():
            if name not in grads:
                raise ValueError(f"{name} has no gradient; model.backward(…) before step() would give it one")
            if grads[name].shape != w.shape:
                raise ValueError(f"the gradient of {name} has shape {grads[name].shape}, {name} has {w.shape}")
        for name, w in params.items():
            self._update(name, w, grads[name])

    def state_dict(self) -> dict[str, Array]:
        """Everything that another optimizer needs to go on from here, as copies under flat names.

        >>> class Line:
        ...     params = {"w": np.array([1.0])}
        ...     grads = {"w": np.array([10.0])}
        >>> optimizer = Optimizer(Line, adam, lr=0.1)
        >>> optimizer.step()
        >>> sorted(optimizer.state_dict())
        ['lr', 'w/r', 'w/s', 'w/t']
        """
        flat = {f"{name}/{key}": np.array(value) for name, state in self.state.items() for key, value in state.items()}
        return {"lr": np.array(self.lr), **flat}

    def load_state_dict(self, saved: Mapping[str, Array]) -> None:
        """Take over what `state_dict` gave.

        Raises:
            ValueError: lr is missing, or a name belongs to no parameter of the model. Nothing is taken over then.
        """
        if "lr" not in saved:
            raise ValueError(f"saved has {sorted(saved)}; what state_dict() gave, with lr, would fit")
        state: dict[str, State] = {}
        for flat, value in saved.items():
            if flat == "lr":
                continue
            name, _, key = flat.rpartition("/")
            if name not in self.model.params:
                raise ValueError(f"saved has a state for {name!r}; the model has {', '.join(self.model.params)}")
            state.setdefault(name, {})[key] = np.array(value) if np.ndim(value) else np.asarray(value).item()
        self.state, self.lr = state, float(saved["lr"])

    def _keywords(self, axes: int) -> dict[str, Any]:
        keywords = dict(self.hyper, lr=float(self.lr))
        if self._decoupled:
            keywords["weight_decay"] = self.weight_decay if axes > 1 else 0.0
        return keywords

    def _update(self, name: str, w: Array, dw: Array) -> None:
        keywords = self._keywords(w.ndim)
        decay = self.weight_decay if w.ndim > 1 and not self._decoupled else 0.0
        old = self.state.get(name, {})
        if self.rule not in RULES.values():  # it may look at all weights together
            w[...], self.state[name] = self.rule(w, dw + decay * w if decay else dw, old, **keywords)
            return
        # The course's rules treat each weight by itself. In pieces, what they compute on the way stays in the cache.
        w, dw = np.atleast_1d(w, dw)
        new: State = {}
        for piece in _pieces(w):
            part = {key: value[piece] if isinstance(value, np.ndarray) else value for key, value in old.items()}
            g = dw[piece] + decay * w[piece] if decay else dw[piece]
            w[piece], part = self.rule(w[piece], g, part, **keywords)
            for key, value in part.items():
                if isinstance(value, np.ndarray):
                    if key not in new:
                        new[key] = old[key] if key in old else np.empty_like(w)
                    new[key][piece] = value
                else:
                    new[key] = value
        self.state[name] = new


def _pieces(w: Array) -> Iterator[slice]:
    """Cut the first axis so that a piece has about _PIECE elements."""
    rows = max(1, _PIECE * len(w) // max(1, w.size))
    return (slice(i, i + rows) for i in range(0, len(w), rows))
