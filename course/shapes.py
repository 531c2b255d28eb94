"""How large a result is and how many parameters it takes, counted before a single number is computed.

The symbols are those of NOTATION.md: a field of extent F moves over N cells in steps of S after P cells of
padding at either end, and (N + 2P − F)/S + 1 positions result. A field that does not fit is an error which
shows that arithmetic; `floor=True` is the other convention (EECS 442), which leaves the last cells unseen.
"""

from collections.abc import Sequence
from operator import index

__all__ = [
    "affine_parameters", "conv2d_parameters", "conv2d_shape", "conv_transpose2d_shape", "four", "output_size", "pair",
    "pool2d_shape", "transposed_size",
]  # fmt: skip

Pair = int | Sequence[int]


def output_size(size: int, field: int, *, stride: int = 1, pad: int = 0, dilation: int = 1, floor: bool = False) -> int:
    """Count the positions of a field that slides along one axis: (N + 2P − F)/S + 1.

    With a dilation d the field's F cells stand d apart and span d·(F − 1) + 1.

    Args:
        size: N, the number of cells; at least 1.
        field: F, the extent of the window; at least 1.
        stride: S, the step from one position to the next; at least 1.
        pad: P, the cells added at either end; at least 0.
        dilation: d, the distance between neighbouring cells of the field; at least 1.
        floor: round down instead of refusing a field that does not fit; the last cells are then never seen.

    Raises:
        TypeError: an argument is not a whole number.
        ValueError: an argument is too small, or the field does not fit.

    Source: HLCV, "Output dimensions"; EECS 442, "In General" for the rounded form.

    >>> output_size(7, 3), output_size(7, 3, stride=2), output_size(32, 5, pad=2)
    (5, 3, 32)
    >>> output_size(7, 3, stride=3)
    Traceback (most recent call last):
    ValueError: (7 − 3)/3 + 1 = 2.33 is not whole: a field of 3 does not fit on 7 cells with stride 3; ...
    >>> output_size(7, 3, stride=3, floor=True)
    2
    """
    size, field = _whole("size", size), _whole("field", field)
    stride, pad, dilation = _whole("stride", stride), _whole("pad", pad, 0), _whole("dilation", dilation)
    room = size + 2 * pad - _span(field, dilation)
    if room < 0 or (room % stride and not floor):
        raise ValueError(_why_not(size, field, stride, pad, dilation))
    return room // stride + 1


def _span(field: int, dilation: int) -> int:
    return dilation * (field - 1) + 1


def _why_not(size: int, field: int, stride: int, pad: int, dilation: int) -> str:
    """Say why a field does not fit, with the lectures' arithmetic and with what would fit."""
    span = _span(field, dilation)
    room = size + 2 * pad - span
    # 2.33 as in the lectures; a longer stride leaves smaller fractions, which must not look whole
    result = f"{room / stride + 1:.{1 + len(str(stride))}f}".rstrip("0").rstrip(".").replace("-", "−")
    arithmetic = f"({size}{f' + 2·{pad}' if pad else ''} − {span})/{stride} + 1 = {result}"
    what = f"a field of {field}" + (f", spread over {span} by dilation {dilation}," if dilation > 1 else "")
    where = f"{size} cells" + (f" padded by {pad}" if pad else "")
    if room < 0:
        enough = (span - size + 1) // 2
        return f"{arithmetic} is not a size: {what} does not fit on {where}; pad {enough} would be enough"
    strides = ", ".join(str(s) for s in range(1, room + 1) if room % s == 0)
    return (
        f"{arithmetic} is not whole: {what} does not fit on {where} with stride {stride}; "
        f"stride {strides} would fit, or floor=True, which never sees the last {room % stride}"
    )


def transposed_size(size: int, field: int, *, stride: int = 1, pad: int = 0) -> int:
    """Undo `output_size`: (N − 1)·S + F − 2P, the size that a transposed convolution produces.

    Raises:
        TypeError: an argument is not a whole number.
        ValueError: an argument is too small, or the padding cuts everything off.

    Source: EECS 545, "From Classification to Semantic Segmentation" (learnable upsampling).

    >>> transposed_size(4, 4, stride=2, pad=1)
    8
    >>> output_size(8, 4, stride=2, pad=1)
    4
    """
    size, field = _whole("size", size), _whole("field", field)
    stride, pad = _whole("stride", stride), _whole("pad", pad, 0)
    whole = (size - 1) * stride + field
    if whole <= 2 * pad:
        raise ValueError(
            f"({size} − 1)·{stride} + {field} − 2·{pad} = {whole - 2 * pad} is not a size: "
            f"pad {pad} cuts everything off; {(whole - 1) // 2} or less would fit".replace("= -", "= −")
        )
    return whole - 2 * pad


