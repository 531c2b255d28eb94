"""What a neuron sees of the picture: followed forwards, from window to window.

    field ← field + (F − 1)·jump        a window of F neurons, whose fields begin `jump` cells apart
    start ← start − P·jump              padding lets the first window begin before the picture
    jump  ← jump·S                      windows S neurons apart

Each pair is (vertical, horizontal). Source: HLCV, "5x5 filter -> 5x5 receptive field for each neuron"; SYSU,
"What do the filters learn? Receptive fields".
"""

from collections.abc import Iterable
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from course.shapes import Pair, pair

__all__ = ["ReceptiveField", "Window"]

Cells = tuple[int | Fraction, int | Fraction]


class Window(NamedTuple):
    """What one layer reads to compute one place of its output; a layer that enlarges has a stride below 1."""

    field: tuple[int, int] = (1, 1)
    stride: Cells = (1, 1)
    pad: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, field: Pair, stride: Pair = 1, pad: Pair = 0, dilation: Pair = 1) -> "Window":
        """Read a window as the ops take it; one that is dilated spans d·(F − 1) + 1.

        >>> Window.of(3, stride=2, pad=(0, 2), dilation=2)
        Window(field=(5, 5), stride=(2, 2), pad=(0, 2))
        """
        (fh, fw), (dv, dh) = pair(field, "field"), pair(dilation, "dilation")
        return cls((dv * (fh - 1) + 1, dh * (fw - 1) + 1), pair(stride, "stride"), pair(pad, "pad", least=0))


class ReceptiveField(NamedTuple):
    """The cells of the picture that the neurons of one map see.

    >>> ReceptiveField().through(Window.of(5)).through(Window.of(2, stride=2))
    ReceptiveField(field=(6, 6), jump=(2, 2), start=(0, 0))
    """

    field: Cells = (1, 1)
    """so many rows and columns"""
    jump: Cells = (1, 1)
    """the distance between the fields of neighbours"""
    start: Cells = (0, 0)
    """where the field of the first neuron begins; negative in the padding"""

    def through(self, window: Window) -> "ReceptiveField":
        """Follow one layer further."""
        axes = list(zip(*self, *window, strict=True))
        return ReceptiveField(
            _pair(field + (extent - 1) * jump for field, jump, _, extent, _, _ in axes),
            _pair(jump * stride for _, jump, _, _, stride, _ in axes),
            _pair(start - pad * jump for _, jump, start, _, _, pad in axes),
        )

    def union(self, other: "ReceptiveField") -> "ReceptiveField":
        """See what either branch sees.

        Raises:
            ValueError: the branches move over the picture in different steps.
        """
        if self.jump != other.jump:
            raise ValueError(f"branches with steps of {self.jump} and {other.jump} cells; equal steps would fit")
        start = _pair(min(a, b) for a, b in zip(self.start, other.start, strict=True))
        ends = (max(s + f, t + g) for s, f, t, g in zip(self.start, self.field, other.start, other.field, strict=True))
        return ReceptiveField(_pair(end - first for end, first in zip(ends, start, strict=True)), self.jump, start)

    def box(self, i: int, j: int, size: tuple[int, int] | None = None) -> tuple[int, int, int, int]:
        """Give the field of the neuron in row i and column j as (x1, y1, x2, y2), x2 and y2 excluded.

        After a layer that enlarges, neighbours share a field, and the place is right to within one step of the
        smaller map.

        Args:
            i, j: the row and column of the neuron.
            size: (H, W) of the picture; with it, what lies in the padding is cut off.

        >>> seen = ReceptiveField().through(Window.of(3, pad=1))
        >>> seen.box(0, 4), seen.box(0, 4, size=(8, 8))
        ((3, -1, 6, 2), (3, 0, 6, 2))
        """
        top, left = (s + k * step for s, k, step in zip(self.start, (i, j), self.jump, strict=True))
        y1, x1 = floor(top), floor(left)
        y2, x2 = y1 + ceil(self.field[0]), x1 + ceil(self.field[1])
        if size is not None:
            y1, x1, y2, x2 = max(y1, 0), max(x1, 0), min(y2, size[0]), min(x2, size[1])
        return x1, y1, x2, y2


def _pair(values: Iterable[int | Fraction]) -> Cells:
    vertical, horizontal = (int(v) if v == int(v) else v for v in values)
    return vertical, horizontal
