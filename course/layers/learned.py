"""The layers that learn: what each adds to its op is how many weights it takes and where they come from.

Equations, errors and sources stand with the ops of the same names. Fields, strides and pads are an int or a pair
(vertical, horizontal), as everywhere.
"""

from fractions import Fraction
from math import ceil, prod
from typing import Any

import numpy as np
import numpy.typing as npt

from course import ops
from course.data.arguments import whole
from course.initializers import he
from course.layers.base import Array, Shape
from course.layers.field import Window
from course.layers.layer import Initializer, Layer, expect
from course.shapes import Pair, conv2d_shape, conv_transpose2d_shape, pair

__all__ = ["Affine", "BatchNorm", "Conv2d", "ConvTranspose2d", "Maxout", "PReLU"]


class Affine(Layer):
    """Every output is a weighted sum of every input: (D,) → (M,). A picture needs a `Flatten` before.

    Args:
        outputs: M.
        init: draws the weights, as `course.initializers.he` does.

    >>> Affine(5).cost((32 * 32 * 3,)).parameters
    15365
    """

    def __init__(self, outputs: int, *, init: Initializer = he) -> None:
        outputs = whole("outputs", outputs)
        super().__init__(ops.affine, ops.affine_backward, outputs)
        self.outputs, self.init = outputs, init

    def parameter_shapes(self, in_shape: Shape) -> dict[str, Shape]:
        (inputs,) = expect(self, in_shape, "(D,), with a Flatten before it if need be,", 1)
        return {"w": (inputs, self.outputs), "b": (self.outputs,)}

    def output_shape(self, in_shape: Shape) -> Shape:
        return self.parameter_shapes(in_shape)["b"]

    def multiply_adds(self, in_shape: Shape) -> int:
        return prod(self.parameter_shapes(in_shape)["w"])


class Maxout(Layer):
    """Every output is the largest of so many affine pieces: (D,) → (M,)."""

    def __init__(self, outputs: int, pieces: int = 2) -> None:
        outputs, pieces = whole("outputs", outputs), whole("pieces", pieces)
        super().__init__(ops.maxout, ops.maxout_backward, outputs, pieces)
        self.outputs, self.pieces = outputs, pieces

    def parameter_shapes(self, in_shape: Shape) -> dict[str, Shape]:
        (inputs,) = expect(self, in_shape, "(D,), with a Flatten before it if need be,", 1)
        return {"w": (self.pieces, inputs, self.outputs), "b": (self.pieces, self.outputs)}

    def output_shape(self, in_shape: Shape) -> Shape:
        return self.parameter_shapes(in_shape)["b"][1:]

    def multiply_adds(self, in_shape: Shape) -> int:
        return prod(self.parameter_shapes(in_shape)["w"])


