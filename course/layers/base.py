"""What every model can do, and the generic layer: an op pair bound to its parameters.

Shapes here are those of one example, (C, H, W) or (D,), without the batch: a model is laid out, counted and drawn
before there is any batch, and before there are weights, which only `build` allocates.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import Parameter, signature
from math import prod
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from course.initializers import he
from course.layers.field import ReceptiveField, Window

__all__ = ["Array", "Cost", "Initializer", "Layer", "Model", "Op", "Shape", "expect"]

Array: TypeAlias = npt.NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
Op: TypeAlias = Callable[..., Any]
Initializer: TypeAlias = Callable[..., Array]
"""`w = init(shape, rng=rng, dtype=dtype)`, as in `course.initializers`"""


class Cost(NamedTuple):
    """What a model costs for one example."""

    parameters: int = 0
    """weights and biases that are learned"""
    multiply_adds: int = 0
    """products with a weight, each added to a sum; nothing else is counted, neither biases nor normalisation"""
    activations: int = 0
    """numbers that a forward pass writes"""

    def plus(self, other: "Cost") -> "Cost":
        return Cost(*map(sum, zip(self, other, strict=True)))


class Model:
    """A layer or a network of them: forwards, backwards, and what it costs.

    Attributes:
        name: what a summary calls it; it may be empty.
        params: the parameters by name, those of a part under its own name and a dot: "0.w". Update them in place.
        grads: after `backward`, the gradients under the same names.
        state: what a forward in training changes besides: the running statistics of batch normalisation.
        generators: the random generators that dropout draws from, to be saved with a checkpoint.
    """

    name: str = ""

    @property
    def params(self) -> dict[str, Array]:
        return self._gather("params")

    @property
    def grads(self) -> dict[str, Array]:
        return self._gather("grads")

    @property
    def state(self) -> dict[str, Array]:
        return self._gather("state")

    @property
    def generators(self) -> dict[str, np.random.Generator]:
        return self._gather("generators")

    def _gather(self, what: str) -> dict[str, Any]:
        return {
            f"{name}.{key}": value for name, part in self.children.items() for key, value in getattr(part, what).items()
        }

    @property
    def children(self) -> "Mapping[str, Model]":
        """The parts, by name; a layer has none."""
        return {}

    def parts(self, in_shape: Shape) -> "Iterator[tuple[str, Model, Shape]]":
        """Give each part's name, the part, and the shape that arrives there."""
        return iter(())

    def build(self, in_shape: Shape, *, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32) -> Self:
        """Allocate the weights and draw them; a second time, draw them anew.

        Args:
            in_shape: of one example, (C, H, W) or (D,).
            rng: draws the weights, and gives each dropout layer a generator of its own.
            dtype: float32 or float64.

        Returns:
            The model itself.

        Raises:
            ValueError: the model does not fit this shape.
        """
        self.output_shape(in_shape)  # complain before anything is allocated
        for _, part, shape in self.parts(in_shape):
            part.build(shape, rng=rng, dtype=dtype)
        return self

    def rebind(self, params: Mapping[str, Array]) -> None:
        """Let the parameters live in these arrays from now on, by name, such as views of memory that is shared.

        The values stay: they are copied there.
        """
        for name, part in self.children.items():
            part.rebind({key.removeprefix(f"{name}."): w for key, w in params.items() if key.startswith(f"{name}.")})

    def forward(self, x: Array, training: bool = False) -> Array:
        """Compute y for a batch; keep what `backward` needs.

        Args:
            x: (N, *in_shape), of the dtype of the weights.
            training: dropout loses values and batch normalisation uses this batch's statistics.

        Raises:
            RuntimeError: there are no weights yet.
        """
        raise NotImplementedError

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        """Compute the gradients of the parameters, and that of x, for the last forward; consume what it kept.

        Args:
            dy: the gradient of what `forward` returned, of the same shape.
            need_dx: False spares a first layer the work for dx; what is returned is then of no use.

        Raises:
            RuntimeError: no forward came before, or its one backward is over.
        """
        raise NotImplementedError

    def output_shape(self, in_shape: Shape) -> Shape:
        """Predict the shape of y for one example.

        Raises:
            ValueError: the model does not fit this shape.
        """
        raise NotImplementedError

    def cost(self, in_shape: Shape) -> Cost:
        """Count parameters, multiply-adds and activations for one example; weights are not needed."""
        total = Cost()
        for _, part, shape in self.parts(in_shape):
            total = total.plus(part.cost(shape))
        return total

    def look(self, seen: ReceptiveField, in_shape: Shape | None = None) -> ReceptiveField:
        """Follow what a neuron sees of the picture through this model."""
        raise NotImplementedError


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
    """

    init: Initializer = staticmethod(he)
    """draws the weights: He's initialisation, for what comes before a ReLU"""

    writes = True
    """whether y is a new array; False for another view of x, which costs nothing"""

    def __init__(self, op: Op, op_backward: Op | None, *shown: Any, **hyper: Any) -> None:
        keywords = _keywords(op)
        self.op, self.op_backward, self.shown, self.title = op, op_backward, shown, type(self).__name__
        self.hyper = {key: value for key, value in hyper.items() if key not in keywords or keywords[key] != value}
        self.learns = type(self).parameter_shapes is not Layer.parameter_shapes
        self._asks = keywords.keys() & {"training", "rng"}
        self._can_skip_dx = op_backward is not None and "need_dx" in _keywords(op_backward)
        self._params: dict[str, Array] = {}
        self._grads: dict[str, Array] = {}
        self._kept: list[Any] = []  # the cache of the last forward, until its backward consumes it
        self.rng: np.random.Generator | None = None

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
        return {} if self.rng is None else {"rng": self.rng}

    def build(self, in_shape: Shape, *, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32) -> Self:
        self.output_shape(in_shape)
        shapes = self.parameter_shapes(in_shape)
        self._params = {name: self.initial(name, shape, rng, dtype) for name, shape in shapes.items()}
        self._grads, self._kept = {}, []
        if "rng" in self._asks:
            self.rng = rng.spawn(1)[0]
        return self

    def rebind(self, params: Mapping[str, Array]) -> None:
        for name, w in self._params.items():
            params[name][...] = w
        self._params = {name: params[name] for name in self._params}

    def arguments(self) -> tuple[Any, ...]:
        """Give what follows x in a call of the op."""
        if self.learns and not self._params:
            raise RuntimeError(
                f"{self!r} has no weights yet: model.build(in_shape, rng=np.random.default_rng(0)) would allocate them"
            )
        return tuple(self._params.values())

    def forward(self, x: Array, training: bool = False) -> Array:
        found = self.call(x, self.arguments(), training)
        y: Array
        y, cache = found if isinstance(found, tuple) else (found, None)
        self._kept = [cache]
        return y

    def call(self, x: Array, arguments: Iterable[Any], training: bool) -> Any:
        """Call the op with its hyperparameters and with what it asks for."""
        given = {"training": training, "rng": self.rng}
        return self.op(x, *arguments, **self.hyper, **{key: given[key] for key in self._asks})

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        if self.op_backward is None:
            raise RuntimeError(f"{self!r} has no backward function, it can only go forwards")
        if not self._kept:
            raise RuntimeError(f"{self!r} has nothing to go back through: each backward takes a forward of its own")
        skip = {"need_dx": need_dx} if self._can_skip_dx else {}
        found = self.op_backward(dy, self._kept.pop(), **skip)
        dx: Array
        dx, *gradients = found if isinstance(found, tuple | list) else (found,)
        shapes = [w.shape for w in self._params.values()]
        found_shapes = [np.shape(dw) for dw in gradients[: len(shapes)]]
        if found_shapes != shapes:
            names = ", ".join(f"d{name} {w.shape}" for name, w in self._params.items())
            raise ValueError(f"backward gives, beside dx, gradients of shapes {found_shapes}; {names} would fit")
        self._grads = dict(zip(self._params, gradients, strict=False))
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


def _keywords(function: Op) -> dict[str, Any]:
    """Give the keyword-only arguments of a function, with their defaults."""
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):  # a few built-in functions have no signature to read
        return {}
    return {p.name: p.default for p in parameters if p.kind is Parameter.KEYWORD_ONLY}


def expect(layer: Layer, in_shape: Shape, fits: str, axes: int) -> Shape:
    """Require a shape with so many axes."""
    if len(in_shape) != axes:
        raise ValueError(f"{layer!r} meets in_shape={tuple(in_shape)}; {fits} would fit, without the batch")
    return tuple(in_shape)
