"""Models made of models: one after the other, past each other, side by side."""

from collections.abc import Iterator, Mapping
from functools import reduce
from math import prod
from reprlib import repr as shortened
from typing import Any, overload

import numpy as np

from course.layers.base import Array, Cost, Model, Shape, read_shape
from course.layers.field import ReceptiveField
from course.layers.fixed import Identity
from course.ops._validation import check_upstream

__all__ = ["Concat", "Residual", "Sequential"]


class _Container(Model):
    def __init__(self, children: Mapping[str, Model], name: str = "") -> None:
        self.name = name
        self._children = dict(children)
        for key, part in children.items():
            _check_model(key, part)
        seen: set[int] = set()
        for part in _leaves(self):
            if id(part) in seen:
                raise ValueError(
                    f"{part!r} stands in two places; a layer keeps what it saw, so that each needs its own"
                )
            seen.add(id(part))

    @property
    def children(self) -> Mapping[str, Model]:
        return self._children

    def __repr__(self) -> str:
        inside = ",\n".join(map(repr, self._children.values())).replace("\n", "\n    ")
        return f"{type(self).__name__}(\n    {inside},\n)"


class Sequential(_Container):
    """One part after the other.

    Slices are models too, of the same layers: `model[:-1]` computes the features that the last layer classifies.

    Raises:
        TypeError: a part is no model, such as a list of layers.
        ValueError: a layer stands in two places.

    >>> from course.layers import Conv2d, ReLU
    >>> model = Sequential(Conv2d(10, 5, pad=2), ReLU())
    >>> model.output_shape((3, 32, 32)), model.cost((3, 32, 32)).parameters
    ((10, 32, 32), 760)
    >>> model.build((3, 32, 32), rng=np.random.default_rng(0)).params.keys()
    dict_keys(['0.w', '0.b'])
    """

    def __init__(self, *layers: Model, name: str = "") -> None:
        super().__init__({str(i): layer for i, layer in enumerate(layers)}, name)
        self.layers = layers

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Model]:
        return iter(self.layers)

    @overload
    def __getitem__(self, key: int) -> Model: ...
    @overload
    def __getitem__(self, key: slice) -> "Sequential": ...
    def __getitem__(self, key: int | slice) -> Model:
        return Sequential(*self.layers[key]) if isinstance(key, slice) else self.layers[key]

    def parts(self, in_shape: Shape) -> Iterator[tuple[str, Model, Shape]]:
        for name, part in self.children.items():
            yield name, part, in_shape
            in_shape = part.output_shape(in_shape)

    def forward(self, x: Array, training: bool = False) -> Array:
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        for layer in reversed(self.layers):
            dy = layer.backward(dy, need_dx=need_dx or layer is not self.layers[0])
        return dy

    def output_shape(self, in_shape: Shape) -> Shape:
        return reduce(lambda shape, layer: layer.output_shape(shape), self.layers, read_shape("in_shape", in_shape))

    def look(self, seen: ReceptiveField, in_shape: Shape | None = None) -> ReceptiveField:
        for layer in self.layers:
            seen = layer.look(seen, in_shape)
            in_shape = None if in_shape is None else layer.output_shape(in_shape)
        return seen