class Conv2d(Layer):
    """K filters slide over the picture: (C, H, W) → (K, OH, OW).

    Args:
        filters: K; with groups = C it is the depth-wise convolution.
        field, stride, pad, dilation, groups, floor: as of `ops.conv2d`.
        bias: False where a normalisation follows, which has a shift of its own.
        init: draws the weights, as `course.initializers.he` does.

    >>> layer = Conv2d(10, 5, pad=2)
    >>> layer.output_shape((3, 32, 32)), layer.cost((3, 32, 32)).parameters
    ((10, 32, 32), 760)
    """

    def __init__(
        self, filters: int, field: Pair, *, stride: Pair = 1, pad: Pair = 0, dilation: Pair = 1, groups: int = 1,
        bias: bool = True, floor: bool = False, init: Initializer = he,
    ) -> None:  # fmt: skip
        filters, groups = whole("filters", filters), whole("groups", groups)
        hyper: dict[str, Any] = {"stride": stride, "pad": pad, "dilation": dilation, "groups": groups, "floor": floor}
        super().__init__(ops.conv2d, ops.conv2d_backward, filters, field, **hyper)
        self.filters, self.field, self.bias, self.groups, self.init = filters, field, bias, groups, init
        self._seen = Window.of(field, stride, pad, dilation)

    def parameter_shapes(self, in_shape: Shape) -> dict[str, Shape]:
        channels, _, _ = expect(self, in_shape, "(C, H, W)", 3)
        shapes: dict[str, Shape] = {"w": (self.filters, channels // self.groups, *pair(self.field))}
        return shapes | {"b": (self.filters,)} if self.bias else shapes

    def arguments(self) -> tuple[Any, ...]:
        return super().arguments() if self.bias else (*super().arguments(), None)

    def output_shape(self, in_shape: Shape) -> Shape:
        w = self.parameter_shapes(in_shape)["w"]
        return conv2d_shape((1, *in_shape), w, **self.hyper)[1:]

    def multiply_adds(self, in_shape: Shape) -> int:
        _, oh, ow = self.output_shape(in_shape)
        return oh * ow * prod(self.parameter_shapes(in_shape)["w"])

    def window(self, in_shape: Shape | None) -> Window:
        return self._seen


class ConvTranspose2d(Layer):
    """Every number stamps its filter onto a larger map: (C, H, W) → (K, (H − 1)·S + FH − 2P, …).

    >>> ConvTranspose2d(8, 4, stride=2, pad=1).output_shape((16, 5, 7))
    (8, 10, 14)
    """

    def __init__(self, filters: int, field: Pair, *, stride: Pair = 1, pad: Pair = 0, bias: bool = True) -> None:
        filters = whole("filters", filters)
        super().__init__(ops.conv_transpose2d, ops.conv_transpose2d_backward, filters, field, stride=stride, pad=pad)
        self.filters, self.bias, self.field = filters, bias, pair(field, "field")
        self.stride, self.pad = pair(stride, "stride"), pair(pad, "pad", least=0)

    def parameter_shapes(self, in_shape: Shape) -> dict[str, Shape]:
        channels, _, _ = expect(self, in_shape, "(C, H, W)", 3)
        shapes: dict[str, Shape] = {"w": (channels, self.filters, *self.field)}
        return shapes | {"b": (self.filters,)} if self.bias else shapes

    def arguments(self) -> tuple[Any, ...]:
        return super().arguments() if self.bias else (*super().arguments(), None)

    def output_shape(self, in_shape: Shape) -> Shape:
        w = self.parameter_shapes(in_shape)["w"]
        return conv_transpose2d_shape((1, *in_shape), w, **self.hyper)[1:]

    def initial(self, name: str, shape: Shape, rng: np.random.Generator, dtype: npt.DTypeLike) -> Array:
        if name != "w":
            return super().initial(name, shape, rng, dtype)
        # one place of the output sums only C·FH·FW/S² products, not the C·FH·FW of a convolution
        w: Array = super().initial(name, (shape[1], shape[0], *shape[2:]), rng, dtype).swapaxes(0, 1)
        return np.ascontiguousarray(w * np.sqrt(prod(self.stride), dtype=w.dtype))

    def multiply_adds(self, in_shape: Shape) -> int:
        return prod(in_shape[1:]) * prod(self.parameter_shapes(in_shape)["w"])

    def window(self, in_shape: Shape | None) -> Window:
        # output o sums the stamps i with i·S − P ≤ o < i·S − P + F: at most F/S of them, rounded up
        (fv, fh), (sv, sh), (pv, ph) = self.field, self.stride, self.pad
        first = (-ceil((pv - fv + 1) / sv), -ceil((ph - fh + 1) / sh))
        return Window((ceil(fv / sv), ceil(fh / sh)), (Fraction(1, sv), Fraction(1, sh)), first)


class BatchNorm(Layer):
    """Each channel with mean 0 and variance 1 over the batch, then scaled by γ and shifted by β.

    In training it takes the batch's statistics and updates the running ones (`state`), which it takes otherwise.

    >>> list(BatchNorm().build((6, 14, 14), rng=np.random.default_rng(0)).state)
    ['mean', 'var']
    """

    def __init__(self, *, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__(ops.batch_norm, ops.batch_norm_backward, momentum=momentum, eps=eps)
        one = np.ones(1, np.float32)
        self.try_out(one, one, ops.RunningStatistics.start(1))
        self.running: ops.RunningStatistics | None = None

    def parameter_shapes(self, in_shape: Shape) -> dict[str, Shape]:
        return {"gamma": in_shape[:1], "beta": in_shape[:1]}

    def initial(self, name: str, shape: Shape, rng: np.random.Generator, dtype: npt.DTypeLike) -> Array:
        if name == "gamma":
            # float64 keeps the digits of a large mean, batch by batch; a function of a student's, which may take this
            # layer's place, would pass it on to its y
            own = self.op is not ops.batch_norm
            self.running = ops.RunningStatistics.start(shape[0], dtype if own else np.float64)
            return np.ones(shape, dtype)
        return np.zeros(shape, dtype)

    def arguments(self) -> tuple[Any, ...]:
        return (*super().arguments(), self.running)

    @property
    def state(self) -> dict[str, Array]:
        return {} if self.running is None else vars(self.running)


class PReLU(Layer):
    """A leaky ReLU that learns the slope of each channel, from 0.25."""

    def __init__(self) -> None:
        super().__init__(ops.prelu, ops.prelu_backward)

    def parameter_shapes(self, in_shape: Shape) -> dict[str, Shape]:
        return {"a": in_shape[:1]}

    def initial(self, name: str, shape: Shape, rng: np.random.Generator, dtype: npt.DTypeLike) -> Array:
        return np.full(shape, 0.25, dtype)