def pair(value: Pair, name: str = "value", *, least: int = 1) -> tuple[int, int]:
    """Read an int as (int, int) and a pair (vertical, horizontal) as itself.

    Raises:
        TypeError: neither a whole number nor a pair of them.
        ValueError: a number below `least`, or not two of them.

    >>> pair(3), pair((1, 2))
    ((3, 3), (1, 2))
    >>> pair((1, 2, 3), "stride")
    Traceback (most recent call last):
    ValueError: stride=(1, 2, 3) has length 3; a number or a pair (vertical, horizontal) would fit
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        value = (value, value)
    if len(value) != 2:
        raise ValueError(
            f"{name}={value!r} has length {len(value)}; a number or a pair (vertical, horizontal) would fit"
        )
    vertical, horizontal = value
    return _whole(name, vertical, least), _whole(name, horizontal, least)


def four(shape: Sequence[int], name: str = "shape", axes: str = "N, C, H, W") -> tuple[int, int, int, int]:
    """Read the shape of a batch of pictures, or of filters: four ints, H and W at least 1.

    Raises:
        TypeError: not a sequence of whole numbers.
        ValueError: not four of them, or one is too small.

    >>> four((2, 3, 7, 8))
    (2, 3, 7, 8)
    >>> four((2, 3, 0, 8), "x")
    Traceback (most recent call last):
    ValueError: x has shape (2, 3, 0, 8); (N, C, H, W) would fit, H and W at least 1, N and C at least 0
    """
    try:
        sizes = tuple(index(size) for size in shape)
    except TypeError:
        raise TypeError(f"{name}={shape!r} is not a shape; ({axes}) would fit, four whole numbers") from None
    found = f"{name} {'is' if name == 'shape' else 'has shape'} {sizes}; ({axes}) would fit"
    if len(sizes) != 4:
        raise ValueError(found)
    first, second, high, wide = sizes
    if min(first, second) < 0 or min(high, wide) < 1:
        a, b, h, w = axes.split(", ")
        raise ValueError(f"{found}, {h} and {w} at least 1, {a} and {b} at least 0")
    return first, second, high, wide


def conv2d_shape(
    x: Sequence[int],
    w: Sequence[int],
    *,
    stride: Pair = 1,
    pad: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
    floor: bool = False,
) -> tuple[int, int, int, int]:
    """Give the shape (N, K, OH, OW) of a convolution of pictures with K filters.

    Args:
        x: the pictures' shape (N, C, H, W).
        w: the filters' shape (K, C/groups, FH, FW).
        stride, pad, dilation: an int or a pair (vertical, horizontal).
        groups: the channels are split into so many groups, each with K/groups filters of its own.
        floor: as in `output_size`.

    Raises:
        TypeError: an argument is not a whole number.
        ValueError: channels and filters do not match, or the field does not fit.

    Source: HLCV, "Summary. To summarize, the Conv Layer" and "Examples time".

    >>> conv2d_shape((1, 3, 32, 32), (10, 3, 5, 5), pad=2)
    (1, 10, 32, 32)
    """
    n, c, h, wide = four(x, "x")
    k, depth, fh, fw = four(w, "w", "K, C, FH, FW")
    groups = _whole("groups", groups)
    if c % groups or k % groups:
        raise ValueError(f"groups={groups} must divide both: x has {c} channels, w has {k} filters")
    if depth * groups != c:
        split = f"; in {groups} groups its filters must have {c // groups}" if groups > 1 else ""
        raise ValueError(f"w has {depth} channels, x has {c}{split}")
    (sv, sh), (pv, ph) = pair(stride, "stride"), pair(pad, "pad", least=0)
    dv, dh = pair(dilation, "dilation")
    return (
        n, k,
        output_size(h, fh, stride=sv, pad=pv, dilation=dv, floor=floor),
        output_size(wide, fw, stride=sh, pad=ph, dilation=dh, floor=floor),
    )  # fmt: skip


def pool2d_shape(
    x: Sequence[int], field: Pair, *, stride: Pair | None = None, pad: Pair = 0, floor: bool = False
) -> tuple[int, int, int, int]:
    """Give the shape (N, C, OH, OW) of pooled pictures of shape (N, C, H, W).

    `stride=None` means the field: windows side by side. The pad must be smaller than the field, or a window
    would hold nothing but padding.

    Raises:
        TypeError: an argument is not a whole number.
        ValueError: the pad is too large, or the field does not fit.

    Source: HLCV, "(Max) Pooling Layer".

    >>> pool2d_shape((1, 1, 7, 7), 3, stride=2)
    (1, 1, 3, 3)
    """
    n, c, h, w = four(x, "x")
    fh, fw = pair(field, "field")
    sv, sh = (fh, fw) if stride is None else pair(stride, "stride")
    pv, ph = pair(pad, "pad", least=0)
    if pv >= fh or ph >= fw:
        raise ValueError(f"pad={(pv, ph)} is not smaller than field={(fh, fw)}: a window would hold only padding")
    return (
        n, c,
        output_size(h, fh, stride=sv, pad=pv, floor=floor),
        output_size(w, fw, stride=sh, pad=ph, floor=floor),
    )  # fmt: skip


def conv_transpose2d_shape(
    x: Sequence[int], w: Sequence[int], *, stride: Pair = 1, pad: Pair = 0
) -> tuple[int, int, int, int]:
    """Give the shape (N, K, OH, OW) of a transposed convolution of x (N, C, H, W) with w (C, K, FH, FW).

    Raises:
        TypeError: an argument is not a whole number.
        ValueError: the channels do not match, or the padding cuts everything off.

    Source: EECS 545, "From Classification to Semantic Segmentation" (learnable upsampling).

    >>> conv_transpose2d_shape((1, 3, 4, 5), (3, 2, 4, 4), stride=2, pad=1)
    (1, 2, 8, 10)
    """
    n, c, h, wide = four(x, "x")
    depth, k, fh, fw = four(w, "w", "C, K, FH, FW")
    if depth != c:
        raise ValueError(f"w has {depth} channels, x has {c}; w is (C, K, FH, FW)")
    (sv, sh), (pv, ph) = pair(stride, "stride"), pair(pad, "pad", least=0)
    return n, k, transposed_size(h, fh, stride=sv, pad=pv), transposed_size(wide, fw, stride=sh, pad=ph)


def affine_parameters(inputs: int, outputs: int, *, bias: bool = True) -> int:
    """Count the weights and biases of a fully connected layer: D·M + M.

    Source: EECS 442, "How many parameters does this network have?"

    >>> affine_parameters(4, 4) + affine_parameters(3, 4) + affine_parameters(4, 2)
    46
    """
    inputs, outputs = _whole("inputs", inputs), _whole("outputs", outputs)
    return inputs * outputs + (outputs if bias else 0)


def conv2d_parameters(channels: int, filters: int, field: Pair, *, groups: int = 1, bias: bool = True) -> int:
    """Count the weights and biases of a convolution: (FH·FW·C/groups + 1)·K.

    Raises:
        TypeError: an argument is not a whole number.
        ValueError: `groups` does not divide channels and filters.

    Source: HLCV, "Examples time"; SYSU, "Conventional vs. depth-wise convolution" for groups = channels.

    >>> conv2d_parameters(3, 10, 5)
    760
    """
    channels, filters = _whole("channels", channels), _whole("filters", filters)
    groups = _whole("groups", groups)
    fh, fw = pair(field, "field")
    if channels % groups or filters % groups:
        raise ValueError(f"groups={groups} must divide both: {channels} channels, {filters} filters")
    return (fh * fw * channels // groups + bool(bias)) * filters


def _whole(name: str, value: object, least: int = 1) -> int:
    """Read a whole number: an int or NumPy's, but neither True nor 2.0."""
    try:
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"{name}={value!r} is not a whole number; an int of {least} or more would fit")
    if number < least:
        raise ValueError(f"{name}={number} is too small; {least} or more would fit")
    return number
