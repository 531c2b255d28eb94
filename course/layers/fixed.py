"""The layers that learn nothing: pooling, non-linearities, changes of size and shape.

Equations, errors and sources stand with the ops of the same names. Fields, strides and pads are an int or a pair
(vertical, horizontal), as everywhere.
"""

from fractions import Fraction
from math import prod
from typing import Any

from course import ops
from course.layers.base import Array, Shape
from course.layers.field import Window
from course.layers.layer import Layer, Op, expect
from course.shapes import Pair, pair, pool2d_shape

__all__ = [
    "ELU", "AvgPool2d", "Dropout", "Flatten", "GlobalAvgPool2d", "Identity", "LeakyReLU", "LocalResponseNorm",
    "MaxPool2d", "ReLU", "Sigmoid", "Swish", "Tanh", "UpsampleBilinear2d", "UpsampleNearest2d",
]  # fmt: skip


class _Pool(Layer):
    def __init__(self, op: Op, op_backward: Op, field: Pair, stride: Pair | None, pad: Pair, floor: bool) -> None:
        super().__init__(op, op_backward, field, stride=stride, pad=pad, floor=floor)
        self.field = field
        self._seen = Window.of(field, field if stride is None else stride, pad)

    def arguments(self) -> tuple[Any, ...]:
        return (self.field,)

    def output_shape(self, in_shape: Shape) -> Shape:
        expect(self, in_shape, "(C, H, W)", 3)
        return pool2d_shape((1, *in_shape), self.field, **self.hyper)[1:]

    def window(self, in_shape: Shape | None) -> Window:
        return self._seen


class MaxPool2d(_Pool):
    """The largest value of every window: (C, H, W) → (C, OH, OW). Windows lie side by side unless told."""

    def __init__(self, field: Pair = 2, *, stride: Pair | None = None, pad: Pair = 0, floor: bool = False) -> None:
        super().__init__(ops.max_pool2d, ops.max_pool2d_backward, field, stride, pad, floor)


class AvgPool2d(_Pool):
    """The mean of every window: (C, H, W) → (C, OH, OW). Windows lie side by side unless told."""

    def __init__(self, field: Pair = 2, *, stride: Pair | None = None, pad: Pair = 0, floor: bool = False) -> None:
        super().__init__(ops.avg_pool2d, ops.avg_pool2d_backward, field, stride, pad, floor)


class _WholeMap(Layer):
    """A layer after which every number comes from the whole map."""

    def window(self, in_shape: Shape | None) -> Window:
        if in_shape is None:
            raise ValueError(f"{self!r} sees the whole map; the input_shape would tell how large that is")
        return Window.of((in_shape[1], in_shape[2])) if len(in_shape) == 3 else Window()


class GlobalAvgPool2d(_WholeMap):
    """The mean of every map: (C, H, W) → (C,)."""

    def __init__(self) -> None:
        super().__init__(ops.global_avg_pool2d, ops.global_avg_pool2d_backward)

    def output_shape(self, in_shape: Shape) -> Shape:
        return expect(self, in_shape, "(C, H, W)", 3)[:1]


class Flatten(_WholeMap):
    """The picture as one row of numbers: (C, H, W) → (C·H·W,).

    It is another view of pictures that lie in memory one after the other. After a convolution of many pictures the
    same cells of all of them may lie side by side; then the rows are a copy.
    """

    writes = False

    def __init__(self) -> None:
        super().__init__(_flatten, _flatten_backward)

    def output_shape(self, in_shape: Shape) -> Shape:
        return (prod(in_shape),)


class _Upsample(Layer):
    reads = 1  # cells along each axis that one place of the output blends

    def __init__(self, op: Op, op_backward: Op, scale: Pair) -> None:
        super().__init__(op, op_backward, scale)
        self.scale = pair(scale, "scale")

    def arguments(self) -> tuple[Any, ...]:
        return (self.scale,)

    def output_shape(self, in_shape: Shape) -> Shape:
        c, h, w = expect(self, in_shape, "(C, H, W)", 3)
        return c, h * self.scale[0], w * self.scale[1]

    def window(self, in_shape: Shape | None) -> Window:
        return Window((self.reads, self.reads), (Fraction(1, self.scale[0]), Fraction(1, self.scale[1])))


class UpsampleNearest2d(_Upsample):
    """Every value becomes a block: (C, H, W) → (C, S·H, S·W)."""

    def __init__(self, scale: Pair) -> None:
        super().__init__(ops.upsample_nearest2d, ops.upsample_nearest2d_backward, scale)


class UpsampleBilinear2d(_Upsample):
    """Every value is blended with its neighbours: (C, H, W) → (C, S·H, S·W)."""

    reads = 2

    def __init__(self, scale: Pair) -> None:
        super().__init__(ops.upsample_bilinear2d, ops.upsample_bilinear2d_backward, scale)


class LocalResponseNorm(Layer):
    """Each value divided by the activity of its neighbour channels; AlexNet had it in 2012."""

    def __init__(self, *, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0) -> None:
        hyper = {"size": size, "alpha": alpha, "beta": beta, "k": k}
        super().__init__(ops.local_response_norm, ops.local_response_norm_backward, **hyper)
        self.try_out()


class Dropout(Layer):
    """Loses each value with probability p in training, and does nothing otherwise. `build` gives it its `rng`."""

    def __init__(self, p: float) -> None:
        super().__init__(ops.dropout, ops.dropout_backward, p=p)
        self.try_out()


class ReLU(Layer):
    """max(0, x)"""

    def __init__(self) -> None:
        super().__init__(ops.relu, ops.relu_backward)


class LeakyReLU(Layer):
    """x, or slope·x where x is negative."""

    def __init__(self, *, slope: float = 0.1) -> None:
        super().__init__(ops.leaky_relu, ops.leaky_relu_backward, slope=slope)
        self.try_out()


class ELU(Layer):
    """x, or α·(eˣ − 1) where x is negative."""

    def __init__(self, *, alpha: float = 1.0) -> None:
        super().__init__(ops.elu, ops.elu_backward, alpha=alpha)
        self.try_out()


class Sigmoid(Layer):
    """1/(1 + e⁻ˣ)"""

    def __init__(self) -> None:
        super().__init__(ops.sigmoid, ops.sigmoid_backward)


class Tanh(Layer):
    """The hyperbolic tangent."""

    def __init__(self) -> None:
        super().__init__(ops.tanh, ops.tanh_backward)


class Swish(Layer):
    """x·σ(x)"""

    def __init__(self) -> None:
        super().__init__(ops.swish, ops.swish_backward)


class Identity(Layer):
    """x itself: the straight way past a block."""

    writes = False

    def __init__(self) -> None:
        super().__init__(_identity, _identity_backward)


def _identity(x: Array) -> tuple[Array, tuple[()]]:
    return x, ()


def _identity_backward(dy: Array, cache: tuple[()]) -> Array:
    return dy


def _flatten(x: Array) -> tuple[Array, tuple[int, ...]]:
    return x.reshape(len(x), prod(x.shape[1:])), x.shape


def _flatten_backward(dy: Array, shape: tuple[int, ...]) -> Array:
    return dy.reshape(shape)
