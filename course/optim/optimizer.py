"""An update rule applied to every parameter of a model, in place."""

from collections.abc import Iterator, Mapping, Sequence
from inspect import signature
from reprlib import repr as shortened
from typing import Any, Protocol

import numpy as np

from course.data.arguments import check_callable
from course.optim._rule import IN_PLACE, Array, Rule, State, plain
from course.optim.adaptive import adagrad, adam, adamw, rmsprop
from course.optim.descent import momentum, nesterov, sgd

__all__ = ["RULES", "HasParameters", "Optimizer"]

RULES: dict[str, Rule] = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adamw,
}

_PIECE = 49_152  # weights updated at a time: what a rule computes on the way then stays in the processor's cache


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
        weight_decay: λ. Weights shrink towards 0; biases, which are named b, and other parameters of one axis, such as
            the scales of batch norm, do not. The gradient of the penalty λ/2·‖w‖², which is λ·w, is added to dw, except
            where the rule takes `weight_decay` itself, as adamw does.
        hyper: further keywords for the rule, such as alpha or rho.

    Attributes:
        lr: the learning rate.
        state: for each parameter's name the state that the rule returned last.

    Raises:
        TypeError: model has no params and grads, the rule is none or does not know a keyword, or lr or weight_decay is
            no number.
        ValueError: there is no rule of that name, the rule refuses a value, or lr or weight_decay is negative or not
            finite.

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
        if not (hasattr(model, "params") and hasattr(model, "grads")):
            raise TypeError(f"model is {model!r}; a model, with params and grads, would fit")
        if isinstance(rule, str):
            if rule not in RULES:
                raise ValueError(f"rule is {rule!r}; one of {', '.join(RULES)} would fit")
            rule = RULES[rule]
        check_callable("rule", rule, "'adam', or a function w, state = rule(w, dw, state, *, lr),")
        plain({"lr": lr, "weight_decay": weight_decay})
        self.model, self.rule, self.hyper = model, rule, hyper
        self.lr, self.weight_decay = float(lr), float(weight_decay)
        self.state: dict[str, State] = {}
        self._decoupled = "weight_decay" in signature(rule).parameters
        # Tried on a single weight: a bad keyword is refused now, not in the middle of a training, and what comes
        # back shows what the state consists of.
        _, self._first = self._apply(np.ones((1, 1)), np.ones((1, 1)), {}, decays=True)

    def step(self) -> None:
        """Update every parameter from its gradient.

        Raises:
            ValueError: the model has no parameters, lr is negative or not finite, or a parameter has no gradient, or a
                gradient or a state of another shape or dtype. Nothing has been updated then.
        """
        params, grads = self.model.params, self.model.grads
        plain({"lr": self.lr})
        if not params:
            raise ValueError("the model has no parameters; model.build(…) before step() would give it some")
        for name, w in params.items():
            if name not in grads:
                raise ValueError(f"{name} has no gradient; model.backward(…) before step() would give it one")
            if (grads[name].shape, grads[name].dtype) != (w.shape, w.dtype):
                raise ValueError(
                    f"the gradient of {name} is {grads[name].dtype} {grads[name].shape}; "
                    f"{w.dtype} {w.shape} would fit, as {name} is"
                )
            if name in self.state:
                self._check_state(name, self.state[name], w)
        together: dict[tuple[Any, bool], list[str]] = {}
        for name, w in params.items():
            decays = self.weight_decay > 0 and w.ndim > 1 and name.rpartition(".")[2] != "b"
            if self.rule in IN_PLACE and w.flags.c_contiguous:
                together.setdefault((w.dtype, decays), []).append(name)
            else:  # a student's rule may look at all the weights of a parameter together
                w[...], self.state[name] = self._apply(w, grads[name], self.state.get(name, {}), decays=decays)
        for (_, decays), names in together.items():
            self._update(names, params, grads, decays)

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
            ValueError: lr is missing, or the states are not those of this rule for the parameters of this model.
                Nothing is taken over then.
        """
        if "lr" not in saved:
            raise ValueError(f"saved has {', '.join(saved) or 'nothing'}; what state_dict() gave, with lr, would fit")
        state: dict[str, State] = {}
        for flat, value in saved.items():
            if flat == "lr":
                continue
            name, _, key = flat.rpartition("/")
            if name not in self.model.params:
                raise ValueError(f"saved has a state for {name!r}; the model has {', '.join(self.model.params)}")
            is_array = np.ndim(value) or isinstance(self._first.get(key), np.ndarray)
            state.setdefault(name, {})[key] = np.array(value, order="C") if is_array else np.asarray(value).item()
        if state and (missing := self.model.params.keys() - state.keys()):
            raise ValueError(f"saved has no state for {', '.join(sorted(missing))}; one for each parameter would fit")
        for name, remembered in state.items():
            self._check_state(name, remembered, self.model.params[name])
        if self.rule in IN_PLACE and len({remembered.get("t") for remembered in state.values()}) > 1:
            raise ValueError("saved counts other steps for one parameter than for another; one count would fit")
        plain({"lr": float(saved["lr"])})
        self.state, self.lr = state, float(saved["lr"])

    def _check_state(self, name: str, state: State, w: Array) -> None:
        """Require that the state of a rule of the course is of this rule, and for these weights."""
        if self.rule not in IN_PLACE:
            return  # what a student's rule remembers is its own affair
        if state.keys() != self._first.keys():
            raise ValueError(
                f"the state of {name} holds {', '.join(state) or 'nothing'}; "
                f"{', '.join(self._first) or 'nothing'} would fit, as {self.rule.__name__} keeps"
            )
        for key, first in self._first.items():
            found = np.asarray(state[key])
            fits = (w.shape, w.dtype) if isinstance(first, np.ndarray) else ((), found.dtype)
            if (found.shape, found.dtype) != fits:
                raise ValueError(
                    f"the state {key} of {name} is {found.dtype} {found.shape}; {fits[1]} {fits[0]} would fit: "
                    "another model, or one that was built anew, needs a new Optimizer"
                )

    def _apply(self, w: Array, dw: Array, state: State, *, decays: bool) -> tuple[Array, State]:
        """Ask the rule, and look at what comes back: a student may have written it."""
        found = self.rule(w, self._penalized(w, dw, decays), state, **self._keywords(decays))
        if not (isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], dict)):
            raise TypeError(f"the rule returned {shortened(found)}; new weights and a state, a dict, would fit")
        after, state = found
        if np.shape(after) != w.shape:
            raise ValueError(f"the rule returned weights of shape {np.shape(after)}; {w.shape} would fit, that of w")
        for key, value in state.items():
            if np.asarray(value).dtype.kind not in "biuf":
                raise TypeError(f"the rule keeps {key}={shortened(value)}; a number or an array of numbers would fit")
        return after, state

    def _keywords(self, decays: bool) -> dict[str, Any]:
        """The rule's keywords; Python's own floats, which take the precision of the weights."""
        keywords = {name: float(v) if isinstance(v, float) else v for name, v in self.hyper.items()}
        if self._decoupled:
            keywords["weight_decay"] = self.weight_decay if decays else 0.0
        return {**keywords, "lr": float(self.lr)}

    def _penalized(self, w: Array, dw: Array, decays: bool) -> Array:
        """Add the gradient of λ/2·‖w‖²."""
        return dw + self.weight_decay * w if decays and not self._decoupled else dw

    def _update(
        self, names: Sequence[str], params: Mapping[str, Array], grads: Mapping[str, Array], decays: bool
    ) -> None:
        """Apply a rule of the course, which treats each weight by itself: piece by piece, in place."""
        for name in names:
            if name not in self.state:
                self.state[name] = {
                    key: np.zeros_like(params[name]) if isinstance(value, np.ndarray) else 0
                    for key, value in self._first.items()
                }
        symbols = [key for key, value in self._first.items() if isinstance(value, np.ndarray)]
        clock = {key: value for key, value in self.state[names[0]].items() if key not in symbols}
        flat = [  # for each parameter: w, what the state remembers, and dw
            [a.reshape(-1) for a in (params[n], *(self.state[n][key] for key in symbols), grads[n])] for n in names
        ]
        rule, keywords, after = IN_PLACE[self.rule], self._keywords(decays), clock
        for piece in _pieces([w.size for w, *_ in flat]):
            parts = [[array[part] for array in flat[k]] for k, part in piece]
            w, *remembered, dw = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
            state = dict(zip(symbols, remembered, strict=True), **clock)
            _, after = rule(w, self._penalized(w, dw, decays), state, **keywords)
            if len(parts) > 1:  # they were gathered: give each parameter its share back
                start = 0
                for part in parts:
                    end = start + part[0].size
                    for mine, whole in zip(part, (w, *remembered), strict=False):
                        mine[...] = whole[start:end]
                    start = end
        for name in names:
            self.state[name].update((key, after[key]) for key in clock)


def _pieces(sizes: Sequence[int], piece: int = _PIECE) -> Iterator[list[tuple[int, slice]]]:
    """Cut large arrays and gather small ones, so that a call of the rule has enough to do and all of it in cache.

    Each piece tells which arrays, by number, and what part of each.

    >>> list(_pieces([1, 2, 6], 4))
    [[(2, slice(0, 3, None))], [(2, slice(3, 6, None))], [(0, slice(0, 1, None)), (1, slice(0, 2, None))]]
    """
    gathered: list[tuple[int, slice]] = []
    room = piece
    for k, size in enumerate(sizes):
        if size > piece // 2:
            count = -(-size // piece)  # as few as will do, of one length
            length = -(-size // count)
            yield from ([(k, slice(i, min(i + length, size)))] for i in range(0, size, length))
            continue
        if size > room:
            yield gathered
            gathered, room = [], piece
        gathered.append((k, slice(0, size)))
        room -= size
    if gathered:
        yield gathered
