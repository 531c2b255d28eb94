"""The generic layer: an op pair bound to its parameters."""

from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter, signature
from math import prod
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from course.data.arguments import check_array
from course.initializers import he
from course.layers.base import Array, Cost, Model, Shape, read_shape
from course.layers.field import ReceptiveField, Window
from course.ops._validation import check_upstream

__all__ = ["Initializer", "Layer", "Op", "expect"]

Op: TypeAlias = Callable[..., Any]
Initializer: TypeAlias = Callable[..., Array]
"""`w = init(shape, rng=rng, dtype=dtype)`, as in `course.initializers`"""


class Layer(Model):
    """An op pair, bound to its parameters and hyperparameters.

        y, cache = op(x, *parameters, **hyper)          dx, *dparameters = op_backward(dy, cache)

    A kind of layer says in `parameter_shapes` what it learns, and where it changes the shape, multiplies or looks
    at neighbours, in `output_shape`, `multiply_adds` and `window`. `training` and `rng` reach an op that asks for
    them, and `need_dx` an `op_backward`.

    Args:
        op, op_backward: the function pair; without `op_backward` a layer only goes forwards.
        shown: what `repr` shows first.
        hyper: the keyword-only arguments of the op; those that are the op's own defaults are left to it.

    Raises:
        TypeError, ValueError: the layers of the course refuse hyperparameters that do not fit at once.
    """

    init: Initializer = staticmethod(he)
    """draws the weights: He's initialisation, for what comes before a ReLU"""

    writes = True
    """whether y is a new array; False for another view of x, which costs nothing"""

    def __init__(self, op: Op, op_backward: Op | None, *shown: Any, **hyper: Any) -> None:
        keywords = _keywords(op)
        self.op, self.op_backward, self.shown, self.title = op, op_backward, shown, type(self).__name__
        self.hyper = {
            k: value for k, value in hyper.items() if k not in keywords or not np.array_equal(keywords[k], value)
        }
        self.learns = type(self).parameter_shapes is not Layer.parameter_shapes
        self._asks = keywords.keys() & {"training", "rng"}
        self._can_skip_dx = op_backward is not None and "need_dx" in _keywords(op_backward)
        self._params: dict[str, Array] = {}
        self._grads: dict[str, Array] = {}
        self._generators: dict[str, np.random.Generator] = {}
        # of the last forward the cache, and the shape and dtype of y, until its backward consumes them
        self._kept: tuple[Any, Shape, np.dtype[Any]] | None = None

    def try_out(self, *arguments: Any) -> None:
        """Call the op on a single number, so that a hyperparameter is refused here and not in the first forward."""
        self.call(np.zeros((1, 1, 1, 1), np.float32), arguments, training=False)

    # ---- what a kind of layer says about itself, all of it before there are weights

    def parameter_shapes(self, in_shape: Shape) -> dict[str, Shape]:
        """Give the shape of each parameter, in the order of the op's arguments."""
        return {}

    def initial(self, name: str, shape: Shape, rng: np.random.Generator, dtype: npt.DTypeLike) -> Array:
        """Draw a parameter: weights by `init`, and 0 for a bias."""
        return self.init(shape, rng=rng, dtype=dtype) if name == "w" else np.zeros(shape, dtype)

    def multiply_adds(self, in_shape: Shape) -> int:
        """Count the products with a weight for one example."""
        return 0

    def window(self, in_shape: Shape | None) -> Window:
        """Say what one place of y reads of x."""
        return Window()

    def output_shape(self, in_shape: Shape) -> Shape:
        return in_shape

    # ---- what all of them have in common

    @property
    def params(self) -> dict[str, Array]:
        return self._params

    @property
    def grads(self) -> dict[str, Array]:
        return self._grads

    @property
    def generators(self) -> dict[str, np.random.Generator]:
        return self._generators

    def build(self, in_shape: Shape, *, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32) -> Self:
        super().build(in_shape, rng=rng, dtype=dtype)
        shapes = self.parameter_shapes(tuple(in_shape))
        self._params = {name: self.initial(name, shape, rng, dtype) for name, shape in shapes.items()}
        self._grads, self._kept = {}, None
        if "rng" in self._asks:
            self._generators = {"rng": rng.spawn(1)[0]}
        return self

    def rebind(self, params: Mapping[str, Array]) -> None:
        for name, w in self._params.items():
            params[name][...] = w
        self._params = {name: params[name] for name in self._params}

    def arguments(self) -> tuple[Any, ...]:
        """Give what follows x in a call of the op."""
        if self.learns and not self._params:
            raise RuntimeError(f"{self!r} has no weights yet: {_BUILD} would allocate them")
        return tuple(self._params.values())

    def forward(self, x: Array, training: bool = False) -> Array:
        if training and "rng" in self._asks and not self._generators:
            raise RuntimeError(f"{self!r} has no rng yet: {_BUILD} would give it one")
        found = self.call(x, self.arguments(), training)
        y: Array
        y, cache = found if isinstance(found, tuple) else (found, None)
        check_array("y", y)
        self._kept = cache, y.shape, y.dtype
        return y

    def call(self, x: Array, arguments: Iterable[Any], training: bool) -> Any:
        """Call the op with its hyperparameters and with what it asks for."""
        given = {"training": training, "rng": self._generators.get("rng")}
        return self.op(x, *arguments, **self.hyper, **{key: given[key] for key in self._asks})

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        if self.op_backward is None:
            raise RuntimeError(f"{self!r} has no backward function, it can only go forwards")
        if self._kept is None:
            raise RuntimeError(f"{self!r} has nothing to go back through: each backward takes a forward of its own")
        cache, shape, dtype = self._kept
        check_upstream(dy, shape, dtype)
        skip = {"need_dx": need_dx} if self._can_skip_dx else {}
        found = self.op_backward(dy, cache, **skip)
        dx: Array
        dx, *gradients = found if isinstance(found, tuple | list) else (found,)
        shapes = [w.shape for w in self._params.values()]
        found_shapes = [np.shape(dw) for dw in gradients[: len(shapes)]]
        if found_shapes != shapes:
            names = ", ".join(f"d{name} {w.shape}" for name, w in self._params.items())
            raise ValueError(f"backward gives, beside dx, gradients of shapes {found_shapes}; {names} would fit")
        self._grads, self._kept = dict(zip(self._params, gradients, strict=False)), None
        return dx

    def cost(self, in_shape: Shape) -> Cost:
        parameters = sum(map(prod, self.parameter_shapes(in_shape).values()))
        activations = prod(self.output_shape(in_shape)) if self.writes else 0
        return Cost(parameters, self.multiply_adds(in_shape), activations)

    def look(self, seen: ReceptiveField, in_shape: Shape | None = None) -> ReceptiveField:
        return seen.through(self.window(in_shape))

    def __repr__(self) -> str:
        hyper = [f"{key}={value!r}" for key, value in self.hyper.items() if key != "floor"]
        return f"{self.title}({', '.join([*map(repr, self.shown), *hyper])})"


_BUILD = "model.build(in_shape, rng=np.random.default_rng(0))"


def _keywords(function: Op) -> dict[str, Any]:
    """Give the keyword-only arguments of a function, with their defaults."""
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):  # a few built-in functions have no signature to read
        return {}
    return {p.name: p.default for p in parameters if p.kind is Parameter.KEYWORD_ONLY}


def expect(layer: Layer, in_shape: Shape, fits: str, axes: int) -> Shape:
    """Require a shape with so many axes."""
    in_shape = read_shape("in_shape", in_shape)
    if len(in_shape) != axes:
        raise ValueError(f"{layer!r} meets in_shape={in_shape}; {fits} would fit, without the batch")
    return in_shape
