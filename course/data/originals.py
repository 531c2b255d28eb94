"""Three well-known data sets in the formats in which their authors published them: MNIST, Fashion-MNIST, CIFAR-10.

A file is looked for in a local folder first and downloaded only if it is not there. Neither format can hold code:
CIFAR-10 is read from its binary version, never from the one of Python pickles.
"""

import gzip
import tarfile
import zlib
from math import prod
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from course.data.downloads import fetch, folder_for

__all__ = ["CIFAR10_CLASSES", "FASHION_MNIST_CLASSES", "cifar10", "fashion_mnist", "mnist", "read_cifar", "read_idx"]

Pictures = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Part = Literal["train", "test"]

FASHION_MNIST_CLASSES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
CIFAR10_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


class _Source(NamedTuple):
    mirrors: tuple[str, ...]
    sha256: dict[str, str]


_MNIST = _Source(
    (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    {
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
)
_FASHION = _Source(
    (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    {
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
)
_CIFAR = _Source(
    ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"),
    {"cifar-10-binary.tar.gz": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
)


def mnist(
    part: Part = "train", *, limit: int | None = None, folder: str | Path | None = None
) -> tuple[Pictures, Labels]:
    """Handwritten digits: 60 000 to train on and 10 000 to test, 11 MB.

    Args:
        part: "train" or "test".
        limit: read only the first so many; None for all.
        folder: where the four files of the original are or shall be, such as train-images-idx3-ubyte.gz, packed or
            unpacked; None for a folder in the user's cache.

    Returns:
        x: (N, 1, 28, 28) float32 in [0, 1], 0 is paper. y: (N,) int64, 0 to 9.

    Raises:
        DownloadError: the files are not in the folder, and no mirror gives them.
        ValueError: part is neither of the two, or a file is damaged or of another format.

    Source: LeCun, Cortes and Burges, the MNIST database; SYSU, "LeNet-5" pads its pictures to 32×32.
    """
    return _idx_pair("mnist", _MNIST, part, limit, folder)


def fashion_mnist(
    part: Part = "train", *, limit: int | None = None, folder: str | Path | None = None
) -> tuple[Pictures, Labels]:
    """Pictures of clothes in the format and number of MNIST, but harder to tell apart, 30 MB.

    Args:
        part: "train" or "test".
        limit: read only the first so many; None for all.
        folder: as for `mnist`; the files have the same names, so another folder.

    Returns:
        x: (N, 1, 28, 28) float32 in [0, 1]. y: (N,) int64, an index into FASHION_MNIST_CLASSES.

    Raises:
        DownloadError: the files are not in the folder, and no mirror gives them.
        ValueError: part is neither of the two, or a file is damaged or of another format.

    Source: Xiao, Rasul and Vollgraf, "Fashion-MNIST", 2017 (MIT licence).
    """
    return _idx_pair("fashion-mnist", _FASHION, part, limit, folder)


def cifar10(
    part: Part = "train", *, limit: int | None = None, folder: str | Path | None = None
) -> tuple[Pictures, Labels]:
    """Small colour photographs of ten kinds of things: 50 000 to train on and 10 000 to test, 162 MB.

    Args:
        part: "train" or "test".
        limit: read only the first so many, to save memory: all 50 000 take 614 MB; None for all.
        folder: where cifar-10-binary.tar.gz is or shall be, or the unpacked data_batch_1.bin and so on; None for a
            folder in the user's cache.

    Returns:
        x: (N, 3, 32, 32) float32 in [0, 1], red, green, blue. y: (N,) int64, an index into CIFAR10_CLASSES.

    Raises:
        DownloadError: the file is not in the folder, and no mirror gives it.
        ValueError: part is neither of the two, or a file is damaged or of another format.

    Source: Krizhevsky, "Learning multiple layers of features from tiny images", 2009; EECS 545, "Image
    Classification".
    """
    _check(part, limit)
    names = ["test_batch.bin"] if part == "test" else [f"data_batch_{i}.bin" for i in range(1, 6)]
    place = folder_for("cifar10", folder)
    unpacked = [f for f in (place, place / "cifar-10-batches-bin") if all((f / name).exists() for name in names)]
    if not unpacked:
        (archive, sha256), *_ = _CIFAR.sha256.items()
        packed = fetch(archive, folder=place, mirrors=_CIFAR.mirrors, sha256=sha256)
    x, y = np.empty((0, 3, 32, 32), np.uint8), np.empty(0, np.uint8)
    for name in names:
        content = (unpacked[0] / name).read_bytes() if unpacked else _member(packed, f"cifar-10-batches-bin/{name}")
        pictures, labels = read_cifar(content, name)
        x, y = np.concatenate([x, pictures])[:limit], np.concatenate([y, labels])[:limit]
        if limit is not None and len(x) == limit:
            break
    return x.astype(np.float32) / np.float32(255), y.astype(np.int64)


def read_idx(content: bytes, name: str = "content") -> Bytes:
    """Read an array of bytes in the IDX format, big-endian throughout.

    Two zero bytes, the type (8 for unsigned bytes), the number of axes, the length of each axis in four bytes, then
    the elements, the last axis running fastest.

    Raises:
        ValueError: the content is of another format or another length.

    >>> read_idx(bytes([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9]))
    array([[7, 8, 9]], dtype=uint8)
    """
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise ValueError(f"{name} begins with {content[:4].hex(' ')}; 00 00 08 would fit, unsigned bytes in IDX")
    axes = content[3]
    start = 4 + 4 * axes
    if len(content) < start:
        raise ValueError(f"{name} ends within its header; it is damaged: delete it and load it again")
    shape = tuple(int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes))
    if len(content) - start != prod(shape):
        raise ValueError(
            f"{name} holds {len(content) - start} elements, its header says {shape}, {prod(shape)}; "
            "it is damaged: delete it and load it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read_cifar(content: bytes, name: str = "content") -> tuple[Bytes, Bytes]:
    """Read pictures (N, 3, 32, 32) and labels (N,) in the binary format of CIFAR-10.

    Each picture takes 3073 bytes: its label, then 1024 for red, 1024 for green and 1024 for blue, row by row.

    Raises:
        ValueError: the content is of another format or another length.

    >>> x, y = read_cifar(bytes([3]) + bytes(3072))
    >>> x.shape, y
    ((1, 3, 32, 32), array([3], dtype=uint8))
    """
    if content[:1] == b"\x80":
        raise ValueError(f"{name} is a Python pickle, which can run code; the binary version of CIFAR-10 would fit")
    if len(content) % 3073:
        raise ValueError(f"{name} has {len(content)} bytes, which are no whole pictures of 3073; it is damaged")
    records = np.frombuffer(content, np.uint8).reshape(-1, 3073)
    if len(records) and records[:, 0].max() > 9:
        raise ValueError(f"{name} has the label {records[:, 0].max()}; 0 to 9 would fit: it is damaged")
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]


def _idx_pair(
    dataset: str, source: _Source, part: Part, limit: int | None, folder: str | Path | None
) -> tuple[Pictures, Labels]:
    _check(part, limit)
    place, prefix = folder_for(dataset, folder), "train" if part == "train" else "t10k"
    found = []
    for kind in ("images-idx3", "labels-idx1"):
        name = f"{prefix}-{kind}-ubyte.gz"
        path = place / name.removesuffix(".gz")  # unpacked
        if not path.exists():
            path = fetch(name, folder=place, mirrors=source.mirrors, sha256=source.sha256[name])
        found.append((path, read_idx(_unpacked(path), str(path))))
    (images, x), (_, y) = found
    if x.ndim != 3 or y.ndim != 1 or len(x) != len(y):
        raise ValueError(f"{images} has shape {x.shape}, its labels {y.shape}; (N, H, W) and (N,) would fit")
    return x[:limit, None].astype(np.float32) / np.float32(255), y[:limit].astype(np.int64)


def _unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as e:
        raise ValueError(f"{path} is damaged ({e}): delete it and load it again") from e


def _member(archive: Path, name: str) -> bytes:
    """Read one file out of a .tar.gz; nothing is written to the disk."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            file = tar.extractfile(name)
            if file is None:
                raise KeyError(f"{name} is no file")
            return file.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error, KeyError) as e:
        raise ValueError(f"{archive} is damaged, or has no {name} ({e}): delete it and load it again") from e


def _check(part: str, limit: int | None) -> None:
    if part not in ("train", "test"):
        raise ValueError(f'part is {part!r}; "train" or "test" would fit')
    if limit is not None and limit < 1:
        raise ValueError(f"limit is {limit}; 1 or more, or None, would fit")