class Residual(_Container):
    """A body and the straight way past it: y = body(x) + shortcut(x).

    The gradient goes back both ways and adds up, so that it reaches the first layers however deep the body is.

    Args:
        body: the layers that learn what to add to x.
        shortcut: by default x itself; a convolution where body changes the shape.
        name: what a summary calls it.

    Raises:
        TypeError: a part is no model.
        ValueError: a layer stands in two places, or (when shapes are known) body and shortcut cannot be added.

    Source: SYSU, "ResNet"; EECS 545, "Residual Networks" (pass through).

    >>> from course.layers import Conv2d
    >>> Residual(Conv2d(8, 3, pad=1), shortcut=Conv2d(8, 1)).output_shape((4, 16, 16))
    (8, 16, 16)
    """

    def __init__(self, *body: Model, shortcut: Model | None = None, name: str = "") -> None:
        self.body, self.shortcut = Sequential(*body), Identity() if shortcut is None else shortcut
        super().__init__({"body": self.body, "shortcut": self.shortcut}, name)

    def parts(self, in_shape: Shape) -> Iterator[tuple[str, Model, Shape]]:
        return ((name, part, in_shape) for name, part in self.children.items())

    def forward(self, x: Array, training: bool = False) -> Array:
        y: Array = self.body.forward(x, training) + self.shortcut.forward(x, training)
        return y

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        through, past = self.body.backward(dy, need_dx=need_dx), self.shortcut.backward(dy, need_dx=need_dx)
        return through + past if need_dx else past

    def output_shape(self, in_shape: Shape) -> Shape:
        shape, past = self.body.output_shape(in_shape), self.shortcut.output_shape(in_shape)
        if shape != past:
            raise ValueError(f"the body gives {shape}, the shortcut {past}; only equal shapes can be added")
        return shape

    def cost(self, in_shape: Shape) -> Cost:
        return super().cost(in_shape).plus(Cost(activations=prod(self.output_shape(in_shape))))

    def look(self, seen: ReceptiveField, in_shape: Shape | None = None) -> ReceptiveField:
        return self.body.look(seen, in_shape).union(self.shortcut.look(seen, in_shape))


class Concat(_Container):
    """Branches side by side, their maps stacked along the channels.

    `Concat(Identity(), body)` is DenseNet's union of the maps so far with new ones; an inception module is four
    branches with windows of different sizes.

    Raises:
        TypeError: a part is no model.
        ValueError: a layer stands in two places, or (when shapes are known) the maps differ in size.

    Source: EECS 545, "Very Deep Models" (inception module); SYSU, "DenseNet".

    >>> from course.layers import Conv2d
    >>> Concat(Identity(), Conv2d(32, 3, pad=1)).output_shape((64, 56, 56))
    (96, 56, 56)
    """

    def __init__(self, *branches: Model, name: str = "") -> None:
        super().__init__({str(i): branch for i, branch in enumerate(branches)}, name)
        self.branches = branches
        self._ends: list[int] = []
        self._like: tuple[Any, ...] = ()  # the shape and dtype of y

    def parts(self, in_shape: Shape) -> Iterator[tuple[str, Model, Shape]]:
        return ((name, part, in_shape) for name, part in self.children.items())

    def forward(self, x: Array, training: bool = False) -> Array:
        maps = [branch.forward(x, training) for branch in self.branches]
        self._ends = list(np.cumsum([m.shape[1] for m in maps[:-1]]))
        y: Array = np.concatenate(maps, axis=1)
        self._like = y.shape, y.dtype
        return y

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        if self._like:  # before any branch consumes what it kept
            check_upstream(dy, *self._like)
        shares = np.split(dy, self._ends, axis=1)
        through = [branch.backward(d, need_dx=need_dx) for branch, d in zip(self.branches, shares, strict=True)]
        return reduce(np.add, through) if need_dx else through[0]

    def output_shape(self, in_shape: Shape) -> Shape:
        shapes = [branch.output_shape(in_shape) for branch in self.branches]
        if len({shape[1:] for shape in shapes}) != 1:
            raise ValueError(f"branches give {', '.join(map(str, shapes))}; only their channels may differ")
        return (sum(shape[0] for shape in shapes), *shapes[0][1:])

    def cost(self, in_shape: Shape) -> Cost:
        return super().cost(in_shape).plus(Cost(activations=prod(self.output_shape(in_shape))))

    def look(self, seen: ReceptiveField, in_shape: Shape | None = None) -> ReceptiveField:
        return reduce(ReceptiveField.union, (branch.look(seen, in_shape) for branch in self.branches))


def _check_model(name: str, part: object) -> None:
    if isinstance(part, Model):
        return
    found, fits = shortened(part), "a layer such as ReLU()"
    if isinstance(part, list | tuple):
        found, fits = f"a {type(part).__name__}", "layers without brackets, or Sequential(a, b) as one part,"
    elif isinstance(part, type) and issubclass(part, Model):
        found, fits = f"the class {part.__name__}", f"{part.__name__}(…)"
    raise TypeError(f"part {name} is {found}; {fits} would fit")


def _leaves(model: Model) -> Iterator[Model]:
    if not model.children:
        yield model
    for part in model.children.values():
        yield from _leaves(part)
