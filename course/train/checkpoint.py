"""A training on disk: everything that decides how it goes on, in one .npz file that is whole or not there.

Arrays are stored under names like "params/0.w", numbers and text as one JSON string: nothing is pickled, so that
opening a file from elsewhere runs no code.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from course.train.evaluation import Array
from course.train.history import History

__all__ = ["Checkpoint"]

_FORMAT = 2


@dataclass
class Checkpoint:
    """What a training needs to go on to the same bits.

    Attributes:
        arrays: by kind and name: "params" and "state" of the model, "best_params" and "best_state" of its best
            epoch if early stopping wants them, "optimizer", and "order", the rest of the epoch's shuffle.
        generators: the state of each random generator: "fit" for shuffling and augmentation, and the model's own.
        history: all that was measured; the schedule reads where it is from here.
        position: epoch, batch and the sums of the epoch under way.
        setup: what the training was started with, so that it is not mixed up with another.
    """

    arrays: dict[str, dict[str, Array]]
    generators: dict[str, Any]
    history: History
    position: dict[str, float]
    setup: dict[str, Any] = field(default_factory=dict)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file beside its final place, then put it there in one step.

        A reader, or a computer that loses power, finds the old file or the new one, never half of one.
        """
        path = Path(path)
        notes = {
            "format": _FORMAT,
            "generators": self.generators,
            "position": self.position,
            "setup": self.setup,
            "batches": self.history.batches,
            "stopped": self.history.stopped,
        }
        flat: dict[str, Any] = {
            f"{kind}/{name}": array for kind, named in self.arrays.items() for name, array in named.items()
        }
        for name in History.lists():
            flat[f"history/{name}"] = np.array(getattr(self.history, name), dtype=np.float64)
        unfinished = path.with_name(path.name + ".unfinished")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("wb") as file:
                np.savez(file, allow_pickle=False, notes=np.array(json.dumps(notes, default=_as_list)), **flat)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Checkpoint":
        """Read a file that `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is not a checkpoint, or one of another version of the course.
        """
        try:
            with np.load(path, allow_pickle=False) as archive:
                notes = json.loads(str(archive["notes"]))
                flat = {name: archive[name] for name in archive.files if name != "notes"}
        except FileNotFoundError:
            raise
        except Exception as e:
            raise ValueError(f"{path} is not a checkpoint of a training, or is damaged: {e}") from e
        if notes.get("format") != _FORMAT:
            raise ValueError(f"{path} has format {notes.get('format')}; this version of the course reads {_FORMAT}")
        arrays: dict[str, dict[str, Array]] = {}
        for key, array in flat.items():
            kind, _, name = key.partition("/")
            arrays.setdefault(kind, {})[name] = array
        measured = {name: values.tolist() for name, values in arrays.pop("history").items()}
        return cls(
            arrays=arrays,
            generators=notes["generators"],
            history=History(**measured, batches=notes["batches"], stopped=notes["stopped"]),
            position=notes["position"],
            setup=notes["setup"],
        )


def check_alike(model: Mapping[str, Array], saved: Mapping[str, Array], what: str) -> None:
    """Require that a model's arrays and the saved ones have the same names, shapes and dtypes."""
    if model.keys() != saved.keys():
        odd = ", ".join(sorted(model.keys() ^ saved.keys()))
        raise ValueError(f"the checkpoint is of another model: only one of them has the {what} {odd}")
    for name, array in model.items():
        if (array.shape, array.dtype) != (saved[name].shape, saved[name].dtype):
            raise ValueError(
                f"the checkpoint is of another model: its {what} {name} is {saved[name].dtype} {saved[name].shape}, "
                f"the model's {array.dtype} {array.shape}"
            )


def _as_list(value: Any) -> Any:
    """For JSON: some random generators keep arrays in their state."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return repr(value)
