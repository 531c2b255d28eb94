"""Train LeNet-5 on digits at random places of a 32×32 frame, and test it on handwriting that it has not seen.

    python -m course.train

On a machine that has other work to do, OPENBLAS_NUM_THREADS=1 before it is several times faster: products this small
gain little from a second thread, and lose much where it has to wait for its turn.
"""

from functools import partial
from time import perf_counter

import numpy as np

from course import data, models
from course.optim import Optimizer, cosine
from course.train import Bar, evaluate, fit

EPOCHS = 8


def main(seed: int = 0) -> float:
    """Train, print how it went, and return the accuracy on unseen digits."""
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
        schedule=cosine(epochs=EPOCHS),
        epochs=EPOCHS,
        batch_size=64,
        augment=augment,
        callbacks=[Bar()],
        rng=rng,
    )
    seconds = perf_counter() - began
    _, accuracy = evaluate(model, (x_test, y_test))
    print(history)
    print(f"LeNet-5 reads {accuracy:.1%} of 1000 unseen digits, after {seconds:.0f} s of training.")
    return accuracy


if __name__ == "__main__":
    main()
