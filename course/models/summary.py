"""A model layer by layer, counted for one example before there are weights."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil

from course.layers import Concat, Cost, Layer, Model, ReceptiveField, Sequential, Shape

__all__ = ["Row", "Summary", "summary"]

_LEFT, _RIGHT = "text-align:left;padding-left:0.5em", "text-align:right;padding:0.1em 0.6em"
_COLUMNS = ("output", "parameters", "multiply-adds", "activations", "sees")


@dataclass(frozen=True)
class Row:
    """One layer, or the heading of a block with the sum of what follows it."""

    path: str
    """where it stands: "3.body.0", as in the names of the parameters"""
    depth: int
    """how many blocks are around it"""
    title: str
    block: bool
    """whether this is a heading"""
    output: Shape
    cost: Cost
    seen: ReceptiveField
    """what one neuron of the output sees of the picture, its padding included"""


@dataclass(frozen=True)
class Summary:
    """The rows of a model and their total; it prints as text and shows as a table in a notebook."""

    name: str
    input_shape: Shape
    rows: tuple[Row, ...]
    total: Cost

    def __str__(self) -> str:
        table = [["layer", *_COLUMNS]]
        for row in self.rows:
            colon = ":" if row.block else ""
            table.append(["  " * row.depth + row.title + colon, *_cells(row, self._pictures)])
        table.append(["total", "", *map(_number, self.total), ""])
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = []
        for label, *cells in table:
            right = "".join(f"  {cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
            lines.append(f"{label:<{widths[0]}}{right}".rstrip())
        rule = "─" * (sum(widths) + 2 * len(_COLUMNS))
        title = f"{self.name} on {_times(self.input_shape)}"
        return "\n".join([title, rule, lines[0], rule, *lines[1:-1], rule, lines[-1]])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col" style="{_RIGHT}">{name}</th>' for name in _COLUMNS)
        body = "".join(_html_row(row, self._pictures) for row in self.rows)
        total = _html_cells(["", *map(_number, self.total), ""])
        caption = f"{escape(self.name)} on {_times(self.input_shape)}, for one example"
        return (
            '<table style="font-variant-numeric:tabular-nums;border-collapse:collapse;white-space:nowrap">'
            f'<caption style="{_LEFT}">{caption}</caption>'
            f'<thead><tr><th scope="col" style="{_LEFT}">layer</th>{head}</tr></thead>'
            f"<tbody>{body}</tbody>"
            f'<tfoot style="border-top:2px solid"><tr><th scope="row" style="{_LEFT}">total</th>{total}</tr></tfoot>'
            "</table>"
        )

    @property
    def _pictures(self) -> bool:
        return len(self.input_shape) == 3


def summary(model: Model, input_shape: Shape, *, depth: int | None = None) -> Summary:
    """List a model's layers with output shape, parameters, multiply-adds, activations and receptive field.

    No weights are allocated, however large the model is. What a neuron sees counts the padding around the picture
    too, so that it may be more than there is: VGG-16 sees 404×404 of a picture of 224×224.

    Args:
        model: built or not.
        input_shape: of one example, (C, H, W) or (D,).
        depth: open so many levels of blocks; None opens all.

    Raises:
        TypeError: model is no model.
        ValueError: the model does not fit the input.

    Source: EECS 442, "Suppose we want to convert a 32x32x3 image into a 10x1 vector" (shapes and parameters).

    >>> from course.layers import Affine, Conv2d, GlobalAvgPool2d, ReLU, Sequential
    >>> print(summary(Sequential(Conv2d(10, 3, pad=1), ReLU(), GlobalAvgPool2d(), Affine(10)), (3, 32, 32)))
    model on 3×32×32
    ─────────────────────────────────────────────────────────────────────────────
    layer                   output  parameters  multiply-adds  activations   sees
    ─────────────────────────────────────────────────────────────────────────────
    Conv2d(10, 3, pad=1)  10×32×32         280        276 480       10 240    3×3
    ReLU()                10×32×32                                  10 240    3×3
    GlobalAvgPool2d()           10                                      10  34×34
    Affine(10)                  10         110            100           10  34×34
    ─────────────────────────────────────────────────────────────────────────────
    total                                  390        276 580       20 500
    """
    if not isinstance(model, Model):
        raise TypeError(f"model is {model!r}; a model would fit, such as models.lenet5()")
    input_shape = tuple(input_shape)
    total = model.cost(input_shape)
    rows = tuple(_rows(model, input_shape, ReceptiveField(), depth))
    return Summary(model.name or "model", input_shape, rows, total)


def _rows(
    model: Model, in_shape: Shape, seen: ReceptiveField, depth: int | None, path: str = "", level: int = 0
) -> Iterator[Row]:
    if isinstance(model, Layer):  # the model is a single layer
        yield _row(model, repr(model), path, level, in_shape, seen)
    for key, part, shape in model.parts(in_shape):
        place = f"{path}.{key}" if path else key
        if isinstance(part, Layer):
            title = repr(part) if key.isdigit() else f"{key}: {part!r}"
            yield _row(part, title, place, level, shape, seen)
        else:
            title = part.name or (f"branch {key}" if isinstance(model, Concat) else key)
            yield _row(part, title, place, level, shape, seen)
            if depth is None or level < depth:
                yield from _rows(part, shape, seen, depth, place, level + 1)
        if isinstance(model, Sequential):  # the next part sees through this one; branches start alike
            seen = part.look(seen, shape)


def _row(part: Model, title: str, path: str, level: int, in_shape: Shape, seen: ReceptiveField) -> Row:
    block = not isinstance(part, Layer)
    seen = part.look(seen, in_shape)
    return Row(path, level, title, block, part.output_shape(in_shape), part.cost(in_shape), seen)


def _cells(row: Row, pictures: bool) -> list[str]:
    seen = _times([ceil(cells) for cells in row.seen.field]) if pictures else ""
    return [_times(row.output), *map(_number, row.cost), seen]


def _html_row(row: Row, pictures: bool) -> str:
    weight = "bold" if row.block else "normal"
    label = f'<th scope="row" style="text-align:left;font-weight:{weight};padding-left:{0.5 + 1.2 * row.depth:.1f}em">'
    style = ' style="border-top:1px solid #8888"' if row.block else ""
    return f"<tr{style}>{label}{escape(row.title)}</th>{_html_cells(_cells(row, pictures))}</tr>"


def _html_cells(cells: Sequence[str]) -> str:
    return "".join(f'<td style="{_RIGHT}">{cell}</td>' for cell in cells)


def _times(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def _number(count: int) -> str:
    """Write thousands apart, and nothing for 0."""
    return f"{count:,}".replace(",", " ") if count else ""
