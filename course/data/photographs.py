"""Two small photographs to look at through filters."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

_FILES = Path(__file__).parent / "files"
PHOTOGRAPHS = ("china", "flower")


def photograph(name: str = "china") -> npt.NDArray[np.uint8]:
    """A colour photograph, 120 high and 180 wide.

    "china" is a pavilion above a lake, by danielbuechele; "flower" a dahlia, by vultilion; both under
    CC BY 2.0, reduced. Addresses and what was changed stand in files/SOURCES.md.

    Returns:
        (H, W, 3) uint8, red, green and blue, as `matplotlib.pyplot.imshow` takes it.

    Raises:
        ValueError: there is no photograph of that name.

    >>> photograph("flower").shape, photograph("flower").dtype
    ((120, 180, 3), dtype('uint8'))

    For a network, as one float32 picture (N, C, H, W) in [0, 1]:

    >>> x = photograph("china").transpose(2, 0, 1)[None].astype(np.float32) / 255
    >>> x.shape
    (1, 3, 120, 180)
    """
    if name not in PHOTOGRAPHS:
        raise ValueError(f"name is {name!r}; {' or '.join(map(repr, PHOTOGRAPHS))} would fit")
    with np.load(_FILES / f"{name}.npz") as archive:
        rgb: npt.NDArray[np.uint8] = archive["rgb"]
    return rgb
