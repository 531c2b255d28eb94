"""What every model can do: a layer, or a network of them.

Shapes here are those of one example, (C, H, W) or (D,), without the batch: a model is laid out, counted and drawn
before there is any batch, and before there are weights, which only `build` allocates.
"""

from collections.abc import Iterator, Mapping
from operator import index
from reprlib import repr as shortened
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from course.data.arguments import check_rng
from course.initializers import float_dtype
from course.layers.entries import Entries
from course.layers.field import ReceptiveField

__all__ = ["Array", "Cost", "Model", "Shape", "read_shape"]

Array: TypeAlias = npt.NDArray[Any]
Shape: TypeAlias = tuple[int, ...]


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
        params: the parameters by name, those of a part under its own name and a dot: "0.w".
        grads: after `backward`, the gradients under the same names.
        state: what a forward in training changes besides: the running statistics of batch normalisation.
        generators: the random generators that dropout draws from, to be saved with a checkpoint.

    All four can be written. `model.params["0.w"][...] = w` copies w into the array that is there, whereas
    `model.params["0.w"] = w` takes w itself, not a copy: the next forward computes with it, and an optimizer changes
    it. So `model.grads["0.w"] = np.clip(model.grads["0.w"], -1, 1)` is what the optimizer reads next.
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
        return Entries({name: getattr(part, what) for name, part in self.children.items()})

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
            TypeError: in_shape is no shape, rng no generator, or dtype another type.
            ValueError: the model does not fit this shape.
        """
        in_shape, dtype = read_shape("in_shape", in_shape), float_dtype(dtype)
        check_rng(rng)
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
            dy: the gradient of what `forward` returned, of the same shape and dtype.
            need_dx: False spares a first layer the work for dx; what is returned is then of no use.

        Raises:
            RuntimeError: no forward came before, or its one backward is over.
            TypeError, ValueError: dy does not fit; with one that does, `backward` can be called again.
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


def read_shape(name: str, shape: Any, fits: str = "(C, H, W) or (D,)") -> Shape:
    """Read a shape, of whole numbers from 1.

    >>> read_shape("in_shape", 3)
    Traceback (most recent call last):
    TypeError: in_shape is 3; (C, H, W) or (D,) would fit, whole numbers from 1
    """
    message = f"{name} is {shortened(shape)}; {fits} would fit, whole numbers from 1"
    try:
        sizes = tuple(map(index, shape))
    except TypeError:
        raise TypeError(message) from None
    if min(sizes, default=1) < 1:
        raise ValueError(message)
    return sizes
