"""A function pair of one's own as a layer of a real network."""

from collections.abc import Callable, Mapping
from copy import copy
from reprlib import repr as shortened
from typing import Any

import numpy as np
import numpy.typing as npt

from course.data.arguments import check_callable
from course.layers.base import Array, Shape, read_shape
from course.layers.layer import Layer, Op

__all__ = ["layer_from"]


def layer_from(
    forward: Op,
    backward: Op | None = None,
    *,
    like: Layer | None = None,
    params: Mapping[str, Array | Shape] | None = None,
    output_shape: Callable[[Shape], Shape] | None = None,
    **hyper: Any,
) -> Layer:
    """Turn a function pair into a layer, which trains in a network like any other.

    Say what it learns in one of two ways: it is `like` a layer of the course, whose place it takes, or it has
    these `params`.

    Args:
        forward: `y, cache = forward(x, *params, **hyper)`, or y alone if there is no backward.
        backward: `dx, *dparams = backward(dy, cache)`, in the order of the arguments; a single one may come bare.
        like: a layer with the same arguments: its parameters, shapes and hyperparameters are taken over.
        params: by name, in the order of the arguments: an array to start from (a copy is trained), or a shape, to
            be filled by `build`: arrays of two or more axes by He's initialisation, the others with 0.
        output_shape: gives the shape of y for the shape of x, both of one example; if it is not given, the layer
            tries `forward` on zeros and looks.
        hyper: the keyword-only arguments of forward.

    Raises:
        TypeError: forward, backward or output_shape is no function, `like` no layer, a parameter neither an array nor
            a shape; or `like` comes together with params, output_shape or hyper.
        ValueError: an axis of a parameter is shorter than 1.

    >>> from course.layers import Affine, Sequential
    >>> def double_affine(x, w, b):
    ...     return 2 * (x @ w + b), (x, w)
    >>> def double_affine_backward(dy, cache):
    ...     x, w = cache
    ...     return 2 * dy @ w.T, 2 * x.T @ dy, 2 * dy.sum(axis=0)
    >>> layer = layer_from(double_affine, double_affine_backward, like=Affine(3))
    >>> model = Sequential(layer).build((4,), rng=np.random.default_rng(0))
    >>> model.forward(np.ones((2, 4), np.float32)).shape
    (2, 3)
    >>> layer
    double_affine(3)
    """
    check_callable("forward", forward, "a function that gives y, cache")
    if backward is not None:
        check_callable("backward", backward, "a function that gives dx, *dparams")
    if output_shape is not None:
        check_callable("output_shape", output_shape, "lambda in_shape: in_shape")
    if like is None:
        return _Custom(forward, backward, params or {}, output_shape, hyper)
    if params or output_shape or hyper:
        raise TypeError("like=… says it all; params, output_shape and hyperparameters go without it")
    if not isinstance(like, Layer):
        raise TypeError(f"like is {shortened(like)}; a layer such as Affine(3) would fit")
    layer = copy(like)
    Layer.__init__(layer, forward, backward, *like.shown, **like.hyper)
    layer.hyper, layer.title = dict(like.hyper), _name(forward)  # the defaults of forward may be others
    return layer


class _Custom(Layer):
    def __init__(
        self,
        forward: Op,
        backward: Op | None,
        params: Mapping[str, Array | Shape],
        output_shape: Callable[[Shape], Shape] | None,
        hyper: Mapping[str, Any],
    ) -> None:
        super().__init__(forward, backward, **hyper)
        self.title, self.learns = _name(forward), bool(params)
        if not isinstance(params, Mapping):
            raise TypeError(f'params is {shortened(params)}; {{"w": (4, 3)}} would fit')
        self._given, self._rule = dict(params), output_shape
        self._shapes = {
            name: w.shape if isinstance(w, np.ndarray) else read_shape(f'params["{name}"]', w, _FITS)
            for name, w in params.items()
        }

    def parameter_shapes(self, in_shape: Shape) -> dict[str, Shape]:
        return self._shapes

    def initial(self, name: str, shape: Shape, rng: np.random.Generator, dtype: npt.DTypeLike) -> Array:
        given = self._given[name]
        if isinstance(given, np.ndarray):
            return given.astype(dtype)
        return super().initial("w" if len(shape) > 1 else "b", shape, rng, dtype)

    def output_shape(self, in_shape: Shape) -> Shape:
        if self._rule is not None:
            return tuple(self._rule(in_shape))
        zeros = [np.zeros(shape, np.float32) for shape in self.parameter_shapes(in_shape).values()]
        found = self.call(np.zeros((1, *in_shape), np.float32), zeros, training=False)
        return np.shape(found[0] if isinstance(found, tuple) else found)[1:]


_FITS = "an array, or a shape such as (4, 3),"


def _name(function: Op) -> str:
    return getattr(function, "__name__", type(function).__name__)
