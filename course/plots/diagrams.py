"""Drawings of what a convolution layer is: who is connected to whom, where the window stops, what it sees."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon, Rectangle

from .figure import BLUE, GREY, INK, ORANGE, PURPLE, SKY, TITLE, VERMILLION, drawing, write

__all__ = ["connections", "receptive_field", "volumes", "window_positions"]

Point = tuple[float, float]

DASHES = ((VERMILLION, "-"), (BLUE, "--"), (INK, ":"), (PURPLE, "-."))


def connections(inputs: int, hidden: int, field: int) -> Figure:
    """Draw one layer of neurons three times: connected to all, connected locally, and with shared weights.

    Args:
        inputs: units below.
        hidden: units above.
        field: inputs that each hidden unit sees when connected locally.

    >>> fig = connections(7, 3, 3)
    """
    stride = (inputs - field) // max(hidden - 1, 1)
    apart = inputs + 1.6
    kinds = (
        ("connected to all", "each line has its own weight"),
        ("connected locally", "each line has its own weight"),
        ("weights shared", "lines of one style, one weight"),
    )
    figure, axes = drawing((-1.2, 3 * apart - 1.4), (-1.5, 4.0), min(0.36, 10 / (3 * apart)))
    for n, (title, note) in enumerate(kinds):
        left, middle = n * apart, n * apart + (inputs - 1) / 2
        for j in range(hidden):
            x = middle + (j - (hidden - 1) / 2) * stride
            for i in range(inputs) if n == 0 else range(j * stride, j * stride + field):
                colour, dash = DASHES[(i - j * stride) % len(DASHES)] if n == 2 else (GREY, "-")
                width = 2.4 if n == 2 else 1.4
                axes.plot([left + i, x], [0, 2.6], color=colour, linestyle=dash, linewidth=width, zorder=1)
            _unit(axes, x, 2.6, ORANGE)
        for i in range(inputs):
            _unit(axes, left + i, 0, SKY)
        write(axes, middle, 3.5, title, size=TITLE)
        write(axes, middle, -0.85, note)
    return figure


def window_positions(size: int, field: int, strides: Sequence[int]) -> Figure:
    """Draw where a window stops along one row of cells, for each stride; one that does not fit is dashed.

    Args:
        size: N, cells in the row.
        field: F, cells in the window.
        strides: one row of the figure each.

    >>> fig = window_positions(7, 3, [1, 2, 3])
    """
    # a window that begins before the edge and ends beyond it is drawn only where cells would stay unseen
    used = [
        [p for p in range(0, size, stride) if p + field <= size or 0 < p < size > p - stride + field]
        for stride in strides
    ]
    heights = [0.5 * len(row) + 1.5 for row in used]
    figure, axes = drawing((-2.3, size + 5.8), (sum(heights) - 0.3, -0.2), 0.46)
    top = 0.0
    for stride, row, height in zip(strides, used, heights, strict=True):
        write(axes, -0.4, top + 0.4, f"stride {stride}", size=TITLE, align="right")
        for i in range(size):
            axes.add_patch(Rectangle((i, top), 1, 0.8, facecolor=SKY, edgecolor=INK, linewidth=1, alpha=0.55))
        for n, p in enumerate(row):
            y = top + 1.1 + 0.5 * n
            if p + field <= size:
                axes.plot([p + 0.08, p + field - 0.08], [y, y], color=BLUE, linewidth=6, solid_capstyle="butt")
            else:
                axes.plot([p + 0.08, p + field], [y, y], color=VERMILLION, linewidth=6, linestyle=(0, (1.2, 0.5)))
                write(axes, p + field + 0.2, y, "beyond the edge", align="left", colour=VERMILLION)
        top += height
    return figure


def volumes(size: int, channels: int, field: int, filters: int) -> Figure:
    """Draw a volume, one filter that spans its full depth, and the maps that all filters make.

    Args:
        size: height and width of the input.
        channels: its depth C.
        field: F.
        filters: K, the number of maps.

    >>> fig = volumes(32, 3, 5, 6)
    """
    out = size - field + 1
    scale = 3.0 / size  # the input is drawn 3 wide
    side, window, depth, left, step = out * scale, field * scale, 0.25 * channels, 6.3, 0.22
    span = max(side + (filters - 1) * step, 3.3)  # of the maps, and of the words below them
    figure, axes = drawing((-0.3, left + span + 0.4), (-1.1, 4.0), 0.8)
    right, _ = _box(axes, 0, 0, 3, depth, SKY)
    x, y = min(1.5, 2.9 - window), max(0.1, min(1.7, 2 - window))  # where the filter stands
    end, _ = _box(axes, x, y, window, depth, ORANGE)
    for k in reversed(range(filters)):
        corner, face = (left + k * step, k * step), "white" if k else "#DDEEF8"
        axes.add_patch(Rectangle(corner, side, side, facecolor=face, edgecolor=INK, linewidth=1.2))
    cell, at = 0.14, (left + x / 3 * side, y / 3 * side + 0.1)
    axes.add_patch(Rectangle(at, cell, cell, facecolor=ORANGE, edgecolor=INK, linewidth=1.2, zorder=4))
    for corner_y in (y + 0.4 * depth, y + window + 0.4 * depth):
        axes.plot([end, at[0]], [corner_y, at[1] + cell / 2], color=INK, linewidth=1, linestyle="--", zorder=3)
    write(axes, (right + left) / 2, 3.0, f"{field}·{field}·{channels} products\nand a bias\ngive one number")
    write(axes, 1.7, -0.6, f"input {channels}×{size}×{size}\n(C, H, W)", size=TITLE)
    write(axes, left + span / 2, -0.6, f"output: {filters} maps, one a filter\n(K, OH, OW)", size=TITLE)
    return figure


def receptive_field(layers: int, field: int, *, stride: int = 1) -> Figure:
    """Draw layers of neurons along one axis and mark what the neuron on top sees of each.

    Args:
        layers: convolutions on top of the input.
        field: F of every layer.
        stride: S of every layer.

    >>> fig = receptive_field(2, 3)
    """
    seen = [1]
    for _ in range(layers):
        seen.insert(0, (seen[0] - 1) * stride + field)  # of the layer below
    beside = 2  # neurons at either side of those that matter
    half = (seen[0] - 1) / 2 + beside
    figure, axes = drawing((-half - 3.2, half + 4.4), (-0.6, 1.5 * layers + 0.6), 0.44)
    for n, count in enumerate(seen):
        y, apart = 1.5 * n, stride**n
        for i in range(-beside, count + beside):
            x, inside = (i - (count - 1) / 2) * apart, 0 <= i < count
            if abs(x) > half:
                continue
            if inside and n:
                for j in range(field):
                    below = x + (j - (field - 1) / 2) * stride ** (n - 1)
                    axes.plot([below, x], [y - 1.5, y], color=GREY, linewidth=1.2, zorder=1)
            _unit(axes, x, y, (ORANGE if n == layers else SKY) if inside else "white", edge=INK if inside else GREY)
        write(axes, -half - 0.8, y, f"layer {n}" if n else "input", size=TITLE, align="right")
        sees = f"sees {count}×{count}" if n < layers else "one neuron"
        write(axes, half + 0.8, y, sees, size=TITLE, align="left")
    return figure


def _unit(axes: Axes, x: float, y: float, colour: str, *, edge: str = INK) -> None:
    axes.add_patch(Circle((x, y), 0.32, facecolor=colour, edgecolor=edge, linewidth=1.2, zorder=2))


def _box(axes: Axes, x: float, y: float, side: float, depth: float, colour: str) -> Point:
    """A square box seen from the front, the top and the right; its far upper right corner."""
    dx, dy = 0.6 * depth, 0.4 * depth
    faces: tuple[tuple[Point, ...], ...] = (
        ((x, y), (x + side, y), (x + side, y + side), (x, y + side)),
        ((x, y + side), (x + side, y + side), (x + side + dx, y + side + dy), (x + dx, y + side + dy)),
        ((x + side, y), (x + side + dx, y + dy), (x + side + dx, y + side + dy), (x + side, y + side)),
    )
    for face in faces:
        axes.add_patch(Polygon(face, facecolor=colour, edgecolor=INK, linewidth=1.2, alpha=0.75))
    return x + side + dx, y + side + dy
