"""Train LeNet-5 on digits at random places of a 32×32 frame, and test it on handwriting that it has not seen.

Matrix products get one thread, unless the environment says how many (OPENBLAS_NUM_THREADS=2, say): products this small
gain little from a second one, and on a machine with other work they lose much where it has to wait for its turn.
"""

import argparse
import os
import sys
from functools import partial
from time import perf_counter

import numpy as np

from course import data, models
from course.ops._workers import THREADS
from course.optim import Optimizer, cosine
from course.train import Bar, evaluate, fit


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m course.train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=8, help="how often it sees the 8000 digits; by default 8")
    parser.add_argument("--seed", type=int, default=0, help="of the digits' places and the weights; by default 0")
    chosen = parser.parse_args()
    if chosen.epochs < 1 or chosen.seed < 0:
        parser.error("1 epoch or more, and a seed of 0 or more, would fit")
    if os.name == "posix" and not any(name in os.environ for name in THREADS):
        # NumPy is loaded by now, and only reads this as it loads: begin anew
        os.environ.update(dict.fromkeys(THREADS, "1"))
        os.execv(sys.executable, [sys.executable, "-m", "course.train", *sys.argv[1:]])
    train(chosen.epochs, chosen.seed)


def train(epochs: int, seed: int) -> None:
    """Train, and print how it went."""
    rng = np.random.default_rng(seed)
    x, y = data.translated_digits(8000, size=32, zoom=2, part="train", rng=rng)
    x_test, y_test = data.translated_digits(1000, size=32, zoom=2, part="test", rng=rng)
    x_test, x = data.standardize(x_test, like=x), data.standardize(x)
    model = models.lenet5().build((1, 32, 32), rng=rng)
    # small changes only, and no flips: a 6 that is turned round is a 9; what comes in at the edges is paper
    augment = partial(
        data.augment.random,
        rotation=10, translation=0, scaling=1.1, flips=(False, False), shearing=8, stretching=1.1,
        fill=float(np.median(x)),
    )  # fmt: skip
    began = perf_counter()
    history = fit(
        model,
        (x, y),
        optimizer=Optimizer(model, "adam", lr=4e-3),
        schedule=cosine(epochs=epochs),
        epochs=epochs,
        batch_size=64,
        augment=augment,
        callbacks=[Bar()],
        rng=rng,
    )
    seconds = perf_counter() - began
    _, accuracy = evaluate(model, (x_test, y_test))
    print(history)
    print(f"LeNet-5 reads {accuracy:.1%} of 1000 unseen digits, after {seconds:.0f} s of training.")


if __name__ == "__main__":
    main()
